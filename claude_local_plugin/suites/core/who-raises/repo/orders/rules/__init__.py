"""What an order must have."""

from orders.rules.presence import NEEDED, require
from orders.rules.values import positive


def checked(order):
    """The order, where it is one."""
    for name in NEEDED:
        require(order, name)
    return positive(order)
