"""The HTTP side of the embedded backend: the open port, its connections, and what arrives on them.

It knows nothing of models: a Speaker is given each request and says what to answer.
"""

import contextlib
import json
import selectors
import socket
import threading
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, cast

from claude_local_plugin.core.claude import is_secret_header

#: Larger request bodies are refused (413); Claude Code's own are under 1 MB.
MAX_BODY_BYTES = 64 * 1024 * 1024

#: Server-sent events, each as it is ready; closed early when the client goes away.
Stream = Generator[bytes, None, None]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived: path with its query, header names in lower case, JSON body (None if there is none)."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    at: float
    port: int

    @property
    def route(self) -> str:
        """The path without its query."""
        return self.path.partition("?")[0]

    def as_json(self, *, secrets: bool = False) -> dict[str, Any]:
        """The request as plain data; header values that carry a credential are shortened unless `secrets`."""
        headers = {name: value if secrets else _mask(name, value) for name, value in self.headers.items()}
        return {
            "at": self.at,
            "port": self.port,
            "method": self.method,
            "path": self.path,
            "headers": headers,
            "body": self.body,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: status, body, and whatever else belongs into the head."""

    status: int
    body: bytes = b""
    content_type: str | None = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class Speaker(Protocol):
    """Who answers: it is told of every request first, then asked what to say."""

    @property
    def server_header(self) -> str | None:
        """The value of the `server` header, if there is to be one."""

    def remember(self, request: Request) -> None:
        """Called with each request as it arrives, on its connection's thread."""

    def respond(self, request: Request, problem: str | None) -> Answer | Stream:
        """What to say; `problem` is why the request's body is not JSON."""


class Listener(ThreadingHTTPServer):
    """The open port: one thread that accepts, one per connection; `end()` leaves no thread and no socket behind."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, speaker: Speaker) -> None:
        self.speaker = speaker
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._open: dict[socket.socket, threading.Thread] = {}
        self._open_lock = threading.Lock()
        super().__init__((host, port), _Connection)
        self.port: int = self.socket.getsockname()[1]
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._accept, name=f"embedded-backend-{self.port}", daemon=True)

    def server_bind(self) -> None:
        # http.server's own version asks DNS for the host's full name, which can take seconds offline.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = str(self.server_address[0]), self.socket.getsockname()[1]

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._wake.send(b"x")
        self._thread.join()
        with self._open_lock:
            left = dict(self._open)
        for connection in left:
            with contextlib.suppress(OSError):  # the client may have gone first
                connection.shutdown(socket.SHUT_RDWR)
        for thread in left.values():
            thread.join()
        self._wake.close()
        self._woken.close()
        self.server_close()

    def _accept(self) -> None:
        # serve_forever() looks every so often whether it should end; this waits for the word without polling.
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._woken in ready:
                    return
                try:
                    connection, address = self.get_request()
                except OSError:  # the client hung up before it was accepted
                    continue
                thread = threading.Thread(target=self._converse, args=(connection, address), daemon=True)
                with self._open_lock:
                    self._open[connection] = thread
                thread.start()

    def _converse(self, connection: socket.socket, address: Any) -> None:
        try:
            self.finish_request(connection, address)
        except (ConnectionError, TimeoutError):  # the client went away: the end of this conversation, not a fault
            pass
        finally:
            with self._open_lock:
                self._open.pop(connection, None)
            self.shutdown_request(connection)


class _Connection(BaseHTTPRequestHandler):
    """One keep-alive connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_request(self) -> None:
        listener = cast("Listener", self.server)
        raw = self._read_body()
        if raw is None:
            return
        body, problem = _parse(raw)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body, time.time(), listener.port)
        listener.speaker.remember(request)
        said = listener.speaker.respond(request, problem)
        if isinstance(said, Answer):
            self._send(said)
        else:
            self._send_stream(said)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_CONNECT = handle_request  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing on stderr: what arrives is kept in `requests`."""

    def _read_body(self) -> bytes | None:
        """The request's body; None when it was refused."""
        length = self.headers.get("content-length", "0")
        if self.headers.get("transfer-encoding") is not None or not length.isdigit():
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
            return None
        if int(length) > MAX_BODY_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return None
        return self.rfile.read(int(length))

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer without having read the body: the connection cannot go on."""
        self.close_connection = True
        self._send(Answer(status, json_bytes({"detail": status.phrase}), headers=(("connection", "close"),)))

    def _head(self, answer: Answer, *framing: tuple[str, str]) -> bytes:
        reason = HTTPStatus(answer.status).phrase if answer.status in STATUSES else ""
        fields = [("date", formatdate(usegmt=True)), *framing]
        if named := cast("Listener", self.server).speaker.server_header:
            fields.insert(1, ("server", named))
        if answer.content_type is not None:
            fields.append(("content-type", answer.content_type))
        lines = [
            f"HTTP/1.1 {answer.status} {reason}",
            *(f"{name}: {value}" for name, value in (*fields, *answer.headers)),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _send(self, answer: Answer) -> None:
        head = self._head(answer, ("content-length", str(len(answer.body))))
        self.wfile.write(head if self.command == "HEAD" else head + answer.body)

    def _send_stream(self, events: Stream) -> None:
        opening = Answer(200, content_type="text/event-stream; charset=utf-8")
        self.wfile.write(self._head(opening, ("transfer-encoding", "chunked")))
        with contextlib.closing(events):  # closed early, the generation knows that its client went away
            for event in events:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
        self.wfile.write(b"0\r\n\r\n")


STATUSES = frozenset(HTTPStatus)


def _mask(name: str, value: str) -> str:
    if not is_secret_header(name):
        return value
    scheme, space, secret = value.rpartition(" ")
    shown = f"{secret[:3]}…{secret[-3:]}" if len(secret) > 8 else "…"
    return f"{scheme}{space}{shown} ({len(secret)} chars)"


def _parse(raw: bytes) -> tuple[Any, str | None]:
    """The body as data, and what is wrong with it if it is no JSON."""
    try:
        return (json.loads(raw), None) if raw else (None, "the body is empty")
    except (ValueError, RecursionError) as error:
        return None, str(error)


def json_bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
