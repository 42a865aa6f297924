"""The session log's rules: how a session's row follows its events, and how schemas change."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
from binascii import crc32
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.core import faults
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.sessionlog import journal, migrations, queries, store
from tests.hook_runtime.hook_process import ROOT
from tests.sessionlog.recording import spooled

#: Each migration's text, as a checksum.
FROZEN = [865661893, 1794405143, 3961955777, 3746996401, 2757424491, 2390898168, 3314430158, 3273306091]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state folder that does not exist yet; what a hook would leave open is closed when the test ends."""
    yield tmp_path / "state"
    while store._LEFT_OPEN:
        store._LEFT_OPEN.pop().close()


def record(event: str = "SessionStart", minute: int = 0, **changed: Any) -> dict[str, Any]:
    """A record of session "s" at this minute, of a healthy own server."""
    known = {
        "session_id": "s",
        "at": f"2026-11-21T10:{minute:02d}:00.000Z",
        "event": event,
        "cause": {"SessionStart": "startup", "SessionEnd": "other"}.get(event),
        "cwd": "/home/dev/proj",
        "project": "/home/dev/proj",
        "backend_kind": "unknown" if event == "SessionEnd" else "vllm",
        "backend_url": "http://box:8000",
        "via": None,
        "model": "qwen3",
        "model_is_certain": False,
        "reachable": None if event == "SessionEnd" else True,
        "outcome": None if event == "SessionEnd" else "ok",
        "status": None if event == "SessionEnd" else 200,
        "latency_ms": None if event == "SessionEnd" else 3.5,
        "blocked": False,
        "detail": None,
        "client_version": "2.1.329",
        "entrypoint": "cli",
        "profile": None,
        "client_pid": 77,
        "transcript_path": "/home/dev/.claude/projects/x/s.jsonl",
        "host": None,
    }
    return known | changed


def session_after(state: Path, *records: dict[str, Any]) -> queries.Session:
    """The session's row when these have been written as they happened."""
    for each in records:
        journal.append(str(state), each)
    (session,) = queries.sessions(state)
    return session


# --- how the row follows the events


def test_a_record_has_exactly_the_known_fields() -> None:
    assert tuple(record()) == store.FIELDS


def test_the_first_event_makes_the_row_whichever_it_is(state: Path) -> None:
    session = session_after(state, record("SessionEnd", 5))
    assert (session.started_at, session.ended_at) == ("2026-11-21T10:05:00.000Z", "2026-11-21T10:05:00.000Z")
    assert (session.source, session.end_reason) == (None, "other")


def test_a_resumed_session_is_running_again(state: Path) -> None:
    session = session_after(state, record(), record("SessionEnd", 5), record("SessionStart", 9, cause="resume"))
    assert (session.started_at, session.ended_at, session.end_reason) == ("2026-11-21T10:00:00.000Z", None, None)
    assert session.source == "startup"


def test_clear_and_compact_keep_the_row(state: Path) -> None:
    session = session_after(state, record(), record(minute=1, cause="compact"), record(minute=2, cause="clear"))
    assert session.source == "startup"
    assert [event.cause for event in queries.events(state, "s")] == ["startup", "compact", "clear"]


def test_the_row_names_the_newest_backend_and_the_events_name_each(state: Path) -> None:
    elsewhere = {"backend_kind": "anthropic", "backend_url": "https://api.anthropic.com", "reachable": None,
                 "outcome": None, "latency_ms": None, "status": None}  # fmt: skip
    session = session_after(state, record(), record("UserPromptSubmit", 1, **elsewhere))
    assert (session.backend_kind, session.backend_url) == ("anthropic", "https://api.anthropic.com")
    assert (session.reachable, session.latency_ms) == (None, None)
    assert [event.backend_kind for event in queries.events(state, "s")] == ["vllm", "anthropic"]


def test_an_end_that_looks_at_nothing_keeps_what_was_seen(state: Path) -> None:
    session = session_after(state, record(), record("SessionEnd", 1))
    assert (session.backend_kind, session.reachable, session.latency_ms) == ("vllm", True, 3.5)


