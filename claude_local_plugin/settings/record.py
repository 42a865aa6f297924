"""What we did to a settings file, on record: what stood there before us, what we wrote, and for whom."""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from claude_local_plugin.core import installed
from claude_local_plugin.errors import SettingsError
from claude_local_plugin.settings import file
from claude_local_plugin.settings.document import (
    MISSING,
    Append,
    Change,
    DocumentError,
    Missing,
    Raw,
    Remove,
    RemoveItem,
    Set,
    Splice,
)

SCHEMA_VERSION: Final = 1

#: What stands in a place of a document: a value with its JSON text, or nothing.
State = Raw | Missing


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that can be owned: the value at a path or, with `item` (its JSON text), one item of the list there."""

    path: tuple[str, ...]
    item: str | None = None

    @classmethod
    def of(cls, change: Change) -> "Slot":
        """The place that a change is about."""
        if isinstance(change, Append | RemoveItem):
            return cls(change.path, json.dumps(change.item, sort_keys=True))
        return cls(change.path)


@dataclass(frozen=True, slots=True)
class Trace:
    """We wrote `ours` where `former` stood."""

    ours: State
    former: State


@dataclass(frozen=True, slots=True)
class Layer:
    """What one purpose wants of the file."""

    purpose: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """Everything we know about our part in one settings file.

    `left` is the SHA-256 of the file as we left it, None if we left none. While the file is just that, `splices`
    leads from the text without us to the text with us, exactly; after somebody else's edit it is None, and
    `traces` says, place by place, what was ours and what stood there before. A place has more than one trace
    only after an interruption, when either may be true. `containers` are the objects and lists we made for what we
    wrote, `folders` the folders we made for the file (innermost first), `extras` what callers asked us to remember.
    """

    settings_file: Path
    layers: tuple[Layer, ...] = ()
    traces: Mapping[Slot, tuple[Trace, ...]] = field(default_factory=dict)
    containers: tuple[tuple[str, ...], ...] = ()
    created_file: bool = False
    folders: tuple[Path, ...] = ()
    left: str | None = None
    splices: tuple[Splice, ...] | None = None
    extras: Mapping[str, str] = field(default_factory=dict)

    @property
    def purposes(self) -> tuple[str, ...]:
        """Who has a part in the file, first come first."""
        return tuple(layer.purpose for layer in self.layers)

    @property
    def owned(self) -> tuple[tuple[str, ...], ...]:
        """The paths at which something of ours was written."""
        return tuple(dict.fromkeys(slot.path for slot in self.traces))

    def layer(self, purpose: str) -> Layer | None:
        """What this purpose wants, None if it has no part in the file."""
        return next((layer for layer in self.layers if layer.purpose == purpose), None)

    def is_exact(self, text: str | None) -> bool:
        """Whether the file is just as we left it, so that our edits can be undone to the byte."""
        return self.splices is not None and self.left == digest(text)

    def rebased(self, target: Path) -> "Record":
        """The same for the file where its folder was moved to: what lay beside it lies beside it there."""
        old, new = self.settings_file.parent.parent, target.parent.parent

        def there(path: Path) -> Path:
            return new / path.relative_to(old) if path.is_relative_to(old) else path

        extras = {
            name: str(there(Path(value))) if name in ("exclude_file", "exclude_folder") else value
            for name, value in self.extras.items()
        }
        return replace(self, settings_file=target, folders=tuple(map(there, self.folders)), extras=extras)


def digest(text: str | None) -> str | None:
    """The SHA-256 of a file's text in hexadecimal digits, None for no file."""
    return None if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Pending:
    """A write that was announced: the file was `found` so (a digest), and `previous` was its record then."""

    found: str | None
    previous: Record | None


@dataclass(frozen=True, slots=True)
class Stored:
    """What the record file holds: the record and, until the settings file is written, the pending write."""

    record: Record | None = None
    pending: Pending | None = None

    def settled(self, text: str | None) -> Record | None:
        """The record that is true of a settings file which holds `text`, whatever was interrupted when."""
        if self.pending is None or self.record is None:
            return self.record
        now, previous = digest(text), self.pending.previous
        if now == self.record.left:
            return self.record
        if now != self.pending.found:
            return _either(previous, self.record)
        # The settings file was never written, but folders may have been made for it.
        if previous is None and not self.record.folders:
            return None
        previous = previous or Record(self.record.settings_file, left=now)
        return replace(previous, folders=_union(self.record.folders, previous.folders))


def _either(previous: Record | None, record: Record) -> Record:
    """One record for a file that was last written under one of two, and edited by somebody else since."""
    if previous is None:
        return replace(record, splices=None)
    slots = dict.fromkeys((*previous.traces, *record.traces))
    return replace(
        record,
        layers=(*record.layers, *(layer for layer in previous.layers if layer.purpose not in record.purposes)),
        traces={slot: _union(previous.traces.get(slot, ()), record.traces.get(slot, ())) for slot in slots},
        containers=_union(previous.containers, record.containers),
        created_file=previous.created_file or record.created_file,
        folders=_union(record.folders, previous.folders),
        splices=None,
        extras={**previous.extras, **record.extras},
    )


_T = TypeVar("_T")


def _union(one: Sequence[_T], other: Sequence[_T]) -> tuple[_T, ...]:
    return (*one, *(each for each in other if each not in one))


