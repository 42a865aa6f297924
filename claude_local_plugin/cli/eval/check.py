"""`claude-local eval check`: whether tasks are worth an evaluation."""

import click

from claude_local_plugin.cli.options import here, json_option
from claude_local_plugin.cli.terminal import err, json_text, out
from claude_local_plugin.evaluation.proof import WRONG_ONES, Proof
from claude_local_plugin.text import printable


@click.command("check")
@click.argument("suite", metavar="DIR")
@click.option("--tasks", "pattern", metavar="PATTERN", help="Those alone whose name is so (* and ?).")
@click.option(
    "--wrong",
    "wrong_ones",
    type=click.IntRange(0, 100),
    default=WRONG_ONES,
    show_default=True,
    metavar="N",
    help="So many wrong solutions each should have.",
)
@json_option
def check_command(suite: str, pattern: str | None, wrong_ones: int, as_json: bool) -> int:
    """See whether the task, or the tasks, in DIR are sound.

    The check has to pass the reference solution, twice, and to refuse each wrong one for the reason that the task says,
    and what nobody touched. The prompt must not give the check away, nor the repository. Solutions are judged as those
    of trials are: where there is a network or more to be seen, it says so. Modifies nothing. Exit 1 when one is not
    sound.
    """
    from claude_local_plugin.commands import evaluation as command

    place = here()
    found = command.check(suite, pattern, wrong_ones, _nothing if as_json else _show)
    if as_json:
        print(json_text(found.report()))
    else:
        if found.not_isolated:
            err(place.environ).line(
                printable(f"! Checks were run where they see this machine: {found.not_isolated}."), "yellow"
            )
        count = sum(bool(each.problems) for each in found.proofs)
        tasks = f"{len(found.proofs)} task{'' if len(found.proofs) == 1 else 's'}"
        out(place.environ).line(f"{tasks}, {'all sound' if not count else f'{count} not sound'}", "bold")
    return 1 if found.problems else 0


def _show(proof: Proof) -> None:
    printer = out()
    refused = sum(each.wanted == "wrong" == each.outcome for each in proof.judged)
    if not proof.problems:
        passed = sum(each.wanted == "passed" for each in proof.judged)
        printer.line(f"✓ {proof.id:<26} {passed} × passed, {refused} × refused, as it should be", "green")
        return
    printer.line(f"✗ {proof.id}", "red")
    for each in proof.problems:
        printer.prose(printable(f"  {each.where}: {each.what}"), indent="    ")
        if each.mend:
            printer.prose(printable(f"    → {each.mend}"), indent="      ")


def _nothing(_: Proof) -> None:
    """With --json nothing is said on the way."""
