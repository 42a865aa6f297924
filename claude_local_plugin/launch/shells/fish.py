"""fish, which knows a backslash inside of single quotes, and no `$'…'`."""

from collections.abc import Sequence

from claude_local_plugin.core.shell import quoted
from claude_local_plugin.launch.shells.shell import Output, Part, Shell, Value, Variable, joined, runs


def assign(name: str, value: Value) -> str:
    """`set -gx NAME …`: global, exported."""
    return f"set -gx {name} {''.join(map(_spelt, joined(value))) or quoted('')}"


def unset(names: Sequence[str]) -> str:
    """`set -e NAME NAME`, which says nothing of those that are not set."""
    return f"set -e {' '.join(names)}"


def _spelt(part: Part) -> str:
    if isinstance(part, Variable):
        return f'"${part.name}"'
    if isinstance(part, str):
        return "".join(map(_text, runs(part, str.isprintable)))
    return f"({' '.join(map(quoted, part.words))})"


def _text(run: str) -> str:
    """A run in quotes; what cannot be seen byte by byte, outside of them."""
    if run.isprintable():
        return quoted(run)
    return "".join(f"\\X{byte:02x}" for byte in run.encode("utf-8", "surrogateescape"))


SHELL = Shell("fish", assign, unset, (Variable, Output))
