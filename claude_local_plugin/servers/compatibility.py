"""What each kind and version of model server needs from Claude Code's side: which rows of its kind apply.

The rows stand in `servers.kinds`. Those of vLLM come from feeding the real requests of Claude Code 2.1.329 to the
request models of 21 vLLM releases (0.11.1 to 0.32.0; of the releases between two of them, the later one is taken to be
the first that works) and from running 0.32.0 and 0.33.0. llama.cpp, LiteLLM and SGLang took those requests as they are.
Of any other server nothing is known, so it gets the careful answer.
"""

import re
from dataclasses import dataclass, fields

from claude_local_plugin.servers import kinds
from claude_local_plugin.servers.kinds.kind import STRIPPED, Field, Need, Version

#: When those rows were last compared with real servers.
VERIFIED_ON = "2026-11-21"


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


#: What a server is taken to need of whose kind nothing is known.
CAREFUL = (
    Need("attribution_off", None, STRIPPED),
    Need("disable_betas", None, "it may refuse tools that are sent later; costs about 7,300 tokens of every prompt"),
    Need("output_not_clamped", None, "it may refuse a request whose prompt and longest answer exceed the window"),
)


def rows(kind: str) -> tuple[Need, ...]:
    """What the kind needs, by version; the careful answer where nothing is known of it."""
    found = kinds.of(kind).needs
    return CAREFUL if found is None else found


def needs(kind: str, version: str | None = None) -> Needs:
    """What a server of this kind and version needs; without a (readable) version, the careful answer."""
    number = parse_version(version)
    found: dict[str, str | tuple[str, str]] = {}
    for row in rows(kind):
        if _applies(row, number):
            found[row.field] = row.reason if row.value is None else (row.value, row.reason)
    return Needs(**{name.name: found.get(name.name) for name in fields(Needs)})  # type: ignore[arg-type]


def depends_on_version(kind: str, field: Field) -> bool:
    """Whether it is known from which version on the kind no longer needs this."""
    return any(row.field == field and row.below is not None for row in rows(kind))


def _applies(row: Need, number: Version | None) -> bool:
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
