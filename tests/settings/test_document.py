"""Reading a settings document with its places, and editing it without touching what is not ours."""

import json
from pathlib import Path

import pytest

from claude_local_plugin.errors import SettingsError
from claude_local_plugin.settings.document import (
    MISSING,
    Append,
    DocumentError,
    Raw,
    Remove,
    RemoveItem,
    Set,
    Splice,
    edit,
    line_of,
    parse,
    same,
    undo,
    unified_diff,
    value_at,
)
from tests.looped import looped

DOCUMENTS = sorted((Path(__file__).parent / "documents").glob("*.json"))

HOOK = {"hooks": [{"type": "command", "command": "/usr/bin/python3", "args": ["-I", "/opt/hook.py"], "timeout": 5}]}
OURS = (
    Set(("env", "ANTHROPIC_BASE_URL"), "http://127.0.0.1:8000"),
    Set(("env", "ANTHROPIC_API_KEY"), ""),
    Append(("hooks", "SessionStart"), HOOK),
    Set(("permissions", "defaultMode"), "default"),
)


def text_of(document: Path) -> str:
    return document.read_bytes().decode("utf-8", "surrogateescape")


def loaded(text: str) -> dict[str, object]:
    """What json makes of a document, blank ones and a byte order mark included."""
    text = text.removeprefix("\ufeff")
    data = json.loads(text) if text.strip() else {}
    assert isinstance(data, dict)
    return data


every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)


@every_document
def test_every_document_reads_as_json_reads_it(document: Path) -> None:
    assert parse(text_of(document)).value() == loaded(text_of(document))


