"""`claude-local sessions`: reading the log."""

import io
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from claude_local_plugin.cli.lazy import Group
from claude_local_plugin.cli.options import Place, from_option, here, json_option, log_of, utc_option
from claude_local_plugin.cli.sessions_push import push
from claude_local_plugin.cli.sessions_team import team
from claude_local_plugin.cli.terminal import Printer, columns, err, json_text, middle_out, out, stacked
from claude_local_plugin.core.shell import Words
from claude_local_plugin.core.shell import command as typed
from claude_local_plugin.core.text import now as text_now
from claude_local_plugin.text import counted, moment, printable, short_moment, short_path

if TYPE_CHECKING:
    from claude_local_plugin.sessionlog.queries import Where
    from claude_local_plugin.sessionlog.queries.activity import Happening
    from claude_local_plugin.sessionlog.queries.log import Source

#: Seconds between two looks of `tail --follow`, and between two at the processes of open sessions.
LOOK_S = 0.5
LOOK_FOR_DEAD_S = 5.0

_FILTERS = {
    "since": click.option(
        "--since", metavar="TIME", help="What went on since: 1w, 7d, 24h, 2026-11-01, or an ISO time."
    ),
    "until": click.option("--until", metavar="TIME", help="What began before; a day counts to its end."),
    "project": click.option("--project", metavar="FOLDER", help="Sessions in this folder and those below it."),
    "backend": click.option(
        "--backend", metavar="BACKEND", help="A URL, host:port, a kind such as vllm, or cloud, or local."
    ),
    "model": click.option("--model", metavar="MODEL", help="A part of the model's name, or a pattern with *."),
    "state": click.option(
        "--state",
        type=click.Choice(["running", "ended", "killed", "blocked", "failed"]),
        metavar="STATE",
        help="running, ended, killed; blocked: with a prompt held back; failed: with an error shown.",
    ),
    "machine": click.option("--machine", metavar="NAME", help="A machine's name, or a pattern with *."),
    "person": click.option("--person", metavar="NAME", help="With --from: a person's name, or a pattern with *."),
}


_all_option = click.option(
    "--all", "show_all", is_flag=True, help="Those too that ended without a prompt, an answer or a failure."
)


def filters(*names: str) -> Callable[[Any], Any]:
    """The options that choose sessions, by name; all of them by default."""

    def decorate(command: Any) -> Any:
        for name in reversed(names or tuple(_FILTERS)):
            command = _FILTERS[name](command)
        return command

    return decorate


def chosen(place: Place, source: "Source", **asked: str | None) -> "Where":
    """The sessions that the options choose."""
    from claude_local_plugin.commands.sessions import Asked, is_known

    where = Asked(**asked).where(cwd=place.cwd, home=place.home, state_dir=place.state_dir)
    project = asked.get("project")
    if project and not is_known(project, where, cwd=place.cwd, home=place.home, source=source):
        err(place.environ).line(
            f"! {printable(project)}: there is no such folder, and none of that name on record", "yellow"
        )
    return where


_HEAD = ("started", "session", "backend", "model", "time", "in", "out", "state", "project")
#: Of a team's log besides.
_WHOSE = ("person", "machine")


@click.group(cls=Group)
def sessions() -> None:
    """Read the log: which backend every session used, which model, how long, how many tokens; push sends it."""


@sessions.command("list")
@from_option
@filters()
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, newest first.")
@_all_option
@utc_option
@json_option
def list_(url: str | None, limit: int, show_all: bool, utc: bool, as_json: bool, **asked: str | None) -> int:
    """The sessions on record, newest first; without --all, those in which something was sent or that are open."""
    from claude_local_plugin.commands.sessions import list_sessions

    place = here()
    source = log_of(place, url)
    where = replace(chosen(place, source, **asked), sent=not show_all)
    report = list_sessions(source, limit, where)
    if as_json:
        print(json_text(report))
        return 0
    printer = out(place.environ)
    if not report["sessions"]:
        others = list_sessions(source, 1, replace(where, sent=False))["sessions"]
        nothing_sent = "no session in which anything was sent   (--all shows the others)"
        printer.prose(nothing_sent if others else _none_found(any(asked.values()), url))
        return 0
    now = text_now()
    rows, short = list[list[str]](), list[list[str]]()
    for session in report["sessions"]:
        started, project = str(session["started_at"]), project_name(place, session["project"] or session["cwd"])
        session_id, model, state = str(session["session_id"])[:8], session["model"] or "-", _state(session)
        time, given, made = length(session["duration_s"]), amount(_read(session)), amount(session["output_tokens"])
        backend = session["backend"]
        whose = [printable(session["person"] or "-"), printable(session["machine"])] if "machine" in session else []
        row = [moment(started, utc=utc), session_id, backend_name(backend), model, time, given, made, state, project]
        rows.append([*row, *whose])
        word, *more = [state.partition(", ")[0], *filter(None, [state.partition(", ")[2]])]
        if _is_cloud(backend):
            word, more = "CLOUD", [*([] if word == "ended" else [word]), *more]
        short.append(
            [
                short_moment(started, now, utc=utc),
                _where(backend),
                model,
                time,
                f"{given} in".replace(" ", "", given.count(" ")),
                f"{made} out".replace(" ", "", made.count(" ")),
                word,
                ", ".join(more),
                project,
                session_id,
                *whose,
            ]
        )
    printer.records(
        (*_HEAD, *(_WHOSE if "machine" in report["sessions"][0] else ())),
        right(rows, 4, 5, 6),
        shorten=(3, 8),
        short=right(short, 3, 4, 5),
        names=[""] * len(short[0]),
        most=7,
        shorten_short=(2, 8),
    )
    return 0


