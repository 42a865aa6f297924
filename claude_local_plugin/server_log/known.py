"""All known failures, in the order in which they are looked for and listed."""

import re
from collections.abc import Iterator

from claude_local_plugin.server_log.failure import Failure
from claude_local_plugin.server_log.failures import flags, gateway, gpu, machine, memory, model

#: What each part of the list has to do with, and its failures.
PARTS: dict[str, tuple[Failure, ...]] = {
    "Memory": memory.FAILURES,
    "GPU, driver and CUDA": gpu.FAILURES,
    "Flags, parsers and templates": flags.FAILURES,
    "The model": model.FAILURES,
    "The machine and its containers": machine.FAILURES,
    "LiteLLM": gateway.FAILURES,
}

FAILURES = tuple(each for part in PARTS.values() for each in part)

_PATTERNS = tuple((re.compile(look), failure) for failure in FAILURES for look in failure.looks)


def failures_in(text: str) -> Iterator[tuple[Failure, "re.Match[str]"]]:
    """Each failure that a line speaks of, once."""
    seen: set[str] = set()
    for pattern, failure in _PATTERNS:
        if failure.id not in seen and (found := pattern.search(text)):
            seen.add(failure.id)
            yield failure, found


def failure(name: str) -> Failure | None:
    """The failure of this id."""
    return next((each for each in FAILURES if each.id == name), None)
