"""One bounded look at a model server: does it answer, how fast, and what does it call itself?

The request carries no credential, goes to no proxy and follows no redirect. Names are resolved and bytes are read
in a thread of its own, so that nothing, not even a name server that is silent, holds the caller past the deadline.
"""

import _thread
import time

from claude_local_plugin.core.files import content
from claude_local_plugin.core.text import clean
from claude_local_plugin.core.urls import Target, parse_url

# The C modules behind `socket` are used directly where they exist: `socket` builds its constants as enums, and
# that alone takes as long as the whole interpreter needs to start.
try:
    import _socket as net
except ImportError:
    import socket as net  # type: ignore[no-redef]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    import ssl
    from typing import Any

OK = "ok"
ERROR = "error"
REFUSED = "refused"
UNRESOLVED = "unresolved"
TIMEOUT = "timeout"
TLS = "tls"
NOT_HTTP = "not-http"
RESET = "reset"
UNREACHABLE = "unreachable"
BAD_URL = "bad-url"
PROXIED = "proxied"

DEADLINE_S = 1.0
#: The body only helps to recognise the server; it is not worth more waiting than this after the head has come.
BODY_S = 0.25
MOST_BYTES = 65536
#: All certificates of a system come to a quarter of a megabyte.
MOST_PEM_BYTES = 4 * 1024 * 1024
#: A name with more addresses than this is not a server of one's own.
MOST_ADDRESSES = 4

#: By what hooks tell the kinds of servers, which is all that one answer to /v1/models can show: what they write into
#: the `owned_by` of their models, and into their header `Server`.
OWNERS = {
    "vllm": "vllm",
    "llama.cpp": "llamacpp",
    "sglang": "sglang",
    "ollama": "library",
    "lmstudio": "organization_owner",
}
SERVER_HEADERS = {"llama.cpp": "llama.cpp"}
#: LiteLLM passes "openai" on and gives every model the same made-up birthday.
BIRTHDAYS = {"litellm": b"1677610602"}

#: When several addresses were tried, the least certain failure is the one to report: only a server that refuses
#: on every address that exists here refuses for certain.
_CERTAINTY = (UNREACHABLE, REFUSED, RESET, NOT_HTTP, TLS, TIMEOUT)

_TIMEOUTS = (TimeoutError, net.timeout)


class Probe:
    """What one look found.

    `outcome` is "ok" (an HTTP answer below 500; 401 and 403 count, no credential was sent), "error" (500 and above),
    "refused", "unresolved", "timeout", "tls", "not-http", "reset", "unreachable", "bad-url" or "proxied" (not asked:
    Claude Code goes through a proxy, and a direct look says nothing). `status` is the HTTP status, `latency_ms` the
    time until the answer's head was read, name resolution included, `detail` what happened in a few words, `kind` what
    the server calls itself ("unknown" when it does not say), `body` at most 64 KiB.
    """

    __slots__ = ("body", "detail", "kind", "latency_ms", "outcome", "status")

    def __init__(
        self,
        outcome: str,
        detail: str = "",
        status: "int | None" = None,
        latency_ms: "float | None" = None,
        kind: str = "unknown",
        body: bytes = b"",
    ) -> None:
        self.outcome = outcome
        self.detail = clean(detail, 200)
        self.status = status
        self.latency_ms = latency_ms
        self.kind = kind
        self.body = body

    @property
    def reachable(self) -> "bool | None":
        """Whether an HTTP answer came, be it an error; None when nobody asked."""
        return None if self.outcome == PROXIED else self.outcome in (OK, ERROR)


def probe(
    url: "str | Target", deadline: float = DEADLINE_S, ca_file: "str | None" = None, verify: bool = True
) -> Probe:
    """Asks `url` for `/v1/models` and returns what came of it within `deadline` seconds; raises nothing.

    `ca_file` and `verify` are for https: a PEM file trusted beside the system's own, and whether to check at all.
    """
    target = parse_url(url) if isinstance(url, str) else url
    if target is None:
        return Probe(BAD_URL, "not an http(s) URL")
    look = _Look(target, deadline, ca_file, verify)
    finished = _thread.allocate_lock()
    finished.acquire()
    _thread.start_new_thread(look.run, (finished,))
    finished.acquire(True, deadline)
    return look.result or Probe(TIMEOUT, look.stage)


