"""Take everything of ours out again: every settings file, and on request what we keep for ourselves."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from claude_local_plugin.commands import disable
from claude_local_plugin.hook_runtime import code_cache
from claude_local_plugin.launch import env_file, launchers
from claude_local_plugin.settings.ownership import BACKEND, BENCH, GUARD, HOOKS, STATUSLINE
from claude_local_plugin.world import World

#: Where this program is.
PACKAGE = Path(__file__).resolve().parents[1]

#: Every purpose for which something of ours stands in a settings file.
EVERYTHING = (BACKEND, HOOKS, BENCH, STATUSLINE, GUARD)

#: What is in the state folder: nothing else there is removed, whoever put it there.
FOLDERS = ("ownership", "journal", "spool", "claims", "conversations", "looks", "errands", "locks", "verified")
FILES = ("sessions.db*", "faults.log*", "config.json*", "salt*", "hooks-left", "verified*.json")


def prepare(world: World) -> disable.Prepared:
    """What taking ours out of every settings file on record, and out of this folder's, would do."""
    return disable.prepare_everywhere(world, purposes=EVERYTHING)


def elsewhere(world: World) -> tuple[Path, ...]:
    """What there is of ours beside settings files: lines in `.envrc` and `.env` files, and launchers."""
    folder = launchers.default_folder(world.home)
    return (*env_file.on_record(world.state_dir), *(path for path, _ in launchers.found(folder)))


def _taken_away(world: World) -> Iterator[Path]:
    """Takes that out; what was taken out of, or away."""
    for path in env_file.on_record(world.state_dir):
        env_file.carry_out(env_file.plan_removing(path.parent, path.name, world.state_dir), world.state_dir)
        yield path
    for path, _ in launchers.found(launchers.default_folder(world.home)):
        launchers.remove(path)
        yield path


def carry_out(prepared: disable.Prepared, *, purge: bool) -> dict[str, Any]:
    """Do it; what happened (schemas/uninstall.schema.json). With `purge` the session log and the rest go, too.

    Where hooks have to stay until open sessions have ended nothing is purged.
    """
    world = prepared.world
    report = disable.carry_out(prepared)
    others = [str(path) for path in _taken_away(world)]
    left = disable.is_guarding(world)
    if not left:
        with suppress(OSError):  # somebody else's installation, for whom it has kept nothing of ours
            code_cache.forget(str(PACKAGE))
    removed = [] if left or not purge else [str(path) for path in _purged(world.state_dir)]
    return {
        "changed": report["changed"] or bool(others),
        "files": report["files"],
        "editors": report["editors"],
        "others": others,
        "open_sessions": report["open_sessions"],
        "state_dir": str(world.state_dir),
        "purged": removed,
        "kept_for_open_sessions": left,
        "notes": report["notes"],
        "afterwards": report["afterwards"],
    }


def _purged(state_dir: Path) -> Iterator[Path]:
    """Removes what we keep for ourselves; what was removed."""
    for name in FOLDERS:
        if (state_dir / name).is_dir():
            shutil.rmtree(state_dir / name)
            yield state_dir / name
    for pattern in FILES:
        for path in sorted(state_dir.glob(pattern)):
            if path.is_file():
                path.unlink()
                yield path
    if state_dir.is_dir() and not any(state_dir.iterdir()):
        state_dir.rmdir()
        yield state_dir
