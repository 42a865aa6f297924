"""Why a trial failed, told from what the real client printed: streams on record, and the small ways in between."""

import json
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.evaluation import outcome
from claude_local_plugin.evaluation.checking import Verdict
from claude_local_plugin.evaluation.outcome import FAILURES, Call, Ended, Prices, Session, Trial
from claude_local_plugin.evaluation.scripted import WAYS

STREAMS = sorted((Path(__file__).parent / "streams").glob("*/*.jsonl"))
WRONG, RIGHT = Verdict("wrong", "1000 cents less 25 percent is not 750"), Verdict("passed")
#: Ways that change the repository, in the recorded streams.
CHANGING = ("solved", "wrong-result", "tokens")


def recorded(path: Path) -> Session:
    return outcome.read(outcome.events(path.read_text(encoding="utf-8").splitlines()))


def ended(way: str) -> Ended:
    return "time" if way == "time" else "tokens" if way == "tokens" else "itself"


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_each_way_to_fail_is_named_as_what_it_is(path: Path) -> None:
    way = path.stem
    verdict = RIGHT if way == "solved" else WRONG
    passed, failure, reason = outcome.judged(recorded(path), ended(way), verdict, changed=way in CHANGING)
    assert (passed, failure) == ((True, None) if way == "solved" else (False, way))
    assert bool(reason) == (way != "solved")


def test_every_way_is_on_record_and_has_words_and_a_mend() -> None:
    assert {path.stem for path in STREAMS} == {"solved", *WAYS}
    assert set(FAILURES) == set(WAYS)
    assert all(failure.words and failure.mend for failure in FAILURES.values())


def test_the_checks_that_are_named_are_doctors() -> None:
    from claude_local_plugin.doctor.checks import CHECKS

    known = {check.id for check in CHECKS}
    assert {failure.check for failure in FAILURES.values() if failure.check} <= known


def test_figures_are_those_of_the_stream() -> None:
    (path,) = [path for path in STREAMS if path.stem == "solved" and path.parent.name == "2.1.332"]
    session = recorded(path)
    assert (session.client, session.model, session.turns) == ("2.1.332", "box", 3)
    assert [(call.tool, call.valid) for call in session.calls] == [("Read", True), ("Write", True)]
    deltas = [
        event["event"]["usage"]
        for event in outcome.events(path.read_text(encoding="utf-8").splitlines())
        if event["type"] == "stream_event" and event["event"]["type"] == "message_delta"
    ]
    assert session.tokens_in == sum(usage["input_tokens"] for usage in deltas)
    assert session.tokens_out == sum(usage["output_tokens"] for usage in deltas) > 0
    assert session.ttft_ms is not None
    assert session.tokens_per_second is not None
    # cut off before its result, it still has what was streamed
    lines = path.read_text(encoding="utf-8").splitlines()
    early = outcome.read(outcome.events([*lines[:-1], lines[-1][:40]]))
    assert not early.answered
    assert (early.tokens_in, early.tokens_out) == (session.tokens_in, session.tokens_out)
    assert Prices(2.0, 10.0, 0.1).cost(session) == pytest.approx(
        (session.tokens_in * 2 + session.tokens_out * 10) / 1_000_000
    )


def test_an_answer_that_does_not_end_counts_as_it_comes() -> None:
    """How many tokens it had is said at its end, which a limit must not wait for."""
    reader = outcome.Reader()
    usage = {"input_tokens": 10, "output_tokens": 1}
    reader.add({"type": "stream_event", "event": {"type": "message_start", "message": {"id": "1", "usage": usage}}})
    for _ in range(5):
        reader.add({"type": "stream_event", "event": {"type": "content_block_delta", "delta": {"text": "x"}}})
    assert reader.tokens == 16
    reader.add({"type": "stream_event", "event": {"type": "message_delta", "usage": {"output_tokens": 9}}})
    assert reader.tokens == 19


def test_malformed_calls_are_counted_and_one_that_failed_in_its_tool_is_not_one() -> None:
    (path,) = [path for path in STREAMS if path.stem == "malformed"]
    assert [call.valid for call in recorded(path).calls] == [False] * 3
    assert Call("Bash", "{}", "Exit code 1").valid
    assert Call("Read", "{}", "File does not exist.").valid
    assert not Call(
        "read_file", "{}", "<tool_use_error>Error: No such tool available: read_file</tool_use_error>"
    ).valid


