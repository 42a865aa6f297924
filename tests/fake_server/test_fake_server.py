"""Our own small model server answers as the recorded vLLM did, counts what happens, and leaves nothing behind."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.errors import BackendError
from claude_local_plugin.fake_server.server import EmbeddedBackend, Model, Request, ToolUse, serve, tokens_in
from tests.looped import looped
from tests.servers.conftest import ANSWERS, Recorded

PING = {"model": "qwen3-coder-next", "max_tokens": 100, "messages": [{"role": "user", "content": "ping"}]}
LIKE_THE_RECORDED = (
    Model("claude-sonnet-4-5-20250929", 32768, "/models/tiny"),
    Model("local-qwen3", 32768, "/models/tiny"),
)


class Got:
    """One answer: status, headers in lower case, body."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def data(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [
            json.loads(line.removeprefix("data: ")) for line in self.body.decode().split("\n") if line[:5] == "data:"
        ]


def ask(
    backend: EmbeddedBackend,
    method: str,
    path: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> Got:
    with contextlib.closing(http.client.HTTPConnection(backend.host, backend.port, timeout=30)) as connection:
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, sent, dict(headers or {}))
        return Got(connection.getresponse())


def say(backend: EmbeddedBackend, **more: Any) -> Got:
    return ask(backend, "POST", "/v1/messages?beta=true", PING | more)


def metric(backend: EmbeddedBackend, name: str) -> float:
    """The sum of all samples of one metric."""
    lines = ask(backend, "GET", "/metrics").body.decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name}{{", f"{name} ")))


def ended(backend: EmbeddedBackend) -> set[str]:
    """The reasons for which generations have ended so far."""
    lines = ask(backend, "GET", "/metrics").body.decode().splitlines()
    counts = [line for line in lines if line.startswith("vllm:request_success_total{") and not line.endswith(" 0.0")]
    return {line.partition('finished_reason="')[2].partition('"')[0] for line in counts}


# --- as the real one


@looped(
    "name",
    [path.stem for path in sorted((ANSWERS / "vllm").glob("*.txt")) if path.stem not in ("msg_plain", "msg_stream")],
)
def test_it_answers_in_the_shape_of_the_recorded_vllm(name: str) -> None:
    recorded = Recorded.read(ANSWERS / "vllm" / f"{name}.txt")
    with EmbeddedBackend(models=LIKE_THE_RECORDED) as backend:
        got = ask(
            backend, recorded.method, recorded.path, recorded.request_body or None, dict(recorded.request_headers)
        )

    assert got.status == recorded.status
    headers = {name.lower(): value for name, value in recorded.headers}
    for kept in ("server", "content-type", "allow"):
        assert got.headers.get(kept) == headers.get(kept)
    assert shape(got.body) == shape(recorded.body)
    if name in ("msg_unknown_model", "count_tokens_unknown_model", "msg_max_tokens_over_ctx", "version"):
        assert got.data == json.loads(recorded.body)


def test_it_refuses_a_missing_key_in_the_words_of_the_recorded_vllm() -> None:
    recorded = Recorded.read(ANSWERS / "vllm-key" / "key_none_v1_models.txt")
    with EmbeddedBackend(api_key="k") as backend:
        got = ask(backend, "GET", "/v1/models")

    assert (got.status, got.body) == (recorded.status, recorded.body)


def test_its_streams_have_the_events_of_the_recorded_vllm() -> None:
    recorded = Recorded.read(ANSWERS / "vllm" / "msg_stream.txt").body.decode()
    theirs = [json.loads(line[6:]) for line in recorded.split("\n") if line.startswith("data: ")]
    with EmbeddedBackend(reply="one two three") as backend:
        ours = say(backend, stream=True).events

    def kinds(events: list[dict[str, Any]]) -> list[str]:
        found = [event["type"] for event in events]
        return [kind for at, kind in enumerate(found) if at == 0 or found[at - 1] != kind]

    assert kinds(ours) == kinds(theirs)
    by_kind = {event["type"]: event for event in theirs}
    for event in ours:
        assert set(event) == set(by_kind[event["type"]])


def shape(body: bytes) -> object:
    """Names and types of a JSON body; lists count by their members' shapes, since how many there are is no shape."""

    def of(value: object) -> object:
        if isinstance(value, dict):
            return {name: of(inner) for name, inner in value.items() if name != "permission"}
        if isinstance(value, list):
            return [of(inner) for inner in value]
        return type(value).__name__

    return of(json.loads(body)) if body else None


# --- answers


def test_a_whole_message_has_text_reason_and_usage() -> None:
    with EmbeddedBackend(reply="hello there") as backend:
        message = say(backend).data

    assert message["content"] == [{"type": "text", "text": "hello there"}]
    assert message["stop_reason"] == "end_turn"
    assert message["usage"] == {"input_tokens": tokens_in(PING), "output_tokens": 2}
    assert message["model"] == "qwen3-coder-next"


def test_a_stream_says_the_same_as_a_whole_message() -> None:
    with EmbeddedBackend(reply="hello  there,\nworld") as backend:
        whole, events = say(backend).data, say(backend, stream=True).events

    text = "".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta")
    assert text == whole["content"][0]["text"]
    assert events[-2]["usage"] == whole["usage"]


def test_the_first_served_name_signs_whatever_alias_was_asked() -> None:
    with EmbeddedBackend(models=(Model("first"), Model("second"))) as backend:
        message = say(backend, model="second").data

    assert message["model"] == "first"


def test_an_answer_is_cut_at_max_tokens() -> None:
    with EmbeddedBackend(reply="one two three four") as backend:
        message = say(backend, max_tokens=2).data

    assert (message["content"][0]["text"], message["stop_reason"]) == ("one two ", "max_tokens")
    assert message["usage"]["output_tokens"] == 2


def test_a_tool_is_called_and_its_result_is_answered_with_text() -> None:
    call = ToolUse("Bash", {"command": "echo hi"}, then="done")
    result = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "hi"}]},
        {"role": "system", "content": "a reminder at the end"},
    ]
    with EmbeddedBackend(reply=("working", call)) as backend:
        first, events, second = say(backend).data, say(backend, stream=True).events, say(backend, messages=result).data

    assert [block["type"] for block in first["content"]] == ["text", "tool_use"]
    assert first["content"][1]["input"] == {"command": "echo hi"}
    assert first["stop_reason"] == "tool_use"
    parts = [
        event["delta"]["partial_json"] for event in events if event.get("delta", {}).get("type") == "input_json_delta"
    ]
    assert json.loads("".join(parts)) == {"command": "echo hi"}
    assert second["content"][-1] == {"type": "text", "text": "done"}
    assert second["stop_reason"] == "end_turn"


