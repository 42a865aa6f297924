"""What Claude Code asks at its first start in a folder, answered beforehand in its own state file, and taken back.

Seen on 2.1.332: with both keys an interactive session in an empty home, without a network, begins with its prompt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from claude_local_plugin.client_config.model import Line
from claude_local_plugin.commands.masking import masked_diff
from claude_local_plugin.errors import SettingsError
from claude_local_plugin.precedence import Scope
from claude_local_plugin.precedence.locate import global_state_file
from claude_local_plugin.settings import file, ownership
from claude_local_plugin.settings.document import DocumentError
from claude_local_plugin.settings.ownership import FIRST_RUN
from claude_local_plugin.world import World


@dataclass(frozen=True, slots=True)
class Plan:
    """The edit of Claude Code's state file: the lines, and what it holds before and after."""

    path: Path
    wanted: ownership.Wanted = field(repr=False)
    lines: tuple[Line, ...]
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return self.before != self.after

    def diff(self) -> str:
        """The unified diff, with secrets masked."""
        return masked_diff(self.before, self.after, self.path)


def purpose(settings_file: Path) -> str:
    """Whose part in the state file it is: that of the settings file it was written beside."""
    return f"{FIRST_RUN}:{settings_file}"


def plan(world: World, scope: Scope, settings_file: Path) -> Plan:
    """What answers the questions for a session in this folder; raises SettingsError where the file cannot be edited."""
    path = global_state_file(world.cwd, world.home, world.environ)
    lines = _lines(world, scope, settings_file)
    wanted = {purpose(settings_file): tuple(line.change() for line in lines)}
    before = file.read(path)
    try:
        after = ownership.preview(before, wanted, ownership.load(path, world.state_dir)).after
    except DocumentError as error:
        raise SettingsError(
            f"{path}:{error.line}:{error.column}: {error.fault}; Claude Code starts afresh with a file like this",
            "fix that place, or leave --first-run out; nothing was written",
        ) from error
    return Plan(path, wanted, lines, before, after)


def _lines(world: World, scope: Scope, settings_file: Path) -> tuple[Line, ...]:
    trusted = [world.cwd]
    if scope is not Scope.USER and (folder := settings_file.parent.parent) != world.cwd:
        # the folder stands for those below it, a linked worktree for itself
        trusted = [folder] if world.cwd.is_relative_to(folder) else [folder, world.cwd]
    return (
        Line(("hasCompletedOnboarding",), True, "no theme, no security notes, no connection to Anthropic at first"),
        *(
            Line(
                ("projects", folder.as_posix(), "hasTrustDialogAccepted"),
                True,
                "you trust this folder: its settings, hooks and servers count without a question",
            )
            for folder in trusted
        ),
    )


def write(planned: Plan, world: World) -> None:
    """Carry it out."""
    ownership.apply(planned.path, planned.wanted, state_dir=world.state_dir)


def on_record(world: World, settings_files: Sequence[Path]) -> tuple[ownership.Record, tuple[str, ...]] | None:
    """Our part in the state file that was written beside these settings files; None where there is none."""
    path = global_state_file(world.cwd, world.home, world.environ)
    record = ownership.load(path, world.state_dir)
    if record is None:
        return None
    ours = tuple(each for each in map(purpose, settings_files) if record.layer(each) is not None)
    return (record, ours) if ours else None


def is_of_state_file(purposes: Sequence[str] | Mapping[str, object]) -> bool:
    """Whether a record with these purposes is of Claude Code's state file, which is no settings file."""
    return bool(purposes) and all(each.partition(":")[0] == FIRST_RUN for each in purposes)
