"""What there is."""

EMPTY = "nothing"

#: The number of the thing that was added last.
last_id = 0


class Thing:
    """A thing with its number."""

    def __init__(self, number, name, count):
        self.number = number
        self.name = name
        self.count = count


def add(name, count=1):
    """A new thing with the next number."""
    global last_id
    last_id += 1
    return Thing(last_id, name, count)


def read(text):
    """The things of a text: a name and a count on each line."""
    return [add(line.split()[0], int(line.split()[1])) for line in text.splitlines()]


def report(things):
    """Things as text."""
    return "\n".join(f"{thing.number} {thing.name} {thing.count}" for thing in things) or EMPTY
