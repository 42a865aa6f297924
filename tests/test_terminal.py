"""How things look: masked secrets, short paths, columns, colour."""

import io
import itertools
import json
import re
from pathlib import Path

import click
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from claude_local_plugin.cli.terminal import Printer, columns, err, json_text, out, shortened, styled, wants_colour
from claude_local_plugin.commands.masking import masked_diff
from claude_local_plugin.core.endpoint import PLACEHOLDER
from claude_local_plugin.text import mask_secret, printable, short_path, with_tilde, without_secrets, wrapped
from tests.looped import looped


@looped(
    ("secret", "shown"),
    [
        ("sk-ant-api03-0123456789-0123456789-9f3c", "sk-a…9f3c (39 chars)"),
        ("0123456789abcdef01234567", "0123…4567 (24 chars)"),
        ("0123456789abcdef", "01…ef (16 chars)"),
        ("secret", "s…t (6 chars)"),
        ("short", "… (5 chars)"),
        ("x", "… (1 chars)"),
        ("", ""),
        (PLACEHOLDER, "claude-local"),
    ],
)
def test_a_secret_is_shown_enough_to_be_recognised(secret: str, shown: str) -> None:
    assert mask_secret(secret) == shown


@looped("length", range(1, 80))
def test_never_more_than_a_third_of_a_secret_is_shown(length: int) -> None:
    letters = "".join(chr(0x4E00 + number) for number in range(length))
    shown = set(mask_secret(letters)) & set(letters)
    assert len(shown) * 3 <= length


@looped(
    ("path", "shown"),
    [
        ("/home/me/src/shop/.claude/settings.json", ".claude/settings.json"),
        ("/home/me/src/shop", "."),
        ("/home/me/.claude/settings.json", "~/.claude/settings.json"),
        ("/home/me", "~"),
        ("/home/mean/x", "/home/mean/x"),
        ("/etc/claude-code", "/etc/claude-code"),
        ("/home/me//src/./shop/a/", "a"),
        ("/home/me/src/shop/../other", "../other"),
        ("/home/me/.", "~"),
        ("./x", "x"),
        ("", "."),
    ],
)
def test_a_path_is_said_as_people_say_it(path: str, shown: str) -> None:
    assert short_path(path, cwd=Path("/home/me/src/shop"), home=Path("/home/me")) == shown


def by_pathlib(path: Path, cwd: Path, home: Path) -> str:
    for base, prefix in ((home, "~/"),) if cwd == home else ((cwd, ""), (home, "~/")):
        if path.is_relative_to(base):
            within = path.relative_to(base)
            return f"{prefix}{within}" if within.parts else prefix.rstrip("/") or "."
    return str(path)


@given(st.text("/.ab", max_size=12), *[st.lists(st.sampled_from("ab."), max_size=3).map("/".join)] * 2)
def test_a_path_is_said_as_pathlib_would_say_it(path: str, cwd: str, home: str) -> None:
    assume(Path(path).root != "//")  # which is for each system to say, and ours has no such
    for given_path in (path, Path(path)):
        said = short_path(given_path, cwd=Path("/", cwd), home=Path("/", home))
        assert said == by_pathlib(Path(path), Path("/", cwd), Path("/", home))


def test_columns_are_aligned_and_the_last_one_is_not_padded() -> None:
    rows = [("a", "bbb", "c"), ("dddd", "e", "ff"), ("g",)]
    assert columns(rows) == ["a     bbb  c", "dddd  e    ff", "g"]
    assert columns(rows[:1], gap=" ", indent="> ") == ["> a bbb c"]
    assert columns([]) == []


def test_long_cells_give_way_in_their_middle_the_longest_first() -> None:
    rows = [["a", "0123456789" * 3, "x" * 12], ["bb", "short", "y"]]
    fitting = shortened(rows, 30, (1, 2))
    assert fitting == [["a", "012345…56789", "x" * 12], ["bb", "short", "y"]]
    assert max(map(len, columns(fitting))) == 30
    assert shortened(rows, 99, (1, 2)) == rows
    assert [len(cell) for cell in shortened(rows, 1, (1, 2))[0]] == [1, 8, 8]
    assert shortened([], 30, (1,)) == []


def test_json_for_a_stream_of_another_encoding_is_ascii() -> None:
    latin = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    assert json_text({"é": "日"}, indent=None, stream=latin) == '{"\\u00e9": "\\u65e5"}'
    assert json_text({"é": "日"}, indent=None, stream=io.StringIO()) == '{"é": "日"}'


def test_text_from_elsewhere_cannot_drive_a_terminal() -> None:
    assert printable("a\x1b[31mb\r\nc\x9bd\u202ee é—日") == r"a\x1b[31mb\r\nc\x9bd\u202ee é—日"


