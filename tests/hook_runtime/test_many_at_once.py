"""Many hooks at once, as real processes: no record is lost, no token counted twice or not at all."""

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from claude_local_plugin.core import faults
from claude_local_plugin.sessionlog import journal, queries, store
from tests.hook_runtime.crowd import Conversation, Occurrence, at_once, harmful, tokens_of
from tests.hook_runtime.hook_process import HookRunner, recorded
from tests.hook_runtime.moody_server import MoodyServer

pytestmark = pytest.mark.process

START, PROMPT, END = "print-SessionStart-startup", "print-UserPromptSubmit", "print-SessionEnd-other"
STOP, FAILURE, AGENT = "print-Stop", "print-StopFailure-model_not_found", "print-SubagentStop"
#: So many at once, many times what a machine has processors; three hundred where they are the first.
CROWD = range(40)


@pytest.fixture(autouse=True)
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One crowd at a time: tests that run side by side would have hooks wait for the processor, not for the log."""
    with FileLock(tmp_path_factory.getbasetemp().parent / "crowd.lock"):
        yield


def occurrence(name: str, of: Conversation, url: str = "", **changed: Any) -> Occurrence:
    """A recorded event, of this conversation and on this server (the cloud, if none is given)."""
    event, environ = recorded(name)
    event |= {"session_id": of.session_id, "transcript_path": str(of.path), **changed}
    return event, {**environ, "ANTHROPIC_BASE_URL": url}


def event_names(state: Path, session_id: str) -> Counter[str]:
    return Counter(event.event for event in queries.events(state, session_id))


def names_of_all(state: Path) -> dict[str, Counter[str]]:
    """The same of all sessions, once all that hooks have written is in the log: to ask for one brings in that first."""
    queries.sessions(state)
    found: dict[str, Counter[str]] = {}
    with closing(sqlite3.connect(state / store.DATABASE)) as log:
        joined = "events JOIN sessions ON sessions.id = events.session"
        for session_id, event in log.execute(f"SELECT sessions.session_id, event FROM {joined}"):
            found.setdefault(session_id, Counter())[event] += 1
    return found


def test_three_rounds_of_many_sessions_are_all_on_record_with_their_tokens(
    hook: HookRunner, healthy: MoodyServer, tmp_path: Path
) -> None:
    """The first find no log; the second are in the middle of their sessions; the third end them."""
    sessions = [Conversation(tmp_path, f"session-{number}") for number in CROWD]
    starts = at_once(hook.state, [occurrence(START, each, healthy.url) for each in sessions])
    assert harmful(starts, "systemMessage") == []

    for number, each in enumerate(sessions):
        each.answer(100 + number, 10, 5, number)
    second = [(PROMPT, STOP, FAILURE, AGENT)[number % 4] for number in CROWD]
    middles = [occurrence(name, each, healthy.url) for name, each in zip(second, sessions, strict=True)]
    assert harmful(at_once(hook.state, middles)) == []

    for number, each in enumerate(sessions):
        each.answer(1, 1 + number, 0, 0)
        each.answer(2, 2, 2, 2, agent="one")
    ends = at_once(hook.state, [occurrence(END, each, healthy.url) for each in sessions])
    assert harmful(ends) == []

    found = {session.session_id: session for session in queries.sessions(hook.state)}
    assert found.keys() == {each.session_id for each in sessions}
    between: dict[str, Counter[str]] = {PROMPT: Counter(UserPromptSubmit=1), FAILURE: Counter(StopFailure=1)}
    names = names_of_all(hook.state)
    for name, each in zip(second, sessions, strict=True):
        expected = Counter(SessionStart=1, SessionEnd=1) + between.get(name, Counter())
        assert names[each.session_id] == expected, each.session_id
        assert tokens_of(found[each.session_id]) == each.tokens, each.session_id
        assert found[each.session_id].end_reason == "other"


def test_three_hundred_first_hooks_at_once_with_a_config_lose_nothing_and_double_nothing(
    hook: HookRunner, tmp_path: Path
) -> None:
    """Each of two registrations starts a process for each session, and nothing of ours is there yet but config.toml.

    Those that time runs out for write what they know; of those that were ended over it nothing stays.
    """
    config = tmp_path / "config"
    config.mkdir()
    (config / "config.toml").write_text('[log]\nretention_days = 365\n[projects."/srv/client"]\nprotect = true\n')
    sessions = [Conversation(tmp_path, f"session-{each}") for each in range(150)]
    registrations = [["--config", str(config)], ["--config", f"{config}/"]]
    ran = at_once(hook.state, [occurrence(START, each) for each in sessions], registrations)
    assert (len(ran), harmful(ran, "systemMessage")) == (300, [])
    assert names_of_all(hook.state) == {each.session_id: Counter(SessionStart=1) for each in sessions}
    for path in hook.state.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)  # long ago, so that whatever is unfinished will stay so
    queries.sessions(hook.state)
    left = {path.name for path in hook.state.iterdir()}
    assert left <= {
        store.DATABASE,
        f"{store.DATABASE}-wal",
        f"{store.DATABASE}-shm",
        store.LOCK,
    } | {*("claims", "config.json", "looks", journal.FOLDER, faults.FAULTS)}
    assert list((hook.state / "claims").iterdir()) == []


def test_many_events_of_one_session_count_each_answer_once(hook: HookRunner, tmp_path: Path) -> None:
    """Subagents finish while the conversation goes on: three rounds, each with new answers everywhere."""
    session = Conversation(tmp_path, "the-one")
    assert harmful(at_once(hook.state, [occurrence(START, session)])) == []
    for turn in range(3):
        events = []
        for number in CROWD:
            if number % 2:
                session.answer(number, 1, 2, 3, agent=f"{number % 10}")
                events.append(occurrence(AGENT, session, agent_id=f"{turn}-{number}"))
            elif number % 10:
                session.answer(1000, number, 0, 0)
                events.append(occurrence(STOP, session, prompt_id=f"{turn}-{number}"))
            else:
                events.append(occurrence(PROMPT, session, prompt_id=f"{turn}-{number}"))
        assert harmful(at_once(hook.state, events)) == []
    (found,) = queries.sessions(hook.state)
    assert tokens_of(found) == session.tokens
    assert sum(span.messages for span in found.spans) == session.answers
    assert event_names(hook.state, "the-one") == Counter({"SessionStart": 1, "UserPromptSubmit": 12})


def test_many_ends_while_somebody_keeps_the_log_to_himself_are_all_on_record(hook: HookRunner, tmp_path: Path) -> None:
    sessions = [Conversation(tmp_path, f"session-{number}") for number in CROWD]
    at_once(hook.state, [occurrence(START, each) for each in sessions])
    for each in sessions:
        each.answer(3, 2, 1, 0)
    assert len(queries.sessions(hook.state)) == len(CROWD)
    with closing(sqlite3.connect(hook.state / store.DATABASE, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        assert harmful(at_once(hook.state, [occurrence(END, each) for each in sessions])) == []
    found = {session.session_id: session for session in queries.sessions(hook.state)}
    assert found.keys() == {each.session_id for each in sessions}
    assert all(session.end_reason == "other" for session in found.values())
    assert [tokens_of(found[each.session_id]) for each in sessions] == [each.tokens for each in sessions]


def spoil_the_beginning(log: Path) -> None:
    log.write_bytes(b"this is not a database at all" * 2000)


def spoil_the_middle(log: Path) -> None:
    """Leaves the tables known and their contents garbage."""
    content = log.read_bytes()
    kept = 3 * 4096
    log.write_bytes(content[:kept] + os.urandom(len(content) - kept))


def cut_off(log: Path) -> None:
    content = log.read_bytes()
    log.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize("spoil", [spoil_the_beginning, spoil_the_middle, cut_off])
def test_a_log_that_is_damaged_under_many_hooks_is_set_aside_once_and_nothing_is_lost(
    hook: HookRunner, tmp_path: Path, spoil: Any
) -> None:
    with closing(store.connect(str(hook.state))) as log:
        old = {**dict.fromkeys(store.FIELDS), "event": "SessionStart", "backend_kind": "anthropic", "at": "2026"}
        log.execute("BEGIN")
        for number in range(300):
            store.insert(log, {**old, "session_id": f"old-{number}"})
        log.execute("COMMIT")
    spoil(hook.state / store.DATABASE)
    damaged = (hook.state / store.DATABASE).read_bytes()
    sessions = [Conversation(tmp_path, f"session-{number}") for number in CROWD]
    assert harmful(at_once(hook.state, [occurrence(START, each) for each in sessions])) == []
    at_once(hook.state, [occurrence(END, each) for each in sessions])  # each of which has an import started
    found = {session.session_id for session in queries.sessions(hook.state)}
    (kept,) = (path for path in hook.state.glob(f"{store.DATABASE}.damaged-*") if path.name.endswith("Z"))
    assert kept.read_bytes() == damaged
    assert found >= {each.session_id for each in sessions}
    with closing(store.connect(str(hook.state))) as log:
        assert log.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
