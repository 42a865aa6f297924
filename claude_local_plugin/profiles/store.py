"""Profiles in config.toml: made, changed, removed and handed on, all else in the file left as it is."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claude_local_plugin.config import ABSENT, ConfigFile, edited_all, load, replace_all, understood
from claude_local_plugin.core import config_rules
from claude_local_plugin.core.config import KEYS
from claude_local_plugin.errors import UsageError
from claude_local_plugin.profiles.model import Profile, all_of
from claude_local_plugin.settings import file
from claude_local_plugin.text import printable

if TYPE_CHECKING:
    from claude_local_plugin.core.config_rules import Row

#: The rows of the table of keys that a profile has, by their names.
ROWS: "Mapping[str, Row]" = {row[1]: row for row in KEYS if row[0] == "profiles.*"}

#: By a profile's name and the key (of `env` a variable, too) the value, or ABSENT.
Changes = Mapping[tuple[str, ...], object]


@dataclass(frozen=True, slots=True)
class Store:
    """config.toml as far as profiles go."""

    config_file: Path
    lock_dir: Path
    environ: Mapping[str, str]

    def load(self) -> ConfigFile:
        """What the file says; raises SettingsError for one that is no TOML."""
        return load(self.config_file, self.environ)

    def check(self, changes: Changes) -> None:
        """Raise UsageError where one of these profiles would be wrong after these changes below `profiles`."""
        names = {path[0] for path in changes}
        after = understood(self.config_file, edited_all(file.read(self.config_file), _whole(changes)), self.environ)
        for each in after.problems:
            if each.path[:1] == ("profiles",) and each.path[1:2] and each.path[1] in names:
                raise UsageError(f"{'.'.join(each.path[1:])} {each.message}")
        there = names & set(after.data.get("profiles", {}))
        for name in sorted(there - all_of(after).keys()):
            raise UsageError(f"the profile {name} names no url", "give it one: url=http://HOST:PORT")

    def change(self, changes: Changes) -> bool:
        """Make these changes in one go; whether that changed the file. Raises as `check` does, the file as it was."""
        self.check(changes)
        return replace_all(self.config_file, _whole(changes), self.lock_dir, self.environ)


def _whole(changes: Changes) -> dict[tuple[str, ...], object]:
    return {("profiles", *path): value for path, value in changes.items()}


def check_name(name: str, known: Iterable[str] = ()) -> None:
    """Raise UsageError for what no profile may be called, or that differs from another's name in case alone.

    Where a file system takes two such names for one, so would the keys be that are kept under them.
    """
    try:
        config_rules.profile(name)
    except ValueError as fault:
        raise UsageError(f"{printable(name)}: {fault}", "for example: spark") from None
    if like := next((each for each in known if each != name and each.lower() == name.lower()), None):
        raise UsageError(
            f"there is a profile called {like}, and {name} differs from it in case alone", "choose another name"
        )


def row_of(key: str) -> "Row":
    """The row of a profile's key; raises UsageError for an unknown one, with the nearest."""
    if key in ROWS:
        return ROWS[key]
    near = difflib.get_close_matches(key, ROWS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"the keys: {', '.join(ROWS)}"
    raise UsageError(f"{printable(key)} is not a key of a profile", hint)


def value_of(key: str, words: Sequence[str]) -> object:
    """What these words of a command line mean as the value of a key; raises UsageError saying what it must be.

    No complaint repeats a value, which may be a secret.
    """
    row = row_of(key)
    rule, limits = row[2], row[3]
    try:
        return config_rules.judged(row, _meant(rule, words))
    except ValueError as fault:
        said = str(fault) if str(fault) else config_rules.words(rule, limits)
        raise UsageError(f"{key} {said}", f"what it is for: {row[6]}") from None


def _meant(rule: str, words: Sequence[str]) -> object:
    last = words[-1] if words else ""
    if rule == "texts":
        return [each for word in words for each in word.split(",") if each] if "=" not in last else list(words)
    if rule == "switch":
        return {"true": True, "false": False}.get(last.lower(), last)
    if rule == "whole":
        plain = last.replace("_", "").replace(",", "")
        return int(plain) if plain.isdecimal() else last
    if rule == "variables":
        pairs = [word.partition("=") for word in words]
        return {name: value if equals else None for name, equals, value in pairs}
    return last


def as_toml(profiles: Iterable[Profile]) -> str:
    """Profiles as a piece of config.toml; where a key is, and never a key."""
    said = {profile.name: changes_for(profile.name, profile.said, {}) for profile in profiles}
    changes = {("profiles", *path): value for each in said.values() for path, value in each.items()}
    return edited_all("", changes) or ""


def changes_for(name: str, wanted: Mapping[str, object], held: Mapping[str, Any]) -> dict[tuple[str, ...], object]:
    """What makes of the table `held` the one that is wanted."""
    changes: dict[tuple[str, ...], object] = {(name, key): ABSENT for key in held if key not in wanted and key != "env"}
    changes |= {(name, key): value for key, value in wanted.items() if key != "env"}
    before, after = held.get("env", {}), wanted.get("env", {})
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        changes |= {(name, "env", each): ABSENT for each in before if each not in after}
        changes |= {(name, "env", each): value for each, value in after.items()}
    return changes
