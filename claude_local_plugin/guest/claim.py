"""Sees to it that an event is handled once, however many registrations of the hook Claude Code runs for it.

The settings of the user, those of a project and the plugin may each name the hook. For one event Claude Code then
starts one process for each, at the same moment and with the same bytes on standard input (observed on Claude Code
2.1.329). Time cannot tell them from an event that truly came twice with the same text, such as a settings file that
is saved twice; counting can: the n-th process that one registration starts for a text belongs to the same event as
the n-th of every other one.
"""

import os
import sys

#: A prime to reduce an event to: 64 bits, and unlike a checksum from a module nothing has to be loaded for it.
PRIME = 0xFFFFFFFFFFFFFFC5

#: Of a long event its beginning and its end are looked at, this many bytes of each. Two events that differ in between
#: count as one that came twice, which does no harm: every registration counts them alike.
END_BYTES = 16 * 1024

#: When the claims of a session that says nothing any more may go, in seconds.
KEPT_S = 24 * 60 * 60.0

#: How many such sessions are cleared away as a new one begins, so that no start waits for it.
SWEPT = 3


def is_first(state_dir: str, stdin: bytes, registration: "str | None" = None) -> bool:
    """True for the one process that is to handle this event; in doubt, and where nothing can be written, True.

    `registration` is what tells apart the entries that started the processes: interpreter and arguments if None.
    """
    if registration is None:
        registration = "\0".join([sys.executable or "", *sys.argv])
    folder = os.path.join(state_dir, "claims", _session(stdin))
    event = f"{_short(stdin[:END_BYTES] + stdin[-END_BYTES:]):x}"
    mine = f"{event}-{_short(os.fsencode(registration)):x}"
    try:
        if _make_folder(folder):
            _sweep(os.path.dirname(folder))
        turn = 0
        while not _create(os.path.join(folder, f"{mine}-{turn}")):
            turn += 1
        return _create(os.path.join(folder, f"{event}-{turn}"))
    except OSError:  # a read-only or full disk: handled twice is better than not at all
        return True


def _create(path: str) -> bool:
    """True if the file was not there: of all who ask at once, one."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    return True


def _make_folder(folder: str) -> bool:
    """True if the folder was not there."""
    if os.path.isdir(folder):
        return False
    os.makedirs(os.path.dirname(folder), 0o700, exist_ok=True)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        return False
    return True


def _sweep(folder: str) -> None:
    """Removes the claims of a few sessions that have been silent for long."""
    import time

    before = time.time() - KEPT_S
    with os.scandir(folder) as sessions:
        silent = [session.path for session in sessions if session.stat(follow_symlinks=False).st_mtime < before]
    for path in silent[:SWEPT]:
        try:
            for name in os.listdir(path):
                os.unlink(os.path.join(path, name))
            os.rmdir(path)
        except OSError:  # another one sweeps there too, or the session has come back: its claims go another day
            continue


def _session(stdin: bytes) -> str:
    """The session's id as a file name; events without a usable one share a folder."""
    found = stdin[:END_BYTES].partition(b'"session_id"')[2].partition(b'"')[2].partition(b'"')[0]
    name = found.decode("ascii", "replace")
    return name if 0 < len(name) <= 64 and name.replace("-", "").isalnum() and name.isascii() else "unnamed"


def _short(text: bytes) -> int:
    """64 bits that two texts do not share but by an accident nobody lives to see."""
    return int.from_bytes(text, "little") % PRIME
