"""Rewrites a conversation's lines so that a server takes them: pure, from parsed lines to parsed lines.

A transcript has one JSON object per line. Those with a `uuid` are the conversation, each pointing at the one before it
with `parentUuid`; an answer has one line per content block. The others are the client's own notes (copies of requests,
costs, the queue), which a resumed session does without. Observed on Claude Code 2.1.332.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Line = dict[str, Any]
Block = dict[str, Any]


class Kind(StrEnum):
    """What a server may refuse to take, in the order in which it is looked for."""

    IMAGES = "images"  #: pictures and PDF files, in prompts, attachments and the results of tools
    THINKING = "thinking"  #: thinking without a signature, which only the server that wrote it takes back
    SIGNED_THINKING = "signed-thinking"  #: thinking with a signature, which only its own provider can check
    UNKNOWN = "unknown"  #: content blocks that the Messages API of a plain model server does not know
    TOOLS = "tools"  #: calls without a result and results without a call
    EMPTY = "empty"  #: answers with nothing in them, and what the client put in to ask again
    ERRORS = "errors"  #: the client's own notes of requests that failed
    LENGTH = "length"  #: results of tools that are too long, and the oldest turns of a conversation that is


#: What is taken out of every copy: nothing in it helps a model, and each of them keeps a session from going on.
ALWAYS = (Kind.TOOLS, Kind.EMPTY, Kind.ERRORS)
#: What is taken out where nobody can say what the server refused.
SAFE = (*ALWAYS, Kind.IMAGES, Kind.THINKING, Kind.UNKNOWN)
KINDS = tuple(Kind)

#: The content blocks that every Messages API takes.
PLAIN_BLOCKS = frozenset(("text", "image", "document", "thinking", "redacted_thinking", "tool_use", "tool_result"))
PICTURES = frozenset(("image", "document"))
THOUGHTS = frozenset(("thinking", "redacted_thinking"))

#: What the client says for a model that said nothing (observed on Claude Code 2.1.332).
ASKED_AGAIN = (
    "[Your previous response had no visible output.",
    "The previous response failed to produce a ",
)
SAID_FOR_IT = "No response requested."

#: About so many characters are a token; a little less than most texts have, so that an estimate is not too low.
CHARACTERS_PER_TOKEN = 3.5
#: The shortest that the result of a tool is cut to, in characters.
SHORTEST_RESULT = 2_000


@dataclass(frozen=True, slots=True)
class Repaired:
    """The lines of the copy, and how much of each kind was taken out.

    `tokens` is about how many tokens the conversation has left, without the client's own prompt.
    """

    lines: tuple[Line, ...] = field(repr=False)
    removed: Mapping[Kind, int]
    tokens: int


def repair(
    lines: Iterable[Line], session_id: str, kinds: Sequence[Kind], *, most_tokens: int | None = None
) -> Repaired:
    """A copy of the conversation under a new session id, without these kinds.

    `most_tokens` is what the conversation may have for Kind.LENGTH; None where the window is not known: then only the
    results of tools are cut.
    """
    copy = _Copy([_renamed(line, session_id) for line in lines if _is_conversation(line)])
    steps: tuple[tuple[Kind, Callable[[], int]], ...] = (
        (Kind.ERRORS, copy.without_errors),
        (Kind.IMAGES, lambda: copy.without_blocks(lambda block: block.get("type") in PICTURES, _picture)),
        (Kind.THINKING, lambda: copy.without_blocks(_is_unsigned)),
        (Kind.SIGNED_THINKING, lambda: copy.without_blocks(_is_signed)),
        (Kind.UNKNOWN, lambda: copy.without_blocks(_is_unknown, _unknown)),
        (Kind.EMPTY, copy.without_empty),
        (Kind.TOOLS, copy.with_paired_tools),
        (Kind.LENGTH, lambda: copy.shortened(most_tokens)),
    )
    removed = {kind: step() for kind, step in steps if kind in kinds}
    copy.finish()
    return Repaired(tuple(copy.lines), {kind: count for kind, count in removed.items() if count}, copy.tokens())


def _is_conversation(line: Line) -> bool:
    """Whether a line is part of the conversation itself; a subagent's is in a file of its own in newer clients."""
    return isinstance(line.get("uuid"), str) and not line.get("isSidechain")


