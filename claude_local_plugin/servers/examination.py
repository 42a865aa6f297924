"""What only real requests can tell about a server: a few small ones, each kept with what was sent and what came back.

`planned()` says what `examine()` will send; it judges nothing beyond what it saw: whoever reads a DeepFacts decides how
bad that is.
"""

import asyncio
import contextlib
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from claude_local_plugin.servers import kinds
from claude_local_plugin.servers.messages import COUNT_TOKENS, MESSAGES, NO_HEADERS, Client, Reply, conversation, run
from claude_local_plugin.servers.metrics import Metrics, not_comparable, reused
from claude_local_plugin.servers.pictures import LARGER, PIXEL, refuses, with_picture
from claude_local_plugin.servers.tool_parsers import call_format


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request of the examination and its answer.

    `name` is the step's stable name (see `planned()`), `sent` one line that says what was sent, `body` the request as
    it went out except that long texts are shortened, `reply` what came back.
    """

    name: str
    sent: str
    path: str
    body: Mapping[str, Any] = field(repr=False)
    reply: Reply

    @property
    def accepted(self) -> bool:
        """Whether the server took the request and answered it in full."""
        return self.reply.ok

    @property
    def refusal(self) -> str | None:
        """What the server (or the connection) said instead of answering; None if it answered."""
        return None if self.reply.error is None else self.reply.error.message

    @property
    def lost(self) -> bool:
        """Whether it never came to a model, so that nothing is known of what the server thinks of it."""
        return not self.accepted and (self.reply.status is None or _never_arrived(self.reply))


class ToolVerdict(StrEnum):
    """What became of the tool call that the model was asked for."""

    PARSED = "parsed"  #: a tool_use block with the right name, arguments and types
    WRONG_TYPES = "wrong-types"  #: a tool_use block, but an argument is not of its schema's type (`mismatches`)
    WRONG_CALL = "wrong-call"  #: a tool_use block for another tool, or one that lacks a required argument
    NO_PARSER = "no-parser"  #: refused: the server was started without a tool-call parser
    PROSE = "prose"  #: the call came back as text, unparsed (`call_format` says in whose format)
    SWALLOWED = "swallowed"  #: tokens were made, no call and no text arrived: the silent failure
    THINKING_ONLY = "thinking-only"  #: all of it arrived as thinking: the other silent failure
    NOT_CALLED = "not-called"  #: an ordinary text: the model did not want to call
    CUT = "cut"  #: the answer ended at max_tokens before the call was whole
    REFUSED = "refused"  #: the server refused the request for another reason (`offered.refusal`)
    NO_ANSWER = "no-answer"  #: no HTTP answer, a broken stream, or not in time


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One argument of a tool call that is not of the type its schema asks for: JSON type names and the value seen."""

    argument: str
    expected: str
    seen: str
    value: Any


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """A tool-use round trip as Claude Code makes it: tools offered (streamed, no tool_choice), result given back.

    `offered` is asked streamed, as Claude Code does; `whole` is the same question not streamed, asked only if the
    streamed call was not PARSED (some parsers fail in one of the two ways). `result` gives one tool_result back,
    `parallel` two results for two calls in one turn; both None if nothing was answered to `offered`.

    `call_format` is the tool parser whose format the unparsed call is written in ("hermes", "qwen3_coder", ...), None
    if none was recognised. `parser_set` says whether /metrics knows of a tool-call parser (vLLM 0.32 names the
    parser's counter only if one is set); None if that cannot be told. `parsed_calls` and `unparsed_answers` are how
    much the parser's own counters (outcome tool_call; all others) grew meanwhile, None without such counters.
    """

    verdict: ToolVerdict
    offered: Exchange
    whole: Exchange | None = None
    whole_verdict: ToolVerdict | None = None
    mismatches: tuple[Mismatch, ...] = ()
    call_format: str | None = None
    parser_set: bool | None = None
    parsed_calls: int | None = None
    unparsed_answers: int | None = None
    result: Exchange | None = None
    parallel: Exchange | None = None


