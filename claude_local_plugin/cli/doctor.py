"""`claude-local doctor`: one line per group when all is well, findings with their fixes otherwise."""

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import click

from claude_local_plugin.cli.enable_screen import without_hooks
from claude_local_plugin.cli.open_sessions import settle, when_idle_option
from claude_local_plugin.cli.options import Place, here, json_option, world_of
from claude_local_plugin.cli.terminal import Printer, columns, err, json_text, out
from claude_local_plugin.core.shell import command as typed
from claude_local_plugin.errors import UsageError
from claude_local_plugin.text import short_path

if TYPE_CHECKING:
    from claude_local_plugin.checks.check import Check
    from claude_local_plugin.commands.doctor import Deep, Report, Request
    from claude_local_plugin.doctor import Facts, Finding
    from claude_local_plugin.doctor.fixes import Planned
    from claude_local_plugin.world import World

    AnyCheck = Check[Any, Any]

MARKS = {"ok": "✓", "info": "·", "warning": "!", "error": "✗", "failed": "?", "skipped": "-"}
STYLES = {"ok": "green", "info": "", "warning": "yellow", "error": "bold red", "failed": "bold red", "skipped": ""}


class Shown(Protocol):
    """What is shown of a report: the checks that were run, and what they found."""

    @property
    def exit_code(self) -> int: ...
    @property
    def checks(self) -> "Sequence[AnyCheck]": ...
    @property
    def findings(self) -> "Sequence[Finding]": ...
    @property
    def seconds(self) -> float: ...


#: Columns of a group's name.
WIDTH = 13


