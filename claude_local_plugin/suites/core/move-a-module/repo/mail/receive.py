"""Receiving."""

import util as addresses


def sender(line):
    """Who sent it."""
    return addresses.normal(line.removeprefix("From:"))
