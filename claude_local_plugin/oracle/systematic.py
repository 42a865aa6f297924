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


def _nothing(_: bool) -> Iterator[tuple[str, Scenario]]:
    yield "nothing", Scenario()
    yield "login-only", Scenario(credentials=LOGIN)
    yield "console-only", Scenario(home_json=CONSOLE)


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


def _alone(thorough: bool) -> Iterator[tuple[str, Scenario]]:
    for place in SOURCES:
        for key in KEYS if thorough else ():
            # The backend is in the weakest source there is, so that it disturbs as little as possible.
            rest = {"shell": WEAKEST}
            yield f"alone/{key}/{place}", _put(_merge(rest, {place: {key: _value(key, place)}}))
        yield f"alone/block/{place}", _put({place: {key: _value(key, place) for key in KEYS}})
        yield f"alone/url-only/{place}", _put({place: {"ANTHROPIC_BASE_URL": url(place)}})
        yield (
            f"alone/url-only-with-login/{place}",
            _put({place: {"ANTHROPIC_BASE_URL": url(place)}}, credentials=LOGIN),
        )
    for place in SCOPES if thorough else ():
        for key in ("model", "apiKeyHelper"):
            value = f"echo helper-{place}" if key == "apiKeyHelper" else f"model-{place}"
            yield (
                f"alone/{key}/{place}",
                _make(
                    {place: {key: value}},
                    {"ANTHROPIC_BASE_URL": url("shell"), "ANTHROPIC_AUTH_TOKEN": "token-shell"},
                ),
            )


def _pairs(thorough: bool) -> Iterator[tuple[str, Scenario]]:
    for first, second in itertools.combinations(SOURCES, 2):
        for key in KEYS:
            if not thorough and key != "ANTHROPIC_BASE_URL" and (first, second) not in ADJACENT:
                continue
            variables = _merge(BACKEND, {first: {key: _value(key, first)}, second: {key: _value(key, second)}})
            yield f"pair/{key}/{first}+{second}", _put(variables)
    for first, second in itertools.combinations(SCOPES, 2):
        shell = {"ANTHROPIC_BASE_URL": url("shell"), "ANTHROPIC_AUTH_TOKEN": "token-shell"}
        for key in ("model", "apiKeyHelper"):
            word = "echo helper-" if key == "apiKeyHelper" else "model-"
            yield f"pair/{key}/{first}+{second}", _make({p: {key: f"{word}{p}"} for p in (first, second)}, shell)
    everywhere = {place: {key: _value(key, place) for key in KEYS} for place in SOURCES}
    yield "pair/everything-everywhere", _put(everywhere)


def _cancelled(_: bool) -> Iterator[tuple[str, Scenario]]:
    for key in KEYS:
        for strong, weak in itertools.combinations(SOURCES, 2):
            if (strong, weak) not in ADJACENT:
                continue
            rest = {"shell": WEAKEST}
            yield (
                f"cancel/{key}/{strong}>{weak}",
                _put(_merge(rest, {weak: {key: _value(key, weak)}, strong: {key: ""}})),
            )
    for key in ("model", "apiKeyHelper"):
        for strong, weak in itertools.pairwise(SCOPES):
            value = f"echo helper-{weak}" if key == "apiKeyHelper" else f"model-{weak}"
            shell = {"ANTHROPIC_BASE_URL": url("shell"), "ANTHROPIC_AUTH_TOKEN": "token-shell"}
            yield f"cancel/{key}/{strong}>{weak}", _make({weak: {key: value}, strong: {key: ""}}, shell)
    yield (
        "cancel/oauth-by-user",
        _put({"shell": {"CLAUDE_CODE_OAUTH_TOKEN": "oauth-shell"}, "user": {"CLAUDE_CODE_OAUTH_TOKEN": ""}} | {}),
    )
    yield (
        "cancel/oauth-by-local",
        _put(
            {
                "shell": {"CLAUDE_CODE_OAUTH_TOKEN": "oauth-shell"},
                "local": {"CLAUDE_CODE_OAUTH_TOKEN": "", "ANTHROPIC_BASE_URL": url("local")},
            }
        ),
    )
    for key in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"):
        yield (
            f"cancel/empty-in-shell/{key}",
            _put({"shell": {key: "", "ANTHROPIC_BASE_URL": url("shell")}}, credentials=LOGIN),
        )
    yield (
        "cancel/all-with-login",
        _put(
            {
                "local": {
                    "ANTHROPIC_BASE_URL": url("local"),
                    "ANTHROPIC_AUTH_TOKEN": "token-local",
                    "ANTHROPIC_API_KEY": "",
                }
            },
            credentials=LOGIN,
            home_json=CONSOLE,
        ),
    )


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


