"""What was started, on record in the state folder, so that it can be found, followed and stopped again."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import SettingsError, UsageError
from claude_local_plugin.settings import file

FOLDER = "deployments"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A server that `up` has started.

    `host` is None for this machine. `pid` and `began` (the process's start, as its machine says it) tell the process;
    `container` engines have their own commands instead. `tunnel` is the ssh that brings a port of another machine
    here, with its own start. `files` were written on the host, below `folder`.
    """

    name: str
    engine: str
    host: str | None
    url: str
    port: int
    model: str | None
    folder: str
    files: tuple[str, ...]
    started_at: str
    pid: int | None = None
    began: str | None = None
    tunnel: int | None = None
    tunnel_began: str | None = None
    log: str | None = None
    stop: tuple[str, ...] = ()
    follow: str = ""
    alive: str = ""
    profile: str | None = None

    def with_(self, **changes: Any) -> "Deployment":
        """The same with other values."""
        return replace(self, **changes)

    def as_json(self) -> dict[str, Any]:
        """As the file and `--json` show it."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def folder(state_dir: Path) -> Path:
    """Where the records are."""
    return state_dir / FOLDER


def every(state_dir: Path) -> Iterator[Deployment]:
    """All servers on record, by name; raises SettingsError for a record that cannot be understood."""
    for path in sorted(folder(state_dir).glob("*.json")):
        yield _read(path)


def find(name: str, state_dir: Path) -> Deployment | None:
    """The server of this name; None where none is on record."""
    path = folder(state_dir) / f"{name}.json"
    return _read(path) if path.is_file() else None


def only(name: str | None, state_dir: Path) -> Deployment:
    """The server of this name, or the only one; raises UsageError where that is not one."""
    known = list(every(state_dir))
    if name is not None:
        found = next((each for each in known if each.name == name), None)
        if found is not None:
            return found
        names = ", ".join(each.name for each in known)
        raise UsageError(
            f"nothing that was started here is called {name}",
            f"there is: {names}" if names else command("claude-local", "up", "--help"),
        )
    if len(known) == 1:
        return known[0]
    if not known:
        raise UsageError("no server was started here", command("claude-local", "up", "--help"))
    raise UsageError("several servers were started", f"say which: {', '.join(each.name for each in known)}")


def keep(deployment: Deployment, state_dir: Path) -> None:
    """Put it on record."""
    file.private_folder(folder(state_dir))
    text = json.dumps(deployment.as_json(), indent=1) + "\n"
    path = folder(state_dir) / f"{deployment.name}.json"
    file.rewrite(path, lambda _: text, lock_dir=state_dir / "locks")


def forget(deployment: Deployment, state_dir: Path) -> None:
    """Take it off the record."""
    path = folder(state_dir) / f"{deployment.name}.json"
    path.unlink(missing_ok=True)
    file.remove_empty((folder(state_dir),))


def _read(path: Path) -> Deployment:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        known = {each.name for each in fields(Deployment)}
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in held.items()}
        wanted: dict[str, Any] = {name: value for name, value in values.items() if name in known}
        return Deployment(**wanted)
    except (OSError, ValueError, TypeError, AttributeError) as fault:
        raise SettingsError(
            f"{path}: this record of a server cannot be read: {fault}",
            "look whether that server still runs, then delete it",
        ) from fault
