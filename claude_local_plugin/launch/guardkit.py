"""What GuardKit reads besides Claude Code's variables.

Source: GuardKit's own code at commit 703734ee (22 August 2026), whose `detect_*` functions and fence were run; the
answers are recorded in tests/launch/guardkit.json. It takes a server for local by its name (`localhost`, `vllm` in it)
or by a time-out multiplier of two or more, so that a box on the LAN needs the latter. Its default harness asks no
Anthropic API but OpenAI's, at OPENAI_BASE_URL; and its fence refuses, with either harness, a model whose name begins
with no provider unless that variable names a local host.
"""

import ipaddress
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from claude_local_plugin.client_config.model import Backend
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.launch import dotenv_names
from claude_local_plugin.text import printable

MULTIPLIER = "GUARDKIT_TIMEOUT_MULTIPLIER"
PARALLEL = "GUARDKIT_MAX_PARALLEL_TASKS"
HARNESS = "GUARDKIT_HARNESS"
SEATS = "GUARDKIT_LOCAL_SEAT_HOSTS"
ROUTE, ROUTE_KEY = "OPENAI_BASE_URL", "OPENAI_API_KEY"

#: What GuardKit itself multiplies its time-outs by on a server at `localhost`.
LOCAL_MULTIPLIER = "4.0"
#: Its own time-out for a task and the turns that it allows one, before it multiplies; and from where on a multiplier
#: makes a server local for it.
_TASK_SECONDS, _TASK_TURNS, _LEAST = 1200, 100, 2.0
#: Its tasks are harder than those that were measured, and machines have bad moments.
_SAFETY = 3.0

#: Its commands that ask a model, each with the option of its own for which.
_ASKING = (("autobuild", "task"), ("autobuild", "feature"), ("task-work",), ("task-review",))

#: Where its fence takes an address for local.
_NETWORKS = tuple(
    map(
        ipaddress.ip_network,
        (
            *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
            *("::1/128", "fe80::/10", "fc00::/7"),
        ),
    )
)
#: Beginnings of a model's name that its fence takes for a vendor's, whatever the route.
_VENDORS = frozenset(
    (
        *("anthropic", "azure_openai", "azure-openai", "bedrock", "bedrock_converse", "cohere", "deepseek"),
        *("fireworks", "google", "google_genai", "google_vertexai", "gemini", "groq", "mistralai", "openrouter"),
        *("perplexity", "together", "vertexai", "xai"),
    )
)


def prepared(
    command: Sequence[str],
    backend: Backend,
    environ: Mapping[str, str],
    cwd: Path,
    *,
    harness: bool,
    seconds_a_turn: float | None = None,
) -> tuple[tuple[str, ...], dict[str, str], tuple[str, ...]]:
    """The command, the variables to add, and what is to be said; what the user has set himself stays.

    That is what the environment says, and what the `.env` does that GuardKit loads. `seconds_a_turn` is how long a turn
    was measured to take on this server.
    """
    own = dotenv_names.names(dotenv_names.nearest(cwd)) | {name for name, value in environ.items() if value}
    wanted = {MULTIPLIER: multiplier(seconds_a_turn)}
    if backend.at_once is not None and not _has(command, "--max-parallel"):
        wanted[PARALLEL] = str(backend.at_once)
    target = parse_url(backend.url)
    if target is not None and target.nearby and not fence_takes_for_local(target.host):
        wanted[SEATS] = target.host  # by no such word for a host that anybody may have
    if harness:
        wanted[HARNESS] = "sdk"
    if ROUTE not in own and ROUTE_KEY not in own:
        # a key of some kind, too: else one from a file that GuardKit loads later would go to this server
        wanted |= {ROUTE: f"{backend.url}/v1", ROUTE_KEY: backend.token}
    added = {name: value for name, value in wanted.items() if name not in own}
    asks = _asks(command)
    adds = asks and not _has(command, "--model")
    named = (*command, "--model", backend.model) if adds else tuple(command)
    said = (
        [*_of_the_harness(backend, own, environ, harness=harness), *_of_the_fence(named, backend, own)] if asks else []
    )
    if adds:
        said.append(f"--model {printable(backend.model)} is added: GuardKit asks for a model of Anthropic's without it")
    if asks and seconds_a_turn is not None and MULTIPLIER in added:
        said.append(f"{MULTIPLIER}={added[MULTIPLIER]}: {because(seconds_a_turn)}")
    return named, added, tuple(said)


