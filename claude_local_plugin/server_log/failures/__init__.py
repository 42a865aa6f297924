"""The known failures of servers, a module for what each has to do with."""
