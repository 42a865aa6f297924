"""Says whether a session would start: fine, not logged in, with a login that is of no use, or refused.

Observed on Claude Code 2.1.329. Every policy counts from managed settings only; the same key elsewhere does nothing.
"""

import re
from collections.abc import Iterator, Mapping

from claude_local_plugin.core.claude import (
    GATEWAY,
    HOST_AUTH,
    KEY_DESCRIPTOR,
    PINNED,
    SOCKET_SCHEME,
    UNIX_SOCKET,
    is_hosted,
    is_on,
    version_key,
)
from claude_local_plugin.core.endpoint import PROXY_VARIABLES, is_anthropics_api
from claude_local_plugin.core.frozen import replace
from claude_local_plugin.core.settings_files import is_bound_to_login
from claude_local_plugin.core.urls import can_be_asked
from claude_local_plugin.precedence.candidates import candidates, effective_env
from claude_local_plugin.precedence.credentials import credentials, is_unusable, name_of
from claude_local_plugin.precedence.logins import demanded_gateway, why_unusable
from claude_local_plugin.precedence.model import Candidate, Decision, Entry, FileState, Scope, Snapshot
from claude_local_plugin.precedence.table import ANTHROPIC_API, FIRST_PARTY, holds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from claude_local_plugin.precedence.model import Outcome

#: The credentials that `forceLoginMethod` and `forceLoginOrgUUID` do not accept in place of a login.
NOT_A_LOGIN = ("env.ANTHROPIC_API_KEY", f"env.{KEY_DESCRIPTOR}", "env.ANTHROPIC_AUTH_TOKEN", "apiKeyHelper")
LOGINS = ("env.CLAUDE_CODE_OAUTH_TOKEN", "claudeAiOauth.accessToken")

CUSTOM_ENDPOINT = "customEndpoint"


def outcome(snapshot: Snapshot, env: Mapping[str, str], decisions: Mapping[str, Decision]) -> "tuple[Outcome, str]":
    """The outcome and, where it is not `ok`, the reason as a sentence."""
    for reason in _refusals(snapshot, env, decisions):
        return "refused", reason
    if decisions["provider"].value == FIRST_PARTY and (demanded := demanded_gateway(snapshot)) is not None:
        where = f"the gateway {demanded.value}" if demanded.value else "a gateway"
        return "not_logged_in", f"{demanded.place} sends everybody to {where}, and nobody is signed in there"
    if decisions["provider"].value in (FIRST_PARTY, "gateway") and not _logged_in(snapshot, env, decisions):
        # where no URL can be made of the address, that is all Claude Code says (seen on 2.1.332)
        address = env.get("ANTHROPIC_BASE_URL", "").strip()
        return ("not_logged_in", _nobody(snapshot)) if not address or can_be_asked(address) else ("ok", "")
    if decisions["provider"].value == FIRST_PARTY:
        address = decisions["base_url"].value or ""
        if unusable := why_unusable(snapshot, env, decisions["authorization"], address):
            return "login_unusable", unusable
    return "ok", ""


def _nobody(snapshot: Snapshot) -> str:
    """Why there is no credential for a session, in words."""
    reason = "there is no key, token, helper or login, and a session says so and ends"
    if snapshot.shell.get(UNIX_SOCKET):
        return f"{UNIX_SOCKET} is set, where keys and tokens of settings files and logins do not count, and {reason}"
    if is_hosted(snapshot.shell):
        reason = "there is no key or token in the environment, and a session says so and ends"
        return f"CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST is on, and {reason}"
    unused = next((file for file in snapshot.of(Scope.GATEWAY, Scope.PROFILE) if file.problem), None)
    return reason if unused is None else f"{reason} ({unused.path}: {unused.problem})"


def _logged_in(snapshot: Snapshot, env: Mapping[str, str], decisions: Mapping[str, Decision]) -> bool:
    """Whether there is a credential; a custom header that takes a login's place by nothing leaves none."""
    token = decisions["authorization"]
    if is_unusable(token):  # it serves, and what comes of that is another question
        return True
    basic = token.winner is not None and token.winner.key == "env.ANTHROPIC_BASE_URL"  # a URL's password is no login
    if (token.value is not None and not basic) or decisions["x_api_key"].value:
        return True
    return credentials(snapshot, env).login is not None and decisions["authorization"].winner is None


