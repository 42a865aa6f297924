"""Says on which line of a JSON text a key stands, so that every value can name its place."""

import re
from json import JSONDecoder

_BLANK = re.compile(r"[ \t\n\r]*")
_DECODER = JSONDecoder()


def line_of(text: str, path: tuple[str, ...]) -> int | None:
    """The 1-based line of the key at `path` in the JSON object `text`; the last one where a key is repeated.

    None when the path leads nowhere. `text` must be JSON that `json.loads` accepts (a byte order mark is allowed).
    """
    if not path:
        return None
    start = 1 if text.startswith("\ufeff") else 0
    offset = _offset_of(text, _skip(text, start), path)
    return None if offset is None else text.count("\n", 0, offset) + 1


def _skip(text: str, index: int) -> int:
    found = _BLANK.match(text, index)
    return index if found is None else found.end()


def _offset_of(text: str, index: int, path: tuple[str, ...]) -> int | None:
    """Where the key at `path` begins, within the object that begins at `index`."""
    if text[index : index + 1] != "{":
        return None
    found: int | None = None
    index = _skip(text, index + 1)
    while text[index] == '"':
        key_at = index
        key, index = _DECODER.raw_decode(text, index)
        value_at = _skip(text, _skip(text, index) + 1)
        if key == path[0]:
            found = key_at if len(path) == 1 else _offset_of(text, value_at, path[1:])
        _, index = _DECODER.raw_decode(text, value_at)
        index = _skip(text, index)
        if text[index] == ",":
            index = _skip(text, index + 1)
    return found