def recognise(head: bytes, body: bytes) -> str:
    """The kind of server behind an answer to `/v1/models`, or "unknown"."""
    told = head.lower()
    for kind, name in SERVER_HEADERS.items():
        if b"\nserver: " + name.encode() in told:
            return kind
    owner = _value(body, b'"owned_by"')
    for kind, name in OWNERS.items():
        # vLLM's Rust frontend calls itself vllm-frontend-rs
        if owner == name.encode() or owner.startswith(name.encode() + b"-"):
            return kind
    if owner == b"openai":
        created = _value(body, b'"created"')
        return next((kind for kind, birthday in BIRTHDAYS.items() if created == birthday), "unknown")
    return "unknown"


class _NoAnswerError(Exception):
    """An address did not give an HTTP answer; the first argument is the outcome, the second the detail."""


class _Look:
    """One probe under way; `stage` says what it is waiting for, `result` is there when it has ended."""

    __slots__ = ("began", "ca_file", "ends", "result", "stage", "target", "verify")

    def __init__(self, target: Target, deadline: float, ca_file: "str | None", verify: bool) -> None:
        self.target = target
        self.ca_file = ca_file
        self.verify = verify
        self.began = time.perf_counter()
        self.ends = self.began + deadline
        self.stage = "resolving the name"
        self.result: Probe | None = None

    def run(self, finished: "Any") -> None:
        """Looks, leaves the result, and releases the lock the caller waits for."""
        try:
            self.result = self.look()
        except _NoAnswerError as failure:
            self.result = Probe(*failure.args)
        except Exception as fault:  # a thread has nobody above it to tell; the caller gets it as the outcome
            self.result = Probe(UNREACHABLE, f"{type(fault).__name__}: {fault}")
        finally:
            finished.release()

    def look(self) -> Probe:
        """Tries the target's addresses in turn, each with its share of the time left to connect."""
        addresses = self.addresses()
        failures = []
        for tried, address in enumerate(addresses):
            self.stage = "connecting"
            try:
                return self.try_address(address, self.left() / (len(addresses) - tried))
            except _NoAnswerError as failure:
                failures.append(failure)
            except OSError as error:
                failures.append(_failure_of(error, self.stage))
        raise max(failures, key=lambda failure: _CERTAINTY.index(failure.args[0]))

    def try_address(self, found: "Any", patience: float) -> Probe:
        """Connects to one of `addresses` within `patience` seconds, and asks."""
        family, kind, protocol, _, address = found
        connection = net.socket(family, kind, protocol)
        try:
            connection.settimeout(patience)
            connection.connect(address)
            return self.ask(connection)
        finally:
            connection.close()

    def addresses(self) -> "list[Any]":
        """The target's addresses; as bytes the name skips Python's own IDNA codec, milliseconds of imports."""
        host = self.target.host
        try:
            name = host.encode("ascii" if host.isascii() else "idna")
            return net.getaddrinfo(name, self.target.port, 0, net.SOCK_STREAM)[:MOST_ADDRESSES]
        except (net.gaierror, UnicodeError) as error:
            raise _NoAnswerError(
                UNRESOLVED, error.args[-1] if isinstance(error, OSError) else "not a host name"
            ) from None

    def ask(self, connection: "Any") -> Probe:
        """Sends the request and judges the answer."""
        if self.target.scheme == "https":
            self.stage = "the TLS handshake"
            return self.ask_over_tls(connection)
        return self.exchange(connection)

    def ask_over_tls(self, connection: "net.socket") -> Probe:
        """Like `exchange`, inside TLS; the modules for it are only loaded here."""
        import socket
        import ssl

        with socket.socket(fileno=connection.detach()) as plain:
            plain.settimeout(self.left())
            try:
                with tls_context(self.ca_file, self.verify).wrap_socket(
                    plain, server_hostname=self.target.host
                ) as secured:
                    return self.exchange(secured)
            except ssl.SSLCertVerificationError as error:
                raise _NoAnswerError(TLS, f"certificate: {error.verify_message}") from None
            except ssl.SSLError as error:
                raise _NoAnswerError(TLS, (error.reason or "handshake failed").replace("_", " ").lower()) from None

    def exchange(self, connection: "net.socket | socket.socket | ssl.SSLSocket") -> Probe:
        """One GET over an open connection; raises _NoAnswerError or OSError when no HTTP answer comes."""
        self.stage = "waiting for an answer"
        connection.settimeout(self.left())
        connection.sendall(_request(self.target))
        data = b""
        while True:
            connection.settimeout(self.left())
            chunk = connection.recv(MOST_BYTES)
            data += chunk
            if not b"HTTP/".startswith(data[:5]):
                raise _NoAnswerError(*_foreign(data))
            if not chunk:
                raise _NoAnswerError(
                    RESET, "closed before the answer's head was complete" if data else "closed unanswered"
                )
            head, blank, body = _split_head(data)
            if blank or len(data) >= MOST_BYTES:
                break
        latency = round((time.perf_counter() - self.began) * 1000, 1)
        status = _status(head)
        if status is None:
            raise _NoAnswerError(NOT_HTTP, "the status line is not HTTP's")
        outcome = ERROR if status >= 500 else OK
        self.result = Probe(outcome, f"HTTP {status}", status, latency)  # what counts, should the body be late
        body = self.rest_of_body(connection, head, body)
        return Probe(outcome, f"HTTP {status}", status, latency, recognise(head, body), body)

    def rest_of_body(self, connection: "Any", head: bytes, body: bytes) -> bytes:
        """The body as far as it comes soon; that it breaks off does not undo the answer."""
        ends = min(self.ends, time.perf_counter() + BODY_S)
        length = _content_length(head)
        try:
            while len(body) < MOST_BYTES and (length is None or len(body) < length):
                if length is None and body.endswith(b"0\r\n\r\n"):
                    break
                connection.settimeout(max(ends - time.perf_counter(), 0.001))
                chunk = connection.recv(MOST_BYTES)
                if not chunk:
                    break
                body += chunk
                if time.perf_counter() >= ends:
                    break
        except OSError:
            return body[:MOST_BYTES]  # the head has come: the server is there, its list of models is a bonus
        return body[:MOST_BYTES]

    def left(self) -> float:
        """Seconds until the deadline; raises _NoAnswerError when none are left."""
        left = self.ends - time.perf_counter()
        if left <= 0:
            raise _NoAnswerError(TIMEOUT, self.stage)
        return left


