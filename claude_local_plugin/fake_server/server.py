"""Our own small model server on loopback, for the demonstration and the tests: it talks like vLLM, and says "pong".

It speaks the Anthropic Messages API (streamed and not) and the few routes around it that Claude Code and our own probe
ask for, in the shapes that vLLM 0.32.0 was observed to use: bodies, error texts, headers, metric names. There is no
model behind it. A token is taken to be four characters of the prompt's JSON text, and one word of the answer.
"""

import contextlib
import json
import os
import re
import signal
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Literal, Self

from claude_local_plugin.errors import BackendError
from claude_local_plugin.fake_server.http import STATUSES, Answer, Listener, Request, Stream, json_bytes

__all__ = ["EmbeddedBackend", "Model", "Request", "ToolUse", "prompt_text", "serve", "tokens_in"]

CHARACTERS_PER_TOKEN = 4
#: A prompt is cached in blocks of this many characters (16 tokens), from its start; vLLM too counts whole blocks only.
BLOCK_CHARACTERS = 16 * CHARACTERS_PER_TOKEN
#: How many blocks fit the pretended KV cache: 2 million tokens.
CACHE_BLOCKS = 125_000
#: The bucket limits, in seconds, of vLLM's time_to_first_token_seconds.
TTFT_BUCKETS = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
)
FINISHED_REASONS = ("stop", "length", "abort", "error")

Kind = Literal["vllm", "anthropic-compatible"]


@dataclass(frozen=True, slots=True)
class Model:
    """One served name: its window in tokens, and the weights it stands for (names that share a `root` are aliases)."""

    name: str
    max_model_len: int = 65536
    root: str = "embedded/pong"


@dataclass(frozen=True, slots=True)
class ToolUse:
    """An answer that calls a tool; once the request ends in a tool's result, `then` is said instead."""

    name: str
    input: Mapping[str, Any]
    then: "str | ToolUse" = "pong"


Block = str | ToolUse
Reply = Block | tuple[Block, ...]


@dataclass(slots=True)
class _Override:
    """A scripted answer for the paths that begin with `prefix`, `times` more times (None: for good)."""

    answer: Answer
    prefix: str
    times: int | None


@dataclass(slots=True)
class _Counters:
    """What has happened so far, in the units of vLLM's /metrics."""

    running: int = 0
    waiting: int = 0
    queried_tokens: int = 0
    hit_tokens: int = 0
    prompt_tokens: int = 0
    generation_tokens: int = 0
    first_token_seconds: list[float] = field(default_factory=list)
    finished: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FINISHED_REASONS, 0))


