"""Weather."""


def fahrenheit(celsius):
    """A temperature in the other scale. (since 1.6)"""
    return celsius * 9 / 5 + 32


def mean(values):
    """The mean of some temperatures. (since 1.7)"""
    return sum(values) / len(values)


def feels_like(celsius, wind):
    """The temperature as the wind, in km/h, makes it feel. (since 1.8)"""
    return celsius - min(wind // 10, 15)
