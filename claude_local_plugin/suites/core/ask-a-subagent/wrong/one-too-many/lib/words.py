def parts(text):
    return text.split()


def count(text):
    return len(parts(text))
