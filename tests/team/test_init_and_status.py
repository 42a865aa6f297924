"""`sessions team init` makes a team's log and its roles, once; `sessions team status` says how each machine fares."""

import json
import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from claude_local_plugin.sessionlog.queries.filters import spelled
from claude_local_plugin.team import postgres
from claude_local_plugin.team.push import push
from tests.client.terminal import Terminal
from tests.commands.place import Place, flat
from tests.postgres import Cluster
from tests.sessionlog.recording import recording
from tests.team.batches import batch, session, span
from tests.team.conftest import Team

pytestmark = pytest.mark.programs

INIT = ("sessions", "team", "init")
STATUS = ("sessions", "team", "status")


@pytest.fixture
def named(empty_database: str, postgres: Cluster) -> Iterator[str]:
    """What names of roles begin with, which are the whole server's; none is left afterwards."""
    name = f"of-{empty_database.rpartition('/')[2]}"
    yield name
    database = empty_database.rpartition("/")[2]
    for (role,) in postgres.ask("SELECT rolname FROM pg_roles WHERE rolname LIKE %s", values=(f"{name}%",)):
        quoted = '"' + role.replace('"', '""') + '"'
        postgres.ask(f"DROP OWNED BY {quoted}", database)
        postgres.ask(f"DROP ROLE {quoted}")


def asked(url: str, question: str, *values: object) -> list[tuple[object, ...]]:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        return connection.execute(question.encode(), values or None).fetchall()


# --- init


def test_it_makes_the_schema_and_the_roles_and_says_what_each_of_them_types_next(
    place: Place, empty_database: str, named: str
) -> None:
    box, lead = f"{named}-box1", f"{named}-lead"
    shown = place.ok(*INIT, empty_database, "--writer", f"{box}=ann", "--reader", lead).out
    assert shown.startswith(f"{empty_database}: schema 1, new\n")
    assert f"  writer  {box}  (new, whose sessions are ann's)\n" in shown
    assert f"  reader  {lead}  (new)\n" in shown
    with_role = empty_database.replace("postgres@", f"{box}@")
    assert f"next, on {box}:" in shown
    assert f"claude-local config set log.push '{with_role}'".replace("'", "") in shown.replace("'", "")
    assert f"claude-local sessions push --to '{with_role}'".replace("'", "") in shown.replace("'", "")
    assert f"all is read from {empty_database.replace('postgres@', f'{lead}@')}" in shown
    assert "Each password is shown this once, and is kept nowhere." in shown
    groups = "SELECT rolname, rolcanlogin, rolsuper, rolcreaterole FROM pg_roles WHERE rolname LIKE 'claude_local_%%'"
    assert sorted(asked(empty_database, groups)) == [
        (f"claude_local_{each}", False, False, False) for each in ("owner", "reader", "writer")
    ]
    member = (
        "SELECT pg_has_role(%s::name, 'claude_local_writer', 'USAGE'),"
        " pg_has_role(%s::name, 'claude_local_reader', 'USAGE')"
    )
    assert asked(empty_database, member, box, box) == [(True, False)]
    assert asked(empty_database, member, lead, lead) == [(False, True)]
    owners = (
        "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'claude_local'::regnamespace"
        " UNION SELECT DISTINCT proowner::regrole::text FROM pg_proc WHERE pronamespace = 'claude_local'::regnamespace"
    )
    assert asked(empty_database, owners) == [("claude_local_owner",)]
    assert asked(empty_database, "SELECT version, oldest FROM claude_local.versions") == [(1, 1)]


def test_its_passwords_let_each_of_them_in(place: Place, empty_database: str, named: str, tmp_path: Path) -> None:
    box, lead = f"{named}-box1", f"{named}-lead"
    found = place.ok(*INIT, empty_database, "--writer", box, "--reader", lead, "--json").json
    (writer,), (reader,) = found["writers"], found["readers"]
    asked_for_it = asked(empty_database, "SELECT count(*) FROM pg_roles WHERE rolname = 'with_password'") == [(1,)]
    with psycopg.connect(empty_database, autocommit=True) as admin:
        if not asked_for_it:
            admin.execute("CREATE ROLE with_password")
        admin.execute(f'GRANT with_password TO "{box}", "{lead}"'.encode())
    try:
        passwords = tmp_path / "passwords"
        passwords.write_text(f"{writer['pgpass']}\n{reader['pgpass']}\n")
        passwords.chmod(0o600)
        environ = {"PGPASSFILE": str(passwords)}
        with postgres.opened(writer["url"], environ) as connection:
            push(connection, batch(session()))
        with postgres.opened(reader["url"], environ) as connection:
            assert connection.execute("SELECT count(*) FROM claude_local.sessions").fetchone() == (1,)
        stored = "SELECT rolpassword LIKE 'SCRAM-SHA-256$%%' FROM pg_authid WHERE rolname = %s"
        assert asked(empty_database, stored, box) == [(True,)]
    finally:
        with psycopg.connect(empty_database, autocommit=True) as admin:
            admin.execute("DROP ROLE with_password")
    assert writer["password"] not in json.dumps(place.ok(*INIT, empty_database, "--writer", box, "--json").json)