@sessions.command("show")
@click.argument("session_id", metavar="ID")
@from_option
@utc_option
@json_option
def show(session_id: str, url: str | None, utc: bool, as_json: bool) -> int:
    """Everything on record about one session.

    ID may be its beginning, or `last`: the newest of this folder, where there is none, of all; of a team's, of all.
    """
    from claude_local_plugin.commands.sessions import show_session

    place = here()
    report = show_session(log_of(place, url), session_id, folder=place.cwd, home=place.home)
    if as_json:
        print(json_text(report))
        return 0
    printer = out(place.environ)
    rows = [list(row) for row in _told(report, place, utc=utc)]
    names = max(len(name) for name, _ in rows) + 2
    width = printer.width
    for row in rows if width is not None else ():
        if " " not in row[1]:  # a path, say, which cannot be wrapped
            row[1] = middle_out(row[1], max((width or 0) - names, 8))
    for line in columns(rows):
        printer.prose(line, indent=" " * names)
    _print_spans(printer, report["spans"], utc=utc)
    _print_events(printer, report["events"], utc=utc)
    return 0


def _told(report: dict[str, Any], place: Place, *, utc: bool) -> list[tuple[str, str]]:
    """What is known of a session, in people's words; what is not known is left out."""
    began, ended = (moment(str(at), utc=utc) if at else "" for at in (report["started_at"], report["ended_at"]))
    how = ", ".join(filter(None, (report["source"], report["entrypoint"])))
    reason = report["end_reason"]
    latency = f" in {report['latency_ms']:,.0f} ms" if report["latency_ms"] is not None else ""
    last = "at the last check"
    checked = {True: f"responded{latency} {last}", False: f"did not respond {last}", None: "not checked"}
    cached = f"{amount(report['cache_read_tokens'])} from the cache, {amount(report['cache_write_tokens'])} into it"
    tokens = f"{amount(_read(report))} in ({cached}), {amount(report['output_tokens'])} out"
    project, folder = (project_name(place, report[name]) for name in ("project", "cwd"))
    failed = report["errors"]
    rows = [
        ("session", str(report["session_id"])),
        ("started", f"{began}{f'   ({how})' if how else ''}"),
        ("ended", f"{ended}{f'   ({reason})' if reason else ''}" if ended else ""),
        ("state", _state(report)),
        ("time", length(report["duration_s"])),
        ("project", project if project != "-" else ""),
        ("folder", folder if folder not in ("-", project) else ""),
        ("machine", report.get("machine") or ""),
        ("person", report.get("person") or ""),
        ("backend", backend_name(report["backend"])),
        ("profile", report["profile"] or ""),
        ("model", report["model"] or ""),
        ("server", checked[report["reachable"]]),
        ("tokens", tokens),
        ("failed", f"{failed:,} request{'' if failed == 1 else 's'}" if failed else "none"),
        ("client", f"Claude Code {report['client_version']}" if report["client_version"] else ""),
    ]
    return [(name, printable(value)) for name, value in rows if value]


