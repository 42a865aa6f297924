"""The questions to ask one by one: each source alone, each pair, each special case known to matter."""

import itertools
from collections.abc import Iterator
from typing import Any

from claude_local_plugin.oracle.scenario import LAYOUTS, PLACES, Scenario, Settings, url

#: The scopes that exist in every layout, strongest first.
SCOPES = ("managed", "flag", "local", "project", "user")
SOURCES = (*SCOPES, "shell")

PROVIDER_SWITCHES = (
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_ANTHROPIC_AWS",
    "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
    "CLAUDE_CODE_USE_MANTLE",
    "CLAUDE_CODE_USE_GATEWAY",
)
SPELLINGS = ("1", "true", "0", "false", "no", "off", "yes", "on", "", " ", "2", "TRUE")
ALIASES = ("opus", "sonnet", "haiku", "fable", "best", "default", "opusplan", "opus[1m]", "sonnet[1m]", "Opus")
ALIAS_VARIABLES = tuple(f"ANTHROPIC_DEFAULT_{name}_MODEL" for name in ("OPUS", "SONNET", "HAIKU", "FABLE"))

LOGIN = {
    "claudeAiOauth": {
        "accessToken": "oauth-from-login",
        "refreshToken": "refresh-from-login",
        "expiresAt": 4_102_444_800_000,
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
        "rateLimitTier": "default_claude_max_20x",
    }
}
CONSOLE = {"primaryApiKey": "key-from-console", "hasCompletedOnboarding": True}

#: Files that Claude Code may drop, whole or in part: a name for each, and its text ({url} is the place's endpoint).
ODD_FILES: dict[str, str] = {
    "comment": '{\n  // mine\n  "env": {"ANTHROPIC_BASE_URL": "{url}"}\n}',
    "trailing-comma": '{"env": {"ANTHROPIC_BASE_URL": "{url}",}}',
    "byte-order-mark": '\ufeff{"env": {"ANTHROPIC_BASE_URL": "{url}"}}',
    "empty": "",
    "blank": " \n",
    "cut-off": '{"env": {"ANTHROPIC_BASE_URL": "{url}"}',
    "twice-the-key": '{"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:1", "ANTHROPIC_BASE_URL": "{url}"}}',
    "twice-the-block": '{"env": {"ANTHROPIC_BASE_URL": "{url}"}, "env": {"ANTHROPIC_MODEL": "twice"}}',
    "list": '[{"env": {"ANTHROPIC_BASE_URL": "{url}"}}]',
    "null": "null",
    "env-list": '{"env": ["ANTHROPIC_BASE_URL={url}"]}',
    "env-null": '{"env": null, "model": "from-env-null"}',
    "env-string": '{"env": "{url}"}',
    "env-value-list": '{"env": {"ANTHROPIC_BASE_URL": "{url}", "OTHER": ["x"]}}',
    "env-value-object": '{"env": {"ANTHROPIC_BASE_URL": "{url}", "OTHER": {"x": 1}}}',
    "model-number": '{"model": 5, "env": {"ANTHROPIC_BASE_URL": "{url}"}}',
    "model-null": '{"model": null, "env": {"ANTHROPIC_BASE_URL": "{url}"}}',
    "helper-number": '{"apiKeyHelper": 5, "env": {"ANTHROPIC_BASE_URL": "{url}"}}',
    "helper-null": '{"apiKeyHelper": null, "env": {"ANTHROPIC_BASE_URL": "{url}"}}',
    "permissions-list": '{"permissions": [], "env": {"ANTHROPIC_BASE_URL": "{url}"}}',
    "unknown-key": '{"somethingNew": {"a": 1}, "env": {"ANTHROPIC_BASE_URL": "{url}"}}',
    "unknown-hook": '{"hooks": {"NoSuchEvent": []}, "env": {"ANTHROPIC_BASE_URL": "{url}"}}',
    "hooks-list": '{"hooks": [], "env": {"ANTHROPIC_BASE_URL": "{url}"}}',
    "no-command": '{"hooks": {"Stop": [{"hooks": [{"type": "command"}]}]}, "env": {"ANTHROPIC_BASE_URL": "{url}"}}',
    "lower-case-name": '{"env": {"anthropic_base_url": "{url}"}}',
    "control-character": '{"env": {"ANTHROPIC_BASE_URL": "{url}", "OTHER": "a\tb"}}',
    "top-level-variable": '{"ANTHROPIC_BASE_URL": "{url}"}',
    "single-quotes": "{'env': {'ANTHROPIC_BASE_URL': '{url}'}}",
    "nan": '{"env": {"ANTHROPIC_BASE_URL": "{url}", "OTHER": NaN}}',
    "text-after": '{"env": {"ANTHROPIC_BASE_URL": "{url}"}} x',
    "windows-lines": '{\r\n  "env": {\r\n    "ANTHROPIC_BASE_URL": "{url}"\r\n  }\r\n}\r\n',
    "clean-up-days-string": '{"cleanupPeriodDays": "x", "env": {"ANTHROPIC_BASE_URL": "{url}"}}',
    "status-line-string": '{"statusLine": "x", "env": {"ANTHROPIC_BASE_URL": "{url}"}}',
    "available-models-string": '{"availableModels": "x", "env": {"ANTHROPIC_BASE_URL": "{url}"}}',
    "login-method-unknown": '{"forceLoginMethod": "x", "env": {"ANTHROPIC_BASE_URL": "{url}"}}',
    "effort-unknown": '{"effortLevel": "x", "env": {"ANTHROPIC_BASE_URL": "{url}"}}',
    "permission-mode-unknown": '{"permissions": {"defaultMode": "x"}, "env": {"ANTHROPIC_BASE_URL": "{url}"}}',
    "allow-number": '{"permissions": {"allow": [5]}, "env": {"ANTHROPIC_BASE_URL": "{url}"}}',
    "plugins-list": '{"enabledPlugins": [], "env": {"ANTHROPIC_BASE_URL": "{url}"}}',
    "no-hooks-string": '{"disableAllHooks": "yes", "env": {"ANTHROPIC_BASE_URL": "{url}"}}',
}
#: Flaws that are asked about in every kind of file even in the ordinary set.
OFTEN = ("comment", "trailing-comma", "empty", "env-list", "model-number")


