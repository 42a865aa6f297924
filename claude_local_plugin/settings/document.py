"""A settings document as text, and edits of it that touch nothing else.

Pure text in, text out. An edit is a list of splices, so order, indentation, line ends, a byte order mark,
duplicate keys and everything else that is not ours stays as it is, and every edit can be undone exactly.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from claude_local_plugin.errors import SettingsError
from claude_local_plugin.settings.diff import unified_diff
from claude_local_plugin.settings.syntax import (
    BOM,
    COMMENT,
    MISSING,
    NEWLINE,
    DocumentError,
    Kind,
    Member,
    Missing,
    Node,
    line_of,
    parse,
    parse_value,
    value_at,
)

__all__ = [
    "MISSING",
    "Append",
    "Change",
    "DocumentError",
    "Edited",
    "Missing",
    "Node",
    "Raw",
    "Remove",
    "RemoveItem",
    "Set",
    "Splice",
    "edit",
    "line_of",
    "parse",
    "same",
    "undo",
    "unified_diff",
    "value_at",
]

DEFAULT_UNIT: Final = "  "
DEFAULT_COLON: Final = ": "

_INDENT = re.compile(rf"{BOM}?([ \t]*)")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Raw:
    """A value given by its JSON text, to be written just so."""

    text: str

    def value(self) -> object:
        """The value as Python has it."""
        return parse_value(self.text)


@dataclass(frozen=True, slots=True)
class Set:
    """`path` shall hold `value`; missing parents are made."""

    path: tuple[str, ...]
    value: object


@dataclass(frozen=True, slots=True)
class Remove:
    """`path` shall hold nothing; every duplicate of the key goes."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Append:
    """The list at `path` shall hold `item`, at its end unless it is there already; list and parents are made.

    The item is written on one line.
    """

    path: tuple[str, ...]
    item: object


@dataclass(frozen=True, slots=True)
class RemoveItem:
    """The list at `path` shall hold no item equal to `item`; the list stays, also when empty."""

    path: tuple[str, ...]
    item: object


Change = Set | Remove | Append | RemoveItem


@dataclass(frozen=True, slots=True)
class Splice:
    """At `offset` (in characters of the text it is applied to), `removed` became `inserted`."""

    offset: int
    removed: str
    inserted: str


@dataclass(frozen=True, slots=True)
class Edited:
    """An edited text, and the splices that made it, in the order in which they were applied."""

    text: str
    splices: tuple[Splice, ...]


def same(one: object, other: object) -> bool:
    """Whether two values are equal in JSON: true is not 1, the order of keys says nothing."""
    if isinstance(one, Raw):
        one = one.value()
    if isinstance(other, Raw):
        other = other.value()
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return one == other


# --- editing ---------------------------------------------------------------------------------------------------------


def edit(text: str, changes: Sequence[Change], *, comments: bool = False) -> Edited:
    """The text with the changes made, one after the other, and nothing touched that is already as wanted.

    New members go as one batch, in the order given, to the front of their object, in the style of the file. `comments`:
    the text may have comments and commas at the end, as editors' settings may; each of them stays.
    Raises DocumentError if the text is not a settings document, or a change leads through a value that is no
    object (or appends to one that is no list).
    """
    root = parse(text, comments=comments)
    draft = _Draft.of(root)
    for change in changes:
        _change(draft, change)
    splices: list[Splice] = []
    for start, end, inserted in sorted(_Writer(text, root).cuts(draft), reverse=True):
        if text[start:end] != inserted:
            splices.append(Splice(start, text[start:end], inserted))
    return Edited(_apply(text, splices), tuple(splices))


def undo(text: str, splices: Sequence[Splice]) -> str:
    """The text from before the splices. Raises SettingsError if this is not the text that they made."""
    for splice in reversed(splices):
        if text[splice.offset : splice.offset + len(splice.inserted)] != splice.inserted:
            raise SettingsError(f"the text is not the one that was edited: it differs at character {splice.offset}")
        text = text[: splice.offset] + splice.removed + text[splice.offset + len(splice.inserted) :]
    return text


def _apply(text: str, splices: Iterable[Splice]) -> str:
    for splice in splices:
        text = text[: splice.offset] + splice.inserted + text[splice.offset + len(splice.removed) :]
    return text