def test_json_is_readable_and_keeps_its_letters() -> None:
    assert json_text({"é": [1]}) == '{\n  "é": [\n    1\n  ]\n}'


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@looped(
    ("stream", "environ", "coloured"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"TERM": "xterm"}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (io.StringIO(), {}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (io.StringIO(), {"FORCE_COLOR": ""}, False),
    ],
)
def test_no_color_and_force_color_decide_before_the_terminal_does(
    stream: io.StringIO, environ: dict[str, str], coloured: bool
) -> None:
    assert wants_colour(stream, environ) is coloured


def test_a_line_stands_as_it_is_with_and_without_colour() -> None:
    text = "[bold]no markup[/bold] http://x:1 'quoted' 12345 " + "long " * 60
    plain, coloured = io.StringIO(), io.StringIO()
    Printer(plain, colour=False).line(text, "green")
    Printer(coloured, colour=True).line(text, "green")
    assert plain.getvalue() == f"{text}\n"
    assert coloured.getvalue().startswith("\x1b[32m")
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured.getvalue()) == f"{text}\n"


DIFF = "--- a\n+++ b\n@@ -1 +1 @@\n-old\r\n+new\u2028line\r\n same\x0c\n\\ No newline at end of file\n"


def test_a_diff_without_colour_is_the_diff_to_the_byte() -> None:
    stream = io.StringIO(newline="")
    Printer(stream, colour=False).diff(DIFF)
    assert stream.getvalue() == DIFF


def test_a_diff_in_colour_is_green_red_and_bold_and_has_the_same_lines() -> None:
    stream = io.StringIO(newline="")
    Printer(stream, colour=True).diff(DIFF)
    shown = stream.getvalue()
    assert "\x1b[31m-old" in shown
    assert "\x1b[32m+new" in shown
    assert "\x1b[1m--- a" in shown
    assert len(shown.split("\n")) == len(DIFF.split("\n"))


# --- secrets in diffs

PATH = Path("settings.json")


def test_a_diff_without_secrets_is_as_it_is() -> None:
    diff = masked_diff('{"model": "a"}\n', '{"model": "b", "x": {"MAX_THINKING_TOKENS": "5"}}\n', PATH)
    assert "…" not in diff
    assert diff.splitlines()[-2:] == ['-{"model": "a"}', '+{"model": "b", "x": {"MAX_THINKING_TOKENS": "5"}}']


@looped(
    "text",
    [
        '{"env": {"ANTHROPIC_API_KEY": "sk-ant-very-secret"}}',
        '{"env": {"ANTHROPIC_API_KEY":"sk-ant-very-secret","A":"b"}}',
        '{"env": {\n"ANTHROPIC_API_KEY"\n:\n"sk-ant-very-secret"\n}}',
        '{"env": {\r\n\t"ANTHROPIC_API_KEY" :\r\n\t\t"sk-ant-very-secret"\r\n}}',
        '{"env": {"GITHUB_TOKEN": "sk-ant-very-secret"}}',
        '{"env": {"DB_PASSWORD": "sk-ant-very-secret"}}',
        '{"env": {"URL": "http://user:sk-ant-very-secret@host/"}}',
        '{"env": {"ANTHROPIC_CUSTOM_HEADERS": "x: \\"sk-ant-very-secret\\""}}',
    ],
)
def test_a_secret_of_the_users_is_masked_wherever_it_stands(text: str) -> None:
    for before, after in ((text, None), (None, text), (text, text.replace("{", '{"a": 1,', 1))):
        assert "sk-ant-very-secret" not in masked_diff(before, after, PATH)


def test_ours_is_masked_by_its_value_and_what_is_harmless_is_not() -> None:
    text = '{"a": "my-own-key-of-24-letters", "ANTHROPIC_AUTH_TOKEN": "claude-local", "OTHER_TOKEN": "known-harmless"}'
    shown = masked_diff(None, text, PATH, secrets=["my-own-key-of-24-letters"], harmless=["known-harmless"])
    assert '"a": "my-o…ters (24 chars)"' in shown
    assert '"ANTHROPIC_AUTH_TOKEN": "claude-local"' in shown
    assert '"OTHER_TOKEN": "known-harmless"' in shown


@looped("letter", ["\x00", "\x1b", "\x7f", "\x9b", "\n", "\r", "\u200b", "\u202e", "\u2028", "\u2066"])
@looped("colour", [True, False])
def test_nothing_that_is_printed_reaches_a_terminal_as_it_stands(letter: str, *, colour: bool) -> None:
    stream = Terminal()
    printer = Printer(stream, colour=colour)
    printer.line(f"a{letter}b", "red")
    printer.lines([f"a{letter}b"])
    printer.table([[f"a{letter}b", f"c{letter}d"]])
    if letter != "\n":
        printer.diff(f"+a{letter}b\n")
    shown = re.sub("\x1b\\[[0-9;]*m", "", stream.getvalue())
    assert shown.count("\n") == (3 if letter == "\n" else 4)
    assert shown.replace("\n", "").isprintable()
    assert printable(letter) in shown


