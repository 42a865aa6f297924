"""What one look at a server finds, whatever the server does."""

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from claude_local_plugin.core import probe as probing
from claude_local_plugin.core.probe import Probe, probe, recognise
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.servers import well_known
from tests.hook_runtime.moody_server import (
    MODELS,
    MoodyServer,
    dripping,
    endless,
    http_answer,
    raw_answer,
    reset,
    silent,
)
from tests.looped import looped

Serve = Callable[..., MoodyServer]
CERTIFICATE = Path(__file__).resolve().parents[1] / "servers" / "tls" / "cert.pem"


def test_a_healthy_server_is_reachable_fast_and_known(healthy: MoodyServer) -> None:
    found = probe(healthy.url)
    assert (found.outcome, found.reachable, found.status, found.kind) == ("ok", True, 200, "vllm")
    assert found.latency_ms is not None
    assert 0 < found.latency_ms < 1000
    assert json.loads(found.body) == MODELS


def test_the_request_is_one_get_without_a_credential(healthy: MoodyServer) -> None:
    probe(f"http://user:secret@127.0.0.1:{healthy.port}/prefix/?key=secret")
    (request,) = healthy.requests
    lines = request.decode().split("\r\n")
    assert lines[0] == "GET /prefix/v1/models HTTP/1.1"
    assert f"Host: 127.0.0.1:{healthy.port}" in lines
    assert "secret" not in request.decode()
    assert "uthorization" not in request.decode()


@pytest.mark.parametrize("status", ["200 OK", "204 No Content", "401 Unauthorized", "403 Forbidden", "404 Not Found"])
def test_any_answer_below_500_is_a_reachable_server(serve: Serve, status: str) -> None:
    found = probe(serve(http_answer(status)).url)
    assert (found.outcome, found.status, found.reachable) == ("ok", int(status[:3]), True)


@pytest.mark.parametrize("status", ["500 Internal Server Error", "503 Service Unavailable"])
def test_an_answer_of_500_and_above_is_an_error_that_reached_us(serve: Serve, status: str) -> None:
    found = probe(serve(http_answer(status)).url)
    assert (found.outcome, found.status, found.reachable) == ("error", int(status[:3]), True)
    assert found.detail == f"HTTP {status[:3]}"


def test_a_redirect_is_an_answer_and_is_not_followed(serve: Serve, healthy: MoodyServer) -> None:
    redirecting = serve(http_answer("302 Found", headers=f"Location: {healthy.url}/v1/models\r\n"))
    assert probe(redirecting.url).status == 302
    assert healthy.requests == []


def test_a_port_where_nobody_listens_refuses(closed_port: int) -> None:
    found = probe(f"http://127.0.0.1:{closed_port}")
    assert (found.outcome, found.reachable, found.status, found.latency_ms) == ("refused", False, None, None)


def test_localhost_is_tried_on_every_address_it_has(healthy: MoodyServer, closed_port: int) -> None:
    assert probe(f"http://localhost:{healthy.port}").outcome == "ok"
    assert probe(f"http://localhost:{closed_port}").outcome == "refused"


def test_an_ipv6_server_is_found(serve: Serve) -> None:
    try:
        server = serve(http_answer(), "::1")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    assert probe(server.url).outcome == "ok"
    assert server.requests[0].split(b"\r\n")[1] == f"Host: [::1]:{server.port}".encode()


def test_a_name_that_does_not_exist_is_unresolved() -> None:
    assert probe("http://nothing.invalid:8000").outcome in ("unresolved", "timeout")  # a dead resolver may be silent


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "é" * 80 + ".example", "a..b"])
def test_a_name_that_cannot_exist_is_unresolved(host: str) -> None:
    assert probe(f"http://{host}:8000").outcome == "unresolved"


def test_an_international_name_is_looked_up() -> None:
    assert probe("http://bücher.invalid:8000").outcome in ("unresolved", "timeout")


def test_a_silent_server_times_out(serve: Serve) -> None:
    found = probe(serve(silent).url, deadline=0.2)
    assert (found.outcome, found.reachable) == ("timeout", False)
    assert found.detail == "waiting for an answer"


def test_a_server_that_accepts_no_connection_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(8)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        try:
            assert probe(f"http://127.0.0.1:{port}", deadline=0.3).outcome == "timeout"
        finally:
            for filler in fillers:
                filler.close()


def test_dripping_headers_time_out(serve: Serve) -> None:
    server = serve(dripping(b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 200))
    assert probe(server.url, deadline=0.4).outcome == "timeout"


def test_an_endless_body_does_not_matter(serve: Serve) -> None:
    server = serve(endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 4096))
    found = probe(server.url)
    assert found.outcome == "ok"
    assert len(found.body) <= 65536


