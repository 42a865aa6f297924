"""What machines tell is taken in whole, once, in the order in which it happened, and added up as it comes."""

import threading
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from claude_local_plugin.team import postgres
from claude_local_plugin.team.push import push, reached
from tests.team.batches import AT, LATER, OWN, assert_sums_are_right, batch, event, session, span
from tests.team.conftest import Team

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

pytestmark = pytest.mark.programs


def opened(url: str) -> "AbstractContextManager[postgres.Connection]":
    return postgres.opened(url, {})


def test_a_session_comes_with_its_spans_and_events_and_is_added_up(team: Team) -> None:
    first, second = span(), span(first=0, new_endpoint=0, new_model=1, cause="model", model="glm", started_at=LATER)
    known = {"url": OWN, "kind": "vllm", "version": "0.33", "seen_at": AT}
    with opened(team.writer("box1")) as box:
        taken = push(
            box,
            batch(
                session(spans=(first, second), events=(event(), event(event="Stop", outcome=None))), backends=[known]
            ),
        )
    assert (taken.sessions, taken.rows, taken.skipped, taken.refused) == (1, 5, 0, 0)
    assert team.ask(
        "SELECT machine, person, session_id, started_at::text, model, reachable FROM readable_sessions"
    ) == [("box1", "ann", "s-1", "2026-11-01 10:00:00+00", "qwen3-coder-next", True)]
    rows = team.ask("SELECT person, cause, model, project, backend_url, messages FROM readable_spans ORDER BY id")
    assert rows == [
        ("ann", "start", "qwen3-coder-next", "/home/ann/shop", OWN, 3),
        ("ann", "model", "glm", "/home/ann/shop", OWN, 3),
    ]
    assert team.ask("SELECT event, outcome, latency_ms FROM events ORDER BY id") == [
        ("SessionStart", "ok", 3.25),
        ("Stop", None, 3.25),
    ]
    assert team.ask("SELECT hour, backend_url, outcome, latency, looks FROM looks_by_hour") == [
        ("2026-11-01T10", OWN, "ok", 3.3, 1)
    ]
    assert team.ask("SELECT url, kind, version FROM backends") == [(OWN, "vllm", "0.33")]
    assert team.ask("SELECT sum(sessions), sum(spans), sum(input_tokens) FROM sums") == [(1, 2, 2000)]
    assert_sums_are_right(team)


def test_what_nobody_knows_stays_unknown(team: Team) -> None:
    nothing = dict.fromkeys(("model", "project", "backend_url", "via"))
    told = session(
        spans=(span(**nothing),),
        events=(event(latency_ms=None, status=None, outcome="refused"),),
        **nothing,
        reachable=None,
        latency_ms=None,
    )
    with opened(team.writer("box1")) as box:
        push(box, batch(told, person=None))
    assert team.ask("SELECT person, model, project, reachable, latency_ms FROM sessions") == [(None,) * 5]
    assert team.ask("SELECT person, model, project FROM spans") == [(None,) * 3]
    assert team.ask("SELECT status, latency_ms FROM events") == [(None, None)]
    assert team.ask("SELECT latency FROM looks_by_hour") == [(-1,)]
    assert_sums_are_right(team)


def test_pushed_twice_it_counts_once(team: Team) -> None:
    told = batch(session("s-1"), session("s-2"))
    with opened(team.writer("box1")) as box:
        push(box, told)
        again = push(box, told)
    assert (again.sessions, again.rows, again.skipped) == (0, 0, 2)
    assert team.ask("SELECT sum(sessions) FROM sums") == [(2,)]
    assert_sums_are_right(team)


def test_what_went_on_replaces_what_was_told_before_under_the_same_number(team: Team) -> None:
    with opened(team.writer("box1")) as box:
        push(box, batch(session()))
        [(number,)] = team.ask("SELECT id FROM sessions")
        elsewhere = span(backend_kind="anthropic", backend_url="https://api.anthropic.com", first=0, messages=40)
        events = (event(), event(event="SessionEnd", outcome=None, at=LATER))
        push(box, batch(session(changed=2, ended_at=LATER, spans=(span(messages=4), elsewhere), events=events)))
    assert team.ask("SELECT id, ended_at, changed FROM sessions") == [(number, LATER, 2)]
    assert team.ask("SELECT messages FROM spans ORDER BY id") == [(4,), (40,)]
    assert team.ask("SELECT count(*) FROM events") == [(2,)]
    assert_sums_are_right(team)


