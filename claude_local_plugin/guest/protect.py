"""Keeping a project's sessions on the backends they may use: which those are, and where changed settings would lead."""

from claude_local_plugin.guest.backend import GATEWAY_KEYS, PROVIDERS, backend_with, parse_url
from claude_local_plugin.guest.claude import GATEWAY, client_version_of
from claude_local_plugin.guest.signin import over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from claude_local_plugin.guest.backend import Backend

#: What decides about the backend; see `backend_of`.
ROUTING = (
    "ANTHROPIC_BASE_URL",
    *(name for switch, _, endpoint in PROVIDERS for name in (switch, endpoint)),
    GATEWAY,
    *GATEWAY_KEYS[1:],
)

#: The word for Anthropic's API and every provider together.
CLOUD = "cloud"
CLOUD_KINDS = ("anthropic", *(kind for _, kind, _ in PROVIDERS))


def is_allowed(kind: str, url: "str | None", allowed: "Sequence[str]") -> bool:
    """Whether a backend is on the list, whose entries are URLs, providers' kinds, or "cloud" for all of these."""
    for entry in allowed:
        if entry == kind or (entry == CLOUD and kind in CLOUD_KINDS):
            return True
        target = parse_url(entry)
        if target is not None and target.url == url:
            return True
    return False


def after_change(environ: "Mapping[str, str]", folder: str, managed_dir: "str | None" = None) -> "Backend":
    """The backend that a running session with this environment would talk to once the settings files count again.

    A variable that no file sets keeps its value: taking it out of a file changes nothing before the next start
    (observed on Claude Code 2.1.329). What `--settings` set is not known here and would win.
    """
    from claude_local_plugin.guest.leaks import PROJECT_SCOPES, World, as_text, managed_default

    merged, outside = dict(environ), dict(environ)
    for file in reversed(World(environ, folder, managed_dir or managed_default()).files):
        for name in ROUTING:
            if name in file.env:
                merged[name] = as_text(file.env[name])
                if file.scope not in PROJECT_SCOPES:
                    outside[name] = merged[name]
    return over(backend_with(merged, outside, client_version_of(environ)), merged, folder, managed_dir)
