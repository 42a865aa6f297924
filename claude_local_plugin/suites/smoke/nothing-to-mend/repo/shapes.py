"""Areas of shapes."""

from math import pi


def circle(radius):
    """The area of a circle."""
    return pi * radius**2


def rectangle(width, height):
    """The area of a rectangle."""
    return width * height
