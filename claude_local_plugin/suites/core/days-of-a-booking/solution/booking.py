"""Bookings of rooms."""

CLEANING = 30
LONG = 7


def nights(arrival, departure):
    """The number of nights between two days; raises ValueError where there is none."""
    count = (departure - arrival).days
    if count < 1:
        raise ValueError(f"from {arrival} to {departure} there is no night")
    return count


def price(arrival, departure, rate):
    """Every night at the rate, and cleaning once."""
    return nights(arrival, departure) * rate + CLEANING


def is_long(arrival, departure):
    """Whether a stay is a long one: seven nights or more."""
    return nights(arrival, departure) >= LONG
