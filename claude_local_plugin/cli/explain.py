"""`claude-local explain-precedence`: its options; `show_explanation` shows what it says."""

import click

from claude_local_plugin.cli.options import json_option
from claude_local_plugin.cli.show_explanation import show_explanation


@click.command()
@click.argument("keys", metavar="[KEY]...", nargs=-1)
@click.option("--settings", metavar="FILE|JSON", help="As given to `claude --settings`.")
@click.option("--setting-sources", metavar="LIST", help="As given to `claude --setting-sources`, e.g. user,project.")
@click.option("--model", metavar="NAME", help="As given to `claude --model`.")
@click.option("--print", "-p", "print_mode", is_flag=True, help="Explain `claude -p`, not an interactive session.")
@click.option(
    "--what-if",
    nargs=2,
    multiple=True,
    metavar="SCOPE KEY=VALUE",
    help="Say what would change if KEY were set in that scope. May be repeated.",
)
@click.option("--reveal", is_flag=True, help="Show secrets in full.")
@json_option
def explain_precedence(
    keys: tuple[str, ...],
    settings: str | None,
    setting_sources: str | None,
    model: str | None,
    print_mode: bool,
    what_if: tuple[tuple[str, str], ...],
    reveal: bool,
    as_json: bool,
) -> int:
    """Say which settings a session here would use, and why those.

    Without KEY: provider, endpoint, both credential headers, model and window, each with the file and line that
    decides it. With KEY (a variable such as ANTHROPIC_BASE_URL, or a settings key such as model): every source that
    sets it. An apiKeyHelper is shown, never run. Reads only. Exit 1 while a warning marked ✗ stands.
    """
    return show_explanation(
        keys,
        settings=settings,
        setting_sources=setting_sources,
        model=model,
        print_mode=print_mode,
        what_if=what_if,
        reveal=reveal,
        as_json=as_json,
    )
