"""Where model servers listen unless told otherwise, what each kind is called, and how to start one."""

from collections.abc import Mapping
from dataclasses import dataclass

from claude_local_plugin.servers import kinds


@dataclass(frozen=True, slots=True)
class WellKnown:
    """A default port, and the kind of server that usually has it."""

    port: int
    kind: str


WELL_KNOWN = tuple(WellKnown(port, kind.name) for kind in kinds.ALL.values() for port in kind.ports)
WELL_KNOWN_PORTS = tuple(row.port for row in WELL_KNOWN)
#: What people call each kind that the probe can recognise.
LABELS: Mapping[str, str] = {kind.name: kind.label for kind in kinds.ALL.values()}
#: The shortest way to a server of each kind that Claude Code can work with: a window for its prompt, tools parsed.
START: Mapping[str, str] = {kind.name: kind.start for kind in kinds.ALL.values() if kind.start}
#: Those that route names which they do not list; and those that answer to any name at all, with the model they have.
ROUTES_UNLISTED = frozenset(kind.name for kind in kinds.ALL.values() if kind.quirks.routes_unlisted)
ANY_NAME = frozenset(kind.name for kind in kinds.ALL.values() if kind.quirks.any_name)
#: One server to start when there is none yet, for people who do not say which kind they want.
START_HINT = next(iter(START.values()))


def ports_text() -> str:
    """The well-known ports as people read them: `8000, 8888 (vLLM), 4000 (LiteLLM), …`."""
    ports: dict[str, list[str]] = {}
    for row in WELL_KNOWN:
        ports.setdefault(row.kind, []).append(str(row.port))
    return ", ".join(f"{', '.join(numbers)} ({label(kind)})" for kind, numbers in ports.items())


def label(kind: str) -> str:
    """What people call this kind of server."""
    return kinds.of(kind).label
