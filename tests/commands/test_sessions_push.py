"""`sessions push` as people call it: what leaves, how far it went, and what goes wrong on the way."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.sessionlog import pushing, store
from tests.commands.place import Place, flat
from tests.sessionlog.recording import ANTHROPIC, NAS, at, recording
from tests.team.receiver import Answer, Receiver, partial, plain, receiving, waits_for_the_push


@pytest.fixture
def log(place: Place) -> Place:
    """A place with three sessions, one of them partly in the cloud."""
    with recording(place.state) as recorder:
        recorder.session("11111111", 0, project="/p/shop", model="qwen3", host="box-1", cwd="/p/shop/deep")
        recorder.session("22222222", 60, backend=NAS, project="/p/other", model="gpt-oss", host="box-1")
        recorder.event("33333333", 120, project="/p/shop", model="qwen3", host="box-1")
        recorder.answers("33333333", 125, "qwen3", (2000, 50, 8000, 0))
        recorder.event("33333333", 130, "UserPromptSubmit", ANTHROPIC, project="/p/shop")
        recorder.answers("33333333", 135, "opus", (1000, 500, 0, 0))
    return place


def row(place: Place, where: str) -> dict[str, Any]:
    """What is on record about a destination."""
    with closing(sqlite3.connect(place.state / store.DATABASE)) as connection:
        connection.row_factory = sqlite3.Row
        return dict(connection.execute("SELECT * FROM pushes WHERE destination = ?", (where,)).fetchone())


# --- where to, and what leaves


def test_without_a_destination_it_says_how_to_give_one(log: Place) -> None:
    said = flat(log.refused("sessions", "push", code=2))
    assert "there is nowhere to send the log to" in said
    assert "claude-local config set log.push URL" in said


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://ann:secret@db/team", "has a password in it: leave it out, and give it by PGPASSWORD"),
        ("postgresql://db/team?password=secret", "has a password in it"),
        ("postgresql://db/team?sslpassword=secret&sslmode=require", "has a password in it"),
        ("https://ann:secret@otel:4318", "give it by OTEL_EXPORTER_OTLP_HEADERS"),
        ("https://otel:4318/?key=secret", "give it by OTEL_EXPORTER_OTLP_HEADERS"),
        ("mysql://db/secret", "must be a postgresql:// or http(s) URL"),
        ("http://[secret/", "must be a postgresql:// or http(s) URL"),
        ("", "is empty"),
    ],
)
def test_a_destination_with_a_secret_in_it_is_refused_wherever_it_stands(log: Place, url: str, why: str) -> None:
    said = flat(log.refused("sessions", "push", "--to", url, code=2))
    assert why in said
    assert "secret" not in said
    if url:
        said = flat(log.refused("config", "set", "log.push", url, code=2))
        assert why in said
        assert "secret" not in said
        log.write(log.home / ".config/claude-local/config.toml", f'[log]\npush = "{url}"\n')
        ended = log.ends(1, "sessions", "push")
        assert "config.toml:2:8: log.push " in flat(ended.err)
        assert why in flat(ended.err)
        assert "secret" not in ended.err


def test_a_dry_run_prints_the_very_rows_and_sends_nothing(log: Place) -> None:
    where = "postgresql://127.0.0.1:1/team"
    ended = log.ok("sessions", "push", "--to", where, "--dry-run")
    who, *rows = [json.loads(line) for line in ended.out.splitlines()]
    assert {"machine", "person", "program", "backends", "log", "upto", "last"} == set(who)
    assert [each["session"]["session_id"] for each in rows] == ["11111111", "22222222", "33333333"]
    assert [span["backend_kind"] for span in rows[2]["spans"]] == ["vllm", "anthropic"]
    assert "3 sessions" in ended.err
    assert log.json("sessions", "push", "--to", where, "--dry-run")["leaving"] == [who, *rows]
    with receiving() as receiver:
        told = log.json("sessions", "push", "--to", receiver.url, "--dry-run")["leaving"]
        assert receiver.requests == []
        log.ok("sessions", "push", "--to", receiver.url)
    assert told[0]["resource"] == receiver.records()[0][0]
    assert [each["attributes"] for each in told[1:-1]] == [plain(record.attributes) for _, record in receiver.records()]
    assert {each["name"] for each in told[-1]["points"]} >= {"claude_local.sessions", "claude_local.tokens"}


def test_what_leaves_is_what_config_toml_lets(log: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    dry = ("sessions", "push", "--to", "postgresql://db/team", "--dry-run")
    assert log.json(*dry)["leaving"][1]["session"]["cwd"] is None
    assert log.json(*dry)["leaving"][1]["session"]["project"] == "/p/shop"
    log.ok("config", "set", "log.push_project", "hash")
    said = flat(log.refused(*dry))
    assert "log.push_project is “hash”, and the team's salt is not set" in said
    log.ok("config", "set", "log.push_salt", "too short")
    assert "has 9 characters" in log.refused(*dry)
    log.ok("config", "set", "log.push_salt", "the salt of the whole team")
    hashed = log.json(*dry)["leaving"][1]["session"]["project"]
    assert hashed.startswith("sha256:")
    monkeypatch.setenv("CLAUDE_LOCAL_TEAM_SALT", "another salt of the whole team")
    assert log.json(*dry)["leaving"][1]["session"]["project"] not in (hashed, "/p/shop")
    log.ok("config", "set", "log.push_since", "2026-11-22")
    assert log.json(*dry)["leaving"] == []


@pytest.mark.parametrize(
    "line", ['push_since = "November"', 'push_cwd = "plain"', "push_user = true", 'push_salt = "two\\nlines"']
)
def test_a_slip_in_what_may_leave_lets_nothing_leave(log: Place, line: str) -> None:
    log.write(log.home / ".config/claude-local/config.toml", f"[log]\n{line}\n")
    with receiving() as receiver:
        said = flat(log.ends(1, "sessions", "push", "--to", receiver.url).err)
        assert receiver.requests == []
    assert "config.toml:2:" in said
    assert f"log.{line.split()[0]} must be" in said


# --- to a receiver of OpenTelemetry


def test_sessions_arrive_as_log_records_with_who_says_so(log: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc,x-team=ours")
    log.ok("config", "set", "log.push_name", "ann")
    with receiving() as receiver:
        said = log.ok("sessions", "push", "--to", f"{receiver.url}/otlp/").out
    assert said == f"3 sessions (15 rows) sent to {receiver.url}/otlp/\n"
    assert {path for path, _ in receiver.requests} == {"/otlp/v1/logs", "/otlp/v1/metrics"}
    sent = receiver.requests[0][1]
    assert (sent["authorization"], sent["x-team"], sent["content-encoding"]) == ("Bearer abc", "ours", "gzip")
    resource, record = receiver.records()[0]
    assert resource["service.name"] == "claude-local"
    assert resource["user.name"] == "ann"
    assert resource["host.name"] == os.uname().nodename
    assert resource["service.version"]
    attributes = plain(record.attributes)
    assert (record.event_name, record.body.string_value) == ("claude_local.session", "claude_local.session")
    assert attributes["session.id"] == "11111111"
    assert (attributes["claude_local.output_tokens"], attributes["claude_local.model"]) == (10, "qwen3")
    assert record.time_unix_nano == record.observed_time_unix_nano == 1_795_255_800_000_000_000
    spans = [plain(each.attributes) for _, each in receiver.records() if each.event_name == "claude_local.span"]
    assert [each["claude_local.backend_kind"] for each in spans] == ["vllm", "ollama", "vllm", "anthropic"]


def test_what_the_log_adds_up_to_arrives_as_metrics_that_may_be_sent_twice(log: Place) -> None:
    with receiving() as receiver:
        log.ok("sessions", "push", "--to", receiver.url)
        once = receiver.points("claude_local.tokens")
        log.ok("sessions", "push", "--to", receiver.url, "--since", "2026-01-01")
        assert receiver.points("claude_local.tokens") == once
    assert sum(value for key, value in once.items() if ("claude_local.tokens.kind", "output") in key) == 10 + 10 + 550
    assert sum(receiver.points("claude_local.sessions").values()) == 3
    (sums,) = {
        (metric.sum.aggregation_temporality, metric.sum.is_monotonic)
        for request in receiver.metrics
        for of in request.resource_metrics
        for scope in of.scope_metrics
        for metric in scope.metrics
    }
    assert sums == (2, False)  # cumulative


def test_what_was_sent_is_not_sent_again_and_what_is_new_is(log: Place) -> None:
    with receiving() as receiver:
        log.ok("sessions", "push", "--to", receiver.url)
        assert log.ok("sessions", "push", "--to", receiver.url).out == f"nothing new for {receiver.url}\n"
        with recording(log.state) as recorder:
            recorder.event("22222222", 300, "UserPromptSubmit")
        log.ok("sessions", "push", "--to", receiver.url)
        log.ok("sessions", "push", "--to", receiver.url, "--since", at(290))
    assert receiver.sessions() == ["11111111", "22222222", "33333333", "22222222", "22222222"]
    first, *_, again, repeated = [
        plain(record.attributes)
        for _, record in receiver.records()
        if record.event_name == "claude_local.session" and plain(record.attributes)["session.id"] == "22222222"
    ]
    assert again == repeated  # the same telling has the same name, and so a receiver can tell
    assert first["log.record.uid"] != again["log.record.uid"]
    assert first["claude_local.changed"] < again["claude_local.changed"]


REFUSALS = [
    (Answer(500), "took nothing: HTTP 500", "the receiver's own log says more"),
    (Answer(400, body=b"no such tenant", kind="text/plain"), "HTTP 400: no such tenant", "own log"),
    (Answer(401), "refuses us: HTTP 401", "OTEL_EXPORTER_OTLP_HEADERS"),
    (Answer(404), "HTTP 404, so it takes no OTLP there", "the URL without /v1/"),
    (Answer(429, (("Retry-After", "600"),)), "took nothing: HTTP 429", "it is tried again"),
    (Answer(503, (("Retry-After", "600"),)), "took nothing: HTTP 503", "it is tried again"),
    (Answer(302, (("Location", "/login"),)), "took nothing: HTTP 302", ""),
    (
        Answer(200, body=b"<html>sign in", kind="text/html"),
        "answers HTTP 200 with text/html that is no OTLP",
        "sign-in",
    ),
]


@pytest.mark.parametrize(("answer", "why", "next_"), REFUSALS, ids=lambda each: str(getattr(each, "status", "")))
def test_what_a_receiver_did_not_take_is_sent_again(log: Place, answer: Answer, why: str, next_: str) -> None:
    with receiving(answer) as receiver:
        said = flat(log.ends(1, "sessions", "push", "--to", receiver.url).err)
        assert why in said
        assert next_ in said
        known = row(log, receiver.url)
        assert (known["sent"], known["failures"]) == (0, 1)
        assert why in known["failure"]
        log.ok("sessions", "push", "--to", receiver.url)
        assert row(log, receiver.url)["failure"] is None
    assert receiver.sessions()[-3:] == ["11111111", "22222222", "33333333"]


def test_a_receiver_that_is_busy_for_a_moment_is_asked_again_at_once(log: Place) -> None:
    with receiving(Answer(503, (("Retry-After", "0"),)), Answer(429, (("Retry-After", "0"),))) as receiver:
        log.ok("sessions", "push", "--to", receiver.url)
    assert [path for path, _ in receiver.requests] == ["/v1/logs"] * 3 + ["/v1/metrics"]


def test_what_a_receiver_takes_but_for_some_is_told_and_not_sent_again(log: Place) -> None:
    with receiving(partial(2, "too old")) as receiver:
        said = flat(log.ends(1, "sessions", "push", "--to", receiver.url).err)
        assert "! refused: 2 log records: too old" in said
        log.ok("sessions", "push", "--to", receiver.url)
    assert len(receiver.logs) == 1


def test_a_receiver_that_is_not_there_is_named(log: Place, closed_port: int) -> None:
    where = f"http://127.0.0.1:{closed_port}"
    said = flat(log.ends(1, "sessions", "push", "--to", where).err)
    assert f"{where}/v1/logs cannot be reached: Connection refused" in said
    assert log.json("sessions", "push", "--to", where, "--dry-run")["sessions"] == 3


def test_a_push_that_is_ended_in_the_middle_goes_on_from_there(log: Place) -> None:
    """The receiver takes the first batch and then nothing more: what it took is not sent again."""
    with recording(log.state) as recorder:
        for number in range(1200):
            recorder.event(f"s{number:04}", 200 + number)
    with receiving(Answer(), Answer(500)) as receiver:
        log.ends(1, "sessions", "push", "--to", receiver.url)
        assert 0 < row(log, receiver.url)["sent"] < 1203
        log.ok("sessions", "push", "--to", receiver.url)
    assert len(receiver.sessions()) == len(set(receiver.sessions())) == 1203


# --- by itself


@pytest.mark.process
def test_with_log_push_set_the_log_is_sent_by_itself_after_a_look_at_it(log: Place) -> None:
    with receiving() as receiver:
        log.ok("config", "set", "log.push", receiver.url)
        assert len(log.json("sessions", "list")["sessions"]) == 3
        waits_for(receiver, 3)
        waits_for_the_push(log.state)
    assert sorted(receiver.sessions()) == ["11111111", "22222222", "33333333"]


def test_a_dry_run_begins_no_push_and_a_push_no_second_one(
    log: Place, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []
    monkeypatch.setattr(pushing, "start", lambda *told: begun.append(told))
    log.ok("config", "set", "log.push", f"http://127.0.0.1:{closed_port}")
    log.ok("sessions", "push", "--dry-run")
    log.ends(1, "sessions", "push")
    assert begun == []
    assert row(log, f"http://127.0.0.1:{closed_port}")["failures"] == 1
    log.ok("sessions", "list")
    assert begun == []  # it has just failed
    with closing(sqlite3.connect(log.state / store.DATABASE, isolation_level=None)) as connection:
        connection.execute("UPDATE pushes SET tried_at = '2026-11-01T00:00:00.000Z'")
    log.ok("sessions", "list")
    assert len(begun) == 1


@pytest.mark.process
def test_what_fails_by_itself_is_silent_and_on_record_and_not_tried_at_every_look(log: Place, closed_port: int) -> None:
    where = f"http://127.0.0.1:{closed_port}"
    log.ok("config", "set", "log.push", where)
    for _ in range(2):
        by_itself(log)
    known = row(log, where)
    assert known["failures"] == 1
    assert "Connection refused" in known["failure"]


@pytest.mark.process
def test_a_rule_that_cannot_be_kept_sends_nothing_by_itself_and_is_on_record(log: Place) -> None:
    with receiving() as receiver:
        log.ok("config", "set", "log.push", receiver.url)
        log.ok("config", "set", "log.push_user", "hash")
        by_itself(log)
        assert receiver.requests == []
        assert "the team's salt is not set" in row(log, receiver.url)["failure"]
    found = log.json("doctor", "hooks.sent", code=1)["findings"]
    assert "3 sessions wait" in found[0]["what"]


@pytest.mark.process
def test_what_is_refused_with_nobody_looking_is_noted(log: Place) -> None:
    with receiving(partial(2, "too old")) as receiver:
        log.ok("config", "set", "log.push", receiver.url)
        by_itself(log)
    (found,) = log.json("doctor", "hooks.faults", code=1)["findings"]
    assert f"{receiver.url} refuses 2 log records: too old" in found["what"]


@pytest.mark.process
def test_a_receiver_that_never_answers_does_not_keep_it_for_ever(log: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it lets everybody in and says nothing
        where = f"http://127.0.0.1:{silent.getsockname()[1]}"
        log.ok("config", "set", "log.push", where)
        code = (
            "from pathlib import Path; import os; from claude_local_plugin.commands import push; push.LONGEST_S = 2;"
            f" push.by_itself(Path({str(log.state)!r}), dict(os.environ))"
        )
        environ = {**os.environ, "OTEL_EXPORTER_OTLP_TIMEOUT": "600"}
        subprocess.run([sys.executable, "-c", code], env=environ, timeout=120, check=True)
    assert "was not done after 2 seconds" in row(log, where)["failure"]


@pytest.mark.process
def test_two_that_send_at_once_send_everything_once(log: Place) -> None:
    with recording(log.state) as recorder:
        for number in range(300):
            recorder.event(f"s{number:04}", 200 + number)
    with receiving() as receiver:
        log.ok("config", "set", "log.push", receiver.url)
        both = [start(log) for _ in range(2)]
        assert [each.wait(120) for each in both] == [0, 0]
    assert len(receiver.sessions()) == len(set(receiver.sessions())) == 303


def start(place: Place) -> subprocess.Popen[bytes]:
    """What an import starts."""
    return subprocess.Popen(
        [sys.executable, "-m", "claude_local_plugin", "sessions", "push", "--by-itself"],
        env={**os.environ, "CLAUDE_LOCAL_STATE_DIR": str(place.state)},
        stdin=subprocess.DEVNULL,
    )


def by_itself(place: Place) -> None:
    with start(place) as process:
        assert process.wait(120) == 0


def waits_for(receiver: Receiver, sessions: int, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while len(receiver.sessions()) < sessions or not receiver.metrics:
        assert time.monotonic() < until, receiver.requests
        time.sleep(0.05)


def test_a_log_that_was_made_anew_is_sent_whole_and_says_so(log: Place) -> None:
    with receiving() as receiver:
        log.ok("sessions", "push", "--to", receiver.url)
        store.set_aside(str(log.state), store.identity(str(log.state)))
        with recording(log.state) as recorder:
            recorder.session("11111111", 0, project="/p/shop", model="qwen3")
        said = flat(log.ok("sessions", "push", "--to", receiver.url).out)
    assert "the log was made anew when sessions.db.damaged-" in said
    assert "1 session" in said


def test_files_of_a_place_are_the_users_alone(log: Place) -> None:
    with receiving() as receiver:
        log.ok("sessions", "push", "--to", receiver.url)
    lock = Path(log.state / pushing.LOCK)
    assert lock.stat().st_mode & 0o077 == 0
