"""The schema of a team's database: which version it has, how it is made and brought up to date, and who may do what."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claude_local_plugin.team.postgres import Connection

#: The name of everything of ours in the database.
SCHEMA = "claude_local"
#: Whose the tables are; nobody logs in as one of these. Who writes and who reads belongs to the others.
OWNER, WRITERS, READERS = "claude_local_owner", "claude_local_writer", "claude_local_reader"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `version` is the schema's after it, `oldest` the oldest schema whose programs can go on working."""

    version: int
    oldest: int
    statements: str


@cache
def steps() -> tuple[Step, ...]:
    """All that this program knows, in order."""
    folder = files("claude_local_plugin.team.migrations")
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".sql"))
    return tuple(step(int(name[:4]), (folder / name).read_text("utf-8")) for name in names)


def step(version: int, statements: str) -> Step:
    """A step from its text, whose first line says from which schema on programs go on working after it."""
    found = re.match(r"-- usable by programs of schema (\d+) and later\n", statements)
    if found is None:
        raise ValueError(f"step {version} does not say whose programs go on working")
    return Step(version, int(found[1]), statements)


def version_of(connection: "Connection") -> tuple[int, int]:
    """The database's schema and the oldest one whose programs it serves; (0, 0) where there is none."""
    there = connection.execute("SELECT to_regclass('claude_local.versions') IS NOT NULL").fetchone()
    if there is None or not there[0]:
        return 0, 0
    row = connection.execute(
        "SELECT version, oldest FROM claude_local.versions ORDER BY version DESC LIMIT 1"
    ).fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


def migrate(connection: "Connection", known: Sequence[Step], program: str) -> tuple[int, ...]:
    """Takes the steps that are missing, inside the caller's transaction; returns their versions."""
    version, _ = version_of(connection)
    taken = []
    for each in known:
        if each.version > version:
            connection.execute(each.statements.encode())
            connection.execute(
                "INSERT INTO claude_local.versions (version, oldest, program) VALUES (%s, %s, %s)",
                (each.version, each.oldest, program),
            )
            taken.append(each.version)
    return tuple(taken)
