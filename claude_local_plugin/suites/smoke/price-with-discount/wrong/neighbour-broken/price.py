"""Prices in whole cents."""


def total(prices, discount=0):
    """The sum of the prices, less the discount."""
    if not 0 <= discount <= 100:
        raise ValueError(f"a discount is from 0 to 100 percent, not {discount}")
    return sum(prices) * (100 - discount) // 100


def with_vat(cents):
    """The price with 19 percent of value added tax, rounded down."""
    return round(cents * 1.2)
