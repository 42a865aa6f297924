"""Which sessions are asked for: by time, project, backend, model and state."""

import fnmatch
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from claude_local_plugin.core.frozen import frozen
from claude_local_plugin.core.protection import CLOUD, CLOUD_KINDS
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.errors import UsageError
from claude_local_plugin.sessionlog.queries.log import SOMETHING_SENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from claude_local_plugin.sessionlog.queries.log import Log

#: How the name of a project begins that is a pattern with `*`.
PATTERN = "pattern:"

#: The word for every server that is neither the cloud nor at an address that is none.
LOCAL = "local"

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class State(StrEnum):
    """What can be asked for; a session that runs or has ended may also have blocked prompts or failed requests."""

    RUNNING = "running"
    ENDED = "ended"
    KILLED = "killed"
    BLOCKED = "blocked"
    FAILED = "failed"


_OF_STATE = {
    State.RUNNING: "sessions.ended_at IS NULL",
    State.ENDED: "sessions.ended_at IS NOT NULL AND sessions.end_reason IS NOT 'killed'",
    State.KILLED: "sessions.end_reason = 'killed'",
    State.BLOCKED: "sessions.blocked > 0",
    State.FAILED: "(EXISTS (SELECT 1 FROM spans WHERE session = sessions.id AND errors > 0)"
    " OR EXISTS (SELECT 1 FROM events WHERE session = sessions.id AND event = 'StopFailure'))",
}


@frozen
class Where:
    """What to look at; None and () ask for all.

    `since` and `until` are moments as the log spells them (see `moment`): what was going on between them counts, whole.
    `projects` are spellings of one folder, with all below it, names as the log hashes them, or patterns (PATTERN with
    one behind it), which fit a folder with all below it. `backend` is a URL,
    `host:port`, a kind, `cloud` or `local`; `model` a part of a name, or a pattern with `*`.
    `sent` leaves out sessions that ended and in which nothing was sent. `machine` and `person` are names, or patterns
    with `*`; of people only a team's log knows.
    """

    since: str | None = None
    until: str | None = None
    projects: tuple[str, ...] = ()
    backend: str | None = None
    model: str | None = None
    state: State | None = None
    sent: bool = False
    machine: str | None = None
    person: str | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return self == Where()

    @property
    def values(self) -> Mapping[str, str | None]:
        """What the conditions below leave to be filled in by name."""
        return {"since": self.since, "until": self.until, "machine": self.machine, "person": self.person}

    def of_spans(self, log: "Log", alias: str = "spans") -> str:
        """The condition on a row of `spans`, whose table goes by `alias`."""
        # the plus: nearly all rows are older than `until`, so the way through the index would be the long one
        conditions = [*self._times(f"+{alias}.started_at", f"{alias}.ended_at"), *self._of(log, alias)]
        if self.since and (back := log.reaches_back(self.since)):
            conditions.append(f"{alias}.started_at >= '{back}'")
        if self.state:
            conditions.append(f"{alias}.session IN (SELECT id FROM sessions WHERE {_OF_STATE[self.state]})")
        if self.sent:
            conditions.append(log.something_sent(alias))
        if self.machine is not None:
            conditions.append(log.is_machine(self.machine, alias))
        if self.person is not None:
            conditions.append(log.is_person(self.person, alias))
        return " AND ".join(conditions) or "TRUE"

    def of_sessions(self, log: "Log") -> str:
        """The condition on a row of `sessions`."""
        conditions = [*self._times("sessions.started_at", "sessions.last_seen_at")]
        if wanted := [*self._of(log, "spans")]:
            conditions.append(f"EXISTS (SELECT 1 FROM spans WHERE session = sessions.id AND {' AND '.join(wanted)})")
        if self.state:
            conditions.append(_OF_STATE[self.state])
        if self.sent:
            conditions.append(SOMETHING_SENT)
        if self.machine is not None:
            conditions.append(log.is_machine(self.machine, None))
        if self.person is not None:
            conditions.append(log.is_person(self.person, None))
        return " AND ".join(conditions) or "TRUE"

    def _times(self, start: str, end: str) -> Iterator[str]:
        if self.since:
            yield f"{end} >= :since"
        if self.until:
            yield f"{start} < :until"

    def _of(self, log: "Log", alias: str) -> Iterator[str]:
        """What spans share is looked up in the small tables first."""
        if self.projects:
            rows = log.execute("SELECT id, path FROM projects")
            yield _one_of(f"{alias}.project", (number for number, path in rows if is_below(path, self.projects)))
        if self.backend is not None:
            rows = log.execute("SELECT id, kind, url FROM endpoints")
            yield _one_of(f"{alias}.endpoint", (n for n, kind, url in rows if is_backend(kind, url, self.backend)))
        if self.model is not None:
            rows = log.execute("SELECT id, name FROM models")
            yield _one_of(f"{alias}.model", (number for number, name in rows if is_model(name, self.model)))


