"""What ran where, added up: sessions, time and tokens by backend, model, project, day, machine and person.

Where nothing is left out the sums that the log itself keeps are added up. Else one reading of the spans, here
in pieces that are small enough to be sorted in the processor's cache; texts come in only once there are groups.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import cache
from itertools import pairwise
from operator import add, attrgetter, sub
from typing import TYPE_CHECKING, Any

from claude_local_plugin.core.protection import CLOUD_KINDS
from claude_local_plugin.sessionlog.queries.filters import Where, is_own, spelled, zoned
from claude_local_plugin.sessionlog.queries.log import NOTHING_SENT
from claude_local_plugin.sessionlog.queries.reading import open_log

if TYPE_CHECKING:
    from claude_local_plugin.sessionlog.queries.log import Log, Source

#: What stands for a model or a project that is not on record.
UNKNOWN = "(unknown)"

#: So many spans are grouped at a time.
_PIECE = 8192


class By(StrEnum):
    """What usage can be grouped by. A day is a local one, that on which a span began; teams' logs alone know people."""

    BACKEND = "backend"
    MODEL = "model"
    PROJECT = "project"
    DAY = "day"
    MACHINE = "machine"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Usage:
    """Numbers that add up. `input_tokens` are those that were not cached; `errors` were shown to the user."""

    sessions: int = 0
    duration_ms: int = 0
    messages: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    errors: int = 0
    retries: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*map(add, self.numbers, other.numbers))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers in the order of the fields."""
        found: tuple[int, ...] = _NUMBERS(self)
        return found

    @property
    def prompt_tokens(self) -> int:
        """All that was read: from the cache, into the cache, and past it."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def tokens(self) -> int:
        """All that was read and written."""
        return self.prompt_tokens + self.output_tokens


_NUMBERS = attrgetter(*(field.name for field in fields(Usage)))


@dataclass(frozen=True, slots=True)
class Group:
    """The usage with this key (one text per dimension), each session counted once.

    `own` and `cloud` are its parts on own servers and in the cloud, `nowhere` that on an address that is none; in these
    a session counts once on each backend it used. `kind` is the backend's, where usage is grouped by backend.
    """

    key: tuple[str, ...]
    sessions: int
    own: Usage
    cloud: Usage
    kind: str | None = None
    nowhere: Usage = Usage()

    @property
    def usage(self) -> Usage:
        """All parts, with `sessions` of the group."""
        whole = self.own + self.cloud + self.nowhere
        return Usage(self.sessions, *whole.numbers[1:])


@dataclass(frozen=True, slots=True)
class Summary:
    """Groups, and all of them together, where each session counts once; days in order, else the most used first."""

    groups: tuple[Group, ...]
    total: Group


def usage(
    source: "Source", by: Sequence[By] = (), where: Where | None = None, *, zone: tzinfo | None = None
) -> Summary:
    """The usage grouped by these dimensions; days are those of `zone`, by default this machine's.

    A session counts in each group it has a span in, but of several days only in the first.
    """
    with open_log(source) as log:
        if log is None:
            return Summary((), Group((), 0, Usage(), Usage()))
        return usage_of(log, by, where or Where(), zone)


def usage_of(log: "Log", by: Sequence[By], where: Where, zone: tzinfo | None) -> Summary:
    """The same of a log that is open."""
    return _Sums(log, tuple(by), where, zone).summary()


#: The numbers of Usage that spans have themselves.
_SUMS = ", ".join(f"sum(s.{field.name})" for field in fields(Usage)[1:])
_KEY = {By.BACKEND: "s.endpoint", By.MODEL: "s.model", By.PROJECT: "s.project"}

_NAMED = "(SELECT coalesce(url, kind) FROM endpoints WHERE id = {}.endpoint)"
#: What makes two spans of a session one in a group; all spans of a session are in one project and of one machine.
_SAME = {By.BACKEND: f"{_NAMED.format('e')} = {_NAMED.format('s')}", By.MODEL: "e.model IS s.model"}
#: The first span of a session there, where nothing is left out, is marked in the log.
_MARKED: dict[tuple[By, ...], str] = {(): "s.first", (By.BACKEND,): "s.new_endpoint", (By.MODEL,): "s.new_model"}

#: Where the log has added up what is grouped by at most one of these: the table, its column, and the sessions there.
_KEPT: dict[tuple[By, ...], tuple[str, str, str]] = {
    (): ("sums", "0", "sessions"),
    (By.BACKEND,): ("sums", "endpoint", "on_endpoint"),
    (By.MODEL,): ("sums", "model", "with_model"),
    (By.PROJECT,): ("sums", "project", "sessions"),
    (By.DAY,): ("sums_by_hour", "hour", "sessions"),
    # these two a team's log alone has added up
    (By.MACHINE,): ("sums", "machine", "sessions"),
    (By.PERSON,): ("sums", "person", "sessions"),
}
_OF_TEAMS = (By.MACHINE, By.PERSON)
_KEPT_SUMS = ", ".join(f"sum({field.name})" for field in fields(Usage)[1:])

