"""Entries by day."""


def day_of(time):
    """The day of a time in UTC, as 2026-03-01."""
    return time.astimezone().date().isoformat()
