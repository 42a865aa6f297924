"""`claude-local run`: one program on one backend."""

import sys

import click

from claude_local_plugin.cli.options import complete_profile, here, server_named, world_of
from claude_local_plugin.cli.terminal import err
from claude_local_plugin.text import printable


class _Command(click.Command):
    """A command whose own words end at `--`, or at the first that is no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else None
        ctx.meta["command"] = None if at is None else args[at + 1 :]
        # without a `--` the command begins somewhere among the words, and its options are its own
        ctx.allow_interspersed_args = at is not None
        return super().parse_args(ctx, args if at is None else args[:at])


@click.command(cls=_Command)
@click.argument("words", nargs=-1, metavar="[PROFILE] [--] COMMAND …", shell_complete=complete_profile)
@click.option("--url", metavar="URL", help="A server without a profile, e.g. http://dell-pro-max:8000.")
@click.option("--cloud", "to_cloud", is_flag=True, help="Anthropic's API, or the provider of your own, for once.")
@click.option(
    "--for",
    "target",
    type=click.Choice(["claude", "guardkit", "agent-sdk", "any"]),
    metavar="KIND",
    help="What the command is, where its name does not say: claude, guardkit, agent-sdk or any.",
)
@click.option("--model", metavar="NAME", help="The served model to use.")
@click.option("--token-env", metavar="VAR", help="The environment variable that holds your server's key.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="How long to wait for a server that is being started or loads its model.",
)
@click.option("--no-check", is_flag=True, help="Start without asking the server (needs its URL and the model).")
@click.option("--set-aside-sign-in", is_flag=True, help="Leave a sign-in at a gateway aside for this run.")
@click.option("--harness", is_flag=True, help="GuardKit: use the Agent SDK, not its default harness.")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but what goes wrong.")
@click.pass_context
def run(
    ctx: click.Context,
    words: tuple[str, ...],
    url: str | None,
    to_cloud: bool,
    target: str | None,
    model: str | None,
    token_env: str | None,
    wait_s: float,
    no_check: bool,
    set_aside_sign_in: bool,
    harness: bool,
    quiet: bool,
) -> int:
    """Run one command on one backend: a profile, a server's URL, or the cloud; without them the one in effect here.

    No settings file changes, and no other session is moved. The exit code is the command's. What it may not do is said
    before it starts, with exit code 1 and the reason.
    """
    from claude_local_plugin.commands import run as command

    place = here()
    world = world_of(place)
    behind = ctx.meta["command"]
    profile, program = _apart(words, behind, named=not (url or to_cloud), known=command.known(world))
    if not to_cloud:
        profile, url = server_named(profile, url)
    asked = command.Asked(
        command=tuple(program),
        profile=profile,
        url=url,
        to_cloud=to_cloud,
        target=target,
        model=model,
        token_env=token_env,
        check=not no_check,
        wait_s=wait_s,
        set_aside=set_aside_sign_in,
        harness=harness,
    )
    printer = err(place.environ)
    prepared = command.prepare(asked, world, None, lambda text: printer.line(printable(text)))
    if not quiet:
        printer.line(printable(prepared.headline), "green")
        printer.lines([f"! {printable(each)}" for each in prepared.said], "yellow")
    stay = sys.stderr.isatty() and not quiet and command.is_session(prepared)
    code = command.start(prepared, world, stay=stay)
    if stay:
        printer.prose(f"To go on with this session on the same backend: {command.goes_on(prepared)}")
    return code


def _apart(
    words: tuple[str, ...], behind: list[str] | None, *, named: bool, known: frozenset[str]
) -> tuple[str | None, list[str]]:
    """The profile and the command: of words without a `--` the first may be a profile that there is."""
    if behind is not None:
        if len(words) > 1:
            raise click.UsageError(f"one profile is named before --, not {len(words)} words")
        return (words[0] if words else None), behind
    if words and named and words[0] in known:
        return words[0], list(words[1:])
    return None, list(words)
