"""Where Claude Code's settings files lie for a folder: the administrator's, those of a project, and the user's.

Nothing here starts git: the `.git` entries are few and small, and reading them takes microseconds.
"""

import sys

from claude_local_plugin.core import system as os
from claude_local_plugin.core.claude import holds
from claude_local_plugin.core.files import content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LOCAL_FILE = os.path.join(".claude", "settings.local.json")
PROJECT_FILE = os.path.join(".claude", "settings.json")

#: A path and its name: what one of git's one-line files holds, and no more is read of it.
_MOST_POINTER = 8192


class Checkout:
    """Where a folder stands in git.

    `root` is the working tree's root: the nearest folder upwards that has a `.git` entry of any kind. `main_root` is
    the main checkout's root for a linked worktree, else `root`; for a worktree of a bare repository it is the bare
    repository itself. `common_dir` is the shared git folder, None where `.git` leads nowhere.
    """

    __slots__ = ("common_dir", "main_root", "root")

    def __init__(self, root: str, main_root: str, common_dir: "str | None") -> None:
        self.root = root
        self.main_root = main_root
        self.common_dir = common_dir


def checkout(folder: str) -> "Checkout | None":
    """The git surroundings of a folder (links followed), or None outside git."""
    while True:
        entry = os.path.join(folder, ".git")
        if os.path.lexists(entry):
            return _checkout_at(folder, entry)
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def _checkout_at(root: str, entry: str) -> Checkout:
    if os.path.isdir(entry):
        return Checkout(root, root, os.path.realpath(entry))
    git_dir = _pointer(entry, "gitdir:", root)
    if git_dir is None or not os.path.isdir(git_dir):
        return Checkout(root, root, None)
    common = _pointer(os.path.join(git_dir, "commondir"), "", git_dir)
    if common is None:
        return Checkout(root, root, git_dir)
    if not _is_linked_back(git_dir, common, entry):
        return Checkout(root, root, None)
    return Checkout(root, os.path.dirname(common) if os.path.basename(common) == ".git" else common, common)


def _is_linked_back(git_dir: str, common: str, entry: str) -> bool:
    """Whether the main checkout knows this worktree: anybody can write a `.git` file that claims to belong to it.

    Claude Code asks that git's folder for the worktree is in `worktrees/` of the common one and names this very `.git`
    file, which is no link (17 layouts, 2.1.266 to 2.1.332).
    """
    back = _pointer(os.path.join(git_dir, "gitdir"), "", git_dir)
    beneath = os.path.dirname(git_dir) == os.path.join(common, "worktrees")
    return beneath and back == os.path.realpath(entry) and not os.path.islink(entry)


def _pointer(file: str, prefix: str, base: str) -> "str | None":
    """The path a one-line git pointer file names, relative to `base`; None when it is not such a file."""
    try:
        text = os.fsdecode(content(file, _MOST_POINTER)).strip()
    except OSError:  # absent, unreadable or far too long: it points nowhere
        return None
    target = text[len(prefix) :].strip() if text.startswith(prefix) else ""
    return os.path.realpath(os.path.join(base, target)) if target else None


def local_folders(folder: str, home: str, client_version: "str | None") -> "list[str]":
    """The folders whose `.claude/settings.local.json` is read for `folder` (links followed), highest precedence first.

    In git that is the main checkout's root and then the folder, from Claude Code 2.1.211 on; the root is left out where
    it is the home folder, and where it, its `.git` or its `.claude` belongs to another user.
    """
    found = checkout(folder) if holds("local-from-git-root", client_version) else None
    if found is None or found.main_root in (folder, os.path.realpath(home)) or not _is_ours(found.main_root):
        return [folder]
    return [found.main_root, folder]


def _is_ours(root: str) -> bool:
    """Whether the checkout, its `.git` and (where there is one) its `.claude` belong to the current user."""
    if sys.platform == "win32":  # no owners to compare, and Claude Code keeps to the current folder there
        return False
    try:
        owners = {os.stat(root).st_uid, os.lstat(os.path.join(root, ".git")).st_uid}
    except OSError:  # a bare repository has no `.git` inside; Claude Code stays in the current folder then
        return False
    settings = os.path.join(root, ".claude")
    if os.path.lexists(settings):
        owners.add(os.lstat(settings).st_uid)
    return owners == {os.geteuid()}


def config_dir(environ: "Mapping[str, str]", home: str, folder: str) -> str:
    """Claude Code's own folder: `~/.claude`, or `CLAUDE_CONFIG_DIR` relative to `folder`, its `~` not expanded."""
    chosen = environ.get("CLAUDE_CONFIG_DIR")
    return os.path.join(home, ".claude") if chosen is None else os.path.join(folder, chosen)


def user_file(environ: "Mapping[str, str]", home: str, folder: str) -> str:
    """The user's settings file."""
    name = "cowork_settings.json" if environ.get("CLAUDE_CODE_USE_COWORK_PLUGINS") else "settings.json"
    return os.path.join(config_dir(environ, home, folder), name)


def managed_default(platform: str = sys.platform) -> str:
    """The folder of the administrator's settings on this system."""
    if platform == "darwin":
        return "/Library/Application Support/ClaudeCode"
    return r"C:\Program Files\ClaudeCode" if platform == "win32" else "/etc/claude-code"


def managed_files(folder: str) -> "list[str]":
    """The administrator's files, highest precedence first: drop-ins from last to first name, then the base file."""
    drop_ins = os.path.join(folder, "managed-settings.d")
    try:
        names = sorted(name for name in os.listdir(drop_ins) if name.endswith(".json") and not name.startswith("."))
    except OSError:  # no such folder, or not for us to read: then there is nothing to merge
        names = []
    return [*(os.path.join(drop_ins, name) for name in reversed(names)), os.path.join(folder, "managed-settings.json")]


def is_one_file(folder: str, user: str) -> bool:
    """Whether the project's settings file is the user's, as in the home folder: it counts as the user's then."""
    return os.path.realpath(os.path.join(folder, PROJECT_FILE)) == os.path.realpath(user)
