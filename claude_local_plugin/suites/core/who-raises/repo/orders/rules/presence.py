"""What must be there."""

NEEDED = ("item", "customer")


def require(order, name):
    """Raises KeyError where something is missing."""
    if name not in order:
        raise KeyError(f"an order needs a {name}")


def require_customer(order):
    """The same for the customer alone; nobody calls it any more."""
    if "customer" not in order:
        raise KeyError("an order needs a customer")
