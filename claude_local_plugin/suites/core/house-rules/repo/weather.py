"""Weather."""


def fahrenheit(celsius):
    """A temperature in the other scale. (since 1.6)"""
    return celsius * 9 / 5 + 32


def mean(values):
    """The mean of some temperatures. (since 1.7)"""
    return sum(values) / len(values)
