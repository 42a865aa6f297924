"""The spans of a session: when one begins, how long it is, and which tokens fall to it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from claude_local_plugin.sessionlog import spans, store
from tests.sessionlog.test_store import record

CLOUD = {"backend_kind": "anthropic", "backend_url": "https://api.anthropic.com"}

SPANS = """
SELECT spans.started_at, spans.ended_at, cause, kind, url, models.name, main, first, new_endpoint, new_model,
       duration_ms, messages, input_tokens, output_tokens, errors, retries, path
FROM spans JOIN endpoints ON endpoints.id = endpoint LEFT JOIN models ON models.id = spans.model
LEFT JOIN projects ON projects.id = spans.project JOIN sessions ON sessions.id = spans.session
WHERE session_id = ? ORDER BY spans.id
"""


class Log:
    """A session log, written and read without processes."""

    def __init__(self, state: Path) -> None:
        self.connection = store.connect(str(state))

    def write(self, *records: dict[str, Any], spooled_as: str | None = None) -> "Log":
        """These records, one after the other."""
        for each in records:
            self.session = store.insert(self.connection, each, spooled_as)
        return self

    def count(self, *uses: Any) -> "Log":
        """What was read of the last record's session's transcript."""
        spans.count(self.connection, self.session, uses)
        return self

    def spans(self, session_id: str = "s") -> list[SimpleNamespace]:
        """The session's spans in order."""
        cursor = self.connection.execute(SPANS, (session_id,))
        names = [column[0] for column in cursor.description]
        return [SimpleNamespace(**dict(zip(names, row, strict=True))) for row in cursor]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """A log of one's own."""
    log = Log(tmp_path / "state")
    with closing(log.connection):
        yield log


def minute(number: int) -> str:
    return f"2026-11-21T10:{number:02d}:00.000Z"


def use(at: int, model: str | None = "qwen3", **changed: Any) -> SimpleNamespace:
    """One answer of 10 tokens to 100."""
    known = {
        "at": minute(at), "model": model, "side": False, "messages": 1, "input_tokens": 100, "output_tokens": 10,
        "cache_read_tokens": 0, "cache_write_tokens": 0, "error": None, "retry": False,
    }  # fmt: skip
    return SimpleNamespace(**(known | changed))


def test_a_session_on_one_backend_is_one_span_from_its_first_event_to_its_last(log: Log) -> None:
    (span,) = log.write(record(), record("UserPromptSubmit", 1), record("Stop", 3), record("SessionEnd", 4)).spans()
    assert (span.started_at, span.ended_at, span.duration_ms) == (minute(0), minute(4), 240_000)
    assert (span.cause, span.kind, span.url, span.name) == ("start", "vllm", "http://box:8000", "qwen3")
    assert (span.main, span.first, span.new_endpoint, span.new_model) == (1, 1, 1, 1)
    assert span.path == "/home/dev/proj"


def test_turns_leave_their_time_and_no_line(log: Log) -> None:
    log.write(record(), record("Stop", 1), record("SubagentStop", 2), record("StopFailure", 3, cause="overloaded"))
    events = log.connection.execute("SELECT event, cause FROM events").fetchall()
    assert events == [("SessionStart", "startup"), ("StopFailure", "overloaded")]


def test_another_backend_is_a_new_span_and_tokens_fall_to_the_right_one(log: Log) -> None:
    log.write(record(), record("UserPromptSubmit", 1), record("UserPromptSubmit", 5, **CLOUD, model="opus"))
    log.count(use(2), use(6, "claude-opus-5-5", input_tokens=7), use(3), use(7, "claude-opus-5-5", input_tokens=7))
    first, second = log.spans()
    assert (first.url, first.name, first.messages, first.input_tokens) == ("http://box:8000", "qwen3", 2, 200)
    assert (second.kind, second.cause, second.messages, second.input_tokens) == ("anthropic", "backend", 2, 14)
    assert second.name == "claude-opus-5-5"  # "opus" was what the environment said
    assert (first.ended_at, second.started_at) == (minute(5), minute(5))
    assert (second.first, second.new_endpoint, second.new_model) == (0, 1, 1)


def test_the_span_begins_when_the_settings_changed_if_nothing_was_heard_since(log: Log) -> None:
    log.write(record(), record("ConfigChange", 4, cause="local_settings"), record("Stop", 9, **CLOUD))
    first, second = log.count(use(5, "claude-opus-5-5")).spans()
    assert (first.ended_at, second.started_at, second.messages) == (minute(4), minute(4), 1)


