"""The text for `--settings`: what the command itself was given there, under what the run needs."""

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from claude_local_plugin.core.settings_files import strict_json
from claude_local_plugin.errors import SettingsError
from claude_local_plugin.settings import file


def given(text: str | None, cwd: Path) -> dict[str, Any]:
    """The settings that a command was given, a file's name or JSON; raises SettingsError where they are none."""
    if text is None:
        return {}
    inline = text.lstrip().startswith("{")
    where = "--settings" if inline else str(cwd / text)
    content = text if inline else file.read(cwd / text) if text else None
    if content is None:
        raise SettingsError(f"--settings {text}: there is no such file", "name a file, or the settings as JSON")
    try:
        found = strict_json(content)
    except ValueError as fault:
        raise SettingsError(f"{where}: no JSON ({fault})", "Claude Code would refuse it, too: fix it") from None
    if not isinstance(found, dict):
        raise SettingsError(f"{where}: no JSON object", "Claude Code would refuse it, too: fix it")
    return found


def merged(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Theirs with ours over it, table by table; lists of both are one, as Claude Code makes one of all scopes'."""
    found = deepcopy(dict(theirs))
    for key, value in ours.items():
        there = found.get(key)
        if isinstance(there, dict) and isinstance(value, Mapping):
            found[key] = merged(there, value)
        elif isinstance(there, list) and isinstance(value, list):
            found[key] = [*there, *(each for each in value if each not in there)]
        else:
            found[key] = deepcopy(value)
    return found


def text_of(settings: Mapping[str, Any]) -> str:
    """The text of the file."""
    return json.dumps(settings, indent=2, ensure_ascii=False) + "\n"
