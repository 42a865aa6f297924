"""What the guides say that commands print is what they print."""

import shlex
from pathlib import Path

import pytest

from claude_local_plugin import cli
from tests.transcripts import Typed, mismatch, typed

DOCS = Path(__file__).parents[1] / "docs"
#: Guides whose commands ask no server and no machine.
CATALOGUE = ("gb10.md", "two-rtx-pro-6000.md")


@pytest.mark.parametrize("name", CATALOGUE)
def test_commands_about_recipes_print_what_the_guide_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = list(typed((DOCS / name).read_text(encoding="utf-8")))
    assert found
    monkeypatch.chdir(tmp_path)
    for each in found:
        program, *words = shlex.split(each.command)
        assert program == "claude-local"
        assert cli.run_line(words) == 0
        out, err = capsys.readouterr()
        wrong = mismatch(each.expected, out + err)
        assert wrong is None, f"{name}:{each.line}: {wrong}"


def test_a_transcript_is_read_and_compared() -> None:
    page = "text\n```console\n$ one two\nfirst\n…\nlast of … it\n$ silent\n```\n```text\n$ no\nx\n```\n"
    (only,) = typed(page)
    assert only == Typed("one two", ("first", "…", "last of … it"), 3)
    assert mismatch(only.expected, "first\nlast of all it\n") is None
    assert mismatch(only.expected, "first\na\nb\nlast of it\n") is not None
    assert mismatch(only.expected, "first\na\nb\nlast of 5 it\n") is None