def test_a_tool_call_that_does_not_fit_is_left_out() -> None:
    with EmbeddedBackend(reply=("one", ToolUse("Bash", {"command": "x" * 100}))) as backend:
        message = say(backend, max_tokens=10).data

    assert (message["content"], message["stop_reason"]) == ([{"type": "text", "text": "one"}], "max_tokens")


def test_a_reply_can_depend_on_the_request() -> None:
    with EmbeddedBackend(reply=lambda body: str(body["messages"][0]["content"])[::-1]) as backend:
        assert say(backend).data["content"][0]["text"] == "gnip"


def test_tokens_are_counted_over_tools_system_and_messages() -> None:
    with EmbeddedBackend() as backend:
        short = ask(backend, "POST", "/v1/messages/count_tokens", PING).data["input_tokens"]
        longer = ask(
            backend, "POST", "/v1/messages/count_tokens", PING | {"system": "x" * 400, "tools": [{"name": "T"}]}
        )

    assert short == tokens_in(PING)
    assert longer.data["input_tokens"] >= short + 100


def test_a_prompt_over_the_window_is_refused_in_vllms_words_by_both_routes() -> None:
    long = PING | {"messages": [{"role": "user", "content": "x" * 5000}]}
    with EmbeddedBackend(models=(Model("qwen3-coder-next", 1000),)) as backend:
        refusals = [ask(backend, "POST", path, long) for path in ("/v1/messages", "/v1/messages/count_tokens")]

    for refusal in refusals:
        assert refusal.status == 400
        assert refusal.data["error"]["message"].startswith(
            "This model's maximum context length is 1000 tokens. However,"
        )


@looped(
    "body",
    [b"[]", b'"text"', b"1", b"", b'{"model": "qwen3-coder-next", "max_tokens": 1, "messages": "x"}', b"[" * 9999],
)
def test_nonsense_is_refused_with_400(body: bytes) -> None:
    with EmbeddedBackend() as backend:
        got = ask(backend, "POST", "/v1/messages", body)
        assert got.status == 400
        assert say(backend).status == 200


