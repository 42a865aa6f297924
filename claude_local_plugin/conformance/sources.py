"""Questions about where keys, tokens and addresses can come from besides variables, settings and the two logins.

File descriptors, login profiles, exchanged identity tokens, a moved login file, a Unix socket, a sign-in at a Claude
apps gateway, a host that does the routing, server-managed settings, and `claude mcp serve`.
"""

from collections.abc import Iterator
from typing import Any

from claude_local_plugin.conformance.scenario import BOX, SOCKET, Scenario, Settings, url
from claude_local_plugin.core.endpoint import PROVIDER_TOKENS
from claude_local_plugin.precedence.table import PROVIDERS

NEVER = 4_102_444_800
LOGIN = {
    "claudeAiOauth": {
        "accessToken": "oauth-from-login",
        "refreshToken": "refresh-from-login",
        "expiresAt": NEVER * 1000,
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
    }
}
CONSOLE = {"primaryApiKey": "key-from-console", "hasCompletedOnboarding": True}

#: What `enable` writes, in short, and the address alone.
ENABLED = {
    "ANTHROPIC_BASE_URL": url("local"),
    "ANTHROPIC_AUTH_TOKEN": "token-local",
    "ANTHROPIC_API_KEY": "",
    "ANTHROPIC_MODEL": "model-local",
}
ADDRESS = {"ANTHROPIC_BASE_URL": url("local")}
ELSEWHERE = {"ANTHROPIC_BASE_URL": url("shell")}

KEY = {"CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR": "key-handed-over"}
OAUTH = {"CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR": "oauth-handed-over"}
FEDERATION = {
    "ANTHROPIC_FEDERATION_RULE_ID": "rule",
    "ANTHROPIC_ORGANIZATION_ID": "organization",
    "ANTHROPIC_IDENTITY_TOKEN": "identity",
}
THROUGH_SOCKET = {"ANTHROPIC_UNIX_SOCKET": SOCKET}
HOSTED = {"CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1"}
HOST_AUTH = {"CLAUDE_CODE_HOST_AUTH_ENV_VAR": "MINE"}
PINNED = {"CLAUDE_CODE_REMOTE_TOOLS_PIN_STORED_LOGIN": "1"}

#: What else may be there when a source is asked about: each alone decides something.
Others = dict[str, dict[str, Any]]
BESIDE: Others = {
    "nothing": {},
    "key": {"shell": {"ANTHROPIC_API_KEY": "key-shell"}},
    "token": {"shell": {"ANTHROPIC_AUTH_TOKEN": "token-shell"}},
    "helper": {"settings": {"user": {"apiKeyHelper": "echo helper-user"}}},
    "oauth": {"shell": {"CLAUDE_CODE_OAUTH_TOKEN": "oauth-shell"}},
    "login": {"credentials": LOGIN},
    "console": {"home_json": CONSOLE},
    "console+login": {"home_json": CONSOLE, "credentials": LOGIN},
    "header": {"shell": {"ANTHROPIC_CUSTOM_HEADERS": "Authorization: Bearer custom\nx-api-key: custom"}},
    "simple": {"shell": {"CLAUDE_CODE_SIMPLE": "1"}},
    "hosted": {"shell": HOSTED},
    "bedrock": {"shell": {"CLAUDE_CODE_USE_BEDROCK": "1"}},
    "login-policy": {"settings": {"managed": {"forceLoginMethod": "claudeai"}}},
}


def env(**scopes: dict[str, Any]) -> dict[str, Any]:
    """Settings files with these `env` blocks."""
    return {place: {"env": block} for place, block in scopes.items()}


def profile(name: str = "default", store: str = "home/.config/anthropic", **config: Any) -> dict[str, Any]:
    """The files of a login profile."""
    return {
        f"{store}/configs/{name}.json": {"authentication": {"type": "user_oauth"}, **config},
        f"{store}/credentials/{name}.json": {"access_token": f"profile-{name}", "expires_at": NEVER},
    }


