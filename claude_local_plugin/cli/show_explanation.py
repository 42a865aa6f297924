"""How an explanation looks: the answer first, then why, then the command to type.

Without click, which takes as long as an explanation does.
"""

import sys

from claude_local_plugin.cli.place import Place, here
from claude_local_plugin.cli.terminal import Printer, columns, err, json_text, out
from claude_local_plugin.core.frozen import replace
from claude_local_plugin.core.shell import command
from claude_local_plugin.text import printable, short_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from claude_local_plugin.checks import Finding
    from claude_local_plugin.commands.explain_precedence import Explanation

#: The decisions in the order they are shown, with the names people have for them.
ROWS = (
    ("provider", "provider"),
    ("base_url", "endpoint"),
    ("authorization", "Authorization"),
    ("x_api_key", "x-api-key"),
    ("model", "model"),
    ("context_window", "window"),
)


#: What stands in place of a value that was never compared with the client.
NOT_COMPARED = "(not compared)"


def show_explanation(
    keys: tuple[str, ...] = (),
    *,
    settings: str | None = None,
    setting_sources: str | None = None,
    model: str | None = None,
    print_mode: bool = False,
    what_if: tuple[tuple[str, str], ...] = (),
    reveal: bool = False,
    as_json: bool = False,
) -> int:
    """Explains what a session here would use, and prints it; returns the exit code."""
    from claude_local_plugin.commands.explain_precedence import explain
    from claude_local_plugin.precedence import gather, installed_answers, installed_client_version
    from claude_local_plugin.settings.variables import nearest

    place = here()
    snapshot = gather(
        cwd=place.cwd,
        home=place.home,
        environ=place.environ,
        client_version=installed_client_version(place.environ),
        flag_settings=settings,
        setting_sources=None if setting_sources is None else _sources(setting_sources),
        cli_model=model,
        interactive=not print_mode,
    )
    snapshot = replace(snapshot, answers=installed_answers(place.environ, place.state_dir))
    explanation = explain(snapshot, keys, reveal=reveal, what_if=what_if)
    for key, found in explanation.report.get("keys", {}).items():
        if not found["candidates"] and (near := nearest(key.removeprefix("env."))):
            err(place.environ).prose(f"nothing sets {key.removeprefix('env.')}; did you mean {near}?", "yellow")
    for _, setting in what_if:
        name = setting.partition("=")[0].removeprefix("env.")
        if name.isupper() and (near := nearest(name)):
            said = f"! Claude Code knows no {printable(name)}; did you mean {near}?"
            err(place.environ).prose(said, "yellow")
    if as_json:
        print(json_text(explanation.report, reveal=reveal))
    elif keys:
        _show_keys(explanation, place)
    else:
        _show_decisions(explanation, place)
    return explanation.exit_code


def _sources(text: str) -> tuple[str, ...]:
    from claude_local_plugin.errors import UsageError
    from claude_local_plugin.precedence.gather import listed

    names = listed(text)
    unknown = [name for name in names if name not in ("user", "project", "local")]
    if unknown:
        raise UsageError(f"--setting-sources: there is no source {unknown[0]!r}", "any of user,project,local")
    return names


def _show_decisions(explanation: "Explanation", place: Place) -> None:
    printer = out(place.environ, reveal=explanation.reveal)
    report = explanation.report
    rows = [("", "value", "from", "why")]
    for name, label in ROWS:
        decision = report["decisions"][name]
        why = short_text(explanation.sentences[name], place)
        value = NOT_COMPARED if why.startswith("not compared") else _value(name, decision["value"])
        rows.append((label, value, _from(decision["winner"], place), why.removeprefix("not compared: ")))
    _show_rows(printer, [[printable(cell) for cell in row] for row in rows])
    printer.line()
    show_warnings(explanation.warnings, place)
    if explanation.unknown:
        printer.prose(f"not visible from here: {', '.join(explanation.unknown)}", "dim")
    printer.prose(_versions(explanation), "dim")
    if explanation.changes is not None:
        _show_changes(explanation, place)
    printer.prose(printable(explanation.summary), "bold")


