"""Which folders a session can reach: what holds for one of them holds for the session.

Besides its project and the folder it is in these are the main checkout of a linked worktree, whose code is the same,
and the folders added to it: by `--add-dir`, by `permissions.additionalDirectories`, and by `/add-dir` while it runs
(all observed on Claude Code 2.1.332, which tells hooks of the last alone).
"""

from claude_local_plugin.core import system as os
from claude_local_plugin.core.files import content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from claude_local_plugin.core.config import Config

#: Where it is kept which protected folders have been added to a session, a file for each of those sessions.
FOLDER = "reach"
MOST_BYTES = 65536
#: The arguments of a process take no more than this on Linux, unless somebody has raised the limit.
MOST_ARGUMENT_BYTES = 4 * 1024 * 1024
ADD_DIR, SETTINGS = "--add-dir", "--settings"


def folders(
    environ: "Mapping[str, str]", event: "Mapping[str, Any]", state_dir: str, config: "Config"
) -> "list[tuple[str, str]]":
    """Every folder this session can reach, and how, in words: "" for the project and the folder it is in.

    Where no folder in particular is protected only those two are looked for.
    """
    project, now_in = environ.get("CLAUDE_PROJECT_DIR"), event.get("cwd")
    own = [each for each in dict.fromkeys((project, now_in)) if isinstance(each, str) and each]
    found = [(each, "") for each in own]
    if not config.names:
        return found
    if own:
        found += [(each, "was added to this session") for each in _added(environ, own[0])]
    session_id = event.get("session_id")
    if isinstance(session_id, str):
        found += [(each, "was added to this session") for each in recall(state_dir, session_id)]
    for each, _ in list(found):
        found += [(other, f"is the repository of {each}") for other in _same_repository(each, config)]
    return found


def remember(state_dir: str, session_id: str, names: "Sequence[str]") -> None:
    """Notes that folders which these names in `projects` stand for were added to a session; raises OSError.

    Names, not folders: the user may not want folders to be kept anywhere.
    """
    folder = os.path.join(state_dir, FOLDER)
    for missing in (state_dir, folder):  # one by one: else only the last gets the mode
        os.makedirs(missing, 0o700, exist_ok=True)
    file = os.open(_path(state_dir, session_id), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, "".join(f"{name}\n" for name in names if "\n" not in name).encode("utf-8", "surrogateescape"))
    finally:
        os.close(file)


def recall(state_dir: str, session_id: str) -> "list[str]":
    """The protected folders that were added to a session while it ran."""
    try:
        text = content(_path(state_dir, session_id), MOST_BYTES).decode("utf-8", "surrogateescape")
    except (OSError, ValueError):  # none, as for nearly every session
        return []
    return list(dict.fromkeys(line for line in text.split("\n") if line))


def main_checkout(folder: str) -> "str | None":
    """The folder in the main checkout that one in a linked worktree stands for; None for one in no such worktree."""
    from claude_local_plugin.core.places import checkout

    try:
        here = os.path.realpath(os.path.expanduser(folder))
    except (OSError, ValueError):
        return None
    found = checkout(here)
    if found is None or found.main_root == found.root:
        return None
    inside = os.path.relpath(here, found.root)
    return found.main_root if inside == "." else os.path.join(found.main_root, inside)


def added_by(arguments: "Sequence[str]") -> "Iterator[str]":
    """The folders that these arguments of Claude Code add, as they are written; those of `--settings` too."""
    taking = False
    for place, argument in enumerate(arguments):
        if argument.startswith("-"):
            name, equals, value = argument.partition("=")
            taking = name == ADD_DIR and not equals
            if name == ADD_DIR and equals:
                yield value
            if name == SETTINGS:
                yield from _in_settings(value if equals else "".join(arguments[place + 1 : place + 2]))
        elif taking:
            yield argument


def _added(environ: "Mapping[str, str]", project: str) -> "Iterator[str]":
    """The folders that were added as the session was started, made absolute."""
    from claude_local_plugin.core.places import managed_default
    from claude_local_plugin.core.session_settings import SessionSettings, raw_settings

    for settings in raw_settings(SessionSettings(environ, project, managed_default())):
        for each in directories(settings):
            yield os.path.join(project, os.path.expanduser(each))
    for each in added_by(arguments(environ.get("CLAUDE_PID", ""))):
        yield os.path.join(project, os.path.expanduser(each))


def directories(settings: "Mapping[str, Any]") -> "list[str]":
    """The `permissions.additionalDirectories` of a settings file."""
    permissions = settings.get("permissions")
    listed = permissions.get("additionalDirectories") if isinstance(permissions, dict) else None
    return [each for each in listed if isinstance(each, str) and each] if isinstance(listed, list) else []


def _in_settings(value: str) -> "list[str]":
    """The folders that the value of `--settings` adds, which is JSON or a file's name."""
    from claude_local_plugin.core.text import json_object

    try:
        raw = value.encode() if value.lstrip().startswith("{") else content(value, 2 * 1024 * 1024)
        return directories(json_object(raw))
    except (OSError, ValueError, RecursionError):
        return []  # Claude Code takes nothing from it either


def arguments(process: str) -> "list[str]":
    """The arguments of a process; [] where the system does not tell."""
    if not (process.isascii() and process.isdigit()):
        return []
    try:
        file = os.open(f"/proc/{process}/cmdline", os.O_RDONLY)
    except OSError:
        return []  # not Linux, or the client is gone
    try:
        return [os.fsdecode(each) for each in os.read(file, MOST_ARGUMENT_BYTES).split(b"\0")]
    except OSError:
        return []
    finally:
        os.close(file)


def _same_repository(folder: str, config: "Config") -> "Iterator[str]":
    """The folders of the same repository that something may be said of: its main checkout, and worktrees of it."""
    from claude_local_plugin.core.config import holds, real_folder

    main = main_checkout(folder)
    if main is not None:
        yield main
    here = main or real_folder(folder)
    for name in config.names:
        itself = main_checkout(name)
        if itself is not None and holds(real_folder(itself), real_folder(here)):
            yield os.path.expanduser(name)


def _path(state_dir: str, session_id: str) -> str:
    name = session_id if session_id.replace("-", "").isalnum() and session_id.isascii() else "unnamed"
    return os.path.join(state_dir, FOLDER, name[:64])
