"""Areas of shapes."""

from math import pi


def circle(radius: float) -> float:
    """The area of a circle."""
    return pi * radius**2


def rectangle(width: float, height: float) -> float:
    """The area of a rectangle."""
    return width * height
