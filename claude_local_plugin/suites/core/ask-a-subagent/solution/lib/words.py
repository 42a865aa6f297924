"""Words."""


def loud(word):
    """A word in capitals."""
    return word.upper()


def parts(text):
    """The words of a text."""
    return text.split()


def count(text):
    """How many words there are."""
    return len(parts(text))
