"""A server that answers as a test says, token counts and all, and remembers what it has sent."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple

from claude_local_plugin.fake_server.http import Answer, Request, Stream
from claude_local_plugin.fake_server.server import EmbeddedBackend, Model

_numbers = count(1)


class Sums(NamedTuple):
    """Answers and their tokens."""

    messages: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def plus(self, *others: int) -> "Sums":
        return Sums(*(a + b for a, b in zip(self, others, strict=True)))


@dataclass(frozen=True)
class Say:
    """An answer: its blocks, the counts that it begins and ends with, and how it goes about it.

    With `stops_after` blocks the connection breaks; `pause` is in seconds after each block; `model` is the server's own
    name for the model, if it has one.
    """

    blocks: tuple[str | dict[str, Any], ...] = ("pong",)
    input: int = 5
    output: int = 3
    cache_read: int = 7
    cache_write: int = 2
    stops_after: int | None = None
    pause: float = 0.0
    model: str | None = None
    id: str = field(default_factory=lambda: f"msg_{next(_numbers):04}")

    @property
    def sums(self) -> Sums:
        return Sums(1, self.input, self.output, self.cache_read, self.cache_write)


Script = Callable[[Mapping[str, Any]], Say | Answer]


def say(*blocks: str | dict[str, Any], **more: Any) -> Say:
    return Say(blocks or ("pong",), **more)


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    """A block that calls a tool."""
    return {"type": "tool_use", "id": f"toolu_{next(_numbers):04}", "name": tool, "input": arguments}


def failure(status: int, message: str = "no") -> Answer:
    return Answer(status, json.dumps({"type": "error", "error": {"type": "api_error", "message": message}}).encode())


def tool_results(body: Mapping[str, Any]) -> int:
    """How many tools have answered in this conversation."""
    contents = [message["content"] for message in body["messages"]]
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    return sum(block.get("type") == "tool_result" for block in blocks)


class ScriptedServer(EmbeddedBackend):
    """Answers a request's body with what `script` says; `sent` is what was told to its end, by the model asked for."""

    def __init__(self, script: Script, models: tuple[str, ...] = ("m-main", "m-sub", "m-small")) -> None:
        super().__init__(models=tuple(Model(name, 200_000) for name in models))
        self._script = script
        self._sent_lock = threading.Lock()
        self.sent: dict[str, Sums] = {}

    def respond(self, request: Request, problem: str | None) -> Answer | Stream:
        if request.method != "POST" or request.route != "/v1/messages":
            return super().respond(request, problem)
        said = self._script(request.body)
        return said if isinstance(said, Answer) else self._tell(said, request.body["model"])

    def _tell(self, said: Say, model: str) -> Stream:
        usage = {"input_tokens": said.input, "output_tokens": 1}
        usage |= {"cache_read_input_tokens": said.cache_read, "cache_creation_input_tokens": said.cache_write}
        message: dict[str, Any] = {"id": said.id, "type": "message", "role": "assistant", "content": [], "usage": usage}
        message |= {"model": said.model or model, "stop_reason": None, "stop_sequence": None}
        yield _event("message_start", message=message)
        for index, block in enumerate(said.blocks):
            if index == said.stops_after:
                raise ConnectionResetError
            for kind, fields in _block(block):
                yield _event(kind, index=index, **fields)
            time.sleep(said.pause)
        calls = any(isinstance(block, dict) and block["type"] == "tool_use" for block in said.blocks)
        delta = {"stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None}
        with self._sent_lock:
            self.sent[model] = self.sent.get(model, Sums()).plus(*said.sums)
        yield _event("message_delta", delta=delta, usage={"output_tokens": said.output})
        yield _event("message_stop")


def _block(block: str | dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(block, str):
        yield "content_block_start", {"content_block": {"type": "text", "text": ""}}
        yield "content_block_delta", {"delta": {"type": "text_delta", "text": block}}
    elif block["type"] == "thinking":
        yield "content_block_start", {"content_block": {"type": "thinking", "thinking": "", "signature": ""}}
        yield "content_block_delta", {"delta": {"type": "thinking_delta", "thinking": block["thinking"]}}
        if signature := block.get("signature"):
            yield "content_block_delta", {"delta": {"type": "signature_delta", "signature": signature}}
    elif block["type"] != "tool_use":
        yield "content_block_start", {"content_block": block}
    else:
        yield "content_block_start", {"content_block": {**block, "input": {}}}
        arguments = json.dumps(block["input"])
        yield "content_block_delta", {"delta": {"type": "input_json_delta", "partial_json": arguments}}
    yield "content_block_stop", {}


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
