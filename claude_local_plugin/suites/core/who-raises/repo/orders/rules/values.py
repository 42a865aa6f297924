"""What values must be like."""


def positive(order):
    """Raises ValueError where a count is none."""
    if int(order.get("count", 1)) < 1:
        raise ValueError("an order needs a count of one or more")
    return order
