from vendor import texts


def titles(text):
    if not text:
        return []
    return [texts.clean(line) for line in text.split("\n")]
