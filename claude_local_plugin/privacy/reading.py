"""What all the settings files that count say together."""

from collections.abc import Iterator, Mapping

from claude_local_plugin.precedence import FileState, Scope, Snapshot

#: Files of a snapshot that hold no settings.
_LOGINS = (Scope.LOGIN, Scope.CONSOLE, Scope.PROFILE, Scope.GATEWAY)


def listed(snapshot: Snapshot, *path: str) -> Iterator[object]:
    """The items of a list of the settings, of every file that counts."""
    for value in values(snapshot, *path):
        yield from value if isinstance(value, list) else ()


def values(snapshot: Snapshot, *path: str) -> Iterator[object]:
    """What each of them says at this path, the highest precedence first."""
    for file in snapshot.files:
        value: object = file.data if file.state is FileState.READ and file.scope not in _LOGINS else None
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        if value is not None:
            yield value
