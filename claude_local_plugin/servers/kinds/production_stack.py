"""vLLM's production-stack, read in its sources: a router that repeats what its engines say."""

from claude_local_plugin.core.probe import OWNERS
from claude_local_plugin.servers.answers import Answers, owned_by, rows_of
from claude_local_plugin.servers.kinds import vllm
from claude_local_plugin.servers.kinds.kind import HEALTH, Kind, Quirks, Remedies, Sign, Tells, ToolCalls
from claude_local_plugin.servers.kinds.litellm import thinking_apart


def _seen(answers: Answers) -> bool:
    rows = rows_of(answers.get("models")) or ()
    # it repeats the engines' lists, but without their windows
    return owned_by(answers, OWNERS[vllm.NAME]) and not any("max_model_len" in row for row in rows)


KIND = Kind(
    name="production-stack",
    label="vLLM production-stack",
    sign=Sign(100, _seen),
    tells=Tells(questions=(HEALTH,), version=vllm.version),
    remedies=Remedies(
        more_at_once="add a replica",
        thinking_apart=thinking_apart,
        thinking_left=vllm.WITHOUT_REASONING,
        tool_calls=ToolCalls(
            how="restart the vLLM behind it with {flags}{note}",
            parser=vllm.PARSER,
            reasoning=vllm.REASONING,
            listing=vllm.LISTING,
        ),
    ),
    quirks=Quirks(made_for=vllm.NAME, metrics=True),
)
