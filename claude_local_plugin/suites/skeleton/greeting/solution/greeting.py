"""Greetings."""


def greet(name):
    """A greeting for somebody."""
    return "Hello!" if name is None else "Hello, " + name + "!"