# --- on disk ---------------------------------------------------------------------------------------------------------


class Store:
    """The record file of one resolved settings file, below the state folder.

    It may hold secrets that stood in the settings file, so only its owner may read it.
    """

    def __init__(self, state_dir: Path, target: Path) -> None:
        self.target = target
        self.path = folder_of(state_dir) / f"{file.identity(target)}.json"

    def read(self) -> Stored:
        """What is on record; raises SettingsError if that cannot be understood."""
        return read_record(self.path)

    def write(self, stored: Stored) -> None:
        """Put this on record, atomically; the caller holds the settings file's lock."""
        if stored.record is None:
            file.replace(self.path, lambda _: None)
            return
        text = json.dumps(_stored_data(stored.record, stored.pending), indent=1) + "\n"
        file.private_folder(self.path.parent)
        file.replace(self.path, lambda _: text)


def folder_of(state_dir: Path) -> Path:
    """Where the records are."""
    return state_dir / "ownership"


def read_record(path: Path) -> Stored:
    """What a record file holds (nothing, if there is none); raises SettingsError if that cannot be understood."""
    text = file.read(path)
    if text is None:
        return Stored()
    with _understood(path):
        data = json.loads(text)
        if data["schema_version"] > SCHEMA_VERSION:
            raise SettingsError(
                f"{path}: written by a newer claude-local (record version {data['schema_version']})",
                hint=installed.newer(),
            )
        settings_file = Path(data["settings_file"])
        record = _record(settings_file, data["record"])
        if (pending := data["pending"]) is None:
            return Stored(record)
        previous = pending["previous"] and _record(settings_file, pending["previous"])
        return Stored(record, Pending(pending["found"] and _text(pending["found"]), previous))


@contextlib.contextmanager
def _understood(path: Path) -> Iterator[None]:
    try:
        yield
    except (DocumentError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SettingsError(
            f"{path}: this record of what was changed in a settings file is damaged ({type(error).__name__})",
            hint="the settings file is untouched; move the record away to go on without it",
        ) from error


def _stored_data(record: Record, pending: Pending | None) -> dict[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        "settings_file": str(record.settings_file),
        "record": _record_data(record),
        "pending": pending
        and {
            "found": pending.found,
            "previous": pending.previous and _record_data(pending.previous),
        },
    }


def _record_data(record: Record) -> dict[str, object]:
    return {
        "layers": [
            {"purpose": layer.purpose, "changes": [_change_data(change) for change in layer.changes]}
            for layer in record.layers
        ],
        "traces": [
            {
                "path": slot.path,
                "item": slot.item,
                "traces": [_trace_data(trace) for trace in traces],
            }
            for slot, traces in record.traces.items()
        ],
        "containers": record.containers,
        "created_file": record.created_file,
        "folders": [str(folder) for folder in record.folders],
        "left": record.left,
        "splices": None
        if record.splices is None
        else [[splice.offset, splice.removed, splice.inserted] for splice in record.splices],
        "extras": dict(record.extras),
    }


def _record(settings_file: Path, data: Any) -> Record:
    return Record(
        settings_file,
        tuple(Layer(_text(layer["purpose"]), tuple(map(_change, layer["changes"]))) for layer in data["layers"]),
        {
            Slot(_path(slot["path"]), slot["item"] and _text(slot["item"])): tuple(map(_trace, slot["traces"]))
            for slot in data["traces"]
        },
        tuple(map(_path, data["containers"])),
        bool(data["created_file"]),
        tuple(Path(_text(folder)) for folder in data["folders"]),
        data["left"] and _text(data["left"]),
        None if data["splices"] is None else tuple(map(_splice, data["splices"])),
        _texts(data["extras"]),
    )


def _change_data(change: Change) -> dict[str, object]:
    match change:
        case Set(path, value):
            return {"do": "set", "path": path, "value": value}
        case Remove(path):
            return {"do": "remove", "path": path}
        case Append(path, item):
            return {"do": "append", "path": path, "value": item}
        case RemoveItem(path, item):
            return {"do": "remove_item", "path": path, "value": item}


def _change(data: Any) -> Change:
    path = _path(data["path"])
    match data["do"]:
        case "set":
            return Set(path, data["value"])
        case "remove":
            return Remove(path)
        case "append":
            return Append(path, data["value"])
        case "remove_item":
            return RemoveItem(path, data["value"])
    raise ValueError(f"unknown change {data['do']!r}")


def _trace_data(trace: Trace) -> dict[str, object]:
    return {"ours": _state_data(trace.ours), "former": _state_data(trace.former)}


def _trace(data: Any) -> Trace:
    return Trace(_state(data["ours"]), _state(data["former"]))


def _state_data(state: State) -> str | None:
    return None if isinstance(state, Missing) else state.text


def _state(data: Any) -> State:
    if data is None:
        return MISSING
    state = Raw(_text(data))
    state.value()  # raises if it is no JSON
    return state


def _splice(data: Any) -> Splice:
    offset, removed, inserted = data
    return Splice(int(offset), _text(removed), _text(inserted))


def _path(data: Any) -> tuple[str, ...]:
    return tuple(map(_text, data))


def _texts(data: Any) -> dict[str, str]:
    return {name: _text(value) for name, value in data.items()}


def _text(data: Any) -> str:
    if not isinstance(data, str):
        raise TypeError(f"{type(data).__name__} where text should be")
    return data
