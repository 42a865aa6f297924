"""Give settings files back as they were before `enable`, wherever they are and whatever happened to them since."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from claude_local_plugin import paths
from claude_local_plugin.commands import first_run, vscode
from claude_local_plugin.commands.enable import MODE, previewed
from claude_local_plugin.commands.explain_precedence import sentence
from claude_local_plugin.commands.open_sessions import Affected, affected
from claude_local_plugin.core import config
from claude_local_plugin.core.endpoint import is_cloud
from claude_local_plugin.core.registration import RELEASE
from claude_local_plugin.core.shell import Words
from claude_local_plugin.core.shell import command as typed
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.launch import excluding
from claude_local_plugin.precedence import Scope, backend_in_use, resolve, settings_file_to_write
from claude_local_plugin.precedence.locate import config_dir, user_file
from claude_local_plugin.sessionlog import queries
from claude_local_plugin.sessionlog.queries.filters import LOCAL, Where, spelled
from claude_local_plugin.sessionlog.queries.open_sessions import open_sessions
from claude_local_plugin.settings import file, hooks, ownership
from claude_local_plugin.settings.orphans import on_record, orphaned
from claude_local_plugin.settings.ownership import BACKEND, BENCH, GUARD, HOOKS, STATUSLINE, VSCODE, Record
from claude_local_plugin.text import printable
from claude_local_plugin.world import World

#: What `disable` gives up: all of ours but hooks that were installed alone.
PURPOSES = (BACKEND, BENCH, STATUSLINE, GUARD)
SCOPES = (Scope.LOCAL, Scope.PROJECT, Scope.USER)

#: A conversation that went on within this time may well be resumed.
RECENT = timedelta(days=30)

#: What a record says of hooks that stay until these sessions have ended.
GUARDED = "guarded_sessions"


@dataclass(frozen=True, slots=True)
class Target:
    """A settings file with a part of ours in it, or none: `record` says what; an orphan's is made of its text."""

    scope: Scope
    settings_file: Path
    record: Record | None = field(repr=False)
    is_orphan: bool = False
    purposes: tuple[str, ...] = PURPOSES

    @property
    def is_ours(self) -> bool:
        """Whether there is anything to give back."""
        return self.record is not None and any(self.record.layer(purpose) for purpose in self.purposes)

    @property
    def after(self) -> str | None:
        """What the file would hold; raises SettingsError where it cannot be edited."""
        text = file.read(self.settings_file)
        if not self.is_ours:
            return text
        return previewed(text, dict.fromkeys(self.purposes, ()), self.record, self.settings_file)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `disable` is about to do: the files, who is open on them, and what is lost with them."""

    world: World
    targets: tuple[Target, ...]
    open: tuple[Affected, ...]
    #: The scopes of this folder that stay enabled.
    remaining: tuple[Target, ...]
    #: Sentences about protection that nothing enforces any more.
    unprotected: tuple[str, ...]
    #: What is to be known of conversations of own servers that would be resumed on the cloud.
    notes: tuple[str, ...] = ()
    #: Editors' settings with a part of ours in them.
    editors: tuple[Record, ...] = ()

    @property
    def moving(self) -> tuple[Affected, ...]:
        """The open sessions whose next prompt would go elsewhere."""
        return tuple(each for each in self.open if each.moves)

    @property
    def orphans(self) -> tuple[Target, ...]:
        """The files of which nothing is on record, with things of ours in them."""
        return tuple(target for target in self.targets if target.is_ours and target.is_orphan)


def prepare(world: World, scope: Scope | None = None, *, all_scopes: bool = False) -> Prepared:
    """What disabling here would do: in the scope named, in all, or in the nearest that is enabled. Writes nothing."""
    found = [target for each in SCOPES for target in _targets(world, each)]
    enabled = [target for target in found if target.is_ours]
    if scope is not None:
        chosen = [target for target in found if target.scope is scope]
    elif all_scopes:
        chosen = found
    else:
        nearest = enabled[0].scope if enabled else None
        chosen = [target for target in found if nearest in (None, target.scope)]
    remaining = [target for target in enabled if target not in chosen]
    done = _prepared(world, [*chosen, *_state_file(world, chosen)], remaining)
    if scope is None:
        done = replace(done, editors=vscode.on_record(world, own=False))
    if enabled or done.editors or done.notes:
        return done
    return replace(done, notes=(_elsewhere(world) if scope is None else _LOOK,))


def prepare_editors(world: World) -> Prepared:
    """What taking ours out of this project's editor settings, and of the user's own, would do. Writes nothing."""
    editors = vscode.on_record(world, own=True)
    done = replace(_prepared(world, (), ()), editors=editors)
    if not editors and any(target.is_ours for scope in SCOPES for target in _targets(world, scope)):
        return replace(done, notes=(f"settings files are enabled here: {typed('claude-local', 'disable')}",))
    return done if editors or done.notes else replace(done, notes=(_elsewhere(world),))


def prepare_everywhere(world: World, *, purposes: tuple[str, ...] = PURPOSES) -> Prepared:
    """What disabling every folder on record, and this one, would do."""
    here = [target for scope in SCOPES for target in _targets(world, scope) if target.is_ours]
    known = {file.resolve(target.settings_file) for target in here}
    user = file.resolve(user_file(world.cwd, world.home, world.environ))
    others = [
        Target(_scope_of(record.settings_file, user), record.settings_file, record)
        for record in ownership.records(world.state_dir)
        if record.settings_file not in known and not record.layer(VSCODE)
    ]
    targets = [Target(each.scope, each.settings_file, each.record, each.is_orphan, purposes) for each in here + others]
    done = _prepared(world, list(map(_with_first_run, targets)), [])
    done = replace(done, editors=vscode.on_record(world, own=True, everywhere=True))
    return done if targets or done.editors or done.notes else replace(done, notes=(_LOOK,))


def _state_file(world: World, targets: Sequence[Target]) -> Iterator[Target]:
    """Claude Code's state file, where `enable --first-run` has answered questions in it for these settings files."""
    ours = [target for target in targets if target.is_ours] or list(targets)
    found = first_run.on_record(world, [target.settings_file for target in ours])
    if found is not None:
        record, purposes = found
        yield Target(ours[0].scope, record.settings_file, record, purposes=purposes)


