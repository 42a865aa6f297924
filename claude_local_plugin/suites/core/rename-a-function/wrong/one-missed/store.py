def read_orders(text):
    return [(int(line.split()[0]), line.split()[1]) for line in text.splitlines()]