def test_a_change_of_settings_long_before_does_not_count(log: Log) -> None:
    log.write(record(), record("ConfigChange", 4), record("UserPromptSubmit", 6), record("Stop", 9, **CLOUD))
    assert [span.started_at for span in log.spans()] == [minute(0), minute(9)]


def test_a_backend_that_is_used_again_is_a_span_more_but_no_session_more(log: Log) -> None:
    log.write(record(), record("Stop", 1, **CLOUD), record("Stop", 2))
    assert [(span.url[-4:], span.new_endpoint, span.new_model) for span in log.spans()] == [
        ("8000", 1, 1), (".com", 1, 0), ("8000", 0, 0)
    ]  # fmt: skip


def test_a_server_that_becomes_known_is_no_other_backend(log: Log) -> None:
    log.write(record(backend_kind="unknown"), record("UserPromptSubmit", 1), record("SessionEnd", 2))
    (span,) = log.spans()
    assert span.kind == "vllm"


def test_a_server_that_said_what_it_is_needs_not_be_asked_again(log: Log) -> None:
    log.write(record(), record("UserPromptSubmit", 1, **CLOUD), record("Stop", 2, backend_kind="unknown", outcome=None))
    assert [span.kind for span in log.spans()] == ["vllm", "anthropic", "vllm"]


def test_a_refused_change_of_settings_is_no_prompt_held_back(log: Log) -> None:
    log.write(record(), record("ConfigChange", 1, blocked=True), record("UserPromptSubmit", 2, blocked=True))
    assert log.connection.execute("SELECT blocked FROM sessions").fetchone() == (1,)


def test_a_model_that_was_switched_to_is_a_new_span(log: Log) -> None:
    switch = record("PostModelSwitch", 5, model="glm", model_is_certain=True, cause="command")
    log.write(record()).count(use(1)).write(switch).count(use(6, "glm"), use(7, "glm"))
    first, second = log.spans()
    assert (first.name, first.messages, first.ended_at) == ("qwen3", 1, minute(5))
    assert (second.name, second.messages, second.cause, second.new_endpoint) == ("glm", 2, "model", 0)
    assert second.new_model == 1


def test_a_switch_before_the_first_answer_only_names_the_model(log: Log) -> None:
    log.write(record(), record("PostModelSwitch", 1, model="glm", model_is_certain=True))
    (span,) = log.count(use(2, "glm")).spans()
    assert (span.name, span.messages) == ("glm", 1)


def test_a_model_that_no_hook_told_of_is_a_new_span_from_its_first_answer_on(log: Log) -> None:
    first, second = log.write(record()).count(use(1), use(4, "fallback"), use(5, "fallback")).spans()
    assert (first.name, first.messages, second.name, second.messages) == ("qwen3", 1, "fallback", 2)
    assert second.started_at == minute(4)


def test_a_later_start_of_the_session_does_not_undo_what_the_answers_said(log: Log) -> None:
    log.write(record(model="alias", model_is_certain=True)).count(use(1, "qwen3"))
    (span,) = log.write(record(minute=5, cause="compact", model="alias", model_is_certain=True)).spans()
    assert span.name == "qwen3"


def test_a_subagent_on_a_model_of_its_own_has_a_span_beside(log: Log) -> None:
    log.write(record()).count(use(1), use(2, "small", side=True), use(3), use(4, "small", side=True))
    log.write(record("SessionEnd", 9))
    main, side = log.spans()
    assert (main.name, main.messages, main.duration_ms) == ("qwen3", 2, 540_000)
    assert (side.name, side.messages, side.main, side.cause, side.duration_ms) == ("small", 2, 0, "subagent", 0)
    assert (side.first, side.new_endpoint, side.new_model) == (0, 0, 1)
    assert side.path == main.path


def test_a_subagent_on_the_same_model_adds_to_the_span(log: Log) -> None:
    (span,) = log.write(record()).count(use(1), use(2, side=True)).spans()
    assert span.messages == 2


def test_a_resumed_session_does_not_count_the_days_between(log: Log) -> None:
    log.write(record(), record("SessionEnd", 5))
    log.write(record(minute=50, cause="resume"), record("SessionEnd", 52))
    first, second = log.spans()
    assert (first.duration_ms, second.duration_ms) == (300_000, 120_000)
    assert (second.cause, second.name, second.first, second.new_endpoint, second.new_model) == (
        "resume", "qwen3", 0, 0, 0
    )  # fmt: skip


