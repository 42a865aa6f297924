"""`claude-local eval from-git`: a task out of somebody's own history."""

import shlex
from pathlib import Path

import click

from claude_local_plugin.cli.options import here, json_option
from claude_local_plugin.cli.terminal import columns, err, json_text, out
from claude_local_plugin.errors import UsageError
from claude_local_plugin.text import printable


@click.command("from-git")
@click.argument("commit")
@click.option("--repo", type=click.Path(path_type=Path, exists=True, file_okay=False), help="The repository.")
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help="The task's folder.")
@click.option("--run", "words", metavar="COMMAND", help="How the commit's tests are run, as in 'npm test'.")
@json_option
def from_git_command(commit: str, repo: Path | None, output: Path | None, words: str | None, as_json: bool) -> int:
    """Make a task of COMMIT: its parent is what the agent gets, its tests are the hidden check.

    Its message is the prompt, the commit the reference solution. The tests are run twice, on copies, with your
    programs: they must fail on the parent and pass on the commit. Modifies: DIR.
    """
    from claude_local_plugin.commands import evaluation as command

    place = here()
    try:
        run = tuple(shlex.split(words)) if words is not None else None
    except ValueError as fault:
        raise UsageError(f"--run is no command line: {fault}", "quote it as a shell wants it") from fault
    if run == ():
        raise UsageError("--run is empty", "say how the tests are run, as in 'npm test'")
    asked = command.Asked(commit, place.cwd / (repo or "."), output, run)
    made = command.from_git(asked, place.environ, place.cwd)
    if as_json:
        print(json_text(command.report_of(made)))
        return 0
    printer = out()
    tests = f"{len(made.tests)} test file{'' if len(made.tests) == 1 else 's'}"
    printer.line(f"written: {printable(str(made.folder))}, of {made.commit[:12]} with {tests}", "green")
    printer.line(f"the tests fail before the commit and pass with it: {printable(shlex.join(made.command))}")
    for note in made.notes:
        err().line(printable(f"! {note}"), "yellow")
    steps = command.steps(output or made.folder, wrong_ones=0)
    printer.lines(columns([(what, printable(line)) for what, line in steps]))
    return 0
