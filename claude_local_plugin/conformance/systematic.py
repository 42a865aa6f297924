"""The questions to ask one by one: each source alone, each pair, each special case known to matter."""

import itertools
from collections.abc import Mapping
from functools import cache
from typing import Any

from claude_local_plugin.conformance import logins, sources
from claude_local_plugin.conformance.hook_files import hook_files
from claude_local_plugin.conformance.model_lists import model_lists
from claude_local_plugin.conformance.scenario import LAYOUTS, PLACES, Scenario, url
from claude_local_plugin.conformance.setting_values import setting_values
from claude_local_plugin.precedence.table import PROVIDERS, Provider

#: The scopes that exist in every layout, strongest first.
SCOPES = ("managed", "flag", "local", "project", "user")
SOURCES = (*SCOPES, "shell")

#: The pairs of sources whose order decides everything else, asked for every key even in the ordinary set.
ADJACENT = (
    *(("managed", "shell"), ("flag", "shell"), ("local", "shell"), ("user", "shell")),
    *(("flag", "local"), ("local", "project"), ("local", "user"), ("project", "user")),
)
KEYS = (
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_MODEL",
    "CLAUDE_CODE_MAX_CONTEXT_TOKENS",
)
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
WINDOW = "CLAUDE_CODE_MAX_CONTEXT_TOKENS"

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

#: Backends with a placeholder, so that whatever else is asked about is asked of a session that works.
USER_BACKEND = {
    "ANTHROPIC_BASE_URL": url("user"),
    "ANTHROPIC_AUTH_TOKEN": "token-user",
    "ANTHROPIC_MODEL": "model-user",
}
SHELL_BACKEND = {"ANTHROPIC_BASE_URL": url("shell"), "ANTHROPIC_AUTH_TOKEN": "token-shell"}
#: The weakest source with a model name of one's own, for which the window can be set.
WEAKEST = SHELL_BACKEND | {"ANTHROPIC_MODEL": "model-shell"}

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

_Env = Mapping[str, dict[str, Any]]


class _Ask:
    """Collects questions under their names; what two families come to is asked once, under its first name."""

    def __init__(self) -> None:
        self.questions: dict[str, Scenario] = {}
        self._names: set[str] = set()
        self._asked: set[str] = set()

    def given(
        self, name: str, settings: Mapping[str, Any] | None = None, shell: Mapping[str, str] | None = None, **rest: Any
    ) -> None:
        """Ask with these settings files (place -> object or text) and shell variables."""
        self.put(name, Scenario(settings=dict(settings or {}), shell=dict(shell or {}), **rest))

    def put(self, name: str, scenario: Scenario) -> None:
        """Ask a scenario that stands already."""
        if name in self._names:
            raise ValueError(f"two questions are called {name}")
        self._names.add(name)
        if scenario.key() not in self._asked:
            self.questions[name] = scenario
        self._asked.add(scenario.key())

    def env(self, name: str, *variables: _Env, **rest: Any) -> None:
        """Ask with environment variables, given as source -> block; later blocks are added to earlier ones."""
        merged: dict[str, dict[str, Any]] = {}
        for part in variables:
            for place, block in part.items():
                merged[place] = merged.get(place, {}) | block
        shell = merged.pop("shell", {})
        self.given(name, {place: {"env": block} for place, block in merged.items()}, shell, **rest)

    def shell(self, name: str, variables: dict[str, str], settings: Mapping[str, Any] | None = None) -> None:
        """Ask with shell variables beside a backend that is set in the shell."""
        self.given(name, settings, SHELL_BACKEND | variables)


def systematic(*, thorough: bool = False) -> dict[str, Scenario]:
    """Name -> scenario: each source alone, each pair of sources per key, and each special case on its own.

    The ordinary set asks each question once; the thorough one (nearly twice as many) also where the answer is most
    likely the same: every spelling of every switch, every flaw in every file, every credential in every place.
    """
    return dict(_systematic(thorough))


@cache
def _systematic(thorough: bool) -> dict[str, Scenario]:
    ask = _Ask()
    for family in (
        *(_nothing, _pairs, _cancelled, _credentials, _alone, _providers, _values, _models, _windows, _layouts),
        *(
            _malformed,
            _setting_sources,
            _flags,
            _lost_sandboxes,
            _refused_variables,
            _policies,
            _lost_guards,
            _managed_fragments,
        ),
        *(_headers, _proxies, _config_folder, _hook_files, _setting_values, _model_lists, _sources, _at_the_edges),
    ):
        family(ask, thorough)
    return ask.questions


def _value(key: str, place: str) -> str:
    """A value that says where it was set."""
    if key == "ANTHROPIC_BASE_URL":
        return url(place)
    if key == WINDOW:
        return str(40_000 + 1000 * (*PLACES, "shell").index(place))
    return f"{key.rpartition('_')[2].lower()}-{place.replace('/', '-')}"


def _block(place: str) -> dict[str, str]:
    return {key: _value(key, place) for key in KEYS}


def _setting(key: str, place: str) -> dict[str, str]:
    """The settings key `model` or `apiKeyHelper` with a value that says where it was set."""
    return {key: f"echo helper-{place}" if key == "apiKeyHelper" else f"model-{place}"}