def test_a_session_that_is_resumed_on_another_backend_left_the_first_when_it_ended(log: Log) -> None:
    log.write(record(), record("SessionEnd", 5), record(minute=50, cause="resume", **CLOUD))
    first, second = log.spans()
    assert (first.ended_at, second.started_at, second.cause) == (minute(5), minute(50), "backend")


def test_a_span_lasts_until_its_last_answer(log: Log) -> None:
    (span,) = log.write(record()).count(use(4), use(7, "small", side=True)).spans()[:1]
    assert (span.ended_at, span.duration_ms) == (minute(7), 420_000)
    assert log.connection.execute("SELECT last_seen_at FROM sessions").fetchone() == (minute(7),)


def test_a_guess_that_was_wrong_does_not_take_the_model_from_a_later_span(log: Log) -> None:
    log.write(record(), record("UserPromptSubmit", 5, **CLOUD)).count(use(1, "other"), use(6, "qwen3"))
    assert [(span.name, span.new_model) for span in log.spans()] == [("other", 1), ("qwen3", 1)]


def test_errors_and_retries_are_counted_and_name_no_model(log: Log) -> None:
    failed = use(2, None, messages=0, input_tokens=0, output_tokens=0, error="overloaded")
    again = use(1, None, messages=0, input_tokens=0, output_tokens=0, retry=True)
    (span,) = log.write(record()).count(again, again, failed).spans()
    assert (span.errors, span.retries, span.messages, span.name) == (1, 2, 0, "qwen3")


def test_answers_from_before_the_first_span_fall_to_it(log: Log) -> None:
    (span,) = log.write(record(minute=5)).count(use(1)).spans()
    assert span.messages == 1


def test_a_record_from_the_spool_moves_the_beginning_and_begins_no_span(log: Log) -> None:
    log.write(record("UserPromptSubmit", 5)).write(record(minute=1), spooled_as="one")
    log.write(record("Stop", 2, **CLOUD), spooled_as="two")
    (span,) = log.spans()
    assert (span.started_at, span.ended_at, span.duration_ms) == (minute(1), minute(5), 240_000)


def test_a_clock_that_goes_back_makes_no_negative_time(log: Log) -> None:
    log.write(record(minute=30), record("UserPromptSubmit", 10, **CLOUD))
    log.count(use(11, "claude-opus-5-5"))
    first, second = log.spans()
    assert first.duration_ms >= 0
    assert second.duration_ms >= 0
    assert (first.messages, second.messages) == (0, 1)


def test_the_sessions_row_names_the_model_that_answered_last(log: Log) -> None:
    log.write(record(model=None)).count(use(1, "a"), use(2, "small", side=True))
    assert log.connection.execute("SELECT model FROM sessions").fetchone() == ("a",)


def test_a_late_stop_does_not_reopen_a_session_and_a_prompt_does(log: Log) -> None:
    def ended() -> Any:
        return log.connection.execute("SELECT end_reason FROM sessions").fetchone()[0]

    log.write(record(), record("SessionEnd", 1), record("StopFailure", 2, cause="unknown"))
    assert ended() == "other"
    log.write(record("UserPromptSubmit", 3))
    assert ended() is None


def test_a_log_without_spans_gets_one_for_each_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "state"
    with monkeypatch.context() as old:
        old.setattr(store, "MIGRATIONS", store.MIGRATIONS[:1])
        old.setattr(store, "SCHEMA_VERSION", 1)
        with closing(store.connect(str(state))) as before:
            for number, kind, url in ((1, "vllm", "http://a"), (2, "vllm", "http://a"), (3, "bedrock", None)):
                before.execute(
                    "INSERT INTO sessions (session_id, started_at, last_seen_at, backend_kind, backend_url, model,"
                    " project, blocked) VALUES (?, ?, ?, ?, ?, 'm', '/p', 0)",
                    (f"s{number}", minute(number), minute(number + 2), kind, url),
                )
    log = Log(state)
    with closing(log.connection):
        for number, url in ((1, "http://a"), (2, "http://a"), (3, None)):
            (span,) = log.spans(f"s{number}")
            assert (span.url, span.name, span.path, span.duration_ms) == (url, "m", "/p", 120_000)
        assert log.connection.execute("SELECT count(*) FROM endpoints").fetchone() == (2,)
