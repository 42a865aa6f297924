"""config.toml as text: one key changed and nothing else, and where each key stands."""

import tomllib
from typing import Any

import pytest
import tomlkit
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from claude_local_plugin.config.document import ABSENT, SyntaxFaultError, edited, parse, place
from claude_local_plugin.errors import SettingsError
from tests.looped import looped

FILE = """# my settings
on_dead_backend = "warn"   # mine

# about the log
[log]
cwd = 'hash'  # why
later = 3

[projects."~/src/client-a"]  # A
protect = true
allowed_backends = [
  "http://a:1",  # the box
]
"""
TEXTS = {
    "empty": "",
    "one line": "a = 1\n",
    "no end of line": "a = 1",
    "windows": FILE.replace("\n", "\r\n"),
    "with a mark": "\ufeff" + FILE,
    "dotted": 'log.cwd = "off"\n',
    "inline": 'log = {cwd = "off"}\n',
    "comments alone": "# nothing yet\n",
    "tables alone": '# head\n\n[log]\ncwd = "off"\n',
    "spelt out": '[projects]\n["projects"."/x"]\nprotect = true\n',
    "out of order": '[projects."/a"]\nprotect = true\n[log]\nlater = 1\n[projects."/b"]\nprotect = false\n',
    "long text": 'later = """\n[not a table]\n"""\n[log]\ncwd = "off"\n',
    "ordinary": FILE,
}
CHANGES: tuple[tuple[tuple[str, ...], object], ...] = (
    (("on_dead_backend",), "block"),
    (("warm_up",), True),
    (("probe_deadline_s",), 0.5),
    (("down_command",), ["ssh", "box", 'say "hi"']),
    (("log", "project"), "off"),
    (("log", "cwd"), "full"),
    (("projects", "~/src/client-a", "protect"), False),
    (("projects", "/with a blank", "protect"), True),
    (("prices", "input"), 3.5),
)