def _credentials(thorough: bool) -> Iterator[tuple[str, Scenario]]:
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
            yield f"credentials/custom/{name}", _make(settings, shell | {"ANTHROPIC_BASE_URL": url("shell")}, **rest)
            if thorough or size == 1:
                yield f"credentials/cloud/{name}", _make(settings, shell, **rest)
            if "helper" in chosen or not chosen or (not thorough and size > 1):
                continue
            local = {"local": {"env": {"ANTHROPIC_BASE_URL": url("local")}}}
            yield f"credentials/local/{name}", _make(settings | local, shell, **rest)
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
        yield f"credentials/login-{name}", _put({"user": {"ANTHROPIC_BASE_URL": url("user")}}, credentials=login)
    for name, console in {"empty-key": {"primaryApiKey": ""}, "malformed": "{", "number": {"primaryApiKey": 5}}.items():
        yield f"credentials/console-{name}", _put({"user": {"ANTHROPIC_BASE_URL": url("user")}}, home_json=console)
    for scope in SCOPES if thorough else ("local",):
        yield (
            f"credentials/helper-empty-output/{scope}",
            _make({scope: {"apiKeyHelper": "true", "env": {"ANTHROPIC_BASE_URL": url(scope)}}}),
        )
    yield (
        "credentials/helper-fails",
        _make({"user": {"apiKeyHelper": "false", "env": {"ANTHROPIC_BASE_URL": url("user")}}}),
    )
    yield (
        "credentials/helper-fails-with-key",
        _make(
            {
                "user": {
                    "apiKeyHelper": "false",
                    "env": {"ANTHROPIC_BASE_URL": url("user"), "ANTHROPIC_API_KEY": "key-user"},
                }
            }
        ),
    )
    for blank in (" ", "\t", " padded "):
        yield (
            f"credentials/token-{blank!r}",
            _put({"user": {"ANTHROPIC_BASE_URL": url("user"), "ANTHROPIC_AUTH_TOKEN": blank}}),
        )
        yield (
            f"credentials/key-{blank!r}",
            _put({"user": {"ANTHROPIC_BASE_URL": url("user"), "ANTHROPIC_API_KEY": blank}}),
        )


