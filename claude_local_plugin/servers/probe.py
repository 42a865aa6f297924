"""Asks a URL what answers there, bounded in time and bytes, never making a model run; the only door to httpx.

All questions go out at once, each on a connection of its own, straight to the host (no proxy, no redirect followed).
httpx is imported when the first question is asked: it costs about 90 ms.
"""

import asyncio
import contextlib
import errno
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from claude_local_plugin import __version__
from claude_local_plugin.errors import UsageError
from claude_local_plugin.servers.answers import Answer, Failure, Heard, Question
from claude_local_plugin.servers.kinds import ANTHROPIC
from claude_local_plugin.servers.recognise import (
    FIRST_QUESTIONS,
    MEMBER,
    WITHOUT_TOKEN,
    follow_up,
    kind_of,
    last_questions,
    members_of,
    recognise,
    to_knock_at,
)
from claude_local_plugin.servers.server import Server, State
from claude_local_plugin.servers.urls import BackendUrl, normalise
from claude_local_plugin.servers.well_known import WELL_KNOWN_PORTS

if TYPE_CHECKING:
    import httpx

#: No more than this is read of any answer.
MAX_BYTES = 1024 * 1024
#: The part of the time after which the next questions are asked, once the list of models has arrived.
FIRST_SHARE = 0.6
#: How long, in seconds, the other questions are waited for after a late list of models.
GRACE = 0.25
#: How long a gateway's member may take to open its door, in seconds.
KNOCK_S = 0.5

_NONE: Mapping[str, str] = MappingProxyType({})

TOO_SLOW = Failure(State.TIMEOUT, "does not answer in time")
NO_SUCH_NAME = Failure(State.UNRESOLVED, "cannot be found: its name does not resolve")


def identify(
    url: str,
    *,
    token: str | None = None,
    headers: Mapping[str, str] = _NONE,
    timeout: float = 3.0,
    ca_file: Path | None = None,
) -> Server:
    """What answers at `url`, within `timeout` seconds in all; whatever goes wrong is the Server's state and problem.

    `token` is sent as a bearer token, to that host only, as are the `headers` that the server wants. `ca_file` (PEM)
    is trusted besides the system's authorities.
    Raises UsageError for a URL or a token that cannot be used.
    """
    if token is not None and not (token.isascii() and token.isprintable() and token.strip() == token and token):
        raise UsageError("the token holds characters that an HTTP header cannot carry", "look at the variable it is in")
    base = normalise(url)
    import_module("httpx")  # not on the server's time
    deadline = time.monotonic() + timeout
    failure = _unresolved(base, timeout)
    if failure is not None:
        return recognise(base.url, {"models": failure}, token_sent=token is not None)
    return asyncio.run(_identify(base, token, deadline, ca_file, headers))


def sweep(ports: Iterable[int] = WELL_KNOWN_PORTS, host: str = "127.0.0.1", *, timeout: float = 2.0) -> list[Server]:
    """The model servers on these ports of `host`, in the ports' order, found within `timeout` seconds; nothing else.

    No token is sent. What answers but gives no sign of being a model server is left out.
    """
    import_module("httpx")
    return asyncio.run(_sweep(tuple(dict.fromkeys(ports)), host, time.monotonic() + timeout))


def neighbours(url: str, *, timeout: float = 1.5) -> list[Server]:
    """The model servers on the other well-known ports of this URL's host; the usable ones first."""
    base = normalise(url)
    found = sweep((port for port in WELL_KNOWN_PORTS if port != base.port), base.host.strip("[]"), timeout=timeout)
    return sorted(found, key=lambda server: not server.usable)


async def _sweep(ports: tuple[int, ...], host: str, deadline: float) -> list[Server]:
    found = await asyncio.gather(*(_look(host, port, deadline) for port in ports))
    return [server for server in found if server is not None and server.is_model_server]


