"""What became of a trial, read from what the client printed (`--output-format stream-json`) and the check's verdict.

Pure functions over recorded streams. Why a trial failed is told by the first of the reasons below that holds: what
ended the session comes before what the model did in it, and that before what is wrong with the result.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from statistics import median
from typing import Any, Literal

from claude_local_plugin.evaluation.checking import Verdict
from claude_local_plugin.text import printable

Ended = Literal["itself", "time", "tokens", "harness"]

#: A call that is made as often as this, with the same arguments, one after another, goes nowhere.
LOOP = 4
#: The tools that change a file.
EDITS = ("Edit", "Write", "MultiEdit", "NotebookEdit")


@dataclass(frozen=True, slots=True)
class Failure:
    """A way to fail: what people call it, when a trial has failed so, and what mends it.

    `check` is the check of `claude-local doctor --deep` that looks for its cause; None where no setting is.
    """

    kind: str
    words: str
    when: str
    mend: str
    check: str | None = None


FAILURES = {
    each.kind: each
    for each in (
        Failure(
            "server-error",
            "server error",
            "the server refused or failed a request, or went away",
            "the server's own log says why it failed",
            "server.messages",
        ),
        Failure(
            "window",
            "window",
            "the conversation outgrew the window",
            "a longer window: --max-model-len of vLLM, -c of llama.cpp",
            "model.window",
        ),
        Failure("time", "time", "the task's minutes were over", "a faster server, or a smaller model", "server.speed"),
        Failure(
            "tokens",
            "token limit",
            "the task's tokens were used up",
            "a model that says less, or the task's own limit",
            "model.output",
        ),
        Failure(
            "not-parsed",
            "tool call not parsed",
            "a tool call came as text",
            "the tool-call parser of the model's family: --tool-call-parser of vLLM, --jinja of llama.cpp",
            "model.tool-calls",
        ),
        Failure(
            "empty-answer",
            "empty answer",
            "the last answer showed nothing",
            "the parsers of the model's family",
            "model.empty-answer",
        ),
        Failure(
            "malformed",
            "malformed arguments",
            "the last call's arguments were refused, or most calls' until a limit",
            "another parser of the same family, mostly qwen3_coder or qwen3_xml",
            "model.tool-types",
        ),
        Failure(
            "loop",
            "loop",
            "the same call was made four times or more in a row",
            "less quantisation, the model's own sampling settings, or another model",
        ),
        Failure(
            "turns", "turn ceiling", "the task's turns were over", "another model, or more turns in the task's limits"
        ),
        Failure(
            "refused-edit",
            "refused edit",
            "the last edit was refused: a text that is not in the file, say",
            "a model that repeats a file's text exactly: less quantisation",
        ),
        Failure(
            "no-change",
            "no change",
            "the repository is as it was given",
            "a model that acts: the full system prompt may help: --system-prompt full",
        ),
        Failure("wrong-result", "wrong result", "the check refuses the result", "another model, or less quantisation"),
    )
}

#: How models write their calls where no parser takes them out of the text.
_CALL_AS_TEXT = re.compile(
    r"<tool_call>|<function=|<\|tool_calls?[^|]*\|>|\[TOOL_CALLS\]|<｜tool▁calls?|<invoke name=|<\|python_tag\|>"
    r"|<minimax:tool_call>|<longcat_tool_call>|to=functions\."
    r'|\{\s*"(?:name|function)"\s*:\s*"\w+"\s*,\s*"(?:arguments|parameters)"\s*:'
)
_WINDOW = re.compile(
    r"prompt is too long|context (?:length|size|window)|maximum (?:model |context )?length|too many tokens"
    r"|exceed\w* (?:the )?(?:available )?(?:context|maximum)|input length|n_ctx",
    re.IGNORECASE,
)
#: What a tool says where nothing can be written any more, which is no model's fault.
_NO_ROOM = re.compile(r"ENOSPC|No space left on device")
#: What stands before the reasons for which a call's arguments are refused.
_HEAD = re.compile(r"^InputValidationError: \w+ failed due to the following issues?:\s+")
_MALFORMED = re.compile(r"InputValidationError|could not be parsed as JSON|No such tool available")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool: its arguments as text, and the error that it was answered with, "" for none."""

    tool: str
    arguments: str
    error: str | None = None

    @property
    def valid(self) -> bool:
        """Whether the client took it: the tool may have failed, but its name and arguments were right."""
        return self.error is None or _MALFORMED.search(self.error) is None


