"""The loopback world around the client: every name leads to us, TLS ends here, and all that arrives is recorded.

What the client takes for api.anthropic.com (or a cloud provider) is a backend of ours behind a certificate of ours, so
that what would have gone to the cloud can be looked at, and nothing has to wait for a network that is not there.
"""

import asyncio
import contextlib
import shutil
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from claude_local_plugin.backends.embedded import EmbeddedBackend, Model, Request

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

Heard = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed certificate for CLOUD_HOSTS, and its key, both as PEM files."""

    file: Path
    key: Path


def make_certificate(folder: Path) -> Certificate | None:
    """A certificate made for this box alone; None where no `openssl` command can make one."""
    openssl = shutil.which("openssl")
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

    With `alone` (a network namespace of our own) the ports are taken as they are, TLS ends on port 443 and every name
    resolves to loopback; otherwise free ports are used, `real` says which, and the cloud is reached through the proxy.
    """

    def __init__(self, ports: Sequence[int], proxy: int, certificate: Certificate | None, *, alone: bool) -> None:
        self.real: dict[int, int] = {}
        self._ports, self._proxy, self._alone = tuple(ports), proxy, alone
        self._context = _server_context(certificate, self._heard)
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._hosts: list[str] = []
        self._proxied: list[str] = []
        self._open = contextlib.ExitStack()
        self._doors: list[asyncio.Server | asyncio.BaseTransport] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self.cloud = self._backend(0)

    def __enter__(self) -> "Switchboard":
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.cloud)
            for port in self._ports:
                backend = stack.enter_context(self._backend(port if self._alone else 0))
                self.real[port] = backend.port
            self._loop = asyncio.new_event_loop()
            thread = threading.Thread(target=self._loop.run_forever, name="switchboard", daemon=True)
            thread.start()
            stack.callback(self._end, thread)
            self.real[self._proxy] = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(timeout=30)
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
        return backend

    def _heard(self, host: str) -> None:
        with self._lock:
            self._hosts.append(host)

    # --- the loop's thread

    async def _listen(self) -> int:
        """Open the doors; returns the proxy's port."""
        if self._alone:
            names = await self._loop.create_datagram_endpoint(lambda: _Names(self._heard), local_addr=(LOOPBACK, 53))
            self._doors.append(names[0])
            if self._context is not None:
                self._doors.append(await asyncio.start_server(self._answer_tls, LOOPBACK, 443, ssl=self._context))
        proxy = await asyncio.start_server(self._answer_proxy, LOOPBACK, self._proxy if self._alone else 0)
        self._doors.append(proxy)
        return int(proxy.sockets[0].getsockname()[1])

    async def _answer_tls(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._open_until_done(writer):
            await self._relay(reader, writer, self.cloud.port)

    async def _answer_proxy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._open_until_done(writer), contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            # Either error means that the client hung up before it had asked for anything.
            await self._forward(await reader.readuntil(b"\r\n\r\n"), reader, writer)

    async def _forward(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """CONNECT ends in the cloud's backend; a request with a whole URL goes to the port of ours that it names."""
        method, target, rest = head.split(b" ", 2)
        wanted = target.decode("latin-1")
        with self._lock:
            self._proxied.append(wanted)
        if method != b"CONNECT":
            where = urlsplit(wanted)
            path = f"{where.path or '/'}?{where.query}" if where.query else where.path or "/"
            first = b" ".join((method, path.encode("latin-1"), rest))
            await self._relay(reader, writer, where.port or 80, first=first)
            return
        host, _, port = wanted.rpartition(":")
        self._heard(host)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if port == "443" and self._context is not None:
            await writer.start_tls(self._context)
            await self._relay(reader, writer, self.cloud.port)
        elif host == LOOPBACK:
            await self._relay(reader, writer, int(port))

    async def _relay(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, *, first: bytes = b""
    ) -> None:
        """Carry bytes both ways between a connection and a loopback port until either side has had enough."""
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, port)
        except OSError:  # nobody listens there: the client sees its connection closed
            return
        with self._open_until_done(far_writer):
            far_writer.write(first)
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))

    @contextlib.contextmanager
    def _open_until_done(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        self._writers.add(writer)
        try:
            yield
        finally:
            self._writers.discard(writer)
            writer.close()

    def _end(self, thread: threading.Thread) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(timeout=30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        """Close every door and every connection."""
        for door in self._doors:
            door.close()
        for _ in range(3):  # whoever came in at the last moment is first let in, so as to be known
            await asyncio.sleep(0)
        for writer in self._writers:
            writer.transport.abort()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the transports say goodbye in the loop's next round


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except (ConnectionError, ssl.SSLError):  # one side hung up: the conversation is over
        pass
    finally:
        sink.close()


class _Names(asyncio.DatagramProtocol):
    """A name server that knows one address: 127.0.0.1 for every name (and no IPv6 address for any)."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        labels, position = [], 12
        while position < len(data) and data[position]:
            labels.append(data[position + 1 : position + 1 + data[position]].decode("latin-1"))
            position += 1 + data[position]
        question = data[12 : position + 5]
        self._heard(".".join(labels))
        wants_ipv4 = question[-4:] == b"\0\1\0\1"
        answer = b"\xc0\x0c\0\1\0\1" + struct.pack(">IH4B", 60, 4, 127, 0, 0, 1) if wants_ipv4 else b""
        head = data[:2] + b"\x81\x80\0\1" + struct.pack(">H", 1 if wants_ipv4 else 0) + b"\0\0\0\0"
        self._transport.sendto(head + question + answer, addr)


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