def _one_of(column: str, numbers: Iterable[int]) -> str:
    listed = ", ".join(map(str, numbers))
    return f"{column} IN ({listed})" if listed else "FALSE"


def is_below(path: str, folders: Iterable[str]) -> bool:
    """Whether a project's folder is one of these or below it."""
    return any(_is_below(path, folder) for folder in folders)


def _is_below(path: str, folder: str) -> bool:
    if folder.startswith(PATTERN):
        pattern = folder.removeprefix(PATTERN).rstrip("/")
        return fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(path, f"{pattern}/*")
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def is_backend(kind: str, url: str | None, wanted: str) -> bool:
    """Whether a backend is the wanted one: a URL, `host:port`, a kind, `cloud`, or `local` for all others."""
    if wanted == CLOUD:
        return kind in CLOUD_KINDS
    if wanted == LOCAL:
        return is_own(kind, url)
    if "://" in wanted and (meant := parse_url(wanted)):
        return meant.url == url
    place = parse_url(url or "")
    return wanted == kind or (place is not None and wanted.lower() in (place.host, place.label.lower()))


def is_own(kind: str, url: str | None) -> bool:
    """Whether it is a server of one's own: not the cloud, and at an address that something can be sent to."""
    return kind not in CLOUD_KINDS and url is not None


def is_model(name: str, wanted: str) -> bool:
    """Whether a model's name fits a pattern, or has this part in it."""
    name, wanted = name.lower(), wanted.lower()
    return fnmatch.fnmatchcase(name, wanted) if set(wanted) & set("*?[") else wanted in name


def moment(text: str, *, now: datetime, zone: tzinfo | None = None, whole_day: bool = False) -> str:
    """A moment as people write it, as the log spells it: `1w`, `7d` and `24h` ago, a day, or ISO 8601.

    Days and times without a zone are those of `zone`, by default this machine's. A day means its beginning, or its end
    if `whole_day`. Raises UsageError.
    """
    try:
        return spelled(_moment(text.strip(), now, zone, whole_day))
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no time", "1w, 7d, 24h, 30m, a day as 2026-11-01, or a time as 2026-11-01T08:30"
        ) from None


def _moment(text: str, now: datetime, zone: tzinfo | None, whole_day: bool) -> datetime:
    if ago := re.fullmatch(r"(\d+)([smhdw])", text):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        day = date.fromisoformat(text) + timedelta(days=1 if whole_day else 0)
        return zoned(datetime.combine(day, time()), zone)
    return zoned(datetime.fromisoformat(text), zone)


def zoned(moment: datetime, zone: tzinfo | None) -> datetime:
    """The moment in the zone, by default this machine's, if it is not in one already."""
    if moment.tzinfo:
        return moment
    return moment.replace(tzinfo=zone) if zone else moment.astimezone()


def spelled(moment: datetime) -> str:
    """The moment as the log spells it: `2026-11-21T10:03:13.123Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