#: All that there is of ours: relations with their rights, functions, policies, members, machines, versions.
STATE = """
SELECT 'relation', oid::text, relname::text, relacl::text FROM pg_class
    WHERE relnamespace = 'claude_local'::regnamespace
UNION ALL SELECT 'function', oid::text, proname::text, proacl::text || md5(prosrc) FROM pg_proc
    WHERE pronamespace = 'claude_local'::regnamespace
UNION ALL SELECT 'policy', oid::text, polname::text, pg_get_expr(polqual, polrelid) FROM pg_policy
UNION ALL SELECT 'member', roleid::text, member::text, NULL FROM pg_auth_members
UNION ALL SELECT 'role', oid::text, rolname::text, rolpassword FROM pg_authid
UNION ALL SELECT 'machine', id::text, name, concat(person, added_at) FROM claude_local.machines
UNION ALL SELECT 'version', version::text, at::text, program FROM claude_local.versions
ORDER BY 1, 2, 3, 4
"""


def test_doing_it_again_changes_nothing(place: Place, empty_database: str, named: str) -> None:
    box, lead = f"{named}-box1", f"{named}-lead"
    words = (*INIT, empty_database, "--writer", f"{box}=ann", "--reader", lead)
    place.ok(*words)
    with postgres.opened(empty_database.replace("postgres@", f"{box}@"), {}) as connection:
        push(connection, batch(session()))
    before = asked(empty_database, STATE), asked(empty_database, "SELECT * FROM claude_local.sessions")
    shown = place.ok(*words).out
    assert (asked(empty_database, STATE), asked(empty_database, "SELECT * FROM claude_local.sessions")) == before
    assert f"{empty_database}: schema 1\n" in shown
    assert shown.count("there already") == 2
    assert "pgpass" not in shown
    # what is new is done: another machine, and another person for the first
    place.ok(*INIT, empty_database, "--writer", f"{box}=bob", "--writer", f"{named}-box2", "--no-passwords")
    machines = "SELECT machine, person FROM claude_local.readable_machines ORDER BY 1"
    assert asked(empty_database, machines) == [(box, "bob"), (f"{named}-box2", None)]
    # without a person nothing is taken back
    place.ok(*INIT, empty_database, "--writer", box)
    assert asked(empty_database, machines)[0] == (box, "bob")


def test_whoever_may_make_roles_and_schemas_can_do_it_and_nobody_else(
    place: Place, empty_database: str, named: str
) -> None:
    database = empty_database.rpartition("/")[2]
    admin, nobody = f"{named}-admin", f"{named}-nobody"
    with psycopg.connect(empty_database, autocommit=True) as superuser:
        superuser.execute(f'CREATE ROLE "{admin}" LOGIN CREATEROLE'.encode())
        superuser.execute(f'GRANT CREATE ON DATABASE {database} TO "{admin}"'.encode())
        superuser.execute(f'CREATE ROLE "{nobody}" LOGIN'.encode())
    url = empty_database.replace("postgres@", f"{nobody}@")
    said = flat(place.ends(1, *INIT, url, "--writer", f"{named}-box").err)
    assert f"{url}: " in said
    assert "may not" in said or "permission denied" in said
    assert "hint: " in said
    assert asked(empty_database, "SELECT count(*) FROM pg_namespace WHERE nspname = 'claude_local'") == [(0,)]
    url = empty_database.replace("postgres@", f"{admin}@")
    place.ok(*INIT, url, "--writer", f"{named}-box", "--reader", f"{named}-lead", "--no-passwords")
    with postgres.opened(empty_database.replace("postgres@", f"{named}-box@"), {}) as connection:
        push(connection, batch(session()))
    lead = empty_database.replace("postgres@", f"{named}-lead@")
    assert len(place.json("sessions", "list", "--from", lead)["sessions"]) == 1
    # who is neither reads nothing at all
    with (
        psycopg.connect(empty_database.replace("postgres@", f"{nobody}@"), autocommit=True) as stranger,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="schema claude_local"),
    ):
        stranger.execute("SELECT * FROM claude_local.versions")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--writer", "{0}x", "--reader", "{0}x"), "is to write and to read"),
        (("--writer", "{0}x="), "names no person"),
        (("--writer", "pg_x"), "is no name for a role"),
        (("--reader", "claude_local_owner"), "is no name for a role"),
        (("--writer", "x" * 64), "is no name for a role"),
        (("--reader", ""), "is no name for a role"),
        (("--writer", "postgres"), "is a reader, or a superuser: a writer reads nothing"),
    ],
)
def test_what_cannot_be_a_role_is_refused_and_nothing_is_made(
    place: Place, empty_database: str, named: str, options: tuple[str, ...], said: str
) -> None:
    ended = place.run(*INIT, empty_database, *(each.format(named) for each in options))
    assert ended.code in (1, 2)
    assert said in flat(ended.err)
    assert "hint: " in flat(ended.err)
    assert asked(empty_database, "SELECT count(*) FROM pg_namespace WHERE nspname = 'claude_local'") == [(0,)]
    assert asked(empty_database, "SELECT count(*) FROM pg_roles WHERE rolname LIKE %s", f"{named}%") == [(0,)]


