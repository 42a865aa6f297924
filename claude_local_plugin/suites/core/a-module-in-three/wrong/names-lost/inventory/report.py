EMPTY = "nothing"


def report(things):
    return "\n".join(f"{thing.number} {thing.name} {thing.count}" for thing in things) or EMPTY
