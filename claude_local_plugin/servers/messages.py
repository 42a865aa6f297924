"""A small client of the Messages API for measuring: sends a request, times every piece of the answer, ends in time.

Whatever a server does is data here: a refusal, a stream that breaks off, or no answer at all comes back as a Reply
whose `error` says so. Requests go straight to the host (no proxy, no redirect), bounded in seconds and bytes, and a
stream also in how long it goes on without content. httpx is imported when the first client is made.
"""

import asyncio
import itertools
import json
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from claude_local_plugin import __version__
from claude_local_plugin.errors import UsageError
from claude_local_plugin.servers.metrics import Metrics, not_comparable, read
from claude_local_plugin.servers.sse import Decoder, Event
from claude_local_plugin.servers.urls import BackendUrl, normalise
from claude_local_plugin.servers.words import Problem, problem_in, problem_of_event

if TYPE_CHECKING:
    import httpx

#: No more than this is read of one answer.
MAX_BYTES = 8 * 1024 * 1024
#: A stream may go on for so long, in seconds, without a piece of content, once it has had one or only says "ping".
QUIET_S = 60.0
#: So many pings, comments or empty pieces in a row are a flood: no server that works on an answer sends as many.
MOST_EMPTY = 5_000
#: From so many on without any content before, they are pings; fewer are an answer's opening.
PINGS = 4
#: How long the end of a stream is waited for once its last event is there; then the connection is given up.
GOODBYE_S = 1.0
#: The API version that Claude Code names in every request (observed on 2.1.329).
API_VERSION = "2023-06-01"
#: The path that Claude Code asks for (observed on 2.1.329: with this query).
MESSAGES = "/v1/messages?beta=true"
COUNT_TOKENS = "/v1/messages/count_tokens?beta=true"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the answer counts them; None where it does not say.

    `input` leaves out what came from the cache where the server tells the cache apart (`cache_read` not None).
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None

    @property
    def prompt(self) -> int | None:
        """The whole prompt in tokens, cached or not."""
        return None if self.input is None else self.input + (self.cache_read or 0)


@dataclass(frozen=True, slots=True)
class Block:
    """One content block of an answer: `type` is "text", "thinking", "tool_use" or whatever the server named it.

    `text` holds a text or a thinking. A tool_use has `id`, `name` and `input`: its arguments as data, or None when the
    stream's pieces were no JSON (`text` then holds them).
    """

    type: str
    text: str = ""
    name: str | None = None
    id: str | None = None
    input: Any = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one request, and when. Times are seconds since the request was begun.

    `streamed` says whether it arrived as a stream, `status` is None without an HTTP answer. An error inside a stream
    leaves status 200 and sets `error`. `ttft` is the time to the first piece of content, `gaps` are the times between
    the pieces after it, and `ended` is when the last piece or the stop reason was there (streamed answers only). A
    piece is mostly one token; servers that hold tokens back, as tool parsers do, send several in one.
    """

    status: int | None
    streamed: bool
    seconds: float
    error: Problem | None = None
    stop_reason: str | None = None
    blocks: tuple[Block, ...] = ()
    usage: Usage = Usage()
    model: str | None = None
    ttft: float | None = None
    gaps: tuple[float, ...] = ()
    ended: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    data: Any = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """Whether the answer is whole and no refusal."""
        return self.status == 200 and self.error is None

    @property
    def text(self) -> str:
        """All that a person would see of it: the text blocks."""
        return "".join(block.text for block in self.blocks if block.type == "text")

    @property
    def thinking(self) -> str:
        """The thinking blocks' text."""
        return "".join(block.text for block in self.blocks if block.type == "thinking")

    @property
    def tool_uses(self) -> tuple[Block, ...]:
        """The tool calls."""
        return tuple(block for block in self.blocks if block.type == "tool_use")

    @property
    def is_silent(self) -> bool:
        """Whether it says that it ended well, took tokens, and shows nothing: no text, no tool call.

        Claude Code 2.1.329 was observed to end with empty output, exit code 0 and no error on such answers.
        """
        return self.shows_nothing and (self.usage.output or 0) > 0

    @property
    def shows_nothing(self) -> bool:
        """Whether it says that it ended well and holds neither text nor a tool call, whatever tokens it counts."""
        visible = bool(self.text.strip()) or bool(self.tool_uses)
        return self.ok and not visible and self.stop_reason != "max_tokens"

    @property
    def came_at_once(self) -> bool:
        """Whether a stream was there in one moment, its end with it: nothing in it says when its pieces were made."""
        return self.ttft is not None and self.ttft == self.ended

    @property
    def seconds_per_token(self) -> float | None:
        """The mean time per output token after the first: (end - first token) / (tokens - 1).

        This is what benchmarks and vLLM's own `request_time_per_output_token_seconds` mean by it, so pieces of several
        tokens do not matter. None without a stream, without two tokens, and where all of it came at once: then
        somebody on the way held it back, and the first token's time is the whole answer's.
        """
        count = self.usage.output
        if self.ttft is None or self.ended is None or count is None or count < 2:
            return None
        if count > 2 and (self.came_at_once or not self.gaps):
            return None
        return max(0.0, self.ended - self.ttft) / (count - 1)