#: Per key and side: sessions in the group, in all, by backend; then the sums.
_Parts = dict[Hashable, tuple[int, ...]]
_OWN, _CLOUD, _NOWHERE = range(3)
_IN_GROUP, _IN_ALL, _BY_BACKEND, _COUNTED = range(4)


class _Sums:
    """What the pieces bring, added up by key."""

    def __init__(self, log: "Log", by: tuple[By, ...], where: Where, zone: tzinfo | None) -> None:
        self.log, self.by, self.where = log, by, where
        self.endpoints = {
            number: each for number, *each in log.execute("SELECT id, kind, url FROM endpoints ORDER BY id")
        }
        self.sides = {number: _side(kind, url) for number, (kind, url) in self.endpoints.items()}
        models, projects = (
            dict(log.execute(f"SELECT id, {name} FROM {table}").fetchall())
            for table, name in (("models", "name"), ("projects", "path"))
        )
        # each by itself: one statement for all of them would read every row
        first, last = (log.execute(f"SELECT {each}(started_at) FROM spans").fetchone()[0] for each in ("min", "max"))
        self.days = days = _Days(first, last, zone)
        self.keys = [self._key(each) for each in by]
        self.labels: dict[By, Callable[[object], str | None]] = {
            By.BACKEND: {number: url or kind for number, (kind, url) in self.endpoints.items()}.get,
            By.MODEL: models.get,
            By.PROJECT: projects.get,
            By.DAY: str if self._is_kept else cache(days.label),
            By.MACHINE: log.machines() if By.MACHINE in by else str,
            By.PERSON: log.people() if By.PERSON in by else str,
        }

    def summary(self) -> Summary:
        """All of it."""
        found: dict[tuple[str, ...], _Parts] = {}
        total: _Parts = {}
        labels = [self.labels[each] for each in self.by]
        for endpoint, key, numbers in self._kept() if self._is_kept else self._rows():
            names = tuple([label(value) or UNKNOWN for label, value in zip(labels, key, strict=True)])
            _add(found.setdefault(names, {}), self.sides.get(endpoint, _OWN), numbers)
        for parts in found.values():
            for side, numbers in parts.items():
                _add(total, side, numbers)
        groups = [_group(key, parts, self._kind(key)) for key, parts in found.items()]
        groups.sort(key=lambda group: group.key)
        if By.DAY not in self.by:
            groups.sort(key=lambda group: (group.sessions, group.usage.tokens), reverse=True)
        return Summary(tuple(groups), _group((), total, counted=_IN_ALL))

    @property
    def _is_kept(self) -> bool:
        """Whether all that is asked for has been added up."""
        if not self.where.is_everything or self.by not in _KEPT:
            return False
        if By.DAY in self.by:
            return self.days.begin_with_hours
        return self.log.shared or not set(self.by) & set(_OF_TEAMS)

    def _key(self, by: By) -> str:
        """What a span is grouped by, in SQL."""
        if by is By.MACHINE:
            return self.log.machine_of("s")
        if by is By.PERSON:
            return self.log.person_of("s")
        return _KEY.get(by) or self.days.key_of("s.started_at")

    def _kept(self) -> Iterator[tuple[int, tuple[object, ...], tuple[int, ...]]]:
        """The same as `_rows`, of the sums in the log, less those of sessions in which nothing was sent."""
        table, column, in_group = _KEPT[self.by]
        by_day = By.DAY in self.by
        less: _Parts = {}
        if not self.log.counting:
            of_span = self.days.key_of("s.started_at") if by_day else f"coalesce(s.{column}, 0)" if self.by else column
            for endpoint, key, *numbers in self._summed(of_span, f"s.session IN ({NOTHING_SENT})"):
                place = (self.sides[endpoint], self.days.label(key)) if by_day else (endpoint, key)
                _add(less, place, tuple(numbers))
        if By.PERSON in self.by and (known := self.log.person_known_elsewhere("s")):
            for endpoint, key, *numbers in self._summed(
                self.log.person_of("s"), f"{known} AND {self.log.something_sent('s')}"
            ):
                _add(less, (endpoint, 0), tuple(numbers))
                yield endpoint, (key,), tuple(numbers[1:])
        sums = f"sum(spans), sum({in_group}), sum(sessions), sum(on_endpoint), {_KEPT_SUMS}"
        of_those = f" WHERE {self.log.counting}" if self.log.counting else ""
        query = f"SELECT endpoint, {column}, {sums} FROM {table}{of_those} GROUP BY 1, 2"
        for endpoint, key, *numbers in self._days_kept(sums) if by_day else self.log.execute(query):
            place = (self.sides.get(endpoint, _OWN), key) if by_day else (endpoint, key)
            count, *left = map(sub, numbers, less.get(place, (0,) * len(numbers)))
            if count:
                yield endpoint, (key,) if self.by else (), tuple(left)

    def _summed(self, key: str, condition: str) -> Iterable[tuple[Any, ...]]:
        """Backend, key and numbers as the sums have them, of some spans."""
        marked = _MARKED.get(self.by, "s.first")
        return self.log.execute(
            f"SELECT s.endpoint, {key}, count(*), sum({marked}), sum(s.first), sum(s.new_endpoint), {_SUMS}"
            f" FROM spans AS s WHERE {condition} GROUP BY 1, 2"
        )

    def _days_kept(self, sums: str) -> Iterator[tuple[Any, ...]]:
        """For each side one of its backends, each local day, and these sums of it.

        Hours lie in their order in SQLite: read from day to day, nothing has to be sorted, which would take longer than
        adding up. A team's database reads all of them once.
        """
        counting = f" AND {self.log.counting}" if self.log.counting else ""
        if self.log.shared:
            key = self.days.key_of("hour", digits=2)
            columns = f"{self._sides()}, {key}, {sums}"
            query = f"SELECT {columns} FROM sums_by_hour AS s WHERE spans <> 0{counting} GROUP BY 1, 2"
            for side, moment, *numbers in self.log.execute(query):
                yield side, self.days.label(moment), *numbers
            return
        days = ", ".join(f"('{start}', '{stop}', '{day}')" for start, stop, day in self.days.by_the_hour())
        for side in set(self.sides.values()) if days else ():
            backends = [number for number, its in self.sides.items() if its == side]
            yield from self.log.execute(
                f"WITH local_days (start, stop, day) AS (VALUES {days})"
                f" SELECT {backends[0]}, day, {sums} FROM local_days"
                " CROSS JOIN sums_by_hour ON hour >= start AND hour < stop"
                f" WHERE endpoint IN ({', '.join(map(str, backends))}){counting} GROUP BY start, day"
            )

    def _rows(self) -> Iterator[tuple[int, tuple[object, ...], tuple[int, ...]]]:
        """Per piece and group: the backend (where they are not told apart, one of its side), the key, the numbers."""
        side = "s.endpoint" if By.BACKEND in self.by else self._sides()
        flags = [self._is_new(same) for same in (tuple(each for each in self.by if each in _SAME), (), (By.BACKEND,))]
        different = list(dict.fromkeys(flags))
        columns = [side, *self.keys, *(f"sum({flag})" for flag in different), _SUMS]
        groups = ", ".join(str(place + 1) for place in range(len(self.keys) + 1))
        query = (
            f"SELECT {', '.join(columns)} FROM spans AS s WHERE {{}}{self.where.of_spans(self.log, 's')}{self._sent()}"
            f" GROUP BY {groups}"
        )
        begin = len(self.keys) + 1
        places = [begin + different.index(flag) for flag in flags]
        for row in self._in_pieces(query):
            yield row[0], row[1:begin], tuple([row[place] for place in places]) + row[begin + len(different) :]

    def _in_pieces(self, query: str) -> Iterator[tuple[Any, ...]]:
        """What it brings of all spans; a team's database goes through them in its own way."""
        if self.log.shared:
            yield from self.log.execute(query.format(""), self.where.values)
            return
        query = query.format("s.id > :start AND s.id <= :end AND ")
        most = self.log.execute("SELECT max(id) FROM spans").fetchone()[0]
        for start in range(0, most or 0, _PIECE):
            yield from self.log.execute(query, {**self.where.values, "start": start, "end": start + _PIECE})

    def _sent(self) -> str:
        """The condition that leaves out sessions in which nothing was sent."""
        if self.log.shared:
            return f" AND {self.log.something_sent('s')}"
        numbers = [str(number) for (number,) in self.log.execute(NOTHING_SENT)]
        return f" AND s.session NOT IN ({', '.join(numbers)})" if numbers else ""

    def _sides(self) -> str:
        """One of its backends for each side but the own servers', for which it is 0."""
        cases = []
        for side in (_CLOUD, _NOWHERE):
            if numbers := [number for number, its in self.sides.items() if its == side]:
                asked = " OR ".join(f"s.endpoint = {number}" for number in numbers)
                cases.append(f"WHEN {asked} THEN {min(numbers)}")
        return f"CASE {' '.join(cases)} ELSE 0 END" if cases else "0"

    def _is_new(self, same: tuple[By, ...]) -> str:
        """1 if a span is the session's first of those asked for with the same key, else 0."""
        if self.where.is_everything and same in _MARKED and not (same and By.DAY in self.by):
            return _MARKED[same]  # which of several spans is marked matters for the day alone
        alike = "".join(f" AND {_SAME[each]}" for each in same)
        return (
            "CASE WHEN s.first = 1 OR NOT EXISTS (SELECT 1 FROM spans AS e WHERE e.session = s.session AND e.id < s.id"
            f" AND {self.where.of_spans(self.log, 'e')}{alike}) THEN 1 ELSE 0 END"
        )

    def _kind(self, key: tuple[str, ...]) -> str | None:
        """The kind of the backend in a key; of several kinds at one URL the one that was found out last."""
        if By.BACKEND not in self.by:
            return None
        name = key[self.by.index(By.BACKEND)]
        kinds = [kind for kind, url in self.endpoints.values() if (url or kind) == name]
        return next((kind for kind in reversed(kinds) if kind != "unknown"), "unknown")


