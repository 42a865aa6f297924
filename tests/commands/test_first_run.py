"""`enable --first-run` answers Claude Code's first questions in its state file; `disable` takes the answers back."""

import json
from pathlib import Path

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend
from tests.commands.place import Place

STATE = """{
  "numStartups": 3,
  "projects": {
    "/elsewhere": {"hasTrustDialogAccepted": false}
  },
  "userID": "d0"
}"""


@pytest.fixture
def state(place: Place) -> Path:
    return place.home / ".claude.json"


def enable(place: Place, server: EmbeddedBackend, *more: str) -> str:
    return place.ok("enable", "--url", server.url, "--yes", "--first-run", *more).all


def answers(place: Place, state: Path, project: Path | None = None) -> tuple[object, object]:
    said = json.loads(state.read_text())
    entry = said.get("projects", {}).get(str(project or place.project), {})
    return said.get("hasCompletedOnboarding"), entry.get("hasTrustDialogAccepted")


def test_a_fresh_machine_is_answered_for_and_left_without_a_trace(
    place: Place, state: Path, server: EmbeddedBackend
) -> None:
    shown = enable(place, server)
    assert answers(place, state) == (True, True)
    assert '+  "hasCompletedOnboarding": true' in shown
    assert "you trust this folder" in shown
    place.ok("disable")
    assert not state.exists()


@pytest.mark.parametrize("scope", ["local", "project", "user"])
def test_what_stood_there_is_given_back_to_the_byte(
    place: Place, state: Path, server: EmbeddedBackend, scope: str
) -> None:
    state.write_text(STATE)
    enable(place, server, "--scope", scope)
    assert answers(place, state) == (True, True)
    assert "/elsewhere" in state.read_text()
    place.ok("disable", "--scope", scope)
    assert state.read_text() == STATE


def test_of_a_file_that_claude_code_has_rewritten_since_our_keys_alone_are_taken_out(
    place: Place, state: Path, server: EmbeddedBackend
) -> None:
    state.write_text(STATE)
    enable(place, server)
    said = json.loads(state.read_text())
    said["numStartups"] = 4
    said["projects"][str(place.project)]["lastSessionId"] = "abc"
    state.write_text(json.dumps(said))
    place.ok("disable")
    left = json.loads(state.read_text())
    assert left == {
        **json.loads(STATE),
        "numStartups": 4,
        "projects": {"/elsewhere": {"hasTrustDialogAccepted": False}, str(place.project): {"lastSessionId": "abc"}},
    }


def test_an_answer_that_was_changed_since_stays(place: Place, state: Path, server: EmbeddedBackend) -> None:
    enable(place, server)
    said = json.loads(state.read_text())
    said["projects"][str(place.project)]["hasTrustDialogAccepted"] = False
    state.write_text(json.dumps(said))
    shown = place.ok("disable").all
    assert answers(place, state) == (None, False)
    assert "left alone" in shown


def test_what_was_answered_already_stays_answered(place: Place, state: Path, server: EmbeddedBackend) -> None:
    mine = {
        "hasCompletedOnboarding": True,
        "projects": {str(place.project): {"hasTrustDialogAccepted": True, "x": 1}},
    }
    state.write_text(json.dumps(mine))
    enable(place, server)
    assert json.loads(state.read_text()) == mine
    place.ok("disable")
    assert json.loads(state.read_text()) == mine


def test_each_project_takes_its_own_answer_back(
    place: Place, state: Path, server: EmbeddedBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    enable(place, server)
    monkeypatch.chdir(other)
    enable(place, server)
    assert answers(place, state) == answers(place, state, other) == (True, True)
    place.ok("disable")
    assert answers(place, state) == (True, True)
    assert answers(place, state, other)[1] is None
    monkeypatch.chdir(place.project)
    place.ok("disable")
    assert not state.exists()


def test_everywhere_means_the_state_file_too(place: Place, state: Path, server: EmbeddedBackend) -> None:
    state.write_text(STATE)
    enable(place, server)
    assert len(place.ok("status", "--all", "--json").json["enabled"]) == 1
    place.ok("disable", "--everywhere", "--yes")
    assert state.read_text() == STATE


def test_uninstall_gives_it_back(place: Place, state: Path, server: EmbeddedBackend) -> None:
    state.write_text(STATE)
    enable(place, server)
    place.ok("uninstall", "--yes")
    assert state.read_text() == STATE


def test_a_later_enable_without_it_leaves_the_answers_for_disable(
    place: Place, state: Path, server: EmbeddedBackend
) -> None:
    enable(place, server)
    place.ok("enable", "--url", server.url, "--yes")
    assert answers(place, state) == (True, True)
    place.ok("disable")
    assert not state.exists()


def test_it_is_the_file_that_claude_code_reads(
    place: Place, server: EmbeddedBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "config"))
    enable(place, server)
    assert answers(place, tmp_path / "config" / ".claude.json") == (True, True)
    assert not (place.home / ".claude.json").exists()


def test_a_state_file_that_is_no_json_is_refused_before_anything_is_written(
    place: Place, state: Path, server: EmbeddedBackend
) -> None:
    state.write_text('{"numStartups": 3,}')
    ended = place.ends(1, "enable", "--url", server.url, "--yes", "--first-run")
    assert "trailing comma" in ended.err
    assert not place.local.exists()


def test_a_dry_run_shows_it_and_writes_nothing(place: Place, state: Path, server: EmbeddedBackend) -> None:
    shown = enable(place, server, "--dry-run")
    assert '+  "hasCompletedOnboarding": true' in shown
    assert not state.exists()


def test_the_report_names_the_file(place: Place, state: Path, server: EmbeddedBackend) -> None:
    report = place.ok("enable", "--url", server.url, "--yes", "--first-run", "--json").json
    assert report["state_file"] == str(state)
    assert "hasCompletedOnboarding" in {line["key"] for line in report["wrote"]}
