"""What a user should know about a configuration, each with the command or edit that fixes it.

Pure: everything is read off the snapshot and the decisions. One that is an error makes `explain-precedence`
end with exit code 1.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from claude_local_plugin.checks import Finding, Place, Result, Where
from claude_local_plugin.core.claude import (
    ANTHROPIC_PREFIX,
    KEY_DESCRIPTOR,
    OAUTH_DESCRIPTOR,
    SOCKET_SCHEME,
    UNIX_SOCKET,
    custom_headers,
    is_anthropics,
    is_hosted,
    is_on,
    secret_headers,
    socket_of,
)
from claude_local_plugin.core.endpoint import PLACEHOLDER, Backend, is_foreign, is_proxied, sent_to, via_of
from claude_local_plugin.core.env_rules import routed_by_host
from claude_local_plugin.core.helper import taken_apart
from claude_local_plugin.core.settings_files import routed_by
from claude_local_plugin.core.shell import Words, command, edit, export
from claude_local_plugin.core.urls import Target, can_be_asked, parse_url
from claude_local_plugin.precedence import models
from claude_local_plugin.precedence.available import limiting
from claude_local_plugin.precedence.credentials import name_of, unusable_header
from claude_local_plugin.precedence.decisions import backend_in_use
from claude_local_plugin.precedence.logins import EXCHANGED, RENEWED, gateway_sign_in
from claude_local_plugin.precedence.model import (
    Candidate,
    Decision,
    Entry,
    FileState,
    Scope,
    Snapshot,
)
from claude_local_plugin.precedence.policy import unusable_proxy
from claude_local_plugin.precedence.served import ONLY_CONFIRMED, age_of, who_is_served
from claude_local_plugin.precedence.table import FEDERATION, FIRST_PARTY, HOOK_SWITCHES, SCOPE_LABELS, is_verified

#: Without it no proxyAuthHelper is run.
PROXY_HELPER = "CLAUDE_CODE_ENABLE_PROXY_AUTH_HELPER"

_FILE_SCOPES = (Scope.SERVED, Scope.MANAGED, Scope.FLAG, Scope.LOCAL, Scope.PROJECT, Scope.USER)
_EARLY_SCOPES = (Scope.MANAGED, Scope.FLAG, Scope.USER, Scope.SHELL)
#: What ends a sign-in at a gateway, and what has every session of the user's go where those here go.
LOG_OUT = command("claude", "auth", "logout")
FOR_THE_USER = command("claude-local", "enable", "--scope", "user")
ASK_THE_ADMINISTRATOR = "ask whoever manages this machine's settings"
#: Where to take out what stands in the text given to the client.
IN_FLAG = "take it out of the text for --settings"


def warnings(snapshot: Snapshot, env: Mapping[str, str], decisions: Mapping[str, Decision]) -> tuple[Finding, ...]:
    """Every warning that stands, errors first."""
    backend = backend_in_use(snapshot)
    found = [
        *_unusable_headers(snapshot, env),
        *_files(snapshot),
        *_leaks(snapshot, env, decisions, backend),
        *_gateway(snapshot, decisions),
        *_socket(snapshot),
        *_proxy_helper(snapshot, env, decisions),
        *_served(snapshot),
        *_mcp_serve(snapshot, decisions),
        *_endpoint(snapshot, env, decisions, backend),
        *_credentials(snapshot, env, decisions),
        *_window(snapshot, env, decisions, backend),
        *_repository(snapshot),
        *_hooks(snapshot),
        *_version(snapshot),
    ]
    return tuple(sorted(found, key=lambda finding: list(Result).index(finding.result), reverse=True))


# --- files


def _files(snapshot: Snapshot) -> Iterator[Finding]:
    for file in snapshot.files:
        if file.state is FileState.DROPPED:
            yield Finding(
                "files.dropped",
                Result.ERROR,
                f"Claude Code ignores {file.path or 'the --settings text'} as a whole: {file.problem}",
                f"correct {file.problem_place}",
            )
        for entry in file.skipped if file.state is FileState.READ else ():
            # entries are left out of an administrator's files alone
            yield Finding("files.skipped", Result.WARNING, f"{file.path}: {entry}", ASK_THE_ADMINISTRATOR)


# --- leaks: a credential that is not meant for the server it is sent to


def _leaks(
    snapshot: Snapshot, env: Mapping[str, str], decisions: Mapping[str, Decision], backend: Backend
) -> Iterator[Finding]:
    """Each credential of the user's that would arrive at an endpoint that is not Anthropic's."""
    endpoint, provider = decisions["base_url"], decisions["provider"].value or ""
    if endpoint.value is None or _at_a_gateway(decisions):
        return
    if provider not in (FIRST_PARTY, "gateway"):
        if is_foreign(provider, endpoint.value):
            yield from _provider_leaks(snapshot, env, provider, endpoint)
        return
    if backend.cloud:
        return
    host = backend.target.label if backend.target else "the server"
    if endpoint.value.startswith(SOCKET_SCHEME):
        host = endpoint.value
    for name in ("authorization", "x_api_key"):
        decision = decisions[name]
        if decision.value and decision.winner is not None:
            yield from _leak(decision.winner, endpoint.winner, host, env, header=name.replace("_", "-"))
    yield from _header_leaks(snapshot, env, endpoint.winner, host)


def _provider_leaks(snapshot: Snapshot, env: Mapping[str, str], provider: str, endpoint: Decision) -> Iterator[Finding]:
    """Each credential that a cloud provider is sent where its address leads to somebody else."""
    from claude_local_plugin.precedence.candidates import winning

    host = _shown(endpoint.value)
    for name in sent_to(provider, env):
        source = winning(snapshot, name if name == "apiKeyHelper" else f"env.{name}")
        if source is None or not source.value or source.value == PLACEHOLDER:
            continue
        together = _same_place(source, endpoint.winner) and not is_anthropics(source.value)
        if together and source.path is not None:
            continue  # one file names the server and its key
        told = f"the output of {name}" if name == "apiKeyHelper" else name
        meant = "; if it is that server's own, this is fine" if together else ""
        yield Finding(
            "leak.provider-token",
            Result.WARNING if together else Result.ERROR,
            f"{told} ({_where(source)}) is sent to {host}, which is no address of {provider}{meant}",
            _where_it_is_set(snapshot, source),
            place_of(source),
        )
    custom = winning(snapshot, "env.ANTHROPIC_CUSTOM_HEADERS")
    headers = custom_headers(env.get("ANTHROPIC_CUSTOM_HEADERS", ""))
    secret = [name for name in secret_headers(headers) if name != "authorization"]
    anthropics = any(is_anthropics(headers[name]) for name in secret)
    if custom is not None and secret and (anthropics or not _same_place(custom, endpoint.winner)):
        yield Finding(
            "leak.headers",
            Result.ERROR,
            f"the headers in ANTHROPIC_CUSTOM_HEADERS ({_where(custom)}) are sent to {host}: {', '.join(secret)}",
            _where_it_is_set(snapshot, custom),
            place_of(custom),
        )


def _leak(
    source: Candidate, endpoint: Candidate | None, host: str, env: Mapping[str, str], *, header: str
) -> Iterator[Finding]:
    if source.key in ("env.ANTHROPIC_CUSTOM_HEADERS", "env.ANTHROPIC_BASE_URL") or source.value == PLACEHOLDER:
        return  # headers are looked at by themselves; the placeholder is ours
    name = source.key.removeprefix("env.")
    told = {
        "apiKeyHelper": "the output of apiKeyHelper",
        "primaryApiKey": "your saved Console key",
        KEY_DESCRIPTOR: f"the key that {KEY_DESCRIPTOR} hands over",
        OAUTH_DESCRIPTOR: f"the login that {OAUTH_DESCRIPTOR} hands over",
        FEDERATION[0]: "your identity token, and what it is exchanged for,",
        "profile.access_token": "the token of your login profile",
    }.get(name)
    if source.scope is Scope.LOGIN or name == "CLAUDE_CODE_OAUTH_TOKEN":
        told = "your claude.ai login"
    # a key of Anthropic's own is never another server's, wherever it is written
    together = _same_place(source, endpoint) and not (source.value or "").startswith(ANTHROPIC_PREFIX)
    gives_its_own = name == "apiKeyHelper" and taken_apart(source.value) is not None
    named = name in ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY") or gives_its_own
    if together and named and source.path is not None:
        return  # one file names the server and its key
    result = Result.WARNING if together else Result.ERROR
    meant = "; if it is that server's own key, this is fine" if together else ""
    shell = source.scope is Scope.SHELL
    yield _leaking(
        f"leak.shell-{_shell_id(name)}" if shell else f"leak.{_LEAK_IDS.get(name, 'token')}",
        result,
        f"{told or name} ({_where(source)}) is sent to {host} as {header}{meant}",
        source,
        endpoint,
        env,
    )


_LEAK_IDS = {
    "ANTHROPIC_API_KEY": "api-key",
    "ANTHROPIC_AUTH_TOKEN": "token",
    "apiKeyHelper": "helper",
    "CLAUDE_CODE_OAUTH_TOKEN": "login",
    "claudeAiOauth.accessToken": "login",
    "primaryApiKey": "console-key",
    "profile.access_token": "login",
    FEDERATION[0]: "login",
}


def _shell_id(name: str) -> str:
    ids = {"ANTHROPIC_API_KEY": "api-key", KEY_DESCRIPTOR: "api-key"}
    oauth = dict.fromkeys(("CLAUDE_CODE_OAUTH_TOKEN", OAUTH_DESCRIPTOR, FEDERATION[0]), "oauth-token")
    return (ids | oauth).get(name, "token")


def _same_place(source: Candidate, endpoint: Candidate | None) -> bool:
    return endpoint is not None and source.scope is endpoint.scope and source.path == endpoint.path


def place_of(candidate: Candidate | None) -> Where:
    """Where a value is set: a place in a file, or the scope in words."""
    if candidate is None or candidate.scope is Scope.DEFAULT:
        return None
    return Place(candidate.path, candidate.line) if candidate.path else candidate.place


def _where(source: Candidate) -> str:
    return "exported in the shell" if source.scope is Scope.SHELL else source.place


def _where_it_is_set(snapshot: Snapshot, source: Candidate) -> str:
    """The command that takes a value out where it is set, or opens the file there."""
    if source.scope is Scope.SHELL:
        return command("unset", source.key.removeprefix("env."))
    return _in_the_file(snapshot, source.scope, source.path, source.line)


def _in_the_file(snapshot: Snapshot, scope: Scope, path: Path | None, line: int | None) -> str:
    """The command that opens a settings file in the user's editor; an administrator's is for the administrator."""
    if scope in (Scope.SERVED, Scope.MANAGED):
        return ASK_THE_ADMINISTRATOR
    return IN_FLAG if path is None else edit(str(path), line, snapshot.shell)


def _leaking(
    name: str, result: Result, what: str, source: Candidate, endpoint: Candidate | None, env: Mapping[str, str]
) -> Finding:
    """A leak, with the command that stops it; `enable` can, unless somebody else is to be asked or the shell."""
    other = _not_by_enable(source, endpoint)
    url = _shown(env.get("ANTHROPIC_BASE_URL", ""))
    # where the user's own settings name the server, and nothing stronger the credential, they are what is fixed
    weaker = source.scope not in (Scope.FLAG, Scope.LOCAL, Scope.PROJECT)
    users = ("--scope", "user") if endpoint is not None and endpoint.scope is Scope.USER and weaker else ()
    enable = command("claude-local", "enable", "--url", url, *users)
    return Finding(name, result, what, other or enable, place_of(source), fixable=other is None)


def _not_by_enable(source: Candidate, endpoint: Candidate | None) -> str | None:
    """What stops a leak that `enable` cannot: what an administrator sets, only the administrator can change."""
    if source.scope is Scope.MANAGED or (endpoint is not None and endpoint.scope is Scope.MANAGED):
        return ASK_THE_ADMINISTRATOR
    if endpoint is not None and endpoint.scope is Scope.SHELL and source.scope is Scope.SHELL:
        return command("unset", source.key.removeprefix("env."))
    return None


def _header_leaks(
    snapshot: Snapshot, env: Mapping[str, str], endpoint: Candidate | None, host: str
) -> Iterator[Finding]:
    from claude_local_plugin.precedence.candidates import winning

    source = winning(snapshot, "env.ANTHROPIC_CUSTOM_HEADERS")
    if source is None or not source.value:
        return
    ours = (PLACEHOLDER, env.get("ANTHROPIC_AUTH_TOKEN", "").strip())
    headers = custom_headers(source.value)
    # a token takes the place of an Authorization of one's own, and so does a helper's output where one is run
    helper = winning(snapshot, "apiKeyHelper")
    idle = bool(ours[1] or (helper and helper.value and not is_hosted(snapshot.shell)))
    sent = {name: value for name, value in headers.items() if not (name == "authorization" and idle)}
    foreign = [name for name, value in sent.items() if not (name == "x-api-key" and value in ours)]
    secret = [name for name in secret_headers(headers) if name in foreign]
    anthropics = [name for name in secret if is_anthropics(headers[name])]
    if not foreign or (not anthropics and _same_place(source, endpoint)):
        return  # one place names the server and its headers
    result = Result.ERROR if secret else Result.WARNING
    what = f"the headers in ANTHROPIC_CUSTOM_HEADERS ({_where(source)}) are sent to {host}: {', '.join(foreign)}"
    yield _leaking("leak.headers", result, what, source, endpoint, env)


def _unusable_headers(snapshot: Snapshot, env: Mapping[str, str]) -> Iterator[Finding]:
    from claude_local_plugin.precedence.candidates import winning

    problem = unusable_header(env.get("ANTHROPIC_CUSTOM_HEADERS", ""))
    source = winning(snapshot, "env.ANTHROPIC_CUSTOM_HEADERS")
    if problem is not None and source is not None:
        yield Finding(
            "headers.unusable",
            Result.ERROR,
            f"ANTHROPIC_CUSTOM_HEADERS ({_where(source)}) keeps every request from being sent: {problem}",
            "write one Name: value a line",
        )


# --- what comes before the endpoint that is set: a gateway sign-in, a socket, served settings


def _at_a_gateway(decisions: Mapping[str, Decision]) -> bool:
    winner = decisions["provider"].winner
    return winner is not None and winner.scope is Scope.GATEWAY


def _gateway(snapshot: Snapshot, decisions: Mapping[str, Decision]) -> Iterator[Finding]:
    """A sign-in at a Claude apps gateway decides where sessions go, or would if something did not stand before it."""
    sign_in = next(iter(snapshot.of(Scope.GATEWAY)), None)
    yield from _gateway_unnamed(snapshot)
    if sign_in is None:
        return
    kept = f"a sign-in at the Claude apps gateway {_shown(sign_in.data['url'])} is kept in {sign_in.path}"
    other = next((row for row in decisions["base_url"].candidates if row.key == "env.ANTHROPIC_BASE_URL"), None)
    meant = f", not to {_shown(other.value)}" if other is not None and other.value else ""
    if _at_a_gateway(decisions):
        yield Finding(
            "gateway.sign-in",
            Result.ERROR if meant else Result.INFO,
            f"{kept}, and comes before every address, key and provider: sessions go there{meant}",
            f"{LOG_OUT}   (ends the sign-in)",
        )
        until = sign_in.data.get("expiresAt")
        if not sign_in.data.get("idpRefreshToken") and isinstance(until, int | float):
            yield Finding(
                "gateway.expires",
                Result.WARNING,
                f"the gateway sign-in cannot be renewed: from {_time(until)} on sessions go"
                f" {f'to {_shown(other.value)}' if other is not None and other.value else 'where other settings say'}",
                f"{LOG_OUT}   (or sign in again before: {command('claude', '/login')})",
            )
    elif sign_in.problem is not None:
        yield Finding("gateway.unused", Result.INFO, f"{kept} and is not used: {sign_in.problem}", LOG_OUT)
    elif gateway_sign_in(snapshot) is None:
        hosted = is_hosted(snapshot.shell)
        why = "a host does the routing" if hosted else "the administrator's settings do not name it"
        yield Finding(
            "gateway.unused",
            Result.INFO,
            f"{kept} and is not used: {why}{'' if hosted else ' (forceLoginGatewayUrl)'}",
            LOG_OUT,
        )


def _gateway_unnamed(snapshot: Snapshot) -> Iterator[Finding]:
    """An administrator asks for a sign-in at a gateway and names none: beside such a file none counts."""
    files = [file for file in snapshot.of(Scope.SERVED, Scope.MANAGED) if file.state is FileState.READ]
    asks = next((file for file in files if file.data.get("forceLoginMethod") == "gateway"), None)
    if asks is not None and not any("forceLoginGatewayUrl" in file.data for file in files):
        yield Finding(
            "gateway.unnamed",
            Result.ERROR,
            f"{asks.path} wants a sign-in at a Claude apps gateway (forceLoginMethod) and names none"
            " (forceLoginGatewayUrl), so no sign-in counts",
            "ask whoever manages this machine",
        )


def _time(milliseconds: float) -> str:
    from datetime import UTC, datetime  # few have a login whose end has to be told

    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _socket(snapshot: Snapshot) -> Iterator[Finding]:
    if socket := socket_of(snapshot.shell, cloud_provider=False):
        which = "every request" if socket_of(snapshot.shell, cloud_provider=True) else "what no cloud provider gets"
        yield Finding(
            "socket.in-use",
            Result.WARNING,
            f"{UNIX_SOCKET} is exported: {which} goes through {socket}, whatever address is set, and where that"
            " leads cannot be seen from here",
            command("unset", UNIX_SOCKET),
        )


def _proxy_helper(snapshot: Snapshot, env: Mapping[str, str], decisions: Mapping[str, Decision]) -> Iterator[Finding]:
    """`proxyAuthHelper` is run for the `Proxy-Authorization` of requests that go through a proxy, behind a switch."""
    from claude_local_plugin.precedence.candidates import winning

    source = winning(snapshot, "proxyAuthHelper")
    if source is None or not source.value:
        return
    address = decisions["base_url"].value or ""
    proxy = via_of(env, parse_url(address)) if not address.startswith(SOCKET_SCHEME) else None
    if not is_on(env.get(PROXY_HELPER)) or proxy is None:
        missing = f"{PROXY_HELPER} is not on" if proxy is not None else "no proxy is used for these requests"
        what = f"proxyAuthHelper ({_where(source)}) is not run: {missing}"
        yield Finding("proxy.helper", Result.INFO, what, _where_it_is_set(snapshot, source))
        return
    yield Finding(
        "proxy.helper",
        Result.WARNING if source.scope in (Scope.LOCAL, Scope.PROJECT) else Result.INFO,
        f"proxyAuthHelper ({_where(source)}) is run, and what it prints is sent to the proxy {proxy} as"
        " Proxy-Authorization; the server is not sent it",
        f"look at {source.place}",
    )


def _served(snapshot: Snapshot) -> Iterator[Finding]:
    """Server-managed settings, of which a copy lies here: they outrank every file."""
    for file in snapshot.of(Scope.SERVED):
        if file.state is FileState.READ and file.data:
            age = age_of(file)
            routing = any(name in file.env for name in ONLY_CONFIRMED)
            unconfirmed = "; a start offline leaves out the address and the keys in it" if routing else ""
            told = "of unknown age" if age is None else f"{_ago(age)} old"
            yield Finding(
                "served.in-use",
                Result.INFO,
                f"server-managed settings outrank every file here; {file.path} is the copy of them, {told}"
                f"{unconfirmed}",
                "ask whoever manages your organization's Claude Code",
            )


def _ago(seconds: float) -> str:
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"


def _mcp_serve(snapshot: Snapshot, decisions: Mapping[str, Decision]) -> Iterator[Finding]:
    """`claude mcp serve` takes no address and no key from a project's file, so it goes elsewhere than sessions do."""
    endpoint = decisions["base_url"]
    if snapshot.entry is Entry.MCP_SERVE or endpoint.winner is None:
        return
    if endpoint.winner.scope not in (Scope.LOCAL, Scope.PROJECT) or not endpoint.value:
        return
    from claude_local_plugin.precedence.policy import where_mcp_serve_goes

    elsewhere = where_mcp_serve_goes(snapshot)
    if elsewhere is not None and elsewhere != endpoint.value:
        yield Finding(
            "mcp-serve.elsewhere",
            Result.WARNING,
            f"`claude mcp serve` takes neither address nor key from a project's file: started here it sends prompts to"
            f" {_shown(elsewhere)} with a credential of yours",
            FOR_THE_USER,
        )