def systematic(*, thorough: bool = False) -> dict[str, Scenario]:
    """Name -> scenario: each source alone, each pair of sources per key, and each special case on its own.

    The ordinary set asks each question once; the thorough one (three times as many) also where the answer is most
    likely the same: every spelling of every switch, every flaw in every file, every credential in every place.
    """
    cases: dict[str, Scenario] = {}
    asked: set[str] = set()
    for family in (
        _nothing,
        _pairs,
        _cancelled,
        _credentials,
        _alone,
        _providers,
        _values,
        _models,
        _windows,
        _layouts,
        _malformed,
        _setting_sources,
        _flags,
        _refused_variables,
        _policies,
        _managed_fragments,
        _headers_and_proxies,
        _config_folder,
    ):
        for name, scenario in family(thorough):
            if name in cases:
                raise ValueError(f"two cases are called {name}")
            if scenario.key() not in asked:  # what two families come to is asked under its first name
                cases[name] = scenario
            asked.add(scenario.key())
    return cases


def _make(
    settings: dict[str, dict[str, Any]] | None = None, shell: dict[str, str] | None = None, **rest: Any
) -> Scenario:
    return Scenario(settings={**(settings or {})}, shell=shell or {}, **rest)


def _put(variables: dict[str, dict[str, Any]], **rest: Any) -> Scenario:
    """A scenario from source -> environment variables."""
    return _make(
        {place: {"env": block} for place, block in variables.items() if place != "shell"},
        variables.get("shell"),
        **rest,
    )


