"""Sending."""


def checked(address):
    """The address in its normal form; raises ValueError where it is none."""
    from util import normal

    if "@" not in address:
        raise ValueError(f"{address!r} is no address")
    return normal(address)
