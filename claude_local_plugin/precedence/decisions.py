"""Takes the six decisions of a session: provider, base_url, authorization, x_api_key, model, context_window."""

from collections.abc import Iterator, Mapping

from claude_local_plugin.core.claude import (
    GATEWAY,
    GATEWAY_KEYS,
    SOCKET_SCHEME,
    UNIX_SOCKET,
    is_hosted,
    is_on,
    provider_of,
    socket_of,
)
from claude_local_plugin.core.endpoint import Backend, backend_at, backend_with, is_anthropics_api, via_of
from claude_local_plugin.core.frozen import replace
from claude_local_plugin.core.settings_files import strict_json
from claude_local_plugin.core.text import clean
from claude_local_plugin.core.urls import can_be_asked, parse_url
from claude_local_plugin.precedence import models
from claude_local_plugin.precedence.available import NOTHING, denied_list, is_denied, replacement
from claude_local_plugin.precedence.candidates import candidates, effective, effective_env, effective_object
from claude_local_plugin.precedence.candidates import winner as winner_of
from claude_local_plugin.precedence.credentials import (
    Credentials,
    credentials,
    is_logged_in_through_a_socket,
    name_of,
    perhaps_without_helper,
    with_basic,
    without_late_helper,
)
from claude_local_plugin.precedence.logins import RENEWED, gateway_sign_in, is_renewed
from claude_local_plugin.precedence.model import (
    Candidate,
    Decision,
    Entry,
    FileState,
    Scope,
    SettingsFile,
    Snapshot,
    why,
)
from claude_local_plugin.precedence.provider_models import BY_LOGIN, provider_model
from claude_local_plugin.precedence.served import asks_with_a_login, before_confirmation
from claude_local_plugin.precedence.table import (
    ANTHROPIC_API,
    CUSTOM_HEADERS,
    EXTRA_BODY,
    FEDERATION,
    FIRST_PARTY,
    MODEL_RUNGS,
    PROVIDERS,
    VERIFIED_AGAINST,
    Provider,
    holds,
)


def decide(snapshot: Snapshot, env: Mapping[str, str]) -> dict[str, Decision]:
    """Every decision by name, in the order in which people ask."""
    found = _decided(snapshot, env)
    before = before_confirmation(snapshot)
    if before is None:
        return found
    earlier = _decided(before, effective_env(before))
    return {name: _or_earlier(decision, earlier[name]) for name, decision in found.items()}


def _or_earlier(decision: Decision, earlier: Decision) -> Decision:
    """The decision, with a word where the first request may go out by what was decided earlier (seen on 2.1.332)."""
    if earlier.value == decision.value:
        return decision
    instead = "another one" if decision.secret else earlier.value or "none"
    sentence = f"{decision.sentence}; or {instead}, where a request goes out before the served settings are confirmed"
    return replace(decision, sentence=sentence, otherwise=(*decision.otherwise, earlier.value))


def _decided(snapshot: Snapshot, env: Mapping[str, str]) -> dict[str, Decision]:
    if is_hosted(snapshot.shell):
        snapshot = _without_managed_models(snapshot)
    provider = active_provider(snapshot, env)
    switched = provider is not None and provider.name == "gateway"
    if switched:
        snapshot = _as_the_gateway_sees(snapshot)
        env = effective_env(snapshot)
    headers = credentials(snapshot, env, gateway=switched)
    sign_in = None if switched else gateway_sign_in(snapshot)
    if sign_in is not None:
        provider = _GATEWAY
        headers = _signed_in(snapshot, headers, sign_in)
    elif switched:
        headers = _with_token_only(headers)
    endpoint = _base_url(snapshot, env, provider)
    if sign_in is not None:
        endpoint = _at_the_gateway(endpoint, sign_in)
    elif provider is None:
        endpoint = _of_the_profile(endpoint, snapshot, headers)
    if holds("basic-from-url", snapshot.client_version):
        headers = with_basic(headers, endpoint)
    if provider is None:
        late = _is_helper_late(snapshot, headers, endpoint)
        headers = without_late_helper(headers) if late else perhaps_without_helper(headers)
    found: tuple[Decision, ...]
    if provider is not None and provider.name != "gateway":
        found = _under_a_provider(snapshot, env, headers, provider)
    else:
        model, name = _model(snapshot, env, headers, provider)
        window = _window(snapshot, env, name)
        found = (headers.authorization, headers.x_api_key, *_as_served(snapshot, env, provider, model, window))
    first = _provider(snapshot, provider) if sign_in is None else _provider_of(snapshot, sign_in)
    decisions = (first, _through_the_socket(endpoint, snapshot, provider), *found)
    return {decision.name: decision for decision in decisions}


