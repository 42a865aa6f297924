"""Price lists as text."""

from decimal import Decimal


def read(line):
    """Name and price of a line, in cents."""
    name, price = line.split()
    return name, int(Decimal(price) * 100)
