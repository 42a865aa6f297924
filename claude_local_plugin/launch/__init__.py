"""Starting a program on one backend, and telling shells, launchers and editors of it."""
