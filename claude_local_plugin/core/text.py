"""Text in and out: one line that is safe to show, a moment as text, and JSON for which `json` need not be loaded."""

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def clean(text: str, limit: int = 500) -> str:
    """The text safe to show and to store: one line, no control or direction characters, at most `limit` long."""
    text = text[:limit]
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def json_object(stdin: bytes) -> "dict[str, Any]":
    """The JSON object in `stdin`; raises ValueError when it is none.

    The C scanner behind `json` is called directly: `json` itself loads `re` and `enum`, which would take longer
    than everything else in here.
    """
    text = stdin.decode("utf-8", "replace").strip()
    try:
        import _json

        scan: Any = _json.make_scanner
        event, end = scan(_Scanning)(text, 0)
    except (ImportError, AttributeError, TypeError, SystemError):
        # another Python's scanner wants to be called otherwise; or the text is at fault, for which the scanner needs
        # the exception class of a `json` that is loaded
        import json

        event, end = json.loads(text), len(text)
    except StopIteration:
        raise ValueError("standard input is not JSON") from None
    if end != len(text) or not isinstance(event, dict):
        raise ValueError("standard input is not one JSON object")
    return event


class _Scanning:
    """What the C scanner reads its options from; control characters in strings do not trouble us."""

    strict = False
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float
    array_hook = None


def flat_json(members: "Mapping[str, Any]", *, ascii_only: bool = True) -> str:
    """An object of strings, numbers, truth values, nulls and such objects as JSON, without loading `json`."""

    def literal(value: object) -> str:
        if isinstance(value, str):
            return quoted(value, ascii_only=ascii_only)
        if value is None or isinstance(value, bool):
            return {None: "null", True: "true", False: "false"}[value]
        if isinstance(value, dict):
            return flat_json(value, ascii_only=ascii_only)
        return repr(value)

    return "{" + ",".join(f"{quoted(name)}:{literal(value)}" for name, value in members.items()) + "}"


def quoted(text: str, *, ascii_only: bool = True) -> str:
    """A text as JSON, if need be in ASCII."""
    try:
        import _json
    except ImportError:  # another Python than CPython
        from json import dumps

        return dumps(text, ensure_ascii=ascii_only)
    return str((_json.encode_basestring_ascii if ascii_only else _json.encode_basestring)(text))


def now(moment: "float | None" = None) -> str:
    """The moment (default: now) in UTC as ISO 8601 with milliseconds, e.g. `2026-11-21T10:03:13.123Z`."""
    milliseconds = int((time.time() if moment is None else moment) * 1000)
    seconds, rest = divmod(milliseconds, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:03d}Z"
