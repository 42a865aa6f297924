"""A writer writes its own machine's rows and reads none, a reader reads all; hostile writers harm nobody."""

import contextlib
import json
from typing import TYPE_CHECKING

import psycopg
import pytest

from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.team import postgres
from claude_local_plugin.team.push import push
from tests.team.batches import LATER, OWN, assert_sums_are_right, batch, event, session, span
from tests.team.conftest import Team

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

pytestmark = pytest.mark.programs

#: What there is to read, and what may be done to it.
RELATIONS = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'claude_local'::regnamespace AND relkind IN ('r', 'p', 'v', 'S')"
)
REFUSALS = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.WrongObjectType,  # no table
    psycopg.errors.ObjectNotInPrerequisiteState,  # a view of several tables
)
WAYS = (
    "SELECT * FROM claude_local.{}",
    "INSERT INTO claude_local.{} DEFAULT VALUES",
    "DELETE FROM claude_local.{}",
    "TRUNCATE claude_local.{}",
    "COPY claude_local.{} TO STDOUT",
)


def opened(url: str) -> "AbstractContextManager[postgres.Connection]":
    return postgres.opened(url, {})


def test_a_writer_reads_nothing_and_changes_nothing_but_by_pushing(team: Team) -> None:
    with opened(team.writer("box1")) as box:
        push(box, batch(session(), backends=[{"url": OWN, "kind": "vllm", "version": None, "seen_at": LATER}]))
    relations = [str(name) for (name,) in team.ask(RELATIONS)]
    assert {"sessions", "spans_2026_11", "machines", "sums", "readable_sessions", "session_ids"} <= set(relations)
    with psycopg.connect(team.cluster.url(team.name, "box1"), autocommit=True) as box:
        for relation in relations:
            for way in WAYS:
                if relation == "versions" and way.startswith(("SELECT", "COPY")):
                    continue  # which schema there is: what a program has to know
                with pytest.raises(REFUSALS):
                    box.execute(way.format(relation).encode())
        for function in ("make_month('2031-01')", "me()", "clipped('x', 3)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                box.execute(f"SELECT claude_local.{function}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            box.execute("SET ROLE claude_local_owner")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            box.execute("CREATE TABLE claude_local.mine ()")


def test_a_reader_reads_all_and_changes_nothing(team: Team) -> None:
    for name in ("box1", "box2"):
        with opened(team.writer(name)) as box:
            push(box, batch(session(f"of-{name}")))
    with psycopg.connect(team.reader("lead"), autocommit=True) as lead:
        for table in ("sessions", "spans", "events", "sums", "readable_sessions", "readable_spans", "readable_events"):
            assert lead.execute(f"SELECT count(*) FROM claude_local.{table}".encode()).fetchone() == (2,), table
        for relation in [str(name) for (name,) in team.ask(RELATIONS)]:
            for way in WAYS[1:4]:
                with pytest.raises(REFUSALS):
                    lead.execute(way.format(relation).encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            lead.execute("SELECT claude_local.push('{\"sessions\": []}')")


def test_row_security_holds_the_owner_of_the_tables_to_the_machine_that_is_connected(team: Team) -> None:
    """Were there a fault in `push`, which runs as that owner, it could not reach another machine's rows either."""
    for name in ("box1", "box2"):
        with opened(team.writer(name)) as box:
            push(box, batch(session(f"of-{name}"), backends=[{"url": OWN, "kind": "x", "seen_at": LATER}]))
    with psycopg.connect(team.admin, autocommit=True) as admin:
        admin.execute("GRANT claude_local_owner TO box1")
        try:
            admin.execute("SET SESSION AUTHORIZATION box1")
            admin.execute("SET ROLE claude_local_owner")
            for table in ("sessions", "spans", "events", "sums", "backends"):
                assert admin.execute(f"SELECT machine FROM claude_local.{table}".encode()).fetchall() == [(1,)], table
                assert admin.execute(f"UPDATE claude_local.{table} SET machine = 1".encode()).rowcount == 1
                with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                    admin.execute(f"UPDATE claude_local.{table} SET machine = 2".encode())
        finally:
            admin.execute("RESET SESSION AUTHORIZATION")
            admin.execute("REVOKE claude_local_owner FROM box1")


def test_a_machine_is_who_connects_whatever_it_calls_itself(team: Team) -> None:
    with opened(team.writer("box1", "ann")) as box:
        push(box, batch(session(host="box2"), machine="box2", person="bob"))
    team.writer("box2")
    assert team.ask("SELECT machine, person FROM readable_sessions") == [("box1", "ann")]
    assert team.ask("SELECT name, host, heard_at IS NULL FROM machines ORDER BY id") == [
        ("box1", "box2", False),
        ("box2", None, True),
    ]
    assert_sums_are_right(team)


def test_nobody_takes_over_another_machines_session(team: Team) -> None:
    with opened(team.writer("box1", "ann")) as box:
        push(box, batch(session("s-1", spans=(span(messages=3),))))
    elsewhere = span(backend_kind="anthropic", backend_url="https://api.anthropic.com", messages=999)
    with opened(team.writer("mallory", "mallory")) as other:
        push(other, batch(session("s-1", changed=999, spans=(elsewhere,))))
    assert team.ask("SELECT machine, person, backend_url, messages FROM readable_spans ORDER BY id") == [
        ("box1", "ann", OWN, 3),
        ("mallory", "mallory", "https://api.anthropic.com", 999),
    ]
    assert_sums_are_right(team)


def test_a_role_that_is_no_machine_is_told_so(team: Team) -> None:
    team.writer("box1")
    team.ask("DELETE FROM machines")
    with (
        pytest.raises(ClaudeLocalError, match="the role box1 is no machine of this team") as told,
        opened(team.cluster.url(team.name, "box1")) as box,
    ):
        push(box, batch(session()))
    assert "team init" in str(told.value.hint)


NAMES = (
    "'; DROP TABLE claude_local.sessions; --",
    "<script>alert(1)</script>",
    "%s %(x)s {} $1",
    "\u202eevil\u200b",
    "a\0b",
    "half \ud800 of one",
    "\\u0000 \\\\u0000",
)


def test_names_are_text_and_nothing_else(team: Team) -> None:
    with opened(team.writer("box1")) as box:
        for number, name in enumerate(NAMES):
            strange = dict.fromkeys(("model", "project", "via", "backend_url"), name)
            told = session(f"s-{number}", spans=(span(**strange, cause=name),), events=(event(detail=name),), **strange)
            push(box, batch(told, person=name, program=name, machine=name))
    kept = [name.replace("\0", "\ufffd").replace("\ud800", "?") for name in NAMES]
    assert team.ask("SELECT person, model, project, via, backend_url, cause FROM readable_spans ORDER BY id") == [
        (name,) * 6 for name in kept
    ]
    assert team.ask("SELECT detail FROM events ORDER BY id") == [(name,) for name in kept]
    assert_sums_are_right(team)


def test_names_of_ten_megabytes_are_cut_and_still_told_apart(team: Team) -> None:
    """By the program that pushes, and by the database where somebody else's does."""
    long = "x" * 10_000_000
    columns = ("session_id", "cwd", "project", "model", "backend_url", "backend_kind", "via", "end_reason", "profile")
    with opened(team.writer("box1")) as box:
        for ending in ("a", "b"):
            name = long + ending
            push(box, batch(session(name, spans=(span(model=name, project=name),)), person=name))
        raw = json.dumps(batch(session("raw", spans=(span(model=long + "c"),)), person=None))
        box.execute("SELECT claude_local.push(%s::jsonb)", (raw,))
        row = {**session()["session"], **dict.fromkeys(columns, "ä" * 100_000)}
        told = json.dumps(batch({"session": row, "spans": [], "events": [event(detail="ä" * 100_000)]}))
        box.execute("SELECT claude_local.push(%s::jsonb)", (told,))
    assert team.ask("SELECT count(DISTINCT session_id), max(length(session_id)) FROM sessions") == [(4, 100)]
    assert team.ask("SELECT count(*), max(length(name)) FROM models") == [(3, 200)]
    assert team.ask("SELECT max(length(path)) FROM projects") == [(600,)]
    assert team.ask("SELECT count(*) FROM people WHERE name LIKE 'xxx%'") == [(2,)]
    assert team.ask("SELECT pg_database_size(current_database()) < 60000000") == [(True,)]
    assert_sums_are_right(team)


NONSENSE = (
    *("1970-01-01T00:00:00.000Z", "2019-12-31T23:59:59.999Z", "2099-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"),
    *("yesterday", "2026-11-01", "-infinity"),
)


def test_times_that_cannot_be_are_refused_with_their_session_alone(team: Team) -> None:
    """A reader goes through all days that there are: one of the year 9999 would keep everybody waiting."""
    told = []
    for number, moment in enumerate(NONSENSE):
        told += [
            session(f"begins-{number}", started_at=moment),
            session(f"ends-{number}", ended_at=moment),
            session(f"span-{number}", spans=(span(), span(first=0, ended_at=moment))),
            session(f"event-{number}", events=(event(at=moment),)),
        ]
    with opened(team.writer("box1")) as box:
        taken = push(box, batch(*told, session("right")))
    assert (taken.refused, taken.sessions) == (4 * len(NONSENSE), 1)
    assert len(taken.refusals) == 20
    assert taken.refusals[0] == ("begins-0", "a time that cannot be: 1970-01-01T00:00:00.000Z")
    assert team.ask("SELECT session_id FROM sessions") == [("right",)]
    assert team.ask("SELECT count(*) FROM pg_class WHERE relname LIKE 'sessions_20__' AND relkind = 'r'") == [(0,)]
    assert_sums_are_right(team)


def test_numbers_stay_numbers_that_can_be_added_up(team: Team) -> None:
    huge = span(input_tokens=10**30, output_tokens=-5, messages=1.9, duration_ms=float("1e300"), main=7)
    with opened(team.writer("box1")) as box:
        for number in range(3):
            push(box, batch(session(f"s-{number}", blocked=-1, spans=(huge,), upto=10**40)))
    assert team.ask("SELECT DISTINCT input_tokens, output_tokens, messages, duration_ms, main FROM spans") == [
        (10**12, 0, 1, 10**12, 1)
    ]
    assert_sums_are_right(team)


@pytest.mark.parametrize(
    "said",
    [
        '{"sessions": null}',
        '{"sessions": [null]}',
        '{"sessions": [{"session": {"session_id": "x"}, "spans": 7}]}',
        '{"sessions": {"a": 1}}',
        "[]",
        "7",
    ],
)
def test_what_is_no_batch_is_refused_or_ignored_and_nothing_comes_of_it(team: Team, said: str) -> None:
    url = team.writer("box1")
    with contextlib.suppress(psycopg.errors.DataError), psycopg.connect(url, autocommit=True) as box:
        box.execute("SELECT claude_local.push(%s::jsonb)", (said,))
    assert team.ask("SELECT count(*) FROM sessions") == [(0,)]


def test_a_batch_has_an_end(team: Team) -> None:
    with opened(team.writer("box1")) as box:
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="at most 20000 sessions"):
            push(box, batch(*[{}] * 20_001))
        with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="at most 64000000 bytes"):
            box.execute(
                "SELECT claude_local.push(jsonb_build_object('sessions', '[]'::jsonb, 'x', repeat('x', 64000001)))"
            )
