"""JSON as settings files have it, read strictly and with the place of every value in the text.

Editors' settings may have comments and a comma behind the last member (JSON with comments, as Visual Studio Code calls
it): read so where it is asked for, and nowhere else.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from json.decoder import scanstring  # type: ignore[attr-defined]  # there since Python 2.6, unknown to typeshed
from typing import Final

from claude_local_plugin.errors import SettingsError

BOM: Final = "\ufeff"

#: Far more than any settings file has; a bound, so that a hostile file is an error and not an exhausted stack.
MAX_DEPTH: Final = 200

#: A line's end; a lone carriage return counts, since editors show it as one.
NEWLINE: Final = re.compile(r"\r\n|\n|\r")

_SPACE = re.compile(r"[ \t\n\r]*")
#: A comment: to the line's end, or to its own.
COMMENT: Final = re.compile(r"//[^\n\r]*|/\*.*?\*/", re.DOTALL)
_SPACE_OR_COMMENT = re.compile(rf"(?:[ \t\n\r]+|{COMMENT.pattern})*", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[^\W\d][\w$]*|-Infinity")
_LITERALS: Final = {"true": True, "false": False, "null": None}
_NOT_JSON: Final = ("NaN", "Infinity", "-Infinity", "undefined", "True", "False", "None")


class DocumentError(SettingsError):
    """The text is not a settings document; `line` and `column` (both from 1) say where, `fault` says what.

    The message is "7:3: trailing comma"; `at(path)` puts the file's name before it.
    """

    def __init__(self, fault: str, line: int, column: int, *, path: str | None = None) -> None:
        super().__init__(f"{f'{path}:' if path else ''}{line}:{column}: {fault}")
        self.fault = fault
        self.line = line
        self.column = column

    def at(self, path: object) -> "DocumentError":
        """The same error, naming the file it was found in."""
        return DocumentError(self.fault, self.line, self.column, path=str(path))


class Missing(Enum):
    """The type of `MISSING`."""

    MISSING = "missing"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"


#: What stands where nothing stands; unlike None it cannot be a value of the document.
MISSING: Final = Missing.MISSING


class Kind(Enum):
    """What a value is, in the words used in messages."""

    OBJECT = "an object"
    LIST = "a list"
    STRING = "a string"
    NUMBER = "a number"
    BOOLEAN = "a boolean"
    NULL = "null"


class _Source:
    """The text that nodes point into, able to say which line an offset is on."""

    __slots__ = ("_starts", "comments", "text")

    def __init__(self, text: str, *, comments: bool) -> None:
        self.text = text
        self.comments = comments
        self._starts: list[int] | None = None

    def position(self, offset: int) -> tuple[int, int]:
        """The line and column of an offset, both from 1; a byte order mark takes no column."""
        if self._starts is None:
            self._starts = [1 if self.text.startswith(BOM) else 0]
            self._starts += [newline.end() for newline in NEWLINE.finditer(self.text)]
        line = max(1, bisect_right(self._starts, offset))
        return line, max(0, offset - self._starts[line - 1]) + 1


@dataclass(frozen=True, slots=True)
class Member:
    """One `"name": value` of an object; `start` and `key_end` are the key's quotes' offsets."""

    name: str
    start: int
    key_end: int
    value: "Node"


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the document and its place: `start` and `end` are offsets of its own characters in the text."""

    kind: Kind
    start: int
    end: int
    source: _Source = field(repr=False, compare=False)
    scalar: object = None
    members: tuple[Member, ...] = ()
    items: tuple["Node", ...] = ()
    _named: list[dict[str, Member]] = field(default_factory=list, init=False, repr=False, compare=False)

    def value(self) -> object:
        """The value as Python has it; of duplicate keys the last one counts, as in JSON.parse."""
        if self.kind is Kind.OBJECT:
            return {member.name: member.value.value() for member in self.members}
        if self.kind is Kind.LIST:
            return [item.value() for item in self.items]
        return self.scalar

    @property
    def raw(self) -> str:
        """The characters this value is written with."""
        return self.source.text[self.start : self.end]

    @property
    def line(self) -> int:
        """The line this value starts on, from 1."""
        return self.source.position(self.start)[0]

    def member(self, name: str) -> Member | None:
        """The member that counts under this name: the last one."""
        if not self._named:  # read once: a file may have thousands of variables, and each is asked for
            self._named.append({member.name: member for member in self.members})
        return self._named[0].get(name)

    def find(self, path: Sequence[str | int]) -> "Node | None":
        """The value at a path of names (in objects) and indices (in lists), or None."""
        node: Node | None = self
        for step in path:
            if node is None:
                return None
            if isinstance(step, int):
                node = node.items[step] if 0 <= step < len(node.items) else None
            else:
                member = node.member(step)
                node = member.value if member else None
        return node

    def line_of(self, path: Sequence[str | int]) -> int | None:
        """The line of the key (or list item) at a path, from 1; None if nothing is there."""
        if not path:
            return self.line
        parent = self.find(path[:-1])
        if parent is None:
            return None
        if isinstance(path[-1], int):
            item = parent.find(path[-1:])
            return item.line if item else None
        member = parent.member(path[-1])
        return self.source.position(member.start)[0] if member else None


