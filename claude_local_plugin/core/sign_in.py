"""Where a session goes whatever its environment says: a gateway sign-in, or a Unix socket, comes before the address.

A hook is not shown that somebody is signed in at a Claude apps gateway: its environment holds the address of the
project's file. The sign-in lies in a file of Claude Code's own (all observed on Claude Code 2.1.329 and 2.1.332).
"""

import time

from claude_local_plugin.core import system as os
from claude_local_plugin.core.claude import SOCKET_SCHEME, UNIX_SOCKET, holds, is_hosted, login_folder, socket_of
from claude_local_plugin.core.endpoint import PROVIDER_KINDS, Backend, backend_of, via_of
from claude_local_plugin.core.files import MOST_SETTINGS, content
from claude_local_plugin.core.text import clean
from claude_local_plugin.core.urls import parse_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from claude_local_plugin.core.session_settings import SessionSettings

GATEWAY = "gateway"

#: The word in the file of logins that tells a sign-in; a file without it is not taken apart.
SIGN_IN = b'"enterpriseGateway"'


def backend_here(environ: "Mapping[str, str]", folder: str, managed_dir: "str | None" = None) -> Backend:
    """The backend of a session of this environment in `folder`, a gateway sign-in and a Unix socket included."""
    return over(backend_of(environ, folder, managed_dir), environ, folder, managed_dir)


def over(backend: Backend, environ: "Mapping[str, str]", folder: str, managed_dir: "str | None" = None) -> Backend:
    """What comes before the backend that the environment names, else that one.

    The kind of a gateway is "gateway"; what listens at a socket is nobody's to know.
    """
    signed_in = _signed_in(environ, folder or os.curdir)
    through = socket_of(environ, cloud_provider=backend.kind in PROVIDER_KINDS)
    if signed_in is None and not through:
        return backend
    from claude_local_plugin.core.places import managed_default
    from claude_local_plugin.core.session_settings import SessionSettings

    world = SessionSettings(environ, folder or os.curdir, managed_dir or managed_default())
    if through and not any((file.data.get("env") or {}).get(UNIX_SOCKET) == through for file in world.files):
        return Backend("unknown", clean(f"{SOCKET_SCHEME}{through}"), False, None)
    if signed_in is None or not _counts(signed_in, world):
        return backend
    target = parse_url(str(signed_in["url"]))
    return Backend(GATEWAY, target.url if target else None, True, None, via_of(environ, target))


def _signed_in(environ: "Mapping[str, str]", folder: str) -> "Mapping[str, Any] | None":
    """The sign-in that is kept, if it still holds."""
    home = environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")
    chosen = environ.get("CLAUDE_CONFIG_DIR")
    config = os.path.join(home, ".claude") if chosen is None else os.path.join(folder, chosen)
    try:
        raw = content(os.path.join(login_folder(config, home, folder, environ), ".credentials.json"), MOST_SETTINGS)
    except (OSError, ValueError):  # absent, or not ours to read; ValueError: a path with a NUL in it
        return None
    if SIGN_IN not in raw:
        return None
    from claude_local_plugin.core.session_settings import object_of

    kept = object_of(raw)
    login, trusted = kept.get("enterpriseGateway"), kept.get("gatewayTrust")
    if not isinstance(login, dict) or not isinstance(trusted, dict) or not login.get("jwt"):
        return None
    target = parse_url(str(login.get("url", "")))
    trust = trusted.get(target.host) if target else None
    if target is None or not trust or (target.scheme == "http") is not (trust == "http-loopback"):
        return None
    until = login.get("expiresAt")
    expired = isinstance(until, (int, float)) and until <= time.time() * 1000
    return None if expired and not login.get("idpRefreshToken") else login


def _counts(login: "Mapping[str, Any]", world: "SessionSettings") -> bool:
    """Whether nothing comes before the sign-in: a host's routing, the gateway's own switch, an administrator's file."""
    environ = world.environ
    if is_hosted(environ):
        return False
    if world.gateway:
        return False
    rules = [file.data for file in world.files if file.scope == "managed" and file.data]
    return is_named(rules, str(login["url"]), world.client_version) is not False


def is_named(rules: "Sequence[Mapping[str, Any]]", url: str, client_version: "str | None") -> "bool | None":
    """Whether an administrator's settings send everybody to this gateway, or to any; None where they say nothing."""
    if not rules or not holds("gateway-must-be-named", client_version):
        return None
    named = next((text for rule in rules if (text := _text(rule.get("forceLoginGatewayUrl")))), "")
    if not named:
        return any(rule.get("forceLoginMethod") == GATEWAY for rule in rules)
    return named.lower() == _text(url).lower()


def _text(url: object) -> str:
    return url.strip().rstrip("/") if isinstance(url, str) else ""
