"""Says which settings files Claude Code reads for a folder, and which of them it would write.

Nothing here starts git: the `.git` entries are few and small, and reading them takes microseconds.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from claude_local_plugin.core.files import content
from claude_local_plugin.precedence.model import Scope
from claude_local_plugin.precedence.table import holds

#: A path and its name: what one of git's one-line files holds, and no more is read of it.
_MOST_POINTER = 8192

PROJECT_FILE = Path(".claude", "settings.json")
LOCAL_FILE = Path(".claude", "settings.local.json")


@dataclass(frozen=True, slots=True)
class GitLayout:
    """Where a folder stands in git.

    `root` is the working tree's root: the nearest folder upwards that has a `.git` entry of any kind.
    `main_root` is the main checkout's root for a linked worktree, else `root`; for a worktree of a bare
    repository it is the bare repository itself. `common_dir` is the shared git folder, None where `.git`
    leads nowhere.
    """

    root: Path
    main_root: Path
    common_dir: Path | None

    @property
    def linked(self) -> bool:
        """Whether this is a linked worktree."""
        return self.root != self.main_root


@dataclass(frozen=True, slots=True)
class SettingsPath:
    """A place Claude Code looks for settings."""

    scope: Scope
    path: Path


def git_layout(cwd: Path) -> GitLayout | None:
    """The git surroundings of `cwd`, or None outside git."""
    cwd = _real(cwd)
    for folder in (cwd, *cwd.parents):
        entry = folder / ".git"
        if entry.exists() or entry.is_symlink():
            return _layout_at(folder, entry)
    return None


def _layout_at(root: Path, entry: Path) -> GitLayout:
    if entry.is_dir():
        return GitLayout(root, root, _real(entry))
    git_dir = _pointer(entry, "gitdir:", root)
    if git_dir is None or not git_dir.is_dir():
        return GitLayout(root, root, None)
    common = _pointer(git_dir / "commondir", "", git_dir)
    if common is None:
        return GitLayout(root, root, git_dir)
    if not _is_linked_back(git_dir, common, entry):
        return GitLayout(root, root, None)
    main_root = common.parent if common.name == ".git" else common
    return GitLayout(root, main_root, common)


def _is_linked_back(git_dir: Path, common: Path, entry: Path) -> bool:
    """Whether the main checkout knows this worktree: anybody can write a `.git` file that claims to belong to it.

    Claude Code asks that git's folder for the worktree is in `worktrees/` of the common one and names this very `.git`
    file, which is no link (17 layouts, 2.1.266 to 2.1.332).
    """
    back = _pointer(git_dir / "gitdir", "", git_dir)
    return git_dir.parent == common / "worktrees" and back == _real(entry) and not entry.is_symlink()


def _pointer(file: Path, prefix: str, base: Path) -> Path | None:
    """The path a one-line git pointer file names, relative to `base`; None when it is not such a file."""
    try:
        text = os.fsdecode(content(file, _MOST_POINTER)).strip()
    except OSError:  # absent, unreadable or far too long: it points nowhere
        return None
    if not text.startswith(prefix) or not (target := text[len(prefix) :].strip()):
        return None
    return _real(base / target)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def local_folders(cwd: Path, home: Path, client_version: str | None) -> tuple[Path, ...]:
    """The folders whose `.claude/settings.local.json` is read for `cwd`, highest precedence first.

    In git that is the main checkout's root and then `cwd`, from Claude Code 2.1.211 on; the root is left out
    where it is the home folder, and where it, its `.git` or its `.claude` belongs to another user.
    """
    cwd = _real(cwd)
    if not holds("local-from-git-root", client_version):
        return (cwd,)
    layout = git_layout(cwd)
    if layout is None or layout.main_root in (cwd, _real(home)) or not _is_ours(layout.main_root):
        return (cwd,)
    return (layout.main_root, cwd)


def _is_ours(root: Path) -> bool:
    """Whether `root`, its `.git` and (where there is one) its `.claude` belong to the current user."""
    if sys.platform == "win32":  # no owners to compare, and Claude Code keeps to the current folder there
        return False
    me = os.geteuid()
    try:
        owners = {root.stat().st_uid, (root / ".git").lstat().st_uid}
    except OSError:  # a bare repository has no `.git` inside; Claude Code stays in the current folder then
        return False
    with suppress(FileNotFoundError):  # not there yet, which is fine
        owners.add((root / ".claude").lstat().st_uid)
    return owners == {me}


def config_dir(cwd: Path, home: Path, environ: Mapping[str, str]) -> Path:
    """Claude Code's own folder: `~/.claude`, or `CLAUDE_CONFIG_DIR` relative to `cwd`, its `~` not expanded."""
    chosen = environ.get("CLAUDE_CONFIG_DIR")
    return home / ".claude" if chosen is None else cwd / chosen


def global_state_file(cwd: Path, home: Path, environ: Mapping[str, str]) -> Path:
    """The file with trust, onboarding and the console key: `~/.claude.json`, or inside `CLAUDE_CONFIG_DIR`."""
    folder = config_dir(cwd, home, environ)
    if (folder / ".config.json").exists():
        return folder / ".config.json"
    return (folder if "CLAUDE_CONFIG_DIR" in environ else home) / ".claude.json"


def user_file(cwd: Path, home: Path, environ: Mapping[str, str]) -> Path:
    """The user's settings file."""
    name = "cowork_settings.json" if environ.get("CLAUDE_CODE_USE_COWORK_PLUGINS") else "settings.json"
    return config_dir(cwd, home, environ) / name


def managed_dir_default() -> Path:
    """The folder of the administrator's settings on this system."""
    if sys.platform == "darwin":
        return Path("/Library/Application Support/ClaudeCode")
    if sys.platform == "win32":
        return Path(r"C:\Program Files\ClaudeCode")
    return Path("/etc/claude-code")


def managed_paths(folder: Path) -> tuple[Path, ...]:
    """The administrator's files, highest precedence first: drop-ins from last to first name, then the base file."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder / "managed-settings.d"))
    except OSError:  # no such folder, or not for us to read: then there is nothing to merge
        names = []
    drop_ins = [name for name in names if name.endswith(".json") and not name.startswith(".")]
    return (*(folder / "managed-settings.d" / name for name in reversed(drop_ins)), folder / "managed-settings.json")


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
    # In the home folder the project's settings.json is the user's: one file, in one scope.
    if Scope.PROJECT in wanted and not (Scope.USER in wanted and _real(cwd / PROJECT_FILE) == _real(user)):
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
