"""Our entries in the `hooks` block of a settings file: how they are written and how they are recognised."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from claude_local_plugin.guest.registration import EVENTS, INTERPRETER_FLAGS, SCRIPT, STATE_OPTION, TIMEOUT_S
from claude_local_plugin.settings.document import Append


def entries(python: str, hooks_dir: Path, state_dir: Path) -> tuple[Append, ...]:
    """The edits that install our hook for every event.

    Exec form (no shell, so spaces and quotes in paths are harmless) with an absolute interpreter: a bare `python3`
    may be a shim that costs more than the hook, or not be there at all.
    """
    return tuple(
        Append(
            ("hooks", event),
            {
                "hooks": [
                    {
                        "type": "command",
                        "command": python,
                        "args": [*INTERPRETER_FLAGS, str(hooks_dir / SCRIPT), STATE_OPTION, str(state_dir)],
                        "timeout": TIMEOUT_S,
                    }
                ]
            },
        )
        for event in EVENTS
    )


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
