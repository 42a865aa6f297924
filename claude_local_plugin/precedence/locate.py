"""Says which settings files Claude Code reads for a folder, and which of them it would write."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from claude_local_plugin.core import places
from claude_local_plugin.core.frozen import frozen
from claude_local_plugin.precedence.model import Scope

PROJECT_FILE = Path(places.PROJECT_FILE)
LOCAL_FILE = Path(places.LOCAL_FILE)


@frozen
class GitLayout:
    """Where a folder stands in git: see `places.Checkout`."""

    root: Path
    main_root: Path
    common_dir: Path | None

    @property
    def linked(self) -> bool:
        """Whether this is a linked worktree."""
        return self.root != self.main_root


@frozen
class SettingsPath:
    """A place Claude Code looks for settings."""

    scope: Scope
    path: Path


def git_layout(cwd: Path) -> GitLayout | None:
    """The git surroundings of `cwd`, or None outside git."""
    found = places.checkout(os.path.realpath(cwd))
    if found is None:
        return None
    return GitLayout(Path(found.root), Path(found.main_root), Path(found.common_dir) if found.common_dir else None)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def local_folders(cwd: Path, home: Path, client_version: str | None) -> tuple[Path, ...]:
    """The folders whose `.claude/settings.local.json` is read for `cwd`, highest precedence first."""
    return tuple(map(Path, places.local_folders(os.path.realpath(cwd), str(home), client_version)))


def config_dir(cwd: Path, home: Path, environ: Mapping[str, str]) -> Path:
    """Claude Code's own folder."""
    return Path(places.config_dir(environ, str(home), str(cwd)))


def global_state_file(cwd: Path, home: Path, environ: Mapping[str, str]) -> Path:
    """The file with trust, onboarding and the console key: `~/.claude.json`, or inside `CLAUDE_CONFIG_DIR`."""
    folder = config_dir(cwd, home, environ)
    if (folder / ".config.json").exists():
        return folder / ".config.json"
    return (folder if "CLAUDE_CONFIG_DIR" in environ else home) / ".claude.json"


def user_file(cwd: Path, home: Path, environ: Mapping[str, str]) -> Path:
    """The user's settings file."""
    return Path(places.user_file(environ, str(home), str(cwd)))


def managed_dir_default() -> Path:
    """The folder of the administrator's settings on this system."""
    return Path(places.managed_default())


def managed_paths(folder: Path) -> tuple[Path, ...]:
    """The administrator's files, highest precedence first."""
    return tuple(map(Path, places.managed_files(str(folder))))


def settings_paths(
    cwd: Path,
    home: Path,
    environ: Mapping[str, str],
    client_version: str | None,
    managed_dir: Path | None = None,
    setting_sources: Sequence[Scope] | None = None,
) -> tuple[SettingsPath, ...]:
    """Every settings file Claude Code looks for in `cwd`, highest precedence first; `--settings` is not a place."""
    wanted = set(setting_sources) if setting_sources is not None else {Scope.LOCAL, Scope.PROJECT, Scope.USER}
    cwd = _real(cwd)
    found = [SettingsPath(Scope.MANAGED, path) for path in managed_paths(managed_dir or managed_dir_default())]
    if Scope.LOCAL in wanted:
        found += [SettingsPath(Scope.LOCAL, folder / LOCAL_FILE) for folder in local_folders(cwd, home, client_version)]
    user = user_file(cwd, home, environ)
    if Scope.PROJECT in wanted and not (Scope.USER in wanted and places.is_one_file(str(cwd), str(user))):
        found.append(SettingsPath(Scope.PROJECT, cwd / PROJECT_FILE))
    if Scope.USER in wanted:
        found.append(SettingsPath(Scope.USER, user))
    return tuple(found)


def settings_file_to_write(
    scope: Scope, cwd: Path, home: Path, environ: Mapping[str, str], client_version: str | None
) -> Path:
    """The file of `scope` (local, project or user) that a session in `cwd` reads first, whether it exists or not."""
    if scope is Scope.LOCAL:
        return local_folders(cwd, home, client_version)[0] / LOCAL_FILE
    if scope is Scope.PROJECT:
        return _real(cwd) / PROJECT_FILE
    if scope is Scope.USER:
        return user_file(_real(cwd), home, environ)
    raise ValueError(f"no settings file of scope {scope} is written by claude-local")