def _show_rows(printer: Printer, rows: list[list[str]]) -> None:
    """The decisions as a table; on a terminal that is too narrow for it, the last cells on lines of their own."""
    width = printer.width or sys.maxsize
    for count in (4, 3, 2):
        heading, *lines = columns([row[:count] for row in rows])
        if max(map(len, lines)) <= width:
            break
    printer.line(heading, "dim")
    indent = " " * (max(len(row[0]) for row in rows) + 2)
    for line, row in zip(lines, rows[1:], strict=True):
        printer.line(line)
        for cell in row[count:]:
            printer.prose(f"{indent}{cell}", "dim", indent=indent)


def show_warnings(warnings: "tuple[Finding, ...]", place: Place) -> None:
    """Each warning with its fix, errors marked ✗."""
    printer = out(place.environ)
    marks = {"error": ("✗", "bold red"), "warning": ("!", "yellow"), "info": ("·", "")}
    for warning in warnings:
        mark, style = marks[warning.result.value]
        printer.prose(f"{mark} {short_text(printable(warning.what), place)}", style)
        printer.remedy(printable(warning.fix or ""), indent="    ")  # to be typed: no shell reads a `~` within quotes
    if warnings:
        printer.line()


def _versions(explanation: "Explanation") -> str:
    """What the explanation rests on: the versions it was compared with, and the user's own client's answers."""
    from claude_local_plugin.precedence import VERIFIED_SPAN

    installed = explanation.report["installed_version"]
    told = f"; installed {installed}" if installed else "; no installed version can be told"
    answers = explanation.answers
    verify = command("claude-local", "verify")
    own = f"   ({verify} asks your own)"
    if answers is not None:
        asked = f"all {answers.asked:,}" if answers.complete else f"{answers.asked:,} of {answers.questions:,}"
        rest = "" if answers.complete else f"; {verify} asks the rest"
        own = f", which agreed on {asked} questions on {answers.date}{rest}"
    return f"verified against Claude Code {VERIFIED_SPAN}{told}{own}"


def _show_keys(explanation: "Explanation", place: Place) -> None:
    printer = out(place.environ, reveal=explanation.reveal)
    keys = explanation.report["keys"]
    for key, found in keys.items():
        if len(keys) > 1:
            printer.line(key, "bold")
        rows = [
            (
                f"{'*' if row['state'] == 'wins' else ' '} {row['scope']}",
                '""' if row["value"] == "" else str(row["value"]),
                _at(row, place),
                "" if row["state"] == "wins" else short_text(_fate(row), place),
            )
            for row in found["candidates"]
        ]
        shown = [tuple(map(printable, row)) for row in rows]
        lines = columns(shown) or [f"  nothing sets {key}"]
        below = printer.width is not None and max(map(len, lines)) > printer.width
        for number, line in enumerate(columns([row[:-1] for row in shown]) if below else lines):
            printer.line(line, "bold" if line.startswith("*") else "")
            if below and shown[number][-1]:
                printer.prose(f"      {shown[number][-1]}", "dim", indent="      ")
    if explanation.changes is not None:
        _show_changes(explanation, place)


def _fate(row: "dict[str, Any]") -> str:
    """What became of a value that does not win, and why."""
    reason = str(row["reason"])
    return reason if reason.startswith(row["state"]) else f"{row['state']}: {reason}"


def _show_changes(explanation: "Explanation", place: Place) -> None:
    printer = out(place.environ, reveal=explanation.reveal)
    rows = [(f"  {change.name}", str(change.before), "→", str(change.after)) for change in explanation.changes or ()]
    printer.line("if that were so:", "bold")
    printer.lines(columns([tuple(map(printable, row)) for row in rows]) or ["  nothing would change"])


def _value(name: str, value: str | None) -> str:
    if value is None:
        return "(none sent)" if name in ("authorization", "x_api_key") else "-"
    if name == "context_window":
        return f"{int(value):,} tokens"
    return '""' if value == "" else value


def short_text(text: str, place: Place) -> str:
    """The text with the paths in it as people say them: relative in the current folder, `~` for the home folder."""
    return text.replace(f"{place.cwd}/", "").replace(f"{place.home}/", "~/")


def _from(winner: "dict[str, Any] | None", place: Place) -> str:
    return f"{winner['scope']}  {_at(winner, place)}".rstrip() if winner else ""


def _at(row: "dict[str, Any]", place: Place) -> str:
    if row["path"] is None:
        return {"shell": "export", "cli": "--model"}.get(row["scope"], "")
    return short_path(row["path"], cwd=place.cwd, home=place.home) + (f":{row['line']}" if row["line"] else "")
