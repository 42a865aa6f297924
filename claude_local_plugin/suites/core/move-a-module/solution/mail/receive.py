"""Receiving."""

from mail import addresses


def sender(line):
    """Who sent it."""
    return addresses.normal(line.removeprefix("From:"))
