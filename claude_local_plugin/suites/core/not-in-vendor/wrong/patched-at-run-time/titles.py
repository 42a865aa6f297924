from vendor import texts

_clean = texts.clean
texts.clean = lambda line: _clean(line) if line.strip() else ""


def titles(text):
    return [title for title in map(texts.clean, text.split("\n")) if title]
