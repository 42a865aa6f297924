"""What the report adds up, and that it agrees with `sessions stats`."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from claude_local_plugin.sessionlog import store
from claude_local_plugin.sessionlog.queries import Where, report_data
from claude_local_plugin.sessionlog.queries.filters import spelled
from claude_local_plugin.sessionlog.queries.report_data import MOST_DAYS, MOST_DAYS_IN_WEEKS, Looks, collect
from claude_local_plugin.sessionlog.queries.usage import By, Usage, usage
from tests.looped import looped
from tests.report.building import CLOUD, NOW, OWN, SHOP, log, usual, year

SITE = "/home/dev/src/site"


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def test_without_a_log_there_is_nothing_and_nothing_is_made(tmp_path: Path) -> None:
    data = collect(tmp_path / "none", Where(since=spelled(days_ago(3))), now=NOW, zone=UTC)
    assert (data.sessions, data.backends, data.projects, data.last) == (0, (), (), ())
    assert len(data.periods) == 4
    assert not (tmp_path / "none").exists()


def test_without_a_log_and_without_a_beginning_it_is_today(tmp_path: Path) -> None:
    assert collect(tmp_path, Where(), now=NOW, zone=UTC).periods == (NOW.date(),)


@looped("fill", [usual, year])
@looped("days", [None, 1, 20, 100])
def test_it_agrees_with_the_statistics(tmp_path: Path, fill, days: float | None) -> None:  # type: ignore[no-untyped-def]
    fill(tmp_path)
    where = Where(since=spelled(days_ago(days)) if days else None, until=spelled(NOW))
    data = collect(tmp_path, where, now=NOW, zone=UTC)
    by_backend, by_project = usage(tmp_path, (By.BACKEND,), where), usage(tmp_path, (By.PROJECT,), where)
    assert data.sessions == by_backend.total.sessions > 0
    assert {one.url or one.kind: one.usage for one in data.backends} == {
        group.key[0]: group.own + group.cloud for group in by_backend.groups
    }
    assert {one.path: (one.own, one.cloud) for one in data.projects} == {
        group.key[0]: (group.own, group.cloud) for group in by_project.groups
    }


@looped("fill", [usual, year])
@looped("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"])
def test_sums_that_the_log_keeps_say_what_reading_everything_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fill: Callable[[Path], None], zone: str
) -> None:
    fill(tmp_path)
    later = NOW + timedelta(minutes=1)
    asked = []
    monkeypatch.setattr(report_data, "_HOURS", Counting(asked))
    kept = collect(tmp_path, Where(), now=later, zone=ZoneInfo(zone))
    assert bool(asked) == (zone != "Asia/Kolkata")  # where days do not begin with hours of UTC
    with monkeypatch.context() as patched:
        patched.setattr(report_data, "_is_whole", lambda *_: False)
        assert kept == collect(tmp_path, Where(), now=later, zone=ZoneInfo(zone))


class Counting(str):
    """The condition on hours, which notes each time that it is put into a question."""

    def __new__(cls, _: list[str]) -> "Counting":
        return super().__new__(cls, report_data._HOURS)

    def __init__(self, asked: list[str]) -> None:
        self.asked = asked

    def __format__(self, spec: str) -> str:
        self.asked.append(spec)
        return super().__format__(spec)


def test_sums_follow_what_is_taken_out_of_the_log(tmp_path: Path) -> None:
    year(tmp_path)
    with closing(store.connect(str(tmp_path))) as connection:
        connection.execute("DELETE FROM sessions WHERE id % 3 = 0")
        connection.commit()
        counted = connection.execute("SELECT count(*) FROM events WHERE outcome IS NOT NULL").fetchone()
        assert connection.execute("SELECT sum(looks) FROM looks_by_hour").fetchone() == counted


def test_a_session_that_moves_counts_once_and_once_on_each_backend(tmp_path: Path) -> None:
    with log(tmp_path) as book:
        book.session(days_ago(1), backend=OWN, then=CLOUD, tokens=(100, 10, 1000, 1))
    data = collect(tmp_path, Where(), now=NOW, zone=UTC)
    assert data.sessions == 1
    assert [(one.kind, one.cloud, one.usage.sessions, one.usage.tokens) for one in data.backends] == [
        ("vllm", False, 1, 1111),
        ("anthropic", True, 1, 1111),
    ]
    (project,) = data.projects
    assert (project.own.sessions, project.cloud.sessions) == (1, 1)


def test_what_was_under_way_at_the_beginning_counts_in_the_first_day(tmp_path: Path) -> None:
    with log(tmp_path) as book:
        book.session(days_ago(2.01), minutes=60, tokens=(5, 0, 0, 0))
        book.session(days_ago(3), minutes=60)
    data = collect(tmp_path, Where(since=spelled(days_ago(2))), now=NOW, zone=UTC)
    assert data.sessions == 1
    assert [one.sessions for one in data.backends[0].usages] == [1, 0, 0]


def test_one_server_of_several_kinds_is_one_and_called_what_it_was_found_to_be(tmp_path: Path) -> None:
    with log(tmp_path) as book:
        book.session(days_ago(3), backend=("unknown", "http://dell:8000"))
        book.session(days_ago(2), backend=("vllm", "http://dell:8000"))
        book.session(days_ago(1), backend=("unknown", "http://dell:8000"))
    (backend,) = collect(tmp_path, Where(), now=NOW, zone=UTC).backends
    assert (backend.kind, backend.usage.sessions) == ("vllm", 3)


def test_looks_are_counted_by_how_they_went(tmp_path: Path) -> None:
    with log(tmp_path) as book:
        book.session(
            days_ago(1),
            looks=[*((0, "ok", float(value)) for value in range(1, 20)), (0, "ok", 250.4), (1, "refused", None)],
        )
        book.session(days_ago(0), looks=[(0, "timeout", None), (0, "refused", None), (0, "refused", None)])
        book.session(days_ago(1), looks=[(0, "proxied", None), (0, "bad-url", None)])
    (backend,) = collect(tmp_path, Where(), now=days_ago(-1), zone=UTC).backends
    assert backend.looks == Looks(24, 20, (("refused", 3), ("timeout", 1)), 10.0, 19.0)
    assert [(one.count, one.good, one.median_ms) for one in backend.looks_by_period] == [
        (21, 20, 10.0),
        (3, 0, None),
        (0, 0, None),
    ]


@looped(
    ("latency", "shown"),
    [(0.04, 0.0), (1.26, 1.3), (12.4, 12.0), (126.0, 130.0), (1260.0, 1300.0), (30_400.0, 30_400.0)],
)
def test_a_latency_is_kept_to_two_digits(tmp_path: Path, latency: float, shown: float) -> None:
    with log(tmp_path) as book:
        book.session(days_ago(1), looks=[(0, "ok", latency)])
    (backend,) = collect(tmp_path, Where(), now=NOW).backends
    assert backend.looks.median_ms == backend.looks.p95_ms == shown


def test_failures_are_counted_by_day(tmp_path: Path) -> None:
    with log(tmp_path) as book:
        book.session(days_ago(2), errors=2, retries=3, end="killed")
        book.session(days_ago(1), blocked=[(0, "UserPromptSubmit"), (1, "UserPromptSubmit"), (2, "ConfigChange")])
        book.session(days_ago(0.1), looks=[(0, "refused", None), (0, "ok", 3.0), (0, "error", 3.0)])
    failures = collect(tmp_path, Where(), now=NOW, zone=UTC).failures
    assert failures.api_errors == (2, 0, 0)
    assert failures.retries == (3, 0, 0)
    assert failures.killed == (1, 0, 0)
    assert failures.held_back == (0, 2, 0)
    assert failures.refused_moves == (0, 1, 0)
    assert failures.dead_looks == (0, 0, 2)


def test_one_project_alone_with_all_below_it(tmp_path: Path) -> None:
    with log(tmp_path) as book:
        for project in (SHOP, f"{SHOP}/api", f"{SHOP}ping", SITE, None):
            book.session(
                days_ago(1),
                project=project,
                looks=[(0, "refused", None)],
                blocked=[(0, "UserPromptSubmit")],
                end="killed",
            )
    data = collect(tmp_path, Where(projects=(SHOP,)), now=NOW, zone=UTC)
    assert data.sessions == 2
    assert {one.path for one in data.projects} == {SHOP, f"{SHOP}/api"}
    assert data.backends[0].looks.count == 2
    assert (sum(data.failures.held_back), sum(data.failures.killed), len(data.last)) == (2, 2, 2)
    assert {one.path for one in collect(tmp_path, Where(), now=NOW).projects} >= {None, SITE}


def test_the_last_sessions_are_the_newest(tmp_path: Path) -> None:
    with log(tmp_path) as book:
        names = [book.session(days_ago(30 - day)) for day in range(30)]
    assert [one.session_id for one in collect(tmp_path, Where(), now=NOW).last] == names[:-21:-1]


@pytest.mark.parametrize(
    ("days", "step", "first", "count"),
    [
        (MOST_DAYS, "day", "2026-08-20", MOST_DAYS + 1),
        (MOST_DAYS + 1, "week", "2026-08-17", 14),
        (MOST_DAYS_IN_WEEKS, "week", "2024-11-18", 105),
        (MOST_DAYS_IN_WEEKS + 1, "month", "2024-11-01", 25),
        (3650, "month", "2016-11-01", 121),
    ],
)
def test_longer_times_are_told_in_longer_steps(tmp_path: Path, days: int, step: str, first: str, count: int) -> None:
    data = collect(tmp_path, Where(since=spelled(days_ago(days))), now=NOW, zone=UTC)
    assert (data.step, data.periods[0].isoformat(), len(data.periods)) == (step, first, count)


def test_a_time_that_ends_before_it_begins_is_an_empty_one(tmp_path: Path) -> None:
    usual(tmp_path)
    data = collect(tmp_path, Where(since=spelled(days_ago(1)), until=spelled(days_ago(2))), now=NOW, zone=UTC)
    assert (data.sessions, len(data.periods), data.usage) == (0, 1, Usage())


@pytest.mark.parametrize(
    "name", ["Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"]
)
def test_days_are_those_of_the_zone(tmp_path: Path, name: str) -> None:
    """Also where a day begins at an odd minute, and when the clocks have been changed in between."""
    zone = ZoneInfo(name)
    before, after = datetime(2026, 10, 24, 23, 59, tzinfo=zone), datetime(2026, 10, 26, 0, 1, tzinfo=zone)
    with log(tmp_path) as book:
        for at in (before, after):
            book.session(at, minutes=0, looks=[(0, "ok", 5.0)], blocked=[(0, "UserPromptSubmit")], end="killed")
    since = datetime(2026, 10, 24, 12, tzinfo=zone)
    data = collect(tmp_path, Where(since=spelled(since)), now=since + timedelta(days=3), zone=zone)
    assert [day.day for day in data.periods] == [24, 25, 26, 27]
    (backend,) = data.backends
    assert [one.sessions for one in backend.usages] == [1, 0, 1, 0]
    assert [one.count for one in backend.looks_by_period] == [1, 0, 1, 0]
    assert data.failures.held_back == data.failures.killed == (1, 0, 1, 0)