def _odd(name: str, place: str) -> str:
    return ODD_FILES[name].replace("{url}", url(place))


def _nothing(ask: _Ask, _: bool) -> None:
    ask.given("nothing")
    ask.given("login-only", credentials=LOGIN)
    ask.given("console-only", home_json=CONSOLE)


def _pairs(ask: _Ask, thorough: bool) -> None:
    for first, second in itertools.combinations(SOURCES, 2):
        for key in KEYS:
            if thorough or key == "ANTHROPIC_BASE_URL" or (first, second) in ADJACENT:
                both = {place: {key: _value(key, place)} for place in (first, second)}
                ask.env(f"pair/{key}/{first}+{second}", {"user": USER_BACKEND}, both)
    for first, second in itertools.combinations(SCOPES, 2):
        for key in ("model", "apiKeyHelper"):
            both = {place: _setting(key, place) for place in (first, second)}
            ask.given(f"pair/{key}/{first}+{second}", both, SHELL_BACKEND)
    ask.env("pair/everything-everywhere", {place: _block(place) for place in SOURCES})


def _cancelled(ask: _Ask, _: bool) -> None:
    for key in KEYS:
        for strong, weak in ADJACENT:
            cancelled = {weak: {key: _value(key, weak)}, strong: {key: ""}}
            ask.env(f"cancel/{key}/{strong}>{weak}", {"shell": WEAKEST}, cancelled)
        ask.env(f"cancel/{key}/empty-in-shell", {"shell": WEAKEST | {key: ""}}, credentials=LOGIN)
    for key in ("model", "apiKeyHelper"):
        for strong, weak in itertools.pairwise(SCOPES):
            ask.given(f"cancel/{key}/{strong}>{weak}", {weak: _setting(key, weak), strong: {key: ""}}, SHELL_BACKEND)
    oauth = "CLAUDE_CODE_OAUTH_TOKEN"
    ask.env("cancel/oauth-by-user", {"shell": {oauth: "oauth-shell"}, "user": {oauth: ""}})
    local = {oauth: "", "ANTHROPIC_BASE_URL": url("local")}
    ask.env("cancel/oauth-by-local", {"shell": {oauth: "oauth-shell"}, "local": local})
    for key in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", oauth):
        empty = {key: "", "ANTHROPIC_BASE_URL": url("shell")}
        ask.env(f"cancel/empty-beside-login/{key}", {"shell": empty}, credentials=LOGIN)
    local = {"ANTHROPIC_BASE_URL": url("local"), "ANTHROPIC_AUTH_TOKEN": "token-local", "ANTHROPIC_API_KEY": ""}
    ask.env("cancel/key-beside-stored-ones", {"local": local}, credentials=LOGIN, home_json=CONSOLE)


def _credentials(ask: _Ask, thorough: bool) -> None:
    """Every set of credential sources, with and without an endpoint of one's own."""
    variables = {
        "key": ("ANTHROPIC_API_KEY", "key-shell"),
        "token": ("ANTHROPIC_AUTH_TOKEN", "token-shell"),
        "oauth": ("CLAUDE_CODE_OAUTH_TOKEN", "oauth-shell"),
    }
    sources = ("key", "token", "helper", "oauth", "login", "console")
    for chosen in itertools.chain.from_iterable(itertools.combinations(sources, size) for size in range(7)):
        shell = dict(variables[source] for source in chosen if source in variables)
        helper = {"user": {"apiKeyHelper": "echo helper-user"}} if "helper" in chosen else {}
        stored: dict[str, Any] = {
            "credentials": LOGIN if "login" in chosen else None,
            "home_json": CONSOLE if "console" in chosen else None,
        }
        name = "+".join(chosen) or "none"
        ask.given(f"credentials/custom/{name}", helper, shell | {"ANTHROPIC_BASE_URL": url("shell")}, **stored)
        if thorough or len(chosen) == 1:
            ask.given(f"credentials/cloud/{name}", helper, shell, **stored)
            local = {"local": {"env": {"ANTHROPIC_BASE_URL": url("local")}}}
            ask.given(f"credentials/local/{name}", helper | local, shell, **stored)
    _stored_credentials(ask)
    _helpers(ask, thorough)
    for name, text in {"space": " ", "tab": "\t", "padded": " padded "}.items():
        for key in ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"):
            ask.env(f"credentials/{key}-{name}", {"user": {"ANTHROPIC_BASE_URL": url("user"), key: text}})


def _stored_credentials(ask: _Ask) -> None:
    backend = {"user": {"ANTHROPIC_BASE_URL": url("user")}}
    login = LOGIN["claudeAiOauth"]
    logins: dict[str, Any] = {
        "expired": {"claudeAiOauth": login | {"expiresAt": 1_000}},
        "without-inference": {"claudeAiOauth": login | {"scopes": ["user:profile"]}},
        "empty": {},
        "malformed": "{",
        "token-empty": {"claudeAiOauth": {"accessToken": ""}},
        "token-only": {"claudeAiOauth": {"accessToken": "oauth-from-login"}},
    }
    for name, content in logins.items():
        ask.env(f"credentials/login-{name}", backend, credentials=content)
    consoles: dict[str, Any] = {"empty-key": {"primaryApiKey": ""}, "malformed": "{", "number": {"primaryApiKey": 5}}
    for name, content in consoles.items():
        ask.env(f"credentials/console-{name}", backend, home_json=content)


