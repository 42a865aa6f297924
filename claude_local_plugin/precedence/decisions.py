"""Takes the six decisions of a session: provider, base_url, authorization, x_api_key, model, context_window."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from claude_local_plugin.precedence import models
from claude_local_plugin.precedence.model import Candidate, Decision, Scope, Snapshot
from claude_local_plugin.precedence.resolve import candidates, effective_object, is_secret, scoped_value
from claude_local_plugin.precedence.table import (
    ANTHROPIC_API,
    AUTHORIZATION_RUNGS,
    FIRST_PARTY,
    MODEL_RUNGS,
    PROVIDERS,
    SCOPE_LABELS,
    X_API_KEY_RUNGS,
    Provider,
    Rung,
    holds,
)

HELPER_OUTPUT = "(output of apiKeyHelper)"


def decide(snapshot: Snapshot, env: Mapping[str, str]) -> dict[str, Decision]:
    """Every decision by name, in the order in which people ask."""
    provider = active_provider(env)
    model, name = _model(snapshot, env)
    found = (
        _provider(snapshot, provider),
        _base_url(snapshot, env, provider),
        *_headers(snapshot, env),
        model,
        _window(snapshot, env, name),
    )
    return {decision.name: decision for decision in found}


def active_provider(env: Mapping[str, str]) -> Provider | None:
    """The cloud provider whose switch is on, or None for the Anthropic API and what speaks it."""
    return next((provider for provider in PROVIDERS if models.is_truthy(env.get(provider.switch))), None)


def _provider(snapshot: Snapshot, provider: Provider | None) -> Decision:
    rows: list[Candidate] = []
    for each in PROVIDERS:
        rows += candidates(snapshot, f"env.{each.switch}")
    if provider is None:
        default = Candidate(Scope.DEFAULT, "provider", None, None, FIRST_PARTY, "wins", "no provider switch is on")
        rows = [_lost(row, "this value means off") for row in rows]
        return Decision("provider", FIRST_PARTY, default, (*rows, default), "no provider switch is on")
    rows = [
        row
        if row.state != "wins" or row.key == f"env.{provider.switch}"
        else _lost(row, f"{provider.switch} is asked first")
        for row in rows
    ]
    winner = _winner(rows)
    return Decision("provider", provider.name, winner, tuple(rows), f"{provider.switch} beats ANTHROPIC_BASE_URL")


def _base_url(snapshot: Snapshot, env: Mapping[str, str], provider: Provider | None) -> Decision:
    variable = "ANTHROPIC_BASE_URL" if provider is None or provider.name == "gateway" else provider.base_url_variable
    rows = list(candidates(snapshot, f"env.{variable}"))
    winner = _winner(rows)
    value = env.get(variable, "").strip()
    if provider is not None and variable != "ANTHROPIC_BASE_URL":
        unused = [
            _lost(row, f"{provider.switch} is on") if row.state == "wins" else row
            for row in candidates(snapshot, "env.ANTHROPIC_BASE_URL")
        ]
        sentence = f"{provider.label} is switched on, so ANTHROPIC_BASE_URL is not asked"
        return Decision("base_url", value or None, winner if value else None, (*rows, *unused), sentence)
    if value:
        return Decision("base_url", value, winner, tuple(rows), _sentence(winner, rows))
    default = Candidate(Scope.DEFAULT, f"env.{variable}", None, None, ANTHROPIC_API, "shadowed")
    if winner is not None:
        reason = f"the empty string in {winner.place} means the Anthropic API"
        return Decision("base_url", ANTHROPIC_API, winner, (*rows, replace(default, reason=reason)), reason)
    default = replace(default, state="wins")
    return Decision("base_url", ANTHROPIC_API, default, (*rows, default), "nobody sets another endpoint")


def _headers(snapshot: Snapshot, env: Mapping[str, str]) -> tuple[Decision, Decision]:
    explicit = any(
        (
            env.get("ANTHROPIC_API_KEY", "").strip(),
            env.get("ANTHROPIC_AUTH_TOKEN", "").strip(),
            scoped_value(snapshot, "apiKeyHelper"),
        )
    )
    login = not explicit and any(
        _usable(row) for rung in AUTHORIZATION_RUNGS if rung.login_only for row in _rung_rows(snapshot, rung)
    )
    custom = custom_headers(env.get("ANTHROPIC_CUSTOM_HEADERS", ""))
    key = _header(snapshot, "x_api_key", X_API_KEY_RUNGS, login=login, explicit=bool(explicit))
    token = _header(snapshot, "authorization", AUTHORIZATION_RUNGS, login=login, explicit=bool(explicit))
    return _with_custom_token(snapshot, token, custom), _with_custom_key(snapshot, key, custom)


def _header(snapshot: Snapshot, name: str, rungs: tuple[Rung, ...], *, login: bool, explicit: bool) -> Decision:
    """One header: the first rung with a value supplies it; the rungs below are named with the reason they lose."""
    rows: list[Candidate] = []
    winner: Candidate | None = None
    empty: Candidate | None = None
    for rung in rungs:
        for row in _rung_rows(snapshot, rung):
            if row.state != "wins":
                rows.append(row)
            elif not _usable(row):
                empty = empty or row
                rows.append(
                    replace(row, state="shadowed", reason="an empty value sends nothing and hides what is below it")
                )
            elif winner is not None:
                rows.append(_lost(row, f"{_name(winner)} is asked first"))
            elif rung.login_only and explicit:
                rows.append(_lost(row, "a login is only used when no key, token or helper is set"))
            elif rung.key == "primaryApiKey" and login:
                rows.append(_lost(row, "the claude.ai login is used instead"))
            else:
                winner = row
                rows.append(row)
    if winner is None and empty is not None:
        rows = [
            replace(row, state="wins", reason="")
            if row.place == empty.place and row.key == empty.key and row.value == ""
            else row
            for row in rows
        ]
        winner = _winner(rows)
        return Decision(name, None, winner, tuple(rows), "an empty value sends nothing", secret=True)
    value = None if winner is None else _sent(name, winner)
    return Decision(name, value, winner, tuple(rows), _sentence(winner, rows, nothing="nobody sets it"), secret=True)


def _sent(name: str, winner: Candidate) -> str:
    value = HELPER_OUTPUT if winner.key == "apiKeyHelper" else (winner.value or "").strip()
    return f"Bearer {value}" if name == "authorization" else value


def _rung_rows(snapshot: Snapshot, rung: Rung) -> Iterator[Candidate]:
    """The candidates of one rung: a variable, a settings key, the login file or the console key."""
    if rung.key == "primaryApiKey":
        yield from _stored(snapshot, Scope.CONSOLE, ("primaryApiKey",))
    elif rung.key == "claudeAiOauth.accessToken":
        yield from _stored(snapshot, Scope.LOGIN, ("claudeAiOauth", "accessToken"))
    else:
        yield from candidates(snapshot, rung.key)


def _stored(snapshot: Snapshot, scope: Scope, path: tuple[str, ...]) -> Iterator[Candidate]:
    for file in snapshot.of(scope):
        value: object = file.data
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
            if name == path[0] and value is None:
                value = file.data.get(name)
        if isinstance(value, str) and value:
            yield Candidate(scope, ".".join(path), file.path, file.line_of(path), value, "wins", "", secret=True)


def _usable(row: Candidate) -> bool:
    if row.key == "apiKeyHelper":
        return bool(row.value)
    return bool(row.value and row.value.strip())


def custom_headers(text: str) -> dict[str, str]:
    """The headers in ANTHROPIC_CUSTOM_HEADERS, one `Name: value` a line, by lower-case name; the last one counts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip():
            found[name.strip().lower()] = value.strip()
    return found


