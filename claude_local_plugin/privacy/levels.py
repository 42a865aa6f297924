"""Which level is in effect, and what the settings of a folder would be at another one."""

from pathlib import Path

from claude_local_plugin.client_config import build
from claude_local_plugin.client_config.destination import SettingsFile
from claude_local_plugin.client_config.model import Line
from claude_local_plugin.core.claude import is_on
from claude_local_plugin.precedence import Scope, Snapshot, effective, effective_env, settings_file_to_write
from claude_local_plugin.privacy.reading import listed, values
from claude_local_plugin.settings import file, ownership
from claude_local_plugin.settings.document import Append, Change, Set, same
from claude_local_plugin.settings.orphans import on_record
from claude_local_plugin.settings.ownership import BACKEND
from claude_local_plugin.world import World

#: What a record remembers the level under that `enable` was asked for.
RECORDED = "privacy"


def level_in_effect(snapshot: Snapshot) -> str:
    """The highest level all of whose lines are in effect, whoever wrote them."""
    for level, lines in ((build.AIRGAP, build.privacy_lines(snapshot, build.AIRGAP)), (build.QUIET, build.QUIET_LINES)):
        if all(_holds(snapshot, line) for line in lines):
            return level
    return build.LEVELS[0]


def _holds(snapshot: Snapshot, line: Line) -> bool:
    if line.path[0] == "env":
        value = effective_env(snapshot).get(line.path[1], "")
        return value == line.value or (line.value == "1" and is_on(value))
    if line.item:
        return any(same(each, line.value) for each in listed(snapshot, *line.path))
    if line.value == []:
        return any(True for _ in values(snapshot, *line.path)) and not list(listed(snapshot, *line.path))
    return effective(snapshot, line.key) == str(line.value).lower()


def at_level(world: World, level: str, scope: Scope | None = None) -> dict[Path, str | None]:
    """The settings file of this folder as it would be at a level, by its path; nothing is written.

    `scope` is by default the one that is enabled, the nearest first; else local. Raises DocumentError where the file
    cannot be edited.
    """
    chosen = scope or next((each for each in SCOPES if _record(world, each) is not None), Scope.LOCAL)
    path, record = _file(world, chosen), _record(world, chosen)
    before = file.read(path)
    without = ownership.preview(before, {BACKEND: ()}, record).after
    snapshot = world.snapshot({path: without})
    layer = record.layer(BACKEND) if record else None
    recorded = record.extras.get(RECORDED) if record else None
    kept = [each for each in (layer.changes if layer else ()) if not _is_of_a_level(each, recorded)]
    lines = SettingsFile(chosen).changes(build.privacy_lines(snapshot, level))
    added = [change for change in lines if not any(same_edit(change, each) for each in kept)]
    return {path: ownership.preview(before, {BACKEND: (*kept, *added)}, record).after}


SCOPES = (Scope.LOCAL, Scope.PROJECT, Scope.USER)


def _file(world: World, scope: Scope) -> Path:
    return settings_file_to_write(
        scope, cwd=world.cwd, home=world.home, environ=world.environ, client_version=world.client_version
    )


def _record(world: World, scope: Scope) -> ownership.Record | None:
    record, _ = on_record(_file(world, scope), world.state_dir)
    return record if record is not None and record.layer(BACKEND) is not None else None


def _is_of_a_level(change: Change, recorded: str | None) -> bool:
    """Whether a level's line made this edit; what is denied may have had another reason below airgap."""
    if isinstance(change, Append):
        return recorded == build.AIRGAP and any(same_edit(change, line.change()) for line in build.AIRGAP_LINES)
    paths = {line.path for line in (*build.QUIET_LINES, *build.AIRGAP_LINES)} | {build.TELEMETRY}
    return isinstance(change, Set) and change.path in paths


def same_edit(one: Change, other: Change) -> bool:
    """Whether two edits add the same to the same list."""
    if not (isinstance(one, Append) and isinstance(other, Append)):
        return False
    return one.path == other.path and same(one.item, other.item)