@every_document
def test_an_edit_brings_exactly_the_wanted_values(document: Path) -> None:
    text = text_of(document)
    expected = loaded(text)
    for key in ("env", "hooks", "permissions"):
        expected.setdefault(key, {})
    expected["env"] |= {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8000", "ANTHROPIC_API_KEY": ""}
    expected["hooks"].setdefault("SessionStart", []).append(HOOK)
    expected["permissions"]["defaultMode"] = "default"
    assert loaded(edit(text, OURS).text) == expected


@every_document
def test_an_edit_can_be_undone_to_the_character(document: Path) -> None:
    edited = edit(text_of(document), OURS)
    assert undo(edited.text, edited.splices) == text_of(document)


@every_document
def test_editing_twice_changes_nothing_the_second_time(document: Path) -> None:
    edited = edit(text_of(document), OURS)
    assert edit(edited.text, OURS) == (type(edited))(edited.text, ())


@every_document
def test_what_is_not_touched_keeps_its_very_characters(document: Path) -> None:
    text = text_of(document)
    before, after = parse(text), parse(edit(text, OURS).text)
    touched = ("env", "hooks", "permissions")
    assert [(m.name, m.value.raw) for m in after.members if m.name not in touched] == [
        (m.name, m.value.raw) for m in before.members if m.name not in touched
    ]


@every_document
def test_new_lines_end_as_the_others_do(document: Path) -> None:
    text = text_of(document)
    after = edit(text, OURS).text
    if "\r" in text and "\n" not in text.replace("\r\n", ""):
        assert "\n" not in after.replace("\r\n", "")
    if "\r" not in text:
        assert "\r" not in after


NOT_CANONICAL = ("empty", "blank", "spaced-empty-object", "open-empty-object")


@every_document
def test_a_new_member_taken_out_again_leaves_no_trace_also_without_undo(document: Path) -> None:
    text = text_of(document)
    edited = edit(text, [Set(("zzz",), {"a": [1, {"b": None}]})])
    without = edit(edited.text, [Remove(("zzz",))]).text
    if document.stem in NOT_CANONICAL:
        assert loaded(without) == {}
    else:
        assert without == text


@pytest.mark.parametrize("stem", ["two-spaces", "four-spaces", "tabs", "non-ascii", "blank-lines"])
def test_the_diff_of_new_members_has_added_lines_only(stem: str) -> None:
    text = text_of(Path(__file__).parent / "documents" / f"{stem}.json")
    lines = unified_diff(text, edit(text, OURS).text, "settings.json").splitlines()[2:]
    assert {line[0] for line in lines} == {"@", " ", "+"}


def _test(before: str, changes: list[object], after: str) -> None:
    edited = edit(before, changes)  # type: ignore[arg-type]
    assert edited.text == after
    assert undo(edited.text, edited.splices) == before


def test_new_members_go_to_the_front_in_the_order_given() -> None:
    _test(
        '{\n  "model": "opus"\n}\n',
        [Set(("b",), 1), Set(("a",), [True, None]), Set(("env", "X"), "é—")],
        '{\n  "b": 1,\n  "a": [\n    true,\n    null\n  ],\n  "env": {\n    "X": "é—"\n  },\n  "model": "opus"\n}\n',
    )


@pytest.mark.parametrize("blank", ["", "\n", "  \n\t"])
def test_a_blank_document_becomes_one_of_two_spaces_and_a_final_newline(blank: str) -> None:
    _test(blank, [Set(("env", "A"), "1")], '{\n  "env": {\n    "A": "1"\n  }\n}\n')


def test_a_blank_document_keeps_its_byte_order_mark_and_line_ends() -> None:
    _test("\ufeff\r\n", [Set(("a",), {})], '\ufeff{\r\n  "a": {}\r\n}\r\n')


@looped(
    ("before", "after"),
    [
        ('{"a":1}', '{"n":{"x":[1,2]},"a":1}'),
        ('{"a": 1}', '{"n": {"x": [1, 2]}, "a": 1}'),
        ('{ "a" : 1 }', '{ "n" : {"x" : [1, 2]}, "a" : 1 }'),
        ('{"a": 1,"b": 2}', '{"n": {"x": [1, 2]},"a": 1,"b": 2}'),
        ('{ "a": 1\n, "b": 2\n}', '{ "n": {"x": [1, 2]}\n, "a": 1\n, "b": 2\n}'),
        ('{\n\t"a": 1\n}', '{\n\t"n": {\n\t\t"x": [\n\t\t\t1,\n\t\t\t2\n\t\t]\n\t},\n\t"a": 1\n}'),
        ('{\r\n "a":1\r\n}', '{\r\n "n":{\r\n  "x":[\r\n   1,\r\n   2\r\n  ]\r\n },\r\n "a":1\r\n}'),
        ('{\n"a": 1\n}', '{\n"n": {\n"x": [\n1,\n2\n]\n},\n"a": 1\n}'),
        ("{}", '{\n  "n": {\n    "x": [\n      1,\n      2\n    ]\n  }\n}'),
    ],
)
def test_new_text_is_in_the_style_of_the_file(before: str, after: str) -> None:
    _test(before, [Set(("n",), {"x": [1, 2]})], after)


def test_an_object_on_one_line_in_a_document_of_many_stays_on_one_line() -> None:
    _test(
        '{\n  "env": { "A": "1" },\n  "hooks": { "Stop": [] }\n}\n',
        [Set(("env", "B"), ""), Append(("hooks", "Stop"), {"hooks": []})],
        '{\n  "env": { "B": "", "A": "1" },\n  "hooks": { "Stop": [{"hooks": []}] }\n}\n',
    )


def test_empty_objects_and_lists_open_up_as_their_surroundings_do() -> None:
    _test(
        '{\n    "env": {},\n    "list": []\n}\n',
        [Set(("env", "A"), "1"), Append(("list",), 1), Append(("list",), {"k": 2})],
        '{\n    "env": {\n        "A": "1"\n    },\n    "list": [\n        1,\n        {"k": 2}\n    ]\n}\n',
    )


def test_a_value_is_replaced_in_its_place() -> None:
    _test(
        '{\n  "a": 1,\n  "b": {"x": 1},\n  "c": 3\n}',
        [Set(("b",), ["y"]), Set(("c",), "z")],
        '{\n  "a": 1,\n  "b": [\n    "y"\n  ],\n  "c": "z"\n}',
    )


@pytest.mark.parametrize(
    ("text", "value"), [('{"a": 1}', True), ('{"a": true}', 1), ('{"a": 0}', False), ('{"a": null}', False)]
)
def test_a_boolean_is_not_the_number_that_python_takes_it_for(text: str, value: object) -> None:
    assert value_at(edit(text, [Set(("a",), value)]).text, ("a",)) is value


def test_an_equal_value_is_left_as_it_is_written() -> None:
    text = '{"a": {"y": 2.0, "x": "\\u00e9"}, "b": 1e2}'
    assert edit(text, [Set(("a",), {"x": "é", "y": 2}), Set(("b",), 100)]).splices == ()


def test_taking_out_takes_comma_and_white_space_along() -> None:
    text = '{\n  "a": 1,\n  "b": 2,\n  "c": 3\n}\n'
    _test(text, [Remove(("a",))], '{\n  "b": 2,\n  "c": 3\n}\n')
    _test(text, [Remove(("b",))], '{\n  "a": 1,\n  "c": 3\n}\n')
    _test(text, [Remove(("c",))], '{\n  "a": 1,\n  "b": 2\n}\n')
    _test(text, [Remove(("a",)), Remove(("c",))], '{\n  "b": 2\n}\n')
    _test(text, [Remove(("a",)), Remove(("b",)), Remove(("c",))], "{}\n")
    _test(text, [Remove(("nothing", "here"))], text)


def test_taking_out_and_putting_in_meet_without_a_stray_comma() -> None:
    text = '{\n  "a": 1,\n  "b": 2\n}\n'
    _test(text, [Remove(("a",)), Set(("n",), 0)], '{\n  "n": 0,\n  "b": 2\n}\n')
    _test(text, [Remove(("b",)), Set(("n",), 0)], '{\n  "n": 0,\n  "a": 1\n}\n')
    _test(text, [Remove(("a",)), Remove(("b",)), Set(("n",), 0)], '{\n  "n": 0\n}\n')
    _test('{"l": [1, 2, 3]}', [RemoveItem(("l",), 3), Append(("l",), 4)], '{"l": [1, 2, 4]}')
    _test('{"l": [1, 2, 3]}', [RemoveItem(("l",), 1), Append(("l",), 4)], '{"l": [2, 3, 4]}')
    _test('{"l": [1]}', [RemoveItem(("l",), 1), Append(("l",), 4)], '{"l": [4]}')


def test_every_duplicate_goes_and_the_last_one_is_set() -> None:
    text = '{"a": 1, "b": 2, "a": 3}'
    _test(text, [Remove(("a",))], '{"b": 2}')
    _test(text, [Set(("a",), 4)], '{"a": 1, "b": 2, "a": 4}')
    assert value_at(text, ("a",)) == 3


def test_all_equal_items_go_and_an_equal_item_is_not_appended_again() -> None:
    text = '{"l": [{"x": 1, "y": 2}, 5, {"y": 2, "x": 1}]}'
    _test(text, [RemoveItem(("l",), {"x": 1, "y": 2})], '{"l": [5]}')
    _test(text, [Append(("l",), {"y": 2, "x": 1})], text)


def test_changes_follow_one_another() -> None:
    _test("{}", [Set(("a", "b"), 1), Remove(("a", "b")), Remove(("a",))], "{}")
    _test('{"a":1}', [Remove(("a",)), Set(("a",), 1)], '{"a":1}')
    _test('{"a":1}', [Set(("n",), {"x": {}}), Set(("n", "x", "y"), 2)], '{"n":{"x":{"y":2}},"a":1}')


def test_a_value_given_as_json_text_is_written_just_so() -> None:
    _test('{"b": 0}', [Set(("a",), Raw('[ 1,\t"\\u00e9" ]'))], '{"a": [ 1,\t"\\u00e9" ], "b": 0}')
    _test('{"a": [1]}', [Set(("a",), Raw("[ 1 ]"))], '{"a": [1]}')
    _test('{"b": 0}', [Set(("a",), Raw('{"x":1}')), Set(("a", "y"), 2)], '{"a": {"x": 1, "y": 2}, "b": 0}')


def test_a_change_through_something_that_is_no_object_is_refused_with_its_place() -> None:
    with pytest.raises(DocumentError, match=r"^2:9: env is a list where an object should be$"):
        edit('{\n  "env":[]\n}', [Set(("env", "A"), "1")])
    with pytest.raises(DocumentError, match=r"^1:18: hooks\.Stop is a string where a list should be$"):
        edit('{"hooks":{"Stop":"x"}}', [Append(("hooks", "Stop"), 1)])


def test_nothing_can_be_taken_out_through_something_that_is_no_object() -> None:
    text = '{"env": ["A"], "l": {}}'
    assert edit(text, [Remove(("env", "A")), RemoveItem(("env", "A"), 1), RemoveItem(("l",), 1)]).splices == ()


def test_undo_refuses_a_text_that_is_not_the_edited_one() -> None:
    edited = edit('{"a":1}', [Set(("b",), 2)])
    with pytest.raises(SettingsError, match="is not the one that was edited"):
        undo(edited.text.replace("2", "3"), edited.splices)


def test_splices_are_applied_one_after_the_other() -> None:
    edited = edit('{"a":1,"b":2}', [Set(("b",), 22), Set(("a",), 11)])
    assert edited.splices == (Splice(11, "2", "22"), Splice(5, "1", "11"))


def test_lone_surrogates_pass_through_and_are_escaped_where_we_write_them() -> None:
    text = '{"caf\udce9": "\udce9"}'
    assert value_at(text, ("caf\udce9",)) == "\udce9"
    _test(text, [Set(("a",), "\udce9\ud83d")], '{"a": "\\udce9\\ud83d", "caf\udce9": "\udce9"}')
    assert "\ufffd" in unified_diff(text, text + "\n", "settings.json")


# --- places ----------------------------------------------------------------------------------------------------------

PLACES = '\ufeff{\n  "a": 1,\r\n  "b": {\r    "c": [\n      10,\n      {"d": 0}\n    ]\n  },\n  "a": 2\n}\n'


@looped(
    ("path", "line", "value"),
    [
        ((), 1, {"a": 2, "b": {"c": [10, {"d": 0}]}}),
        (("a",), 9, 2),
        (("b",), 3, {"c": [10, {"d": 0}]}),
        (("b", "c"), 4, [10, {"d": 0}]),
        (("b", "c", 0), 5, 10),
        (("b", "c", 1, "d"), 6, 0),
        (("b", "c", 2), None, MISSING),
        (("b", "c", "0"), None, MISSING),
        (("z",), None, MISSING),
        (("a", "z"), None, MISSING),
    ],
)
def test_every_path_has_its_line_and_value(path: tuple[str | int, ...], line: int | None, value: object) -> None:
    assert line_of(PLACES, path) == line
    assert value_at(PLACES, path) == value


def test_null_is_a_value_and_missing_is_none() -> None:
    assert value_at('{"a": null}', ("a",)) is None
    assert value_at('{"a": null}', ("b",)) is MISSING
    assert not MISSING


def test_equality_is_that_of_json() -> None:
    assert same({"a": 1, "b": [1.0]}, {"b": [1], "a": 1})
    assert not same([1, 2], [2, 1])
    assert not same({"a": True}, {"a": 1})
    assert not same({}, [])
    assert same(Raw("[1]"), [1])


@looped(
    ("text", "message"),
    [
        ('{\n  "a": 1,\n}', "2:9: trailing comma"),
        ('{"a": [1, 2,\n]}', "1:12: trailing comma"),
        ('\ufeff{"a": 1,}', "1:8: trailing comma"),
        ('{"a": 1\n "b": 2}', "1:8: missing comma"),
        ('{"a": [1 2]}', "1:9: missing comma"),
        ('{\n  // why\n  "a": 1}', "2:3: comment: settings are strict JSON, which has none"),
        ('{"a": 1 /* why */}', "1:9: comment: settings are strict JSON, which has none"),
        ('{"a": 1}\n# why', "2:1: comment: settings are strict JSON, which has none"),
        ("{'a': 1}", "1:2: single quotes: JSON takes double quotes only"),
        ("{\"a\": 'x'}", "1:7: single quotes: JSON takes double quotes only"),
        ("{“a”: 1}", "1:2: typographic quotes: JSON takes straight double quotes only"),
        ("{a: 1}", "1:2: key without quotes: a"),
        ('{"a": 1,, "b": 2}', "1:9: one comma too many"),
        ("{,}", "1:2: one comma too many"),
        ('{"a" 1}', "1:6: missing colon after a key"),
        ('{"a": NaN}', "1:7: NaN is not a value in JSON"),
        ('{"a": -Infinity}', "1:7: -Infinity is not a value in JSON"),
        ('{"a": True}', "1:7: True is not a value in JSON"),
        ('{"a": yes}', "1:7: yes is not a value in JSON"),
        ('{"a": 01}', "1:7: malformed number"),
        ('{"a": 1.}', "1:7: malformed number"),
        ('{"a": +1}', "1:7: unexpected '+' where a value should be"),
        ('{"a": "\tb"}', "1:8: control character U+0009 inside a string"),
        ('{"a": "b\n"}', "1:7: line break inside a string: a closing quote is missing"),
        ('{"a": "b', "1:7: string without an end: a closing quote is missing"),
        ('{"a": "\\x"}', "1:8: unknown escape in a string: a backslash is written \\\\"),
        ('{"a": "\\u12"}', "1:8: unknown escape in a string: a backslash is written \\\\"),
        ('{"a": 1', "1:8: the file ends too early: a comma or } is missing"),
        ('{"a":\n', "2:1: the file ends too early: a value is missing"),
        ("{", "1:2: the file ends too early: a key in double quotes is missing"),
        ('{"a": 1}}', "1:9: text after the end of the object"),
        ("[]", "1:1: the file holds a list; settings are an object in braces"),
        ('\n "x"', "2:2: the file holds a string; settings are an object in braces"),
        ("null", "1:1: the file holds null; settings are an object in braces"),
        ('\udcff\udcfe{\x00"\x00', "1:1: the file is UTF-16; settings must be UTF-8"),
        ("{\x00}", "1:2: unexpected '\\x00' where a key in double quotes should be"),
        ('{"a":\u00a01}', "1:6: unexpected '\\xa0' where a value should be"),
        ('{"a": ' + "[" * 100_000, "1:207: nested more than 200 levels deep"),
    ],
)
def test_a_fault_is_named_plainly_with_line_and_column(text: str, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse(text)
    assert caught.value.message == message
    assert f"{caught.value.line}:{caught.value.column}: {caught.value.fault}" == message
    assert caught.value.at("settings.json").message == f"settings.json:{message}"


@pytest.mark.parametrize("number", ["0", "-0", "1e400", "-1.5E-3", "1" * 5000])
def test_every_number_of_json_is_read(number: str) -> None:
    assert isinstance(value_at(f'{{"a": {number}}}', ("a",)), int | float)


# --- diffs -----------------------------------------------------------------------------------------------------------


def test_a_diff_shows_the_lines_and_where_they_are() -> None:
    before = "{\n" + "".join(f'  "k{i}": {i},\n' for i in range(20)) + '  "end": 0\n}'
    after = before.replace('"k2": 2', '"k2": two').replace('  "end": 0\n}', '  "end": 1\n}\n')
    assert unified_diff(before, after, "f.json") == (
        '--- f.json\n+++ f.json\n@@ -1,7 +1,7 @@\n {\n   "k0": 0,\n   "k1": 1,\n-  "k2": 2,\n+  "k2": two,\n'
        '   "k3": 3,\n   "k4": 4,\n   "k5": 5,\n@@ -19,5 +19,5 @@\n   "k17": 17,\n   "k18": 18,\n   "k19": 19,\n'
        '-  "end": 0\n-}\n\\ No newline at end of file\n+  "end": 1\n+}\n'
    )


def test_a_diff_of_a_new_and_of_a_removed_file_names_dev_null() -> None:
    assert unified_diff(None, "{}\n", "f") == "--- /dev/null\n+++ f\n@@ -0,0 +1 @@\n+{}\n"
    assert unified_diff("{}\n", None, "f") == "--- f\n+++ /dev/null\n@@ -1 +0,0 @@\n-{}\n"
    assert unified_diff("{}\n", "{}\n", "f") == ""


def test_a_diff_keeps_carriage_returns() -> None:
    assert unified_diff("{\r\n}\r\n", "{ \r\n}\r\n", "f") == "--- f\n+++ f\n@@ -1,2 +1,2 @@\n-{\r\n+{ \r\n }\r\n"
