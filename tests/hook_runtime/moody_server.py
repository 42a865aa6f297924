"""Servers in every mood, and what they do with a connection."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable

MODELS = {"object": "list", "data": [{"id": "qwen3-coder-next", "object": "model", "owned_by": "vllm"}]}

#: What a server does with one connection after the request has been read.
Behaviour = Callable[[socket.socket], None]


class MoodyServer:
    """A listening socket that treats every connection the same way, on a free port of `host`."""

    def __init__(self, behave: Behaviour, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.requests: list[bytes] = []
        self.stopping = threading.Event()
        self._behave = behave
        self._tls = tls
        self._listener = socket.create_server((host, 0), family=family, backlog=256)
        self._listener.settimeout(0.05)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self.stopping.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            thread = threading.Thread(target=self._converse, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _converse(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        try:
            with self._tls.wrap_socket(connection, server_side=True) if self._tls else connection as spoken:
                self.requests.append(spoken.recv(65536))
                self._behave(spoken)
        except OSError:
            return  # the hook has had enough and hung up: what several of these servers are for
        finally:
            connection.close()


def http_answer(status: str = "200 OK", body: bytes = b"{}", headers: str = "") -> Behaviour:
    """Answers every request with this."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode()
    return lambda connection: connection.sendall(head + body)


def raw_answer(data: bytes) -> Behaviour:
    """Sends these bytes and closes."""
    return lambda connection: connection.sendall(data)


def endless(head: bytes, piece: bytes) -> Behaviour:
    """Sends `head` and then `piece` for as long as the other side listens."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(piece)

    return behave


def dripping(data: bytes, pause: float = 0.05) -> Behaviour:
    """Sends the data byte by byte, each after a pause."""
    waiting = threading.Event()

    def behave(connection: socket.socket) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            waiting.wait(pause)

    return behave


def silent(connection: socket.socket) -> None:
    """Answers nothing until the other side hangs up."""
    connection.recv(1)


def reset(connection: socket.socket) -> None:
    """Closes so that the other side sees a reset connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
