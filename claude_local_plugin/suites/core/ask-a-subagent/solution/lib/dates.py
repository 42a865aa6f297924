"""Days."""

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def day(number):
    """The name of a day, the first being monday."""
    return DAYS[number - 1]
