"""Pairs of servers, versions and models that are known to go wrong with Claude Code: a dated table of data.

What a version of vLLM *needs* of Claude Code stands in `backends.needs`; here is what no setting of ours makes good, or
what others have reported.
"""

from dataclasses import dataclass
from typing import Literal

from claude_local_plugin.backends.needs import Version, parse_version

#: When the rows below were last looked through.
REVIEWED_ON = "2026-11-21"


@dataclass(frozen=True, slots=True)
class Pair:
    """One known-bad combination: a kind of server, from `since` on and before `below`, and perhaps a model's name.

    `source` is where it was reported; `fix` the command or the step that mends it.
    """

    kind: str
    since: Version
    below: Version
    severity: Literal["warning", "error"]
    what: str
    why: str
    fix: str
    source: str
    model: str = ""


PAIRS = (
    Pair(
        "vllm",
        since=(0, 24, 0),
        below=(0, 25, 2),
        severity="warning",
        what="vLLM 0.24.0 to 0.25.1 renders a system message in the middle of a conversation where it stands",
        why="some models stop calling tools after it",
        fix=(
            "pip install --upgrade vllm"
            "   (or export CLAUDE_CODE_MODEL_CAPABILITIES='-mid_conv_system,-mid_conv_tool_change')"
        ),
        source="https://github.com/vllm-project/vllm/issues/48874",
    ),
    Pair(
        "vllm",
        since=(0, 0, 0),
        below=(0, 15, 0),
        severity="warning",
        what="Qwen3-Coder-Next is said to need vLLM 0.15.0 or newer",
        why="its streamed answers break with older ones",
        fix="pip install --upgrade vllm",
        source="https://huggingface.co/Qwen/Qwen3-Coder-Next",
        model="qwen3-coder-next",
    ),
    Pair(
        "litellm",
        since=(1, 82, 7),
        below=(1, 82, 9),
        severity="error",
        what="LiteLLM 1.82.7 and 1.82.8 were published by an intruder",
        why="it runs on a machine that has your keys",
        fix="take that machine off the network, change every key it knew, then pip install 'litellm[proxy]==1.106.2'",
        source="https://github.com/BerriAI/litellm/issues/24518",
    ),
    Pair(
        "litellm",
        since=(1, 107, 0),
        below=(1, 107, 1),
        severity="error",
        what="LiteLLM 1.107.0 was published by an intruder",
        why="it runs on a machine that has your keys",
        fix="take that machine off the network, change every key it knew, then pip install 'litellm[proxy]==1.106.2'",
        source="https://pypi.org/project/litellm/#history",
    ),
)


def matching(kind: str, version: str | None, models: tuple[str, ...]) -> tuple[Pair, ...]:
    """The rows that hold for a server of this kind and version serving these names (or weights)."""
    number = parse_version(version)
    if number is None:
        return ()
    served = " ".join(models).lower()
    return tuple(
        pair for pair in PAIRS if pair.kind == kind and pair.since <= number < pair.below and pair.model in served
    )
