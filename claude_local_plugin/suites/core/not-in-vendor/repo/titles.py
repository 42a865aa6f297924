"""Titles of a text."""

from vendor import texts


def titles(text):
    """The lines of a text, cleaned."""
    return [texts.clean(line) for line in text.split("\n")]
