"""`.env` files, as python-dotenv reads them, and direnv's `dotenv` where its own reader can (each seen).

There is no standard for them: a value stands without quotes where it can, then in single ones, which every reader takes
as they are, and in double ones with escapes where it has a quote or a line's end in it. A variable cannot be taken
away, only emptied.
"""

from collections.abc import Sequence

from claude_local_plugin.errors import UsageError
from claude_local_plugin.launch.shells.shell import Part, Shell, Value, Variable, joined

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@,+=%-")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def assign(name: str, value: Value) -> str:
    """`NAME=…`; raises UsageError for what its readers would make something else of."""
    parts = joined(value)
    if not any(isinstance(part, Variable) for part in parts):
        return f"{name}={_text(name, ''.join(map(str, parts)))}"
    return f'{name}="{"".join(_inside(name, part) for part in parts)}"'


def unset(names: Sequence[str]) -> str:
    """`NAME=` for each."""
    return "\n".join(f"{name}=" for name in names)


def _text(name: str, text: str) -> str:
    _check(name, text)
    if _PLAIN.issuperset(text):
        return text
    if not set(text) & set("'\n\r") and "\\\\" not in text:
        return f"'{text}'"
    if "$" not in text:
        return f'"{"".join(_ESCAPES.get(letter, letter) for letter in text)}"'
    if "\r" in text:
        raise UsageError(f"{name} has a $ and a carriage return in it, which a .env file cannot hold together", _ELSE)
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _inside(name: str, part: Part) -> str:
    """A piece of what stands in double quotes, where `${NAME}` is looked up."""
    if isinstance(part, Variable):
        return f"${{{part.name}}}"
    text = str(part)
    _check(name, text)
    if "$" in text:
        raise UsageError(f"{name} has a $ beside a reference, which a .env file cannot hold", _ELSE)
    return "".join(_ESCAPES.get(letter, letter) for letter in text)


def _check(name: str, text: str) -> None:
    if "${" in text:
        raise UsageError(f"{name} has ${{ in it, and what reads a .env file would put a variable in its place", _ELSE)
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise UsageError(f"{name} has bytes in it that are no UTF-8, which a .env file has to be", _ELSE)


_ELSE = "--shell direnv writes an .envrc, which can hold everything"

SHELL = Shell("dotenv", assign, unset, (Variable,), ".env")
