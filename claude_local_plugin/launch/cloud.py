"""What one program is to be started with so that it goes to the cloud, whatever sends sessions here elsewhere.

The cloud is what sessions here would use without us: Anthropic's API, or a provider of the user's own. `--settings`
with everything in its former state does it for Claude Code itself. For another program there is the variable of a host,
under which no login serves and no helper runs (seen on Claude Code 2.1.332).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from claude_local_plugin.core.claude import ANTHROPIC_PREFIX, HOSTED, PROVIDERS
from claude_local_plugin.core.endpoint import PLACEHOLDER, is_cloud, is_foreign, name_of
from claude_local_plugin.core.env_rules import routed_by_host
from claude_local_plugin.core.shell import Words, command, export
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.launch import dotenv_names, inherited, settings_text, without_us
from claude_local_plugin.launch.arguments import DETACHING
from claude_local_plugin.launch.plan import Plan, Wish, our_keys, refuse_leaving, seen
from claude_local_plugin.precedence import (
    Resolution,
    Scope,
    Snapshot,
    backend_in_use,
    candidates,
    effective,
    effective_env,
    resolve,
)
from claude_local_plugin.precedence.credentials import name_of as name_of_credential
from claude_local_plugin.settings.variables import catalogue
from claude_local_plugin.world import World

#: Settings outside of `env` that `enable` writes and that are given back.
_HELPER = ("apiKeyHelper",)


def cloud(world: World, wish: Wish) -> Plan:
    """The plan for the cloud; raises ClaudeLocalError where the program could not go there with what the user has."""
    around = replace(world, environ=inherited.of_the_cloud(world.environ))
    bare = around.snapshot(without_us.texts(around))
    if wish.target.is_client:
        theirs = settings_text.given(wish.arguments.settings, world.cwd)
        settings = dict(_given_back(around, bare, theirs))
        whole = settings_text.merged(theirs, settings)
        if settings and wish.arguments.leaving in DETACHING:
            refuse_leaving(wish.arguments, command("claude-local", "disable"))
        planned = seen(world, wish, around.environ, whole)
        _refuse_elsewhere(world, planned, resolve(planned))
        argv = (wish.command[0], *wish.arguments.rest)
        return Plan(
            argv, around.environ, whole or None, _kept(around), headline=_headline(planned), cloud=_kind(planned)
        )
    dotenv = dotenv_names.nearest(world.cwd)
    named = dotenv_names.names(dotenv)
    said = (*inherited.overriding(dotenv, named), *wish.target.notes)
    plain = seen(world, wish, around.environ, None)
    if _is_cloud(plain):
        _refuse_elsewhere(world, plain, resolve(plain))
        environ = inherited.sealed_for_the_cloud(around.environ, named)
        return Plan(wish.command, environ, said=said, headline=_headline(plain), cloud=_kind(plain))
    environ = inherited.sealed_for_the_cloud({**around.environ, **_of_providers(bare), HOSTED: "1"}, named)
    planned = seen(world, wish, environ, None)
    if _is_cloud(planned) and resolve(planned).outcome == "not_logged_in":
        raise ClaudeLocalError(
            f"{_who_leads(around)} leads sessions here to a server of your own, and the variable that beats it takes"
            " neither a claude.ai login nor an apiKeyHelper: only a key or a token in the environment",
            f"{export('CLAUDE_CODE_OAUTH_TOKEN', Words('…'))}  ({command('claude', 'setup-token')} makes one), or"
            f" {command('claude-local', 'disable')}",
        )
    _refuse_elsewhere(world, planned, resolve(planned))
    return Plan(wish.command, environ, said=said, headline=_headline(planned), cloud=_kind(planned))


def _given_back(world: World, bare: Snapshot, theirs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The settings that undo what leads sessions here to a server of one's own, the command's own `--settings` too."""
    actual = world.snapshot()
    ours = our_keys(world)
    names = {path[1] for path in ours if path[0] == "env"}
    given = theirs.get("env")
    if isinstance(given, Mapping) and inherited.is_elsewhere(given.get("ANTHROPIC_BASE_URL")):
        names |= {name for name in given if inherited.belongs_to_a_server(name)}
    former = {name: effective(bare, f"env.{name}") or "" for name in names}
    helpless = _HELPER in ours
    if not _is_cloud(bare):
        foreign = {name for name in catalogue() if inherited.belongs_to_a_server(name) and _is_set(actual, name)}
        foreign |= {name for way in PROVIDERS for name in (way[0], way[2]) if _is_set(actual, name)}
        # what the shell says counts again only if it is said once more
        said = {name: world.environ.get(name) or _anthropics(bare, name) for name in inherited.CREDENTIALS}
        former |= {"ANTHROPIC_BASE_URL": "", **{name: said.get(name, "") for name in foreign}}
        helpless = True
    if former:
        yield "env", former
    if helpless and (helper := _helper(bare)) is not None:
        yield "apiKeyHelper", helper


