"""The session hooks alone: install, uninstall, and whether those that are installed can run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claude_local_plugin import paths
from claude_local_plugin.commands.masking import masked_diff
from claude_local_plugin.precedence import Scope, Snapshot, hooks_off, settings_file_to_write
from claude_local_plugin.settings import file, hooks, ownership
from claude_local_plugin.settings.document import Change, DocumentError, RemoveItem, edit, parse
from claude_local_plugin.settings.ownership import BACKEND, HOOKS
from claude_local_plugin.world import World


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is to be done with the hooks in the settings file of a scope, and what the file would hold then."""

    world: World
    scope: Scope
    settings_file: Path
    wanted: Mapping[str, Sequence[Change]] = field(repr=False)
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)

    @property
    def texts(self) -> dict[Path, str | None]:
        """The file with its new text."""
        return {self.settings_file: self.after}

    def as_json(self, *, dry_run: bool = False) -> dict[str, Any]:
        """What `hooks install --json` and `hooks uninstall --json` print."""
        return {
            "changed": self.before != self.after and not dry_run,
            "scope": self.scope.value,
            "settings_file": str(self.settings_file),
            "diff": masked_diff(self.before, self.after, self.settings_file),
        }


def install(world: World, scope: Scope) -> Prepared:
    """Plan installing our hooks into the settings file of `scope`; writes nothing."""
    settings_file = _file(world, scope)
    wanted = {HOOKS: hooks.entries(world.python, paths.shipped("hooks"), world.state_dir, world.config_dir)}
    return _prepared(world, scope, settings_file, wanted)


def uninstall(world: World, scope: Scope) -> Prepared:
    """Plan taking our hooks out of the settings file of `scope`, whichever of our commands or installations put them
    in; writes nothing.
    """
    settings_file = _file(world, scope)
    record = ownership.load(settings_file, world.state_dir)
    wanted: dict[str, tuple[Change, ...]] = {HOOKS: ()}
    if record and (backend := record.layer(BACKEND)):
        # those that `enable` put in go, the rest of what it wrote stays
        wanted[BACKEND] = tuple(change for change in backend.changes if change.path[0] != "hooks")
    return _prepared(world, scope, settings_file, wanted, without_strays=True)


def _prepared(
    world: World,
    scope: Scope,
    settings_file: Path,
    wanted: Mapping[str, Sequence[Change]],
    *,
    without_strays: bool = False,
) -> Prepared:
    before = file.read(settings_file)
    record = ownership.load(settings_file, world.state_dir)
    try:
        after = ownership.preview(before, wanted, record).after
        if without_strays and (strays := _strays(after)):
            after = edit(after or "", strays).text
    except DocumentError as error:
        raise error.at(settings_file) from error
    return Prepared(world, scope, settings_file, wanted, before, after)


def carry_out(prepared: Prepared) -> None:
    """Do it; one that is to leave no hook of ours takes those out, too, that no record knows."""
    world, settings_file = prepared.world, prepared.settings_file
    ownership.apply(settings_file, prepared.wanted, state_dir=world.state_dir)
    if not prepared.wanted[HOOKS] and _strays(file.read(settings_file)):
        file.rewrite(
            settings_file,
            lambda text: edit(text or "", _strays(text)).text,
            lock_dir=world.state_dir / "locks",
        )


def _strays(text: str | None) -> tuple[RemoveItem, ...]:
    """Hooks of ours that no record knows: of another installation, or copied here by hand."""
    settings = parse(text or "").value()
    assert isinstance(settings, dict), "parse() accepts nothing else"
    return tuple(RemoveItem(("hooks", event), group) for event, group in hooks.groups(settings))


def status(snapshot: Snapshot, scope: Scope | None = None) -> dict[str, Any]:
    """Where our hooks are installed, whether they can run, and what switches all hooks off here."""
    found = [hook for hook in hooks.found_in(snapshot) if scope is None or hook.scope == scope]
    return {"hooks": [hook.as_json() for hook in found], "disabled_by": _disabled_by(snapshot)}


def _disabled_by(snapshot: Snapshot) -> str | None:
    found = next(hooks_off(snapshot), None)
    return None if found is None else f"{found.key} in {found.place}"


def _file(world: World, scope: Scope) -> Path:
    return settings_file_to_write(scope, world.cwd, world.home, world.environ, world.client_version)