class EmbeddedBackend:
    """A model server on `host`:`port` (0: any free one), running from `start()` (or `with`) to `stop()`.

    `models` are the served names, the first being the one that answers name themselves. `api_key` guards /v1 as vLLM
    does: only `Authorization: Bearer` counts. `reply` is a text, a `ToolUse`, several of them for several content
    blocks, or a function from the request body to one of these. `kind` "anthropic-compatible" keeps the Messages API
    but hides everything that tells vLLM. `version` is what /version says; the behaviour is always 0.32's. `record` is
    called with each `Request` as it arrives, from the connection's own thread; `requests` keeps them all. `sees`:
    whether its models take pictures.

    Scripted behaviour: `delay` seconds before the first token and `token_delay` between tokens, `status` instead of
    every answer, `loading` answers 503 everywhere, `max_running` generations at once while others wait; `answer()`
    scripts single paths. All of them may be changed while it runs.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        models: Sequence[Model] = (Model("qwen3-coder-next"),),
        api_key: str | None = None,
        reply: Reply | Callable[[Mapping[str, Any]], Reply] = "pong",
        kind: Kind = "vllm",
        version: str = "0.32.0",
        record: Callable[[Request], None] | None = None,
        delay: float = 0.0,
        token_delay: float = 0.0,
        status: int | None = None,
        loading: bool = False,
        max_running: int = 256,
        sees: bool = True,
    ) -> None:
        if not models:
            raise ValueError("a model server serves at least one name")
        self.host = host
        self.models = tuple(models)
        self.api_key = api_key
        self.reply = reply
        self.kind = kind
        self.version = version
        self.delay = delay
        self.token_delay = token_delay
        self.status = status
        self.loading = loading
        self.sees = sees
        self.requests: list[Request] = []
        self._wanted_port = port
        self._record = record
        self._slots = threading.BoundedSemaphore(max_running)
        self._lock = threading.Lock()
        self._overrides: list[_Override] = []
        self._cache: OrderedDict[int, None] = OrderedDict()
        self._counters = _Counters()
        self._listener: Listener | None = None
        self._stopping = threading.Event()

    # --- life

    def start(self) -> Self:
        """Begin to listen; the port is open when this returns. Raises BackendError if it cannot be had."""
        if self._listener is not None:
            raise RuntimeError("this backend has been started already")
        self._stopping.clear()
        try:
            self._listener = Listener(self.host, self._wanted_port, self)
        except OSError as error:
            raise BackendError(
                f"cannot listen on {self.host} port {self._wanted_port}: {error.strerror or error}",
                "another program may have that port; choose one with --port",
            ) from error
        self._listener.begin()
        return self

    def stop(self) -> None:
        """Close the port and every connection; twice does no harm."""
        if self._listener is None:
            return
        self._stopping.set()
        self._wanted_port = self.port
        self._listener.end()
        self._listener = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port listened on (after `stop()`: the one it was)."""
        return self._listener.port if self._listener is not None else self._wanted_port

    @property
    def url(self) -> str:
        """What belongs into ANTHROPIC_BASE_URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    # --- scripting and looking back

    def answer(
        self,
        status: int,
        body: str | bytes | Mapping[str, Any] | None = None,
        *,
        path: str = "/",
        times: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer paths that begin with `path` with this instead, the next `times` times or from now on.

        Without a body, an error has vLLM's usual shape. The latest script that fits is used.
        """
        extra = tuple((headers or {}).items())
        scripted = Answer(status, _body(status, body), headers=extra)
        with self._lock:
            self._overrides.append(_Override(scripted, path, times))

    def clear(self) -> None:
        """Forget the requests so far and all that was scripted with `answer()`; the metrics stay."""
        with self._lock:
            self.requests.clear()
            self._overrides.clear()

    @property
    def messages(self) -> list[Request]:
        """The requests for an answer of the model, oldest first: POST /v1/messages, without count_tokens."""
        return [r for r in list(self.requests) if r.method == "POST" and r.route == "/v1/messages"]

    # --- for the connection's thread

    @property
    def server_header(self) -> str | None:
        """What vLLM's web server calls itself."""
        return "uvicorn" if self.kind == "vllm" else None

    def remember(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)
        if self._record is not None:
            self._record(request)

    def scripted(self, path: str) -> Answer | None:
        """The answer scripted for this path, used up once if it was meant for a number of times."""
        if self.loading:
            return Answer(
                503, json_bytes({"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}})
            )
        with self._lock:
            for override in reversed(self._overrides):
                if path.startswith(override.prefix) and override.times != 0:
                    if override.times is not None:
                        override.times -= 1
                    return override.answer
        return None if self.status is None else Answer(self.status, _body(self.status, None))

    def respond(self, request: Request, problem: str | None) -> Answer | Stream:
        """What to say to a request; `problem` is why its body is not JSON."""
        route = request.route
        if answer := self.scripted(route):
            return answer
        if not self._admits(request):
            return Answer(401, json_bytes({"error": "Unauthorized"}))
        methods = ROUTES.get(route, {})
        if not methods or (self.kind != "vllm" and route in VLLM_ONLY):
            return Answer(404, json_bytes({"detail": "Not Found"}))
        handler = methods.get(request.method)
        if handler is None:
            allowed = ", ".join(methods)
            return Answer(405, json_bytes({"detail": "Method Not Allowed"}), headers=(("allow", allowed),))
        if request.method == "POST" and problem is not None:
            return _invalid(
                "body.1", f"{{'type': 'json_invalid', 'loc': 'body.1', 'msg': 'JSON decode error: {problem}'}}"
            )
        return handler(self, request)

    def _admits(self, request: Request) -> bool:
        guarded = self.api_key is not None and request.route.startswith(("/v1", "/v2"))
        return not guarded or request.headers.get("authorization") == f"Bearer {self.api_key}"

    def health(self, _: Request) -> Answer:
        return Answer(200, b"", content_type=None)

    def say_version(self, _: Request) -> Answer:
        return Answer(200, json_bytes({"version": self.version}))

    def list_models(self, _: Request) -> Answer:
        created = int(time.time())
        rows: list[dict[str, Any]] = []
        for model in self.models:
            row: dict[str, Any] = {"id": model.name, "object": "model", "created": created, "owned_by": "vllm"}
            row |= {"root": model.root, "parent": None, "max_model_len": model.max_model_len}
            if self.kind != "vllm":
                row["owned_by"] = "organization-owner"
                del row["root"], row["parent"]
            rows.append(row)
        return Answer(200, json_bytes({"object": "list", "data": rows}))

    def count_tokens(self, request: Request) -> Answer:
        judged = self._judge(request.body, ("model", "messages"))
        if isinstance(judged, Answer):
            return judged
        count = tokens_in(request.body)
        return Answer(200, json_bytes({"input_tokens": count, "context_management": {"original_input_tokens": count}}))

    def generate(self, request: Request) -> Answer | Stream:
        judged = self._judge(request.body, ("model", "max_tokens", "messages"))
        if isinstance(judged, Answer):
            return judged
        wanted = request.body["max_tokens"]
        if not isinstance(wanted, int) or wanted < 1:
            return _invalid("body.max_tokens", "Value error, max_tokens must be positive")
        if wanted > judged.max_model_len:
            return _bad_request(
                f"max_completion_tokens={wanted} cannot be greater than max_model_len={judged.max_model_len}. "
                f"Please request fewer output tokens. (parameter=max_completion_tokens, value={wanted})"
            )
        if refusal := self._not_taken(request.body):
            return refusal
        generation = _Generation(self, request.body, self._blocks(request.body))
        return generation.events() if request.body.get("stream") else generation.whole()

    def metrics(self, _: Request) -> Answer:
        with self._lock:
            text = "\n".join(self._metric_lines()) + "\n"
        return Answer(200, text.encode(), content_type="text/plain; version=1.0.0; charset=utf-8")

    def _judge(self, body: Any, required: tuple[str, ...]) -> Answer | Model:
        """The model that a request names, or the refusal vLLM would send."""
        if not isinstance(body, dict):
            return _invalid("body", "Input should be a valid dictionary")
        for name in required:
            if name not in body:
                return _invalid(f"body.{name}", f"{{'type': 'missing', 'loc': 'body.{name}', 'msg': 'Field required'}}")
        if not isinstance(body["messages"], list):
            return _invalid("body.messages", "Input should be a valid list")
        found = [model for model in self.models if model.name == body["model"]]
        if not found:
            served = ", ".join(model.name for model in self.models)
            return _error(404, "NotFoundError", f"The model `{body['model']}` does not exist. Valid aliases: {served}.")
        if not body["messages"]:
            return _bad_request("Cannot apply chat template to an empty conversation. Provide at least one message.")
        window = found[0].max_model_len
        if tokens_in(body) > window:
            return _bad_request(
                f"This model's maximum context length is {window} tokens. However, your prompt contains at least "
                f"{window + 1} input tokens, which exceeds this limit even without any output tokens. Please reduce "
                f"the length of the input prompt. (parameter=input_tokens, value={window + 1})"
            )
        return found[0]

    def _not_taken(self, body: Mapping[str, Any]) -> Answer | None:
        """The refusal of a tool without a schema, and of a picture where the models cannot see; as vLLM words them."""
        for number, tool in enumerate(body.get("tools") or ()):
            if self.kind == "vllm" and isinstance(tool, dict) and "input_schema" not in tool:
                where = f"body.tools.{number}.input_schema"
                return _invalid(where, f"{{'type': 'missing', 'loc': '{where}', 'msg': 'Field required'}}")
        if not self.sees and any(block.get("type") == "image" for block in _all_blocks(body)):
            return _bad_request(f"{body['model']} is not a multimodal model")
        return None

    def _blocks(self, body: Mapping[str, Any]) -> tuple[Block, ...]:
        chosen = self.reply(body) if callable(self.reply) else self.reply
        blocks = chosen if isinstance(chosen, tuple) else (chosen,)
        if _answers_a_tool(body):
            return tuple(block.then if isinstance(block, ToolUse) else block for block in blocks)
        return blocks

    # --- counting

    @contextlib.contextmanager
    def running(self, prompt: str) -> Iterator[None]:
        """One generation: waits for its turn, and is counted while it waits and runs."""
        with self._lock:
            self._counters.waiting += 1
        self._slots.acquire()
        with self._lock:
            self._counters.waiting -= 1
            self._counters.running += 1
            tokens = _tokens(len(prompt))
            self._counters.prompt_tokens += tokens
            self._counters.queried_tokens += tokens
            self._counters.hit_tokens += self._reuse(prompt)
        try:
            yield
        finally:
            with self._lock:
                self._counters.running -= 1
            self._slots.release()

    def _reuse(self, prompt: str) -> int:
        """How many tokens at the prompt's start had been computed before; the whole prompt is cached from now on."""
        chain, hits, whole = 0, 0, True
        for start in range(0, len(prompt) - BLOCK_CHARACTERS + 1, BLOCK_CHARACTERS):
            chain = hash((chain, prompt[start : start + BLOCK_CHARACTERS]))
            whole = whole and chain in self._cache
            hits += whole
            self._cache[chain] = None
            self._cache.move_to_end(chain)
        while len(self._cache) > CACHE_BLOCKS:
            self._cache.popitem(last=False)
        return hits * BLOCK_CHARACTERS // CHARACTERS_PER_TOKEN

    def pause(self, seconds: float) -> None:
        """Sleep, unless the backend is stopped meanwhile."""
        if seconds > 0:
            self._stopping.wait(seconds)

    def first_token(self, seconds: float) -> None:
        with self._lock:
            self._counters.first_token_seconds.append(seconds)

    def finished(self, reason: str, tokens: int) -> None:
        with self._lock:
            self._counters.finished[reason] += 1
            self._counters.generation_tokens += tokens

    def _metric_lines(self) -> Iterator[str]:
        counters, labels = self._counters, f'engine="0",model_name="{self.models[0].name}"'
        simple: tuple[tuple[str, str, float], ...] = (
            ("num_requests_running", "gauge", counters.running),
            ("num_requests_waiting", "gauge", counters.waiting),
            ("kv_cache_usage_perc", "gauge", len(self._cache) / CACHE_BLOCKS),
            ("prefix_cache_queries_total", "counter", counters.queried_tokens),
            ("prefix_cache_hits_total", "counter", counters.hit_tokens),
            ("prompt_tokens_total", "counter", counters.prompt_tokens),
            ("generation_tokens_total", "counter", counters.generation_tokens),
        )
        for name, kind, value in simple:
            yield f"# TYPE vllm:{name} {kind}"
            yield f"vllm:{name}{{{labels}}} {float(value)}"
        yield "# TYPE vllm:request_success_total counter"
        for reason, count in counters.finished.items():
            yield f'vllm:request_success_total{{engine="0",finished_reason="{reason}",{labels[11:]}}} {float(count)}'
        seconds = counters.first_token_seconds
        yield "# TYPE vllm:time_to_first_token_seconds histogram"
        for limit in (*TTFT_BUCKETS, float("inf")):
            below = sum(value <= limit for value in seconds)
            edge = "+Inf" if limit == float("inf") else str(limit)
            yield f'vllm:time_to_first_token_seconds_bucket{{engine="0",le="{edge}",{labels[11:]}}} {float(below)}'
        yield f"vllm:time_to_first_token_seconds_count{{{labels}}} {float(len(seconds))}"
        yield f"vllm:time_to_first_token_seconds_sum{{{labels}}} {sum(seconds)}"


#: Path -> method -> what answers; everything else is 404 or 405, as with vLLM (which also has no HEAD).
ROUTES: Mapping[str, Mapping[str, Callable[[EmbeddedBackend, Request], Answer | Stream]]] = {
    "/health": {"GET": EmbeddedBackend.health},
    "/ping": {"GET": EmbeddedBackend.health, "POST": EmbeddedBackend.health},
    "/version": {"GET": EmbeddedBackend.say_version},
    "/metrics": {"GET": EmbeddedBackend.metrics},
    "/v1/models": {"GET": EmbeddedBackend.list_models},
    "/v1/messages": {"POST": EmbeddedBackend.generate},
    "/v1/messages/count_tokens": {"POST": EmbeddedBackend.count_tokens},
}
#: Routes by which vLLM is recognised.
VLLM_ONLY = ("/ping", "/version", "/metrics")


class _Generation:
    """One answer of the pretended model, as a whole message or as Anthropic's stream of events."""

    def __init__(self, backend: EmbeddedBackend, body: Mapping[str, Any], blocks: tuple[Block, ...]) -> None:
        self.backend = backend
        self.prompt = prompt_text(body)
        self.input_tokens = _tokens(len(self.prompt))
        self.head: dict[str, Any] = {
            "id": f"chatcmpl-{uuid.uuid4().hex[:16]}",
            "type": "message",
            "role": "assistant",
            "content": [],
            "model": backend.models[0].name,
            "stop_reason": None,
            "stop_sequence": None,
        }
        self.blocks, self.output_tokens, self.stop_reason = _cut(blocks, body["max_tokens"])

    def whole(self) -> Answer:
        """Wait as long as the whole generation takes, then answer at once."""
        began = time.monotonic()
        with self.backend.running(self.prompt):
            self.backend.pause(self.backend.delay)
            self.backend.first_token(time.monotonic() - began)
            self.backend.pause(self.backend.token_delay * max(0, self.output_tokens - 1))
            content = [block if isinstance(block, dict) else _text(block) for block in self.blocks]
            message = self.head | {"content": content, "stop_reason": self.stop_reason, "usage": self._usage()}
            self.backend.finished(self._reason(), self.output_tokens)
        return Answer(200, json_bytes(message))

    def events(self) -> Stream:
        """The server-sent events, each as it is ready; closing the iterator early counts as an abort."""
        began, told = time.monotonic(), 0
        with self.backend.running(self.prompt):
            try:
                usage = {"input_tokens": self.input_tokens, "output_tokens": 0}
                yield _event("message_start", message=self.head | {"usage": usage})
                self.backend.pause(self.backend.delay)
                self.backend.first_token(time.monotonic() - began)
                for index, block in enumerate(self.blocks):
                    for kind, fields in _block_events(block):
                        if kind == "content_block_delta":
                            self.backend.pause(self.backend.token_delay if told else 0)
                            told += 1
                        yield _event(kind, **fields, index=index)
                delta = {"stop_reason": self.stop_reason, "stop_sequence": None}
                yield _event("message_delta", delta=delta, usage=self._usage())
                yield _event("message_stop")
            except GeneratorExit:
                self.backend.finished("abort", told)
                raise
            self.backend.finished(self._reason(), self.output_tokens)

    def _usage(self) -> dict[str, int]:
        return {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens}

    def _reason(self) -> str:
        return "length" if self.stop_reason == "max_tokens" else "stop"


def prompt_text(body: Mapping[str, Any]) -> str:
    """What a chat template would lay out, in its order: tools, system prompt, messages."""
    return "".join(
        json.dumps(body[key], ensure_ascii=False) for key in ("tools", "system", "messages") if body.get(key)
    )


def tokens_in(body: Mapping[str, Any]) -> int:
    """The prompt's estimated length in tokens: its JSON text at four characters each."""
    return _tokens(len(prompt_text(body)))


def serve(
    port: int = 0,
    record_file: Path | None = None,
    *,
    host: str = "127.0.0.1",
    models: Sequence[Model] = (Model("qwen3-coder-next"),),
    api_key: str | None = None,
    secrets: bool = False,
    ready: Callable[[EmbeddedBackend], None] | None = None,
) -> None:
    """Run one backend until SIGINT or SIGTERM arrives (main thread only); `ready` is called when it listens.

    With `record_file`, each request is appended to it as one line of JSON (the file is made readable for its owner
    only); credentials in headers are shortened unless `secrets`.
    """
    over = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        over.set()

    with contextlib.ExitStack() as stack:
        record = None
        if record_file is not None:
            record = stack.enter_context(_recorder(record_file, secrets=secrets))
        for number in (signal.SIGINT, signal.SIGTERM):
            stack.callback(signal.signal, number, signal.signal(number, end))
        backend = stack.enter_context(EmbeddedBackend(host, port, models=models, api_key=api_key, record=record))
        if ready is not None:
            ready(backend)
        over.wait()


@contextlib.contextmanager
def _recorder(path: Path, *, secrets: bool) -> Iterator[Callable[[Request], None]]:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise BackendError(f"cannot write to {path}: {error.strerror}", "choose another file to record to") from error

    def record(request: Request) -> None:
        os.write(descriptor, json_bytes(request.as_json(secrets=secrets)) + b"\n")

    try:
        yield record
    finally:
        os.close(descriptor)


def _body(status: int, body: str | bytes | Mapping[str, Any] | None) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    if body is None:
        if status < 400:
            return b""
        phrase = HTTPStatus(status).phrase if status in STATUSES else "Overloaded"
        kind = phrase.removesuffix(" Error").title().replace(" ", "") + "Error"
        return json_bytes({"type": "error", "error": {"type": kind, "message": phrase}})
    return json_bytes(body)


def _error(status: int, kind: str, message: str) -> Answer:
    return Answer(status, json_bytes({"type": "error", "error": {"type": kind, "message": message}}))


def _bad_request(message: str) -> Answer:
    return _error(400, "BadRequestError", message)


def _invalid(where: str, complaint: str) -> Answer:
    """A field that does not validate; vLLM uses another shape for these than for its other errors."""
    message = f"1 validation error:\n  {complaint}"
    return Answer(400, json_bytes({"error": {"message": message, "type": "Bad Request", "param": where, "code": 400}}))


def _all_blocks(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every content block of a conversation, those in tools' results too."""
    waiting = [message.get("content") for message in body["messages"] if isinstance(message, dict)]
    while waiting:
        content = waiting.pop()
        for block in content if isinstance(content, list) else ():
            if isinstance(block, dict):
                yield block
                waiting.append(block.get("content"))


# --- the answer's text


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_PER_TOKEN)


def _words(text: str) -> list[str]:
    return re.findall(r"\S+\s*|\s+", text)


def _answers_a_tool(body: Mapping[str, Any]) -> bool:
    """Whether the conversation's newest user message brings a tool's result."""
    for message in reversed(body["messages"]):
        if not isinstance(message, dict) or message.get("role") != "user":
            continue  # Claude Code may end with a message of role "system"
        content = message.get("content")
        return isinstance(content, list) and any(
            isinstance(block, dict) and block.get("type") == "tool_result" for block in content
        )
    return False


_Cut = tuple[list[str | dict[str, Any]], int, str]


def _cut(blocks: tuple[Block, ...], limit: int) -> _Cut:
    """The blocks that fit into `limit` tokens, how many tokens they are, and why the answer ends."""
    kept: list[str | dict[str, Any]] = []
    used = 0
    for block in blocks:
        if isinstance(block, ToolUse):
            size = _tokens(len(json.dumps(dict(block.input))))
            if used + size > limit:
                return kept, limit, "max_tokens"
            call = {"type": "tool_use", "id": f"chatcmpl-tool-{uuid.uuid4().hex[:16]}", "name": block.name}
            kept.append(call | {"input": dict(block.input)})
        else:
            words = _words(block)
            size = len(words)
            if used + size > limit:
                return [*kept, "".join(words[: limit - used])], limit, "max_tokens"
            kept.append(block)
        used += size
    return kept, used, "tool_use" if any(isinstance(block, dict) for block in kept) else "end_turn"


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _block_events(block: str | dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of one content block: its start, its parts, its end."""
    if isinstance(block, str):
        yield "content_block_start", {"content_block": _text("")}
        for word in _words(block):
            yield "content_block_delta", {"delta": {"type": "text_delta", "text": word}}
    else:
        yield "content_block_start", {"content_block": block | {"input": {}}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"], ensure_ascii=False)}
        yield "content_block_delta", {"delta": delta}
    yield "content_block_stop", {}


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: ".encode() + json_bytes({"type": kind, **fields}) + b"\n\n"
