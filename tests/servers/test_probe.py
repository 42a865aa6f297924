"""Every state a server can be in, with real sockets; and what the probe itself never does."""

import errno
import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial

import pytest

from claude_local_plugin.errors import UsageError
from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from claude_local_plugin.servers import State
from claude_local_plugin.servers import identify as identify_in_time
from claude_local_plugin.servers import sweep as sweep_in_time
from claude_local_plugin.servers.probe import no_connection
from claude_local_plugin.servers.urls import normalise
from claude_local_plugin.servers.well_known import START, WELL_KNOWN, WELL_KNOWN_PORTS, ports_text
from tests.looped import looped

from .conftest import TLS, Said, StartReplay

#: A busy machine may take its time; where nothing hangs, every answer comes at once.
identify = partial(identify_in_time, timeout=30)
sweep = partial(sweep_in_time, timeout=30)

Talk = Callable[[socket.socket, threading.Event], None]
Misbehaving = Callable[..., int]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_closed_port_refuses() -> None:
    server = identify(f"http://127.0.0.1:{free_port()}")

    assert (server.state, server.kind) == (State.REFUSED, "unknown")
    assert server.problem == "refuses connections: nothing listens there"
    assert server.latency_ms is None


def test_a_name_that_nobody_knows_does_not_resolve() -> None:
    server = identify("http://model-server.invalid:8000")

    assert server.state is State.UNRESOLVED


def test_a_server_that_says_nothing_times_out(misbehaving: Misbehaving) -> None:
    def silent(_: socket.socket, over: threading.Event) -> None:
        over.wait()

    server = identify(f"http://127.0.0.1:{misbehaving(silent)}", timeout=0.3)

    assert (server.state, server.problem) == (State.TIMEOUT, "does not answer in time")


