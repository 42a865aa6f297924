"""How things look: masked secrets, short paths, columns, colour."""

import io
import re
from pathlib import Path

import pytest

from claude_local_plugin.commands.masking import masked_diff
from claude_local_plugin.guest.backend import PLACEHOLDER
from claude_local_plugin.render import (
    Printer,
    columns,
    json_text,
    mask_secret,
    printable,
    short_path,
    shortened,
    wants_colour,
)


@pytest.mark.parametrize(
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


@pytest.mark.parametrize("length", range(1, 80))
def test_never_more_than_a_third_of_a_secret_is_shown(length: int) -> None:
    letters = "".join(chr(0x4E00 + number) for number in range(length))
    shown = set(mask_secret(letters)) & set(letters)
    assert len(shown) * 3 <= length


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/home/me/src/shop/.claude/settings.json", ".claude/settings.json"),
        ("/home/me/src/shop", "."),
        ("/home/me/.claude/settings.json", "~/.claude/settings.json"),
        ("/home/me", "~"),
        ("/home/mean/x", "/home/mean/x"),
        ("/etc/claude-code", "/etc/claude-code"),
    ],
)
def test_a_path_is_said_as_people_say_it(path: str, shown: str) -> None:
    assert short_path(path, cwd=Path("/home/me/src/shop"), home=Path("/home/me")) == shown


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
    assert printable("a\x1b[31mb\r\nc\x9bd\u202ee é—日") == "a�[31mb��c�d�e é—日"


def test_json_is_readable_and_keeps_its_letters() -> None:
    assert json_text({"é": [1]}) == '{\n  "é": [\n    1\n  ]\n}'


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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
