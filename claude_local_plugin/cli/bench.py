"""`claude-local bench`: options, the progress bar, the table."""

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from claude_local_plugin.cli.open_sessions import settle, when_idle_option
from claude_local_plugin.cli.options import Place, here, json_option, world_of
from claude_local_plugin.cli.terminal import columns, err, json_text, out
from claude_local_plugin.core.shell import command as typed
from claude_local_plugin.errors import UsageError
from claude_local_plugin.text import printable, short_path

#: What becomes of an open session whose server stays the same.
TAKEN_UP = "it takes these settings up at its next prompt"

#: The progress bar, in characters.
_BAR = 30


@click.command()
@click.option("--url", metavar="URL", help="The server to measure; by default the one of this folder's sessions.")
@click.option("--model", metavar="NAME", help="The served model; by default the one of this folder's sessions.")
@click.option("--token-env", metavar="VAR", help="The environment variable that holds the server's key.")
@click.option(
    "--concurrency", metavar="N,N,…", default="1,2,3", show_default=True, help="Sessions at once, one by one."
)
@click.option("--prompt-tokens", type=int, metavar="N", help="Tokens of the common beginning; about 12000.")
@click.option("--turns", type=int, metavar="N", default=4, show_default=True, help="Requests of one session.")
@click.option("--answer-tokens", type=int, metavar="N", default=64, show_default=True, help="Tokens of one answer.")
@click.option(
    "--time-limit",
    type=click.FloatRange(min=1, max=86_400),
    metavar="SECONDS",
    default=1800,
    show_default=True,
    help="End after this time with what there is.",
)
@click.option(
    "--compare", metavar="FILE", type=click.Path(path_type=Path), help="A report of --json to set beside this one."
)
@click.option(
    "--plot",
    "plot_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Draw an .svg, or a .png with matplotlib.",
)
@click.option("--apply", "apply_it", is_flag=True, help="Write what follows into this folder's local settings.")
@click.option("--revert", is_flag=True, help="Measure nothing; take back what --apply wrote.")
@click.option("--yes", "-y", is_flag=True, help="With --apply: do not ask before writing.")
@when_idle_option
@json_option
def bench(
    url: str | None,
    model: str | None,
    token_env: str | None,
    concurrency: str,
    prompt_tokens: int | None,
    turns: int,
    answer_tokens: int,
    time_limit: float,
    compare: Path | None,
    plot_file: Path | None,
    apply_it: bool,
    revert: bool,
    yes: bool,
    when_idle: bool,
    as_json: bool,
) -> int:
    """Measure how fast the server is for an agent, and what follows from it.

    Sends conversations in an agent's shape, a long beginning that all share and small turns, one session at a time
    and several at once, and times every piece. Changes nothing, but with --apply, after a diff, the time-outs and the
    number of parallel subagents in this folder's local settings. Exit 1 when requests failed.
    """
    from claude_local_plugin.commands import bench as command
    from claude_local_plugin.commands.server_in_use import in_use

    place = here()
    world = world_of(place)
    if revert:
        from claude_local_plugin.commands.open_sessions import affected

        found = affected(world, command.reverted(world))
        settle(found, world, yes=yes, when_idle=when_idle, quiet=as_json, staying=TAKEN_UP)
        return _revert(command.revert(world), place)
    if plot_file is not None:
        from claude_local_plugin.bench import plot

        plot.check(plot_file)
    named = (("--url", url), ("--model", model), ("--token-env", token_env))
    asked = [word for option, value in named if value for word in (option, value)]
    other = None if compare is None else command.earlier(compare, asked)
    used = in_use(world.snapshot(), url=url, model=model, token_env=token_env)
    work = command.workload(
        used,
        concurrency=_numbers(concurrency),
        prompt_tokens=prompt_tokens,
        turns=turns,
        answer_tokens=answer_tokens,
    )
    prose = err(place.environ)
    if not as_json:
        prose.line(
            f"{used.url} as {printable(used.model)}: up to {work.requests} requests,"
            f" about {work.about_tokens:,} prompt tokens in all, most of them cached"
        )
    wanted = sys.stderr.isatty() and place.environ.get("TERM") != "dumb" and not as_json
    with _bar(work.requests, wanted=wanted) as progress:
        report = command.run(used, work, place.state_dir, progress=progress, time_limit=time_limit)
    if other is not None:
        report["compared"] = command.compared(other, report, asked)
    if as_json:
        print(json_text(report))
    else:
        out(place.environ).lines(lines(report))
    if plot_file is not None:
        plot.plot(report, plot_file)
        prose.prose(f"drawn: {short_path(plot_file.absolute(), cwd=place.cwd, home=place.home)}")
    if apply_it:
        prepared = command.prepare(report, used, world)
        _apply(prepared, place, yes=yes, when_idle=when_idle, quiet=as_json)
    return 1 if report["spoiled"] or report["stopped"] else 0


