"""Greetings."""


def greet(name):
    """A greeting for somebody."""
    return "Hello!"
