"""TOML as lines: a key put into a table or a table taken out, and the comments of other tables left where they are.

A parser counts the comment above a table's name to the table before. Here it belongs to the table that it stands over.
What is made here is checked by whoever asks: a text that looks like TOML inside a value may deceive.
"""

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Path = tuple[str, ...]

#: Spells a name as a key of TOML, and a value.
Spelt = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table's lines, from the comment over its name to the last line that speaks of it; `name` is that of its name.

    `path` is empty for one of an array of tables.
    """

    path: Path
    first: int
    name: int
    after: int


def with_key(text: str, path: Path, value: str, spelt: Spelt) -> str:
    """The text with a line for a key that is not there yet, in its table, which is made where there is none.

    Raises KeyError where this cannot be done with lines.
    """
    lines = _lines(text)
    tables = list(_tables(lines))
    line = f"{spelt(path[-1])} = {value}\n"
    own = next((table for table in tables if table.path == path[:-1]), None)
    if own is not None:
        return "".join([*lines[: own.after], line, *lines[own.after :]])
    if len(path) < 2 or any(key in _spoken(lines, tables) for key in (path[0], path[:-1])):
        raise KeyError(path)
    at = _place(lines, tables, path)
    name = ".".join(map(spelt, path[:-1]))
    before = ["\n"] if at else []
    behind = ["\n"] if lines[at:] and lines[at].strip() else []
    return "".join([*lines[:at], *before, f"[{name}]\n", line, *behind, *lines[at:]])


def _place(lines: list[str], tables: list[Table], path: Path) -> int:
    """Where a new table goes: behind the one that it is in, else behind the last of its kind, else at the end."""
    for depth in range(len(path) - 2, 0, -1):
        if related := [table for table in tables if table.path[:depth] == path[:depth]]:
            return related[-1].after
    at = len(lines)
    while at and not lines[at - 1].strip():
        at -= 1
    return at


def without(text: str, path: Path) -> str:
    """The text without a table and those below it, or without a key that has a line of its own; raises KeyError."""
    lines = _lines(text)
    tables = list(_tables(lines))
    gone = [table for table in tables if table.path[: len(path)] == path]
    if gone:
        for table in reversed(gone):
            lines = _without_table(lines, table)
        return "".join(lines)
    own = next((table for table in tables if table.path == path[:-1]), None)
    if own is None:
        raise KeyError(path)
    at = next(at for at in range(own.name + 1, own.after) if _key(lines[at]) == (path[-1],))
    alone = not any(line.strip() for line in (*lines[own.name + 1 : at], *lines[at + 1 : own.after]))
    if alone and own.first == own.name and "#" not in lines[own.name]:
        return "".join(_without_table(lines, own))
    return "".join([*lines[:at], *lines[at + 1 :]])


def _without_table(lines: list[str], table: Table) -> list[str]:
    before, behind = lines[: table.first], lines[table.after :]
    while behind and not behind[0].strip() and (not before or not before[-1].strip()):
        behind = behind[1:]
    if not behind:
        while before and not before[-1].strip():
            before.pop()
    return [*before, *behind]


def _lines(text: str) -> list[str]:
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return lines


def _tables(lines: list[str]) -> Iterator[Table]:
    paths = {at: path for at, line in enumerate(lines) if (path := _path(line)) is not None}
    for at, behind in zip(paths, [*paths, len(lines)][1:], strict=True):
        first = at
        while first and _is_comment(lines[first - 1]):
            first -= 1
        first = first if first else at  # what a file begins with speaks of the whole
        yield Table(paths[at], first, at, _end(lines, at, behind))


def _end(lines: list[str], name: int, behind: int) -> int:
    """Behind the table's last line: a comment right below counts, unless it stands over the next table's name."""
    spoken = [at for at in range(name, behind) if lines[at].strip() and not _is_comment(lines[at])]
    after = spoken[-1] + 1
    end = after
    while end < behind and _is_comment(lines[end]):
        end += 1
    return after if end == behind < len(lines) else end


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _path(line: str) -> Path | None:
    """The path that the line of a table's name says; empty for one of an array, None for a line that is none."""
    if not line.lstrip().startswith("["):
        return None
    try:
        node = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return None
    path: list[str] = []
    while isinstance(node, dict) and node:
        (name, node), *_ = node.items()
        path.append(name)
    return tuple(path) if isinstance(node, dict) else ()


def _key(line: str) -> Path:
    """The key of a line that is a whole `key = value`; empty for any other."""
    try:
        found = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    return tuple(found) if line.strip() and not line.lstrip().startswith("[") else ()


def _spoken(lines: list[str], tables: list[Table]) -> set[str | Path]:
    """What the lines above the first table say: a table put there as a value cannot be gone on with."""
    end = tables[0].name if tables else len(lines)
    return {name for line in lines[:end] for name in _key(line)}
