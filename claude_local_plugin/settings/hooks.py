"""Our entries in the `hooks` block of a settings file: how they are written and how they are recognised."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from claude_local_plugin.core.frozen import frozen
from claude_local_plugin.core.registration import (
    CONFIG_OPTION,
    EVENTS,
    INTERPRETER_FLAGS,
    LAUNCH,
    LAUNCH_AND_SAY,
    LAUNCHED,
    PATIENT,
    PATIENT_EVENTS,
    PATIENT_TIMEOUT_S,
    PLUGIN,
    PLUGIN_ROOT,
    SCRIPT,
    SHELL,
    STATE_OPTION,
    TIMEOUT_S,
)
from claude_local_plugin.precedence import FileState, Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from claude_local_plugin.settings.document import Append


def entries(python: str, hooks_dir: Path, state_dir: Path, config_dir: Path | None = None) -> "tuple[Append, ...]":
    """The edits that install our hook for every event.

    Exec form (spaces and quotes in paths are harmless) with an absolute interpreter: a bare `python3` may be a shim
    that costs more than the hook, or not be there at all. A line of shell goes before it, which does nothing where the
    interpreter or the script is gone. `config_dir` is where config.toml is if not in the platform's own folder.
    """
    from claude_local_plugin.settings.document import Append  # `status` only looks, and is to be quick

    argv = [python, *INTERPRETER_FLAGS, str(hooks_dir / SCRIPT), *options(state_dir, config_dir)]
    return tuple(Append(("hooks", event), {"hooks": [_handler(event, argv)]}) for event in EVENTS)


def _handler(event: str, argv: list[str]) -> dict[str, object]:
    patient = event in PATIENT_EVENTS
    launched = _launched(event, [*argv, PATIENT] if patient else argv)
    return {"type": "command", **launched, "timeout": PATIENT_TIMEOUT_S if patient else TIMEOUT_S}


def _launched(event: str, argv: list[str]) -> dict[str, object]:
    """The command and the arguments that start this program, or do nothing where it is gone."""
    if not Path(SHELL).exists():  # Windows
        return {"command": argv[0], "args": argv[1:]}
    script = LAUNCH_AND_SAY if event == "SessionStart" else LAUNCH
    return {"command": SHELL, "args": ["-c", script, *argv, LAUNCHED]}


def options(state_dir: Path, config_dir: Path | None) -> tuple[str, ...]:
    """What tells our hook and our status line where our own folders are."""
    return (STATE_OPTION, str(state_dir), *((CONFIG_OPTION, str(config_dir)) if config_dir else ()))


def without_room(settings: Mapping[str, object], event: str) -> tuple[str, ...] | None:
    """The path of what stands where a hook for `event` would have to go and is neither a list nor null.

    None where there is room. Claude Code leaves such a thing out and keeps the rest of the file (2.1.266 to 2.1.332).
    """
    block = settings.get("hooks")
    if block is None:
        return None
    if not isinstance(block, dict):
        return ("hooks",)
    return None if isinstance(block.get(event), list | None) else ("hooks", event)


def installed(settings: Mapping[str, object]) -> dict[str, list[str]]:
    """Event -> argv of our hook, for the events it is installed for in these settings."""
    found: dict[str, list[str]] = {}
    for event, group in groups(settings):
        found.setdefault(event, next(argv for argv in _commands(group) if _is_ours(argv)))
    return found


def groups(settings: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Every group of hooks that runs ours, with its event; shapes that Claude Code would skip are skipped."""
    hooks = settings.get("hooks")
    for event, listed in hooks.items() if isinstance(hooks, Mapping) else ():
        for group in listed if isinstance(listed, list) else ():
            if isinstance(group, Mapping) and any(_is_ours(argv) for argv in _commands(group)):
                yield str(event), group


def _is_ours(argv: list[str]) -> bool:
    return any(Path(part).name == SCRIPT for part in argv)


def _commands(group: Mapping[str, object]) -> Iterator[list[str]]:
    """The argv of every command hook in one group."""
    handlers = group.get("hooks")
    for handler in handlers if isinstance(handlers, list) else ():
        if isinstance(handler, Mapping) and isinstance(handler.get("command"), str):
            args = handler.get("args")
            yield [handler["command"], *(str(arg) for arg in (args if isinstance(args, list) else ()))]


@frozen
class Installed:
    """One of our hooks where it was found; `problem` says why it cannot run, None if it can."""

    event: str
    scope: str
    path: str
    problem: str | None

    @property
    def trouble(self) -> str:
        """What is said of one that cannot run; "" of one that can."""
        return f"the {self.event} hook cannot run: {self.problem}" if self.problem else ""

    def as_json(self) -> "dict[str, Any]":
        """As the JSON outputs show it."""
        return dict(vars(self))


def found_in(snapshot: Snapshot) -> tuple[Installed, ...]:
    """Our hooks in every settings file that a session here reads, highest precedence first, then the plugin's.

    The plugin's have the scope "plugin", and the path of the file that switches it on; of a session that was started
    with `--plugin-dir`, and asks from within, that of the plugin's own list.
    """
    found = []
    for settings_file in snapshot.files:
        if settings_file.state is not FileState.READ:
            continue
        for event, argv in installed(settings_file.data).items():
            found.append(Installed(event, settings_file.scope.value, str(settings_file.path), cannot_run(argv)))
    path = _plugin_enabled_in(snapshot) or _plugin_asking(snapshot)
    if path is not None:
        found += [Installed(event, "plugin", str(path), None) for event in EVENTS]
    return tuple(found)


def _plugin_enabled_in(snapshot: Snapshot) -> Path | None:
    """The settings file that switches our plugin on; None where none does, or a stronger one switches it off."""
    for settings_file in snapshot.files:
        plugins = settings_file.data.get("enabledPlugins") if settings_file.state is FileState.READ else None
        for name, enabled in plugins.items() if isinstance(plugins, Mapping) else ():
            if str(name).partition("@")[0] == PLUGIN:
                return settings_file.path if enabled is True else None
    return None


def _plugin_asking(snapshot: Snapshot) -> Path | None:
    """The hooks of our plugin, where one of them asks: Claude Code tells it its folder, however it was loaded."""
    root = snapshot.shell.get(PLUGIN_ROOT, "")
    listed = Path(root, "hooks", "hooks.json")
    return listed if root and listed.is_file() and listed.with_name(SCRIPT).is_file() else None


def _on_path(program: str) -> str | None:
    import shutil  # brings three compressors, and the programs of nearly all hooks are absolute

    return shutil.which(program)


def cannot_run(argv: list[str]) -> str | None:
    """Why this hook's command line would fail here; None if nothing speaks against it."""
    programs = [argv[0], *([argv[3]] if argv[1:2] == ["-c"] and len(argv) > 4 else [])]
    for program in programs:
        if not (os.access(program, os.X_OK) if Path(program).is_absolute() else _on_path(program)):
            return f"its interpreter {program} is gone"
    script = next(part for part in argv if Path(part).name == SCRIPT)
    return None if Path(script).is_file() else f"its script {script} is gone"