@dataclass(frozen=True, slots=True)
class ThinkingFacts:
    """How the server deals with thinking.

    `adaptive` is what Claude Code 2.1.329 sends for a name of your own (`{"type": "adaptive"}` and an effort),
    `enabled` what it sends for the names that get a budget (None: this is not one of them, so it was not tried).
    `reasoning_parser_set` is False when the server says that it has none or leaves thinking in the text, True when it
    gave thinking blocks back, None where neither can be told.
    `leaked` says that `<think>` or `</think>` stood in an answer's text; `never_ends` that a plain answer arrived as
    thinking only although it had ended: the reasoning parser waits for a `</think>` that the model does not write.
    """

    adaptive: Exchange
    enabled: Exchange | None
    reasoning_parser_set: bool | None
    leaked: bool
    never_ends: bool


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Whether the server takes a picture: a PNG of one pixel and, if that was refused, one of 64 by 64.

    Some models take no picture that is smaller than their patches, so that only both refusals together say something.
    Claude Code sends a picture whenever it reads one, and then again with every later request of that session.
    """

    pixel: Exchange
    larger: Exchange | None = None

    @property
    def refusal(self) -> str | None:
        """What the server said of pictures, both of which it refused; None where it took one, or said other things."""
        if self.larger is None or not (refuses(self.pixel.reply) and refuses(self.larger.reply)):
            return None
        return self.larger.refusal


class SearchVerdict(StrEnum):
    """What became of the web search that was asked for."""

    SEARCHED = "searched"  #: the server ran the tool, and says so
    MADE_UP = "made-up"  #: it took the request and searched nothing: a session gets the model's words for results
    REFUSED = "refused"  #: it does not take the tool
    UNKNOWN = "unknown"  #: the answer was cut, or something else failed


@dataclass(frozen=True, slots=True)
class SearchFacts:
    """Whether the web search of Anthropic's API works, which WebSearch leaves to the server.

    The tool has no input_schema, and some servers refuse it for that; others take it for no tool at all.
    """

    verdict: SearchVerdict
    exchange: Exchange


class CacheVerdict(StrEnum):
    """What a repeated prompt shows of the prefix cache."""

    HIT = "hit"  #: the server says that it reused at least half of the repeated prompt
    FASTER = "faster"  #: it does not say, but the first token came in less than half the time
    MISS = "miss"  #: the server says that it reused next to nothing
    PARTIAL = "partial"  #: it reused something, but less than half
    UNKNOWN = "unknown"  #: it does not say, and the times do not tell
    NO_ANSWER = "no-answer"  #: one of the requests failed


@dataclass(frozen=True, slots=True)
class Reuse:
    """How much of a prompt was computed before, by the server's own counters.

    `tokens` of `of` tokens were reused. `source` is "metrics" (counters of /metrics before and after, so other people's
    requests at the same time count too) or "usage" (the answer's cache_read_input_tokens).
    """

    tokens: int
    of: int
    source: str

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.tokens / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True)
class CacheFacts:
    """One long prompt sent three times, the last two the same but for its last words; TTFTs are the replies' own.

    `cold` is a prompt the server has never seen, `again` the same one, `next_turn` the same with an answer and a new
    question after it, as the next turn of a conversation is. `reuse` belongs to `again`, `next_reuse` to `next_turn`.
    """

    verdict: CacheVerdict
    cold: Exchange
    again: Exchange
    next_turn: Exchange
    reuse: Reuse | None = None
    next_reuse: Reuse | None = None


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """How much of the prompt a session in another folder can reuse: four requests in the shape of Claude Code's own.

    Claude Code 2.1.329 names its memory folder, which has the project's path in it, near the start of the system
    prompt and before the tools; CLAUDE_CODE_DISABLE_AUTO_MEMORY=1 takes it out (and with it the memory across
    sessions). `with_memory` is the reuse by a second folder as things are, `without_memory` with that variable; None
    where the server does not tell reuse.
    """

    with_memory: Reuse | None
    without_memory: Reuse | None
    exchanges: tuple[Exchange, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class CountFacts:
    """`count_tokens` against the `usage` of the very same prompt; `counted` is None if the server does not count."""

    exchange: Exchange
    counted: int | None
    used: int | None


@dataclass(frozen=True, slots=True)
class DeepFacts:
    """Everything `examine()` saw of one model of one server.

    `plain` is the first request of all (not streamed), `streamed` the same question streamed: its reply has TTFT and
    gaps. `inline_system` ends in a system message after the user's, as Claude Code sends for names of your own.
    `unknown_fields` carries the fields that Claude Code sends beside the ones of the public API, `web_search` the
    search that its WebSearch asks of the server. `metrics_before` and
    `metrics_after` are None where there is no /metrics. If `plain` was not answered, everything after it is None.
    `not_comparable` says why nothing was read from the difference of two readings of it, where that is so.
    `exchanges` are all requests in the order they were sent; `seconds` is what the whole took.
    """

    url: str
    model: str
    kind: str
    root: str | None
    plain: Exchange
    streamed: Exchange | None = None
    tools: ToolFacts | None = None
    inline_system: Exchange | None = None
    thinking: ThinkingFacts | None = None
    unknown_fields: Exchange | None = None
    images: ImageFacts | None = None
    web_search: SearchFacts | None = None
    count: CountFacts | None = None
    cache: CacheFacts | None = None
    folders: FolderFacts | None = None
    metrics_before: Metrics | None = None
    metrics_after: Metrics | None = None
    not_comparable: str | None = None
    exchanges: tuple[Exchange, ...] = field(default=(), repr=False)
    seconds: float = 0.0

    @property
    def silent(self) -> tuple[Exchange, ...]:
        """The answers that ended well and show nothing: what Claude Code passes over without an error.

        Long prompts, pictures and tools of others are not asked for an answer worth showing, so they do not count.
        """
        asked = (
            each
            for each in self.exchanges
            if not each.name.startswith(("cache-", "folder-", "count-", "image-", "web-"))
        )
        return tuple(exchange for exchange in asked if exchange.reply.shows_nothing)

    @property
    def requests(self) -> int:
        """How many requests were sent that made the model run or count."""
        return len(self.exchanges)

    @property
    def ttft(self) -> float | None:
        """Seconds to the first token of a short prompt, streamed."""
        return None if self.streamed is None else self.streamed.reply.ttft


@dataclass(frozen=True, slots=True)
class Planned:
    """One request that an examination sends: its stable name, what it is for, and about how many tokens it prompts."""

    name: str
    purpose: str
    about_tokens: int = 60


#: Told of each step as it begins: its number (from 1), how many there are at most, and its purpose.
Progress = Callable[[int, int, str], None]

#: The long prompts' length in tokens, roughly: enough for several cache blocks, little enough for a slow machine.
LONG = 3000

_PLAN = (
    Planned("plain", "a message"),
    Planned("streamed", "a streamed message"),
    Planned("tool-offered", "a tool call, streamed", 350),
    Planned("tool-whole", "a tool call, not streamed", 350),
    Planned("tool-result", "a tool's result", 400),
    Planned("tool-parallel", "two tool results in one turn", 450),
    Planned("inline-system", "a system message inside the conversation"),
    Planned("thinking-adaptive", "thinking, as sent for a model of your own"),
    Planned("thinking-enabled", "thinking with a budget, as sent for this name"),
    Planned("unknown-fields", "fields that only Claude Code sends"),
    Planned("image-pixel", "a picture of one pixel"),
    Planned("image-larger", "a picture of 64 by 64 pixels", 200),
    Planned("web-search", "the web search of Anthropic's own API"),
    Planned("count-tokens", "counting a prompt's tokens"),
    Planned("cache-cold", "a long prompt, new", LONG),
    Planned("cache-again", "the same long prompt again", LONG),
    Planned("cache-next-turn", "the next turn after it", LONG + 100),
    Planned("folder-a", "a prompt as in one folder", LONG),
    Planned("folder-b", "the same as in another folder", LONG),
    Planned("folder-a-no-memory", "without the memory folder", LONG),
    Planned("folder-b-no-memory", "the same as in another folder", LONG),
)


def planned(*, budget: bool = False) -> tuple[Planned, ...]:
    """Everything that an examination sends at most, in its order; `len()` of it is the number to announce.

    `budget`: the name is one that Claude Code asks to think with a budget (`gets_budget`).
    """
    return tuple(step for step in _PLAN if budget or step.name != "thinking-enabled")


def gets_budget(name: str) -> bool:
    """Whether Claude Code asks this name to think with a budget (observed on 2.1.329): Claude 4 up to 4.5, by the name.

    Newer ones and names of your own get adaptive thinking, older ones none.
    """
    return re.search(r"claude-[a-z]+-4(-[0-5])?(?![.\d])(?!-[6-9](?!\d))", name.lower()) is not None


def examine(
    url: str,
    model: str,
    *,
    token: str | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
    kind: str = "unknown",
    root: str | None = None,
    progress: Progress | None = None,
    timeout: float = 120.0,
    quiet: float | None = None,
) -> DeepFacts:
    """Send the planned requests one after the other and return what was seen.

    `url`, `token` and `headers` as for `identify`; `model` is the served name, `root` what it stands for if known,
    `kind` the recognised server. `timeout` (seconds) bounds each single request; after five times that, and after two
    answers that had to be given up, no further one is sent, and what was not asked is None. `quiet` is how long a
    stream may go on without content. Whatever the server does is in the facts; raises UsageError only for a URL or
    token that cannot be used.
    """
    began = time.monotonic()

    async def work(client: Client) -> DeepFacts:
        return await _Examination(client, model, kind, root, progress, began + 5 * timeout).facts()

    seen = run(work, url, token=token, headers=headers, timeout=timeout, quiet=QUIET_S if quiet is None else quiet)
    return replace(seen, seconds=time.monotonic() - began)


class _OutOfTimeError(Exception):
    """The whole has taken too long, or too many answers had to be given up."""


#: How long an answer's stream may go on without content: these prompts are short, and no session would wait longer.
QUIET_S = 30.0
#: After so many answers without an end no further one is asked for.
MOST_GIVEN_UP = 2


class _Examination:
    """One run of all requests, keeping what it has seen so far."""

    def __init__(
        self, client: Client, model: str, kind: str, root: str | None, progress: Progress | None, deadline: float
    ) -> None:
        self.client, self.model, self.kind, self.root = client, model, kind, root
        self.progress, self.deadline = progress, deadline
        self.nonce = secrets.token_hex(8)
        self.budget = gets_budget(model)
        self.doubt: str | None = None
        self.given_up = 0
        self.exchanges: list[Exchange] = []

    async def facts(self) -> DeepFacts:
        before, self.doubt = await self.client.steady()
        plain = await self.send("plain", "one short question, not streamed", self.body(_READY, max_tokens=512))
        found: dict[str, Any] = {"metrics_before": before}
        if plain.accepted:
            # the order of the plan; what one finds, the later ones may need
            with contextlib.suppress(_OutOfTimeError):
                found["streamed"] = await self.streamed()
                found["tools"] = await self.tools(plain, before)
                found["inline_system"] = await self.inline_system()
                found["thinking"] = await self.thinking()
                found["unknown_fields"] = await self.unknown_fields()
                found["images"] = await self.images()
                found["web_search"] = await self.web_search()
                found["count"] = await self.count(plain)
                found["cache"] = await self.cache()
                found["folders"] = await self.folders()
            found["metrics_after"] = await self.client.metrics()
        return DeepFacts(
            url=self.client.base.url,
            model=self.model,
            kind=self.kind,
            root=self.root,
            plain=plain,
            not_comparable=self.doubt,
            exchanges=tuple(self.exchanges),
            **found,
        )

    # --- the requests

    async def streamed(self) -> Exchange:
        body = self.body("Count from one to twenty in words.", max_tokens=256, stream=True)
        return await self.send("streamed", "one short question, streamed", body)

    async def tools(self, plain: Exchange, before: Metrics | None) -> ToolFacts:
        ask = {"tools": _TOOLS, "system": _AGENT}
        sent = f"two tools offered, and the request to call {_TOOL}"
        offered = await self.send("tool-offered", sent, self.body(_CALL, max_tokens=1024, stream=True, **ask))
        verdict = judge_call(offered.reply, plain.reply)
        found: dict[str, Any] = {"mismatches": mismatches(offered.reply)}
        with contextlib.suppress(_OutOfTimeError):  # what was seen of the call stays a fact
            if verdict is not ToolVerdict.PARSED:
                whole = self.body(_CALL, max_tokens=1024, **ask)
                found["whole"] = await self.send("tool-whole", f"{sent}, not streamed", whole)
                found["whole_verdict"] = judge_call(found["whole"].reply, plain.reply)
            found |= _parser_counters(before, await self.metrics())
            if offered.reply.ok:
                found["result"] = await self.result(offered.reply, ask)
                found["parallel"] = await self.parallel(ask)
        if verdict is ToolVerdict.NO_PARSER:
            found["parser_set"] = False
        replies = [exchange.reply for exchange in (offered, found.get("whole")) if exchange is not None]
        found["call_format"] = next(filter(None, (call_format(r.text or r.thinking) for r in replies)), None)
        return ToolFacts(verdict, offered, **found)

    async def result(self, reply: Reply, ask: Mapping[str, Any]) -> Exchange:
        """The call given back as it came, thinking and all, with its result; without a call, a call of our own."""
        content, call = _as_sent_back(reply)
        result = {"type": "tool_result", "tool_use_id": call, "content": [{"type": "text", "text": "recorded"}]}
        messages = [_user(_CALL), {"role": "assistant", "content": content}, {"role": "user", "content": [result]}]
        body = conversation(self.model, messages, max_tokens=512, **ask)
        return await self.send("tool-result", "the call and its tool_result", body)

    async def parallel(self, ask: Mapping[str, Any]) -> Exchange:
        calls = [_call(f"toolu_{number}", city) for number, city in enumerate(("Oslo", "Bergen"))]
        results = [
            {"type": "tool_result", "tool_use_id": "toolu_0", "content": "recorded"},
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "no such city", "is_error": True},
        ]
        messages = [
            _user("Record the weather of Oslo and of Bergen."),
            {"role": "assistant", "content": [{"type": "text", "text": "Both at once."}, *calls]},
            {"role": "user", "content": results},
        ]
        body = conversation(self.model, messages, max_tokens=512, **ask)
        return await self.send("tool-parallel", "two calls in one turn and both results, one of them an error", body)

    async def inline_system(self) -> Exchange:
        messages = [_user(_READY), {"role": "system", "content": "The user is in the folder /tmp/example."}]
        body = conversation(self.model, messages, max_tokens=512, system=_AGENT)
        return await self.send("inline-system", "a message of role system after the user's", body)

    async def thinking(self) -> ThinkingFacts:
        adaptive = await self.send(
            "thinking-adaptive",
            'thinking {"type": "adaptive"}, output_config {"effort": "high"}',
            self.body(_READY, max_tokens=1024, thinking={"type": "adaptive"}, output_config={"effort": "high"}),
        )
        enabled = None
        if self.budget:
            enabled = await self.send(
                "thinking-enabled",
                'thinking {"type": "enabled", "budget_tokens": 1024}',
                self.body(_READY, max_tokens=1536, thinking={"type": "enabled", "budget_tokens": 1024}),
            )
        replies = [exchange.reply for exchange in self.exchanges]
        plain = [e.reply for e in self.exchanges if e.name in ("plain", "streamed", "thinking-adaptive")]
        leaked = any(re.search(r"</?think>", reply.text) for reply in replies)
        return ThinkingFacts(
            adaptive,
            enabled,
            reasoning_parser_set=_reasoning_parser(enabled, replies, leaked=leaked),
            leaked=leaked,
            never_ends=any(reply.is_silent and reply.thinking for reply in plain),
        )

    async def unknown_fields(self) -> Exchange:
        edits = [{"type": "clear_thinking_20251015", "keep": "all"}]
        body = self.body(
            _READY,
            max_tokens=512,
            system=[{"type": "text", "text": _AGENT, "cache_control": {"type": "ephemeral"}}],
            context_management={"edits": edits},
            metadata={"user_id": "claude-local-doctor"},
            betas=["context-management-2025-06-27"],
        )
        return await self.send("unknown-fields", "context_management, metadata, betas, cache_control", body)

    async def images(self) -> ImageFacts:
        pixel = await self.send("image-pixel", "a PNG of one pixel", with_picture(self.model, PIXEL))
        if pixel.accepted:
            return ImageFacts(pixel)
        larger = None
        with contextlib.suppress(_OutOfTimeError):  # what was said of the first one stays a fact
            larger = await self.send("image-larger", "a PNG of 64 by 64 pixels", with_picture(self.model, LARGER))
        return ImageFacts(pixel, larger)

    async def web_search(self) -> SearchFacts:
        tools = [{"type": "web_search_20250305", "name": "web_search", "max_uses": 8}]
        body = self.body(
            "Perform a web search for the query: the weather in Oslo",
            max_tokens=1024,
            stream=True,
            system="Search once, then reply with a brief summary of the results.",
            tools=tools,
            tool_choice={"type": "auto"},
        )
        exchange = await self.send("web-search", "a search with web_search_20250305, as Claude Code 2.1.332 asks", body)
        return SearchFacts(judge_search(exchange), exchange)

    async def count(self, plain: Exchange) -> CountFacts:
        body = {name: value for name, value in self.body(_READY, max_tokens=512).items() if name != "max_tokens"}
        exchange = await self.send("count-tokens", "the first question, to be counted", body, path=COUNT_TOKENS)
        data = exchange.reply.data
        counted = data.get("input_tokens") if isinstance(data, dict) else None
        return CountFacts(exchange, counted if isinstance(counted, int) else None, plain.reply.usage.prompt)

    async def cache(self) -> CacheFacts:
        text = f"{self.nonce} {prose(LONG)}"
        first = self.body(f"{text}\n\n{_READY}", max_tokens=8, stream=True)
        later = [_user(f"{text}\n\n{_READY}"), {"role": "assistant", "content": "ready"}, _user("And now?")]
        cold = await self.send("cache-cold", f"a new prompt of about {LONG:,} tokens", first)
        again, reuse = await self.reusing("cache-again", "the same prompt again", first)
        body = conversation(self.model, later, max_tokens=8, stream=True)
        turn, next_reuse = await self.reusing("cache-next-turn", "the same, an answer, a new question", body)
        return CacheFacts(judge_cache(cold.reply, again.reply, reuse), cold, again, turn, reuse, next_reuse)

    async def folders(self) -> FolderFacts:
        exchanges: list[Exchange] = []
        shares: list[Reuse | None] = []
        for memory in (True, False):
            for folder in ("a", "b"):
                name = f"folder-{folder}" if memory else f"folder-{folder}-no-memory"
                sent = f"a prompt in Claude Code's shape, folder {folder}, {'with' if memory else 'without'} memory"
                body = self.like_claude_code(folder, memory=memory)
                exchange, reuse = await self.reusing(name, sent, body)
                exchanges.append(exchange)
                if folder == "b":
                    shares.append(reuse)
        return FolderFacts(shares[0], shares[1], tuple(exchanges))

    def like_claude_code(self, folder: str, *, memory: bool) -> dict[str, Any]:
        """A prompt with the proportions of Claude Code 2.1.329's: the memory folder's name comes after 766 of 11,607
        tokens, the folder itself after 80 % of them (after the system prompt and the tools).
        """
        head = f"{self.nonce}{memory:d} You are an agent. {prose(LONG // 15)}"
        note = f"Your memory is in /home/user/.claude/projects/-tmp-{folder * 8}/memory/. " if memory else ""
        tail = f"The working folder is /tmp/{folder * 8}. {prose(LONG // 5)}"
        return conversation(
            self.model,
            [_user(f"{tail}\n\n{_READY}")],
            max_tokens=8,
            stream=True,
            system=f"{head} {note}{prose(LONG * 11 // 15)}",
        )

    # --- how they are sent

    def body(self, text: str, *, max_tokens: int, **more: Any) -> dict[str, Any]:
        return conversation(self.model, [_user(text)], max_tokens=max_tokens, **more)

    async def send(self, name: str, sent: str, body: Mapping[str, Any], *, path: str = MESSAGES) -> Exchange:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise _OutOfTimeError
        if self.progress is not None:
            plan = planned(budget=self.budget)
            number, step = next((n, step) for n, step in enumerate(plan, start=1) if step.name == name)
            self.progress(number, len(plan), step.purpose)
        if self.given_up >= MOST_GIVEN_UP:
            raise _OutOfTimeError
        reply = await self.client.send(body, path=path, timeout=min(left, self.client.timeout))
        self.given_up += int(reply.error is not None and reply.error.kind in ("timeout", "silent"))
        exchange = Exchange(name, sent, path, _shortened(body), reply)
        self.exchanges.append(exchange)
        return exchange

    async def reusing(self, name: str, sent: str, body: Mapping[str, Any]) -> tuple[Exchange, Reuse | None]:
        """A request, and how much of its prompt the server had computed before."""
        before = await self.metrics()
        exchange = await self.send(name, sent, body)
        if not exchange.reply.ok:
            return exchange, None
        after = None
        if before is not None:
            # twice, since the second look may land elsewhere though the first did not
            after, self.doubt = await self.client.steady(looks=2)
            self.doubt = self.doubt or (not_comparable(before, after) if after is not None else None)
        for _ in range(5):  # the counters may follow a moment later
            if before is None or after is None or after.prefix_queries != before.prefix_queries:
                break
            await asyncio.sleep(0.1)
            after = await self.metrics()
        comparable = (None, None) if self.doubt else (before, after)
        return exchange, _reuse(*comparable, exchange.reply, self.kind)

    async def metrics(self) -> Metrics | None:
        """What /metrics says; None, too, where its readings do not belong together."""
        return None if self.doubt else await self.client.metrics()


# --- what is said

_AGENT = "You are a careful agent. Do exactly what the user asks, in as few words as possible."
_READY = "Answer with the single word: ready"
_TOOL = "record_weather"
_CALL = (
    f"Call the tool {_TOOL} once: city Oslo, days 3, hourly true, tags wind and rain. Write nothing besides the call."
)
_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "Name of the city"},
        "days": {"type": "integer", "description": "How many days"},
        "hourly": {"type": "boolean", "description": "Whether to record every hour"},
        "tags": {"type": "array", "items": {"type": "string"}, "description": "Free words"},
    },
    "required": ["city", "days", "hourly", "tags"],
}
_TOOLS = [
    {"name": _TOOL, "description": "Records the weather of a city for some days.", "input_schema": _SCHEMA},
    {
        "name": "read_file",
        "description": "Reads a file.",
        "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    },
]
_WORDS = (
    *("river", "stone", "copper", "window", "garden", "letter", "winter", "engine", "paper", "bridge", "silver"),
    *("market", "forest", "signal", "harbour", "candle", "mirror", "meadow", "number", "island", "thread", "wagon"),
)


def prose(tokens: int) -> str:
    """About this many tokens of text without sense, the same every time, that no two places of repeat."""
    return " ".join(f"{_WORDS[n % len(_WORDS)]} {_WORDS[n * 7 % 19]} {n}" for n in range(max(1, tokens // 5)))


def _user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def _call(call: str, city: str) -> dict[str, Any]:
    given = {"city": city, "days": 3, "hourly": True, "tags": ["wind", "rain"]}
    return {"type": "tool_use", "id": call, "name": _TOOL, "input": given}


def _as_sent_back(reply: Reply) -> tuple[list[dict[str, Any]], str]:
    """An answer's blocks as the next request repeats them, and the id of the call in them."""
    content: list[dict[str, Any]] = []
    called = None
    for block in reply.blocks:
        if block.type == "thinking" and block.text:
            content.append({"type": "thinking", "thinking": block.text, "signature": "claude-local"})
        elif block.type == "text" and block.text:
            content.append({"type": "text", "text": block.text})
        elif block.type == "tool_use" and isinstance(block.input, dict) and called is None:
            called = block.id or "toolu_0"
            content.append({"type": "tool_use", "id": called, "name": block.name or _TOOL, "input": block.input})
    if called is None:
        called = "toolu_0"
        content.append(_call(called, "Oslo"))
    return content, called


def _shortened(value: Any) -> Any:
    """The request with its long texts cut, for a report."""
    if isinstance(value, str):
        return value if len(value) <= 300 else f"{value[:120]}… ({len(value):,} characters)"
    if isinstance(value, Mapping):
        return {name: _shortened(inner) for name, inner in value.items()}
    return [_shortened(inner) for inner in value] if isinstance(value, list) else value


# --- what it shows

_NO_PARSER = re.compile(r"enable-auto-tool-choice|tool-call-parser|--jinja", re.IGNORECASE)
_NO_REASONING_PARSER = re.compile(r"reasoning_config|reasoning.parser", re.IGNORECASE)
#: As LiteLLM 1.110.2 and vllm-router 0.1.17 say it, and what their HTTP libraries call it.
_UNREACHED = re.compile(
    r"cannot connect to host|connection (error|refused|reset|closed)|connect call failed|all connection attempts failed"
    r"|error sending request|no deployments available|no (healthy|available) (workers?|deployments?)",
    re.IGNORECASE,
)
_THOUGHT = re.compile(r"<think>.*?(</think>|$)|^.*?</think>", re.DOTALL)
_JSON_TYPES: Mapping[str, type] = {"string": str, "integer": int, "boolean": bool, "array": list}
#: Fewer characters than this for each token of an answer, and part of it did not arrive.
LEAST_CHARACTERS_PER_TOKEN = 1.2


def judge_call(reply: Reply, plain: Reply) -> ToolVerdict:
    """What became of the call that was asked for; `plain` is the same model's answer to a question without tools."""
    if not reply.ok:
        if reply.status is None or (reply.status == 200 and reply.error is not None and not reply.streamed):
            return ToolVerdict.NO_ANSWER
        message = reply.error.message if reply.error else ""
        if _NO_PARSER.search(message):
            return ToolVerdict.NO_PARSER
        broken = reply.error is not None and reply.error.kind in ("timeout", "silent", "broken", "too-large")
        return ToolVerdict.NO_ANSWER if broken else ToolVerdict.REFUSED
    if reply.tool_uses:
        call = next((block for block in reply.tool_uses if block.name == _TOOL), None)
        if call is None or not isinstance(call.input, dict) or set(_SCHEMA["required"]) - set(call.input):
            return ToolVerdict.CUT if reply.stop_reason == "max_tokens" else ToolVerdict.WRONG_CALL
        return ToolVerdict.WRONG_TYPES if mismatches(reply) else ToolVerdict.PARSED
    return _judge_no_call(reply, plain)


def _judge_no_call(reply: Reply, plain: Reply) -> ToolVerdict:
    visible = _THOUGHT.sub("", reply.text).strip()
    if call_format(visible or reply.text):
        return ToolVerdict.PROSE
    if reply.stop_reason == "max_tokens":
        return ToolVerdict.CUT
    if not visible and reply.thinking and (call_format(reply.thinking) or (plain.is_silent and plain.thinking)):
        return ToolVerdict.THINKING_ONLY
    arrived = len(reply.text) + len(reply.thinking)
    if not visible or arrived < LEAST_CHARACTERS_PER_TOKEN * (reply.usage.output or 0):
        return ToolVerdict.SWALLOWED
    return ToolVerdict.NOT_CALLED


#: The blocks that Anthropic's API and gateways with a search of their own answer a search with.
_SEARCHED = ("server_tool_use", "web_search_tool_result")


def judge_search(exchange: Exchange) -> SearchVerdict:
    """What became of a search that the server was asked for."""
    reply = exchange.reply
    if any(block.type in _SEARCHED for block in reply.blocks):
        return SearchVerdict.SEARCHED
    if reply.ok:
        return SearchVerdict.UNKNOWN if reply.stop_reason == "max_tokens" else SearchVerdict.MADE_UP
    refused = reply.status is not None and reply.status >= 400 and reply.status not in (401, 403, 404, 408, 429)
    return SearchVerdict.REFUSED if refused and not exchange.lost else SearchVerdict.UNKNOWN


def _never_arrived(reply: Reply) -> bool:
    """Whether a gateway says that it reached nobody: its words, for some call that 500 and some 503."""
    if reply.status in (502, 503, 504, 529):
        return True
    said = reply.error.message if reply.error else ""
    return (reply.status == 429 or (reply.status or 0) >= 500) and _UNREACHED.search(said) is not None


def mismatches(reply: Reply) -> tuple[Mismatch, ...]:
    """The arguments of the call that are not of their schema's type."""
    call = next((block for block in reply.tool_uses if block.name == _TOOL), None)
    if call is None or not isinstance(call.input, dict):
        return ()
    found = []
    for name, schema in _SCHEMA["properties"].items():
        if name in call.input and type(call.input[name]) is not _JSON_TYPES[schema["type"]]:
            found.append(Mismatch(name, schema["type"], _json_type(call.input[name]), call.input[name]))
    return tuple(found)


def _json_type(value: object) -> str:
    names = {str: "string", int: "integer", float: "number", bool: "boolean", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _counts_tool_calls(kind: str) -> bool:
    known = kinds.of(kind).metrics
    return known is not None and bool(known.tool_parser)


def _parser_counters(before: Metrics | None, after: Metrics | None) -> dict[str, Any]:
    if after is None or not _counts_tool_calls(after.dialect):
        return {}
    if after.tool_parser is None:
        # an older vLLM has no such counter at all, so its absence tells only where it is known to exist
        return {"parser_set": None}
    if before is not None and not_comparable(before, after):
        return {"parser_set": True}
    earlier = before.tool_parser if before is not None and before.tool_parser is not None else {}
    risen = {outcome: count - earlier.get(outcome, 0.0) for outcome, count in after.tool_parser.items()}
    parsed = risen.pop("tool_call", 0.0)
    return {"parser_set": True, "parsed_calls": int(parsed), "unparsed_answers": int(sum(risen.values()))}


def _reasoning_parser(enabled: Exchange | None, replies: Iterable[Reply], *, leaked: bool) -> bool | None:
    if enabled is not None and enabled.refusal is not None and _NO_REASONING_PARSER.search(enabled.refusal):
        return False
    if any(reply.thinking for reply in replies):
        return True
    return False if leaked else None


def judge_cache(cold: Reply, again: Reply, reuse: Reuse | None) -> CacheVerdict:
    """What a prompt and its repetition show of the prefix cache."""
    if not cold.ok or not again.ok:
        return CacheVerdict.NO_ANSWER
    if reuse is not None:
        if reuse.share >= 0.5:
            return CacheVerdict.HIT
        return CacheVerdict.MISS if reuse.share < 0.05 else CacheVerdict.PARTIAL
    if cold.ttft is None or again.ttft is None:
        return CacheVerdict.UNKNOWN
    return CacheVerdict.FASTER if again.ttft < cold.ttft / 2 else CacheVerdict.UNKNOWN


def _reuse(before: Metrics | None, after: Metrics | None, reply: Reply, kind: str) -> Reuse | None:
    prompt = reply.usage.prompt
    if after is not None and after.prefix_caching is False:
        return Reuse(0, prompt or 0, "metrics")
    if (counted := reused(before, after, prompt or LONG)) is not None:
        return Reuse(*counted, "metrics")
    from_cache = reply.usage.cache_read
    if from_cache is None or not prompt or (from_cache == 0 and kinds.of(kind).quirks.silent_zero):
        return None
    return Reuse(from_cache, prompt, "usage")
