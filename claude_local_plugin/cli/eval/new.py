"""`claude-local eval new`: a first task of one's own."""

from pathlib import Path

import click

from claude_local_plugin.cli.options import here, json_option
from claude_local_plugin.cli.terminal import columns, json_text, out
from claude_local_plugin.text import printable


@click.command("new")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@json_option
def new_command(folder: Path, as_json: bool) -> int:
    """Write a small task that works into DIR, to be changed into one of your own.

    It has all that a task can have, with a word on each: what the agent is told and given, the hidden check, a
    reference solution, and wrong ones that the check must refuse. Modifies: DIR.
    """
    from claude_local_plugin.commands import evaluation as command

    made = command.new(here().cwd / folder)
    if as_json:
        print(json_text(made.report()))
        return 0
    printer = out()
    printer.line(f"written: {printable(str(folder))}, {len(made.files)} files", "green")
    printer.lines(columns([(what, printable(line)) for what, line in command.steps(folder)]))
    return 0
