"""Editors' settings, which may have comments and a comma at the end: read, edited and given back, each comment kept."""

import itertools
import re

import pytest

from claude_local_plugin.settings.document import (
    Append,
    Change,
    DocumentError,
    Remove,
    RemoveItem,
    Set,
    edit,
    parse,
    undo,
    value_at,
)

DOCUMENTS = (
    "",
    "{}",
    "// only\n{}\n",
    "{/* c */}",
    "{ // c\n}",
    "{\n  // one\n  // two\n}\n",
    '{"a": 1, /* t */}',
    '{\n  "x": 1,\n  // last\n}',
    '{\n  // fonts\n  "a": 1, // about a\n  /* b */ "b": 2,\n}\n',
    '// top\n{ // settings\n\t"a": [1, /* x */ 2,], // z\n\t"o": {/* nothing */}\n}',
    '{ /* c */ "a": 1\n  , /* odd */ "b": [ // c\n 1 ]}',
    '{\r\n  // Windows\r\n  "a": "//no", "b": "/* no */",\r\n}\r\n',
    '\ufeff// é\n{"a": {"deep": [{"k": 1,}, /* é */]}}',
)
CHANGES: tuple[tuple[Change, ...], ...] = (
    (Set(("ours",), 1),),
    (Set(("ours",), "// no"), Set(("o2", "x"), "/* no */")),
    (Append(("list",), {"name": "X", "value": "y"}), Append(("list",), 2)),
    (Set(("o", "k"), 1),),
    (Remove(("a",)),),
    (Remove(("a",)), Remove(("b",)), Remove(("x",)), Remove(("o",))),
    (Remove(("a",)), Set(("n",), 1)),
    (Remove(("b",)), Set(("a",), 5)),
)


def comments(text: str) -> list[str]:
    """The comments of a text, those inside of strings left out."""
    return re.findall(r"//[^\r\n]*|/\*.*?\*/", re.sub(r'"(?:[^"\\]|\\.)*"', '""', text))


@pytest.mark.parametrize("text", DOCUMENTS)
@pytest.mark.parametrize("changes", CHANGES, ids=lambda changes: " ".join(type(each).__name__ for each in changes))
def test_every_edit_does_what_it_says_keeps_every_comment_around_and_can_be_taken_back(
    text: str, changes: tuple[Change, ...]
) -> None:
    edited = edit(text, changes, comments=True)
    assert undo(edited.text, edited.splices) == text
    root = parse(edited.text, comments=True)
    for change in changes:
        found = root.find(change.path)
        if isinstance(change, Set):
            assert found is not None
            assert found.value() == change.value
        elif isinstance(change, Append):
            assert found is not None
            assert change.item in found.value()  # type: ignore[operator]
        else:
            assert found is None
    gone = parse(text, comments=True)
    inside = [each for path in _replaced(changes) if (node := gone.find(path)) for each in comments(node.raw)]
    assert sorted([*comments(edited.text), *inside]) == sorted(comments(text))
    kept = {name: value for name, value in _members(text).items() if (name,) not in {c.path[:1] for c in changes}}
    assert {name: value for name, value in _members(edited.text).items() if name in kept} == kept


def _replaced(changes: tuple[Change, ...]) -> set[tuple[str, ...]]:
    return {change.path for change in changes if isinstance(change, Remove | Set)}


def _members(text: str) -> dict[str, object]:
    value = parse(text, comments=True).value()
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("text", DOCUMENTS)
def test_what_is_put_in_and_taken_out_again_leaves_every_value_and_comment(text: str) -> None:
    """Also where somebody else has edited the file meanwhile, so that nothing can be undone to the byte."""
    ours = (Set(("claudeCode.x",), True), Append(("claudeCode.list",), {"name": "A"}))
    away = (Remove(("claudeCode.x",)), RemoveItem(("claudeCode.list",), {"name": "A"}), Remove(("claudeCode.list",)))
    after = edit(edit(text, ours, comments=True).text, away, comments=True).text
    assert _members(after) == _members(text)
    assert comments(after) == comments(text)


def test_new_members_go_to_the_front_in_the_files_own_style() -> None:
    text = '{\n\t// fonts\n\t"editor.fontSize": 12, // big\n}\n'
    assert edit(text, [Set(("a",), 1), Append(("b",), {"n": 1})], comments=True).text == (
        '{\n\t"a": 1,\n\t"b": [\n\t\t{"n": 1}\n\t],\n\t// fonts\n\t"editor.fontSize": 12, // big\n}\n'
    )


def test_a_member_is_taken_out_with_its_line() -> None:
    text = '{\n  // one\n  "a": 1,\n  // two\n  "b": 2\n}\n'
    assert edit(text, [Remove(("a",))], comments=True).text == '{\n  // one\n  // two\n  "b": 2\n}\n'
    assert edit(text, [Remove(("b",))], comments=True).text == '{\n  // one\n  "a": 1\n  // two\n}\n'


@pytest.mark.parametrize("text", ["// c\n{}", '{"a": 1,}', "{/* c */}", '{"a": [1,]}'])
def test_a_settings_file_of_claude_codes_is_read_as_strictly_as_ever(text: str) -> None:
    with pytest.raises(DocumentError):
        parse(text)
    assert value_at('{"a": 1}', ("a",)) == 1
    parse(text, comments=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1 /* no end', "1:9: comment without an end: */ is missing"),
        ("{,}", "1:2: one comma too many"),
        ('{"a": 1,,}', "1:9: one comma too many"),
        ('{"a" 1}', "1:6: missing colon"),
        ("{} x", "text after"),
        ("# c\n{}", "comment"),
        ("{'a': 1}", "single quotes"),
    ],
)
def test_what_is_no_json_with_comments_either_is_named_with_its_place(text: str, said: str) -> None:
    with pytest.raises(DocumentError, match=re.escape(said)):
        parse(text, comments=True)


def test_every_pair_of_edits_in_a_row_stays_a_document() -> None:
    for text, one, two in itertools.product(DOCUMENTS, CHANGES, CHANGES):
        after = edit(edit(text, one, comments=True).text, two, comments=True).text
        parse(after, comments=True)
