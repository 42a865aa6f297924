"""How the log itself is: whether it can be written, and what has gone wrong in keeping it."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from claude_local_plugin.core import faults, text
from claude_local_plugin.core.files import content
from claude_local_plugin.sessionlog import importer, spool, store
from claude_local_plugin.sessionlog.queries.pushes import Failing, failing

#: What went wrong longer ago than this is history.
RECENT = timedelta(days=7)
#: With less than this there is no room for the log and what belongs to it, in bytes.
LEAST_ROOM = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that a hook could not do: when last, how often, and the line of the log of faults that says so."""

    at: str
    said: str
    times: int
    path: Path
    line: int


@dataclass(frozen=True, slots=True)
class Condition:
    """What there is to know about the log beside what stands in it.

    `unwritable` is the folder or file that cannot be written and why; `damaged` are logs that were set aside,
    `waiting` is how many records are not in the log yet, `newer` are journals whose next lines only a newer
    claude-local understands, and `refused` are files of an earlier version's spool that hold no record; `failing` are
    destinations that the log could not be sent to.
    """

    unwritable: tuple[Path, str] | None = None
    damaged: tuple[Path, ...] = ()
    waiting: int = 0
    newer: tuple[Path, ...] = ()
    refused: tuple[Path, ...] = ()
    faults: tuple[Fault, ...] = ()
    failing: tuple[Failing, ...] = ()


def condition(state_dir: Path, now: datetime | None = None) -> Condition:
    """How the log of this folder is; reads, and writes nothing. Faults are those of late, the last one first."""
    since = text.now(((now or datetime.now(UTC)) - RECENT).timestamp())
    waiting, newer = _unread(state_dir)
    aside = state_dir.glob(f"{store.DATABASE}.damaged-*")
    return Condition(
        unwritable=_unwritable(state_dir),
        damaged=tuple(sorted(path for path in aside if not path.name.endswith(("-wal", "-shm")))),
        waiting=waiting + len(spool.spooled(str(state_dir))),
        newer=newer,
        refused=tuple(sorted((state_dir / spool.FOLDER).glob("*.bad"))),
        faults=_faults(state_dir, since),
        failing=failing(state_dir),
    )


def _unwritable(state_dir: Path) -> tuple[Path, str] | None:
    folder = next(each for each in (state_dir, *state_dir.parents) if os.path.lexists(each))
    if not folder.is_dir():
        return folder, "is no folder"
    if not os.access(folder, os.W_OK | os.X_OK):
        return folder, "cannot be written"
    database = state_dir / store.DATABASE
    if database.exists() and not os.access(database, os.W_OK):
        return database, "cannot be written"
    if hasattr(os, "statvfs"):
        disk = os.statvfs(folder)
        if disk.f_bavail * disk.f_frsize < LEAST_ROOM:
            return folder, "is on a disk without room"
        if disk.f_files and not disk.f_favail:
            return folder, "is on a disk that takes no more files"
    return None


def _unread(state_dir: Path) -> tuple[int, tuple[Path, ...]]:
    """How many lines of hooks are not in the log yet, and the journals that stop at a line of a newer version."""
    known = importer.known(str(state_dir))
    count, newer = 0, []
    for entry in importer.unread(str(state_dir), known):
        head, position = known.get(entry.name, ("", 0))
        try:
            piece = importer.read(entry.path, head, position)
        except OSError:
            continue  # put away meanwhile
        count += len(piece.records)
        if piece.newer:
            newer.append(Path(entry.path))
    return count, tuple(newer)


def _faults(state_dir: Path, since: str) -> tuple[Fault, ...]:
    """What was noted since that moment, the same complaints together whatever numbers are in them."""
    found: dict[str, Fault] = {}
    for fault in _noted(state_dir):
        alike = re.sub(r"\d+", "#", fault.said)
        if fault.at >= since:
            found[alike] = replace(fault, times=found[alike].times + 1 if alike in found else 1)
    return tuple(sorted(found.values(), key=lambda fault: fault.at, reverse=True))


def _noted(state_dir: Path) -> Iterator[Fault]:
    for name in (f"{faults.FAULTS}.1", faults.FAULTS):
        path = state_dir / name
        try:
            lines = content(path).decode("utf-8", "replace").splitlines()
        except OSError:
            continue  # nothing was noted; or it is not ours to read, which the folder's other files will tell
        for number, line in enumerate(lines, 1):
            at, _, said = line.partition(" ")
            yield Fault(at, said, 1, path, number)
