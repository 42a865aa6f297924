"""The world of a folder as the real client is run in it: its settings, with nothing of the user's that is secret.

Every credential is a dummy, the model's server is a stand-in on loopback, and no program of the user's is started.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from claude_local_plugin.conformance.proof import PAGE_HOST, PROJECT, SERVER_URL, Setting
from claude_local_plugin.core.endpoint import PROXY_VARIABLES
from claude_local_plugin.precedence import FileState, Scope, SettingsFile, Snapshot
from claude_local_plugin.privacy.leaving import ANY_PAGE, leaving, mcp_servers
from claude_local_plugin.settings.variables import catalogue, is_secret

DUMMY = "claude-local-dummy"
#: What is sent to Anthropic alone must look like it.
DUMMY_KEY = "sk-ant-api03-claude-local-dummy"
DUMMY_LOGIN = {
    "claudeAiOauth": {
        "accessToken": "sk-ant-oat01-claude-local-dummy",
        "refreshToken": "sk-ant-ort01-claude-local-dummy",
        "expiresAt": 9_999_999_999_999,
        "scopes": ["user:inference", "user:profile", "user:mcp_servers"],
        "subscriptionType": "max",
    }
}

#: Settings that name programs.
PROGRAMS = (
    *("apiKeyHelper", "statusLine", "subagentStatusLine", "otelHeadersHelper", "proxyAuthHelper", "fileSuggestion"),
    *("awsAuthRefresh", "awsCredentialExport", "gcpAuthRefresh", "policyHelper", "policyHelpers"),
)
#: Prefixes of variables that Claude Code reads.
_OURS = ("ANTHROPIC_", "CLAUDE_", "CLAUDE_CODE_", "DISABLE_", "ENABLE_", "OTEL_", "MCP_", "API_", "MAX_")
#: Variables that would have the client look for something of the user's machine, or for a proxy there.
_LEFT_OUT = ("CLAUDE_CONFIG_DIR", "CLAUDE_SECURESTORAGE_CONFIG_DIR", "CLAUDE_CODE_TMPDIR", "NODE_EXTRA_CA_CERTS")


def setting_of(snapshot: Snapshot) -> Setting:
    """The folder's settings, as they are given to `conformance.proof.prove`."""
    scopes = {scope: _merged(snapshot.of(scope)) for scope in (Scope.MANAGED, Scope.LOCAL, Scope.PROJECT, Scope.USER)}
    servers = {name: {"type": "http", "url": url} for name, url in mcp_servers(snapshot).items()}
    state = {
        "hasCompletedOnboarding": True,
        "projects": {PROJECT: {"hasTrustDialogAccepted": True}},
        "mcpServers": servers,
        "customApiKeyResponses": {"approved": [DUMMY_KEY[-20:]], "rejected": []},
    }
    home = {".claude.json": state, ".claude/settings.json": scopes[Scope.USER]}
    if any(file.data and file.state is FileState.READ for file in snapshot.of(Scope.LOGIN)):
        home[".claude/.credentials.json"] = DUMMY_LOGIN
    project = {".claude/settings.json": scopes[Scope.PROJECT], ".claude/settings.local.json": scopes[Scope.LOCAL]}
    managed = {"managed-settings.json": scopes[Scope.MANAGED]} if scopes[Scope.MANAGED] else {}
    return Setting(_texts(home), _texts(project), _texts(managed), _environment(snapshot.shell))


def foreseen(snapshot: Snapshot) -> frozenset[str]:
    """The names that `leaving` says a session may ask for, those of the proof in place of any page."""
    hosts = {host for each in leaving(snapshot) for host in each.hosts}
    return frozenset({PAGE_HOST if host == ANY_PAGE else host for host in hosts})


def _texts(files: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {name: json.dumps(content) for name, content in files.items()}


def _merged(files: Iterable[SettingsFile]) -> dict[str, Any]:
    """One file that says what several of a scope say together."""
    found: dict[str, Any] = {}
    for file in reversed(tuple(files)):
        if file.state is FileState.READ:
            found = _over(found, file.data)
    return _harmless(found)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(below)
    for key, value in above.items():
        before = found.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            found[key] = _over(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            found[key] = [*before, *value]
        else:
            found[key] = value
    return found


def _harmless(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without programs, and with dummies for secrets."""
    found = {key: value for key, value in settings.items() if key not in PROGRAMS}
    if isinstance(env := found.get("env"), Mapping):
        found["env"] = _environment({name: str(value) for name, value in env.items()}, everything=True)
    if isinstance(hooks := found.get("hooks"), Mapping):
        found["hooks"] = {
            event: [_by_http(group) for group in groups if isinstance(group, Mapping)]
            for event, groups in hooks.items()
            if isinstance(groups, list)
        }
    return found


def _by_http(group: Mapping[str, Any]) -> dict[str, Any]:
    hooks = [hook for hook in group.get("hooks") or () if isinstance(hook, Mapping)]
    return {**group, "hooks": [{"type": "http", "url": each["url"]} for each in hooks if each.get("type") == "http"]}


def _environment(given: Mapping[str, str], *, everything: bool = False) -> dict[str, str]:
    """The variables that Claude Code reads, or all of them, with dummies for secrets and the stand-in's address."""
    known = catalogue()
    return {
        name: _dummy(name, value)
        for name, value in given.items()
        if (everything or name in known or name.startswith(_OURS))
        and name not in _LEFT_OUT
        and name not in PROXY_VARIABLES
        and name.lower() != "no_proxy"
    }


def _dummy(name: str, value: str) -> str:
    if not value:
        return value
    if name == "ANTHROPIC_BASE_URL":
        return SERVER_URL
    if name == "ANTHROPIC_CUSTOM_HEADERS":
        return ""
    if is_secret(name, value):
        return DUMMY_KEY if name == "ANTHROPIC_API_KEY" else DUMMY
    return value