@dataclass(frozen=True, slots=True)
class Session:
    """What a client did, as far as its stream goes: one that was ended early has no result."""

    client: str = ""
    model: str = ""
    turns: int = 0
    calls: tuple[Call, ...] = ()
    texts: tuple[str, ...] = ()
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    ttft_ms: float | None = None
    tokens_per_second: float | None = None
    #: Times that the client summarised the conversation because it had become too long.
    compactions: int = 0
    #: The result as the client names it; "" without one.
    subtype: str = ""
    failed: bool = False
    status: int | None = None
    said: str = ""
    cost: float | None = None

    @property
    def tokens(self) -> int:
        """What it read and wrote in all."""
        return self.tokens_in + self.tokens_cached + self.tokens_out

    @property
    def answered(self) -> bool:
        """Whether the client has ended its turn by itself."""
        return bool(self.subtype)


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens cost the user."""

    input: float
    output: float
    cached: float

    def cost(self, session: Session) -> float:
        """What the session cost."""
        whole = session.tokens_in * self.input + session.tokens_cached * self.cached + session.tokens_out * self.output
        return whole / 1_000_000


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial that has ended. `passed` is None where nothing follows for the model: harness or check broke."""

    task: str
    kind: str
    repeat: int
    passed: bool | None
    failure: str | None = None
    reason: str = ""
    turns: int = 0
    calls: int = 0
    valid_calls: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    ttft_ms: float | None = None
    tokens_per_second: float | None = None
    compactions: int = 0
    #: By the clock: the client's own, and what the harness took beside it.
    seconds: float = 0.0
    overhead: float = 0.0
    cost: float | None = None
    client: str = ""
    model: str = ""
    exit_code: int | None = None
    said: str = ""

    def to_json(self) -> dict[str, Any]:
        """A line of a results file."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Trial":
        """The trial of a line; what a later version writes beside it is left out."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in said.items() if name in known})


# --- reading


