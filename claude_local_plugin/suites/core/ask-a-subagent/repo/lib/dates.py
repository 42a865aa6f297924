"""Days."""

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def day(number):
    """The name of a day, the first being monday."""
    return DAYS[number - 1]


def old_week(number):
    """The names of the first half of a week."""
    from lib.words import half

    return half(DAYS)[:number]