def answered(*calls: Call, **more: Any) -> Session:
    values: dict[str, Any] = {"turns": 2, "texts": ("Done.",), "subtype": "success", "said": "Done."}
    return Session(calls=calls, **{**values, **more})


def judged(session: Session, how: Ended = "itself", verdict: Verdict = WRONG, **more: Any) -> str | None:
    return outcome.judged(session, how, verdict, **{"changed": True, **more})[1]


def test_what_was_mended_on_the_way_is_not_why_it_failed() -> None:
    refused = Call(
        "Edit", '{"old_string": "a"}', "<tool_use_error>String to replace not found in file.</tool_use_error>"
    )
    assert judged(answered(refused)) == "refused-edit"
    assert judged(answered(refused, Call("Edit", '{"old_string": "b"}'))) == "wrong-result"
    malformed = Call("Edit", "{}", "InputValidationError: Edit failed")
    assert judged(answered(malformed)) == "malformed"
    assert judged(answered(malformed, Call("Edit", "{}"))) == "wrong-result"


def test_a_call_as_text_is_told_in_every_familys_writing() -> None:
    for text in (
        "<tool_call>\n<function=Read>",
        '<tool_call>{"name": "Read", "arguments": {}}</tool_call>',
        '[TOOL_CALLS][{"name": "Read"}]',
        '{"name": "Read", "arguments": {"file_path": "a"}}',
        "<|tool_calls_section_begin|>",
        "<|python_tag|>Read()",
        '<invoke name="Read">',
    ):
        assert judged(answered(texts=(text,), said=text)) == "not-parsed", text
    assert judged(answered(texts=('The file has {"name": "shop"} in it.',))) == "wrong-result"


def test_a_task_has_to_be_finished_and_its_tools_to_be_used() -> None:
    assert outcome.judged(answered(), "time", RIGHT, changed=True)[:2] == (False, "time")
    assert outcome.judged(answered(), "itself", RIGHT, changed=False) == (True, None, "")  # where nothing was to do
    passed, failure, reason = outcome.judged(answered(), "itself", RIGHT, changed=True, must_call=("Agent",))
    assert (passed, failure) == (False, "wrong-result")
    assert reason == "Agent was not used, which the task asks for"
    assert outcome.judged(answered(Call("Agent", "{}")), "itself", RIGHT, changed=True, must_call=("Agent",))[0]


def test_nothing_follows_from_a_broken_check_or_a_trial_that_was_broken_off() -> None:
    broken = Verdict("broken", "the check ended with exit code 2")
    assert outcome.judged(answered(), "itself", broken, changed=True)[0] is None
    assert outcome.judged(answered(), "harness", RIGHT, changed=True)[0] is None


def test_nothing_follows_from_a_client_that_never_began_or_from_a_full_disk() -> None:
    """As one that is too old for an option: no request of it has reached the server."""
    never = outcome.judged(Session(), "itself", RIGHT, changed=False, fault="error: unknown option '--tools'")
    assert never == (None, None, "Claude Code ended before it began: error: unknown option '--tools'")
    full = Call("Write", "{}", "ENOSPC: no space left on device, write")
    assert outcome.judged(answered(full), "itself", WRONG, changed=False)[::2] == (
        None,
        "there was no room left for files",
    )


def test_a_server_that_went_away_is_the_servers_fault() -> None:
    said = "API Error: Unable to connect to API (ConnectionRefused)"
    assert judged(answered(subtype="success", failed=True, said=said)) == "server-error"
    assert judged(Session(client="2.1.332")) == "server-error"
    too_long = "API Error: 400 This model's maximum context length is 32768 tokens."
    assert judged(answered(failed=True, status=400, said=too_long)) == "window"
    assert judged(answered(compactions=1)) == "window"


def test_a_trial_is_the_same_after_a_file() -> None:
    trial = Trial("a", "edit", 1, False, "loop", "x", turns=3, ttft_ms=1.5)
    line = json.loads(json.dumps(trial.to_json()))
    assert Trial.from_json({**line, "of_a_later_version": 1}) == trial
