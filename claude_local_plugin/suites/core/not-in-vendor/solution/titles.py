"""Titles of a text."""

from vendor import texts


def titles(text):
    """The lines of a text that are not blank, cleaned."""
    return [texts.clean(line) for line in text.split("\n") if line.strip()]
