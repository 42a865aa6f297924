"""vllm-router, as 0.1.17 was seen: it hands requests on as they are, and says of a dead worker where that was."""

import re
from collections.abc import Iterator

from claude_local_plugin.core.shell import command
from claude_local_plugin.servers.answers import Answer, Answers, Question, dead_end_in, heard, objects_at
from claude_local_plugin.servers.kinds import llama_cpp, vllm
from claude_local_plugin.servers.kinds.kind import (
    HEALTH,
    PROPS,
    Kind,
    Quirks,
    Remedies,
    Sign,
    Tells,
    ToolCalls,
    Unguarded,
)

#: The ids that it gives every request, and what it says of a worker that it cannot reach.
_ROUTED = re.compile(r"req-[A-Za-z0-9]{20,40}")
_DEAD_END = re.compile(r"request failed: error sending request for url \((\S+?)\)?$", re.IGNORECASE)


def _seen(answers: Answers) -> bool:
    health = answers.get("health")
    if isinstance(health, Answer) and re.match(r"(All|Unhealthy) servers", health.text):
        return True
    return any(
        dead_end_in(answer, _DEAD_END)
        or (
            _ROUTED.fullmatch(answer.headers.get("x-request-id", ""))
            and "access-control-request-method" in answer.headers.get("vary", "")
        )
        for answer in heard(answers)
    )


def _version(answers: Answers) -> str | None:
    """The engine's, whichever that is."""
    return vllm.version(answers) or llama_cpp.build(answers)


def _members(answers: Answers) -> Iterator[object]:
    yield from (row.get("url") for row in objects_at(answers.get("workers"), "workers") or ())
    yield from (match[1] for answer in heard(answers) if (match := dead_end_in(answer, _DEAD_END)))


KIND = Kind(
    name="vllm-router",
    label="vllm-router",
    sign=Sign(40, _seen),
    tells=Tells(
        questions=(HEALTH, PROPS, Question("workers", "/workers", token=True)),
        version=_version,
        members=_members,
        dead_end=_DEAD_END,
    ),
    remedies=Remedies(
        upgrade=command("pip", "install", "--upgrade", "vllm-router"),
        more_at_once="add a worker to vllm-router",
        thinking_left=vllm.WITHOUT_REASONING,
        tool_calls=ToolCalls(
            how="restart the vLLM behind it with {flags}{note}",
            parser=vllm.PARSER,
            reasoning=vllm.REASONING,
            listing=vllm.LISTING,
        ),
    ),
    quirks=Quirks(
        made_for=vllm.NAME,
        routes_unlisted=True,
        unguarded=Unguarded(
            "with a key of its own vllm-router lets every caller through on /v1/messages, and hands on nobody's",
            "put a reverse proxy in front of it that asks for a key",
            keyless=True,
        ),
        metrics=True,
    ),
)