@dataclass(frozen=True, slots=True)
class Got:
    """An answer to a GET: status, text, and the headers' names in lower case."""

    status: int
    text: str
    headers: Mapping[str, str] = field(repr=False)


#: No headers besides our own.
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Client:
    """One server's Messages API, for use inside an event loop and an `async with`.

    `token` goes out as a bearer token; a server that also wants x-api-key is not known. `timeout` bounds each request
    in seconds, from its beginning to its last byte, and `quiet` how long a stream may go on without content. Raises
    UsageError for a URL or a token that cannot be used. `headers` are those that the server wants with every request.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
        timeout: float = 120.0,
        quiet: float = QUIET_S,
    ) -> None:
        self.base: BackendUrl = normalise(url)
        if token is not None and not (token.isascii() and token.isprintable() and token == token.strip() and token):
            raise UsageError(
                "the token holds characters that an HTTP header cannot carry", "look at the variable it is in"
            )
        self.timeout, self.quiet = timeout, quiet
        self._token = token
        self._headers = headers
        self._http: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        import httpx

        headers = {"user-agent": f"claude-local/{__version__}", "anthropic-version": API_VERSION}
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token}"
        self._http = httpx.AsyncClient(
            transport=_transport(self.base),
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # every request has a deadline of its own
            headers={**self._headers, **headers, "accept-encoding": "identity"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def send(self, body: Mapping[str, Any], *, timeout: float | None = None, path: str = MESSAGES) -> Reply:
        """Send one request and return what came back; streamed if the body says `"stream": true`."""
        content = json.dumps(body, ensure_ascii=False).encode()
        heard = _Heard(streamed=body.get("stream") is True, most_tokens=body.get("max_tokens"))
        heard.began = time.perf_counter()
        try:
            async with asyncio.timeout(self.timeout if timeout is None else timeout):
                await self._hear(heard, path, content)
        except TimeoutError:
            heard.problem = Problem(
                "timeout", f"no whole answer within {self.timeout if timeout is None else timeout:g} s"
            )
        return heard.reply()

    async def metrics(self, *, timeout: float = 5.0) -> Metrics | None:
        """What the server's /metrics says; None where it has none, or does not answer in time."""
        got = await self.figures(timeout=timeout)
        return read(got.text, got.headers) if got is not None and got.status == 200 else None

    async def figures(self, *, timeout: float = 5.0) -> Got | None:
        """The answer at /metrics; some have it at /metrics/, and say so (LiteLLM 1.110.2). Never another host's."""
        got = await self.fetch("/metrics", timeout=timeout)
        return await self.fetch("/metrics/", timeout=timeout) if got is not None and got.status in (307, 308) else got

    async def steady(self, *, looks: int = 3, timeout: float = 5.0) -> tuple[Metrics | None, str | None]:
        """The server's metrics, and why what lies between two readings of them would mean nothing, if it would.

        Asks several times at once after each other: a router hands them to one replica after another.
        """
        seen = [await self.metrics(timeout=timeout)]
        while len(seen) < looks and seen[-1] is not None:
            seen.append(await self.metrics(timeout=timeout))
        known = [each for each in seen if each is not None]
        problems = (not_comparable(earlier, later) for earlier, later in itertools.pairwise(known))
        return seen[-1], next(filter(None, problems), None)

    async def get(self, path: str, *, timeout: float = 10.0) -> tuple[int, str] | None:
        """Status and text of a GET to the same server; None without an answer in time."""
        got = await self.fetch(path, timeout=timeout)
        return None if got is None else (got.status, got.text)

    async def fetch(self, path: str, *, timeout: float = 10.0) -> Got | None:
        """What a GET to the same server brings; None without an answer in time."""
        import httpx

        assert self._http is not None, "the client is used outside its `async with`"
        try:
            async with asyncio.timeout(timeout), self._http.stream("GET", self.base.url + path) as response:
                body = await _limited(response)
        except (TimeoutError, httpx.HTTPError, _TooLargeError):  # there is nothing to read, for whatever reason
            return None
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Got(response.status_code, body.decode("utf-8", "replace"), headers)

    async def _hear(self, heard: "_Heard", path: str, content: bytes) -> None:
        import httpx

        assert self._http is not None, "the client is used outside its `async with`"
        headers = {"content-type": "application/json"}
        try:
            async with self._http.stream("POST", self.base.url + path, content=content, headers=headers) as response:
                heard.opened(response.status_code, {name.lower(): value for name, value in response.headers.items()})
                if heard.is_stream:
                    await self._follow(heard, response)
                else:
                    heard.whole(await _limited(response))
        except httpx.ConnectError as error:
            heard.problem = Problem("refused", f"no connection: {error}")
        except httpx.HTTPError as error:
            if not heard.over:  # what comes after the last word does not matter
                heard.problem = Problem("broken", f"the answer breaks off ({type(error).__name__})")
        except _TooLargeError:
            heard.problem = Problem("too-large", f"the answer is longer than {MAX_BYTES:,} bytes")
        except _EndlessError as reason:
            heard.problem = Problem("silent", str(reason))

    async def _follow(self, heard: "_Heard", response: "httpx.Response") -> None:
        """Read a stream to its end, or until it has gone on for too long without content."""
        clock = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(None) as patience:
                async for part in response.aiter_raw():
                    heard.feed(part, clock())
                    patience.reschedule(heard.patience_ends(self.quiet))
        except TimeoutError:
            if not patience.expired():
                raise
            if not heard.over:
                raise _EndlessError(f"the stream went on for {self.quiet:g} s without content") from None


