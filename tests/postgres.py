"""A PostgreSQL of the tests' own: one for each process that runs tests, and a database of its own for each test.

It listens on loopback, on a port that the system chooses, and in a folder whose name is short: a socket's has room for
107 characters. It refuses to run as root, and runs as nobody then. `CLAUDE_LOCAL_TEST_POSTGRES` names the folder of
its programs where that is not Debian's.
"""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.programs import missing

#: Read here, before the environment is emptied.
NAMED = os.environ.get("CLAUDE_LOCAL_TEST_POSTGRES")
#: How long a server may take to start or to stop, in seconds: another one may be starting beside it.
PATIENCE_S = 120
#: Nothing here is to outlive the machine; what was committed outlives a crash of the server.
OPTIONS = (
    *("fsync=off", "full_page_writes=off", "shared_buffers=64MB"),
    *("max_connections=60", "timezone=UTC"),
)
#: Everybody is let in but members of `with_password`, who are asked for it, whether or not that role is there.
RULES = """
local all all trust
host all +with_password 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
"""


def programs() -> Path:
    """Where PostgreSQL's programs lie; without them the test is skipped with the reason, and fails in CI."""
    found = [Path(NAMED)] if NAMED else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found += [Path(path).resolve().parent for path in [shutil.which("initdb")] if path]
    there = next((folder for folder in found if (folder / "initdb").exists()), None)
    return there or missing("no PostgreSQL: apt-get install postgresql, or CLAUDE_LOCAL_TEST_POSTGRES=/its/bin")


def free_port() -> int:
    """A port that is free at this moment."""
    with socket.socket() as any_socket:
        any_socket.bind(("127.0.0.1", 0))
        return int(any_socket.getsockname()[1])


class Cluster:
    """A server with its folder: started, stopped and started again on the same port."""

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        self.programs = programs()
        self.folder, self.data, self.said = folder, folder / "data", folder / "said"
        self.options = (*OPTIONS, *options)
        self.port = free_port()
        self.running: subprocess.Popen[bytes] | None = None
        #: What runs the server, and nothing else of it.
        self.within: list[str] = []
        folder.chmod(0o711)  # the socket is for whoever knows its name; the data are for their owner alone
        #: Ends with the process that runs the tests, however that ends; as somebody else where we are root.
        self.other = ["setpriv", "--pdeathsig=INT"]
        self.owner = pwd.getpwuid(os.geteuid())
        if os.geteuid() == 0:
            self.owner = pwd.getpwnam("nobody")
            self.give(folder)
            self.other += [f"--reuid={self.owner.pw_uid}", f"--regid={self.owner.pw_gid}", "--clear-groups"]
        settings = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "-D", str(self.data)]
        made = subprocess.run([*self.other, str(self.programs / "initdb"), *settings], capture_output=True, cwd="/")
        assert made.returncode == 0, made.stderr.decode()
        (self.data / "pg_hba.conf").write_text(RULES)

    def give(self, path: Path) -> None:
        """Makes it the server's own."""
        os.chown(path, self.owner.pw_uid, self.owner.pw_gid)

    def start(self) -> None:
        """Starts it, and waits until it answers; on another port when somebody else was faster."""
        for _ in range(5):
            if self._started():
                return
            self.port = free_port()
        raise AssertionError(self.said.read_text(errors="replace")[-4000:])

    def _started(self) -> bool:
        chosen = itertools.chain.from_iterable(("-c", option) for option in self.options)
        where = ["-D", str(self.data), "-p", str(self.port), "-k", str(self.folder), "-h", "127.0.0.1"]
        with self.said.open("ab") as words:
            self.running = subprocess.Popen(
                [*self.within, *self.other, str(self.programs / "postgres"), *where, *chosen],
                cwd="/",
                stdout=words,
                stderr=words,
            )
        deadline = time.monotonic() + PATIENCE_S
        while self.running.poll() is None:
            ready = [str(self.programs / "pg_isready"), "-q", "-h", str(self.folder), "-p", str(self.port)]
            if subprocess.run(ready, check=False).returncode == 0:
                return True
            assert time.monotonic() < deadline, self.said.read_text(errors="replace")[-4000:]
            time.sleep(0.05)
        return False

    def stop(self, how: int = signal.SIGINT) -> None:
        """Ends it: SIGINT breaks off what is connected, SIGQUIT is a crash."""
        if self.running is None:
            return
        self.running.send_signal(how)
        try:
            self.running.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.running.send_signal(signal.SIGQUIT)  # SIGKILL would leave its children
            self.running.wait(PATIENCE_S)
        self.running = None

    def url(self, database: str = "postgres", role: str = "postgres") -> str:
        """The address of a database on it."""
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    def socket_url(self, database: str = "postgres", role: str = "postgres") -> str:
        """The same by its socket, which is there in another network's namespace, too."""
        return f"postgresql://{role}@/{database}?host={self.folder}&port={self.port}"

    def ask(self, statement: str, database: str = "postgres", values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement, as its superuser; each by itself, outside a transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []


@contextlib.contextmanager
def cluster(*options: str, prepared: Callable[[Cluster], None] = lambda server: None) -> Iterator[Cluster]:
    """A server, as long as a `with` lasts, prepared before it starts; `options` are settings as `name=value`."""
    # a name as short as this fits wherever temporary folders are; else there
    base = Path(tempfile.gettempdir())
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=base if len(str(base)) < 60 else "/tmp"))
    try:
        server = Cluster(folder, options)
        try:
            prepared(server)
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


_KEPT = contextlib.ExitStack()
_SHARED: list[Cluster] = []


def shared() -> Cluster:
    """The server of this process's tests, started by the first that needs it."""
    if not _SHARED:
        _SHARED.append(_KEPT.enter_context(cluster()))
    return _SHARED[0]


def pytest_sessionfinish() -> None:
    """It ends with the tests."""
    _KEPT.close()
    _SHARED.clear()


@pytest.fixture(scope="session")
def postgres() -> Cluster:
    """The server of this process's tests. Whoever stops it starts it again."""
    return shared()


#: A name for each database.
_NUMBERS = itertools.count(1)


def new_database(server: Cluster, template: str = "template1") -> str:
    """The name of a new database, made after another one that nobody is connected to."""
    name = f"db{next(_NUMBERS)}"
    server.ask(f"CREATE DATABASE {name} TEMPLATE {template}")
    return name


@pytest.fixture
def empty_database(postgres: Cluster) -> Iterator[str]:
    """The URL of a database of this test's own, with nothing in it, for its superuser."""
    yield from _of_its_own(postgres, "template1")


@pytest.fixture
def new_databases(postgres: Cluster) -> Callable[[], str]:
    """Makes more of them: each call returns the URL of another empty database. They go with the server."""
    return lambda: postgres.url(new_database(postgres))


def _of_its_own(server: Cluster, template: str) -> Iterator[str]:
    name = new_database(server, template)
    yield server.url(name)
    if server.running is not None:
        server.ask(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