def grouped(rows: Iterable[tuple[str | None, str, str | None, Sequence[int]]]) -> tuple[Group, ...]:
    """Name, backend's kind and URL, and numbers (sessions in the group, on the backend, then as Usage has them) added
    up by name, the most used first.
    """
    found: dict[str, _Parts] = {}
    for name, kind, url, (sessions, on_backend, *numbers) in rows:
        _add(found.setdefault(name or UNKNOWN, {}), _side(kind, url), (sessions, sessions, on_backend, *numbers))
    groups = sorted((_group((name,), parts) for name, parts in found.items()), key=lambda group: group.key)
    return tuple(sorted(groups, key=lambda group: (group.sessions, group.usage.tokens), reverse=True))


def _side(kind: str, url: str | None) -> int:
    if kind in CLOUD_KINDS:
        return _CLOUD
    return _OWN if is_own(kind, url) else _NOWHERE


def _add(parts: _Parts, key: Hashable, numbers: tuple[int, ...]) -> None:
    known = parts.get(key)
    parts[key] = tuple(map(add, known, numbers)) if known else numbers


def _group(key: tuple[str, ...], parts: _Parts, kind: str | None = None, counted: int = _IN_GROUP) -> Group:
    own, cloud, nowhere = (
        Usage(numbers[_BY_BACKEND], *numbers[_COUNTED:]) if (numbers := parts.get(side)) else Usage()
        for side in (_OWN, _CLOUD, _NOWHERE)
    )
    return Group(key, sum(numbers[counted] for numbers in parts.values()), own, cloud, kind, nowhere)