async def _look(host: str, port: int, deadline: float) -> Server | None:
    """What is at one port; None where nothing listens."""
    try:
        async with asyncio.timeout_at(_loop_time(deadline)):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            with contextlib.suppress(OSError):  # closed is closed
                await writer.wait_closed()
    except OSError:  # refused, unreachable, or too slow (TimeoutError is one): nothing there to use
        return None
    shown = f"[{host}]" if ":" in host else host
    return await _identify(normalise(f"http://{shown}:{port}"), None, deadline, None)


async def _identify(
    base: BackendUrl, token: str | None, deadline: float, ca_file: Path | None, headers: Mapping[str, str] = _NONE
) -> Server:
    import httpx

    first: tuple[Question, ...] = FIRST_QUESTIONS if token is None else (*FIRST_QUESTIONS, *WITHOUT_TOKEN)
    if kind_of(base.url, {}) == ANTHROPIC:
        first = FIRST_QUESTIONS[:1]  # nothing more to find out there
    try:
        context = _tls_context(base, ca_file)
    except OSError as error:
        raise UsageError(f"cannot read the certificates in {ca_file}: {error.strerror or error}") from error
    async with httpx.AsyncClient(
        verify=context,
        trust_env=False,
        follow_redirects=False,
        timeout=None,  # every question has a deadline of its own
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        headers={"user-agent": f"claude-local/{__version__}", "accept": "*/*", "accept-encoding": "identity"}
        | dict(headers),
    ) as client:
        share = time.monotonic() + FIRST_SHARE * (deadline - time.monotonic())
        answers = await _ask_all(client, base, first, token, share, deadline)
        answers |= await _ask_all(client, base, follow_up(base.url, answers), token, deadline, deadline)
        answers |= await _ask_all(client, base, last_questions(base.url, answers), token, deadline, deadline)
        answers |= await _knock(to_knock_at(base.url, members_of(base.url, answers)), deadline)
    server = recognise(base.url, answers, token_sent=token is not None)
    if server.state is State.NOT_HTTP and base.scheme == "http" and await _speaks_tls(base, deadline):
        return recognise(base.url, {"models": Failure(State.NOT_HTTP, f"speaks TLS: use https://{base.netloc}")})
    return server


def _tls_context(base: BackendUrl, ca_file: Path | None) -> ssl.SSLContext:
    """Trust in the system's authorities, in those that come with httpx, and in `ca_file`."""
    if base.scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used: spares the loading of authorities
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


async def _ask_all(
    client: "httpx.AsyncClient",
    base: BackendUrl,
    questions: Iterable[Question],
    token: str | None,
    soon: float,
    deadline: float,
) -> dict[str, Heard]:
    """Every question's answer; waits until `soon`, but for the first one, which matters most, until `deadline`."""
    tasks = {asyncio.ensure_future(_ask(client, base, question, token)): question for question in questions}
    if not tasks:
        return {}
    try:
        await asyncio.wait(tasks, timeout=max(0.0, soon - time.monotonic()))
        chief = next(iter(tasks))
        if not chief.done():
            await asyncio.wait([chief], timeout=max(0.0, deadline - time.monotonic()))
            await asyncio.wait(tasks, timeout=min(GRACE, max(0.0, deadline - time.monotonic())))
        done = {task for task in tasks if task.done()}
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return {question.name: task.result() if task in done else TOO_SLOW for task, question in tasks.items()}


async def _ask(client: "httpx.AsyncClient", base: BackendUrl, question: Question, token: str | None) -> Heard:
    import httpx

    headers = {"authorization": f"Bearer {token}"} if token is not None and question.token else {}
    if question.body is not None:
        headers["content-type"] = "application/json"
    began = time.monotonic()
    request = client.build_request(question.method, base.url + question.path, content=question.body, headers=headers)
    try:
        response = await client.send(request, stream=True)
    except httpx.ConnectError as error:
        return no_connection(base, error)
    except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
        return Failure(State.NOT_HTTP, "takes connections, but what it answers is not HTTP")
    except httpx.HTTPError as error:
        return Failure(State.ERROR, f"cannot be asked: {type(error).__name__}")
    body = bytearray()
    try:
        async for part in response.aiter_raw():
            body += part
            if len(body) >= MAX_BYTES:
                break
    except httpx.HTTPError:
        return Failure(State.ERROR, "breaks off in the middle of an answer")
    finally:
        await response.aclose()
    seconds = time.monotonic() - began
    told = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, told, bytes(body[:MAX_BYTES]), seconds)


