"""What the report shows, added up by SQLite: per day, week or month, by backend, by project, and the last sessions.

A log of a million sessions comes back as some thousands of sums; no row of it is loaded but those of the last sessions.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from typing import TYPE_CHECKING, Any

from claude_local_plugin.core.frozen import replace
from claude_local_plugin.core.protection import CLOUD_KINDS
from claude_local_plugin.sessionlog.queries.filters import Where, spelled
from claude_local_plugin.sessionlog.queries.reading import newest, open_log
from claude_local_plugin.sessionlog.queries.records import Session
from claude_local_plugin.sessionlog.queries.usage import By, Group, Usage, grouped, usage_of

if TYPE_CHECKING:
    from claude_local_plugin.sessionlog.queries.log import Log, Source

#: Up to so many days there is a number for each day, up to so many for each week, beyond that for each month.
MOST_DAYS = 93
MOST_DAYS_IN_WEEKS = 2 * 366
#: How many sessions the report lists, the newest.
LAST_SESSIONS = 20

#: What a look at a server is called that was none: nobody asked (see core.probe).
_NO_LOOK = ("proxied", "bad-url")


@dataclass(frozen=True, slots=True)
class Looks:
    """Looks that hooks took at a server: how many, how many it answered well, the others by outcome, and how fast.

    Latencies are milliseconds of good looks, to two digits; None where there are none.
    """

    count: int = 0
    good: int = 0
    failed: tuple[tuple[str, int], ...] = ()
    median_ms: float | None = None
    p95_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Backend:
    """A server, or a cloud without an address of its own; `usage` and `looks` in all and for each period."""

    kind: str
    url: str | None
    usage: Usage
    usages: tuple[Usage, ...]
    looks: Looks
    looks_by_period: tuple[Looks, ...]

    @property
    def cloud(self) -> bool:
        """Whether it is Anthropic's own or a provider's, not a server of one's own."""
        return self.kind in CLOUD_KINDS


@dataclass(frozen=True, slots=True)
class Project:
    """A project as the log names it (None: it was left out there), its usage on own servers and in the cloud.

    A session counts once on each backend it used.
    """

    path: str | None
    own: Usage
    cloud: Usage

    @property
    def usage(self) -> Usage:
        """Both together."""
        return self.own + self.cloud


@dataclass(frozen=True, slots=True)
class Part:
    """What ran on a machine of a team's, or for a person of it: sessions in which something was sent, each once.

    In `own` and `cloud` a session counts once on each backend it used.
    """

    name: str
    sessions: int
    own: Usage
    cloud: Usage


@dataclass(frozen=True, slots=True)
class Failures:
    """What went wrong, a number for each period.

    `held_back`: prompts that were blocked; `refused_moves`: changes of a protected project's backend; `dead_looks`:
    looks at a server that was not well; `api_errors`: those shown to the user; `retries`: requests that the client
    repeated; `killed`: sessions that never said they ended, by when they began.
    """

    held_back: tuple[int, ...]
    refused_moves: tuple[int, ...]
    dead_looks: tuple[int, ...]
    api_errors: tuple[int, ...]
    retries: tuple[int, ...]
    killed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReportData:
    """All that the report shows of the time from `since` until `until` (UTC).

    `step` is "day", "week" or "month"; `periods` are the local days with which each of them begins, `zone` is None for
    this machine's own. What was going on at `since` counts in the first period. `sessions` counts each session once,
    `usage` and `backends` once on each backend. Backends and projects come with the busiest first, and so do machines
    and people, of which only a team's log knows.
    """

    since: datetime
    until: datetime
    zone: tzinfo | None
    step: str
    periods: tuple[date, ...]
    sessions: int
    usage: Usage
    backends: tuple[Backend, ...]
    failures: Failures
    projects: tuple[Project, ...]
    last: tuple[Session, ...]
    machines: tuple[Part, ...] = ()
    people: tuple[Part, ...] = ()


