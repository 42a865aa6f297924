"""What each kind and version of model server needs from Claude Code's side: a dated table, and the rows that apply.

The vLLM rows come from feeding the real requests of Claude Code 2.1.329 to the request models of 21 vLLM releases
(0.11.1 to 0.32.0; of the releases between two of them, the later one is taken to be the first that works) and from
running 0.32.0 and 0.33.0. llama.cpp, LiteLLM and SGLang took those requests as they are. Of any other server nothing is
known, so it gets the careful answer.
"""

import re
from dataclasses import dataclass, fields
from typing import Literal

#: When the rows below were last compared with real servers.
VERIFIED_ON = "2026-11-21"

Version = tuple[int, int, int]
Field = Literal[
    "attribution_off",
    "disable_betas",
    "model_capabilities",
    "no_web_search",
    "output_not_clamped",
    "thinking_ignored",
    "too_old",
]


@dataclass(frozen=True, slots=True)
class Needs:
    """What one server needs: a field is None where nothing is to be done, else the reason in a sentence for the user.

    `attribution_off`: CLAUDE_CODE_ATTRIBUTION_HEADER=0. `disable_betas`: CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS=1 and
    ENABLE_TOOL_SEARCH=false. `model_capabilities`: the value of CLAUDE_CODE_MODEL_CAPABILITIES (never heard from a
    project's file) and the reason. `no_web_search`: the tool WebSearch is denied, since no search is made. Nothing to
    write, but to say: `output_not_clamped`, the server refuses a prompt and CLAUDE_CODE_MAX_OUTPUT_TOKENS that
    together exceed the window; `thinking_ignored`, thinking cannot be switched on or off; `too_old`, Claude Code
    cannot work with it.
    """

    attribution_off: str | None = None
    disable_betas: str | None = None
    model_capabilities: tuple[str, str] | None = None
    no_web_search: str | None = None
    output_not_clamped: str | None = None
    thinking_ignored: str | None = None
    too_old: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One need: of which kind of server, and below which version of it (None: in all of them).

    `seen` says on what it was last observed, and when, where that is not what the module's first lines say.
    """

    kind: str
    field: Field
    below: Version | None
    reason: str
    value: str | None = None
    #: Whether to assume the need when the server does not tell its version.
    unknown: bool = True
    seen: str = ""


#: The kinds with rows of their own; every other kind is "*".
_STRIPPED = "else a line that differs with every conversation stands before the prompt, and the prefix cache misses"
_DEFERRED = "it may refuse tools that are sent later; costs about 7,300 tokens of every prompt"

TABLE = (
    Row("vllm", "attribution_off", (0, 18, 1), _STRIPPED),
    Row(
        "vllm", "disable_betas", (0, 22, 1), "vLLM before 0.22.1 refuses tools that are sent later; costs 7,300 tokens"
    ),
    Row(
        "vllm",
        "model_capabilities",
        (0, 23, 0),
        "vLLM before 0.23.0 refuses system messages inside a conversation, so every session loses a request",
        value="-mid_conv_system,-mid_conv_tool_change",
        unknown=False,
    ),
    Row(
        "vllm",
        "output_not_clamped",
        (0, 32, 0),
        "vLLM before 0.32.0 refuses a request whose prompt and longest answer together exceed the window",
    ),
    Row("vllm", "thinking_ignored", (0, 31, 0), "vLLM before 0.31.0 ignores thinking settings", unknown=False),
    Row(
        "vllm",
        "too_old",
        (0, 17, 1),
        "vLLM before 0.17.1 refuses Claude Code's request after a tool call (thinking blocks): use a newer one",
        unknown=False,
    ),
    Row(
        "vllm",
        "too_old",
        (0, 11, 1),
        "vLLM before 0.11.1 has no Messages API: use a newer one, or LiteLLM in front of it",
        unknown=False,
    ),
    Row(
        "vllm",
        "no_web_search",
        None,
        "WebSearch sends a tool without a schema, which vLLM refuses with 400",
        seen="vLLM 0.32.0 on 2026-11-21, 0.33.0 on 2026-11-28",
    ),
    Row("llama.cpp", "attribution_off", None, _STRIPPED),
    Row(
        "llama.cpp",
        "no_web_search",
        None,
        "llama.cpp searches nothing for WebSearch: what the model makes up would come back as results",
        seen="llama-server of xllamacpp 2026.10.11549 on 2026-11-28, Claude Code 2.1.332",
    ),
    Row("litellm", "attribution_off", None, _STRIPPED),
    Row(
        "litellm",
        "no_web_search",
        None,
        "unless LiteLLM was given a search of its own, what the model makes up comes back as WebSearch's results",
        seen="LiteLLM 1.110.2 on 2026-11-28, hosted_vllm/ before vLLM 0.33.0 and anthropic/ before llama.cpp",
    ),
    Row("sglang", "attribution_off", None, _STRIPPED),
    Row(
        "openai-only",
        "too_old",
        None,
        "it speaks OpenAI's API only: put LiteLLM in front of it, or use a server or version with /v1/messages",
    ),
    Row("*", "attribution_off", None, _STRIPPED),
    Row("*", "disable_betas", None, _DEFERRED),
    Row("*", "output_not_clamped", None, "it may refuse a request whose prompt and longest answer exceed the window"),
)
_KNOWN = frozenset(row.kind for row in TABLE) | {"anthropic"}


def needs(kind: str, version: str | None = None) -> Needs:
    """What a server of this kind and version needs; without a (readable) version, the careful answer."""
    number = parse_version(version)
    own = kind if kind in _KNOWN else "*"
    found: dict[str, str | tuple[str, str]] = {}
    for row in TABLE:
        if row.kind == own and _applies(row, number):
            found[row.field] = row.reason if row.value is None else (row.value, row.reason)
    return Needs(**{name.name: found.get(name.name) for name in fields(Needs)})  # type: ignore[arg-type]


def _applies(row: Row, number: Version | None) -> bool:
    if row.below is None:
        return True
    return row.unknown if number is None else number < row.below


def parse_version(version: str | None) -> Version | None:
    """`0.32.1.dev23+g1a2b3c` -> (0, 32, 1); None for what is no version, or a build that lost its own (0.1.dev…)."""
    found = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?", version or "")
    if found is None:
        return None
    number = (int(found[1]), int(found[2]), int(found[3] or 0))
    return None if number[:2] == (0, 1) and "dev" in (version or "") else number
