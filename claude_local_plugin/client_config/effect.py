"""Whether sessions would do what was asked for: go to the server, with its key and model.

Read off the resolution of the world as it would be, as every explanation is.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from claude_local_plugin.client_config.choose_server import same_server
from claude_local_plugin.client_config.model import Backend
from claude_local_plugin.core.endpoint import PLACEHOLDER
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.precedence import Decision, Resolution
from claude_local_plugin.precedence.table import FIRST_PARTY


@dataclass(frozen=True, slots=True)
class Beaten:
    """Why sessions would not do what was asked: which decision goes another way, and what would happen instead."""

    decision: Decision
    instead: str


def has_effect(resolution: Resolution, backend: Backend) -> bool:
    """Whether sessions go to this server with its key and model."""
    return resolution.outcome == "ok" and next(beaten(resolution, backend), None) is None


def beaten(resolution: Resolution, backend: Backend) -> Iterator[Beaten]:
    """The decisions that are not what was asked for, the weightiest first."""
    decided = resolution.decisions
    provider, base = decided["provider"], decided["base_url"]
    if provider.value not in (FIRST_PARTY, "gateway"):
        yield Beaten(provider, f"talk to {provider.value}")
    if not same_server(base.value or "", backend.url) or any(sign in (base.value or "") for sign in "?#"):
        target = parse_url(base.value or "")
        yield Beaten(base, f"talk to {target.url if target else 'what is no address'}")
    helper = backend.preferences.helper
    if helper is None:
        goes = decided["authorization"].value == f"Bearer {backend.token}"
    else:
        goes = _gives(decided["authorization"], helper)
    if not goes:
        yield Beaten(decided["authorization"], f"send {backend.host} another key than the one meant for it")
    own_keys = ("", PLACEHOLDER, backend.token, *(h.value for h in backend.headers if h.name.lower() == "x-api-key"))
    helped = helper is not None and _gives(decided["x_api_key"], helper)
    if (decided["x_api_key"].value or "") not in own_keys and not helped:
        yield Beaten(decided["x_api_key"], f"send {backend.host} a key that is not meant for it")
    if decided["model"].value != backend.model:
        yield Beaten(decided["model"], f"ask {backend.host} for {decided['model'].value}")


def _gives(decision: Decision, helper: str) -> bool:
    """Whether a header carries what this helper prints."""
    winner = decision.winner
    return winner is not None and winner.key == "apiKeyHelper" and winner.value == helper and bool(decision.value)
