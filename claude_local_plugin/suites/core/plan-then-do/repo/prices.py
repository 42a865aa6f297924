"""Price lists as text."""


def read(line):
    """Name and price of a line."""
    name, price = line.split()
    return name, float(price)
