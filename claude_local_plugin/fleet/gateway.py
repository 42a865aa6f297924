"""The configuration of Claude Code's own gateway (`claude gateway`), for servers that were asked; seen on 2.1.332.

It is JSON, which is YAML, too. Every secret is `${VARIABLE}`, which the gateway fills in from its own environment; it
does not start where one is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from claude_local_plugin.client_config.model import Backend
from claude_local_plugin.core.endpoint import PLACEHOLDER
from claude_local_plugin.errors import UsageError
from claude_local_plugin.servers import kinds
from claude_local_plugin.text import printable

#: What the gateway's own environment has to hold.
JWT_SECRET, POSTGRES_URL, OIDC_SECRET = "GATEWAY_JWT_SECRET", "GATEWAY_POSTGRES_URL", "GATEWAY_OIDC_CLIENT_SECRET"

#: Kinds of servers that take their key as `x-api-key`; the others, vLLM first of all, as `Authorization: Bearer`.
BY_API_KEY = frozenset({kinds.COMPATIBLE})

#: What the gateway alone decides for the sessions that are signed in to it.
ROUTED = ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "ANTHROPIC_CUSTOM_HEADERS", "NO_PROXY")


@dataclass(frozen=True, slots=True)
class Group:
    """Servers and people: the name of the upstream, its server, the settings of its sessions, and the groups it is for.

    `settings` is a fragment as for a managed file; `key` the variable of the gateway's environment that holds the
    server's key. No `groups`: for everybody whom no other entry names.
    """

    name: str
    backend: Backend
    settings: Mapping[str, Any]
    key: str | None = None
    groups: tuple[str, ...] = ()


def gateway(entries: Sequence[Group], *, public_url: str, issuer: str, client_id: str) -> dict[str, Any]:
    """The content of gateway.yaml; raises UsageError where two entries are for the same people."""
    names = [entry.name for entry in entries]
    if len(set(names)) != len(names):
        raise UsageError(f"two servers are called {printable(names[0])}", "give each a name of its own")
    if sum(not entry.groups for entry in entries) > 1:
        raise UsageError("two servers are for everybody", "name a group for all but one: --group PROFILE=GROUP")
    models: dict[str, dict[str, str]] = {}
    for entry in entries:
        models.setdefault(entry.backend.model, {})[entry.name] = entry.backend.model
    ordered = sorted(entries, key=lambda entry: not entry.groups)  # the first that matches counts
    policies = [{"match": _match(entry), "cli": _policy(entry)} for entry in ordered]
    if all(entry.groups for entry in entries):
        policies.append({"match": {}, "cli": {}})
    return {
        "listen": {"host": "127.0.0.1", "port": 8080, "public_url": public_url},
        "oidc": {"issuer": issuer, "client_id": client_id, "client_secret": _of(OIDC_SECRET)},
        "session": {"jwt_secret": _of(JWT_SECRET)},
        "store": {"postgres_url": _of(POSTGRES_URL)},
        "upstreams": [_upstream(entry) for entry in entries],
        "auto_include_builtin_models": False,
        "models": [{"id": model, "label": model, "upstream_model": where} for model, where in models.items()],
        "managed": {"policies": policies},
    }


def sign_in(public_url: str) -> dict[str, str]:
    """The managed file of the machines: sessions sign in to this gateway, and nowhere else."""
    return {"forceLoginMethod": "gateway", "forceLoginGatewayUrl": public_url}


def _match(entry: Group) -> dict[str, Any]:
    return {"groups": list(entry.groups)} if entry.groups else {}


def _of(variable: str) -> str:
    return f"${{{variable}}}"


def _upstream(entry: Group) -> dict[str, Any]:
    kind = "api_key" if entry.backend.kind in BY_API_KEY else "oauth_token"
    key = _of(entry.key) if entry.key else PLACEHOLDER
    return {"name": entry.name, "provider": "anthropic", "base_url": entry.backend.url, "auth": {kind: key}}


def _policy(entry: Group) -> dict[str, Any]:
    """The fragment without what the gateway decides: where requests go, and with which credential."""
    settings = {key: value for key, value in entry.settings.items() if key not in ("apiKeyHelper", "allowedProviders")}
    env = {name: value for name, value in settings.get("env", {}).items() if name not in ROUTED and value != ""}
    return {
        **settings,
        "env": env,
        "model": entry.backend.model,
        "availableModels": [entry.backend.model],
        "enforceAvailableModels": True,
    }
