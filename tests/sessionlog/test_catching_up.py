"""What no hook was there to see is caught up with at the next look: killed sessions, answers after the last event."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.core import faults
from claude_local_plugin.sessionlog import importer, queries, store, token_import
from claude_local_plugin.sessionlog.journal import this_host
from tests.sessionlog.recording import at, recording

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there, nobody can ask whether a process lives")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder that does not exist yet."""
    return tmp_path / "state"


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    """A session's transcript with two answers, of 10 and 20 tokens."""
    path = tmp_path / "s.jsonl"
    path.write_text(answer(1, 10) + answer(2, 20))
    return path


def answer(number: int, tokens: int) -> str:
    """A line of a transcript, as Claude Code 2.1.329 writes it, where it matters."""
    usage = {"input_tokens": tokens, "output_tokens": 1, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
    message = {"id": f"msg_{number}", "role": "assistant", "model": "qwen3", "usage": usage}
    line = {"type": "assistant", "isSidechain": False, "requestRef": f"r{number}", "timestamp": at(number),
            "requestedModel": "qwen3", "message": message}  # fmt: skip
    return json.dumps(line, separators=(",", ":")) + "\n"


def gone() -> int:
    """The number of a process that is gone."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


def record(state: Path, session: str = "s", *, end: bool = False, **more: Any) -> None:
    """A session of this machine whose process is gone."""
    more = {"host": this_host(), "client_pid": gone(), **more}
    with recording(state) as log:
        log.event(session, 0, cause="startup", **more)
        if end:
            log.event(session, 5, "SessionEnd", cause="other", **more)


def test_a_session_whose_process_is_gone_is_closed_and_marked(state: Path) -> None:
    record(state)
    (session,) = queries.sessions(state)
    assert (session.ended_at, session.end_reason, session.state) == (at(0), "killed", "killed")


def test_one_whose_process_is_there_runs(state: Path) -> None:
    # its start lies ahead, so that the process is the older one
    record(state, client_pid=os.getpid(), at="2100-01-01T00:00:00.000Z")
    (session,) = queries.sessions(state)
    assert (session.ended_at, session.state) == (None, "running")


@pytest.mark.parametrize("more", [{"host": "another-machine"}, {"host": None}, {"client_pid": None}], ids=str)
def test_one_of_which_nobody_can_tell_stays_open(state: Path, more: dict[str, Any]) -> None:
    record(state, **more)
    assert queries.sessions(state)[0].ended_at is None


def test_what_a_killed_session_had_answered_is_counted_before_it_is_closed(state: Path, transcript: Path) -> None:
    record(state, transcript_path=str(transcript))
    (session,) = queries.sessions(state)
    assert (session.state, session.counted("input_tokens"), session.counted("messages")) == ("killed", 30, 2)
    # and never twice
    assert queries.sessions(state)[0].counted("input_tokens") == 30


def test_one_that_a_hook_has_closed_without_reading_is_read(state: Path, transcript: Path) -> None:
    record(state, transcript_path=str(transcript), end=True)
    assert queries.sessions(state)[0].counted("input_tokens") == 30


def test_a_running_session_is_read_as_far_as_it_has_come(state: Path, transcript: Path) -> None:
    alive = {"client_pid": os.getpid(), "at": at(0)}
    record(state, transcript_path=str(transcript), **alive)
    assert queries.sessions(state)[0].counted("input_tokens") == 30
    with transcript.open("a") as file:
        file.write(answer(3, 40))
    assert queries.sessions(state)[0].counted("input_tokens") == 70


def test_a_long_transcript_is_read_to_its_end_piece_by_piece(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text("".join(answer(number, 1) for number in range(1, 400)))
    record(state, transcript_path=str(path))
    looks = []
    read = token_import.read

    def counted(*arguments: Any) -> Any:
        looks.append(arguments)
        return read(*arguments, most_bytes=4096)

    monkeypatch.setattr(token_import, "read", counted)
    assert queries.sessions(state)[0].counted("messages") == 399
    assert len(looks) > 10


def test_a_transcript_that_is_gone_or_may_not_be_read_does_no_harm(state: Path, tmp_path: Path) -> None:
    record(state, "gone", transcript_path=str(tmp_path / "gone.jsonl"))
    record(state, "folder", transcript_path=str(tmp_path))
    assert {session.state for session in queries.sessions(state)} == {"killed"}


def test_not_every_session_there_ever_was_is_looked_at(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "RECENT", 3)
    looked_at = []
    monkeypatch.setattr(token_import, "read", lambda log, session, path: looked_at.append(session))
    with recording(state) as log:
        for number in range(10):
            more = {"host": this_host(), "transcript_path": "/nowhere/x.jsonl"}
            log.event(f"s{number}", number, **more)
            if number:
                log.event(f"s{number}", number, "SessionEnd", **more)
    queries.sessions(state)
    assert sorted(looked_at) == ["s0", "s7", "s8", "s9"]  # the newest, and the one that is open


def test_looking_again_writes_nothing(state: Path, transcript: Path) -> None:
    record(state, transcript_path=str(transcript))
    queries.sessions(state)
    files = {path.name: path.read_bytes() for path in state.iterdir() if not path.name.endswith(("-wal", "-shm"))}
    queries.sessions(state)
    now = {path.name: path.read_bytes() for path in state.iterdir() if not path.name.endswith(("-wal", "-shm"))}
    assert now == files


def test_what_cannot_be_written_is_read_all_the_same_and_the_fault_is_noted(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(state)

    def refuse(*_: Any) -> Any:
        raise store.LogUnusableError("the disk is full")

    monkeypatch.setattr(store, "open_file", refuse)
    assert queries.sessions(state)[0].state == "running"
    assert "the disk is full" in (state / faults.FAULTS).read_text()


def test_status_does_not_wait_for_any_of_this(state: Path) -> None:
    record(state, cwd="/home/dev/shop")
    last = queries.last_session(state, "/home/dev/shop")
    assert last is not None
    assert last["state"] == "running"