def _helpers(ask: _Ask, thorough: bool) -> None:
    for scope in SCOPES if thorough else ("local",):
        silent = {"apiKeyHelper": "true", "env": {"ANTHROPIC_BASE_URL": url(scope)}}
        ask.given(f"credentials/helper-says-nothing/{scope}", {scope: silent})
    backend = {"ANTHROPIC_BASE_URL": url("user")}
    ask.given("credentials/helper-fails", {"user": {"apiKeyHelper": "false", "env": backend}})
    with_key = backend | {"ANTHROPIC_API_KEY": "key-user"}
    ask.given("credentials/helper-fails-with-key", {"user": {"apiKeyHelper": "false", "env": with_key}})


def _alone(ask: _Ask, thorough: bool) -> None:
    for place in SOURCES:
        for key in KEYS if thorough else ():
            ask.env(f"alone/{key}/{place}", {"shell": WEAKEST}, {place: {key: _value(key, place)}})
        ask.env(f"alone/block/{place}", {place: _block(place)})
        ask.env(f"alone/url-only/{place}", {place: {"ANTHROPIC_BASE_URL": url(place)}})
        ask.env(f"alone/url-only-with-login/{place}", {place: {"ANTHROPIC_BASE_URL": url(place)}}, credentials=LOGIN)
    for place in SCOPES if thorough else ():
        for key in ("model", "apiKeyHelper"):
            ask.given(f"alone/{key}/{place}", {place: _setting(key, place)}, SHELL_BACKEND)


def _providers(ask: _Ask, thorough: bool) -> None:
    for switch in PROVIDER_SWITCHES:
        for value in SPELLINGS if thorough or switch == PROVIDER_SWITCHES[0] else ("1", "0"):
            ask.shell(f"provider/{switch}={value!r}", {switch: value})
        for place in SCOPES if thorough else ("local",):
            ask.shell(f"provider/{switch}/{place}", {}, {place: {"env": {switch: "1"}}})
        for place in ("local", "user") if thorough else ("local",):
            for name, value in (("cancelled", ""), ("zeroed", "0")):
                ask.shell(f"provider/{switch}/{name}-by-{place}", {switch: "1"}, {place: {"env": {switch: value}}})
    for first, second in itertools.combinations(PROVIDER_SWITCHES, 2):
        ask.shell(f"provider/{first}+{second}", {first: "1", second: "1"})
    ask.shell("provider/all", dict.fromkeys(PROVIDER_SWITCHES, "1"))
    ask.given("provider/without-credentials", {}, {"CLAUDE_CODE_USE_BEDROCK": "1"})
    for provider in PROVIDERS:
        if provider.name != "gateway":
            _provider(ask, provider, thorough=thorough)
    for name in ("BEDROCK", "VERTEX", "FOUNDRY", "AWS", "GOOGLE_CLOUD"):
        ask.shell(f"provider/{name}-url-without-switch", {f"ANTHROPIC_{name}_BASE_URL": url("user")})


def _provider(ask: _Ask, provider: Provider, *, thorough: bool) -> None:
    """Where a cloud provider's requests go, and the model they ask for first."""
    on, name = {provider.switch: "1"}, provider.name
    ask.shell(f"provider/{name}/url", on | {provider.base_url_variable: url("user")})
    ask.shell(f"provider/{name}/url-in-local", on, {"local": {"env": {provider.base_url_variable: url("local")}}})
    ask.shell(f"provider/{name}/named", on | {"ANTHROPIC_MODEL": "mine"})
    ask.shell(f"provider/{name}/setting", on, {"user": {"model": "mine"}})
    targets = {f"ANTHROPIC_DEFAULT_{alias.upper()}_MODEL": f"my-{alias}" for alias in ("opus", "sonnet")}
    ask.shell(f"provider/{name}/targets", on | targets)
    for variable in targets:
        ask.shell(f"provider/{name}/{variable}", on | {variable: targets[variable]})
    more = ("best", "opusplan", "opus[1m]", "claude-opus-4-1") if thorough else ()
    for alias in ("opus", "sonnet", "haiku", *more):
        ask.shell(f"provider/{name}/{alias}", on | {"ANTHROPIC_MODEL": alias})
    for alias in ("opus", "sonnet"):
        ask.shell(f"provider/{name}/{alias}-target", on | targets | {"ANTHROPIC_MODEL": alias})
    ask.shell(f"provider/{name}/default-model", on | {"ANTHROPIC_DEFAULT_MODEL": "first"})


