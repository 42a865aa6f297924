"""A team's database for each test, made once by `init` and copied."""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from claude_local_plugin.team import setup
from tests.commands.conftest import place
from tests.postgres import Cluster, new_database

__all__ = ["Team", "place", "team", "template"]


@dataclass(frozen=True, slots=True)
class Team:
    """A team's database on a server of the tests' own; `admin` is its URL for who may do everything."""

    cluster: Cluster
    name: str

    @property
    def admin(self) -> str:
        return self.cluster.url(self.name)

    def writer(self, name: str, person: str | None = None) -> str:
        """The URL of a machine's role, which is made where it is missing; nobody is asked for a password."""
        self._init(writers=[setup.Writer(name, person)])
        return self.cluster.url(self.name, name)

    def reader(self, name: str = "lead") -> str:
        """The URL of a reader's role, likewise."""
        self._init(readers=[name])
        return self.cluster.url(self.name, name)

    def _init(self, writers: "list[setup.Writer] | None" = None, readers: "list[str] | None" = None) -> None:
        with psycopg.connect(self.admin, autocommit=True) as connection:
            setup.init(
                connection,
                self.admin,
                program="0",
                writers=writers or (),
                readers=readers or (),
                passwords=False,
            )

    def ask(self, question: str, *values: object) -> list[tuple[object, ...]]:
        """The rows of a statement, asked as who may do everything; names are found in our schema."""
        with psycopg.connect(self.admin, autocommit=True, options="-c search_path=claude_local") as connection:
            cursor = connection.execute(question.encode(), values or None)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def template(postgres: Cluster) -> str:
    """A database with the schema in it, to make others after."""
    name = new_database(postgres)
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        setup.init(connection, postgres.url(name), program="0")
    return name


@pytest.fixture
def team(postgres: Cluster, template: str) -> Iterator[Team]:
    """A team's database of this test's own, with nobody in it."""
    name = new_database(postgres, template)
    yield Team(postgres, name)
    if postgres.running is not None:
        postgres.ask(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
