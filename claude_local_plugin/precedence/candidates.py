"""Every value that is set for a key, highest first; the first one that is not refused or dropped counts."""

from collections.abc import Iterable, Iterator
from types import MappingProxyType

from claude_local_plugin.core import settings_files
from claude_local_plugin.core.claude import UNIX_SOCKET, js_string
from claude_local_plugin.core.env_rules import applied_before_trust
from claude_local_plugin.core.frozen import replace
from claude_local_plugin.precedence.model import Candidate, Entry, FileState, Scope, SettingsFile, Snapshot
from claude_local_plugin.precedence.table import HOOK_SWITCHES, SCOPE_LABELS, SETTINGS_ORDER, VERIFIED_AGAINST


def candidates(snapshot: Snapshot, key: str) -> Iterator[Candidate]:
    """Every value set for `key`, highest precedence first, each with what became of it.

    `key` is `env.NAME` for a variable, or a settings key, nested ones with dots (`permissions.defaultMode`).
    The first usable candidate has the state `wins`. An empty string is a value: it wins, and what stands below it is
    `cancelled`. Lists and objects are merged over all scopes, so there every usable candidate wins.
    """
    path = tuple(key.split(".", 1)) if key.startswith("env.") else tuple(key.split("."))
    winner: Candidate | None = None
    for scope in SETTINGS_ORDER:
        for found, merges in _set_in(snapshot, scope, key, path):
            if found.state in ("refused", "dropped"):
                yield found
            elif winner is None:
                winner = replace(found, state="wins")
                yield winner
            elif merges:
                yield replace(found, state="wins", reason="merged with what stands above it")
            else:
                yield _loser(found, winner)


def _set_in(snapshot: Snapshot, scope: Scope, key: str, path: tuple[str, ...]) -> Iterator[tuple[Candidate, bool]]:
    """The candidates of one scope, each with whether it is merged with the others instead of hiding them."""
    if scope is Scope.SHELL:
        if path[0] == "env" and path[1] in snapshot.shell:
            yield Candidate(scope, key, None, None, snapshot.shell[path[1]]), False
        return
    for file in snapshot.of(scope):
        value: object = file.data
        for name in path:
            value = value.get(name, _MISSING) if isinstance(value, dict | MappingProxyType) else _MISSING
        if value is not _MISSING:
            found = _judged(snapshot, file, key, path, value)
            yield found, path[0] != "env" and isinstance(value, list | dict)


_MISSING = object()


def _judged(snapshot: Snapshot, file: SettingsFile, key: str, path: tuple[str, ...], value: object) -> Candidate:
    text = js_string(value) if path[0] == "env" else _shown(value)
    found = Candidate(file.scope, key, file.path, file.line_of(path), text)
    if file.state is FileState.DROPPED:
        return replace(found, state="dropped", reason=f"Claude Code ignores the whole file: {file.problem}")
    if file.state is FileState.UNUSED:
        return replace(found, state="dropped", reason=f"the file does not count here: {file.problem}")
    if path[0] == "env" and (reason := refusal(snapshot, file.scope, path[1], value)):
        return replace(found, state="refused", reason=reason)
    return found


def _shown(value: object) -> str | None:
    """The value of a settings key as text; None for null."""
    if value is None or isinstance(value, str):
        return value
    import json  # lists and objects are asked for by people only

    return json.dumps(value, ensure_ascii=False)


