"""Servers to probe: recorded answers of real ones replayed on a socket, and sockets that misbehave."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ANSWERS = Path(__file__).parent / "answers"
TLS = Path(__file__).parent / "tls"


@dataclass(frozen=True)
class Recorded:
    """One exchange with a real server: what was asked and what it said."""

    method: str
    path: str
    request_headers: tuple[tuple[str, str], ...]
    request_body: bytes
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @classmethod
    def read(cls, path: Path) -> "Recorded":
        """Reads `> request` and `< answer` lines as they were written down, the answer's body after a lone `<`."""
        asked, _, said = path.read_text(encoding="utf-8").partition("\n\n< ")
        request = [line.removeprefix(">").removeprefix(" ") for line in asked.split("\n")]
        method, target, _ = request[0].split(" ")
        blank = request.index("") if "" in request else len(request)
        head, _, body = said.partition("\n<\n")
        first, *lines = head.split("\n")
        return cls(
            method,
            target,
            tuple(_header(line) for line in request[1:blank] if line),
            "\n".join(request[blank + 1 :]).encode(),
            int(first.split(" ")[1]),
            tuple(_header(line.removeprefix("< ")) for line in lines),
            body.encode(),
        )


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


@dataclass
class Said:
    """A scripted answer, for servers of which only the source or the documentation was read."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Heard:
    """One request that a replayed server received."""

    method: str
    path: str
    headers: Mapping[str, str]


class Replay:
    """Answers `(method, path)` with what is in the table, and everything else with `otherwise`."""

    def __init__(
        self,
        table: Mapping[tuple[str, str], Recorded | Said],
        otherwise: Recorded | Said,
        address: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        self.table = dict(table)
        self.otherwise = otherwise
        self.heard: list[Heard] = []
        replay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_request(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                replay.heard.append(Heard(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
                answer = replay.table.get((self.command, self.path), replay.otherwise)
                body = answer.body.encode() if isinstance(answer, Said) else answer.body
                headers = answer.headers.items() if isinstance(answer, Said) else answer.headers
                lines = [f"HTTP/1.1 {answer.status} X", "connection: close", f"content-length: {len(body)}"]
                left_out = ("content-length", "connection", "transfer-encoding")
                lines += [f"{name}: {value}" for name, value in headers if name.lower() not in left_out]
                self.close_connection = True
                self.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

            do_GET = do_POST = do_HEAD = handle_request  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        class Listener(ThreadingHTTPServer):
            request_queue_size = 64  # the probe knocks seven times at once

        self.server = Listener(address, Handler)
        self.url = f"http://{address[0]}:{self.server.server_port}"

    @contextlib.contextmanager
    def running(self) -> Iterator["Replay"]:
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            thread.join()
            self.server.server_close()


StartReplay = Callable[..., Replay]


@pytest.fixture
def replay() -> Iterator[StartReplay]:
    """Starts a Replay of a folder of recorded answers (`replay("vllm")`) or of a table of scripted ones."""
    with contextlib.ExitStack() as stack:

        def start(
            folder: str | None = None,
            table: Mapping[tuple[str, str], Recorded | Said] | None = None,
            otherwise: Recorded | Said | None = None,
        ) -> Replay:
            known: dict[tuple[str, str], Recorded | Said] = {}
            if folder is not None:
                for path in sorted((ANSWERS / folder).glob("*.txt")):
                    recorded = Recorded.read(path)
                    if path.stem == "notfound":
                        otherwise = otherwise or recorded
                    elif recorded.method == "GET":
                        known[recorded.method, recorded.path] = recorded
            known |= table or {}
            return stack.enter_context(Replay(known, otherwise or Said(404)).running())

        yield start


@pytest.fixture
def misbehaving() -> Iterator[Callable[..., int]]:
    """Opens a port where each connection is handed to a function; gives the port."""
    with contextlib.ExitStack() as stack:

        def start(talk: Callable[[socket.socket, threading.Event], None], *, tls: bool = False) -> int:
            return stack.enter_context(_talking(talk, tls=tls))

        yield start


def take_request(connection: socket.socket) -> bytes:
    """The whole request: closing with some of it unread would tear the answer off."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def _talking(talk: Callable[[socket.socket, threading.Event], None], *, tls: bool) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()
    threads: list[threading.Thread] = []
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")

    def converse(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):  # the probe hangs up whenever it has heard enough
            if context is not None:
                connection = context.wrap_socket(connection, server_side=True)
            with connection:
                talk(connection, over)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            if over.is_set():
                connection.close()
                return
            thread = threading.Thread(target=converse, args=(connection,))
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        socket.create_connection(listener.getsockname()).close()  # wakes accept()
        accepting.join()
        listener.close()
        for thread in threads:
            thread.join()


@pytest.fixture
def closed() -> str:
    """The URL of a port on loopback where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
