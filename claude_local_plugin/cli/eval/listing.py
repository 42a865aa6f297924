"""`claude-local eval --list`: the tasks as a table or as JSON."""

from claude_local_plugin.cli.terminal import json_text, out
from claude_local_plugin.commands.evaluation import Listed
from claude_local_plugin.text import printable


def show(listed: Listed, as_json: bool) -> int:
    """Print the tasks, each suite with its head."""
    if as_json:
        print(json_text(listed.report()))
        return 0
    printer = out()
    for suite, tasks in listed.suites:
        of = "" if len(tasks) == len(suite.tasks) else f" of {len(suite.tasks)}"
        count = f"{len(tasks)}{of} task{'' if len(suite.tasks) == 1 else 's'}"
        printer.line(f"{printable(suite.name)}  {count}  {suite.digest[:12]}", "bold")
        rows = [
            (
                printable(task.id),
                str(task.difficulty),
                ",".join(task.tags),
                f"{task.limits.turns} turns",
                f"{task.limits.minutes:g} min",
            )
            for task in tasks
        ]
        printer.table([("name", "1-5", "tags", "", ""), *rows], indent="  ")
    return 0
