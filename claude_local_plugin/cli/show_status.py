"""How a folder's state looks: its backend at a glance. Without click, which takes as long as the look does."""

from claude_local_plugin.cli.place import Place, here
from claude_local_plugin.cli.terminal import columns, json_text, out
from claude_local_plugin.core.registration import EVENTS
from claude_local_plugin.core.shell import command as typed
from claude_local_plugin.errors import UsageError
from claude_local_plugin.text import moment, printable, short_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def show_status(*, everywhere: bool = False, sweep: bool = False, utc: bool = False, as_json: bool = False) -> int:
    """Looks at this folder, or with `everywhere` at all on record, and prints it; returns the exit code."""
    from claude_local_plugin.commands.status import status as report_of
    from claude_local_plugin.precedence import gather, installed_client_version

    place = here()
    if sweep and not everywhere:
        raise UsageError("--sweep belongs to --all", typed("claude-local", "status", "--all", "--sweep"))
    if everywhere:
        return _everywhere(place, sweep=sweep, as_json=as_json)
    snapshot = gather(
        cwd=place.cwd,
        home=place.home,
        environ=place.environ,
        client_version=installed_client_version(place.environ),
    )
    report = report_of(snapshot, state_dir=place.state_dir)
    if as_json:
        print(json_text(report))
        return 0 if report["healthy"] else 1
    printer = out(place.environ)
    backend, source = report["backend"], report["source"]
    rows = [("backend", printable(f"{backend['url'] or '(its own endpoint)'}   {backend['kind']}"))]
    if source:
        where = short_path(source["path"], cwd=place.cwd, home=place.home) if source["path"] else "environment"
        rows.append(("from", f"{source['scope']}   {where}" + (f":{source['line']}" if source["line"] else "")))
    if report["profile"]:
        rows.append(("profile", printable(report["profile"])))
    rows.append(("server", _answer(report)))
    window = f"   window {report['context_window']:,}" if report["context_window"] else ""
    rows.append(("model", printable(report["model"] or "(not compared)") + window))
    rows.append(("hooks", _hooks(report) or f"none   ({typed('claude-local', 'hooks', 'install', '--scope', 'user')})"))
    rows.append(("last session", _last(report["last_session"], utc=utc)))
    style = {"server": "" if report["reachable"] is None else "green" if report["probe"] == "ok" else "bold red"}
    for (name, _), line in zip(rows, columns(rows), strict=True):
        printer.line(line, style.get(name, ""))
    for warning in report["warnings"]:
        printer.prose(f"! {warning['message']}", "yellow")
        if warning["fix"]:
            printer.remedy(warning["fix"], indent="    ")
    return 0 if report["healthy"] else 1


def _everywhere(place: Place, *, sweep: bool, as_json: bool) -> int:
    """Every settings file on record; exit 1 where one is not as enable left it."""
    from claude_local_plugin.commands.status import everywhere

    report = everywhere(place.state_dir, place.home, sweep=sweep)
    well = all(entry["state"] == "enabled" or entry["swept"] for entry in report["enabled"])
    if as_json:
        print(json_text(report))
        return 0 if well else 1
    printer = out(place.environ)
    if not report["enabled"]:
        printer.line("enabled nowhere")
    rows: list[tuple[str, ...]] = []
    for entry in report["enabled"]:
        name = short_path(entry["settings_file"], cwd=place.home / "-", home=place.home)
        state = "gone, forgotten" if entry["swept"] else entry["state"]
        rows.append(
            (state, printable(name), printable(f"{entry['url'] or '-'}"), printable(f"{entry['model'] or '-'}"))
        )
    if rows:
        printer.records(("", "", "", ""), rows, most=2, shorten=(1,))
    if any(entry["state"] == "gone" and not entry["swept"] for entry in report["enabled"]):
        there, again = typed("claude-local", "disable"), typed("claude-local", "status", "--all", "--sweep")
        printer.prose(f"gone: its folder was deleted, or moved: there {there} finds it; {again} forgets it")
    return 0 if well else 1


def _answer(report: "dict[str, Any]") -> str:
    if report["outcome"] == "not_logged_in":
        return "not asked: Claude Code is not logged in here"
    if report["outcome"] == "login_unusable":
        return "not asked: the login here is of no use"
    if report["problem"]:
        return printable(str(report["problem"]))
    if report["probe"] == "ok":
        return f"ready, {report['latency_ms']:.0f} ms"
    cloud = report["backend"]["cloud"]
    return f"not asked: sessions here go {'to the cloud' if cloud else 'there through a proxy'}"


def _hooks(report: "dict[str, Any]") -> str:
    hooks = report["hooks"]
    assert isinstance(hooks, dict)
    scopes: dict[str, list[str]] = {}
    for entry in hooks["installed"]:
        scopes.setdefault(entry["scope"], []).append(entry["event"])
    return "; ".join(f"{scope}: {_named(events)}" for scope, events in scopes.items())


def _named(events: list[str]) -> str:
    """All, or which are there and which are missing."""
    missing = [event for event in EVENTS if event not in events]
    return f"{', '.join(events)}   (not: {', '.join(missing)})" if missing else f"all {len(EVENTS)} events"


def _last(session: object, *, utc: bool) -> str:
    if not isinstance(session, dict):
        return "none on record for this folder"
    backend = session["backend"]
    started = moment(str(session["started_at"]), utc=utc)
    return printable(f"{started}   {backend['kind']}  {backend['url']}   {str(session['session_id'])[:8]}")
