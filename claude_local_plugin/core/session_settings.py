"""The settings files of a session in the order in which they count, and who set what: as far as a hook can tell.

What no file sets was exported in the shell; `--settings`, which hooks are not shown, counts as the shell here.
"""

import os
import sys

from claude_local_plugin.core.claude import GATEWAY, GATEWAY_KEYS, client_version_of, holds, is_on, js_string
from claude_local_plugin.core.files import content
from claude_local_plugin.core.text import clean, json_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

#: Claude Code reads no settings file larger than this many bytes.
MOST_BYTES = 2 * 1024 * 1024


#: The scopes of a project's files.
PROJECT_SCOPES = ("local", "project")


class Source:
    """Who sets something: `scope` is "managed", "local", "project", "user" or "shell", `place` how people call it.

    `data` is all that is set there.
    """

    __slots__ = ("data", "env", "helper", "place", "scope")

    def __init__(
        self, scope: str, place: str, env: "Mapping[str, Any]", helper: "str | None", data: "Mapping[str, Any]"
    ) -> None:
        self.scope = scope
        self.place = place
        self.env = env
        self.helper = helper
        self.data = data


SHELL = Source("shell", "exported in the shell", {}, None, {})


class SessionSettings:
    """What a session was started with: environment, folder, home, Claude Code's folder, settings, strongest first."""

    __slots__ = ("client_version", "config", "environ", "files", "folder", "gateway", "home", "in_git")

    def __init__(self, environ: "Mapping[str, str]", folder: str, managed_dir: str) -> None:
        self.environ = environ
        self.client_version = client_version_of(environ)
        self.folder = os.path.realpath(folder)
        self.home = environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")
        chosen = environ.get("CLAUDE_CONFIG_DIR")  # its `~` is not expanded
        self.config = os.path.join(self.home, ".claude") if chosen is None else os.path.join(self.folder, chosen)
        root = main_root(self.folder)
        self.in_git = root is not None
        self.files = _files(self, root, managed_dir)
        self.gateway = is_on(environ.get(GATEWAY)) and all(outside(self, name) for name in GATEWAY_KEYS)

    def short(self, path: str) -> str:
        """The path as people write it."""
        return f"~{path[len(self.home) :]}" if path.startswith(self.home + os.sep) else path

    def source_of(self, name: str) -> Source:
        """The first file that sets the variable to the value it has; the shell where none does."""
        value = self.environ.get(name, "").strip()
        for file in self.files:
            if name in file.env and as_text(file.env[name]) == value:
                return file
        return SHELL

    def helper(self) -> "Source | None":
        """The file whose apiKeyHelper is run; the empty string in a stronger one switches the others off.

        Where Claude Code is bound to the stored login, only an administrator's is (seen on 2.1.332).
        """
        from claude_local_plugin.core.settings_files import is_bound_to_login

        first = next((file for file in self.files if file.helper is not None), None)
        if first is not None and first.scope != "managed" and is_bound_to_login(self.environ, self.client_version):
            return None
        return first if first is not None and first.helper else None


def outside_of_projects(
    environ: "Mapping[str, str]", folder: str, managed_dir: "str | None" = None
) -> "Mapping[str, str]":
    """The environment with what the gateway needs as it stands outside of a project's files.

    What a project's file hides of the shell's cannot be seen from a hook, and counts as not set.
    """
    world = SessionSettings(
        environ, folder or environ.get("CLAUDE_PROJECT_DIR") or os.getcwd(), managed_dir or managed_default()
    )
    return {**environ, **{name: outside(world, name) for name in GATEWAY_KEYS}}


def outside(world: SessionSettings, name: str) -> str:
    for file in world.files:
        if name in file.env and file.scope not in PROJECT_SCOPES:
            return as_text(file.env[name])
    hidden = any(name in file.env for file in world.files)
    return "" if hidden else world.environ.get(name, "").strip()


def raw_settings(world: SessionSettings, managed_dir: "str | None" = None) -> "Iterator[Mapping[str, Any]]":
    """The content of every settings file that is there, highest precedence first."""
    for _, path, _ in _places(world, main_root(world.folder), managed_dir or managed_default()):
        settings = object_of(_read(path, MOST_BYTES))
        if settings:
            yield settings


def main_root(folder: str) -> "str | None":
    """The root of the main checkout around `folder`, whose local settings count for all of it; None outside git."""
    while True:
        entry = os.path.join(folder, ".git")
        if os.path.isdir(entry):
            return folder
        if os.path.lexists(entry):
            return _linked_root(entry, folder)
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def managed_default(platform: str = sys.platform) -> str:
    """The folder of the administrator's settings."""
    if platform == "darwin":
        return "/Library/Application Support/ClaudeCode"
    return r"C:\Program Files\ClaudeCode" if platform == "win32" else "/etc/claude-code"


def _files(world: SessionSettings, root: "str | None", managed_dir: str) -> "list[Source]":
    """The settings files that are there, highest precedence first."""
    found = (_settings(world, scope, path, place) for scope, path, place in _places(world, root, managed_dir))
    return [source for source in found if source is not None]


