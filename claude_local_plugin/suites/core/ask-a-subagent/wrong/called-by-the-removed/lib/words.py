def loud(word):
    return word.upper()


def half(words):
    return words[: len(words) // 2]


def parts(text):
    return text.split()


def count(text):
    return len(parts(text))
