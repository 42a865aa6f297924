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
