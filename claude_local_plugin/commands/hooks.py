"""The session hooks alone: install, uninstall, and whether those that are installed can run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from claude_local_plugin import paths
from claude_local_plugin.commands.masking import masked_diff
from claude_local_plugin.commands.world import World
from claude_local_plugin.precedence import Scope, Snapshot, candidates, settings_file_to_write
from claude_local_plugin.settings import file, hooks, ownership
from claude_local_plugin.settings.document import Change, DocumentError, RemoveItem, edit, parse
from claude_local_plugin.settings.ownership import BACKEND, HOOKS


def install(world: World, scope: Scope, *, dry_run: bool = False) -> dict[str, Any]:
    """Install our hooks into the settings file of `scope`; says what changed, with the diff."""
    settings_file = _file(world, scope)
    wanted = {HOOKS: hooks.entries(world.python, paths.shipped("hooks"), world.state_dir, world.config_dir)}
    return _carry_out(world, scope, settings_file, wanted, dry_run=dry_run)


def uninstall(world: World, scope: Scope) -> dict[str, Any]:
    """Take our hooks out of the settings file of `scope`, whichever of our commands or installations put them in."""
    settings_file = _file(world, scope)
    record = ownership.load(settings_file, world.state_dir)
    wanted: dict[str, tuple[Change, ...]] = {HOOKS: ()}
    if record and (backend := record.layer(BACKEND)):
        # those that `enable` put in go, the rest of what it wrote stays
        wanted[BACKEND] = tuple(change for change in backend.changes if change.path[0] != "hooks")
    report = _carry_out(world, scope, settings_file, wanted, dry_run=False)
    try:
        strays = _strays(file.read(settings_file))
    except DocumentError as error:
        raise error.at(settings_file) from error
    if strays:
        file.rewrite(
            settings_file,
            lambda text: edit(text or "", _strays(text)).text,
            lock_dir=world.state_dir / "locks",
        )
    return {**report, "changed": report["changed"] or bool(strays)}


def _carry_out(
    world: World, scope: Scope, settings_file: Path, wanted: Mapping[str, Sequence[Change]], *, dry_run: bool
) -> dict[str, Any]:
    before = file.read(settings_file)
    record = ownership.load(settings_file, world.state_dir)
    try:
        after = ownership.preview(before, wanted, record).after
    except DocumentError as error:
        raise error.at(settings_file) from error
    if not dry_run:
        ownership.apply(settings_file, wanted, state_dir=world.state_dir)
    return {
        "changed": before != after and not dry_run,
        "scope": scope.value,
        "settings_file": str(settings_file),
        "diff": masked_diff(before, after, settings_file),
    }


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
    for key in ("disableAllHooks", "allowManagedHooksOnly"):
        for candidate in candidates(snapshot, key):
            if candidate.state == "wins" and candidate.value == "true":
                return f"{key} in {candidate.place}"
    return None


def _file(world: World, scope: Scope) -> Path:
    return settings_file_to_write(scope, world.cwd, world.home, world.environ, world.client_version)