def changed(data: dict[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    """The data with one key set."""
    node = data
    for step in path[:-1]:
        node = node.setdefault(step, {})
    node[path[-1]] = value
    return data


def lines(text: str) -> list[str]:
    """The lines that are not blank."""
    return [line for line in text.splitlines() if line]


@looped("name", TEXTS)
@looped(("path", "value"), CHANGES, ids=lambda part: ".".join(part) if isinstance(part, tuple) else "")
def test_a_change_changes_that_key_alone_and_is_taken_back(name: str, path: tuple[str, ...], value: object) -> None:
    text = TEXTS[name]
    before = parse(text)
    after = edited(text, path, value)
    assert parse(after) == changed(parse(text), path, value)
    comments = [line.partition("#")[2] for line in text.splitlines() if "#" in line]
    assert [line.partition("#")[2] for line in after.splitlines() if "#" in line] == comments
    assert after.startswith("\ufeff") == text.startswith("\ufeff")
    assert ("\n" in after.replace("\r\n", "")) == (name != "windows")
    assert edited(after, path, value) == after
    node: Any = before
    for step in path:
        node = node.get(step, ABSENT) if isinstance(node, dict) else ABSENT
    if node is ABSENT:
        # a blank line may be left
        assert lines(edited(after, path, ABSENT)) == lines(text)
    else:
        assert parse(edited(after, path, node)) == before


def test_every_other_line_stays_as_it_is() -> None:
    after = edited(FILE, ("on_dead_backend",), "block")
    assert after == FILE.replace('"warn"   # mine', '"block"   # mine')
    assert edited(FILE, ("log", "cwd"), "off") == FILE.replace("'hash'", '"off"')


def test_a_new_key_stands_with_its_like_and_before_the_comment_of_a_table() -> None:
    assert edited(FILE, ("warm_up",), True).splitlines()[1:4] == [
        'on_dead_backend = "warn"   # mine',
        "warm_up = true",
        "",
    ]
    assert edited("# head\n[log]\n", ("warm_up",), True) == "warm_up = true\n\n# head\n[log]\n"
    assert edited("# nothing yet\n", ("warm_up",), True) == "# nothing yet\nwarm_up = true\n"


def test_a_table_goes_with_its_last_key_unless_a_comment_is_left() -> None:
    assert edited('a = 1\n\n[log]\ncwd = "off"\n', ("log", "cwd"), ABSENT) == "a = 1\n"
    assert edited('[log]  # mine\ncwd = "off"\n', ("log", "cwd"), ABSENT) == "[log]  # mine\n"
    assert edited('[log]\n# mine\ncwd = "off"\n', ("log", "cwd"), ABSENT) == "[log]\n# mine\n"
    assert edited('[projects."/a"]\nprotect = true\n', ("projects", "/a", "protect"), ABSENT) == ""


def test_a_number_is_not_taken_for_true_nor_one_nan_for_another() -> None:
    assert edited("warm_up = 1\nlater = nan\n", ("warm_up",), True) == "warm_up = true\nlater = nan\n"
    assert edited("warm_up = true\n", ("warm_up",), 1) == "warm_up = 1\n"


def test_what_is_said_already_keeps_its_spelling() -> None:
    text = "on_dead_backend   =   'warn'\n"
    assert edited(text, ("on_dead_backend",), "warn") == text


def test_a_file_with_two_kinds_of_line_ends_keeps_both() -> None:
    assert edited("a = 1\r\nb = 2\n", ("b",), 3) == "a = 1\r\nb = 3\n"


def test_a_key_inside_something_that_is_no_table_is_left_to_a_human() -> None:
    with pytest.raises(SettingsError, match=r"log\.cwd cannot be changed without changing something else") as refusal:
        edited("log = 3\n", ("log", "cwd"), "off")
    assert refusal.value.hint is not None


@looped(
    ("text", "said", "line", "column"),
    [
        ("a = \n", "invalid value", 1, 5),
        ("a = 1\na = 2", "cannot overwrite a value", 2, 6),
        ("\n[x", "expected ']' at the end of a table declaration", 2, 3),
        ('a = 1\nb = "abc', "unterminated string", 2, 9),
        ("a = 1\n\udcff = 2", "not in UTF-8", 2, 1),
        ("a = " + "[" * 9999, "nested too deeply", 1, 1),
    ],
)
def test_what_is_no_toml_is_told_with_line_and_column(text: str, said: str, line: int, column: int) -> None:
    for ask in (lambda: parse(text), lambda: edited(text, ("warm_up",), True)):
        with pytest.raises(SyntaxFaultError) as fault:
            ask()
        assert (fault.value.message, fault.value.line, fault.value.column) == (said, line, column)


def test_a_fault_quotes_nothing_of_the_file() -> None:
    with pytest.raises(SyntaxFaultError) as fault:
        parse("hunter2 = hunter2\n")
    assert "hunter2" not in fault.value.message


@looped("text", [FILE, TEXTS["windows"], TEXTS["with a mark"]], ids=["unix", "windows", "mark"])
@looped(
    ("path", "where"),
    [
        (("on_dead_backend",), (2, 19)),
        (("log",), (5, 1)),
        (("log", "cwd"), (6, 7)),
        (("log", "later"), (7, 9)),
        (("projects", "~/src/client-a"), (9, 1)),
        (("projects", "~/src/client-a", "protect"), (10, 11)),
        (("projects", "~/src/client-a", "allowed_backends"), (11, 20)),
        (("nowhere",), None),
        (("log", "cwd", "deeper"), None),
    ],
    ids=str,
)
def test_a_key_is_found_at_its_line_and_column(text: str, path: tuple[str, ...], where: tuple[int, int] | None) -> None:
    assert place(text, path) == where


KEYS = st.sampled_from(["a", "b", "log", "c d", "é", "x.y", "on_dead_backend"])
VALUES = st.one_of(
    st.booleans(),
    st.integers(-9, 9),
    st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=8),
    st.lists(st.text("ab\"'", max_size=3), max_size=3),
)
DATA = st.dictionaries(KEYS, st.one_of(VALUES, st.dictionaries(KEYS, VALUES, max_size=3)), max_size=4)


@settings(deadline=None)
@given(data=DATA, path=st.lists(KEYS, min_size=1, max_size=2).map(tuple), value=VALUES)
def test_whatever_the_file_says_it_says_the_rest_of_it_afterwards(
    data: dict[str, Any], path: tuple[str, ...], value: object
) -> None:
    text = tomlkit.dumps(data)
    assume(tomllib.loads(text) == data)  # tomlkit's own writing of some texts is not what it was given
    try:
        after = edited(text, path, value)
    except SettingsError:
        assert len(path) == 2
        assert not isinstance(data.get(path[0], {}), dict)
        return
    assert parse(after) == changed(data, path, value)


PROFILES = """# my own file
protect = true

# the one in the cellar
[profiles.spark]
url = "http://spark:8000"  # loud
# window = 1
model = "m"

[profiles.spark.env]
A = "1"

# on the desk
[profiles.desk]
url = "http://desk:1"

[log]
cwd = "full"
"""


def test_a_new_key_goes_to_the_end_of_its_table_and_before_the_comment_of_the_next() -> None:
    assert edited(PROFILES, ("profiles", "spark", "env", "B"), "2") == PROFILES.replace(
        'A = "1"\n', 'A = "1"\nB = "2"\n'
    )
    assert edited(PROFILES, ("profiles", "spark", "window"), 5) == PROFILES.replace(
        'model = "m"\n', 'model = "m"\nwindow = 5\n'
    )


def test_a_new_table_stands_behind_those_of_its_kind_with_a_blank_line_on_both_sides() -> None:
    for path, name in (
        (("profiles", "new", "url"), "profiles.new"),
        (("profiles", "a.b", "url"), 'profiles."a.b"'),
        (("profiles", "desk", "env", "url"), "profiles.desk.env"),
    ):
        assert edited(PROFILES, path, "http://x") == PROFILES.replace(
            "\n[log]", f'\n[{name}]\nurl = "http://x"\n\n[log]'
        )
    assert edited("a = 1", ("profiles", "x", "url"), "u") == 'a = 1\n\n[profiles.x]\nurl = "u"\n'
    assert edited("", ("profiles", "x", "url"), "u") == '[profiles.x]\nurl = "u"\n'


def test_a_table_goes_with_those_below_it_and_the_comment_over_its_name_and_no_other() -> None:
    start, end = PROFILES.index("# the one"), PROFILES.index("# on the desk")
    assert edited(PROFILES, ("profiles", "spark"), ABSENT) == PROFILES[:start] + PROFILES[end:]
    start, end = PROFILES.index("# on the desk"), PROFILES.index("[log]")
    assert edited(PROFILES, ("profiles", "desk"), ABSENT) == PROFILES[:start] + PROFILES[end:]
    start, end = PROFILES.index("[profiles.spark.env]"), PROFILES.index("# on the desk")
    assert edited(PROFILES, ("profiles", "spark", "env", "A"), ABSENT) == PROFILES[:start] + PROFILES[end:]
    assert edited(PROFILES, ("log",), ABSENT) == PROFILES[: PROFILES.index("\n[log]")]


def test_what_looks_like_a_table_inside_a_text_is_none() -> None:
    text = '[profiles.a]\nurl = "u"\nnote = """\n[profiles.b]\n# x\n"""\n'
    after = edited(text, ("profiles", "b", "url"), "v")
    assert after.startswith(text)
    assert parse(after)["profiles"]["b"] == {"url": "v"}
    assert parse(edited(after, ("profiles", "b"), ABSENT)) == parse(text)
