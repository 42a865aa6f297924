"""Which model takes the place of one that `availableModels` or `deniedModels` does not allow.

Observed on Claude Code 2.1.332 (200 lists and names): the list counts from every scope, not only from managed settings;
a managed list stands alone, the others are joined. Denials count from managed settings only.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from claude_local_plugin.precedence import models
from claude_local_plugin.precedence.model import FileState, Scope, SettingsFile, Snapshot
from claude_local_plugin.precedence.table import holds

#: What `replacement` says where the default is denied and nothing may take its place: no session starts.
NOTHING = ""

#: In a list these words stand for every name with the word in it, not for what the alias stands for.
_FAMILIES = ("opus", "sonnet", "haiku", "fable")

#: Where the default is denied the next of these is tried, and the next, from the default's own on.
_DEFAULTS = ("opus", "sonnet", "haiku")

#: `sonnet-4` among the denials is short for `claude-sonnet-4`.
_SHORT = re.compile(r"(?!claude-)[a-z]+-\d+(?:-|$)")
#: Whose version is denied, with every longer one: `claude-sonnet-4`, not `claude-sonnet`.
_WITH_VERSION = re.compile(r"claude-(?:[a-z]+-)?\d")


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


def limiting(snapshot: Snapshot, name: str) -> SettingsFile | None:
    """The first file with an `availableModels`, where what is in effect of all of them does not allow this name."""
    entries = allowed_list(snapshot)
    if entries is None or is_listed(name, entries):
        return None
    files = snapshot.of(Scope.SERVED, Scope.MANAGED, Scope.FLAG, Scope.LOCAL, Scope.PROJECT, Scope.USER)
    return next((file for file in files if _entries(file.data, file.state) is not None), None)


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


def is_listed(name: str, entries: Sequence[str], aliases: Mapping[str, tuple[str, str]] = models.ALIASES) -> bool:
    """Whether a list allows this name: whole, by its beginning up to a hyphen, or by the word of its family.

    `claude-` may be left out of an entry. The word of a family counts only where no other entry says more of it.
    """
    lowered, plain = name.lower(), [models.without_suffix(entry) for entry in entries]
    for entry in plain:
        if entry in _FAMILIES:
            if _has_word(lowered, entry) and not _says_more(entry, plain, aliases):
                return True
        elif entry in aliases:
            if lowered == aliases[entry][1]:
                return True
        elif _begins(lowered, entry) or _begins(lowered, f"claude-{entry}"):
            return True
    return False


def _has_word(name: str, word: str) -> bool:
    return re.search(rf"(?<![a-z0-9]){word}(?![a-z0-9])", name) is not None


def _says_more(family: str, entries: Sequence[str], aliases: Mapping[str, tuple[str, str]]) -> bool:
    """Whether an entry names models of the family one by one: then its word alone allows none."""
    return any(re.search(rf"{family}(?:-|$)", entry) for entry in entries if entry not in aliases)


def _begins(name: str, entry: str) -> bool:
    return name == entry or name.startswith(f"{entry}-")


def is_denied(name: str, entries: Sequence[str]) -> bool:
    """Whether this name is denied: whole, by the word of its family, or as a version of Claude, however it is written.

    An own model is denied by its whole name alone, and not at all by one like `qwen-3`, which is read as a Claude's.
    """
    lowered = name.lower()
    for entry in map(models.without_suffix, entries):
        if entry in _FAMILIES and _has_word(lowered, entry):
            return True
        full = _plain(f"claude-{entry}" if _SHORT.match(entry) else entry)
        if _plain(lowered) == full or (_WITH_VERSION.match(full) and _begins(_plain(lowered), full)):
            return True
    return False


def _plain(name: str) -> str:
    """The family and version in a name of Claude's, without what stands around them; any other name as it is."""
    found = models.version_of(name)
    if found is None:
        return name
    family, major, minor = found
    return f"claude-{family}-{major}" + (f"-{minor}" if minor else "")


