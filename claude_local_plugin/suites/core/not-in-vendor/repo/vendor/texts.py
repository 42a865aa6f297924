"""Texts 0.3. Do not edit."""


def clean(line):
    """A line with single blanks and a capital at its beginning."""
    words = line.split()
    return " ".join([words[0].capitalize(), *words[1:]])
