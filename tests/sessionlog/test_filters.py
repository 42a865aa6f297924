"""Choosing sessions: times as people write them, backends by any name, folders with what is below them."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from claude_local_plugin.errors import UsageError
from claude_local_plugin.sessionlog import queries
from claude_local_plugin.sessionlog.queries import State, Where, moment
from claude_local_plugin.sessionlog.queries.filters import is_backend, is_below, is_model
from tests.looped import looped
from tests.sessionlog.recording import ANTHROPIC, BEDROCK, BOX, NAS, at, recording

NOW = datetime(2026, 11, 21, 14, 30, tzinfo=UTC)
OSLO = timezone(timedelta(hours=1))


@looped(
    ("text", "expected"),
    [
        ("7d", "2026-11-14T14:30:00.000Z"),
        ("24h", "2026-11-20T14:30:00.000Z"),
        ("90m", "2026-11-21T13:00:00.000Z"),
        ("2w", "2026-11-07T14:30:00.000Z"),
        ("30s", "2026-11-21T14:29:30.000Z"),
        ("2026-11-01", "2026-10-31T23:00:00.000Z"),
        ("2026-11-01T08:30", "2026-11-01T07:30:00.000Z"),
        ("2026-11-01 08:30:15", "2026-11-01T07:30:15.000Z"),
        ("2026-11-01T08:30Z", "2026-11-01T08:30:00.000Z"),
        ("2026-11-01T08:30:00.125-05:00", "2026-11-01T13:30:00.125Z"),
        (" 7d ", "2026-11-14T14:30:00.000Z"),
    ],
)
def test_a_time_is_read_as_people_write_it(text: str, expected: str) -> None:
    assert moment(text, now=NOW, zone=OSLO) == expected


def test_until_a_day_is_until_its_end() -> None:
    assert moment("2026-11-01", now=NOW, zone=OSLO, whole_day=True) == "2026-11-01T23:00:00.000Z"
    assert moment("2026-11-01T08:30", now=NOW, zone=OSLO, whole_day=True) == "2026-11-01T07:30:00.000Z"


@looped("text", ["", "d", "7", "7 days ago", "yesterday", "-7d", "2026-13-01", "99999999999d", "1e3d"])
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        moment(text, now=NOW)
    assert "is no time" in caught.value.message
    assert "7d" in str(caught.value.hint)


@looped(
    ("backend", "wanted", "is_it"),
    [
        (BOX, "http://box:8000", True),
        (BOX, "http://BOX:8000/", True),
        (BOX, "http://me:secret@box:8000", True),
        (BOX, "box:8000", True),
        (BOX, "BOX:8000", True),
        (BOX, "box", True),
        (BOX, "vllm", True),
        (BOX, "local", True),
        (BOX, "cloud", False),
        (BOX, "https://box:8000", False),
        (BOX, "box:8001", False),
        (BOX, "bo", False),
        (ANTHROPIC, "cloud", True),
        (ANTHROPIC, "anthropic", True),
        (ANTHROPIC, "api.anthropic.com", True),
        (ANTHROPIC, "api.anthropic.com:443", True),
        (ANTHROPIC, "local", False),
        (("unknown", None), "local", False),
        (("unknown", None), "cloud", False),
        (BEDROCK, "cloud", True),
        (BEDROCK, "bedrock", True),
        (BEDROCK, "box", False),
    ],
)
def test_a_backend_goes_by_url_place_kind_and_side(backend: tuple[str, str | None], wanted: str, is_it: bool) -> None:
    assert is_backend(*backend, wanted) is is_it


def test_a_folder_has_what_is_below_it_and_nothing_beside_it() -> None:
    assert is_below("/p/shop", ["/p/shop"])
    assert is_below("/p/shop/api", ["/p/shop"])
    assert is_below("/p/shop", ["/"])
    assert not is_below("/p/shopping", ["/p/shop"])
    assert not is_below("/p", ["/p/shop"])
    assert not is_below("/p", [])


def test_a_model_goes_by_a_part_or_a_pattern_in_either_case() -> None:
    assert is_model("Qwen/Qwen3-Coder", "qwen3")
    assert is_model("Qwen/Qwen3-Coder", "qwen*coder")
    assert not is_model("Qwen/Qwen3-Coder", "qwen3*x")
    assert not is_model("Qwen/Qwen3-Coder", "qwen*3")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Five sessions, a minute of an hour each."""
    state = tmp_path / "state"
    with recording(state) as log:
        log.session("ended", 0, project="/p/shop")
        log.event("running", 60, backend=NAS, model="gpt-oss", project="/p/shop/api")
        log.session("failed", 120, backend=ANTHROPIC, model="opus", project="/p/other")
        log.answers("failed", 125, "opus", error="overloaded")
        log.session("blocked", 180, project="/p/shopping", blocked=True)
        log.session("killed", 240, backend=BEDROCK, project=None)
        log.log.execute("UPDATE sessions SET end_reason = 'killed' WHERE session_id = 'killed'")
    return state


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Where(), "killed blocked failed running ended"),
        (Where(since=at(121)), "killed blocked failed"),
        (Where(until=at(120)), "running ended"),
        (Where(since=at(65), until=at(125)), "failed"),
        (Where(projects=("/p/shop",)), "running ended"),
        (Where(projects=("/p/other", "/p/shopping")), "blocked failed"),
        (Where(projects=("/nowhere",)), ""),
        (Where(backend="cloud"), "killed failed"),
        (Where(backend="local", model="qwen"), "blocked ended"),
        (Where(backend="nas:11434"), "running"),
        (Where(model="*o*"), "failed running"),
        (Where(state=State.RUNNING), "running"),
        (Where(state=State.ENDED), "blocked failed ended"),
        (Where(state=State.KILLED), "killed"),
        (Where(state=State.BLOCKED), "blocked"),
        (Where(state=State.FAILED), "failed"),
        (Where(state=State.FAILED, backend="local"), ""),
    ],
)
def test_the_list_has_the_sessions_that_are_asked_for(state: Path, where: Where, expected: str) -> None:
    assert [session.session_id for session in queries.sessions(state, where=where)] == expected.split()


def test_a_failure_that_no_transcript_tells_of_counts_too(state: Path) -> None:
    with recording(state) as log:
        log.event("running", 61, "StopFailure", NAS, cause="server_error")
    found = queries.sessions(state, where=Where(state=State.FAILED))
    assert [session.session_id for session in found] == ["failed", "running"]


def test_a_session_that_was_on_a_backend_for_a_while_is_found_by_it(state: Path) -> None:
    with recording(state) as log:
        log.event("running", 70, "UserPromptSubmit", BOX)
    for backend in ("nas", "box"):
        assert "running" in [s.session_id for s in queries.sessions(state, where=Where(backend=backend))]