def test_a_server_that_went_away_is_not_reachable_any_more(state: Path) -> None:
    refused = {"reachable": False, "outcome": "refused", "status": None, "latency_ms": None, "backend_kind": "unknown"}
    session = session_after(
        state,
        record(),
        record("UserPromptSubmit", 1, **refused, blocked=True),
        record("UserPromptSubmit", 2, **refused, blocked=True),
    )
    assert (session.reachable, session.latency_ms, session.blocked, session.backend_kind) == (False, None, 2, "vllm")


def test_the_model_the_client_names_beats_the_environments(state: Path) -> None:
    certain = record(model="chosen", model_is_certain=True)
    assert session_after(state, certain, record("UserPromptSubmit", 1, model="exported")).model == "chosen"


def test_the_environments_model_is_better_than_none(state: Path) -> None:
    assert session_after(state, record(model=None), record("UserPromptSubmit", 1)).model == "qwen3"


def test_a_clock_that_goes_back_does_not_lose_the_end(state: Path) -> None:
    session = session_after(state, record(minute=30), record("SessionEnd", 10))
    assert session.end_reason == "other"
    assert session.started_at == session.ended_at == "2026-11-21T10:10:00.000Z"


def test_a_kind_that_enable_noted_is_used_for_a_server_that_does_not_say(state: Path) -> None:
    queries.remember_backend(state, "http://box:8000", "litellm")
    assert session_after(state, record(backend_kind="unknown")).backend_kind == "litellm"


def test_what_the_server_says_itself_beats_what_enable_noted(state: Path) -> None:
    queries.remember_backend(state, "http://box:8000", "litellm")
    assert session_after(state, record()).backend_kind == "vllm"


# --- the spool of an earlier version


def test_spooled_records_find_their_place_by_their_time(state: Path) -> None:
    spooled(
        state,
        record("SessionStart", 0, model="chosen", model_is_certain=True),
        record("SessionStart", 4, cause="compact"),
    )
    session = session_after(state, record("SessionEnd", 9))
    assert (session.started_at, session.ended_at) == ("2026-11-21T10:00:00.000Z", "2026-11-21T10:09:00.000Z")
    assert (session.model, session.end_reason, session.source) == ("chosen", "other", "startup")
    assert [event.cause for event in queries.events(state, "s")] == ["startup", "compact", "other"]
    assert list((state / "spool").iterdir()) == []


def test_a_file_that_is_taken_in_twice_counts_once(state: Path) -> None:
    (path,) = spooled(state, record("UserPromptSubmit", blocked=True))
    text = path.read_text()
    assert session_after(state, record("UserPromptSubmit", 1)).blocked == 1
    path.write_text(text)  # as if the process had died before removing it
    assert session_after(state, record("UserPromptSubmit", 2)).blocked == 1
    assert len(queries.events(state, "s")) == 3
    assert not path.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "[]",
        "{}",
        '{"schema": 1}',
        '{"schema": "1"}',
        "\x00",
        json.dumps(record(cwd=["/"]) | {"schema": 1}),
    ],
)
def test_a_file_that_is_no_record_is_set_aside(state: Path, text: str) -> None:
    (state / "spool").mkdir(parents=True)
    (state / "spool" / "1-1-x.json").write_text(text)
    session_after(state, record())
    assert [path.name for path in (state / "spool").iterdir()] == ["1-1-x.json.bad"]


def test_a_record_of_a_newer_claude_local_waits_for_it(state: Path) -> None:
    (path,) = spooled(state, record(), schema=4)
    session_after(state, record(session_id="other"))
    assert path.exists()


def test_a_record_whose_writer_was_ended_over_it_is_taken_in_if_it_is_whole(state: Path) -> None:
    whole, torn = spooled(state, record(session_id="whole"), record(session_id="torn"))
    torn.write_text(torn.read_text()[:100])
    for path in (whole, torn):
        os.utime(path.rename(f"{path}.tmp"), (1, 1))
    journal.append(str(state), record())
    queries.sessions(state)  # finishes it
    assert {session.session_id for session in queries.sessions(state)} == {"whole", "s"}
    assert list((state / "spool").iterdir()) == []


# --- the database


