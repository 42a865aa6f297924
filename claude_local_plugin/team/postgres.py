"""The only door to psycopg: a team's database opened by its URL.

Where it is, and what TLS has to be like (`sslmode`, `sslrootcert`, …), the URL says, with the service file that it may
name. The password is asked of the service file, PGPASSWORD, ~/.pgpass or the file of PGPASSFILE, or the system's
keyring. A URL that is kept in config.toml must have none in it.
"""

import os
import socket
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from claude_local_plugin.core import installed
from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.team import schema
from claude_local_plugin.team.complaints import explained

if TYPE_CHECKING:
    from types import ModuleType
    from urllib.parse import SplitResult

    from psycopg import Connection as _Connection

    Connection = _Connection[tuple[Any, ...]]

#: The beginnings of a URL that is one of ours.
SCHEMES = ("postgresql://", "postgres://")
#: How long to wait for a server to let us in, in seconds, where the URL does not say.
CONNECT_S = 10
#: How long one statement may take, and how long it may wait for others, in seconds.
STATEMENT_S = 120
LOCK_S = 60
#: How long a command may read, in seconds.
READ_S = 600
#: How long what was sent may stay without an answer of the other machine's network, in seconds.
SILENT_S = 30
#: The variables of libpq that count: who asks, with what he shows that he may, and how patient he is. Whatever else
#: somebody has set (PGHOSTADDR, PGSERVICE, PGOPTIONS, …) could lead elsewhere than the URL does.
_VARIABLES = ("PGUSER", "PGPASSWORD", "PGPASSFILE", "PGSSLCERT", "PGSSLKEY", "PGCONNECT_TIMEOUT")
#: Where the service file is, for a URL that names a service.
_SERVICE_FILES = ("PGSERVICEFILE", "PGSYSCONFDIR")
#: What PGSSLMODE may ask for where the URL asks for nothing: no less than what holds without it.
_STRICTER = ("require", "verify-ca", "verify-full")
#: What in a URL is a secret, and what besides is of one role alone.
_SECRET = ("password", "sslpassword", "oauth_client_secret")
_OF_A_ROLE = ("user", "passfile", "sslcert", "sslkey")
#: The oldest server that has what we need: views that ask with the rights of who looks at them.
OLDEST = 150_000


def is_url(text: str) -> bool:
    """Whether this is the address of a PostgreSQL."""
    return text.startswith(SCHEMES)


def shown(url: str) -> str:
    """The URL without its password, to be printed."""
    parts = urlsplit(url)
    user, _, place = parts.netloc.rpartition("@")
    netloc = f"{user.partition(':')[0]}@{place}" if user else place
    return _joined(netloc, parts, _without(parts.query, _SECRET))


def _joined(netloc: str, parts: "SplitResult", query: str) -> str:
    """A URL of these parts; `urlunsplit` leaves the slashes out where no host is named, as with a service."""
    return f"{parts.scheme}://{netloc}{parts.path}{f'?{query}' if query else ''}"


def _without(query: str, names: Collection[str]) -> str:
    """The query of a URL without these parameters, however they are spelled."""
    return "&".join(pair for pair in query.split("&") if pair and unquote(pair.partition("=")[0]).lower() not in names)


def has_password(url: str) -> bool:
    """Whether a password stands in the URL."""
    parts = urlsplit(url)
    asked = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    return parts.password is not None or not asked.isdisjoint(_SECRET)


def with_role(url: str, role: str) -> str:
    """The URL for somebody else: without a password, and without what shows who somebody is."""
    parts = urlsplit(shown(url))
    place = parts.netloc.rpartition("@")[2]
    return _joined(f"{quote(role, safe='')}@{place}", parts, _without(parts.query, _OF_A_ROLE))


def parameters(url: str) -> dict[str, str]:
    """What the URL says, by libpq's names: host, port, dbname, user, sslmode, …"""
    psycopg = engine()
    with complaints(url):
        found: dict[str, str] = psycopg.conninfo.conninfo_to_dict(url)
    return {name: str(value) for name, value in found.items()}