def replacement(
    setting: str | None,
    name: models.ModelName,
    snapshot: Snapshot,
    env: Mapping[str, str],
    default: str = models.DEFAULT_SETTING,
) -> str | None:
    """The model that takes the place of `name`, as a setting; None when `name` may be used as it is.

    `setting` is what the user named, None when nobody named a model; `default` what a session starts with then. What
    an alias stands for is looked at, not the alias. What takes the place is another model of the alias's family, then
    ANTHROPIC_DEFAULT_MODEL where that is allowed, else the default, be it listed or not; NOTHING where it is denied.
    """
    entries, denied = allowed_list(snapshot), denied_list(snapshot)
    if entries is None and not denied:
        return None
    aliases = models.aliases_for(snapshot.client_version)

    def fine(wire: str) -> bool:
        return (entries is None or is_listed(wire, entries, aliases)) and not is_denied(wire, denied)

    alias = models.without_suffix(setting or "").lower()
    called = {name.wire, name.known_as} | ({alias} if alias and alias not in aliases else set())
    blocked = any(is_denied(each, denied) for each in called)
    if not blocked and (entries is None or any(is_listed(each, entries, aliases) for each in called)):
        return None
    enforced = bool(entries) and _enforced(snapshot)
    if setting is None and not enforced and not blocked:
        return None
    if alias in _FAMILIES and (same_family := _first(fine, alias, aliases)) is not None:
        return same_family
    own = [target for entry in entries or () if (target := _own(entry, aliases)) and fine(target)]
    if enforced and own:
        return own[0]
    if enforced:  # the default, whatever a variable makes of its alias
        plain = models.named(default, {}, aliases=aliases)
        return NOTHING if is_denied(plain.wire, denied) else f"{plain.wire}{'[1m]' if plain.long else ''}"
    chosen = env.get("ANTHROPIC_DEFAULT_MODEL", "").strip()
    if chosen and fine(models.named(chosen, env, aliases=aliases).wire):
        return chosen
    if not is_denied(models.named(default, env, aliases=aliases).wire, denied):
        return default
    return _after_the_default(default, fine, env, aliases) or next(iter(own), NOTHING)


def _after_the_default(
    default: str, fine: Callable[[str], bool], env: Mapping[str, str], aliases: Mapping[str, tuple[str, str]]
) -> str | None:
    """What is tried where the default is denied: others of its family, then smaller ones; None where none is fine."""
    for alias in _DEFAULTS[_DEFAULTS.index(models.without_suffix(default)) :]:
        target = models.named(alias, env, aliases=aliases).wire
        if fine(target):
            return alias
        family = next((each for each in _FAMILIES if _has_word(target.lower(), each)), None)
        if family is not None and (same_family := _first(fine, family, aliases)) is not None:
            return same_family
    return None


def _own(entry: str, aliases: Mapping[str, tuple[str, str]]) -> str | None:
    """The model of Claude's own that an entry of the list stands for, None for other names."""
    bare = models.without_suffix(entry)
    if bare in aliases:
        return aliases[bare][1]
    return bare if bare.startswith("claude-") and models.version_of(bare) is not None else None


def _first(
    fine: Callable[[str], bool], family: str, aliases: Mapping[str, tuple[str, str]] = models.ALIASES
) -> str | None:
    """The newest model of a family of Claude's that is allowed, up to the one that its alias stands for."""
    newest = models.version_of(aliases[family][1])
    known = sorted((each for each in models.CATALOGUE if each[0] == family), reverse=True)
    names = (models.api_name(each) for each in known if newest is None or each <= newest)
    return next((name for name in names if fine(name)), None)


def _enforced(snapshot: Snapshot) -> bool:
    """Whether `enforceAvailableModels` is on in the highest scope that sets it.

    Where an administrator says anything at all, it is the administrator's alone, and enforces the list that stands
    there (14 questions to 2.1.332).
    """
    read = [file for file in snapshot.files if file.state is FileState.READ]
    policy = [file for file in read if file.scope in (Scope.MANAGED, Scope.SERVED) and file.data]
    if policy and all(file.data.get("availableModels") is None for file in policy):
        return False
    said = (file.data["enforceAvailableModels"] for file in policy or read if "enforceAvailableModels" in file.data)
    return next((each for each in said if each is not None), False) is not False