def refusal(snapshot: Snapshot, scope: Scope, name: str, value: object) -> str | None:
    """Why Claude Code does not take this variable from a file of this scope, or None when it does."""
    if snapshot.entry is Entry.MCP_SERVE and scope in (Scope.LOCAL, Scope.PROJECT) and not applied_before_trust(name):
        return f"`claude mcp serve` does not take {name} from a project's file"
    host = settings_files.routed_by(snapshot.shell, snapshot.client_version, managed=scope is Scope.MANAGED)
    why = settings_files.refusal(
        name,
        js_string(value),
        project=scope in (Scope.LOCAL, Scope.PROJECT),
        host=host,
        socket=bool(snapshot.shell.get(UNIX_SOCKET)),
        client_version=snapshot.client_version or VERIFIED_AGAINST,
    )
    if why is None:
        return None
    return {
        "everywhere": f"Claude Code takes {name} from no settings file, only from the environment it is started in",
        "socket": f"{UNIX_SOCKET} is set, so {name} is taken from the environment alone",
        "host": f"{host} is set, so {name} is taken from the environment alone",
        "project": f"Claude Code takes {name} from no project's file",
    }[why]


def _loser(found: Candidate, winner: Candidate) -> Candidate:
    if winner.value == "":
        return replace(found, state="cancelled", reason=f"cancelled by the empty string in {winner.place}")
    return replace(found, state="shadowed", reason=why_beats(winner.scope, found.scope))


def why_beats(winner: Scope, loser: Scope) -> str:
    """Why a value of scope `winner` beats one of scope `loser`, as half a sentence."""
    if winner is loser:
        if winner is Scope.LOCAL:
            return "the repository root's settings.local.json beats the current folder's"
        return "a later file name beats an earlier one"
    if loser is Scope.SHELL:
        return "a settings file's env beats the shell"
    return f"{SCOPE_LABELS[winner]} beat {SCOPE_LABELS[loser]}"


def effective(snapshot: Snapshot, key: str) -> str | None:
    """The value in effect for `key`, which may be the empty string; None when nobody sets it."""
    found = winning(snapshot, key)
    return found.value if found else None


def winning(snapshot: Snapshot, key: str) -> Candidate | None:
    """The candidate in effect for `key`; None when nobody sets it. Of what is merged, the highest."""
    return winner(candidates(snapshot, key))


def winner(rows: Iterable[Candidate]) -> Candidate | None:
    """The candidate in effect among these, whoever found them; None where none is."""
    return next((row for row in rows if row.state == "wins"), None)


def hooks_off(snapshot: Snapshot) -> Iterator[Candidate]:
    """What switches our hooks off here: the values in effect."""
    for key, scopes in HOOK_SWITCHES.items():
        found = winning(snapshot, key)
        if found is not None and found.value == "true" and found.scope in scopes:
            yield found


def effective_env(snapshot: Snapshot) -> dict[str, str]:
    """The environment a session's requests are made with: the shell's, with every settings file's `env` over it."""
    merged = dict(snapshot.shell)
    for scope in reversed(SETTINGS_ORDER):
        for file in reversed(tuple(snapshot.of(scope))):
            if file.state is FileState.READ:
                for name, value in file.env.items():
                    if refusal(snapshot, scope, name, value) is None:
                        merged[name] = js_string(value)
    return merged


def early_env(snapshot: Snapshot) -> dict[str, str]:
    """The environment before a project's files are read, in which some questions are settled for good."""
    files = tuple(file for file in snapshot.files if file.scope not in (Scope.LOCAL, Scope.PROJECT))
    return effective_env(replace(snapshot, files=files))


def first_env(snapshot: Snapshot) -> dict[str, str]:
    """The environment before an administrator's files are read as well: the shell, the user's settings, `--settings`.

    In it Claude Code settles whether it asks for server-managed settings, for those come before the administrator's.
    """
    files = tuple(file for file in snapshot.files if file.scope not in (Scope.MANAGED, Scope.SERVED))
    return early_env(replace(snapshot, files=files))


def effective_object(snapshot: Snapshot, key: str) -> dict[str, object]:
    """The object in effect for a settings key, merged key by key over all scopes."""
    merged: dict[str, object] = {}
    for scope in reversed(SETTINGS_ORDER):
        for file in reversed(tuple(snapshot.of(scope))):
            value = file.data.get(key) if file.state is FileState.READ else None
            if isinstance(value, dict):
                merged.update(value)
    return merged