def _renamed(line: Line, session_id: str) -> Line:
    copy: Line = json.loads(json.dumps(line))
    if "sessionId" in copy:
        copy["sessionId"] = session_id
    return copy


class _Copy:
    """The lines while they are being repaired; `parents` leads from a line that was taken out to the one before it."""

    def __init__(self, lines: list[Line]) -> None:
        self.lines = lines
        self.parents: dict[str, str | None] = {}

    def drop(self, unwanted: Callable[[Line], bool]) -> int:
        """Take whole lines out; what followed them follows the ones before."""
        before = len(self.lines)
        kept = []
        for line in self.lines:
            if unwanted(line):
                self.parents[line["uuid"]] = line.get("parentUuid")
            else:
                kept.append(line)
        self.lines = kept
        return before - len(kept)

    def finish(self) -> None:
        """Have every line follow one that is there, and no part of the client point at what is not."""
        there = {line["uuid"] for line in self.lines}
        for line in self.lines:
            for name in ("parentUuid", "logicalParentUuid", "sourceToolAssistantUUID"):
                if name in line:
                    line[name] = self._nearest(line[name], there)

    def _nearest(self, parent: object, there: set[str]) -> str | None:
        seen: set[str] = set()
        while isinstance(parent, str) and parent not in there and parent not in seen:
            seen.add(parent)
            parent = self.parents.get(parent)
        return parent if isinstance(parent, str) and parent in there else None

    def without_errors(self) -> int:
        """Without the client's notes of failed requests."""
        return self.drop(lambda line: bool(line.get("isApiErrorMessage")) or line.get("subtype") == "api_error")

    def without_blocks(
        self, unwanted: Callable[[Block], bool], instead: Callable[[Block], Block | None] = lambda _: None
    ) -> int:
        """Without blocks of this kind, wherever they are, a word in their place where there is one."""
        count = 0
        for line in self.lines:
            if not isinstance(content := _content(line), list):
                continue
            kept, found = _replaced(content, unwanted, instead)
            if found:
                line["message"]["content"] = kept
                line.pop("toolUseResult", None)  # the same once more, for the screen
                count += found
        attached = self.drop(
            lambda line: line.get("type") == "attachment" and any(unwanted(each) for each in _blocks_within(line))
        )
        self.drop(lambda line: _content(line) == [])  # nothing is left of them, and their blocks are counted
        return count + attached

    def without_empty(self) -> int:
        """Without answers that say nothing, and without what the client asked or said because of them."""
        silent = {line["uuid"] for line in self.lines if _is_silent(line)}
        asked = [line for line in self.lines if _is_asked_again(line)]
        gone = silent | {line["uuid"] for line in asked}
        return self.drop(lambda line: line["uuid"] in gone)

    def with_paired_tools(self) -> int:
        """With a result for every call, without results that nobody called for, and with ids that are told apart."""
        renamed = self._with_unique_ids()
        called = {block.get("id") for line in self.lines for block in _calls(line)}
        answered = {block.get("tool_use_id") for line in self.lines for block in _results(line)}
        orphans = answered - called
        count = 0
        for line in self.lines:
            if any(block.get("tool_use_id") in orphans for block in _results(line)):
                content = line["message"]["content"]
                kept = [b for b in content if not (_is(b, "tool_result") and b.get("tool_use_id") in orphans)]
                count += len(content) - len(kept)
                line["message"]["content"] = kept
                line.pop("toolUseResult", None)
        self.drop(lambda line: _content(line) == [])
        return renamed + count + self._answer_calls(called - answered)

    def _with_unique_ids(self) -> int:
        """Some servers begin to count calls afresh in each answer; the client and Anthropic's API want each id once."""
        known: set[Any] = set()
        now: dict[Any, str] = {}
        for line in self.lines:
            for call in _calls(line):
                if call.get("id") in known:
                    now[call.get("id")] = f"toolu_{uuid.uuid4().hex}"
                    call["id"] = now[call.get("id")]
                known.add(call.get("id"))
            for result in _results(line):
                result["tool_use_id"] = now.get(result.get("tool_use_id"), result.get("tool_use_id"))
        return len(now)

    def _answer_calls(self, open_calls: set[Any]) -> int:
        """A line with results after the last line of each answer that has calls without one."""
        self.finish()  # what followed a line that was taken out follows the one before it by now
        missing: dict[str, list[Block]] = {}
        last: dict[str, str] = {}
        for line in self.lines:
            if line.get("type") != "assistant":
                continue
            answer = str(line["message"].get("id", line["uuid"]))
            last[answer] = line["uuid"]
            if found := [block for block in _calls(line) if block.get("id") in open_calls]:
                missing.setdefault(answer, []).extend(found)
        places = {last[answer]: calls for answer, calls in missing.items()}
        lines: list[Line] = []
        moved: dict[str, str] = {}
        for line in self.lines:
            if line.get("parentUuid") in moved:  # it followed the call, and follows the call's result now
                line["parentUuid"] = moved[line["parentUuid"]]
            lines.append(line)
            if calls := places.get(line["uuid"]):
                lines.append(_answer(line, calls))
                moved[line["uuid"]] = lines[-1]["uuid"]
        self.lines = lines
        return sum(map(len, places.values()))

    def shortened(self, most_tokens: int | None) -> int:
        """With the results of tools cut to what fits, and the oldest turns left out where that is not enough."""
        longest = SHORTEST_RESULT * 10
        if most_tokens is not None:
            longest = max(SHORTEST_RESULT, int(most_tokens * CHARACTERS_PER_TOKEN / 8))
        count = sum(_cut_results(line, longest) for line in self.lines)
        if most_tokens is None:
            return count
        while self.tokens() > most_tokens and longest > SHORTEST_RESULT:
            longest = max(SHORTEST_RESULT, longest // 2)
            count += sum(_cut_results(line, longest) for line in self.lines)
        return count + self._without_oldest(most_tokens)

    def _without_oldest(self, most_tokens: int) -> int:
        count = 0
        while self.tokens() > most_tokens:
            prompts = [place for place, line in enumerate(self.lines) if _is_prompt(line)]
            if len(prompts) < 2:
                break
            oldest = {line["uuid"] for line in self.lines[: prompts[1]]}
            self.drop(lambda line, oldest=oldest: line["uuid"] in oldest)  # type: ignore[misc]
            count += 1
        return count

    def tokens(self) -> int:
        """About how many tokens the conversation is."""
        characters = sum(len(_text(_content(line))) for line in self.lines)
        characters += sum(len(_text(line["attachment"])) for line in self.lines if "attachment" in line)
        return int(characters / CHARACTERS_PER_TOKEN)


# --- lines


def _content(line: Line) -> Any:
    message = line.get("message")
    return message.get("content") if isinstance(message, dict) else None


def _blocks(line: Line) -> Iterator[Block]:
    content = _content(line)
    if isinstance(content, list):
        yield from (block for block in content if isinstance(block, dict))


def _calls(line: Line) -> list[Block]:
    return [block for block in _blocks(line) if _is(block, "tool_use")] if line.get("type") == "assistant" else []


def _results(line: Line) -> list[Block]:
    return [block for block in _blocks(line) if _is(block, "tool_result")] if line.get("type") == "user" else []


def _is_prompt(line: Line) -> bool:
    """Whether a turn begins here: somebody said something, and no tool."""
    return line.get("type") == "user" and not line.get("isMeta") and _content(line) is not None and not _results(line)


def _is_silent(line: Line) -> bool:
    """Whether this is an answer, or the client's word for one, in which nothing is said or called for."""
    if line.get("type") != "assistant":
        return False
    content = _content(line)
    if not isinstance(content, list):
        return not (isinstance(content, str) and content.strip())
    said = [block for block in content if not (_is(block, "text") and not str(block.get("text", "")).strip())]
    if line["message"].get("model") == "<synthetic>" and _text(content).strip() == SAID_FOR_IT:
        return True
    return not said


def _is_asked_again(line: Line) -> bool:
    return line.get("type") == "user" and _text(_content(line)).lstrip().startswith(ASKED_AGAIN)


def _answer(call_line: Line, calls: Sequence[Block]) -> Line:
    """The line with a result for calls that had none, as the client writes one."""
    results = [
        {
            "type": "tool_result",
            "tool_use_id": call.get("id"),
            "is_error": True,
            "content": "The session ended before this tool had a result.",
        }
        for call in calls
    ]
    taken = ("isSidechain", "userType", "entrypoint", "cwd", "sessionId", "version", "gitBranch", "timestamp")
    answer = {name: call_line[name] for name in taken if name in call_line}
    return {
        **answer,
        "parentUuid": call_line["uuid"],
        "uuid": str(uuid.uuid4()),
        "type": "user",
        "message": {"role": "user", "content": results},
        "sourceToolAssistantUUID": call_line["uuid"],
    }


# --- blocks


def _is(block: object, kind: str) -> bool:
    return isinstance(block, dict) and block.get("type") == kind


def _is_unsigned(block: Block) -> bool:
    return _is(block, "thinking") and not block.get("signature")


def _is_signed(block: Block) -> bool:
    return block.get("type") in THOUGHTS and not _is_unsigned(block)


def _is_unknown(block: Block) -> bool:
    return isinstance(block.get("type"), str) and block["type"] not in PLAIN_BLOCKS and "attachment" not in block


def _picture(block: Block) -> Block:
    what = "a picture" if block.get("type") == "image" else "a document"
    return {"type": "text", "text": f"[{what} was here; it was taken out, because the model cannot look at it]"}


def _unknown(block: Block) -> Block:
    return {"type": "text", "text": f"[content of the type {block.get('type')} was here and was taken out]"}


def _replaced(
    content: list[Any], unwanted: Callable[[Block], bool], instead: Callable[[Block], Block | None]
) -> tuple[list[Any], int]:
    kept: list[Any] = []
    count = 0
    for block in content:
        if isinstance(block, dict) and unwanted(block):
            count += 1
            if (word := instead(block)) is not None:
                kept.append(word)
            continue
        if _is(block, "tool_result") and isinstance(block.get("content"), list):
            block["content"], found = _replaced(block["content"], unwanted, instead)
            count += found
        kept.append(block)
    return kept, count


def _blocks_within(line: Line) -> Iterator[Block]:
    """Every content block inside an attachment: an object with a type and what belongs to one."""
    waiting: list[Any] = [line.get("attachment")]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if value.get("type") in PICTURES and ("source" in value or "file" in value):
                yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _cut_results(line: Line, longest: int) -> int:
    count = 0
    for block in _results(line):
        content = block.get("content")
        if isinstance(content, str):
            if len(content) > longest:
                block["content"] = _cut(content, longest)
                count += 1
        elif isinstance(content, list):
            for part in content:
                if _is(part, "text") and len(str(part.get("text"))) > longest:
                    part["text"] = _cut(str(part["text"]), longest)
                    count += 1
    if count:
        line.pop("toolUseResult", None)
    return count


def _cut(text: str, longest: int) -> str:
    """The beginning and the end of a text, with a word between them of what is missing."""
    word = f"\n[… {len(text):,} characters, cut to fit the window …]\n"
    half = max(1, (longest - len(word)) // 2)
    return text[:half] + word + text[-half:]


def _text(value: Any) -> str:
    """All that a model reads of a value: texts, and the JSON of what it called for."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(_text(each) for each in value)
    if isinstance(value, dict):
        if value.get("type") in PICTURES:
            return ""
        if _is(value, "text"):
            return str(value.get("text", ""))
        return _text(value["content"]) if _is(value, "tool_result") and "content" in value else json.dumps(value)
    return "" if value is None else str(value)
