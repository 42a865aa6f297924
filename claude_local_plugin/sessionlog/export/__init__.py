"""The log as a table for other programs."""