def _providers(thorough: bool) -> Iterator[tuple[str, Scenario]]:
    shell = {"ANTHROPIC_BASE_URL": url("shell"), "ANTHROPIC_AUTH_TOKEN": "token-shell"}
    for switch in PROVIDER_SWITCHES:
        for value in SPELLINGS if thorough or switch == PROVIDER_SWITCHES[0] else ("1", "0"):
            yield f"provider/{switch}={value!r}", _put({"shell": shell | {switch: value}})
        for place in SCOPES if thorough else ("local",):
            yield f"provider/{switch}/{place}", _put({"shell": shell, place: {switch: "1"}})
        for place in ("local", "user") if thorough else ("local",):
            yield f"provider/{switch}/cancelled-by-{place}", _put({"shell": shell | {switch: "1"}, place: {switch: ""}})
            yield f"provider/{switch}/zeroed-by-{place}", _put({"shell": shell | {switch: "1"}, place: {switch: "0"}})
    for first, second in itertools.combinations(PROVIDER_SWITCHES, 2):
        yield f"provider/{first}+{second}", _put({"shell": shell | {first: "1", second: "1"}})
    yield "provider/all", _put({"shell": shell | dict.fromkeys(PROVIDER_SWITCHES, "1")})
    yield "provider/without-credentials", _put({"shell": {"CLAUDE_CODE_USE_BEDROCK": "1"}})
    yield (
        "provider/bedrock-url",
        _put({"shell": shell | {"CLAUDE_CODE_USE_BEDROCK": "1", "ANTHROPIC_BEDROCK_BASE_URL": url("shell")}}),
    )
    for name in ("BEDROCK", "VERTEX", "FOUNDRY", "AWS", "GOOGLE_CLOUD"):
        yield (
            f"provider/{name}-url-without-switch",
            _put({"shell": shell | {f"ANTHROPIC_{name}_BASE_URL": url("user")}}),
        )


def _values(thorough: bool) -> Iterator[tuple[str, Scenario]]:
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
            yield f"value/{key}/{name}", _put(_merge(BACKEND, {"local": {key: value}}))
    for name, value in (("null", None), ("false", False), ("zero", 0), ("true", True), ("one", 1)):
        yield f"value/switch/{name}", _put(_merge(BACKEND, {"local": {"CLAUDE_CODE_USE_BEDROCK": value}}))
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
        yield f"value/ANTHROPIC_BASE_URL/{name}", _put(_merge(BACKEND, {"local": {"ANTHROPIC_BASE_URL": value}}))


def _models(thorough: bool) -> Iterator[tuple[str, Scenario]]:
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
        yield f"model/env/{alias}", _put({"shell": shell | {"ANTHROPIC_MODEL": alias}})
        yield f"model/env-targets/{alias}", _put({"shell": shell | targets | {"ANTHROPIC_MODEL": alias}})
        if thorough:
            yield f"model/setting/{alias}", _make({"user": {"model": alias}}, shell)
        yield f"model/setting-targets/{alias}", _make({"user": {"model": alias}}, shell | targets)
        if thorough and alias.strip():
            yield f"model/cli/{alias}", _make({}, shell, model=alias)
        if alias.strip():
            yield f"model/cli-targets/{alias}", _make({}, shell | targets, model=alias)
    for variable in ALIAS_VARIABLES:
        yield f"model/only/{variable}", _put({"shell": shell | {variable: "target"}})
        yield (
            f"model/only-oauth/{variable}",
            _put(
                {
                    "shell": {
                        "ANTHROPIC_BASE_URL": url("shell"),
                        "CLAUDE_CODE_OAUTH_TOKEN": "oauth-shell",
                        variable: "target",
                    }
                }
            ),
        )
    for subscription in ("max", "pro", "team", "enterprise", "free", None):
        login = {"claudeAiOauth": LOGIN["claudeAiOauth"] | {"subscriptionType": subscription}}
        yield (
            f"model/subscription/{subscription}",
            _put({"shell": {"ANTHROPIC_BASE_URL": url("shell")}}, credentials=login),
        )
    yield "model/default-model", _put({"shell": shell | {"ANTHROPIC_DEFAULT_MODEL": "first-choice"}})
    yield "model/default-model-alias", _put({"shell": shell | targets | {"ANTHROPIC_DEFAULT_MODEL": "sonnet"}})
    yield (
        "model/default-model-and-setting",
        _make({"user": {"model": "chosen"}}, shell | {"ANTHROPIC_DEFAULT_MODEL": "first-choice"}),
    )
    yield "model/default-model-and-opus", _put({"shell": shell | targets | {"ANTHROPIC_DEFAULT_MODEL": "first-choice"}})
    yield "model/small-fast", _put({"shell": shell | {"ANTHROPIC_SMALL_FAST_MODEL": "small"}})
    yield "model/subagent", _put({"shell": shell | {"CLAUDE_CODE_SUBAGENT_MODEL": "sub"}})
    yield "model/cli-over-all", _make({"managed": {"model": "m", "env": {"ANTHROPIC_MODEL": "e"}}}, shell, model="c")
    yield (
        "model/env-over-setting",
        _make({"managed": {"model": "model-managed"}}, shell | {"ANTHROPIC_MODEL": "model-shell"}),
    )
    yield (
        "model/env-empty-then-setting",
        _make(
            {"user": {"model": "chosen"}, "local": {"env": {"ANTHROPIC_MODEL": ""}}}, shell | {"ANTHROPIC_MODEL": "x"}
        ),
    )
    for variable in ALIAS_VARIABLES:
        for value in ("", "sonnet", "opus", "target[1m]"):
            yield (
                f"model/target/{variable}={value}",
                _put({"shell": shell | {variable: value, "ANTHROPIC_MODEL": variable.split("_")[2].lower()}}),
            )
    yield (
        "model/target-scopes",
        _put(
            {
                "shell": shell | {"ANTHROPIC_DEFAULT_OPUS_MODEL": "a", "ANTHROPIC_MODEL": "opus"},
                "local": {"ANTHROPIC_DEFAULT_OPUS_MODEL": "b"},
            }
        ),
    )
    yield "model/override", _make({"user": {"modelOverrides": {"claude-opus-5-5": "mine"}}}, shell)
    yield "model/override-named", _make({"user": {"modelOverrides": {"mine": "yours"}, "model": "mine"}}, shell)
    yield (
        "model/picker",
        _make(
            {
                "user": {
                    "modelPicker": {"options": [{"model": "mine", "label": "Mine", "behavesAs": "claude-sonnet-4-5"}]},
                    "model": "mine",
                }
            },
            shell,
        ),
    )


