"""What can be wrong with a team's database is said with what, where and what next; nothing is lost, and nothing is
taken for another's. All of it on a real PostgreSQL, most of it by way of a proxy, so that the address stays the same.
"""

import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from claude_local_plugin.sessionlog import queries, store
from claude_local_plugin.sessionlog.queries.filters import spelled
from claude_local_plugin.team import outgoing, postgres, push, schema
from tests.commands.place import Place, flat
from tests.postgres import Cluster, cluster
from tests.programs import program
from tests.sessionlog.recording import BEGIN, NAS, recording
from tests.team.batches import assert_sums_are_right, batch, event, session, span
from tests.team.conftest import Team
from tests.team.proxy import Proxy, proxy

pytestmark = [pytest.mark.programs, pytest.mark.process]

#: What is in the log before anything goes wrong.
SESSIONS = 8
KEPT = "nothing is lost: what is not there yet is sent by the next push"


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there is something in the middle."""
    monkeypatch.setattr(outgoing.batches, "__defaults__", (12,))


@pytest.fixture
def log(place: Place) -> Place:
    with recording(place.state) as recorder:
        for number in range(SESSIONS):
            recorder.session(f"s{number}", 20 * number, backend=NAS)
    return place


@dataclass(frozen=True, slots=True)
class Way:
    """A machine's way to its team's database."""

    team: Team
    proxy: Proxy
    url: str


@pytest.fixture
def way(team: Team) -> Iterator[Way]:
    own = team.writer("box1", "ann")
    with proxy(team.cluster.port) as between:
        yield Way(team, between, between.through(own))


def fails(place: Place, url: str, *said: str) -> str:
    """A push ends with these words behind the address, and with what is next; it is on record, too."""
    ended = place.ends(1, "sessions", "push", "--to", url)
    words = flat(ended.err)
    assert words.startswith(f"error: {url}: "), words
    assert "\nhint: " in ended.err
    for each in said:
        assert each in words
    assert "Traceback" not in words
    (failing,) = queries.failing(place.state)
    assert failing.destination == url
    return words


def arrives(place: Place, team: Team, url: str, count: int = SESSIONS) -> None:
    """The next push brings all that is in the log, once."""
    place.ok("sessions", "push", "--to", url)
    assert team.ask("SELECT count(*), count(DISTINCT session_id) FROM sessions") == [(count, count)]
    question = "SELECT count(*), sum(first), sum(messages), sum(input_tokens), sum(duration_ms) FROM spans"
    with closing(sqlite3.connect(place.state / store.DATABASE)) as own:
        assert [tuple(map(int, row)) for row in own.execute(question)] == [
            tuple(int(str(each)) for each in row) for row in team.ask(question)
        ]
    assert_sums_are_right(team)
    assert url not in [each.destination for each in queries.failing(place.state)]


def there(team: Team) -> int:
    return int(str(team.ask("SELECT count(*) FROM sessions")[0][0]))


def after(count: int, what: "Callable[[], object]") -> "Callable[[bytes], bool]":
    """Does it once, when the client has sent so many batches; breaks nothing by itself."""
    done = False

    def asked(said: bytes) -> bool:
        nonlocal done
        if not done and said.count(b"claude_local.push") >= count:
            done = True
            what()
        return False

    return asked


# --- down, slow, restarted


def test_a_database_that_is_down(log: Place, team: Team, closed_port: int) -> None:
    own = team.writer("box1", "ann")
    url = own.replace(f":{team.cluster.port}/", f":{closed_port}/")
    fails(log, url, "it cannot be reached: ", "Connection refused", "is it up, and is the URL right?", KEPT)
    with proxy(team.cluster.port) as between:  # the same address, where somebody listens by now
        pass
    arrives(log, team, own)
    assert between.came == 0


def test_a_database_that_is_stopped_in_the_middle_and_started_again(log: Place, way: Way) -> None:
    server, stopped = way.team.cluster, threading.Event()

    def stop() -> None:
        server.stop()
        stopped.set()

    way.proxy.breaks = after(2, stop)
    try:
        fails(log, way.url, KEPT)
        assert stopped.wait(60)
        fails(log, way.url, "the connection broke off", KEPT)  # nobody is behind the proxy
    finally:
        server.stop()
        server.start()
    way.proxy.port = server.port
    assert 0 < there(way.team) < SESSIONS
    arrives(log, way.team, way.url)


def test_an_administrator_who_ends_what_is_connected(log: Place, way: Way) -> None:
    way.proxy.breaks = after(
        2, lambda: way.team.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'box1'")
    )
    fails(log, way.url, "terminating connection due to administrator command", "try again in a moment", KEPT)
    assert 0 < there(way.team) < SESSIONS
    arrives(log, way.team, way.url)


def test_a_line_that_breaks_when_the_database_has_the_batch_and_nobody_knows(log: Place, way: Way) -> None:
    way.proxy.breaks = lambda said: said.count(b"claude_local.push") == 2
    fails(log, way.url, "the connection broke off", KEPT)
    way.proxy.breaks = lambda said: False
    arrives(log, way.team, way.url)


def test_a_database_that_does_not_let_anybody_in_is_not_waited_for_for_good(log: Place, way: Way) -> None:
    way.proxy.silent.set()
    url = f"{way.url}?connect_timeout=2"
    fails(log, url, "it does not answer", "is it up, and is the network there?", KEPT)
    way.proxy.silent.clear()
    arrives(log, way.team, url)


def test_a_database_that_stops_answering_is_not_waited_for_for_good(
    log: Place, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is at the other end lives, and says nothing: no timeout of the network ends that."""
    with monkeypatch.context() as patch:
        patch.setattr(postgres, "SILENT_S", 1)
        patch.setattr(vars(postgres.transaction)["__wrapped__"], "__kwdefaults__", {"seconds": 1})
        way.proxy.breaks = after(2, way.proxy.silent.set)
        fails(log, way.url, "it took too long: no answer in 2 s", "the database is busy", KEPT)
    way.proxy.silent.clear()
    arrives(log, way.team, way.url)


