"""Entries by day."""

from datetime import timezone


def day_of(time):
    """The day of a time in UTC, as 2026-03-01; a time without a zone is in UTC."""
    if time.tzinfo is None:
        time = time.replace(tzinfo=timezone.utc)
    return time.astimezone(timezone.utc).date().isoformat()
