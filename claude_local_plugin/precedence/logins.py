"""Logins besides claude.ai's: login profiles, exchanged identity tokens, and a sign-in at a Claude apps gateway.

What is here was seen on Claude Code 2.1.329 and 2.1.332 by looking at the requests that arrived.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from claude_local_plugin.core import credential_profiles
from claude_local_plugin.core.claude import is_hosted, js_string
from claude_local_plugin.core.sign_in import is_named
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.precedence.candidates import early_env, effective_env, first_env
from claude_local_plugin.precedence.model import Candidate, Decision, FileState, Scope, SettingsFile, Snapshot
from claude_local_plugin.precedence.table import FEDERATION, PROFILE_NAME, holds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: What a header is said to carry when the token in it is not known here.
EXCHANGED = "(exchanged for an identity token)"
RENEWED = "(renewed, since its time is over)"
#: What stands for the token of a login with which every request fails.
UNUSABLE = "(of no use)"

#: Where tokens are exchanged over plain HTTP.
LOOPBACK = ("localhost", "127.0.0.1", "::1")

#: How long Claude Code tries before it says what is wrong with a login, and how soon it says the rest (2.1.332).
SLOWLY, AT_ONCE = "Claude Code tries for three minutes and says so then", "Claude Code says so at once and ends"


def profile_file(snapshot: Snapshot) -> SettingsFile | None:
    """The login profile that a session here has: the named one, else the active one; None where there is none.

    Its `data` is that of `profiles.Profile`. Whether there is one at all is settled before a project's files are read
    (see `login_env`), and which one it is when its token is first needed: before them, too, where Anthropic is asked
    with it for served settings or, at its own address, for what an organization limits (36 questions to 2.1.332).
    """
    env, early, first = effective_env(snapshot), early_env(snapshot), login_env(snapshot)
    folder, name = credential_profiles.store(str(snapshot.home), env), first.get(PROFILE_NAME, "")
    found = credential_profiles.in_use(folder, name, early.get(PROFILE_NAME))
    unasked = found is None or (_leads_elsewhere(early) and not credential_profiles.is_served(found))
    if unasked or _leads_elsewhere(first):
        found = credential_profiles.in_use(folder, name, env.get(PROFILE_NAME))
    if found is None:
        return None
    unusable = FileState.ABSENT if found.absent else FileState.UNUSED
    state = FileState.READ if found.problem is None else unusable
    return SettingsFile(Scope.PROFILE, Path(found.path), state, found.problem, found.data, found.text)


def token_of(snapshot: Snapshot, profile: SettingsFile) -> tuple[str, bool]:
    """What a login profile sends, and whether that is a secret."""
    if credential_profiles.problem_of(profile.data, effective_env(snapshot)) is not None:
        return UNUSABLE, False
    if profile.data.get("renewed"):
        return RENEWED, False
    token = profile.data.get("access_token")
    return (js_string(token), True) if token else (EXCHANGED, False)


def why_unusable(snapshot: Snapshot, env: Mapping[str, str], token: Decision, url: str) -> str | None:
    """Why no request is sent with the login that serves, and how soon that is said; None where one is sent."""
    winner = token.winner
    if winner is None:
        return None
    found, what = None, ""
    if winner.scope is Scope.PROFILE:
        profile = next(snapshot.of(Scope.PROFILE))
        found, what = credential_profiles.problem_of(profile.data, env), f"the login profile in {profile.path} serves"
    elif winner.key == f"env.{FEDERATION[0]}":
        found, what = (
            credential_profiles.not_exchanged((credential_profiles.IDENTITY,), env),
            "an identity token is to be exchanged",
        )
    target = parse_url(url) if url.strip().lower().startswith("http:") else None
    if found is None and winner.value in (EXCHANGED, RENEWED) and target is not None and target.host not in LOOPBACK:
        what = what or "a token is to be exchanged"
        found = f"none is exchanged over plain HTTP with another machine ({target.label})", True
    return f"{what}, and {found[0]}: {SLOWLY if found[1] else AT_ONCE}" if found is not None else None


def login_env(snapshot: Snapshot) -> dict[str, str]:
    """The environment in which Claude Code settles whether there is a login of its library's kind.

    Neither a project's files are in it nor, as a rule, an administrator's (see `credential_profiles`).
    """
    first = first_env(snapshot)
    asked = credential_profiles.asks_administrator(first.get("ANTHROPIC_BASE_URL", ""), snapshot.client_version)
    return early_env(snapshot) if asked else first


def _leads_elsewhere(env: Mapping[str, str]) -> bool:
    return credential_profiles.leads_elsewhere(env.get("ANTHROPIC_BASE_URL", ""))


def federation(snapshot: Snapshot) -> bool:
    """Whether Claude Code exchanges an identity token, which is settled before a project's files are read."""
    env = login_env(snapshot)
    return not env.get(PROFILE_NAME, "").strip() and all(env.get(name, "").strip() for name in FEDERATION)


