"""`claude-local rescue`: a session that died goes on in a copy without what its server refuses."""

from typing import TYPE_CHECKING

import click

from claude_local_plugin.cli.options import here, json_option, world_of
from claude_local_plugin.cli.terminal import err, json_text, out
from claude_local_plugin.text import printable, short_path

if TYPE_CHECKING:
    from claude_local_plugin.commands.rescue import Rescue

#: What is left out, in people's words: of one, and of several.
WORDS = {
    "images": ("picture or document", "pictures and documents"),
    "thinking": ("unsigned thinking block", "unsigned thinking blocks"),
    "signed-thinking": ("signed thinking block", "signed thinking blocks"),
    "unknown": ("block of an unknown type", "blocks of unknown types"),
    "tools": ("tool call or result without its other half", "tool calls and results without their other half"),
    "empty": ("empty answer", "empty answers, and the client's words about them"),
    "errors": ("note of a failed request", "notes of failed requests"),
    "length": ("place cut to fit the window", "places cut to fit the window"),
}


@click.command()
@click.argument("session")
@click.option(
    "--remove",
    multiple=True,
    type=click.Choice(list(WORDS)),
    metavar="KIND",
    help=f"Leave out this kind, and not what the server's last words ask for: {', '.join(WORDS)}."
    " May be given several times.",
)
@click.option(
    "--keep",
    multiple=True,
    type=click.Choice(list(WORDS)),
    metavar="KIND",
    help="Leave this kind in, whatever was said.",
)
@click.option(
    "--window",
    type=click.IntRange(min=1_000),
    metavar="N",
    help="The window in tokens that the copy has to fit; by default the one that the settings here name.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be left out, and write nothing.")
@json_option
def rescue(
    session: str, remove: tuple[str, ...], keep: tuple[str, ...], window: int | None, dry_run: bool, as_json: bool
) -> int:
    """Copy a session that does not go on, without what its server refuses.

    SESSION is an id from `claude-local sessions list` (or its beginning), `last` for the newest of this folder, or the
    path of a transcript. The copy has an id of its own and stands beside the original, which is not touched; go on
    with the command that is printed. What is left out follows from the server's last words: pictures, unsigned
    thinking, tool calls without a result, unknown content, empty answers, and what is too long for the window.
    """
    from claude_local_plugin.commands import rescue as command
    from claude_local_plugin.rescue import Kind

    place = here()
    found = command.prepare(
        session,
        world_of(place).snapshot(),
        remove=[Kind(name) for name in remove],
        keep=[Kind(name) for name in keep],
        window=window,
    )
    if not dry_run:
        command.write(found)
    if as_json:
        print(json_text(command.report(found, home=place.home, dry_run=dry_run)))
        return 0
    prose = err(place.environ)
    name = short_path(found.transcript, cwd=place.cwd, home=place.home)
    prose.line(f"{found.session_id} ({name})")
    for text in told(found):
        prose.line(f"  {text}")
    if dry_run:
        prose.line("Nothing was written (--dry-run).")
        return 0
    prose.prose(f"Copied as {found.new_id}; the original is as it was. Go on with:", "green")
    out(place.environ).line(found.resume(place.home))
    return 0


def told(found: "Rescue") -> list[str]:
    """What it died of, what is left out, and how large the rest is."""
    lines = []
    if found.cause.said:
        lines.append(f"its last request failed: {printable(found.cause.said.strip())[:200]}")
    else:
        lines.append("its last request did not fail")
    if found.cause.model_gone:
        lines.append("the model is not served any more: add --model NAME when you resume it, or enable for another")
    removed = found.repaired.removed
    parts = [f"{count:,} {WORDS[kind][count != 1]}" for kind, count in removed.items()]
    lines.append(f"left out: {'; '.join(parts)}" if parts else "left out: nothing")
    if found.broken_lines:
        lines.append(f"{found.broken_lines:,} lines of the transcript are no JSON and were left out too")
    window = f" of a window of {found.window:,}" if found.window else ""
    lines.append(f"about {found.repaired.tokens:,} tokens of conversation{window} are left")
    return lines