def test_only_a_bearer_token_opens_it() -> None:
    with EmbeddedBackend(api_key="right") as backend:
        opened = ask(backend, "GET", "/v1/models", headers={"Authorization": "Bearer right"})
        closed = [
            ask(backend, "GET", "/v1/models", headers=headers).status
            for headers in ({}, {"x-api-key": "right"}, {"Authorization": "Bearer wrong"}, {"Authorization": "right"})
        ]
        open_anyway = ask(backend, "GET", "/version").status

    assert opened.status == 200
    assert closed == [401] * 4
    assert open_anyway == 200


def test_the_plain_kind_tells_nothing_of_vllm() -> None:
    with EmbeddedBackend(kind="anthropic-compatible") as backend:
        listed = ask(backend, "GET", "/v1/models")
        absent = [ask(backend, "GET", path).status for path in ("/version", "/metrics", "/ping")]

    assert "server" not in listed.headers
    assert b"vllm" not in listed.body
    assert listed.data["data"][0]["max_model_len"] == 65536
    assert absent == [404] * 3


# --- scripts


def test_a_fixed_status_answers_everything() -> None:
    with EmbeddedBackend(status=529) as backend:
        assert [say(backend).status, ask(backend, "GET", "/health").status] == [529, 529]
        backend.status = None
        assert say(backend).status == 200


def test_one_path_can_fail_a_number_of_times() -> None:
    with EmbeddedBackend() as backend:
        backend.answer(500, path="/v1/messages", times=2, headers={"retry-after": "1"})
        first = say(backend)
        statuses = [first.status, ask(backend, "GET", "/v1/models").status, say(backend).status, say(backend).status]

    assert statuses == [500, 200, 500, 200]
    assert first.headers["retry-after"] == "1"
    assert first.data == {
        "type": "error",
        "error": {"type": "InternalServerError", "message": "Internal Server Error"},
    }


def test_a_script_can_say_anything() -> None:
    with EmbeddedBackend() as backend:
        backend.answer(200, {"data": []}, path="/v1/models")
        backend.answer(418, path="/health")
        backend.answer(204, path="/version")

        assert ask(backend, "GET", "/v1/models").data == {"data": []}
        assert ask(backend, "GET", "/health").data["error"]["message"] == "I'm a Teapot"
        assert ask(backend, "GET", "/version").body == b""


def test_loading_answers_503_until_it_is_over() -> None:
    with EmbeddedBackend(loading=True) as backend:
        assert ask(backend, "GET", "/health").status == 503
        backend.loading = False
        assert ask(backend, "GET", "/health").status == 200


def test_clear_forgets_requests_and_scripts() -> None:
    with EmbeddedBackend() as backend:
        backend.answer(500)
        say(backend)
        backend.clear()
        assert backend.requests == []
        assert say(backend).status == 200


# --- what is kept


def test_every_request_is_kept_with_headers_and_body() -> None:
    with EmbeddedBackend() as backend:
        ask(backend, "HEAD", "/")
        ask(backend, "POST", "/v1/messages?beta=true", PING, {"Authorization": "Bearer t", "X-Api-Key": "k"})
        ask(backend, "POST", "/nowhere", b"not json")
        ask(backend, "CONNECT", "api.anthropic.com:443")

    assert [(request.method, request.path) for request in backend.requests] == [
        ("HEAD", "/"),
        ("POST", "/v1/messages?beta=true"),
        ("POST", "/nowhere"),
        ("CONNECT", "api.anthropic.com:443"),
    ]
    (message,) = backend.messages
    assert (message.route, message.body) == ("/v1/messages", PING)
    assert (message.headers["authorization"], message.headers["x-api-key"]) == ("Bearer t", "k")
    assert message.port == backend.port


def test_several_ports_are_recorded_by_one_process() -> None:
    seen: list[Request] = []
    with contextlib.ExitStack() as stack:
        backends = [stack.enter_context(EmbeddedBackend(record=seen.append)) for _ in range(8)]
        for backend in backends:
            ask(backend, "GET", "/health")
        ports = [backend.port for backend in backends]

    assert [request.port for request in seen] == ports
    assert len(set(ports)) == 8


