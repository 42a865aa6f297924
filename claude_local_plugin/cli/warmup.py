"""`claude-local warmup`: one ping, or one every few minutes."""

from typing import Any

import click

from claude_local_plugin.cli.options import here, json_option, world_of
from claude_local_plugin.cli.terminal import err, json_text, out
from claude_local_plugin.text import printable


@click.command()
@click.option("--url", metavar="URL", help="The server; by default the one of this folder's sessions.")
@click.option("--model", metavar="NAME", help="The served model; by default the one of this folder's sessions.")
@click.option("--token-env", metavar="VAR", help="The environment variable that holds the server's key.")
@click.option(
    "--keep-alive",
    type=click.FloatRange(min=0, max=1440),
    metavar="MINUTES",
    help="Go on pinging every four minutes for so long (at most a day).",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1, max=3600),
    metavar="SECONDS",
    default=600,
    show_default=True,
    help="How long one ping may take.",
)
@json_option
def warmup(
    url: str | None, model: str | None, token_env: str | None, keep_alive: float | None, timeout: float, as_json: bool
) -> int:
    """Have the server do its slow first things (compiling, loading) before a session needs it.

    Sends one small message and says how long it took. Changes nothing here. Exit 1 when it was not answered.
    """
    from claude_local_plugin.commands import warmup as command
    from claude_local_plugin.commands.server_in_use import in_use

    place = here()
    used = in_use(world_of(place).snapshot(), url=url, model=model, token_env=token_env)

    def told(report: dict[str, Any]) -> None:
        if as_json:
            print(json_text(report), flush=True)
        elif report["ok"]:
            out(place.environ).line(
                f"{report['url']} is warm: {printable(used.model)} answered in {report['seconds']:.2f} s"
            )
        else:
            err(place.environ).prose(printable(f"{report['url']} did not answer: {report['problem']}"), "bold red")

    first = command.warm(used, timeout=timeout)
    told(first)
    if not first["ok"]:
        return 1
    if keep_alive:
        command.keep_warm(used, keep_alive, timeout=timeout, told=told)
    return 0
