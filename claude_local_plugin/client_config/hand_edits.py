"""What somebody changed by hand in the settings that an earlier `enable` wrote, and what becomes of it."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from claude_local_plugin.client_config import build
from claude_local_plugin.client_config.model import Line
from claude_local_plugin.settings import ownership
from claude_local_plugin.settings.document import Missing, Remove, Set, edit, same, value_at
from claude_local_plugin.settings.ownership import BACKEND

#: What a record remembers the keys under that were left as somebody edited them.
RESPECTED = "respected"

#: And those that `--reset` wrote over an edit: `disable` gives the edit back, and no later plan goes by it.
RESET = "reset"

#: Where sessions go rests on these, so they are written whatever was made of them.
NEEDED = frozenset(
    (
        "env.ANTHROPIC_BASE_URL",
        "env.ANTHROPIC_AUTH_TOKEN",
        "env.ANTHROPIC_API_KEY",
        "env.ANTHROPIC_CUSTOM_HEADERS",
        "env.ANTHROPIC_MODEL",
        "apiKeyHelper",
        *(f"env.{switch}" for switch in build.PROVIDER_SWITCHES),
    )
)

#: What belongs to the server it was written for.
OF_THE_SERVER = frozenset(
    (
        "env.CLAUDE_CODE_MAX_CONTEXT_TOKENS",
        "env.CLAUDE_CODE_SUBAGENT_MODEL",
        "env.ANTHROPIC_SMALL_FAST_MODEL",
        *(f"env.{name}" for name in build.ALIAS_VARIABLES),
    )
)


@dataclass(frozen=True, slots=True)
class Sorted:
    """The lines to write, those that stay as somebody edited them, and those written again over an edit."""

    lines: tuple[Line, ...]
    respected: tuple[Line, ...]
    overwritten: tuple[Line, ...]

    @property
    def extras(self) -> dict[str, str]:
        """What to remember, so that the next call leaves them alone too."""
        return {RESPECTED: json.dumps([line.key for line in self.respected])}


def sorted_out(
    lines: Sequence[Line],
    text: str | None,
    record: ownership.Record | None,
    *,
    explicit: Collection[str] = (),
    same_server: bool = True,
) -> Sorted:
    """Which of `lines` are written over what stands in the file.

    `explicit` are the keys asked for by an option ("all": every one).
    """
    edited = edits(text, record)
    found = [line for line in lines if line.key in edited and not same(edited[line.key], line.value)]
    needed = {line.key for line in found if line.key in NEEDED or (not same_server and line.key in OF_THE_SERVER)}
    respected = tuple(
        line for line in found if line.key not in needed and line.key not in explicit and "all" not in explicit
    )
    overwritten = tuple(line for line in found if line.key in needed and line.key not in explicit)
    return Sorted(tuple(line for line in lines if line not in respected), respected, overwritten)


def without(text: str | None, keys: Collection[str]) -> str | None:
    """The text without these keys."""
    return edit(text, [Remove(path_of(key)) for key in keys]).text if keys and text is not None else text


def path_of(key: str) -> tuple[str, ...]:
    """The path of a key as people write it: `env.NAME`, `permissions.defaultMode`."""
    return tuple(key.split(".", 1)) if key.startswith("env.") else tuple(key.split("."))


def edits(text: str | None, record: ownership.Record | None) -> Mapping[str, object]:
    """Key -> value of what we once wrote and somebody has changed since.

    Nothing where nothing of ours is left, as after `git checkout`, and nothing that is as it was before us.
    """
    layer = record.layer(BACKEND) if record else None
    if record is None or layer is None or text is None:
        return {}
    ours = {change.path: change.value for change in layer.changes if isinstance(change, Set)}
    others = {change.path for each in record.layers if each.purpose != BACKEND for change in each.changes}
    now = {path: value_at(text, path) for path in ours}
    if not any(same(now[path], value) for path, value in ours.items()):
        return {}
    former = {slot.path: traces for slot, traces in record.traces.items()}
    edited = {
        ".".join(path): value
        for path, value in now.items()
        if path not in others
        and not _is_missing(value)
        and not same(value, ours[path])
        and not any(same(trace.former, value) for trace in former.get(path, ()))
    }
    for key in _remembered(record, RESPECTED):
        value = value_at(text, path_of(key))
        if not _is_missing(value):
            edited[key] = value
    return edited


def left_alone(text: str | None, record: ownership.Record | None) -> frozenset[tuple[str, ...]]:
    """Where somebody has changed or taken out since what we once wrote: who mends something else leaves that alone.

    Nothing where nothing of ours is left.
    """
    layer = record.layer(BACKEND) if record else None
    edited = edits(text, record)
    ours = {change.path: change.value for change in layer.changes if isinstance(change, Set)} if layer else {}
    now = {path: value_at(text, path) for path in ours} if text is not None else {}
    if not any(same(now[path], value) for path, value in ours.items() if path in now):
        return frozenset()
    return frozenset(path for path, value in now.items() if ".".join(path) in edited or _is_missing(value))


def remembered(
    text: str | None, record: ownership.Record | None, written: Collection[tuple[str, ...]]
) -> dict[str, str]:
    """What to remember once `written` is written and the rest is left as somebody edited it."""
    keys = [key for key in edits(text, record) if path_of(key) not in written]
    return {RESPECTED: json.dumps(keys)} if keys else {}


def _is_missing(value: object) -> bool:
    return isinstance(value, Missing)


def were_reset(record: ownership.Record | None) -> frozenset[str]:
    """The keys that `--reset` wrote over an edit before."""
    return frozenset(_remembered(record, RESET)) if record else frozenset()


def _remembered(record: ownership.Record, name: str) -> tuple[str, ...]:
    """The keys that are remembered under this name."""
    try:
        keys = json.loads(record.extras.get(name, "[]"))
    except ValueError:  # not of our writing
        return ()
    return tuple(str(key) for key in keys) if isinstance(keys, list) else ()
