"""`claude-local privacy`: what leaves this machine, in plain words."""

from typing import Any

import click

from claude_local_plugin.cli.options import Place, here, json_option, scope_option, world_of
from claude_local_plugin.cli.terminal import columns, err, json_text, out
from claude_local_plugin.core.shell import Words
from claude_local_plugin.core.shell import command as typed
from claude_local_plugin.text import printable


@click.command()
@click.option(
    "--level",
    type=click.Choice(["default", "quiet", "airgap"]),
    metavar="LEVEL",
    help="Default, quiet or airgap: as it would be at this level, instead of as it is.",
)
@scope_option(None)
@click.option("--prove", is_flag=True, help="Run the real Claude Code where there is no network, and list its names.")
@click.option("--claude", metavar="PATH", help="With --prove: the Claude Code to run; by default the one on PATH.")
@json_option
def privacy(level: str | None, scope: str | None, prove: bool, claude: str | None, as_json: bool) -> int:
    """Say what leaves this machine, to which host, under the settings in effect here (or at a level).

    --prove runs your own Claude Code, once with -p and once on a terminal, in network and mount namespaces of their own
    (Linux): with these settings, dummies for every credential, a stand-in for the model's server, and a name server of
    ours that lists what is asked for. Programs of yours are left out. Reads only. Exit 0; with --prove exit 1 where a
    name was asked for that is not listed here, any at all at airgap, or where a session got no answer.
    """
    from claude_local_plugin.commands import privacy as command
    from claude_local_plugin.precedence import Scope

    place = here()
    world, chosen = world_of(place), Scope(scope) if scope else None
    if prove:
        from claude_local_plugin.cli.verify import client_named

        program = client_named(claude, place, typed("claude-local", "privacy", "--prove", "--claude", Words("PATH")))
        found = command.prove(world, program, level, chosen)
    else:
        found = command.report(world, level, chosen)
    if as_json:
        print(json_text(found))
    else:
        _show(found, place)
    return 0 if found["proof"] is None or _is_proved(found) else 1


def _is_proved(report: dict[str, Any]) -> bool:
    proof = report["proof"]
    airgap = "airgap" in (report["level"], report["asked_level"])
    names = proof["names"] if airgap else proof["unforeseen"]
    return bool(proof["answered"]) and not names


def _show(report: dict[str, Any], place: Place) -> None:
    printer, prose = out(place.environ), err(place.environ)
    would = "would go" if report["asked_level"] else "go"
    way = " (plain HTTP: anyone on the path can read them)" if report["plain_http"] else ""
    said = f"Prompts and code {would} to {report['model_host']}{way}. Level: {report['level']}."
    printer.line(printable(said), "bold")
    if report["asked_level"] not in (None, report["level"]):
        what = (
            f"! {report['asked_level']} is not reached here: something stronger says otherwise, or is not in its reach"
        )
        prose.line(what, "yellow")
    if not report["leaves"]:
        printer.line("Nothing else leaves.", "green")
    else:
        printer.line("Besides:")
        lines = columns([(", ".join(each["hosts"]), each["what"]) for each in report["leaves"]], indent="  ")
        beside = printer.width is None or max(map(len, lines)) <= printer.width
        for line, each in zip(lines, report["leaves"], strict=True):
            if beside:
                printer.line(printable(line))
            else:
                printer.lines([printable(f"  {', '.join(each['hosts'])}"), printable(f"      {each['what']}")])
            printer.prose(printable(f"      {each['when']}; kept back by {each['remedy']}"), "dim", indent="      ")
    printer.prose(f"Not counted: {report['own_programs']}.", "dim")
    if report["proof"]:
        _show_proof(report, place)
    elif report["leaves"] and report["asked_level"] is None:
        prose.prose(f"More is kept back: {typed('claude-local', 'enable', '--privacy', 'airgap')}")


WAYS = {"print": "print mode (-p)", "interactive": "a session"}


def _show_proof(report: dict[str, Any], place: Place) -> None:
    printer, prose = out(place.environ), err(place.environ)
    proof = report["proof"]
    printer.line(f"Claude Code {proof['client_version']} was run with these settings; it asked for:")
    rows = [(WAYS[each["way"]], ", ".join(each["names"]) or "no name") for each in proof["sessions"]]
    printer.lines(printable(line) for line in columns(rows, indent="  "))
    for each in proof["sessions"]:
        if not each["answered"]:
            prose.prose(
                f"! {WAYS[each['way']]} got no answer, so this proves nothing: {printable(each['said'])}", "red"
            )
    if proof["unforeseen"]:
        prose.prose(f"! not listed above: {printable(', '.join(proof['unforeseen']))}", "red")
