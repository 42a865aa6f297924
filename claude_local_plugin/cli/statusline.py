"""`claude-local statusline`: its help and its options; what it does is done without this command line, for speed."""

import os

import click


@click.command()
@click.option(
    "--state", metavar="DIR", help="Where the last checks of servers are kept; claude-local's own by default."
)
@click.option("--config", metavar="DIR", help="Where config.toml is; the platform's own folder by default.")
@click.option("--wrap", metavar="COMMAND", help="A status line's shell command to run, and to show above ours.")
def statusline(state: str | None, config: str | None, wrap: str | None) -> int:
    """Draw the status line of a session: backend, up or down, window use, prefix cache.

    Reads the JSON that Claude Code writes to a status line's standard input. `claude-local enable --statusline`
    installs it, around one that is there already; by hand it is
    `"statusLine": {"type": "command", "command": "claude-local statusline"}`.
    """
    from claude_local_plugin.core import registration
    from claude_local_plugin.core.registration import CONFIG_OPTION, STATE_OPTION
    from claude_local_plugin.hook_runtime import statusline as drawn

    options = {STATE_OPTION: state, CONFIG_OPTION: config, registration.WRAP_OPTION: wrap}
    given = [word for name, value in options.items() if value is not None for word in (name, value)]
    return drawn.run(given, os.environ)