# --- the endpoint


def _endpoint(
    snapshot: Snapshot, env: Mapping[str, str], decisions: Mapping[str, Decision], backend: Backend
) -> Iterator[Finding]:
    endpoint, provider = decisions["base_url"], decisions["provider"]
    base_url = env.get("ANTHROPIC_BASE_URL", "").strip()
    if _at_a_gateway(decisions) or (endpoint.value or "").startswith(SOCKET_SCHEME):
        return
    if provider.value not in (FIRST_PARTY, "gateway"):
        if endpoint.value and endpoint.winner is not None and not can_be_asked(endpoint.value):
            yield Finding(
                "url.invalid",
                Result.ERROR,
                f"{name_of(endpoint.winner)} is no URL, so no request can be sent ({_place(endpoint)})",
                "write it as https://HOST:PORT",
            )
        if base_url and provider.winner is not None:
            yield Finding(
                "provider.beats-url",
                Result.WARNING,
                f"{provider.winner.key.removeprefix('env.')} ({_where(provider.winner)}) sends sessions to"
                f" {provider.value}; ANTHROPIC_BASE_URL is not asked",
                command("claude-local", "enable", "--url", _shown(base_url)),
            )
        return
    if not base_url:
        return
    target = parse_url(base_url)
    if target is None:
        yield Finding(
            "url.invalid",
            Result.ERROR,
            f"ANTHROPIC_BASE_URL is no http(s) URL, so no request can be sent ({_place(endpoint)})",
            command("claude-local", "enable", "--url", Words("http://HOST:PORT")),
        )
        return
    if not base_url.lower().startswith(("http:", "https:")) and _is_exchanged(decisions["authorization"]):
        yield Finding(
            "url.exchange",
            Result.ERROR,
            f"ANTHROPIC_BASE_URL is written without its scheme ({_place(endpoint)}), and no identity token is exchanged"
            " there: no request is sent",
            command("claude-local", "enable", "--url", _named(target)),
        )
    if "?" in base_url or "#" in base_url:
        yield Finding(
            "url.query",
            Result.ERROR,
            f"ANTHROPIC_BASE_URL has a query or a fragment ({_place(endpoint)}): the path of every request ends up"
            " behind it, and the server is asked for what is not there",
            command("claude-local", "enable", "--url", _named(target)),
        )
    if not _can_be_a_host(target.host):
        yield Finding(
            "url.invalid",
            Result.ERROR,
            f"ANTHROPIC_BASE_URL names no host that there can be ({_place(endpoint)}); Claude Code expands no variable"
            " in it, so no request can be sent",
            command("claude-local", "enable", "--url", Words("http://HOST:PORT")),
        )
        return
    if target.path.endswith("/v1"):
        yield Finding(
            "url.v1",
            Result.ERROR,
            f"ANTHROPIC_BASE_URL ends in /v1 ({_place(endpoint)}): requests go to {target.path}/v1/messages, which is"
            " not there",
            command("claude-local", "enable", "--url", _named(target)),
        )
    if backend.cloud:
        return
    if is_proxied(env, target) and next(unusable_proxy(snapshot), None) is None:  # that one ends the start by itself
        yield Finding(
            "proxy.in-the-way",
            Result.WARNING,
            f"a proxy is set, and Claude Code uses it for {target.label} too",
            f"{command('claude-local', 'enable', '--url', _named(target))}   (it extends NO_PROXY)",
        )
    yield from _late(snapshot, endpoint, target)
    if decisions["model"].winner is not None and decisions["model"].winner.scope is Scope.DEFAULT:
        yield Finding(
            "model.unset",
            Result.WARNING,
            f"nobody names a model, so sessions ask {target.label} for {decisions['model'].value}",
            command("claude-local", "enable", "--url", _named(target)),
        )