def _with_first_run(target: Target) -> Target:
    """The same; of Claude Code's state file all that is ours is given back."""
    if target.record is None or not first_run.is_of_state_file(target.record.purposes):
        return target
    return replace(target, scope=Scope.USER, purposes=target.record.purposes)


def _prepared(world: World, targets: Sequence[Target], remaining: Sequence[Target]) -> Prepared:
    ours = [target for target in targets if target.is_ours]
    texts = {target.settings_file: target.after for target in ours}
    found = affected(world, texts)
    notes = _of_others(world) if not ours and not remaining else ()
    if _taken_back(world, texts, found):
        notes = (*notes, UNSIGNED)
    return Prepared(world, tuple(targets), found, tuple(remaining), unprotected(world, texts), notes)


def _of_others(world: World) -> tuple[str, ...]:
    """What sends sessions to a server here where it was not we who wrote it; whoever did can take it out."""
    winner = resolve(world.snapshot()).decisions["base_url"].winner
    if winner is None or not winner.value or (winner.path is None and winner.scope is not Scope.SHELL):
        return ()
    return (f"what sends sessions to {printable(winner.value)} was written by somebody else: {winner.place}",)


_LOOK = f"{typed('claude-local', 'status')} says where a session here goes, and why"


def _elsewhere(world: World) -> str:
    """What to do next where nothing is enabled here: to look where it is."""
    if vscode.on_record(world, own=True):
        return f"your editor's own settings are enabled: {typed('claude-local', 'disable', '--vscode')}"
    found = ownership.records(world.state_dir)
    others = [each for each in found if not each.layer(VSCODE) and not first_run.is_of_state_file(each.purposes)]
    if others:
        files = "a settings file is" if len(others) == 1 else f"{len(others)} settings files are"
        return f"{files} enabled elsewhere: {typed('claude-local', 'status', '--all')}"
    return _LOOK


UNSIGNED = (
    "note: Anthropic's API may refuse to go on with a conversation from your server, whose thinking carries no"
    f" signature: {typed('claude-local', 'rescue', Words('SESSION'))} makes a copy without it"
)


def _taken_back(world: World, texts: Mapping[Path, str | None], found: Sequence[Affected]) -> bool:
    """Whether conversations of own servers, open or recent, would go on with the cloud."""
    if any(each.moves and is_cloud(each.there) and not is_cloud(each.here) for each in found):
        return True
    if not texts or not backend_in_use(world.snapshot(dict(texts))).cloud:
        return False
    since = spelled(datetime.now(UTC) - RECENT)
    try:
        where = Where(since=since, projects=(str(world.cwd),), backend=LOCAL, sent=True)
        return bool(queries.sessions(world.state_dir, 1, where))
    except ClaudeLocalError:  # a log that cannot be read knows none, and is no reason to leave settings as they are
        return False


def carry_out(prepared: Prepared) -> dict[str, Any]:
    """Do it; what happened (schemas/disable.schema.json).

    Where open sessions would move and nothing of ours would hold their next prompt, the hooks stay until they have
    ended: see `release`.
    """
    world = prepared.world
    guarded = tuple(each.session.session_id for each in prepared.moving if not each.watched)
    files = [_give_back(world, target, guarded if _is_hooked(target) else ()) for target in prepared.targets]
    editors = vscode.give_back(world, prepared.editors)
    return {
        "changed": any(entry["changed"] for entry in (*files, *editors)),
        "files": files,
        "editors": editors,
        "remaining": [
            {"scope": target.scope.value, "settings_file": str(target.settings_file)} for target in prepared.remaining
        ],
        "open_sessions": [each.as_json() for each in prepared.open],
        "notes": list(prepared.notes),
        "afterwards": sentence(resolve(world.snapshot()), world.place),
    }


