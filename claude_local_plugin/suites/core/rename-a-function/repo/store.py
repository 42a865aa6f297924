"""Orders as text: a line each."""


def load(text):
    """The orders in a text: count and name."""
    return [(int(line.split()[0]), line.split()[1]) for line in text.splitlines()]