def _windows(thorough: bool) -> Iterator[tuple[str, Scenario]]:
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
        yield f"window/unknown/{value}", _put({"shell": shell | {"ANTHROPIC_MODEL": "mine", window: value}})
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
        yield f"window/model/{model}", _put({"shell": shell | {"ANTHROPIC_MODEL": model}})
        yield f"window/model-limited/{model}", _put({"shell": shell | {"ANTHROPIC_MODEL": model, window: "65536"}})
        yield (
            f"window/model-no-compact/{model}",
            _put({"shell": shell | {"ANTHROPIC_MODEL": model, window: "65536", "DISABLE_COMPACT": "1"}}),
        )
        yield (
            f"window/model-no-1m/{model}",
            _put({"shell": shell | {"ANTHROPIC_MODEL": model, "CLAUDE_CODE_DISABLE_1M_CONTEXT": "1"}}),
        )
    yield "window/number-in-file", _put(_merge(BACKEND, {"local": {window: 65536}}))
    yield (
        "window/auto-compact-window",
        _put({"shell": shell | {"ANTHROPIC_MODEL": "mine", "CLAUDE_CODE_AUTO_COMPACT_WINDOW": "120000"}}),
    )
    yield (
        "window/picker",
        _make(
            {
                "user": {
                    "modelPicker": {"options": [{"model": "mine", "label": "Mine", "behavesAs": "claude-sonnet-4-5"}]}
                }
            },
            shell | {"ANTHROPIC_MODEL": "mine", window: "65536"},
        ),
    )
    yield (
        "window/picker-in-local",
        _make(
            {
                "local": {
                    "modelPicker": {"options": [{"model": "mine", "label": "Mine", "behavesAs": "claude-sonnet-4-5"}]}
                }
            },
            shell | {"ANTHROPIC_MODEL": "mine"},
        ),
    )