def _is_exchanged(token: Decision) -> bool:
    """Whether the token is one that an identity token, or an older token, is exchanged for at the base URL."""
    return token.winner is not None and token.winner.value in (EXCHANGED, RENEWED)


def _can_be_a_host(host: str) -> bool:
    """Whether it is a name or a number at all: `${HOST}`, `{{host}}` and `<host>` are not."""
    return not any(letter in host for letter in "$<>^|\"'`\\") and "{" not in host


def _place(decision: Decision) -> str:
    return decision.winner.place if decision.winner is not None else "nowhere"


def _named(target: Target) -> str:
    """The server's address as `enable` takes it: without the path that Claude Code adds by itself."""
    return target.url.removesuffix("/v1")


def is_early(snapshot: Snapshot) -> bool:
    """Whether a scope that is applied before the first request of a start names the server."""
    from claude_local_plugin.precedence.candidates import candidates

    return any(
        row.scope in _EARLY_SCOPES and (row.value or "").strip() and row.state not in ("refused", "dropped")
        for row in candidates(snapshot, "env.ANTHROPIC_BASE_URL")
    )


def _late(snapshot: Snapshot, endpoint: Decision, target: Target) -> Iterator[Finding]:
    """The stall at the start: project files are applied after the first look at Anthropic's servers."""
    if endpoint.winner is None or endpoint.winner.scope not in (Scope.LOCAL, Scope.PROJECT):
        return
    if is_early(snapshot):
        return
    for_the_user = command("claude-local", "enable", "--url", _named(target), "--scope", "user")
    exported = [
        name
        for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")
        if snapshot.shell.get(name, "").strip()
    ]
    if exported:
        yield Finding(
            "start.late-url",
            Result.WARNING,
            f"a project's file is applied late: with {exported[0]} exported, each start first calls api.anthropic.com"
            " with it, which costs 19 seconds offline",
            f"{command('unset', exported[0])}   (or {for_the_user})",
            "the shell",
        )
    elif (asks := who_is_served(snapshot)) is not None:
        yield Finding(
            "start.late-url",
            Result.WARNING,
            f"a project's file is applied late: with {asks} each start first asks api.anthropic.com for server-managed"
            " settings, which costs 17 to 19 seconds offline",
            for_the_user,
        )
    if snapshot.interactive and not snapshot.onboarded:
        yield Finding(
            "start.onboarding",
            Result.INFO,
            "Claude Code's first start is not finished; offline it reads no project's file",
            for_the_user,
        )


