"""What a person who is asked by `enable` is shown: every value that changes, who is affected, and how to undo it.

It is made from the two texts of each file, not from the plan: what would be written is what is shown.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from claude_local_plugin.client_config.build import ALIAS_VARIABLES
from claude_local_plugin.client_config.groups import GROUPS, group_of
from claude_local_plugin.client_config.model import Line
from claude_local_plugin.commands.enable import Prepared, statusline_reason
from claude_local_plugin.commands.open_sessions import Affected
from claude_local_plugin.core.shell import command
from claude_local_plugin.precedence import Scope, git_layout
from claude_local_plugin.settings.difference import Difference, differences
from claude_local_plugin.settings.document import MISSING
from claude_local_plugin.settings.variables import is_secret
from claude_local_plugin.text import mask_secret, printable, short_path, without_secrets

#: Variables that get one value and are shown as one, `A_{B,C}_D`: what is before, between and behind.
_FOLDED = (
    (ALIAS_VARIABLES, "ANTHROPIC_DEFAULT_{OPUS,SONNET,HAIKU,FABLE}_MODEL"),
    (("API_TIMEOUT_MS", "CLAUDE_STREAM_IDLE_TIMEOUT_MS"), "{API,CLAUDE_STREAM_IDLE}_TIMEOUT_MS"),
)
_MODEL = "ANTHROPIC_MODEL"

SHOW_HOOKS = "--show-hooks shows them"


@dataclass(frozen=True, slots=True)
class Cell:
    """One value that changes, for people: its name, how it is written, and what it was."""

    name: str
    value: str
    was: str = ""
    between: str = "="

    @property
    def text(self) -> str:
        """All of it."""
        return f"{self.name}{self.between}{self.value}{f' (was {self.was})' if self.was else ''}"


@dataclass(frozen=True, slots=True)
class Row:
    """Values that change for one reason; `mark` is - where they are taken out."""

    reason: str
    cells: tuple[Cell, ...]
    mark: str = "+"


@dataclass(frozen=True, slots=True)
class Part:
    """What changes in one file."""

    path: Path
    rows: tuple[Row, ...]
    differences: tuple[Difference, ...]


def parts(prepared: Prepared) -> tuple[Part, ...]:
    """What changes, file by file; a file in which nothing does is left out."""
    found = [_part(prepared, prepared.settings_file, prepared.before, prepared.after, prepared.lines)]
    if (state := prepared.state_file) is not None:
        found.append(_part(prepared, state.path, state.before, state.after, state.lines))
    return tuple(part for part in found if part.differences)


def _part(prepared: Prepared, path: Path, before: str | None, after: str | None, lines: Sequence[Line]) -> Part:
    found = differences(before, after)
    return Part(path, tuple(_rows(prepared, found, lines)), found)


def _is_hook(each: Difference) -> bool:
    return each.path[0] == "hooks" and each.item


def _rows(prepared: Prepared, found: Sequence[Difference], lines: Sequence[Line]) -> Iterable[Row]:
    by_reason = dict[tuple[str, str], list[Difference]]()
    for each in found:
        if not _is_hook(each):
            mark = "-" if each.after is MISSING else "+"
            by_reason.setdefault((_reason(prepared, each, lines, found), mark), []).append(each)
    order = [group.reason for group in GROUPS]
    for reason, mark in sorted(by_reason, key=lambda key: order.index(key[0]) if key[0] in order else len(order)):
        yield Row(reason, _cells(prepared, by_reason[reason, mark]), mark)
    hooks = [each for each in found if _is_hook(each)]
    for mark, wanted in (("-", False), ("+", True)):
        if events := {each.path[1] for each in hooks if (each.before is MISSING) is wanted}:
            cell = Cell("hooks for", f"{_counted(len(events), 'event')} ({SHOW_HOOKS})", between=" ")
            yield Row("session log, checks" if wanted else "no longer needed", (cell,), mark)


def _reason(prepared: Prepared, each: Difference, lines: Sequence[Line], found: Sequence[Difference]) -> str:
    """Why a value is written: with others of its group the group's reason, alone its own."""
    if each.after is MISSING:
        return "no longer needed"
    if each.path[0] == "statusLine" and prepared.status_line is not None:
        return statusline_reason(prepared.status_line)
    item = each.after if each.item else None
    line = next((e for e in lines if e.path == each.path and (not each.item or e.value == item)), None)
    if line is None:
        return "as it was before"
    group = group_of(each.path, item)
    beside = [e for e in found if e.after is not MISSING and group_of(e.path, e.after if e.item else None) is group]
    return group.reason if group is not None and len(beside) > 1 else line.reason


def _cells(prepared: Prepared, found: Sequence[Difference]) -> tuple[Cell, ...]:
    cells = [_cell(prepared, each) for each in found]
    for names, folded in _FOLDED:
        those = [cell for cell in cells if cell.name in names]
        if len(those) == len(names) and len({(cell.value, cell.was) for cell in those}) == 1:
            one = those[0]
            model = next((cell for cell in cells if cell.name == _MODEL), None)
            like = model is not None and names is ALIAS_VARIABLES and (model.value, model.was) == (one.value, one.was)
            place = cells.index(one)
            cells = [cell for cell in cells if cell not in those]
            cells.insert(place, Cell(folded, "same", between=": ") if like else Cell(folded, one.value, one.was))
    return tuple(_together(cells, found))