def _layouts(thorough: bool) -> Iterator[tuple[str, Scenario]]:
    places = ("main.local", "local", "main.project", "project", "user")
    for layout in LAYOUTS:
        own = [p for p in places if layout in {"git-subfolder", "worktree"} or not p.startswith("main.")]
        if layout == "home":
            own = ["local", "user"]
        for place in own:
            yield f"layout/{layout}/{place}", _put({place: {key: _value(key, place) for key in KEYS}}, layout=layout)
        for first, second in itertools.combinations(own, 2):
            if thorough:
                yield (
                    f"layout/{layout}/{first}+{second}",
                    _put({p: {key: _value(key, p) for key in KEYS} for p in (first, second)}, layout=layout),
                )
            both = {
                first: {"ANTHROPIC_BASE_URL": url(first)},
                second: {"ANTHROPIC_AUTH_TOKEN": f"token-{second}", "ANTHROPIC_MODEL": f"model-{second}"},
            }
            yield f"layout/{layout}/{first}+{second}/merged", _put(both, layout=layout)
        settings = {p: {"model": f"model-{p}", "apiKeyHelper": f"echo helper-{p}"} for p in own}
        yield f"layout/{layout}/settings", _make(settings, {"ANTHROPIC_BASE_URL": url("shell")}, layout=layout)
        yield f"layout/{layout}/all", _put({p: {key: _value(key, p) for key in KEYS} for p in own}, layout=layout)
    for layout in ("git-subfolder", "worktree"):
        for name in ("trailing-comma", "empty", "env-list"):
            broken: dict[str, Settings] = {"main.local": ODD_FILES[name].replace("{url}", url("main.local"))}
            fine: dict[str, Settings] = {p: {"env": {"ANTHROPIC_BASE_URL": url(p)}} for p in ("local", "user")}
            yield (
                f"layout/{layout}/main-{name}",
                Scenario(settings=broken | fine, shell={"ANTHROPIC_AUTH_TOKEN": "token-shell"}, layout=layout),
            )


def _malformed(thorough: bool) -> Iterator[tuple[str, Scenario]]:
    for name, text in ODD_FILES.items():
        for place in ("local", "user", "flag", "managed", "project"):
            if place != "local" and not thorough and name not in OFTEN:
                continue
            yield (
                f"malformed/{name}/{place}",
                Scenario(
                    settings={place: text.replace("{url}", url(place))},
                    shell={
                        "ANTHROPIC_BASE_URL": url("shell"),
                        "ANTHROPIC_AUTH_TOKEN": "token-shell",
                        "ANTHROPIC_MODEL": "model-shell",
                    },
                ),
            )


def _setting_sources(_: bool) -> Iterator[tuple[str, Scenario]]:
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
        yield f"sources/{listed}", _put(block, setting_sources=listed)
    stronger = {"managed": {"ANTHROPIC_MODEL": "model-managed"}, "flag": {"ANTHROPIC_AUTH_TOKEN": "token-flag"}}
    yield "sources/user-under-managed-and-flag", _put(block | stronger, setting_sources="user")
    yield (
        "sources/local-in-worktree",
        _put(
            {
                p: {"ANTHROPIC_BASE_URL": url(p), "ANTHROPIC_AUTH_TOKEN": f"token-{p}"}
                for p in ("main.local", "local", "user")
            },
            setting_sources="user",
            layout="worktree",
        ),
    )


def _flags(_: bool) -> Iterator[tuple[str, Scenario]]:
    block = {"env": {key: _value(key, "flag") for key in KEYS}}
    rest = {"local": {"env": {key: _value(key, "local") for key in KEYS}}}
    yield "flag/file", _make({"flag": block} | rest)
    yield "flag/inline", _make({"flag": block} | rest, flag_inline=True)
    for name, text in {
        "empty-object": "{}",
        "malformed": '{"env": ',
        "list": "[]",
        "wrong-type": '{"model": 5}',
    }.items():
        yield f"flag/inline-{name}", Scenario(settings={"flag": text, **rest}, flag_inline=True)
    yield "flag/no-such-file", Scenario(settings={"flag": "/no/such/file.json", **rest}, flag_inline=True)


