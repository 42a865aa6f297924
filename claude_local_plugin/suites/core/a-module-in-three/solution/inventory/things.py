"""Things and their numbers."""

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