def _as_served(
    snapshot: Snapshot, env: Mapping[str, str], provider: Provider | None, model: Decision, window: Decision
) -> tuple[Decision, Decision]:
    """Model and window, with a word where served settings bring the credential that the default depends on.

    They may arrive before Claude Code has taken its default by the login it had before, or after (seen on 2.1.332).
    """
    others = tuple(file for file in snapshot.files if file.scope is not Scope.SERVED)
    if len(others) == len(snapshot.files):
        return model, window
    before = replace(snapshot, files=others)
    headers = credentials(before, effective_env(before), gateway=provider == _GATEWAY)
    earlier, name = _model(snapshot, env, headers, provider)
    if earlier.value == model.value:
        return model, window
    sentence = f"{model.sentence}; or {earlier.value}, where the default is taken before the served settings arrive"
    size = _window(snapshot, env, name).value
    return replace(model, sentence=sentence, otherwise=(earlier.value,)), replace(window, otherwise=(size,))


def _is_helper_late(snapshot: Snapshot, headers: Credentials, endpoint: Decision) -> bool:
    """Whether the first request goes out before a helper for its key has run (see `without_late_helper`)."""
    helper = headers.x_api_key.winner
    if helper is None or helper.key != "apiKeyHelper":
        return False
    if snapshot.entry is Entry.MCP_SERVE and helper.scope in (Scope.LOCAL, Scope.PROJECT):
        return True
    return is_anthropics_api(endpoint.value or "") and asks_with_a_login(snapshot)


def _under_a_provider(
    snapshot: Snapshot, env: Mapping[str, str], headers: Credentials, provider: Provider
) -> tuple[Decision, ...]:
    """What is known of a session that goes to a cloud provider: the model by its first request, and no more."""
    own = f"not compared: which credential {provider.label} is sent"
    rows, winner = _named_model(snapshot)
    restricted = ("modelOverrides", "availableModels", "deniedModels")
    name = None
    if not any(effective(snapshot, key) for key in restricted) and not env.get("CLAUDE_CODE_EXTRA_BODY"):
        setting = _default_by_login(snapshot, env, provider) if winner is None else winner.value or ""
        name = provider_model(provider.name, setting, env, snapshot.client_version)
    if name is None:
        unseen = f"not compared: what {provider.label} is asked for here was not seen"
        model = Decision("model", None, None, tuple(_lost(row, unseen) for row in rows), unseen)
    else:
        if winner is None:
            winner = Candidate(Scope.DEFAULT, "model", None, None, name, "wins", "nobody names a model")
            rows.append(winner)
        model = Decision("model", name, winner, tuple(rows), why(winner, rows))
    window = f"not compared: the window of a model of {provider.label}"
    windows = tuple(_lost(row, window) for row in candidates(snapshot, f"env.{models.WINDOW_VARIABLE}"))
    return (
        *(
            Decision(each.name, None, None, tuple(_lost(row, own) for row in each.candidates), own, True)
            for each in (headers.authorization, headers.x_api_key)
        ),
        model,
        Decision("context_window", None, None, windows, window),
    )


_GATEWAY = next(provider for provider in PROVIDERS if provider.name == "gateway")

