"""Which open sessions a change of settings moves, and what becomes of each at its next prompt."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from claude_local_plugin.core.endpoint import is_cloud, name_of
from claude_local_plugin.core.protection import ROUTING
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.precedence import Scope, Snapshot, backend_in_use, effective_env, settings_file_to_write
from claude_local_plugin.precedence.locate import config_dir
from claude_local_plugin.sessionlog.queries.open_sessions import Open, open_sessions
from claude_local_plugin.settings import file
from claude_local_plugin.settings.hooks import found_in
from claude_local_plugin.text import printable, short_path
from claude_local_plugin.world import World

#: How often is looked whether a session has ended, in seconds, and for how long at most.
PAUSE_S, PATIENCE_S = 1.0, 12 * 60 * 60.0


@dataclass(frozen=True, slots=True)
class Affected:
    """An open session that reads the settings to be written: where it is, and where its next prompt would go."""

    session: Open
    here: str
    there: str
    #: Whether hooks of ours would still run in it, so that its next prompt can be held.
    watched: bool

    @property
    def moves(self) -> bool:
        """Whether its next prompt would go elsewhere."""
        return self.here != self.there

    def sentence(self, world: World, now: float | None = None) -> str:
        """What becomes of it, for people."""
        each = self.session
        folder = short_path(each.folder, cwd=world.home / "-", home=world.home)
        model = f" as {printable(each.model)}" if each.model else ""
        what = "a background session" if each.is_job else "a session"
        process = f", process {each.pid}" if each.pid else ""
        said = f"{what} is open in {folder} ({each.session_id[:8]}{process}), on {printable(self.here)}{model}"
        if not self.moves:
            return f"{said}: it stays there"
        said += f": its next prompt, with the whole conversation, would go to {printable(self.there)}"
        said += f" under the same model name{' and' if is_cloud(self.there) else ''}"
        said += " with the credential that is in effect there" if is_cloud(self.there) else ""
        if each.is_job:
            said += "; so does each respawn, whose model Claude Code keeps in its job"
        return said

    def as_json(self) -> dict[str, Any]:
        """The session as the JSON outputs show it."""
        each = self.session
        return {
            "session_id": each.session_id,
            "folder": str(each.folder),
            "pid": each.pid,
            "job": each.is_job,
            "model": each.model,
            "from": self.here,
            "to": self.there,
            "moves": self.moves,
        }


def affected(world: World, texts: Mapping[Path, str | None]) -> tuple[Affected, ...]:
    """The open sessions that read one of these settings files, with what becomes of them once it holds its new text."""
    if not texts:
        return ()
    targets = {file.resolve(path): text for path, text in texts.items()}
    changed = {path: text for path, text in targets.items() if file.read(path) != text}
    if not changed:
        return ()
    found = []
    for session in open_sessions(world.state_dir, config_dir(world.cwd, world.home, world.environ)):
        read = _settings_of(world, session.folder)
        if read & set(changed):
            found.append(_fate(world.at(session.folder), session, changed))
    return tuple(found)


def _settings_of(world: World, folder: Path) -> set[Path]:
    """The settings files that a session in this folder reads and that somebody may write."""
    if not folder.is_dir():
        return set()
    return {
        file.resolve(settings_file_to_write(scope, folder, world.home, world.environ, world.client_version))
        for scope in (Scope.LOCAL, Scope.PROJECT, Scope.USER)
    }


def _fate(world: World, session: Open, changed: Mapping[Path, str | None]) -> Affected:
    now = world.snapshot()
    then = world.snapshot(_as_read(now, changed))
    here, env = backend_in_use(now), effective_env(now)
    # what no file sets keeps its value in a process that runs, as if it were exported (observed on Claude Code 2.1.329
    # to 2.1.332)
    kept = {name: env[name] for name in ROUTING if name in env}
    there = backend_in_use(replace(then, shell={**then.shell, **kept}))
    watched = any(hook.event == "UserPromptSubmit" for hook in found_in(then))
    on_record = session.backend or name_of(here.kind, here.url)
    return Affected(session, on_record, name_of(there.kind, there.url), watched)


def _as_read(now: Snapshot, changed: Mapping[Path, str | None]) -> dict[Path, str | None]:
    """The new texts under the names that a session here reads them by."""
    return {
        each.path: changed[target]
        for each in now.files
        if each.path is not None
        and each.scope in (Scope.LOCAL, Scope.PROJECT, Scope.USER)
        and (target := file.resolve(each.path)) in changed
    }


def wait(
    world: World,
    sessions: Sequence[Affected],
    *,
    patience: float = PATIENCE_S,
    said: Callable[[str], None] = lambda _: None,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Return once all of these have ended; raises ClaudeLocalError where one is still open after `patience` seconds."""
    until = time.monotonic() + patience
    left = {each.session.session_id for each in sessions}
    folder = config_dir(world.cwd, world.home, world.environ)
    while left:
        still = {each.session_id for each in open_sessions(world.state_dir, folder)} & left
        for ended in sorted(left - still):
            said(f"ended: {ended[:8]}")
        left = still
        if left and time.monotonic() > until:
            raise ClaudeLocalError(f"still open: {', '.join(sorted(each[:8] for each in left))}", "nothing was written")
        if left:
            pause(PAUSE_S)