def _values(ask: _Ask, thorough: bool) -> None:
    odd: dict[str, Any] = {
        "null": None,
        "number": 5,
        "fraction": 1.5,
        "large": 12345678901234567890,
        "exponent": 1e21,
        "true": True,
        "false": False,
        "list": ["x"],
        "object": {"x": 1},
        "spaces": "  padded  ",
        "dollar": "${HOME}/$USER",
        "tilde": "~/x",
        "unicode": "modèle-é",
    }
    for key in ("ANTHROPIC_MODEL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"):
        for name, value in odd.items():
            # A header takes no text beyond ASCII, and is otherwise as the model.
            if key == "ANTHROPIC_MODEL" or (thorough and name != "unicode"):
                ask.env(f"value/{key}/{name}", {"user": USER_BACKEND}, {"local": {key: value}})
    for name, value in {"null": None, "false": False, "zero": 0, "true": True, "one": 1}.items():
        ask.env(f"value/switch/{name}", {"user": USER_BACKEND}, {"local": {"CLAUDE_CODE_USE_BEDROCK": value}})
    local = url("local")
    urls: dict[str, Any] = {
        "slash": f"{local}/",
        "two-slashes": f"{local}//",
        "v1": f"{local}/v1",
        "path": f"{local}/gateway/anthropic/",
        "spaces": f" {local} ",
        "cloud": "https://api.anthropic.com",
        "cloud-slash": "https://api.anthropic.com/",
        "cloud-upper": "https://API.anthropic.com",
        "localhost": local.replace("127.0.0.1", "localhost"),
        "user-info": local.replace("//", "//me:secret@"),
        "upper-scheme": local.replace("http", "HTTP"),
        "name-and-port": local.removeprefix("http://").replace("127.0.0.1", "localhost"),
        "no-slashes": local.replace("//", ""),
        "no-scheme": local.removeprefix("http://"),
        "not-a-url": "nonsense",
        "null": None,
        "number": 5,
    }
    for name, value in urls.items():
        ask.env(f"value/ANTHROPIC_BASE_URL/{name}", {"user": USER_BACKEND}, {"local": {"ANTHROPIC_BASE_URL": value}})


def _models(ask: _Ask, thorough: bool) -> None:
    targets = {name: f"target-{name.split('_')[2].lower()}" for name in ALIAS_VARIABLES}
    names = ("unknown", "unknown[1m]", "claude-sonnet-4-5", "claude-opus-4-1", "claude-local", "", " ", "inherit")
    for name in (*ALIASES, *names):
        if not thorough and name in {"fable", "sonnet[1m]", "claude-opus-4-1", "inherit"}:
            continue
        ask.shell(f"model/env/{name}", {"ANTHROPIC_MODEL": name})
        ask.shell(f"model/env-targets/{name}", targets | {"ANTHROPIC_MODEL": name})
        ask.shell(f"model/setting-targets/{name}", targets, {"user": {"model": name}})
        if thorough:
            ask.shell(f"model/setting/{name}", {}, {"user": {"model": name}})
        if name.strip():
            ask.given(f"model/cli-targets/{name}", {}, SHELL_BACKEND | targets, model=name)
            if thorough:
                ask.given(f"model/cli/{name}", {}, SHELL_BACKEND, model=name)
    _default_models(ask, targets)
    for variable in ALIAS_VARIABLES:
        for value in ("", "sonnet", "opus", "target[1m]"):
            alias = variable.split("_")[2].lower()
            ask.shell(f"model/target/{variable}={value}", {variable: value, "ANTHROPIC_MODEL": alias})
    scopes = {"ANTHROPIC_DEFAULT_OPUS_MODEL": "a", "ANTHROPIC_MODEL": "opus"}
    ask.shell("model/target-scopes", scopes, {"local": {"env": {"ANTHROPIC_DEFAULT_OPUS_MODEL": "b"}}})
    for name in ("claude-opus-4-1", "claude-opus-4-5", "claude-opus-4-6", "claude-haiku-4-5", "claude-sonnet-4-5"):
        ask.shell(f"model/default-asks-for-long/{name}", {"ANTHROPIC_DEFAULT_OPUS_MODEL": name})
    opus = {"ANTHROPIC_DEFAULT_OPUS_MODEL": "claude-opus-4-5"}
    ask.shell("model/default-asks-for-long/said", {**opus, "ANTHROPIC_MODEL": "opus[1m]"})
    ask.shell("model/default-asks-for-long/rewritten", opus, {"user": {"model": "opus"}})
    denied = {"managed": {"deniedModels": ["x"]}}
    ask.shell("model/default-asks-for-long/in-its-place", {**opus, "ANTHROPIC_MODEL": "x"}, denied)
    ask.given(
        "model/cli-over-all", {"managed": {"model": "m", "env": {"ANTHROPIC_MODEL": "e"}}}, SHELL_BACKEND, model="c"
    )
    ask.shell("model/env-over-setting", {"ANTHROPIC_MODEL": "model-shell"}, {"managed": {"model": "model-managed"}})
    empty = {"user": {"model": "chosen"}, "local": {"env": {"ANTHROPIC_MODEL": ""}}}
    ask.shell("model/env-empty-then-setting", {"ANTHROPIC_MODEL": "x"}, empty)
    ask.shell("model/override", {}, {"user": {"modelOverrides": {"claude-opus-5-5": "mine"}}})
    ask.shell("model/override-named", {}, {"user": {"modelOverrides": {"mine": "yours"}, "model": "mine"}})
    ask.shell("model/picker", {}, {"user": PICKER | {"model": "mine"}})


PICKER = {"modelPicker": {"options": [{"model": "mine", "label": "Mine", "behavesAs": "claude-sonnet-4-5"}]}}


