"""Amounts among people."""


def shares(cents, people):
    """The share of each, which are never more than a cent apart; the first ones pay the odd cents."""
    return [round(cents / people) for _ in range(people)]