def _custom_row(snapshot: Snapshot) -> Candidate | None:
    return _winner(candidates(snapshot, "env.ANTHROPIC_CUSTOM_HEADERS"))


def _with_custom_key(snapshot: Snapshot, decision: Decision, custom: Mapping[str, str]) -> Decision:
    """A custom `x-api-key` header replaces whatever the rungs say, also by nothing."""
    row = _custom_row(snapshot)
    if row is None or "x-api-key" not in custom:
        return decision
    value = custom["x-api-key"]
    row = replace(row, value=value, reason="")
    rows = [
        _lost(each, "ANTHROPIC_CUSTOM_HEADERS replaces the header") if each.state == "wins" else each
        for each in decision.candidates
    ]
    return Decision(
        decision.name, value, row, (row, *rows), "ANTHROPIC_CUSTOM_HEADERS replaces the header", secret=True
    )


def _with_custom_token(snapshot: Snapshot, decision: Decision, custom: Mapping[str, str]) -> Decision:
    """A custom `Authorization` header gives way to a token or a helper, and stands in for a login."""
    row = _custom_row(snapshot)
    if row is None or not custom.get("authorization"):
        return decision
    row = replace(row, value=custom["authorization"], reason="")
    if (
        decision.value is not None
        and decision.winner is not None
        and decision.winner.key in ("env.ANTHROPIC_AUTH_TOKEN", "apiKeyHelper")
    ):
        loser = _lost(row, f"{_name(decision.winner)} is asked first")
        return replace(decision, candidates=(*decision.candidates, loser))
    rows = [
        _lost(each, "ANTHROPIC_CUSTOM_HEADERS replaces it") if each.state == "wins" else each
        for each in decision.candidates
    ]
    return Decision(
        decision.name,
        custom["authorization"],
        row,
        (row, *rows),
        "ANTHROPIC_CUSTOM_HEADERS sets the header",
        secret=True,
    )


