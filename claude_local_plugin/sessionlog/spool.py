"""Records that hooks of an earlier version left in `spool/`, a file for each, while the log could not be written.

Hooks of today write to `journal/`. Who upgrades may have such files still: the importer takes them in.
"""

import os

from claude_local_plugin.core.files import content
from claude_local_plugin.sessionlog import store

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import Any

FOLDER = "spool"
#: How the name of a record ends whose writing was not finished.
UNFINISHED = ".tmp"
#: The newest schema that such a record names.
SCHEMA = 3
#: No record is as large as this: none of its texts has more than 4,096 letters.
MOST_RECORD_BYTES = 1024 * 1024


def spooled(state_dir: str) -> "list[str]":
    """The names of the spooled records, oldest first."""
    try:
        names = os.listdir(os.path.join(state_dir, FOLDER))
    except OSError:
        return []  # no folder: nothing was ever spooled, which is how it should be
    return sorted(name for name in names if name.endswith(".json"))


def take_in(connection: "sqlite3.Connection", state_dir: str) -> int:
    """Moves the spooled records into the database and returns how many; raises OSError, or SQLite's complaint.

    A file that is not a record is set aside as `.bad`. A file taken in twice, since a process died before it could
    remove it, counts once.
    """
    folder = os.path.join(state_dir, FOLDER)
    done = []
    connection.execute("BEGIN IMMEDIATE")
    try:
        for name in spooled(state_dir):
            record = _read(os.path.join(folder, name))
            if record is None:
                continue
            if not connection.execute("SELECT 1 FROM events WHERE spooled_as = ?", (name,)).fetchone():
                store.insert(connection, record, name)
            done.append(name)
        connection.execute("COMMIT")
    finally:
        store.roll_back(connection)
    for name in done:
        _remove(os.path.join(folder, name))
    return len(done)


def finish(unfinished: str) -> None:
    """Spools a record whose writer was ended over it, if it is whole; else there is nothing to be made of it."""
    try:
        _record_in(unfinished)
        os.replace(unfinished, unfinished[: -len(UNFINISHED)])
    except OSError:
        return  # gone, or not to be read: the next one tries again
    except (ValueError, TypeError, KeyError):
        _remove(unfinished)


def _read(path: str) -> "dict[str, Any] | None":
    """The record in a spool file; None when it is gone, from a newer claude-local, or no record at all."""
    try:
        record = _record_in(path)
    except FileNotFoundError:
        return None  # another process has taken it in
    except (OSError, ValueError, TypeError, KeyError):
        os.replace(path, f"{path}.bad")
        return None
    return record if record["schema"] <= SCHEMA else None


def _record_in(path: str) -> "dict[str, Any]":
    """The record in a file; raises OSError, or ValueError, TypeError or KeyError for what is no record."""
    import json

    record = json.loads(content(path, MOST_RECORD_BYTES).decode("utf-8"))
    sound = isinstance(record["schema"], int)
    sound = sound and all(isinstance(record[field], str) for field in ("session_id", "at", "event", "backend_kind"))
    if not sound or any(isinstance(value, (dict, list)) for value in record.values()):
        raise ValueError("no record")
    return dict(record)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return  # another process was faster; it is gone, which is all that was wanted
