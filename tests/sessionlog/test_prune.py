"""Taking old sessions out: those that have ended, with all that was known of them, and nothing else."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.sessionlog import queries, store
from claude_local_plugin.sessionlog.pushing import Unsent
from claude_local_plugin.sessionlog.queries import Prunable, writing
from tests.sessionlog.recording import ANTHROPIC, at, recording


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """An old session, an old one that is open, one that was begun long ago and goes on, and a new one."""
    state = tmp_path / "state"
    with recording(state) as log:
        log.session("old", 0, backend=ANTHROPIC, model="secret-model", project="/p/secret-client")
        log.event("open", 1)
        log.session("long", 2, lasting=600)
        log.session("new", 500)
        log.log.execute("INSERT INTO transcripts VALUES (1, 'x.jsonl', '{}')")
    return state


def test_it_is_known_beforehand_what_will_go(state: Path) -> None:
    assert queries.prunable(state, at(100)) == Prunable(old=1, open=1)
    assert queries.prunable(state, at(0)) == Prunable(0, 0)
    assert queries.prunable(state, at(9999)) == Prunable(3, 1)


def test_what_is_still_to_be_sent_stays_where_it_is_to(state: Path) -> None:
    with recording(state) as log:
        log.log.execute("INSERT INTO pushes (destination, asked, sent) SELECT 'there', 1, 1")
    numbers = {each: number for number, each in enumerate(("old", "open", "long", "new"), 1)}
    with closing(sqlite3.connect(state / store.DATABASE)) as log_:
        assert dict(log_.execute("SELECT session_id, changed FROM sessions")) == numbers
    there, elsewhere = Unsent("there", ""), Unsent("elsewhere", "")
    assert queries.prunable(state, at(9999), there) == Prunable(1, 1, 2)
    assert queries.prunable(state, at(9999), elsewhere) == Prunable(0, 1, 3)
    # what was last active before this does not leave at all
    assert queries.prunable(state, at(9999), Unsent("elsewhere", at(600))) == Prunable(2, 1, 1)
    assert queries.prune(state, at(9999), elsewhere) == 0
    assert queries.prune(state, at(9999), there) == 1
    assert {session.session_id for session in queries.sessions(state)} == {"open", "long", "new"}
    assert queries.prune(state, at(9999)) == 2


def test_old_sessions_go_with_all_that_was_known_of_them(state: Path) -> None:
    assert queries.prune(state, at(100)) == 1
    assert [session.session_id for session in queries.sessions(state)] == ["new", "long", "open"]
    with closing(sqlite3.connect(state / store.DATABASE)) as log:
        for table in ("events", "spans", "transcripts"):
            assert log.execute(f"SELECT count(*) FROM {table} WHERE session = 1").fetchone() == (0,)
        assert log.execute("SELECT path FROM projects").fetchall() == [("/home/dev/shop",)]
    left = b"".join(path.read_bytes() for path in state.iterdir())
    assert b"secret-client" not in left
    assert b"secret-model" not in left


def test_many_go_step_by_step_and_the_space_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_STEP", 100)
    with recording(tmp_path) as log:
        for number in range(1050):
            log.session(f"s{number}", number, lasting=0, project=f"/p/{number:0100d}")
    before = (tmp_path / store.DATABASE).stat().st_size
    assert queries.prune(tmp_path, at(1000)) == 1000
    assert len(queries.sessions(tmp_path)) == 50
    assert (tmp_path / store.DATABASE).stat().st_size < before / 5


@pytest.mark.parametrize(
    ("problem", "hint"),
    [
        ("database or disk is full", "make room on the disk"),
        ("attempt to write a readonly database", "the folder is read-only, or the file"),
        ("database is locked", "try again in a moment"),
        ("file is not a database", "the next session sets it aside"),
        ("disk I/O error", "claude-local doctor"),
    ],
)
def test_what_hinders_it_is_said_with_what_helps(
    state: Path, monkeypatch: pytest.MonkeyPatch, problem: str, hint: str
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise sqlite3.OperationalError(problem)

    monkeypatch.setattr(writing.maintenance, "forget", fail)
    with pytest.raises(ClaudeLocalError, match="0 sessions were taken out") as caught:
        queries.prune(state, at(100))
    assert hint in str(caught.value.hint)


def test_without_a_log_none_is_made(tmp_path: Path) -> None:
    assert queries.prunable(tmp_path, at(0)) == Prunable(0, 0)
    assert queries.prune(tmp_path, at(0)) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_log_and_one_set_aside_are_left_alone(tmp_path: Path) -> None:
    files = [tmp_path / name for name in (store.DATABASE, f"{store.DATABASE}.damaged-20261121T100000.000Z")]
    for path in files:
        path.write_bytes(b"no database" * 500)
    with pytest.raises(ClaudeLocalError, match="damaged"):
        queries.prune(tmp_path, at(100))
    assert [path.read_bytes() for path in files] == [b"no database" * 500] * 2