def test_a_session_that_turns_out_to_be_older_moves_to_its_month(team: Team) -> None:
    older = "2026-08-31T23:59:59.999Z"
    with opened(team.writer("box1")) as box:
        push(box, batch(session()))
        push(box, batch(session(changed=2, started_at=older, spans=(span(started_at=older),))))
    assert team.ask("SELECT tableoid::regclass::text FROM sessions") == [("sessions_2026_08",)]
    assert team.ask("SELECT tableoid::regclass::text FROM spans") == [("spans_2026_08",)]
    assert_sums_are_right(team)


def test_a_slower_pusher_does_not_undo_what_is_newer(team: Team) -> None:
    with opened(team.writer("box1")) as box:
        push(box, batch(session(changed=7, spans=(span(messages=9),))))
        late = push(box, batch(session(changed=6, spans=(span(messages=8),))))
    assert late.skipped == 1
    assert team.ask("SELECT messages FROM spans") == [(9,)]


def test_of_two_tellings_in_a_batch_the_later_one_is_taken(team: Team) -> None:
    with opened(team.writer("box1")) as box:
        push(box, batch(session(changed=6, spans=(span(messages=8),)), session(changed=5)))
    assert team.ask("SELECT messages FROM spans") == [(8,)]
    assert_sums_are_right(team)


@pytest.mark.parametrize(
    ("messages", "last_seen_at", "kept"), [(3, LATER, 3), (9, LATER, 9), (2, LATER, 3), (9, AT, 3)]
)
def test_a_log_that_was_begun_anew_takes_nothing_back(team: Team, messages: int, last_seen_at: str, kept: int) -> None:
    """Numbers of changes begin again in it, and transcripts may be gone that had been counted."""
    with opened(team.writer("box1")) as box:
        push(box, batch(session(changed=70)))
        anew = session(changed=1, spans=(span(messages=messages),), last_seen_at=last_seen_at)
        push(box, batch(anew, log="another"))
    assert team.ask("SELECT messages FROM spans") == [(kept,)]
    assert_sums_are_right(team)


def test_how_far_a_log_has_come_is_told_to_its_machine_alone(team: Team) -> None:
    with opened(team.writer("box1")) as box, opened(team.writer("box2")) as other:
        assert reached(box, "one") == 0
        push(box, batch(log="one", upto=17, last=20))
        push(box, batch(log="one", upto=16, last=16))  # a slower one
        assert (reached(box, "one"), reached(box, "two"), reached(other, "one")) == (17, 0, 0)
    assert team.ask("SELECT sum(last - upto) FROM logs") == [(3,)]


def test_a_batch_that_breaks_off_leaves_nothing_of_itself(team: Team) -> None:
    broken = session("s-2", spans=(span(messages="many"),))
    with pytest.raises(Exception, match="refuses what was sent"), opened(team.writer("box1")) as box:
        push(box, batch(session("s-1"), broken))
    assert team.ask("SELECT count(*) FROM sessions") == [(0,)]
    assert team.ask("SELECT heard_at FROM machines") == [(None,)]


