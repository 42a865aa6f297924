"""Settings as text."""


def load(text):
    """The settings in a text."""
    return dict(line.split("=", 1) for line in text.splitlines())
