"""Bookings of rooms."""

CLEANING = 30
LONG = 7


def nights(arrival, departure):
    """The number of nights between two days."""
    return (departure - arrival).days + 1


def price(arrival, departure, rate):
    """Every night at the rate, and cleaning once."""
    return (nights(arrival, departure) - 1) * rate + CLEANING


def is_long(arrival, departure):
    """Whether a stay is a long one: seven nights or more."""
    return nights(arrival, departure) > LONG