def events(lines: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """The events of a stream; a line that was cut off in the middle is none."""
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def read(stream: Iterable[Mapping[str, Any]]) -> Session:
    """What a client did."""
    found = Reader()
    for event in stream:
        found.add(event)
    return found.session()


class Reader:
    """Takes the events of a stream as they come."""

    def __init__(self) -> None:
        self._client, self._model, self._compactions = "", "", 0
        self._messages: set[str] = set()
        self._calls: dict[str, Call] = {}
        self._texts: list[str] = []
        self._waits: list[float] = []
        self._usage: dict[str, Mapping[str, Any]] = {}
        self._result: Mapping[str, Any] = {}
        self._now = ""

    def add(self, event: Mapping[str, Any]) -> None:
        """Take one more."""
        kind = event.get("type")
        if kind == "system":
            self._client = str(event.get("claude_code_version") or self._client)
            self._compactions += event.get("subtype") == "compact_boundary"
        elif kind == "stream_event":
            self._streamed(event, event.get("event") or {})
        elif kind == "assistant":
            self._says(event.get("message") or {})
        elif kind == "user":
            self._answers(event.get("message") or {})
        elif kind == "result":
            self._result = event

    def _streamed(self, whole: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        if event.get("type") == "message_start":
            self._now = str((event.get("message") or {}).get("id"))
            self._counted((event.get("message") or {}).get("usage"))
            if isinstance(wait := whole.get("ttft_ms"), int | float):
                self._waits.append(float(wait))
        elif event.get("type") == "content_block_delta":
            # a token or more; how many they were is said at the end alone, which some answers never come to
            before = self._usage.get(self._now, {})
            self._usage[self._now] = {**before, "output_tokens": before.get("output_tokens", 0) + 1}
        elif event.get("type") == "message_delta":
            self._counted(event.get("usage"))

    def _counted(self, usage: Any) -> None:
        if isinstance(usage, dict):
            before = self._usage.get(self._now, {})
            self._usage[self._now] = {**before, **{name: n for name, n in usage.items() if isinstance(n, int)}}

    def _says(self, message: Mapping[str, Any]) -> None:
        if message.get("model") == "<synthetic>":  # the client's own words
            return
        self._messages.add(str(message.get("id")))
        self._model = str(message.get("model") or self._model)
        for block in message.get("content") or ():
            if block.get("type") == "text":
                self._texts.append(str(block.get("text")))
            elif block.get("type") == "tool_use":
                arguments = json.dumps(block.get("input"), sort_keys=True)
                self._calls[str(block.get("id"))] = Call(str(block.get("name")), arguments)

    def _answers(self, message: Mapping[str, Any]) -> None:
        content = message.get("content")
        for block in content if isinstance(content, list) else ():
            call = self._calls.get(str(block.get("tool_use_id")))
            if call is not None and block.get("is_error"):
                said = block.get("content")
                error = said if isinstance(said, str) else json.dumps(said)
                self._calls[str(block.get("tool_use_id"))] = Call(call.tool, call.arguments, error[:2_000])

    @property
    def finished(self) -> bool:
        """Whether the client has said its result."""
        return bool(self._result)

    @property
    def tokens(self) -> int:
        """What was read and written so far."""
        return sum(self._tokens())

    def session(self) -> Session:
        """What the client did so far."""
        result = self._result
        tokens_in, cached, out = self._tokens()
        streaming = float(result.get("duration_api_ms") or 0) - sum(self._waits)
        return Session(
            client=self._client,
            model=self._model,
            turns=len(self._messages) or int(result.get("num_turns") or 0),
            calls=tuple(self._calls.values()),
            texts=tuple(self._texts),
            tokens_in=tokens_in,
            tokens_cached=cached,
            tokens_out=out,
            ttft_ms=median(self._waits) if self._waits else None,
            tokens_per_second=out / streaming * 1000 if streaming > 0 and out else None,
            compactions=self._compactions,
            subtype=str(result.get("subtype") or ""),
            failed=bool(result.get("is_error")),
            status=result.get("api_error_status"),
            said=str(result.get("result") or ""),
            cost=result.get("total_cost_usd"),
        )

    def _tokens(self) -> tuple[int, int, int]:
        """Of all models, subagents and side requests where there is a result, else of what was streamed."""
        used = [each for each in (self._result.get("modelUsage") or {}).values() if isinstance(each, dict)]
        if used:
            return _sums(used, ("inputTokens", "cacheCreationInputTokens"), "cacheReadInputTokens", "outputTokens")
        read_in = ("input_tokens", "cache_creation_input_tokens")
        return _sums(self._usage.values(), read_in, "cache_read_input_tokens", "output_tokens")


def _sums(rows: Iterable[Mapping[str, Any]], read_in: Sequence[str], cached: str, out: str) -> tuple[int, int, int]:
    rows = list(rows)

    def whole(name: str) -> int:
        return sum(int(row.get(name) or 0) for row in rows)

    return sum(whole(name) for name in read_in), whole(cached), whole(out)


# --- judging


def judged(
    session: Session,
    ended: Ended,
    verdict: Verdict,
    *,
    changed: bool,
    must_call: Sequence[str] = (),
    fault: str = "",
) -> tuple[bool | None, str | None, str]:
    """Whether the trial passed, the kind of its failure, and the reason in words.

    `ended` is what ended the client: itself, or a limit. What was reached before a limit counts for nothing: a task has
    to be finished. `changed`: whether the repository is another than it was given. `fault` is the last that the
    client said on standard error.
    """
    if verdict.outcome == "broken":
        return None, None, verdict.reason
    if ended == "harness":
        return None, None, "the trial was broken off"
    if ended == "itself" and not session.answered and not session.client:
        said = f": {printable(fault)}" if fault else ""
        return None, None, f"Claude Code ended before it began{said}"
    if any(_NO_ROOM.search(call.error) for call in session.calls if call.error is not None):
        return None, None, "there was no room left for files"
    missed = [tool for tool in must_call if not any(call.tool == tool and call.error is None for call in session.calls)]
    passed = verdict.outcome == "passed" and not missed and ended == "itself" and not session.failed
    if passed:
        return True, None, ""
    kind, reason = _failure(session, ended, changed=changed)
    if kind in ("wrong-result", "no-change"):
        reason = verdict.reason or (f"{missed[0]} was not used, which the task asks for" if missed else reason)
    return False, kind, printable(" ".join(reason.split()))[:500]


def _failure(session: Session, ended: Ended, *, changed: bool) -> tuple[str, str]:
    calls = session.calls
    spent = ended in ("time", "tokens") or session.subtype == "error_max_turns"
    if session.failed and _WINDOW.search(session.said):
        return "window", session.said
    if session.failed and (session.status is not None or session.said.startswith("API Error")):
        return "server-error", session.said
    if not session.answered and ended == "itself":
        return "server-error", "the client ended without a result"
    if (same := _repeated(calls)) is not None:
        return "loop", f"{same.tool} was called {LOOP} times or more in a row with the same arguments"
    if spent and len(bad := [call for call in calls if not call.valid]) * 2 >= len(calls) > 0:
        return "malformed", _what_was_said(bad[-1])
    if ended == "time":
        return "time", "it took longer than the task's limit"
    if ended == "tokens":
        return "tokens", f"{session.tokens:,} tokens were used, more than the task's limit"
    if session.subtype == "error_max_turns":
        return "turns", f"{session.turns} turns, the task's limit"
    if session.texts and _CALL_AS_TEXT.search(session.texts[-1]):
        return "not-parsed", f"a call came as text: {session.texts[-1].strip()[:80]}"
    if not session.said.strip() and not (session.texts and session.texts[-1].strip()):
        return "empty-answer", "the last answer showed nothing"
    if session.compactions:
        return "window", f"the conversation outgrew the window {session.compactions} times, and was cut short"
    if calls and not calls[-1].valid:
        return "malformed", _what_was_said(calls[-1])
    if (refused := _refused(calls)) is not None:
        return "refused-edit", _what_was_said(refused)
    if not changed:
        return "no-change", "the repository is as it was given"
    return "wrong-result", "the check refuses it"


def _repeated(calls: Sequence[Call]) -> Call | None:
    """A call that was made so often in a row that it is a loop."""
    run, last = 0, None
    for call in calls:
        run = run + 1 if last is not None and (call.tool, call.arguments) == (last.tool, last.arguments) else 1
        last = call
        if run >= LOOP:
            return call
    return None


def _refused(calls: Sequence[Call]) -> Call | None:
    """The last edit, where the client did not take it and none came after it."""
    edits = [call for call in calls if call.tool in EDITS]
    return edits[-1] if edits and edits[-1].error is not None else None


def _what_was_said(call: Call) -> str:
    said = re.sub(r"</?tool_use_error>", "", call.error or "").strip()
    said = _HEAD.sub("", said)
    return f"{call.tool}: {'; '.join(said.splitlines()[:3]) if said else 'refused'}"


def kinds_of(trials: Iterable[Trial]) -> Counter[str]:
    """How often trials failed in which way."""
    return Counter(trial.failure for trial in trials if trial.failure is not None)