def collect(source: "Source", where: Where, *, now: datetime, zone: tzinfo | None = None) -> ReportData:
    """What is on record of the time, the projects, the machine and the person in `where`; nothing else there is heard.

    The time begins, if not told otherwise, with the first session and ends now. Days are those of `zone`, by default
    this machine's. Raises ClaudeLocalError when the log cannot be read.
    """
    until = where.until or spelled(now)
    with open_log(source) as log:
        since = where.since or (log and _first(log)) or until
        where = Where(min(since, until), until, where.projects, machine=where.machine, person=where.person)
        collection = _Collection(where, _Periods(where, zone), log is not None and _is_whole(log, where))
        if log is None:
            return collection.report(())
        collection.add_spans(log)
        if log.shared:
            collection.add_machines_and_people(log)
        collection.add_looks(log)
        collection.add_failures(log)
        return collection.report(newest(log, LAST_SESSIONS, replace(where, sent=True)))


class _Periods:
    """The days, weeks or months between two moments: the local days they begin with, and their bounds in the log."""

    def __init__(self, where: Where, zone: tzinfo | None) -> None:
        self.since, self.until = (datetime.fromisoformat(moment) for moment in (where.since or "", where.until or ""))
        self.zone = zone
        length = (self.until - self.since).days
        self.step = "day" if length <= MOST_DAYS else "week" if length <= MOST_DAYS_IN_WEEKS else "month"
        self.days = tuple(self._days())
        # the first may have begun before `since`
        midnights = [datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) for day in self.days[1:]]
        self._begins = [spelled(self.since), *map(spelled, midnights)]
        self.bounds = tuple(zip(self._begins, [*self._begins[1:], spelled(self.until)], strict=True))
        #: How much of a moment's text tells its period: the hour, or the minute where a day begins at an odd one.
        self.digits = 13 if all(midnight.minute == 0 for midnight in midnights) else 16

    def _days(self) -> Iterator[date]:
        last = max(self.since, self.until - timedelta(milliseconds=1)).astimezone(self.zone).date()
        day = self._beginning(self.since.astimezone(self.zone).date())
        while day <= last:
            yield day
            day = self._beginning(day + timedelta(days={"day": 1, "week": 7, "month": 31}[self.step]))

    def _beginning(self, day: date) -> date:
        if self.step == "week":
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self.step == "month" else day

    def place(self, cut: str) -> int:
        """The period of a moment of which the first `digits` characters are given."""
        return max(0, bisect_right(self._begins, cut + "~") - 1)


_COUNTED = tuple(field.name for field in fields(Usage))
_SUMS = ", ".join(f"sum(s.{name})" for name in _COUNTED[1:])
_ENDPOINT = "(SELECT coalesce(url, kind) FROM endpoints WHERE id = {}.endpoint)"
_EARLIER = "SELECT 1 FROM spans AS e WHERE e.session = s.session AND e.id < s.id AND {earlier}"
#: Sessions count with their first span of those asked for, on a backend with their first one there.
_SPANS = f"""
SELECT {{by}},
    sum(CASE WHEN s.first = 1 OR NOT EXISTS ({_EARLIER}) THEN 1 ELSE 0 END),
    sum(CASE WHEN s.new_endpoint = 1 OR NOT EXISTS (
        {_EARLIER} AND {_ENDPOINT.format("e")} = {_ENDPOINT.format("s")}) THEN 1 ELSE 0 END),
    {_SUMS}
FROM spans AS s WHERE {{wanted}} AND {{time}} GROUP BY {{by}}
"""
#: The same where each session counts with the first span that there ever was of it, wherever that is.
_MARKED = f"""
SELECT {{by}}, sum(s.first), sum(s.new_endpoint), {_SUMS} FROM spans AS s WHERE {{wanted}} AND {{time}} GROUP BY {{by}}
"""
#: And those that count with another one, since that is not among those asked for: they began earlier, and are few.
_GONE_ON = f"""
SELECT * FROM (
    SELECT s.endpoint, s.project, s.machine, s.person, s.counts, substr(s.started_at, 1, :digits),
        CASE WHEN s.first = 0 AND NOT EXISTS ({_EARLIER}) THEN 1 ELSE 0 END AS begun,
        CASE WHEN s.new_endpoint = 0 AND NOT EXISTS (
            {_EARLIER} AND {_ENDPOINT.format("e")} = {_ENDPOINT.format("s")}) THEN 1 ELSE 0 END AS moved
    FROM spans AS s WHERE {{wanted}} AND (s.first = 0 OR s.new_endpoint = 0)
) AS each WHERE begun + moved > 0
"""
_BEGUN_BEFORE = "+s.started_at < :since AND s.ended_at >= :since"
_BEGUN = "s.started_at >= :begin AND s.started_at < :end"
_GOING_ON = "s.started_at < :until AND s.ended_at >= :since"
#: Around whole hours: `first` is the end of the hour of `since`, `last` the beginning of that of `until`.
_IN_FIRST_HOUR = "s.started_at >= :since AND s.started_at < :first"
_IN_LAST_HOUR = "s.started_at >= :last AND s.started_at < :until"

