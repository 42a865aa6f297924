"""claude-local's own config.toml: where it is, what it says and what holds without it, and changing one key."""

import os
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claude_local_plugin import paths
from claude_local_plugin.config import (
    ABSENT,
    KEYS,
    PROJECT_KEYS,
    ConfigFile,
    Key,
    Problem,
    load,
    nearest,
    replace,
    strictest,
    validated,
)
from claude_local_plugin.core import config as for_hooks
from claude_local_plugin.core import config_rules, locations
from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import SettingsError, UsageError
from claude_local_plugin.text import printable

#: What to type where the default is no example of a value.
EXAMPLES = {
    "down_command": "ssh box docker compose up -d",
    "allowed_backends": "http://localhost:8000 cloud",
    "push": "postgresql://db.example/team",
    "push_since": "2026-11-01",
}

#: What lists every setting.
ALL = command("claude-local", "config", "list")


@dataclass(frozen=True, slots=True)
class Where:
    """Whose settings: the folder, home and environment the command runs in, our state folder, and `--project`."""

    cwd: Path
    home: Path
    environ: Mapping[str, str] = field(repr=False)
    state_dir: Path
    project: str | None = None

    @property
    def file(self) -> Path:
        """config.toml."""
        return paths.config_dir(self.environ) / locations.CONFIG_FILE

    @property
    def folder(self) -> str | None:
        """The folder of `--project` as an absolute path."""
        return None if self.project is None else os.path.abspath(self.cwd / Path(self.project).expanduser())  # noqa: PTH100  (no links followed)


def path(where: Where) -> dict[str, Any]:
    """The report of `claude-local config path`."""
    return {"path": str(where.file), "exists": where.file.exists()}


def list_settings(where: Where) -> dict[str, Any]:
    """The report of `claude-local config list`: every key with its value, its default, and the line that sets it.

    With `--project` the keys of a folder alone, with what holds there. Hooks are given what was read.
    Raises SettingsError for a file that is no TOML.
    """
    found = load(where.file, where.environ)
    if found.text is not None:
        for_hooks.load(str(where.state_dir), where.environ)
    keys = KEYS if where.project is None else PROJECT_KEYS
    projects = found.data.get("projects", {}) if where.project is None and found.settings.projects else {}
    return {
        **path(where),
        "settings": [_shown(where, found, key) for key in keys],
        "projects": [
            {
                "folder": name,
                "key": key.name,
                "value": _plain(value),
                "line": found.line(("projects", name, key.name)),
                "understood": _problem(found, ("projects", name, key.name)) is None,
            }
            for name in projects
            if name in found.settings.projects
            for key in PROJECT_KEYS
            if (value := getattr(found.settings.projects[name], key.name)) is not None
        ],
        "problems": [each.as_json() for each in found.problems],
        "said": [str(each) for each in found.problems],
        "valid": all(each.unknown for each in found.problems),
    }


def get(where: Where, name: str) -> dict[str, Any]:
    """The report of `claude-local config get`; raises SettingsError where what the file says cannot be used."""
    key = _key(where, name)
    found = load(where.file, where.environ)
    target = _target(where, found, key)
    if problem := _problem(found, target):
        raise SettingsError(str(problem), _example(where, key))
    return _shown(where, found, key)


def set_value(where: Where, name: str, words: Sequence[str]) -> dict[str, Any]:
    """Sets a key; the report of `claude-local config set`. Raises UsageError for a value that it cannot have."""
    key = _key(where, name)
    value = _value(where, key, words)
    if where.folder is not None and not _is_text(where.folder):
        raise UsageError(
            f"the name of {printable(where.folder)} has bytes that are no UTF-8, so it cannot be written into TOML",
            "set it for the folder above: what holds there holds below, too",
        )
    report = _replaced(where, _target(where, load(where.file, where.environ), key), key, value)
    if where.folder is not None and not Path(where.folder).is_dir():
        report["said"].append(f"there is no folder {where.folder}: this holds once there is")
    program = (report["value"] or [""])[0] if key.name == "down_command" else ""
    if program and shutil.which(program, path=where.environ.get("PATH")) is None:
        report["said"].append(f"{program} is not found on PATH; kept, and looked for again when it is to run")
    return report


