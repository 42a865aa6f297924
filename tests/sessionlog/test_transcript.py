"""Counting from transcripts: recorded ones of the real client, and every way in which lines may come, or come again."""

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claude_local_plugin.sessionlog import transcript
from claude_local_plugin.sessionlog.transcript import Use, files, read
from tests.looped import looped

RECORDED = Path(__file__).parent / "transcripts"


class Sums(NamedTuple):
    """What uses come to."""

    messages: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def plus(self, use: Use) -> "Sums":
        return Sums(
            self.messages + use.messages,
            self.input + use.input_tokens,
            self.output + use.output_tokens,
            self.cache_read + use.cache_read_tokens,
            self.cache_write + use.cache_write_tokens,
        )


def by_model(uses: list[Use]) -> dict[str | None, Sums]:
    sums: dict[str | None, Sums] = {}
    for use in uses:
        if not use.error and not use.retry:
            sums[use.model] = sums.get(use.model, Sums()).plus(use)
    return sums


def read_all(path: Path, position: str | None = None, **options: Any) -> tuple[list[Use], str]:
    """All there is from `position` on, and the position after it."""
    uses: list[Use] = []
    at_end = False
    while not at_end:
        more, position, at_end = read(str(path), position, **options)
        uses += more
    assert position is not None
    assert position.isascii()
    return uses, position


def whole(path: Path, **options: Any) -> list[Use]:
    return read_all(path, **options)[0]


def session(path: Path) -> list[Use]:
    """All of a session and its subagents."""
    return [use for file in files(str(path)) for use in whole(Path(file))]


# --- lines as the client writes them

MOMENTS = (f"2026-11-21T{h:02}:{m:02}:{s:02}.000Z" for h in range(24) for m in range(60) for s in range(60))
EVERY_MOMENT = list(MOMENTS)


