"""`claude-local verify` as people use it, asking a client that only pretends."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.cli.verify import _Meter
from claude_local_plugin.commands.verify import Progress
from claude_local_plugin.conformance import Scenario, url
from tests.commands.place import Place

#: What the pretended client does as we expect, and what it does not: it knows nothing of user settings.
WORKS = {
    "ANTHROPIC_BASE_URL": url("local"),
    "ANTHROPIC_AUTH_TOKEN": "t",
    "ANTHROPIC_MODEL": "m",
    "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "1234",
}
AGREED = Scenario(settings={"local": {"env": WORKS}})
DIFFERENT = Scenario(settings={"user": {"env": WORKS}}, shell={"ANTHROPIC_AUTH_TOKEN": "s"})


@pytest.fixture
def client(place: Place) -> Path:
    """A client in the current folder."""
    source = (Path(__file__).parent.parent / "conformance" / "pretended_client.py").read_text(encoding="utf-8")
    program = place.project / "claude"
    program.write_text(f"#!{sys.executable}\n{source}", encoding="utf-8")
    program.chmod(0o755)
    return program


def case(folder: Path, scenario: Scenario) -> str:
    file = folder / "case.json"
    file.write_text(json.dumps(scenario.to_json()))
    return str(file)


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("named", ["claude", "./claude"])
def test_a_client_may_be_named_by_where_it_lies_from_here(place: Place, tmp_path: Path, named: str) -> None:
    done = place.run("verify", "--claude", named, "--case", case(tmp_path, AGREED))
    assert (done.code, done.out.partition("   (")[0]) == (0, "Claude Code 9.9.9: 1 of 1 agree")


def test_a_difference_is_printed_with_the_command_that_asks_it_again(
    place: Place, tmp_path: Path, client: Path
) -> None:
    done = place.run("verify", "--claude", str(client), "--case", case(tmp_path, DIFFERENT))
    assert done.code == 1
    again = next(line for line in done.out.splitlines() if "repeat: " in line).partition("repeat: ")[2].split()
    assert again[:3] == ["claude-local", "verify", "--case"]
    once_more = place.run(*again[1:], "--claude", str(client))
    assert once_more.code == 1
    assert once_more.out.splitlines()[1:3] == done.out.splitlines()[1:3]


def test_a_part_has_an_exit_code_of_its_own_and_says_how_much_was_not_asked(
    place: Place, client: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = {"one": AGREED, "two": Scenario(settings={"local": {"env": WORKS | {"OTHER": "1"}}})}
    monkeypatch.setattr("claude_local_plugin.commands.verify.all_questions", lambda *_, **__: questions)
    done = place.run("verify", "--claude", str(client), "--cases", "1")
    assert done.code == 3
    assert done.out.startswith("Claude Code 9.9.9: asked 1 of 2, 1 agree")
    assert "1 questions were not asked" in done.err
    assert place.run("verify", "--claude", str(client)).code == 0
    report: dict[str, Any] = place.run("verify", "--claude", str(client), "--json", "--cases", "1").json
    assert (report["complete"], report["cases"], report["questions"]) == (False, 1, 2)


@pytest.mark.parametrize("named", ["nothing-here", "./nothing-here", "/"])
def test_what_cannot_be_run_is_a_usage_error(place: Place, named: str) -> None:
    done = place.run("verify", "--claude", named)
    assert done.code == 2
    assert "cannot be run" in done.err


def test_progress_is_told_in_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    meter = _Meter(sys.stderr)
    meter.said -= 60
    meter(Progress(120, 1472, 2))
    meter(Progress(121, 1472, 2))
    meter.clear()
    assert capsys.readouterr().err == "120 of 1,472 asked, 2 differ\n"
