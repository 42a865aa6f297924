"""What hooks put on record: one line for each event, in a file for each session, `journal/SESSION.jsonl`.

A line is one JSON object (the keys of `sessionlog.FIELDS`, those without a value left out), written with one call at
the end of the file, so that hooks of one session need not wait for each other. It begins and ends with a line feed: a
line that was cut short costs itself, never the one after it. The log in SQLite is made of these files by `importer`;
until a session has ended its file is also the memory of where its conversation is. See docs/adr/0001.
Nothing a user typed or a model answered is ever in a line, and no credential.
"""

import time

from claude_local_plugin.core import system as os
from claude_local_plugin.core.text import clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FOLDER = "journal"
#: Below it, the files of sessions that have ended and are in the log.
DONE = "done"
SUFFIX = ".jsonl"
#: Raised when lines come to mean something else: a reader leaves the lines of newer formats to a newer reader.
FORMAT = 1
#: No line is longer than this, in bytes: what one call writes of this size stays together.
MOST_LINE_BYTES = 4096
#: What a line that would be longer goes without, in this order; the importer finds a transcript without its path.
SPARED = ("detail", "transcript_path", "cwd", "cause", "via", "project", "profile", "model", "host")

#: This file in the folder says by its time of change when the journals were read last.
STAMP = ".imported"
#: A session that starts sees to it that what others have left is read once it is this old, in seconds.
UNREAD_S = 60 * 60.0


def this_host() -> "str | None":
    """This machine's name: the numbers of processes mean something on their own machine only."""
    try:
        name = os.uname().nodename
    except AttributeError:  # Windows
        name = os.environ.get("COMPUTERNAME", "")
    return clean(name, 4096) or None


def append(state_dir: str, record: "Mapping[str, Any]") -> None:
    """Adds one event to its session's file; raises OSError, or ValueError for what no line can hold."""
    line = encoded(state_dir, record)
    path = path_of(state_dir, str(record["session_id"]))
    try:
        file = _opened(path, 0)
    except FileNotFoundError:
        file = _begun(state_dir, path)
    try:
        written = os.write(file, line)
    finally:
        os.close(file)
    if written != len(line):
        raise OSError(f"only {written} of {len(line)} bytes could be written to {path}")


def encoded(state_dir: str, record: "Mapping[str, Any]") -> bytes:
    """The line of an event, between two line feeds; what there is no room for is left out and noted."""
    from claude_local_plugin.core.text import flat_json

    members = {"format": FORMAT, **{name: value for name, value in record.items() if value is not None}}
    left_out = []
    spared = iter(SPARED)
    while len(line := f"\n{flat_json(members, ascii_only=False)}\n".encode("utf-8", "replace")) > MOST_LINE_BYTES:
        name = next(spared, None)
        if name is None:
            raise ValueError(f"an event of {len(line):,} bytes is not put on record")
        if members.pop(name, None) is not None:
            left_out.append(name)
    if left_out:
        from claude_local_plugin.core.faults import note_fault

        note_fault(state_dir, f"{record['event']}: {', '.join(left_out)} not put on record: too long")
    return line


def path_of(state_dir: str, session_id: str, folder: str = FOLDER) -> str:
    """The session's file: called by its id, or by a checksum where that is no name for a file."""
    plain = session_id.replace("-", "")
    name = session_id if plain.isalnum() and plain.isascii() and len(session_id) <= 64 else ""
    if not name:
        from binascii import crc32

        name = f"{crc32(session_id.encode('utf-8', 'replace')):08x}"
    return os.path.join(state_dir, folder, f"{name}{SUFFIX}")


def done_path(path: str) -> str:
    """Where a session's file is kept once it has been read and the session has ended."""
    return os.path.join(os.path.dirname(path), DONE, os.path.basename(path))


def is_unread(state_dir: str, session_id: str) -> bool:
    """Whether other sessions have left something that nobody has read for a while, as one that was killed does.

    Cheap, since every session asks: only where nothing was read for a while are the files looked at.
    """
    folder = os.path.join(state_dir, FOLDER)
    long_ago = time.time() - UNREAD_S
    try:
        since, until = os.stat(os.path.join(folder, STAMP)).st_mtime, float("inf")
        if since > long_ago:
            return False
    except OSError:  # nothing was ever read
        since, until = 0.0, long_ago
    own = os.path.basename(path_of(state_dir, session_id))
    try:
        with os.scandir(folder) as entries:
            return any(
                entry.name.endswith(SUFFIX) and entry.name != own and since < entry.stat().st_mtime < until
                for entry in entries
            )
    except OSError:
        return False  # no session was ever here


def _opened(path: str, more: int) -> int:
    """The file, to be written to at its end: never waiting for a pipe that somebody has put in its place."""
    flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    return os.open(path, flags | more, 0o600)


def _begun(state_dir: str, path: str) -> int:
    """The file of a session that has none, or whose file was put away when it had ended."""
    try:
        os.rename(done_path(path), path)
    except OSError:  # the usual case: it has never had one
        for folder in (state_dir, os.path.dirname(path)):  # one by one: else only the last gets the mode
            os.makedirs(folder, 0o700, exist_ok=True)
    return _opened(path, os.O_CREAT)


#: What the log says of a change of settings after which our hooks do not run in the session any more.
UNWATCHED = "our hooks are gone from the settings"
