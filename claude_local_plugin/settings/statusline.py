"""Our command in `statusLine` of a settings file: how it is written, how it is recognised, and whose it wraps."""

import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from claude_local_plugin.core.registration import INTERPRETER_FLAGS, STATUSLINE_SCRIPT, WRAP_OPTION, are_options
from claude_local_plugin.precedence import FileState, Scope, SettingsFile, Snapshot
from claude_local_plugin.settings.document import Set
from claude_local_plugin.settings.hooks import Installed
from claude_local_plugin.settings.hooks import options as told

KEY = "statusLine"


@dataclass(frozen=True, slots=True)
class Plan:
    """The edits that install our status line in one file.

    `wraps` is the command that ours is to run, and `hidden_by` the file with a stronger status line, if there is one.
    """

    changes: tuple[Set, ...]
    command: str
    wraps: str | None
    hidden_by: Path | None


def plan(
    snapshot: Snapshot,
    settings_file: Path,
    python: str,
    hooks_dir: Path,
    state_dir: Path,
    config_dir: Path | None = None,
) -> Plan:
    """How to install it in `settings_file`, seen in the world as it is without our own entry there.

    A status line that is there stays what it is but for its command. Where there is none ours would hide that of a
    weaker file; Claude Code mixes the members of all files (observed on Claude Code 2.1.329), so that ours goes with
    the other's padding and refreshInterval.
    """
    place = next(index for index, file in enumerate(snapshot.files) if file.path == settings_file)
    here = command_in(snapshot.files[place])
    in_effect = next((found for file in snapshot.files[place:] if (found := command_in(file)) is not None), None)
    wraps = wrapped_by(in_effect) if in_effect is not None else None
    command = command_line(python, hooks_dir, state_dir, wraps, config_dir)
    change = Set((KEY,), {"type": "command", "command": command}) if here is None else Set((KEY, "command"), command)
    stronger = (file.path for file in snapshot.files[:place] if command_in(file) is not None)
    return Plan((change,), command, wraps, next(stronger, None))


def command_in(file: SettingsFile) -> str | None:
    """The status line's command in a settings file that Claude Code reads; None where it has none."""
    entry = file.data.get(KEY) if file.state is FileState.READ and file.scope in _SCOPES else None
    command = entry.get("command") if isinstance(entry, Mapping) else None
    return command if isinstance(command, str) else None


_SCOPES = (Scope.MANAGED, Scope.FLAG, Scope.LOCAL, Scope.PROJECT, Scope.USER)


def found_in(snapshot: Snapshot) -> Installed | None:
    """Our status line, if it is the one that sessions here have: of all files' commands the strongest counts."""
    in_effect = next(((file, found) for file in snapshot.files if (found := command_in(file)) is not None), None)
    if in_effect is None:
        return None
    file, command = in_effect
    try:
        argv = shlex.split(command)
    except ValueError:  # an open quote: none of ours
        return None
    return None if _options(argv) is None else Installed(KEY, file.scope.value, str(file.path), _cannot_run(argv))


def _cannot_run(argv: list[str]) -> str | None:
    """Why our command would fail here; None if nothing speaks against it, or only the shell knows."""
    program, script = argv[0], argv[min(len(INTERPRETER_FLAGS) + 1, len(argv) - 1)]
    if set(program + script) & set("$`~"):
        return None
    if not (os.access(program, os.X_OK) if Path(program).is_absolute() else shutil.which(program)):
        return f"its interpreter {program} is gone"
    gone = Path(script).name == STATUSLINE_SCRIPT and not Path(script).is_file()
    return f"its script {script} is gone" if gone else None


def command_line(
    python: str, hooks_dir: Path, state_dir: Path, wraps: str | None, config_dir: Path | None = None
) -> str:
    """Our command as a shell reads it: Claude Code runs a status line with `sh -c` and knows no exec form for it.

    `wraps` is the shell command of another status line to run and to show above ours.
    """
    argv = [python, *INTERPRETER_FLAGS, str(hooks_dir / STATUSLINE_SCRIPT), *told(state_dir, config_dir)]
    return shlex.join([*argv, *((WRAP_OPTION, wraps) if wraps else ())])


def wrapped_by(command: str) -> str | None:
    """What to wrap in place of a command: it, or what it wraps itself if it is ours, also one typed by hand."""
    try:
        argv = shlex.split(command)
    except ValueError:  # an open quote: whatever the shell makes of it, it is none of ours
        return command
    options = _options(argv)
    if options is None:
        return command if command.strip() else None
    return options[options.index(WRAP_OPTION) + 1] if WRAP_OPTION in options[::2] else None


def is_installed(command: str) -> bool:
    """Whether this is a command as `command_line` makes it, not one that somebody typed."""
    try:
        argv = shlex.split(command)
    except ValueError:  # an open quote
        return False
    place = len(INTERPRETER_FLAGS) + 1
    return _options(argv) is not None and len(argv) > place and Path(argv[place]).name == STATUSLINE_SCRIPT


def _options(argv: list[str]) -> list[str] | None:
    """What follows our program in an argv; None where the program is another one."""
    starts = len(INTERPRETER_FLAGS) + 2
    if len(argv) >= starts and Path(argv[starts - 1]).name == STATUSLINE_SCRIPT:
        options = argv[starts:]
    elif len(argv) >= 2 and Path(argv[0]).name == "claude-local" and argv[1] == "statusline":
        options = argv[2:]
    elif argv[1:4] == ["-m", "claude_local_plugin", "statusline"]:
        options = argv[4:]
    else:
        return None
    return options if are_options(options) else None
