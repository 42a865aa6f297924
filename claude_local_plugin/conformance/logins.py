"""Questions about logins together: who is asked for served settings and with what, and which login profile counts.

Besides what comes before every login: an address that is none, and an administrator's rules where no session starts.
"""

import itertools
from collections.abc import Iterator
from typing import Any

from claude_local_plugin.conformance.scenario import Scenario, url
from claude_local_plugin.conformance.sources import (
    ADDRESS,
    BESIDE,
    CONSOLE,
    ELSEWHERE,
    FEDERATION,
    LOGIN,
    SERVED_BLOCK,
    THROUGH_SOCKET,
    Others,
    env,
    exchanging,
    expired,
    gateway,
    merged,
    profile,
    served,
)
from claude_local_plugin.precedence.table import PROFILE_NAME, PROVIDERS

KEY = {"ANTHROPIC_API_KEY": "key-shell"}
OAUTH = {"CLAUDE_CODE_OAUTH_TOKEN": "oauth-shell"}
SIMPLE = "CLAUDE_CODE_SIMPLE"
NAMED = {PROFILE_NAME: "work"}


def questions() -> Iterator[tuple[str, Scenario]]:
    """Every question with its name."""
    yield from _profile_names()
    yield from _who_is_served()
    yield from _after_an_administrator()
    yield from _unconfirmed()
    yield from _no_address()
    yield from _policies_of_calls()


def login(kind: str | None, **changes: Any) -> dict[str, Any]:
    """A claude.ai login of this subscription."""
    return {"credentials": {"claudeAiOauth": LOGIN["claudeAiOauth"] | {"subscriptionType": kind} | changes}}


def _profile_names() -> Iterator[tuple[str, Scenario]]:
    """A profile's name in the shell and in a project's file, each also empty, at Anthropic's address and elsewhere."""
    names = {"unset": None, "empty": "", "work": "work", "missing": "missing"}
    files = profile() | profile("work")
    for base, address in (("cloud", {}), ("elsewhere", ELSEWHERE)):
        for early, late in itertools.product(("unset", "empty", "work"), names):
            shell, project = ({PROFILE_NAME: text} for text in (names[early] or "", names[late] or ""))
            yield (
                f"source/profile-name/{early}-then-{late}-{base}",
                Scenario(
                    shell=address | (shell if early != "unset" else {}),
                    settings=env(local=project) if late != "unset" else {},
                    files=files,
                ),
            )
    # an administrator's address is another place, too, and there is none before a project's files are read
    for place, (early, late) in itertools.product(
        ("managed", "local"), (("work", ""), ("work", "default"), ("", "work"))
    ):
        blocks = {place: ELSEWHERE}
        blocks["local"] = blocks.get("local", {}) | {PROFILE_NAME: late}
        yield (
            f"source/profile-name/{early or 'empty'}-then-{late or 'empty'}-{place}",
            Scenario(shell={PROFILE_NAME: early}, settings=env(**blocks), files=files),
        )
        if place == "managed":  # with a profile that leads elsewhere nobody is asked before that
            leading = files | profile("work", base_url=url("profile")) | profile(base_url=url("profile"))
            yield (
                f"source/profile-name/{early or 'empty'}-then-{late or 'empty'}-addressed",
                Scenario(shell={PROFILE_NAME: early}, settings=env(**blocks), files=leading),
            )


#: Logins of Anthropic's library, by name.
PROFILES: Others = {
    "default": {"files": profile()},
    "named": {"files": profile("work"), "shell": NAMED},
    "addressed": {"files": profile(base_url=url("profile"))},
    "named-addressed": {"files": profile("work", base_url=url("profile")), "shell": NAMED},
    "anthropic": {
        "files": profile(base_url=url("profile")),
        "settings": env(flag={"ANTHROPIC_BASE_URL": "https://api.anthropic.com"}),
    },
    "exchanging": {"files": exchanging()},
    "federation": {"shell": FEDERATION},
}