_LOOKS = """
SELECT substr(at, 1, :digits), backend_url, outcome, {latency}, count(*) FROM events
WHERE outcome IS NOT NULL AND at >= :since AND at < :until AND {wanted} GROUP BY 1, 2, 3, 4
"""
#: Of whole hours, as the database of a team adds them up. Latencies come in lists: there are
#: so many that to fetch them one by one takes longer than to find them.
_WHOLE_HOURS = "hour > :first AND hour < :last"
_SPANS_OF_HOURS = f"""
SELECT endpoint, {{period}}, sum(sessions), sum(on_endpoint), {{kept}} FROM sums_by_hour
WHERE {_WHOLE_HOURS} GROUP BY 1, 2 HAVING sum(spans) <> 0
"""
_LOOKS_OF_HOURS = f"""
SELECT period, backend_url, outcome, array_agg(latency), array_agg(looks) FROM (
    SELECT {{period}} AS period, backend_url, outcome, latency, CAST(sum(looks) AS bigint) AS looks FROM looks_by_hour
    WHERE {_WHOLE_HOURS} AND looks <> 0 GROUP BY 1, 2, 3, 4
) AS summed GROUP BY 1, 2, 3
"""
#: Of the sums that the log keeps by the hour.
_HOURS = "hour >= :begin AND hour < :end"
_KEPT = ", ".join(f"sum({name})" for name in _COUNTED[1:])
#: In place of a project where the sums do not tell it.
_NO_PROJECT = object()

_BLOCKED = """
SELECT substr(at, 1, :digits), event, count(*) FROM events
WHERE blocked = 1 AND at >= :since AND at < :until AND {wanted} GROUP BY 1, 2
"""
_KILLED = """
SELECT substr(started_at, 1, :digits), count(*) FROM sessions
WHERE started_at >= :since AND started_at < :until AND end_reason = 'killed' AND {wanted} GROUP BY 1
"""

#: A backend in all tables: its URL, or its kind where it has none.
_Key = tuple[str | None, str | None]


