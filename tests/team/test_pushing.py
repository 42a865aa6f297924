"""The log pushed to a real PostgreSQL: all of it once, whatever comes between."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from claude_local_plugin.commands import push
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.sessionlog import importer, journal, queries, store
from claude_local_plugin.team import outgoing
from tests.commands.place import Place, flat
from tests.sessionlog.recording import ANTHROPIC, NAS, at, recording
from tests.team.conftest import Team

pytestmark = [pytest.mark.programs, pytest.mark.process]

_SUMS = ("count(*)", "sum(first)", "sum(messages)", "sum(input_tokens)", "sum(output_tokens)", "sum(duration_ms)")
_QUESTION = f"SELECT {', '.join(_SUMS)} FROM spans"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log with a few sessions, which goes to the database in batches of a few rows."""
    monkeypatch.setenv("CLAUDE_LOCAL_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setattr(outgoing, "BATCH_ROWS", 12)
    monkeypatch.setattr(outgoing.batches, "__defaults__", (12,))
    folder = tmp_path / "state"
    with recording(folder) as log:
        for number in range(8):
            log.session(f"s{number}", 20 * number, backend=NAS if number % 3 else ANTHROPIC)
    return folder


def send(state: Path, where: str, **more: object) -> push.Report:
    what = push.asked(state, dict(os.environ), where)
    return push.push(state, dict(os.environ), what, **more)  # type: ignore[arg-type]


def here(state: Path) -> list[tuple[int, ...]]:
    with closing(sqlite3.connect(state / store.DATABASE)) as log:
        return [tuple(map(int, row)) for row in log.execute(_QUESTION)]


def there(team: Team) -> list[tuple[int, ...]]:
    return [tuple(int(str(value or 0)) for value in row) for row in team.ask(_QUESTION)]


def agree(state: Path, team: Team) -> None:
    """All that is in the log is in the database, once; and so its sums."""
    assert there(team) == here(state)
    (sums,) = team.ask("SELECT sum(spans), sum(sessions), sum(messages), sum(output_tokens) FROM sums")
    spans, first, messages, _, output, _ = here(state)[0]
    assert [int(str(each)) for each in sums] == [spans, first, messages, output]


def test_the_database_has_what_the_log_has_however_often_it_is_sent(state: Path, team: Team) -> None:
    where = team.writer("ann-laptop", "ann")
    assert send(state, where).sessions == 8
    agree(state, team)
    (before,) = team.ask("SELECT heard_at FROM machines")
    assert send(state, where).sessions == 0
    (after,) = team.ask("SELECT heard_at FROM machines")
    assert str(after[0]) > str(before[0])  # that there is nothing new is news, too
    with recording(state) as log:
        log.event("s1", 300, "UserPromptSubmit", ANTHROPIC)
        log.answers("s1", 301, "opus")
    assert send(state, where).sessions == 1
    agree(state, team)
    again = push.asked(state, dict(os.environ), where, "2026-11-01")
    assert push.push(state, dict(os.environ), again).sessions == 8
    agree(state, team)


def test_a_server_that_is_gone_in_the_middle_gets_the_rest_when_it_is_back(state: Path, team: Team) -> None:
    where = team.writer("ann-laptop", "ann")
    try:
        with pytest.raises(ClaudeLocalError):
            send(state, where, told=lambda sessions, rows: team.cluster.stop(signal.SIGQUIT))
    finally:
        team.cluster.stop()
        team.cluster.start()
    (failing,) = queries.failing(state)
    assert 0 < failing.waiting < 8
    # this server writes nothing through: what it said it had may be gone with it, and is sent again
    send(state, team.cluster.url(team.name, "ann-laptop"))
    agree(state, team)


def test_what_arrived_and_was_not_noted_counts_once(state: Path, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is gone between the database's word and the note of it."""
    where = team.writer("ann-laptop", "ann")

    class Gone(BaseException):
        pass

    def gone(*_: object) -> None:
        raise Gone

    with monkeypatch.context() as patch:
        patch.setattr(push, "_note", gone)
        with pytest.raises(Gone):
            send(state, where)
    assert 0 < int(str(team.ask("SELECT count(*) FROM sessions")[0][0])) < 8
    assert send(state, where).sessions == 8
    agree(state, team)


def test_a_process_that_is_killed_over_it_leaves_the_rest_to_the_next(state: Path, team: Team, tmp_path: Path) -> None:
    with recording(state) as log:
        for number in range(1200):
            log.session(f"many-{number}", 1000 + number)
    where = team.writer("ann-laptop", "ann")
    command = [sys.executable, "-m", "claude_local_plugin", "sessions", "push", "--to", where]
    environ = {**os.environ, "CLAUDE_LOCAL_STATE_DIR": str(state), "HOME": str(tmp_path)}
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not int(str(team.ask("SELECT count(*) FROM sessions")[0][0])):
            time.sleep(0.01)
        process.kill()
    send(state, where)
    agree(state, team)


def test_two_that_send_the_same_log_at_once_count_once(state: Path, team: Team) -> None:
    """Without the lock that keeps two processes of one machine apart: of a folder that two machines share, say."""
    where = team.writer("ann-laptop", "ann")
    what = push.asked(state, dict(os.environ), where)
    faults = []

    def one() -> None:
        try:
            push._sent(state, os.environ, what, lambda sessions, rows: None)
        except Exception as fault:  # told below
            faults.append(fault)

    both = [threading.Thread(target=one) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert faults == []
    agree(state, team)


def test_a_month_without_the_database_loses_nothing(state: Path, team: Team) -> None:
    where = team.writer("ann-laptop", "ann")
    away = f"{where}_elsewhere"
    for day in range(30):
        with recording(state) as log:
            log.session(f"day-{day}", 1000 + 1440 * day)
        if day % 10 == 0:
            with pytest.raises(ClaudeLocalError):
                send(state, away)
    (failing,) = queries.failing(state)
    assert (failing.times, failing.waiting) == (3, 38)
    assert send(state, where).sessions == 38
    agree(state, team)


def test_what_is_too_old_stays_until_it_was_sent(
    state: Path, team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days without the database, and a log in which nothing is kept for longer than one."""
    where, config = team.writer("ann-laptop", "ann"), tmp_path / "config" / "config.toml"
    config.parent.mkdir()
    journals = state / journal.FOLDER
    journals.mkdir()

    def a_day_passes(destination: str) -> int:
        config.write_text(f'[log]\nretention_days = 1\npush = "{destination}"\n')
        journals.joinpath(importer.TIDIED).unlink(missing_ok=True)
        importer.run(str(state), os.environ, 3)
        assert journals.joinpath(importer.TIDIED).exists()
        with closing(sqlite3.connect(state / store.DATABASE)) as kept:
            return int(kept.execute("SELECT count(*) FROM sessions").fetchone()[0])

    with pytest.raises(ClaudeLocalError):
        send(state, f"{where}_elsewhere")
    assert a_day_passes(f"{where}_elsewhere") == a_day_passes(where) == 8
    with recording(state) as log:
        log.event("s1", 300, "UserPromptSubmit", ANTHROPIC)
        log.event("s1", 301, "SessionEnd", ANTHROPIC)
    assert send(state, where).sessions == 8
    agree(state, team)
    told = there(team)
    with recording(state) as log:  # more is known of one of them since
        log.answers("s1", 301, "opus")
    assert a_day_passes(where) == 1
    assert send(state, where).sessions == 1
    assert a_day_passes(where) == 0
    # nothing was lost on the way
    assert there(team)[0][2] == told[0][2] + 1
    assert team.ask("SELECT count(*) FROM sessions") == [(8,)]


def test_taken_out_by_hand_is_what_was_sent_unless_it_is_asked_otherwise(place: Place, team: Team) -> None:
    where = team.writer("ann-laptop", "ann")
    away = f"{where}_elsewhere"
    with recording(place.state) as log:
        for number in range(3):
            log.session(f"s{number}", 20 * number)
    prune = ("sessions", "prune", "--older-than", "0s", "--yes")
    place.ok("config", "set", "log.push", away)
    assert place.run("sessions", "push").code == 1
    ended = place.ok(*prune)
    assert f"3 sessions as old that have not been sent to {away} yet stay" in flat(ended.out)
    assert "hint: claude-local sessions push sends them; --unsent takes them out unsent" in flat(ended.err)
    report = place.json(*prune)
    assert (report["old"], report["unsent"], report["removed"]) == (0, 3, 0)
    place.ok("config", "set", "log.push", where)
    place.ok("sessions", "push")
    with recording(place.state) as log:
        log.session("later", 100)
    ended = place.ok(*prune)
    assert ended.out.startswith("taken out: 3 sessions last active before ")
    place.waits_for_imports()
    with recording(place.state) as log:
        log.session("private", 200)
    place.ok("config", "unset", "log.push")
    place.ok("config", "set", "log.push", away)
    report = place.json(*prune, "--unsent")
    assert report["removed"] >= 1
    assert place.json("sessions", "list", "--all")["sessions"] == []
    place.waits_for_imports()
    assert team.ask("SELECT count(*) FROM sessions WHERE session_id = 'private'") == [(0,)]


def test_a_database_that_was_emptied_gets_everything_again(state: Path, team: Team) -> None:
    where = team.writer("ann-laptop", "ann")
    send(state, where)
    team.ask("TRUNCATE sessions, spans, events, sums, sums_by_hour, looks_by_hour, logs")
    assert there(team)[0][0] == 0
    assert send(state, where).sessions == 8
    agree(state, team)


def test_a_log_that_was_made_anew_takes_nothing_away_that_was_counted(state: Path, team: Team) -> None:
    where = team.writer("ann-laptop", "ann")
    send(state, where)
    before = there(team)
    store.set_aside(str(state), store.identity(str(state)))
    with recording(state) as log:
        log.event("s1", 20, backend=NAS)  # its transcript is gone: no answer is counted any more
        log.session("new", 2000)
    report = send(state, where)
    assert report.anew is not None
    assert there(team)[0][2] == before[0][2] + 1
    assert int(str(team.ask("SELECT count(*) FROM sessions")[0][0])) == 9
    assert at(2000) in {str(row[0]) for row in team.ask("SELECT started_at FROM sessions")}
