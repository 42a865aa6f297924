"""Sees to it that an event is handled once, however many registrations of the hook Claude Code runs for it.

The settings of the user, those of a project and the plugin may each name the hook. For one event Claude Code then
starts one process for each, at the same moment and with the same bytes on standard input (observed on Claude Code
2.1.329). Time cannot tell them from an event that truly came twice with the same text, such as a settings file that
is saved twice; counting can: the n-th process that one registration starts for a text belongs to the same event as
the n-th of every other one. So each process signs a list, one for each session, and the first signature that makes
it n is the one that counts.
"""

import sys

from claude_local_plugin.core import system as os

#: A prime to reduce an event to: 64 bits, and unlike a checksum from a module nothing has to be loaded for it.
PRIME = 0xFFFFFFFFFFFFFFC5

#: Of a long event its beginning and its end are looked at, this many bytes of each. Two events that differ in between
#: count as one that came twice, which does no harm: every registration counts them alike.
END_BYTES = 16 * 1024


def is_first(state_dir: str, stdin: bytes, registration: "str | None" = None) -> bool:
    """True for the one process that is to handle this event; in doubt, and where nothing can be written, True.

    `registration` is what tells apart the entries that started the processes: interpreter and arguments if None.
    """
    if registration is None:
        registration = "\0".join([sys.executable or "", *sys.argv])
    event = b"%016x" % _short(stdin[:END_BYTES] + stdin[-END_BYTES:])
    mine = b"\n%s-%016x" % (event, _short(os.fsencode(registration)))
    folder = os.path.join(state_dir, "claims")
    try:
        signed = _sign(folder, _session(stdin), mine)
    except OSError:  # a read-only or full disk: handled twice is better than not at all
        return True
    turn = signed.count(mine)  # none where a full disk has cut the line short
    others = [line for line in signed.split(b"\n") if line.startswith(event) and line != mine[1:]]
    return not turn or not any(others.count(other) >= turn for other in set(others))


def _sign(folder: str, session: str, line: bytes) -> bytes:
    """Adds a line to the session's list; the list up to and with that line."""
    path = os.path.join(folder, session)
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileNotFoundError:
        for missing in (os.path.dirname(folder), folder):  # one by one: else only the last gets the mode
            os.makedirs(missing, 0o700, exist_ok=True)
        descriptor = os.open(path, flags, 0o600)
    try:
        os.write(descriptor, line)  # whole and at the end, whoever else writes at this moment: that is what O_APPEND is
        end = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, 0, os.SEEK_SET)
        return os.read(descriptor, end)
    finally:
        os.close(descriptor)


def _session(stdin: bytes) -> str:
    """The session's id as a file name; events without a usable one share a list."""
    found = stdin[:END_BYTES].partition(b'"session_id"')[2].partition(b'"')[2].partition(b'"')[0]
    name = found.decode("ascii", "replace")
    return name if 0 < len(name) <= 64 and name.replace("-", "").isalnum() and name.isascii() else "unnamed"


def _short(text: bytes) -> int:
    """64 bits that two texts do not share but by an accident nobody lives to see."""
    return int.from_bytes(text, "little") % PRIME