def _places(world: SessionSettings, root: "str | None", managed_dir: str) -> "list[tuple[str, str, str]]":
    """Where settings files may be, highest precedence first: scope, path, and how people call it."""
    places = [("managed", path, path) for path in _managed(managed_dir)]
    local = os.path.join(".claude", "settings.local.json")
    if is_on(world.environ.get("CLAUDE_CODE_RESTRICTED")):
        return places
    root = root if holds("local-from-git-root", world.client_version) else None
    if root not in (None, world.folder, os.path.realpath(world.home)) and _is_ours(root):
        places.append(("local", os.path.join(root, local), world.short(os.path.join(root, local))))
    places.append(("local", os.path.join(world.folder, local), local))
    project = os.path.join(".claude", "settings.json")
    name = "cowork_settings.json" if world.environ.get("CLAUDE_CODE_USE_COWORK_PLUGINS") else "settings.json"
    user = os.path.join(world.config, name)
    if os.path.realpath(os.path.join(world.folder, project)) != os.path.realpath(user):  # one file in the home folder
        places.append(("project", os.path.join(world.folder, project), project))
    places.append(("user", user, world.short(user)))
    return places


def _is_ours(root: str) -> bool:
    """Whether the checkout, its `.git` and (where there is one) its `.claude` belong to us: only then it counts."""
    if os.name == "nt":
        return False
    try:
        owners = {os.stat(root).st_uid, os.lstat(os.path.join(root, ".git")).st_uid}
    except OSError:  # a bare repository has no `.git` inside; Claude Code stays in the current folder then
        return False
    settings = os.path.join(root, ".claude")
    if os.path.lexists(settings):
        owners.add(os.lstat(settings).st_uid)
    return owners == {os.geteuid()}


def _managed(folder: str) -> "list[str]":
    """The administrator's files, highest precedence first."""
    drop_ins = os.path.join(folder, "managed-settings.d")
    try:
        names = sorted(name for name in os.listdir(drop_ins) if name.endswith(".json") and not name.startswith("."))
    except OSError:
        names = []  # most machines have none
    return [*(os.path.join(drop_ins, name) for name in reversed(names)), os.path.join(folder, "managed-settings.json")]


def _settings(world: SessionSettings, scope: str, path: str, place: str) -> "Source | None":
    """What Claude Code takes from one settings file; None where there is none, or where it drops it."""
    raw = _read(path, MOST_BYTES)
    if not raw:
        return None
    from claude_local_plugin.core.settings_files import (  # most folders have no such file
        decoded,
        refusal,
        routed_by,
        taken,
    )

    found = taken(decoded(raw), managed=scope == "managed", client_version=world.client_version)
    if found.state != "read":
        return None
    env, project, host = (
        found.data.get("env", {}),
        scope in PROJECT_SCOPES,
        routed_by(world.environ, world.client_version, managed=scope == "managed"),
    )
    heard = {
        name: value
        for name, value in env.items()
        if not refusal(name, as_text(value), project=project, host=host, client_version=world.client_version)
    }
    return Source(scope, clean(place, 200), heard, found.data.get("apiKeyHelper"), found.data)


def _read(path: str, most: int) -> "bytes | None":
    """The bytes of a file; None where there is none, it cannot be read, or is larger than `most` bytes."""
    try:
        return content(path, most)
    except (OSError, ValueError):  # absent, or not ours to read; ValueError: a path with a NUL in it
        return None


def object_of(raw: "bytes | None") -> "Mapping[str, Any]":
    """The JSON object in `raw`; empty where there is none, in which case Claude Code takes nothing from it either."""
    if not raw:
        return {}
    try:
        return json_object(raw[3:] if raw.startswith(b"\xef\xbb\xbf") else raw)
    except (ValueError, RecursionError):
        return {}


def as_text(value: object) -> str:
    """A value in an `env` block as Claude Code turns it into text, without the blanks around it."""
    return js_string(value).strip()


def _linked_root(entry: str, folder: str) -> str:
    """The root of the main checkout whose linked worktree `folder` is; `folder` itself where `.git` leads nowhere."""
    git_dir = _pointer(entry, "gitdir:", folder)
    common = _pointer(os.path.join(git_dir, "commondir"), "", git_dir) if git_dir else None
    if git_dir is None or common is None or os.path.islink(entry):
        return folder
    # anybody can write a `.git` file that claims to belong to another checkout: that one has to know it (2.1.332)
    back = _pointer(os.path.join(git_dir, "gitdir"), "", git_dir)
    if os.path.dirname(git_dir) != os.path.join(common, "worktrees") or back != os.path.realpath(entry):
        return folder
    return os.path.dirname(common) if os.path.basename(common) == ".git" else common


def _pointer(file: str, prefix: str, base: str) -> "str | None":
    """The path that one of git's one-line files names, relative to `base`; None when it is not such a file."""
    text = os.fsdecode(_read(file, 8192) or b"").strip()
    target = text[len(prefix) :].strip()
    return os.path.realpath(os.path.join(base, target)) if text.startswith(prefix) and target else None
