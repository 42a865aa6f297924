"""The Messages API client: what it makes of answers, recorded and misbehaving ones, and that it ends in time."""

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from claude_local_plugin.errors import UsageError
from claude_local_plugin.fake_server.server import EmbeddedBackend, Model, ToolUse
from claude_local_plugin.servers import messages
from claude_local_plugin.servers.messages import Client, Reply, ask, conversation, run
from claude_local_plugin.servers.words import problem_in
from tests.looped import looped

from .conftest import ANSWERS, Recorded, Said, StartReplay, take_request

MODEL = "qwen3-coder-next"


def hello(**more: object) -> dict[str, object]:
    return conversation(MODEL, [{"role": "user", "content": "hello"}], max_tokens=100, **more)


def recorded(name: str) -> Recorded:
    return Recorded.read(ANSWERS / "vllm-tools" / f"{name}.txt")


def replayed(replay: StartReplay, answer: Recorded | Said, *, stream: bool = False) -> Reply:
    server = replay(otherwise=answer)
    return ask(server.url, hello(stream=stream), timeout=20)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_the_same_streamed_and_whole(stream: bool) -> None:
    with EmbeddedBackend(reply=("Let me see.", ToolUse("Bash", {"command": "ls", "n": 3}))) as backend:
        reply = ask(backend.url, hello(stream=stream), timeout=20)
    assert reply.ok
    assert (reply.streamed, reply.status, reply.stop_reason, reply.model) == (stream, 200, "tool_use", MODEL)
    assert reply.text == "Let me see."
    assert [(call.name, call.input) for call in reply.tool_uses] == [("Bash", {"command": "ls", "n": 3})]
    assert reply.usage.output is not None
    assert reply.usage.prompt == reply.usage.input


def test_a_stream_is_timed_piece_by_piece() -> None:
    with EmbeddedBackend(reply="one two three four", delay=0.05, token_delay=0.02) as backend:
        reply = ask(backend.url, hello(stream=True), timeout=20)
    assert reply.ttft is not None
    assert reply.ttft >= 0.05
    assert len(reply.gaps) == 3
    assert reply.seconds_per_token is not None
    assert reply.seconds >= reply.ttft + sum(reply.gaps)


def test_a_whole_answer_has_no_first_token() -> None:
    with EmbeddedBackend() as backend:
        reply = ask(backend.url, hello(), timeout=20)
    assert (reply.ttft, reply.gaps, reply.seconds_per_token) == (None, (), None)


def test_a_request_carries_what_claude_code_sends_beside_its_body() -> None:
    with EmbeddedBackend(api_key="sk-local") as backend:
        assert ask(backend.url, hello(), token="sk-local", timeout=20).ok
        request = backend.messages[0]
    assert request.path == "/v1/messages?beta=true"
    assert request.headers["authorization"] == "Bearer sk-local"
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert "x-api-key" not in request.headers


def test_a_recorded_stream_of_a_real_vllm_is_read(replay: StartReplay) -> None:
    reply = replayed(replay, recorded("msg_stream"), stream=True)
    assert reply.ok
    assert (reply.stop_reason, reply.usage.input, reply.usage.output) == ("max_tokens", 11, 6)
    assert reply.thinking == "[bINDInfEST.tb(values"
    assert not reply.text


def test_an_error_event_in_a_stream_is_an_error(replay: StartReplay) -> None:
    reply = replayed(replay, recorded("stream_error_event_no_reasoning_parser"), stream=True)
    assert (reply.status, reply.ok) == (200, False)
    assert reply.error is not None
    assert reply.error.kind == "internal_error"


def test_the_refusal_of_a_streamed_request_is_a_plain_answer(replay: StartReplay) -> None:
    reply = replayed(replay, recorded("noparser_tools_auto"), stream=True)
    assert (reply.status, reply.streamed) == (400, False)
    assert reply.error is not None
    assert "--tool-call-parser" in reply.error.message


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ({"type": "error", "error": {"type": "NotFoundError", "message": "no model"}}, "NotFoundError", "no model"),
        (
            {"error": {"message": "1 validation error", "type": "Bad Request", "code": 400}},
            "Bad Request",
            "1 validation error",
        ),
        ({"error": "Unauthorized"}, "Unauthorized", "Unauthorized"),
        ({"detail": "Not Found"}, "Not Found", "Not Found"),
        ({"error": {"code": 7}}, "error", '{"code": 7}'),
    ],
)
def test_every_shape_of_error_is_understood(body: object, kind: str, message: str) -> None:
    problem = problem_in(body)
    assert problem is not None
    assert (problem.kind, problem.message) == (kind, message)