def _anthropics(bare: Snapshot, name: str) -> str:
    """The key or token that settings files hold and that is Anthropic's own by its beginning; else empty."""
    rows = candidates(bare, f"env.{name}")
    return next((row.value for row in rows if row.value and row.value.startswith(ANTHROPIC_PREFIX)), "")


def _is_set(snapshot: Snapshot, name: str) -> bool:
    """Whether a settings file says something of the variable."""
    rows = candidates(snapshot, f"env.{name}")
    return any(row.scope in (Scope.FLAG, Scope.LOCAL, Scope.PROJECT, Scope.USER) and row.value for row in rows)


def _helper(bare: Snapshot) -> str | None:
    """The user's own helper: that of the strongest file that leads nowhere else; empty where one has to be hidden."""
    hidden = None
    for file in bare.of(Scope.LOCAL, Scope.PROJECT, Scope.USER):
        helper = file.data.get("apiKeyHelper")
        if not isinstance(helper, str) or not helper:
            continue
        if not inherited.is_elsewhere(file.env.get("ANTHROPIC_BASE_URL")):
            return helper
        hidden = ""
    return hidden


def _of_providers(bare: Snapshot) -> dict[str, str]:
    """What the user's own settings say of routing, where that leads to the cloud: under a host no file says it."""
    if not _is_cloud(bare):
        return {}
    env = effective_env(bare)
    return {
        name: value for name, value in env.items() if inherited.is_deciding(name) and routed_by_host(name) and value
    }


def _is_cloud(snapshot: Snapshot) -> bool:
    found = backend_in_use(snapshot)
    return is_cloud(name_of(found.kind, found.url)) and not is_foreign(found.kind, found.url)


def _who_leads(world: World) -> str:
    winner = resolve(world.snapshot()).decisions["base_url"].winner
    return winner.place if winner is not None else "something"


def _refuse_elsewhere(world: World, planned: Snapshot, resolution: Resolution) -> None:
    """Raise ClaudeLocalError where the program would not go to the cloud, or not with a credential of the cloud's."""
    if resolution.outcome != "ok":
        raise ClaudeLocalError(
            f"Claude Code would not start: {resolution.outcome_reason}",
            f"{command('claude')} and /login, or {export('ANTHROPIC_API_KEY', Words('…'))}; nothing was started",
        )
    base, provider = resolution.decisions["base_url"], resolution.decisions["provider"]
    if not _is_cloud(planned):
        winner = base.winner or provider.winner
        place = winner.place if winner else "something"
        if winner is not None and winner.scope is Scope.GATEWAY:
            return  # the user's own cloud
        raise ClaudeLocalError(
            f"{place} leads sessions to {base.value or provider.value}, and nothing of yours beats it",
            "ask whoever manages this machine's settings; nothing was started",
        )
    ours = _keys_of_servers(world)
    for name in ("authorization", "x_api_key"):
        value = (resolution.decisions[name].value or "").removeprefix("Bearer ")
        if value in ours:
            raise ClaudeLocalError(
                f"{resolution.decisions[name].sentence}: the key of a server of your own would be sent to the cloud",
                f"{command('claude-local', 'explain-precedence')} says who sets it; nothing was started",
            )


def _keys_of_servers(world: World) -> set[str]:
    """The keys that stand in files beside the address of a server of one's own, and our placeholder."""
    found = {PLACEHOLDER}
    for file in world.snapshot().of(Scope.LOCAL, Scope.PROJECT, Scope.USER):
        if inherited.is_elsewhere(file.env.get("ANTHROPIC_BASE_URL")):
            values = (file.env.get("ANTHROPIC_AUTH_TOKEN"), file.env.get("ANTHROPIC_API_KEY"))
            found |= {each for each in values if isinstance(each, str) and each}
    return {each for each in found if not each.startswith(ANTHROPIC_PREFIX)}


def _kept(world: World) -> tuple[str, ...]:
    """What no `--settings` takes back: the lists of denied tools, which are one list of all files."""
    denied = []
    for file in world.snapshot().of(Scope.LOCAL, Scope.PROJECT, Scope.USER):
        rules = file.data.get("permissions")
        listed = rules.get("deny") if isinstance(rules, Mapping) else None
        if isinstance(listed, list) and "WebSearch" in listed:
            denied.append(str(file.path))
    return tuple(f"WebSearch stays denied: {path} says so, and --settings can only add" for path in denied)


def _kind(planned: Snapshot) -> tuple[str, str | None]:
    """The cloud's kind and URL."""
    backend = backend_in_use(planned)
    return backend.kind, backend.url


def _headline(planned: Snapshot) -> str:
    """Where it goes, and with what, in a line."""
    resolution, backend = resolve(planned), backend_in_use(planned)
    sent = (resolution.decisions[name] for name in ("authorization", "x_api_key"))
    credential = next((name_of_credential(each.winner) for each in sent if each.value and each.winner), "")
    where = backend.url or backend.kind
    return f"cloud, once: {where}" + (f" with {credential}" if credential else "") + " · nothing else changes"
