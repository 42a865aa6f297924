"""What runs inside somebody else's session: hooks and the status line. Standard library only, Python 3.9 and later."""
