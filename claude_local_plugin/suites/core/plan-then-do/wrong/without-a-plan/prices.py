from decimal import Decimal


def read(line):
    name, price = line.split()
    return name, int(Decimal(price) * 100)
