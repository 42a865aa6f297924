"""A team's database is where its URL says, whatever is in the environment; the password may be there."""

import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import keyring
import psycopg
import pytest

from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.profiles.secrets import SERVICE
from claude_local_plugin.team import postgres
from tests.commands.place import Place
from tests.profiles.test_secrets import Memory
from tests.sessionlog.recording import recording
from tests.team.conftest import Team

pytestmark = pytest.mark.programs

#: Another address of this machine, on which somebody else listens.
ELSEWHERE = "127.0.0.2"


@dataclass
class Trap:
    """Who listens elsewhere on the port of the database, and counts who comes."""

    port: int
    came: list[bytes] = field(default_factory=list)


@pytest.fixture
def trap(team: Team) -> Iterator[Trap]:
    with socket.create_server((ELSEWHERE, team.cluster.port)) as listener:
        found = Trap(team.cluster.port)

        def listen() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    found.came.append(connection.recv(100))

        thread = threading.Thread(target=listen)
        thread.start()
        yield found
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture
def lured(trap: Trap, tmp_path: Path) -> dict[str, str]:
    """Everything that could lead there, or make the way less safe."""
    services = tmp_path / "theirs.conf"
    services.write_text(f"[theirs]\nhost={ELSEWHERE}\nhostaddr={ELSEWHERE}\nport={trap.port}\nsslmode=disable\n")
    return {
        "PGHOST": ELSEWHERE,
        "PGHOSTADDR": ELSEWHERE,
        "PGPORT": str(trap.port),
        "PGDATABASE": "template1",
        "PGSERVICE": "theirs",
        "PGSERVICEFILE": str(services),
        "PGSYSCONFDIR": str(tmp_path),
        "PGSSLMODE": "disable",
        "PGSSLROOTCERT": str(services),
        "PGOPTIONS": "-c search_path=theirs -c default_transaction_read_only=on",
        "PGREQUIREAUTH": "none",
        "PGTARGETSESSIONATTRS": "standby",
        "PGCLIENTENCODING": "LATIN1",
        "PGDATESTYLE": "German, DMY",
    }