#: What an administrator's file may say of models, and says in vain where the host does the routing.
_MODEL_POLICIES = ("model", "fallbackModel", "modelOverrides")


def _without_managed_models(snapshot: Snapshot) -> Snapshot:
    def without(file: SettingsFile) -> SettingsFile:
        if file.scope not in (Scope.MANAGED, Scope.SERVED):
            return file
        return replace(file, data={key: value for key, value in file.data.items() if key not in _MODEL_POLICIES})

    return replace(snapshot, files=tuple(without(file) for file in snapshot.files))


def _provider_of(snapshot: Snapshot, sign_in: SettingsFile) -> Decision:
    """The gateway somebody is signed in to comes before every provider's switch."""
    reason = f"a sign-in at a Claude apps gateway is kept in {sign_in.path}, and is asked first"
    winner = Candidate(sign_in.scope, "enterpriseGateway.url", sign_in.path, _line(sign_in, "url"), "gateway", "wins")
    rows = [_lost(row, reason) for each in PROVIDERS for row in candidates(snapshot, f"env.{each.switch}")]
    return Decision("provider", "gateway", winner, (winner, *rows), reason)


def _line(sign_in: SettingsFile, key: str) -> int | None:
    return sign_in.line_of(("enterpriseGateway", key))


def _at_the_gateway(endpoint: Decision, sign_in: SettingsFile) -> Decision:
    """The address of the gateway, whatever address is set."""
    reason = "a sign-in at a Claude apps gateway is asked first"
    url = str(sign_in.data["url"])
    winner = Candidate(sign_in.scope, "enterpriseGateway.url", sign_in.path, _line(sign_in, "url"), url, "wins")
    rows = tuple(_lost(row, reason) for row in endpoint.candidates)
    return Decision("base_url", url, winner, (winner, *rows), reason)


def _signed_in(snapshot: Snapshot, headers: Credentials, sign_in: SettingsFile) -> Credentials:
    """The gateway is sent its own token, and no key unless a custom header sends one."""
    reason = "the gateway is sent the token of its sign-in"
    renewed = is_renewed(sign_in.data)
    jwt = RENEWED if renewed else str(sign_in.data["jwt"])
    winner = Candidate(
        sign_in.scope, "enterpriseGateway.jwt", sign_in.path, _line(sign_in, "jwt"), jwt, "wins", secret=not renewed
    )
    rows = tuple(_lost(row, reason) for row in headers.authorization.candidates)
    token = Decision("authorization", f"Bearer {jwt}", winner, (winner, *rows), reason, secret=True)
    return replace(_with_token_only(headers), authorization=token, login=winner)


def _of_the_profile(endpoint: Decision, snapshot: Snapshot, headers: Credentials) -> Decision:
    """The address that a login profile brings along: it counts when the profile serves and nobody names another."""
    if headers.login is None or headers.login.scope is not Scope.PROFILE or endpoint.value != ANTHROPIC_API:
        return endpoint
    if any(row.state == "wins" and row.value and row.value.strip() for row in endpoint.candidates if row.path):
        return endpoint
    profile = next(snapshot.of(Scope.PROFILE))
    url = profile.data.get("base_url")
    if not isinstance(url, str):
        return endpoint
    reason = "the login profile brings its own address along"
    winner = Candidate(Scope.PROFILE, "profile.base_url", profile.path, profile.line_of(("base_url",)), url, "wins")
    return Decision("base_url", url, winner, (winner, *(_lost(row, reason) for row in endpoint.candidates)), reason)