@contextmanager
def opened(
    url: str, environ: Mapping[str, str], *, kept: bool = False, sending: bool = False
) -> "Iterator[Connection]":
    """The database, outside any transaction; raises ClaudeLocalError.

    Of `environ` PGPASSWORD and its like count. `kept`: the URL stands in config.toml, where no password
    may be. What psycopg raises inside becomes an error for people, too; with `sending` it says what becomes of what was
    to be sent.
    """
    check_url(url)
    if kept and has_password(url):
        raise UsageError(
            f"{shown(url)}: a password stands in config.toml",
            "take it out of the URL there: it belongs into ~/.pgpass, PGPASSWORD, a service file or the keyring",
        )
    psycopg = engine()
    with complaints(url, sending=sending):
        connection = _connect(psycopg, url, environ)
        try:
            if connection.info.server_version < OLDEST:
                raise ClaudeLocalError(
                    f"{shown(url)}: PostgreSQL {connection.info.server_version // 10_000} is too old for a team's log",
                    f"PostgreSQL {OLDEST // 10_000} or newer",
                )
            yield connection
        finally:
            connection.close()


def check_url(url: str) -> None:
    """Raises UsageError for what is no URL of a database."""
    try:
        right = is_url(url) and urlsplit(url) is not None
    except ValueError:
        right = False
    if not right:
        # not the whole of it: a password may stand in it
        raise UsageError(
            f"{url.partition('@')[0].partition('//')[0] or 'nothing'}… is no address of a team's database",
            "postgresql://ROLE@HOST:5432/DATABASE?sslmode=verify-full",
        )


def engine() -> "ModuleType":
    """psycopg; raises UsageError where it is not installed."""
    try:
        import psycopg
    except ImportError as error:
        raise UsageError(
            "a team's database needs psycopg, which is not installed",
            installed.with_extra("postgres"),
        ) from error
    return psycopg