@sessions.command("stats")
@click.option(
    "--by",
    type=click.Choice(["backend", "model", "project", "day", "machine", "person"]),
    default="backend",
    metavar="KEY",
    show_default=True,
    help="backend, model, project, machine, or day, which is that of the beginning, in your time zone; with --from,"
    " person too.",
)
@from_option
@filters("since", "until", "project", "backend", "model", "machine", "person")
@click.option("--cost", is_flag=True, help="An estimate of the cost avoided, at the prices in config.toml.")
@json_option
def stats(by: str, url: str | None, cost: bool, as_json: bool, **asked: str | None) -> int:
    """Sessions, time, tokens and errors added up; how much of it ran on own servers."""
    from claude_local_plugin import paths
    from claude_local_plugin.commands import stats as command
    from claude_local_plugin.core.locations import CONFIG_FILE
    from claude_local_plugin.sessionlog.queries.usage import By

    place = here()
    source = log_of(place, url)
    priced = command.prices(paths.config_dir(place.environ) / CONFIG_FILE, place.environ) if cost else None
    report = command.stats(source, By(by), chosen(place, source, **asked), priced=priced)
    if as_json:
        print(json_text(report))
        return 0
    printer = out(place.environ)
    if not report["groups"]:
        printer.line(_none_found(any(asked.values()), url))
        return 0
    groups = [*report["groups"], report["total"]] if len(report["groups"]) > 1 else report["groups"]
    printer.table(right(_stats_rows(place, groups, by, cost=cost), *range(1, 9)), shorten=(0,))
    _print_share(printer, report["local"])
    if cost:
        _print_cost(printer, report["total"]["cost_avoided"], report["cost"])
    return 0


@sessions.command("tail")
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens from now on; Ctrl-C ends it.")
@click.option("-n", "count", type=click.IntRange(min=0), default=10, show_default=True, help="How many of the last.")
@utc_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line, with times in UTC.")
def tail(follow: bool, count: int, utc: bool, as_json: bool) -> int:
    """The last things that happened in all sessions: starts, blocked prompts, switches, failures, ends."""
    from claude_local_plugin.sessionlog.queries import activity

    place = here()
    printer = out(place.environ)
    found, mark = activity.latest(place.state_dir, count)
    _print_happenings(printer, place, found, utc=utc, as_json=as_json)
    looked_for_dead = time.monotonic()
    while follow:
        time.sleep(LOOK_S)
        quick = time.monotonic() - looked_for_dead < LOOK_FOR_DEAD_S
        found, mark = activity.since(place.state_dir, mark, quick=quick)
        if not quick:
            looked_for_dead = time.monotonic()
        _print_happenings(printer, place, found, utc=utc, as_json=as_json)
    return 0


@sessions.command("export")
@click.option(
    "--format",
    "to",
    type=click.Choice(["jsonl", "csv", "parquet"]),
    default="jsonl",
    metavar="FORMAT",
    show_default=True,
    help="jsonl, csv or parquet.",
)
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path), help="Instead of standard output.")
@click.option("--spans", is_flag=True, help="A row for each stretch on one backend with one model.")
@_all_option
@from_option
@filters()
def export(to: str, output: Path | None, spans: bool, show_all: bool, url: str | None, **asked: str | None) -> int:
    """The log as a table for other programs: one row per session, `session_id` being Claude Code's own.

    Without --all, those in which something was sent or that are open.
    """
    from claude_local_plugin.commands import export as command

    place = here()
    if output is None and to == "csv" and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # as with --output: programs have no other way to know
    source = log_of(place, url)
    where = replace(chosen(place, source, **asked), sent=not show_all)
    count = command.export(source, command.Format(to), output, where, spans=spans)
    if output:
        err(place.environ).line(f"{count:,} {'spans' if spans else 'sessions'} in {output}")
    return 0