@looped("letter", ["\u115f", "\u3164", "\u2800", "\ufe0f", "\U000e0100", "\U000e0041", "\ufeff", "\xad"])
def test_letters_that_show_nothing_are_shown(letter: str) -> None:
    assert printable(f"a{letter}b").isascii()


def test_a_diff_that_no_terminal_reads_stays_to_the_byte() -> None:
    stream = io.StringIO()
    Printer(stream, colour=False).diff("-a\x9bb\u202e\n+c\r\n")
    assert stream.getvalue() == "-a\x9bb\u202e\n+c\r\n"


@looped("letter", ["\x7f", "\x9b", "\u200b", "\u202e", "\u2028", "\U000e0041", "\u3164"])
def test_json_says_the_same_with_escapes(letter: str) -> None:
    text = json_text({f"k{letter}": [f"é{letter}"]}, indent=None, stream=io.StringIO())
    assert text.isprintable()
    assert letter not in text
    assert "é" in text
    assert json.loads(text) == {f"k{letter}": [f"é{letter}"]}


SECRET = "qR7-secret.Of_mine+8"


@looped(
    "text",
    [
        f"curl -H 'Authorization: Bearer {SECRET}' http://box",
        f"export SERVER_API_KEY={SECRET} && run",
        f'run --token="{SECRET}"',
        f"run --api-key {SECRET} -v",
        f"http://user:{SECRET}@box:8000/v1",
        f"curl -H x-api-key:{SECRET}",
        f"MY_PASSWORD='{SECRET}' run",
        "run sk-ant-api03-abcdefghijkl",
        "run ghp_abcdefghijklmnop1234",
        "aws AKIAABCDEFGHIJKLMNOP",
    ],
)
def test_a_secret_within_a_text_is_masked_where_a_diff_shows_it(text: str) -> None:
    settings = json.dumps({"statusLine": {"type": "command", "command": text}, "hooks": {"Stop": [text]}}, indent=1)
    shown = masked_diff(settings, settings.replace("{", '{\n "a": 1,', 1), PATH)
    for secret in (SECRET, "abcdefghijkl", "ABCDEFGHIJKLMNOP"):
        assert secret not in shown
    assert "chars)" in shown
    assert without_secrets(without_secrets(text)) == without_secrets(text)


@looped(
    "text",
    [
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS=65536",
        "run --token $MY_TOKEN",
        "export KEY_TOKEN=$(cat /run/key)",
        "Authorization: Bearer ${KEY}",
        "x-api-key: claude-local",
        "http://box:8000/v1",
        "claude-local enable --token-env MY_KEY",
    ],
)
def test_what_is_no_secret_is_shown(text: str) -> None:
    assert without_secrets(text) == text


def test_a_style_has_the_escapes_that_click_has_for_it() -> None:
    for colour in ("red", "green", "yellow", "cyan", ""):
        for bold, dim in itertools.product((None, True), repeat=2):
            style = " ".join([*(["bold"] if bold else []), *(["dim"] if dim else []), colour])
            assert styled("a text", style) == click.style("a text", fg=colour or None, bold=bold, dim=dim), style


# --- the home folder, as people say it


@looped(
    ("text", "shown"),
    [
        ("/home/me/.claude/settings.json:3: trailing comma", "~/.claude/settings.json:3: trailing comma"),
        ("see /home/me/a and (/home/me/b)", "see ~/a and (~/b)"),
        ("git -C '/home/me/my shop' add", "git -C '/home/me/my shop' add"),  # a shell does not expand it there
        ("--state=/home/me/x", "--state=/home/me/x"),
        ('{"path": "/home/me/x"}', '{"path": "/home/me/x"}'),
        ("/home/me2/x /mnt/home/me/x", "/home/me2/x /mnt/home/me/x"),
    ],
)
def test_paths_below_the_home_folder_begin_with_a_tilde(text: str, shown: str) -> None:
    assert with_tilde(text, "/home/me") == shown
    stream = Terminal()
    Printer(stream, colour=False, home="/home/me").line(text)
    assert stream.getvalue() == f"{shown}\n"


def test_a_program_that_reads_gets_paths_as_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    out().line("/home/me/config.toml")
    err().line("error: /home/me/config.toml")
    shown = capsys.readouterr()
    assert shown.out == "/home/me/config.toml\n"
    assert shown.err == "error: ~/config.toml\n"


@looped("home", ["", "/"])
def test_no_home_is_no_tilde(home: str) -> None:
    assert with_tilde("/etc/x", home) == "/etc/x"


# --- sentences that are wider than a terminal


def test_a_sentence_is_broken_at_blanks_and_a_command_in_it_is_not() -> None:
    text = "the server cannot be asked from here at all: claude-local enable --url http://localhost:8000"
    assert wrapped(text, 60) == [
        "the server cannot be asked from here at all:",
        "  claude-local enable --url http://localhost:8000",
    ]
    assert wrapped("one two three", 7) == ["one two", "  three"]
    assert wrapped("x" * 90, 40) == ["x" * 90]
    assert wrapped("", 40) == [""]
