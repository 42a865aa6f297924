"""Editors' settings: have the extension of Visual Studio Code and its kin use one backend, and take that back.

By the extension's documentation: no extension was run.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claude_local_plugin import git
from claude_local_plugin.client_config.choose_server import Choose
from claude_local_plugin.commands.env import Asked, chosen, goes_to, profile_of, still_in_files
from claude_local_plugin.commands.masking import masked_diff
from claude_local_plugin.core.endpoint import PLACEHOLDER
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.errors import ClaudeLocalError, SettingsError, UsageError
from claude_local_plugin.launch import excluding, launchers, vscode
from claude_local_plugin.launch.launchers import Launcher
from claude_local_plugin.launch.variables import Variables
from claude_local_plugin.launch.vscode import Place
from claude_local_plugin.precedence import git_layout
from claude_local_plugin.settings import file, ownership
from claude_local_plugin.settings.document import Change, DocumentError
from claude_local_plugin.settings.ownership import VSCODE, Record
from claude_local_plugin.world import World

#: What a record remembers the wrapper under that its file names.
WRAPPER = "wrapper"

BY_DOCUMENTATION = "by the extension's documentation: no editor was run to see it"


@dataclass(frozen=True, slots=True)
class Planned:
    """What becomes of one file with an editor's settings."""

    place: Place
    target: Path
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)
    changes: tuple[Change, ...] = field(repr=False)
    remembered: dict[str, str]

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return self.before != self.after

    def diff(self) -> str:
        """What would be written, with secrets that stand there already masked."""
        theirs = vscode.secrets_in(self.before, self.place)
        return masked_diff(self.before, self.after, self.target, secrets=theirs, harmless={PLACEHOLDER})


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `enable --vscode` is about to write, and what is to be known of it."""

    files: tuple[Planned, ...]
    notes: tuple[str, ...]
    sentence: str
    #: The program of ours that the settings name, where they name one.
    wrapper: Launcher | None = None
    wrapper_path: Path | None = None


def prepare(
    world: World, asked: Asked, places: Sequence[str], *, wrapper: bool = False, choose: Choose | None = None
) -> Prepared:
    """Plan the edits of the settings files that these places name; writes nothing.

    Raises what choosing a server raises, UsageError for what is no place, and SettingsError where a file cannot be
    edited, or a secret would get into one.
    """
    layout = git_layout(world.cwd)
    root = layout.root if layout else world.cwd
    named = [
        vscode.place_of(each, cwd=world.cwd, root=root, home=world.home, environ=world.environ, platform=sys.platform)
        for each in dict.fromkeys(places)
    ]
    found = chosen(world, asked, choose)
    program, path = _wrapper(world, asked) if wrapper else (None, None)
    if program is None:
        _refuse_secrets(found)
    files = tuple(_planned(world, root, place, found, path) for place in named)
    notes = (
        *still_in_files(world, found),
        *(note for each in files for note in _notes(each, found)),
        *(("a conversation that the wrapper starts begins in manual mode",) if program else ()),
    )
    return Prepared(files, notes, f"the extension {goes_to(found)}, {BY_DOCUMENTATION}", program, path)


def _wrapper(world: World, asked: Asked) -> tuple[Launcher, Path]:
    """The program that the extension is to start Claude Code by: `claude-local run PROFILE` with what it is given."""
    profile = profile_of(world, asked)
    if profile is None:
        raise UsageError("--wrapper starts each session on a profile, and none is named", "name a profile")
    launcher = Launcher(f"claude-local-vscode-{profile.name}", profile.name, (), world.python)
    return launcher, launchers.path_of(
        launcher.name, launchers.default_folder(world.home), windows=sys.platform == "win32"
    )


def _refuse_secrets(found: Variables) -> None:
    for line in found.lines:
        if found.is_secret((str(line.value),), line):
            raise SettingsError(
                f"{line.path[1]} holds a secret, which no editor's settings may: they are committed, or synchronized",
                "--wrapper has the extension start claude-local's launcher, which gets the key of a profile by itself",
            )


def _planned(world: World, root: Path, place: Place, found: Variables, wrapper: Path | None) -> Planned:
    target = file.resolve(place.path)
    if not place.own and not target.is_relative_to(file.resolve(root)):
        raise SettingsError(f"{place.path} is a link to {target}, outside of this project", "take the link away")
    before, record = file.read(target), ownership.load(target, world.state_dir)
    standing = git.standing(target)
    if wrapper is not None and standing.tracked:
        raise SettingsError(
            f"{target} is tracked by git, and the wrapper is a program of this machine alone",
            "leave out --wrapper, or write your own settings: --vscode user",
        )
    try:
        alone = ownership.preview(before, {VSCODE: ()}, record).after
        changes = (
            vscode.with_variables(place, alone, found, world.environ)
            if wrapper is None
            else vscode.with_wrapper(place, str(wrapper))
        )
        after = ownership.preview(before, {VSCODE: changes}, record).after
    except DocumentError as error:
        raise error.at(target) from error
    new = before is None and record is None and not place.own
    remembered = excluding.needed(standing) if new else {}
    return Planned(
        place, target, before, after, changes, {**remembered, WRAPPER: str(wrapper) if wrapper is not None else ""}
    )


def _notes(planned: Planned, found: Variables) -> Iterator[str]:
    standing = git.standing(planned.target)
    url = parse_url(found.backend.url)
    if standing.tracked:
        yield f"{planned.target} is tracked by git: everyone who pulls it gets your server's address"
    elif standing.in_repository and not standing.ignored and planned.before is not None and not planned.place.own:
        yield f"{planned.target} is not ignored by git: committed, it gives everyone your server's address"
    if planned.place.name == "devcontainer" and url is not None and url.host in ("127.0.0.1", "localhost", "::1"):
        yield f"inside of a container {url.host} is the container: name the server by an address it has from there"


def carry_out(prepared: Prepared, world: World) -> None:
    """Write it: first the program that the settings name, then each file."""
    if prepared.wrapper is not None and prepared.wrapper_path is not None:
        launchers.write(prepared.wrapper, prepared.wrapper_path, windows=sys.platform == "win32")
    for each in prepared.files:
        excluding.exclude(each.remembered, world.state_dir / "locks")
        ownership.apply(each.place.path, {VSCODE: each.changes}, state_dir=world.state_dir, extras=each.remembered)


def report(prepared: Prepared, *, dry_run: bool) -> dict[str, Any]:
    """The object that `enable --vscode --json` prints (schemas/enable-vscode.schema.json)."""
    return {
        "changed": any(each.changed for each in prepared.files) and not dry_run,
        "dry_run": dry_run,
        "files": [
            {"place": each.place.name, "path": str(each.target), "changed": each.changed} for each in prepared.files
        ],
        "wrapper": None if prepared.wrapper_path is None else str(prepared.wrapper_path),
        "warnings": list(prepared.notes),
        "seen": False,
    }


# --- taking it back


def on_record(world: World, *, own: bool, everywhere: bool = False) -> tuple[Record, ...]:
    """The editors' settings that we have a part in: this project's, the user's own where wanted, or all there are."""
    layout = git_layout(world.cwd)
    root = file.resolve(layout.root if layout else world.cwd)
    return tuple(
        record
        for record in ownership.records(world.state_dir)
        if record.layer(VSCODE)
        and (everywhere or record.settings_file.is_relative_to(root) or (own and _is_own(record.settings_file)))
    )