# --- credentials and refused variables


def _credentials(snapshot: Snapshot, env: Mapping[str, str], decisions: Mapping[str, Decision]) -> Iterator[Finding]:
    key = decisions["x_api_key"].winner
    if snapshot.interactive and key is not None and key.key == "env.ANTHROPIC_API_KEY" and not _approved(snapshot, key):
        yield Finding(
            "key.approval",
            Result.WARNING,
            f"an interactive session asks whether to use ANTHROPIC_API_KEY ({_where(key)}); no is the answer offered",
            "put your server's key into ANTHROPIC_AUTH_TOKEN: "
            + command("claude-local", "enable", "--token-env", Words("VAR")),
        )
    from claude_local_plugin.precedence.candidates import candidates, effective

    yield from _as_written(snapshot)
    host = routed_by(snapshot.shell, snapshot.client_version)
    for file in snapshot.of(Scope.LOCAL, Scope.PROJECT):
        unheard = []
        for name in file.env if file.state is FileState.READ else ():
            for row in candidates(snapshot, f"env.{name}"):
                if row.state == "refused" and row.path == file.path and effective(snapshot, row.key) != row.value:
                    if host and routed_by_host(name):
                        unheard.append(name)
                        continue
                    yield Finding(
                        "env.refused",
                        Result.WARNING,
                        f"{row.place}: {row.reason}",
                        f"{export(str(name), Words('…'))}   (or set it in your user settings)",
                    )
        if unheard:
            yield Finding(
                "env.refused",
                Result.WARNING,
                f"{file.path}: {host} is set in the environment, which decides about {', '.join(unheard)} then",
                f"{command('unset', host)}   (where the file is to decide)",
            )


