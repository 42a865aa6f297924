"""`claude-local eval …`: how good a model is at Claude Code's work, and the tasks that show it."""

from pathlib import Path
from typing import Any

import click

from claude_local_plugin.cli.lazy import LazyGroup
from claude_local_plugin.cli.options import complete_profile, json_option
from claude_local_plugin.errors import UsageError

#: Subcommand -> its module in this folder, and what `--help` says of it. The command there is called as the subcommand,
#: with `_command` behind it: `new_command`.
SUBCOMMANDS: dict[str, tuple[str, str]] = {
    "new": ("new", "Make a task of your own, beginning with one that works."),
    "from-git": ("from_git", "Make a task of a commit in your own history."),
    "check": ("check", "See whether tasks are sound, by their own right and wrong solutions."),
}


@click.group("eval", cls=LazyGroup, rows=SUBCOMMANDS, package=__name__, suffix="_command", invoke_without_command=True)
@click.option("--list", "listing", is_flag=True, help="List the tasks, and run none.")
@click.option("--profile", metavar="PROFILE", shell_complete=complete_profile, help="The server to evaluate.")
@click.option("--url", metavar="URL", help="A server without a profile, e.g. http://dell-pro-max:8000.")
@click.option("--cloud", is_flag=True, help="Anthropic's API; it is paid for, so --cost-limit and --model go with it.")
@click.option("--model", metavar="NAME", help="The served model.")
@click.option("--token-env", metavar="VAR", help="The environment variable that holds the server's key.")
@click.option("--suite", metavar="NAME|DIR", help="smoke, core, or a folder of tasks of your own (or one task).")
@click.option("--tasks", "pattern", metavar="PATTERN", help="Those alone whose name or tag is so (* and ?).")
@click.option("--repeat", type=click.IntRange(1, 100), default=1, metavar="K", help="Try each task so often.")
@click.option("--parallel", type=click.IntRange(1, 64), default=1, metavar="N", help="So many trials side by side.")
@click.option("--budget", "minutes", type=click.FloatRange(min=0), metavar="MINUTES", help="Begin none after that.")
@click.option(
    "--cost-limit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="AMOUNT",
    help="Begin none once so much is spent, at the prices in config.toml.",
)
@click.option("--seed", type=int, default=0, metavar="N", help="Another order of the trials.")
@click.option("--compare", multiple=True, metavar="FILE|PROFILE", help="Earlier results to set beside these.")
@click.option(
    "--show",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Report on these results, and run nothing; --compare, --json, --markdown and --html go with it.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the results go, a line for each trial; by default into claude-local's own folder.",
)
@click.option("--markdown", is_flag=True, help="Print the report as Markdown, to paste.")
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the report as a page for any browser, too.",
)
@click.option("--no-isolation", is_flag=True, help="Trials see this machine's files and reach its network.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before it begins.")
@json_option
@click.pass_context
def eval(  # noqa: A001  (what is typed)
    context: click.Context,
    /,
    listing: bool,
    show: Path | None,
    suite: str | None,
    pattern: str | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Measure how good a model is as a coding agent in the real Claude Code: docs/evaluation.md.

    Each task is tried in a repository and a home that are thrown away, where only the server can be reached, and judged
    by a hidden check. Without --suite it is smoke (6 short tasks); core has 30. Broken off, the same command goes on
    where it was. Modifies: the results file, and the page of --html. Exit 1 when trials are left, or
    nothing follows from one.
    """
    if context.invoked_subcommand is not None:
        if given := [each.opts[0] for each in context.command.params if _is_given(context, each.name or "")]:
            raise UsageError(
                f"options that do not go with {context.invoked_subcommand}: {', '.join(given)}", "leave them out"
            )
        return 0
    if listing:
        from claude_local_plugin.cli.eval.listing import show as show_tasks
        from claude_local_plugin.commands import evaluation as command

        return show_tasks(command.tasks(suite, pattern), as_json)
    from claude_local_plugin.cli.eval.running import run, show_results

    if show is not None:
        said = {name: options[name] for name in ("markdown", "html")}
        return show_results(show, options["compare"], as_json=as_json, **said)
    return run(suite=suite, pattern=pattern, as_json=as_json, **options)


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
