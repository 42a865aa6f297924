"""What hooks and commands both need to know: standard library only, Python 3.9 and later, loaded in milliseconds."""
