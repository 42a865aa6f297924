"""Names of goods."""


def shown(name):
    """A name as it is printed."""
    return name.replace("_", " ")
