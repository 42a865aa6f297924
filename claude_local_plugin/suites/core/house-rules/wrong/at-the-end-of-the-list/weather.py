def fahrenheit(celsius):
    return celsius * 9 / 5 + 32


def mean(values):
    return sum(values) / len(values)


def feels_like(celsius, wind):
    """The temperature as the wind makes it feel. (since 1.8)"""
    return celsius - min(wind // 10, 15)
