"""Who has decided where sessions go, above the user: an administrator, or a sign-in at a gateway.

`CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST` would have the environment win over both. What an administrator has pinned is
never bypassed, so nothing of ours sets that variable where anything else than what it says is pinned.
"""

from collections.abc import Iterator, Mapping

from claude_local_plugin.client_config.choose_server import same_server
from claude_local_plugin.client_config.model import Backend
from claude_local_plugin.core.claude import HOST_AUTH, HOSTED, is_on, js_string
from claude_local_plugin.core.env_rules import routed_by_host
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.precedence import Candidate, FileState, Scope, SettingsFile, Snapshot, resolve
from claude_local_plugin.precedence.warnings import ASK_THE_ADMINISTRATOR, LOG_OUT
from claude_local_plugin.world import World

#: What an administrator says of the way to a model beside variables, and what the host's variable has no ear for.
POLICIES = (
    "apiKeyHelper",
    "fallbackModel",
    "forceLoginGatewayUrl",
    "forceLoginMethod",
    "forceLoginOrgUUID",
    "model",
    "modelOverrides",
)
#: Variables that have the environment decide.
DECIDING = (HOSTED, HOST_AUTH)


def refuse_pinned(world: World, backend: Backend) -> None:
    """Raise ClaudeLocalError where an administrator or a sign-in at a gateway sends sessions elsewhere."""
    snapshot = without_host(world).snapshot()
    for pin in pins(snapshot):
        if not says_the_same(pin, backend):
            name = pin.key.removeprefix("env.")
            raise ClaudeLocalError(
                f"{pin.place} sets {name}: an administrator has decided where sessions on this machine go, and nothing"
                " of ours bypasses that",
                ASK_THE_ADMINISTRATOR,
            )
    winner = resolve(snapshot).decisions["base_url"].winner
    if winner is not None and winner.scope is Scope.GATEWAY:
        raise ClaudeLocalError(
            f"you are signed in at a Claude apps gateway ({winner.place}), where sessions go first",
            f"{LOG_OUT} ends the sign-in",
        )


def without_host(world: World) -> World:
    """The world as it is while nothing in the environment takes the routing over."""
    return world.with_environ({name: value for name, value in world.environ.items() if name not in DECIDING})


def pins(snapshot: Snapshot) -> Iterator[Candidate]:
    """What the administrator's settings say of the way to a model, each with its place."""
    for file in snapshot.of(Scope.SERVED, Scope.MANAGED):
        if file.state is not FileState.READ:
            continue
        for name, value in file.env.items():
            if routed_by_host(name) and not _is_off(name, value):
                yield _pin(file, f"env.{name}", ("env", name), value)
        for key in POLICIES:
            if file.data.get(key) not in (None, "", {}, []):
                yield _pin(file, key, (key,), file.data[key])


def _pin(file: SettingsFile, key: str, path: tuple[str, ...], value: object) -> Candidate:
    return Candidate(file.scope, key, file.path, file.line_of(path), js_string(value), "wins")


def _is_off(name: str, value: object) -> bool:
    """Whether the value decides nothing: a switch that is off, or none at all."""
    text = js_string(value).strip()
    return not text or (name.startswith(("CLAUDE_CODE_USE_", "CLAUDE_CODE_SKIP_")) and not is_on(text))


def says_the_same(pin: Candidate, backend: Backend) -> bool:
    """Whether the administrator says just what is asked for."""
    name, value = pin.key.removeprefix("env."), pin.value or ""
    if name == "ANTHROPIC_BASE_URL":
        return same_server(value, backend.url)
    same: Mapping[str, str] = {
        "ANTHROPIC_AUTH_TOKEN": backend.token,
        "ANTHROPIC_CUSTOM_HEADERS": backend.header_text,
        "ANTHROPIC_MODEL": backend.model,
        "model": backend.model,
    }
    if name.startswith("ANTHROPIC_DEFAULT_") or name in ("ANTHROPIC_SMALL_FAST_MODEL", "CLAUDE_CODE_SUBAGENT_MODEL"):
        tier = "subagent" if "SUBAGENT" in name else "haiku" if "SMALL" in name else name.split("_")[2].lower()
        wanted = backend.preferences.subagent if tier == "subagent" else backend.preferences.tiers.get(tier)
        return value == (wanted or backend.model)
    return name in ("NO_PROXY", "no_proxy") or same.get(name) == value