class _WithWords(click.Command):
    """Help that ends with what people call troubles; the checks, which own these words, are loaded only for it."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from claude_local_plugin.doctor.checks import GROUPS, WORDS

        with formatter.section("CHECK is one of these"):
            formatter.write_dl([("groups", ", ".join(GROUPS)), ("words", ", ".join(WORDS)), ("ids", "see --list")])
        super().format_epilog(ctx, formatter)


@click.command(cls=_WithWords)
@click.argument("checks", nargs=-1, metavar="[CHECK ...]")
@click.option("--url", metavar="URL", help="Look at this server instead of the folder's.")
@click.option("--token-env", metavar="VAR", help="The environment variable that holds the key of the server of --url.")
@click.option("--deep", is_flag=True, help="Send a few real requests, too (says first how many, and where to).")
@click.option(
    "--server-log",
    metavar="FILE",
    help="Say instead why a server did not start, from its log (vLLM, llama.cpp, LiteLLM, docker); - reads stdin.",
)
@click.option("--list", "listing", is_flag=True, help="List every check and what it asks.")
@click.option("--explain", metavar="ID", help="Say all there is to say about one check.")
@click.option("--fix", "fixing", is_flag=True, help="Fix what can be fixed in settings, after showing the diff.")
@click.option("--dry-run", is_flag=True, help="With --fix: show the diff and write nothing.")
@click.option("--show-hooks", is_flag=True, help="With --fix: show the hooks in the diff, too, line by line.")
@click.option("--yes", "-y", is_flag=True, help="With --fix: do not ask before writing.")
@when_idle_option
@json_option
def doctor(
    checks: tuple[str, ...],
    url: str | None,
    token_env: str | None,
    deep: bool,
    server_log: str | None,
    listing: bool,
    explain: str | None,
    fixing: bool,
    dry_run: bool,
    show_hooks: bool,
    yes: bool,
    when_idle: bool,
    as_json: bool,
) -> int:
    """Say what is wrong here and the command that fixes it. CHECK is an id, a group, or a word for the
    trouble, such as leak or slow; none means all of them.

    Reads settings, asks the server a few questions that make no model run, and writes nothing without --fix.
    Exit 0 well, 1 a warning, an error or a check that could not be completed, 2 usage.
    """
    from claude_local_plugin.commands import doctor as command

    place = here()
    if listing or explain:
        return _texts(place, explain, checks)
    if server_log is not None:
        if checks or url or token_env or deep or fixing or dry_run or show_hooks or yes:
            raise UsageError(
                "--server-log reads a log and nothing else",
                typed("claude-local", "doctor", "--server-log", server_log),
            )
        return _log(server_log, place, as_json=as_json)
    if (dry_run or show_hooks or yes) and not fixing:
        asked = [*checks, *(("--url", url) if url else ()), *(("--token-env", token_env) if token_env else ())]
        given = (("--deep", deep), ("--dry-run", dry_run), ("--show-hooks", show_hooks), ("--yes", yes))
        switches = [option for option, on in given if on]
        raise UsageError(
            "--dry-run, --show-hooks and --yes belong to --fix",
            typed("claude-local", "doctor", "--fix", *switches, *asked),
        )
    asking = sys.stdin.isatty() and sys.stderr.isatty() and not as_json
    if fixing and not (dry_run or yes or asking):
        raise UsageError("nobody can be asked here before something is written", "add --yes, or --dry-run to look only")
    began = time.monotonic()
    world = world_of(place)
    request = command.Request(checks, url, token_env, acts=deep or fixing)
    chosen, facts = command.look(request, world)
    if fixing and facts.elsewhere:
        raise UsageError(
            f"--fix changes settings of sessions here, and they do not go to {facts.host}", f"{facts.enable()} first"
        )
    if deep:
        facts = _deepened(facts, request, world, place, quiet=as_json)
    report = command.checked(facts, chosen, began)
    first = None if fixing else command.first(report, world, checks)  # after fixing it is asked anew
    plan = command.fixes(report, world, checks) if fixing else None
    applied = False
    while plan is not None and _fix(
        plan,
        world,
        place,
        dry_run=dry_run,
        show_hooks=show_hooks,
        ask=asking and not yes,
        when_idle=when_idle,
        quiet=as_json,
    ):
        applied = True
        report = _again(report, request, world)
        # what only counts, or is only found, after that is fixed by the same call: a second one finds nothing to do
        plan = plan.and_then(command.fixes(report, world, checks))
    if applied:
        first = command.first(report, world, checks)
    if as_json:
        print(json_text(command.report_json(report, plan, applied=applied, first=first)))
    elif not dry_run:
        show(report, place, named=checks)
        if first is not None:
            _say_first(out(place.environ), first.command, f"fixes {first.fixes} of {first.of}")
    return report.exit_code


def _say_first(printer: Printer, typed: str, what: str) -> None:
    """The one command to begin with, on a line of its own where the terminal is too narrow for both."""
    said = f"Do this first: {typed}"
    if printer.width is None or len(f"{said}   {what}") <= printer.width:
        printer.line(f"{said}   {what}", "bold")
    else:
        printer.lines([f"Do this first, which {what}:", f"  {typed}"], "bold")


def _texts(place: Place, explain: str | None, names: Sequence[str]) -> int:
    """The list of checks, or one check's explanation."""
    from claude_local_plugin.commands.doctor import explained
    from claude_local_plugin.doctor.checks import WORDS, chosen

    printer = out(place.environ)
    if explain and explain.startswith("log."):
        from claude_local_plugin.commands.server_log import explained as failure_explained

        printer.lines(failure_explained(explain))
        return 0
    if explain:
        for number, check in enumerate(chosen((explain,))):
            printer.lines([*([""] if number else []), *explained(check)])
        return 0
    rows = [(check.id, "deep" if check.deep else "fix" if check.fixable else "", check.asks) for check in chosen(names)]
    printer.lines(columns(rows))
    if not names:
        printer.lines(["", "words for troubles, and what is then looked at:"])
        printer.lines(columns([(word, _ids(checks)) for word, checks in WORDS.items()], indent="  "))
    return 0