class _Collection:
    """What the queries bring, until it is all there."""

    def __init__(self, where: Where, periods: _Periods, whole: bool) -> None:
        self.where, self.periods = where, periods
        #: What is asked for at any time.
        self.chosen = replace(where, since=None, until=None)
        #: Whether nothing is left out, so that what the log has added up by the hour will do.
        self.whole = whole and periods.digits == 13
        self.values = {**where.values, "digits": periods.digits}
        self.sessions = 0
        self.kinds: dict[_Key, str] = {}
        self.usage: dict[tuple[_Key, int], list[int]] = defaultdict(_zeros)
        self.by_project: dict[tuple[str | None, bool], list[int]] = defaultdict(_zeros)
        self.looks: dict[tuple[_Key, int], Counter[float | str]] = defaultdict(Counter)
        self.machines, self.people = tuple[Part, ...](), tuple[Part, ...]()
        self.held_back, self.refused_moves, self.killed = ([0] * len(periods.days) for _ in range(3))

    def add_spans(self, log: "Log") -> None:
        """Sessions, time, tokens and errors: by backend and period, and by project."""
        endpoints = {
            number: (kind, url) for number, kind, url in log.execute("SELECT id, kind, url FROM endpoints ORDER BY id")
        }
        projects = dict(log.execute("SELECT id, path FROM projects").fetchall())
        for kind, url in endpoints.values():
            self._known(kind, url)
        pieces = self._kept(log) if self.whole else self._of_team(log, endpoints) if log.shared else self._read(log)
        for period, endpoint, project, first, *counts in pieces:
            kind, url = endpoints[endpoint]
            self.sessions += first
            if period is not None:
                _add(self.usage[self._known(kind, url), period], counts)
            if project is not _NO_PROJECT:
                _add(self.by_project[projects.get(project), kind in CLOUD_KINDS], counts)

    def _read(self, log: "Log") -> Iterator[tuple[Any, ...]]:
        """Period, backend, project, sessions and numbers, out of the spans."""
        wanted = self.chosen.of_spans(log, "s")
        earlier = self.where.of_spans(log, "e")
        for period, time, bounds in self._pieces():
            query = _SPANS.format(by="s.endpoint, s.project", wanted=wanted, earlier=earlier, time=time)
            for endpoint, *counts in log.execute(query, {**self.values, **bounds}):
                yield period, endpoint, *counts

    def _of_team(self, log: "Log", endpoints: Mapping[int, tuple[str, str | None]]) -> Iterator[tuple[Any, ...]]:
        """The same of many machines, in two readings: by period, and by project with machine and person.

        A team has a project for each folder of each of its machines: too many to be told for each period.
        """
        yield from self._by_period(log)
        machines, people = log.machines(), log.people()
        found: list[list[tuple[str | None, str, str | None, Sequence[int]]]] = [[], []]
        rows = [*self._marked(log, "s.endpoint, s.project, s.machine, s.person, s.counts", _GOING_ON)]
        wanted, earlier = self.where.of_spans(log, "s"), self.where.of_spans(log, "e")
        for *key, at, begun, moved in log.execute(_GONE_ON.format(wanted=wanted, earlier=earlier), self.values):
            counts = (begun, moved, *_zeros()[1:])
            rows.append((*key, *counts))
            yield self.periods.place(at), key[0], _NO_PROJECT, *counts
        for endpoint, project, machine, person, sent, *counts in rows:
            yield None, endpoint, project, 0, *counts[1:]
            if sent:
                for its, name in zip(found, (machines(machine), people(person)), strict=True):
                    its.append((name, *endpoints[endpoint], counts))
        self.machines, self.people = (_parts(grouped(its)) for its in found)

    def _by_period(self, log: "Log") -> Iterator[tuple[Any, ...]]:
        """Of many machines by period: of whole hours as they are added up, the rest out of the spans."""
        first, last = str(self.values["since"])[:13], str(self.values["until"])[:13]
        hours = {"first": f"{first}~", "last": last}
        is_kept = self.chosen.is_everything and self.periods.digits == 13 and first < last
        place = cache(self.periods.place)
        for time in (_BEGUN_BEFORE, _IN_FIRST_HOUR, _IN_LAST_HOUR) if is_kept else (_GOING_ON,):
            by = f"s.endpoint, substr(s.started_at, 1, {self.periods.digits})"
            for endpoint, at, *counts in self._marked(log, by, time, hours):
                yield place(at), endpoint, _NO_PROJECT, *counts
        if is_kept:
            query = _SPANS_OF_HOURS.format(period=self._period_of_hour(), kept=_KEPT)
            for endpoint, period, *counts in log.execute(query, hours):
                yield period, endpoint, _NO_PROJECT, *counts

    def _period_of_hour(self) -> str:
        """The period of a row of a team's sums, in SQL."""
        begins = ", ".join(f"'{begin[:13]}'" for begin, _ in self.periods.bounds[1:])
        return f"width_bucket(hour, ARRAY[{begins}])" if begins else "0"

    def _marked(self, log: "Log", by: str, time: str, values: Mapping[str, str] | None = None) -> Any:
        query = _MARKED.format(by=by, wanted=self.where.of_spans(log, "s"), time=time)
        return log.execute(query, {**self.values, **(values or {})})

    def _kept(self, log: "Log") -> Iterator[tuple[Any, ...]]:
        """The same of everything, out of the sums that the log keeps: by period, then by project."""
        for period, bounds in enumerate(self._hours()):
            query = f"SELECT endpoint, sum(sessions), sum(on_endpoint), {_KEPT} FROM sums_by_hour WHERE {_HOURS}"
            for endpoint, *counts in log.execute(f"{query} GROUP BY 1 HAVING sum(spans) <> 0", bounds):
                yield period, endpoint, _NO_PROJECT, *counts
        query = f"SELECT endpoint, project, 0, sum(on_endpoint), {_KEPT} FROM sums GROUP BY 1, 2 HAVING sum(spans) <> 0"
        for endpoint, project, *counts in log.execute(query):
            yield None, endpoint, project, *counts

    def _hours(self) -> Iterator[Mapping[str, str]]:
        """From which hour until before which the sums of each period are; the first and the last are open."""
        last = len(self.periods.bounds) - 1
        for period, (begin, end) in enumerate(self.periods.bounds):
            yield {"begin": begin[:13] if period else "", "end": end[:13] if period < last else "~"}

    def _pieces(self) -> Iterator[tuple[int, str, Mapping[str, str]]]:
        """What was going on when the first period began, then what began in each, which the index finds."""
        yield 0, _BEGUN_BEFORE, {}
        for period, (begin, end) in enumerate(self.periods.bounds):
            yield period, _BEGUN, {"begin": begin, "end": end}

    def add_machines_and_people(self, log: "Log") -> None:
        """The same usage once more, by machine and by person, where it is not known by now."""
        where = Where() if self.whole else self.where
        if self.whole:
            self.machines = _parts(usage_of(log, (By.MACHINE,), where, self.periods.zone).groups)
        if self.whole or log.person_known_elsewhere("s"):
            self.people = _parts(usage_of(log, (By.PERSON,), where, self.periods.zone).groups)

    def add_looks(self, log: "Log") -> None:
        """How the servers answered when hooks looked at them."""
        known = cache(self._known)
        if self.whole:
            looks = self._looks_kept(log)
        elif log.shared and self.chosen.is_everything and self.periods.digits == 13:
            looks = self._looks_of_hours(log)
        else:
            looks = self._looks_read(log, self.values)
        for period, url, outcome, latency, count in looks:
            if outcome not in _NO_LOOK:
                found = latency if outcome == "ok" and latency is not None and latency >= 0 else outcome
                self.looks[known("unknown", url), period][found] += count

    def _looks_read(self, log: "Log", values: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        place = cache(self.periods.place)  # the rows are many, the hours and the servers few
        for at, *look in log.execute(
            _LOOKS.format(latency=log.latency, wanted=self._of_sessions(log, "session")), values
        ):
            yield place(at), *look

    def _looks_of_hours(self, log: "Log") -> Iterator[tuple[Any, ...]]:
        """The same of whole hours as they are added up, and what is before and after these."""
        since, until = str(self.values["since"]), str(self.values["until"])
        first, last = since[:13], until[:13]
        yield from self._looks_read(log, {**self.values, "until": min(until, f"{first}~")})
        if first < last:
            yield from self._looks_read(log, {**self.values, "since": last})
        query = _LOOKS_OF_HOURS.format(period=self._period_of_hour())
        for period, url, outcome, latencies, looks in log.execute(query, {"first": first, "last": last}):
            for latency, count in zip(latencies, looks, strict=True):
                yield period, url or None, outcome, latency, count

    def _looks_kept(self, log: "Log") -> Iterator[tuple[Any, ...]]:
        query = f"SELECT backend_url, outcome, latency, sum(looks) FROM looks_by_hour WHERE {_HOURS} GROUP BY 1, 2, 3"
        for period, bounds in enumerate(self._hours()):
            for url, outcome, latency, count in log.execute(f"{query} HAVING sum(looks) <> 0", bounds):
                yield period, url or None, outcome, latency, count

    def add_failures(self, log: "Log") -> None:
        """Blocked prompts and moves, and sessions that were killed."""
        place = self.periods.place
        for at, event, count in log.execute(_BLOCKED.format(wanted=self._of_sessions(log, "session")), self.values):
            (self.refused_moves if event == "ConfigChange" else self.held_back)[place(at)] += count
        for at, count in log.execute(_KILLED.format(wanted=self._of_sessions(log, "id")), self.values):
            self.killed[place(at)] += count

    def _of_sessions(self, log: "Log", column: str) -> str:
        """The condition that this is a session of the projects, the machine and the person asked for."""
        if self.chosen.is_everything:
            return "TRUE"
        return f"{column} IN (SELECT session FROM spans AS s WHERE {self.chosen.of_spans(log, 's')})"

    def _known(self, kind: str, url: str | None) -> _Key:
        """The backend's key; of several kinds at one URL the one that was found out last is remembered."""
        key = (url, None if url else kind)
        if kind != "unknown" or key not in self.kinds:
            self.kinds[key] = kind
        return key

    def report(self, last: tuple[Session, ...]) -> ReportData:
        """All of it."""
        periods = self.periods
        seen = {key for key, _ in (*self.usage, *self.looks)}
        backends = sorted(map(self._backend, seen), key=lambda one: _busiest(one.usage, one.url or one.kind))
        projects = sorted(map(self._project, {path for path, _ in self.by_project}), key=_busiest_project)
        return ReportData(
            periods.since,
            periods.until,
            periods.zone,
            periods.step,
            periods.days,
            self.sessions,
            _total(self.usage.values()),
            tuple(backends),
            self._failures(),
            tuple(projects),
            last,
            self.machines,
            self.people,
        )

    def _backend(self, key: _Key) -> Backend:
        periods = range(len(self.periods.days))
        usages = [self.usage.get((key, period), _zeros()) for period in periods]
        looks = [self.looks.get((key, period), Counter()) for period in periods]
        return Backend(
            self.kinds[key],
            key[0],
            _total(usages),
            tuple(Usage(*counts) for counts in usages),
            _looks(sum(looks, Counter())),
            tuple(map(_looks, looks)),
        )

    def _project(self, path: str | None) -> Project:
        own, cloud = (Usage(*self.by_project.get((path, side), _zeros())) for side in (False, True))
        return Project(path, own, cloud)

    def _failures(self) -> Failures:
        everything = [_zeros() for _ in self.periods.days]
        for (_, period), counts in self.usage.items():
            _add(everything[period], counts)
        usages = [Usage(*counts) for counts in everything]
        dead = [0] * len(usages)
        for (_, period), counted in self.looks.items():
            dead[period] += sum(count for found, count in counted.items() if _is_failure(found))
        return Failures(
            tuple(self.held_back),
            tuple(self.refused_moves),
            tuple(dead),
            tuple(usage.errors for usage in usages),
            tuple(usage.retries for usage in usages),
            tuple(self.killed),
        )


def _is_whole(log: "Log", where: Where) -> bool:
    """Whether all spans and events of the log are of that time and of these projects."""
    if not replace(where, since=None, until=None).is_everything or not where.since or not where.until:
        return False
    # of a team's events those alone that are added up, which an index finds
    looked = "events WHERE outcome IS NOT NULL" if log.shared else "events"
    for table, column in (("spans", "started_at"), (looked, "at")):
        for function in ("min", "max"):  # each by itself: one statement for both would read every row
            moment = log.execute(f"SELECT {function}({column}) FROM {table}").fetchone()[0]
            if moment is not None and not where.since <= moment < where.until:
                return False
    return True


def _first(log: "Log") -> str | None:
    (first,) = log.execute("SELECT min(started_at) FROM spans").fetchone()
    return str(first) if first else None


def _parts(groups: Iterable[Group]) -> tuple[Part, ...]:
    return tuple(Part(group.key[0], group.sessions, group.own, group.cloud) for group in groups)


def _zeros() -> list[int]:
    return [0] * len(_COUNTED)


def _add(to: list[int], counts: Sequence[int]) -> None:
    for place, count in enumerate(counts):
        to[place] += count


def _total(of: Iterable[Sequence[int]]) -> Usage:
    total = _zeros()
    for counts in of:
        _add(total, counts)
    return Usage(*total)


def _busiest(usage: Usage, name: str) -> tuple[int, int, int, str]:
    return (-usage.sessions, -usage.tokens, -usage.duration_ms, name)


def _busiest_project(project: Project) -> tuple[int, int, int, str]:
    return _busiest(project.usage, project.path or "")


def _is_failure(found: float | str) -> bool:
    return isinstance(found, str) and found != "ok"


def _looks(counted: Counter[float | str]) -> Looks:
    """Looks from how often each latency (of a good one) or outcome (of another) was seen."""
    failed = [(str(found), count) for found, count in counted.items() if _is_failure(found)]
    latencies = sorted((found, count) for found, count in counted.items() if not isinstance(found, str))
    return Looks(
        counted.total(),
        counted.total() - sum(count for _, count in failed),
        tuple(sorted(failed, key=lambda item: (-item[1], item[0]))),
        _quantile(latencies, 0.5),
        _quantile(latencies, 0.95),
    )


def _quantile(counted: Sequence[tuple[float, int]], share: float) -> float | None:
    """The smallest value that this share of all does not exceed; None for no values."""
    left = share * sum(count for _, count in counted)
    for value, count in counted:
        left -= count
        if left <= 0:
            return value
    return None
