"""`claude-local audit`: the compliance question, answered by exit code."""

from typing import Any

import click

from claude_local_plugin.cli.options import from_option, here, json_option, log_of, utc_option
from claude_local_plugin.cli.sessions import backend_name, filters, project_name
from claude_local_plugin.cli.terminal import err, json_text, out
from claude_local_plugin.text import counted, moment, printable

#: So many stretches are listed for people; `--json` has them all.
SHOWN = 20


@click.command()
@from_option
@filters("project", "since", "until", "machine", "person")
@click.option(
    "--allow",
    multiple=True,
    metavar="BACKEND",
    help="A backend that may be used: a URL, a kind such as bedrock, cloud, or local for every server that is not the"
    " cloud. May be given several times; without it allowed_backends in config.toml counts.",
)
@utc_option
@json_option
def audit(allow: tuple[str, ...], url: str | None, utc: bool, as_json: bool, **asked: Any) -> int:
    """Did any session of this project use a backend outside the allowed list?

    Exit 0: none did, as far as is on record. Exit 1: some did, and are listed. Exit 2: there is no list to judge by.
    The project is the repository this is, or --project FOLDER, with all below it; of a team's log, all.
    """
    from claude_local_plugin.commands import audit as command
    from claude_local_plugin.commands.sessions import Asked

    place = here()
    report = command.audit(
        Asked(**asked),
        allow,
        cwd=place.cwd,
        home=place.home,
        environ=place.environ,
        state_dir=place.state_dir,
        source=log_of(place, url),
    )
    code = 0 if report["passed"] else 1
    if as_json:
        print(json_text(report))
        return code
    printer = out(place.environ)
    within = f" in {project_name(place, report['project'])}" if report["project"] else ""
    machines = report.get("machines")
    among = "" if machines is None else f" of {machines:,} machine{'' if machines == 1 else 's'}"
    looked = f"{counted(report['sessions'])}{among}{within} checked"
    allowed = f"allowed: {', '.join(report['allowed'])}"
    outside = report["outside"]
    if not outside:
        printer.prose(f"none outside the list: {looked}; {allowed}", "green")
    else:
        count = len({(stretch.get("machine"), stretch["session_id"]) for stretch in outside})
        printer.prose(f"{count:,} outside the list: {looked}; {allowed}", "red")
        whose = ("person", "machine") if "machine" in outside[0] else ()
        head, rows = ("since", "session", "backend", "model", "answers", "project", *whose), []
        for stretch in outside[:SHOWN]:
            rows.append(
                (
                    moment(str(stretch["started_at"]), utc=utc),
                    str(stretch["session_id"])[:8],
                    backend_name(stretch["backend"]),
                    printable(stretch["model"] or "-"),
                    str(stretch["messages"]),
                    project_name(place, stretch["project"]),
                    *(printable(stretch[name] or "-") for name in whose),
                )
            )
        printer.records(head, rows, shorten=(3, 5), names=("", "", "", "", "answers", "", "", "")[: len(head)], most=4)
        if len(outside) > SHOWN:
            printer.line(f"  and {len(outside) - SHOWN:,} more   (--json has all)")
    if report["held_back"]:
        printer.prose(f"{report['held_back']:,} more sent nothing: each prompt was held back, or the address is none")
    for said in report["not_known"]:
        err(place.environ).prose(f"not known: {said}")
    return code