def _model(snapshot: Snapshot, env: Mapping[str, str]) -> tuple[Decision, models.ModelName]:
    overrides = effective_object(snapshot, "modelOverrides")
    rows: list[Candidate] = []
    winner: Candidate | None = None
    skip = snapshot.cli_model is not None and snapshot.cli_model.strip().lower() == "default"
    for key in MODEL_RUNGS:
        for row in _model_rows(snapshot, key):
            if row.state != "wins":
                rows.append(row)
            elif skip and key in ("--model", "env.ANTHROPIC_MODEL", "model"):
                rows.append(_lost(row, "`--model default` asks for the default"))
            elif winner is not None:
                rows.append(_lost(row, f"{_name(winner)} is asked first"))
            elif key != "--model" and not (row.value or "").strip():
                rows.append(replace(row, state="shadowed", reason="an empty name means that the next one is asked"))
            else:
                winner = row
                rows.append(row)
    if winner is None:
        setting = models.DEFAULT_SETTING
        name = models.named(setting, env, overrides)
        winner = Candidate(Scope.DEFAULT, "model", None, None, setting, "wins", "nobody names a model")
        rows.append(winner)
    else:
        name = models.named(winner.value or "", env, overrides)
    sentence = _sentence(winner, rows, nothing="nobody names a model")
    if name.alias is not None:
        sentence = f"{sentence}; {name.alias} says what it stands for"
        rows += [
            replace(row, state="shadowed", reason="says what the alias stands for") if row.state == "wins" else row
            for row in candidates(snapshot, f"env.{name.alias}")
        ]
    return Decision("model", name.wire, winner, tuple(rows), sentence), name


def _model_rows(snapshot: Snapshot, key: str) -> Iterator[Candidate]:
    if key != "--model":
        yield from candidates(snapshot, key)
    elif snapshot.cli_model is not None:
        yield Candidate(Scope.CLI, "--model", None, None, snapshot.cli_model, "wins")


def _window(snapshot: Snapshot, env: Mapping[str, str], name: models.ModelName) -> Decision:
    unknown = models.ASSUMED_WINDOW if holds("unknown-window-1m", snapshot.client_version) else models.SMALL_WINDOW
    window, source = models.window_of(name, env, unknown)
    rows = list(candidates(snapshot, f"env.{models.WINDOW_VARIABLE}"))
    if source == "variable":
        winner = _winner(rows)
        return Decision("context_window", str(window), winner, tuple(rows), f"{models.WINDOW_VARIABLE} says so")
    why = {
        "suffix": f"the [1m] suffix of {name.wire} asks for the long window",
        "known": f"{name.wire} is a name Claude Code knows, and it keeps to what it knows",
        "assumed": f"{name.wire} is a name Claude Code does not know",
    }[source]
    rows = [_lost(row, why) if row.state == "wins" else row for row in rows]
    default = Candidate(Scope.DEFAULT, f"env.{models.WINDOW_VARIABLE}", None, None, str(window), "wins", why)
    return Decision("context_window", str(window), default, (*rows, default), why)


def _winner(rows: Iterable[Candidate]) -> Candidate | None:
    return next((row for row in rows if row.state == "wins"), None)


def _lost(row: Candidate, reason: str) -> Candidate:
    return replace(row, state="shadowed", reason=reason) if row.state == "wins" else row


def _name(row: Candidate) -> str:
    """A source as people say it: `ANTHROPIC_AUTH_TOKEN`, `apiKeyHelper`, `--model`."""
    if row.scope in (Scope.LOGIN, Scope.CONSOLE):
        return SCOPE_LABELS[row.scope]
    return row.key.removeprefix("env.")


def _sentence(winner: Candidate | None, rows: Iterable[Candidate], nothing: str = "") -> str:
    """Why the winner beats the next one."""
    if winner is None:
        return nothing
    rest = [row for row in rows if row is not winner]
    if not rest:
        return "nothing else sets it" if winner.scope is not Scope.DEFAULT else nothing
    return rest[0].reason or nothing


__all__ = ["HELPER_OUTPUT", "active_provider", "custom_headers", "decide", "is_secret"]
