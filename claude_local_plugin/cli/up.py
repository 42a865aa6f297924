"""`claude-local up`, `down`, `logs`: a model server from nothing to a session that was seen to work, and away again."""

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from claude_local_plugin.cli.options import Place, here, json_option, scope_option, world_of
from claude_local_plugin.cli.terminal import Printer, err, json_text, out
from claude_local_plugin.core.shell import command as spelt
from claude_local_plugin.deploy.start import ENGINES
from claude_local_plugin.errors import UsageError
from claude_local_plugin.text import printable, short_path, with_tilde

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from claude_local_plugin.checks import Finding
    from claude_local_plugin.commands.enable import Prepared
    from claude_local_plugin.commands.up import Plan, Report
    from claude_local_plugin.server_log import Reading
    from claude_local_plugin.world import World

#: In the context: the words behind `--`.
OWN_COMMAND = "claude_local_plugin.own_command"


class _WithCommand(click.Command):
    """A command whose words behind `--` are another program's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta[OWN_COMMAND] = tuple(args[at + 1 :])
            args = args[:at]
        return super().parse_args(ctx, args)


@click.command(cls=_WithCommand)
@click.argument("recipe", metavar="[RECIPE]", required=False)
@click.option("--host", metavar="SSH_HOST", help="Start it on another machine, by your own ssh (a key or an agent).")
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    metavar="ENGINE",
    help="What starts it: docker, podman, command or llama.cpp; by default docker, and llama.cpp for --model.",
)
@click.option("--model", metavar="FILE", help="A GGUF file for llama.cpp, on the machine that it starts on.")
@click.option("--name", metavar="NAME", help="Its name, and that of its profile; by default made of the model's.")
@click.option("--port", type=click.IntRange(1, 65535), metavar="N", help="The port that it listens on.")
@click.option("--window", type=click.IntRange(min=1), metavar="N", help="The window in tokens; by default what fits.")
@click.option(
    "--sessions",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="How many sessions it is for at once.",
)
@click.option("--hardware", metavar="NAME", help="The machine, as `recipe list` names it, where it is not looked at.")
@click.option("--program", metavar="PATH", help="llama-server, where it is not on PATH.")
@scope_option()
@click.option("--no-enable", is_flag=True, help="Leave settings files alone: a server and a profile, no more.")
@click.option("--dry-run", is_flag=True, help="Show what it would do and start nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before starting.")
@json_option
@click.pass_context
def up(
    ctx: click.Context,
    recipe: str | None,
    host: str | None,
    engine: str | None,
    model: str | None,
    name: str | None,
    port: int | None,
    window: int | None,
    sessions: int,
    hardware: str | None,
    program: str | None,
    scope: str,
    no_enable: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Start a model server, prove that a session on it works, and enable it here.

    RECIPE is a model of the catalogue (`claude-local recipe list`); --model is a file of yours for llama.cpp, and
    behind `--` stands a command of your own that starts any server. Shows first all that it will do: files, commands,
    settings. Then it starts the server, follows its log until it is ready, warms it up, runs `doctor --deep` on it,
    gives it a profile, and enables that here. A start that fails is named from the server's log with what to do, and
    nothing is left running; nor is it after Ctrl-C. Run again it finds what runs. `claude-local down` stops it.
    """
    from claude_local_plugin.commands import up as command
    from claude_local_plugin.precedence import Scope

    place = here()
    world = world_of(place)
    asking = sys.stdin.isatty() and sys.stderr.isatty() and not yes and not as_json
    began = time.monotonic()
    request = command.Request(
        recipe=recipe,
        host=host,
        engine=engine,
        model=model,
        argv=ctx.meta.get(OWN_COMMAND, ()),
        name=name,
        port=port,
        window=window,
        sessions=sessions,
        program=program,
        hardware=hardware,
        scope=Scope(scope),
        enable=not no_enable,
    )
    plan = command.plan(request, world)  # a file that is not there, or a model that does not fit, is said first
    if not (yes or dry_run or asking):
        raise UsageError("nobody can be asked here before something is started", "add --yes, or --dry-run to look only")
    prose = err(place.environ)
    if not as_json:
        prose.line(f"{plan.host.name}: {plan.machine.words}" if host else plan.machine.words)
        for line in command.lines(plan):
            prose.prose(_shortened(line, place), indent=" " * 12)
    if dry_run:
        if as_json:
            print(json_text(command.report_json(plan, None, time.monotonic() - began)))
        else:
            prose.line("Nothing was started (--dry-run).")
        return 0
    if asking and not click.confirm("Go on?", default=True, err=True):
        raise click.exceptions.Abort
    report = _carried_out(plan, world, prose, yes=yes, quiet=as_json)
    if as_json:
        print(json_text(command.report_json(plan, report, time.monotonic() - began)))
    else:
        _conclude(plan, report, place)
    return 0 if report.enabled is None or report.enabled.has_effect else 1


def _carried_out(plan: "Plan", world: "World", prose: Printer, *, yes: bool, quiet: bool) -> "Report":
    """Do it, saying how far it is; what is found where it goes wrong is printed as doctor prints it."""
    from claude_local_plugin.commands import up as command

    progress = Progress(prose, quiet=quiet)
    try:
        return command.carry_out(plan, world, progress, _settling(world, yes=yes, quiet=quiet))
    except command.NotReadyError as error:
        progress.clear()
        if not error.found:
            prose.lines(f"  {printable(line.rstrip())}" for line in error.tail[-8:])
        show_findings(error.found, prose, plan.host.home)
        raise
    except command.NotProvenError as error:
        progress.clear()
        show_findings(error.found, prose, plan.host.home)
        raise
    finally:
        progress.clear()