def run(
    work: Callable[[Client], Awaitable[_T]],
    url: str,
    *,
    token: str | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
    timeout: float = 120.0,
    quiet: float = QUIET_S,
) -> _T:
    """Do `work` with a client of its own, from code that is not asynchronous; returns what `work` returns."""

    async def inside() -> _T:
        async with Client(url, token=token, headers=headers, timeout=timeout, quiet=quiet) as client:
            return await work(client)

    return asyncio.run(inside())


def ask(
    url: str,
    body: Mapping[str, Any],
    *,
    token: str | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
    timeout: float = 120.0,
) -> Reply:
    """One request on a connection of its own."""
    return run(lambda client: client.send(body), url, token=token, headers=headers, timeout=timeout)


def _tls_context(base: BackendUrl) -> ssl.SSLContext:
    if base.scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used: spares the loading of authorities
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class _TooLargeError(Exception):
    """The answer is longer than we read."""


class _EndlessError(Exception):
    """A stream goes on and brings nothing, or does not stop; the text says which."""


async def _limited(response: "httpx.Response") -> bytes:
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > MAX_BYTES:
            raise _TooLargeError
    return bytes(body)


# --- making sense of what arrives


def _transport(base: BackendUrl) -> "httpx.AsyncBaseTransport":
    """Connections that are kept for the next request, which is sent again where the server had closed its connection.

    A llama.cpp server often closes one right after a streamed answer, without having said so; the request that was on
    its way then gets no byte of an answer, for no fault of the server's.
    """
    import httpx

    class Kept(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            connected = False

            async def trace(event: str, _: Mapping[str, Any]) -> None:
                nonlocal connected
                connected = connected or event == "connection.connect_tcp.started"

            request.extensions = {**request.extensions, "trace": trace}
            while True:
                try:
                    return await super().handle_async_request(request)
                except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                    if connected:
                        raise

    return Kept(
        verify=_tls_context(base),
        trust_env=False,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
    )


class _Heard:
    """One answer as it arrives."""

    def __init__(self, *, streamed: bool, most_tokens: object = None) -> None:
        self.streamed = streamed
        self.began = 0.0
        self.problem: Problem | None = None
        self._most = _count(most_tokens)
        self._status: int | None = None
        self._headers: Mapping[str, str] = {}
        self._decoder = Decoder()
        self._read = 0
        self._pieces: list[float] = []
        self._length = 0
        self._ended_at: float | None = None
        self._empty = 0
        self._empty_since: float | None = None
        self._blocks: dict[int, dict[str, Any]] = {}
        self._message: dict[str, Any] = {}
        self._stop_reason: str | None = None
        self._usage: dict[str, Any] = {}
        self._stopped = False
        self._clock = 0.0
        self._data: Any = None

    def opened(self, status: int, headers: Mapping[str, str]) -> None:
        self._status, self._headers = status, headers

    @property
    def is_stream(self) -> bool:
        """Whether events follow; a refusal of a streamed request is a plain answer."""
        return self.streamed and self._headers.get("content-type", "").startswith("text/event-stream")

    @property
    def over(self) -> bool:
        """Whether the stream has said its last word."""
        return self._stopped or self.problem is not None

    def feed(self, part: bytes, clock: float = 0.0) -> None:
        """More of the stream's bytes; `clock` is the event loop's time."""
        now = time.perf_counter() - self.began
        self._clock = clock
        self._read += len(part)
        if self._read > MAX_BYTES:
            raise _TooLargeError
        comments, pieces = self._decoder.comments, len(self._pieces)
        events = self._decoder.feed(part)
        for event in events:
            self._event(event, now)
        if len(self._pieces) > pieces:
            self._empty, self._empty_since = 0, clock
            self._never_too_long()
        else:
            self._empty += len(events) + self._decoder.comments - comments
            if self._empty_since is None:
                self._empty_since = clock
        if self._empty > MOST_EMPTY:
            raise _EndlessError(f"the stream sent {self._empty:,} pings or empty pieces in a row")

    def patience_ends(self, quiet: float) -> float | None:
        """When, by the event loop's clock, there has been enough silence; None while nothing is to be said against it.

        Before the first content a server may be silent as long as it reads the prompt.
        """
        if self.over:
            return self._clock + GOODBYE_S
        waiting = bool(self._pieces) or self._empty >= PINGS
        return None if self._empty_since is None or not waiting else self._empty_since + quiet

    def _never_too_long(self) -> None:
        """Ends an answer that takes no notice of max_tokens: a token is no more than a few pieces or characters."""
        if self._most is None:
            return
        if len(self._pieces) > 4 * self._most + 64 or self._length > 64 * self._most + 4096:
            raise _EndlessError(f"the answer does not stop at max_tokens ({self._most:,})")

    def whole(self, body: bytes) -> None:
        """An answer that is one JSON document."""
        try:
            self._data = json.loads(body)
        except (ValueError, RecursionError):  # a web page, or a plain text as LiteLLM's 500
            text = body.decode("utf-8", "replace").strip()[:500]
            kind = "not-json" if self._status == 200 else "http"
            self.problem = Problem(kind, text or f"HTTP status {self._status} without a body")
            return
        if self._status != 200:
            self.problem = problem_in(self._data) or Problem("http", f"HTTP status {self._status}")
        elif isinstance(self._data, dict) and self._data.get("type") == "error":
            self.problem = problem_in(self._data)
        elif isinstance(self._data, dict):
            self._message = self._data
            self._usage = _dict(self._data.get("usage"))
            self._stop_reason = _text(self._data.get("stop_reason"))
            content = self._data.get("content")
            self._blocks = dict(enumerate(filter(_is_dict, content if isinstance(content, list) else [])))

    def _event(self, event: Event, now: float) -> None:
        try:
            data = json.loads(event.data)
        except (ValueError, RecursionError):  # such as OpenAI's [DONE]
            data = event.data
        kind = data.get("type") if isinstance(data, dict) else None
        if event.name == "error" or kind == "error" or (isinstance(data, dict) and kind is None and "error" in data):
            self.problem = self.problem or problem_of_event(data)
            return
        if not isinstance(data, dict):
            return
        match data.get("type"):
            case "message_start":
                self._message = _dict(data.get("message"))
                self._usage |= _dict(self._message.get("usage"))
            case "content_block_start":
                self._blocks[_index(data)] = dict(_dict(data.get("content_block")))
            case "content_block_delta":
                self._delta(_index(data), _dict(data.get("delta")), now)
            case "message_delta":
                self._stop_reason = _text(_dict(data.get("delta")).get("stop_reason")) or self._stop_reason
                told = {name: value for name, value in _dict(data.get("usage")).items() if value is not None}
                self._usage |= told
                self._ended_at = now
            case "message_stop":
                self._stopped = True

    def _delta(self, index: int, delta: dict[str, Any], now: float) -> None:
        block = self._blocks.setdefault(index, {})
        for name, into in (("text", "text"), ("thinking", "thinking"), ("partial_json", "_json")):
            piece = delta.get(name)
            if isinstance(piece, str) and piece:
                block[into] = (_text(block.get(into)) or "") + piece
                self._pieces.append(now)
                self._length += len(piece)
                self._ended_at = now

    def reply(self) -> Reply:
        """What was heard, as data."""
        seconds = time.perf_counter() - self.began
        if self.is_stream and self.problem is None and not self._stopped:
            self.problem = Problem("broken", "the stream ends in the middle")
        pieces = self._pieces
        return Reply(
            status=self._status,
            streamed=self.is_stream,
            seconds=seconds,
            error=self.problem,
            stop_reason=self._stop_reason,
            blocks=tuple(_block(self._blocks[index]) for index in sorted(self._blocks)),
            usage=_usage(self._usage),
            model=_text(self._message.get("model")),
            ttft=pieces[0] if pieces else None,
            gaps=tuple(later - earlier for earlier, later in itertools.pairwise(pieces)),
            ended=self._ended_at,
            headers=self._headers,
            data=self._data,
        )


def _block(raw: Mapping[str, Any]) -> Block:
    kind = _text(raw.get("type")) or "unknown"
    if kind != "tool_use":
        return Block(kind, _text(raw.get("thinking")) or _text(raw.get("text")) or "")
    arguments, pieces = raw.get("input"), raw.get("_json")
    text = ""
    if isinstance(pieces, str):
        try:
            arguments = json.loads(pieces)
        except (ValueError, RecursionError):  # cut off, or not what it should be
            arguments, text = None, pieces
    return Block(kind, text, _text(raw.get("name")), _text(raw.get("id")), arguments)


def _usage(raw: Mapping[str, Any]) -> Usage:
    return Usage(
        _count(raw.get("input_tokens")), _count(raw.get("output_tokens")), _count(raw.get("cache_read_input_tokens"))
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _index(data: Mapping[str, Any]) -> int:
    return _count(data.get("index")) or 0


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_dict(value: object) -> bool:
    return isinstance(value, dict)


def conversation(model: str, messages: Sequence[Mapping[str, Any]], *, max_tokens: int, **more: Any) -> dict[str, Any]:
    """A request body with what every request needs; `more` are further fields of the API."""
    return {"model": model, "max_tokens": max_tokens, "messages": list(messages), **more}