def _connect(psycopg: "ModuleType", url: str, environ: Mapping[str, str]) -> "Connection":
    said = {name.lower(): value for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    wanted: dict[str, Any] = {
        "keepalives_idle": SILENT_S,
        "tcp_user_timeout": SILENT_S * 1000,
        "application_name": "claude-local",
    }
    if urlsplit(url).hostname or said.get("host"):
        wanted["hostaddr"] = ""  # a service file that names another address does not take its place
    settings = {name: value for name, value in wanted.items() if name not in said}
    # prepared statements would outlive a transaction, which a pooler between us and the server does not allow
    how: dict[str, Any] = {"autocommit": True, "prepare_threshold": None, **settings}
    with _variables(_that_count(environ, by_service="service" in said)):
        try:
            connection: Connection = psycopg.connect(url, **how)
        except psycopg.OperationalError as fault:
            asked = fault.pgconn is not None and fault.pgconn.needs_password
            password = _from_keyring(url) if asked and not has_password(url) else None
            if password is None:
                raise
            connection = psycopg.connect(url, **{**how, "password": password})
    return connection


def _that_count(environ: Mapping[str, str], *, by_service: bool) -> dict[str, str]:
    """The variables that libpq is to find. What the URL says goes before them, and what its service does, too."""
    names = (*_VARIABLES, *(_SERVICE_FILES if by_service else ()))
    found = {"PGCONNECT_TIMEOUT": str(CONNECT_S)} | {name: environ[name] for name in names if environ.get(name)}
    if environ.get("PGSSLMODE") in _STRICTER:
        found["PGSSLMODE"] = environ["PGSSLMODE"]
    return found


@contextmanager
def _variables(wanted: Mapping[str, str]) -> Iterator[None]:
    """Of its variables libpq, which looks into the environment of this process, finds these meanwhile."""
    before = {name: value for name, value in os.environ.items() if name.startswith("PG")}
    try:
        for name in before:
            del os.environ[name]
        os.environ.update(wanted)
        yield
    finally:
        for name in wanted:
            os.environ.pop(name, None)
        os.environ.update(before)


def _from_keyring(url: str) -> str | None:
    """What the system's keyring has for this URL as it is shown; None where it has nothing, or cannot be asked."""
    from claude_local_plugin.profiles import secrets

    return secrets.password_of(shown(url))


@contextmanager
def patient(connection: "Connection", seconds: float) -> Iterator[None]:
    """Nothing in here takes longer: a server that is there and answers nothing keeps nobody waiting for good."""
    psycopg, late = engine(), threading.Event()

    def end() -> None:
        late.set()
        if not connection.closed:
            with socket.socket(fileno=os.dup(connection.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except psycopg.OperationalError as fault:
        if late.is_set():
            raise psycopg.errors.QueryCanceled(f"no answer in {seconds:,.0f} s") from fault
        raise
    finally:
        timer.cancel()


@contextmanager
def transaction(connection: "Connection", *, seconds: float = STATEMENT_S) -> Iterator[None]:
    """A transaction in which no statement takes longer, and none waits long for others."""
    with patient(connection, seconds + SILENT_S), connection.transaction():
        connection.execute(
            "SELECT set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true)",
            (str(int(seconds * 1000)), str(int(min(seconds, LOCK_S) * 1000))),
        )
        yield


@contextmanager
def complaints(url: str, *, sending: bool = False) -> Iterator[None]:
    """What psycopg raises inside as ClaudeLocalError: what is wrong, where, and what to do next."""
    psycopg = engine()
    try:
        yield
    except psycopg.Error as fault:
        raise explained(shown(url), fault, sending=sending) from fault


def take_whole_numbers(connection: "Connection") -> None:
    """A sum, which has as many digits as it needs, comes as a whole number where it is one."""
    adapt = engine().adapt

    class Number(adapt.Loader):  # type: ignore[misc, name-defined]  # psycopg is loaded by whoever needs it
        def load(self, data: Any) -> int | float:
            text = bytes(data)
            return int(text) if text.lstrip(b"-").isdigit() else float(text)

    connection.adapters.register_loader("numeric", Number)


def check(connection: "Connection", url: str) -> None:
    """Raises ClaudeLocalError unless the schema is one that this program writes and reads."""
    with patient(connection, SILENT_S):
        version, oldest = schema.version_of(connection)
        ours = schema.steps()[-1].version
        if version < ours:
            init = command("claude-local", "sessions", "team", "init", of_the_administrator(connection, url))
    if version == 0:
        raise ClaudeLocalError(f"{shown(url)}: no team's log is there", f"whoever administers it makes one: {init}")
    if version < ours:
        raise ClaudeLocalError(
            f"{shown(url)}: the team's log has schema {version}, this program needs {ours}",
            f"whoever administers it brings it up to date: {init}",
        )
    if oldest > ours:
        raise newer(url, version)


#: Roles that may run `init`: who asks, if he is one; the database's owner, who has run it before, a superuser.
_ADMINISTRATORS = f"""
SELECT r.rolname FROM pg_roles AS r JOIN pg_database AS d ON d.datname = current_database()
CROSS JOIN LATERAL (SELECT pg_has_role(r.oid, to_regrole('{schema.OWNER}'), 'MEMBER') IS TRUE AS ran_it) AS before
WHERE r.rolcanlogin AND (r.rolsuper
    OR has_database_privilege(r.oid, d.oid, 'CREATE') AND (before.ran_it OR r.rolcreaterole))
ORDER BY r.rolname = session_user DESC, r.oid = d.datdba DESC, before.ran_it DESC, r.rolsuper, r.rolname LIMIT 1
"""


def of_the_administrator(connection: "Connection", url: str) -> str:
    """The URL, without a password, of somebody who may run `init` in this database: seldom the one that asks."""
    found = connection.execute(_ADMINISTRATORS.encode()).fetchone()
    return with_role(url, str(found[0])) if found else shown(url)


def newer(url: str, version: int) -> ClaudeLocalError:
    """What to say of a schema that a newer program has made."""
    ours, again = f"this program knows {schema.steps()[-1].version}", installed.newer()
    return ClaudeLocalError(
        f"{shown(url)}: the team's log has schema {version}, {ours}",
        f"a newer program made it: {again}",
    )