def _request(target: Target) -> bytes:
    lines = (
        f"GET {target.path}/v1/models HTTP/1.1",
        f"Host: {target.bracketed}:{target.port}",
        "User-Agent: claude-local",
        "Accept: application/json",
        "Connection: close",
        "",
        "",
    )
    return "\r\n".join(lines).encode("utf-8", "replace")


def tls_context(ca_file: "str | None", verify: bool) -> "ssl.SSLContext":
    """How to speak TLS with a server: the system's certificates and those in `ca_file`, or no check at all."""
    import ssl

    context = ssl.create_default_context()
    if ca_file:
        try:
            # not by its name: a project's settings may name a pipe, or a device that never ends
            pem = content(ca_file, MOST_PEM_BYTES).decode("ascii", "ignore")
            context.load_verify_locations(cadata=pem)
        except (OSError, ValueError) as error:
            raise _NoAnswerError(
                TLS, f"the extra certificates: {getattr(error, 'strerror', None) or 'not PEM'}"
            ) from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _failure_of(error: OSError, stage: str) -> _NoAnswerError:
    """The outcome of an operating system's complaint."""
    if isinstance(error, _TIMEOUTS):
        return _NoAnswerError(TIMEOUT, stage)
    if isinstance(error, ConnectionRefusedError):
        return _NoAnswerError(REFUSED, "connection refused")
    if isinstance(error, (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)):
        return _NoAnswerError(RESET, "connection reset")
    return _NoAnswerError(UNREACHABLE, (error.strerror or "no connection").lower())


def _foreign(data: bytes) -> "tuple[str, str]":
    """Outcome and detail for an answer that is not HTTP: a TLS alert in the clear is told apart."""
    if data.startswith(b"\x15\x03"):
        return TLS, "the server speaks TLS on this port, the URL says http"
    return NOT_HTTP, "the answer is not HTTP"


def _split_head(data: bytes) -> "tuple[bytes, bytes, bytes]":
    head, blank, body = data.partition(b"\r\n\r\n")
    return (head, blank, body) if blank else data.partition(b"\n\n")


def _status(head: bytes) -> "int | None":
    words = head.partition(b"\n")[0].split(None, 2)
    if len(words) < 2 or len(words[1]) != 3 or not words[1].isdigit():
        return None
    return int(words[1])


def _content_length(head: bytes) -> "int | None":
    for line in head.lower().split(b"\n"):
        name, _, value = line.partition(b":")
        value = value.strip()
        if name == b"content-length" and value.isdigit() and len(value) < 19:
            return int(value)
    return None


def _value(body: bytes, key: bytes) -> bytes:
    """The first string or number after `key` in JSON text, read without parsing: a guess is all that is needed."""
    _, found, rest = body.partition(key)
    rest = rest.lstrip(b" \t\r\n")
    if not found or not rest.startswith(b":"):
        return b""
    rest = rest[1:].lstrip(b" \t\r\n")
    if rest.startswith(b'"'):
        return rest[1:].partition(b'"')[0]
    return rest.partition(b",")[0].partition(b"}")[0].strip()
