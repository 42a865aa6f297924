"""Open sessions and background jobs: named before settings are written that move them, asked about, waited for."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.commands.open_sessions import affected, wait
from claude_local_plugin.core import text
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.sessionlog import store
from claude_local_plugin.sessionlog.journal import this_host
from claude_local_plugin.sessionlog.queries.open_sessions import open_sessions
from claude_local_plugin.settings import ownership
from claude_local_plugin.settings.document import Set
from claude_local_plugin.settings.ownership import BENCH
from claude_local_plugin.world import World
from tests.client.terminal import Terminal
from tests.commands.place import Place
from tests.sessionlog.recording import recording

A, B, ELSEWHERE = "http://127.0.0.1:8000", "http://127.0.0.1:9000", "http://127.0.0.1:7000"
ENABLE = ("enable", "--no-check", "--model", "m", "--max-model-len", "65536", "--url")
ID = "0a1b2c3d-0000-4000-8000-000000000000"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is alive until it is told to go."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def world_of(place: Place) -> World:
    return World(place.project, place.home, {"HOME": str(place.home)}, place.state, sys.executable)


def listed(
    place: Place, pid: int, folder: Path | None = None, session_id: str = ID, config: Path | None = None
) -> Path:
    """A session as Claude Code 2.1.332 lists it."""
    path = (config or place.home / ".claude") / "sessions" / f"{pid}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    now = int(time.time() * 1000)
    entry = {"pid": pid, "sessionId": ID, "cwd": str(folder or place.project), "startedAt": now}
    path.write_text(json.dumps({**entry, "updatedAt": now, "kind": "interactive", "entrypoint": "cli"}))


def job(place: Place, state: str = "working", model: str = "m-local", folder: Path | None = None) -> None:
    """A background session as Claude Code 2.1.332 keeps it."""
    path = place.home / ".claude" / "jobs" / ID[:8] / "state.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    entry: dict[str, Any] = {"state": state, "sessionId": ID, "cwd": str(folder or place.project)}
    entry |= {"respawnFlags": ["--model", model], "providerEnv": {"ANTHROPIC_MODEL": model}}
    path.write_text(json.dumps({**entry, "createdAt": "2026-11-28T03:53:16.645Z"}))


def elsewhere(place: Place) -> None:
    """What sessions use that no project's settings send anywhere."""
    place.write(place.user, {"env": {"ANTHROPIC_BASE_URL": ELSEWHERE}})


# --- who is open


def test_a_listed_process_that_is_alive_is_open(place: Place, sleeper: subprocess.Popen[bytes]) -> None:
    listed(place, sleeper.pid)
    (found,) = open_sessions(place.state, place.home / ".claude")
    assert (found.session_id, found.folder, found.pid, found.is_job) == (ID, place.project, sleeper.pid, False)
    sleeper.communicate(b"\n")
    assert open_sessions(place.state, place.home / ".claude") == ()


def test_what_the_log_knows_of_it_is_added(place: Place, sleeper: subprocess.Popen[bytes]) -> None:
    listed(place, sleeper.pid)
    with recording(place.state) as log:
        more = {"cwd": str(place.project), "host": this_host(), "client_pid": sleeper.pid}
        known = {"session_id": ID, "at": text.now(), "event": "SessionStart"}
        backend = {"backend_kind": "vllm", "backend_url": A, "model": "m", "model_is_certain": False}
        store.insert(log.log, known | more | backend)
    (found,) = open_sessions(place.state, place.home / ".claude")
    assert (found.backend, found.model) == (A, "m")


@pytest.mark.parametrize("text", ["", "[]", '{"pid": "x"}', '{"pid": -1, "sessionId": "s", "cwd": "/"}', "\xff"])
def test_a_list_that_cannot_be_understood_is_passed_over(place: Place, text: str) -> None:
    folder = place.home / ".claude" / "sessions"
    folder.mkdir(parents=True)
    (folder / "1.json").write_text(text)
    assert open_sessions(place.state, place.home / ".claude") == ()


@pytest.mark.parametrize(("state", "count"), [("working", 1), ("idle", 1), ("stopped", 0), ("done", 0)])
def test_a_job_counts_until_it_comes_to_rest(place: Place, state: str, count: int) -> None:
    job(place, state)
    found = open_sessions(place.state, place.home / ".claude")
    assert [(each.model, each.is_job) for each in found] == [("m-local", True)] * count


# --- who is moved


def disabled(place: Place) -> tuple[Any, ...]:
    """The open sessions that taking the local settings away would affect."""
    return affected(world_of(place), {place.local: None})


