"""Words."""


def loud(word):
    """A word in capitals."""
    return word.upper()


def half(words):
    """The first half of some words."""
    return words[: len(words) // 2]


def unused(words):
    """Words the other way round."""
    return words[::-1]


def parts(text):
    """The words of a text."""
    return text.split()


def count(text):
    """How many words there are."""
    return len(parts(text))