@sessions.command("prune")
@click.option("--older-than", metavar="AGE", help="Sessions last active longer ago than that, e.g. 90d.")
@click.option("--before", metavar="TIME", help="Sessions last active before then, e.g. 2026-08-01.")
@click.option("--unsent", is_flag=True, help="Also what is still to be sent to log.push, and then never is.")
@click.option("--dry-run", is_flag=True, help="Only say how many.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@utc_option
@json_option
def prune(
    older_than: str | None, before: str | None, unsent: bool, dry_run: bool, yes: bool, utc: bool, as_json: bool
) -> int:
    """Take old sessions out of the log for good; those that have not ended stay.

    Where log.push is set, those stay, too, that have not been sent there yet.
    """
    from claude_local_plugin.commands import sessions as command
    from claude_local_plugin.errors import UsageError
    from claude_local_plugin.sessionlog import pushing, queries

    place = here()
    until = command.before(older_than, before)
    spared = None if unsent else pushing.unsent(str(place.state_dir), place.environ)
    found = queries.prunable(place.state_dir, until, spared)
    said = f"{counted(found.old)} last active before {moment(until, utc=utc)}"
    if found.open:
        said += f"; {counted(found.open)} as old that did not end stay{'s' if found.open == 1 else ''}"
    if found.unsent and spared:
        has = "has not been sent to {} yet stays" if found.unsent == 1 else "have not been sent to {} yet stay"
        said += f"; {counted(found.unsent)} as old that {has.format(spared.destination)}"
    removed = 0
    if found.old and not dry_run:
        if not yes:
            if not sys.stdin.isatty():
                raise UsageError("there is nobody to ask", "--yes")
            click.confirm(f"{printable(said)}. Take them out for good?", abort=True, err=True)
        removed = queries.prune(place.state_dir, until, spared)
    if as_json:
        counts = {"old": found.old, "open": found.open, "unsent": found.unsent, "removed": removed}
        print(json_text({"before": until, **counts}))
        return 0
    out(place.environ).prose(said if dry_run or not found.old else f"taken out: {said}")
    if found.unsent:
        more = f"{typed('claude-local', 'sessions', 'push')} sends them; --unsent takes them out unsent"
        err(place.environ).prose(f"hint: {more}", whole=True)
    return 0


sessions.add_command(push)
sessions.add_command(team)


# --- how it looks


def amount(number: int) -> str:
    """`38.1 M`, `940 k`, `512`."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= size * 0.9995:
            value = number / size
            return f"{value:.1f} {unit}" if value < 99.95 else f"{value:,.0f} {unit}"
    return str(number)


def length(seconds: float) -> str:
    """`63d 12h`, `18h 02m`, `3m 10s`, `8s`."""
    whole = round(seconds)
    if whole >= 100 * 3600:
        return f"{whole // 86400:,}d {whole % 86400 // 3600:02d}h"
    if whole >= 3600:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 60}m {whole % 60:02d}s" if whole >= 60 else f"{whole}s"


def right(rows: Sequence[Sequence[str]], *places: int) -> list[list[str]]:
    """The rows with these columns aligned to the right."""
    widths = {place: max((len(row[place]) for row in rows if place < len(row)), default=0) for place in places}
    return [[cell.rjust(widths.get(place, 0)) for place, cell in enumerate(row)] for row in rows]


def backend_name(backend: dict[str, Any]) -> str:
    """`vllm  dell-pro-max:8000`, `cloud  bedrock`, `not known`, and what requests go through, if anything."""
    via = backend.get("via")
    return f"{_server_name(backend)} via {printable(via.removeprefix('http://'))}" if via else _server_name(backend)


def _is_cloud(backend: dict[str, Any]) -> bool:
    from claude_local_plugin.core.protection import CLOUD_KINDS

    return backend["kind"] in CLOUD_KINDS


def _where(backend: dict[str, Any]) -> str:
    """Host and port alone, and what requests go through: what is never cut."""
    url, via = backend["url"], backend.get("via")
    place = url.partition("://")[2] or url if url else backend_name({**backend, "via": None})
    return f"{place} via {via.removeprefix('http://')}" if via else place


def _server_name(backend: dict[str, Any]) -> str:
    from claude_local_plugin.core.protection import CLOUD_KINDS
    from claude_local_plugin.sessionlog.spans import NOT_KNOWN

    kind, url = backend["kind"], backend["url"]
    if kind == NOT_KNOWN:
        return "not known"
    if kind not in CLOUD_KINDS:
        return printable(f"{kind}  {(url or '-').removeprefix('http://')}")
    place = (url or kind).removeprefix("https://")
    return printable(f"cloud  {place if kind == 'anthropic' or not url else f'{kind} {place}'}")


def _read(numbers: dict[str, Any]) -> int:
    """All tokens that were read, cached or not."""
    return int(numbers["input_tokens"] + numbers["cache_read_tokens"] + numbers["cache_write_tokens"])


def _state(session: dict[str, Any]) -> str:
    said = [session["state"]]
    if session["blocked"]:
        said.append(f"{session['blocked']:,} blocked")
    if session["reachable"] is False:
        said.append("backend down")
    if session["errors"]:
        said.append(f"{session['errors']} failed")
    return ", ".join(said)


def project_name(place: Place, path: str | None) -> str:
    """A project's folder as people say it, or what stands for none."""
    return printable(short_path(path, cwd=place.home, home=place.home)) if path else "-"


def _none_found(filtered: bool, url: str | None) -> str:
    if filtered:
        return "no such session on record"
    if url is not None:
        return "no session on record yet: no machine of the team has pushed one"
    install = typed("claude-local", "hooks", "install", "--scope", "user")
    return f"no session on record yet   ({install} installs the hooks that record them)"


def _print_spans(printer: Printer, spans: list[dict[str, Any]], *, utc: bool) -> None:
    if not spans:
        return
    head = ("since", "cause", "backend", "model", "time", "answers", "in", "cached", "out", "failed", "retries")
    rows = []
    for span in spans:
        rows.append(
            (
                moment(str(span["started_at"]), utc=utc),
                span["cause"],
                backend_name(span["backend"]),
                printable(span["model"] or "-"),
                length(span["duration_s"]) if span["main"] else "beside",
                str(span["messages"]),
                amount(_read(span)),
                amount(span["cache_read_tokens"]),
                amount(span["output_tokens"]),
                str(span["errors"]),
                str(span["retries"]),
            )
        )
    printer.line()
    names = ("", "", "", "", "time", "answers", "in", "cached", "out", "failed", "retries")
    printer.records(head, right(rows, *range(4, 11)), shorten=(3,), short=rows, names=names, most=4)


def _print_events(printer: Printer, events: list[dict[str, Any]], *, utc: bool) -> None:
    if not events:
        return
    head = ("at", "event", "cause", "backend", "outcome", "status", "latency", "held back", "detail")
    names = ("", "", "", "", "", "status", "", "", "")
    rows = [
        [
            moment(str(event["at"]), utc=utc),
            event["event"],
            event["cause"] or "",
            backend_name(event["backend"]),
            event["outcome"] or "",
            "" if event["status"] is None else str(event["status"]),
            "" if event["latency_ms"] is None else f"{event['latency_ms']:,.0f} ms",
            "held back" if event["blocked"] else "",
            event["detail"] or "",
        ]
        for event in events
    ]
    printer.line()
    printer.records(head, rows, shorten=(8,), names=names, most=4)


def _stats_rows(place: Place, groups: list[dict[str, Any]], by: str, *, cost: bool) -> list[list[str]]:
    rows = [[by, "sessions", "time", "in", "cached", "out", "failed", *(["avoided"] if cost else [])]]
    for group in groups:
        key = printable(group["key"])
        if group is groups[-1] and key == "total" and len(groups) > 1:
            pass
        elif by == "backend":
            key = backend_name({"kind": group["kind"], "url": group["key"] if "://" in group["key"] else None})
        elif by == "project":
            key = project_name(place, group["key"])
        rows.append(
            [
                key,
                f"{group['sessions']:,}",
                length(group["duration_s"]),
                amount(_read(group)),
                amount(group["cache_read_tokens"]),
                amount(group["output_tokens"]),
                f"{group['errors']:,}",
                *([f"{group['cost_avoided']:,.2f}"] if cost else []),
            ]
        )
    return rows


def _print_share(printer: Printer, local: dict[str, Any]) -> None:
    if local["sessions_share"] is None:
        return
    tokens = "" if local["tokens_share"] is None else f", {local['tokens_share']:.0%} of tokens".replace("%", " %")
    printer.line(f"local share {local['sessions_share']:.0%} of sessions".replace("%", " %") + tokens)


def _print_cost(printer: Printer, avoided: float, cost: dict[str, Any]) -> None:
    table = cost["per_million_tokens"]
    currency = printable(cost["currency"])
    printer.line(f"cost avoided: about {avoided:,.2f} {currency}, an estimate for the tokens of own servers")
    dearer = typed("claude-local", "config", "set", "prices.input", Words("…"))
    printer.line(
        f"  at {table['input']:g} in, {table['cache_read']:g} cached, {table['cache_write']:g} written to the cache,"
        f" {table['output']:g} out per million   ({dearer})"
    )


def _print_happenings(
    printer: Printer, place: Place, found: "Sequence[Happening]", *, utc: bool, as_json: bool
) -> None:
    for each in found:
        if as_json:
            printer.line(json_text(each.as_json(), indent=None))
            continue
        backend = backend_name({"kind": each.backend_kind, "url": each.backend_url})
        words = [moment(each.at, utc=utc), f"{each.what.value:7}", each.session_id[:8], backend]
        words += [each.model or "-", project_name(place, each.project), each.detail or ""]
        style = {"blocked": "red", "failed": "red", "killed": "yellow", "switch": "yellow"}.get(each.what.value, "")
        words = [printable(word) for word in words]
        if printer.width is None:
            printer.table([words], style)
        else:
            lines = stacked([""] * 7, [words], printer.width, most=7, shorten=(4, 5, 6))
            printer.lines(lines, style)
    printer.stream.flush()