def _refused_variables(thorough: bool) -> Iterator[tuple[str, Scenario]]:
    shell = {"ANTHROPIC_BASE_URL": url("shell")}
    for place in SCOPES if thorough else ("local", "user"):
        yield f"refused/oauth/{place}", _put({"shell": shell, place: {"CLAUDE_CODE_OAUTH_TOKEN": f"oauth-{place}"}})
        yield (
            f"refused/capabilities/{place}",
            _put(
                _merge(
                    {"shell": shell | {"ANTHROPIC_AUTH_TOKEN": "t"}},
                    {place: {"CLAUDE_CODE_MODEL_CAPABILITIES": "-effort"}},
                )
            ),
        )
        yield (
            f"refused/home/{place}",
            _put({"shell": shell | {"ANTHROPIC_AUTH_TOKEN": "t"}, place: {"HOME": "/nowhere", "ANTHROPIC_MODEL": "m"}}),
        )
        yield (
            f"refused/config-dir/{place}",
            _put(
                {
                    "shell": shell | {"ANTHROPIC_AUTH_TOKEN": "t"},
                    place: {"CLAUDE_CONFIG_DIR": "/nowhere", "ANTHROPIC_MODEL": "m"},
                }
            ),
        )
    yield (
        "refused/oauth-in-local-over-shell",
        _put(
            {
                "shell": shell | {"CLAUDE_CODE_OAUTH_TOKEN": "oauth-shell"},
                "local": {"CLAUDE_CODE_OAUTH_TOKEN": "oauth-local"},
            }
        ),
    )
    for switch in (
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST",
        "CLAUDE_CODE_REMOTE",
        "CLAUDE_CODE_SIMPLE",
        "CLAUDE_CODE_SAFE_MODE",
    ):
        yield (
            f"refused/shell-{switch}",
            _put(
                {
                    "shell": {switch: "1", "ANTHROPIC_BASE_URL": url("shell"), "ANTHROPIC_AUTH_TOKEN": "token-shell"},
                    "user": {key: _value(key, "user") for key in KEYS},
                }
            ),
        )
        yield (
            f"refused/user-{switch}",
            _put(
                {
                    "shell": {"ANTHROPIC_BASE_URL": url("shell"), "ANTHROPIC_AUTH_TOKEN": "token-shell"},
                    "user": {key: _value(key, "user") for key in KEYS} | {switch: "1"},
                }
            ),
        )


def _policies(thorough: bool) -> Iterator[tuple[str, Scenario]]:
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
        yield f"policy/{name}/custom", _make({"managed": policy, "user": {"env": BACKEND["user"]}})
        yield (
            f"policy/{name}/pinned",
            _make({"managed": policy | {"env": BACKEND["user"] | {"ANTHROPIC_BASE_URL": url("managed")}}}),
        )
        if not thorough and name.startswith(("hooks", "no-hooks", "providers-none")):
            continue
        yield f"policy/{name}/cloud-key", _make({"managed": policy}, {"ANTHROPIC_API_KEY": "key-shell"})
        yield f"policy/{name}/cloud-login", _make({"managed": policy}, credentials=LOGIN)
        if not thorough and not name.startswith(("models", "providers-anthropic", "login-claudeai")):
            continue
        yield f"policy/{name}/from-user", _make({"user": policy | {"env": BACKEND["user"]}})
    yield "policy/models-local", _make({"local": {"availableModels": ["sonnet"]}, "user": {"env": BACKEND["user"]}})
    yield (
        "policy/providers-bedrock/bedrock",
        _make({"managed": policies["providers-bedrock"]}, {"CLAUDE_CODE_USE_BEDROCK": "1"}),
    )