#: A variable by reference: `${NAME}`, `{env:NAME}`, or nothing but `$NAME`.
_REFERENCE = re.compile(r"\$\{([A-Za-z_]\w*)[^}]*\}|\{env:([A-Za-z_]\w*)\}|^\$([A-Za-z_]\w*)$")


def _as_written(snapshot: Snapshot) -> Iterator[Finding]:
    """Keys that are not what they look like: Claude Code sends the characters of a value as they stand."""
    from claude_local_plugin.precedence.candidates import winning

    for name in ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "ANTHROPIC_CUSTOM_HEADERS"):
        row = winning(snapshot, f"env.{name}")
        value = (row.value or "").strip() if row is not None else ""
        if row is None or not value:
            continue
        if found := _REFERENCE.search(value):
            variable = next(group for group in found.groups() if group)
            option = ("--header-env", Words("NAME=VAR")) if "HEADERS" in name else ("--token-env", variable)
            yield Finding(
                "credentials.reference",
                Result.ERROR,
                f"{name} ({_where(row)}) refers to a variable, and Claude Code expands none: it sends the characters"
                f" {found[0]} as they stand",
                command("claude-local", "enable", *option),
            )
        elif name != "ANTHROPIC_CUSTOM_HEADERS" and value.lower().startswith(("bearer ", "basic ")):
            doubled = "Authorization: Bearer Bearer …" if name == "ANTHROPIC_AUTH_TOKEN" else "x-api-key: Bearer …"
            yield Finding(
                "credentials.scheme",
                Result.ERROR,
                f"{name} ({_where(row)}) begins with the name of a scheme, so that “{doubled}” is sent",
                f"leave the word out: {command('claude-local', 'enable', '--token-env', Words('VAR'))}",
            )


