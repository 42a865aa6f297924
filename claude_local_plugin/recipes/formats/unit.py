"""Units of systemd's as text: sections, and words quoted as systemd reads them."""

from collections.abc import Mapping, Sequence

#: What needs no quotes in a word.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@,+-=%")


def sections(notes: str, given: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    """A unit: notes as comments, then each section with its lines."""
    said = "\n".join(f"# {line}".rstrip() for line in notes.splitlines())
    parts = [f"[{name}]\n" + "".join(f"{key}={text}\n" for key, text in lines) for name, lines in given.items()]
    return said + "\n\n" + "\n".join(parts)


def value(text: str) -> str:
    """A text in which systemd replaces nothing."""
    return text.replace("%", "%%")


def quoted_words(*given: str) -> str:
    """Words of a command or assignments: each read back as it is, but `%h` at its beginning is the home folder."""
    return " ".join(map(_word, given))


def _word(text: str) -> str:
    start, rest = ("%h", text[2:]) if text.startswith("%h/") else ("", text)
    rest = rest.replace("%", "%%").replace("$", "$$")
    if _PLAIN.issuperset(rest) and rest:
        return start + rest
    return '"' + start + rest.replace("\\", "\\\\").replace('"', '\\"') + '"'