def _apply(prepared: Any, place: Place, *, yes: bool, when_idle: bool, quiet: bool) -> None:
    """Show the diff, name the open sessions, ask on a terminal, write."""
    from claude_local_plugin.commands import bench as command
    from claude_local_plugin.commands.open_sessions import affected

    prose = err(place.environ)
    name = short_path(prepared.settings_file, cwd=place.cwd, home=place.home)
    if not prepared.changed:
        prose.line(f"{name} is already as it would be")
        return
    prose.line()
    prose.diff(prepared.diff())  # not to stdout: with --json that is the report
    world = world_of(place)
    found = affected(world, {prepared.settings_file: prepared.after})
    settle(found, world, yes=yes, when_idle=when_idle, quiet=quiet, staying=TAKEN_UP)
    asking = not yes and not quiet and sys.stdin.isatty() and sys.stderr.isatty()
    if asking and not click.confirm("Write this?", default=True, err=True):
        raise click.exceptions.Abort
    command.write(prepared, world)
    into = f" and into the profile {prepared.profile}" if prepared.measured else ""
    prose.prose(f"Written to {name}{into}. Undo: {typed('claude-local', 'bench', '--revert')}", "green")


def _revert(reverted: Any, place: Place) -> int:
    """Say what was taken back."""
    printer = out(place.environ)
    name = short_path(reverted.target, cwd=place.cwd, home=place.home)
    count = len(reverted.removed) + len(reverted.restored)
    printer.line(
        f"{name}: {count} settings taken out or put back" if reverted.had_record else "nothing was applied here"
    )
    printer.lines(f"  left alone: {'.'.join(kept.path)} ({kept.reason})" for kept in reverted.kept)
    return 0


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise UsageError(f"--concurrency takes numbers such as 1,2,3, not {text!r}") from error


@contextmanager
def _bar(total: int, *, wanted: bool) -> Iterator[Callable[[int, int, str], None] | None]:
    """A progress bar on a terminal, which is gone again at the end; nothing elsewhere."""
    if not wanted:
        yield None
        return
    done, doing = 0, "starting"
    began, over = time.monotonic(), threading.Event()

    def update(now: int, _: int, phase: str) -> None:
        nonlocal done, doing
        done, doing = now, phase

    def draw() -> None:
        while True:
            filled, took = round(_BAR * done / total), timedelta(seconds=int(time.monotonic() - began))
            line = f"{doing:14} {'#' * filled:.<{_BAR}} {done}/{total} {took}"
            click.echo(f"\r{line[: shutil.get_terminal_size().columns - 1]}\x1b[K", nl=False, err=True, color=True)
            if over.wait(0.2):
                return

    drawing = threading.Thread(target=draw, daemon=True)
    drawing.start()
    try:
        yield update
    finally:
        over.set()
        drawing.join()
        click.echo("\r\x1b[K", nl=False, err=True, color=True)


# --- the table


def lines(report: Mapping[str, Any]) -> list[str]:
    """The report for people: the first request, a row for each number of sessions, what follows."""
    return [
        *_beginning(report),
        "",
        *columns([_HEAD, *(_row(level) for level in report["levels"])]),
        "",
        *_ourselves(report),
        *_conclusions(report),
        *_comparison(report.get("compared", ())),
    ]


_HEAD = ("at once", "first token", "p95", "per token", "p95", "task", "slower", "tokens/s", "from cache", "requests")