def gateway_file(path: Path, data: "Mapping[str, Any]", text: str, now: float | None = None) -> SettingsFile | None:
    """A sign-in at a Claude apps gateway, as Claude Code keeps it beside its other logins; None where there is none.

    Its `data` is that of the sign-in. It is not used without the trust in the gateway's host that goes with it, nor
    once it has expired and cannot be renewed.
    """
    login = data.get("enterpriseGateway")
    if not isinstance(login, dict) or not isinstance(login.get("url"), str) or not login.get("jwt"):
        return None
    parts = urlsplit(login["url"])
    trusted = data.get("gatewayTrust")
    trust = trusted.get(parts.hostname or "") if isinstance(trusted, dict) else None
    problem = None
    if not trust or (parts.scheme == "http") is not (trust == "http-loopback"):
        problem = f"the gateway {parts.hostname} is not trusted on this machine any more"
    elif has_expired(login, now) and not login.get("idpRefreshToken"):
        problem = "the sign-in has expired and cannot be renewed"
    state = FileState.READ if problem is None else FileState.UNUSED
    return SettingsFile(Scope.GATEWAY, path, state, problem, login, text)


def has_expired(login: "Mapping[str, Any]", now: float | None = None) -> bool:
    """Whether the time up to which a gateway's token holds is over; one without a time holds."""
    until = login.get("expiresAt")
    return isinstance(until, int | float) and until <= (time.time() if now is None else now) * 1000


#: A gateway's token is renewed so many seconds before it expires.
GATEWAY_LEEWAY = 300


def is_renewed(login: "Mapping[str, Any]", now: float | None = None) -> bool:
    """Whether a start renews the gateway's token (seen on 2.1.332)."""
    moment = (time.time() if now is None else now) + GATEWAY_LEEWAY
    return bool(login.get("idpRefreshToken")) and has_expired(login, moment)


def gateway_sign_in(snapshot: Snapshot) -> SettingsFile | None:
    """The gateway sign-in that sessions here use, before any key, token, provider or address; None where none is.

    An administrator's file that does not name the gateway puts it aside, and so does a host that does the routing.
    """
    found = next((file for file in snapshot.of(Scope.GATEWAY) if file.state is FileState.READ), None)
    if found is None or is_hosted(snapshot.shell):
        return None
    rules = [file.data for file in snapshot.of(Scope.MANAGED) if file.state is FileState.READ and file.data]
    return found if is_named(rules, str(found.data["url"]), snapshot.client_version) is not False else None


def demanded_gateway(snapshot: Snapshot) -> Candidate | None:
    """The gateway that an administrator's file sends everybody to who uses no provider's switch; None without one.

    Whoever is not signed in there is told so, whatever key, token or login there is (seen on 2.1.332). Where the file
    demands some gateway (`forceLoginMethod`) and does not say which, the value is empty.
    """
    if is_hosted(snapshot.shell) or not holds("gateway-demanded", snapshot.client_version):
        return None
    for key in ("forceLoginGatewayUrl", "forceLoginMethod"):
        for file in snapshot.of(Scope.MANAGED):
            said = file.data.get(key) if file.state is FileState.READ else None
            if isinstance(said, str) and said.strip() and (key == "forceLoginGatewayUrl" or said == "gateway"):
                url = said.strip() if key == "forceLoginGatewayUrl" else ""
                return Candidate(file.scope, key, file.path, file.line_of((key,)), url, "wins")
    return None