@dataclass(slots=True)
class _Draft:
    """A value on its way: `node` is its place in the text (None if it is new), the rest what it shall be.

    `one_line` is for a new value that is not laid out as its surroundings are.
    """

    kind: Kind
    node: Node | None
    scalar: object = None
    members: list["_DraftMember"] = field(default_factory=list)
    items: list["_Draft"] = field(default_factory=list)
    one_line: bool = False

    @classmethod
    def of(cls, node: Node) -> "_Draft":
        """The draft of a value that stands in the text."""
        return cls(
            node.kind,
            node,
            node.scalar,
            [_DraftMember(member.name, member, cls.of(member.value)) for member in node.members],
            [cls.of(item) for item in node.items],
        )

    @classmethod
    def new(cls, value: object) -> "_Draft":
        """The draft of a value that is to be written."""
        if isinstance(value, dict):
            members = [_DraftMember(str(name), None, cls.new(member)) for name, member in value.items()]
            return cls(Kind.OBJECT, None, members=members)
        if isinstance(value, list | tuple):
            return cls(Kind.LIST, None, items=[cls.new(item) for item in value])
        return cls(_kind_of(value), None, value)

    def value(self) -> object:
        """What it shall be, as Python has it."""
        if isinstance(self.scalar, Raw):
            return self.scalar.value()
        if self.kind is Kind.OBJECT:
            return {member.name: member.draft.value() for member in self.members}
        if self.kind is Kind.LIST:
            return [item.value() for item in self.items]
        return self.scalar

    def member(self, name: str) -> "_DraftMember | None":
        """The member that counts under this name: the last one."""
        return next((member for member in reversed(self.members) if member.name == name), None)

    def add(self, name: str, draft: "_Draft") -> None:
        """A new member behind the other new ones, before those that stand in the text."""
        fresh = sum(member.member is None for member in self.members)
        self.members.insert(fresh, _DraftMember(name, None, draft))


@dataclass(slots=True)
class _DraftMember:
    """A member on its way; `member` is its place in the text, None if it is new."""

    name: str
    member: Member | None
    draft: _Draft


def _kind_of(value: object) -> Kind:
    if isinstance(value, Raw):
        return _kind_of(value.value())
    if isinstance(value, dict):
        return Kind.OBJECT
    if isinstance(value, list):
        return Kind.LIST
    if value is None:
        return Kind.NULL
    if isinstance(value, bool):
        return Kind.BOOLEAN
    if isinstance(value, int | float):
        return Kind.NUMBER
    if isinstance(value, str):
        return Kind.STRING
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def _opened(draft: _Draft) -> _Draft:
    """The draft with its members at hand, also if it was given as JSON text."""
    return _Draft.new(draft.scalar.value()) if isinstance(draft.scalar, Raw) else draft


def _found(root: _Draft, path: Sequence[str]) -> _Draft | None:
    """What stands at a path, None if nothing does or the way leads through something that is no object."""
    draft = root
    for name in path:
        member = draft.member(name)
        if member is None:
            return None
        member.draft = draft = _opened(member.draft)
    return draft


def _made(root: _Draft, path: tuple[str, ...], kind: Kind) -> _Draft:
    """The object or list at a path, made with its parents where missing."""
    draft = root
    for depth, name in enumerate(path, start=1):
        wanted = kind if depth == len(path) else Kind.OBJECT
        member = draft.member(name)
        if member is None:
            child = _Draft(wanted, None)
            draft.add(name, child)
        elif path[0] == "hooks" and member.draft.kind is Kind.NULL:
            # the client takes null for nothing there, and undoing puts it back
            member.draft = child = _Draft(wanted, None)
        else:
            member.draft = child = _opened(member.draft)
            if child.kind is not wanted:
                raise _misfit(path[:depth], child, wanted)
        draft = child
    return draft


def _misfit(path: tuple[str, ...], draft: _Draft, wanted: Kind) -> SettingsError:
    fault = f"{'.'.join(path)} is {draft.kind.value} where {wanted.value} should be"
    if draft.node is None:
        return SettingsError(fault)
    return DocumentError(fault, *draft.node.source.position(draft.node.start))


def _set(root: _Draft, change: Set) -> None:
    parent = _made(root, change.path[:-1], Kind.OBJECT)
    member = parent.member(change.path[-1])
    if member is None:
        parent.add(change.path[-1], _Draft.new(change.value))
    elif not same(member.draft.value(), change.value):
        member.draft = _Draft.new(change.value)


