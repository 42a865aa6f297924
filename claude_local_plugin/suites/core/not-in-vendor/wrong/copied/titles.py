import texts


def titles(text):
    return [texts.clean(line) for line in text.split("\n") if line.strip()]