def _row(level: Mapping[str, Any]) -> tuple[str, ...]:
    slowdown, reused = level["slowdown"], level["prefix_reused"]
    return (
        str(level["parallel"]),
        _time(level["ttft"]["median"]),
        _time(level["ttft"]["p95"]),
        _time(level["per_token"]["median"]),
        _time(level["per_token"]["p95"]),
        _time(level["session_seconds"]["median"]),
        "-" if slowdown is None else f"{slowdown:.2f} x",
        "-" if level["output_tokens_per_second"] is None else f"{level['output_tokens_per_second']:.1f}",
        "-" if reused is None else f"{reused:.0%}",
        str(level["ttft"]["count"]),
    )


def _beginning(report: Mapping[str, Any]) -> Iterator[str]:
    server, cold, first = report["server"], report["cold"], report["first_request"]
    version = f" {printable(server['version'])}" if server["version"] else ""
    yield printable(f"{server['model']} on {server['kind']}{version} at {server['url']}")
    which = "first request after its start" if first["after_start"] else "first request of this run"
    yield f"{which}: {_time(first['seconds'])}"
    rate = cold["prefill_tokens_per_second"]
    speed = f", {rate:,.0f} tokens/s read" if rate else ""
    size = cold["prompt_tokens"]["median"]
    yield (
        f"a new prompt of {size or 0:,.0f} tokens: first token after {_time(cold['ttft']['median'])}"
        f" (p95 {_time(cold['ttft']['p95'])}, {cold['ttft']['count']} requests){speed}"
    )


def _ourselves(report: Mapping[str, Any]) -> Iterator[str]:
    own = report["overhead"]
    if own is not None:
        yield (
            f"our own part, measured on a server of our own: at most {_time(own['ttft']['median'])} of a first token,"
            f" {_time(own['gap']['median'])} of a gap between two tokens ({own['ttft']['count']} requests)"
        )


def _conclusions(report: Mapping[str, Any]) -> Iterator[str]:
    advice = report["advice"]
    if advice["parallel"] is not None:
        plural = "task" if advice["parallel"] == 1 else "tasks"
        yield f"recommended: {advice['parallel']} {plural} at once ({advice['because']})"
    for setting in advice["settings"]:
        yield f"  {setting['name']}={setting['value']}   {setting['reason']}"
    if advice["settings"]:
        yield f"  ({typed('claude-local', 'bench', '--apply')} writes these)"
    if task := advice.get("task"):
        of = task["measured"]
        yield printable(of["says"])
        yield f"  GUARDKIT_TIMEOUT_MULTIPLIER={task['guardkit_multiplier']}   for a run of GuardKit on this server:"
        yield f"  {task['because']}"
    for spoiled in report["spoiled"]:
        yield printable(f"! failed ({spoiled['phase']}): {spoiled['problem']}")
    if any(_came_at_once(level) for level in report["levels"]):
        yield (
            "answers came all at once, so nothing is said per token, and a first token's time is the whole answer's:"
            " something on the way holds streams back (nginx: proxy_buffering off)"
        )
    if report.get("not_comparable"):
        yield f"the server's counters are {report['not_comparable']}"
    if report["stopped"]:
        yield f"! ended early: {report['stopped']}"


def _came_at_once(level: Mapping[str, Any]) -> bool:
    return bool(level["per_token"]["count"] == 0 and level["gap"]["max"] == 0)


def _comparison(changes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not changes:
        return
    yield ""
    rows = [("compared with the other report", "before", "now", "")]
    for change in changes:
        shown = [f"{change[when]:.1f}/s" if change["unit"] == "/s" else _time(change[when]) for when in ("old", "new")]
        verdict = {None: "the same", True: "better", False: "worse"}[change["better"]]
        by = "" if change["ratio"] is None or change["better"] is None else f" ({change['ratio']:.2f} x)"
        rows.append((change["label"], *shown, verdict + by))
    yield from columns(rows)


def _time(seconds: float | None) -> str:
    """Seconds as people say them."""
    if seconds is None:
        return "-"
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds:.2f} s" if seconds < 60 else f"{seconds / 60:.1f} min"