def multiplier(seconds_a_turn: float | None) -> str:
    """What its time-outs are to be multiplied by: what it says itself of a local server where nothing was measured.

    Else so that all the turns of a task have time, at the speed that was measured and with some to spare.
    """
    if seconds_a_turn is None:
        return LOCAL_MULTIPLIER
    times = _SAFETY * seconds_a_turn * _TASK_TURNS / _TASK_SECONDS
    return f"{max(_LEAST, math.ceil(times * 2) / 2):.1f}"


def because(seconds_a_turn: float) -> str:
    """Why it is that number."""
    return (
        f"a turn takes {seconds_a_turn:.1f} s here, says eval; {_SAFETY:.0f} × {_TASK_TURNS} turns over GuardKit's"
        f" {_TASK_SECONDS:,} s"
    )


def _asks(command: Sequence[str]) -> bool:
    """Whether this has GuardKit ask a model, and takes its name."""
    plain = [word for word in command[1:] if not word.startswith("-")]
    return any(tuple(plain[at : at + len(words)]) == words for words in _ASKING for at in range(len(plain)))


def _of_the_harness(
    backend: Backend, own: frozenset[str], environ: Mapping[str, str], *, harness: bool
) -> Iterator[str]:
    """Where its default harness goes, if it is that one."""
    if harness or HARNESS in own:
        return
    yours = parse_url(environ.get(ROUTE, ""))
    ours = parse_url(backend.url)
    if ROUTE in own and (yours is None or ours is None or yours.label != ours.label):
        yield (
            f"GuardKit's default harness goes where {ROUTE} says, which is yours and stays, not to"
            f" {printable(backend.host)}: --harness has it use the Agent SDK, which goes there"
        )
    else:
        yield "GuardKit's default harness asks the server's OpenAI API: --harness has it use the Agent SDK"


def _of_the_fence(command: Sequence[str], backend: Backend, own: frozenset[str]) -> Iterator[str]:
    """What its fence will refuse all the same, and what to do about it."""
    model, target = _value(command, "--model") or "", parse_url(backend.url)
    provider, host = _provider(model), target.host if target else ""
    if provider in _VENDORS:
        yield (
            f"GuardKit takes {printable(model)} for a model of {provider}'s by its name, and refuses it: have the"
            " server list it under a name without that"
        )
    elif provider not in (None, "openai"):
        return
    elif ROUTE_KEY in own and ROUTE not in own:
        yield (
            f"GuardKit refuses {printable(model)} unless {ROUTE} names a local host, and this run does not set it, for"
            f" your {ROUTE_KEY} would be sent there: set both for this server, or neither"
        )
    elif not fence_takes_for_local(host) and (SEATS in own or target is None or not target.nearby):
        yield f"GuardKit refuses the run unless {SEATS}, which is left to you, names {printable(host)}"


def fence_takes_for_local(host: str) -> bool:
    """Whether its fence takes the host for local by itself: of a private network, or a name without a dot."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return bool(host) and "." not in host
    return any(address in network for network in _NETWORKS)


def _provider(model: str) -> str | None:
    """What its fence takes for the provider in a model's name; None for none."""
    for separator in (":", "/"):
        before, found, _ = model.partition(separator)
        if found and before.strip():
            return before.strip().lower()
    return None


def _has(command: Sequence[str], option: str) -> bool:
    return any(word == option or word.startswith(f"{option}=") for word in command)


def _value(command: Sequence[str], option: str) -> str | None:
    for word, after in zip(command, (*command[1:], ""), strict=True):
        name, equals, value = word.partition("=")
        if name == option:
            return value if equals else after
    return None