def test_a_request_as_plain_data_shows_no_credential() -> None:
    headers = {"authorization": "Bearer sk-secret-and-long", "x-api-key": "short", "user-agent": "x"}
    request = Request("GET", "/", headers, None, 1.0, 80)

    assert request.as_json()["headers"] == {
        "authorization": "Bearer sk-…ong (18 chars)",
        "x-api-key": "… (5 chars)",
        "user-agent": "x",
    }
    assert request.as_json(secrets=True)["headers"] == headers


# --- metrics


def test_metrics_count_what_happened() -> None:
    with EmbeddedBackend(reply="one two three") as backend:
        before = metric(backend, "vllm:request_success_total")
        say(backend)
        say(backend, stream=True)
        say(backend, max_tokens=2)
        say(backend, model="nope")

        assert before == 0
        assert (
            metric(backend, 'vllm:request_success_total{engine="0",finished_reason="stop"') == 0
        )  # labels are one set
        assert metric(backend, "vllm:request_success_total") == 3
        assert metric(backend, "vllm:prompt_tokens_total") == 3 * tokens_in(PING)
        assert metric(backend, "vllm:generation_tokens_total") == 8
        assert metric(backend, "vllm:time_to_first_token_seconds_count") == 3
        assert metric(backend, "vllm:num_requests_running") == 0
        text = ask(backend, "GET", "/metrics").body.decode()

    assert 'finished_reason="length",model_name="qwen3-coder-next"} 1.0' in text
    assert 'finished_reason="stop",model_name="qwen3-coder-next"} 2.0' in text
    assert 'time_to_first_token_seconds_bucket{engine="0",le="+Inf",model_name="qwen3-coder-next"} 3.0' in text


