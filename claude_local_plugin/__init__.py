"""claude-local: Claude Code on your own model server, explained and on record."""

__version__ = "0.1.0"