def _default_models(ask: _Ask, targets: dict[str, str]) -> None:
    """What a session starts with when nobody names a model: it depends on who pays."""
    for variable in ALIAS_VARIABLES:
        ask.shell(f"model/only/{variable}", {variable: "target"})
        oauth = {"ANTHROPIC_BASE_URL": url("shell"), "CLAUDE_CODE_OAUTH_TOKEN": "oauth-shell", variable: "target"}
        ask.given(f"model/only-oauth/{variable}", {}, oauth)
    for subscription in ("max", "pro", "team", "enterprise", "free", None):
        login = {"claudeAiOauth": LOGIN["claudeAiOauth"] | {"subscriptionType": subscription}}
        ask.given(f"model/subscription/{subscription}", {}, {"ANTHROPIC_BASE_URL": url("shell")}, credentials=login)
    first = {"ANTHROPIC_DEFAULT_MODEL": "first-choice"}
    ask.shell("model/default-model", first)
    ask.shell("model/default-model-alias", targets | {"ANTHROPIC_DEFAULT_MODEL": "sonnet"})
    ask.shell("model/default-model-and-setting", first, {"user": {"model": "chosen"}})
    ask.shell("model/default-model-and-opus", targets | first)
    ask.shell("model/small-fast", {"ANTHROPIC_SMALL_FAST_MODEL": "small"})
    ask.shell("model/subagent", {"CLAUDE_CODE_SUBAGENT_MODEL": "sub"})


def _windows(ask: _Ask, thorough: bool) -> None:
    mine = {"ANTHROPIC_MODEL": "mine"}
    numbers = ("32768", "65536", "200000", "1000000", "2000000", "0", "-1", "", "abc")
    spellings = ("65_536", "65,536", "65536.7", " 65536 ", "6.5e4", "0x10000", "1e5")
    for value in (*numbers, *spellings):
        ask.shell(f"window/unknown/{value}", mine | {WINDOW: value})
    known = ("claude-sonnet-4-5", "opus", "claude-local", "claude-sonnet-4-5[1m]", "claude-3-5-haiku-20241022")
    more = ("claude-opus-4-1", "sonnet", "haiku", "my-claude-sonnet-4-5", "anthropic/claude-sonnet-4.5")
    for model in ("mine[1m]", *known, *(more if thorough else ())):
        named = {"ANTHROPIC_MODEL": model}
        ask.shell(f"window/model/{model}", named)
        ask.shell(f"window/model-limited/{model}", named | {WINDOW: "65536"})
        ask.shell(f"window/model-no-compact/{model}", named | {WINDOW: "65536", "DISABLE_COMPACT": "1"})
        ask.shell(f"window/model-no-1m/{model}", named | {"CLAUDE_CODE_DISABLE_1M_CONTEXT": "1"})
    ask.env("window/number-in-file", {"user": USER_BACKEND}, {"local": {WINDOW: 65536}})
    ask.shell("window/auto-compact-window", mine | {"CLAUDE_CODE_AUTO_COMPACT_WINDOW": "120000"})
    ask.shell("window/picker", mine | {WINDOW: "65536"}, {"user": PICKER})
    ask.shell("window/picker-in-local", mine, {"local": PICKER})


def _layouts(ask: _Ask, thorough: bool) -> None:
    for layout in LAYOUTS:
        own: tuple[str, ...] = ("local", "project", "user")
        if layout in {"git-subfolder", "worktree"}:
            own = ("main.local", "local", "main.project", "project", "user")
        elif layout == "home":
            own = ("local", "user")
        for place in own:
            ask.env(f"layout/{layout}/{place}", {place: _block(place)}, layout=layout)
        for first, second in itertools.combinations(own, 2):
            if thorough:
                both = {place: _block(place) for place in (first, second)}
                ask.env(f"layout/{layout}/{first}+{second}", both, layout=layout)
            rest = {"ANTHROPIC_AUTH_TOKEN": f"token-{second}", "ANTHROPIC_MODEL": f"model-{second}"}
            merged = {first: {"ANTHROPIC_BASE_URL": url(first)}, second: rest}
            ask.env(f"layout/{layout}/{first}+{second}/merged", merged, layout=layout)
        settings = {place: _setting("model", place) | _setting("apiKeyHelper", place) for place in own}
        ask.given(f"layout/{layout}/settings", settings, {"ANTHROPIC_BASE_URL": url("shell")}, layout=layout)
        ask.env(f"layout/{layout}/all", {place: _block(place) for place in own}, layout=layout)
    for layout in ("git-subfolder", "worktree"):
        for name in ("trailing-comma", "empty", "env-list"):
            fine = {place: {"env": {"ANTHROPIC_BASE_URL": url(place)}} for place in ("local", "user")}
            broken = {"main.local": _odd(name, "main.local")}
            shell = {"ANTHROPIC_AUTH_TOKEN": "token-shell"}
            ask.given(f"layout/{layout}/main-{name}", broken | fine, shell, layout=layout)


def _malformed(ask: _Ask, thorough: bool) -> None:
    for name in ODD_FILES:
        for place in ("local", "user", "flag", "managed", "project"):
            if thorough or place == "local" or name in OFTEN:
                ask.given(f"malformed/{name}/{place}", {place: _odd(name, place)}, WEAKEST)