def _approved(snapshot: Snapshot, key: Candidate) -> bool:
    """Whether the user has said yes to this key inside Claude Code, which remembers the endings of keys."""
    value = (key.value or "").strip()
    return not value or any(ending and value.endswith(ending) for ending in snapshot.approved_api_keys)


# --- the window


def _window(
    snapshot: Snapshot, env: Mapping[str, str], decisions: Mapping[str, Decision], backend: Backend
) -> Iterator[Finding]:
    window, model = decisions["context_window"], decisions["model"].value
    asked = env.get(models.WINDOW_VARIABLE, "").strip()
    if asked and not asked.replace("_", "").replace(",", "").isdigit():
        read = models.parse_tokens(asked)
        yield Finding(
            "window.unreadable",
            Result.ERROR if read is not None and read < 20_000 else Result.WARNING,
            f"{models.WINDOW_VARIABLE} is {asked!r}, which is read as {'nothing' if read is None else f'{read:,}'}",
            "write the number of tokens in digits, or "
            + command("claude-local", "enable", "--reset", models.WINDOW_VARIABLE),
        )
    if backend.cloud or window.winner is None or window.winner.scope is not Scope.DEFAULT:
        return
    host = backend.target.label if backend.target else "the server"
    assumed = f"{int(window.value or 0):,}"
    wanted = decisions["model"].winner
    named = asked and wanted is not None and wanted.scope is not Scope.DEFAULT
    limits = limiting(snapshot, str(wanted.value)) if wanted is not None and named else None
    if limits is not None and wanted is not None:
        yield Finding(
            "window.ignored",
            Result.WARNING,
            f"availableModels in {limits.path or '--settings'} does not list {wanted.value}: another model takes its"
            f" place, for which Claude Code assumes {assumed} tokens",
            _in_the_file(snapshot, limits.scope, limits.path, limits.line_of(("availableModels",)))
            + f'   (add "{wanted.value}" to availableModels)',
        )
    elif asked:
        yield Finding(
            "window.ignored",
            Result.WARNING,
            f"{models.WINDOW_VARIABLE} has no effect under the name {model}: Claude Code assumes {assumed} tokens",
            "serve the model under a name of its own and enable that",
        )
    else:
        yield Finding(
            "window.assumed",
            Result.WARNING,
            f"Claude Code assumes {assumed} tokens for {model}, whatever {host} can take",
            command("claude-local", "enable", "--url", backend.url or "")
            + "   (with --max-model-len N where the server does not say it)",
        )


