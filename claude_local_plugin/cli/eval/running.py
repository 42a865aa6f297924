"""`claude-local eval`: the trials as they end, and the report."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from claude_local_plugin.cli.options import Place, choose_on_terminal, here, server_named, world_of
from claude_local_plugin.cli.terminal import Printer, err, json_text, out
from claude_local_plugin.commands import eval_run as command
from claude_local_plugin.commands.eval_run import Asked, Prepared
from claude_local_plugin.errors import UsageError
from claude_local_plugin.evaluation import report as reports
from claude_local_plugin.evaluation.outcome import FAILURES, Trial
from claude_local_plugin.evaluation.report import Report
from claude_local_plugin.evaluation.run import PATIENCE, Told
from claude_local_plugin.evaluation.trial import NoBoxError
from claude_local_plugin.text import printable, short_path
from claude_local_plugin.world import World


def run(
    *,
    suite: str | None,
    pattern: str | None,
    as_json: bool,
    profile: str | None,
    url: str | None,
    cloud: bool,
    model: str | None,
    token_env: str | None,
    repeat: int,
    parallel: int,
    minutes: float | None,
    cost_limit: float | None,
    seed: int,
    compare: tuple[str, ...],
    output: Path | None,
    markdown: bool,
    html: Path | None,
    no_isolation: bool,
    yes: bool,
) -> int:
    """Run an evaluation, or go on with it, and say what came of it."""
    place = here()
    world = world_of(place)
    profile, url = server_named(profile, url)
    asked = Asked(
        profile=profile,
        url=url,
        model=model,
        token_env=token_env,
        suite=suite,
        pattern=pattern,
        repeat=repeat,
        parallel=parallel,
        minutes=minutes,
        seed=seed,
        output=output,
        compare=compare,
        isolated=not no_isolation,
        cloud=cloud,
        cost_limit=cost_limit,
    )
    page = () if html is None else ("--html", str(html))
    prose = err(place.environ)
    asking = not yes and not as_json and sys.stdin.isatty() and sys.stderr.isatty()
    _check_files(html, output)
    prepared = _prepared(asked, world, prose, asking=asking)
    name = short_path(prepared.output.absolute(), cwd=place.cwd, home=place.home)
    if not as_json:
        _begin(prepared, prose, name, place)
        if asking and not click.confirm("Go on?", default=prepared.cost is None, err=True):
            return 1
    elif prepared.cost is not None:
        _say_cost(prepared, prose)
    told = replace(_telling(prose), ended=_nothing) if as_json else _telling(prose)
    try:
        with _ended_like_ctrl_c():
            report = command.execute(prepared, told)
    except KeyboardInterrupt:
        prose.line()
        prose.line(f"Broken off; what has ended is in {printable(name)}. To go on: {prepared.asked.again(*page)}")
        return 130
    _print(report, place, as_json=as_json, markdown=markdown, html=html)
    left = report.result.wanted - len(report.result.trials)
    further, why = _further(prepared.asked, report)
    if left and not (as_json and not why):
        prose.line(f"{left} of {report.result.wanted} trials are left{why}. To go on: {further.again(*page)}")
    elif report.broken and not as_json:
        prose.line(f"What nothing follows from is tried again by the same command: {further.again(*page)}")
    return 1 if left or report.broken else 0


def _further(asked: Asked, report: Report) -> tuple[Asked, str]:
    """What goes on with it, and why it has not: as much again where all that was to be spent is."""
    if report.result.away:
        return asked, f": {printable(report.result.away)}"
    limit, cost = asked.cost_limit, report.cost or 0.0
    if limit is None or cost < limit:
        return asked, ""
    return replace(asked, cost_limit=2 * limit), f": {cost:,.2f} are spent, of {limit:,.2f}"


def show_results(
    path: Path, compare: tuple[str, ...], *, as_json: bool, markdown: bool, html: Path | None = None
) -> int:
    """Report on a results file."""
    place = here()
    _check_files(html, path)
    report = command.of_file(path, compare, world_of(place))
    _print(report, place, as_json=as_json, markdown=markdown, html=html)
    return 0


def _check_files(html: Path | None, results: Path | None) -> None:
    if results is not None and results.suffix.lower() in (".html", ".htm"):
        raise UsageError(f"{printable(results.name)}: results are lines of JSON, a page is --html", "--html FILE")
    if html is not None:
        from claude_local_plugin.commands import eval_page

        eval_page.check(html, results)


def _print(report: Report, place: Place, *, as_json: bool, markdown: bool, html: Path | None) -> None:
    if as_json:
        print(json_text(reports.to_json(report)))
    elif markdown:
        print(reports.markdown(report))
    else:
        printer = out(place.environ)
        printer.line(printable(reports.headline(report.result)), "bold")
        printer.lines([printable(line) for line in reports.lines(report, _width(printer))])
    if html is not None:
        from claude_local_plugin.commands import eval_page

        eval_page.write(report, html)
        err(place.environ).line(f"page: {printable(short_path(html.absolute(), cwd=place.cwd, home=place.home))}")


def _width(printer: Printer) -> int:
    """As wide as the terminal, and no wider than can be read."""
    return max(40, min(printer.width or reports.WIDTH, reports.WIDTH))


def _prepared(asked: Asked, world: World, prose: Printer, *, asking: bool) -> Prepared:
    try:
        return command.prepare(asked, world, choose_on_terminal if asking else None)
    except NoBoxError as none:
        if not asking:
            raise
        prose.line(f"{printable(none.message)}.", "yellow")
        if not click.confirm(
            "Run the trials where they see this machine's files and network?", default=False, err=True
        ):
            raise
        return command.prepare(replace(asked, isolated=False), world, choose_on_terminal)


def _begin(prepared: Prepared, prose: Printer, name: str, place: Place) -> None:
    conditions = prepared.conditions
    tasks = len(prepared.tasks)
    about = ", ".join(filter(None, (conditions.server, f"Claude Code {conditions.client}".strip())))
    prose.line(
        f"{tasks} task{'' if tasks == 1 else 's'} of {printable(conditions.suite)} × {conditions.repeat} on"
        f" {printable(conditions.model)} ({printable(about)})",
        "bold",
    )
    prose.line(f"at most {prepared.minutes_at_most:.0f} min · results in {printable(name)}")
    if prepared.cost is not None:
        _say_cost(prepared, prose)
    if not prepared.start.isolated:
        prose.line("! Trials are not kept apart: they see this machine's files, and reach its network.", "yellow")
    prose.lines([f"! {printable(each)}" for each in prepared.said], "yellow")


def _say_cost(prepared: Prepared, prose: Printer) -> None:
    prose.prose(f"cost: {prepared.cost}; none begins once {prepared.asked.cost_limit:,.2f} are spent", "yellow")


def _nothing(_trial: Trial, _ended: int, _wanted: int) -> None:
    """With --json nothing is said of trials on the way."""


def _telling(prose: Printer) -> Told:
    def ended_one(trial: Trial, ended: int, wanted: int) -> None:
        if trial.passed is None:
            what, style = f"nothing follows: {trial.reason}", "yellow"
        elif trial.passed:
            what, style = "passed", "green"
        else:
            what, style = FAILURES[trial.failure or "wrong-result"].words, "red"
        where = f"{ended:>{len(str(wanted))}}/{wanted}"
        prose.line(f"{where}  {printable(trial.task):<26} {trial.seconds:>5.0f} s  {printable(what)}", style)

    def away(why: str) -> None:
        prose.prose(f"! {printable(why)}; waiting for it, {PATIENCE / 60:.0f} min at most", "yellow")

    return Told(ended_one, away, lambda: prose.line("it answers again", "green"))


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """SIGTERM and SIGHUP end the clients, too: an evaluation is often left to run by itself."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    former = [(getattr(signal, name), signal.getsignal(getattr(signal, name))) for name in names]
    for number, handler in former:
        if handler is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _interrupted)
    try:
        yield
    finally:
        for number, handler in former:
            signal.signal(number, handler)


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt
