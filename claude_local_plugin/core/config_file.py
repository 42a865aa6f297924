"""Reads config.toml for hooks: from a small file that keeps what it said, or anew where that is out of date.

Reading TOML costs milliseconds, and Python before 3.11 cannot. So what the file says is kept as JSON in the state
folder, with a stamp of the file it was read from; whoever finds the stamp out of date reads the file anew.
"""

import sys

from claude_local_plugin.core import system as os
from claude_local_plugin.core.faults import note_fault
from claude_local_plugin.core.files import content
from claude_local_plugin.core.text import clean, json_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

#: A file larger than this is none of ours, and nor is what is kept of one.
MOST_BYTES = 1024 * 1024
#: Where what it says is kept, in the state folder.
COMPILED = "config.json"
#: Raised when a key comes to mean something else; what a version with other keys kept is read anew as well.
FORMAT = 4
#: The secret that hashed paths are mixed with, in the state folder.
SALT = "salt"


def read(
    keys: "Sequence[tuple[Any, ...]]", state_dir: str, path: str, status: "os.stat_result | str"
) -> "dict[str, Any]":
    """What the file says, as `status` has it (a text where it could not be looked at), in the shape of the file."""
    stamp = status if isinstance(status, str) else stamp_of(status)
    kept = last_kept(state_dir, path)
    if not _is_current(keys, kept, stamp):
        kept, problems = compiled(keys, path, stamp, kept)
        keep(state_dir, kept)
        for problem in problems:
            note_fault(state_dir, clean(f"{path}: {problem}"))
    return _understood(keys, kept)


def look(keys: "Sequence[tuple[Any, ...]]", state_dir: str, path: str) -> "dict[str, Any]":
    """The same, and nothing is written."""
    last = last_kept(state_dir, path)
    return _understood(keys, compiled(keys, path, None, last)[0]) if os.path.lexists(path) else {}


def refresh(keys: "Sequence[tuple[Any, ...]]", state_dir: str, path: str) -> "dict[str, Any]":
    """What the file itself says, which is kept."""
    made, _ = compiled(keys, path, None, last_kept(state_dir, path))
    keep(state_dir, made)
    return _understood(keys, made)


def _understood(keys: "Sequence[tuple[Any, ...]]", kept: "Mapping[str, Any]") -> "dict[str, Any]":
    """What was kept of a file, which anybody may have written since."""
    if not kept["settings"]:
        return {}
    from claude_local_plugin.core import config_rules

    return config_rules.understood(keys, kept["settings"])[0]


def stamp_of(status: os.stat_result) -> str:
    """What changes when the file does: its contents, its permissions, or which file it is."""
    return f"{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_size}-{status.st_ino}"


def _is_current(keys: "Sequence[tuple[Any, ...]]", kept: "Mapping[str, Any]", stamp: str) -> bool:
    if kept.get("stamp") != stamp or kept.get("format") != FORMAT or kept.get("keys") != _names(keys):
        return False
    # a Python without a TOML reader passed by; we may be one that has it
    return not kept.get("unread") or sys.version_info < (3, 11)


def compiled(
    keys: "Sequence[tuple[Any, ...]]", path: str, stamp: "str | None", last: "Mapping[str, Any]"
) -> "tuple[dict[str, Any], list[str]]":
    """What to keep of the file, `last` being what was kept of it before; and what is wrong with it."""
    settings, unread, lasting = last.get("settings", {}), False, "what it last said holds"
    if not last:
        lasting = "the defaults hold, and nothing is protected"
    try:
        import tomllib
    except ImportError:
        unread = True
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        from claude_local_plugin.core.shell import command

        reads = command("claude-local", "config", "list")
        problems = [f"Python {version} cannot read TOML, so {lasting}; {reads} reads it for hooks"]
    else:
        try:
            stamp = stamp_of(os.stat(path))  # before it is read: what is written meanwhile is read by the next
            text = content(path, MOST_BYTES).decode("utf-8-sig")
            from claude_local_plugin.core import config_rules

            settings, problems = config_rules.understood(keys, tomllib.loads(text))
        except FileNotFoundError:
            settings, problems = {}, []  # gone since we looked
        except OSError as fault:
            problems = [f"{fault.strerror or fault}, so {lasting}"]
        except UnicodeDecodeError:
            problems = [f"not in UTF-8, so {lasting}"]
        except (ValueError, RecursionError) as fault:
            # of the complaint only the place, for the rest may quote what stands there
            place = str(fault).rpartition("(at ")[2].rstrip(")") if isinstance(fault, ValueError) else "too deep"
            problems = [f"no TOML ({clean(place, 60)}), so {lasting}"]
    made = {"format": FORMAT, "keys": _names(keys), "source": path, "stamp": stamp, "unread": unread}
    return {**made, "settings": settings}, problems


def _names(keys: "Sequence[tuple[Any, ...]]") -> "list[str]":
    """What the file could say: a key that is added shows in it."""
    return [f"{row[0]}.{row[1]}" for row in keys]


def last_kept(state_dir: str, path: str) -> "dict[str, Any]":
    """What was kept of this very file; empty when nothing was, or nothing that can be used."""
    try:
        kept = json_object(content(os.path.join(state_dir, COMPILED), MOST_BYTES))
    except (OSError, ValueError):
        return {}  # none yet, or none that can be read: config.toml itself will say
    usable = kept.get("source") == path and isinstance(kept.get("settings"), dict)
    return kept if usable else {}


def keep(state_dir: str, kept: "Mapping[str, Any]") -> None:
    import json

    path = os.path.join(state_dir, COMPILED)
    try:
        os.makedirs(state_dir, 0o700, exist_ok=True)
        _put(path, json.dumps(kept).encode("ascii"), os.replace)
    except OSError:
        return  # a state folder that cannot be written: the next one reads the file itself again


def _put(path: str, content: bytes, place: "Callable[[str, str], object]") -> None:
    """Writes a complete file that nobody else may read and puts it in its place by `place(new, path)`."""
    new = f"{path}.{os.getpid()}-{os.urandom(4).hex()}"
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with open(file, "wb") as writer:
            writer.write(content)
        place(new, path)
    finally:
        if os.path.exists(new):
            os.unlink(new)


def salt(state_dir: str) -> "bytes | None":
    """This machine's salt, made when there is none; None when it can be neither read nor kept."""
    path = os.path.join(state_dir, SALT)
    try:
        if not os.path.exists(path):
            os.makedirs(state_dir, 0o700, exist_ok=True)
            _put(path, os.urandom(32), _place_first)
        found = content(path, 64)
    except OSError as fault:
        note_fault(state_dir, f"no salt to hash paths with, so they are left out: {fault.strerror or fault}")
        return None
    return found if len(found) == 32 else None


def _place_first(new: str, path: str) -> None:
    """Puts a file in its place unless there is one: what comes first stays, and nobody sees half of it."""
    try:
        os.link(new, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links: of several at this very moment the last one stays
        os.rename(new, path)
