"""What a program inherits of its starter's environment: everything but what decides where requests go, and who pays.

A variable counts as deciding by its name, for a program may read what we do not know of.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from claude_local_plugin.core.claude import (
    ANTHROPIC_PREFIX,
    HOST_AUTH,
    HOSTED,
    KEY_DESCRIPTOR,
    OAUTH_DESCRIPTOR,
    PINNED,
    PROVIDERS,
    UNIX_SOCKET,
)
from claude_local_plugin.core.endpoint import ANTHROPIC_URL, is_anthropics_host
from claude_local_plugin.core.registration import RUN_PROFILE
from claude_local_plugin.core.run_files import SETTINGS
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.text import printable

#: By the beginning of the name; these two of them say nothing of where requests go.
_DECIDING = ("ANTHROPIC_", "CLAUDE_CODE_USE_", "CLAUDE_CODE_SKIP_", "CLAUDE_CODE_OAUTH_")
_HARMLESS = ("ANTHROPIC_LOG", "ANTHROPIC_BETAS")
_DECIDING_NAMES = (
    "CLAUDE_CODE_SUBAGENT_MODEL",
    KEY_DESCRIPTOR,
    OAUTH_DESCRIPTOR,
    UNIX_SOCKET,
    HOSTED,
    HOST_AUTH,
    PINNED,
    RUN_PROFILE,
    SETTINGS,
)
#: What may be Anthropic's own credential, by its value or (the last) by its name alone.
CREDENTIALS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS", "CLAUDE_CODE_OAUTH_TOKEN")

#: What a program may find in a `.env` file and load where it is not set: empty, it stays as it is.
SEALED = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_CUSTOM_HEADERS",
    "CLAUDE_CODE_OAUTH_TOKEN",
    *(switch for switch, *_ in PROVIDERS),
)


def is_deciding(name: str) -> bool:
    """Whether the variable says where requests go, or with which credential or model."""
    return (name.startswith(_DECIDING) and name not in _HARMLESS) or name in _DECIDING_NAMES


def without_routing(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment as it is for a program whose requests go to a server that we name."""
    return {name: value for name, value in environ.items() if not is_deciding(name)}


def sealed(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with every credential and switch that is not in it as an empty one.

    A program that loads a `.env` file leaves what is set alone, but would put a key of the user's into a gap.
    """
    return {**dict.fromkeys(SEALED, ""), **environ}


def sealed_for_the_cloud(environ: Mapping[str, str], named: Collection[str]) -> dict[str, str]:
    """The environment with what a file of variables names and what says where requests go: the cloud's, or empty."""
    there = {name: "" for name in named if belongs_to_a_server(name) or name == HOSTED}
    if "ANTHROPIC_BASE_URL" in there:  # empty, it would be no address for programs other than Claude Code
        there["ANTHROPIC_BASE_URL"] = ANTHROPIC_URL
    return {**there, **environ}


def overriding(path: Path | None, named: Collection[str]) -> Iterator[str]:
    """What has to be said of such a file: that a program may have it override its environment."""
    if deciding := sorted(name for name in named if is_deciding(name)):
        name = printable(str(path))
        yield f"{name} sets {deciding[0]}: a program that lets that file override its environment goes by it"


def of_the_cloud(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment as it is for a program whose requests go to Anthropic, or to a provider of the user's own.

    Where an address in it leads to another server, what came with it goes too: its key, its models, its window. A key
    that is Anthropic's own by its beginning stays. A socket for requests leads nobody knows where.
    """
    without = {
        name: value for name, value in environ.items() if name not in (RUN_PROFILE, SETTINGS, HOSTED, UNIX_SOCKET)
    }
    if not _leads_elsewhere(without):
        return without
    dropped = set(_of_another_server(without))
    return {name: value for name, value in without.items() if name not in dropped}


def _leads_elsewhere(environ: Mapping[str, str]) -> bool:
    return is_elsewhere(environ.get("ANTHROPIC_BASE_URL", ""))


def is_elsewhere(address: object) -> bool:
    """Whether this is the address of a server that is none of Anthropic's."""
    target = parse_url(address) if isinstance(address, str) else None
    return target is not None and not is_anthropics_host(target.host)


#: What else belongs to the server that an address leads to.
_OF_A_SERVER = (
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_MODEL",
    "ANTHROPIC_SMALL_FAST_MODEL",
    "CLAUDE_CODE_SUBAGENT_MODEL",
    "CLAUDE_CODE_MAX_CONTEXT_TOKENS",
    "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
    "CLAUDE_CODE_MODEL_CAPABILITIES",
    "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS",
    "ENABLE_TOOL_SEARCH",
)


def belongs_to_a_server(name: str) -> bool:
    """Whether the variable says something of one server: its address, a key for it, its models or its window."""
    tiers = name.startswith("ANTHROPIC_DEFAULT_") and name.endswith("_MODEL")
    return tiers or name in _OF_A_SERVER or name in CREDENTIALS[:3]


def _of_another_server(environ: Mapping[str, str]) -> Iterator[str]:
    for name, value in environ.items():
        anthropics = name in CREDENTIALS[:2] and value.strip().startswith(ANTHROPIC_PREFIX)
        if belongs_to_a_server(name) and not anthropics:
            yield name
