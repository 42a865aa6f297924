"""What else a random configuration may have: every source, policies, headers, broken files, providers, proxies.

A drawn configuration has a handful of values in the usual places; real ones have been written by administrators,
plugins, other tools and by hand over years. Each twist adds one such thing, several come together. One of them adds
what a systematic question asks about, so that a source which is asked about at all is drawn as well.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from claude_local_plugin.conformance.hook_files import EVENTS, FINE, HANDLERS, VALUES
from claude_local_plugin.conformance.scenario import BOX, Scenario, Settings, url
from claude_local_plugin.conformance.sources import (
    FEDERATION,
    HOST_AUTH,
    HOSTED,
    KEY,
    OAUTH,
    PINNED,
    SERVED_BLOCK,
    THROUGH_SOCKET,
    expired,
    gateway,
    profile,
    served,
)
from claude_local_plugin.conformance.systematic import LOGIN, ODD_FILES, PICKER, PROVIDER_SWITCHES, SCOPES, systematic
from claude_local_plugin.core.endpoint import PROVIDER_TOKENS
from claude_local_plugin.precedence.table import PROVIDERS

Twist = Callable[[random.Random, Scenario], Scenario]

POLICIES: tuple[dict[str, Any], ...] = (
    {"allowedProviders": ["anthropic"]},
    {"allowedProviders": ["customEndpoint"]},
    {"allowedProviders": ["bedrock", "customEndpoint"]},
    {"allowedProviders": []},
    {"forceLoginMethod": "claudeai"},
    {"forceLoginMethod": "console"},
    {"forceLoginOrgUUID": "11111111-2222-3333-4444-555555555555"},
    {"availableModels": ["sonnet"]},
    {"availableModels": ["opus", "haiku"]},
    {"availableModels": ["model-user", "model-shell", "model-local"]},
    {"availableModels": []},
    {"availableModels": ["sonnet"], "enforceAvailableModels": True},
    {"deniedModels": ["model-user", "claude-opus-5-5"]},
    {"modelOverrides": {"claude-opus-5-5": "mine", "claude-sonnet-5-5": "yours"}},
    {"disableAllHooks": True},
    {"allowManagedHooksOnly": True},
    PICKER,
)
HEADERS = (
    "Authorization: Bearer custom",
    "x-api-key: custom",
    "x-api-key:",
    "authorization: Basic Y3VzdG9t",
    "X-One: 1\nX-Two: 2",
    "X-Gateway-Pass: custom\nx-api-key:",
    "nonsense",
    "",
)
ADDRESSES = (
    "{url}/v1",
    "{url}/gateway/",
    " {url} ",
    "http://me:secret@{host}",
    "HTTP://{host}",
    "{host}",
    "{name}",
    "http:{host}",
    "HTTP:/{host}/",
    "nonsense",
    "https://api.anthropic.com",
    "https://api.anthropic.com/",
    "",
)
BODIES = ('{"model": "body-{place}"}', '{"temperature": 1}', "{}", "nonsense", '{"model": ""}', "[]")
PROXY_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy")
MODEL_NAMES = (
    "opus",
    "Opus",
    "sonnet[1m]",
    "opusplan",
    "best",
    "fable",
    "default",
    "claude-opus-4-1",
    "claude-sonnet-4-5",
    "my-claude-sonnet-4-5",
    "qwen3[1m]",
    " padded ",
    "",
)


def twisted(chance: random.Random, scenario: Scenario) -> Scenario:
    """The configuration with one to four more things in it."""
    for twist in chance.sample(TWISTS, chance.choice((1, 1, 2, 2, 3, 4))):
        scenario = twist(chance, scenario)
    return scenario


def _place(chance: random.Random, *, shell: bool = True) -> str:
    return chance.choice((*SCOPES, "shell", "shell") if shell else SCOPES)


def _set(scenario: Scenario, place: str, keys: dict[str, Any]) -> Scenario:
    """The scenario with these settings keys in a file, unless the file is a text of its own."""
    before = scenario.settings.get(place, {})
    if isinstance(before, str):
        return scenario
    env = {**before.get("env", {}), **keys.get("env", {})}
    merged = {**before, **keys, **({"env": env} if env else {})}
    return replace(scenario, settings=scenario.settings | {place: merged})


def _export(scenario: Scenario, place: str, variables: dict[str, Any]) -> Scenario:
    if place == "shell":
        return replace(scenario, shell=scenario.shell | {name: str(value) for name, value in variables.items()})
    return _set(scenario, place, {"env": variables})


def _policy(chance: random.Random, scenario: Scenario) -> Scenario:
    place = chance.choice(("managed", "managed", "managed", "managed.d/10", "user", "local", "project"))
    return _set(scenario, place, chance.choice(POLICIES))


def _header(chance: random.Random, scenario: Scenario) -> Scenario:
    return _export(scenario, _place(chance), {"ANTHROPIC_CUSTOM_HEADERS": chance.choice(HEADERS)})


def _address(chance: random.Random, scenario: Scenario) -> Scenario:
    place = _place(chance)
    host = url(place).removeprefix("http://")
    text = chance.choice(ADDRESSES).replace("{url}", url(place)).replace("{host}", host)
    text = text.replace("{name}", host.replace("127.0.0.1", "localhost"))
    return _export(scenario, place, {"ANTHROPIC_BASE_URL": text})


def _model(chance: random.Random, scenario: Scenario) -> Scenario:
    name, place = chance.choice(MODEL_NAMES), _place(chance)
    if place != "shell" and chance.random() < 0.5:
        return _set(scenario, place, {"model": name})
    return _export(scenario, place, {"ANTHROPIC_MODEL": name})


def _body(chance: random.Random, scenario: Scenario) -> Scenario:
    place = _place(chance)
    return _export(scenario, place, {"CLAUDE_CODE_EXTRA_BODY": chance.choice(BODIES).replace("{place}", place)})


def _proxy(chance: random.Random, scenario: Scenario) -> Scenario:
    address = chance.choice((url("proxy"), url("proxy"), url("proxy").removeprefix("http://"), ""))
    variables = {chance.choice(PROXY_NAMES): address}
    if chance.random() < 0.4:
        variables[chance.choice(("NO_PROXY", "no_proxy"))] = chance.choice(("127.0.0.1", "localhost", "*", ".com"))
    return _export(scenario, _place(chance), variables)


def _provider(chance: random.Random, scenario: Scenario) -> Scenario:
    provider = chance.choice(PROVIDERS)
    variables = {provider.switch: chance.choice(("1", "1", "true", "0", ""))}
    if chance.random() < 0.4:
        variables[provider.base_url_variable] = url("user")
    scenario = _export(scenario, _place(chance), variables)
    if chance.random() < 0.2:
        return _export(scenario, _place(chance), {chance.choice(PROVIDER_SWITCHES): "1"})
    return scenario


def _hook(chance: random.Random, scenario: Scenario) -> Scenario:
    event, value = chance.choice(EVENTS), chance.choice(VALUES)
    kind = chance.choice(list(HANDLERS))
    block: Any = chance.choice(
        (
            {event: value},
            {event: [value]},
            {event: [{"matcher": value, "hooks": [FINE]}]},
            {event: [{"matcher": "Bash", "hooks": value}]},
            {event: [{"hooks": [value]}]},
            {event: [{"hooks": [HANDLERS[kind] | {"timeout": value}]}]},
            {event: [{"hooks": [FINE | {"command": value}]}]},
            {event: [{"matcher": "Bash", "command": "./guard.sh"}]},
            {event: [{"hooks": [FINE]}]},
            value,
        )
    )
    return _set(scenario, _place(chance, shell=False), {"hooks": block})


def _broken(chance: random.Random, scenario: Scenario) -> Scenario:
    """A file in one of the flaws; several of them come about by drawing this together with what was drawn before."""
    places = chance.sample(SCOPES, chance.choice((1, 1, 2, 3)))
    broken: dict[str, Settings] = {
        place: ODD_FILES[chance.choice(sorted(ODD_FILES))].replace("{url}", url(place)) for place in places
    }
    return replace(scenario, settings=scenario.settings | broken)


def _signed_in(chance: random.Random, scenario: Scenario) -> Scenario:
    login: Any = chance.choice(
        (
            gateway(),
            gateway() | LOGIN,
            gateway(expiresAt=1_000),
            {"claudeAiOauth": LOGIN["claudeAiOauth"] | {"subscriptionType": chance.choice(("pro", "team", "free"))}},
            {"claudeAiOauth": LOGIN["claudeAiOauth"] | {"expiresAt": 1_000}},
        )
    )
    return replace(scenario, credentials=login)


def _handed_over(chance: random.Random, scenario: Scenario) -> Scenario:
    return replace(scenario, descriptors=chance.choice((KEY, OAUTH, KEY | OAUTH)))


def _profile(chance: random.Random, scenario: Scenario) -> Scenario:
    """A login profile: the default one or a named one, with an address or without, valid or expired."""
    config = {"base_url": url("profile")} if chance.random() < 0.4 else {}
    name = chance.choice(("default", "default", "work"))
    files = profile(name, **config)
    if chance.random() < 0.3:
        files = expired(files, **({"refresh_token": "refresh"} if chance.random() < 0.3 else {}))
    scenario = replace(scenario, files=scenario.files | files)
    if name == "work" and chance.random() < 0.5:
        return replace(scenario, files=scenario.files | {"home/.config/anthropic/active_config": "work\n"})
    if name == "work" or chance.random() < 0.2:
        return _export(scenario, _place(chance), {"ANTHROPIC_PROFILE": chance.choice((name, name, "", "missing"))})
    return scenario


def _federation(chance: random.Random, scenario: Scenario) -> Scenario:
    return _export(scenario, _place(chance), FEDERATION)


def _moved_login(chance: random.Random, scenario: Scenario) -> Scenario:
    moved = {"CLAUDE_SECURESTORAGE_CONFIG_DIR": f"{BOX}/home/kept"}
    scenario = _export(scenario, _place(chance), moved)
    kept = chance.choice((LOGIN, gateway(), LOGIN | gateway()))
    return replace(scenario, files=scenario.files | {"home/kept/.credentials.json": kept})


#: What an administrator may serve.
SERVED: tuple[Any, ...] = (
    SERVED_BLOCK,
    {"model": "model-served", "availableModels": ["model-served"]},
    {"availableModels": ["sonnet"]},
    {"allowedProviders": ["customEndpoint"]},
    {"env": {"ANTHROPIC_BASE_URL": url("managed"), "ANTHROPIC_AUTH_TOKEN": "token-served"}},
    {"apiKeyHelper": "echo helper-served"},
    "{",
)


def _served(chance: random.Random, scenario: Scenario) -> Scenario:
    if chance.random() < 0.5:  # else most of those who are drawn may not ask for them
        kind = chance.choice(("enterprise", "team", None))
        login = {"claudeAiOauth": LOGIN["claudeAiOauth"] | {"subscriptionType": kind}}
        scenario = replace(scenario, credentials=login)
    return replace(scenario, files=scenario.files | served(chance.choice(SERVED)))


#: What decides from the environment alone, or from outside of projects.
EXPORTED: tuple[dict[str, str], ...] = (
    THROUGH_SOCKET,
    THROUGH_SOCKET,
    HOSTED,
    HOST_AUTH,
    PINNED,
    {"CLAUDE_CODE_SIMPLE": "1"},
    {"CLAUDE_CODE_RESTRICTED": "1"},
)


def _exported(chance: random.Random, scenario: Scenario) -> Scenario:
    place = "shell" if chance.random() < 0.85 else chance.choice(("user", "local"))
    scenario = _export(scenario, place, chance.choice(EXPORTED))
    if chance.random() < 0.3:
        return _export(scenario, "shell", {"CLAUDE_CODE_OAUTH_TOKEN": "oauth-shell"})
    return scenario


def _provider_credential(chance: random.Random, scenario: Scenario) -> Scenario:
    """A provider on an address of one's own, and the credential it is sent."""
    provider = chance.choice([each for each in PROVIDERS if each.name in PROVIDER_TOKENS])
    place, other = _place(chance), _place(chance)
    scenario = _export(scenario, place, {provider.switch: "1", provider.base_url_variable: url(place)})
    return _export(scenario, other, {chance.choice(PROVIDER_TOKENS[provider.name]): f"provider-{other}"})