@contextmanager
def these(variables: Mapping[str, str]) -> Iterator[None]:
    """This process has them; it is the one that libpq is in."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


def place_of(url: str, environ: dict[str, str]) -> tuple[object, ...]:
    with postgres.opened(url, environ) as connection:
        row = connection.execute("SELECT current_database(), current_user, pg_is_in_recovery()").fetchone()
        assert connection.execute("SHOW transaction_read_only").fetchone() == ("off",)
        assert connection.execute("SHOW client_encoding").fetchone() == ("UTF8",)
        assert connection.execute("SHOW DateStyle").fetchone() == ("ISO, MDY",)
        assert row is not None
        return row


@pytest.mark.parametrize(
    "spelled",
    [
        "postgresql://box1@127.0.0.1:{port}/{name}",
        "postgresql://box1@localhost:{port}/{name}",
        "postgresql://box1@/{name}?host=127.0.0.1&port={port}",
        "postgresql:///{name}?user=box1&host=localhost&port={port}",
        "postgresql://box1@/{name}?host={folder}&port={port}",
        "postgresql://box1@other.example:{port}/{name}?hostaddr=127.0.0.1",
        "postgresql://box1@127.0.0.1:1,127.0.0.1:{port}/{name}",
    ],
)
def test_no_variable_leads_elsewhere_than_the_url(team: Team, trap: Trap, lured: dict[str, str], spelled: str) -> None:
    team.writer("box1")
    url = spelled.format(port=team.cluster.port, name=team.name, folder=team.cluster.folder)
    with these(lured):
        assert place_of(url, lured) == (team.name, "box1", False)
    assert trap.came == []


def test_they_would_have_led_there(team: Team, trap: Trap, lured: dict[str, str]) -> None:
    """So that the test above can fail: libpq by itself goes there."""
    with these(lured), pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"postgresql://box1@/{team.name}?host=localhost&port={team.cluster.port}")
    assert len(trap.came) >= 1


def test_a_url_without_a_host_is_this_machines_own_server(trap: Trap, lured: dict[str, str]) -> None:
    with these(lured), pytest.raises(ClaudeLocalError, match=r"on socket .*\.s\.PGSQL\.5432"):
        place_of("postgresql:///team", lured)
    assert trap.came == []


def test_a_service_that_the_url_names_says_where_but_not_beside_a_host(team: Team, trap: Trap, tmp_path: Path) -> None:
    team.writer("box1")
    services = tmp_path / "services.conf"
    rest = f"port={team.cluster.port}\ndbname={team.name}\nuser=box1\n"
    services.write_text(f"[team]\nhost=127.0.0.1\n{rest}[moved]\nhost=127.0.0.1\nhostaddr={ELSEWHERE}\n{rest}")
    environ = {"PGSERVICEFILE": str(services), "PGHOSTADDR": ELSEWHERE}
    with these(environ):
        assert place_of("postgresql://?service=team", environ) == (team.name, "box1", False)
        assert place_of("postgresql://127.0.0.1?service=moved", environ) == (team.name, "box1", False)
    assert trap.came == []


def test_a_push_arrives_where_its_url_says(place: Place, team: Team, trap: Trap, lured: dict[str, str]) -> None:
    where = team.writer("box1")
    with recording(place.state) as log:
        log.session("aaaaaaaa")
    with these(lured):
        place.ok("sessions", "push", "--to", where.replace("127.0.0.1", "localhost"))
    assert trap.came == []
    assert team.ask("SELECT session_id FROM sessions") == [("aaaaaaaa",)]


# --- who asks, and with which password


@pytest.fixture
def asked_for_it(team: Team) -> Iterator[str]:
    """The URL of a machine whose role is asked for its password, which is `right: \\ password`."""
    url = team.writer("asked")
    team.ask("CREATE ROLE with_password")
    team.ask("GRANT with_password TO asked")
    team.ask("ALTER ROLE asked PASSWORD 'right: \\ password'")
    yield url
    team.ask("DROP ROLE with_password")


PASSWORD = r"right: \ password"
LINE = r"127.0.0.1:*:*:asked:right\: \\ password"


@pytest.mark.parametrize("way", ["PGPASSWORD", "PGPASSFILE", "~/.pgpass", "the service", "the default service file"])
def test_the_password_comes_from_the_environment_the_password_file_or_the_service_file(
    team: Team, asked_for_it: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    environ, url = {"HOME": str(home)}, asked_for_it
    with pytest.raises(ClaudeLocalError, match="it asks for a password"):
        place_of(url, environ)
    if way == "PGPASSWORD":
        environ["PGPASSWORD"] = PASSWORD
    elif way in ("PGPASSFILE", "~/.pgpass"):
        path = tmp_path / "passwords" if way == "PGPASSFILE" else home / ".pgpass"
        path.write_text(f"{LINE}\n")
        path.chmod(0o600)
        environ |= {way: str(path)} if way == "PGPASSFILE" else {}
    else:
        path = tmp_path / "services.conf" if way == "the service" else home / ".pg_service.conf"
        there = f"host=127.0.0.1\nport={team.cluster.port}\ndbname={team.name}\nuser=asked\n"
        path.write_text(f"[team]\n{there}password={PASSWORD}\n")
        environ |= {"PGSERVICEFILE": str(path)} if way == "the service" else {}
        url = "postgresql://?service=team"
    assert place_of(url, environ)[1] == "asked"


def test_the_password_comes_from_the_systems_keyring_where_nothing_else_has_it(
    team: Team, asked_for_it: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Memory()
    monkeypatch.setattr(keyring, "get_password", held.get_password)
    asked = f"{asked_for_it}?sslmode=prefer"
    with pytest.raises(ClaudeLocalError, match="it asks for a password"):
        place_of(asked, {})
    held.set_password(SERVICE, asked, PASSWORD)
    assert place_of(asked, {})[1] == "asked"
    assert place_of(asked_for_it, {"PGPASSWORD": PASSWORD})[1] == "asked"
    held.locked = True
    with pytest.raises(ClaudeLocalError, match="it asks for a password"):
        place_of(asked, {})


def test_a_wrong_password_says_whose_and_where_it_may_stand(team: Team, asked_for_it: str) -> None:
    with pytest.raises(ClaudeLocalError) as told:
        place_of(asked_for_it, {"PGPASSWORD": "wrong"})
    assert told.value.message.endswith(': it does not let us in: password authentication failed for user "asked"')
    assert told.value.hint == "the role and its password: ~/.pgpass, PGPASSWORD or the keyring"


def test_who_asks_may_stand_in_the_environment(team: Team) -> None:
    team.writer("box1")
    url = f"postgresql://127.0.0.1:{team.cluster.port}/{team.name}"
    assert place_of(url, {"PGUSER": "box1"})[1] == "box1"


@pytest.mark.parametrize(("asked", "refused"), [("require", True), ("verify-full", True), ("disable", False)])
def test_a_variable_may_ask_for_more_than_the_url_and_not_for_less(team: Team, asked: str, refused: bool) -> None:
    """This server has no TLS."""
    url, environ = team.writer("box1"), {"PGSSLMODE": asked}
    with these(environ):
        if refused:
            with pytest.raises(ClaudeLocalError, match="it has no TLS"):
                place_of(url, environ)
        else:
            assert place_of(url, environ)[1] == "box1"
        with pytest.raises(ClaudeLocalError, match="it has no TLS"):
            place_of(f"{url}?sslmode=require", environ)


def test_the_environment_is_afterwards_as_it_was(team: Team) -> None:
    url = team.writer("box1")
    with these({"PGHOSTADDR": ELSEWHERE}):
        with postgres.opened(url, {}):
            pass
        with pytest.raises(ClaudeLocalError), postgres.opened(f"{url}_not_there", {"PGUSER": "box1"}):
            pass
        found = {name: value for name, value in os.environ.items() if name.startswith("PG")}
    assert found == {"PGHOSTADDR": ELSEWHERE}
