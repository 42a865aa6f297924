"""What holds for every settings document, however it is written: tried on generated ones."""

import copy
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from claude_local_plugin.errors import SettingsError
from claude_local_plugin.settings import ownership
from claude_local_plugin.settings.document import (
    MISSING,
    Append,
    Change,
    DocumentError,
    Remove,
    RemoveItem,
    Set,
    edit,
    parse,
    same,
    undo,
    unified_diff,
)

pytestmark = pytest.mark.slow

#: `CLAUDE_LOCAL_EXAMPLES=2000` looks longer.
EXAMPLES = int(os.environ.get("CLAUDE_LOCAL_EXAMPLES", "80"))

thoroughly = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
on_disk = settings(thoroughly, max_examples=max(1, EXAMPLES // 3))

# --- documents in random dress ---------------------------------------------------------------------------------------

NAMES = st.sampled_from(["env", "hooks", "permissions", "model", "A", "B", "é—", "", 'a"b\\', "\u2028"])
STRINGS = st.one_of(
    st.sampled_from(["", "1", "opus", "http://127.0.0.1:8000", "é — 世界 👋", "\ud800", "a\tb"]), st.text()
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), STRINGS)


class Pairs(list[tuple[str, Any]]):
    """An object as its members are written, duplicates included."""


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.lists(st.tuples(NAMES, inner), max_size=5).map(Pairs)),
    max_leaves=12,
)
ROOTS = st.one_of(
    st.lists(st.tuples(NAMES, VALUES), max_size=6).map(Pairs),
    # often the shape that settings have
    st.fixed_dictionaries(
        {},
        optional={
            "env": st.lists(st.tuples(NAMES, STRINGS), max_size=4).map(Pairs),
            "hooks": st.lists(st.tuples(NAMES, st.lists(VALUES, max_size=3)), max_size=2).map(Pairs),
            "model": STRINGS,
        },
    ).map(lambda shape: Pairs(shape.items())),
)


class Canonical:
    """Written as programs do it: one indentation, or one line."""

    def __init__(self, unit: str | None, newline: str, colon: str, comma: str) -> None:
        self.unit, self.newline, self.colon, self.comma = unit, newline, colon, comma

    def write(self, value: Any, depth: int = 0) -> str:
        if isinstance(value, Pairs):
            parts = [json.dumps(k, ensure_ascii=False) + self.colon + self.write(v, depth + 1) for k, v in value]
            return "{" + self.inside(parts, depth) + "}"
        if isinstance(value, list):
            return "[" + self.inside([self.write(item, depth + 1) for item in value], depth) + "]"
        return json.dumps(value, ensure_ascii=False)

    def inside(self, parts: list[str], depth: int) -> str:
        if self.unit is None or not parts:
            return self.comma.join(parts)
        line = self.newline + self.unit * (depth + 1)
        return line + ("," + line).join(parts) + self.newline + self.unit * depth


