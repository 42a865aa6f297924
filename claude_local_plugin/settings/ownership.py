"""Making edits in somebody else's settings file that can be taken back: apply, revert, and what is on record.

Several purposes may have a part in one file and leave it in any order. As long as nobody else edits the file, it
is always the original text with the edits of all purposes replayed on it, so taking the last one back gives the
original to the byte. Once somebody did (Claude Code itself rewrites settings, in an order of its own), each place
is looked at by itself: what still holds our value gets back what stood there before us, the rest is left alone.

The record is written before the settings file, saying both what was and what is about to be, and again after
it; so whatever is interrupted when, the record and the file together tell what happened.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from claude_local_plugin.errors import SettingsError
from claude_local_plugin.settings import file
from claude_local_plugin.settings.document import (
    MISSING,
    Append,
    Change,
    DocumentError,
    Missing,
    Node,
    Raw,
    Remove,
    RemoveItem,
    Set,
    edit,
    parse,
    same,
    undo,
)
from claude_local_plugin.settings.record import (
    Layer,
    Pending,
    Record,
    Slot,
    State,
    Store,
    Stored,
    Trace,
    digest,
    folder_of,
    read_record,
)
from claude_local_plugin.settings.syntax import COMMENT

__all__ = [
    "Applied",
    "Kept",
    "Preview",
    "Reason",
    "Record",
    "Reverted",
    "apply",
    "forget",
    "load",
    "preview",
    "records",
    "revert",
    "stands",
]

#: The purposes there are: `enable` and its hooks, hooks installed alone, what `bench --apply` wrote for the server, and
#: the status line of `enable --statusline`, and hooks that `disable` leaves for sessions that are open.
BACKEND, HOOKS, BENCH, STATUSLINE, GUARD = "backend", "hooks", "bench", "statusline", "guard"
#: What `enable --first-run` answers in Claude Code's state file: `first-run:` and the settings file that it goes with.
FIRST_RUN = "first-run"

#: What `enable --vscode` puts into an editor's settings, which may have comments in them: no file has this purpose and
#: another one.
VSCODE = "vscode"

#: What each purpose wants of a file; no changes: it gives up its part.
Wanted = Mapping[str, Sequence[Change]]

#: Why a place that we once wrote was left alone.
Reason = Literal["edited since", "removed since"]

#: Names of keys from the top of the document down.
Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A place that no longer holds what we wrote, so it was left alone."""

    path: Keys
    reason: Reason


