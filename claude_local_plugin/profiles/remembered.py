"""Which profile a folder is enabled with, and which it was enabled with before: kept in the record of its settings."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from claude_local_plugin.core.record_extras import FALLBACK, FALLEN_FROM, FALLEN_URL, PROFILE
from claude_local_plugin.precedence import Scope, settings_file_to_write
from claude_local_plugin.settings import ownership
from claude_local_plugin.settings.ownership import BACKEND, Record
from claude_local_plugin.world import World

#: What a record remembers the profile before under; see `PROFILE`.
BEFORE = "profile_before"


def in_record(record: Record | None) -> str | None:
    """The profile that a file was last enabled with; None where it was none."""
    return (record.extras.get(PROFILE) or None) if record is not None and record.layer(BACKEND) else None


def before(record: Record | None) -> str | None:
    """The profile that a file was enabled with before the present one, or before a server that has no name."""
    return (record.extras.get(BEFORE) or None) if record is not None else None


def extras(record: Record | None, name: str | None) -> dict[str, str]:
    """What to remember when a file is enabled with the profile of this name (None: with none)."""
    present = in_record(record)
    if present == name:
        return {PROFILE: name} if name else {}
    return {PROFILE: name or "", **({BEFORE: present} if present else {})}


def fallback(record: Record | None, names: Sequence[str]) -> dict[str, str]:
    """What to remember of the fallback of the profile that somebody has enabled a file with."""
    known = record.extras if record is not None else {}
    said = {FALLBACK: ",".join(names), FALLEN_FROM: "", FALLEN_URL: ""}
    return {key: value for key, value in said.items() if value or known.get(key)}


def here(world: World) -> str | None:
    """The profile that sessions here are enabled with, the nearest settings file first."""
    for scope in (Scope.LOCAL, Scope.PROJECT, Scope.USER):
        path = settings_file_to_write(
            scope, cwd=world.cwd, home=world.home, environ=world.environ, client_version=world.client_version
        )
        if (record := ownership.load(path, world.state_dir)) is not None and record.layer(BACKEND):
            return in_record(record)
    return None


def folders(name: str, state_dir: Path) -> Iterator[Path]:
    """The settings files that are enabled with the profile of this name."""
    yield from (record.settings_file for record in ownership.records(state_dir) if in_record(record) == name)