def _merge(*parts: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    merged: dict[str, dict[str, Any]] = {}
    for part in parts:
        for place, block in part.items():
            merged[place] = merged.get(place, {}) | block
    return merged


#: A backend and a placeholder, so that whatever else is asked about is asked of a session that works.
BACKEND = {
    "user": {"ANTHROPIC_BASE_URL": url("user"), "ANTHROPIC_AUTH_TOKEN": "token-user", "ANTHROPIC_MODEL": "model-user"}
}

WEAKEST = {"ANTHROPIC_BASE_URL": url("shell"), "ANTHROPIC_AUTH_TOKEN": "token-shell", "ANTHROPIC_MODEL": "model-shell"}


def _nothing(ask: _Ask, _: bool) -> None:
    ask("nothing", Scenario())
    ask("login-only", Scenario(credentials=LOGIN))
    ask("console-only", Scenario(home_json=CONSOLE))


def _value(key: str, place: str) -> str:
    """A value that says where it was set."""
    if key == "ANTHROPIC_BASE_URL":
        return url(place)
    if key == "CLAUDE_CODE_MAX_CONTEXT_TOKENS":
        return str(40_000 + 1000 * (*PLACES, "shell").index(place))
    return f"{key.rpartition('_')[2].lower()}-{place.replace('/', '-')}"


KEYS = (
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_MODEL",
    "CLAUDE_CODE_MAX_CONTEXT_TOKENS",
)


def _alone(ask: _Ask, thorough: bool) -> None:
    for place in SOURCES:
        for key in KEYS if thorough else ():
            # The backend is in the weakest source there is, so that it disturbs as little as possible.
            rest = {"shell": WEAKEST}
            ask.env(f"alone/{key}/{place}", rest, {place: {key: _value(key, place)}})
        ask.env(f"alone/block/{place}", {place: {key: _value(key, place) for key in KEYS}})
        ask.env(f"alone/url-only/{place}", {place: {"ANTHROPIC_BASE_URL": url(place)}})
        ask.env(f"alone/url-only-with-login/{place}", {place: {"ANTHROPIC_BASE_URL": url(place)}}, credentials=LOGIN)
    for place in SCOPES if thorough else ():
        for key in ("model", "apiKeyHelper"):
            value = f"echo helper-{place}" if key == "apiKeyHelper" else f"model-{place}"
            ask.given(f"alone/{key}/{place}", {place: {key: value}}, {"ANTHROPIC_BASE_URL": url("shell"), "ANTHROPIC_AUTH_TOKEN": "token-shell"})


def _pairs(ask: _Ask, thorough: bool) -> None:
    for first, second in itertools.combinations(SOURCES, 2):
        for key in KEYS:
            if not thorough and key != "ANTHROPIC_BASE_URL" and (first, second) not in ADJACENT:
                continue
            variables = _merge(BACKEND, {first: {key: _value(key, first)}, second: {key: _value(key, second)}})
            ask.env(f"pair/{key}/{first}+{second}", variables)
    for first, second in itertools.combinations(SCOPES, 2):
        shell = {"ANTHROPIC_BASE_URL": url("shell"), "ANTHROPIC_AUTH_TOKEN": "token-shell"}
        for key in ("model", "apiKeyHelper"):
            word = "echo helper-" if key == "apiKeyHelper" else "model-"
            ask.given(f"pair/{key}/{first}+{second}", {p: {key: f"{word}{p}"} for p in (first, second)}, shell)
    everywhere = {place: {key: _value(key, place) for key in KEYS} for place in SOURCES}
    ask.env("pair/everything-everywhere", everywhere)


def _cancelled(ask: _Ask, _: bool) -> None:
    for key in KEYS:
        for strong, weak in itertools.combinations(SOURCES, 2):
            if (strong, weak) not in ADJACENT:
                continue
            rest = {"shell": WEAKEST}
            ask.env(f"cancel/{key}/{strong}>{weak}", rest, {weak: {key: _value(key, weak)}, strong: {key: ""}})
    for key in ("model", "apiKeyHelper"):
        for strong, weak in itertools.pairwise(SCOPES):
            value = f"echo helper-{weak}" if key == "apiKeyHelper" else f"model-{weak}"
            shell = {"ANTHROPIC_BASE_URL": url("shell"), "ANTHROPIC_AUTH_TOKEN": "token-shell"}
            ask.given(f"cancel/{key}/{strong}>{weak}", {weak: {key: value}, strong: {key: ""}}, shell)
    ask.env("cancel/oauth-by-user", {"shell": {"CLAUDE_CODE_OAUTH_TOKEN": "oauth-shell"}, "user": {"CLAUDE_CODE_OAUTH_TOKEN": ""}} | {})
    ask.env("cancel/oauth-by-local", {
                "shell": {"CLAUDE_CODE_OAUTH_TOKEN": "oauth-shell"},
                "local": {"CLAUDE_CODE_OAUTH_TOKEN": "", "ANTHROPIC_BASE_URL": url("local")},
            })
    for key in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"):
        ask.env(f"cancel/empty-in-shell/{key}", {"shell": {key: "", "ANTHROPIC_BASE_URL": url("shell")}}, credentials=LOGIN)
    ask.env("cancel/all-with-login", {
                "local": {
                    "ANTHROPIC_BASE_URL": url("local"),
                    "ANTHROPIC_AUTH_TOKEN": "token-local",
                    "ANTHROPIC_API_KEY": "",
                }
            }, credentials=LOGIN, home_json=CONSOLE)


ADJACENT = {
    ("managed", "shell"),
    ("flag", "local"),
    ("local", "project"),
    ("local", "user"),
    ("local", "shell"),
    ("project", "user"),
    ("user", "shell"),
    ("flag", "shell"),
}


def _credentials(ask: _Ask, thorough: bool) -> None:
    """Every set of credential sources, with and without an endpoint of one's own."""
    sources = ("key", "token", "helper", "oauth", "login", "console")
    for size in range(len(sources) + 1):
        for chosen in itertools.combinations(sources, size):
            shell = {
                name: value
                for source, name, value in (
                    ("key", "ANTHROPIC_API_KEY", "key-shell"),
                    ("token", "ANTHROPIC_AUTH_TOKEN", "token-shell"),
                    ("oauth", "CLAUDE_CODE_OAUTH_TOKEN", "oauth-shell"),
                )
                if source in chosen
            }
            settings = {"user": {"apiKeyHelper": "echo helper-user"}} if "helper" in chosen else {}
            rest: dict[str, Any] = {
                "credentials": LOGIN if "login" in chosen else None,
                "home_json": CONSOLE if "console" in chosen else None,
            }
            name = "+".join(chosen) or "none"
            ask.given(f"credentials/custom/{name}", settings, shell | {"ANTHROPIC_BASE_URL": url("shell")}, **rest)
            if thorough or size == 1:
                ask.given(f"credentials/cloud/{name}", settings, shell, **rest)
            if "helper" in chosen or not chosen or (not thorough and size > 1):
                continue
            local = {"local": {"env": {"ANTHROPIC_BASE_URL": url("local")}}}
            ask.given(f"credentials/local/{name}", settings | local, shell, **rest)
    expired = {"claudeAiOauth": LOGIN["claudeAiOauth"] | {"expiresAt": 1_000}}
    profile_only = {"claudeAiOauth": LOGIN["claudeAiOauth"] | {"scopes": ["user:profile"]}}
    for name, login in {
        "expired": expired,
        "without-inference": profile_only,
        "empty": {},
        "malformed": "{",
        "token-empty": {"claudeAiOauth": {"accessToken": ""}},
        "token-only": {"claudeAiOauth": {"accessToken": "oauth-from-login"}},
    }.items():
        ask.env(f"credentials/login-{name}", {"user": {"ANTHROPIC_BASE_URL": url("user")}}, credentials=login)
    for name, console in {"empty-key": {"primaryApiKey": ""}, "malformed": "{", "number": {"primaryApiKey": 5}}.items():
        ask.env(f"credentials/console-{name}", {"user": {"ANTHROPIC_BASE_URL": url("user")}}, home_json=console)
    for scope in SCOPES if thorough else ("local",):
        ask.given(f"credentials/helper-empty-output/{scope}", {scope: {"apiKeyHelper": "true", "env": {"ANTHROPIC_BASE_URL": url(scope)}}})
    ask.given("credentials/helper-fails", {"user": {"apiKeyHelper": "false", "env": {"ANTHROPIC_BASE_URL": url("user")}}})
    ask.given("credentials/helper-fails-with-key", {
                "user": {
                    "apiKeyHelper": "false",
                    "env": {"ANTHROPIC_BASE_URL": url("user"), "ANTHROPIC_API_KEY": "key-user"},
                }
            })
    for blank in (" ", "\t", " padded "):
        ask.env(f"credentials/token-{blank!r}", {"user": {"ANTHROPIC_BASE_URL": url("user"), "ANTHROPIC_AUTH_TOKEN": blank}})
        ask.env(f"credentials/key-{blank!r}", {"user": {"ANTHROPIC_BASE_URL": url("user"), "ANTHROPIC_API_KEY": blank}})


def _providers(ask: _Ask, thorough: bool) -> None:
    shell = {"ANTHROPIC_BASE_URL": url("shell"), "ANTHROPIC_AUTH_TOKEN": "token-shell"}
    for switch in PROVIDER_SWITCHES:
        for value in SPELLINGS if thorough or switch == PROVIDER_SWITCHES[0] else ("1", "0"):
            ask.env(f"provider/{switch}={value!r}", {"shell": shell | {switch: value}})
        for place in SCOPES if thorough else ("local",):
            ask.env(f"provider/{switch}/{place}", {"shell": shell, place: {switch: "1"}})
        for place in ("local", "user") if thorough else ("local",):
            ask.env(f"provider/{switch}/cancelled-by-{place}", {"shell": shell | {switch: "1"}, place: {switch: ""}})
            ask.env(f"provider/{switch}/zeroed-by-{place}", {"shell": shell | {switch: "1"}, place: {switch: "0"}})
    for first, second in itertools.combinations(PROVIDER_SWITCHES, 2):
        ask.env(f"provider/{first}+{second}", {"shell": shell | {first: "1", second: "1"}})
    ask.env("provider/all", {"shell": shell | dict.fromkeys(PROVIDER_SWITCHES, "1")})
    ask.env("provider/without-credentials", {"shell": {"CLAUDE_CODE_USE_BEDROCK": "1"}})
    ask.env("provider/bedrock-url", {"shell": shell | {"CLAUDE_CODE_USE_BEDROCK": "1", "ANTHROPIC_BEDROCK_BASE_URL": url("shell")}})
    for name in ("BEDROCK", "VERTEX", "FOUNDRY", "AWS", "GOOGLE_CLOUD"):
        ask.env(f"provider/{name}-url-without-switch", {"shell": shell | {f"ANTHROPIC_{name}_BASE_URL": url("user")}})


def _values(ask: _Ask, thorough: bool) -> None:
    odd: tuple[tuple[str, Any], ...] = (
        ("null", None),
        ("number", 5),
        ("fraction", 1.5),
        ("large", 12345678901234567890),
        ("exponent", 1e21),
        ("true", True),
        ("false", False),
        ("list", ["x"]),
        ("object", {"x": 1}),
        ("spaces", "  padded  "),
        ("dollar", "${HOME}/$USER"),
        ("tilde", "~/x"),
        ("unicode", "modèle-é"),
    )
    for key in ("ANTHROPIC_MODEL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"):
        for name, value in odd:
            if key != "ANTHROPIC_MODEL" and (name == "unicode" or not thorough):
                continue  # a header takes no such text, and the rest is as with the model
            ask.env(f"value/{key}/{name}", BACKEND, {"local": {key: value}})
    for name, value in (("null", None), ("false", False), ("zero", 0), ("true", True), ("one", 1)):
        ask.env(f"value/switch/{name}", BACKEND, {"local": {"CLAUDE_CODE_USE_BEDROCK": value}})
    for name, value in {
        "slash": url("local") + "/",
        "two-slashes": url("local") + "//",
        "v1": url("local") + "/v1",
        "path": url("local") + "/gateway/anthropic/",
        "spaces": f" {url('local')} ",
        "cloud": "https://api.anthropic.com",
        "cloud-slash": "https://api.anthropic.com/",
        "cloud-upper": "https://API.anthropic.com",
        "localhost": url("local").replace("127.0.0.1", "localhost"),
        "user-info": url("local").replace("//", "//me:secret@"),
        "upper-scheme": url("local").replace("http", "HTTP"),
        "no-scheme": url("local").removeprefix("http://"),
        "not-a-url": "nonsense",
        "null": None,
        "number": 5,
    }.items():
        ask.env(f"value/ANTHROPIC_BASE_URL/{name}", BACKEND, {"local": {"ANTHROPIC_BASE_URL": value}})


def _models(ask: _Ask, thorough: bool) -> None:
    shell = {"ANTHROPIC_BASE_URL": url("shell"), "ANTHROPIC_AUTH_TOKEN": "token-shell"}
    targets = {name: f"target-{name.split('_')[2].lower()}" for name in ALIAS_VARIABLES}
    for alias in (
        *ALIASES,
        "unknown",
        "unknown[1m]",
        "claude-sonnet-4-5",
        "claude-opus-4-1",
        "claude-local",
        "",
        " ",
        "inherit",
    ):
        if not thorough and alias in {"fable", "sonnet[1m]", "claude-opus-4-1", "inherit"}:
            continue
        ask.env(f"model/env/{alias}", {"shell": shell | {"ANTHROPIC_MODEL": alias}})
        ask.env(f"model/env-targets/{alias}", {"shell": shell | targets | {"ANTHROPIC_MODEL": alias}})
        if thorough:
            ask.given(f"model/setting/{alias}", {"user": {"model": alias}}, shell)
        ask.given(f"model/setting-targets/{alias}", {"user": {"model": alias}}, shell | targets)
        if thorough and alias.strip():
            ask.given(f"model/cli/{alias}", {}, shell, model=alias)
        if alias.strip():
            ask.given(f"model/cli-targets/{alias}", {}, shell | targets, model=alias)
    for variable in ALIAS_VARIABLES:
        ask.env(f"model/only/{variable}", {"shell": shell | {variable: "target"}})
        ask.env(f"model/only-oauth/{variable}", {
                    "shell": {
                        "ANTHROPIC_BASE_URL": url("shell"),
                        "CLAUDE_CODE_OAUTH_TOKEN": "oauth-shell",
                        variable: "target",
                    }
                })
    for subscription in ("max", "pro", "team", "enterprise", "free", None):
        login = {"claudeAiOauth": LOGIN["claudeAiOauth"] | {"subscriptionType": subscription}}
        ask.env(f"model/subscription/{subscription}", {"shell": {"ANTHROPIC_BASE_URL": url("shell")}}, credentials=login)
    ask.env("model/default-model", {"shell": shell | {"ANTHROPIC_DEFAULT_MODEL": "first-choice"}})
    ask.env("model/default-model-alias", {"shell": shell | targets | {"ANTHROPIC_DEFAULT_MODEL": "sonnet"}})
    ask.given("model/default-model-and-setting", {"user": {"model": "chosen"}}, shell | {"ANTHROPIC_DEFAULT_MODEL": "first-choice"})
    ask.env("model/default-model-and-opus", {"shell": shell | targets | {"ANTHROPIC_DEFAULT_MODEL": "first-choice"}})
    ask.env("model/small-fast", {"shell": shell | {"ANTHROPIC_SMALL_FAST_MODEL": "small"}})
    ask.env("model/subagent", {"shell": shell | {"CLAUDE_CODE_SUBAGENT_MODEL": "sub"}})
    ask.given("model/cli-over-all", {"managed": {"model": "m", "env": {"ANTHROPIC_MODEL": "e"}}}, shell, model="c")
    ask.given("model/env-over-setting", {"managed": {"model": "model-managed"}}, shell | {"ANTHROPIC_MODEL": "model-shell"})
    ask.given("model/env-empty-then-setting", {"user": {"model": "chosen"}, "local": {"env": {"ANTHROPIC_MODEL": ""}}}, shell | {"ANTHROPIC_MODEL": "x"})
    for variable in ALIAS_VARIABLES:
        for value in ("", "sonnet", "opus", "target[1m]"):
            ask.env(f"model/target/{variable}={value}", {"shell": shell | {variable: value, "ANTHROPIC_MODEL": variable.split("_")[2].lower()}})
    ask.env("model/target-scopes", {
                "shell": shell | {"ANTHROPIC_DEFAULT_OPUS_MODEL": "a", "ANTHROPIC_MODEL": "opus"},
                "local": {"ANTHROPIC_DEFAULT_OPUS_MODEL": "b"},
            })
    ask.given("model/override", {"user": {"modelOverrides": {"claude-opus-5-5": "mine"}}}, shell)
    ask.given("model/override-named", {"user": {"modelOverrides": {"mine": "yours"}, "model": "mine"}}, shell)
    ask.given("model/picker", {
                "user": {
                    "modelPicker": {"options": [{"model": "mine", "label": "Mine", "behavesAs": "claude-sonnet-4-5"}]},
                    "model": "mine",
                }
            }, shell)


def _windows(ask: _Ask, thorough: bool) -> None:
    shell = {"ANTHROPIC_BASE_URL": url("shell"), "ANTHROPIC_AUTH_TOKEN": "token-shell"}
    window = "CLAUDE_CODE_MAX_CONTEXT_TOKENS"
    for value in (
        "32768",
        "65536",
        "65_536",
        "65,536",
        "200000",
        "1000000",
        "2000000",
        "65536.7",
        " 65536 ",
        "6.5e4",
        "0x10000",
        "0",
        "-1",
        "",
        "abc",
        "1e5",
    ):
        ask.env(f"window/unknown/{value}", {"shell": shell | {"ANTHROPIC_MODEL": "mine", window: value}})
    for model in (
        "mine[1m]",
        "claude-sonnet-4-5",
        "claude-opus-4-1",
        "opus",
        "sonnet",
        "haiku",
        "claude-local",
        "claude-sonnet-4-5[1m]",
        "my-claude-sonnet-4-5",
        "anthropic/claude-sonnet-4.5",
        "claude-3-5-haiku-20241022",
    ):
        if not thorough and model in {
            "claude-opus-4-1",
            "sonnet",
            "haiku",
            "anthropic/claude-sonnet-4.5",
            "my-claude-sonnet-4-5",
        }:
            continue
        ask.env(f"window/model/{model}", {"shell": shell | {"ANTHROPIC_MODEL": model}})
        ask.env(f"window/model-limited/{model}", {"shell": shell | {"ANTHROPIC_MODEL": model, window: "65536"}})
        ask.env(f"window/model-no-compact/{model}", {"shell": shell | {"ANTHROPIC_MODEL": model, window: "65536", "DISABLE_COMPACT": "1"}})
        ask.env(f"window/model-no-1m/{model}", {"shell": shell | {"ANTHROPIC_MODEL": model, "CLAUDE_CODE_DISABLE_1M_CONTEXT": "1"}})
    ask.env("window/number-in-file", BACKEND, {"local": {window: 65536}})
    ask.env("window/auto-compact-window", {"shell": shell | {"ANTHROPIC_MODEL": "mine", "CLAUDE_CODE_AUTO_COMPACT_WINDOW": "120000"}})
    ask.given("window/picker", {
                "user": {
                    "modelPicker": {"options": [{"model": "mine", "label": "Mine", "behavesAs": "claude-sonnet-4-5"}]}
                }
            }, shell | {"ANTHROPIC_MODEL": "mine", window: "65536"})
    ask.given("window/picker-in-local", {
                "local": {
                    "modelPicker": {"options": [{"model": "mine", "label": "Mine", "behavesAs": "claude-sonnet-4-5"}]}
                }
            }, shell | {"ANTHROPIC_MODEL": "mine"})


def _layouts(ask: _Ask, thorough: bool) -> None:
    places = ("main.local", "local", "main.project", "project", "user")
    for layout in LAYOUTS:
        own = [p for p in places if layout in {"git-subfolder", "worktree"} or not p.startswith("main.")]
        if layout == "home":
            own = ["local", "user"]
        for place in own:
            ask.env(f"layout/{layout}/{place}", {place: {key: _value(key, place) for key in KEYS}}, layout=layout)
        for first, second in itertools.combinations(own, 2):
            if thorough:
                ask.env(f"layout/{layout}/{first}+{second}", {p: {key: _value(key, p) for key in KEYS} for p in (first, second)}, layout=layout)
            both = {
                first: {"ANTHROPIC_BASE_URL": url(first)},
                second: {"ANTHROPIC_AUTH_TOKEN": f"token-{second}", "ANTHROPIC_MODEL": f"model-{second}"},
            }
            ask.env(f"layout/{layout}/{first}+{second}/merged", both, layout=layout)
        settings = {p: {"model": f"model-{p}", "apiKeyHelper": f"echo helper-{p}"} for p in own}
        ask.given(f"layout/{layout}/settings", settings, {"ANTHROPIC_BASE_URL": url("shell")}, layout=layout)
        ask.env(f"layout/{layout}/all", {p: {key: _value(key, p) for key in KEYS} for p in own}, layout=layout)
    for layout in ("git-subfolder", "worktree"):
        for name in ("trailing-comma", "empty", "env-list"):
            broken: dict[str, Settings] = {"main.local": ODD_FILES[name].replace("{url}", url("main.local"))}
            fine: dict[str, Settings] = {p: {"env": {"ANTHROPIC_BASE_URL": url(p)}} for p in ("local", "user")}
            ask(f"layout/{layout}/main-{name}", Scenario(settings=broken | fine, shell={"ANTHROPIC_AUTH_TOKEN": "token-shell"}, layout=layout))


def _malformed(ask: _Ask, thorough: bool) -> None:
    for name, text in ODD_FILES.items():
        for place in ("local", "user", "flag", "managed", "project"):
            if place != "local" and not thorough and name not in OFTEN:
                continue
            ask(f"malformed/{name}/{place}", Scenario(
                    settings={place: text.replace("{url}", url(place))},
                    shell={
                        "ANTHROPIC_BASE_URL": url("shell"),
                        "ANTHROPIC_AUTH_TOKEN": "token-shell",
                        "ANTHROPIC_MODEL": "model-shell",
                    },
                ))


def _setting_sources(ask: _Ask, _: bool) -> None:
    block = {
        place: {"ANTHROPIC_BASE_URL": url(place), "ANTHROPIC_AUTH_TOKEN": f"token-{place}"}
        for place in ("local", "project", "user", "shell")
    }
    for listed in (
        "user",
        "project",
        "local",
        "user,project",
        "user,local",
        "project,local",
        "user,project,local",
        "",
        "user, local",
        "local,user",
        "flag",
        "managed",
        "nonsense",
        "USER",
    ):
        ask.env(f"sources/{listed}", block, setting_sources=listed)
    stronger = {"managed": {"ANTHROPIC_MODEL": "model-managed"}, "flag": {"ANTHROPIC_AUTH_TOKEN": "token-flag"}}
    ask.env("sources/user-under-managed-and-flag", block | stronger, setting_sources="user")
    ask.env("sources/local-in-worktree", {
                p: {"ANTHROPIC_BASE_URL": url(p), "ANTHROPIC_AUTH_TOKEN": f"token-{p}"}
                for p in ("main.local", "local", "user")
            }, setting_sources="user", layout="worktree")


def _flags(ask: _Ask, _: bool) -> None:
    block = {"env": {key: _value(key, "flag") for key in KEYS}}
    rest = {"local": {"env": {key: _value(key, "local") for key in KEYS}}}
    ask.given("flag/file", {"flag": block} | rest)
    ask.given("flag/inline", {"flag": block} | rest, flag_inline=True)
    for name, text in {
        "empty-object": "{}",
        "malformed": '{"env": ',
        "list": "[]",
        "wrong-type": '{"model": 5}',
    }.items():
        ask(f"flag/inline-{name}", Scenario(settings={"flag": text, **rest}, flag_inline=True))
    ask("flag/no-such-file", Scenario(settings={"flag": "/no/such/file.json", **rest}, flag_inline=True))


def _refused_variables(ask: _Ask, thorough: bool) -> None:
    shell = {"ANTHROPIC_BASE_URL": url("shell")}
    for place in SCOPES if thorough else ("local", "user"):
        ask.env(f"refused/oauth/{place}", {"shell": shell, place: {"CLAUDE_CODE_OAUTH_TOKEN": f"oauth-{place}"}})
        ask.env(f"refused/capabilities/{place}", {"shell": shell | {"ANTHROPIC_AUTH_TOKEN": "t"}}, {place: {"CLAUDE_CODE_MODEL_CAPABILITIES": "-effort"}})
        ask.env(f"refused/home/{place}", {"shell": shell | {"ANTHROPIC_AUTH_TOKEN": "t"}, place: {"HOME": "/nowhere", "ANTHROPIC_MODEL": "m"}})
        ask.env(f"refused/config-dir/{place}", {
                    "shell": shell | {"ANTHROPIC_AUTH_TOKEN": "t"},
                    place: {"CLAUDE_CONFIG_DIR": "/nowhere", "ANTHROPIC_MODEL": "m"},
                })
    ask.env("refused/oauth-in-local-over-shell", {
                "shell": shell | {"CLAUDE_CODE_OAUTH_TOKEN": "oauth-shell"},
                "local": {"CLAUDE_CODE_OAUTH_TOKEN": "oauth-local"},
            })
    for switch in (
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST",
        "CLAUDE_CODE_REMOTE",
        "CLAUDE_CODE_SIMPLE",
        "CLAUDE_CODE_SAFE_MODE",
    ):
        ask.env(f"refused/shell-{switch}", {
                    "shell": {switch: "1", "ANTHROPIC_BASE_URL": url("shell"), "ANTHROPIC_AUTH_TOKEN": "token-shell"},
                    "user": {key: _value(key, "user") for key in KEYS},
                })
        ask.env(f"refused/user-{switch}", {
                    "shell": {"ANTHROPIC_BASE_URL": url("shell"), "ANTHROPIC_AUTH_TOKEN": "token-shell"},
                    "user": {key: _value(key, "user") for key in KEYS} | {switch: "1"},
                })


def _policies(ask: _Ask, thorough: bool) -> None:
    policies: dict[str, dict[str, Any]] = {
        "providers-anthropic": {"allowedProviders": ["anthropic"]},
        "providers-custom": {"allowedProviders": ["customEndpoint"]},
        "providers-bedrock": {"allowedProviders": ["bedrock"]},
        "providers-none": {"allowedProviders": []},
        "login-claudeai": {"forceLoginMethod": "claudeai"},
        "login-console": {"forceLoginMethod": "console"},
        "login-organisation": {"forceLoginOrgUUID": "11111111-2222-3333-4444-555555555555"},
        "models-sonnet": {"availableModels": ["sonnet"]},
        "models-ours": {"availableModels": ["model-user"]},
        "models-none": {"availableModels": []},
        "models-enforced": {"availableModels": ["sonnet"], "enforceAvailableModels": True},
        "models-denied": {"deniedModels": ["model-user"]},
        "hooks-managed-only": {"allowManagedHooksOnly": True},
        "no-hooks": {"disableAllHooks": True},
    }
    for name, policy in policies.items():
        ask.given(f"policy/{name}/custom", {"managed": policy, "user": {"env": BACKEND["user"]}})
        ask.given(f"policy/{name}/pinned", {"managed": policy | {"env": BACKEND["user"] | {"ANTHROPIC_BASE_URL": url("managed")}}})
        if not thorough and name.startswith(("hooks", "no-hooks", "providers-none")):
            continue
        ask.given(f"policy/{name}/cloud-key", {"managed": policy}, {"ANTHROPIC_API_KEY": "key-shell"})
        ask.given(f"policy/{name}/cloud-login", {"managed": policy}, credentials=LOGIN)
        if not thorough and not name.startswith(("models", "providers-anthropic", "login-claudeai")):
            continue
        ask.given(f"policy/{name}/from-user", {"user": policy | {"env": BACKEND["user"]}})
    ask.given("policy/models-local", {"local": {"availableModels": ["sonnet"]}, "user": {"env": BACKEND["user"]}})
    ask.given("policy/providers-bedrock/bedrock", {"managed": policies["providers-bedrock"]}, {"CLAUDE_CODE_USE_BEDROCK": "1"})


def _managed_fragments(ask: _Ask, _: bool) -> None:
    parts = ("managed.d/20", "managed.d/10", "managed")
    token = {"shell": {"ANTHROPIC_AUTH_TOKEN": "token-shell"}}
    for size in (1, 2, 3):
        for chosen in itertools.combinations(parts, size):
            ask.env(f"managed/{'+'.join(chosen)}", token | {p: {"ANTHROPIC_BASE_URL": url(p)} for p in chosen})
    for place in parts:
        rest = {p: {"env": {"ANTHROPIC_BASE_URL": url(p)}} for p in (*parts, "user") if p != place}
        for name in ("trailing-comma", "model-number", "empty"):
            ask(f"managed/{name}/{place}", Scenario(settings={**rest, place: ODD_FILES[name].replace("{url}", url(place))}, shell=token["shell"]))
    ask.given("managed/keys-apart", {
                "managed": {"model": "base"},
                "managed.d/10": {"model": "ten", "apiKeyHelper": "echo helper-ten"},
                "managed.d/20": {"env": {"ANTHROPIC_BASE_URL": url("managed.d/20")}},
            })


def _headers_and_proxies(ask: _Ask, _: bool) -> None:
    for place in SOURCES:
        ask.env(f"headers/{place}", BACKEND, {place: {"ANTHROPIC_CUSTOM_HEADERS": f"X-From: {place}"}})
    custom = "ANTHROPIC_CUSTOM_HEADERS"
    for name, value in {
        "authorization": "Authorization: Bearer custom",
        "x-api-key": "x-api-key: custom",
        "lower-authorization": "authorization: Bearer custom",
        "two-lines": "X-One: 1\nX-Two: 2",
        "empty-value": "X-One:",
        "no-colon": "nonsense",
    }.items():
        ask.env(f"headers/{name}", BACKEND, {"user": {custom: value}})
        ask.env(f"headers/{name}-without-credential", {"user": {"ANTHROPIC_BASE_URL": url("user"), custom: value}})
    ask.env("headers/cancelled", BACKEND, {"shell": {custom: "X-From: shell"}, "local": {custom: ""}})
    proxy = url("proxy")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        ask.env(f"proxy/{name}", BACKEND, {"shell": {name: proxy}})
    for exempt in (
        "127.0.0.1",
        "localhost",
        "*",
        "127.0.0.1:8009",
        "127.0.0.0/8",
        ".0.0.1",
        "example.com,127.0.0.1",
        "example.com 127.0.0.1",
    ):
        ask.env(f"proxy/exempt/{exempt}", BACKEND, {"shell": {"HTTP_PROXY": proxy, "NO_PROXY": exempt}})
    ask.env("proxy/exempt-in-local", BACKEND, {"shell": {"HTTP_PROXY": proxy}, "local": {"NO_PROXY": "127.0.0.1"}})
    ask.env("proxy/exempt-lower", BACKEND, {"shell": {"HTTP_PROXY": proxy, "no_proxy": "127.0.0.1"}})
    ask.env("proxy/exempt-lower-against-upper", BACKEND, {"shell": {"HTTP_PROXY": proxy, "no_proxy": "example.com", "NO_PROXY": "127.0.0.1"}})
    ask.env("proxy/in-local", BACKEND, {"local": {"HTTP_PROXY": proxy}})
    ask.env("proxy/cancelled-in-local", BACKEND, {"shell": {"HTTP_PROXY": proxy}, "local": {"HTTP_PROXY": ""}})


def _config_folder(ask: _Ask, _: bool) -> None:
    block = {p: {key: _value(key, p) for key in KEYS} for p in ("user", "home")}
    ask.env("config-dir/moved", block, config_dir=True)
    ask.env("config-dir/only-old", {"home": block["home"]}, config_dir=True)
    ask.env("config-dir/login", {"shell": {"ANTHROPIC_BASE_URL": url("shell")}}, config_dir=True, credentials=LOGIN)
    ask.env("config-dir/console", {"shell": {"ANTHROPIC_BASE_URL": url("shell")}}, config_dir=True, home_json=CONSOLE)