def _who_is_served() -> Iterator[tuple[str, Scenario]]:
    """Served settings for each login of Anthropic's library, beside every other credential."""
    others: Others = {
        **{name: BESIDE[name] for name in ("nothing", "key", "token", "helper", "oauth", "console")},
        "max": login("max"),
        "team": login("team"),
        "team-not-for-prompts": login("team", scopes=["user:profile"]),
        "console-and-helper": merged({"home_json": CONSOLE}, BESIDE["helper"]).to_json(),
        "oauth-of-max": {"shell": OAUTH | {"CLAUDE_CODE_SUBSCRIPTION_TYPE": "max"}},
    }
    asked = merged({"files": served(SERVED_BLOCK)}, {"settings": env(local=ADDRESS)}).to_json()
    for name, found in PROFILES.items():
        for other, beside in others.items():
            both = merged(found, beside).to_json()
            yield f"served/profile-{name}/beside-{other}", merged(asked, both)
    for name, half in {
        "oauth-over-max": merged({"shell": OAUTH}, login("max")).to_json(),
        "oauth-of-max-over-team": merged(others["oauth-of-max"], login("team")).to_json(),
        "team-expired": login("team", expiresAt=1000),
    }.items():
        yield f"served/{name}", merged(asked, half)


def _after_an_administrator() -> Iterator[tuple[str, Scenario]]:
    """What an administrator's file sets is not yet there when Claude Code settles whether settings are served."""
    team = login("team")
    own = ADDRESS | {"ANTHROPIC_AUTH_TOKEN": "token-local"}
    vertex = "CLAUDE_CODE_USE_VERTEX"
    halves: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
        **{f"{each.name}-on": ({each.switch: "1"}, {"shell": KEY}) for each in PROVIDERS},
        "vertex-off": ({vertex: "0"}, {"shell": KEY | {vertex: "1"}}),
        "vertex-off-for-user": ({vertex: ""}, {"shell": KEY, "settings": env(user={vertex: "1"})}),
        "key": (KEY, {}),
        "no-key": ({"ANTHROPIC_API_KEY": ""}, {"shell": KEY}),
        "oauth": (OAUTH, {}),
        "no-oauth": ({"CLAUDE_CODE_OAUTH_TOKEN": ""}, {"shell": OAUTH}),
        "simple": ({SIMPLE: "1"}, team),
        "not-simple": ({SIMPLE: "0"}, {"shell": {SIMPLE: "1"}} | team),
        "key-for-simple": (KEY, {"shell": {SIMPLE: "1"}}),
        "anthropic": ({"ANTHROPIC_BASE_URL": "https://api.anthropic.com"}, {"shell": KEY | ELSEWHERE}),
    }
    for name, (managed, half) in halves.items():
        asked = {"settings": env(managed=managed, local=own), "files": served(SERVED_BLOCK)}
        yield f"served/administrator/{name}", merged(asked, half)
    token = {"ANTHROPIC_AUTH_TOKEN": "token-managed"}
    before = {"files": served(SERVED_BLOCK) | profile()}
    yield "served/administrator/token-and-profile", merged(before, {"settings": env(managed=token, local=ADDRESS)})
    cancelled = {"settings": env(managed={"ANTHROPIC_AUTH_TOKEN": ""}, local=ADDRESS)}
    yield "served/administrator/no-token-and-profile", merged(before | BESIDE["token"], cancelled)
    empty = {"settings": {"managed": {"apiKeyHelper": ""}, "user": {"apiKeyHelper": "echo helper-user"}}}
    yield "served/administrator/no-helper", merged({"files": served(SERVED_BLOCK), "home_json": CONSOLE}, empty)


