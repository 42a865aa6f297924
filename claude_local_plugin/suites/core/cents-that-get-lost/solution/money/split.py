"""Amounts among people."""


def shares(cents, people):
    """The share of each, which are never more than a cent apart; the first ones pay the odd cents."""
    each, odd = divmod(cents, people)
    return [each + (number < odd) for number in range(people)]
