"""Addresses."""


def normal(address):
    """An address in small letters, without blanks around it."""
    return address.strip().lower()
