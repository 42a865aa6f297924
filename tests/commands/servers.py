"""The model servers of `tests.commands.lan`: those that always stand there, and others by name, in every bad state."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from claude_local_plugin.fake_server.http import Answer, Request, Stream
from claude_local_plugin.fake_server.server import EmbeddedBackend, Model, ToolUse
from tests.commands.lan import ADDRESS, FAR_ADDRESS, KEY, MODEL
from tests.servers.conftest import ANSWERS, TLS, Recorded, Replay, Said, take_request

#: What a model says that calls the tool as it is asked to (see `backends.deep`).
CALL = ToolUse("record_weather", {"city": "Oslo", "days": 3, "hourly": True, "tags": ["wind", "rain"]})


def standing() -> tuple[EmbeddedBackend, ...]:
    """Those that are there for every test."""
    return (
        EmbeddedBackend(ADDRESS, 8000, models=(Model(MODEL, 65_536),)),
        EmbeddedBackend(ADDRESS, 8001, models=(Model(MODEL, 65_536),), api_key=KEY),
        EmbeddedBackend(ADDRESS, 8002, models=(Model("one", 65_536, root="a"), Model("two", 131_072, root="b"))),
        EmbeddedBackend(ADDRESS, 8003, models=(Model(MODEL, 65_536, root="r"), Model("claude-x", 65_536, root="r"))),
    )


@contextmanager
def plain(
    port: int, *, models: Any = ((MODEL, 65_536),), address: str = FAR_ADDRESS, **options: Any
) -> Iterator[EmbeddedBackend]:
    """Our own server with these models (name, window, weights) and options."""
    with EmbeddedBackend(address, port, models=tuple(Model(*each) for each in models), **options) as server:
        yield server


@contextmanager
def saying(port: int, status: int, body: Any, path: str) -> Iterator[EmbeddedBackend]:
    """Our own server with this answer at every path that begins so."""
    with plain(port) as server:
        server.answer(status, body, path=path)
        yield server


@contextmanager
def mute(port: int, status: int = 400, **options: Any) -> Iterator[EmbeddedBackend]:
    """A server that is ready, and whose model fails at every message."""
    server = _Refusing(FAR_ADDRESS, port, models=(Model(MODEL, 65_536),), **options)
    server.refusal = status
    server.refuses = lambda body: bool(body.get("messages"))
    with server:
        yield server


class _Refusing(EmbeddedBackend):
    """A server that refuses what a request has in it, or takes its time for a route."""

    refuses: Callable[[Mapping[str, Any]], bool] = staticmethod(lambda _: False)
    refusal: int = 400
    slow: str = ""

    def respond(self, request: Request, problem: str | None) -> Answer | Stream:
        body = request.body if isinstance(request.body, dict) else {}
        if request.route == "/v1/messages" and self.refuses(body):
            return Answer(
                self.refusal, json.dumps({"error": {"type": "BadRequestError", "message": "not here"}}).encode()
            )
        if self.slow and request.route.startswith(self.slow):
            time.sleep(1.3)
        return super().respond(request, problem)


#: What can be refused, by name.
_REFUSALS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "system": lambda body: any(each.get("role") == "system" for each in body.get("messages", ())),
    "thinking": lambda body: "thinking" in body,
    "fields": lambda body: "context_management" in body,
    "budget": lambda body: (body.get("thinking") or {}).get("type") == "enabled",
}


@contextmanager
def refusing(port: int, what: str, models: Any = ((MODEL, 65_536),)) -> Iterator[EmbeddedBackend]:
    """A server that refuses one thing that Claude Code sends."""
    server = _Refusing(FAR_ADDRESS, port, models=tuple(Model(*each) for each in models), reply=_ready)
    server.refuses = _REFUSALS[what]
    with server:
        yield server


@contextmanager
def slow(port: int, route: str) -> Iterator[EmbeddedBackend]:
    """A server that takes more than a second for this route."""
    server = _Refusing(FAR_ADDRESS, port, models=(Model(MODEL, 65_536),))
    server.slow = route
    with server:
        yield server


def _ready(body: Mapping[str, Any]) -> Any:
    return CALL if body.get("tools") else "ready"


@contextmanager
def able(port: int, **options: Any) -> Iterator[EmbeddedBackend]:
    """A server that calls tools as it is asked to."""
    with plain(port, reply=_ready, **options) as server:
        yield server


@contextmanager
def swallowing(port: int) -> Iterator[EmbeddedBackend]:
    """A server that loses every call of a tool."""
    with plain(port, models=(("mystery", 65_536),), reply=lambda body: "" if body.get("tools") else "ready") as server:
        yield server


@contextmanager
def recorded(
    port: int, folder: str, more: Mapping[str, Any] | None = None, otherwise: int | None = None
) -> Iterator[Replay]:
    """What a real server answered, with `more` ("METHOD path": status, body) over it."""
    known: dict[tuple[str, str], Recorded | Said] = {}
    last: Recorded | Said = Said(404)
    for path in sorted((ANSWERS / folder).glob("*.txt")):
        answer = Recorded.read(path)
        if path.stem == "notfound":
            last = answer
        else:
            known[answer.method, answer.path] = answer
    for key, (status, body) in (more or {}).items():
        method, _, route = key.partition(" ")
        known[method, route] = Said(status, body if isinstance(body, str) else json.dumps(body))
    if otherwise is not None:
        last = Said(otherwise)
    with Replay(known, last, (FAR_ADDRESS, port)).running() as replay:
        yield replay


@contextmanager
def scripted(port: int, answers: Mapping[str, Any], otherwise: int = 404) -> Iterator[Replay]:
    """A server of which only these answers are known ("METHOD path": status, body, headers)."""
    table: dict[tuple[str, str], Recorded | Said] = {}
    for key, (status, body, *headers) in answers.items():
        method, _, route = key.partition(" ")
        text = body if isinstance(body, str) else json.dumps(body)
        table[method, route] = Said(status, text, headers[0] if headers else {})
    with Replay(table, Said(otherwise), (FAR_ADDRESS, port)).running() as replay:
        yield replay


# --- what is no server of models


@contextmanager
def _listening(port: int, talk: Callable[[socket.socket], None]) -> Iterator[None]:
    listener = socket.create_server((FAR_ADDRESS, port))
    over = threading.Event()

    def accept() -> None:
        while not over.is_set():
            connection, _ = listener.accept()
            threading.Thread(target=_converse, args=(connection, talk, over), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield
    finally:
        over.set()
        socket.create_connection(listener.getsockname()).close()  # wakes accept()
        accepting.join()
        listener.close()


def _converse(connection: socket.socket, talk: Callable[[socket.socket], None], over: threading.Event) -> None:
    with connection:
        try:
            talk(connection)
        except OSError:  # whoever asked has heard enough
            over.wait(0)


def not_http(port: int) -> AbstractContextManager[None]:
    """What answers, but not with HTTP."""

    def talk(connection: socket.socket) -> None:
        take_request(connection)
        connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")

    return _listening(port, talk)


def silent(port: int) -> AbstractContextManager[None]:
    """What takes a connection and never says a word."""
    return _listening(port, lambda connection: time.sleep(30))


def strange_certificate(port: int) -> AbstractContextManager[None]:
    """What speaks TLS with a certificate that nobody has signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            take_request(secured)

    return _listening(port, talk)
