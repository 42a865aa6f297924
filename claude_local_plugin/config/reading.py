"""Reading config.toml with messages, and changing one key of it."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claude_local_plugin.config import document
from claude_local_plugin.config.document import ABSENT, SyntaxFaultError
from claude_local_plugin.config.model import (
    KEYS,
    MANY,
    PROFILE_KEYS,
    Settings,
    strictest,
    validated,
)
from claude_local_plugin.core.protection import NO_BACKEND
from claude_local_plugin.core.shell import edit
from claude_local_plugin.errors import SettingsError
from claude_local_plugin.settings import file
from claude_local_plugin.text import printable

#: What becomes of a profile in which something is wrong: half of it would lead sessions where nobody meant them to go.
UNUSABLE_PROFILE = "the profile cannot be used as long as it is like this"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one key, or with the whole file (an empty path), which then says nothing at all.

    `unknown`: no key of ours, which does no harm. `holds` says what holds instead of a wrong value. `line` and
    `column` count from 1. Prints as
    `config.toml:3:19: log.cwd must be …`.
    """

    file: Path
    path: tuple[str, ...]
    message: str
    line: int | None = None
    column: int | None = None
    unknown: bool = False
    holds: str = ""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return f"{place}: {self.said}"

    @property
    def said(self) -> str:
        """The complaint without its place, and what holds instead."""
        said = " ".join([".".join(self.path), self.message]).strip()
        return printable(f"{said}; {self.holds}" if self.holds else said)

    def as_json(self) -> dict[str, Any]:
        """As `config list --json` shows it."""
        return {
            "key": ".".join(self.path) or None,
            "message": self.message,
            "holds": self.holds or None,
            "line": self.line,
            "column": self.column,
        }


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """One config.toml: the settings, as `validated` has them, the file's own data, and problems.

    `text` is None where there is no file.
    """

    file: Path
    text: str | None
    data: Mapping[str, Any]
    settings: Settings
    problems: tuple[Problem, ...]

    def line(self, path: tuple[str, ...]) -> int | None:
        """The line that sets the key; None where that is hard to say."""
        found = document.place(self.text or "", path)
        return found[0] if found else None


def load(path: Path, environ: Mapping[str, str] | None = None) -> ConfigFile:
    """What the file says; no file says nothing. Raises SettingsError for one that cannot be read or is no TOML.

    `environ` says which editor fixes one that is none.
    """
    return understood(path, file.read(path), environ)


def understood(path: Path, text: str | None, environ: Mapping[str, str] | None = None) -> ConfigFile:
    """What a file of this text says; raises SettingsError for one that is no TOML."""
    try:
        data = document.parse(text or "")
    except SyntaxFaultError as fault:
        raise _no_toml(path, fault, environ) from fault
    settings, wrong = validated(data)
    problems = [_problem(path, text or "", key, message, holds=_holds(key, data)) for key, message in wrong]
    problems += [_problem(path, text or "", key, _unknown(key), unknown=True) for key in _unknown_keys(data)]
    known_wrong = {each.path for each in problems}
    profiles = data.get("profiles")
    if isinstance(profiles, Mapping) and profiles:
        from claude_local_plugin.config import profile_rules  # has more to load than a file without profiles needs

        problems += [
            _problem(path, text or "", ("profiles", *key), message, holds=UNUSABLE_PROFILE)
            for key, message in profile_rules.problems(profiles)
            if ("profiles", *key) not in known_wrong
        ]
    return ConfigFile(path, text, data, settings, tuple(sorted(problems, key=lambda each: (each.line or 0, each.path))))


def problems_in(path: Path) -> tuple[Problem, ...]:
    """What is wrong with the file, what makes it say nothing included."""
    try:
        return load(path).problems
    except SettingsError as error:
        cause = error.__cause__
        if isinstance(cause, SyntaxFaultError):
            return (Problem(path, (), cause.message, cause.line, cause.column),)
        return (Problem(path, (), error.message.removeprefix(f"{path}: ")),)


