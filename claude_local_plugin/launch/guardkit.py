"""What GuardKit reads besides Claude Code's variables.

Source: GuardKit's own code at commit 703734ee (22 August 2026), whose `detect_*` functions were run; the answers are
recorded in tests/launch/guardkit.json. It takes a server for local by its name (`localhost`, `vllm` in it) or by a
time-out multiplier of two or more, so that a box on the LAN needs the latter. Its default harness asks no Anthropic
API at all.
"""

from collections.abc import Mapping, Sequence

from claude_local_plugin.client_config.model import Backend
from claude_local_plugin.core.urls import parse_url

MULTIPLIER = "GUARDKIT_TIMEOUT_MULTIPLIER"
PARALLEL = "GUARDKIT_MAX_PARALLEL_TASKS"
HARNESS = "GUARDKIT_HARNESS"
SEATS = "GUARDKIT_LOCAL_SEAT_HOSTS"

#: What GuardKit itself multiplies its time-outs by on a server at `localhost`.
LOCAL_MULTIPLIER = "4.0"


def prepared(
    command: Sequence[str], backend: Backend, environ: Mapping[str, str], *, harness: bool
) -> tuple[tuple[str, ...], dict[str, str], tuple[str, ...]]:
    """The command, the variables to add, and what is to be said; what the user has set himself stays."""
    wanted = {MULTIPLIER: LOCAL_MULTIPLIER}
    if backend.at_once is not None and not _has(command, "--max-parallel"):
        wanted[PARALLEL] = str(backend.at_once)
    target = parse_url(backend.url)
    if target is not None and "." in target.host and not target.host.replace(".", "").isdigit():
        wanted[SEATS] = target.host  # else the fence takes a dotted name for a cloud's
    if harness:
        wanted[HARNESS] = "sdk"
    added = {name: value for name, value in wanted.items() if not environ.get(name)}
    said = (
        []
        if environ.get(HARNESS) or harness
        else [f"{HARNESS} is not set, and GuardKit's default harness asks no Anthropic API: --harness sets it to sdk"]
    )
    runs = "autobuild" in command or "feature-build" in command
    named = (*command, "--model", backend.model) if runs and not _has(command, "--model") else tuple(command)
    if len(named) > len(command):
        said.append(f"--model {backend.model} is added: GuardKit refuses a run without one")
    return named, added, tuple(said)


def _has(command: Sequence[str], option: str) -> bool:
    return any(word == option or word.startswith(f"{option}=") for word in command)
