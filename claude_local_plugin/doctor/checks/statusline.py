"""The check of our status line: that what Claude Code is to run for it is there."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.doctor.fixers import StatusLine, Step, Tools
from claude_local_plugin.doctor.model import Check, Finding, Found, OwnFix, Place, Result
from claude_local_plugin.precedence import Scope
from claude_local_plugin.settings.statusline import KEY


def _broken(facts: Facts) -> Iterator[Found]:
    ours = facts.status_line
    if ours is None or ours.problem is None:
        return
    settings = next((each for each in facts.settings if str(each.path) == ours.path), None)
    fixable = ours.scope not in (Scope.MANAGED, Scope.FLAG)
    fix = OwnFix() if fixable else "ask whoever manages this machine"
    place = Place(Path(ours.path), settings.line_of((KEY, "command")) if settings else None)
    yield Found(Result.ERROR, f"the status line cannot run: {ours.problem}", place, fix)


def _made_anew(facts: Facts, _: Sequence[Finding], __: Tools) -> Iterator[Step]:
    if facts.status_line is not None:
        yield StatusLine(Path(facts.status_line.path))


CHECKS = (
    Check(
        id="hooks.statusline",
        group="hooks",
        said=("status-line",),
        asks="can our status line run?",
        fine="our status line can run, where it is installed",
        why="Claude Code shows no status line at all, and none that ours wraps either",
        finds="An interpreter or a script that is gone, as after an upgrade or a moved environment.",
        remedy="`--fix` writes it anew in the same file; it keeps the one that it wraps.",
        find=_broken,
        fix=_made_anew,
    ),
)