def release(world: World) -> tuple[Path, ...]:
    """Take out the hooks that were left for open sessions, where these have ended; the files that were changed."""
    done = []
    for record in ownership.records(world.state_dir):
        if record.layer(GUARD) is None:
            continue
        if set(record.extras.get(GUARDED, "").split()) & _alive(world):
            continue
        if record.purposes == (GUARD,):
            excluding.include(record.extras, world.state_dir / "locks")
        _give_back_mode(ownership.revert(record.settings_file, state_dir=world.state_dir, purposes=(GUARD,)))
        done.append(record.settings_file)
    if not any(record.layer(GUARD) for record in ownership.records(world.state_dir)):
        (world.state_dir / RELEASE).unlink(missing_ok=True)
    return tuple(done)


def is_guarding(world: World) -> bool:
    """Whether hooks were left for open sessions somewhere."""
    return (world.state_dir / RELEASE).exists()


def _alive(world: World) -> set[str]:
    """The sessions that have a process."""
    folder = config_dir(world.cwd, world.home, world.environ)
    return {each.session_id for each in open_sessions(world.state_dir, folder) if each.pid or not each.is_job}


def _targets(world: World, scope: Scope) -> Iterator[Target]:
    """The settings file of this scope, and the one that another version of the client had `enable` write instead."""
    seen: list[Path] = []
    for version in (world.client_version, None, "2.1.210"):  # from 2.1.211 on, local settings are at git's root
        path = settings_file_to_write(
            scope, cwd=world.cwd, home=world.home, environ=world.environ, client_version=version
        )
        if path in seen:
            continue
        record, is_orphan = on_record(path, world.state_dir)
        if not seen or record:
            yield Target(scope, path, record, is_orphan)
        seen.append(path)


def _scope_of(settings_file: Path, user: Path) -> Scope:
    if settings_file == user:
        return Scope.USER
    return Scope.LOCAL if settings_file.name == "settings.local.json" else Scope.PROJECT


def _is_hooked(target: Target) -> bool:
    if target.record is None or not target.is_ours:
        return False
    return any(slot.path[0] == "hooks" for slot in target.record.traces) and not target.record.layer(HOOKS)


def unprotected(world: World, texts: Mapping[Path, str | None]) -> tuple[str, ...]:
    """That this folder is protected and that nothing would see to it any more."""
    rule = config.look(str(world.state_dir), world.environ).for_project(str(world.cwd))
    if not (rule.protect or rule.allowed_backends):
        return ()
    now, then = (hooks.found_in(world.snapshot(each)) for each in ({}, dict(texts)))
    if now and not then:
        return (f"{world.cwd} is protected by config.toml, and the hooks that see to it go with these settings",)
    return ()


def _give_back(world: World, target: Target, guarded: Sequence[str]) -> dict[str, Any]:
    """Give one file back; but for the hooks, where sessions are named that are to be guarded."""
    record, settings_file = target.record, target.settings_file
    if record is not None and target.is_ours:
        target.after  # noqa: B018 - raises before anything is touched
        if not guarded:
            # first: while the record is there, an interrupted run can be run again
            excluding.include(record.extras, world.state_dir / "locks")
    orphan = partial(orphaned, file.resolve(settings_file)) if target.is_orphan else None
    if guarded:
        file.private_folder(world.state_dir)
        (world.state_dir / RELEASE).touch()  # has the hooks of sessions that end look whether ours can go
        wanted = dict.fromkeys(target.purposes, ()) | {
            GUARD: hooks.entries(world.python, paths.shipped("hooks"), world.state_dir, world.config_dir)
        }
        extras = {GUARDED: " ".join(guarded)}
        ownership.apply(settings_file, wanted, state_dir=world.state_dir, extras=extras, orphan=orphan)
        reverted, changed = None, True
    else:
        reverted = ownership.revert(settings_file, state_dir=world.state_dir, purposes=target.purposes, orphan=orphan)
        changed = reverted.changed
        _give_back_mode(reverted)
    after = ownership.load(settings_file, world.state_dir)
    return {
        "scope": target.scope.value,
        "settings_file": str(settings_file),
        "had_record": target.is_ours if reverted is None else reverted.had_record,
        "on_record": target.is_ours and not target.is_orphan,
        "changed": changed,
        "restored": [".".join(path) for path in reverted.restored] if reverted else [],
        "removed": [".".join(path) for path in reverted.removed] if reverted else _owned(target),
        "kept": [{"key": ".".join(kept.path), "reason": kept.reason} for kept in reverted.kept] if reverted else [],
        "removed_file": bool(reverted and reverted.removed_file),
        "hooks_left": bool(guarded),
        "hooks_stay": after is not None and after.layer(HOOKS) is not None,
    }


def _give_back_mode(reverted: ownership.Reverted) -> None:
    """Let others read the file again, where they were kept out while it held a key."""
    mode = reverted.extras.get(MODE)
    if mode is not None and reverted.target.exists():
        reverted.target.chmod(int(mode, 8))


def _owned(target: Target) -> list[str]:
    assert target.record is not None
    return [".".join(path) for path in target.record.owned if path[0] != "hooks"]
