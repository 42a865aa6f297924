"""Says on which line of a JSON text a key stands, so that every value can name its place.

`settings/syntax.py` knows the place of everything, which whoever edits needs. What `status` loads stays without it:
here C reads the values, and only the objects that are asked for.
"""

import re
from bisect import bisect_left
from json import JSONDecoder

_BLANK = re.compile(r"[ \t\n\r]*")
_DECODER = JSONDecoder()


def line_of(text: str, path: tuple[str | int, ...]) -> int | None:
    """The 1-based line of the key (or the item of a list) at `path` in the JSON `text`; the last of repeated keys.

    None when the path leads nowhere. `text` must be JSON that `json.loads` accepts (a byte order mark is allowed).
    """
    return Lines(text).of(path)


class Lines:
    """The lines of one text's keys, for whoever asks for many of them: an object is read once, when it is asked for.

    A settings file may have thousands of variables, and each of them names its line.
    """

    __slots__ = ("_ends", "_members", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._ends: list[int] | None = None
        self._members: dict[int, dict[str | int, tuple[int, int]]] = {}

    def of(self, path: tuple[str | int, ...]) -> int | None:
        """As `line_of` says."""
        found: tuple[int, int] | None = None
        at = _skip(self._text, 1 if self._text.startswith("\ufeff") else 0)
        for name in path:
            found = self._read(at).get(name)
            if found is None:
                return None
            at = found[1]
        return None if found is None else self._line(found[0])

    def _read(self, at: int) -> dict[str | int, tuple[int, int]]:
        """Where each key or item of the object or list at this offset begins, and its value; nothing where is none."""
        if at not in self._members:
            self._members[at] = _members(self._text, at) if self._text[at : at + 1] == "{" else _items(self._text, at)
        return self._members[at]

    def _line(self, offset: int) -> int:
        if self._ends is None:
            self._ends = [end.start() for end in re.finditer("\n", self._text)]
        return bisect_left(self._ends, offset) + 1


def _skip(text: str, index: int) -> int:
    found = _BLANK.match(text, index)
    return index if found is None else found.end()


def _items(text: str, index: int) -> dict[str | int, tuple[int, int]]:
    found: dict[str | int, tuple[int, int]] = {}
    if text[index : index + 1] != "[":
        return found
    index = _skip(text, index + 1)
    while text[index] != "]":
        found[len(found)] = index, index
        _, index = _DECODER.raw_decode(text, index)
        index = _skip(text, index)
        if text[index] == ",":
            index = _skip(text, index + 1)
    return found


def _members(text: str, index: int) -> dict[str | int, tuple[int, int]]:
    found: dict[str | int, tuple[int, int]] = {}
    index = _skip(text, index + 1)
    while text[index] == '"':
        key_at = index
        key, index = _DECODER.raw_decode(text, index)
        value_at = _skip(text, _skip(text, index) + 1)
        found[key] = key_at, value_at
        _, index = _DECODER.raw_decode(text, value_at)
        index = _skip(text, index)
        if text[index] == ",":
            index = _skip(text, index + 1)
    return found