def test_an_answer_without_an_error_has_none() -> None:
    assert problem_in({"type": "message"}) is None
    assert problem_in([1, 2]) is None


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, "<html>hi</html>", "not-json"),
        (500, "Internal Server Error", "http"),
        (502, "", "http"),
        (503, "[]", "http"),
    ],
)
def test_an_answer_that_is_no_message_is_a_problem(replay: StartReplay, status: int, body: str, kind: str) -> None:
    reply = replayed(replay, Said(status, body))
    assert not reply.ok
    assert reply.error is not None
    assert reply.error.kind == kind


def test_a_stream_that_breaks_off_is_a_problem(replay: StartReplay) -> None:
    half = 'event: content_block_delta\r\ndata: {"type":"content_block_delta","index":0,"delta":{"text":"hi"}}\r\n\r\n'
    reply = replayed(replay, Said(200, half, {"content-type": "text/event-stream"}), stream=True)
    assert reply.error is not None
    assert reply.error.kind == "broken"
    assert reply.ttft is not None


OPENING = b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\n\r\n"


def stream_of(*events: dict[str, object], end: str = "\n") -> str:
    return "".join(f"event: {event['type']}{end}data: {json.dumps(event)}{end}{end}" for event in events)


def piece(text: str) -> dict[str, object]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


