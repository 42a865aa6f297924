"""How what `enable` would write is laid out: on one screen, within the terminal's width, with no word broken."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from claude_local_plugin.cli.terminal import middle_out
from claude_local_plugin.core.registration import EVENTS, SCRIPT
from claude_local_plugin.text import printable, wrapped

if TYPE_CHECKING:
    from claude_local_plugin.commands.enable import Prepared
    from claude_local_plugin.commands.enable_shown import Cell, Row

#: What a terminal is taken for that does not say how wide it is.
WIDTH = 80
#: The reasons' column, which leaves room for the longest name of a variable; narrower terminals have none.
_REASONS, _NARROW = 20, 76
#: A value is never shortened to less; with so much room it need not go to the next line.
_LEAST, _ENOUGH = 12, 30


def laid_out(rows: "Sequence[Row]", width: int) -> list[str]:
    """The rows as lines: the reason beside the values, or below them where that takes fewer lines."""
    return [line for row in rows for line in _row(row, width)]


def _row(row: "Row", width: int) -> list[str]:
    below = _below(row, width)
    if width < _NARROW:
        return below
    values = _packed(row.cells, width - _REASONS - 4)
    reasons = wrapped(row.reason, _REASONS, indent="")
    count = max(len(values), len(reasons))
    beside = [
        f"{row.mark if place == 0 else ' '} {reason.ljust(_REASONS)}  {value}".rstrip()
        for place, (reason, value) in enumerate(zip(_filled(reasons, count), _filled(values, count), strict=True))
    ]
    return below if len(below) < len(beside) else beside


def _below(row: "Row", width: int) -> list[str]:
    values = _packed(row.cells, width - 2)
    marked = [f"{row.mark if place == 0 else ' '} {value}" for place, value in enumerate(values)]
    return [*marked, *(f"    {line}" for line in wrapped(row.reason, width - 4, indent=""))]


def _filled(lines: Sequence[str], count: int) -> list[str]:
    return [*lines, *[""] * (count - len(lines))]


def _packed(cells: "Sequence[Cell]", width: int) -> list[str]:
    """The cells on as few lines as they need, in their order, two blanks between two."""
    lines = list[str]()
    for cell in cells:
        for place, text in enumerate(_fitting(cell, width)):
            if place == 0 and lines and len(lines[-1]) + 2 + len(text) <= width:
                lines[-1] += f"  {text}"
            else:
                lines.append(text)
    return lines


def _fitting(cell: "Cell", width: int) -> list[str]:
    """A cell as lines of this width: what does not fit goes to a line of its own, a long value loses its middle."""
    if len(cell.text) <= width:
        return [cell.text]
    if cell.between != "=":
        return [part for line in wrapped(cell.text, width) for part in _cut(line, width)]
    room = width - len(cell.name) - 1
    if len(cell.value) <= room or room >= _ENOUGH:
        lines = [f"{cell.name}={middle_out(cell.value, room)}"]
    else:
        lines = [f"{cell.name}=", f"  {middle_out(cell.value, max(width - 2, _LEAST))}"]
    if cell.was:
        lines.append(f"  (was {middle_out(cell.was, max(width - 9, _LEAST))})")
    return [part for line in lines for part in _cut(line, width)]


def _cut(text: str, width: int) -> list[str]:
    return [text[at : at + width] for at in range(0, len(text), width)]


# --- every line of the diff


def whole_diff(prepared: "Prepared", width: int, *, show_hooks: bool, home: str) -> str:
    """The diff for people: each of our lines with its reason, hooks folded into a line, nothing wider than `width`."""
    diff = "\n".join(
        line.replace(f" {home}/", " ~/", 1) if line.startswith(("--- ", "+++ ")) else line
        for line in prepared.diff().removesuffix("\n").split("\n")
    )
    lines = [printable(line.removesuffix("\r").expandtabs(4)) for line in diff.split("\n")]
    if not show_hooks:
        lines = without_hooks(lines)
    reasons = _reasons(prepared)
    shown = [line for line in lines if _reason(line, reasons)]
    column = max((len(line) for line in shown if len(line) <= 72), default=0)
    return "\n".join(part for line in lines for part in _explained(line, _reason(line, reasons), column, width))


def without_hooks(lines: Sequence[str]) -> list[str]:
    """The lines of a diff for people with our hooks counted: those that go in a line, those that come in one.

    With them goes what stands around them alone: the names of their events, and the ends of their lists.
    """
    shown, run = list[str](), list[str]()
    for line in lines:
        if _is_handler(line) or _is_frame(line):
            run.append(line)
        else:
            shown += [*_counted(run), _folded(line)]
            run.clear()
    return [*shown, *_counted(run)]


def _counted(run: Sequence[str]) -> list[str]:
    """A run of our hooks, and of what may stand around them, with the hooks counted; without any as it is."""
    places = [place for place, line in enumerate(run) if _is_handler(line)]
    if not places:
        return list(run)
    before, after = list(run[: places[0]]), list(run[places[-1] + 1 :])
    lists = 0
    if before and not _is_end(before[-1]):
        before.pop()
        lists = 1
    for line in run[places[0] : places[-1]]:
        if not _is_handler(line):
            lists = max(0, lists - 1) if _is_end(line) else lists + 1
    while after and _is_end(after[0]) and lists:  # else it is the end of a list in which there is more
        del after[0]
        lists -= 1
    counts = {mark: sum(_is_handler(line) for line in run if line[0] == mark) for mark in "-+"}
    return [*before, *(f"{mark}   … {_hooks(count)}" for mark, count in counts.items() if count), *after]


def _hooks(count: int) -> str:
    return f"{count} hook{'' if count == 1 else 's'} of claude-local (--show-hooks shows them)"


def _folded(line: str) -> str:
    """A line that is a whole settings file, with our hooks in it counted; every other line as it is."""
    if line[:1] not in ("+", "-") or SCRIPT not in line:
        return line
    try:
        settings = json.loads(line[1:])
    except ValueError:
        return line
    hooks = settings.get("hooks") if isinstance(settings, dict) else None
    if not isinstance(hooks, dict) or not all(isinstance(groups, list) for groups in hooks.values()):
        return line
    ours = {event: [group for group in groups if SCRIPT in json.dumps(group)] for event, groups in hooks.items()}
    others = {event: [group for group in groups if group not in ours[event]] for event, groups in hooks.items()}
    count = sum(map(len, ours.values()))
    kept: dict[str, object] = {event: groups for event, groups in others.items() if groups}
    shown = {**settings, "hooks": {**kept, "…": _hooks(count)}}
    return line[0] + json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


def _explained(line: str, reason: str, column: int, width: int) -> list[str]:
    """A line with its reason beside it where there is room, else below."""
    beside = f"{line.ljust(column)}   {reason}"
    if reason and len(beside) <= width:
        return [beside]
    first, *more = _cut(line, width) if len(line) > width else [line]
    return [first, *more, *(f"        {each}" for each in wrapped(reason, width - 8, indent="") if reason)]


def _reasons(prepared: "Prepared") -> dict[str, str]:
    single = [line for line in (*prepared.lines, *prepared.first_lines) if not line.item]
    reasons = {f'"{line.path[-1]}":': line.reason for line in single}
    return reasons | {json.dumps(line.value, ensure_ascii=False): line.reason for line in prepared.lines if line.item}


def _reason(line: str, reasons: dict[str, str]) -> str:
    words = line[1:].split(maxsplit=1)
    return reasons.get(words[0].removesuffix(","), "") if line.startswith("+") and words else ""


def _is_handler(line: str) -> bool:
    """Whether a line adds or takes out a hook of ours as a whole."""
    if line[:1] not in ("+", "-") or SCRIPT not in line:
        return False
    try:
        found = json.loads(line[1:].strip().removesuffix(","))
    except ValueError:  # a file that is one long line, say
        return False
    return isinstance(found, dict) and set(found) == {"hooks"}


def _is_frame(line: str) -> bool:
    """Whether a line is what stands between two of our hooks: the end of a list, or an event's name."""
    text = line[1:].strip()
    return _is_end(line) or (text.endswith('": [') and text[1:-4] in EVENTS)


def _is_end(line: str) -> bool:
    return line[1:].strip() in ("]", "],")