def _settling(world: "World", *, yes: bool, quiet: bool) -> "Callable[[Prepared], None]":
    from claude_local_plugin.cli.open_sessions import settle
    from claude_local_plugin.commands.open_sessions import affected

    def settled(prepared: "Prepared") -> None:
        if prepared.changed:
            found = affected(world, {prepared.settings_file: prepared.after})
            settle(found, world, yes=yes, when_idle=False, quiet=quiet)

    return settled


def show_findings(found: "Sequence[Finding]", printer: Printer, home: Any) -> None:
    """Findings as doctor prints them: what, where, why and the fix."""
    from claude_local_plugin.checks import Place as FilePlace

    for each in found:
        where = each.where
        shown = where.of(short_path(where.path, cwd=home / "-", home=home)) if isinstance(where, FilePlace) else where
        printer.prose(f"✗ {each.id}  {each.what}" + (f"   ({shown})" if shown else ""), "bold red")
        printer.prose(f"  why: {each.why}", indent=" " * 7)
        if each.fix:
            printer.prose(f"  fix: {each.fix}", indent=" " * 7)


class Progress:
    """Says how far it is: what is done as lines that stay, and on a terminal what is under way in one that does not."""

    def __init__(self, printer: Printer, *, quiet: bool) -> None:
        self.printer, self.quiet = printer, quiet
        self.stage: str | None = None
        self.began = time.monotonic()
        self.live = not quiet and printer.stream.isatty()
        self.shown = False

    def reading(self, reading: "Reading", line: str) -> None:
        """The stage that the server's log is in."""
        if reading.step is None:
            return
        stage, share = reading.step.stage.value, reading.step.share
        if stage != self.stage:
            self._over()
            self.stage, self.began = stage, time.monotonic()
        done = f" {100 * share:.0f} %" if share is not None else ""
        self.step(f"{stage}{done}{_detail(reading.step.detail, self.printer.home)}")

    def _over(self) -> None:
        """The stage before has come to its end."""
        if self.stage is not None and self.stage not in ("ready", "stopped"):
            self.done(f"{self.stage} ({time.monotonic() - self.began:.1f} s)")

    def step(self, text: str) -> None:
        """Something is under way."""
        if self.live:
            width = (self.printer.width or 80) - 1
            self.printer.stream.write("\r\x1b[K" + printable(f"  {text} …")[:width])
            self.printer.stream.flush()
            self.shown = True

    def done(self, text: str) -> None:
        """Something is done."""
        self.clear()
        if not self.quiet:
            self.printer.prose(f"✓ {text}", "green")

    def clear(self) -> None:
        """The line of what is under way is empty again."""
        if self.shown:
            self.printer.stream.write("\r\x1b[K")
            self.printer.stream.flush()
            self.shown = False


def _detail(detail: str, home: str) -> str:
    """What it says of the step; of a long path its end, where the file's name is."""
    said = with_tilde(detail, home)
    return f" · {said if len(said) <= 40 else f'…{said[-39:]}'}" if said else ""


def _shortened(line: str, place: Place) -> str:
    return line.replace(f"{place.cwd}/", "").replace(f"{place.home}/", "~/")


def _conclude(plan: "Plan", report: "Report", place: Place) -> None:
    printer = err(place.environ)
    if report.prepared is not None and report.enabled is not None:
        name = short_path(report.prepared.settings_file, cwd=place.cwd, home=place.home)
        count = len(report.prepared.lines)
        said = f"enabled in {name} ({count} values)" if report.prepared.changed else f"already enabled in {name}"
        printer.line(f"✓ {said}", "green")
        for warning in (*report.prepared.warnings, *report.enabled.unheard):
            printer.prose(f"! {printable(warning)}", "yellow")
    printer.line(f"Stop it: {spelt('claude-local', 'down', plan.start.name)}")
    printer.line(f"Its log: {spelt('claude-local', 'logs', plan.start.name)}")
    if report.enabled is None:
        printer.line(f"Use it:  {spelt('claude-local', 'enable', plan.start.name)}", "green")
    elif report.enabled.has_effect:
        printer.line("Now run: claude", "green")
    else:
        printer.prose(f"Enabled, but without effect: {printable(report.enabled.sentence)}", "bold red")


@click.command()
@click.argument("name", metavar="[NAME]", required=False)
@json_option
def down(name: str | None, as_json: bool) -> int:
    """Stop what `claude-local up` has started: NAME, or the only one. Its files, its profile and settings stay."""
    from claude_local_plugin.commands import up as command

    place = here()
    result = command.down(name, world_of(place))
    if as_json:
        print(json_text(command.down_json(result)))
        return 0
    printer = err(place.environ)
    stopped = result.deployment
    on = f" on {stopped.host}" if stopped.host else ""
    printer.line(
        f"Stopped {stopped.name}{on}." if result.stopped else f"{stopped.name}{on} was not running any more.", "green"
    )
    if result.tunnel:
        printer.line(f"The tunnel to {stopped.host} is closed.")
    printer.prose(f"Left: {stopped.folder}{on}, and the profile {stopped.profile or stopped.name}")
    printer.prose(f"Sessions that use it: {spelt('claude-local', 'disable')} in their folder")
    return 0


@click.command()
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--follow", "-f", "follow_it", is_flag=True, help="Go on with what comes, until Ctrl-C.")
def logs(name: str | None, follow_it: bool) -> int:
    """Print the log of a server that `claude-local up` has started: NAME, or the only one.

    `claude-local logs | claude-local doctor --server-log -` says what is wrong in it.
    """
    from claude_local_plugin.commands import up as command

    place = here()
    printer = out(place.environ)
    for line in command.log_lines(name, world_of(place), follow_it=follow_it):
        printer.line(line)
    return 0
