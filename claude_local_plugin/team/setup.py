"""A team's log made in a database and brought up to date, and who may write to it or read it.

All of it in one transaction: it is done, or nothing is. Whoever runs it may make roles, or finds them made.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.team import postgres, schema

if TYPE_CHECKING:
    from claude_local_plugin.team.postgres import Connection

#: No name in PostgreSQL is longer, in bytes.
LONGEST_NAME = 63
#: Of these a password is made that needs no quotes anywhere.
_LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, slots=True)
class Writer:
    """A machine that is to write; `person` is whose it is, None where each push says so."""

    name: str
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """A role that may write or read. `password` is the one that was made for it just now, and is nowhere else."""

    name: str
    made: bool
    password: str | None
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What `init` has done: the schema before (0: there was none) and now, and the roles that were asked for."""

    before: int
    now: int
    writers: tuple[Role, ...]
    readers: tuple[Role, ...]


def init(
    connection: "Connection",
    url: str,
    *,
    program: str,
    writers: Sequence[Writer] = (),
    readers: Sequence[str] = (),
    passwords: bool = True,
    steps: Sequence[schema.Step] | None = None,
) -> Made:
    """Makes the schema or brings it up to date, and these roles; again, it changes nothing. Raises ClaudeLocalError."""
    known = schema.steps() if steps is None else steps
    for name in (*(writer.name for writer in writers), *readers):
        _check_name(name)
    if both := {writer.name for writer in writers} & set(readers):
        raise UsageError(f"{min(both)} is to write and to read", "a role of its own for each: a writer reads nothing")
    with postgres.transaction(connection):
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('claude_local.init'), 0)")
        before, _ = schema.version_of(connection)
        if before > known[-1].version:
            raise postgres.newer(url, before)
        _make_groups(connection, url)
        _make_schema(connection, url, before)
        connection.execute(f"SET LOCAL ROLE {schema.OWNER}")
        connection.execute(f"SET LOCAL search_path = {schema.SCHEMA}")
        schema.migrate(connection, known, program)
        for month in _months(datetime.now(UTC)):
            connection.execute("SELECT claude_local.make_month(%s)", (month,))
        connection.execute("SET LOCAL ROLE NONE")
        made_writers = tuple(_writer(connection, url, each, passwords) for each in writers)
        made_readers = tuple(_reader(connection, url, each, passwords) for each in readers)
        return Made(before, known[-1].version, made_writers, made_readers)


def _check_name(name: str) -> None:
    if not name or len(name.encode()) > LONGEST_NAME or "\0" in name or name.startswith(("pg_", "claude_local_")):
        raise UsageError(
            f"{name[:80]!r} is no name for a role", f"1 to {LONGEST_NAME} bytes, and no beginning with pg_"
        )


def _months(now: datetime) -> tuple[str, str]:
    """This month and the next."""
    return f"{now:%Y-%m}", f"{now.replace(day=1) + timedelta(days=31):%Y-%m}"


def _make_groups(connection: "Connection", url: str) -> None:
    """The three roles that nobody logs in as, made where they are missing, and ourselves a member of the owner."""
    for group in (schema.OWNER, schema.WRITERS, schema.READERS):
        if not _one(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", group):
            _may_make_roles(connection, url)
            connection.execute(f"CREATE ROLE {group} NOLOGIN")
    if not _one(connection, "SELECT 1 WHERE pg_has_role(current_user, %s, 'MEMBER')", schema.OWNER):
        connection.execute(f"GRANT {schema.OWNER} TO CURRENT_USER")


def _may_make_roles(connection: "Connection", url: str) -> None:
    if not _one(connection, "SELECT 1 FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolcreaterole)"):
        raise ClaudeLocalError(
            f"{postgres.shown(url)}: this role may not make roles",
            "run it as a role that may: one with CREATEROLE that may create schemas in the database, or a superuser",
        )


def _make_schema(connection: "Connection", url: str, before: int) -> None:
    owner = _one(connection, "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = %s", schema.SCHEMA)
    if owner is None:
        connection.execute(f"CREATE SCHEMA {schema.SCHEMA} AUTHORIZATION {schema.OWNER}")
    elif before == 0 and owner != schema.OWNER:
        raise ClaudeLocalError(
            f"{postgres.shown(url)}: there is a schema {schema.SCHEMA} that {owner} has made for something else",
            "a database of its own for the team's log: createdb NAME",
        )


def _writer(connection: "Connection", url: str, writer: Writer, passwords: bool) -> Role:
    if _one(connection, "SELECT 1 WHERE pg_has_role(%s::name, %s, 'MEMBER')", writer.name, schema.READERS, role=True):
        raise ClaudeLocalError(f"{writer.name} is a reader, or a superuser: a writer reads nothing", "another name")
    made, password = _role(connection, url, writer.name, schema.WRITERS, passwords)
    person = None
    if writer.person is not None:
        connection.execute(
            "INSERT INTO claude_local.people (name) VALUES (%s) ON CONFLICT DO NOTHING", (writer.person[:200],)
        )
        person = _one(connection, "SELECT id FROM claude_local.people WHERE name = %s", writer.person[:200])
    connection.execute(
        "INSERT INTO claude_local.machines AS known (name, role, person) VALUES (%s, %s, %s)"
        " ON CONFLICT (name) DO UPDATE SET person = coalesce(excluded.person, known.person)",
        (writer.name, writer.name, person),
    )
    return Role(writer.name, made, password, writer.person)


def _reader(connection: "Connection", url: str, name: str, passwords: bool) -> Role:
    if _one(connection, "SELECT 1 FROM claude_local.machines WHERE role = %s", name):
        raise ClaudeLocalError(f"{name} is a machine, which reads nothing", "another name for who reads")
    return Role(name, *_role(connection, url, name, schema.READERS, passwords))


def _role(connection: "Connection", url: str, name: str, group: str, passwords: bool) -> tuple[bool, str | None]:
    """Makes the role where it is missing and puts it into the group: whether it was made, and its new password."""
    sql = postgres.engine().sql
    role = sql.Identifier(name)
    password = None
    there = _one(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", name)
    if not there:
        _may_make_roles(connection, url)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        if passwords:
            password = "".join(secrets.choice(_LETTERS) for _ in range(24))
            # the server, and its log, get to see what it keeps of it alone
            kept = connection.pgconn.encrypt_password(password.encode(), name.encode()).decode()
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(kept)))
    connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), role))
    if not _one(connection, "SELECT 1 WHERE has_database_privilege(%s, current_database(), 'CONNECT')", name):
        database = sql.Identifier(str(_one(connection, "SELECT current_database()")))
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, role))
    return not there, password


def _one(connection: "Connection", question: str, *values: str, role: bool = False) -> Any:
    """The one value that is asked for; None where there is none, with `role` also where no role has that name."""
    if role and not _one(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", values[0]):
        return None
    row = connection.execute(question.encode(), values).fetchone()
    return row[0] if row else None
