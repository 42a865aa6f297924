"""Pairs of servers, clients, versions and models that are known to go wrong together: a dated table of data.

What a version of vLLM *needs* of Claude Code stands in `servers.kinds`; here is what no setting of ours makes good, or
what others have reported.
"""

from dataclasses import dataclass
from typing import Literal

from claude_local_plugin.core.shell import command
from claude_local_plugin.servers.advice import upgrade, without_mid_conversation
from claude_local_plugin.servers.compatibility import parse_version
from claude_local_plugin.servers.kinds.kind import Version

#: When the rows below were last looked through.
REVIEWED_ON = "2026-11-28"


@dataclass(frozen=True, slots=True)
class Pair:
    """One known-bad combination: a kind of server, from `since` on and before `below`, and perhaps a model's name.

    `client_since` and `client_below` are Claude Code's versions it holds for (None: for all of them). The kind "*" is
    every server that is not Anthropic's, whatever its version. `source` is where it was reported, `seen` the day it
    was entered; `fix` the command or the step that mends it.
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
    client_since: Version | None = None
    client_below: Version | None = None
    seen: str = "2026-11-21"


#: A release of LiteLLM from before the intruders.
_CLEAN_LITELLM = command("pip", "install", "litellm[proxy]==1.106.2")

#: Every version of a server.
_ANY: Version = (0, 0, 0)
_NONE_BELOW: Version = (1_000_000, 0, 0)

PAIRS = (
    Pair(
        "*",
        since=_ANY,
        below=_NONE_BELOW,
        severity="error",
        what="Claude Code 2.1.265 to 2.1.267 is answered with 400 at every turn by servers other than Anthropic's",
        why="no session can go on; 2.1.268 mends it",
        fix=f"{command('claude', 'update')}   (2.1.268 or newer)",
        source="https://github.com/anthropics/claude-code/blob/main/CHANGELOG.md#21268",
        client_since=(2, 1, 265),
        client_below=(2, 1, 268),
        seen="2026-11-28",
    ),
    Pair(
        "vllm",
        since=(0, 24, 0),
        below=(0, 25, 2),
        severity="warning",
        what="vLLM 0.24.0 to 0.25.1 renders a system message in the middle of a conversation where it stands",
        why="some models stop calling tools after it",
        fix=f"{upgrade('vllm')}   (or {without_mid_conversation()})",
        source="https://github.com/vllm-project/vllm/issues/48874",
    ),
    Pair(
        "vllm",
        since=(0, 0, 0),
        below=(0, 15, 0),
        severity="warning",
        what="Qwen3-Coder-Next is said to need vLLM 0.15.0 or newer",
        why="its streamed answers break with older ones",
        fix=upgrade("vllm"),
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
        fix=f"take that machine off the network, change every key it knew, then {_CLEAN_LITELLM}",
        source="https://github.com/BerriAI/litellm/issues/24518",
    ),
    Pair(
        "litellm",
        since=(1, 107, 0),
        below=(1, 107, 1),
        severity="error",
        what="LiteLLM 1.107.0 was published by an intruder",
        why="it runs on a machine that has your keys",
        fix=f"take that machine off the network, change every key it knew, then {_CLEAN_LITELLM}",
        source="https://pypi.org/project/litellm/#history",
    ),
)


def matching(kind: str, version: str | None, models: tuple[str, ...], client: str | None = None) -> tuple[Pair, ...]:
    """The rows that hold for a server of this kind and version serving these names (or weights), with this client.

    Where a version is not known, no row that asks for it holds.
    """
    number, installed = parse_version(version), parse_version(client)
    served = " ".join(models).lower()
    return tuple(
        pair
        for pair in PAIRS
        if _of_server(pair, kind, number) and _of_client(pair, installed) and pair.model in served
    )


def of_client(client: str | None) -> tuple[Pair, ...]:
    """The rows that hold for this client at whatever server of the user's own."""
    installed = parse_version(client)
    return tuple(pair for pair in PAIRS if pair.kind == "*" and _of_client(pair, installed))


def knows(kind: str) -> bool:
    """Whether there are rows for this kind of server that depend on its version."""
    return any(pair.kind == kind for pair in PAIRS)


def _of_server(pair: Pair, kind: str, version: Version | None) -> bool:
    if pair.kind == "*":
        return kind != "anthropic"
    return pair.kind == kind and version is not None and pair.since <= version < pair.below


def _of_client(pair: Pair, version: Version | None) -> bool:
    if pair.client_since is None and pair.client_below is None:
        return True
    if version is None:
        return False
    return (pair.client_since or _ANY) <= version < (pair.client_below or _NONE_BELOW)
