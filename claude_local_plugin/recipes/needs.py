"""What Claude Code needs of a server, whatever the model: room for its prompt, answers and compaction, and the rest.

The tokens are those of `client_config.budget`, which `enable` goes by; what a vLLM of which version can do is in
`servers.kinds`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from claude_local_plugin.client_config.budget import (
    COMPACTION_RESERVE,
    DEFAULT_SUBAGENTS_AT_ONCE,
    FEW,
    FIRST_PROMPT,
    OUTPUT_LIMITS,
    RESERVED_OUTPUT,
)
from claude_local_plugin.recipes.catalogue import Model
from claude_local_plugin.text import counted

#: From this window on a session works as it is meant to: answers of 16,384 tokens, and long stretches of work between
#: two compactions.
COMFORTABLE = 65_536


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that Claude Code needs: half a sentence each of what it is for this model, and why."""

    name: str
    said: str
    why: str
    met: bool | None = True


def smallest_window(prompt: str = "lean") -> int:
    """The window below which no session works: the first prompt, the shortest answer, the compaction reserve."""
    return FIRST_PROMPT[prompt] + OUTPUT_LIMITS[-1] + COMPACTION_RESERVE


def output_limit(window: int, prompt: str = "lean") -> int:
    """The longest answer that leaves two fifths of the free window to the conversation, as `enable` chooses it."""
    most = min((window - FIRST_PROMPT[prompt] - COMPACTION_RESERVE) * 0.6, RESERVED_OUTPUT)
    return next((limit for limit in OUTPUT_LIMITS if limit <= most), OUTPUT_LIMITS[-1])


def conversation(window: int, prompt: str = "lean") -> int:
    """What the client fills with a conversation before it compacts: tokens beside prompt, answer and reserve."""
    return max(
        0, window - min(output_limit(window, prompt), RESERVED_OUTPUT) - COMPACTION_RESERVE - FIRST_PROMPT[prompt]
    )


def conversations(sessions: int, subagents: int = FEW - 1) -> int:
    """Conversations that so many sessions hold at once, each with so many subagents: what --max-num-seqs is for."""
    return sessions * (1 + subagents)


def people(concurrency: float) -> str:
    """So many conversations at once as sessions: with two subagents each, and without any."""
    alone = int(concurrency)
    with_some = alone // conversations(1)
    if not with_some:
        return f"{counted(alone)}, whose subagents wait for their turn"
    return f"{counted(with_some)} with two subagents each, or {alone} without"


def needs(model: Model, window: int | None = None, sessions: int = 1) -> Iterator[Need]:
    """Everything that Claude Code needs, as this model has it."""
    given = int(window or model.window.value)
    lean, full = smallest_window("lean"), smallest_window("full")
    yield Need(
        "window",
        f"{given:,} tokens; at least {lean:,}, or {full:,} with the full system prompt",
        f"its first prompt is {FIRST_PROMPT['lean']:,} tokens ({FIRST_PROMPT['full']:,} full), and it keeps"
        f" {COMPACTION_RESERVE:,} free to compact",
        given >= lean,
    )
    yield Need(
        "output",
        f"answers of {output_limit(given):,} tokens, {conversation(given):,} for the conversation",
        "else an answer is cut off, or the conversation refused before it is compacted",
    )
    tools = model.features.get("tools")
    parser = (
        next((each.value for each in tools.arguments if each.name == "--tool-call-parser"), None) if tools else None
    )
    yield Need(
        "tool calls",
        f"parser {parser}, several calls and their results in one message" if parser else "no parser is known",
        "all it does is tool calls; results of several come back in one message (vLLM 0.17.1 or newer)",
        parser is not None,
    )
    yield Need(
        "pictures",
        "it sees pictures" if model.pictures else "none: a screenshot is refused with an error",
        "Claude Code sends them where somebody pastes one",
        True if model.pictures else None,
    )
    yield Need(
        "system messages",
        {
            True: "taken inside a conversation",
            False: "its chat template wants them first: vLLM 0.24.0 or newer merges them",
            None: "inside a conversation: not looked at",
        }[model.repeats_system],
        "it puts reminders into the conversation; vLLM before 0.23.0 refuses them, and before 0.24.0 a strict template"
        " loses the prefix cache",
        model.repeats_system or None,
    )
    yield Need(
        "prefix cache",
        "on",
        "else every turn reads the whole conversation again: minutes instead of seconds",
    )
    yield Need(
        "at once",
        f"{conversations(sessions)} conversations for {sessions} session{'' if sessions == 1 else 's'}"
        " with two subagents each",
        f"a session may have {DEFAULT_SUBAGENTS_AT_ONCE} subagents; what does not fit waits for its turn",
    )