def test_a_server_that_drips_its_answer_times_out(misbehaving: Misbehaving) -> None:
    def drip(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not over.wait(0.02):
            connection.sendall(b"x")

    server = identify(f"http://127.0.0.1:{misbehaving(drip)}", timeout=0.4)

    assert server.state is State.TIMEOUT


def test_an_endless_body_is_not_read_to_its_end(misbehaving: Misbehaving) -> None:
    sent: list[int] = []

    def flood(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
        count = 0
        try:
            while not over.is_set():
                connection.sendall(b"[" * 65536)
                count += 65536
        finally:
            sent.append(count)

    server = identify(f"http://127.0.0.1:{misbehaving(flood)}", timeout=20)

    assert (server.state, server.kind) == (State.ERROR, "unknown")
    assert sent
    assert max(sent) < 64 * 1024 * 1024


def test_what_is_not_http_is_said_to_be_not_http(misbehaving: Misbehaving) -> None:
    def ssh(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        connection.recv(4096)

    server = identify(f"http://127.0.0.1:{misbehaving(ssh)}")

    assert server.state is State.NOT_HTTP


def test_endless_headers_are_not_http(misbehaving: Misbehaving) -> None:
    def headers(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while not over.is_set():
            connection.sendall(b"x-more: and more\r\n" * 500)

    server = identify(f"http://127.0.0.1:{misbehaving(headers)}")

    assert server.state is State.NOT_HTTP


def test_plain_http_to_a_tls_port_offers_https(misbehaving: Misbehaving) -> None:
    port = misbehaving(answer_ok, tls=True)

    server = identify(f"http://127.0.0.1:{port}")

    assert (server.state, server.problem) == (State.NOT_HTTP, f"speaks TLS: use https://127.0.0.1:{port}")


def test_tls_to_a_plain_http_port_offers_http() -> None:
    with EmbeddedBackend() as backend:
        server = identify(f"https://127.0.0.1:{backend.port}")

    assert (server.state, server.problem) == (State.TLS, f"does not speak TLS: use http://127.0.0.1:{backend.port}")


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(misbehaving: Misbehaving) -> None:
    server = identify(f"https://localhost:{misbehaving(answer_ok, tls=True)}")

    assert server.state is State.TLS
    assert server.problem is not None
    assert server.problem.startswith("has a certificate that is not trusted: ")


def test_a_certificate_of_ones_own_authority_is_accepted_when_named(misbehaving: Misbehaving) -> None:
    server = identify(f"https://localhost:{misbehaving(answer_ok, tls=True)}", ca_file=TLS / "cert.pem")

    assert (server.state, [model.name for model in server.models]) == (State.READY, ["over-tls"])


def test_an_authority_file_that_cannot_be_read_is_an_error(misbehaving: Misbehaving) -> None:
    port = misbehaving(answer_ok, tls=True)

    with pytest.raises(UsageError, match=r"cannot read the certificates in .*nowhere\.pem"):
        identify(f"https://localhost:{port}", ca_file=TLS / "nowhere.pem")


def test_a_connection_broken_off_in_an_answer_is_an_error(misbehaving: Misbehaving) -> None:
    def stop_early(connection: socket.socket, _: threading.Event) -> None:
        connection.recv(4096)
        connection.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"data":')

    server = identify(f"http://127.0.0.1:{misbehaving(stop_early)}")

    assert (server.state, server.problem) == (State.ERROR, "breaks off in the middle of an answer")


@looped(
    ("cause", "state", "words"),
    [
        (OSError(errno.EHOSTUNREACH, "no route"), State.ERROR, "it is off, or in another network"),
        (OSError(errno.ENETUNREACH, "no network"), State.ERROR, "it is off, or in another network"),
        (OSError(errno.ETIMEDOUT, "timed out"), State.TIMEOUT, "does not answer in time"),
        (OSError(errno.EADDRNOTAVAIL, "?"), State.ERROR, "takes no connection"),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), State.UNRESOLVED, "does not resolve"),
        (ssl.SSLError(1, "[SSL: UNSUPPORTED_PROTOCOL]"), State.TLS, "makes no encrypted connection"),
        (ExceptionGroup("all", [OSError("x"), ConnectionRefusedError()]), State.REFUSED, "refuses connections"),
    ],
)
def test_why_there_is_no_connection_is_found_among_the_causes(cause: Exception, state: State, words: str) -> None:
    wrapped = RuntimeError("as httpx wraps it")
    wrapped.__cause__ = OSError("as anyio wraps it")
    wrapped.__cause__.__cause__ = cause

    failure = no_connection(normalise("http://box:8000"), wrapped)

    assert failure.state is state
    assert words in failure.problem


def test_a_server_that_still_loads_says_so() -> None:
    with EmbeddedBackend(loading=True) as backend:
        server = identify(backend.url)

    assert (server.state, server.problem) == (State.LOADING, "is still loading its model")


@looped(
    ("status", "body", "state"),
    [
        (429, "slow down", State.OVERLOADED),
        (529, "", State.OVERLOADED),
        (503, '{"error":"server overloaded"}', State.OVERLOADED),
        (503, '{"error":"model is loading"}', State.LOADING),
        (503, "<h1>Service Temporarily Unavailable</h1>", State.ERROR),
        (503, "", State.ERROR),
        (502, "bad gateway", State.ERROR),
        (500, "oh", State.ERROR),
    ],
)
def test_an_unhappy_list_of_models_is_told_apart(status: int, body: str, state: State) -> None:
    with EmbeddedBackend() as backend:
        backend.answer(status, body, path="/v1/models")
        server = identify(backend.url)

    assert server.state is state
    assert str(status) in (server.problem or "") or state is State.LOADING


def test_a_vllm_whose_engine_has_died_is_not_ready() -> None:
    with EmbeddedBackend() as backend:
        backend.answer(503, b"", path="/health")
        server = identify(backend.url)

    assert (server.state, server.problem) == (State.ERROR, "says 503 to /health: its engine is not healthy")


@pytest.mark.parametrize(
    ("token", "state", "accepted", "usable"),
    [
        (None, State.NEEDS_KEY, None, False),
        ("wrong", State.WRONG_KEY, False, False),
        ("right", State.READY, True, True),
    ],
)
def test_a_key_is_missing_wrong_or_right(token: str | None, state: State, accepted: bool | None, usable: bool) -> None:
    with EmbeddedBackend(api_key="right") as backend:
        server = identify(backend.url, token=token)

    assert (server.kind, server.version, server.needs_key) == ("vllm", "0.32.0", True)
    assert (server.state, server.key_accepted, server.usable) == (state, accepted, usable)


def test_a_key_that_nobody_asked_for_is_neither_accepted_nor_refused() -> None:
    with EmbeddedBackend() as backend:
        server = identify(backend.url, token="not-needed")

    assert (server.state, server.needs_key, server.key_accepted) == (State.READY, False, None)


def test_without_a_token_no_credential_is_sent_whatever_the_environment_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-cloud")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "sk-cloud")
    with EmbeddedBackend() as backend:
        identify(backend.url)

    assert backend.requests
    assert not any({"authorization", "x-api-key", "cookie"} & set(request.headers) for request in backend.requests)


def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedBackend() as proxy, EmbeddedBackend() as backend:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        server = identify(backend.url)

    assert server.state is State.READY
    assert not proxy.requests


def test_a_redirect_to_another_host_is_not_followed_and_carries_no_token_there() -> None:
    with EmbeddedBackend() as elsewhere, EmbeddedBackend() as backend:
        backend.answer(307, b"", headers={"location": f"{elsewhere.url}/v1/models?secret=1"})
        server = identify(backend.url, token="sk-key")

    assert not elsewhere.requests
    assert server.state is State.ERROR
    assert server.problem == f"redirects to {elsewhere.url}: use the address it redirects to"


@pytest.mark.parametrize("token", ["", " x", "x\n", "schlüssel", "a\tb"])
def test_a_token_that_no_header_can_carry_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(UsageError) as caught:
        identify("http://127.0.0.1:1", token=token)

    assert not token.strip() or token not in str(caught.value)


def test_a_base_url_with_a_path_keeps_it(replay: StartReplay) -> None:
    listed = Said(200, json.dumps({"data": [{"id": "m"}]}))
    gateway = replay(table={("GET", "/anthropic/v1/models"): listed, ("GET", "/anthropic/v1/messages"): Said(405)})

    server = identify(f"{gateway.url}/anthropic/")

    assert (server.kind, server.url) == ("anthropic-compatible", f"{gateway.url}/anthropic")


def test_a_sweep_finds_all_model_servers_and_nothing_else(replay: StartReplay) -> None:
    web = replay(table={}, otherwise=Said(200, "<html></html>"))
    with EmbeddedBackend(models=(Model("a"),)) as first, EmbeddedBackend(models=(Model("b"),)) as second:
        found = sweep((second.port, free_port(), web.server.server_port, first.port, second.port))

    assert [(server.url, server.models[0].name) for server in found] == [(second.url, "b"), (first.url, "a")]


def test_a_sweep_lists_a_server_that_asks_for_a_key() -> None:
    with EmbeddedBackend(api_key="k") as backend:
        found = sweep((backend.port,))

    assert [(server.kind, server.state) for server in found] == [("vllm", State.NEEDS_KEY)]


def test_a_sweep_over_nothing_finds_nothing() -> None:
    assert sweep(()) == []
    assert sweep((free_port(),)) == []


@pytest.mark.slow  # it waits
def test_a_sweep_does_not_wait_for_a_silent_port(misbehaving: Misbehaving) -> None:
    def silent(_: socket.socket, over: threading.Event) -> None:
        over.wait()

    with EmbeddedBackend() as backend:
        found = sweep((misbehaving(silent), backend.port), timeout=2.0)

    assert [server.url for server in found] == [backend.url]


def test_the_well_known_ports_are_each_listed_once_with_a_way_to_start_one() -> None:
    assert set(WELL_KNOWN_PORTS) == {8000, 8888, 4000, 11434, 8080, 1234, 30000, 3456}
    assert len(WELL_KNOWN_PORTS) == len(set(WELL_KNOWN_PORTS))
    assert {row.kind for row in WELL_KNOWN} == set(START)
    assert ports_text().startswith("8000, 8888 (vLLM), 4000 (LiteLLM), ")


def test_httpx_is_not_imported_before_something_is_asked() -> None:
    check = "import sys, claude_local_plugin.servers.probe; sys.exit('httpx' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_entering_the_room_brings_neither_asyncio_nor_a_server() -> None:
    check = "import sys, claude_local_plugin.servers; sys.exit(bool({'asyncio', 'http.server'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def answer_ok(connection: socket.socket, _: threading.Event) -> None:
    """A model server that lists one model, whatever it is asked."""
    connection.recv(4096)
    body = json.dumps({"data": [{"id": "over-tls", "owned_by": "vllm", "max_model_len": 4096}]}).encode()
    connection.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