def _refusals(snapshot: Snapshot, env: Mapping[str, str], decisions: Mapping[str, Decision]) -> Iterator[str]:
    for file in snapshot.of(Scope.FLAG):
        if file.state is FileState.UNKNOWN:
            yield f"--settings {file.path or ''}: {file.problem}".replace(" :", ":")
    strict = holds("broken-managed-refuses", snapshot.client_version)
    for file in snapshot.of(Scope.MANAGED, Scope.CONSOLE):
        if file.state is FileState.DROPPED and (strict or file.scope is Scope.CONSOLE):
            yield f"{file.path}: {file.problem}, and with this file broken no session starts"
    if snapshot.entry is Entry.MCP_SERVE and is_on(env.get("CLAUDE_CODE_SIMPLE")):
        yield "CLAUDE_CODE_SIMPLE is on, where `claude mcp serve` has no Agent tool to be called"
    yield from _lost_guards(snapshot)
    yield from _lost_sandbox(snapshot)
    yield from _bound_to_anthropic(snapshot, env, decisions)
    yield from unusable_proxy(snapshot)
    yield from _version_policy(snapshot)
    yield from _login_policy(snapshot, env, decisions)
    yield from _provider_policy(snapshot, decisions)
    yield from _model_policy(snapshot, decisions)


def _lost_guards(snapshot: Snapshot) -> Iterator[str]:
    """An administrator's guarding hook that cannot be loaded, where his settings say nothing else."""
    files = [file for file in snapshot.of(Scope.SERVED, Scope.MANAGED) if file.state is FileState.READ]
    broken = next((file for file in files if file.problem_at), None)
    left = any(value != {} for file in files for value in file.data.values())
    if broken is not None and not left and holds("no-guards-refuse", snapshot.client_version):
        why = next((problem for problem in broken.skipped if problem.startswith("hooks")), "a hook cannot be loaded")
        yield f"{broken.problem_place}: {why}, and nothing else is left of the administrator's settings"


def _lost_sandbox(snapshot: Snapshot) -> Iterator[str]:
    if not holds("sandbox-is-not-lost", snapshot.client_version):
        return
    for file in snapshot.of(Scope.FLAG):
        if file.state is FileState.DROPPED and _asks_for_sandbox(file.data.get("sandbox")):
            yield f"{file.problem_place}: {file.problem}, and without the sandbox in it no session starts"


def _asks_for_sandbox(value: object) -> bool:
    """Whether the value of `sandbox` would be missed: what is not understood counts as a wish for it."""
    if not isinstance(value, Mapping):
        return value is not None and value is not False
    wanted = value.get("enabled")
    return wanted is not None and wanted is not False and value.get("failIfUnavailable") is not False


def _bound_to_anthropic(snapshot: Snapshot, env: Mapping[str, str], decisions: Mapping[str, Decision]) -> Iterator[str]:
    """A program that starts Claude Code may bind it to the stored claude.ai login.

    ANTHROPIC_BASE_URL is looked at for that even where a provider's switch or a Unix socket puts it aside.
    """
    address = decisions["base_url"].value or ""
    if decisions["provider"].value != FIRST_PARTY or address.startswith(SOCKET_SCHEME):
        address = env.get("ANTHROPIC_BASE_URL", "").strip()
    bound = is_bound_to_login(snapshot.shell, snapshot.client_version)
    if bound and not is_anthropics_api(address or ANTHROPIC_API):
        yield f"{PINNED} is on, and no session starts that goes anywhere but to Anthropic"


def _policy(snapshot: Snapshot, key: str) -> tuple[object, str] | None:
    """A managed policy and the place where it stands, None where there is none; lists of several files are joined."""
    found = [
        file for file in snapshot.of(Scope.SERVED, Scope.MANAGED) if file.state is FileState.READ and key in file.data
    ]
    if not found:
        return None
    line = found[0].line_of((key,))
    place = f"{key} in {found[0].path}" + (f":{line}" if line else "")
    lists = [value for file in found if isinstance(value := file.data[key], list)]
    return ([each for listed in lists for each in listed] if lists else found[0].data[key]), place


