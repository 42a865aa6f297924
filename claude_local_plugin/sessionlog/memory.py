"""Where a session's conversation has been, as the lines of its prompts in the journal say."""

from claude_local_plugin.core import system as os
from claude_local_plugin.core.files import content, opened
from claude_local_plugin.core.text import json_object
from claude_local_plugin.sessionlog.journal import SUFFIX, done_path, path_of

#: So much of a session's file is searched for it, in bytes: first a piece of its end, then all that it can sensibly be.
TAILS = (64 * 1024, 4 * 1024 * 1024)


#: Where an earlier version kept that, in a file for each session that holds the backend's name.
FORMER = "conversations"


#: A URL and a little.
MOST_NOTE_BYTES = 8192


class Memory:
    """What a session's lines say of its conversation: `where` it is, where it would have gone with the prompt that was
    `held_for` that, and where the session `began`; each None where it was not noted.
    """

    __slots__ = ("began", "held_for", "where")

    def __init__(self, where: "str | None" = None, held_for: "str | None" = None, began: "str | None" = None) -> None:
        self.where = where
        self.held_for = held_for
        self.began = began


def memory(state_dir: str, session_id: str) -> Memory:
    """What is noted of a session's conversation.

    It is noted as `conversation`, at prompts mostly: True for the backend of the line itself, else another's name, as
    at a prompt that was held.
    """
    path = path_of(state_dir, session_id)
    for each in (path, done_path(path)):
        for size in TAILS:
            try:
                lines, whole = _tail(each, size)
            except OSError:
                break
            found = _recalled(lines, session_id)
            if found.where or whole:
                return found
    try:
        former = os.path.join(state_dir, FORMER, os.path.basename(path)[: -len(SUFFIX)])
        return Memory(content(former, MOST_NOTE_BYTES).decode("utf-8", "replace").strip() or None)
    except OSError:  # the usual case
        return Memory()


def _recalled(lines: "list[bytes]", session_id: str) -> Memory:
    began = None
    for line in reversed(lines):
        noted = b'"conversation":' in line
        if not noted and b'"SessionStart"' not in line:
            continue
        try:
            entry = json_object(line)
        except (ValueError, RecursionError):  # cut short, or cut off by where we began to read
            continue
        if entry.get("session_id") != session_id:
            continue  # of another one whose id comes to the same name
        here = entry.get("backend_url") or entry.get("backend_kind")
        where = here if entry.get("conversation") is True else entry.get("conversation")
        if isinstance(where, str):
            held = entry.get("event") == "UserPromptSubmit" and where != here
            return Memory(where, here if held and isinstance(here, str) else None, began)
        if entry.get("cause") == "startup" and isinstance(here, str):
            began = here
    return Memory(began=began)


def _tail(path: str, size: int) -> "tuple[list[bytes], bool]":
    """The lines in the last bytes of a file, and whether these are all there are; raises OSError."""
    file = opened(path)
    try:
        end = os.lseek(file, 0, os.SEEK_END)
        os.lseek(file, max(0, end - size), os.SEEK_SET)
        return os.read(file, size).split(b"\n"), end <= size
    finally:
        os.close(file)
