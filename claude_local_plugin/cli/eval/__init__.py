"""`claude-local eval …`: how good a model is at Claude Code's work, and the tasks that show it."""

import click

from claude_local_plugin.cli.lazy import LazyGroup
from claude_local_plugin.cli.options import json_option
from claude_local_plugin.errors import UsageError

#: Subcommand -> its module in this folder, and what `--help` says of it. The command there is called as the subcommand,
#: with `_command` behind it: `new_command`.
SUBCOMMANDS: dict[str, tuple[str, str]] = {
    "new": ("new", "Make a task of your own, beginning with one that works."),
    "from-git": ("from_git", "Make a task of a commit in your own history."),
}


@click.group("eval", cls=LazyGroup, rows=SUBCOMMANDS, package=__name__, suffix="_command", invoke_without_command=True)
@click.option("--list", "listing", is_flag=True, help="List the tasks, and run none.")
@click.option("--suite", metavar="NAME|DIR", help="smoke, core, or a folder of tasks of your own (or one task).")
@click.option("--tasks", "pattern", metavar="PATTERN", help="Those alone whose name or tag is so (* and ?).")
@json_option
@click.pass_context
def eval(  # noqa: A001  (what is typed)
    context: click.Context, listing: bool, suite: str | None, pattern: str | None, as_json: bool
) -> int:
    """Tasks for a coding agent, each judged by a hidden check: docs/evaluation.md.

    Two suites came with claude-local: smoke (6 short tasks) and core (30). Modifies: nothing.
    """
    if context.invoked_subcommand is not None:
        if listing or suite or pattern or as_json:
            raise UsageError(f"these options do not go with {context.invoked_subcommand}", "leave them out")
        return 0
    if not listing:
        raise UsageError("say what is to be done", "--list shows the tasks; new and from-git make one")
    from claude_local_plugin.cli.eval.listing import show
    from claude_local_plugin.commands import evaluation as command

    return show(command.tasks(suite, pattern), as_json)