def _through_the_socket(endpoint: Decision, snapshot: Snapshot, provider: Provider | None) -> Decision:
    """Every request goes through the Unix socket that the environment names, whatever the address."""
    socket, address = _socket(snapshot, provider), endpoint.value or ANTHROPIC_API
    if not socket or (provider is None and (parse_url(address) is None or not can_be_asked(address))):
        return endpoint  # with an address that is no URL no request is made at all (seen on 2.1.332)
    of_every_kind = socket_of(snapshot.shell, cloud_provider=True)
    which = "every request goes" if of_every_kind else "what goes to no cloud provider does so"
    reason = f"{UNIX_SOCKET} is set, and {which} through it"
    winner = Candidate(Scope.SHELL, f"env.{UNIX_SOCKET}", None, None, socket, "wins")
    rows = tuple(_lost(row, reason) for row in endpoint.candidates)
    return Decision("base_url", f"{SOCKET_SCHEME}{socket}", winner, (winner, *rows), reason)


def _socket(snapshot: Snapshot, provider: Provider | None) -> str:
    return socket_of(snapshot.shell, cloud_provider=provider not in (None, _GATEWAY))


def active_provider(snapshot: Snapshot, env: Mapping[str, str]) -> Provider | None:
    """The provider whose switch is on, or None for the Anthropic API and what speaks it."""
    version = snapshot.client_version or VERIFIED_AGAINST
    gateway = is_on(env.get(GATEWAY)) and _gateway_is_set_up(snapshot)
    name = provider_of(env, gateway=gateway, client_version=version)
    return next((provider for provider in PROVIDERS if provider.name == name), None)


def backend_in_use(snapshot: Snapshot) -> Backend:
    """The backend a session here talks to, as the hooks take it from its environment."""
    env = effective_env(snapshot)
    outside = effective_env(_as_the_gateway_sees(snapshot)) if is_on(env.get(GATEWAY)) else env
    provider = active_provider(snapshot, env)
    if socket := _socket(snapshot, provider):
        return Backend("unknown", clean(f"{SOCKET_SCHEME}{socket}"), False, None)
    if (provider is None or provider.name != "gateway") and (sign_in := gateway_sign_in(snapshot)) is not None:
        target = parse_url(str(sign_in.data["url"]))
        return Backend("gateway", target.url if target else None, True, None, via_of(env, target))
    if provider is None and any(snapshot.of(Scope.PROFILE)):
        endpoint = _of_the_profile(_base_url(snapshot, env, None), snapshot, credentials(snapshot, env))
        if endpoint.winner is not None and endpoint.winner.scope is Scope.PROFILE:
            return backend_at({**env, "ANTHROPIC_BASE_URL": endpoint.value or ""})
    return backend_with(env, outside, snapshot.client_version or VERIFIED_AGAINST)


def _gateway_is_set_up(snapshot: Snapshot) -> bool:
    """Whether address and token of the gateway both stand outside a project's files, and were not served."""
    own = tuple(file for file in snapshot.files if file.scope is not Scope.SERVED)
    early = effective_env(_as_the_gateway_sees(replace(snapshot, files=own)))
    return all(early.get(name, "").strip() for name in GATEWAY_KEYS)


def _as_the_gateway_sees(snapshot: Snapshot) -> Snapshot:
    """The snapshot in which a project's files do not say where the gateway is: it is asked for before they are read."""
    return replace(snapshot, files=tuple(_without_address(file) for file in snapshot.files))


def _without_address(file: SettingsFile) -> SettingsFile:
    if file.scope not in (Scope.LOCAL, Scope.PROJECT) or not file.env:
        return file
    kept = {key: value for key, value in file.env.items() if key not in GATEWAY_KEYS}
    return replace(file, data={**file.data, "env": kept})


def _with_token_only(headers: Credentials) -> Credentials:
    """The gateway gets the token, and no key unless a custom header sends one."""
    key = headers.x_api_key
    if key.winner is None or key.winner.key == f"env.{CUSTOM_HEADERS}":
        return headers
    rows = tuple(_lost(row, "the gateway is sent the token alone") for row in key.candidates)
    return replace(headers, x_api_key=Decision(key.name, None, None, rows, "the gateway is sent the token alone", True))


