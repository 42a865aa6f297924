"""Says whether a session would start: fine, not logged in, or refused by an administrator or the command line.

Observed on Claude Code 2.1.329. Every policy counts from managed settings only; the same key elsewhere does nothing.
"""

from collections.abc import Iterator, Mapping

from claude_local_plugin.precedence.credentials import credentials, name_of
from claude_local_plugin.precedence.model import Decision, FileState, Outcome, Scope, SettingsFile, Snapshot
from claude_local_plugin.precedence.table import FIRST_PARTY, is_anthropic, version_key

#: The credentials that `forceLoginMethod` and `forceLoginOrgUUID` do not accept in place of a login.
NOT_A_LOGIN = ("env.ANTHROPIC_API_KEY", "env.ANTHROPIC_AUTH_TOKEN", "apiKeyHelper")


def outcome(snapshot: Snapshot, env: Mapping[str, str], decisions: Mapping[str, Decision]) -> tuple[Outcome, str]:
    """The outcome and, where it is not `ok`, the reason as a sentence."""
    for reason in _refusals(snapshot, decisions):
        return "refused", reason
    if decisions["provider"].value in (FIRST_PARTY, "gateway") and not _logged_in(snapshot, env, decisions):
        return "not_logged_in", "there is no key, token, helper or login, and a session says so and ends"
    return "ok", ""


def _logged_in(snapshot: Snapshot, env: Mapping[str, str], decisions: Mapping[str, Decision]) -> bool:
    """Whether there is a credential; a custom header that takes a login's place by nothing leaves none."""
    if decisions["authorization"].value is not None or decisions["x_api_key"].value:
        return True
    return credentials(snapshot, env).login is not None and decisions["authorization"].winner is None


def _refusals(snapshot: Snapshot, decisions: Mapping[str, Decision]) -> Iterator[str]:
    for file in snapshot.of(Scope.FLAG):
        if file.state is FileState.UNKNOWN:
            yield f"--settings {file.path}: {file.problem}"
    for file in snapshot.of(Scope.MANAGED):
        if file.state is FileState.DROPPED:
            yield f"{file.path} is {file.problem}: with a broken administrator's file nothing starts"
    for file in snapshot.of(Scope.MANAGED):
        if file.state is FileState.READ:
            yield from _version_policy(file, snapshot.client_version)
            yield from _login_policy(file, decisions)
            yield from _provider_policy(file, snapshot, decisions)


def _at(file: SettingsFile, key: str) -> str:
    line = file.line_of((key,))
    return f"{key} in {file.path}:{line}" if line else f"{key} in {file.path}"


def _version_policy(file: SettingsFile, client_version: str | None) -> Iterator[str]:
    if client_version is None:
        return
    least, most = file.data.get("requiredMinimumVersion"), file.data.get("requiredMaximumVersion")
    if isinstance(least, str) and version_key(client_version) < version_key(least):
        yield f"{_at(file, 'requiredMinimumVersion')} asks for Claude Code {least} or newer"
    if isinstance(most, str) and version_key(client_version) > version_key(most):
        yield f"{_at(file, 'requiredMaximumVersion')} asks for Claude Code {most} or older"


def _login_policy(file: SettingsFile, decisions: Mapping[str, Decision]) -> Iterator[str]:
    """A forced login refuses every key, token and helper; clouds and the login itself are let through."""
    key = "forceLoginOrgUUID" if "forceLoginOrgUUID" in file.data else "forceLoginMethod"
    method = file.data.get("forceLoginMethod")
    if key == "forceLoginMethod" and method not in ("claudeai", "console", "gateway"):
        return
    if decisions["provider"].value != FIRST_PARTY:
        return
    for name in ("authorization", "x_api_key"):
        winner = decisions[name].winner
        if winner is not None and decisions[name].value and winner.key in NOT_A_LOGIN:
            yield f"{_at(file, key)} requires a login, which {name_of(winner)} from {winner.place} is not"


def _provider_policy(file: SettingsFile, snapshot: Snapshot, decisions: Mapping[str, Decision]) -> Iterator[str]:
    if "allowedProviders" not in file.data:
        return
    listed = file.data["allowedProviders"]
    allowed = [str(each) for each in listed] if isinstance(listed, list) else []
    provider, url = decisions["provider"].value, decisions["base_url"].value or ""
    own = "anthropic" if is_anthropic(url) else "customEndpoint"
    kind = own if provider == FIRST_PARTY else str(provider)
    if kind not in allowed:
        yield f"{_at(file, 'allowedProviders')} does not allow {_KINDS.get(kind, kind)}"
    elif kind == "customEndpoint" and not _pinned(snapshot, url):
        yield f"{_at(file, 'allowedProviders')} allows no endpoint but the one managed settings name"


_KINDS = {"anthropic": "the Anthropic API", "customEndpoint": "an endpoint of your own"}


def _pinned(snapshot: Snapshot, url: str) -> bool:
    """Whether managed settings themselves name this endpoint."""
    return any(
        str(file.env.get("ANTHROPIC_BASE_URL", "")).strip() == url
        for file in snapshot.of(Scope.MANAGED)
        if file.state is FileState.READ
    )
