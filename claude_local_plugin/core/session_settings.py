"""The settings files of a session in the order in which they count, and who set what: as far as a hook can tell.

What no file sets was exported in the shell; `--settings`, which hooks are not shown, counts as the shell here.
"""

from claude_local_plugin.core import system as os
from claude_local_plugin.core.claude import GATEWAY, GATEWAY_KEYS, client_version_of, is_on, js_string
from claude_local_plugin.core.files import MOST_SETTINGS, content
from claude_local_plugin.core.places import (
    LOCAL_FILE,
    PROJECT_FILE,
    checkout,
    config_dir,
    is_one_file,
    local_folders,
    managed_default,
    managed_files,
    user_file,
)
from claude_local_plugin.core.text import clean, json_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

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

    __slots__ = ("client_version", "config", "environ", "files", "folder", "gateway", "home")

    def __init__(self, environ: "Mapping[str, str]", folder: str, managed_dir: str) -> None:
        self.environ = environ
        self.client_version = client_version_of(environ)
        self.folder = os.path.realpath(folder)
        self.home = environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")
        self.config = config_dir(environ, self.home, self.folder)
        self.files = _files(self, managed_dir)
        self.gateway = is_on(environ.get(GATEWAY)) and all(outside(self, name) for name in GATEWAY_KEYS)

    @property
    def in_git(self) -> bool:
        """Whether the folder is in a git repository."""
        return checkout(self.folder) is not None

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


def outside(world: SessionSettings, name: str, without: "tuple[str, ...]" = PROJECT_SCOPES) -> str:
    """The variable's value as the files of other scopes than these set it, else the shell."""
    for file in world.files:
        if name in file.env and file.scope not in without:
            return as_text(file.env[name])
    hidden = any(name in file.env for file in world.files)
    return "" if hidden else world.environ.get(name, "").strip()


def raw_settings(world: SessionSettings, managed_dir: "str | None" = None) -> "Iterator[Mapping[str, Any]]":
    """The content of every settings file that is there, highest precedence first."""
    for _, path, _ in places(world, managed_dir or managed_default()):
        settings = object_of(read(path, MOST_SETTINGS))
        if settings:
            yield settings


def _files(world: SessionSettings, managed_dir: str) -> "list[Source]":
    """The settings files that are there, highest precedence first."""
    found = (_settings(world, scope, path, place) for scope, path, place in places(world, managed_dir))
    return [source for source in found if source is not None]


def places(world: SessionSettings, managed_dir: str) -> "list[tuple[str, str, str]]":
    """Where settings files may be, highest precedence first: scope, path, and how people call it."""
    found = [("managed", path, path) for path in managed_files(managed_dir)]
    if is_on(world.environ.get("CLAUDE_CODE_RESTRICTED")):
        return found
    for folder in local_folders(world.folder, world.home, world.client_version):
        path = os.path.join(folder, LOCAL_FILE)
        found.append(("local", path, LOCAL_FILE if folder == world.folder else world.short(path)))
    user = user_file(world.environ, world.home, world.folder)
    if not is_one_file(world.folder, user):
        found.append(("project", os.path.join(world.folder, PROJECT_FILE), PROJECT_FILE))
    found.append(("user", user, world.short(user)))
    return found


def _settings(world: SessionSettings, scope: str, path: str, place: str) -> "Source | None":
    """What Claude Code takes from one settings file; None where there is none, or where it drops it."""
    raw = read(path, MOST_SETTINGS)
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


def read(path: str, most: int) -> "bytes | None":
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