def _provider(snapshot: Snapshot, provider: Provider | None) -> Decision:
    rows = [row for each in PROVIDERS for row in candidates(snapshot, f"env.{each.switch}")]
    if provider is None:
        reason = "no provider switch is on"
        default = Candidate(Scope.DEFAULT, "provider", None, None, FIRST_PARTY, "wins", reason)
        rows = [_lost(row, "this value means off") for row in rows]
        return Decision("provider", FIRST_PARTY, default, (*rows, default), reason)
    key = f"env.{provider.switch}"
    rows = [row if row.key == key else _lost(row, f"{provider.switch} is asked first") for row in rows]
    return Decision("provider", provider.name, winner_of(rows), tuple(rows), f"{provider.switch} is on")


def _base_url(snapshot: Snapshot, env: Mapping[str, str], provider: Provider | None) -> Decision:
    variable = "ANTHROPIC_BASE_URL" if provider is None else provider.base_url_variable
    rows = list(candidates(snapshot, f"env.{variable}"))
    winner = winner_of(rows)
    value = env.get(variable, "").strip()
    if provider is not None and variable != "ANTHROPIC_BASE_URL":
        sentence = f"{provider.switch} sends requests to {provider.label}; ANTHROPIC_BASE_URL is not asked"
        unused = [_lost(row, f"{provider.switch} is on") for row in candidates(snapshot, "env.ANTHROPIC_BASE_URL")]
        return Decision("base_url", value or None, winner if value else None, (*rows, *unused), sentence)
    if value:
        return Decision("base_url", value, winner, tuple(rows), why(winner, rows))
    default = Candidate(Scope.DEFAULT, f"env.{variable}", None, None, ANTHROPIC_API)
    if winner is not None:
        reason = f"the empty string in {winner.place} means the Anthropic API"
        return Decision("base_url", ANTHROPIC_API, winner, (*rows, replace(default, reason=reason)), reason)
    default = replace(default, state="wins")
    return Decision("base_url", ANTHROPIC_API, default, (*rows, default), "nobody sets another endpoint")


def _model(
    snapshot: Snapshot, env: Mapping[str, str], headers: Credentials, provider: Provider | None
) -> tuple[Decision, models.ModelName]:
    """The model on the wire: the first rung that names one, then aliases, then what the administrator allows."""
    overrides = effective_object(snapshot, "modelOverrides")
    gateway = provider is not None and provider.name == "gateway"
    aliases = models.GATEWAY_ALIASES if gateway else models.aliases_for(snapshot.client_version)
    default = default_setting(snapshot, env, headers, provider)
    rows, winner = _named_model(snapshot)
    if winner is None:
        setting = default
        winner = Candidate(Scope.DEFAULT, "model", None, None, setting, "wins", "nobody names a model")
        rows.append(winner)
        name = _as_default(models.named(setting, env, overrides, aliases), env, snapshot.client_version)
        instead = replacement(None, name, snapshot, env, default)
    else:
        setting = _as_taken(winner, default, snapshot.client_version)
        name = models.named(setting, env, overrides, aliases)
        if setting == default != winner.value:
            name = _as_default(name, env, snapshot.client_version)
        instead = replacement(setting, name, snapshot, env, default)
    sentence = why(winner, rows)
    if instead == NOTHING and snapshot.entry is Entry.MCP_SERVE:
        instead = default  # where nothing else is allowed, `claude mcp serve` asks for it all the same (2.1.332)
    if instead == NOTHING:
        lost = tuple(_lost(row, "deniedModels does not allow it") for row in rows)
        sentence = f"deniedModels does not allow the model a session starts with here ({default}), nor another one"
        return Decision("model", None, None, lost, sentence), name
    if instead is not None:
        sentence = f"{name.wire} is not allowed by availableModels or deniedModels, so {instead} takes its place"
        denied = denied_list(snapshot)  # nothing is renamed to what is denied
        kept = {model: other for model, other in overrides.items() if not is_denied(str(other), denied)}
        name = models.named(instead, {} if instead.startswith("claude-") else env, kept, aliases)
        if instead == default:
            name = _as_default(name, env, snapshot.client_version)
    elif name.alias is not None:
        sentence = f"{sentence}; {name.alias} says what {models.without_suffix(setting)} stands for"
        rows += [_lost(row, "says what the alias stands for") for row in candidates(snapshot, f"env.{name.alias}")]
    return _with_extra_body(snapshot, env, Decision("model", name.wire, winner, tuple(rows), sentence)), name


