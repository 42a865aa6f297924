"""What of the log leaves this machine: which sessions, in which order, and under which rules."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.core.config import HASHED
from claude_local_plugin.sessionlog import maintenance, migrations, store
from claude_local_plugin.team.outgoing import BACKEND, EVENT, SESSION, SPAN, Batch, Rules, batches, called, last_change
from tests.sessionlog.recording import ANTHROPIC, at, recording

SALT = b"the team's salt, of 32 characters"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def read(state: Path, since: int = 0, rules: Rules | None = None, size: int = 2000) -> list[Batch]:
    with closing(store.connect(str(state))) as log:
        return list(batches(log, since, rules or Rules(), size))


def ids(found: list[Batch]) -> list[str]:
    return [row.session["session_id"] for batch in found for row in batch.sessions]


def ask(state: Path) -> int:
    """Somebody asks for all there is; returns how far."""
    with closing(store.connect(str(state))) as log:
        upto = last_change(log)
        log.execute("INSERT OR REPLACE INTO pushes (destination, asked) VALUES ('there', ?)", (upto,))
        return upto


def test_a_session_leaves_whole_with_its_spans_and_its_events(state: Path) -> None:
    with recording(state) as log:
        log.session("a")
        log.event("a", 20, "UserPromptSubmit", ANTHROPIC)
        log.answers("a", 21, "opus")
    (batch,) = read(state)
    (row,) = batch.sessions
    assert [(span["backend_url"], span["model"], span["messages"]) for span in row.spans] == [
        ("http://box:8000", "qwen3", 1),
        ("https://api.anthropic.com", "opus", 1),
    ]
    assert [event["event"] for event in row.events] == [
        "SessionStart",
        "UserPromptSubmit",
        "SessionEnd",
        "UserPromptSubmit",
    ]
    assert (batch.upto, batch.rows) == (row.session["changed"], 7)
    assert json.loads(json.dumps(batch.as_json())) == batch.as_json()


def test_no_transcript_and_no_process_leaves(state: Path) -> None:
    with recording(state) as log:
        log.event("a", transcript_path="/home/dev/.claude/projects/secret.jsonl", client_pid=4711)
    said = json.dumps([batch.as_json() for batch in read(state)])
    assert "secret" not in said
    assert "4711" not in said


def test_batches_are_of_the_size_that_is_asked_for_and_divide_no_session(state: Path) -> None:
    with recording(state) as log:
        for name in "abcde":
            log.session(name)
    whole = read(state)
    found = read(state, size=8)
    assert [len(batch.sessions) for batch in found] == [2, 2, 1]
    assert ids(found) == ids(whole) == list("abcde")
    assert ids(read(state, since=found[0].upto)) == list("cde")


CHANGES: dict[str, Callable[[Any], object]] = {
    "an event": lambda log: log.event("a", 30, "UserPromptSubmit"),
    "an answer": lambda log: log.answers("a", 6),
    "an answer of a subagent": lambda log: log.answers("a", 6, "small", side=True),
    "an answer nobody saw": lambda log: log.answers("a", 600),
    "its process being gone": lambda log: log.log.execute("UPDATE sessions SET end_reason = 'killed'"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_happens_to_a_session_that_was_asked_for_gives_it_a_new_number(state: Path, what: str) -> None:
    with recording(state) as log:
        log.session("a")
        log.session("b")
    asked = ask(state)
    assert ids(read(state, since=asked)) == []
    with recording(state) as log:
        CHANGES[what](log)
    assert "a" in ids(read(state, since=asked))


def test_a_number_grows_once_between_two_questions(state: Path) -> None:
    with recording(state) as log:
        log.session("a")
    ask(state)
    with recording(state) as log:
        log.event("a", 30)
        once = last_change(log.log)
        log.event("a", 31)
        log.answers("a", 32)
        assert last_change(log.log) == once


def test_no_number_is_given_twice_when_the_newest_session_is_taken_out(state: Path) -> None:
    with recording(state) as log:
        log.session("a")
        log.session("b")
    asked = ask(state)
    with closing(store.connect(str(state))) as connection:
        assert maintenance.forget(connection, str(state), at(10_000)) == 2
    with recording(state) as log:
        log.session("c")
    assert ids(read(state, since=asked)) == ["c"]


def test_two_logs_have_two_names(tmp_path: Path) -> None:
    names = set()
    for each in ("one", "two"):
        with recording(tmp_path / each) as log:
            log.session("a")
        names.add(read(tmp_path / each)[0].log)
    assert len(names) == 2


@pytest.mark.parametrize("version", range(1, 8))
def test_all_of_a_log_of_an_earlier_version_is_to_be_sent(
    state: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    with monkeypatch.context() as old:
        old.setattr(store, "MIGRATIONS", migrations.MIGRATIONS[:version])
        old.setattr(store, "SCHEMA_VERSION", version)
        with closing(store.connect(str(state))) as before:
            for number in range(3):
                before.execute(
                    "INSERT INTO sessions (session_id, started_at, last_seen_at, backend_kind, backend_url, model,"
                    " project, blocked) VALUES (?, ?, ?, 'vllm', 'http://a', 'm', '/p', 0)",
                    (f"s{number}", at(number), at(number + 2)),
                )
    assert ids(read(state)) == ["s0", "s1", "s2"]
    asked = ask(state)
    with recording(state) as log:
        log.event("s1", 30)
    assert ids(read(state, since=asked)) == ["s1"]


# --- what leaves

#: Columns of the log that stay here: its own numbers, and what is nobody else's business.
STAYS = {
    "sessions": {"id", "client_pid", "transcript_path"},
    "spans": {"id", "session", "endpoint"},  # an endpoint is told as its kind, its URL and its way
    "events": {"id", "session", "spooled_as"},
    "backends": set(),
}


@pytest.mark.parametrize(
    ("table", "leaving"), [("sessions", SESSION), ("spans", SPAN), ("events", EVENT), ("backends", BACKEND)]
)
def test_every_column_of_the_log_leaves_or_is_known_to_stay(state: Path, table: str, leaving: tuple[str, ...]) -> None:
    with closing(store.connect(str(state))) as log:
        columns = {row[1] for row in log.execute(f"PRAGMA table_info({table})")}
    assert columns - set(leaving) == STAYS[table]


@pytest.mark.parametrize("rule", ["full", "hash", "off"])
def test_the_rules_hold_wherever_a_folder_a_host_or_a_person_stands(state: Path, rule: str) -> None:
    with recording(state) as log:
        log.session("a", cwd="/home/ann/deep", project="/home/ann/deep", host="ann-laptop")
        log.event("a", 20, "CwdChanged", cause="/home/ann/deep", project="/home/ann/deep")
        log.event("a", 21, "DirectoryAdded", detail="/home/ann/deep", project="/home/ann/deep")
    rules = Rules(rule, rule, rule, rule, SALT, person="ann", machine="ann-laptop")
    (batch,) = read(state, rules=rules)
    said = json.dumps(batch.as_json())
    assert ("ann" in said) == (rule == "full")
    assert (HASHED in said) == (rule == "hash")
    if rule == "off":
        assert batch.machine is batch.person is batch.sessions[0].session["host"] is None


def test_what_is_a_hash_already_stays_that_one(state: Path) -> None:
    known = f"{HASHED}0123456789abcdef"
    with recording(state) as log:
        log.session("a", project=known)
    for rule, expected in (("full", known), ("hash", known), ("off", None)):
        (batch,) = read(state, rules=Rules(project=rule, salt=SALT))
        assert batch.sessions[0].session["project"] == batch.sessions[0].spans[0]["project"] == expected


def test_a_hash_is_the_same_on_every_machine_with_the_teams_salt_and_another_with_another(state: Path) -> None:
    hashed = {salt: Rules(project="hash", salt=salt).leaves("project", "/p") for salt in (SALT, SALT[::-1], b"")}
    assert Rules(project="hash", salt=SALT).leaves("project", "/p") == hashed[SALT]
    assert len(set(hashed.values())) == 3
    assert hashed[b""] is None


def test_no_credential_of_a_url_leaves(state: Path) -> None:
    with recording(state) as log:
        log.session("a", backend=("vllm", "http://ann:secret@box:8000"), via="http://ann:secret@proxy:3128")
    (batch,) = read(state)
    assert "secret" not in json.dumps(batch.as_json())
    assert batch.sessions[0].session["backend_url"] == "http://box:8000"
    assert batch.sessions[0].spans[0]["via"] == "http://proxy:3128"


def test_what_ended_before_a_given_day_does_not_leave(state: Path) -> None:
    with recording(state) as log:
        log.session("old", 0)
        log.session("new", 600)
    assert ids(read(state, rules=Rules(active=at(300)))) == ["new"]


def test_a_persons_name_is_the_systems_own_and_no_variables() -> None:
    named = called(Rules(), environ={"USER": "somebody-else", "LOGNAME": "somebody-else"})
    assert named.person != "somebody-else"
    assert called(replace(named, person="ann@example.org"), environ={}).person == "ann@example.org"


def test_a_batch_is_read_at_one_moment(state: Path) -> None:
    """A session that goes on while it is read is all there as it was, or as it is now."""
    with recording(state) as log:
        log.session("a")
        log.session("b")
    with closing(store.connect(str(state))) as reader:
        found = batches(reader, 0, Rules(), 1)
        first = next(found)
        assert isinstance(reader, sqlite3.Connection)
        assert not reader.in_transaction  # nobody has to wait for whoever sends it
        with recording(state) as log:
            log.answers("b", 6)
        second = next(found)
    assert ids([first, second]) == ["a", "b"]
    assert sum(span["messages"] for span in second.sessions[0].spans) == 2
