"""What is unmistakably ours in a settings file of which nothing is on record: as after another tool put a block back,
or with a state folder that is gone.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from claude_local_plugin.core.endpoint import PLACEHOLDER
from claude_local_plugin.settings import file, hooks, ownership, statusline
from claude_local_plugin.settings.document import (
    MISSING,
    Append,
    Change,
    DocumentError,
    Raw,
    Set,
    parse,
    same,
    value_at,
)
from claude_local_plugin.settings.ownership import BACKEND, STATUSLINE
from claude_local_plugin.settings.record import Layer, Record, Slot, State, Trace
from claude_local_plugin.settings.variables import catalogue

TOKEN = "ANTHROPIC_AUTH_TOKEN"
#: What `enable` may write beside the `env` block.
_BESIDE: tuple[tuple[tuple[str, ...], object], ...] = (
    (("skipWebFetchPreflight",), True),
    (("permissions", "defaultMode"), "default"),
    (("apiKeyHelper",), ""),
)


def on_record(settings_file: Path, state_dir: Path) -> tuple[Record | None, bool]:
    """What is on record for a settings file; else, and then with True, what its text alone says is ours.

    Raises SettingsError for a damaged record.
    """
    record, text = ownership.load(settings_file, state_dir), file.read(settings_file)
    if record is not None or text is None:
        return record, False
    return orphaned(file.resolve(settings_file), text), True


def orphaned(settings_file: Path, text: str) -> Record | None:
    """A record as of a file in which nothing stood where ours stands now; None where nothing is ours for certain.

    Nobody knows any more what stood there before us.
    """
    found = tuple(_found(text))
    if not found:
        return None
    containers = dict.fromkeys(change.path[:end] for change, _ in found for end in range(len(change.path), 0, -1))
    made = [path for path in containers if path not in {change.path for change, _ in found if isinstance(change, Set)}]
    line = tuple(change for change, _ in found if change.path[0] == statusline.KEY)
    rest = tuple(change for change, _ in found if change not in line)
    return Record(
        settings_file,
        tuple(Layer(purpose, changes) for purpose, changes in ((BACKEND, rest), (STATUSLINE, line)) if changes),
        {Slot.of(change): (Trace(_raw(_value(change)), former),) for change, former in found},
        tuple(made),
        created_file=True,
    )


def _found(text: str) -> Iterator[tuple[Change, State]]:
    """Each place of ours, and what to put there instead."""
    try:
        settings = parse(text).value()
    except DocumentError:  # whoever edits it says so
        return
    if not isinstance(settings, Mapping):
        return
    env = settings.get("env")
    if isinstance(env, Mapping) and env.get(TOKEN) == PLACEHOLDER:
        known = catalogue()
        for name, value in env.items():
            if name in known and known[name].written:
                yield Set(("env", str(name)), value), MISSING
        for path, value in _BESIDE:
            if same(value_at(text, path), value):
                yield Set(path, value), MISSING
    for event, group in hooks.groups(settings):
        yield Append(("hooks", event), group), MISSING
    yield from _status_line(settings.get(statusline.KEY))


def _status_line(entry: object) -> Iterator[tuple[Change, State]]:
    """The one that `enable` installs; one that somebody typed is theirs."""
    command = entry.get("command") if isinstance(entry, Mapping) else None
    if not isinstance(command, str) or not statusline.is_installed(command):
        return
    if (wrapped := statusline.wrapped_by(command)) is not None:
        yield Set((statusline.KEY, "command"), command), _raw(wrapped)
    else:
        yield Set((statusline.KEY,), entry), MISSING


def _value(change: Change) -> object:
    return change.item if isinstance(change, Append) else change.value if isinstance(change, Set) else None


def _raw(value: object) -> Raw:
    return Raw(json.dumps(value))
