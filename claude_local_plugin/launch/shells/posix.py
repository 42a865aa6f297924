"""What bash, zsh and direnv (which has bash read its file) are told in the same words."""

from collections.abc import Sequence

from claude_local_plugin.core.shell import quoted
from claude_local_plugin.launch.shells.shell import Part, Value, Variable, joined


def assign(name: str, value: Value) -> str:
    """`export NAME=…`."""
    return f"export {name}={''.join(map(_spelt, joined(value)))}"


def unset(names: Sequence[str]) -> str:
    """`unset NAME NAME`, which says nothing of those that are not set."""
    return f"unset {' '.join(names)}"


def _spelt(part: Part) -> str:
    if isinstance(part, Variable):
        return f'"${part.name}"'
    if isinstance(part, str):
        return quoted(part) if part.isprintable() else f"$'{''.join(map(_escaped, part))}'"
    return f'"$({" ".join(map(quoted, part.words))})"'


#: Escapes of `$'…'` with a letter of their own.
_LETTERS = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", "'": "\\'"}


def _escaped(letter: str) -> str:
    """One character inside of `$'…'`; an exclamation mark, too, which an interactive bash would take for its own."""
    if letter in _LETTERS:
        return _LETTERS[letter]
    if letter.isprintable() and letter != "!":
        return letter
    return "".join(f"\\x{byte:02x}" for byte in letter.encode("utf-8", "surrogateescape"))