def _together(cells: Sequence[Cell], found: Sequence[Difference]) -> Iterable[Cell]:
    """Values of one object of the settings as one cell: `permissions: defaultMode=default, deny WebSearch`."""
    parents = {each.name: each.path[0] for each in found if each.path[0] != "env" and len(each.path) > 1}
    done = set[str]()
    for cell in cells:
        parent = parents.get(cell.name)
        those = [each for each in cells if parent is not None and parents.get(each.name) == parent]
        if len(those) < 2:
            yield cell
        elif parent is not None and parent not in done:
            done.add(parent)
            texts = (each.text.removeprefix(f"{parent}.") for each in those)
            yield Cell(parent, ", ".join(texts), between=": ")


def _cell(prepared: Prepared, each: Difference) -> Cell:
    name = printable(each.name)
    if each.item:
        return Cell(name, _shown(prepared, each, each.before if each.after is MISSING else each.after), between=" ")
    if each.after is MISSING:
        return Cell(name, _shown(prepared, each, each.before))
    was = "" if each.before is MISSING else _shown(prepared, each, each.before)
    return Cell(name, _shown(prepared, each, each.after), was)


def _shown(prepared: Prepared, each: Difference, value: object) -> str:
    """A value on one line, with no secret in it."""
    if not isinstance(value, str):
        return printable(without_secrets(json.dumps(value, ensure_ascii=False)))
    harmless = {str(line.value) for line in prepared.lines if not line.secret}
    if value in prepared.secrets or (value not in harmless and is_secret(each.path[-1], value)):
        return mask_secret(value)
    text = printable(without_secrets(value))
    return text if text and not set(text) & set(" \"',;") else json.dumps(text, ensure_ascii=False)


# --- the summary


def summary(prepared: Prepared, moved: Sequence[Affected]) -> list[tuple[str, str]]:
    """What changes, where, who is affected, which sessions are open, and how it is undone."""
    opened = [("Open", _open(moved))] if moved else []
    return [
        ("Changes", _changes(prepared)),
        ("Where", _where(prepared)),
        ("Affects", who(prepared)),
        *opened,
        ("Undo", undo(prepared)),
    ]


def undo(prepared: Prepared) -> str:
    """The command that gives this very file back."""
    return command("claude-local", "disable", "--scope", str(prepared.request.scope))


def asks_for_trust(prepared: Prepared) -> bool:
    """Whether the next interactive session asks about this folder before it reads what was written here."""
    return prepared.request.scope is not Scope.USER and prepared.world.snapshot().trusted is not True


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _changes(prepared: Prepared) -> str:
    found = [each for part in parts(prepared) for each in part.differences]
    events = {each.path[1] for each in found if _is_hook(each)}
    plain = [each for each in found if not _is_hook(each)]
    out = sum(each.after is MISSING for each in plain)
    new = sum(each.before is MISSING for each in plain)
    kinds = ((new, "added"), (len(plain) - out - new, "changed"), (out, "taken out"))
    said = [f"{_counted(count, 'setting')} {word}" for count, word in kinds if count]
    said += [f"hooks for {_counted(len(events), 'event')}"] if events else []
    return f"{', '.join(said)}   (--diff: every line)" if said else "nothing in the settings"


def _where(prepared: Prepared) -> str:
    world = prepared.world

    def short(path: str | Path) -> str:
        return printable(short_path(path, cwd=world.cwd, home=world.home))

    said = short(prepared.settings_file)
    if prepared.is_linked:
        said += f", a link to {short(prepared.target)}"
    more = ["new"] if prepared.before is None else []
    if "exclude_file" in prepared.exclude:
        more.append(f"ignored by git: {short(prepared.exclude['exclude_file'])}")
    said += f" ({'; '.join(more)})" if more else ""
    if prepared.state_file is not None and prepared.state_file.changed:
        said += f"; {short(prepared.state_file.path)}"
    return said


def who(prepared: Prepared) -> str:
    """Whose sessions the file speaks for, in true words."""
    scope, world = prepared.request.scope, prepared.world
    if scope is Scope.USER:
        return "every project of yours that does not say otherwise itself"
    layout = git_layout(world.cwd)
    if scope is Scope.PROJECT:
        everyone = "; once it is committed, everyone who pulls it" if layout else ""
        return f"sessions that start in this folder{everyone}"
    if layout is None or prepared.settings_file.parent.parent != layout.main_root:
        return "sessions that start in this very folder"
    count = linked_worktrees(layout.common_dir)
    if count == 0:
        return "this project"
    return f"this project and its {count:,} worktrees" if count > 1 else "this project and its worktree"


def linked_worktrees(common_dir: Path | None) -> int:
    """How many linked worktrees of a repository there are, as far as their folders are still there."""
    return sum(1 for pointer in (common_dir / "worktrees").glob("*/gitdir") if _is_there(pointer)) if common_dir else 0


def _is_there(pointer: Path) -> bool:
    try:
        named = pointer.read_text(encoding="utf-8", errors="surrogateescape").strip()
        return bool(named) and (pointer.parent / named).exists()
    except (OSError, ValueError):  # unreadable, or no path at all: nothing that can be counted
        return False


def _open(found: Sequence[Affected]) -> str:
    moving = [each for each in found if each.moves]
    staying = len(found) - len(moving)
    said = [f"{_counted(len(moving), 'session')}, whose next prompt goes elsewhere (above)"] if moving else []
    said += (
        [f"{_counted(staying, 'session')} that stay{'s' if staying == 1 else ''} where it is"] if staying == 1 else []
    )
    said += [f"{_counted(staying, 'session')} that stay where they are"] if staying > 1 else []
    return "; ".join(said)