# --- what a repository brings along, hooks, versions


def _repository(snapshot: Snapshot) -> Iterator[Finding]:
    """A file that comes with the repository decides where your code goes, or runs a program for a key."""
    for file in snapshot.of(Scope.PROJECT):
        if file.state is not FileState.READ:
            continue
        if url := file.env.get("ANTHROPIC_BASE_URL"):
            yield Finding(
                "project.redirects",
                Result.WARNING,
                f"this repository's {file.path} sends everyone's sessions to {_shown(url)}",
                f"look at {file.path}:{file.line_of(('env', 'ANTHROPIC_BASE_URL')) or 1} before you trust it",
            )
        if file.data.get("apiKeyHelper"):
            yield Finding(
                "project.helper",
                Result.WARNING,
                f"this repository's {file.path} runs a program for the key (apiKeyHelper)",
                f"look at {file.path}:{file.line_of(('apiKeyHelper',)) or 1} before you trust it",
            )


def _shown(url: object) -> str:
    """A URL without credentials, as far as it is one."""
    target = parse_url(str(url))
    return _named(target) if target is not None else "URL"


def _hooks(snapshot: Snapshot) -> Iterator[Finding]:
    for key, scopes in HOOK_SWITCHES.items():
        for file in snapshot.of(*scopes):
            if file.state is FileState.READ and file.data.get(key) is True:
                what = f"{key} in the {SCOPE_LABELS[file.scope]} switches our hooks off: no check, no record"
                fix = _in_the_file(snapshot, file.scope, file.path, file.line_of((key,)))
                yield Finding("hooks.disabled", Result.WARNING, what, fix)


def _version(snapshot: Snapshot) -> Iterator[Finding]:
    asked = snapshot.answers is not None and snapshot.answers.complete
    if snapshot.client_version is not None and not asked and not is_verified(snapshot.client_version):
        yield Finding(
            "version.unverified",
            Result.INFO,
            f"this explanation has not been compared with Claude Code {snapshot.client_version}",
            command("claude-local", "verify"),
        )