class Wild(Canonical):
    """Written as nobody would: any white space anywhere."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        super().__init__(None, "", "", "")
        self.draw = draw

    def space(self) -> str:
        return str(self.draw(st.sampled_from(["", "", " ", "\n", "\r\n", "\t", "  \n\n ", "\r"])))

    def write(self, value: Any, depth: int = 0) -> str:
        if isinstance(value, Pairs):
            parts = [self.write(k) + self.space() + ":" + self.space() + self.write(v) for k, v in value]
            return "{" + self.space() + self.joined(parts) + "}"
        if isinstance(value, list):
            return "[" + self.space() + self.joined([self.write(item) for item in value]) + "]"
        return json.dumps(value, ensure_ascii=self.draw(st.booleans()))

    def joined(self, parts: list[str]) -> str:
        return ",".join(self.space() + part + self.space() for part in parts)


def plain(value: Any) -> Any:
    """The value as JSON.parse has it: of duplicates the last one."""
    if isinstance(value, Pairs):
        return {name: plain(member) for name, member in value}
    return [plain(item) for item in value] if isinstance(value, list) else value


CANONICAL = st.builds(
    Canonical,
    unit=st.sampled_from(["  ", "    ", "\t", " ", None]),
    newline=st.sampled_from(["\n", "\r\n"]),
    colon=st.sampled_from([": ", ":", " : "]),
    comma=st.sampled_from([", ", ","]),
)


@st.composite
def canonical_documents(draw: Callable[[st.SearchStrategy[Any]], Any]) -> tuple[str, Any]:
    root, style = draw(ROOTS), draw(CANONICAL)
    text = draw(st.sampled_from(["", "\ufeff"])) + style.write(root) + draw(st.sampled_from(["", style.newline]))
    return text, plain(root)


@st.composite
def wild_documents(draw: Callable[[st.SearchStrategy[Any]], Any]) -> tuple[str, Any]:
    root, style = draw(ROOTS), Wild(draw)
    text = draw(st.sampled_from(["", "\ufeff"])) + style.space() + style.write(root) + style.space()
    return text, plain(root)


BLANK = st.sampled_from(["", "\ufeff", "\n", " \r\n", "\ufeff \t\n"]).map(lambda text: (text, {}))
DOCUMENTS = st.one_of(canonical_documents(), wild_documents(), BLANK)

# --- changes, and what they mean -------------------------------------------------------------------------------------

PATHS = st.lists(NAMES, min_size=1, max_size=3).map(tuple)
NEW_VALUES = st.one_of(SCALARS, VALUES.map(plain))
CHANGES = st.lists(
    st.one_of(
        st.builds(Set, PATHS, NEW_VALUES),
        st.builds(Remove, PATHS),
        st.builds(Append, PATHS, NEW_VALUES),
        st.builds(RemoveItem, PATHS, NEW_VALUES),
    ),
    max_size=5,
)


class RefusedError(Exception):
    """A change that leads through something that is no object, or appends to something that is no list."""


def changed(data: Any, changes: list[Change]) -> Any:
    """What the changes mean, said again in the plainest way."""
    data = copy.deepcopy(data)
    for change in changes:
        parent, name = data, change.path[-1]
        for step in change.path[:-1]:
            if isinstance(change, Remove | RemoveItem):
                parent = parent.get(step) if isinstance(parent, dict) else None
            else:
                parent = parent.setdefault(step, {}) if isinstance(parent, dict) else None
                if not isinstance(parent, dict):
                    raise RefusedError
        if not isinstance(parent, dict):
            continue
        match change:
            case Set(_, value):
                parent[name] = copy.deepcopy(value)
            case Remove():
                parent.pop(name, None)
            case Append(_, item):
                items = parent.setdefault(name, [])
                if not isinstance(items, list):
                    raise RefusedError
                if not any(same(other, item) for other in items):
                    items.append(copy.deepcopy(item))
            case RemoveItem(_, item):
                if isinstance(parent.get(name), list):
                    parent[name] = [other for other in parent[name] if not same(other, item)]
    return data


def loaded(text: str) -> Any:
    text = text.removeprefix("\ufeff")
    return json.loads(text) if text.strip() else {}


@thoroughly
@given(DOCUMENTS)
def test_a_document_reads_as_json_reads_it(document: tuple[str, Any]) -> None:
    text, value = document
    assert parse(text).value() == value == loaded(text)


@thoroughly
@given(DOCUMENTS, st.data())
def test_a_document_with_one_character_changed_is_accepted_exactly_when_json_accepts_it(
    document: tuple[str, Any], data: st.DataObject
) -> None:
    text = document[0].removeprefix("\ufeff")
    at = data.draw(st.integers(0, len(text)))
    text = text[:at] + data.draw(st.sampled_from([*',:{}[]"\\0-.e+\n/u', ""])) + text[at + 1 :]

    def refused(word: str) -> None:
        raise ValueError(word)

    try:
        expected = json.loads(text, parse_constant=refused) if text.strip(" \t\r\n") else {}
    except ValueError:
        expected = MISSING
    try:
        found: object = parse(text).value()
    except DocumentError as error:
        found, line = MISSING, error.line
    else:
        line = 1
    assert 1 <= line <= text.count("\n") + text.count("\r") + 1
    assert found == (expected if isinstance(expected, dict) else MISSING)


@thoroughly
@given(DOCUMENTS, CHANGES)
def test_an_edit_changes_the_wanted_values_and_nothing_else(document: tuple[str, Any], changes: list[Change]) -> None:
    text, value = document
    try:
        expected = changed(value, changes)
    except RefusedError:
        try:
            edit(text, changes)
        except SettingsError:
            return
        raise AssertionError("the change should have been refused") from None
    edited = edit(text, changes)
    assert same(loaded(edited.text), expected)
    assert undo(edited.text, edited.splices) == text
    if changes:
        assert edit(edited.text, changes[-1:]).splices == ()
    else:
        assert edited.splices == ()


@thoroughly
@given(DOCUMENTS, CHANGES)
def test_members_that_are_not_named_keep_characters_and_order(document: tuple[str, Any], changes: list[Change]) -> None:
    text = document[0]
    try:
        after = edit(text, changes).text
    except SettingsError:
        assume(False)
    named = {change.path[0] for change in changes}
    kept = [(member.name, member.value.raw) for member in parse(text).members if member.name not in named]
    assert [(member.name, member.value.raw) for member in parse(after).members if member.name not in named] == kept


@thoroughly
@given(canonical_documents(), NAMES, NEW_VALUES)
def test_a_new_member_taken_out_again_leaves_no_trace(document: tuple[str, Any], name: str, value: Any) -> None:
    text, before = document
    assume(name not in before)
    assert edit(edit(text, [Set((name,), value)]).text, [Remove((name,))]).text == text


@thoroughly
@given(ROOTS, CANONICAL, NAMES, VALUES)
def test_what_is_written_in_a_canonical_document_looks_as_if_it_had_always_been_there(
    root: Pairs, style: Canonical, name: str, value: Any
) -> None:
    assume(root and name not in plain(root))
    assume((style.comma == ", ") == style.colon.endswith(" "))
    value = _as_pairs(plain(value))
    assume("\ud800" not in style.write(value))  # that one we write escaped
    before, after = style.write(root), style.write(Pairs([(name, value), *root]))
    assert edit(before, [Set((name,), plain(value))]).text == after


def _as_pairs(value: Any) -> Any:
    if isinstance(value, dict):
        return Pairs((name, _as_pairs(member)) for name, member in value.items())
    return [_as_pairs(item) for item in value] if isinstance(value, list) else value


@thoroughly
@given(DOCUMENTS, DOCUMENTS)
def test_a_diff_leads_from_one_text_to_the_other(one: tuple[str, Any], other: tuple[str, Any]) -> None:
    before, after = one[0], other[0]
    assume(not any("\ud800" <= character <= "\udfff" for character in before + after))
    assert _patched(before, unified_diff(before, after, "f")) == after


def _patched(text: str, diff: str) -> str:
    """The text with a unified diff applied, as patch does it."""
    old = [line + "\n" for line in text.split("\n")]
    old[-1:] = [old[-1][:-1]] if old[-1] != "\n" else []
    new: list[str] = []
    position, mark = 0, ""
    for line in diff.split("\n")[2:-1]:
        if line.startswith("@@"):
            start, _, length = line.split()[1][1:].partition(",")
            begin = int(start) - (length != "0")
            new += old[position:begin]
            position = begin
        elif line.startswith("\\"):
            if mark in " +":
                new[-1] = new[-1][:-1]
        else:
            mark = line[0]
            if mark in " -":
                assert old[position].rstrip("\n") == line[1:]
                position += 1
            if mark in " +":
                new.append(line[1:] + "\n")
    return "".join(new + old[position:])


# --- ownership -------------------------------------------------------------------------------------------------------

OUR_VALUES = st.one_of(SCALARS, st.dictionaries(NAMES, SCALARS, max_size=2))
OUR_CHANGES = st.lists(
    st.one_of(
        st.builds(Set, st.tuples(st.just("env"), st.sampled_from("ABCD")), STRINGS),
        st.builds(Set, st.tuples(st.sampled_from(["ours", "model", "A"])), OUR_VALUES),
        st.builds(Set, st.tuples(st.just("permissions"), st.sampled_from(["defaultMode", "A"])), OUR_VALUES),
        st.builds(Remove, st.tuples(st.just("env"), st.sampled_from("ABCD"))),
        st.builds(Append, st.tuples(st.just("hooks"), st.sampled_from(["Stop", "A"])), OUR_VALUES),
    ),
    min_size=1,
    max_size=5,
)
MAYBE = st.one_of(DOCUMENTS, st.just((None, {})))


@contextmanager
def settings_file(text: str | None) -> Iterator[tuple[Path, Path]]:
    """A settings file that holds `text` (None: no file, nor its folder), and a state folder that is not there."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "project", ".claude", "settings.local.json")
        if text is not None:
            path.parent.mkdir(parents=True)
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
        yield path, Path(folder, "state")


