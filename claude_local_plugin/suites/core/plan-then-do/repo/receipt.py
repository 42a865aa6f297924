"""What is printed."""

import names
import prices
from till import Till


def line(name, price):
    """A line of a receipt."""
    return f"{names.shown(name)} {price:.2f}"


def of(text):
    """The receipt for a price list that was bought whole."""
    till = Till()
    for each in text.splitlines():
        till.add(*prices.read(each))
    lines = [line(name, price) for name, price in till.sold]
    return "\n".join([*lines, line("TOTAL", till.total()), line("TAX", till.tax())])
