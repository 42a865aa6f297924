"""The loopback world: everything that arrives is recorded, and every name leads to us."""

import http.client
import json
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.conformance.network import Certificate, Switchboard, answer_for, make_certificate

PROXY = 8012


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    made = make_certificate(tmp_path_factory.mktemp("certificate"))
    if made is None:
        pytest.skip("no openssl command that makes certificates")
    return made


@pytest.fixture
def board(certificate: Certificate) -> Iterator[Switchboard]:
    with Switchboard([8001, 8002], PROXY, certificate, alone=False) as board:
        yield board


def ask(connection: http.client.HTTPConnection, path: str, model: str = "m") -> Any:
    body = {"model": model, "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}
    connection.request("POST", path, json.dumps(body), {"x-api-key": "k"})
    answer = json.load(connection.getresponse())
    connection.close()
    return answer


def test_each_port_records_what_arrives_and_serves_any_model(board: Switchboard) -> None:
    for name in (8001, 8002):
        answer = ask(http.client.HTTPConnection("127.0.0.1", board.real[name]), "/v1/messages", f"model-{name}")
        assert answer["content"][0]["text"] == "pong"
    assert [(request.port, request.body["model"]) for request in board.traffic().requests] == [
        (board.real[8001], "model-8001"),
        (board.real[8002], "model-8002"),
    ]


def test_what_was_recorded_can_be_forgotten(board: Switchboard) -> None:
    ask(http.client.HTTPConnection("127.0.0.1", board.real[8001]), "/v1/messages")
    board.clear()
    assert board.traffic().requests == ()


def test_the_cloud_behind_the_proxy_is_us(board: Switchboard, certificate: Certificate) -> None:
    trusted = ssl.create_default_context(cafile=str(certificate.file))
    connection = http.client.HTTPSConnection("127.0.0.1", board.real[PROXY], context=trusted)
    connection.set_tunnel("api.anthropic.com", 443)
    assert ask(connection, "/v1/messages", "claude")["content"][0]["text"] == "pong"
    traffic = board.traffic()
    assert [(request.port, request.headers["host"]) for request in traffic.requests] == [
        (board.cloud.port, "api.anthropic.com")
    ]
    assert traffic.hosts == ("api.anthropic.com",)
    assert traffic.proxied == ("api.anthropic.com:443",)


def test_a_whole_url_sent_to_the_proxy_reaches_its_port(board: Switchboard) -> None:
    target = f"http://127.0.0.1:{board.real[8002]}/v1/messages?beta=true"
    ask(http.client.HTTPConnection("127.0.0.1", board.real[PROXY]), target)
    (request,) = board.traffic().requests
    assert (request.port, request.path) == (board.real[8002], "/v1/messages?beta=true")
    assert board.traffic().proxied == (target,)


def test_a_connection_to_the_proxy_serves_one_request(board: Switchboard) -> None:
    head = f"GET http://127.0.0.1:{board.real[8001]}/health HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n"
    with socket.create_connection(("127.0.0.1", board.real[PROXY]), timeout=10) as connection:
        connection.sendall(head.encode())
        received = b""
        while data := connection.recv(1024):  # ends, although we asked to keep it open: the next may go elsewhere
            received += data
    assert received.startswith(b"HTTP/1.1 200")


def test_a_tunnel_to_a_port_of_ours_reaches_it(board: Switchboard) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", board.real[PROXY])
    connection.set_tunnel("127.0.0.1", board.real[8001])
    ask(connection, "/v1/messages")
    assert board.traffic().requests[0].port == board.real[8001]


def test_a_tunnel_to_anywhere_else_is_closed(board: Switchboard) -> None:
    with socket.create_connection(("127.0.0.1", board.real[PROXY]), timeout=10) as connection:
        connection.sendall(b"CONNECT example.com:22 HTTP/1.1\r\n\r\n")
        received = b""
        while data := connection.recv(1024):
            received += data
    assert received.startswith(b"HTTP/1.1 200")
    assert board.traffic().hosts == ("example.com",)


def test_a_connection_that_asks_for_nothing_is_closed(board: Switchboard) -> None:
    with socket.create_connection(("127.0.0.1", board.real[PROXY]), timeout=10) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(10) == b""


def test_nothing_is_left_running(certificate: Certificate) -> None:
    before = set(threading.enumerate())
    with Switchboard([8001], PROXY, certificate, alone=False) as board:
        ask(http.client.HTTPConnection("127.0.0.1", board.real[8001]), "/v1/messages")
        with socket.create_connection(("127.0.0.1", board.real[PROXY]), timeout=10):
            pass
    assert set(threading.enumerate()) <= before


def test_without_a_certificate_the_cloud_is_seen_by_name_only() -> None:
    with Switchboard([8001], PROXY, None, alone=False) as board:
        with socket.create_connection(("127.0.0.1", board.real[PROXY]), timeout=10) as connection:
            connection.sendall(b"CONNECT api.anthropic.com:443 HTTP/1.1\r\n\r\n")
            while connection.recv(1024):
                pass
        assert board.traffic().hosts == ("api.anthropic.com",)


def test_no_openssl_no_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert make_certificate(tmp_path) is None


@pytest.mark.parametrize(("kind", "answers"), [(1, 1), (28, 0)])
def test_every_name_is_loopback_and_has_no_other_address(kind: int, answers: int) -> None:
    question = b"\x03api\x09anthropic\x03com\x00" + struct.pack(">HH", kind, 1)
    name, answer = answer_for(b"\xab\xcd\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + question)
    assert name == "api.anthropic.com"
    assert answer[:2] == b"\xab\xcd"
    assert struct.unpack(">H", answer[6:8])[0] == answers
    assert answer.endswith(b"\x7f\x00\x00\x01") is bool(answers)