async def _knock(members: Iterable[str], deadline: float) -> dict[str, Heard]:
    """Whether each of these takes connections; nothing is sent there. What is not known in time is left out."""
    members = tuple(members)
    outcomes = await asyncio.gather(*(_refuses(member, deadline) for member in members))
    return {f"{MEMBER}{member}": failure for member, failure in zip(members, outcomes, strict=True) if failure}


async def _refuses(member: str, deadline: float) -> Failure | None:
    there = normalise(member)
    try:
        async with asyncio.timeout(min(KNOCK_S, max(0.05, deadline - time.monotonic()))):
            _, writer = await asyncio.open_connection(there.host, there.port)
            writer.close()
            with contextlib.suppress(OSError):  # closed is closed
                await writer.wait_closed()
    except ConnectionRefusedError:
        return Failure(State.REFUSED, "refuses connections: nothing listens there")
    except OSError:  # unknown here, or slow: nothing is said about it
        return None
    return None


def no_connection(base: BackendUrl, error: Exception) -> Failure:
    """Why there is no connection, from the causes that httpx wraps."""
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return Failure(State.TLS, _tls_problem(base, cause))
        if isinstance(cause, socket.gaierror):
            return NO_SUCH_NAME
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return Failure(State.REFUSED, "refuses connections: nothing listens there")
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno == errno.ETIMEDOUT:
            return TOO_SLOW
        if isinstance(cause, OSError) and cause.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
            return Failure(State.ERROR, "cannot be reached from here: it is off, or in another network")
    return Failure(State.ERROR, "takes no connection")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):  # one member per address that was tried
            for inner in error.exceptions:
                yield from _causes(inner)
        error = error.__cause__ or error.__context__


def _tls_problem(base: BackendUrl, error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"has a certificate that is not trusted: {error.verify_message}"
    reason = getattr(error, "reason", None)  # missing where it was not OpenSSL that complained
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"):
        return f"does not speak TLS: use http://{base.netloc}"
    return f"makes no encrypted connection: {reason or 'the handshake failed'}"


async def _speaks_tls(base: BackendUrl, deadline: float) -> bool:
    """Whether a TLS handshake succeeds, with whomever: nothing is sent over it."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout_at(_loop_time(deadline)):
            _, writer = await asyncio.open_connection(base.host, base.port, ssl=context)
            writer.close()
            with contextlib.suppress(OSError):  # some hang up without a goodbye
                await writer.wait_closed()
    except OSError:  # ssl.SSLError and TimeoutError are OSErrors too
        return False
    return True


def _loop_time(deadline: float) -> float:
    """A point in time.monotonic() on the running loop's clock."""
    return asyncio.get_running_loop().time() + deadline - time.monotonic()


# --- names


def _unresolved(base: BackendUrl, timeout: float) -> Failure | None:
    """Why the host's name leads nowhere; None when it has an address.

    The look-up cannot be interrupted, so it runs in a thread that nobody waits for longer than `timeout`.
    """
    outcome: list[Failure | None] = []

    def look_up() -> None:
        try:
            socket.getaddrinfo(base.host, base.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError):
            outcome.append(NO_SUCH_NAME)
        else:
            outcome.append(None)

    thread = threading.Thread(target=look_up, name="look-up", daemon=True)
    thread.start()
    thread.join(timeout)
    return (
        outcome[0]
        if outcome
        else Failure(State.UNRESOLVED, "cannot be found in time: its name takes too long to resolve")
    )
