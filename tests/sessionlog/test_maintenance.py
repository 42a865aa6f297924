"""Sessions whose process is gone are closed, and old ones forgotten."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from claude_local_plugin.core import processes, text
from claude_local_plugin.sessionlog import journal, maintenance, queries
from tests.sessionlog.test_spans import Log, log, use
from tests.sessionlog.test_store import record

__all__ = ["log"]


def answer(at: str) -> SimpleNamespace:
    found = use(0)
    found.at = at
    return found


def gone() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", "pass"])
    process.wait()
    return process.pid


def ends(log: Log) -> dict[str, tuple[str | None, str | None]]:
    rows = log.connection.execute("SELECT session_id, ended_at, end_reason FROM sessions")
    return {session_id: (ended_at, reason) for session_id, ended_at, reason in rows}


def test_a_session_whose_process_is_gone_is_closed_as_of_when_it_was_last_seen(log: Log) -> None:
    log.write(record(host="desk", client_pid=gone()), record("Stop", 7, host="desk"))
    assert maintenance.close_dead(log.connection, "desk") == ["s"]
    assert ends(log) == {"s": ("2026-11-21T10:07:00.000Z", "killed")}


@pytest.mark.parametrize(
    "changed",
    [{"host": "other"}, {"host": None}, {"client_pid": None}, {"client_pid": os.getpid(), "at": text.now()}],
    ids=["of another machine", "of who knows which", "of no known process", "of a living one"],
)
def test_a_session_that_may_be_alive_is_left_open(log: Log, changed: dict[str, object]) -> None:
    log.write(record(**{"host": "desk", "client_pid": gone(), **changed}))
    assert maintenance.close_dead(log.connection, "desk") == []
    assert ends(log) == {"s": (None, None)}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells when a process began")
def test_a_number_that_another_process_has_by_now_does_not_keep_a_session_open() -> None:
    hours_ago = text.now(time.time() - 6 * 3600)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert processes.is_alive(process.pid, text.now())
        assert not processes.is_alive(process.pid, hours_ago)
        process.communicate(b"\n")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_a_process_that_has_ended_and_that_nobody_has_asked_about_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", "print()"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read()  # until it is closed
        while processes._state(process.pid)[0] not in ("Z", "X"):
            time.sleep(0.01)
        assert not processes.is_alive(process.pid, text.now())


def test_a_process_of_somebody_else_is_there() -> None:
    assert processes.is_alive(1, text.now())


def test_a_session_that_was_closed_too_early_is_open_again_with_its_next_event(log: Log) -> None:
    log.write(record(host="desk", client_pid=gone()))
    maintenance.close_dead(log.connection, "desk")
    log.write(record("Stop", 5))
    assert ends(log) == {"s": (None, None)}


def test_what_is_answered_after_a_session_was_found_gone_is_not_known_to_be_anywhere(log: Log) -> None:
    """It was resumed where no hook is, perhaps with other settings."""
    log.write(record(host="desk", client_pid=gone()))
    found_gone = time.time()
    maintenance.close_dead(log.connection, "desk")
    log.count(use(3), use(4))
    log.count(answer(text.now(found_gone + 60)), answer(text.now(found_gone + 120)))
    assert [(span.kind, span.cause, span.messages) for span in log.spans()] == [
        ("vllm", "start", 2),
        ("not-known", "unseen", 2),
    ]
    row = log.connection.execute("SELECT backend_kind, end_reason FROM sessions").fetchone()
    assert row == ("not-known", "killed")


def test_a_session_found_gone_that_is_resumed_with_hooks_is_on_what_they_say(log: Log) -> None:
    log.write(record(host="desk", client_pid=gone()))
    maintenance.close_dead(log.connection, "desk")
    later = time.time() + 60
    log.write(record(cause="resume", at=text.now(later)))
    log.count(answer(text.now(later + 5)))
    assert [(span.kind, span.cause, span.messages) for span in log.spans()] == [
        ("vllm", "start", 0),
        ("vllm", "resume", 1),
    ]


def test_an_import_closes_the_dead_and_forgets_the_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, config = tmp_path / "state", tmp_path / "config"
    config.mkdir()
    (config / "config.toml").write_text("[log]\nretention_days = 30\n")
    monkeypatch.setenv("CLAUDE_LOCAL_CONFIG_DIR", str(config))
    old = record(session_id="old", at="2020-01-01T00:00:00.000Z")
    here, now = journal.this_host(), text.now()
    for each in (
        old,
        dict(old, event="SessionEnd", cause="other"),
        record(session_id="dead", host=here, client_pid=gone(), at=now),
        record(at=now, host=here, client_pid=os.getpid()),
    ):
        journal.append(str(state), each)
    assert {each.session_id: each.end_reason for each in queries.sessions(state)} == {"dead": "killed", "s": None}


def test_what_is_forgotten_leaves_no_trace_and_the_open_and_the_new_stay(log: Log, tmp_path: Path) -> None:
    for session_id, minute in (("a", 1), ("b", 2), ("new", 30)):
        log.write(record(minute=minute, session_id=session_id)).count(use(minute))
        log.write(record("SessionEnd", minute, session_id=session_id))
    log.write(record(minute=3, session_id="open"))
    assert maintenance.forget(log.connection, str(tmp_path), "2026-11-21T10:20:00.000Z", most=1) == 1
    assert maintenance.forget(log.connection, str(tmp_path), "2026-11-21T10:20:00.000Z") == 1
    assert set(ends(log)) == {"new", "open"}
    for table in ("events", "spans"):
        left = log.connection.execute(f"SELECT count(DISTINCT session) FROM {table}").fetchone()
        assert left == (2,), table


@pytest.mark.parametrize(
    ("folder", "kept_s"),
    [("claims", maintenance.CLAIMED_S), ("conversations", maintenance.NOTED_S)],
    ids=["list", "note"],
)
def test_what_a_session_long_silent_has_left_goes(tmp_path: Path, folder: str, kept_s: float) -> None:
    for name, age in (("old", kept_s + 60), ("new", kept_s - 60), ("a folder", kept_s + 60)):
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.mkdir() if name == "a folder" else path.touch()
        os.utime(path, (time.time() - age,) * 2)
    maintenance.sweep(str(tmp_path))
    assert {path.name for path in (tmp_path / folder).iterdir()} == {"new", "a folder"}
