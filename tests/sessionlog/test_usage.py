"""Usage added up: against the same sums made the plain way, on random logs, and on one of ten thousand sessions."""

import sqlite3
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_local_plugin.sessionlog import store
from claude_local_plugin.sessionlog.queries.filters import State, Where, is_backend, is_below, is_model
from claude_local_plugin.sessionlog.queries.usage import By, Group, Summary, Usage, usage
from claude_local_plugin.sessionlog.spans import NOT_KNOWN
from tests.sessionlog.recording import ANTHROPIC, BEDROCK, BEGIN, BOX, NAS, at, recording

UNKNOWN_BOX = ("unknown", BOX[1])
BACKENDS = (BOX, NAS, ANTHROPIC, BEDROCK, UNKNOWN_BOX)
MODELS = (None, "qwen3", "gpt-oss", "opus")
PROJECTS = (None, "/home/dev/shop", "/home/dev/shop/api", "/home/dev/shopping")
MACHINES = (None, "box-a", "box-b")
CLOUD = {"anthropic", "bedrock"}
NUMBERS = ("duration_ms", "messages", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
           "errors", "retries")  # fmt: skip


# --- the plain way


def plain(state: Path, by: tuple[By, ...], where: Where, zone: tzinfo) -> tuple[dict[tuple[str, ...], Any], Any]:
    """Sessions and sums by key, and in all: one span after the other, with sets to count by."""
    groups: dict[tuple[str, ...], Any] = defaultdict(lambda: [set(), defaultdict(int)])
    total: Any = [set(), defaultdict(int), set()]
    placed: dict[tuple[object, ...], str] = {}
    with closing(sqlite3.connect(state / store.DATABASE)) as log:
        log.row_factory = sqlite3.Row
        sent = {row[0] for row in log.execute("SELECT session FROM spans WHERE messages + errors + retries > 0")}
        sent |= {row[0] for row in log.execute("SELECT session FROM events WHERE event = 'UserPromptSubmit'")}
        sent |= {row[0] for row in log.execute("SELECT id FROM sessions WHERE ended_at IS NULL")}
        for span in log.execute(
            "SELECT spans.*, kind, url, name, path, host, end_reason, sessions.ended_at AS ended, blocked FROM spans"
            " JOIN sessions ON sessions.id = spans.session JOIN endpoints ON endpoints.id = endpoint"
            " LEFT JOIN models ON models.id = spans.model LEFT JOIN projects ON projects.id = spans.project"
            " ORDER BY spans.id"
        ):
            if span["session"] not in sent or not wanted(span, where):
                continue
            day = datetime.fromisoformat(span["started_at"]).astimezone(zone).date().isoformat()
            names = {By.BACKEND: span["url"] or span["kind"], By.MODEL: span["name"] or "(unknown)", By.DAY: day,
                     By.PROJECT: span["path"] or "(unknown)", By.MACHINE: span["host"] or "(unknown)"}  # fmt: skip
            key = tuple(names[each] for each in by)
            # of several days a session counts in the first
            apart = tuple(name for each, name in zip(by, key, strict=True) if each is not By.DAY)
            if placed.setdefault((span["session"], *apart), day) == day or By.DAY not in by:
                groups[key][0].add(span["session"])
            total[0].add(span["session"])
            total[2].add((span["session"], names[By.BACKEND], side(span["kind"])))
            for sums in (groups[key][1], total[1]):
                for name in NUMBERS:
                    sums[name, side(span["kind"])] += span[name]
    return groups, total


def side(kind: str) -> str:
    return "nowhere" if kind == NOT_KNOWN else "cloud" if kind in CLOUD else "own"


def wanted(span: sqlite3.Row, where: Where) -> bool:
    states = {
        None: True,
        State.RUNNING: span["ended"] is None,
        State.ENDED: span["ended"] is not None,
        State.BLOCKED: span["blocked"] > 0,
    }
    return bool(
        (where.since is None or span["ended_at"] >= where.since)
        and (where.until is None or span["started_at"] < where.until)
        and (not where.projects or (span["path"] is not None and is_below(span["path"], where.projects)))
        and (where.backend is None or is_backend(span["kind"], span["url"], where.backend))
        and (where.model is None or (span["name"] is not None and is_model(span["name"], where.model)))
        and states[where.state]
        and (where.machine is None or (span["host"] is not None and fnmatchcase(span["host"], where.machine)))
    )