def replace(
    path: Path, key: tuple[str, ...], value: object, lock_dir: Path, environ: Mapping[str, str] | None = None
) -> bool:
    """Sets one key (ABSENT: takes it out) and returns whether that changed the file: as `replace_all` does."""
    return replace_all(path, {key: value}, lock_dir, environ)


def replace_all(
    path: Path,
    changes: Mapping[tuple[str, ...], object],
    lock_dir: Path,
    environ: Mapping[str, str] | None = None,
) -> bool:
    """Sets keys (ABSENT: takes one out) and returns whether that changed the file: atomically, under a lock.

    A new file and a new folder are private; one that is there keeps its mode. Raises SettingsError for a file that is
    no TOML, or that cannot be changed.
    """

    def change(text: str | None) -> str | None:
        try:
            return edited_all(text, changes)
        except SyntaxFaultError as fault:
            raise _no_toml(path, fault, environ) from fault

    target = file.resolve(path)
    if any(value is not ABSENT for value in changes.values()):
        file.private_folder(target.parent)
    return file.rewrite(path, change, lock_dir=lock_dir).changed


def edited_all(text: str | None, changes: Mapping[tuple[str, ...], object]) -> str | None:
    """The text with these keys set (ABSENT: taken out); None for no file stays None where nothing is set."""
    for key, value in changes.items():
        text = None if text is None and value is ABSENT else document.edited(text or "", key, value)
    return text


def nearest(name: str) -> str | None:
    """The known key that an unknown one is probably meant to be."""
    names = {spelling: key.name for key in KEYS for spelling in (key.name, key.path[-1])}
    for spelling in (name.rpartition(".")[2], name):
        if found := difflib.get_close_matches(spelling, names, n=1):
            return names[found[0]]
    return None


def _no_toml(path: Path, fault: SyntaxFaultError, environ: Mapping[str, str] | None) -> SettingsError:
    fix = edit(str(path), fault.line, environ or {})
    return SettingsError(f"{path}:{fault.line}:{fault.column}: {fault.message}", fix)


def _problem(
    path: Path, text: str, key: tuple[str, ...], message: str, *, unknown: bool = False, holds: str = ""
) -> Problem:
    line, column = document.place(text, key) or (None, None)
    return Problem(path, key, message, line, column, unknown, holds)


def _holds(key: tuple[str, ...], data: Mapping[str, Any]) -> str:
    """What holds instead of a wrong value, in words."""
    instead = strictest(key, data)
    if not instead:
        return {"projects": "it counts as not set", "profiles": UNUSABLE_PROFILE}.get(key[0], "its default holds")
    (_, value), *_ = instead
    if key[-1] != "allowed_backends":
        return f"paths are hashed (“{value}”)" if key[0] == "log" else "it counts as true"
    return "nothing is allowed" if NO_BACKEND in value else f"only {', '.join(value)} is allowed"


def _unknown(path: tuple[str, ...]) -> str:
    if path[0] == "projects":
        return "is not a key that claude-local knows for a folder (protect, allowed_backends)"
    if path[0] == "profiles":
        near = difflib.get_close_matches(path[-1], [key.name for key in PROFILE_KEYS], n=1)
        return "is not a key of a profile" + (f" (did you mean {near[0]}?)" if near else "")
    meant = nearest(".".join(path))
    suggestion = f" (did you mean {meant}?)" if meant else ""
    return f"is not a key that claude-local knows{suggestion}"


def _unknown_keys(data: Mapping[str, Any]) -> list[tuple[str, ...]]:
    known = {key.path for key in KEYS}
    tables = {path[:-1] for path in known if len(path) > 1}
    unknown: list[tuple[str, ...]] = []
    for name, value in data.items():
        if (name,) in tables and isinstance(value, Mapping):
            unknown += [(name, inner) for inner in value if (name, inner) not in known]
        elif name in MANY and isinstance(value, Mapping):
            ours = {key.path[0] for key in MANY[name]}
            unknown += [
                (name, each, inner)
                for each, own in value.items()
                for inner in (own if isinstance(own, Mapping) else ())
                if inner not in ours
            ]
        elif (name,) not in known and (name,) not in tables and name not in MANY:
            unknown.append((name,))
    return unknown
