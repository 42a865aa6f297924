"""What ran where: the journal that hooks write, and the log made of it. Standard library only, Python 3.9 and later."""