def _remove(root: _Draft, change: Remove) -> None:
    parent = _found(root, change.path[:-1])
    if parent is not None:
        parent.members = [member for member in parent.members if member.name != change.path[-1]]


def _append(root: _Draft, change: Append) -> None:
    parent = _made(root, change.path, Kind.LIST)
    if not any(same(item.value(), change.item) for item in parent.items):
        item = _Draft.new(change.item)
        item.one_line = True  # a hook's entry would else be a dozen short lines, and that for every event
        parent.items.append(item)


def _remove_item(root: _Draft, change: RemoveItem) -> None:
    parent = _found(root, change.path)
    if parent is not None:
        parent.items = [item for item in parent.items if not same(item.value(), change.item)]


def _change(root: _Draft, change: Change) -> None:
    match change:
        case Set():
            _set(root, change)
        case Remove():
            _remove(root, change)
        case Append():
            _append(root, change)
        case RemoveItem():
            _remove_item(root, change)


# --- writing in the file's own style ---------------------------------------------------------------------------------

#: Replace text[start:end] by a string.
_Cut = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class _Layout:
    """How one object or list is laid out: `indent` is None if it stands on one line."""

    indent: str | None
    outer: str
    separator: str
    colon: str


class _Writer:
    """Turns a draft into cuts of the text, new parts in the style of what surrounds them."""

    def __init__(self, text: str, root: Node) -> None:
        self.text = text
        self.root = root
        newline = NEWLINE.search(text)
        self.newline = newline.group() if newline else "\n"
        self.unit = next(self._units(root), DEFAULT_UNIT)

    def cuts(self, draft: _Draft) -> Iterator[_Cut]:
        """Every cut that makes the text what the root's draft says; no two overlap."""
        if self.root.start == self.root.end:  # empty or blank text: there are no braces to write between
            if draft.members:
                layout = _Layout("", "", "", DEFAULT_COLON)
                start = 1 if self.text.startswith(BOM) else 0
                yield start, len(self.text), self._rendered(draft, layout) + self.newline
            return
        yield from self._children(draft, self.root, None)

    # where the cuts are

    def _value(self, draft: _Draft, node: Node, parent: _Layout) -> Iterator[_Cut]:
        """The cuts for what stands at `node` and shall be `draft`."""
        if draft.node is None:
            outer = None if parent.indent is None else self._line_indent(node.start)
            yield node.start, node.end, self._rendered(draft, _Layout(outer, "", parent.separator, parent.colon))
        elif draft.kind in (Kind.OBJECT, Kind.LIST):
            yield from self._children(draft, node, parent)

    def _children(self, draft: _Draft, node: Node, parent: _Layout | None) -> Iterator[_Cut]:
        layout = self._layout(node, parent)
        if draft.kind is Kind.OBJECT:
            spans = [(member.start, member.value.end) for member in node.members]
            stays = {id(member.member) for member in draft.members}
            kept = [id(member) in stays for member in node.members]
            fresh = [self._member(member, layout) for member in draft.members if member.member is None]
            for member in draft.members:
                if member.member is not None:
                    yield from self._value(member.draft, member.member.value, layout)
        else:
            spans = [(item.start, item.end) for item in node.items]
            stays = {id(item.node) for item in draft.items}
            kept = [id(item) in stays for item in node.items]
            fresh = [self._rendered(item, layout) for item in draft.items if item.node is None]
            for item in draft.items:
                if item.node is not None:
                    yield from self._value(item, item.node, layout)
        yield from self._row(node, layout, spans, kept, fresh, front=draft.kind is Kind.OBJECT)

    def _row(
        self,
        node: Node,
        layout: _Layout,
        spans: Sequence[tuple[int, int]],
        kept: Sequence[bool],
        fresh: Sequence[str],
        *,
        front: bool,
    ) -> Iterator[_Cut]:
        """The cuts that take children out of an object or list and put new ones at its front or end."""
        batch = layout.separator.join(fresh)
        if self.root.source.comments and (special := self._beside_comments(node, layout, spans, kept, batch, front)):
            yield from special
            return
        if not any(kept):
            if not spans and fresh:
                yield node.start + 1, node.end - 1, self._inside(batch, layout)
            elif fresh:
                yield spans[0][0], spans[-1][1], batch
            elif spans:
                yield node.start + 1, node.end - 1, ""
            return
        first, last = kept.index(True), len(kept) - 1 - kept[::-1].index(True)
        lead = batch + layout.separator if fresh and front else ""
        tail = layout.separator + batch if fresh and not front else ""
        yield spans[0][0], spans[first][0], lead
        yield spans[last][1], spans[-1][1], tail
        for before, after in self._gaps(kept, first, last):
            yield spans[before][0], spans[after][0], ""

    def _beside_comments(
        self,
        node: Node,
        layout: _Layout,
        spans: Sequence[tuple[int, int]],
        kept: Sequence[bool],
        batch: str,
        front: bool,
    ) -> list[_Cut]:
        """The same where comments stand between the children, all of which stay; none where none do.

        A child that goes takes its comma along and leaves what is around it; new ones go before what stands first on a
        line of its own, be it a comment. A comma at the end stays one, and what ends in one may go on ending so.
        """
        edges = [node.start + 1, *(offset for span in spans for offset in span), node.end - 1]
        gaps = list(zip(edges[::2], edges[1::2], strict=True))
        if not any(COMMENT.search(self.text, start, end) for start, end in gaps):
            return []
        cuts: list[_Cut] = []
        last = max((place for place, stays in enumerate(kept) if stays), default=-1)
        for place in (place for place, stays in enumerate(kept) if not stays):
            # the comma behind it, or, of those behind the last one that stays, the comma before
            start, end = gaps[place + 1] if place < last or last < 0 else gaps[place]
            commas = self._commas(start, end)
            cuts += [(at, at + 1, "") for at in commas if at != self._next(spans[place][1])]
            cuts.append((*self._line_of_its_own(*spans[place], commas), ""))
        if last < 0 and not batch:
            return cuts
        if batch and front:
            at = self._first_place(node, spans)
            after = layout.separator if last >= 0 else "" if layout.indent is None else self.newline + layout.indent
            if last < 0 and layout.indent is not None and at == node.start + 1:
                batch, after = f"{self.newline}{layout.indent}{batch}", ""
            cuts.append((at, at, batch + after))
        elif batch and last >= 0:
            cuts.append((spans[last][1], spans[last][1], layout.separator + batch))
        elif batch:
            cuts.append((node.start + 1, node.start + 1, self._inside(batch, layout)))
        return cuts

    def _next(self, at: int) -> int:
        """The place of the next character that is no space."""
        while at < len(self.text) and self.text[at] in " \t":
            at += 1
        return at

    def _line_of_its_own(self, start: int, end: int, commas: Sequence[int]) -> tuple[int, int]:
        """A child with the comma behind it, if that goes with it, and with its line where nothing else is on it."""
        if self._next(end) in commas:
            end = self._next(end) + 1
        line = max(self.text.rfind("\n", 0, start), self.text.rfind("\r", 0, start)) + 1
        newline = NEWLINE.match(self.text, self._next(end))
        if newline and not self.text[line:start].strip(" \t"):
            return line, newline.end()
        return start, end

    def _commas(self, start: int, end: int) -> list[int]:
        """Where a comma stands in what is between two children, outside of comments."""
        bare = COMMENT.sub(lambda found: " " * len(found.group()), self.text[start:end])
        return [start + at for at, letter in enumerate(bare) if letter == ","]

    def _first_place(self, node: Node, spans: Sequence[tuple[int, int]]) -> int:
        """Where the first thing stands that has a line of its own in an object; its beginning where none has."""
        limit = spans[0][0] if spans else node.end - 1
        at, fresh_line = node.start + 1, False
        while at < limit:
            if found := COMMENT.match(self.text, at):
                if fresh_line:
                    return at
                at = found.end()
            elif self.text[at] in "\r\n":
                fresh_line, at = True, at + 1
            else:
                at += 1
        return limit if spans else node.start + 1

    @staticmethod
    def _gaps(kept: Sequence[bool], first: int, last: int) -> Iterator[tuple[int, int]]:
        """(from, to) for each run of children to take out between two that stay; `to` is the one that follows."""
        position = first
        while position < last:
            start = position = position + 1
            while not kept[position]:
                position += 1
            if position > start:
                yield start, position

    # how things look

    def _layout(self, node: Node, parent: _Layout | None) -> _Layout:
        """The layout an object or list has, or, if it is empty, would have in its surroundings."""
        outer = self._line_indent(node.start)
        colon = self._colon(node)
        starts = [member.start for member in node.members] or [item.start for item in node.items]
        ends = [member.value.end for member in node.members] or [item.end for item in node.items]
        if starts:
            lead = self.text[node.start + 1 : starts[0]]
            own_lines = "\n" in lead or "\r" in lead
            indent = _blank(re.split(r"[\r\n]", lead)[-1]) if own_lines else None
        else:
            own_lines = parent is None or parent.indent is not None
            indent = outer + self.unit if own_lines else None
        if own_lines:
            separator = f",{self.newline}{indent}"
        elif len(starts) > 1:
            separator = self.text[ends[-2] : starts[-1]] if node.kind is Kind.LIST else self.text[ends[0] : starts[1]]
            if separator.strip(" \t\r\n") != ",":  # a comment is in it, which is not to be said again
                separator = self._one_line_separator(colon)
        else:
            separator = self._one_line_separator(colon)
        return _Layout(indent, outer, separator, colon)

    def _colon(self, node: Node) -> str:
        """What stands between key and value in this object, else in the document."""
        member = next(iter(node.members), None) or next(iter(self.root.members), None)
        colon = self.text[member.key_end : member.value.start] if member else DEFAULT_COLON
        return colon if colon.strip(" \t") == ":" else DEFAULT_COLON

    @staticmethod
    def _one_line_separator(colon: str) -> str:
        return ", " if colon.endswith((" ", "\t")) else ","

    def _line_indent(self, offset: int) -> str:
        """The white space at the start of the line that `offset` is on."""
        start = max(self.text.rfind("\n", 0, offset), self.text.rfind("\r", 0, offset)) + 1
        indent = _INDENT.match(self.text, start, offset)
        return indent.group(1) if indent else ""

    def _units(self, node: Node) -> Iterator[str]:
        """One level's indentation, as each object and list that has its children on own lines shows it."""
        children = [(member.start, member.value) for member in node.members] or [
            (item.start, item) for item in node.items
        ]
        if children:
            lead = re.split(r"[\r\n]", self.text[node.start + 1 : children[0][0]])
            if len(lead) > 1:
                yield _blank(lead[-1]).removeprefix(self._line_indent(node.start))
        for _, child in children:
            yield from self._units(child)

    def _inside(self, batch: str, layout: _Layout) -> str:
        if layout.indent is None:
            return batch
        return f"{self.newline}{layout.indent}{batch}{self.newline}{layout.outer}"

    def _member(self, member: _DraftMember, layout: _Layout) -> str:
        return f"{_quoted(member.name)}{layout.colon}{self._rendered(member.draft, layout)}"

    def _rendered(self, draft: _Draft, layout: _Layout) -> str:
        """A new value as text; `layout` is that of the object or list it goes into."""
        if draft.kind not in (Kind.OBJECT, Kind.LIST) or isinstance(draft.scalar, Raw):
            return _scalar_text(draft.scalar)
        if draft.one_line:
            layout = _Layout(None, "", layout.separator, layout.colon)
        opening, closing = ("{", "}") if draft.kind is Kind.OBJECT else ("[", "]")
        inner = self._inner(layout)
        parts = [self._member(member, inner) for member in draft.members]
        parts += [self._rendered(item, inner) for item in draft.items]
        return opening + (self._inside(inner.separator.join(parts), inner) if parts else "") + closing

    def _inner(self, layout: _Layout) -> _Layout:
        if layout.indent is None:
            return _Layout(None, "", self._one_line_separator(layout.colon), layout.colon)
        indent = layout.indent + self.unit
        return _Layout(indent, layout.indent, f",{self.newline}{indent}", layout.colon)


def _blank(text: str) -> str:
    """The white space that a text begins with."""
    return text[: len(text) - len(text.lstrip(" \t"))]


def _scalar_text(value: object) -> str:
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, str):
        return _quoted(value)
    return json.dumps(value, allow_nan=False)


def _quoted(text: str) -> str:
    """A JSON string; only what UTF-8 cannot carry is escaped beyond need."""
    quoted = json.dumps(text, ensure_ascii=False)
    return _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found.group()):04x}", quoted)