#: The variables that name a proxy, in the order in which they are asked; the first that is not empty is looked at.
_PROXIES = PROXY_VARIABLES[:4]

#: A URL with a scheme and a host; the port is looked at by itself.
_PROXY_URL = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:/+(?:[^/\s@]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^/\s:?#@]+)(?::(\d*))?(?:[/?#]\S*)?"
)
#: A host and a port, and nothing else.
_BARE = re.compile(r"[A-Za-z0-9_.-]+(?::\d+)?(?:/\S*)?")


def unusable_proxy(snapshot: Snapshot) -> Iterator[str]:
    """A proxy that is no URL ends every start; what a project's files say of proxies comes too late for that.

    Observed on 2.1.200 to 2.1.332 (15 spellings in each variable and scope).
    """
    early = replace(
        snapshot,
        files=tuple(file for file in snapshot.files if file.scope not in (Scope.LOCAL, Scope.PROJECT)),
        shell={name: value for name, value in snapshot.shell.items() if name != HOST_AUTH},  # heard after that, too
    )
    rows = ((name, row) for name in _PROXIES for row in candidates(early, f"env.{name}") if row.state == "wins")
    found = next(((name, row) for name, row in rows if row.value), None)
    if found is None or _is_usable_proxy(*found, snapshot.client_version):
        return
    name, row = found
    where = "exported in the shell" if row.scope is Scope.SHELL else row.place
    yield f"{name} ({where}) is no complete URL: a proxy is written http://HOST:PORT"


def _is_usable_proxy(name: str, row: Candidate, client_version: str | None) -> bool:
    value = (row.value or "").strip()
    if match := _PROXY_URL.fullmatch(value):
        return int(match[1] or 0) < 65536
    if not _BARE.fullmatch(value):
        return False
    in_shell = row.scope is Scope.SHELL and name in ("https_proxy", "HTTPS_PROXY")
    return not holds("proxy-needs-scheme", client_version) or (in_shell and holds("bare-https-proxy", client_version))


def _version_policy(snapshot: Snapshot) -> Iterator[str]:
    client = version_key(snapshot.client_version or "")
    for key, word in (("requiredMinimumVersion", "newer"), ("requiredMaximumVersion", "older")):
        policy = _policy(snapshot, key)
        wanted = version_key(policy[0]) if policy and isinstance(policy[0], str) else ()
        if policy is None or len(wanted) != 3 or not client:  # what is no full version asks for nothing
            continue
        if client < wanted if word == "newer" else client > wanted:
            yield f"{policy[1]} asks for Claude Code {policy[0]} or {word}"


def _login_policy(snapshot: Snapshot, env: Mapping[str, str], decisions: Mapping[str, Decision]) -> Iterator[str]:
    """A forced login refuses every key, token and helper; with a provider the saved Console key too, else not.

    A provider that is sent nothing of these is let through (seen on 2.1.332).
    """
    organization, method = _policy(snapshot, "forceLoginOrgUUID"), _policy(snapshot, "forceLoginMethod")
    if method is not None and method[0] not in ("claudeai", "console", "gateway"):
        method = None
    policy = organization or method
    if policy is None or snapshot.shell.get(UNIX_SOCKET) or is_hosted(snapshot.shell):  # neither asks for a login
        return
    demanded = demanded_gateway(snapshot) is not None
    provider = decisions["provider"].value != FIRST_PARTY or demanded
    refused = (*NOT_A_LOGIN, "primaryApiKey") if provider else NOT_A_LOGIN
    headers = (decisions["authorization"], decisions["x_api_key"])
    switched = decisions["provider"].winner is not None and decisions["provider"].winner.key == f"env.{GATEWAY}"
    if provider and not switched:  # what is set counts, though it is sent nowhere
        found = credentials(snapshot, env)
        headers = (found.authorization, found.x_api_key)
    for header in headers:
        winner = header.winner
        if winner is None or not header.value:
            continue
        if winner.key in refused:
            yield f"{policy[1]} requires a login, which {name_of(winner)} from {winner.place} is not"
        elif organization is not None and winner.key in LOGINS and not provider:
            yield from _organization_policy(snapshot, organization)


