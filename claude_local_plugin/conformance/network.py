"""The loopback world around the client: every name leads to us, TLS ends here, and all that arrives is recorded.

What the client takes for api.anthropic.com (or a cloud provider) is a backend of ours behind a certificate of ours, so
that what would have gone to the cloud can be looked at, and nothing has to wait for a network that is not there.
"""

import contextlib
import os
import selectors
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import urlsplit

from claude_local_plugin import isolated
from claude_local_plugin.fake_server.server import EmbeddedBackend, Model, Reply, Request

#: Hosts that Claude Code knows by itself: its own, and those of the cloud providers it can be switched to.
CLOUD_HOSTS = (
    "api.anthropic.com",
    "*.anthropic.com",
    "claude.ai",
    "*.claude.ai",
    "*.claude.com",
    "*.us-east-1.amazonaws.com",
    "*.us-east-1.api.aws",
    "*.googleapis.com",
    "*.services.ai.azure.com",
)
#: Larger than any window the client believes in, so that no answer depends on it.
ENDLESS = 100_000_000
LOOPBACK = "127.0.0.1"
#: Seconds: how long a connection may say nothing, and how soon it is noticed that all is over.
PATIENCE = 30.0
ATTENTION = 0.05

#: What an identity token is exchanged for.
EXCHANGED_TOKEN = "token-exchanged"
EXCHANGED = {"access_token": EXCHANGED_TOKEN, "token_type": "Bearer", "expires_in": 3600}
SERVED_SETTINGS = "/api/claude_code/settings"

#: The first byte of a TLS connection.
TLS_HANDSHAKE = b"\x16"

Heard = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed certificate for CLOUD_HOSTS, and its key, both as PEM files."""

    file: Path
    key: Path


def make_certificate(folder: Path) -> Certificate | None:
    """A certificate made for this box alone; None where no `openssl` command can make one."""
    openssl = isolated.program("openssl", os.environ)
    if openssl is None:
        return None
    made = Certificate(folder / "box.pem", folder / "box-key.pem")
    names = ",".join(f"DNS:{name}" for name in CLOUD_HOSTS)
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=claude-local verify", "-addext", f"subjectAltName={names}"]
    command += ["-keyout", str(made.key), "-out", str(made.file)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=30)
    return made if done.returncode == 0 else None


@dataclass(frozen=True, slots=True)
class Traffic:
    """What arrived during one run: requests in order, hosts asked for or connected to, what a proxy was asked for."""

    requests: tuple[Request, ...]
    hosts: tuple[str, ...]
    proxied: tuple[str, ...]


class Switchboard:
    """A recording backend on each of `ports`, one more for all that is meant for the cloud, and a proxy.

    `reply` is what the models say, from the body of a request; "pong" without it.

    With `alone` (a network namespace of our own) the ports are taken as they are, TLS ends on port 443 and every name
    resolves to loopback; otherwise free ports are used, `real` says which, and the cloud is reached through the proxy.
    """

    def __init__(
        self,
        ports: Sequence[int],
        proxy: int,
        certificate: Certificate | None,
        *,
        alone: bool,
        reply: Callable[[Mapping[str, Any]], Reply] | None = None,
    ) -> None:
        self.real: dict[int, int] = {}
        self._ports, self._proxy, self._alone, self._reply = tuple(ports), proxy, alone, reply
        self._context = _server_context(certificate, self._heard)
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._hosts: list[str] = []
        self._proxied: list[str] = []
        self._open = contextlib.ExitStack()
        self._over = threading.Event()
        self.cloud = self._backend(0)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.cloud)
            for port in self._ports:
                backend = stack.enter_context(self._backend(port if self._alone else 0))
                self.real[port] = backend.port
            doors: list[socketserver.BaseServer] = []
            if self._alone:
                doors.append(stack.enter_context(_Names(self._heard)))
                if self._context is not None:
                    doors.append(stack.enter_context(_Door(443, self._answer_tls)))
            proxy = stack.enter_context(_Door(self._proxy if self._alone else 0, self._answer_proxy))
            self.real[self._proxy] = proxy.server_address[1]
            for door in (*doors, proxy):
                threading.Thread(target=door.serve_forever, args=(ATTENTION,), daemon=True).start()
                stack.callback(door.shutdown)
            stack.callback(self._over.set)
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def clear(self) -> None:
        """Forget everything that arrived so far."""
        with self._lock:
            self._requests.clear()
            self._hosts.clear()
            self._proxied.clear()

    @contextlib.contextmanager
    def listening(self, path: Path | None, port: int) -> Iterator[None]:
        """A Unix socket at `path` (None: no such thing) whose connections end at the backend of `port`."""
        if path is None:
            yield
            return

        def answer(connection: socket.socket) -> None:
            # What is meant for an https URL arrives encrypted for that host, whatever the socket is.
            if connection.recv(1, socket.MSG_PEEK) != TLS_HANDSHAKE:
                self._relay(connection, self.real[port])
            elif self._context is not None:
                with self._context.wrap_socket(connection, server_side=True) as secured:
                    self._relay(secured, self.real[port])

        with _SocketDoor(str(path), answer) as door:
            threading.Thread(target=door.serve_forever, args=(ATTENTION,), daemon=True).start()
            yield
            door.shutdown()

    def traffic(self) -> Traffic:
        """What arrived since `clear()`."""
        with self._lock:
            return Traffic(tuple(self._requests), tuple(dict.fromkeys(self._hosts)), tuple(self._proxied))

    def _backend(self, port: int) -> EmbeddedBackend:
        def record(request: Request) -> None:
            # Whatever model is asked for is one we serve: the question is only which one is asked for.
            if isinstance(request.body, dict) and isinstance(name := request.body.get("model"), str):
                backend.models = (Model(name, ENDLESS),)
            with self._lock:
                self._requests.append(request)

        backend = EmbeddedBackend(port=port, models=(Model("any", ENDLESS),), record=record)
        if self._reply is not None:
            backend.reply = self._reply
        # Where an identity token is exchanged for an access token, by Anthropic or by whoever the base URL names.
        backend.answer(200, EXCHANGED, path="/v1/oauth/token")
        # Where the token of a gateway sign-in is renewed.
        backend.answer(200, EXCHANGED, path="/oauth/token")
        # What an administrator's server would say of settings that are in the client's cache: nothing is new.
        backend.answer(304, "", path=SERVED_SETTINGS, headers={"connection": "close"})
        return backend

    def _heard(self, host: str) -> None:
        with self._lock:
            self._hosts.append(host)

    # --- for the connections' threads

    def _answer_tls(self, connection: socket.socket) -> None:
        if self._context is not None:
            with self._context.wrap_socket(connection, server_side=True) as secured:
                self._relay(secured, self.cloud.port)

    def _answer_proxy(self, connection: socket.socket) -> None:
        """CONNECT ends in the cloud's backend; a request with a whole URL goes to the port of ours that it names."""
        head = b""
        while b"\r\n\r\n" not in head:
            data = connection.recv(65536)
            if not data:  # it hung up before it had asked for anything
                return
            head += data
        method, target, rest = head.split(b" ", 2)
        wanted = target.decode("latin-1")
        with self._lock:
            self._proxied.append(wanted)
        if method != b"CONNECT":
            where = urlsplit(wanted)
            path = f"{where.path or '/'}?{where.query}" if where.query else where.path or "/"
            first = b" ".join((method, path.encode("latin-1"), _once(rest)))
            self._relay(connection, where.port or 80, first=first)
            return
        host, _, port = wanted.rpartition(":")
        self._heard(host)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if port == "443":
            self._answer_tls(connection)
        elif host == LOOPBACK:
            self._relay(connection, int(port))

    def _relay(self, near: socket.socket, port: int, *, first: bytes = b"") -> None:
        """Carry bytes both ways between a connection and a loopback port until either side has had enough."""
        with socket.create_connection((LOOPBACK, port), timeout=PATIENCE) as far, selectors.DefaultSelector() as ready:
            far.sendall(first)
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            while not self._over.is_set():
                for key, _ in ready.select(timeout=ATTENTION):
                    if not _carry(cast("socket.socket", key.fileobj), key.data):
                        return