def test_a_body_that_never_comes_does_not_matter(serve: Serve) -> None:
    def promise(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12")
        silent(connection)

    found = probe(serve(promise).url)
    assert (found.outcome, found.body) == ("ok", b"12")


def test_a_huge_body_is_cut(serve: Serve) -> None:
    found = probe(serve(http_answer(body=b"x" * 10_000_000)).url)
    assert (found.outcome, len(found.body)) == ("ok", 65536)


def _look(deadline: float = 3600) -> probing._Look:
    target = parse_url("http://box:8000")
    assert target is not None
    return probing._Look(target, deadline, None, True)


class Pouring:
    """A connection on which there is always more."""

    def __init__(self) -> None:
        self.given = 0

    def settimeout(self, _: float) -> None:
        pass

    def recv(self, _: int) -> bytes:
        self.given += 4096
        return b"x" * 4096


def test_no_more_of_a_body_is_taken_than_is_kept() -> None:
    pouring = Pouring()
    body = _look().rest_of_body(pouring, b"", b"")
    assert (pouring.given, len(body)) == (65536, 65536)


def test_a_body_is_read_for_as_long_as_it_may_take_and_the_look_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    over, pouring = _look(deadline=-1), Pouring()
    over.rest_of_body(pouring, b"", b"")
    assert pouring.given == 4096
    monkeypatch.setattr(probing, "BODY_S", -1)
    long, pouring = _look(), Pouring()
    long.rest_of_body(pouring, b"", b"")
    assert pouring.given == 4096


def test_endless_headers_end_at_the_limit(serve: Serve) -> None:
    found = probe(serve(endless(b"HTTP/1.1 200 OK\r\n", b"X-More: of the same\r\n" * 100)).url)
    assert (found.outcome, found.status) == ("ok", 200)


def test_a_chunked_body_is_read_to_its_end(serve: Serve) -> None:
    body = json.dumps(MODELS).encode()

    def chunked(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        silent(connection)

    assert probe(serve(chunked).url).kind == "vllm"


@pytest.mark.parametrize(
    "data", [b"SSH-2.0-OpenSSH_9.9\r\n", b"\x00\x01\x02\x03", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/\r\n\r\n"]
)
def test_what_is_not_http_is_said_to_be_so(serve: Serve, data: bytes) -> None:
    found = probe(serve(raw_answer(data)).url)
    assert (found.outcome, found.reachable) == ("not-http", False)


def test_endless_bytes_that_are_not_http_are_recognised_at_once(serve: Serve) -> None:
    assert probe(serve(endless(b"", b"\x7f" * 4096)).url).outcome == "not-http"


@pytest.mark.parametrize("behave", [reset, raw_answer(b""), raw_answer(b"HTT"), raw_answer(b"HTTP/1.1 200 OK\r\n")])
def test_a_connection_dropped_before_an_answer_is_a_reset(
    serve: Serve, behave: Callable[[socket.socket], None]
) -> None:
    assert probe(serve(behave).url).outcome == "reset"


def test_tls_in_the_clear_is_recognised(serve: Serve) -> None:
    found = probe(serve(raw_answer(b"\x15\x03\x01\x00\x02\x02\x46")).url)
    assert (found.outcome, found.reachable) == ("tls", False)
    assert "TLS" in found.detail


def test_https_on_a_port_that_speaks_plain_http_is_a_tls_problem(healthy: MoodyServer) -> None:
    assert probe(f"https://127.0.0.1:{healthy.port}").outcome == "tls"


def test_https_with_a_certificate_nobody_vouches_for_is_a_tls_problem(serve_tls: Serve) -> None:
    found = probe(serve_tls(http_answer()).url.replace("http:", "https:"))
    assert found.outcome == "tls"
    assert found.detail.startswith("certificate: ")


def test_https_with_a_certificate_vouched_for_is_reachable(serve_tls: Serve) -> None:
    url = serve_tls(http_answer(body=json.dumps(MODELS).encode())).url.replace("http:", "https:")
    assert probe(url, ca_file=str(CERTIFICATE)).kind == "vllm"
    assert probe(url, verify=False).outcome == "ok"


def test_extra_certificates_that_cannot_be_read_are_named(serve_tls: Serve, tmp_path: Path) -> None:
    url = serve_tls(http_answer()).url.replace("http:", "https:")
    (tmp_path / "garbage.pem").write_text("garbage")
    for path in (tmp_path / "missing.pem", tmp_path / "garbage.pem"):
        found = probe(url, ca_file=str(path))
        assert (found.outcome, "extra certificates" in found.detail) == ("tls", True)


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "", "ftp://box", "http://"])
def test_a_url_that_is_none_is_not_asked(url: str) -> None:
    assert probe(url).outcome == "bad-url"


def test_an_address_that_no_connection_can_go_to_is_unreachable() -> None:
    assert probe("http://255.255.255.255:8000").outcome == "unreachable"


@pytest.mark.parametrize(
    ("head", "body", "kind"),
    [
        (
            b"HTTP/1.1 200 OK\r\nserver: uvicorn",
            b'{"object":"list","data":[{"id":"local","object":"model","created":1795251793,"owned_by":"vllm"}]}',
            "vllm",
        ),
        (
            b"HTTP/1.1 200 OK\r\nServer: llama.cpp\r\nContent-Type: application/json",
            b'{"models":[{"name":"local"}],"object":"list","data":[]}',
            "llama.cpp",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 264",
            b'{"data":[{"id":"local","object":"model","created":1677610602,"owned_by":"openai"}],"object":"list"}',
            "litellm",
        ),
        (b"HTTP/1.1 200 OK", b'{"data": [{"id": "x", "owned_by" : "library"}]}', "ollama"),
        (b"HTTP/1.1 200 OK", b'{"data": [{"id": "x", "created": 1795251793, "owned_by": "openai"}]}', "unknown"),
    ],
)
def test_a_server_is_recognised_by_what_it_says_of_itself(head: bytes, body: bytes, kind: str) -> None:
    assert recognise(head, body) == kind


@looped("body", [b"", b"{}", b'{"owned_by"', b'{"owned_by": 3}', b'{"owned_by":"someone"}', b"\xff" * 9])
def test_any_other_answer_is_of_an_unknown_server(body: bytes) -> None:
    assert recognise(b"HTTP/1.1 200 OK", body) == "unknown"


def test_every_kind_has_a_name_for_people() -> None:
    assert {*probing.OWNERS, *probing.SERVER_HEADERS, *probing.BIRTHDAYS, Probe("ok").kind} <= set(well_known.LABELS)