@cache
def _questions() -> tuple[Scenario, ...]:
    return tuple(systematic().values())


def _question(chance: random.Random, scenario: Scenario) -> Scenario:
    """What a systematic question asks about, over the scenario."""
    asked = chance.choice(_questions())
    for place, settings in asked.settings.items():
        if isinstance(settings, str):
            scenario = replace(scenario, settings=scenario.settings | {place: settings})
        else:
            scenario = _set(scenario, place, settings)
    return replace(
        scenario,
        shell=scenario.shell | asked.shell,
        credentials=scenario.credentials if asked.credentials is None else asked.credentials,
        home_json=scenario.home_json if asked.home_json is None else asked.home_json,
        layout=scenario.layout if asked.layout == "plain" else asked.layout,
        setting_sources=scenario.setting_sources if asked.setting_sources is None else asked.setting_sources,
        model=scenario.model if asked.model is None else asked.model,
        flag_inline=scenario.flag_inline or asked.flag_inline,
        config_dir=scenario.config_dir or asked.config_dir,
        args=asked.args or scenario.args,
        files=scenario.files | asked.files,
        descriptors=scenario.descriptors | asked.descriptors,
        entry=asked.entry,
    )


def _entry(_: random.Random, scenario: Scenario) -> Scenario:
    return replace(scenario, entry="mcp-serve")


def _flags(chance: random.Random, scenario: Scenario) -> Scenario:
    sources = chance.choice((None, "user", "project,local", "user,", "local", "USER", ""))
    return replace(scenario, setting_sources=sources, model=chance.choice((None, *MODEL_NAMES[:8])))


TWISTS: tuple[Twist, ...] = (
    *(_policy, _policy, _header, _address, _model, _body, _proxy, _provider, _provider, _hook, _hook, _broken),
    *(_signed_in, _signed_in, _handed_over, _profile, _profile, _federation, _moved_login, _served, _served),
    *(_exported, _exported, _provider_credential, _flags, _entry),
    *(_question, _question, _question, _question),
)
