"""The page: what is on record, as headings, charts, and the same numbers in tables."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from claude_local_plugin.core.protection import CLOUD_KINDS
from claude_local_plugin.core.shell import command
from claude_local_plugin.report import charts, parts, words
from claude_local_plugin.report.charts import Bar, Row, Series
from claude_local_plugin.report.html import Content, Markup, element
from claude_local_plugin.report.palette import OWN
from claude_local_plugin.report.parts import Column, figure, section, table, tile
from claude_local_plugin.report.svg import About
from claude_local_plugin.sessionlog.queries.filters import is_own
from claude_local_plugin.sessionlog.queries.records import Session
from claude_local_plugin.sessionlog.queries.report_data import Backend, Part, ReportData
from claude_local_plugin.sessionlog.queries.usage import Usage
from claude_local_plugin.text import short_path

#: Which pages are ours and may be replaced.
MARK = '<meta name="generator" content="claude-local report'

#: How many backends have a row of their own in a chart, and how many of them and of the projects are in a table.
MOST_ROWS = 8
MOST_BACKENDS = 60
MOST_PROJECTS = 10
#: How many machines and people are in a table.
MOST_PARTS = 60


def document(
    data: ReportData,
    *,
    project: str | None = None,
    machine: str | None = None,
    person: str | None = None,
    home: Path,
    made_at: datetime,
    version: str,
) -> str:
    """The whole document, in English; project, machine and person are what was asked for, folders below `home` are
    shown as `~/…`.
    """
    view = _View(data, home, project, {"Machine": machine, "Person": person})
    content = [_header(view), element("main", _summary(view), *_sections(view)), _footer(view, made_at, version)]
    return parts.document(content, title=f"What ran where, {view.span}", mark=MARK, version=version)


@dataclass(frozen=True, slots=True)
class _Shown:
    """One or several backends under one colour and one name."""

    colour: str
    name: str
    backends: tuple[Backend, ...]

    def per_period(self, count: Callable[[Usage], int]) -> list[int]:
        return [sum(map(count, usages)) for usages in zip(*(one.usages for one in self.backends), strict=True)]


class _View:
    """The data with the names that the page has for things."""

    def __init__(
        self, data: ReportData, home: Path, project: str | None, asked: Mapping[str, str | None] | None = None
    ) -> None:
        self.data, self.home, self.project = data, home, project
        self.asked = {name: value for name, value in (asked or {}).items() if value}
        zone = data.zone
        self.span = f"{words.moment(data.since, zone)} to {words.moment(data.until, zone)}"
        self.days = [words.period(day, data.step, short=True) for day in data.periods]
        self.long_days = [words.period(day, data.step) for day in data.periods]
        used = [backend for backend in data.backends if backend.usage.sessions or backend.usage.tokens]
        own = _grouped([one for one in used if not one.cloud], "own server", "own", OWN)
        cloud = _grouped([one for one in used if one.cloud], "cloud", "cloud", 1)
        self.shown = [*own, *cloud]
        self.looked_at = [backend for backend in data.backends if backend.looks.count]

    def folder(self, path: str | None) -> str:
        if not path:
            return "(not logged)"
        return words.clipped(short_path(path, cwd=self.home / "-", home=self.home))


def _grouped(backends: Sequence[Backend], what: str, colours: str, most: int) -> Iterator[_Shown]:
    """The busiest `most` under their names, the others together."""
    for place, backend in enumerate(backends[:most]):
        yield _Shown(f"{colours}-{place + 1}", f"{what}: {_name(backend)}", (backend,))
    rest = tuple(backends[most:])
    if rest:
        name = _name(rest[0]) if len(rest) == 1 else f"{len(rest)} others"
        yield _Shown(f"{colours}-rest", f"{what}: {name}", rest)


def _name(backend: Backend) -> str:
    return words.place(backend.kind, backend.url)


def _header(view: _View) -> Markup:
    data = view.data
    return element(
        "header",
        element("h1", "What ran where"),
        element("p", view.span),
        element("p", f"Project: {view.folder(view.project)}") if view.project else None,
        [element("p", f"{name}: {words.clipped(value)}") for name, value in view.asked.items()],
        element(
            "p", f"Times and days are those of this machine: {words.zone_name(data.until, data.zone)}.", class_="quiet"
        ),
    )


def _footer(view: _View, made_at: datetime, version: str) -> Markup:
    return element(
        "footer",
        element(
            "p",
            f"Made by claude-local {version} on {words.moment(made_at, view.data.zone)} from {_whose(view)} session"
            f" log. The log holds no prompt, no answer and no credential; this page names {_named(view)}.",
        ),
    )


def _whose(view: _View) -> str:
    return "a team's" if view.data.machines else "this machine's"


def _named(view: _View) -> str:
    return "people, machines, folders, models and servers" if view.data.machines else "folders, models and servers"


# --- the answer first


def _summary(view: _View) -> Markup:
    data = view.data
    if not data.sessions and not data.usage.tokens:
        install = command("claude-local", "hooks", "install", "--scope", "user")
        return element("p", f"No session is on record in this time. {install} installs the hooks that record them.")
    own = [one.usage for one in data.backends if is_own(one.kind, one.url)]
    cloud = [one.usage for one in data.backends if one.cloud]
    total, failures = data.usage, data.failures
    trouble = sum(map(sum, (failures.held_back, failures.api_errors, failures.killed)))
    read = total.prompt_tokens
    return element(
        "dl",
        tile("Sessions", words.number(data.sessions), f"{words.duration(total.duration_ms)} in all"),
        tile("On own servers", *_part(own, total), kind="own"),
        tile("In the cloud", *_part(cloud, total), kind="cloud"),
        tile("Tokens", words.number(total.tokens), f"{words.share(total.cache_read_tokens, read)} of the input cached")
        if total.tokens
        else None,
        tile(
            "Failures",
            words.number(trouble),
            "prompts held back, API errors, killed sessions",
            kind="bad" if trouble else None,
        ),
        class_="tiles",
    )


def _part(usages: Sequence[Usage], total: Usage) -> tuple[str, str]:
    sessions, tokens = sum(one.sessions for one in usages), sum(one.tokens for one in usages)
    more = f"of the sessions ({words.number(sessions)})"
    if total.tokens:
        more += f", {words.share(tokens, total.tokens)} of the tokens"
    return words.share(sessions, total.sessions), more


# --- the sections


def _sections(view: _View) -> Iterator[Markup]:
    if not view.data.sessions and not view.data.usage.tokens:
        return
    per = f"per {view.data.step}"
    yield section("sessions", f"Sessions {per}", _stacked(view, "sessions", "sessions", lambda usage: usage.sessions))
    yield section("tokens", f"Tokens {per}", _stacked(view, "tokens", "tokens", lambda usage: usage.tokens))
    yield section("availability", "Whether servers answered", _availability(view))
    yield section("latency", "How fast servers answered", _latency(view))
    yield section("backends", "All backends", _backends(view))
    yield section("failures", "Failures", _failures(view))
    yield section("projects", "Busiest projects", _projects(view))
    if len(view.data.machines) > 1:
        yield section("machines", "Machines", _shares(view, "machine", "machines", view.data.machines))
    if len(view.data.people) > 1:
        yield section("people", "People", _shares(view, "person", "people", view.data.people))
    yield section("last", "The last sessions", _last(view))


_WHAT = {
    "sessions": "A session that used two backends counts on both.",
    "tokens": "All tokens of a session on a backend: read anew, read from or written to the prompt cache, answered.",
}


def _stacked(view: _View, name: str, what: str, count: Callable[[Usage], int]) -> Markup:
    series = [Series(one.colour, one.name, one.per_period(count)) for one in view.shown]
    if not any(any(one.values) for one in series):
        return element("p", f"No {what} in this time.")
    totals = [f"{one.label} {words.number(sum(one.values))}" for one in series]
    step = view.data.step
    caption = (
        f"{_WHAT[name]} Each counts in the {step} of its beginning, and in the first if it was under way already; the"
        f" first and the last {step} may not be whole. Own servers are below, the cloud is striped and on top."
    )
    sums = [sum(values) for values in zip(*(one.values for one in series), strict=True)]
    rows = [
        (day, *(words.number(one.values[place]) for one in series), words.number(sums[place]))
        for place, day in enumerate(view.long_days)
    ]
    title = f"{what.capitalize()} per {view.data.step} by backend"
    return figure(
        About(name, title, f"{view.span}. In all: {'; '.join(totals)}."),
        caption,
        lambda about, size: charts.stacked(about, size, view.days, series),
        _numbers(title, view.data.step, [*(one.label for one in series), "all"], rows),
        title,
    )


def _busiest(view: _View, backends: Sequence[Backend]) -> tuple[Sequence[Backend], str]:
    """The backends with a row in a chart, and what to say of the others."""
    if len(backends) <= MOST_ROWS:
        return backends, ""
    return backends[
        :MOST_ROWS
    ], f" The {MOST_ROWS} busiest of {len(backends)}; the table of all backends has the others."


_NOBODY_LOOKED = "No server of one's own was checked in this time. The cloud is never asked."


def _availability(view: _View) -> Markup:
    if not view.looked_at:
        return element("p", _NOBODY_LOOKED)
    backends, others = _busiest(view, view.looked_at)
    rows = [
        Row(
            _name(one),
            f"{words.share(one.looks.good, one.looks.count)} of {words.plural(one.looks.count, 'look')}",
            [looks.good / looks.count if looks.count else None for looks in one.looks_by_period],
        )
        for one in backends
    ]
    cells = [
        (
            day,
            *(_of(one.looks_by_period[place].good, one.looks_by_period[place].count) for one in backends),
        )
        for place, day in enumerate(view.long_days)
    ]
    title = "Checks that a server passed"
    return figure(
        About("availability", title, f"{view.span}. {'; '.join(f'{row.title}: {row.total}' for row in rows)}."),
        "Hooks look at a server of one's own when a session starts and before a prompt. Plain: it answered."
        " Crossed, on top, and always large enough to be seen: it refused, was silent or answered with an error. Empty:"
        " nobody looked." + others,
        lambda about, size: charts.shares(about, size, view.days, rows),
        _numbers(title, view.data.step, map(_name, backends), cells),
        title,
    )


def _of(good: int, count: int) -> str:
    return f"{words.number(good)} of {words.number(count)}" if count else "–"


def _latency(view: _View) -> Markup:
    answered = [backend for backend in view.looked_at if backend.looks.median_ms is not None]
    if not answered:
        return element("p", "No server answered a look in this time." if view.looked_at else _NOBODY_LOOKED)
    backends, others = _busiest(view, answered)
    rows = [
        Row(
            _name(one),
            f"median {words.latency(one.looks.median_ms)}, 95 % within {words.latency(one.looks.p95_ms)}",
            [looks.median_ms for looks in one.looks_by_period],
            [looks.p95_ms for looks in one.looks_by_period],
        )
        for one in backends
    ]
    cells = [
        (
            day,
            *(
                f"{words.latency(looks.median_ms)} / {words.latency(looks.p95_ms)}" if looks.median_ms else "–"
                for looks in (one.looks_by_period[place] for one in backends)
            ),
        )
        for place, day in enumerate(view.long_days)
    ]
    title = "Time until the answer to a look"
    return figure(
        About("latency", title, f"{view.span}. {'; '.join(f'{row.title}: {row.total}' for row in rows)}."),
        f"A dot is the median of the {view.data.step}, the line above it to what 95 % of the checks were within."
        " All rows have one scale, on which equal steps are equal factors." + others,
        lambda about, size: charts.latencies(about, size, view.days, rows),
        _numbers(f"{title}: median / 95 %", view.data.step, map(_name, backends), cells),
        title,
    )


_OF_BACKENDS: Sequence[Column] = (
    ("backend", "name"),
    ("sessions", "number"),
    ("time", "number"),
    ("tokens in", "number"),
    ("from cache", "number"),
    ("out", "number"),
    ("looks", "number"),
    ("answered", "number"),
    ("not answered", "name"),
)


def _backends(view: _View) -> list[Markup | None]:
    backends = view.data.backends
    rows = [
        (
            [_kind(one.cloud), " ", _name(one)],
            words.number(one.usage.sessions),
            words.duration(one.usage.duration_ms),
            words.number(one.usage.input_tokens + one.usage.cache_write_tokens),
            words.number(one.usage.cache_read_tokens),
            words.number(one.usage.output_tokens),
            words.number(one.looks.count),
            words.share(one.looks.good, one.looks.count),
            words.clipped(", ".join(f"{outcome} {words.number(count)}" for outcome, count in one.looks.failed) or "–"),
        )
        for one in backends[:MOST_BACKENDS]
    ]
    more = len(backends) - MOST_BACKENDS
    return [
        table("All backends", _OF_BACKENDS, rows),
        element("p", f"and {words.number(more)} more: {command('claude-local', 'report', '--json')}", class_="quiet")
        if more > 0
        else None,
    ]


_FAILURES = {
    "held_back": "Prompts held back (the server was down, or the project may not use it)",
    "refused_moves": "Moves of a protected project to another backend, refused",
    "dead_looks": "Checks of a server that failed",
    "api_errors": "API errors shown to the user",
    "retries": "Retries: requests that the client repeated",
    "killed": "Sessions killed, by when they began",
}


def _failures(view: _View) -> Markup:
    failures = view.data.failures
    numbers = {what: getattr(failures, name) for name, what in _FAILURES.items()}
    happened = {what: counts for what, counts in numbers.items() if any(counts)}
    if not happened:
        return element("p", "None: no prompt held back, no dead server, no API error, no killed session.")
    rows = [Row(what, words.number(sum(counts)), counts) for what, counts in happened.items()]
    never = [what for what in numbers if what not in happened]
    cells = [
        (day, *(words.number(counts[place]) for counts in numbers.values())) for place, day in enumerate(view.long_days)
    ]
    title = f"Failures per {view.data.step}"
    return figure(
        About("failures", title, f"{view.span}. {'; '.join(f'{row.title}: {row.total}' for row in rows)}."),
        "Each row has a scale of its own." + (f" None of these: {'; '.join(never).lower()}." if never else ""),
        lambda about, size: charts.counts(about, size, view.days, rows),
        _numbers(title, view.data.step, numbers, cells),
        title,
    )


_OF_PROJECTS = ("sessions", "of them in the cloud", "time", "tokens", "of them in the cloud", "API errors")


def _projects(view: _View) -> Markup:
    projects = view.data.projects[:MOST_PROJECTS]
    rows = [
        Bar(
            view.folder(one.path),
            f"{words.plural(one.usage.sessions, 'session')},"
            f" {words.share(one.cloud.sessions, one.usage.sessions)} cloud",
            one.own.sessions,
            one.cloud.sessions,
        )
        for one in projects
    ]
    cells = [
        (
            view.folder(one.path),
            words.number(one.usage.sessions),
            words.number(one.cloud.sessions),
            words.duration(one.usage.duration_ms),
            words.number(one.usage.tokens),
            words.number(one.cloud.tokens),
            words.number(one.usage.errors),
        )
        for one in projects
    ]
    title = "Sessions by project"
    more = len(view.data.projects) - len(projects)
    return figure(
        About("projects", title, f"{view.span}. {'; '.join(f'{row.title}: {row.total}' for row in rows)}."),
        "Own servers plain, the cloud striped." + (f" And {words.plural(more, 'other project')}." if more > 0 else ""),
        lambda about, size: charts.bars(about, size, rows),
        table(title, [("project", "name"), *((name, "number") for name in _OF_PROJECTS)], cells),
        title,
    )


_OF_PARTS = ("sessions", "in the cloud", "time", "tokens", "of them in the cloud", "API errors")


def _shares(view: _View, one: str, several: str, shares: Sequence[Part]) -> Markup:
    """What ran on each machine, or for each person, of a team."""
    shown = shares[:MOST_PARTS]
    rows = [
        Bar(
            words.clipped(each.name),
            f"{words.plural(each.sessions, 'session')}, {words.number(each.cloud.sessions)} cloud",
            each.own.sessions,
            each.cloud.sessions,
        )
        for each in shown[:MOST_ROWS]
    ]
    cells = [
        (
            words.clipped(each.name),
            words.number(each.sessions),
            words.number(each.cloud.sessions),
            words.duration((each.own + each.cloud).duration_ms),
            words.number((each.own + each.cloud).tokens),
            words.number(each.cloud.tokens),
            words.number((each.own + each.cloud).errors),
        )
        for each in shown
    ]
    title = f"Sessions by {one}"
    more = len(shares) - len(shown)
    caption = "Sessions in which something was sent. Own servers plain, the cloud striped: a session that used two"
    caption += " backends counts on both."
    if len(shares) > len(rows):
        caption += f" The {len(rows)} busiest of {words.plural(len(shares), one, several)}; the numbers have others."
    return figure(
        About(several, title, f"{view.span}. {'; '.join(f'{row.title}: {row.total}' for row in rows)}."),
        caption + (f" And {words.number(more)} more that are not shown." if more > 0 else ""),
        lambda about, size: charts.bars(about, size, rows),
        table(title, [(one, "name"), *((name, "number") for name in _OF_PARTS)], cells),
        title,
    )


_OF_SESSIONS: Sequence[Column] = (
    ("began", "when"),
    ("backend", "name"),
    ("model", "name"),
    ("project", "name"),
    ("time", "number"),
    ("tokens in", "number"),
    ("out", "number"),
    ("state", None),
    ("session", "when"),
)


def _last(view: _View) -> Markup:
    rows = [
        (
            words.moment(datetime.fromisoformat(one.started_at), view.data.zone),
            [_kind(one.backend_kind in CLOUD_KINDS), " ", words.place(one.backend_kind, one.backend_url)],
            words.clipped(one.model or "–"),
            view.folder(one.project or one.cwd),
            words.duration(one.duration_s * 1000),
            words.number(sum(map(one.counted, ("input_tokens", "cache_read_tokens", "cache_write_tokens")))),
            words.number(one.counted("output_tokens")),
            _end(one),
            words.clipped(one.session_id[:8]),
            *((words.clipped(one.person or "–"), words.clipped(one.machine)) if one.machine else ()),
        )
        for one in view.data.last
    ]
    whose: Sequence[Column] = (("person", None), ("machine", None)) if view.data.machines else ()
    return table("The last sessions, newest first", [*_OF_SESSIONS, *whose], rows)


def _end(session: Session) -> str:
    said = [session.state]
    if errors := session.counted("errors"):
        said.append(words.plural(errors, "API error"))
    if session.blocked:
        said.append(f"{words.number(session.blocked)} held back")
    return ", ".join(said)


def _kind(cloud: bool) -> Markup:
    return element("span", "CLOUD" if cloud else "own", class_="kind cloud" if cloud else "kind")


def _numbers(caption: str, step: str, names: Iterable[str], rows: Sequence[Sequence[Content]]) -> Markup:
    """A table with a row for each day, week or month."""
    return table(caption, [(step, "when"), *((name, "number") for name in names)], rows)
