from inventory.things import add


def read(text):
    return [add(line.split()[0], int(line.split()[1])) for line in text.splitlines()]