def test_many_pushers_at_once_count_once_and_nobody_waits_in_a_circle(team: Team) -> None:
    """Two for each of three machines: all at once, the same sessions from both, on names and hours that all share."""
    urls = [team.writer(name) for name in ("box1", "box2", "box3")]
    faults: list[BaseException] = []

    def work(url: str, order: int) -> None:
        try:
            with opened(url) as box:
                for turn in range(12):
                    chosen = range(turn * 5, turn * 5 + 10)  # each session in two batches
                    told = [
                        session(
                            f"s-{number}",
                            changed=turn + 1,
                            spans=(span(model=f"model-{number % 7}", backend_url=f"http://box-{number % 5}:8000"),),
                            events=(event(at=f"2026-11-01T{number % 24:02}:00:00.000Z"),),
                        )
                        for number in chosen
                    ]
                    push(box, batch(*told[::order], person=f"person-{turn % 3}"))
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(url, order)) for url in urls for order in (1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert team.ask("SELECT machine, count(*), count(DISTINCT session_id) FROM sessions GROUP BY 1 ORDER BY 1") == [
        (machine, 65, 65) for machine in (1, 2, 3)
    ]
    assert team.ask("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]
    assert_sums_are_right(team)


def test_who_is_in_the_way_for_a_moment_is_waited_for(team: Team) -> None:
    """A push that is broken off because of another one is tried again."""
    waited: list[float] = []
    team.writer("box1")

    class InTheWay:
        """A connection whose first two statements of a push find others in the way."""

        def __init__(self, connection: "postgres.Connection") -> None:
            self.connection, self.left = connection, 2

        def transaction(self) -> Any:
            return self.connection.transaction()

        def execute(self, statement: str, values: Any = None) -> Any:
            if "claude_local.push" in statement and self.left:
                self.left -= 1
                self.connection.execute("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$")
            return self.connection.execute(statement, values)

    with opened(team.cluster.url(team.name, "box1")) as box:
        taken = push(InTheWay(box), batch(session()), sleep=waited.append)  # type: ignore[arg-type]
    assert taken.sessions == 1
    assert len(waited) == 2
    assert_sums_are_right(team)


def test_moments_of_views_can_be_reckoned_with(team: Team) -> None:
    with opened(team.writer("box1")) as box:
        push(box, batch(session(started_at="2024-02-29T23:59:59.999Z"), session("s-2")))
    for view in ("readable_sessions", "readable_spans", "readable_events", "readable_machines"):
        assert team.ask(f"SELECT count(*) FROM {view}")
    [(long,)] = team.ask("SELECT max(last_seen_at - started_at) > interval '300 days' FROM readable_sessions")
    assert long is True


RIGHT = ("2026-11-01T10:00:00.000Z", "2024-02-29T00:00:00.000Z", "2000-02-29T00:00:00.000Z")
WRONG = (
    *("2026-02-29T00:00:00.000Z", "1900-02-29T00:00:00.000Z", "2026-02-30T00:00:00.000Z", "2026-04-31T00:00:00.000Z"),
    *("2026-13-01T00:00:00.000Z", "2026-00-01T00:00:00.000Z", "2026-01-00T00:00:00.000Z", "0000-01-01T00:00:00.000Z"),
    *("2026-01-01T24:00:00.000Z", "2026-01-01T00:60:00.000Z", "2026-01-01T00:00:60.000Z", "2026-01-01 00:00:00.000Z"),
    *("2026-01-01T00:00:00.000Z\n", "2026-01-01T00:00:00.000+00:00", "infinity", "", "' OR 1=1 --"),
)


def test_a_moment_is_one_that_there_has_been(team: Team) -> None:
    for moment in RIGHT:
        assert team.ask("SELECT is_moment(%s), %s::timestamptz IS NOT NULL", moment, moment) == [(True, True)]
    with opened(team.writer("box1")) as box:
        for number, moment in enumerate(WRONG):
            assert team.ask("SELECT is_moment(%s)", moment) == [(False,)], moment
            taken = push(box, batch(session("wrong", started_at=moment), session(f"right-{number}")))
            assert (taken.refused, taken.sessions) == (1, 1)
            assert taken.refusals[0][0] == "wrong"
    assert team.ask("SELECT count(*) FROM sessions WHERE session_id = 'wrong'") == [(0,)]
    assert team.ask("SELECT refused FROM machines") == [(len(WRONG),)]
    assert_sums_are_right(team)


def test_a_push_sees_what_others_have_committed_or_does_not_begin(team: Team) -> None:
    url = team.writer("box1")
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with pytest.raises(psycopg.errors.RaiseException, match="read committed"):
            connection.execute("SELECT claude_local.push('{\"sessions\": []}')")