def test_who_writes_does_not_come_to_read_and_who_reads_not_to_write(
    place: Place, empty_database: str, named: str
) -> None:
    place.ok(*INIT, empty_database, "--writer", f"{named}-a", "--reader", f"{named}-b", "--no-passwords")
    assert "is a machine, which reads nothing" in place.ends(1, *INIT, empty_database, "--reader", f"{named}-a").err
    assert "is a reader, or a superuser" in place.ends(1, *INIT, empty_database, "--writer", f"{named}-b").err


def test_a_schema_of_somebody_elses_is_left_alone(place: Place, empty_database: str) -> None:
    with psycopg.connect(empty_database, autocommit=True) as other:
        other.execute("CREATE SCHEMA claude_local")
        other.execute("CREATE TABLE claude_local.theirs AS SELECT 1 AS one")
    said = flat(place.ends(1, *INIT, empty_database).err)
    assert "there is a schema claude_local that postgres has made for something else" in said
    assert "a database of its own" in said
    assert asked(empty_database, "SELECT * FROM claude_local.theirs") == [(1,)]


def test_a_name_that_needs_quotes_is_a_name(place: Place, empty_database: str, named: str) -> None:
    box = f'{named}-Ann\'s "box"; DROP ROLE x --@/:%'
    found = place.ok(*INIT, empty_database, "--writer", box, "--no-passwords", "--json").json
    with postgres.opened(found["writers"][0]["url"], {}) as connection:
        push(connection, batch(session()))
    assert asked(empty_database, "SELECT machine FROM claude_local.readable_sessions") == [(box,)]


# --- status


@pytest.fixture
def four(team: Team) -> Team:
    """One that pushed a moment ago, one that is late and not done, one that told nonsense, and one never heard of."""
    now = datetime.now(UTC)

    def told(name: str, ago: timedelta) -> "dict[str, object]":
        moment = spelled(now - ago)
        return session(name, started_at=moment, last_seen_at=moment, spans=(span(started_at=moment, ended_at=moment),))

    for machine, person, sent, more in (
        ("box1", "ann", [told("a", timedelta(seconds=14)), told("b", timedelta(hours=3))], {"program": "1.2.3"}),
        ("box2", None, [told("c", timedelta(days=3))], {"program": "1.1.0", "person": "bob", "upto": 7, "last": 90}),
        ("box3", "carl", [told("d", timedelta(minutes=2)), session("e", started_at="1970-01-01T00:00:00.000Z")], {}),
    ):
        with postgres.opened(team.writer(machine, person), {}) as connection:
            push(connection, batch(*sent, **more))
    team.writer("box4", "dora")
    return team


def test_each_machine_has_a_line_and_what_is_not_as_it_should_be_is_said(place: Place, four: Team) -> None:
    four.ask("UPDATE machines SET heard_at = heard_at - interval '5 hours' WHERE name = 'box2'")
    ended = place.ok(*STATUS, "--from", four.reader())
    lines = [re.split(r" {2,}", line.strip()) for line in ended.out.splitlines()]
    assert lines[0] == ["machine", "person", "heard of", "lag", "clock", "program", "sessions"]
    assert [line[:2] for line in lines[1:]] == [["box1", "ann"], ["box2", "bob"], ["box3", "carl"], ["box4", "dora"]]
    one, two, three, four_ = (dict(zip(lines[0], line, strict=True)) for line in lines[1:])
    assert re.fullmatch(r"\d+ s ago", one["heard of"])
    assert re.fullmatch(r"1\d s|[2-9]\d s", one["lag"])
    assert (one["clock"], one["program"], one["sessions"]) == ("right", "1.2.3", "2")
    assert (two["heard of"], two["lag"], two["program"], two["sessions"]) == ("5 h ago", "3 d", "1.1.0", "1")
    assert (three["lag"], three["sessions"]) == ("2 min", "1")
    assert (four_["heard of"], four_["lag"], four_["clock"], four_["program"], four_["sessions"]) == (
        *("never", "-", "-", "-"),
        "0",
    )
    assert [line for line in ended.err.splitlines() if line] == [
        "! box2: 83 changes were still waiting there",
        "! box3: 1 session was refused: a time that cannot be: 1970-01-01T00:00:00.000Z",
        "! box4: has never been heard of",
    ]


