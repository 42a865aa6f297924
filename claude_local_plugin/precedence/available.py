"""Which model takes the place of one that `availableModels` or `deniedModels` does not allow.

Observed on Claude Code 2.1.329: the list counts from every scope, not only from managed settings; a managed list
stands alone, the others are joined. Denials count from managed settings only.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from claude_local_plugin.precedence import models
from claude_local_plugin.precedence.model import FileState, Scope, Snapshot
from claude_local_plugin.precedence.table import holds

#: What is used when the list allows none of Claude's own models: Opus with its long window, whatever the aliases say.
_LAST_RESORT = f"{models.ALIASES['opus'][1]}[1m]"

_FAMILIES = ("opus", "sonnet", "haiku", "fable")


def allowed_list(snapshot: Snapshot) -> tuple[str, ...] | None:
    """The entries of `availableModels` in effect, in lower case; None when nobody limits the models."""
    managed = [
        entries
        for file in snapshot.of(Scope.SERVED, Scope.MANAGED)
        if (entries := _entries(file.data, file.state)) is not None
    ]
    if managed:
        return tuple(entry for entries in managed for entry in entries)
    rest = [
        entries
        for file in snapshot.of(Scope.FLAG, Scope.LOCAL, Scope.PROJECT, Scope.USER)
        if (entries := _entries(file.data, file.state)) is not None
    ]
    return tuple(entry for entries in rest for entry in entries) if rest else None


def _entries(data: Mapping[str, object], state: FileState, key: str = "availableModels") -> tuple[str, ...] | None:
    listed = data.get(key)
    if state is not FileState.READ or not isinstance(listed, list):
        return None
    return tuple(str(entry).strip().lower() for entry in listed)


def denied_list(snapshot: Snapshot) -> tuple[str, ...]:
    """The entries of `deniedModels` in managed settings, in lower case."""
    if not holds("allowed-providers", snapshot.client_version):
        return ()
    return tuple(
        entry
        for file in snapshot.of(Scope.SERVED, Scope.MANAGED)
        for entry in _entries(file.data, file.state, "deniedModels") or ()
    )


def matches(name: str, entries: Sequence[str]) -> bool:
    """Whether a model name on the wire is among the entries: by name, by family, or by version prefix of a Claude."""
    lowered = name.lower()
    version = models.version_of(lowered)
    for entry in entries:
        bare = models.without_suffix(entry)
        if lowered == bare:
            return True
        if version is not None and bare == version[0]:
            return True
        if bare == "opusplan" and lowered == models.ALIASES[bare][1]:
            return True
        if bare.startswith("claude-") and lowered.startswith(f"{bare}-"):
            return True
    return False


def replacement(
    setting: str | None,
    name: models.ModelName,
    snapshot: Snapshot,
    env: Mapping[str, str],
    default: str = models.DEFAULT_SETTING,
) -> str | None:
    """The model that takes the place of `name`, as a setting; None when `name` may be used as it is.

    `setting` is what the user named, None when nobody named a model; `default` what a session starts with then. `opus`
    where it is listed is allowed whatever it stands for, the other aliases are not (seen on 2.1.329 and 2.1.332). What
    takes the place is ANTHROPIC_DEFAULT_MODEL where that is allowed, else the default, be it allowed or not.
    """
    entries, denied = allowed_list(snapshot), denied_list(snapshot)
    if entries is None and not denied:
        return None

    def fine(wire: str) -> bool:
        return (entries is None or matches(wire, entries)) and not matches(wire, denied)

    alias = models.without_suffix(setting or "").lower()
    listed = {models.without_suffix(entry) for entry in entries or ()}
    if fine(name.wire) or (alias == "opus" and alias in listed and not matches(name.wire, denied)):
        return None
    enforced = entries is not None and _enforced(snapshot)
    if setting is None and not enforced and not matches(name.wire, denied):
        return None
    if alias in _FAMILIES and (same_family := _first(fine, alias)) is not None:
        return same_family
    if enforced and entries is not None:
        aliases = models.aliases_for(snapshot.client_version)
        return next((target for entry in entries if (target := _own(entry, aliases)) and fine(target)), _LAST_RESORT)
    aliases = models.aliases_for(snapshot.client_version)
    chosen = env.get("ANTHROPIC_DEFAULT_MODEL", "").strip()
    if chosen and fine(models.named(chosen, env, aliases=aliases).wire):
        return chosen
    if not matches(models.named(default, env).wire, denied):
        return default
    return _first(fine) or default


def _own(entry: str, aliases: Mapping[str, tuple[str, str]]) -> str | None:
    """The model of Claude's own that an entry of the list stands for, None for other names."""
    bare = models.without_suffix(entry)
    if bare in aliases:
        return aliases[bare][1]
    return bare if bare.startswith("claude-") and models.version_of(bare) is not None else None


def _first(fine: Callable[[str], bool], family: str | None = None) -> str | None:
    """The newest model of Claude's own that is allowed, of one family or in the order opus, sonnet, haiku, fable."""
    return next((name for name in _newest_first(family) if fine(name)), None)


def _newest_first(family: str | None) -> Iterator[str]:
    for each in (family,) if family else _FAMILIES:
        of_family = sorted((version for version in models.CATALOGUE if version[0] == each), reverse=True)
        yield from map(models.api_name, of_family)


def _enforced(snapshot: Snapshot) -> bool:
    """Whether `enforceAvailableModels` is on in the highest scope that sets it."""
    said = (
        file.data["enforceAvailableModels"]
        for file in snapshot.files
        if file.state is FileState.READ and file.data.get("enforceAvailableModels") is not None
    )
    return next(said, False) is not False
