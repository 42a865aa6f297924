"""Things out of a text."""

from inventory.things import add


def read(text):
    """The things of a text: a name and a count on each line."""
    return [add(line.split()[0], int(line.split()[1])) for line in text.splitlines()]