def _setting_sources(ask: _Ask, _: bool) -> None:
    block: dict[str, dict[str, Any]] = {
        place: {"ANTHROPIC_BASE_URL": url(place), "ANTHROPIC_AUTH_TOKEN": f"token-{place}"}
        for place in ("local", "project", "user", "shell")
    }
    lists = ("user", "project", "local", "user,project", "user,local", "project,local", "user,project,local", "")
    for listed in (*lists, "user, local", "local,user", "flag", "managed", "nonsense", "USER"):
        ask.env(f"sources/{listed}", block, setting_sources=listed)
    stronger = {"managed": {"ANTHROPIC_MODEL": "model-managed"}, "flag": {"ANTHROPIC_AUTH_TOKEN": "token-flag"}}
    ask.env("sources/user-under-managed-and-flag", block, stronger, setting_sources="user")
    main = {
        place: {"ANTHROPIC_BASE_URL": url(place), "ANTHROPIC_AUTH_TOKEN": f"token-{place}"}
        for place in ("main.local", "local", "user")
    }
    ask.env("sources/local-in-worktree", main, setting_sources="user", layout="worktree")


def _flags(ask: _Ask, _: bool) -> None:
    rest = {"local": {"env": _block("local")}}
    ask.given("flag/file", {"flag": {"env": _block("flag")}} | rest)
    ask.given("flag/inline", {"flag": {"env": _block("flag")}} | rest, flag_inline=True)
    texts = {"empty-object": "{}", "malformed": '{"env": ', "list": "[]", "wrong-type": '{"model": 5}'}
    for name, text in texts.items():
        ask.given(f"flag/inline-{name}", {"flag": text} | rest, flag_inline=True)
    ask.given("flag/no-such-file", {"flag": "/no/such/file.json"} | rest, flag_inline=True)


#: What may stand as `sandbox` in a file of `--settings` that is lost for another reason.
_SANDBOXES: tuple[object, ...] = (
    *({"enabled": True}, {"enabled": 0}, {"enabled": "false"}, {"enabled": False}, {"enabled": None}, {}, None, False),
    *({"enabled": 1, "failIfUnavailable": False}, {"enabled": True, "failIfUnavailable": 0}, [], 0, ""),
)


def _lost_sandboxes(ask: _Ask, _: bool) -> None:
    for index, sandbox in enumerate(_SANDBOXES):
        lost: dict[str, object] = {"permissions": [], "sandbox": sandbox}
        ask.given(f"lost-sandbox/{index}", {"flag": lost}, shell=_block("shell"))
    for place in ("user", "local"):
        lost = {"permissions": [], "sandbox": _SANDBOXES[0]}
        ask.given(f"lost-sandbox/{place}", {place: lost}, shell=_block("shell"))


def _refused_variables(ask: _Ask, thorough: bool) -> None:
    oauth = "CLAUDE_CODE_OAUTH_TOKEN"
    shell = {"ANTHROPIC_BASE_URL": url("shell")}
    for place in SCOPES if thorough else ("local", "user"):
        ask.env(f"refused/oauth/{place}", {"shell": shell, place: {oauth: f"oauth-{place}"}})
        elsewhere = {"ANTHROPIC_MODEL": "m", "HOME": "/nowhere"}
        ask.shell(f"refused/home/{place}", {}, {place: {"env": elsewhere}})
        elsewhere = {"ANTHROPIC_MODEL": "m", "CLAUDE_CONFIG_DIR": "/nowhere"}
        ask.shell(f"refused/config-dir/{place}", {}, {place: {"env": elsewhere}})
        ask.shell(f"refused/capabilities/{place}", {}, {place: {"env": {"CLAUDE_CODE_MODEL_CAPABILITIES": "-effort"}}})
    both = {"shell": shell | {oauth: "oauth-shell"}, "local": {oauth: "oauth-local"}}
    ask.env("refused/oauth-in-local-over-shell", both)
    modes = ("PROVIDER_MANAGED_BY_HOST", "REMOTE", "SIMPLE", "SAFE_MODE")
    for switch in (f"CLAUDE_CODE_{mode}" for mode in modes):
        ask.shell(f"refused/shell-{switch}", {switch: "1"}, {"user": {"env": _block("user")}})
        ask.shell(f"refused/user-{switch}", {}, {"user": {"env": _block("user") | {switch: "1"}}})


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
        ask.given(f"policy/{name}/custom", {"managed": policy, "user": {"env": USER_BACKEND}})
        pinned = USER_BACKEND | {"ANTHROPIC_BASE_URL": url("managed")}
        ask.given(f"policy/{name}/pinned", {"managed": policy | {"env": pinned}})
        if thorough or not name.startswith(("hooks", "no-hooks", "providers-none")):
            ask.given(f"policy/{name}/cloud-key", {"managed": policy}, {"ANTHROPIC_API_KEY": "key-shell"})
            ask.given(f"policy/{name}/cloud-login", {"managed": policy}, credentials=LOGIN)
        if thorough or name.startswith(("models", "providers-anthropic", "login-claudeai")):
            ask.given(f"policy/{name}/from-user", {"user": policy | {"env": USER_BACKEND}})
    asked = {"ANTHROPIC_MODEL": "opus", "ANTHROPIC_DEFAULT_OPUS_MODEL": "my-opus"}
    for place in ("managed", "user"):
        ask.shell(f"policy/models-alias/{place}", asked, {place: {"availableModels": ["opus", "haiku"]}})
    for first in ("sonnet", "mine", "haiku", "claude-sonnet-4-5"):
        listed = {"user": {"availableModels": ["sonnet"]}}
        ask.given(
            f"policy/models-first/{first}", listed, SHELL_BACKEND | {"ANTHROPIC_DEFAULT_MODEL": first}, model="haiku"
        )
    ask.given("policy/models-local", {"local": policies["models-sonnet"], "user": {"env": USER_BACKEND}})
    bedrock = {"CLAUDE_CODE_USE_BEDROCK": "1"}
    ask.given("policy/providers-bedrock/bedrock", {"managed": policies["providers-bedrock"]}, bedrock)


