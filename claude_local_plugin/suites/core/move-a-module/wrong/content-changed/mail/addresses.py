"""Helpers for addresses."""


def normal(address: str) -> str:
    """An address in small letters."""
    return address.strip().lower()
