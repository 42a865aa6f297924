"""Where a session goes whatever its environment says: a gateway sign-in, or a Unix socket, comes before the address.

A hook is not shown that somebody is signed in at a Claude apps gateway: its environment holds the address of the
project's file. The sign-in lies in a file of Claude Code's own (all observed on Claude Code 2.1.329 and 2.1.332).
"""

import os
import time

from claude_local_plugin.guest.backend import Backend, backend_of, clean, parse_url, via_of
from claude_local_plugin.guest.claude import SOCKET_SCHEME, UNIX_SOCKET, holds, is_on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from claude_local_plugin.guest.leaks import World

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
    through = environ.get(UNIX_SOCKET, "").strip()
    if signed_in is None and not through:
        return backend
    from claude_local_plugin.guest.leaks import World, managed_default

    world = World(environ, folder or os.curdir, managed_dir or managed_default())
    if through and not any((file.data.get("env") or {}).get(UNIX_SOCKET) == through for file in world.files):
        return Backend("unknown", clean(f"{SOCKET_SCHEME}{through}"), False, None)
    if signed_in is None or not _counts(signed_in, world):
        return backend
    target = parse_url(str(signed_in["url"]))
    return Backend(GATEWAY, target.url if target else None, True, None, via_of(environ, target))


def _signed_in(environ: "Mapping[str, str]", folder: str) -> "Mapping[str, Any] | None":
    """The sign-in that is kept, if it still holds."""
    from claude_local_plugin.guest.leaks import MOST_BYTES, _object, _read

    home = environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")
    chosen = environ.get("CLAUDE_SECURESTORAGE_CONFIG_DIR") or environ.get("CLAUDE_CONFIG_DIR")
    config = os.path.join(folder, chosen) if chosen else os.path.join(home, ".claude")
    raw = _read(os.path.join(config, ".credentials.json"), MOST_BYTES)
    if raw is None or SIGN_IN not in raw:
        return None
    kept = _object(raw)
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


def _counts(login: "Mapping[str, Any]", world: "World") -> bool:
    """Whether nothing comes before the sign-in: a host's routing, the gateway's own switch, an administrator's file."""
    environ = world.environ
    if is_on(environ.get("CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST", "")):
        return False
    if world.gateway:
        return False
    rules = [file.data for file in world.files if file.scope == "managed" and file.data]
    named = next((rule["forceLoginGatewayUrl"] for rule in rules if "forceLoginGatewayUrl" in rule), None)
    if named is None and not holds("gateway-must-be-named", world.client_version):
        return True
    return not rules or _same(named, login["url"])


def _same(one: object, other: object) -> bool:
    return isinstance(one, str) and one.strip().rstrip("/").lower() == str(other).strip().rstrip("/").lower()