@dataclass(frozen=True, slots=True)
class Preview:
    """What `apply` or `revert` would make of a text; None stands for no file."""

    before: str | None
    after: str | None
    kept: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply` found and left in the settings file; `target` is the file at the end of all links."""

    changed: bool
    before: str | None
    after: str | None
    target: Path


@dataclass(frozen=True, slots=True)
class Reverted:
    """What `revert` found and left in the settings file; `target` is the file at the end of all links.

    `restored` are the paths that got their former value back, `removed` those that had held nothing; `extras` is
    what callers had asked us to remember, once everything is reverted.
    """

    changed: bool
    before: str | None
    after: str | None
    target: Path
    had_record: bool
    restored: tuple[Keys, ...]
    removed: tuple[Keys, ...]
    kept: tuple[Kept, ...]
    removed_file: bool
    extras: Mapping[str, str]


#: What stands for the record of a file that has none: a record that a file's text alone gives, or None.
Orphan = Callable[[str], Record | None]


def apply(
    settings_file: Path,
    wanted: Wanted,
    *,
    state_dir: Path,
    extras: Mapping[str, str] | None = None,
    orphan: Orphan | None = None,
) -> Applied:
    """Make each purpose's edits, in place of those it made before, as one rewrite of the file.

    Purposes not named keep theirs. What stood before us stays on record, however often this is called. Nothing is
    written where everything stands already. `extras` are remembered in the record, added to those already there,
    until everything is reverted. Raises SettingsError; then the settings file is as it was.

    A file without a record that was moved here, or copied, has the one of where it came from; `orphan` is asked for
    the record of any other.
    """
    asked = {purpose: _plain(changes) for purpose, changes in wanted.items()}
    done = _update(settings_file, state_dir, lambda _: asked, extras or {}, orphan)
    return Applied(done.before != done.after, done.before, done.after, done.target)


def revert(
    settings_file: Path,
    *,
    state_dir: Path,
    purposes: Iterable[str] | None = None,
    orphan: Orphan | None = None,
) -> Reverted:
    """Take the edits of these purposes (default: of all) back, and only them.

    If the file is as we left it, the result is, to the byte, the file without these edits. Otherwise each place
    that still holds our value gets its former one back, and one edited since is left and named in `kept`. A file
    and folders that we made are removed if nothing else is in them. Without a record (see `apply`) nothing is touched.
    Raises SettingsError; then the settings file is as it was.
    """
    chosen = None if purposes is None else tuple(purposes)

    def nothing(record: Record | None) -> Wanted:
        return dict.fromkeys((record.purposes if record else ()) if chosen is None else chosen, ())

    done = _update(settings_file, state_dir, nothing, {}, orphan)
    found = done.plan.found
    return Reverted(
        changed=done.before != done.after,
        before=done.before,
        after=done.after,
        target=done.target,
        had_record=not _has_no_part(found, nothing(found)),
        restored=done.plan.restored,
        removed=done.plan.removed,
        kept=done.plan.kept,
        removed_file=done.before is not None and done.after is None,
        extras=found.extras if found and done.plan.record is None else {},
    )


def preview(text: str | None, wanted: Wanted, record: Record | None) -> Preview:
    """Exactly what `apply` would make of a file that holds `text`; for `revert` give its purposes no changes.

    Raises DocumentError (without the file's name) if the text cannot be edited.
    """
    asked = {purpose: _plain(changes) for purpose, changes in wanted.items()}
    plan = _planned(text, record, asked, _Place())
    return Preview(text, plan.after, plan.kept)


def load(settings_file: Path, state_dir: Path) -> Record | None:
    """What is on record for a settings file, None if nothing is; raises SettingsError for a damaged record.

    A file that was moved here, or copied, has the record of where it came from.
    """
    target = file.resolve(settings_file)
    stored, text = Store(state_dir, target).read(), file.read(target)
    if stored.record is None:
        return moved_here(target, text, state_dir)
    return stored.settled(text)


def stands(record: Record) -> str:
    """How much of what a record says still stands: `all` as we left it, `part` of it, `none`, or the folder is `gone`.

    `none`: the file is there or not, and another hand has taken out everything that we wrote.
    """
    if not record.settings_file.parent.parent.is_dir():
        return "gone"
    text = file.read(record.settings_file)
    if record.left == digest(text):
        return "all"
    try:
        if text is None or not _stands(record, text):
            return "none"
    except DocumentError:
        return "part"
    return "all" if _all_stands(record, text) else "part"


def forget(record: Record, state_dir: Path) -> None:
    """Take a record away whose folder is gone; raises SettingsError where it cannot be written."""
    store = Store(state_dir, record.settings_file)
    with file.locked(record.settings_file, state_dir / "locks"):
        if stands(record) == "gone":
            store.write(Stored())


def moved_here(target: Path, text: str | None, state_dir: Path) -> Record | None:
    """The record of a file that was moved or copied to `target` with its folder, as it holds here; None if none is.

    It is known by its content; edited since, by all that we wrote standing in it while the file on record is gone.
    """
    if text is None:
        return None
    others = [each for each in _sound_records(state_dir) if each.settings_file.parts[-2:] == target.parts[-2:]]
    alike = [each for each in others if each.left == digest(text)]
    if not alike:
        gone = [each for each in others if not os.path.lexists(each.settings_file)]
        alike = [each for each in gone if each.traces and _all_stands(each, text)]
    rebased = [each.rebased(target) for each in alike]
    return rebased[0] if rebased and all(each == rebased[0] for each in rebased) else None


def records(state_dir: Path) -> tuple[Record, ...]:
    """What is on record for any settings file, by path; raises SettingsError for a damaged record."""
    found = []
    for path in folder_of(state_dir).glob("*.json"):
        stored = read_record(path)
        if stored.record and (record := stored.settled(file.read(stored.record.settings_file))):
            found.append(record)
    return tuple(sorted(found, key=lambda record: record.settings_file))


def _sound_records(state_dir: Path) -> Iterator[Record]:
    """The records that can be understood; whoever is asked about the others' files says so."""
    for path in sorted(folder_of(state_dir).glob("*.json")):
        with contextlib.suppress(SettingsError):
            stored = read_record(path)
            if stored.record and (record := stored.settled(file.read(stored.record.settings_file))):
                yield record


# --- carrying it out -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Done:
    """What an update found and left in the settings file, and the plan it followed."""

    before: str | None
    after: str | None
    target: Path
    plan: "_Plan"


def _folders_of_ours(target: Path, state_dir: Path) -> tuple[Path, ...]:
    """The folders that come with a new file, innermost first: those missing, and those we made for another file.

    So whichever of two such files is given back last takes the folder along.
    """
    made = {folder for record in records(state_dir) for folder in record.folders if folder in target.parents}
    return tuple(sorted({*file.missing_folders(target), *made}, key=lambda folder: len(folder.parts), reverse=True))


def _update(
    settings_file: Path,
    state_dir: Path,
    wanted: Callable[[Record | None], Wanted],
    extras: Mapping[str, str],
    orphan: Orphan | None = None,
) -> _Done:
    """Bring file and record to what is wanted; writes nothing, no lock either, if they are there already."""
    target = file.resolve(settings_file)
    store = Store(state_dir, target)

    def decide(text: str | None, stored: Stored) -> _Plan:
        record = stored.settled(text)
        if stored.record is None:
            record = moved_here(target, text, state_dir)
            if record is None and orphan is not None and text is not None:
                record = orphan(text)
        place = _Place(target, _folders_of_ours(target, state_dir) if text is None else (), extras)
        try:
            return _planned(text, record, wanted(record), place)
        except DocumentError as error:
            raise error.at(settings_file) from None

    text, stored = file.read(target), store.read()
    plan = decide(text, stored)
    is_done = plan.after == text and Stored(plan.record) == stored
    if is_done and not file.leftover(target) and not file.leftover(store.path):
        return _Done(text, text, target, plan)
    with file.locked(target, state_dir / "locks"):
        done = _carry_out(target, store, decide)
    if plan.found is not None and stored.record is None:
        _forget_where_it_was(plan.found, state_dir)
    return done


def _forget_where_it_was(moved: Record, state_dir: Path) -> None:
    """Take away the record of a file that is gone, once it is on record where it was moved to."""
    for each in _sound_records(state_dir):
        gone = each.settings_file != moved.settings_file and not os.path.lexists(each.settings_file)
        if gone and each.rebased(moved.settings_file) == moved:
            Store(state_dir, each.settings_file).write(Stored())


def _carry_out(target: Path, store: Store, decide: Callable[[str | None, Stored], "_Plan"]) -> _Done:
    """Announce in the record, write the settings file, settle the record; the caller holds the lock."""
    stored = store.read()
    plan = _Plan(None, None)

    def transform(text: str | None) -> str | None:
        nonlocal plan
        plan = decide(text, stored)
        if plan.after != text:
            store.write(plan.announced(target, text))
        return plan.after

    try:
        written = file.replace(target, transform)
    except SettingsError:
        # The announcement is no lie without its deed, so it may stay where it cannot be taken back.
        with contextlib.suppress(SettingsError):
            store.write(stored)
        raise
    if plan.after is None and plan.record is None and plan.found is not None:
        file.remove_empty(plan.found.folders)
    store.write(Stored(plan.record))
    return _Done(written.before, written.after, target, plan)


# --- planning, without touching anything -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    """What a plan has to know besides text, record and wishes."""

    target: Path = Path()
    missing_folders: tuple[Path, ...] = ()
    extras: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What becomes of the file and its record; `found` is the record it started from."""

    after: str | None
    record: Record | None
    found: Record | None = None
    restored: tuple[Keys, ...] = ()
    removed: tuple[Keys, ...] = ()
    kept: tuple[Kept, ...] = ()

    def announced(self, target: Path, text: str | None) -> Stored:
        """What goes on record before the file, which holds `text`, is written."""
        folders = self.found.folders if self.found else ()
        record = self.record or Record(target, folders=folders, left=digest(self.after))
        return Stored(record, Pending(digest(text), self.found))


def _planned(text: str | None, found: Record | None, wanted: Wanted, place: _Place) -> _Plan:
    """The plan that gives each purpose named in `wanted` its changes, and leaves the others theirs."""
    layers = _layers(found, wanted)
    comments = VSCODE in wanted or _has_comments(found)
    if not any(wanted.values()) and _has_no_part(found, wanted):
        return _Plan(text, found, found)
    if found is None or found.is_exact(text):
        return _replayed(text, found, layers, place, comments=comments)
    if any(wanted.values()) and not _stands(found, text):
        # Nothing of ours is left, as after `git checkout`: what is there now is the user's, as if we had never been.
        alone = Record(found.settings_file, folders=found.folders, extras=found.extras)
        layers = tuple(layer for layer in layers if layer.purpose in wanted)
        return replace(_replayed(text, alone, layers, place, comments=comments), found=found)
    return _reconciled(text, found, layers, wanted, place, comments=comments)


def _has_comments(found: Record | None) -> bool:
    """Whether the file is one in which comments may stand."""
    return found is not None and found.layer(VSCODE) is not None


def _has_no_part(found: Record | None, purposes: Iterable[str]) -> bool:
    """Whether these purposes have nothing to give up; a record without layers is left from an interrupted revert."""
    return found is None or (bool(found.layers) and not any(map(found.layer, purposes)))


def _layers(found: Record | None, wanted: Wanted) -> tuple[Layer, ...]:
    """Every purpose's changes: those wanted now, in the place in the order that the purpose has had."""
    changes = {layer.purpose: layer.changes for layer in (found.layers if found else ())}
    changes |= {purpose: tuple(asked) for purpose, asked in wanted.items()}
    return tuple(Layer(purpose, asked) for purpose, asked in changes.items() if asked)


def _replayed(
    text: str | None, found: Record | None, layers: tuple[Layer, ...], place: _Place, *, comments: bool
) -> _Plan:
    """The plan for a file in which nobody else edited: from the text without us to that with these layers."""
    exact = found is not None and found.splices is not None
    base = undo(text or "", found.splices) if found and found.splices is not None else text
    created = found.created_file if found and exact else text is None
    edited = edit(base or "", [change for layer in layers for change in layer.changes], comments=comments)
    before, after = parse(base or "", comments=comments), parse(edited.text, comments=comments)
    targets = _targets(layers)
    traces = {}
    for slot in targets:
        former, ours = _state(before, slot), _state(after, slot)
        if not same(former, ours):
            traces[slot] = (Trace(ours, former),)
    left = None if created and not edited.text else edited.text
    record = Record(
        place.target,
        layers,
        traces,
        tuple(path for path in _parents(targets) if before.find(path) is None and after.find(path) is not None),
        created,
        _folders(found, place),
        digest(left),
        edited.splices,
        {**(found.extras if found else {}), **place.extras},
    )
    gone = {slot: known[0] for slot, known in (found.traces if found else {}).items() if slot not in traces}
    return _Plan(left, _worth_keeping(record), found, *_put_back(gone))


def _reconciled(
    text: str | None, found: Record, layers: tuple[Layer, ...], wanted: Wanted, place: _Place, *, comments: bool
) -> _Plan:
    """The plan for a file that somebody else edited: place by place, touching only the named purposes' places."""
    root, targets = parse(text or "", comments=comments), _targets(layers)
    places = _places(root, found, layers, wanted)
    new = [path for path in _parents(targets) if root.find(path) is None]
    containers = tuple(dict.fromkeys((*found.containers, *new)))
    made = parse(edit(text or "", places.changes, comments=comments).text, comments=comments)
    emptied = [Remove(path) for path in _emptied(made, containers, targets)]
    edited = edit(text or "", [*places.changes, *emptied], comments=comments).text
    after = parse(edited, comments=comments)
    created = found.created_file or text is None
    is_empty = not edited if targets else not after.members and not (comments and COMMENT.search(edited))
    left = None if created and is_empty else edited
    record = Record(
        place.target,
        layers,
        places.traces,
        tuple(path for path in containers if after.find(path) is not None),
        created,
        _folders(found, place),
        digest(left),
        None,
        {**found.extras, **place.extras},
    )
    if left == text and replace(record, left=found.left, splices=found.splices) == found:
        record = found  # also if the user should take the other edit back, so that the file is as we left it
    return _Plan(left, _worth_keeping(record), found, *_put_back(places.gone), tuple(places.kept))


@dataclass(frozen=True, slots=True)
class _Places:
    """What to change place by place, what is ours then, what no longer is, and what was left alone."""

    changes: list[Change] = field(default_factory=list)
    traces: dict[Slot, tuple[Trace, ...]] = field(default_factory=dict)
    gone: dict[Slot, Trace] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)


def _places(root: Node, found: Record, layers: tuple[Layer, ...], wanted: Wanted) -> _Places:
    """Look at every place that was ours or shall be, as it is in the document now."""
    places, targets = _Places(), _targets(layers)
    asked = _targets(layer for layer in layers if layer.purpose in wanted)
    given_up = _targets(layer for layer in found.layers if layer.purpose in wanted)
    for slot in dict.fromkeys((*found.traces, *targets)):
        now, known = _state(root, slot), found.traces.get(slot, ())
        trace = next((trace for trace in known if same(trace.ours, now)), None)
        if slot in asked or (slot in targets and slot in given_up and trace):
            places.changes.append(targets[slot])
            if trace is None or not same(trace.ours, _aim(targets[slot])):
                trace = Trace(_aim(targets[slot]), trace.former if trace else now)
            if not same(trace.former, trace.ours):
                places.traces[slot] = (trace,)
        elif slot in targets:  # another purpose's, and not up for discussion
            if known:
                places.traces[slot] = known
        elif trace:
            places.changes.append(_change(slot, trace.former))
            places.gone[slot] = trace
        elif known and (reason := _left_alone(root, slot, now, known)):
            places.kept.append(Kept(slot.path, reason))
    return places


def _all_stands(found: Record, text: str) -> bool:
    """Whether everything we wrote stands in the text."""
    try:
        root = parse(text, comments=_has_comments(found))
    except DocumentError:
        return False
    return all(any(same(trace.ours, _state(root, slot)) for trace in known) for slot, known in found.traces.items())


def _stands(found: Record, text: str | None) -> bool:
    """Whether anything in the text still is as we wrote it."""
    root = parse(text or "", comments=_has_comments(found))
    if not found.traces:  # as when one purpose takes out what another one puts in: an object made for it may be left
        return any(root.find(path) is not None for path in found.containers)
    return any(same(trace.ours, _state(root, slot)) for slot, known in found.traces.items() for trace in known)


def _folders(found: Record | None, place: _Place) -> tuple[Path, ...]:
    """The folders we made, or are about to make, for the file, innermost first."""
    folders = {*place.missing_folders, *(found.folders if found else ())}
    return tuple(sorted(folders, key=lambda folder: len(folder.parts), reverse=True))


def _worth_keeping(record: Record) -> Record | None:
    """The record, if there is anything to give back or to remember."""
    made = record.traces or record.containers or record.created_file
    return record if record.layers and (made or record.extras) else None


def _put_back(gone: Mapping[Slot, Trace]) -> tuple[tuple[Keys, ...], tuple[Keys, ...]]:
    """The paths at which something was put back, and those at which ours was simply taken out."""
    restored = dict.fromkeys(slot.path for slot, trace in gone.items() if trace.former is not MISSING)
    removed = dict.fromkeys(slot.path for slot, trace in gone.items() if trace.former is MISSING)
    return tuple(restored), tuple(removed)


def _left_alone(root: Node, slot: Slot, now: State, known: Sequence[Trace]) -> Reason | None:
    """Why a place that is no longer ours has to be named; None if it is as it was before us."""
    if slot.item is not None and now is MISSING and _has_likeness(root, slot):
        return "edited since"
    if any(same(trace.former, now) for trace in known):
        return None
    return "removed since" if now is MISSING else "edited since"


def _has_likeness(root: Node, slot: Slot) -> bool:
    """Whether the list has an item that seems to be ours, edited: it still holds our item's longest string."""
    texts = list(_texts(json.loads(slot.item or "null")))
    found = root.find(slot.path)
    if not texts or found is None:
        return False
    telling = max(texts, key=len)
    return any(telling in _texts(item.value()) for item in found.items)


def _texts(value: object) -> Iterable[str]:
    """Every string in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _plain(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes with their values as JSON would give them back, so that they compare equal to those on record."""
    plain: list[Change] = []
    for change in changes:
        match change:
            case Set(path, value):
                plain.append(Set(path, _as_json(value)))
            case Append(path, item):
                plain.append(Append(path, _as_json(item)))
            case RemoveItem(path, item):
                plain.append(RemoveItem(path, _as_json(item)))
            case Remove():
                plain.append(change)
    return tuple(plain)


def _as_json(value: object) -> object:
    return value.value() if isinstance(value, Raw) else json.loads(json.dumps(value))


def _targets(layers: Iterable[Layer]) -> dict[Slot, Change]:
    """What the layers together want for each place; the last one to speak of a place has its way."""
    return {Slot.of(change): change for layer in layers for change in layer.changes}


def _aim(change: Change) -> State:
    """What stands in its place after a change."""
    match change:
        case Set(_, value) | Append(_, value):
            return Raw(json.dumps(value))
        case Remove() | RemoveItem():
            return MISSING


def _state(root: Node, slot: Slot) -> State:
    """What stands in a place of the document."""
    found = root.find(slot.path)
    if found is not None and slot.item is not None:
        wanted = json.loads(slot.item)
        found = next((item for item in found.items if same(item.value(), wanted)), None)
    return MISSING if found is None else Raw(found.raw)


def _change(slot: Slot, state: State) -> Change:
    """The change after which `state` stands in the place."""
    if slot.item is None:
        return Remove(slot.path) if isinstance(state, Missing) else Set(slot.path, state)
    if isinstance(state, Missing):
        return RemoveItem(slot.path, json.loads(slot.item))
    return Append(slot.path, state)


def _parents(slots: Iterable[Slot]) -> tuple[Keys, ...]:
    """The objects and lists that must be there for these places to be, outermost first."""
    ends = [(slot.path, len(slot.path) - (slot.item is None)) for slot in slots]
    return tuple(dict.fromkeys(path[:depth] for path, end in ends for depth in range(1, end + 1)))


def _emptied(made: Node, containers: Iterable[Keys], targets: Mapping[Slot, Change]) -> list[Keys]:
    """Those of the objects and lists we made in which nothing is left, innermost first."""
    document = made.value()
    emptied = []
    for path in sorted(containers, key=len, reverse=True):
        parent = document
        for name in path[:-1]:
            parent = parent.get(name) if isinstance(parent, dict) else None
        if isinstance(parent, dict) and parent.get(path[-1]) in ({}, []) and Slot(path) not in targets:
            del parent[path[-1]]
            emptied.append(path)
    return emptied