def _log(name: str, place: Place, *, as_json: bool) -> int:
    """What a server's log says."""
    from claude_local_plugin.commands import server_log as command

    report = command.look(name, place.cwd)
    if as_json:
        print(json_text(command.report_json(report)))
        return report.exit_code
    printer = out(place.environ)
    width = max(len(finding.id) for finding in report.findings)
    for finding in report.findings:
        _show(printer, "log", finding, place, width, named=False)
    results = [finding.result.value for finding in report.findings]
    well = _sum(results) if any(finding.result.bad for finding in report.findings) else "no known failure"
    printer.line(f"{well} · {command.seen(report)}", "bold red" if report.exit_code else "")
    return report.exit_code


def _ids(checks: "Sequence[AnyCheck]") -> str:
    """Checks by their ids, a whole family in short: `leak.*`."""
    from claude_local_plugin.doctor import CHECKS

    shown = []
    for check in checks:
        family = check.id.partition(".")[0]
        whole = [each for each in CHECKS if each.id.partition(".")[0] == family]
        shown.append(f"{family}.*" if len(whole) > 1 and set(whole) <= set(checks) else check.id)
    return ", ".join(dict.fromkeys(shown))


def _deepened(facts: "Facts", request: "Request", world: "World", place: Place, *, quiet: bool) -> "Facts":
    """The facts after real requests, announced before the first one."""
    from claude_local_plugin.commands import doctor as command

    plan = command.deep_plan(facts, request, world)
    printer = err(place.environ)
    if isinstance(plan, str):
        printer.line(f"! no request is sent: {plan}", "yellow")
        return command.deepen(facts, plan)
    printer.line(command.announcement(plan))
    if quiet or not sys.stderr.isatty():
        return command.deepen(facts, plan)
    return _with_progress(facts, plan)


def _with_progress(facts: "Facts", plan: "Deep") -> "Facts":
    from claude_local_plugin.commands import doctor as command

    with click.progressbar(range(plan.requests), file=sys.stderr, label="requests", show_eta=False) as bar:

        def progress(number: int, _: int, purpose: str) -> None:
            bar.label = purpose
            bar.update(number - 1 - bar.pos)

        return command.deepen(facts, plan, progress)


def _fix(
    plan: "Planned",
    world: "World",
    place: Place,
    *,
    dry_run: bool,
    show_hooks: bool,
    ask: bool,
    when_idle: bool,
    quiet: bool,
) -> bool:
    """Show what would be fixed, ask where somebody can be asked, and do it; whether anything was written."""
    from claude_local_plugin.commands import doctor as command
    from claude_local_plugin.commands.open_sessions import affected

    prose, printer = err(place.environ), out(place.environ)
    more = plan.done > 0  # something was written before, after which this could be planned
    for each in plan.refused if not quiet else ():
        if (each.later and not dry_run) or each in plan.told:
            continue  # that is planned next
        prose.prose(f"! not fixed: {', '.join(each.checks)}: {each.reason}", "yellow")
    if not plan.next:
        if not quiet and not more:
            prose.line("nothing to fix in the settings of this folder")
        return False
    if not quiet:
        for fix in plan.next:
            shown = command.diff(fix)
            folded = printer.stream.isatty() and not show_hooks  # what a program reads can be applied
            lines = shown.removesuffix("\n").split("\n")
            printer.diff("\n".join(without_hooks(lines)) + "\n" if folded else shown)
    if dry_run:
        if not quiet:
            prose.line("Nothing was written (--dry-run).")
        return False
    texts = {fix.path: fix.after for fix in plan.next if fix.mode is None}
    settle(affected(world, texts), world, yes=not ask, when_idle=when_idle, quiet=quiet)
    if ask and not click.confirm("Write this?", default=True, err=True):
        if more:
            return False
        raise click.exceptions.Abort
    command.carry_out(plan.next)
    if not quiet:
        names = ", ".join(dict.fromkeys(short_path(fix.path, cwd=place.cwd, home=place.home) for fix in plan.next))
        prose.line(f"Written: {names}", "green")
    return True