def _as_default(name: models.ModelName, env: Mapping[str, str], client_version: str | None) -> models.ModelName:
    """The default, which asks for the long window: not of a Claude that an alias stands for and that has none."""
    target = env.get(name.alias or "", "")
    asks = models.without_suffix(target) != target.strip()
    if asks or not models.has_no_long_window(target) or not holds("default-long-where-it-can", client_version):
        return name
    return replace(name, long=False)


def _with_extra_body(snapshot: Snapshot, env: Mapping[str, str], found: Decision) -> Decision:
    """The model with CLAUDE_CODE_EXTRA_BODY, whose members replace those of the request; what is no object is ignored.

    The window stays that of the model Claude Code believes to ask for (seen on 2.1.332).
    """
    text = env.get(EXTRA_BODY, "")
    try:
        body = strict_json(text) if text.strip() else None
    except (ValueError, RecursionError):
        return found
    model = body.get("model") if isinstance(body, dict) else None
    row = winner_of(candidates(snapshot, f"env.{EXTRA_BODY}"))
    if not isinstance(model, str) or row is None:
        return found
    reason = f"{EXTRA_BODY} replaces the model of every request"
    row = replace(row, value=model, reason=reason)
    rows = (row, *(_lost(each, reason) for each in found.candidates))
    return replace(found, value=model, winner=row, candidates=rows, sentence=reason)


def _named_model(snapshot: Snapshot) -> tuple[list[Candidate], Candidate | None]:
    """Every candidate for the model in the order of the rungs, and the one that names it."""
    rows: list[Candidate] = []
    winner: Candidate | None = None
    if snapshot.entry is Entry.MCP_SERVE:  # which takes no notice of `--model` (2.1.332)
        snapshot = replace(snapshot, cli_model=None)
    asks_for_default = (snapshot.cli_model or "").strip().lower() == "default"
    rungs = MODEL_RUNGS if holds("default-model-variable", snapshot.client_version) else MODEL_RUNGS[:-1]
    for key in rungs:
        for row in _model_rows(snapshot, key):
            if row.state != "wins":
                rows.append(row)
            elif asks_for_default and key != "env.ANTHROPIC_DEFAULT_MODEL":
                rows.append(_lost(row, "`--model default` asks for the default"))
            elif winner is not None:
                rows.append(_lost(row, f"{name_of(winner)} is asked first"))
            elif key != "--model" and not row.value:
                rows.append(_lost(row, "an empty name passes the question on"))
            else:
                winner = row
                rows.append(row)
    return rows, winner


def _model_rows(snapshot: Snapshot, key: str) -> Iterator[Candidate]:
    if key != "--model":
        yield from candidates(snapshot, key)
    elif snapshot.cli_model is not None:
        yield Candidate(Scope.CLI, "--model", None, None, snapshot.cli_model, "wins")


def _as_taken(winner: Candidate, default: str, client_version: str | None) -> str:
    """The setting as Claude Code takes it.

    It rewrites `"model": "opus"` in the user's settings to `opus[1m]`, for everybody whose own default that is.
    """
    if winner.scope is Scope.USER and winner.key == "model" and winner.value == "opus":
        return default if default == models.DEFAULT_SETTING else "opus"
    rewritten = winner.scope is Scope.USER and winner.key == "model" and winner.value == "sonnet[1m]"
    if rewritten and not holds("sonnet-1m-stays", client_version):
        return "sonnet-4-5-20250929[1m]"
    return winner.value or ""