@pytest.mark.parametrize("where", ["here", "a folder in the repository", "a worktree", "another project"])
def test_the_sessions_that_read_a_file_are_those_of_its_whole_repository(
    repository: Place, sleeper: subprocess.Popen[bytes], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.ok(*ENABLE, A, "--yes")
    elsewhere(repository)
    folder = repository.project
    if where == "a folder in the repository":
        folder = repository.project / "api"
        folder.mkdir()
    elif where == "a worktree":
        (repository.project / "file").write_text("x")
        repository.git("add", "file")
        repository.git("commit", "-qm", "x")
        folder = repository.project.with_name("tree")
        repository.git("worktree", "add", "-q", str(folder))
    elif where == "another project":
        folder = repository.project.with_name("other")
        folder.mkdir()
    listed(repository, sleeper.pid, folder)
    found = disabled(repository)
    assert [(each.here, each.there) for each in found] == ([] if where == "another project" else [(A, ELSEWHERE)])


def test_user_settings_are_read_by_every_session(place: Place, sleeper: subprocess.Popen[bytes]) -> None:
    place.ok(*ENABLE, A, "--scope", "user")
    folder = place.project.with_name("other")
    folder.mkdir()
    listed(place, sleeper.pid, folder)
    text = place.user.read_text().replace(A, B)
    (found,) = affected(world_of(place), {place.user: text})
    assert (found.here, found.there, found.watched) == (A, B, True)


def test_a_session_that_nothing_else_sends_anywhere_stays(place: Place, sleeper: subprocess.Popen[bytes]) -> None:
    place.ok(*ENABLE, A)
    listed(place, sleeper.pid)
    (found,) = disabled(place)
    assert not found.moves


# --- what is said, asked and done


def test_disable_moves_no_session_unasked(place: Place, sleeper: subprocess.Popen[bytes]) -> None:
    elsewhere(place)
    place.ok(*ENABLE, A)
    enabled = place.local.read_bytes()
    listed(place, sleeper.pid)
    ended = place.ends(1, "disable")
    assert f"its next prompt, with the whole conversation, would go to {ELSEWHERE}" in ended.err
    assert "--when-idle waits until these sessions have ended" in ended.err
    assert place.local.read_bytes() == enabled
    place.ends(1, "disable", "--json")
    assert place.local.read_bytes() == enabled


def test_with_yes_the_hooks_stay_until_the_session_has_ended(place: Place, sleeper: subprocess.Popen[bytes]) -> None:
    elsewhere(place)
    place.ok(*ENABLE, A)
    listed(place, sleeper.pid)
    ended = place.ok("disable", "--yes")
    assert f"would go to {ELSEWHERE}" in ended.err
    assert "our hooks stay until the open sessions have ended" in ended.out
    left = json.loads(place.local.read_bytes())
    assert list(left) == ["hooks"]
    sleeper.communicate(b"\n")
    place.ok("disable", "--release")
    assert not place.local.exists()
    assert ownership.records(place.state) == ()
    assert not (place.state / "hooks-left").exists()


def test_hooks_of_the_user_scope_need_no_others_to_stay(place: Place, sleeper: subprocess.Popen[bytes]) -> None:
    elsewhere(place)
    place.ok("hooks", "install", "--scope", "user")
    place.ok(*ENABLE, A)
    listed(place, sleeper.pid)
    place.ok("disable", "--yes")
    assert not place.local.exists()


def test_enable_moves_no_session_unasked(place: Place, sleeper: subprocess.Popen[bytes]) -> None:
    listed(place, sleeper.pid)
    ended = place.ends(1, *ENABLE, A)
    assert f"on https://api.anthropic.com: its next prompt, with the whole conversation, would go to {A}" in ended.err
    assert not place.local.exists()
    place.ok(*ENABLE, A, "--dry-run")
    place.ok(*ENABLE, A, "--yes")
    assert place.local.exists()


def test_waiting_ends_with_the_last_session(place: Place, sleeper: subprocess.Popen[bytes]) -> None:
    elsewhere(place)
    place.ok(*ENABLE, A)
    listed(place, sleeper.pid)
    (found,) = disabled(place)
    said: list[str] = []
    wait(world_of(place), [found], said=said.append, pause=lambda _: sleeper.communicate(b"\n") and None)
    assert said == [f"ended: {ID[:8]}"]


def test_a_wait_has_an_end(place: Place, sleeper: subprocess.Popen[bytes]) -> None:
    elsewhere(place)
    place.ok(*ENABLE, A)
    listed(place, sleeper.pid)
    with pytest.raises(ClaudeLocalError, match="still open: 0a1b2c3d"):
        wait(world_of(place), disabled(place), patience=-1.0)


def test_when_idle_goes_on_once_nobody_is_there(place: Place, sleeper: subprocess.Popen[bytes]) -> None:
    elsewhere(place)
    place.ok(*ENABLE, A)
    listed(place, sleeper.pid)
    command = [sys.executable, "-m", "claude_local_plugin", "disable", "--when-idle"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stderr is not None
        while not waiting.stderr.readline().startswith("waiting for"):
            assert waiting.poll() is None
        assert place.local.exists()
        sleeper.communicate(b"\n")
        out, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, err
    assert not place.local.exists()
    assert "hooks stay" not in out


def test_a_job_is_named_with_the_model_that_it_keeps(place: Place) -> None:
    elsewhere(place)
    place.ok(*ENABLE, A)
    job(place, folder=place.project)
    ended = place.ends(1, "disable")
    assert "a background session is open in " in ended.err
    assert f"on {A} as m-local" in ended.err
    assert "so does each respawn, whose model Claude Code keeps in its job" in ended.err


def test_losing_protection_is_asked_about(place: Place) -> None:
    place.ok("config", "set", "protect", "true", "--project", str(place.project))
    place.ok(*ENABLE, A)
    ended = place.ends(1, "disable")
    assert "is protected by config.toml, and the hooks that see to it go with these settings" in ended.err
    assert place.local.exists()
    place.ok("disable", "--yes")
    assert not place.local.exists()


def test_taking_out_the_hooks_of_a_protected_folder_is_asked_about(place: Place) -> None:
    place.ok("config", "set", "protect", "true", "--project", str(place.project))
    place.ok(*ENABLE, A)
    before = place.local.read_bytes()
    assert "is protected by config.toml" in place.ends(1, "hooks", "uninstall").err
    assert place.local.read_bytes() == before
    place.ok("hooks", "uninstall", "--yes")
    assert "hooks" not in json.loads(place.local.read_bytes())


def test_hooks_that_come_and_go_name_the_open_sessions(place: Place, sleeper: subprocess.Popen[bytes]) -> None:
    listed(place, sleeper.pid)
    there = "a session is open in"
    said = place.ok("hooks", "install", "--dry-run").err
    assert there not in said
    said = place.ok("hooks", "install").err
    assert there in said
    assert "it stays there; it is on record from its next prompt on" in said
    said = place.ok("hooks", "uninstall").err
    assert "it stays there; nothing that it does from now on is seen" in said
    assert there not in place.ok("hooks", "uninstall").err


def test_bench_names_the_open_sessions_whose_settings_it_changes(
    place: Place, sleeper: subprocess.Popen[bytes]
) -> None:
    place.ok(*ENABLE, A)
    change = Set(("env", "API_TIMEOUT_MS"), "900000")
    ownership.apply(place.local, {BENCH: (change,)}, state_dir=place.state)
    assert "is open" not in place.ok("bench", "--revert").err
    ownership.apply(place.local, {BENCH: (change,)}, state_dir=place.state)
    listed(place, sleeper.pid)
    assert "it stays there; it takes these settings up at its next prompt" in place.ok("bench", "--revert").err


def test_disable_says_what_becomes_of_conversations_that_are_taken_to_the_cloud(place: Place) -> None:
    place.ok(*ENABLE, A)
    assert "signature" not in place.ok("disable").out
    with recording(place.state) as log:
        more = {"cwd": str(place.project), "project": str(place.project), "model_is_certain": False, "model": "m"}
        for event in ("SessionStart", "UserPromptSubmit", "SessionEnd"):
            known = {"session_id": ID, "at": text.now(), "event": event, "backend_kind": "vllm"}
            store.insert(log.log, known | more | {"backend_url": A})
    place.ok(*ENABLE, A)
    assert "claude-local rescue SESSION makes a copy without it" in place.ok("disable").out
    elsewhere(place)
    place.ok(*ENABLE, A)
    assert place.json("disable")["notes"] == []


def test_a_configuration_folder_that_was_moved_is_looked_into(
    place: Place, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = place.home / "moved"
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(config))
    listed(place, sleeper.pid, config=config)
    assert "would go to" in place.ends(1, *ENABLE, A).err
    assert os.environ["CLAUDE_CONFIG_DIR"] == str(config)


def test_enable_on_a_terminal_sums_up_an_open_session_right_above_each_question(
    place: Place, sleeper: subprocess.Popen[bytes]
) -> None:
    place.write(place.home / ".claude.json", {"hasCompletedOnboarding": True})
    place.ok(*ENABLE, A)
    listed(place, sleeper.pid)
    argv = [sys.executable, "-m", "claude_local_plugin", *ENABLE, B]
    environ = {**os.environ, "COLUMNS": "80", "LINES": "24", "NO_COLOR": "1"}
    with Terminal(argv, cwd=place.project, environ=environ) as terminal:
        terminal.wait_for(r"\[c\]ancel")
        lines = list(terminal.lines)
        terminal.type("n\n")
        terminal.wait_for(r"Writethis\?")
        terminal.type("n\n")
        assert terminal.wait_for_exit() == 1
    assert len(lines) <= 24, "\n".join(lines)
    # a folder is one word, which no line is broken in
    assert max(len(line) for line in lines if str(place.project) not in line) <= 80, "\n".join(lines)
    assert "Open     1 session, whose next prompt goes elsewhere (above)" in lines
    assert "its next prompt, with the whole conversation, would go to" in " ".join(map(str.strip, lines))
    assert place.env()["ANTHROPIC_BASE_URL"] == A