def _lost_guards(ask: _Ask, _: bool) -> None:
    """An administrator's guarding hook that cannot be loaded, alone and beside what else he sets."""
    handlers = [{"type": "command", "command": "true"}]
    lost = {"hooks": {"PreToolUse": [{"matcher": [1], "hooks": handlers}]}}
    beside: dict[str, dict[str, Any]] = {
        "alone": {},
        "empty-env": {"env": {}},
        "empty-permissions": {"permissions": {}},
        "model": {"model": "model-managed"},
        "wrong-model": {"model": 5},
        "unknown-key": {"somethingNew": 1},
        "empty-list": {"availableModels": []},
        "switch-off": {"disableAllHooks": False},
    }
    for name, keys in beside.items():
        ask.given(f"policy/lost-guard/{name}", {"managed": lost | keys}, WEAKEST)
    for name, rest in {"empty": {}, "model": {"model": "model-managed"}, "text": ""}.items():
        ask.given(f"policy/lost-guard/drop-in-and-{name}", {"managed.d/10": lost, "managed": rest}, WEAKEST)
    for event in ("PermissionRequest", "PreSkillShellCommand", "Stop"):
        ask.given(f"policy/lost-guard/{event}", {"managed": {"hooks": {event: 5}}}, WEAKEST)
    whole = {"hooks": {"Stop": [{"hooks": handlers}], "PreToolUse": 5}}
    ask.given("policy/lost-guard/with-a-good-one", {"managed": whole}, WEAKEST)


def _managed_fragments(ask: _Ask, _: bool) -> None:
    parts = ("managed.d/20", "managed.d/10", "managed")
    shell = {"ANTHROPIC_AUTH_TOKEN": "token-shell"}
    for chosen in itertools.chain.from_iterable(itertools.combinations(parts, size) for size in (1, 2, 3)):
        blocks = {place: {"ANTHROPIC_BASE_URL": url(place)} for place in chosen}
        ask.env(f"managed/{'+'.join(chosen)}", {"shell": shell}, blocks)
    for place in parts:
        rest = {part: {"env": {"ANTHROPIC_BASE_URL": url(part)}} for part in (*parts, "user") if part != place}
        for name in ("trailing-comma", "model-number", "empty"):
            ask.given(f"managed/{name}/{place}", rest | {place: _odd(name, place)}, shell)
    apart = {
        "managed": {"model": "base"},
        "managed.d/10": {"model": "ten", "apiKeyHelper": "echo helper-ten"},
        "managed.d/20": {"env": {"ANTHROPIC_BASE_URL": url("managed.d/20")}},
    }
    ask.given("managed/keys-apart", apart)


def _headers(ask: _Ask, _: bool) -> None:
    custom = "ANTHROPIC_CUSTOM_HEADERS"
    backend = {"user": USER_BACKEND}
    for place in SOURCES:
        ask.env(f"headers/{place}", backend, {place: {custom: f"X-From: {place}"}})
    texts = {
        "authorization": "Authorization: Bearer custom",
        "x-api-key": "x-api-key: custom",
        "x-api-key-empty": "x-api-key:",
        "lower-authorization": "authorization: Bearer custom",
        "two-lines": "X-One: 1\nX-Two: 2",
        "empty-value": "X-One:",
        "no-colon": "nonsense",
    }
    for name, text in texts.items():
        ask.env(f"headers/{name}", backend, {"user": {custom: text}})
        ask.env(f"headers/{name}/no-credential", {"user": {"ANTHROPIC_BASE_URL": url("user"), custom: text}})
        ask.env(f"headers/{name}/console", backend, {"user": {custom: text}}, home_json=CONSOLE)
    ask.env("headers/cancelled", backend, {"shell": {custom: "X-From: shell"}, "local": {custom: ""}})


def _proxies(ask: _Ask, _: bool) -> None:
    proxy, backend = url("proxy"), {"user": USER_BACKEND}
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        ask.env(f"proxy/{name}", backend, {"shell": {name: proxy}})
    own = url("user").removeprefix("http://")
    lists = ("127.0.0.1", "localhost", "*", own, "127.0.0.0/8", ".0.0.1", "example.com,127.0.0.1")
    for exempt in (*lists, "example.com 127.0.0.1"):
        ask.env(f"proxy/exempt/{exempt}", backend, {"shell": {"HTTP_PROXY": proxy, "NO_PROXY": exempt}})
    ask.env("proxy/exempt-in-local", backend, {"shell": {"HTTP_PROXY": proxy}, "local": {"NO_PROXY": "127.0.0.1"}})
    ask.env("proxy/exempt-lower", backend, {"shell": {"HTTP_PROXY": proxy, "no_proxy": "127.0.0.1"}})
    against = {"HTTP_PROXY": proxy, "no_proxy": "example.com", "NO_PROXY": "127.0.0.1"}
    ask.env("proxy/exempt-lower-against-upper", backend, {"shell": against})
    ask.env("proxy/in-local", backend, {"local": {"HTTP_PROXY": proxy}})
    ask.env("proxy/cancelled-in-local", backend, {"shell": {"HTTP_PROXY": proxy}, "local": {"HTTP_PROXY": ""}})