def line(**entry: Any) -> bytes:
    return json.dumps(entry, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def answer(
    number: int = 1,
    output: Any = 3,
    *,
    at: str | None = None,
    usage: dict[str, Any] | None = None,
    text: str = "pong",
    **more: Any,
) -> bytes:
    """One content block of an answer."""
    counts = {
        "input_tokens": 5,
        "cache_creation_input_tokens": 2,
        "cache_read_input_tokens": 7,
        "output_tokens": output,
    }
    message = {
        "id": f"msg_{number}",
        "role": "assistant",
        "model": "served-name",
        "content": [{"type": "text", "text": text}],
        "usage": counts if usage is None else usage,
    }
    entry = {
        "parentUuid": "u0",
        "isSidechain": False,
        "message": message,
        "requestRef": f"r{number}",
        "requestedModel": "asked-name",
        "type": "assistant",
        "uuid": f"u{number}",
        "timestamp": at or EVERY_MOMENT[number],
        "sessionId": "s1",
    }
    return line(**(entry | more))


def retry(at: str = EVERY_MOMENT[0]) -> bytes:
    error = {"message": "529 overloaded: words of the server", "status": 529}
    return line(type="system", subtype="api_error", error=error, retryAttempt=1, timestamp=at, isSidechain=False)


def failure(at: str = EVERY_MOMENT[0], **more: Any) -> bytes:
    content = [{"type": "text", "text": "API Error: words for the user"}]
    message = {"id": "x", "model": "<synthetic>", "role": "assistant", "content": content, "usage": {"input_tokens": 0}}
    return line(type="assistant", isApiErrorMessage=True, message=message, timestamp=at, isSidechain=False, **more)


def tool_result(size: int) -> bytes:
    """A user's line with something in it that looks like an answer to those who do not look closely."""
    content = json.dumps({"type": "assistant", "usage": {"output_tokens": 1}}) + "x" * size
    message = {"role": "user", "content": [{"type": "tool_result", "content": content}]}
    return line(type="user", message=message, timestamp=EVERY_MOMENT[0])


ANSWER = Sums(1, 5, 3, 7, 2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s1.jsonl"


# --- what the real client wrote

SERVED = {
    "tools/session": {"m-main": Sums(3, 315, 97, 208, 15)},
    "subagents/session": {"m-main": Sums(2, 10, 21, 14, 4), "m-sub": Sums(3, 15, 1201, 21, 6)},
    "forked-subagents/session": {"m-main": Sums(6, 30, 262, 42, 12)},
    "one-id-for-all/session": {"m-main": Sums(3, 15, 45, 21, 6)},
    "compacted-and-forked/session": {"m-main": Sums(4, 20, 12, 28, 8)},
    "compacted-and-forked/fork": {"m-main": Sums(1, 5, 4, 7, 2)},
    "compacted-and-forked/fork-after-compaction": {"m-main": Sums(1, 5, 7, 7, 2)},
    "interrupted-cleared-branched/session": {"m-main": Sums(4, 65, 12, 21, 6)},
    "interrupted-cleared-branched/cleared": {"m-main": Sums(1, 5, 7, 7, 2)},
    "interrupted-cleared-branched/branch": {"m-main": Sums(1, 5, 8, 7, 2)},
    "retried/session": {"m-main": Sums(1, 5, 3, 7, 2)},
    "dropped-after-a-tool/session": {"m-main": Sums(2, 55, 5, 7, 2)},
    "overloaded/session": {},
}


@looped("name", SERVED)
def test_a_recorded_session_comes_to_what_was_served(name: str) -> None:
    assert by_model(session(RECORDED / f"{name}.jsonl")) == SERVED[name]


@pytest.mark.parametrize(
    ("name", "retries", "errors"),
    [
        ("retried", 2, []),
        ("overloaded", 1, ["server_error"]),
        ("dropped-after-a-tool", 0, ["server_error"]),
        ("tools", 0, []),
    ],
)
def test_errors_and_repeated_requests_are_counted(name: str, retries: int, errors: list[str]) -> None:
    uses = session(RECORDED / name / "session.jsonl")
    assert [use.error for use in uses if use.error] == errors
    assert sum(use.retry for use in uses) == retries
    for use in uses:
        if use.error or use.retry:
            assert (use.model, use.messages, use.input_tokens, use.output_tokens) == (None, 0, 0, 0)


def test_subagents_are_told_from_the_main_conversation() -> None:
    uses = session(RECORDED / "subagents" / "session.jsonl")
    assert {use.model for use in uses if use.side} == {"m-sub"}
    assert {use.model for use in uses if not use.side} == {"m-main"}


def test_a_fork_of_an_old_client_is_counted_from_the_sessions_beginning() -> None:
    fork = RECORDED / "forked-2.1.200" / "fork.jsonl"
    assert by_model(whole(fork)) == {"served": Sums(4, 20, 32, 28, 8)}
    assert by_model(whole(fork, not_before="2026-11-21T14:22:23.100Z")) == {"served": Sums(1, 5, 5, 7, 2)}


@looped("name", SERVED)
def test_recorded_sessions_come_to_the_same_in_small_pieces(name: str) -> None:
    for file in files(str(RECORDED / f"{name}.jsonl")):
        assert by_model(whole(Path(file), most_bytes=100)) == by_model(whole(Path(file)))


# --- one answer, several lines


def test_a_second_look_finds_nothing_new(path: Path) -> None:
    path.write_bytes(answer(1) + answer(2))
    uses, position = read_all(path)
    assert by_model(uses) == {"asked-name": Sums(2, 10, 6, 14, 4)}
    assert read(str(path), position) == ([], position, True)


def test_a_line_being_written_waits(path: Path) -> None:
    one = answer(1)
    path.write_bytes(one + answer(2)[:-1])
    uses, position = read_all(path)
    assert by_model(uses) == {"asked-name": ANSWER}
    with path.open("ab") as file:
        file.write(b"\n")
    assert by_model(read_all(path, position)[0]) == {"asked-name": ANSWER}


def test_the_blocks_of_an_answer_are_one_answer_and_only_growth_is_added(path: Path) -> None:
    path.write_bytes(answer(1, 3) + tool_result(10) + answer(1, 40) + answer(1, 40) + answer(1, 20))
    uses = whole(path)
    assert [(use.messages, use.input_tokens, use.output_tokens) for use in uses] == [(1, 5, 3), (0, 0, 37)]


def test_an_answer_that_grows_between_two_looks_and_after_another_one_is_still_one(path: Path) -> None:
    path.write_bytes(answer(1, 3) + answer(2, 3))
    uses, position = read_all(path)
    with path.open("ab") as file:
        file.write(answer(1, 10))
    more, _ = read_all(path, position)
    assert by_model(uses + more) == {"asked-name": Sums(2, 10, 13, 14, 4)}


def test_an_answer_that_keeps_coming_is_not_forgotten_for_all_the_others(path: Path) -> None:
    path.write_bytes(b"".join(answer(1) + answer(number) for number in range(2, 100)))
    assert by_model(whole(path)) == {"asked-name": Sums(99, 495, 297, 693, 198)}


def test_servers_that_give_every_answer_the_same_id_or_none_are_counted_by_request(path: Path) -> None:
    blocks = [json.loads(answer(number)) for number in (1, 1, 2, 3)]
    for block in blocks:
        block["message"]["id"] = "msg_same"
    path.write_bytes(b"".join(line(**block) for block in blocks))
    assert by_model(whole(path)) == {"asked-name": Sums(3, 15, 9, 21, 6)}
    for block in blocks:
        del block["message"]["id"]
    path.write_bytes(b"".join(line(**block) for block in blocks))
    assert by_model(whole(path)) == {"asked-name": Sums(3, 15, 9, 21, 6)}
    for block in blocks:
        del block["requestRef"]
    path.write_bytes(b"".join(line(**block) for block in blocks))
    assert by_model(whole(path)) == {"asked-name": Sums(3, 15, 9, 21, 6)}


def test_the_model_is_the_one_that_was_asked_for_and_else_the_one_that_answered(path: Path) -> None:
    path.write_bytes(answer(1) + answer(2, requestedModel=None) + answer(3, requestedModel=5))
    assert [use.model for use in whole(path)] == ["asked-name", "served-name", "served-name"]


@pytest.mark.parametrize("garbage", [-1, -(10**30), 10**30, 1e300, 1.5, "7", None, True, [3], {}])
def test_what_is_no_sensible_number_of_tokens_counts_as_nothing(path: Path, garbage: Any) -> None:
    usage = {"input_tokens": garbage, "output_tokens": 3, "cache_read_input_tokens": garbage}
    path.write_bytes(answer(1, usage=usage) + answer(1, usage={"input_tokens": 5, "output_tokens": garbage}))
    assert by_model(whole(path)) == {"asked-name": Sums(1, 5, 3, 0, 0)}


# --- lines that are not counted


def test_copies_of_another_sessions_answers_are_not_counted(path: Path) -> None:
    forked = {"sessionId": "s0", "messageUuid": "u"}
    path.write_bytes(answer(1, requestSessionId="s0") + answer(2, forkedFrom=forked) + answer(3, requestSessionId="s1"))
    assert by_model(whole(path)) == {"asked-name": ANSWER}


def test_a_forked_subagents_copy_of_its_parents_call_is_not_counted(path: Path) -> None:
    path.write_bytes(answer(1, isSidechain=True, parentUuid=None) + answer(2, isSidechain=True))
    (use,) = whole(path)
    assert (use.at, use.side) == (EVERY_MOMENT[2], True)


def test_what_the_client_says_itself_is_no_answer(path: Path) -> None:
    entry = json.loads(answer(1))
    entry["message"]["model"] = "<synthetic>"
    path.write_bytes(line(**entry))
    assert whole(path) == []


@pytest.mark.parametrize(
    "broken",
    [
        answer(9)[:200] + b"\n",
        b'{"type":"assistant","usage":' + b"[" * 100_000 + b"\n",
        b'{"type":"assistant","usage":\xff\xfe\x00}\n',
        b'["assistant","usage"]\n',
        b'{"type":"assistant","message":"usage"}\n',
        b'{"type":"assistant","usage":' + b"9" * 5000 + b"}\n",
        answer(9, timestamp=None),
        answer(9, timestamp="yesterday"),
        answer(9, timestamp="2026-11-21 00:00:09.000Z"),
        answer(9, timestamp="2026-11-21T00:00:09.0000"),
        answer(9, message="usage"),
        answer(9, message={"usage": []}),
        b"\n\r\n\x00\n",
    ],
    ids=range(13),
)
def test_broken_lines_are_passed_over(path: Path, broken: bytes) -> None:
    path.write_bytes(answer(1) + broken + answer(2))
    assert by_model(whole(path)) == {"asked-name": Sums(2, 10, 6, 14, 4)}


def test_an_error_without_a_word_is_told_by_its_status(path: Path) -> None:
    path.write_bytes(
        failure(error="rate_limit", apiErrorStatus=429)
        + failure(apiErrorStatus=529)
        + failure(error="words for the user", apiErrorStatus="no number")
    )
    assert [use.error for use in whole(path)] == ["rate_limit", "529", "unknown"]


def test_nothing_that_was_said_leaves_the_module(path: Path) -> None:
    secret = "what-was-said"
    result = line(type="user", message={"content": [{"text": secret}]}, toolUseResult={"usage": secret})
    path.write_bytes(
        answer(1, text=secret) + result + failure(error=f"{secret} in words") + retry() + answer(2, text=secret)[:-9]
    )
    uses, position = read_all(path)
    told = [getattr(use, name) for use in uses for name in Use.__slots__]
    assert len(uses) == 3
    assert secret not in position
    assert not any(secret in str(value) for value in told)


# --- history


def test_what_is_older_than_the_session_is_not_counted(path: Path) -> None:
    path.write_bytes(retry() + answer(1) + answer(2) + answer(3))
    uses, position = read_all(path, not_before=EVERY_MOMENT[2])
    assert [use.at for use in uses] == [EVERY_MOMENT[2], EVERY_MOMENT[3]]
    with path.open("ab") as file:  # the clock has been set back
        file.write(answer(4, at=EVERY_MOMENT[1]))
    assert len(read_all(path, position, not_before=EVERY_MOMENT[2])[0]) == 1


def test_history_that_is_read_before_the_first_answer_comes_is_remembered_as_history(path: Path) -> None:
    path.write_bytes(answer(1))
    uses, position = read_all(path, not_before=EVERY_MOMENT[5])
    assert uses == []
    with path.open("ab") as file:
        file.write(answer(1, 3) + answer(6))
    assert [use.at for use in read_all(path, position, not_before=EVERY_MOMENT[5])[0]] == [EVERY_MOMENT[6]]


# --- files that do not just grow


def test_a_rewritten_file_is_not_counted_twice(path: Path) -> None:
    path.write_bytes(tool_result(10) + answer(1) + answer(2) + retry(EVERY_MOMENT[3]) + failure(EVERY_MOMENT[4]))
    uses, position = read_all(path)
    assert len(uses) == 4
    path.write_bytes(answer(1) + answer(2) + retry(EVERY_MOMENT[3]) + failure(EVERY_MOMENT[4]) + answer(5))
    more, position = read_all(path, position)
    assert [use.at for use in more] == [EVERY_MOMENT[5]]
    assert read_all(path, position)[0] == []


def test_a_rewritten_file_is_not_counted_twice_when_the_clock_was_set_back_meanwhile(path: Path) -> None:
    lines = answer(50) + b"".join(answer(number) for number in range(2, 22))
    path.write_bytes(lines)
    uses, position = read_all(path)
    assert len(uses) == 21
    path.write_bytes(tool_result(10) + lines + answer(51))
    assert [use.at for use in read_all(path, position)[0]] == [EVERY_MOMENT[51]]


def test_a_file_that_was_cut_is_read_again_once_it_grows(path: Path) -> None:
    path.write_bytes(answer(1) + answer(2) + answer(3))
    _, position = read_all(path)
    path.write_bytes(answer(1))
    uses, position = read_all(path, position)
    assert uses == []
    with path.open("ab") as file:
        file.write(answer(4))
    uses, position = read_all(path, position)
    assert [use.at for use in uses] == [EVERY_MOMENT[4]]
    path.write_bytes(b"")
    uses, position = read_all(path, position)
    path.write_bytes(answer(5))
    assert [use.at for use in read_all(path, position)[0]] == [EVERY_MOMENT[5]]


def test_a_rewritten_file_is_known_even_when_every_line_ends_alike(path: Path) -> None:
    ending = {"zz": "the same end of every line " * 10}
    path.write_bytes(answer(1, **ending) + answer(2, **ending))
    _, position = read_all(path)
    path.write_bytes(answer(3, **ending) + answer(4, **ending))
    assert path.stat().st_size == len(answer(1, **ending) * 2)
    assert len(read_all(path, position)[0]) == 2


def test_a_file_that_is_not_there_has_nothing_and_is_read_when_it_comes(path: Path) -> None:
    uses, position, at_end = read(str(path), None)
    assert (uses, at_end) == ([], True)
    path.write_bytes(answer(1))
    uses, position, at_end = read(str(path), position)
    assert len(uses) == 1
    path.unlink()
    assert read(str(path), position) == ([], position, True)


@pytest.mark.parametrize(
    "position",
    [
        "",
        "no position",
        "[]",
        "{}",
        '{"offset":-1}',
        '{"offset":1e9,"mark":true}',
        '{"offset":99999999999999999999999999,"mark":0}',
        '{"offset":100000,"mark":-1}',
        '{"offset":0,"mark":0,"seen":{"a":[1],"b":5,"c":[1,2,3,"x"]},"latest":5,"floor":[],"begun":"yes"}',
        "é\ud800",
    ],
)
def test_what_is_no_position_is_the_beginning(path: Path, position: str) -> None:
    path.write_bytes(answer(1))
    uses, position = read_all(path, position)
    assert len(uses) == 1
    assert read_all(path, position)[0] == []


def test_a_folder_in_place_of_a_transcript_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"\w"):
        read(str(tmp_path), None)


# --- which files


def test_the_files_of_a_session_are_its_own_and_its_subagents(tmp_path: Path) -> None:
    main = tmp_path / "s1.jsonl"
    folder = tmp_path / "s1" / "subagents"
    agents = [folder / "agent-b.jsonl", folder / "agent-a.jsonl", folder / "workflows" / "w1" / "agent-c.jsonl"]
    others = [folder / "agent-a.meta.json", folder / "notes.jsonl", tmp_path / "s2.jsonl"]
    assert files(str(main)) == [str(main)]
    for file in (*agents, *others):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert files(str(main)) == [str(main), *sorted(map(str, agents))]
    assert files(str(tmp_path)) == [str(tmp_path)]
    assert files("") == [""]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_links_to_other_sessions_agents_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "s1" / "subagents"
    folder.mkdir(parents=True)
    (tmp_path / "agent-x.jsonl").touch()
    (folder / "agent-x.jsonl").symlink_to(tmp_path / "agent-x.jsonl")
    (folder / "round").symlink_to(folder)
    assert files(str(tmp_path / "s1.jsonl")) == [str(tmp_path / "s1.jsonl")]


# --- much to read


def test_a_look_reads_about_as_much_as_it_may_and_the_next_one_goes_on(path: Path) -> None:
    path.write_bytes(b"".join(answer(number) for number in range(1, 101)))
    uses, position, at_end = read(str(path), None, 5000)
    assert 5 < len(uses) < 15
    assert not at_end
    rest, _ = read_all(path, position, most_bytes=5000)
    assert by_model(uses + rest) == {"asked-name": Sums(100, 500, 300, 700, 200)}


def test_a_line_longer_than_a_look_may_read_does_not_hold_it_up(path: Path) -> None:
    path.write_bytes(tool_result(10_000) + answer(1) + tool_result(10_000))
    assert by_model(whole(path, most_bytes=10)) == {"asked-name": ANSWER}


def test_a_line_of_many_megabytes_is_never_held_whole(path: Path) -> None:
    huge = 12 * transcript.LONGEST_LINE
    with path.open("wb") as file:
        file.write(answer(1))
        for _ in range(12):
            file.write(b'"usage""assistant"' + bytes(huge // 12))
        file.write(b"\n" + answer(2))
    tracemalloc.start()
    try:
        uses = whole(path, most_bytes=10**9)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert by_model(uses) == {"asked-name": Sums(2, 10, 6, 14, 4)}
    assert peak < 3 * transcript.LONGEST_LINE


def test_a_line_of_many_megabytes_is_passed_over_while_it_is_being_written(path: Path) -> None:
    piece = b"x" * (3 * transcript.LONGEST_LINE // 2)
    path.write_bytes(answer(1) + piece)
    _, position = read_all(path)
    assert json.loads(position)["offset"] == path.stat().st_size
    with path.open("ab") as file:
        file.write(piece)
    uses, position = read_all(path, position)
    assert uses == []
    with path.open("ab") as file:  # first of all the end of that line
        file.write(answer(2) + answer(3))
    assert [use.at for use in read_all(path, position)[0]] == [EVERY_MOMENT[3]]
    path.write_bytes(answer(4))
    assert [use.at for use in read_all(path, position)[0]] == [EVERY_MOMENT[4]]


@pytest.mark.parametrize(("length", "counted"), [(-1, 1), (0, 1), (1, 0)])
@pytest.mark.parametrize("most_bytes", [1000, 1 << 20, 1 << 30])
def test_how_long_a_line_may_be_is_the_same_in_any_pieces(
    path: Path, length: int, counted: int, most_bytes: int
) -> None:
    room = transcript.LONGEST_LINE + length - len(answer(1, text="")) + 1
    path.write_bytes(answer(1, text="x" * room) + answer(2))
    assert len(whole(path, most_bytes=most_bytes)) == counted + 1


def test_positions_stay_short(path: Path) -> None:
    path.write_bytes(b"".join(answer(number, requestRef="r" * 500 + str(number)) for number in range(1, 500)))
    assert len(read_all(path)[1]) < 3000


# --- any order, any pieces


@st.composite
def transcripts(draw: st.DrawFn) -> tuple[list[bytes], Sums, int, int]:
    """Lines as they may come, and what they come to: the greatest usage of each answer, each error, each repetition."""
    lines: list[bytes] = []
    counted: dict[int, tuple[int, int, int, int]] = {}
    errors = retries = 0
    number = 1
    for moment in range(1, draw(st.integers(2, 40))):
        kind = draw(st.sampled_from(["new", "new", "again", "again", "error", "retry", "tool", "broken", "copy"]))
        at = EVERY_MOMENT[moment]
        if kind in ("new", "again"):
            number += kind == "new"
            which = number if kind == "new" else max(2, number - draw(st.integers(0, 5)))
            counts = draw(st.tuples(*[st.integers(0, 99)] * 4))
            names = dict(zip(transcript.TOKENS, counts, strict=True))
            lines.append(answer(which, at=at, usage=names, text=draw(st.text(max_size=20))))
            before = counted.get(which, (0, 0, 0, 0))
            a, b, c, d = (max(pair) for pair in zip(before, counts, strict=True))
            counted[which] = (a, b, c, d)
        elif kind == "error":
            lines.append(failure(at, error="server_error"))
            errors += 1
        elif kind == "retry":
            lines.append(retry(at))
            retries += 1
        elif kind == "copy":
            lines.append(answer(1, at=at, requestSessionId="s0"))
        elif kind == "tool":
            lines.append(tool_result(draw(st.integers(0, 3000))))
        else:
            lines.append(answer(1, at=at)[: draw(st.integers(0, 200))].replace(b"\n", b"") + b"\n")
    columns = [sum(column) for column in zip(*counted.values(), strict=True)] or [0, 0, 0, 0]
    return lines, Sums(len(counted), *columns), errors, retries


def told(uses: list[Use]) -> tuple[Sums, int, int]:
    sums = by_model(uses).get("asked-name", Sums())
    return sums, sum(bool(use.error) for use in uses), sum(use.retry for use in uses)


MANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.slow
@MANY
@given(written=transcripts(), data=st.data())
def test_any_writing_and_any_reading_come_to_the_same(
    tmp_path: Path, written: tuple[list[bytes], Sums, int, int], data: st.DataObject
) -> None:
    lines, *expected = written
    content = b"".join(lines)
    path = tmp_path / "any.jsonl"
    path.write_bytes(b"")
    uses: list[Use] = []
    position: str | None = None
    done = 0
    while done < len(content):
        size = data.draw(st.integers(1, len(content)))
        with path.open("ab") as file:
            file.write(content[done : done + size])
        done += size
        for _ in range(data.draw(st.integers(0, 2))):
            more, position, _ = read(str(path), position, data.draw(st.integers(1, 5000)))
            uses += more
    more, position = read_all(path, position, most_bytes=data.draw(st.integers(200, 5000)))
    assert told(uses + more) == tuple(expected)
    assert told(whole(path)) == tuple(expected)
    assert read_all(path, position)[0] == []


@MANY
@given(written=transcripts(), data=st.data())
def test_a_file_that_is_rewritten_at_any_moment_comes_to_the_same(
    tmp_path: Path, written: tuple[list[bytes], Sums, int, int], data: st.DataObject
) -> None:
    lines, *expected = written
    path = tmp_path / "any.jsonl"
    there = data.draw(st.integers(0, len(lines)))
    path.write_bytes(b"".join(lines[:there]))
    uses, position = read_all(path, most_bytes=data.draw(st.integers(200, 5000)))
    # as when the client takes out a line that was not to stay; here one that does not count
    path.write_bytes(b"".join([b"another beginning\n", *lines]))
    more, _ = read_all(path, position, most_bytes=data.draw(st.integers(200, 5000)))
    assert told(uses + more) == tuple(expected)


# --- a guest's manners

LOADED = """
import sys
from claude_local_plugin.sessionlog import transcript
uses, _, _ = transcript.read(sys.argv[1], None)
assert uses, "nothing read"
transcript.files(sys.argv[1])
print(*sorted(sys.modules))
"""


def test_reading_loads_nothing_that_takes_time() -> None:
    path = RECORDED / "tools" / "session.jsonl"
    root = str(Path(transcript.__file__).parents[2])
    ended = subprocess.run(
        [sys.executable, "-S", "-c", LOADED, str(path)],
        env={"PYTHONPATH": root, "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"json", "re", "typing", "enum", "pathlib", "dataclasses", "contextlib", "datetime", "hashlib", "sqlite3"}
    assert not set(ended.stdout.split()) & heavy