def _managed_fragments(_: bool) -> Iterator[tuple[str, Scenario]]:
    parts = ("managed.d/20", "managed.d/10", "managed")
    token = {"shell": {"ANTHROPIC_AUTH_TOKEN": "token-shell"}}
    for size in (1, 2, 3):
        for chosen in itertools.combinations(parts, size):
            yield f"managed/{'+'.join(chosen)}", _put(token | {p: {"ANTHROPIC_BASE_URL": url(p)} for p in chosen})
    for place in parts:
        rest = {p: {"env": {"ANTHROPIC_BASE_URL": url(p)}} for p in (*parts, "user") if p != place}
        for name in ("trailing-comma", "model-number", "empty"):
            yield (
                f"managed/{name}/{place}",
                Scenario(settings={**rest, place: ODD_FILES[name].replace("{url}", url(place))}, shell=token["shell"]),
            )
    yield (
        "managed/keys-apart",
        _make(
            {
                "managed": {"model": "base"},
                "managed.d/10": {"model": "ten", "apiKeyHelper": "echo helper-ten"},
                "managed.d/20": {"env": {"ANTHROPIC_BASE_URL": url("managed.d/20")}},
            }
        ),
    )


def _headers_and_proxies(_: bool) -> Iterator[tuple[str, Scenario]]:
    for place in SOURCES:
        yield f"headers/{place}", _put(_merge(BACKEND, {place: {"ANTHROPIC_CUSTOM_HEADERS": f"X-From: {place}"}}))
    custom = "ANTHROPIC_CUSTOM_HEADERS"
    for name, value in {
        "authorization": "Authorization: Bearer custom",
        "x-api-key": "x-api-key: custom",
        "lower-authorization": "authorization: Bearer custom",
        "two-lines": "X-One: 1\nX-Two: 2",
        "empty-value": "X-One:",
        "no-colon": "nonsense",
    }.items():
        yield f"headers/{name}", _put(_merge(BACKEND, {"user": {custom: value}}))
        yield f"headers/{name}-without-credential", _put({"user": {"ANTHROPIC_BASE_URL": url("user"), custom: value}})
    yield "headers/cancelled", _put(_merge(BACKEND, {"shell": {custom: "X-From: shell"}, "local": {custom: ""}}))
    proxy = url("proxy")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        yield f"proxy/{name}", _put(_merge(BACKEND, {"shell": {name: proxy}}))
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
        yield f"proxy/exempt/{exempt}", _put(_merge(BACKEND, {"shell": {"HTTP_PROXY": proxy, "NO_PROXY": exempt}}))
    yield (
        "proxy/exempt-in-local",
        _put(_merge(BACKEND, {"shell": {"HTTP_PROXY": proxy}, "local": {"NO_PROXY": "127.0.0.1"}})),
    )
    yield "proxy/exempt-lower", _put(_merge(BACKEND, {"shell": {"HTTP_PROXY": proxy, "no_proxy": "127.0.0.1"}}))
    yield (
        "proxy/exempt-lower-against-upper",
        _put(_merge(BACKEND, {"shell": {"HTTP_PROXY": proxy, "no_proxy": "example.com", "NO_PROXY": "127.0.0.1"}})),
    )
    yield "proxy/in-local", _put(_merge(BACKEND, {"local": {"HTTP_PROXY": proxy}}))
    yield (
        "proxy/cancelled-in-local",
        _put(_merge(BACKEND, {"shell": {"HTTP_PROXY": proxy}, "local": {"HTTP_PROXY": ""}})),
    )


def _config_folder(_: bool) -> Iterator[tuple[str, Scenario]]:
    block = {p: {key: _value(key, p) for key in KEYS} for p in ("user", "home")}
    yield "config-dir/moved", _put(block, config_dir=True)
    yield "config-dir/only-old", _put({"home": block["home"]}, config_dir=True)
    yield "config-dir/login", _put({"shell": {"ANTHROPIC_BASE_URL": url("shell")}}, config_dir=True, credentials=LOGIN)
    yield (
        "config-dir/console",
        _put({"shell": {"ANTHROPIC_BASE_URL": url("shell")}}, config_dir=True, home_json=CONSOLE),
    )