def test_a_database_in_which_others_are_in_the_way_for_long(
    log: Place, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(way.team.admin) as other, monkeypatch.context() as patch:
        patch.setattr(postgres, "LOCK_S", 0.1)
        patch.setattr(push, "TRIES", 1)
        other.execute("LOCK TABLE claude_local.machines")
        fails(log, way.url, "it took too long: canceling statement due to lock timeout", KEPT)
    arrives(log, way.team, way.url)


# --- full, read-only


def full(admin: "psycopg.Connection[tuple[object, ...]]", statement: str) -> bool:
    """Whether it comes to that, with this statement once more and once more."""
    try:
        for _ in range(10_000):
            admin.execute(statement.encode())
    except psycopg.errors.DiskFull:
        return True
    return False


def test_a_disk_that_is_full(log: Place) -> None:
    """The database lies on a file system of its own, of 48 MB, which other files fill."""
    unshare = program("unshare", "util-linux")
    owner = [] if os.geteuid() == 0 else ["--user", f"--map-user={os.geteuid()}", "--keep-caps"]
    if subprocess.run([unshare, *owner, "--mount", "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("a file system of one's own needs a mount namespace")

    def prepared(server: Cluster) -> None:
        (server.folder / "small").mkdir()
        belongs = f"uid={server.owner.pw_uid},gid={server.owner.pw_gid},mode=0700"
        mounted = f'mount -t tmpfs -o size=48m,{belongs} none "$0" && exec "$@"'
        server.within = [unshare, *owner, "--mount", "sh", "-c", mounted, str(server.folder / "small")]

    with cluster(prepared=prepared) as server:
        server.ask(f"CREATE TABLESPACE small LOCATION '{server.folder}/small'")
        server.ask("CREATE DATABASE team TABLESPACE small")
        team = Team(server, "team")
        url = team.writer("box1", "ann")
        with psycopg.connect(team.admin, autocommit=True) as admin:
            admin.execute("CREATE TABLE filler (text text)")
            admin.execute("ALTER TABLE filler ALTER text SET STORAGE PLAIN")
            for rows in (1000, 100, 10, 1):
                statement = f"INSERT INTO filler SELECT repeat('x', 8000) FROM generate_series(1, {rows})"
                assert full(admin, statement)
        fails(log, url, "its disk is full: ", "No space left on device", "make room there", KEPT)
        assert there(team) < SESSIONS
        team.ask("DROP TABLE public.filler")
        arrives(log, team, url)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("53100", ("its disk is full: ", "make room there")),  # where nobody may mount anything, as a trigger says it
        ("53200", ("it has run out of something: ", "try again later")),
        ("54000", ("the database complains: ", "the database's own log may say more")),
    ],
)
def test_a_database_that_cannot_keep_more(log: Place, way: Way, state: str, said: tuple[str, ...]) -> None:
    full = f"CREATE FUNCTION is_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE '{state}'; END $$"
    way.team.ask(full)
    way.team.ask("CREATE TRIGGER is_full BEFORE INSERT ON spans EXECUTE FUNCTION is_full()")
    fails(log, way.url, *said)
    assert there(way.team) == 0
    way.team.ask("DROP FUNCTION is_full() CASCADE")
    arrives(log, way.team, way.url)


def test_a_database_that_is_read_only(log: Place, way: Way) -> None:
    way.team.ask(f"ALTER DATABASE {way.team.name} SET default_transaction_read_only = on")
    fails(log, way.url, "it is read-only: cannot execute", "ask for the primary's address", KEPT)
    assert there(way.team) == 0
    assert (
        log.json("sessions", "list", "--from", way.team.cluster.url(way.team.name))["sessions"] == []
    )  # it can be read
    with psycopg.connect(way.team.admin, autocommit=True) as admin:
        admin.execute("SET default_transaction_read_only = off")
        admin.execute(f"ALTER DATABASE {way.team.name} RESET default_transaction_read_only".encode())
    arrives(log, way.team, way.url)


def test_too_many_who_are_connected(log: Place, way: Way) -> None:
    way.team.ask("ALTER ROLE box1 CONNECTION LIMIT 0")
    fails(log, way.url, "it has run out of something: too many connections for role", KEPT)
    way.team.ask("ALTER ROLE box1 CONNECTION LIMIT -1")
    arrives(log, way.team, way.url)


# --- whose it is


def test_a_role_a_database_or_a_log_that_is_not_there(log: Place, team: Team, empty_database: str) -> None:
    own = team.writer("box1", "ann")
    fails(log, own.replace("box1", "nobody"), "it does not let us in: role", "does not exist", "the role and its")
    log.state.joinpath(store.DATABASE).unlink()
    with recording(log.state) as recorder:
        recorder.session("s0")
    fails(log, f"{own}_not", "there is no such database: ", "createdb NAME")


_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout")
_CA = """[ca]
default_ca=own
[own]
database=index
new_certs_dir=.
rand_serial=yes
default_md=sha256
policy=any
unique_subject=no
[any]
commonName=supplied
"""


class Authority:
    """One that signs certificates of servers, from a folder of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.file = self.folder / "authority.pem"
        own = ["-out", self.file.name, "-days", "60", "-subj", f"/CN={name}"]
        self._openssl("req", "-x509", *_KEY, "authority.key", *own)
        (self.folder / "ca.cnf").write_text(_CA)
        (self.folder / "index").touch()

    def _openssl(self, *words: str) -> None:
        subprocess.run([program("openssl", "openssl"), *words], check=True, capture_output=True, cwd=self.folder)

    def signed(self, host: str, begins: int = -1, ends: int = 2) -> tuple[Path, Path]:
        """The certificate and the key of a server that is this host, good from and until so many days from now."""
        certificate, key = f"{host}{begins}.pem", f"{host}{begins}.key"
        self._openssl("req", *_KEY, key, "-out", "server.csr", "-subj", f"/CN={host}")
        (self.folder / "server.ext").write_text(f"subjectAltName=DNS:{host}\n")
        now = datetime.now(UTC)
        first, last = (f"{now + timedelta(days=days):%Y%m%d%H%M%SZ}" for days in (begins, ends))
        by = ["-cert", self.file.name, "-keyfile", "authority.key", "-startdate", first, "-enddate", last]
        what = ["-extfile", "server.ext", "-in", "server.csr", "-out", certificate]
        self._openssl("ca", "-batch", "-notext", "-config", "ca.cnf", *by, *what)
        return self.folder / certificate, self.folder / key


def shows(server: Cluster, certificate: Path, key: Path) -> None:
    """From its next start on the server has this certificate."""
    for path, name in ((certificate, "shown.pem"), (key, "shown.key")):
        copy = server.data / name
        shutil.copy(path, copy)
        copy.chmod(0o600)
        server.give(copy) if os.geteuid() == 0 else None


def test_a_certificate_that_is_not_right(log: Place, tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    right = ours.signed("localhost")

    def restarted(certificate: Path, key: Path) -> str:
        server.stop()
        shows(server, certificate, key)
        server.start()
        return f"{team.writer('box1', 'ann').replace('127.0.0.1', 'localhost')}?sslmode=verify-full"

    def refused(url: str, *said: str) -> None:
        words = flat(log.ends(1, "sessions", "push", "--to", url).err)
        assert words.startswith(f"error: {url}: {said[0]}"), words
        for each in (*said, "hint: "):
            assert each in words

    options = ("ssl=on", "ssl_cert_file=shown.pem", "ssl_key_file=shown.key")
    with cluster(*options, prepared=lambda server: shows(server, *right)) as server:
        server.ask("CREATE DATABASE team")
        team = Team(server, "team")
        url = f"{team.writer('box1', 'ann').replace('127.0.0.1', 'localhost')}?sslmode=verify-full"
        trusted = f"&sslrootcert={ours.file}"
        next_step = "sslrootcert=FILE in the URL names the authority to trust"
        # whom nobody here trusts, and who is somebody else
        not_ours = "its certificate is not trusted here: unable to get local issuer certificate"
        refused(f"{url}&sslrootcert={theirs.file}", not_ours, next_step)
        refused(f"{url}&sslrootcert=system", not_ours, next_step)
        refused(url, "its certificate, or TLS with it, is not right: ", "root certificate file", next_step)
        refused(
            f"{url}{trusted}".replace("localhost", "127.0.0.1"),
            "its certificate is for localhost",
            ", not for 127.0.0.1",
            "ask for localhost, if that is its name for this machine, or have one made for 127.0.0.1",
        )
        # one of our own authority, which is another host's, whose time is over, and whose time has not come
        url = restarted(*ours.signed("db.example"))
        other = "its certificate is for db.example"
        refused(f"{url}{trusted}", other, ", not for localhost", "ask for db.example, if that is its name")
        url = restarted(*ours.signed("localhost", -30, -3))
        expired = f"its certificate has expired: it was good until {datetime.now(UTC) - timedelta(days=3):%Y-%m-%d}"
        refused(f"{url}{trusted}", expired, "puts a new one there (ssl_cert_file) and reloads it")
        refused(f"{url}{trusted}".replace("verify-full", "verify-ca"), expired)
        said = flat(log.ends(1, "sessions", "list", "--from", f"{url}{trusted}").err)
        assert f"{url}{trusted}: {expired}" in said
        assert KEPT not in said, "nothing was to be sent"
        url = restarted(*ours.signed("localhost", 3, 30))
        begins = f"its certificate is good from {datetime.now(UTC) + timedelta(days=3):%Y-%m-%d}"
        refused(f"{url}{trusted}", begins, "the clock here, or that of whoever made it, is wrong")
        assert there(team) == 0
        url = restarted(*right)
        arrives_at = log.ok("sessions", "push", "--to", f"{url}{trusted}")
        assert f"sent to {url}{trusted}" in flat(arrives_at.out)
        assert there(team) == SESSIONS
        with postgres.opened(f"{url}{trusted}", {}) as connection:
            assert connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone() == (True,)


def test_a_refused_certificate_that_cannot_be_looked_at_again_is_said_as_it_was(closed_port: int) -> None:
    class Attempt:
        host, hostaddr, port, info = b"localhost", b"", closed_port, ()

    fault = psycopg.OperationalError("SSL error: certificate verify failed", pgconn=Attempt())  # type: ignore[arg-type]
    said = postgres.explained("postgresql://db/team", fault)
    wrong = "its certificate, or TLS with it, is not right: SSL error: certificate verify failed"
    assert str(said) == f"postgresql://db/team: {wrong}"


def test_a_server_without_tls_where_the_url_asks_for_it(log: Place, way: Way) -> None:
    fails(log, f"{way.url}?sslmode=require", "it has no TLS, which the URL or PGSSLMODE asks for: ", "ssl = on", KEPT)
    assert there(way.team) == 0


# --- another schema

LATER = "CREATE TABLE claude_local.later ();"


def knows(monkeypatch: pytest.MonkeyPatch, oldest: int) -> None:
    """This program is a later one, which knows a second step."""
    known = schema.steps()
    more = schema.step(2, f"-- usable by programs of schema {oldest} and later\n{LATER}")
    monkeypatch.setattr(schema, "steps", lambda: (*known, more))


def test_a_schema_that_is_older_than_the_program(log: Place, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    knows(monkeypatch, 1)
    own = f"{way.url}?sslmode=prefer"
    words = fails(log, own, "the team's log has schema 1, this program needs 2", "brings it up to date")
    assert there(way.team) == 0
    # what is printed there is what a role that may types, and does it
    typed = shlex.split(words.partition("brings it up to date: ")[2])
    assert typed[:-1] == ["claude-local", "sessions", "team", "init"]
    assert typed[-1] == own.replace("box1@", "postgres@")
    assert "schema 2, it was 1" in log.ok(*typed[1:]).out
    arrives(log, way.team, own)


def test_who_is_asked_to_bring_a_schema_up_to_date_may(log: Place, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """A role that is no superuser, in whose database it is, has run `init` before; nothing of the writer's is left."""
    lead = f"it's the lead of {way.team.name}"
    admin = way.url.replace("box1@", f"{quote(lead)}@")
    way.team.ask(f"""CREATE ROLE "{lead}" LOGIN IN ROLE claude_local_owner""")
    way.team.ask(f"""ALTER DATABASE {way.team.name} OWNER TO "{lead}\"""")
    try:
        knows(monkeypatch, 1)
        secret = f"{way.url.replace('box1@', 'box1:geheim@')}?sslcert=/home/box1/own.pem"
        ended = log.ends(1, "sessions", "push", "--to", way.url, "--since", "1d")
        asked = log.ends(1, "sessions", "list", "--from", secret)
        for each in (ended, asked):
            assert shlex.split(flat(each.err).partition("brings it up to date: ")[2])[-1] == admin
            assert "geheim" not in each.err
        log.ok("sessions", "team", "init", admin)
        arrives(log, way.team, way.url)
    finally:
        way.team.ask(f"""ALTER DATABASE {way.team.name} OWNER TO postgres""")
        way.team.ask(f"""DROP OWNED BY "{lead}\"""")
        way.team.ask(f"""DROP ROLE "{lead}\"""")


def test_a_schema_that_is_newer_than_the_program(log: Place, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        knows(later, 2)
        log.ok("sessions", "team", "init", way.team.admin)
    words = fails(log, way.url, "the team's log has schema 2, this program knows 1")
    assert "a newer program made it: " in words
    said = log.ends(1, "sessions", "team", "init", way.team.admin).err
    assert "the team's log has schema 2, this program knows 1" in flat(said)
    assert there(way.team) == 0
    knows(monkeypatch, 2)
    arrives(log, way.team, way.url)


def test_a_newer_schema_that_goes_on_serving_this_program(
    log: Place, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as later:
        knows(later, 1)
        log.ok("sessions", "team", "init", way.team.admin, "--reader", "lead", "--no-passwords")
    arrives(log, way.team, way.url)
    lead = way.team.cluster.url(way.team.name, "lead")
    assert len(log.json("sessions", "list", "--from", lead)["sessions"]) == SESSIONS


# --- another clock


@pytest.mark.parametrize(("days", "said", "shown"), [(1, "ahead", "+24 h"), (-1, "behind", "-24 h")])
def test_a_clock_that_is_a_day_apart(
    place: Place, way: Way, monkeypatch: pytest.MonkeyPatch, days: int, said: str, shown: str
) -> None:
    """Its sessions come as it tells of them; of when it was heard of, and how late, the database's clock tells."""
    there_it_is = datetime.now(UTC) + timedelta(days=days)
    with recording(place.state) as recorder:
        recorder.session("s0", (there_it_is - BEGIN).total_seconds() / 60 - 15)
    with monkeypatch.context() as patch:
        patch.setattr(push, "now", lambda: spelled(there_it_is))
        arrives(place, way.team, way.url, 1)
    other = way.team.writer("box2", "bob")
    with postgres.opened(other, {}) as connection:
        now = spelled(datetime.now(UTC))
        push.push(connection, batch(session("right", started_at=now, last_seen_at=now, spans=(), events=())))
    ended = place.ok("sessions", "team", "status", "--from", way.team.reader())
    lines = {line.split()[0]: line for line in ended.out.splitlines()}
    assert shown in lines["box1"]
    assert " right " in lines["box2"]
    assert flat(ended.err) == f"! box1: its clock is 24 h {said}"
    (one, two) = place.json("sessions", "team", "status", "--from", way.team.reader())["machines"]
    assert abs(abs(one["clock_behind_s"]) - 86_400) < 600
    assert 0 <= one["lag_s"] < 900  # of its own clock
    assert one["heard_ago_s"] < 600  # of the database's
    assert abs(two["clock_behind_s"]) < 600
    listed = place.json("sessions", "list", "--all", "--since", "2d", "--from", way.team.reader())["sessions"]
    assert "s0" in [each["session_id"] for each in listed]


def test_a_clock_that_is_a_year_ahead_costs_the_other_sessions_nothing(log: Place, way: Way) -> None:
    ahead = (datetime.now(UTC) + timedelta(days=366) - BEGIN).total_seconds() / 60
    with recording(log.state) as recorder:
        recorder.session("ahead", ahead)
    ended = log.ends(1, "sessions", "push", "--to", way.url)
    assert "! refused: ahead: a time that cannot be: " in flat(ended.err)
    assert there(way.team) == SESSIONS
    status = log.ok("sessions", "team", "status", "--from", way.team.reader())
    assert "! box1: 1 session was refused: a time that cannot be: " in flat(status.err)


# --- a hostile writer

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(2)>",
    "\"'><svg/onload=alert(3)>",
    "'; DROP TABLE claude_local.sessions; --",
    "\x1b[2J\x1b]0;owned\x07 \u202eevil",
)


def test_what_a_hostile_writer_calls_things_is_text_on_the_page_and_on_the_screen(place: Place, team: Team) -> None:
    now = datetime.now(UTC)
    moment, later = spelled(now - timedelta(hours=2)), spelled(now - timedelta(hours=1))
    with postgres.opened(team.writer("box1", None), {}) as connection:
        for number, name in enumerate(HOSTILE):
            url = f"http://{name}/"
            strange = {"model": name, "project": name, "via": url, "backend_url": url, "backend_kind": name}
            told = session(
                f"{number}{name}",
                started_at=moment,
                last_seen_at=later,
                ended_at=later,
                spans=(span(started_at=moment, ended_at=later, cause=name, **strange),),
                events=(event(at=moment, event=name, detail=name, outcome=name, cause=name, backend_url=url),),
                **strange,
                end_reason=name,
                cwd=name,
                profile=name,
                client_version=name,
            )
            push.push(connection, batch(told, person=name, program=name, machine=name))
    url = team.reader()
    page = place.ok("report", "--since", "all", "--output", "-", "--from", url).out
    for dangerous in ("<script>alert", "<img src=x", "<svg/onload", "</script><img", "\x1b", "\u202e"):
        assert dangerous not in page
    assert "&lt;script&gt;alert(1)" in page
    assert re.search(r"&lt;svg/onload", page)
    listed = place.ok("sessions", "list", "--all", "--from", url, "--json").json["sessions"]  # causes are none of ours
    number = listed[0]["session_id"]
    for asked in (
        *(("sessions", "stats", "--by", by) for by in ("backend", "model", "project", "person", "machine")),
        ("sessions", "list", "--all"),
        ("sessions", "show", number),
        ("sessions", "team", "status"),
        ("audit", "--allow", "local"),
    ):
        shown = place.run(*asked, "--from", url)
        assert shown.code in (0, 1), shown
        assert "Traceback" not in shown.all
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", shown.all), asked
    assert_sums_are_right(team)


def test_a_writer_that_speaks_sql_itself_reaches_nobody_elses_rows(team: Team) -> None:
    with postgres.opened(team.writer("box1", "ann"), {}) as connection:
        push.push(connection, batch(session("of-ann")))
    before = team.ask("SELECT * FROM readable_sessions"), team.ask("SELECT * FROM readable_machines")
    told = json.dumps(batch(session("of-ann", changed=99, machine=1, id=1, person=1), machine="box1", person="ann"))
    with psycopg.connect(team.writer("mallory"), autocommit=True) as mallory:
        for statement in (
            "UPDATE claude_local.sessions SET machine = 1",
            "DELETE FROM claude_local.sessions WHERE machine = 1",
            "INSERT INTO claude_local.machines (name, role) VALUES ('x', 'mallory')",
            "UPDATE claude_local.machines SET role = 'mallory' WHERE name = 'box1'",
            "SET SESSION AUTHORIZATION box1",
            "SET ROLE box1",
            "SELECT set_config('role', 'claude_local_owner', false)",
            "ALTER FUNCTION claude_local.push(jsonb) SET search_path = public",
            "CREATE FUNCTION claude_local.me() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        ):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.DuplicateFunction)):
                mallory.execute(statement.encode())
        # names of one's own before those of the database
        mallory.execute(
            "CREATE TEMP TABLE machines AS SELECT 1 AS id, 'mallory'::name AS role, NULL::integer AS person"
        )
        mallory.execute("SET search_path = pg_temp, claude_local")
        mallory.execute("SELECT claude_local.push(%s::jsonb)", (told,))
    assert team.ask("SELECT machine, person, session_id FROM readable_sessions ORDER BY id") == [
        ("box1", "ann", "of-ann"),
        ("mallory", "ann", "of-ann"),
    ]
    assert team.ask("SELECT * FROM readable_sessions WHERE machine = 'box1'") == before[0]
    assert team.ask("SELECT * FROM readable_machines WHERE machine = 'box1'") == before[1]
    assert_sums_are_right(team)


def test_a_name_of_ten_megabytes_in_the_own_log_is_sent_all_the_same(place: Place, team: Team) -> None:
    with recording(place.state) as recorder:
        recorder.session("s0", project="/" + "x" * 10_000_000)
        recorder.session("s1", 20)
    arrives(place, team, team.writer("box1"), 2)
    shown = place.ok("sessions", "stats", "--by", "project", "--from", team.reader()).out
    assert max(map(len, shown.splitlines())) < 1000


def test_init_ends_on_a_database_that_is_read_only_or_down(place: Place, team: Team, closed_port: int) -> None:
    team.ask(f"ALTER DATABASE {team.name} SET default_transaction_read_only = on")
    said = flat(place.ends(1, "sessions", "team", "init", team.admin, "--writer", "box9").err)
    assert "it is read-only: cannot execute" in said
    away = team.admin.replace(f":{team.cluster.port}/", f":{closed_port}/")
    for asked in (("init", away), ("status", "--from", away)):
        said = flat(place.ends(1, "sessions", "team", *asked).err)
        assert f"{away}: it cannot be reached: " in said
        assert KEPT not in said, "nothing was to be sent"