WHOLE = (
    {"type": "message_start", "message": {"model": MODEL, "usage": {"input_tokens": 9, "output_tokens": 0}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    piece("Hello"),
    piece(" there"),
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
    {"type": "message_stop"},
)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("tail", [0, 1, 2, 3])
def test_a_stream_is_whole_however_its_lines_end_and_however_late_its_last_bytes_come(
    misbehaving: Callable[..., int], end: str, tail: int
) -> None:
    text = stream_of(*WHOLE, end=end).encode()
    cut = len(text) - tail

    def talk(connection: socket.socket, over: threading.Event) -> None:
        take_request(connection)
        connection.sendall(OPENING + text[:cut])
        over.wait(0.05)
        connection.sendall(text[cut:])

    reply = ask(f"http://127.0.0.1:{misbehaving(talk)}", hello(stream=True), timeout=20)
    assert reply.ok, reply.error
    assert (reply.text, reply.stop_reason, reply.usage.output) == ("Hello there", "end_turn", 3)


@pytest.mark.parametrize(
    "said",
    [
        'event: error\ndata: {"code":500,"message":"Context size has been exceeded.","type":"server_error"}\n\n',
        'event: error\r\ndata: {"error":{"type":"server_error","message":"Context size has been exceeded."}}\r\n\r\n',
        'data: {"error":{"type":"server_error","message":"Context size has been exceeded."}}\n\n',
    ],
)
@pytest.mark.parametrize("before", ["", stream_of(*WHOLE[:3])])
def test_an_error_in_a_stream_keeps_the_servers_words(replay: StartReplay, said: str, before: str) -> None:
    reply = replayed(replay, Said(200, before + said, {"content-type": "text/event-stream"}), stream=True)
    assert reply.error is not None
    assert (reply.error.kind, reply.error.message) == ("server_error", "Context size has been exceeded.")


def test_an_error_event_in_plain_words_keeps_them(replay: StartReplay) -> None:
    text = "event: error\ndata: the engine has died\n\n"
    reply = replayed(replay, Said(200, text, {"content-type": "text/event-stream"}), stream=True)
    assert reply.error is not None
    assert reply.error.message == "the engine has died"


@pytest.mark.parametrize("take", [True, False])
def test_a_connection_that_the_server_closed_between_two_requests_is_no_fault_of_the_second(
    misbehaving: Callable[..., int], take: bool
) -> None:
    """As a llama.cpp server closes one after a streamed answer, at times when the next request is on its way."""
    answered: list[bytes] = []

    def talk(connection: socket.socket, over: threading.Event) -> None:
        answered.append(take_request(connection))
        body = b'{"type":"message","content":[],"stop_reason":"end_turn","usage":{}}'
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
        connection.sendall(b"content-length: %d\r\n\r\n%s" % (len(body), body))
        if take:
            connection.recv(1)  # a byte of the next request, or the end

    async def work(client: Client) -> list[Reply]:
        return [await client.send(hello()) for _ in range(4)]

    replies = run(work, f"http://127.0.0.1:{misbehaving(talk)}", timeout=20)
    assert [each.ok for each in replies] == [True] * 4, [each.error for each in replies]
    assert len(answered) == 4


def test_a_new_connection_that_is_closed_without_an_answer_is_not_tried_again(misbehaving: Callable[..., int]) -> None:
    asked: list[bytes] = []

    def talk(connection: socket.socket, over: threading.Event) -> None:
        asked.append(take_request(connection))

    reply = ask(f"http://127.0.0.1:{misbehaving(talk)}", hello(), timeout=20)
    assert reply.error is not None
    assert reply.error.kind == "broken"
    assert len(asked) == 1


@pytest.fixture
def dripping(misbehaving: Callable[..., int]) -> Callable[..., int]:
    """Opens a port that streams `first`, and then `again` every so many seconds without end."""

    def start(again: bytes, pause: float, first: bytes = b"") -> int:
        def talk(connection: socket.socket, over: threading.Event) -> None:
            take_request(connection)
            connection.sendall(OPENING + first)
            while not over.wait(pause):
                connection.sendall(again)

        return misbehaving(talk)

    return start


PING = b'event: ping\ndata: {"type":"ping"}\n\n'


@pytest.mark.parametrize(
    ("again", "first"),
    [
        (PING, b""),
        (b": keep-alive\n\n", b""),
        (PING, stream_of(*WHOLE[:3]).encode()),
        (stream_of(piece("")).encode(), b""),
        (b"data: {}\n\n", stream_of(*WHOLE[:1]).encode()),
    ],
)
def test_pings_without_content_are_given_up_long_before_the_timeout(
    dripping: Callable[..., int], again: bytes, first: bytes
) -> None:
    url = f"http://127.0.0.1:{dripping(again, 0.01, first)}"
    reply = run(lambda client: client.send(hello(stream=True)), url, timeout=300, quiet=0.2)
    assert reply.error is not None
    assert (reply.error.kind, reply.error.message) == ("silent", "the stream went on for 0.2 s without content")


def test_a_stream_that_stops_in_the_middle_and_stays_open_is_given_up(dripping: Callable[..., int]) -> None:
    url = f"http://127.0.0.1:{dripping(b'', 0.05, stream_of(*WHOLE[:3]).encode())}"
    reply = run(lambda client: client.send(hello(stream=True)), url, timeout=300, quiet=0.2)
    assert reply.error is not None
    assert reply.error.kind == "silent"


def test_a_flood_of_pings_is_given_up_at_once(dripping: Callable[..., int]) -> None:
    reply = ask(f"http://127.0.0.1:{dripping(PING * 500, 0.0)}", hello(stream=True), timeout=300)
    assert reply.error is not None
    assert reply.error.kind == "silent"
    assert "in a row" in reply.error.message


def test_an_answer_that_takes_no_notice_of_max_tokens_is_given_up(dripping: Callable[..., int]) -> None:
    url = f"http://127.0.0.1:{dripping(stream_of(piece('word ')).encode() * 50, 0.0)}"
    reply = ask(url, hello(stream=True), timeout=300)
    assert reply.error is not None
    assert reply.error.message == "the answer does not stop at max_tokens (100)"


def test_a_server_that_reads_its_prompt_for_long_is_waited_for(misbehaving: Callable[..., int]) -> None:
    text = stream_of(*WHOLE).encode()
    opening = text.index(b"event: content_block_delta")

    def talk(connection: socket.socket, over: threading.Event) -> None:
        take_request(connection)
        connection.sendall(OPENING + text[:opening])
        over.wait(0.5)
        connection.sendall(text[opening:])

    url = f"http://127.0.0.1:{misbehaving(talk)}"
    assert run(lambda client: client.send(hello(stream=True)), url, timeout=60, quiet=0.1).ok


def test_a_stream_that_has_said_its_last_word_and_stays_open_is_whole(
    dripping: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "GOODBYE_S", 0.1)
    reply = ask(f"http://127.0.0.1:{dripping(b'', 0.05, stream_of(*WHOLE).encode())}", hello(stream=True), timeout=60)
    assert reply.ok
    assert reply.text == "Hello there"


@looped(
    ("ttft", "gaps", "ended", "tokens", "expected"),
    [
        (1.0, (0.1,) * 9, 2.0, 11, 0.1),  # a token a piece, and the end of turn after the last
        (1.0, (0.9,), 2.0, 11, 0.1),  # the same in two lumps
        (1.0, (), 1.5, 2, 0.5),  # one word and the end of turn
        (1.0, (0.0,) * 9, 1.0, 11, None),  # held back on the way: all pieces and the end in one moment
        (1.0, (), 1.0, 11, None),  # everything in one piece: nothing was seen of the pace
        (1.0, (0.5,), 1.5, 1, None),
        (1.0, (0.5,), 1.5, None, None),
        (None, (), None, 5, None),
    ],
)
def test_the_time_per_token_is_what_everybody_means_by_it(
    ttft: float | None, gaps: tuple[float, ...], ended: float | None, tokens: int | None, expected: float | None
) -> None:
    reply = Reply(200, True, 3.0, usage=messages.Usage(9, tokens), ttft=ttft, gaps=gaps, ended=ended)
    assert reply.seconds_per_token == (None if expected is None else pytest.approx(expected))


def test_the_end_is_the_stop_reason_and_not_the_last_lump(misbehaving: Callable[..., int]) -> None:
    text = stream_of(*WHOLE).encode()
    stop = text.index(b"event: message_delta")

    def talk(connection: socket.socket, over: threading.Event) -> None:
        take_request(connection)
        connection.sendall(OPENING + text[:stop])
        over.wait(0.1)
        connection.sendall(text[stop:])

    reply = ask(f"http://127.0.0.1:{misbehaving(talk)}", hello(stream=True), timeout=60)
    assert reply.ttft is not None
    assert reply.ended is not None
    assert reply.ended > reply.ttft + sum(reply.gaps)
    assert reply.seconds_per_token == pytest.approx((reply.ended - reply.ttft) / 2)


def test_arguments_that_are_no_json_stay_visible(replay: StartReplay) -> None:
    events = [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "name": "Bash", "input": {}}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"comm'}},
        {"type": "message_stop"},
    ]
    text = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    reply = replayed(replay, Said(200, text, {"content-type": "text/event-stream"}), stream=True)
    (call,) = reply.tool_uses
    assert (call.input, call.text) == (None, '{"comm')


def test_a_closed_port_is_a_reply_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    reply = ask(f"http://127.0.0.1:{port}", hello(), timeout=20)
    assert (reply.status, reply.ok) == (None, False)
    assert reply.error is not None
    assert reply.error.kind == "refused"


def test_a_server_that_never_answers_is_given_up(misbehaving: Callable[..., int]) -> None:
    def silent(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        over.wait(30)

    port = misbehaving(silent)
    reply = ask(f"http://127.0.0.1:{port}", hello(), timeout=0.3)
    assert reply.error is not None
    assert reply.error.kind == "timeout"


def test_a_stream_that_drips_for_ever_is_given_up(misbehaving: Callable[..., int]) -> None:
    def dripping(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\n\r\n")
        while not over.wait(0.02):
            connection.sendall(b": nothing yet\n\n")

    port = misbehaving(dripping)
    reply = ask(f"http://127.0.0.1:{port}", hello(stream=True), timeout=0.4)
    assert reply.error is not None
    assert reply.error.kind == "timeout"


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_without_end_is_cut_off(
    replay: StartReplay, monkeypatch: pytest.MonkeyPatch, *, stream: bool
) -> None:
    monkeypatch.setattr(messages, "MAX_BYTES", 1000)
    kind = "text/event-stream" if stream else "application/json"
    reply = replayed(replay, Said(200, ": x\n\n" * 1000, {"content-type": kind}), stream=stream)
    assert reply.error is not None
    assert reply.error.kind == "too-large"


def test_a_redirect_is_not_followed(replay: StartReplay) -> None:
    reply = replayed(replay, Said(307, "", {"location": "http://192.0.2.1/v1/messages"}))
    assert reply.status == 307
    assert not reply.ok


@pytest.mark.parametrize("token", ["a\tb", "é", "", "a\n"])
def test_a_token_that_no_header_can_carry_is_refused(token: str) -> None:
    with pytest.raises(UsageError, match="header"):
        Client("http://127.0.0.1:1", token=token)


def test_an_answer_that_shows_nothing_is_silent(replay: StartReplay) -> None:
    body = {"type": "message", "content": [{"type": "thinking", "thinking": "hm"}], "stop_reason": "end_turn"}
    usage = {"input_tokens": 3, "output_tokens": 12}
    assert replayed(replay, Said(200, json.dumps(body | {"usage": usage}))).is_silent
    cut = body | {"usage": usage, "stop_reason": "max_tokens"}
    assert not replayed(replay, Said(200, json.dumps(cut))).is_silent
    said = body | {"usage": usage, "content": [{"type": "text", "text": "hi"}]}
    assert not replayed(replay, Said(200, json.dumps(said))).is_silent


def test_several_requests_share_a_client() -> None:
    with EmbeddedBackend(models=(Model(MODEL), Model("other"))) as backend:

        async def work(client: Client) -> list[bool]:
            return [(await client.send(hello())).ok for _ in range(3)]

        assert run(work, backend.url, timeout=20) == [True, True, True]


def test_a_get_without_an_answer_is_none(replay: StartReplay) -> None:
    server = replay(otherwise=Said(404, "nope"))
    assert run(lambda client: client.get("/metrics"), server.url) == (404, "nope")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert run(lambda client: client.get("/metrics", timeout=5), f"http://127.0.0.1:{port}") is None


def test_the_folder_of_recorded_answers_is_complete() -> None:
    names = {path.stem for path in Path(ANSWERS / "vllm-tools").glob("*.txt")}
    assert {"toolprobe_wrong_format", "toolprobe_bash", "noparser_tools_auto"} <= names
