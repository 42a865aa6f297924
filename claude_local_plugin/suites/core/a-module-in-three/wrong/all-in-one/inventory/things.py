EMPTY = "nothing"
last_id = 0


class Thing:
    def __init__(self, number, name, count):
        self.number = number
        self.name = name
        self.count = count


def add(name, count=1):
    global last_id
    last_id += 1
    return Thing(last_id, name, count)


def read(text):
    return [add(line.split()[0], int(line.split()[1])) for line in text.splitlines()]


def report(things):
    return "\n".join(f"{thing.number} {thing.name} {thing.count}" for thing in things) or EMPTY
