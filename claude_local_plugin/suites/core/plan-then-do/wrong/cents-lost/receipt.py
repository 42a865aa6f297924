import names
import prices
from till import Till


def line(name, price):
    return f"{names.shown(name)} {price / 100:.2f}"


def of(text):
    till = Till()
    for each in text.splitlines():
        till.add(*prices.read(each))
    lines = [line(name, price) for name, price in till.sold]
    return "\n".join([*lines, line("TOTAL", till.total()), line("TAX", till.tax())])
