"""Reading the session log: what is asked is answered, what is not there is not made."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.commands.sessions import list_sessions, show_session
from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.sessionlog import journal, queries, store
from tests.sessionlog import recording as records
from tests.sessionlog.recording import ANTHROPIC, recording


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state folder that does not exist yet."""
    yield tmp_path / "state"
    while store._LEFT_OPEN:
        store._LEFT_OPEN.pop().close()


def happened(state: Path, session_id: str, at: str = "2026-11-21T10:03:13.123Z", **more: Any) -> None:
    """Puts one event on record."""
    event = {"session_id": session_id, "at": at, "event": "SessionStart", "cause": "startup"}
    backend = {"backend_kind": "anthropic", "backend_url": "https://api.anthropic.com"}
    journal.append(str(state), event | backend | more)


def spooled(state: Path, session_id: str) -> None:
    """Leaves one event in the spool."""
    at = "2026-11-21T10:00:00.000Z"
    event = {"session_id": session_id, "at": at, "event": "SessionStart", "backend_kind": "vllm"}
    records.spooled(state, event)


def test_asking_an_empty_home_leaves_it_empty(home: Path) -> None:
    state = home / ".local" / "state" / "claude-local"
    assert list_sessions(state) == {"sessions": []}
    assert queries.session(state, "x") is None
    assert queries.events(state, "x") == ()
    assert queries.last_session(state, "/home/dev") is None
    assert queries.backend_kind(state, "http://box:8000") is None
    with pytest.raises(ClaudeLocalError):
        show_session(state, "x")
    assert list(home.iterdir()) == []


def test_a_listed_session_has_exactly_the_agreed_fields(state: Path) -> None:
    happened(
        state,
        "5b6f1f4e",
        cwd="/home/dev/proj/sub",
        project="/home/dev/proj",
        backend_kind="vllm",
        backend_url="http://dell-pro-max:8000",
        model="qwen3-coder-next",
        outcome="ok",
        reachable=True,
        latency_ms=3.4,
        client_version="2.1.329",
    )
    happened(state, "5b6f1f4e", "2026-11-21T11:00:00.000Z", event="SessionEnd", cause="other", backend_kind="unknown",
             backend_url="http://dell-pro-max:8000")  # fmt: skip
    assert list_sessions(state) == {
        "sessions": [
            {
                "session_id": "5b6f1f4e",
                "started_at": "2026-11-21T10:03:13.123Z",
                "ended_at": "2026-11-21T11:00:00.000Z",
                "end_reason": "other",
                "cwd": "/home/dev/proj/sub",
                "project": "/home/dev/proj",
                "backend": {"kind": "vllm", "url": "http://dell-pro-max:8000"},
                "model": "qwen3-coder-next",
                "reachable": True,
                "latency_ms": 3.4,
                "client_version": "2.1.329",
                "profile": None,
                "state": "ended",
                "blocked": 0,
                "duration_s": 3406.877,
                "input_tokens": 0,
                "output_tokens": 0,
                "cache_read_tokens": 0,
                "cache_write_tokens": 0,
                "errors": 0,
                "spans": [
                    {
                        "started_at": "2026-11-21T10:03:13.123Z",
                        "ended_at": "2026-11-21T11:00:00.000Z",
                        "cause": "start",
                        "backend": {"kind": "vllm", "url": "http://dell-pro-max:8000"},
                        "model": "qwen3-coder-next",
                        "main": True,
                        "duration_s": 3406.877,
                        "messages": 0,
                        "input_tokens": 0,
                        "output_tokens": 0,
                        "cache_read_tokens": 0,
                        "cache_write_tokens": 0,
                        "errors": 0,
                        "retries": 0,
                    }
                ],
            }
        ]
    }


def test_a_listed_session_has_its_spans_in_order_and_their_sums(state: Path) -> None:
    with recording(state) as log:
        log.event("s", 0, model="qwen3")
        log.answers("s", 1, "qwen3", (100, 10, 1000, 1))
        log.answers("s", 2, "small", (5, 1, 0, 0), side=True)
        log.event("s", 20, "UserPromptSubmit", ANTHROPIC, model="opus")
        log.answers("s", 21, "opus", (200, 20, 2000, 2))
        log.answers("s", 22, None, (0, 0, 0, 0), error="overloaded")
        log.answers("s", 23, None, (0, 0, 0, 0), retry=True)
        log.event("s", 30, "SessionEnd", ANTHROPIC, cause="other", model="opus")
    (listed,) = list_sessions(state)["sessions"]
    assert (listed["input_tokens"], listed["output_tokens"]) == (305, 31)
    assert (listed["cache_read_tokens"], listed["cache_write_tokens"], listed["errors"]) == (3000, 3, 1)
    assert listed["duration_s"] == 30 * 60
    found = [(each["cause"], each["backend"]["kind"], each["model"], each["main"]) for each in listed["spans"]]
    assert found == [
        ("start", "vllm", "qwen3", True),
        ("subagent", "vllm", "small", False),
        ("backend", "anthropic", "opus", True),
    ]
    assert [each["input_tokens"] for each in listed["spans"]] == [100, 5, 200]
    assert (listed["spans"][2]["errors"], listed["spans"][2]["retries"]) == (1, 1)
    assert listed["spans"] == show_session(state, "s")["spans"]


