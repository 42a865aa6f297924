"""config.toml as text: one key set or taken out, comments and layout kept, and where a key stands.

The only module that knows tomlkit. What a text means is asked of `tomllib`, which hooks use too.
"""

import tomllib
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from claude_local_plugin.config import lines
from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import SettingsError

Path = tuple[str, ...]

#: As the value to set: take the key out.
ABSENT = object()


class SyntaxFaultError(SettingsError):
    """The text is no TOML; `line` and `column` count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def parse(text: str) -> dict[str, Any]:
    """What the text says; raises SyntaxFaultError."""
    text = text.removeprefix("\ufeff")
    try:
        text.encode("utf-8")
        return tomllib.loads(text)
    except UnicodeEncodeError as error:  # bytes that are no UTF-8 come as lone surrogates
        raise SyntaxFaultError("not in UTF-8", *_line_and_column(text, error.start)) from None
    except RecursionError:
        raise SyntaxFaultError("nested too deeply", 1, 1) from None
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).rpartition(" (at ")
        numbers = [int(word) for word in place.rstrip(")").replace(",", "").split() if word.isdigit()]
        line, column = numbers if len(numbers) == 2 else _line_and_column(text, len(text))
        said = message.partition(":")[0]  # what follows is a piece of the text, which may be anything
        raise SyntaxFaultError(f"{said[:1].lower()}{said[1:]}", line, column) from None


def edited(text: str, path: Path, value: object) -> str:
    """The text with the key at `path` set to `value`, or taken out (ABSENT); every other key and comment stays.

    A table in which nothing is left goes with its last key. Raises SyntaxFaultError for a text that is no TOML, and
    SettingsError when the change cannot be made without changing what else the text says.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    plain = text.removeprefix(mark)
    before = parse(plain)
    for attempt in (_as_it_is, _as_line, _as_lines, _as_tree):
        try:
            after = attempt(plain, path, value)
            if 0 < plain.count("\n") == plain.count("\r\n"):
                after = after.replace("\r\n", "\n").replace("\n", "\r\n")
            if _pruned(parse(after)) == _changed(before, path, value):
                return mark + after
        except (TOMLKitError, SyntaxFaultError, KeyError, TypeError, ValueError, AttributeError):
            continue  # a spelling that this way of changing it cannot cope with
    raise SettingsError(
        f"{'.'.join(path)} cannot be changed without changing something else in the file",
        hint=f"change it by hand; {command('claude-local', 'config', 'path')} says where the file is",
    )


def _as_it_is(text: str, _path: Path, _value: object) -> str:
    """The text as it stands, which may say so already, in a spelling of its own."""
    return text


def _as_line(text: str, path: Path, value: object) -> str:
    """A new key at the top level, as a line after the last one there: tomlkit would put it after later comments."""
    if len(path) > 1 or value is ABSENT or path[0] in parse(text):
        raise KeyError(path)
    lines = text.splitlines(keepends=True)
    tables = next((at for at, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    keys = [at for at, line in enumerate(lines[:tables]) if line.strip() and not line.lstrip().startswith("#")]
    at = keys[-1] + 1 if keys else 0 if tables < len(lines) else len(lines)
    if at and not lines[at - 1].endswith("\n"):
        lines[at - 1] += "\n"
    gap = "\n" if lines[at:] and lines[at].strip() else ""
    return "".join([*lines[:at], f"{path[0]} = {tomlkit.item(value).as_string()}\n", gap, *lines[at:]])


def _as_lines(text: str, path: Path, value: object) -> str:
    """A table taken out, or a key that is not there yet in its table, as lines: comments of other tables stay there."""
    if value is ABSENT:
        return lines.without(text, path)
    node: Any = parse(text)
    for step in path[:-1]:
        node = node.get(step, {})
    if len(path) < 2 or path[-1] in node or isinstance(value, Mapping):
        raise KeyError(path)
    return lines.with_key(text, path, tomlkit.item(value).as_string(), lambda name: tomlkit.key([name]).as_string())


def _as_tree(text: str, path: Path, value: object) -> str:
    """The key set or taken out by tomlkit."""
    document = tomlkit.parse(text)
    nodes: list[Any] = [document]
    for depth, step in enumerate(path[:-1]):
        if step not in nodes[-1]:
            # `[projects."~/x"]` needs no line `[projects]` before it
            nodes[-1][step] = tomlkit.table(is_super_table=depth < len(path) - 2)
        nodes.append(nodes[-1][step])
    if value is not ABSENT:
        nodes[-1][path[-1]] = value
        return tomlkit.dumps(document)
    del nodes[-1][path[-1]]
    for depth in range(len(path) - 1, 0, -1):
        if len(nodes[depth]) or nodes[depth].as_string().strip() or nodes[depth].trivia.comment:
            return tomlkit.dumps(document)
        del nodes[depth - 1][path[depth - 1]]
    left = tomlkit.dumps(document)
    return f"{left.rstrip()}\n" if len(path) > 1 and left.strip() else left.lstrip("\n")


def place(text: str, path: Path) -> tuple[int, int] | None:
    """Line and column, from 1, of the value at `path`, or of the table's first line; None where that is hard to say.

    Found by putting something else there and looking where the text begins to differ.
    """
    plain = text.removeprefix("\ufeff")
    try:
        document = tomlkit.parse(plain)
        node: Any = document
        for step in path[:-1]:
            node = node[step]
        old = node[path[-1]]
        if isinstance(old, Mapping) and not isinstance(old, tomlkit.items.InlineTable):
            del node[path[-1]]
        else:
            # begins with another letter than what stands there
            node[path[-1]] = 0 if isinstance(old, str) else "x"
        other = tomlkit.dumps(document)
    except (TOMLKitError, KeyError, TypeError, ValueError, AttributeError, IndexError):
        return None  # an unusual spelling: then the key's name has to do
    at = next((at for at, (one, two) in enumerate(zip(plain, other, strict=False)) if one != two), None)
    if at is None:
        at = min(len(plain), len(other))
    line, column = _line_and_column(plain, at)
    return (line, 1) if isinstance(old, Mapping) else (line, column)


def _changed(data: Mapping[str, Any], path: Path, value: object) -> dict[str, Any]:
    """The data with the change made, for comparison."""
    changed = deepcopy(dict(data))
    node: Any = changed
    for step in path[:-1]:
        node = node.setdefault(step, {})
    if value is ABSENT:
        node.pop(path[-1], None)
    else:
        node[path[-1]] = value
    return _pruned(changed)


def _pruned(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data without empty tables, which say nothing; values spelt out, for True is 1 and nan is not nan."""
    inner = {name: _pruned(value) if isinstance(value, dict) else repr(value) for name, value in data.items()}
    return {name: value for name, value in inner.items() if value != {}}


def _line_and_column(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