def _again(report: "Report", request: "Request", world: "World") -> "Report":
    """The same checks after fixing; real requests are not sent again."""
    from dataclasses import replace

    from claude_local_plugin.commands import doctor as command

    began = time.monotonic()
    checks, facts = command.look(request, world)
    facts = replace(facts, deep=report.facts.deep, deep_problem=report.facts.deep_problem)
    return command.checked(facts, checks, began)


# --- for people


def show(report: "Shown", place: Place, *, named: Sequence[str]) -> None:
    """One line per group where all is well, every finding otherwise, and the sum at the end.

    Of what was named good news is shown, too, and of single checks even that there was nothing to look at.
    """
    printer = out(place.environ)
    for group in dict.fromkeys(check.group for check in report.checks):
        findings = [finding for finding in report.findings if finding.group == group]
        _show_group(printer, group, findings, report.checks, place, named=named)
    results = [finding.result.value for finding in report.findings]
    style = "bold red" if report.exit_code else "green"
    printer.line(f"{_sum(results)} · {_ran(report)} · {report.seconds:.1f} s", style)


def _show_group(
    printer: Printer,
    group: str,
    findings: "list[Finding]",
    checks: "Sequence[AnyCheck]",
    place: Place,
    *,
    named: Sequence[str],
) -> None:
    headlines = {check.id for check in checks if check.headline or named}
    quiet = {"ok": headlines, "skipped": set(named)}
    shown = [finding for finding in findings if finding.id in quiet.get(finding.result, {finding.id})]
    label = group
    if not shown:
        skipped = next((finding.what for finding in findings if finding.result == "skipped"), "")
        all_skipped = all(finding.result == "skipped" for finding in findings)
        printer.prose(f"{label.ljust(WIDTH)}{'-  ' + skipped if all_skipped else 'ok'}", indent=" " * (WIDTH + 3))
        return
    width = max(len(finding.id) for finding in shown)
    for finding in shown:
        _show(printer, label, finding, place, width, named=bool(named))
        label = ""


def _show(printer: Printer, label: str, finding: "Finding", place: Place, width: int, *, named: bool) -> None:
    """A finding: what and where, why (of what is wrong), and the command."""
    mark, style, indent = MARKS[finding.result.value], STYLES[finding.result.value], " " * (WIDTH + 2)
    if finding.result == "ok" and not named:
        printer.prose(f"{label.ljust(WIDTH)}{mark} {finding.what}", style, indent=indent)
        return
    where = _where(finding, place)
    said = f"{mark} {finding.id.ljust(width)}  {finding.what}" + (f"   ({where})" if where else "")
    printer.prose(label.ljust(WIDTH) + said, style, indent=indent)
    if finding.result.bad:
        printer.prose(f"{indent}why: {finding.why}", indent=f"{indent}     ")
    if finding.fix:
        printer.remedy(finding.fix, indent=indent)


def _where(finding: "Finding", place: Place) -> str:
    from claude_local_plugin.doctor import Place as FilePlace

    if isinstance(finding.where, FilePlace):
        return finding.where.of(short_path(finding.where.path, cwd=place.cwd, home=place.home))
    return finding.where or ""


def _sum(results: Sequence[str]) -> str:
    """`2 errors, 1 warning`, or `all well`."""
    words = (("error", "error"), ("warning", "warning"), ("failed", "check not completed"))
    counted = [(results.count(result), word) for result, word in words if result in results]
    return ", ".join(f"{number} {word if number == 1 else _plural(word)}" for number, word in counted) or "all well"


def _plural(word: str) -> str:
    return "checks not completed" if word.startswith("check") else f"{word}s"


def _ran(report: "Shown") -> str:
    """How many checks had something to look at."""
    skipped = {finding.id for finding in report.findings if finding.result == "skipped"}
    count = len(report.checks) - len(skipped)
    return f"{count} check{'' if count == 1 else 's'}"
