"""What is said and asked before a command writes settings that open sessions read."""

import sys
from typing import TYPE_CHECKING

import click

from claude_local_plugin.cli.terminal import err
from claude_local_plugin.errors import ClaudeLocalError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from claude_local_plugin.commands.open_sessions import Affected
    from claude_local_plugin.world import World

when_idle_option = click.option(
    "--when-idle",
    is_flag=True,
    help="Wait until the open sessions that this concerns have ended (12 hours at most; Ctrl-C writes nothing).",
)


def go_on(said: "Sequence[str]", world: "World", *, quiet: bool) -> None:
    """Say these and return where somebody agrees; raises ClaudeLocalError where nobody can be asked."""
    if not said:
        return
    if quiet or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ClaudeLocalError(f"nothing was written: {'; '.join(said)}", "--yes goes on")
    printer = err(world.environ)
    for each in said:
        printer.prose(f"! {each}", "yellow")
    if not click.confirm("Go on?", default=False, err=True):
        raise click.exceptions.Abort


def settle(
    found: "Sequence[Affected]",
    world: "World",
    *,
    yes: bool,
    when_idle: bool,
    quiet: bool = False,
    staying: str | None = None,
    before_asking: "Callable[[], None]" = lambda: None,
) -> bool:
    """Say which open sessions a change moves, and return once it may be written; True where they have ended meanwhile.

    `staying` says what becomes of those that stay where they are; with it they are named, and waited for, too.
    Asks on a terminal, where the default is no, after `before_asking`. Raises ClaudeLocalError where nobody can be
    asked, or a wait is over.
    """
    moving = [each for each in found if each.moves]
    named = [each for each in found if each.moves or staying]
    printer = err(world.environ)
    for each in named if not quiet or when_idle else ():
        more = "" if each.moves else f"; {staying}"
        printer.prose(f"! {each.sentence(world)}{more}", "yellow")
    before_asking()
    if named and when_idle:
        return _waited(named, world)
    if yes or not moving:
        return False
    if quiet or not (sys.stdin.isatty() and sys.stderr.isatty()):
        what = "; ".join(each.sentence(world) for each in moving)
        raise ClaudeLocalError(
            f"nothing was written: {what}",
            "--when-idle waits until these sessions have ended; --yes goes on, and the prompt that would go elsewhere"
            " is held once",
        )
    question = "[w]ait until they have ended, [n]ow, holding that prompt once, or [c]ancel"
    answer = click.prompt(question, type=click.Choice(["w", "n", "c"]), default="c", show_choices=False, err=True)
    if answer == "c":
        raise click.exceptions.Abort
    return _waited(moving, world) if answer == "w" else False


def _waited(moving: "Sequence[Affected]", world: "World") -> bool:
    from claude_local_plugin.commands.open_sessions import wait

    printer = err(world.environ)
    printer.prose(f"waiting for {len(moving)} to end   (Ctrl-C writes nothing)")
    wait(world, moving, said=printer.line)
    return True
