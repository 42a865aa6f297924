"""`uninstall` takes everything of ours out, everywhere, after naming it."""

import json
from pathlib import Path

import pytest

from claude_local_plugin.commands import uninstall
from claude_local_plugin.core import installed
from claude_local_plugin.hook_runtime import code_cache
from tests.commands.place import Place

ENABLE = ("enable", "--no-check", "--url", "http://127.0.0.1:8000", "--model", "m", "--max-model-len", "65536")
THEIRS = {"permissions": {"allow": ["Bash(ls)"]}, "statusLine": {"type": "command", "command": "echo mine"}}


def everywhere(place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Enabled here, in another project and for all, with hooks of their own and a status line."""
    other = place.project.with_name("other")
    other.mkdir()
    monkeypatch.chdir(other)
    place.ok(*ENABLE)
    monkeypatch.chdir(place.project)
    place.ok(*ENABLE, "--statusline")
    place.ok("hooks", "install", "--scope", "user")
    return other


def test_it_names_every_file_and_asks(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(place, monkeypatch)
    before = place.local.read_bytes(), place.user.read_bytes()
    ended = place.ends(1, "uninstall")
    assert ended.err.count("what claude-local wrote is taken out of") == 3
    assert "--yes goes on" in ended.err
    assert (place.local.read_bytes(), place.user.read_bytes()) == before


def test_every_settings_file_is_what_it_was_and_the_log_stays(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    local, user = place.write(place.local, THEIRS), place.write(place.user, THEIRS)
    other = everywhere(place, monkeypatch)
    said = place.ok("uninstall", "--yes").out
    assert (place.local.read_bytes(), place.user.read_bytes()) == (local, user)
    assert not (other / ".claude").exists()
    assert "(--purge removes it)" in said
    assert (place.state / "sessions.db").exists()


def test_purging_leaves_nothing_of_ours_and_what_is_not_ours(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(place, monkeypatch)
    (place.state / "notes.txt").write_text("mine")
    answer = place.json("uninstall", "--purge", "--yes")
    assert str(place.state / "sessions.db") in answer["purged"]
    assert [path.name for path in place.state.iterdir()] == ["notes.txt"]


def test_what_hooks_keep_beside_the_program_goes_before_the_program_does(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(uninstall, "PACKAGE", tmp_path / "package")
    kept = Path(code_cache.path_in(str(tmp_path / "package")))
    kept.parent.mkdir(parents=True)
    kept.touch()
    place.ok(*ENABLE)
    place.ok("uninstall", "--yes")
    assert not kept.exists()


def test_without_anything_of_ours_there_is_nothing_to_do(place: Place) -> None:
    before = place.files()
    assert place.ok("uninstall").out.startswith("no settings file holds anything that claude-local wrote\n")
    assert place.files() == before


def test_hooks_that_no_record_knows_go_too(place: Place) -> None:
    place.ok("hooks", "install", "--scope", "user")
    text = place.user.read_text()
    place.ok("hooks", "uninstall", "--scope", "user")
    place.write(place.user, text.encode())
    place.ok("uninstall", "--yes")
    assert not place.user.exists() or "hooks" not in json.loads(place.user.read_bytes())


def test_lines_in_a_projects_env_files_and_launchers_go_too(place: Place) -> None:
    offline = ("--no-check", "--url", "http://127.0.0.1:8000", "--model", "m")
    (place.project / ".env").write_text("MINE=1")
    bin_folder = place.home / ".local" / "bin"
    bin_folder.mkdir(parents=True)
    (bin_folder / "theirs").write_text("#!/bin/sh\n")
    before = place.elsewhere()
    place.ok("env", *offline, "--write")
    place.ok("env", *offline, "--write", "--shell", "dotenv")
    place.ok("launcher", "install", "mine", "--", "claude")
    assert place.ends(1, "uninstall").err.count("what claude-local wrote is taken out of") == 3
    report = place.json("uninstall", "--yes")
    assert sorted(report["others"]) == sorted(
        [str(place.project / ".env"), str(place.project / ".envrc"), str(bin_folder / "mine")]
    )
    assert place.elsewhere() == before
    assert place.json("uninstall", "--yes")["others"] == []


def test_the_last_line_is_the_command_that_removes_the_program(place: Place) -> None:
    last = place.ok("uninstall").out.splitlines()[-1]
    assert last == f"Now remove the program: {installed.removing()}"
