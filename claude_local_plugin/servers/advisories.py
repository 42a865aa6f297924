"""Pairs of servers, clients, versions and models that go wrong together: dated rows, and which of them hold.

What a version of a server *needs* of Claude Code stands in `servers.kinds`, and so do the rows of each kind; here are
those of the client with any server. No setting of ours makes them good, or others have reported them.
"""

from claude_local_plugin.core.shell import command
from claude_local_plugin.servers import kinds
from claude_local_plugin.servers.compatibility import parse_version
from claude_local_plugin.servers.kinds.kind import Pair, Version

#: When the rows were last looked through.
REVIEWED_ON = "2026-11-28"

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
        why="no session can go on; 2.1.268 fixes it",
        fix=f"{command('claude', 'update')}   (2.1.268 or newer)",
        source="https://github.com/anthropics/claude-code/blob/main/CHANGELOG.md#21268",
        client_since=(2, 1, 265),
        client_below=(2, 1, 268),
        seen="2026-11-28",
    ),
    *(pair for kind in kinds.ALL.values() for pair in kind.known_bad),
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
        return kind != kinds.ANTHROPIC
    return pair.kind == kind and version is not None and pair.since <= version < pair.below


def _of_client(pair: Pair, version: Version | None) -> bool:
    if pair.client_since is None and pair.client_below is None:
        return True
    if version is None:
        return False
    return (pair.client_since or _ANY) <= version < (pair.client_below or _NONE_BELOW)
