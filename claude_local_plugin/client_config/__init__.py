"""What Claude Code is to be told about a model server: which lines, why, and what a place can say."""