class _Days:
    """Local days, told by a span's date in UTC and by how many of the times at which days begin had passed on it."""

    def __init__(self, first: str | None, last: str | None, zone: tzinfo | None) -> None:
        self.zone = zone
        self.starts: list[tuple[date, str]] = []
        if first and last:
            day, end = (datetime.fromisoformat(each).astimezone(zone).date() for each in (first, last))
            while day <= end:
                self.starts.append((day, spelled(zoned(datetime.combine(day, time()), zone))))
                day += timedelta(days=1)
        #: Times in UTC: one, or with summer time two, and that at which the date changes there.
        self.begins = sorted({"00:00", *(start[11:16] for _, start in self.starts)})

    @property
    def begin_with_hours(self) -> bool:
        """Whether each local day begins with an hour of UTC."""
        return all(begin.endswith(":00") for begin in self.begins)

    def by_the_hour(self) -> Iterator[tuple[str, str, str]]:
        """Each day with the hours in UTC from which and until before which it lasts, where it begins with an hour."""
        for (day, start), (_, end) in pairwise((*self.starts, (date.max, "9"))):
            if start[:13] < end[:13]:  # a day that the calendar of a place has left out has none
                yield start[:13], end[:13], day.isoformat()

    def key_of(self, moment: str, digits: int = 5) -> str:
        """In SQL, of a moment: the date, and how many of the times had passed; with two digits of an hour."""
        passed = " + ".join(
            f"CASE WHEN substr({moment}, 12, {digits}) >= '{begin[:digits]}' THEN 1 ELSE 0 END"
            for begin in self.begins[1:]
        )
        return f"substr({moment}, 1, 10)" + (f" || ({passed})" if passed else "")

    def label(self, key: object) -> str:
        """The local day that all moments with this key are on."""
        text = str(key)
        moment = datetime.fromisoformat(f"{text[:10]}T{self.begins[int(text[10:] or 0)]}+00:00")
        return moment.astimezone(self.zone).date().isoformat()