def _at_the_edges(ask: _Ask, _: bool) -> None:
    """Addresses with a password, a body with a model of its own, forced logins under a provider, odd lists."""
    address = url("shell").replace("//", "//me:se%40cret@")
    credentials: dict[str, dict[str, str]] = {
        "none": {},
        "token": {"ANTHROPIC_AUTH_TOKEN": "token-shell"},
        "key": {"ANTHROPIC_API_KEY": "key-shell"},
        "key-and-token": {"ANTHROPIC_API_KEY": "key-shell", "ANTHROPIC_AUTH_TOKEN": "token-shell"},
        "custom-authorization": {"ANTHROPIC_CUSTOM_HEADERS": "Authorization: Bearer custom"},
        "custom-x-api-key": {"ANTHROPIC_CUSTOM_HEADERS": "x-api-key: custom"},
        "oauth": {"CLAUDE_CODE_OAUTH_TOKEN": "oauth-shell"},
    }
    for name, variables in credentials.items():
        ask.given(f"basic/{name}", {}, {"ANTHROPIC_BASE_URL": address} | variables)
    ask.given("basic/helper", {"user": {"apiKeyHelper": "echo helper"}}, {"ANTHROPIC_BASE_URL": address})
    ask.given("basic/console", {}, {"ANTHROPIC_BASE_URL": address}, home_json=CONSOLE)
    ask.given("basic/login", {}, {"ANTHROPIC_BASE_URL": address}, credentials=LOGIN)
    keyed = {"ANTHROPIC_API_KEY": "key-shell"}
    for name, text in {"no-password": "//me@", "no-user": "//:pw@", "two-colons": "//a:b:c@"}.items():
        ask.given(f"basic/{name}", {}, keyed | {"ANTHROPIC_BASE_URL": url("shell").replace("//", text)})
    bodies = (
        '{"model": "other"}',
        '{"model": "other[1m]"}',
        '{"max_tokens": 5}',
        '{"model": ',
        "[1]",
        "null",
        '"x"',
        "",
    )
    for body in bodies:
        ask.env(f"extra-body/{body}", {"user": USER_BACKEND}, {"local": {"CLAUDE_CODE_EXTRA_BODY": body}})
    for method in ("claudeai", "console", "gateway", "nonsense"):
        managed = {"managed": {"forceLoginMethod": method}}
        for name in ("none", "key", "token", "oauth"):
            ask.given(f"forced/{method}/{name}", managed, {"CLAUDE_CODE_USE_BEDROCK": "1"} | credentials[name])
        ask.given(f"forced/{method}/console-key", managed, {"CLAUDE_CODE_USE_BEDROCK": "1"}, home_json=CONSOLE)
        ask.given(
            f"forced/{method}/helper", managed | {"user": {"apiKeyHelper": "echo h"}}, {"CLAUDE_CODE_USE_VERTEX": "1"}
        )
        ask.given(f"forced/{method}/gateway", managed, WEAKEST | {"CLAUDE_CODE_USE_GATEWAY": "1"})
    organization = {"managed": {"forceLoginOrgUUID": "11111111-2222-3333-4444-555555555555"}}
    for name in ("none", "key"):
        ask.given(f"forced/organization/{name}", organization, {"CLAUDE_CODE_USE_BEDROCK": "1"} | credentials[name])
    for listed in ("user,", ",user", "user,,local", ",", " ", "user,user", "user ,project"):
        ask.env(f"sources/odd/{listed}", {"user": USER_BACKEND}, setting_sources=listed)


def _hook_files(ask: _Ask, thorough: bool) -> None:
    for name, scenario in hook_files(thorough=thorough):
        ask.put(name, scenario)


def _setting_values(ask: _Ask, _: bool) -> None:
    for name, scenario in setting_values():
        ask.put(name, scenario)


def _model_lists(ask: _Ask, _: bool) -> None:
    for name, scenario in model_lists():
        ask.put(name, scenario)


def _config_folder(ask: _Ask, _: bool) -> None:
    both = {place: _block(place) for place in ("user", "home")}
    shell = {"shell": {"ANTHROPIC_BASE_URL": url("shell")}}
    ask.env("config-dir/moved", both, config_dir=True)
    ask.env("config-dir/only-old", {"home": both["home"]}, config_dir=True)
    ask.env("config-dir/login", shell, config_dir=True, credentials=LOGIN)
    ask.env("config-dir/console", shell, config_dir=True, home_json=CONSOLE)


def _sources(ask: _Ask, _: bool) -> None:
    for name, scenario in (*sources.questions(), *logins.questions()):
        ask.put(name, scenario)