class _Parser:
    """A strict reader of JSON, with `comments` of that with comments, that remembers where everything stands."""

    def __init__(self, text: str, *, comments: bool = False) -> None:
        self.text = text
        self.comments = comments
        self.space = _SPACE_OR_COMMENT if comments else _SPACE
        self.source = _Source(text, comments=comments)

    def document(self) -> Node:
        """The document's object; empty or blank text is an empty one of no characters."""
        start = self._skip(1 if self.text.startswith(BOM) else 0)
        if start == len(self.text):
            return Node(Kind.OBJECT, start, start, self.source)
        if self.text.startswith(("\udcff\udcfe", "\udcfe\udcff")):
            raise self._error(0, "the file is UTF-16; settings must be UTF-8")
        node = self._value(start, 0, "an object")
        if node.kind is not Kind.OBJECT:
            raise self._error(start, f"the file holds {node.kind.value}; settings are an object in braces")
        end = self._skip(node.end)
        if end != len(self.text):
            raise self._unexpected(end, "nothing more", fallback="text after the end of the object")
        return node

    def single(self) -> Node:
        """The one value, of any kind, that is the whole text."""
        node = self._value(self._skip(0), 0)
        end = self._skip(node.end)
        if end != len(self.text):
            raise self._unexpected(end, "nothing more", fallback="text after the end of the value")
        return node

    def _value(self, at: int, depth: int, wanted: str = "a value") -> Node:
        if depth > MAX_DEPTH:
            raise self._error(at, f"nested more than {MAX_DEPTH} levels deep")
        first = self.text[at : at + 1]
        if first == "{":
            return self._object(at, depth)
        if first == "[":
            return self._list(at, depth)
        if first == '"':
            text, end = self._string(at)
            return Node(Kind.STRING, at, end, self.source, text)
        if number := _NUMBER.match(self.text, at):
            return self._number(number)
        word = _WORD.match(self.text, at)
        if word and word.group() in _LITERALS:
            scalar = _LITERALS[word.group()]
            return Node(Kind.NULL if scalar is None else Kind.BOOLEAN, at, word.end(), self.source, scalar)
        raise self._unexpected(at, wanted)

    def _number(self, number: "re.Match[str]") -> Node:
        text, end = number.group(), number.end()
        if self.text[end : end + 1].isalnum() or self.text[end : end + 1] in tuple("._+-"):
            raise self._error(number.start(), "malformed number")
        try:
            scalar: int | float = int(text)
        except ValueError:  # a fraction, an exponent, or more digits than Python turns into an integer
            scalar = float(text)
        return Node(Kind.NUMBER, number.start(), end, self.source, scalar)

    def _string(self, at: int) -> tuple[str, int]:
        try:
            text, end = scanstring(self.text, at + 1, True)
        except json.JSONDecodeError as error:
            raise self._string_error(at, error) from None
        return str(text), int(end)

    def _string_error(self, at: int, error: json.JSONDecodeError) -> DocumentError:
        found = self.text[error.pos : error.pos + 1]
        if error.msg.startswith("Unterminated"):
            return self._error(at, "string without an end: a closing quote is missing")
        if error.msg.startswith("Invalid control character"):
            if found in ("\n", "\r"):
                return self._error(at, "line break inside a string: a closing quote is missing")
            return self._error(error.pos, f"control character U+{ord(found):04X} inside a string")
        backslash = self.text.rfind("\\", at, error.pos + 1)
        return self._error(backslash, "unknown escape in a string: a backslash is written \\\\")

    def _object(self, at: int, depth: int) -> Node:
        members: list[Member] = []
        position = self._skip(at + 1)
        while self.text[position : position + 1] != "}":
            if members:
                position = self._comma(members[-1].value.end, position, "}")
                if self.comments and self.text[position : position + 1] == "}":
                    break
            if self.text[position : position + 1] != '"':
                raise self._unexpected(position, "a key in double quotes", word="key without quotes")
            name, key_end = self._string(position)
            colon = self._skip(key_end)
            if self.text[colon : colon + 1] != ":":
                raise self._unexpected(colon, "a colon after the key", fallback="missing colon after a key")
            value = self._value(self._skip(colon + 1), depth + 1)
            members.append(Member(name, position, key_end, value))
            position = self._skip(value.end)
        return Node(Kind.OBJECT, at, position + 1, self.source, members=tuple(members))

    def _list(self, at: int, depth: int) -> Node:
        items: list[Node] = []
        position = self._skip(at + 1)
        while self.text[position : position + 1] != "]":
            if items:
                position = self._comma(items[-1].end, position, "]")
                if self.comments and self.text[position : position + 1] == "]":
                    break
            items.append(self._value(position, depth + 1))
            position = self._skip(items[-1].end)
        return Node(Kind.LIST, at, position + 1, self.source, items=tuple(items))

    def _comma(self, after: int, at: int, closing: str) -> int:
        """Past the comma at `at`, which must stand between the value that ends at `after` and a next one."""
        if self.text[at : at + 1] != ",":
            found = self.text[at : at + 1]
            if found and (found in '"{[-' or found.isalnum()):
                raise self._error(after, "missing comma")
            raise self._unexpected(at, f"a comma or {closing}")
        following = self._skip(at + 1)
        if self.text[following : following + 1] == closing and not self.comments:
            raise self._error(at, "trailing comma")
        return following

    def _skip(self, at: int) -> int:
        space = self.space.match(self.text, at)
        return space.end() if space else at

    def _unexpected(
        self, at: int, wanted: str, *, word: str | None = None, fallback: str | None = None
    ) -> DocumentError:
        """The plainest name for what stands at `at` where something else was wanted."""
        found = self.text[at : at + 1]
        if not found:
            return self._error(at, f"the file ends too early: {wanted} is missing")
        if self.comments and self.text.startswith("/*", at):
            return self._error(at, "comment without an end: */ is missing")
        if found == "#" or self.text.startswith(("//", "/*"), at):
            return self._error(at, "comment: settings are strict JSON, which has none")
        if found == "'":
            return self._error(at, "single quotes: JSON takes double quotes only")
        if found in "“”„‘’«»":
            return self._error(at, "typographic quotes: JSON takes straight double quotes only")
        name = _WORD.match(self.text, at)
        if name and word:
            return self._error(at, f"{word}: {name.group()}")
        if name and (wanted == "a value" or name.group() in _NOT_JSON):
            return self._error(at, f"{name.group()} is not a value in JSON")
        if found == ",":
            return self._error(at, "one comma too many")
        return self._error(at, fallback or f"unexpected {found!r} where {wanted} should be")

    def _error(self, at: int, fault: str) -> DocumentError:
        return DocumentError(fault, *self.source.position(at))


@lru_cache(maxsize=4)  # a command asks for dozens of keys, one by one, of the same text
def parse(text: str, *, comments: bool = False) -> Node:
    """The document's object with every value's place in the text; `comments`: as editors' settings are read.

    As strict as JSON.parse, with two kindnesses that Claude Code has too (observed on 2.1.329): a leading byte
    order mark is accepted, and empty or blank text is an empty document. Raises DocumentError.
    """
    return _Parser(text, comments=comments).document()


def value_at(text: str, path: Sequence[str | int]) -> object:
    """The value at a path, or MISSING; of duplicate keys the last one counts. Raises DocumentError."""
    node = parse(text).find(path)
    return MISSING if node is None else node.value()


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """The line (from 1) of the key at a path, or None if it is not there. Raises DocumentError."""
    return parse(text).line_of(path)


def parse_value(text: str) -> object:
    """Any JSON value, not only an object, as Python has it. Raises DocumentError."""
    return _Parser(text).single().value()