def test_a_program_reads_the_same(place: Place, four: Team) -> None:
    found = place.ok(*STATUS, "--from", four.reader(), "--json").json
    assert (found["database"], found["schema"]) == (four.reader(), 1)
    assert [each["name"] for each in found["machines"]] == ["box1", "box2", "box3", "box4"]
    one, two, three, last = found["machines"]
    assert (one["host"], one["people"], one["program"], one["sessions"]) == ("box1.example", ["ann"], "1.2.3", 2)
    assert 14 <= one["lag_s"] < 120
    assert abs(one["clock_behind_s"]) < 60
    assert (two["waiting"], one["waiting"]) == (83, 0)
    assert (three["refused"], three["refusal"]) == (1, "a time that cannot be: 1970-01-01T00:00:00.000Z")
    assert (last["heard_at"], last["lag_s"], last["last_seen_at"], last["notes"]) == (
        *(None, None, None),
        ["has never been heard of"],
    )


def test_a_push_with_nothing_new_is_heard_of_too(place: Place, team: Team) -> None:
    where = team.writer("box1", "ann")
    with recording(place.state) as log:
        log.session("aaaaaaaa")
    place.ok("sessions", "push", "--to", where)
    team.ask("UPDATE machines SET heard_at = heard_at - interval '2 days'")
    before = place.json(*STATUS, "--from", team.reader())["machines"][0]
    place.ok("sessions", "push", "--to", where)
    after = place.json(*STATUS, "--from", team.reader())["machines"][0]
    assert before["heard_ago_s"] > 170_000 > 600 > after["heard_ago_s"]
    assert (after["sessions"], after["waiting"]) == (1, 0)


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_long_names_do_not_make_lines_longer_than_the_screen(place: Place, team: Team, columns: int) -> None:
    for number in range(3):
        name = f"a-machine-with-a-rather-long-name-{number}.lab.example.org"
        with postgres.opened(team.writer(name, f"somebody.with.a.long.name{number}@example.org"), {}) as connection:
            push(connection, batch(session(f"s-{number}"), program="12.34.56.dev7+gabcdef0"))
    command = [sys.executable, "-m", "claude_local_plugin", *STATUS, "--from", team.reader()]
    environ = {**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1"}
    with Terminal(command, cwd=place.project, environ=environ) as terminal:
        assert terminal.wait_for_exit() == 0
        lines = terminal.lines
    assert max(map(len, lines)) <= columns, "\n".join(lines)
    for number in range(3):
        assert any(f"{number}.lab.example.org" in line for line in lines), "\n".join(lines)
    team.ask("DELETE FROM machines WHERE name NOT LIKE 'a-machine%%'")


def test_without_a_url_it_is_that_of_log_push(place: Place, four: Team) -> None:
    said = flat(place.ends(2, *STATUS).err)
    assert "there is no database of a team's to look at" in said
    assert "--from postgresql://ROLE@HOST/DATABASE" in said
    place.ok("config", "set", "log.push", four.reader())
    assert place.ok(*STATUS).out.splitlines()[1].startswith("box1 ")
    place.ok("config", "set", "log.push", four.cluster.url(four.name, "box1"))
    said = flat(place.ends(1, *STATUS).err)
    assert "this role may not do that: permission denied" in said
    place.ok("config", "set", "log.push", "https://collector.example:4318")
    said = flat(place.ends(2, *STATUS).err)
    assert "log.push is https://collector.example:4318, no database of a team's to look at" in said


def test_a_team_without_machines_says_how_to_get_one(place: Place, team: Team) -> None:
    lead = team.reader()
    shown = place.ok(*STATUS, "--from", lead).out
    assert "no machine yet" in shown
    typed = shlex.split(flat(shown).partition("as who administers it: ")[2])
    assert typed[-3:] == [team.admin, "--writer", "MACHINE"]  # the lead may read and no more
    place.ok(*typed[1:-1], "box1")
    assert "box1" in place.ok(*STATUS, "--from", lead).out
