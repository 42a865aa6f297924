"""Give a folder's settings files back as they were before `enable`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from claude_local_plugin import git
from claude_local_plugin.commands.enable import MODE, previewed
from claude_local_plugin.commands.world import World
from claude_local_plugin.precedence import Scope, settings_file_to_write
from claude_local_plugin.settings import file, ownership
from claude_local_plugin.settings.ownership import BACKEND, BENCH, HOOKS, STATUSLINE


def disable(world: World, scopes: Sequence[Scope]) -> dict[str, Any]:
    """Give each scope's settings file back as it was before `enable` (schemas/disable.schema.json)."""
    files = [
        _disable_file(world, scope, settings_file)
        for scope in scopes
        for settings_file in _files_to_disable(world, scope)
    ]
    return {"changed": any(entry["changed"] for entry in files), "files": files}


def _files_to_disable(world: World, scope: Scope) -> list[Path]:
    """The settings file of this scope, and the one that another version of the client had `enable` write instead."""
    found: list[Path] = []
    for version in (world.client_version, None, "2.1.210"):  # from 2.1.211 on, local settings are at git's root
        path = settings_file_to_write(
            scope, cwd=world.cwd, home=world.home, environ=world.environ, client_version=version
        )
        if not found or (path not in found and ownership.load(path, world.state_dir)):
            found.append(path)
    return found


def _disable_file(world: World, scope: Scope, settings_file: Path) -> dict[str, Any]:
    record = ownership.load(settings_file, world.state_dir)
    if record is not None and record.layer(BACKEND):
        previewed(file.read(settings_file), {BACKEND: ()}, record, settings_file)  # raises before anything is touched
        _include(record.extras, world)  # first: while the record is there, an interrupted run can be run again
    reverted = ownership.revert(settings_file, state_dir=world.state_dir, purposes=(BACKEND, BENCH, STATUSLINE))
    _give_back_mode(reverted)
    left = ownership.load(settings_file, world.state_dir)
    return {
        "scope": scope.value,
        "settings_file": str(settings_file),
        "had_record": reverted.had_record,
        "changed": reverted.changed,
        "restored": [".".join(path) for path in reverted.restored],
        "removed": [".".join(path) for path in reverted.removed],
        "kept": [{"key": ".".join(kept.path), "reason": kept.reason} for kept in reverted.kept],
        "removed_file": reverted.removed_file,
        "hooks_stay": left is not None and left.layer(HOOKS) is not None,
    }


def _give_back_mode(reverted: ownership.Reverted) -> None:
    """Let others read the file again, where they were kept out while it held a key."""
    mode = reverted.extras.get(MODE)
    if mode is not None and reverted.target.exists():
        reverted.target.chmod(int(mode, 8))


def _include(extras: Mapping[str, str], world: World) -> None:
    """Take back what was done to keep a settings file out of git."""
    if "exclude_file" not in extras:
        return
    line, before = extras["exclude_line"], extras.get("exclude_before")
    file.rewrite(
        Path(extras["exclude_file"]),
        lambda text: git.without_line(text, line, before),
        lock_dir=world.state_dir / "locks",
    )
    if "exclude_folder" in extras:
        file.remove_empty((Path(extras["exclude_folder"]),))