def _is_own(path: Path) -> bool:
    """Whether it is an editor's file of the user's own."""
    return path.parts[-2:] == ("User", "settings.json")


def give_back(world: World, records: Sequence[Record]) -> list[dict[str, Any]]:
    """Take our part out of each of these files; what became of them (see schemas/disable.schema.json)."""
    return [_give_back(world, record) for record in records]


def _give_back(world: World, record: Record) -> dict[str, Any]:
    ownership.preview(file.read(record.settings_file), {VSCODE: ()}, record)  # raises before anything is touched
    excluding.include(record.extras, world.state_dir / "locks")
    reverted = ownership.revert(record.settings_file, state_dir=world.state_dir, purposes=(VSCODE,))
    _without_wrapper(world, record.extras.get(WRAPPER, ""))
    return {
        "path": str(record.settings_file),
        "changed": reverted.changed,
        "removed_file": reverted.removed_file,
        "kept": [{"key": ".".join(kept.path), "reason": kept.reason} for kept in reverted.kept],
    }


def _without_wrapper(world: World, wrapper: str) -> None:
    """Take the program away that was named there, once nobody names it any more."""
    others = (record.extras.get(WRAPPER) for record in ownership.records(world.state_dir))
    if wrapper and wrapper not in others and launchers.at(Path(wrapper)) is not None:
        try:
            launchers.remove(Path(wrapper))
        except ClaudeLocalError:  # gone meanwhile
            return