def expired(files: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The files of a login profile whose token's time is over; `more` is added to the token."""
    return {
        name: {**content, "expires_at": 1_000, **more} if "access_token" in content else content
        for name, content in files.items()
    }


def exchanging(**changes: Any) -> dict[str, Any]:
    """The files of a login profile that has an identity token exchanged; None takes a key away."""
    token = {"source": "file", "path": f"{BOX}/home/identity"}
    login = {"federation_rule_id": "rule", "identity_token": token, "organization_id": "organization"} | changes
    organization = {"organization_id": value} if (value := login.pop("organization_id")) else {}
    kept = {"type": "oidc_federation"} | {key: value for key, value in login.items() if value is not None}
    return {"home/.config/anthropic/configs/default.json": organization | {"authentication": kept}} | {
        "home/identity": "identity"
    }


def gateway(**changes: Any) -> dict[str, Any]:
    """The login file of somebody who is signed in at a gateway on loopback; None takes a key away."""
    login = {"url": url("gateway"), "jwt": "token-gateway", "expiresAt": NEVER * 1000, "email": "a@example.com"}
    kept = {key: value for key, value in (login | changes).items() if value is not None}
    return {"enterpriseGateway": kept, "gatewayTrust": {"127.0.0.1": "http-loopback"}}


def served(settings: Any) -> dict[str, Any]:
    """The copy of server-managed settings."""
    return {"config/remote-settings.json": settings, "config/remote-settings.json.synced-at": "1795000000000"}


def merged(first: dict[str, Any], second: dict[str, Any]) -> Scenario:
    """A scenario of two halves; what both set side by side is joined."""
    both = {
        key: {**first[key], **second[key]} if key in first and key in second else (first | second)[key]
        for key in first | second
    }
    return Scenario.from_json(both)


#: How the names of these questions begin.
FAMILIES = ("source/", "served/", "mcp-serve/")


def questions() -> Iterator[tuple[str, Scenario]]:
    """Every question with its name."""
    sources: Others = {
        "key-descriptor": {"descriptors": KEY},
        "oauth-descriptor": {"descriptors": OAUTH},
        "profile": {"files": profile()},
        "profile-named": {"files": profile("work"), "shell": {"ANTHROPIC_PROFILE": "work"}},
        "federation": {"shell": FEDERATION},
        "gateway": {"credentials": gateway()},
        "socket": {"shell": THROUGH_SOCKET},
    }
    for name, source in sources.items():
        for other, beside in BESIDE.items():
            if name == "gateway" and "credentials" in beside:
                beside = beside | {"credentials": gateway() | LOGIN}
            aside = {} if name in ("gateway", "socket") else {"shell": ELSEWHERE}
            half = merged(source, aside).to_json()
            yield f"source/{name}/beside-{other}", merged(half, beside)
        for place, block in (("local", ENABLED), ("user", ENABLED), ("local", ADDRESS)):
            short = "enabled" if block is ENABLED else "address"
            yield f"source/{name}/{short}-in-{place}", merged(source, {"settings": env(**{place: block})})
        if name != "socket":
            yield f"source/{name}/cloud", merged(source, {})
            yield f"source/{name}/through-a-socket", merged(source, {"shell": THROUGH_SOCKET})
    yield from _descriptors()
    yield from _profiles()
    yield from _gateways()
    yield from _sockets()
    yield from _hosted()
    yield from _started_by_a_program()
    yield from _hosted_logins()
    yield from _served()
    yield from _served_elsewhere()
    yield from _mcp_serve()
    yield from _providers()


def _descriptors() -> Iterator[tuple[str, Scenario]]:
    for name, given in (("key", KEY), ("oauth", OAUTH)):
        variable, base = next(iter(given)), f"source/{name}-descriptor"
        for place in ("local", "user", "flag"):
            cancelled = env(**{place: ADDRESS | {variable: ""}})
            yield f"{base}/cancelled-in-{place}", Scenario(settings=cancelled, descriptors=given)
        yield f"{base}/no-number", Scenario(shell=ELSEWHERE | {variable: "abc"})
        for what, extra in (
            ("empty-header", {"ANTHROPIC_CUSTOM_HEADERS": "x-api-key:"}),
            ("placeholder-key", {"ANTHROPIC_API_KEY": "token-local"}),
        ):
            yield f"{base}/enabled-with-{what}", Scenario(settings=env(local=ENABLED | extra), descriptors=given)
    yield "source/descriptors/both", Scenario(shell=ELSEWHERE, descriptors=KEY | OAUTH)


def _profiles() -> Iterator[tuple[str, Scenario]]:
    elsewhere, other = {"shell": ELSEWHERE}, url("profile")
    active = profile("work") | {"home/.config/anthropic/active_config": "work\n"}
    named = {"ANTHROPIC_PROFILE": "work"}
    moved = profile(store="home/store")
    xdg = profile(store="home/xdg/anthropic")
    halves: dict[str, dict[str, Any]] = {
        "active": {"files": active},
        "active-missing": {"files": profile() | {"home/.config/anthropic/active_config": "work"}},
        "named-missing": {"files": profile(), "shell": named},
        "named-in-user": {"files": profile("work"), "settings": env(user=named)},
        "named-in-local": {"files": profile("work"), "settings": env(local=named)},
        "named-in-local-beside-default": {"files": profile("work") | profile(), "settings": env(local=named)},
        "named-cancelled-in-local": {
            "files": profile("work"),
            "shell": named,
            "settings": env(local={"ANTHROPIC_PROFILE": ""}),
        },
        "store-in-shell": {"files": moved, "shell": {"ANTHROPIC_CONFIG_DIR": f"{BOX}/home/store"}},
        "store-in-user": {"files": moved, "settings": env(user={"ANTHROPIC_CONFIG_DIR": f"{BOX}/home/store"})},
        "xdg-in-shell": {"files": xdg, "shell": {"XDG_CONFIG_HOME": f"{BOX}/home/xdg"}},
        "other-kind": {"files": profile(authentication={"type": "api_key"})},
        "malformed": {"files": profile() | {"home/.config/anthropic/configs/default.json": "{"}},
        "signed-out": {
            "files": {"home/.config/anthropic/configs/default.json": {"authentication": {"type": "user_oauth"}}}
        },
        "token-elsewhere": {
            "files": {
                "home/.config/anthropic/configs/default.json": {
                    "authentication": {"type": "user_oauth", "credentials_path": f"{BOX}/home/kept.json"}
                },
                "home/kept.json": {"access_token": "kept-elsewhere", "expires_at": NEVER},
            }
        },
        "organization-policy": {
            "files": profile(),
            "settings": {"managed": {"forceLoginOrgUUID": "11111111-2222-3333-4444-555555555555"}},
        },
        "federation-in-user": {"settings": env(user=FEDERATION)},
        "federation-in-local": {"settings": env(local=FEDERATION), "files": profile()},
        "federation-without-organization": {"shell": {"ANTHROPIC_FEDERATION_RULE_ID": "rule"}},
        "federation-and-default": {"shell": FEDERATION, "files": profile()},
        "federation-and-named": {"shell": FEDERATION | named, "files": profile("work")},
    }
    for name, half in halves.items():
        yield f"source/profile/{name}", merged(half, elsewhere)
    yield from _logins_that_settings_name()
    yield from _set_aside()
    yield from _expired_profiles()
    yield from _unusable_profiles()
    for name, half in {
        "nothing": {},
        "address-in-user": {"settings": env(user={"ANTHROPIC_BASE_URL": url("user")})},
        "empty-address-in-local": {"settings": env(local={"ANTHROPIC_BASE_URL": ""})},
        **{name: BESIDE[name] for name in ("key", "token", "helper", "oauth", "login", "console")},
    }.items():
        yield f"source/profile-with-address/{name}", merged({"files": profile(base_url=other)}, half)
    kept = {"home/kept/.credentials.json": LOGIN}
    moved_to = {"CLAUDE_SECURESTORAGE_CONFIG_DIR": f"{BOX}/home/kept"}
    yield "source/login-moved/in-shell", Scenario(shell=ELSEWHERE | moved_to, files=kept)
    yield "source/login-moved/in-user", Scenario(shell=ELSEWHERE, settings=env(user=moved_to), files=kept)
    yield "source/login-moved/in-local", Scenario(shell=ELSEWHERE, settings=env(local=moved_to), files=kept)
    yield "source/login-moved/away", Scenario(shell=ELSEWHERE | moved_to, credentials=LOGIN)
    empty = {"CLAUDE_SECURESTORAGE_CONFIG_DIR": ""}
    yield "source/login-moved/empty", Scenario(shell=ELSEWHERE | empty, credentials=LOGIN)
    yield "source/login-moved/with-config-dir", Scenario(shell=ELSEWHERE | moved_to, files=kept, config_dir=True)


def _expired_profiles() -> Iterator[tuple[str, Scenario]]:
    old, elsewhere = expired(profile()), {"shell": ELSEWHERE}
    for name in ("nothing", "key", "token", "oauth", "login", "console", "header", "bedrock", "login-policy"):
        yield f"source/profile-expired/beside-{name}", merged(merged({"files": old}, elsewhere).to_json(), BESIDE[name])
    renewable = expired(profile(authentication={"type": "user_oauth", "client_id": "client"}), refresh_token="refresh")
    named = {"files": old, "shell": ELSEWHERE | {"ANTHROPIC_PROFILE": "default"}}
    halves: dict[str, dict[str, Any]] = {
        "refresh-token-alone": {"files": expired(profile(), refresh_token="refresh")} | elsewhere,
        "renewable": {"files": renewable} | elsewhere,
        "cloud": {"files": old},
        "named-beside-login": named | {"credentials": LOGIN},
        "address": {"files": expired(profile(base_url=url("profile")))},
        "socket": {"files": old, "shell": THROUGH_SOCKET},
    }
    for name, half in halves.items():
        yield f"source/profile-expired/{name}", merged(half, {})
    for place in ("http://gpu-box:8011", "http://127.0.0.2:8011", "http://localhost:8011", "https://api.anthropic.com"):
        there = {"ANTHROPIC_BASE_URL": place}
        yield f"source/profile-expired/renewable-at-{place}", Scenario(shell=there, files=renewable)
        yield f"source/federation/at-{place}", Scenario(shell=there | FEDERATION)
    times: dict[str, Any] = {
        "true": True,
        "none": None,
        "text": "1000",
        "later-text": str(NEVER),
        "date": "2100-01-01T00:00:00Z",
    }
    for name, time in times.items():
        half = {"files": expired(profile(), expires_at=time)}
        yield f"source/profile-expired/time-{name}", merged(half, elsewhere)


def _logins_that_settings_name() -> Iterator[tuple[str, Scenario]]:
    """Federation and a profile's name in a settings file, by where an address comes from: some are settled early."""
    files = profile() | profile("work")
    for place in ("managed", "user", "local"):
        for base in ("none", "shell", "managed", "user", "local"):
            for name, login in (("alone", None), ("login", LOGIN)):
                for kind, said in (("federation", FEDERATION), ("profile", {"ANTHROPIC_PROFILE": "work"})):
                    if kind == "profile" and base not in ("none", "shell"):
                        continue
                    scopes = {place: dict(said)}
                    if base not in ("none", "shell"):
                        scopes.setdefault(base, {}).update(ELSEWHERE)
                    yield (
                        f"source/named-in-{place}/{kind}-{base}-{name}",
                        Scenario(
                            settings=env(**scopes),
                            shell=ELSEWHERE if base == "shell" else {},
                            credentials=login,
                            files=files if kind == "profile" else {},
                        ),
                    )


def _set_aside() -> Iterator[tuple[str, Scenario]]:
    """A window beside a bound login, and a gateway's switch beside an address that is served."""
    told = {"CLAUDE_CODE_MAX_CONTEXT_TOKENS": "131072"}
    bound = PINNED | {"ANTHROPIC_AUTH_TOKEN": "token-shell", "ANTHROPIC_MODEL": "mine"}
    for place in ("managed", "user", "project", "local"):
        yield f"source/bound-window/{place}", Scenario(settings=env(**{place: told}), shell=bound)
    yield "source/bound-window/shell", Scenario(shell=bound | told)
    there = served({"env": ELSEWHERE | {"ANTHROPIC_AUTH_TOKEN": "token-served"}})
    account = {"claudeAiOauth": LOGIN["claudeAiOauth"] | {"subscriptionType": "team"}}
    shell = {"CLAUDE_CODE_USE_GATEWAY": "1", "ANTHROPIC_MODEL": "mine"} | told
    yield "source/served-address/gateway-switch", Scenario(shell=shell, credentials=account, files=there)


def _unusable_profiles() -> Iterator[tuple[str, Scenario]]:
    """Profiles that serve, and with which no request is sent; and those that look like it."""
    kept = "home/.config/anthropic/credentials/default.json"
    named = {"ANTHROPIC_PROFILE": "default"}
    without_token = {key: value for key, value in FEDERATION.items() if "TOKEN" not in key}
    in_a_file = without_token | {"ANTHROPIC_IDENTITY_TOKEN_FILE": f"{BOX}/home/identity"}
    renewable = profile(authentication={"type": "user_oauth", "client_id": "client"})
    halves: dict[str, dict[str, Any]] = {
        "expired-named": {"files": expired(profile()), "shell": named},
        "expired-and-oauth-descriptor": {"files": expired(profile()), "descriptors": OAUTH},
        "token-empty": {"files": profile() | {kept: {"access_token": "", "expires_at": NEVER}}},
        "token-missing": {"files": profile() | {kept: {"expires_at": NEVER}}},
        "renewable-and-holds": {"files": renewable | {kept: {"access_token": "kept", "refresh_token": "refresh"}}},
        "exchanged": {"files": exchanging()},
        "exchanged-by-the-environment": {
            "files": exchanging(identity_token=None),
            "shell": {"ANTHROPIC_IDENTITY_TOKEN": "identity"},
        },
        "exchanged-before": {"files": exchanging() | {kept: {"access_token": "kept", "expires_at": NEVER}}},
        "exchanged-long-before": {"files": exchanging() | {kept: {"access_token": "kept", "expires_at": 1_000}}},
        "exchanged-without-token": {"files": exchanging(identity_token=None)},
        "exchanged-without-rule": {"files": exchanging(federation_rule_id=None)},
        "exchanged-without-organization": {"files": exchanging(organization_id=None)},
        "exchanged-without-file": {"files": {key: value for key, value in exchanging().items() if "configs" in key}},
        "federation-without-token": {"shell": without_token},
        "federation-with-a-file": {"shell": in_a_file, "files": {"home/identity": "identity"}},
        "federation-with-no-such-file": {"shell": FEDERATION | in_a_file},
    }
    for name, half in halves.items():
        yield f"source/unusable/{name}", merged(half, {"shell": ELSEWHERE})


#: Without these requests are signed, so that a session starts all the same.
SIGNED_WITHOUT = ("AWS_BEARER_TOKEN_BEDROCK",)


def _providers() -> Iterator[tuple[str, Scenario]]:
    """Providers at addresses of somebody else, and what is sent there."""
    both = {"ANTHROPIC_API_KEY": "key-shell", "ANTHROPIC_AUTH_TOKEN": "token-shell"}
    for provider in PROVIDERS[1:]:
        there = {provider.switch: "1", provider.base_url_variable: url("local")}
        settings = {"settings": env(local=there)}
        yield f"source/provider/{provider.name}/beside-key-and-token", merged(settings, {"shell": both})
        for name in ("helper", "header"):
            yield f"source/provider/{provider.name}/beside-{name}", merged(settings, BESIDE[name])
        for variable in PROVIDER_TOKENS.get(provider.name, ()):
            shell = {variable: "provider-shell"}
            yield f"source/provider/{provider.name}/{variable}", merged(settings, {"shell": shell})
            if variable in SIGNED_WITHOUT:
                blank, cancelled = {variable: " "}, env(local=there | {variable: ""})
                yield f"source/provider/{provider.name}/{variable}-blank", merged(settings, {"shell": blank})
                yield f"source/provider/{provider.name}/{variable}-cancelled", Scenario(shell=shell, settings=cancelled)


def _gateways() -> Iterator[tuple[str, Scenario]]:
    switched = {"CLAUDE_CODE_USE_GATEWAY": "1"}
    halves: dict[str, dict[str, Any]] = {
        "flag": {"settings": env(flag=ENABLED)},
        "managed": {"settings": env(managed=ENABLED)},
        "managed-empty": {"settings": {"managed": {}} | env(local=ENABLED)},
        "managed-model": {"settings": {"managed": {"model": "model-managed"}} | env(local=ENABLED)},
        "drop-in": {"settings": {"managed.d/10": {"model": "model-managed"}} | env(local=ENABLED)},
        "managed-names-it": {"settings": {"managed": {"forceLoginGatewayUrl": url("gateway")}} | env(local=ENABLED)},
        "managed-and-key": {
            "settings": {"managed": {"model": "model-managed"}},
            "shell": {"ANTHROPIC_API_KEY": "key-shell"},
        },
        "allowed": {"settings": {"managed": {"allowedProviders": ["gateway"], "forceLoginGatewayUrl": url("gateway")}}},
        "not-allowed": {
            "settings": {"managed": {"allowedProviders": ["anthropic"], "forceLoginGatewayUrl": url("gateway")}}
        },
        "switch-in-shell": {"shell": switched | ELSEWHERE | {"ANTHROPIC_AUTH_TOKEN": "token-shell"}},
        "switch-in-user": {"settings": env(user=ENABLED | switched)},
        "switch-in-local": {"settings": env(local=ENABLED | switched)},
        "bedrock-in-local": {"settings": env(local={"CLAUDE_CODE_USE_BEDROCK": "1"})},
        "model-opus": {"shell": {"ANTHROPIC_MODEL": "opus"}},
        "model-sonnet": {"settings": {"user": {"model": "sonnet"}}},
        "window": {"settings": env(user={"CLAUDE_CODE_MAX_CONTEXT_TOKENS": "50000", "ANTHROPIC_MODEL": "mine"})},
        "config-dir": {"settings": env(local=ENABLED), "config_dir": True},
        "restricted": {"settings": env(local=ENABLED), "shell": {"CLAUDE_CODE_RESTRICTED": "1"}},
        "key-descriptor": {"descriptors": KEY},
        "profile": {"files": profile()},
    }
    for name, half in halves.items():
        yield f"source/gateway/{name}", merged({"credentials": gateway()}, half)
    token = ELSEWHERE | {"ANTHROPIC_AUTH_TOKEN": "token-shell"}
    demands: dict[str, Any] = {
        "block": {"settings": env(local=ENABLED)},
        "key": {"shell": ELSEWHERE | {"ANTHROPIC_API_KEY": "key-shell"}},
        "managed-block": {"settings": {"managed": {"env": ENABLED}}},
        "provider": {"shell": token | {"CLAUDE_CODE_USE_BEDROCK": "1"}},
        "switch": {"shell": token | switched},
        "hosted": {"shell": token | HOSTED},
        "login": {"credentials": LOGIN},
        "socket": {"shell": THROUGH_SOCKET},
    }
    for name, half in demands.items():
        demanded: dict[str, Any] = {"settings": {"managed": {"forceLoginGatewayUrl": url("gateway")}}}
        yield f"source/gateway/demanded-and-{name}", merged(demanded, half)
    empty: dict[str, Settings] = {"managed": {"forceLoginGatewayUrl": ""}}
    yield "source/gateway/demanded-empty", Scenario(settings=empty, shell=token)
    logins: dict[str, Any] = {
        "expired": gateway(expiresAt=1000),
        "without-time": gateway(expiresAt=None),
        "without-trust": {"enterpriseGateway": gateway()["enterpriseGateway"]},
        "trust-of-a-certificate": gateway() | {"gatewayTrust": {"127.0.0.1": "00ff"}},
        "trust-of-another": gateway() | {"gatewayTrust": {"example.com": "http-loopback"}},
    }
    for name, login in logins.items():
        yield f"source/gateway/{name}", Scenario(settings=env(local=ENABLED), credentials=login)


def _sockets() -> Iterator[tuple[str, Scenario]]:
    key = {"ANTHROPIC_API_KEY": "key-shell"}
    cancelled = {"ANTHROPIC_UNIX_SOCKET": ""}
    halves: dict[str, dict[str, Any]] = {
        "address-in-shell": {
            "shell": ELSEWHERE | {"ANTHROPIC_AUTH_TOKEN": "token-shell"},
            "settings": env(local=ENABLED),
        },
        "managed": {"settings": env(managed=ENABLED)},
        "flag": {"settings": env(flag=ENABLED)},
        "user-oauth": {"settings": env(user={"CLAUDE_CODE_OAUTH_TOKEN": "oauth-user"})},
        "helper-in-local": {"settings": {"local": {"apiKeyHelper": "echo helper-local"}}},
        "models": {"shell": key, "settings": env(local={"ANTHROPIC_DEFAULT_OPUS_MODEL": "opus-local"})},
        "headers": {"shell": key, "settings": env(user={"ANTHROPIC_CUSTOM_HEADERS": "X-From: user"})},
        "cancelled-in-user": {"shell": key, "settings": env(user=cancelled)},
        "cancelled-in-local": {"shell": key, "settings": env(local=ENABLED | cancelled)},
        "allowed-custom": {"shell": key, "settings": {"managed": {"allowedProviders": ["customEndpoint"]}}},
        "gateway-switch": {
            "shell": ELSEWHERE | {"CLAUDE_CODE_USE_GATEWAY": "1", "ANTHROPIC_AUTH_TOKEN": "token-shell"}
        },
    }
    for name, half in halves.items():
        yield f"source/socket/{name}", merged({"shell": THROUGH_SOCKET}, half)
    shell = key | {"mention": SOCKET}
    yield "source/socket/in-user", Scenario(shell=shell, settings=env(user=THROUGH_SOCKET))
    oauth = THROUGH_SOCKET | {"CLAUDE_CODE_OAUTH_TOKEN": "oauth-shell"}
    for name in ("key", "token", "helper", "console", "login", "header", "simple", "hosted", "login-policy"):
        beside = merged({"shell": oauth | (key if name in ("simple", "hosted", "login-policy") else {})}, BESIDE[name])
        yield f"source/socket/oauth-beside-{name}", beside
    yield "source/socket/oauth-beside-key-descriptor", Scenario(shell=oauth, descriptors=KEY)
    switched = ELSEWHERE | {"CLAUDE_CODE_USE_GATEWAY": "1", "ANTHROPIC_AUTH_TOKEN": "token-shell"}
    yield "source/socket/oauth-and-gateway-switch", Scenario(shell=oauth | switched)
    for provider in PROVIDERS[1:]:
        on = THROUGH_SOCKET | {provider.switch: "1"}
        yield f"source/socket/{provider.name}", Scenario(shell=on)
        yield (
            f"source/socket/{provider.name}-elsewhere",
            Scenario(shell=on | {provider.base_url_variable: url("shell")}),
        )
        for kind in ("login", "max"):
            login = {"CLAUDE_CODE_OAUTH_TOKEN": "oauth-shell"} | (
                {"CLAUDE_CODE_SUBSCRIPTION_TYPE": "max"} if kind == "max" else {}
            )
            yield f"source/socket/{provider.name}-with-{kind}", Scenario(shell=on | login)
        target = {"CLAUDE_CODE_OAUTH_TOKEN": "oauth-shell", "ANTHROPIC_DEFAULT_SONNET_MODEL": "mine"}
        yield f"source/socket/{provider.name}-with-target", Scenario(shell=on | target)
        own = {"CLAUDE_CODE_RUNNER_MODEL_SOCKET": SOCKET}
        yield f"source/socket/{provider.name}-of-the-runner", Scenario(shell=on | own | target)
    through = Scenario(shell=THROUGH_SOCKET | {"CLAUDE_CODE_OAUTH_TOKEN": "oauth-shell"}, credentials=gateway())
    yield "source/socket/oauth-and-gateway", through
    yield "source/socket/empty", Scenario(shell=cancelled, settings=env(local=ENABLED))


def _hosted() -> Iterator[tuple[str, Scenario]]:
    ours = HOSTED | ELSEWHERE | {"ANTHROPIC_AUTH_TOKEN": "token-shell"}
    alone = HOSTED | ELSEWHERE
    for place in ("user", "flag", "managed", "local"):
        helper: dict[str, Settings] = {place: {"apiKeyHelper": "echo helper"}}
        yield f"source/hosted/helper-in-{place}", Scenario(shell=alone, settings=helper)
        yield f"source/hosted/block-in-{place}", Scenario(shell=ours, settings=env(**{place: ENABLED}))
    yield "source/hosted/login-and-nothing-else", Scenario(shell=HOSTED, credentials=LOGIN)
    models: dict[str, Settings] = {"user": {"model": "model-user"}, "managed": {"model": "model-managed"}}
    yield "source/hosted/managed-model", Scenario(shell=ours, settings=models)
    overrides: dict[str, Settings] = {"managed": {"modelOverrides": {"claude-opus-5-5": "mine"}}}
    yield "source/hosted/managed-overrides", Scenario(shell=ours | {"ANTHROPIC_MODEL": "opus"}, settings=overrides)
    listed: dict[str, Settings] = {"managed": {"availableModels": ["sonnet"]}}
    yield "source/hosted/managed-list", Scenario(shell=ours | {"ANTHROPIC_MODEL": "mine"}, settings=listed)
    allowed: dict[str, Settings] = {"managed": {"allowedProviders": ["anthropic"]}}
    yield "source/hosted/managed-providers", Scenario(shell=ours, settings=allowed)
    window = env(user={"CLAUDE_CODE_MAX_CONTEXT_TOKENS": "50000"})
    yield "source/hosted/window", Scenario(shell=ours | {"ANTHROPIC_MODEL": "mine"}, settings=window)


def _hosted_logins() -> Iterator[tuple[str, Scenario]]:
    """A login that an administrator asks for, where a host does the routing."""
    organization = {"settings": {"managed": {"forceLoginOrgUUID": "11111111-2222-3333-4444-555555555555"}}}
    for name, policy in (("method", BESIDE["login-policy"]), ("organization", organization)):
        token = ELSEWHERE | {"ANTHROPIC_AUTH_TOKEN": "t"}
        yield f"source/hosted/login-{name}-and-token", merged({"shell": token | HOSTED}, policy)
        yield f"source/host-auth/login-{name}-and-token", merged({"shell": token | HOST_AUTH}, policy)
        key = ELSEWHERE | HOSTED | {"ANTHROPIC_API_KEY": "k"}
        yield f"source/hosted/login-{name}-and-key", merged({"shell": key}, policy)


def _started_by_a_program() -> Iterator[tuple[str, Scenario]]:
    key = {"ANTHROPIC_API_KEY": "key-shell"}
    for name, given in (("host-auth", HOST_AUTH), ("pinned", PINNED)):
        base = f"source/{name}"
        for place in ("local", "user", "flag", "managed"):
            yield f"{base}/block-in-{place}", Scenario(shell=given | key, settings=env(**{place: ENABLED}))
        yield f"{base}/key", Scenario(shell=given | key | ELSEWHERE)
        yield f"{base}/login-and-block", Scenario(shell=given, credentials=LOGIN, settings=env(local=ENABLED))
        yield f"{base}/gateway", Scenario(shell=given, credentials=gateway(), settings=env(local=ENABLED))
        for provider in PROVIDERS[1:6:4]:
            switched = given | {provider.switch: "1"}
            yield f"{base}/{provider.name}", Scenario(shell=switched)
            yield f"{base}/{provider.name}-and-address", Scenario(shell=switched | ELSEWHERE)
        yield f"{base}/off", Scenario(shell={next(iter(given)): ""}, settings=env(local=ENABLED))
        yield f"{base}/in-user", Scenario(settings=env(local=ENABLED, user=given))
    alone = HOST_AUTH | ELSEWHERE
    for other in ("login", "console", "helper", "oauth"):
        yield f"source/host-auth/beside-{other}", merged({"shell": alone}, BESIDE[other])
    oauth = env(user={"CLAUDE_CODE_OAUTH_TOKEN": "oauth-user"})
    yield "source/host-auth/user-oauth", Scenario(shell=alone, settings=oauth)
    headers = env(user={"ANTHROPIC_CUSTOM_HEADERS": "X-From: user"})
    yield "source/host-auth/headers", Scenario(shell=alone | key, settings=headers)
    yield "source/host-auth/profile", Scenario(shell=alone, files=profile())


SERVED_BLOCK = {"env": {"ANTHROPIC_MODEL": "model-served", "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "77000"}}


def _served() -> Iterator[tuple[str, Scenario]]:
    block = ENABLED | {"CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536"}
    local, files = {"settings": env(local=block)}, {"files": served(SERVED_BLOCK)}

    def login(kind: str | None) -> dict[str, Any]:
        return {"credentials": {"claudeAiOauth": LOGIN["claudeAiOauth"] | {"subscriptionType": kind}}}

    team = login("enterprise")
    for kind in ("max", "pro", "team", "enterprise", "free", None):
        yield f"served/subscription/{kind}", merged(local | files, login(kind))
    for name in ("nothing", "key", "token", "helper", "oauth", "console", "simple"):
        yield f"served/beside-{name}", merged(local | files, BESIDE[name])
    for name, half in {
        "profile": {"files": served(SERVED_BLOCK) | profile()},
        "key-descriptor": {"descriptors": KEY},
        "oauth-descriptor": {"descriptors": OAUTH},
        "gateway": {"credentials": gateway()},
    }.items():
        yield f"served/beside-{name}", merged(local | files, half)
    for place in ("project", "user", "flag", "managed", "shell"):
        shell = {"shell": block} if place == "shell" else {"settings": env(**{place: block})}
        yield f"served/address-in-{place}", merged(files | shell, team)
    managed = env(managed={"ANTHROPIC_MODEL": "model-managed", "CLAUDE_CODE_DISABLE_1M_CONTEXT": "1"})
    yield "served/over-managed", merged(files | {"settings": env(local=ENABLED) | managed}, team)
    yield "served/cloud", merged(files, team)
    yield "served/cloud-key", merged(files, BESIDE["key"])
    contents: dict[str, Any] = {
        "model-and-list": {"model": "model-served", "availableModels": ["model-served"]},
        "list": {"availableModels": ["sonnet"]},
        "providers": {"allowedProviders": ["anthropic"]},
        "login-policy": {"forceLoginMethod": "claudeai"},
        "address": {"env": {"ANTHROPIC_BASE_URL": url("managed"), "ANTHROPIC_AUTH_TOKEN": "token-served"}},
        "malformed": "{",
    }
    for name, content in contents.items():
        yield f"served/with-{name}", merged(local | {"files": served(content)}, team)
    helper = served({"apiKeyHelper": "echo helper-served"})
    yield "served/with-helper", merged({"settings": env(local=ADDRESS), "files": helper}, team)


def _served_elsewhere() -> Iterator[tuple[str, Scenario]]:
    """Served settings beside a socket, in a simple session, under an administrator's address, beside a helper."""
    files, key = {"files": served(SERVED_BLOCK)}, {"ANTHROPIC_API_KEY": "key-shell"}
    through, team = merged(files, {"shell": THROUGH_SOCKET}).to_json(), {"subscriptionType": "enterprise"}
    oauth = {"CLAUDE_CODE_OAUTH_TOKEN": "o"}
    for name, shell in {
        "key": key,
        "token": {"ANTHROPIC_AUTH_TOKEN": "t"},
        "oauth": oauth,
        "oauth-and-key": oauth | key,
        "oauth-and-address": oauth | ELSEWHERE,
        "simple-and-key": oauth | {"CLAUDE_CODE_SIMPLE": "1"} | key,
    }.items():
        yield f"served/through-a-socket/{name}", merged(through, {"shell": shell})
    simple = {"shell": {"CLAUDE_CODE_SIMPLE": "1"}, "settings": env(local=ENABLED)} | files
    for name in ("key", "oauth", "console"):
        yield f"served/simple-{name}", merged(simple, BESIDE[name])
    routed = {"ANTHROPIC_BASE_URL": url("gateway"), "ANTHROPIC_AUTH_TOKEN": "token-served"}
    copy = {"files": served({"env": routed | {"ANTHROPIC_MODEL": "m-served"}}), "shell": key}
    yield "served/address/key", merged(copy, {})
    for name, address in (("managed", url("managed")), ("anthropic", "https://api.anthropic.com"), ("empty", "")):
        managed = env(managed={"ANTHROPIC_BASE_URL": address})
        yield f"served/address/key-and-{name}", merged(copy, {"settings": managed})
    login = {"credentials": {"claudeAiOauth": LOGIN["claudeAiOauth"] | team}}
    for name, more in (("cloud", {}), ("own", ADDRESS)):
        token: dict[str, Settings] = {
            "user": {"apiKeyHelper": "echo helper-user"},
            "local": {"env": {"ANTHROPIC_AUTH_TOKEN": "token-local", **more}},
        }
        yield f"served/helper-and-token/{name}", merged(files | {"settings": token}, login)
    yield from _served_over_managed()
    in_simple_mode = {"CLAUDE_CODE_SIMPLE": "1", "ANTHROPIC_AUTH_TOKEN": "token-shell"} | ELSEWHERE
    helper: dict[str, Settings] = {"flag": {"apiKeyHelper": "echo helper-flag"}}
    yield "served/nothing-and-simple-helper-beside-a-token", Scenario(settings=helper, shell=in_simple_mode)
    unsaid = {"credentials": {"claudeAiOauth": LOGIN["claudeAiOauth"] | {"subscriptionType": None}}}
    bare = {"files": served({"env": routed})}
    none: dict[str, Any] = {"settings": {"managed": {"availableModels": []}}}
    yield "served/token-for-a-login/nothing", merged(bare, unsaid)
    yield "served/token-for-a-login/list", merged(bare | none, unsaid)


def _served_over_managed() -> Iterator[tuple[str, Scenario]]:
    """What of an administrator's own file counts beside served settings that say something else."""
    policies: dict[str, dict[str, Any]] = {
        "list": {"availableModels": ["sonnet"]},
        "denied": {"deniedModels": ["x"]},
        "model": {"model": "model-managed"},
        "helper": {"apiKeyHelper": "echo helper-managed"},
        "overrides": {"modelOverrides": {"claude-opus-5-5": "mine"}},
        "picker": {"modelPicker": {"options": [{"model": "x", "behavesAs": "claude-sonnet-4-5"}]}},
        "providers": {"allowedProviders": []},
        "login-method": {"forceLoginMethod": "claudeai"},
        "organization": {"forceLoginOrgUUID": "11111111-2222-3333-4444-555555555555"},
        "gateway": {"forceLoginGatewayUrl": url("gateway")},
        "version": {"requiredMinimumVersion": "9.9.9"},
        "env": {"env": {"ANTHROPIC_MODEL": "model-managed"}},
        "guard": {"hooks": {"PreToolUse": 5}},
    }
    key: dict[str, Any] = {"shell": {"ANTHROPIC_API_KEY": "key-shell"}, "files": served({"env": {"UNRELATED": "1"}})}
    for name, policy in policies.items():
        asked = {"shell": {"ANTHROPIC_MODEL": "x"}} if name in ("list", "denied", "picker") else {}
        yield f"served/over-managed-{name}", merged(key | {"settings": {"managed": policy}}, asked)
    listed = {"settings": {"managed": {"availableModels": ["x"]}}, "shell": {"ANTHROPIC_MODEL": "x"}}
    for name, content in (("empty", {}), ("list", {"availableModels": ["y"]})):
        yield f"served/{name}-over-managed-list", merged(key | {"files": served(content)}, listed)
    for name, one, other in (("one", "anthropic", "anthropic"), ("none", "anthropic", "bedrock")):
        both = {"settings": {"managed": {"allowedProviders": [other]}}, "files": served({"allowedProviders": [one]})}
        yield f"served/providers-that-both-allow/{name}", merged(key | {"files": {}}, both)


def _mcp_serve() -> Iterator[tuple[str, Scenario]]:
    entry = {"entry": "mcp-serve"}
    for place in ("local", "project", "user", "managed", "flag"):
        for name in ("nothing", "key", "token", "login"):
            settings = {"settings": env(**{place: ENABLED})}
            yield f"mcp-serve/{place}/beside-{name}", merged(settings | entry, BESIDE[name])
        helper = {"settings": {place: {"apiKeyHelper": "echo helper", "model": "model-set"}}}
        yield f"mcp-serve/{place}/helper", merged(helper | entry, {"shell": ELSEWHERE})
    for place in ("local", "project", "user", "flag"):
        settings = {"settings": {place: {"apiKeyHelper": "echo helper"}}}
        beside = {"shell": ELSEWHERE | {"ANTHROPIC_AUTH_TOKEN": "token-shell"}}
        yield f"mcp-serve/{place}/helper-and-token", merged(settings | entry, beside)
    for name, half in {
        "own": {"shell": ELSEWHERE | {"ANTHROPIC_AUTH_TOKEN": "t"}},
        "bedrock": BESIDE["bedrock"],
    }.items():
        yield f"mcp-serve/model-option/{name}", merged({"model": "model-cli"} | entry, half)
    both = env(user=ENABLED | {"ANTHROPIC_BASE_URL": url("user")}, local=ENABLED)
    yield "mcp-serve/user+local", Scenario(settings=both, entry="mcp-serve")
    added = {"home/other/.claude/settings.local.json": {"env": ADDRESS, "model": "model-added"}}
    for name, arguments in (
        ("add-dir", ("--add-dir", f"{BOX}/home/other")),
        ("add-dir=", (f"--add-dir={BOX}/home/other",)),
    ):
        token = ELSEWHERE | {"ANTHROPIC_AUTH_TOKEN": "token-shell"}
        yield f"mcp-serve/{name}", Scenario(shell=token, files=added, args=arguments, entry="mcp-serve")
    yield "mcp-serve/gateway", Scenario(settings=env(local=ENABLED), credentials=gateway(), entry="mcp-serve")
    headers = env(local={"ANTHROPIC_CUSTOM_HEADERS": "x-api-key: local"})
    yield "mcp-serve/headers", merged({"settings": headers} | entry, {"shell": ELSEWHERE | BESIDE["key"]["shell"]})
