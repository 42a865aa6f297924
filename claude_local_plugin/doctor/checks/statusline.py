"""The check of our status line: that what Claude Code is to run for it is there."""

from collections.abc import Iterator
from pathlib import Path

from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.doctor.model import Check, Found, Place, Result, fix_command
from claude_local_plugin.precedence import Scope
from claude_local_plugin.settings.statusline import KEY


def _broken(facts: Facts) -> Iterator[Found]:
    ours = facts.status_line
    if ours is None or ours.problem is None:
        return
    settings = next((each for each in facts.settings if str(each.path) == ours.path), None)
    fixable = ours.scope not in (Scope.MANAGED, Scope.FLAG)
    fix = fix_command("hooks.statusline") if fixable else "ask whoever manages this machine"
    place = Place(Path(ours.path), settings.line_of((KEY, "command")) if settings else None)
    yield Found(Result.ERROR, f"the status line cannot run: {ours.problem}", place, fix, fixable=fixable)


CHECKS = (
    Check(
        id="hooks.statusline",
        group="hooks",
        asks="can our status line run?",
        fine="our status line can run, where it is installed",
        why="Claude Code shows no status line at all, and none that ours wraps either",
        finds="An interpreter or a script that is gone, as after an upgrade or a moved environment.",
        mend="`--fix` writes it anew in the same file; it keeps the one that it wraps.",
        judge=_broken,
        fixable=True,
    ),
)
