"""Launchers: install, list, remove."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from claude_local_plugin import isolated, paths
from claude_local_plugin.core.locations import CONFIG_FILE
from claude_local_plugin.launch import launchers
from claude_local_plugin.launch.launchers import Launcher
from claude_local_plugin.profiles import CLOUD, named
from claude_local_plugin.text import printable
from claude_local_plugin.world import World

WINDOWS = os.name == "nt"


def install(
    world: World, name: str, profile: str | None, command: Sequence[str], folder: Path | None = None
) -> dict[str, Any]:
    """Write a launcher; what came of it (schemas/launcher-install.schema.json)."""
    launchers.checked(name, command)
    if profile is not None and profile != CLOUD:
        named(profile, paths.config_dir(world.environ) / CONFIG_FILE, world.environ)
    there = world.cwd / (folder or launchers.default_folder(world.home))
    path = launchers.path_of(name, there, windows=WINDOWS)
    launcher = Launcher(name, profile, tuple(command), world.python)
    changed = launchers.write(launcher, path, windows=WINDOWS)
    on_path = launchers.is_on_path(there, world.environ)
    return {
        "changed": changed,
        "name": name,
        "path": str(path),
        "profile": profile,
        "command": list(command),
        "on_path": on_path,
        "notes": list(_notes(world, launcher, path, on_path=on_path)),
    }


def _notes(world: World, launcher: Launcher, path: Path, *, on_path: bool) -> Iterator[str]:
    program = launcher.command[0]
    if os.sep not in program and isolated.program(program, world.environ) is None:
        yield f"there is no {printable(program)} on your PATH so far"
    if not on_path:
        yield f"{path.parent} is not on your PATH: add it there, or call the launcher with its path"
        return
    first = isolated.program(launcher.name, world.environ)
    if first is not None and os.path.realpath(first) != os.path.realpath(path):
        yield f"{first} stands before it on your PATH, and is what {launcher.name} runs"


def installed(world: World, folder: Path | None = None) -> dict[str, Any]:
    """Our launchers in the folder (schemas/launcher-list.schema.json)."""
    there = world.cwd / (folder or launchers.default_folder(world.home))
    return {
        "folder": str(there),
        "on_path": launchers.is_on_path(there, world.environ),
        "launchers": [
            {
                "name": launcher.name,
                "path": str(path),
                "profile": launcher.profile,
                "command": list(launcher.command),
                "problem": None if launchers.is_runnable(launcher.python) else f"{launcher.python} is gone",
            }
            for path, launcher in launchers.found(there)
        ],
    }


def remove(world: World, name: str, folder: Path | None = None) -> dict[str, Any]:
    """Take one away; what it was (schemas/launcher-remove.schema.json)."""
    launchers.checked(name, ("-",))
    there = world.cwd / (folder or launchers.default_folder(world.home))
    path = launchers.path_of(name, there, windows=WINDOWS)
    launcher = launchers.remove(path)
    return {
        "changed": True,
        "name": name,
        "path": str(path),
        "profile": launcher.profile,
        "command": list(launcher.command),
    }