def _organization_policy(snapshot: Snapshot, policy: tuple[object, str]) -> Iterator[str]:
    """A login must be of a listed organization; Claude Code asks Anthropic's servers, we go by the recorded account."""
    listed = policy[0] if isinstance(policy[0], list) else [policy[0]]
    if snapshot.organization not in listed:
        yield f"{policy[1]} requires a login of another organization than the one on record here"


def _provider_policy(snapshot: Snapshot, decisions: Mapping[str, Decision]) -> Iterator[str]:
    policy = _policy(snapshot, "allowedProviders")
    if policy is None or not holds("allowed-providers", snapshot.client_version):
        return
    allowed = {str(each) for each in policy[0]} if isinstance(policy[0], list) else set()
    for scope in (Scope.SERVED, Scope.MANAGED):  # what both list is what both allow
        lists = [file.data.get("allowedProviders") for file in snapshot.of(scope) if file.state is FileState.READ]
        listed = {str(each) for value in lists if isinstance(value, list) for each in value}
        if any(isinstance(value, list) for value in lists):
            allowed &= listed
    if snapshot.shell.get(UNIX_SOCKET, "").strip():
        yield f"{policy[1]} allows nothing that goes through a Unix socket ({UNIX_SOCKET})"
        return
    kind = _kind(snapshot, decisions)
    if kind not in allowed:
        yield f"{policy[1]} does not allow {_KINDS.get(kind, kind)}"
    elif kind == CUSTOM_ENDPOINT and not _pinned(snapshot, decisions["base_url"].value or ""):
        yield f"{policy[1]} allows no endpoint but the one that managed settings name"


def _model_policy(snapshot: Snapshot, decisions: Mapping[str, Decision]) -> Iterator[str]:
    """The model that a session starts with may be denied, and all that could take its place."""
    model, policy = decisions["model"], _policy(snapshot, "deniedModels")
    if model.value is None and policy is not None and decisions["provider"].value in (FIRST_PARTY, "gateway"):
        yield f"{policy[1]} allows neither the model that a session starts with here nor one in its place"


def _kind(snapshot: Snapshot, decisions: Mapping[str, Decision]) -> str:
    """What `allowedProviders` calls the place where requests go: an address of one's own is one for every provider."""
    provider, url = decisions["provider"].value or "", decisions["base_url"].value or ""
    if decisions["provider"].winner is not None and decisions["provider"].winner.scope is Scope.GATEWAY:
        return "gateway"
    if provider == FIRST_PARTY and demanded_gateway(snapshot) is not None:
        return "gateway"
    if provider == FIRST_PARTY:
        return "anthropic" if is_anthropics_api(url) else CUSTOM_ENDPOINT
    return CUSTOM_ENDPOINT if url else provider


_KINDS = {"anthropic": "the Anthropic API", CUSTOM_ENDPOINT: "an endpoint of your own"}


def _pinned(snapshot: Snapshot, url: str) -> bool:
    """Whether managed settings themselves name this endpoint."""
    return any(
        str(file.env.get("ANTHROPIC_BASE_URL", "")).strip() == url
        for file in snapshot.of(Scope.MANAGED)
        if file.state is FileState.READ
    )


def where_mcp_serve_goes(snapshot: Snapshot) -> str | None:
    """Where `claude mcp serve` started here sends its prompts; None where it would send none."""
    from claude_local_plugin.precedence.decisions import decide

    if not holds("mcp-serve-asks", snapshot.client_version):
        return None
    served = replace(snapshot, entry=Entry.MCP_SERVE)
    env = effective_env(served)
    decisions = decide(served, env)
    return decisions["base_url"].value if outcome(served, env, decisions)[0] == "ok" else None