def test_more_sessions_than_are_asked_for_at_once_keep_their_spans_apart(state: Path) -> None:
    with recording(state) as log:
        for number in range(1203):
            log.event(f"s{number:04d}", number, model=f"m{number}")
    found = queries.sessions(state)
    assert [session.session_id for session in found] == [f"s{number:04d}" for number in reversed(range(1203))]
    assert all(len(session.spans) == 1 and session.spans[0].model == session.model for session in found)


def test_the_newest_session_comes_first_and_the_limit_counts(state: Path) -> None:
    for hour in ("08", "11", "09"):
        happened(state, f"at-{hour}", f"2026-11-21T{hour}:00:00.000Z")
    assert [session.session_id for session in queries.sessions(state)] == ["at-11", "at-09", "at-08"]
    assert [session.session_id for session in queries.sessions(state, 2)] == ["at-11", "at-09"]
    assert queries.sessions(state, 0) == ()


def test_a_shown_session_has_its_events(state: Path) -> None:
    happened(state, "5b6f1f4e", source="startup", entrypoint="cli")
    refused = {"outcome": "refused", "reachable": False, "blocked": True, "detail": "no"}
    server = {"backend_kind": "unknown", "backend_url": "http://box:8000"}
    prompt = {"event": "UserPromptSubmit", "cause": None}
    happened(state, "5b6f1f4e", "2026-11-21T10:04:00.000Z", **prompt, **server, **refused)
    shown = show_session(state, "5b6f")
    (listed,) = queries.sessions(state)
    assert shown.keys() == listed.as_json().keys() | {"source", "entrypoint", "blocked", "events"}
    assert (shown["session_id"], shown["source"], shown["entrypoint"], shown["blocked"]) == (
        "5b6f1f4e",
        "startup",
        "cli",
        1,
    )
    assert shown["events"] == [
        {
            "at": "2026-11-21T10:03:13.123Z",
            "event": "SessionStart",
            "cause": "startup",
            "backend": {"kind": "anthropic", "url": "https://api.anthropic.com"},
            "outcome": None,
            "status": None,
            "latency_ms": None,
            "blocked": False,
            "detail": None,
        },
        {
            "at": "2026-11-21T10:04:00.000Z",
            "event": "UserPromptSubmit",
            "cause": None,
            "backend": {"kind": "unknown", "url": "http://box:8000"},
            "outcome": "refused",
            "status": None,
            "latency_ms": None,
            "blocked": True,
            "detail": "no",
        },
    ]


def test_an_id_that_begins_another_is_found_by_itself(state: Path) -> None:
    happened(state, "abc")
    happened(state, "abcd")
    assert show_session(state, "abc")["session_id"] == "abc"


def test_a_prefix_of_several_sessions_is_refused_by_naming_them(state: Path) -> None:
    happened(state, "abc-1")
    happened(state, "abc-2")
    with pytest.raises(UsageError, match=r"several sessions begin with 'abc': abc-[12], abc-[12]"):
        show_session(state, "abc")


@pytest.mark.parametrize("unknown", ["", "zzz", "%", "_", "*", "ABC"])
def test_an_unknown_session_is_an_error_with_a_hint(state: Path, unknown: str) -> None:
    happened(state, "abc")
    with pytest.raises(ClaudeLocalError) as caught:
        show_session(state, unknown)
    assert caught.value.hint == "claude-local sessions list"


def test_the_last_session_of_a_folder_is_its_own_or_its_projects(state: Path) -> None:
    happened(state, "own", "2026-11-21T10:00:00.000Z", cwd="/p", project="/p")
    happened(state, "sub", "2026-11-21T11:00:00.000Z", cwd="/p/sub", project="/p")
    happened(state, "other", "2026-11-21T12:00:00.000Z", cwd="/q", project="/q")
    for folder, last in (("/p", "sub"), ("/p/sub", "sub"), ("/q", "other")):
        found = queries.last_session(state, folder)
        assert found is not None
        assert found["session_id"] == last
    assert queries.last_session(state, "/p/") is None