def test_the_prefix_cache_hits_on_whole_blocks_of_what_was_asked_before() -> None:
    long = [{"role": "user", "content": "the same beginning " * 100}]
    with EmbeddedBackend() as backend:
        say(backend, messages=long)
        assert metric(backend, "vllm:prefix_cache_hits_total") == 0
        used = metric(backend, "vllm:kv_cache_usage_perc")
        say(backend, messages=[*long, {"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}])
        hits = metric(backend, "vllm:prefix_cache_hits_total")
        say(backend, system="another beginning", messages=long)

        assert 0 < used < 1
        assert hits == tokens_in({"messages": long}) // 16 * 16
        assert metric(backend, "vllm:prefix_cache_hits_total") == hits


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true within half a minute."""
    deadline = time.monotonic() + 30
    while not condition():
        if time.monotonic() > deadline:
            return False
    return True


def test_requests_beyond_the_limit_wait_for_their_turn() -> None:
    with EmbeddedBackend(max_running=1, delay=120) as backend:
        threads = [threading.Thread(target=hang_up, args=(backend,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        assert eventually(lambda: metric(backend, "vllm:num_requests_waiting") == 2)
        assert metric(backend, "vllm:num_requests_running") == 1
    for thread in threads:
        thread.join()


def hang_up(backend: EmbeddedBackend) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):  # the backend is stopped while we wait
        say(backend)


def test_a_client_that_goes_away_counts_as_an_abort() -> None:
    with EmbeddedBackend(reply="word " * 5000, token_delay=0.001) as backend:
        body = json.dumps(PING | {"stream": True, "max_tokens": 9999}).encode()
        head = f"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        with socket.create_connection((backend.host, backend.port)) as connection:
            connection.sendall(head + body)
            connection.recv(10)
        assert eventually(lambda: "abort" in ended(backend))
        assert ended(backend) == {"abort"}


# --- life


def test_stopping_closes_the_port_and_open_connections_at_once() -> None:
    backend = EmbeddedBackend(delay=60).start()
    port = backend.port
    with socket.create_connection((backend.host, port)) as idle:
        idle.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        idle.recv(4096)
        threads_before = threading.active_count()
        backend.stop()
        backend.stop()

        assert idle.recv(1) == b""
        assert threading.active_count() < threads_before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((backend.host, port))
    assert backend.port == port


def test_it_can_be_started_again_on_the_same_port() -> None:
    backend = EmbeddedBackend()
    with backend:
        url = backend.url
    with backend:
        assert backend.url == url
        assert say(backend).status == 200


def test_it_cannot_be_started_twice_or_without_a_model() -> None:
    with EmbeddedBackend() as backend, pytest.raises(RuntimeError, match="started already"):
        backend.start()
    with pytest.raises(ValueError, match="at least one name"):
        EmbeddedBackend(models=())


def test_one_connection_serves_many_requests() -> None:
    with (
        EmbeddedBackend() as backend,
        contextlib.closing(http.client.HTTPConnection("127.0.0.1", backend.port)) as kept,
    ):
        for _ in range(3):
            kept.request("POST", "/v1/messages", json.dumps(PING | {"stream": True}))
            assert kept.getresponse().read().endswith(b"\n\n")

    assert len(backend.messages) == 3


def test_a_hundred_clients_at_once_are_all_served() -> None:
    with EmbeddedBackend() as backend:
        threads = [threading.Thread(target=say, args=(backend,)) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(backend.messages) == 100


def test_a_port_that_is_taken_is_an_error_in_words() -> None:
    with (
        EmbeddedBackend() as backend,
        pytest.raises(BackendError, match=f"cannot listen on 127.0.0.1 port {backend.port}"),
    ):
        EmbeddedBackend(port=backend.port).start()


def test_it_listens_on_ipv6_where_there_is_one() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with EmbeddedBackend("::1") as backend:
        assert backend.url == f"http://[::1]:{backend.port}"
        assert say(backend).status == 200


def test_a_body_of_unknown_or_absurd_length_is_refused() -> None:
    with EmbeddedBackend() as backend:
        chunked = ask(backend, "POST", "/v1/messages", headers={"Transfer-Encoding": "chunked"})
        huge = ask(backend, "POST", "/v1/messages", headers={"Content-Length": str(10**12)})

    assert (chunked.status, huge.status) == (411, 413)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int, Path]]:
    """`serve()` in a process of its own, recording to a file; its port."""
    log = tmp_path / "requests.jsonl"
    code = (
        "import sys; from pathlib import Path; from claude_local_plugin.fake_server.server import serve\n"
        "serve(0, Path(sys.argv[1]), ready=lambda backend: print(backend.port, flush=True))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(log)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        yield process, int(process.stdout.readline()), log
        process.kill()
        process.wait()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_serving_by_hand_records_each_request_and_ends_well(
    served: tuple[subprocess.Popen[str], int, Path], ending: signal.Signals
) -> None:
    process, port, log = served
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        for path in ("/health", "/v1/models"):
            connection.request("GET", path, headers={"Authorization": "Bearer sk-secret-and-long"})
            connection.getresponse().read()
    process.send_signal(ending)

    assert process.wait(30) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["path"] for line in lines] == ["/health", "/v1/models"]
    assert "sk-secret-and-long" not in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_record_file_that_cannot_be_written_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"cannot write to .*: No such file or directory"):
        serve(0, tmp_path / "nowhere" / "log")


# --- the real client


@pytest.mark.client
@pytest.mark.parametrize(
    ("reply", "said", "requests"),
    [
        ("pong from here", "pong from here", 1),
        (ToolUse("Bash", {"command": "echo x > made"}, then="made it"), "made it", 2),
    ],
)
def test_the_real_claude_code_gets_its_answer(
    claude_binary: Path, home: Path, tmp_path: Path, reply: str | ToolUse, said: str, requests: int
) -> None:
    with EmbeddedBackend(reply=reply) as backend:
        environ = {
            "PATH": os.defpath,
            "HOME": str(home),
            "ANTHROPIC_BASE_URL": backend.url,
            "ANTHROPIC_AUTH_TOKEN": "claude-local",
            "ANTHROPIC_MODEL": backend.models[0].name,
            "CLAUDE_CODE_MAX_CONTEXT_TOKENS": str(backend.models[0].max_model_len),
            "CLAUDE_CODE_MAX_RETRIES": "0",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        }
        command = [str(claude_binary), "-p", "ping", "--allowedTools", "Bash"]
        ran = subprocess.run(
            command,
            env=environ,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

        assert (ran.returncode, ran.stdout) == (0, f"{said}\n"), ran.stderr
        assert len(backend.messages) == requests
        assert metric(backend, "vllm:request_success_total") == requests
    assert {message.headers["authorization"] for message in backend.messages} == {"Bearer claude-local"}
    assert not any("x-api-key" in message.headers for message in backend.messages)
    assert (tmp_path / "made").exists() is isinstance(reply, ToolUse)