def _once(head: bytes) -> bytes:
    """A request's head that asks to close the connection afterwards: the next request may be for somewhere else."""
    lines, _, body = head.partition(b"\r\n\r\n")
    kept = [
        line for line in lines.split(b"\r\n") if not line.lower().startswith((b"connection:", b"proxy-connection:"))
    ]
    return b"\r\n".join((*kept, b"Connection: close")) + b"\r\n\r\n" + body


def _carry(source: socket.socket, sink: socket.socket) -> bool:
    """Hand over what has arrived; False at the end. What TLS has already decrypted would not wake a selector."""
    try:
        data = source.recv(65536)
        while isinstance(source, ssl.SSLSocket) and (left := source.pending()):
            data += source.recv(left)
    except ssl.SSLWantReadError:  # half a record: the rest will wake us again
        return True
    sink.sendall(data)
    return bool(data)


class _Door(socketserver.ThreadingTCPServer):
    """An open port; `answer` talks to each connection in a thread of its own, and may fail if the client goes away."""

    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, port: int, answer: Callable[[socket.socket], None]) -> None:
        self._answer = answer
        super().__init__((LOOPBACK, port), socketserver.BaseRequestHandler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(PATIENCE)
        with contextlib.suppress(
            OSError
        ):  # broken off, or a TLS client that does not trust us: what it wanted is known
            self._answer(request)


class _SocketDoor(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """The same behind a path of the file system."""

    daemon_threads = True

    def __init__(self, path: str, answer: Callable[[socket.socket], None]) -> None:
        self._answer = answer
        super().__init__(path, socketserver.BaseRequestHandler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(PATIENCE)
        with contextlib.suppress(OSError):  # as above
            self._answer(request)


class _Names(socketserver.UDPServer):
    """A name server that knows one address: 127.0.0.1 for every name (and no IPv6 address for any)."""

    def __init__(self, heard: Heard, port: int = 53) -> None:
        self._heard = heard
        super().__init__((LOOPBACK, port), socketserver.BaseRequestHandler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        question, wire = request
        name, answer = answer_for(question)
        self._heard(name)
        wire.sendto(answer, client_address)


def answer_for(packet: bytes) -> tuple[str, bytes]:
    """The name that a DNS packet asks for, and the answer to it."""
    labels, position = [], 12
    while position < len(packet) and packet[position]:
        labels.append(packet[position + 1 : position + 1 + packet[position]].decode("latin-1"))
        position += 1 + packet[position]
    question = packet[12 : position + 5]
    wants_ipv4 = question.endswith(b"\0\1\0\1")
    record = b"\xc0\x0c\0\1\0\1" + struct.pack(">IH4B", 60, 4, 127, 0, 0, 1) if wants_ipv4 else b""
    head = packet[:2] + b"\x81\x80\0\1" + struct.pack(">H", bool(record)) + b"\0\0\0\0"
    return ".".join(labels), head + question + record


def _server_context(certificate: Certificate | None, heard: Heard) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key)

    def named(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> None:
        if name:
            heard(name)

    context.sni_callback = named
    return context
