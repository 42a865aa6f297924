"""Keeping a project's sessions on the backends they may use: which those are, and where changed settings would lead."""

from claude_local_plugin.core.claude import GATEWAY, GATEWAY_KEYS, client_version_of
from claude_local_plugin.core.endpoint import (
    NO_PROXY_VARIABLES,
    PROVIDER_KINDS,
    PROVIDERS,
    PROXY_VARIABLES,
    backend_with,
)
from claude_local_plugin.core.sign_in import over
from claude_local_plugin.core.text import clean
from claude_local_plugin.core.urls import parse_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from claude_local_plugin.core.endpoint import Backend

#: What decides about the backend; see `backend_of`.
ROUTING = (
    "ANTHROPIC_BASE_URL",
    *(name for switch, _, endpoint in PROVIDERS for name in (switch, endpoint)),
    GATEWAY,
    *GATEWAY_KEYS[1:],
)

#: What decides about the way there; see `via_of`.
WAY = (*PROXY_VARIABLES, *NO_PROXY_VARIABLES)

#: The word for Anthropic's API and every provider together.
CLOUD = "cloud"
CLOUD_KINDS = ("anthropic", *PROVIDER_KINDS)
#: Stands in for a list of allowed backends of which nothing can be understood: no backend is called that.
NO_BACKEND = "(cannot be read)"


def is_allowed(kind: str, url: "str | None", allowed: "Sequence[str]") -> bool:
    """Whether a backend is on the list, whose entries are URLs, providers' kinds, or "cloud" for all of these."""
    for entry in allowed:
        if entry in (kind, url) or (entry == CLOUD and kind in CLOUD_KINDS):
            return True
        target = parse_url(entry)
        if target is not None and target.url == url:
            return True
    return False


def is_way_allowed(via: "str | None", allowed: "Sequence[str]") -> bool:
    """Whether requests may go through this: nothing at all ("": as far as is known), or what is on the list itself."""
    if not via or via in allowed:
        return True
    return any(target is not None and target.url == via for target in map(parse_url, allowed))


def is_way_of_project(environ: "Mapping[str, str]", folder: str, managed_dir: "str | None" = None) -> bool:
    """Whether the project's own settings choose what requests go through: a file that comes with the repository, or the
    local one beside it, which may have come with it.

    What the user's or the administrator's settings say as well is theirs. Of exemptions only those in the shared file
    count as the project's: `enable` writes the local ones.
    """
    from claude_local_plugin.core.places import managed_default
    from claude_local_plugin.core.session_settings import SessionSettings, as_text

    proxy = next((name for name in PROXY_VARIABLES if environ.get(name)), None)
    exempt = next((name for name in NO_PROXY_VARIABLES if environ.get(name)), None)
    files = SessionSettings(environ, folder, managed_dir or managed_default()).files
    for name, scopes in ((proxy, ("project", "local")), (exempt, ("project",))):
        if name is None:
            continue
        value = environ[name].strip()
        said = {file.scope for file in files if name in file.env and as_text(file.env[name]) == value}
        if said & {*scopes} and not said & {"managed", "user"}:
            return True
    return False


def after_change(environ: "Mapping[str, str]", folder: str, managed_dir: "str | None" = None) -> "Backend":
    """The backend that a running session with this environment would talk to once the settings files count again."""
    merged, outside = changed(environ, folder, managed_dir)
    return over(backend_with(merged, outside, client_version_of(environ)), merged, folder, managed_dir)


def changed(
    environ: "Mapping[str, str]", folder: str, managed_dir: "str | None" = None
) -> "tuple[dict[str, str], dict[str, str]]":
    """What a running session's environment becomes, as far as it decides about the backend, once the settings files
    count again; and what it would without the project's own.

    A variable that no file sets keeps its value: taking it out of a file changes nothing before the next start
    (observed on Claude Code 2.1.329). What `--settings` set is not known here and would win.
    """
    from claude_local_plugin.core.places import managed_default
    from claude_local_plugin.core.session_settings import PROJECT_SCOPES, SessionSettings, as_text

    merged, outside = dict(environ), dict(environ)
    for file in reversed(SessionSettings(environ, folder, managed_dir or managed_default()).files):
        for name in (*ROUTING, *WAY):
            if name in file.env:
                merged[name] = as_text(file.env[name])
                if file.scope not in PROJECT_SCOPES:
                    outside[name] = merged[name]
    return merged, outside


def off_list(allowed: "Sequence[str]", kind: str, url: "str | None", folder: str) -> "tuple[str, str]":
    """Why each prompt of a session in this folder is blocked on this backend, and the command that allows it."""
    from claude_local_plugin.core.shell import command

    here = url or kind
    said = f"{folder} is protected and may use {', '.join(allowed)}, but sessions there are on {here}"
    listed = [*(each for each in allowed if each != NO_BACKEND), here]
    fix = command("claude-local", "config", "set", "--project", folder, "allowed_backends", *listed)
    return clean(f"{said}: our hooks block every prompt", 4096), fix
