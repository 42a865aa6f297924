"""Sums."""

import settings
from store import read_orders

LIMIT = settings.load("limit=100")["limit"]


def total(text):
    """How much was ordered in all."""
    return sum(count for count, _ in read_orders(text))
