"""What is told of the log's own condition: faults of late, each once, and what was left behind."""

from datetime import UTC, datetime
from pathlib import Path

from claude_local_plugin.sessionlog import queries

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def noted(state: Path, *lines: str, name: str = "faults.log") -> None:
    state.mkdir(exist_ok=True)
    (state / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def test_of_a_log_that_nobody_has_begun_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert queries.condition(tmp_path / "not" / "there") == queries.Condition()


def test_complaints_that_differ_in_numbers_only_are_one_and_the_last_of_them_is_named(tmp_path: Path) -> None:
    noted(tmp_path, "2026-11-19T10:00:00.000Z Stop: busy", name="faults.log.1")
    noted(
        tmp_path,
        "2026-11-20T10:00:00.000Z ValueError: no JSON (hook.py:12)",
        "2026-11-20T11:00:00.000Z ValueError: no JSON (hook.py:34)",
    )
    first, second = queries.condition(tmp_path, NOW).faults
    assert (first.said, first.times, first.line) == ("ValueError: no JSON (hook.py:34)", 2, 2)
    assert (second.said, second.times, second.path) == ("Stop: busy", 1, tmp_path / "faults.log.1")


def test_what_was_long_ago_is_history_and_what_is_no_fault_is_passed_over(tmp_path: Path) -> None:
    noted(
        tmp_path, "2026-11-13T10:00:00.000Z Stop: busy", "", "\x00", "2099-01-01T00:00:00.000Z from a clock gone wrong"
    )
    assert [fault.said for fault in queries.condition(tmp_path, NOW).faults] == ["from a clock gone wrong"]


def test_what_was_left_behind_is_named(tmp_path: Path) -> None:
    for name in ("sessions.db.damaged-1", "sessions.db.damaged-1-wal", "sessions.db.damaged-1-shm", "sessions.db"):
        (tmp_path / name).touch()
    (tmp_path / "spool").mkdir()
    for name in ("1-a-b.json", "2-a-b.json", "3-a-b.json.bad", "4-a-b.json.tmp"):
        (tmp_path / "spool" / name).touch()
    found = queries.condition(tmp_path, NOW)
    assert found.damaged == (tmp_path / "sessions.db.damaged-1",)
    assert (found.waiting, found.refused) == (2, (tmp_path / "spool" / "3-a-b.json.bad",))


def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    assert queries.condition(tmp_path / "state").unwritable == (tmp_path / "state", "is no folder")