def test_a_backend_is_remembered_in_the_hooks_spelling(state: Path) -> None:
    queries.remember_backend(state, "http://user:secret@Box:8000/?key=secret", "vllm", "0.32.0")
    assert queries.backend_kind(state, "http://box:8000") == "vllm"
    queries.remember_backend(state, "http://box:8000", "litellm")
    assert queries.backend_kind(state, "http://box:8000") == "litellm"
    assert b"secret" not in (state / store.DATABASE).read_bytes()
    with pytest.raises(ValueError, match="URL"):
        queries.remember_backend(state, "box", "vllm")


def test_what_was_spooled_before_there_was_a_log_is_read(state: Path) -> None:
    state.mkdir()
    spooled(state, "x")
    assert [session.session_id for session in queries.sessions(state)] == ["x"]
    assert list((state / "spool").iterdir()) == []


def test_a_damaged_log_is_said_to_be_so_and_stays(state: Path) -> None:
    state.mkdir()
    (state / store.DATABASE).write_bytes(b"no database" * 500)
    with pytest.raises(ClaudeLocalError, match="damaged") as caught:
        queries.sessions(state)
    assert "the next session sets it aside as it ends" in str(caught.value.hint)
    with pytest.raises(ClaudeLocalError, match="damaged"):
        queries.remember_backend(state, "http://box:8000", "vllm")
    assert (state / store.DATABASE).read_bytes() == b"no database" * 500


def test_a_log_damaged_inside_is_said_to_be_so(state: Path) -> None:
    for number in range(200):
        happened(state, f"session-{number}", cwd="/x" * 100)
    queries.sessions(state)
    shutil.rmtree(state / "journal")  # of which the log would be made anew
    while store._LEFT_OPEN:
        store._LEFT_OPEN.pop().close()
    path = state / store.DATABASE
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xa5" * (len(data) - 8192)
    path.write_bytes(data)
    with pytest.raises(ClaudeLocalError, match="damaged"):
        queries.sessions(state)


def test_a_damaged_log_with_a_spool_is_set_aside(state: Path) -> None:
    state.mkdir()
    (state / store.DATABASE).write_bytes(b"no database" * 500)
    spooled(state, "x")
    assert [session.session_id for session in queries.sessions(state)] == ["x"]


def test_a_newer_log_is_not_read(state: Path) -> None:
    happened(state, "x")
    queries.sessions(state)
    with closing(sqlite3.connect(state / store.DATABASE)) as log:
        log.execute("PRAGMA user_version = 99")
    with pytest.raises(ClaudeLocalError, match="has schema 99") as caught:
        queries.sessions(state)
    assert "newer claude-local" in str(caught.value.hint)


def test_an_empty_file_is_an_empty_log(state: Path) -> None:
    state.mkdir()
    (state / store.DATABASE).touch()
    assert queries.sessions(state) == ()


def test_reading_does_not_change_the_log(state: Path) -> None:
    happened(state, "x")
    queries.sessions(state)
    before = (state / store.DATABASE).read_bytes()
    assert len(queries.sessions(state)) == 1
    assert (state / store.DATABASE).read_bytes() == before


def test_a_reader_sees_what_a_writer_has_committed_and_no_more(state: Path) -> None:
    happened(state, "x")
    queries.sessions(state)
    with closing(store.connect(str(state))) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE sessions SET model = 'unfinished'")
        assert queries.sessions(state)[0].model is None
        writer.execute("ROLLBACK")


# root would write there all the same, hence a process without that privilege
@pytest.mark.skipif(sys.platform != "linux", reason="root's privileges are dropped the Linux way")
def test_a_log_on_a_read_only_disk_can_be_read(state: Path) -> None:
    happened(state, "x")
    queries.sessions(state)
    state.chmod(0o500)
    program = (
        "import ctypes, sys; ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)\n"
        "import os; os.execv(sys.executable, [sys.executable, '-c', sys.argv[1], sys.argv[2]])"
    )
    question = (
        "import sys; from pathlib import Path; from claude_local_plugin.sessionlog import queries\n"
        "print([session.session_id for session in queries.sessions(Path(sys.argv[1]))])"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", program, question, str(state)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        state.chmod(0o700)
    assert (done.stdout, done.stderr) == ("['x']\n", "")
