"""Things as text."""

EMPTY = "nothing"


def report(things):
    """Things as text."""
    return "\n".join(f"{thing.number} {thing.name} {thing.count}" for thing in things) or EMPTY