def bytes_of(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


@on_disk
@given(
    MAYBE, st.lists(st.tuples(st.sampled_from(["backend", "hooks"]), OUR_CHANGES), min_size=1, max_size=4), st.data()
)
def test_applying_anything_and_reverting_it_in_any_order_is_the_identity(
    document: tuple[str | None, Any], steps: list[tuple[str, list[Change]]], data: st.DataObject
) -> None:
    assume(document[0] is None or not any("\ud800" <= c <= "\udfff" for c in document[0]))
    with settings_file(document[0]) as (path, state):
        original = bytes_of(path)
        for purpose, changes in steps:
            record = ownership.load(path, state)
            text = None if bytes_of(path) is None else bytes_of(path).decode()  # type: ignore[union-attr]
            try:
                expected = ownership.preview(text, {purpose: changes}, record)
            except SettingsError:
                continue
            applied = ownership.apply(path, {purpose: changes}, state_dir=state)
            assert applied.after == expected.after
            before = bytes_of(path), sorted(state.rglob("*"))
            assert not ownership.apply(path, {purpose: changes}, state_dir=state).changed
            assert before == (bytes_of(path), sorted(state.rglob("*")))
        for purpose in data.draw(st.permutations(["backend", "hooks"])):
            assert ownership.revert(path, state_dir=state, purposes=[purpose]).kept == ()
        assert bytes_of(path) == original
        assert path.parent.exists() == (original is not None)
        assert ownership.records(state) == ()


THEIRS = st.lists(st.builds(Set, PATHS, NEW_VALUES), max_size=3)


@on_disk
@given(MAYBE, st.lists(st.tuples(OUR_CHANGES, THEIRS, st.booleans()), min_size=1, max_size=2))
def test_after_rewrites_by_somebody_else_theirs_stays_and_ours_goes(
    document: tuple[str | None, Any], rounds: list[tuple[list[Change], list[Set], bool]]
) -> None:
    text, expected = document
    assume(text is None or not any("\ud800" <= c <= "\udfff" for c in text))
    ours = {change.path[0] for changes, _, _ in rounds for change in changes}
    with settings_file(text) as (path, state):
        for number, (changes, sets, sort) in enumerate(rounds):
            theirs: list[Change] = [change for change in sets if change.path[0] not in ours]
            try:
                ownership.apply(path, {f"purpose {number}": changes}, state_dir=state)
                now = changed(loaded(path.read_text()) if path.exists() else {}, theirs)
                expected = changed(expected, theirs)
            except (SettingsError, RefusedError):
                assume(False)
            assume(path.exists())
            path.write_text(json.dumps(now, indent=2, sort_keys=sort))
        assert ownership.revert(path, state_dir=state).kept == ()
        after = loaded(path.read_text()) if path.exists() else {}
        assert same(_unordered(after), _unordered(expected))
        assert ownership.records(state) == ()


def _unordered(value: Any) -> Any:
    """The value with lists sorted: an item taken out of a list and put back stands at its end."""
    if isinstance(value, dict):
        return {name: _unordered(member) for name, member in value.items()}
    if isinstance(value, list):
        return sorted(map(_unordered, value), key=lambda item: json.dumps(item, sort_keys=True))
    return value