def test_a_new_log_has_the_schema_and_lets_readers_and_writers_coexist(state: Path) -> None:
    with closing(store.connect(str(state))) as log:
        assert log.execute("PRAGMA user_version").fetchone() == (store.SCHEMA_VERSION,)
        assert log.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_an_older_log_is_brought_up_to_date_with_all_that_is_in_it(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_after(state, record())
    more = (
        *store.MIGRATIONS,
        ("ALTER TABLE sessions ADD COLUMN tokens INTEGER", "CREATE TABLE notes (id INTEGER)"),
    )
    monkeypatch.setattr(store, "MIGRATIONS", more)
    monkeypatch.setattr(store, "SCHEMA_VERSION", len(more))
    assert queries.sessions(state)[0].session_id == "s"
    with closing(store.connect(str(state))) as log:
        assert log.execute("PRAGMA user_version").fetchone() == (len(more),)
        assert log.execute("SELECT session_id, tokens FROM sessions").fetchall() == [("s", None)]
        assert log.execute("SELECT count(*) FROM notes").fetchone() == (0,)


def test_migrations_that_are_out_there_are_never_changed() -> None:
    """Whoever has to change one wants to append another: this list only grows."""
    known = [crc32(" ".join(" ".join(step).split()).encode()) for step in migrations.MIGRATIONS]
    assert known == FROZEN


def test_a_migration_that_fails_changes_nothing(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session_after(state, record())
    more = (
        *store.MIGRATIONS,
        ("ALTER TABLE sessions ADD COLUMN tokens INTEGER", "ALTER TABLE nowhere ADD COLUMN x"),
    )
    with monkeypatch.context() as patch:
        patch.setattr(store, "MIGRATIONS", more)
        patch.setattr(store, "SCHEMA_VERSION", len(more))
        with pytest.raises(store.LogUnusableError, match="no such table"):
            store.connect(str(state))
    with closing(store.connect(str(state))) as log:
        assert "tokens" not in {row[1] for row in log.execute("PRAGMA table_info(sessions)")}


def test_a_newer_log_is_left_alone(state: Path) -> None:
    with closing(store.connect(str(state))) as log:
        log.execute("PRAGMA user_version = 99")
    with pytest.raises(store.NewerSchemaError, match="has schema 99, this claude-local knows"):
        store.connect(str(state))


def test_many_may_make_the_log_at_the_same_time(state: Path) -> None:
    ready = threading.Barrier(8)
    failures: list[Exception] = []

    def make() -> None:
        ready.wait()
        try:
            store.connect(str(state), patience=30).close()
        except store.LogUnusableError as failure:
            failures.append(failure)

    makers = [threading.Thread(target=make) for _ in range(8)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert failures == []


def test_a_writer_killed_in_the_middle_of_its_record_leaves_the_others(state: Path) -> None:
    session_after(state, record(session_id="before"))
    driver = (
        "import os, sys; sys.path.append(sys.argv[1])\n"
        "from claude_local_plugin.sessionlog import store\n"
        "log = store.connect(sys.argv[2])\n"
        "log.execute('BEGIN IMMEDIATE')\n"
        "log.execute(\"UPDATE sessions SET model = 'half done'\")\n"
        "os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", driver, str(ROOT), str(state)], check=False, timeout=60)
    assert done.returncode == 9
    assert session_after(state, record("UserPromptSubmit", 1, session_id="before")).model == "qwen3"


def test_a_foreign_database_is_not_touched(state: Path) -> None:
    state.mkdir()
    with closing(sqlite3.connect(state / store.DATABASE)) as foreign:
        foreign.execute("CREATE TABLE sessions (x)")
        foreign.commit()
    journal.append(str(state), record())
    with pytest.raises(ClaudeLocalError):
        queries.sessions(state)
    with closing(sqlite3.connect(state / store.DATABASE)) as foreign:
        assert [row[1] for row in foreign.execute("PRAGMA table_info(sessions)")] == ["x"]


def test_a_fault_is_one_line_whatever_is_in_it(state: Path) -> None:
    faults.note_fault(str(state), "first\nsecond\udce9")
    (line,) = (state / faults.FAULTS).read_text().splitlines()
    assert line.endswith("Z first second?")
    assert os.stat(state / faults.FAULTS).st_mode & 0o777 == 0o600  # noqa: PTH116