def _is_text(name: str) -> bool:
    """Whether a file's name can be written in UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def unset(where: Where, name: str) -> dict[str, Any]:
    """Takes a key out, also one that we do not know; the report of `claude-local config unset`."""
    found = load(where.file, where.environ)
    unknown = tuple(name.split("."))
    if where.project is None and any(each.unknown and each.path == unknown for each in found.problems):
        changed = replace(where.file, unknown, ABSENT, where.state_dir / "locks", where.environ)
        return {"path": str(where.file), "key": name, "project": None, "value": None, "changed": changed}
    key = _key(where, name)
    return _replaced(where, _target(where, found, key), key, ABSENT)


def _replaced(where: Where, target: tuple[str, ...], key: Key, value: object) -> dict[str, Any]:
    changed = replace(where.file, target, value, where.state_dir / "locks", where.environ)
    if changed:
        for_hooks.refresh(str(where.state_dir), where.environ)
    after = load(where.file, where.environ)
    return {
        "path": str(where.file),
        "key": key.name,
        "project": target[1] if where.project is not None else None,
        "value": _shown(where, after, key)["value"],
        "changed": changed,
        "said": [str(each) for each in after.problems],
    }


def _shown(where: Where, found: ConfigFile, key: Key) -> dict[str, Any]:
    """One key: what holds, its default, whether and where the file sets it, and whether that was understood.

    What was not counts as set only where something other than the default holds for it. With `--project` the file may
    set the key for a folder around that one, or for all.
    """
    value: Any = found.settings
    targets = [key.path]
    if where.project is None:
        for step in key.path:
            value = getattr(value, step)
    else:
        config = for_hooks.Config(str(where.state_dir), for_hooks.understood(found.data)[0])
        value = getattr(config.for_project(where.folder), key.name)
        targets = [*(("projects", name, *key.path) for name in reversed(config.around(where.folder))), key.path]
    target = next((each for each in targets if _is_set(found, each)), None)
    problem = None if target is None else _problem(found, target)
    default = next(each.default for each in KEYS if each.name == key.name)
    return {
        "key": key.name,
        "value": _plain(value),
        "default": _plain(default),
        "set": target is not None,
        "line": None if target is None else found.line(problem.path if problem else target),
        "understood": problem is None,
    }


def _is_set(found: ConfigFile, target: tuple[str, ...]) -> bool:
    """Whether the file says what holds for a key, however it is put."""
    problem = _problem(found, target)
    if problem is not None:
        return any(key == target for key, _ in strictest(problem.path, found.data))
    node: Any = found.data
    for step in target:
        node = node.get(step, ABSENT) if isinstance(node, Mapping) else ABSENT
    return node is not ABSENT


def _problem(found: ConfigFile, target: tuple[str, ...]) -> Problem | None:
    """What is wrong with a key, or with the table it is in."""
    return next((each for each in found.problems if each.path == target[: len(each.path)]), None)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _key(where: Where, name: str) -> Key:
    """The key by its name; raises UsageError with the nearest one for a name that there is not."""
    keys = KEYS if where.project is None else PROJECT_KEYS
    for key in keys:
        if key.name == name:
            return key
    if where.project is not None:
        names = " and ".join(each.name for each in PROJECT_KEYS)
        raise UsageError(f"{name} cannot be set for one folder, only {names} can", ALL)
    meant = nearest(name)
    hint = f"did you mean {meant}?   {ALL}" if meant else ALL
    raise UsageError(f"there is no setting called {name!r}", hint)


def _target(where: Where, found: ConfigFile, key: Key) -> tuple[str, ...]:
    """The key's path in the file; a folder that is there under another spelling keeps it."""
    if where.folder is None:
        return key.path
    here = for_hooks.real_folder(where.folder)
    known = found.data.get("projects", {})
    names = [name for name in known if for_hooks.real_folder(name) == here] if isinstance(known, Mapping) else []
    return ("projects", names[0] if names else _tilde(where.folder, str(where.home)), *key.path)


def _tilde(folder: str, home: str) -> str:
    """The folder with `~` for the home folder, so that the file can move to another machine."""
    return f"~{folder.removeprefix(home)}" if folder == home or folder.startswith(home + os.sep) else folder


def _value(where: Where, key: Key, words: Sequence[str]) -> Any:
    """What was typed, as the file is to hold it."""
    value: Any = " ".join(words)
    if key.type is bool:
        value = {"true": True, "false": False}.get(value)
    elif key.type in (int, float):
        value = _number(value)
    elif key.type is tuple:
        value = _words(key, words)
    wrapped: Any = value
    for step in reversed(key.path):
        wrapped = {step: wrapped}
    _, problems = validated(wrapped)
    if problems:
        raise UsageError(f"{key.name} {problems[0][1]}; nothing was written to {where.file}", _example(where, key))
    return config_rules.backends(value) if key.name == "allowed_backends" else value


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue  # a number of the other kind, or none
    return None


def _words(key: Key, words: Sequence[str]) -> Any:
    """Several texts, as words or as one list in TOML; a command that is one word stays the text that it is."""
    if len(words) == 1 and words[0].lstrip().startswith("["):
        try:
            parsed = tomllib.loads(f"value = {words[0]}")
        except tomllib.TOMLDecodeError:
            return None
        return parsed["value"] if parsed.keys() == {"value"} else None
    return words[0] if key.name == "down_command" and len(words) == 1 else list(words)


def _example(where: Where, key: Key) -> str:
    value = "true" if key.type is bool else EXAMPLES.get(key.path[-1], str(key.default))
    project = () if where.project is None else ("--project", str(where.project))
    return f"for example: {command('claude-local', 'config', 'set', *project, key.name, value)}"