def numbers(group: Group) -> tuple[int, dict[tuple[str, str], int]]:
    parts = {(name, side): getattr(part, name) for name in NUMBERS for side, part in
             (("own", group.own), ("cloud", group.cloud), ("nowhere", group.nowhere))}  # fmt: skip
    return group.sessions, {key: value for key, value in parts.items() if value}


def same(found: Summary, expected: tuple[dict[tuple[str, ...], Any], Any]) -> None:
    groups, total = expected
    as_numbers = lambda each: (len(each[0]), {key: value for key, value in each[1].items() if value})  # noqa: E731
    assert {group.key: numbers(group) for group in found.groups} == {k: as_numbers(v) for k, v in groups.items()}
    assert numbers(found.total) == as_numbers(total)
    used = Counter(side for _, _, side in total[2])
    parts = (found.total.own, found.total.cloud, found.total.nowhere)
    assert tuple(part.sessions for part in parts) == (used["own"], used["cloud"], used["nowhere"])


# --- random logs

moves = st.tuples(
    st.sampled_from(["s1", "s2", "s3", "s4"]),
    st.sampled_from(["start", "prompt", "blocked", "switch", "answer", "side", "error", "turn", "end"]),
    st.sampled_from(BACKENDS),
    st.sampled_from(MODELS),
    st.integers(1, 900),
)
wheres = st.builds(
    Where,
    since=st.none() | st.integers(0, 6000).map(at),
    until=st.none() | st.integers(0, 6000).map(at),
    projects=st.sampled_from([(), ("/home/dev/shop",), ("/home/dev",), ("/nowhere",)]),
    backend=st.sampled_from([None, "cloud", "local", "box:8000", "vllm", "http://box:8000/", "nowhere"]),
    model=st.sampled_from([None, "qwen", "*oss", "opus"]),
    state=st.sampled_from([None, State.RUNNING, State.ENDED, State.BLOCKED]),
    machine=st.sampled_from([None, None, "box-a", "box-*", "nowhere"]),
)
groupings = st.lists(st.sampled_from([by for by in By if by is not By.PERSON]), unique=True, max_size=3).map(tuple)
zones = st.sampled_from([UTC, ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/St_Johns"), ZoneInfo("Europe/Berlin")])


def record(state: Path, script: list[Any]) -> None:
    with recording(state) as recorder:
        minutes, begun = 0, set[str]()
        for session, move, backend, model, later in script:
            minutes += later
            project = PROJECTS[int(session[1]) - 1]
            event = {"prompt": "UserPromptSubmit", "blocked": "UserPromptSubmit", "switch": "PostModelSwitch",
                     "turn": "Stop", "end": "SessionEnd"}.get(move, "SessionStart")  # fmt: skip
            if session not in begun or move not in ("answer", "side", "error"):
                recorder.event(session, minutes, event, backend, model=model, project=project,
                               host=MACHINES[int(session[1]) % 3],
                               model_is_certain=move == "switch" and model is not None,
                               blocked=move == "blocked")  # fmt: skip
                begun.add(session)
            else:
                tokens = (later, later * 2, later * 3, 1)
                error = "server_error" if move == "error" else None
                # counted late: the answer may have been given on the backend before
                recorder.answers(session, minutes - 2 * later, model, tokens, side=move == "side", error=error)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.lists(moves, max_size=25), groupings, wheres | st.just(Where()), zones)
def test_the_sums_are_those_made_the_plain_way(
    script: list[Any], by: tuple[By, ...], where: Where, zone: tzinfo
) -> None:
    with TemporaryDirectory() as folder:
        state = Path(folder)
        record(state, script)
        same(usage(state, by, where, zone=zone), plain(state, by, where, zone))


KEPT = "spans, sessions, on_endpoint, with_model, duration_ms, messages, input_tokens, errors"
ADDED_UP = (
    "count(*), sum(first), sum(new_endpoint), sum(new_model), sum(duration_ms), sum(messages), sum(input_tokens),"
    " sum(errors)"
)


def kept_and_added_up(log: sqlite3.Connection) -> Iterator[tuple[list[Any], list[Any]]]:
    """What the log keeps, and the same of its spans, by backend, model and project, and by hour and backend."""
    for table, kept, of_spans in (
        ("sums", "endpoint, model, project", "endpoint, coalesce(model, 0), coalesce(project, 0)"),
        ("sums_by_hour", "hour, endpoint", "substr(started_at, 1, 13), endpoint"),
    ):
        yield (
            log.execute(f"SELECT {kept}, {KEPT} FROM {table} WHERE spans ORDER BY {kept}").fetchall(),
            log.execute(f"SELECT {of_spans}, {ADDED_UP} FROM spans GROUP BY {of_spans} ORDER BY {of_spans}").fetchall(),
        )


@settings(max_examples=50, deadline=None)
@given(st.lists(moves, min_size=1, max_size=25), st.sampled_from(["s1", "s2"]))
def test_the_log_keeps_the_sums_of_its_spans_whatever_becomes_of_them(script: list[Any], gone: str) -> None:
    with TemporaryDirectory() as folder:
        state = Path(folder)
        record(state, script)
        with closing(sqlite3.connect(state / store.DATABASE, isolation_level=None)) as log:
            for _ in range(2):
                for kept, added_up in kept_and_added_up(log):
                    assert kept == added_up
                log.execute(
                    "DELETE FROM spans WHERE session IN (SELECT id FROM sessions WHERE session_id = ?)", (gone,)
                )


def test_an_older_log_gets_its_sums(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as old:
        old.setattr(store, "MIGRATIONS", store.MIGRATIONS[:4])
        old.setattr(store, "SCHEMA_VERSION", 4)
        old.setattr(store, "_UPSERT", "\n".join(line for line in store._UPSERT.replace(" profile,", "").replace(
            " :profile,", "").splitlines() if "profile" not in line))  # fmt: skip
        with recording(state) as log:
            log.session("a")
            log.session("b", 90, backend=ANTHROPIC)
            log.event("nothing sent", 200)
            log.event("nothing sent", 201, "SessionEnd")
    with recording(state) as log:
        for kept, added_up in kept_and_added_up(log.log):
            assert len(kept) >= 2
            assert kept == added_up
        log.session("c", 300)
    same(usage(state, (By.DAY,), zone=UTC), plain(state, (By.DAY,), Where(), UTC))


@pytest.mark.parametrize("by", [(), (By.BACKEND,), (By.MODEL,), (By.PROJECT,), (By.DAY,)], ids=str)
def test_no_span_is_read_for_what_is_asked_most(
    state: Path, monkeypatch: pytest.MonkeyPatch, by: tuple[By, ...]
) -> None:
    with recording(state) as log:
        log.session("a")
        log.event("nothing sent", 20)
        log.event("nothing sent", 21, "SessionEnd")
    monkeypatch.setattr(
        "claude_local_plugin.sessionlog.queries.usage._Sums._rows", lambda _: pytest.fail("the spans are read")
    )
    assert usage(state, by, zone=UTC).total.sessions == 1


# --- by hand


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder that does not exist yet."""
    return tmp_path / "state"


def keys(found: Summary) -> dict[str, int]:
    return {group.key[0]: group.sessions for group in found.groups}


def test_without_a_log_nothing_was_used(state: Path) -> None:
    assert usage(state, (By.BACKEND,)) == Summary((), Group((), 0, Usage(), Usage()))
    assert not state.exists()


def test_an_empty_log_has_no_groups(state: Path) -> None:
    with recording(state):
        pass
    assert usage(state, (By.DAY,)).groups == ()


def test_a_session_on_two_backends_counts_on_each_and_once_in_all(state: Path) -> None:
    with recording(state) as log:
        log.session("a")
        log.event("b", 0, model="qwen3")
        log.answers("b", 1, tokens=(1, 2, 3, 4))
        log.event("b", 20, "UserPromptSubmit", ANTHROPIC, model="opus")
        log.answers("b", 21, "opus", (10, 20, 30, 40))
    found = usage(state, (By.BACKEND,))
    box, cloud = found.groups
    assert (box.key, box.kind, box.sessions) == (("http://box:8000",), "vllm", 2)
    assert (box.usage.input_tokens, box.usage.tokens) == (101, 1111 + 10)
    assert (cloud.key, cloud.kind, cloud.sessions, cloud.usage.tokens) == ((ANTHROPIC[1],), "anthropic", 1, 100)
    assert cloud.own == Usage()
    assert (found.total.sessions, found.total.usage.input_tokens) == (2, 111)
    # and with a filter that both stretches pass
    assert keys(usage(state, (By.BACKEND,), Where(since=at(0)))) == keys(found)
    assert usage(state, (By.BACKEND,), Where(since=at(0))).total.sessions == 2


def test_a_server_is_one_group_whatever_it_was_taken_for(state: Path) -> None:
    with recording(state) as log:
        log.session("a", backend=UNKNOWN_BOX)
        log.session("b", 60, backend=BOX)
    (group,) = usage(state, (By.BACKEND,)).groups
    assert (group.key, group.kind, group.sessions) == (("http://box:8000",), "vllm", 2)


def test_a_model_that_was_only_guessed_at_first_counts_where_it_was_used(state: Path) -> None:
    with recording(state) as log:
        log.event("a", 0, model="qwen3")
        log.event("a", 10, "UserPromptSubmit", ANTHROPIC, model="qwen3")
        log.answers("a", 5, "gpt-oss")
    assert keys(usage(state, (By.MODEL,))) == {"gpt-oss": 1, "qwen3": 1}


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        (UTC, "2026-11-21"),
        (ZoneInfo("Asia/Tokyo"), "2026-11-22"),
        (ZoneInfo("Asia/Kathmandu"), "2026-11-21"),
        (timezone(timedelta(hours=8, minutes=45)), "2026-11-22"),
    ],
    ids=str,
)
def test_a_day_is_that_of_the_zone_to_the_quarter_of_an_hour(state: Path, zone: tzinfo, day: str) -> None:
    with recording(state) as log:
        log.session("a", 8 * 60 + 14)  # 18:14 in Greenwich, 23:59 in Kathmandu
    assert keys(usage(state, (By.DAY,), zone=zone)) == {day: 1}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["Europe/Berlin", "America/Havana", "America/Asuncion", "Asia/Beirut", "Australia/Lord_Howe"]
)
def test_days_are_right_all_through_a_year_of_changing_clocks(state: Path, name: str) -> None:
    zone = ZoneInfo(name)
    with recording(state) as log:
        for number in range(365 * 4 * 3):
            log.event(f"s{number}", number * 120 - 400 * 24 * 60)
    same(usage(state, (By.DAY,), zone=zone), plain(state, (By.DAY,), Where(), zone))


def test_a_day_that_a_place_has_left_out_takes_no_hour_from_another(state: Path) -> None:
    zone = ZoneInfo("Pacific/Apia")  # which went from 29 to 31 December 2011
    with recording(state) as log:
        for hours in range(0, 96, 6):
            moment = datetime(2011, 12, 29, tzinfo=UTC) + timedelta(hours=hours)
            log.event(f"s{hours}", (moment - BEGIN) / timedelta(minutes=1))
    found = usage(state, (By.DAY,), zone=zone)
    assert "2011-12-30" not in keys(found)
    same(found, plain(state, (By.DAY,), Where(), zone))


@pytest.mark.skipif(sys.platform == "win32", reason="there, a process cannot change its time zone")
def test_without_a_zone_a_day_is_this_machines(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    with recording(state) as log:
        log.session("a", 8 * 60 + 14)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert keys(usage(state, (By.DAY,))) == {"2026-11-22": 1}
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_night_on_the_wrong_backend_is_seen_in_the_morning(state: Path) -> None:
    with recording(state) as log:
        log.session("a", 0, 14 * 60, backend=ANTHROPIC)
    # begun before the window, and going on in it
    assert usage(state, (), Where(since=at(6 * 60))).total.sessions == 1
    assert usage(state, (), Where(since=at(15 * 60))).total.sessions == 0
    assert usage(state, (), Where(until=at(0))).total.sessions == 0


@pytest.mark.slow
def test_ten_thousand_sessions_add_up(state: Path) -> None:
    backends = (BOX, NAS, ANTHROPIC, BEDROCK)
    with recording(state) as log:
        for number in range(10_000):
            log.event(f"s{number}", number, backend=backends[number % 4], model=f"m{number % 3}",
                      project=f"/p/{number % 7}")  # fmt: skip
            if number % 10 == 0:
                log.event(f"s{number}", number, "UserPromptSubmit", backends[(number + 1) % 4], model="other")
    for by in ((), (By.BACKEND,), (By.MODEL,), (By.PROJECT,), (By.DAY,), (By.DAY, By.BACKEND)):
        for where in (Where(), Where(backend="cloud"), Where(projects=("/p/3",), since=at(500))):
            same(usage(state, by, where, zone=UTC), plain(state, by, where, UTC))
