"""What each command does, as data: every module here gathers, decides, acts, and returns a report; none prints."""
