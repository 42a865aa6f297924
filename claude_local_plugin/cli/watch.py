"""`claude-local watch`: the live screen."""

import contextlib
import os
import select
import shutil
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from claude_local_plugin.cli.options import Place, here, utc_option, world_of
from claude_local_plugin.cli.terminal import columns, out
from claude_local_plugin.text import printable, with_tilde

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from claude_local_plugin.commands.server_in_use import Address
    from claude_local_plugin.commands.watch import Pace, Reading, Watcher
    from claude_local_plugin.sessionlog.queries.records import Session

#: A screen that nobody looks at ends by itself after this many hours.
LONGEST_HOURS = 12
#: So many of today's sessions are shown.
SHOWN_SESSIONS = 8
BAR_WIDTH = 24


@click.command()
@click.option("--url", metavar="URL", help="The server; by default the one of this folder's sessions.")
@click.option("--token-env", metavar="VAR", help="The environment variable that holds the server's key.")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.2, max=3600),
    metavar="SECONDS",
    default=2,
    show_default=True,
    help="Between two readings.",
)
@click.option("--once", is_flag=True, help="Print one frame, after two readings, and end.")
@utc_option
def watch(url: str | None, token_env: str | None, interval: float, once: bool, utc: bool) -> int:
    """A live screen of what the server is doing, and of today's sessions on this machine.

    Reads the server's /metrics and our own log; makes no model run. q or Ctrl-C ends it. Without a terminal, or with
    --once, prints one frame. Exit 1 when the server has no metrics to show.
    """
    from claude_local_plugin.commands import watch as command
    from claude_local_plugin.commands.server_in_use import address

    place = here()
    where = address(world_of(place).snapshot(), url=url, token_env=token_env)
    watcher = command.Watcher(command.steady(where))
    earlier = command.look(where)
    if once or not (sys.stdout.isatty() and sys.stdin.isatty()) or place.environ.get("TERM") == "dumb":
        time.sleep(min(interval, 1.0))
        now = command.look(where)
        out(place.environ).lines(_frame(where, now, watcher.pace(earlier, now), place, utc=utc))
        return 1 if now.metrics is None else 0
    _live(where, earlier, watcher, interval, place, utc=utc)
    return 0


def _live(
    where: "Address", earlier: "Reading", watcher: "Watcher", interval: float, place: Place, *, utc: bool
) -> None:
    from claude_local_plugin.commands import watch as command

    until = time.monotonic() + LONGEST_HOURS * 3600

    def lines(now: "Reading", pace: "Pace") -> list[str]:
        return [printable(line) for line in (*_frame(where, now, pace, place, utc=utc), "", "q ends")]

    with _keys() as pressed, _screen() as show:
        show(lines(earlier, command.Pace()))
        while time.monotonic() < until and not pressed(interval):
            now = command.look(where)
            show(lines(now, watcher.pace(earlier, now)))
            earlier = now


@contextlib.contextmanager
def _screen() -> "Iterator[Callable[[Sequence[str]], None]]":
    """The terminal's second screen, which shows as many of the lines as fit; the first is there again afterwards."""

    def show(lines: "Sequence[str]") -> None:
        size = shutil.get_terminal_size()
        width = size.columns
        rows = [line[begin : begin + width] for line in lines for begin in range(0, len(line) or 1, width)]
        _draw("\x1b[H" + "\x1b[K\n".join(rows[: size.lines]) + "\x1b[J")

    _draw("\x1b[?1049h\x1b[?25l\x1b[?7l")  # without the cursor, and without wrapping of its own
    try:
        yield show
    finally:
        _draw("\x1b[?7h\x1b[?25h\x1b[?1049l")


def _draw(text: str) -> None:
    click.echo(text, nl=False, color=True)


@contextlib.contextmanager
def _keys() -> "Iterator[_Pressed]":
    """The keyboard without the Return key; as it was again afterwards."""
    try:
        import termios
        import tty
    except ImportError:  # Windows: Ctrl-C is left
        yield _Pressed(None)
        return
    number = sys.stdin.fileno()
    former = termios.tcgetattr(number)
    try:
        tty.setcbreak(number)
        yield _Pressed(number)
    except KeyboardInterrupt:  # the other way to end it, and as good
        pass
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, former)


class _Pressed:
    """Waits for so many seconds; says whether q was pressed meanwhile."""

    def __init__(self, number: int | None) -> None:
        self.number = number

    def __call__(self, seconds: float) -> bool:
        if self.number is None:
            time.sleep(seconds)
            return False
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            ready, _, _ = select.select([self.number], [], [], left)
            if ready and sys.stdin.read(1) in ("q", "Q", ""):
                return True
        return False


def _frame(where: "Address", now: "Reading", pace: "Pace", place: Place, *, utc: bool) -> list[str]:
    from claude_local_plugin.commands import watch as command

    clock = datetime.now(UTC) if utc else datetime.now().astimezone()
    return frame(where.url, now, pace, command.today(place.state_dir, now=clock), clock)


def frame(url: str, now: "Reading", pace: "Pace", sessions: "Sequence[Session]", clock: datetime) -> list[str]:
    """One picture: the server's figures, then the sessions that began today, newest first."""
    zone = "Z" if clock.tzinfo is UTC else ""
    return [f"{url}   {clock:%H:%M:%S}{zone}", "", *_figures(now, pace), "", *_sessions(sessions, clock)]


def _figures(now: "Reading", pace: "Pace") -> list[str]:
    metrics = now.metrics
    if metrics is None:
        return [f"  {now.problem}"]
    since = "since the last look"
    rows = [
        ("running", _whole(metrics.running), "requests"),
        ("waiting", _whole(metrics.waiting), "requests"),
        ("KV cache", _percent(metrics.kv_usage), _bar(metrics.kv_usage)),
        ("prefix hits", _percent(pace.prefix_hit_rate), f"{since}; {_percent(metrics.hit_rate)} since its start"),
        ("reads", _rate(pace.prompt), f"prompt tokens/s {since}"),
        ("writes", _rate(pace.generation), f"tokens/s {since}"),
        ("first token", "-" if pace.ttft is None else f"{pace.ttft:.2f} s", f"mean {since}"),
    ]
    lines = columns(rows, indent="  ")
    return [*lines, f"  {pace.problem}; the figures are of the one that answered"] if pace.problem else lines


def _sessions(sessions: "Sequence[Session]", clock: datetime) -> list[str]:
    if not sessions:
        return ["no session today"]
    count = f"{len(sessions)} session{'' if len(sessions) == 1 else 's'} today"
    rows = []
    for session in sessions[:SHOWN_SESSIONS]:
        began = datetime.fromisoformat(session.started_at).astimezone(clock.tzinfo)
        state = "running" if session.ended_at is None else "ended"
        rows.append((f"{began:%H:%M}", state, session.backend_kind, session.model or "", _tilde(session.project)))
    return [count, *(printable(line) for line in columns(rows, indent="  "))]


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"


def _bar(share: float | None) -> str:
    if share is None:
        return ""
    full = round(min(1.0, max(0.0, share)) * BAR_WIDTH)
    return "#" * full + "." * (BAR_WIDTH - full)


def _tilde(path: str | None) -> str:
    """A project's folder as people say it; drawn by hand, and so by no printer that would do it."""
    return with_tilde(path or "", os.environ.get("HOME", "").rstrip("/"))