def _default_by_login(snapshot: Snapshot, env: Mapping[str, str], provider: Provider) -> str | None:
    """What a session starts with under a provider that goes by the login, where one serves through a Unix socket."""
    if provider.name not in BY_LOGIN or not is_logged_in_through_a_socket(snapshot, env):
        return None
    return _for_subscription(env.get("CLAUDE_CODE_SUBSCRIPTION_TYPE"), snapshot.client_version)


def _for_subscription(kind: str | None, client_version: str | None) -> str:
    if kind in ("pro", "team") and not holds("pro-and-team-start-with-opus", client_version):
        return models.SMALL_LOGIN_DEFAULT
    return models.LOGIN_DEFAULTS.get(kind or "", models.SMALL_LOGIN_DEFAULT)


def default_setting(snapshot: Snapshot, env: Mapping[str, str], headers: Credentials, provider: Provider | None) -> str:
    """The model a session starts with when nobody names one; it depends on who pays.

    Opus with its long window for keys, tokens, helpers and the larger subscriptions, Opus for Pro, Sonnet for the rest.
    """
    at_gateway = headers.login is None or headers.login.scope is Scope.GATEWAY
    if provider is not None and at_gateway and not is_logged_in_through_a_socket(snapshot, env):
        return models.GATEWAY_DEFAULT  # cloud providers have tables of their own
    kind = env.get("CLAUDE_CODE_SUBSCRIPTION_TYPE") or None
    if provider is None or not at_gateway:
        login = headers.login
        if login is None or login.scope is Scope.PROFILE or login.key == f"env.{FEDERATION[0]}":
            return models.DEFAULT_SETTING
        if login.scope is Scope.LOGIN:
            kept = next((file.data.get("claudeAiOauth") for file in snapshot.of(Scope.LOGIN)), None)
            kind = kind or (str(kept.get("subscriptionType")) if isinstance(kept, dict) else None)
    return _for_subscription(kind, snapshot.client_version)


def _window(snapshot: Snapshot, env: Mapping[str, str], name: models.ModelName) -> Decision:
    behaves_as = _behaves_as(snapshot, name.wire) if holds("model-picker", snapshot.client_version) else None
    signed_in = gateway_sign_in(snapshot) is not None
    window, source = models.window_of(name, env, behaves_as, snapshot.client_version, signed_in=signed_in)
    rows = list(candidates(snapshot, f"env.{models.WINDOW_VARIABLE}"))
    if source == "variable":
        return Decision(
            "context_window", str(window), winner_of(rows), tuple(rows), f"{models.WINDOW_VARIABLE} says so"
        )
    reason = {
        "suffix": f"the [1m] suffix of {name.wire} asks for the long window",
        "known": f"{name.wire} is a name Claude Code knows, and it keeps to what it knows",
        "picker": f"modelPicker says what {name.wire} behaves as",
        "assumed": f"{name.wire} is a name Claude Code does not know, so it assumes this",
    }[source]
    rows = [_lost(row, reason) for row in rows]
    default = Candidate(Scope.DEFAULT, f"env.{models.WINDOW_VARIABLE}", None, None, str(window), "wins", reason)
    return Decision("context_window", str(window), default, (*rows, default), reason)


def _behaves_as(snapshot: Snapshot, wire: str) -> str | None:
    """The Claude model that `modelPicker` says this one behaves as; the key counts outside projects only."""
    for file in snapshot.of(Scope.SERVED, Scope.MANAGED, Scope.FLAG, Scope.USER):
        picker = file.data.get("modelPicker") if file.state is FileState.READ else None
        options = picker.get("options") if isinstance(picker, dict) else None
        if not isinstance(options, list):
            continue
        for option in options:
            if isinstance(option, dict) and str(option.get("model", "")).lower() == wire.lower():
                behaves = option.get("behavesAs")
                return behaves if isinstance(behaves, str) else None
        return None
    return None


def _lost(row: Candidate, reason: str) -> Candidate:
    return replace(row, state="shadowed", reason=reason) if row.state == "wins" else row