def _unconfirmed() -> Iterator[tuple[str, Scenario]]:
    """A copy that says where requests go, under an administrator's address: who asks whether it still holds."""
    routed = {"ANTHROPIC_BASE_URL": url("gateway"), "ANTHROPIC_AUTH_TOKEN": "token-served"}
    copy = {"files": served({"env": routed | {"ANTHROPIC_MODEL": "model-served"}})}
    address = {"ANTHROPIC_BASE_URL": url("managed")}
    asked = merged(copy, {"settings": env(managed=address)}).to_json()
    helper = {"managed": {"apiKeyHelper": "echo helper-managed", "env": address}}
    halves: dict[str, dict[str, Any]] = {
        "console": BESIDE["console"],
        "profile": {"files": profile()},
        "federation": {"shell": FEDERATION},
        "key-and-helper": merged({"shell": KEY}, BESIDE["helper"]).to_json(),
        "key-and-its-helper": {"shell": KEY, "settings": helper},
        "team": login("team"),
        "oauth": {"shell": OAUTH},
        "team-and-key": {"settings": env(managed=address | KEY)} | login("team"),
        "team-and-no-key": {"settings": env(managed=address | {"ANTHROPIC_API_KEY": ""}), "shell": KEY} | login("team"),
        "key-of-a-project": {"settings": env(managed=address, local=KEY)} | login("team"),
    }
    for name, half in halves.items():
        yield f"served/under-an-address/{name}", merged(asked, half)


#: What no URL can be made of, and what one can be made of, though nobody answers there.
NO_ADDRESSES = ("127.0.0.1:8011", "nonsense", "http://a b", "http://1.2.3.4.5", "[::1]:8011", "${HOST}", "http://ex%zz")
ADDRESSES = ("http://", "localhost:8011", "ftp://127.0.0.1:8011")


def _no_address() -> Iterator[tuple[str, Scenario]]:
    """What is no address, where nobody is logged in, and for each provider."""
    for text in (*NO_ADDRESSES, *ADDRESSES):
        yield f"source/no-address/{text}", Scenario(shell={"ANTHROPIC_BASE_URL": text})
    bad = {"ANTHROPIC_BASE_URL": NO_ADDRESSES[0]}
    beside: Others = {
        "gateway": {"credentials": gateway()},
        "expired-profile": {"files": expired(profile())},
        "demanded": {"settings": {"managed": {"forceLoginGatewayUrl": url("gateway")}}},
        "socket": {"shell": THROUGH_SOCKET},
        "mcp-serve": {"entry": "mcp-serve"},
    }
    for name, half in beside.items():
        yield f"source/no-address/beside-{name}", merged({"shell": bad}, half)
    for provider in PROVIDERS[1:]:
        there = {provider.switch: "1", provider.base_url_variable: NO_ADDRESSES[0]}
        yield f"source/no-address/{provider.name}", Scenario(shell=there)


def _policies_of_calls() -> Iterator[tuple[str, Scenario]]:
    """An administrator's rules under `claude mcp serve`, which starts and says no to the call, or asks all the same."""
    everything = ["opus", "sonnet", "haiku", "fable"]
    policies: dict[str, dict[str, Any]] = {
        "provider": {"allowedProviders": ["gateway"]},
        "no-provider": {"allowedProviders": []},
        "own-provider": {"allowedProviders": ["bedrock"]},
        "method": {"forceLoginMethod": "claudeai"},
        "version": {"requiredMinimumVersion": "9.9.9"},
        "denied": {"deniedModels": ["opus"]},
        "everything-denied": {"deniedModels": everything},
    }
    beside: Others = {
        "token": merged({"shell": ELSEWHERE}, BESIDE["token"]).to_json(),
        "bedrock": BESIDE["bedrock"],
        "socket": merged({"shell": THROUGH_SOCKET}, BESIDE["key"]).to_json(),
    }
    for name, policy in policies.items():
        for other, half in beside.items():
            asked = {"settings": {"managed": policy}, "entry": "mcp-serve"}
            yield f"mcp-serve/policy-{name}/beside-{other}", merged(asked, half)
    for kind in ("max", "free"):
        denied = {"settings": {"managed": {"deniedModels": everything, "model": "sonnet"}}, "entry": "mcp-serve"}
        yield f"mcp-serve/policy-everything-denied/{kind}", merged(denied, login(kind))
