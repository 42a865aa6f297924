"""The PostgreSQL that other tests are run on: each test has a database of its own, and nothing of it is left."""

from pathlib import Path

import pytest

from tests.postgres import Cluster, cluster, new_database

pytestmark = pytest.mark.programs


def test_it_starts_stops_and_starts_again_and_its_folder_goes() -> None:
    with cluster() as server:
        assert len(str(server.folder / f".s.PGSQL.{server.port}")) < 100
        name = new_database(server)
        server.ask("CREATE TABLE kept AS SELECT 1 AS one", name)
        server.stop()
        server.start()
        assert server.ask("SELECT one FROM kept", name) == [(1,)]
        folder = server.folder
    assert not Path(folder).exists()


def test_a_database_is_made_after_another_one(postgres: Cluster) -> None:
    first = new_database(postgres)
    postgres.ask("CREATE TABLE taken_over AS SELECT 1 AS one", first)
    second = new_database(postgres, first)
    assert postgres.ask("SELECT one FROM taken_over", second) == [(1,)]


def test_a_test_has_a_database_of_its_own(postgres: Cluster, empty_database: str) -> None:
    name = empty_database.rpartition("/")[2]
    assert postgres.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", name) == [(0,)]
