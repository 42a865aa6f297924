"""What Claude Code sends to whom besides the model's requests, under the settings in effect; seen on 2.1.332.

Programs that a session starts are their own masters: see OWN_PROGRAMS.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import urlsplit

from claude_local_plugin.core.claude import is_on
from claude_local_plugin.core.files import content
from claude_local_plugin.precedence import FileState, Scope, Snapshot, effective, effective_env, resolve
from claude_local_plugin.privacy.reading import listed, values
from claude_local_plugin.servers.urls import is_loopback

ANTHROPIC = "api.anthropic.com"
ANY_PAGE = "any page"

#: What no setting of Claude Code's can speak for.
OWN_PROGRAMS = (
    "programs of your own that a session starts: commands that you allow, hooks, MCP servers on this machine, the"
    " status line, the key helper"
)

#: Where a base URL stands that Claude Code takes before it asks anybody anything.
EARLY = (Scope.SERVED, Scope.MANAGED, Scope.FLAG, Scope.USER, Scope.SHELL)


@dataclass(frozen=True, slots=True)
class Leaving:
    """One thing that leaves: to whom, what, when, and what would keep it back."""

    id: str
    hosts: tuple[str, ...]
    what: str
    when: str
    remedy: str


def leaving(snapshot: Snapshot) -> tuple[Leaving, ...]:
    """Everything that a session here may send to others than its model's server, the most frequent first."""
    world = _World.of(snapshot)
    return tuple(found for look in LOOKS for found in look(world))


@dataclass(frozen=True, slots=True)
class _World:
    snapshot: Snapshot
    env: Mapping[str, str]
    denied: frozenset[str]
    #: The scope of a base URL of one's own; None where sessions use the cloud.
    own: Scope | None

    @classmethod
    def of(cls, snapshot: Snapshot) -> "_World":
        base = resolve(snapshot).decisions["base_url"].winner
        own = None if base is None or base.scope is Scope.DEFAULT else base.scope
        denied = frozenset(str(rule) for rule in listed(snapshot, "permissions", "deny"))
        return cls(snapshot, effective_env(snapshot), denied, own)

    @property
    def is_quiet(self) -> bool:
        return bool(self.env.get("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"))


AT_QUIET = "the level quiet"
AT_AIRGAP = "the level airgap"


def _reports(world: _World) -> Iterator[Leaving]:
    if world.is_quiet:
        return
    events = not world.env.get("DISABLE_TELEMETRY")
    what = f"that a session starts{', and usage events' if events else ''}"
    yield Leaving("reports", (ANTHROPIC,), what, "at each start and while it is open", AT_QUIET)
    hosts = ["raw.githubusercontent.com"]
    hosts += [] if is_on(world.env.get("DISABLE_AUTOUPDATER")) else ["registry.npmjs.org"]
    yield Leaving("updates", tuple(hosts), "asks for news and updates", "in interactive sessions", AT_QUIET)


def _plugins(world: _World) -> Iterator[Leaving]:
    if not world.env.get("CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL"):
        hosts = ("downloads.claude.ai", "github.com")
        yield Leaving("plugins", hosts, "fetches the list of official plugins", "in interactive sessions", AT_QUIET)


def _login(world: _World) -> Iterator[Leaving]:
    """What is asked before a project's settings are read: they come late."""
    if world.own is None or world.own in EARLY:
        return
    remedy = "the server in user settings, which are read first (--scope user), or a home without it"
    files = world.snapshot.of(Scope.LOGIN)
    if any(file.data and file.state is FileState.READ for file in files):
        connectors = world.env.get("ENABLE_CLAUDEAI_MCP_SERVERS", "").lower() not in ("0", "false", "no", "off")
        connectors &= effective(world.snapshot, "disableClaudeAiConnectors") != "true"
        what = f"your claude.ai login, asking for your profile{' and connectors' if connectors else ''}"
        yield Leaving("login", (ANTHROPIC,), what, "at each start", remedy)
    if world.snapshot.shell.get("ANTHROPIC_API_KEY"):
        what = "the API key of your shell, asking for an organization's settings"
        yield Leaving("shell-key", (ANTHROPIC,), what, "at each start of claude -p", remedy)


def _web_fetch(world: _World) -> Iterator[Leaving]:
    if "WebFetch" in world.denied:
        return
    if effective(world.snapshot, "skipWebFetchPreflight") != "true":
        yield Leaving(
            "web-fetch-check", (ANTHROPIC,), "the host of each page that is fetched", "before it is", AT_QUIET
        )
    yield Leaving("web-fetch", (ANY_PAGE,), "fetches pages (WebFetch)", "when you allow it", AT_AIRGAP)


def _feedback(world: _World) -> Iterator[Leaving]:
    switches = ("DISABLE_FEEDBACK_COMMAND", "DISABLE_BUG_COMMAND")
    if not world.is_quiet and not any(is_on(world.env.get(name)) for name in switches):
        yield Leaving("feedback", (ANTHROPIC,), "the conversation, with /feedback", "when you type it", AT_QUIET)


def _telemetry(world: _World) -> Iterator[Leaving]:
    if not is_on(world.env.get("CLAUDE_CODE_ENABLE_TELEMETRY")):
        return
    signals = [each for each in ("METRICS", "LOGS", "TRACES") if "otlp" in world.env.get(f"OTEL_{each}_EXPORTER", "")]
    common = world.env.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    urls = [world.env.get(f"OTEL_EXPORTER_OTLP_{each}_ENDPOINT") or common for each in signals]
    if hosts := _others(urls):
        prompts = is_on(world.env.get("OTEL_LOG_USER_PROMPTS"))
        what = f"OpenTelemetry, {'prompts in full' if prompts else 'without prompts'}"
        remedy = "CLAUDE_CODE_ENABLE_TELEMETRY off where it is set; a project's file cannot"
        yield Leaving("telemetry", hosts, what, "while a session is open", remedy)


def _servers(world: _World) -> Iterator[Leaving]:
    rules = [rule for rule in listed(world.snapshot, "deniedMcpServers") if isinstance(rule, Mapping)]
    servers = mcp_servers(world.snapshot)
    urls = [url for name, url in servers.items() if not any(_denies(rule, name, url) for rule in rules)]
    if hosts := _others(urls):
        yield Leaving("mcp", hosts, "what its tools are asked (MCP servers)", "at each start, and when used", AT_AIRGAP)


def _denies(rule: Mapping[str, object], name: str, url: str) -> bool:
    pattern = rule.get("serverUrl")
    return rule.get("serverName") == name or (isinstance(pattern, str) and fnmatchcase(url, pattern))


def mcp_servers(snapshot: Snapshot) -> dict[str, str]:
    """The MCP servers of this folder that are reached by a URL: the project's, and your own for it and for all."""
    found: dict[str, str] = {}
    for place in _server_tables(snapshot):
        for name, said in place.items():
            url = said.get("url") if isinstance(said, Mapping) else None
            if isinstance(url, str):
                found.setdefault(str(name), url)
    return found


def _server_tables(snapshot: Snapshot) -> Iterator[Mapping[str, object]]:
    state = next((_json(file.text) for file in snapshot.of(Scope.CONSOLE)), {})
    projects = state.get("projects")
    own = projects.get(snapshot.cwd.as_posix()) if isinstance(projects, Mapping) else None
    committed = (_json(_text(folder / ".mcp.json")) for folder in (snapshot.cwd, *snapshot.cwd.parents))
    for holder in (own, *committed, state):
        servers = holder.get("mcpServers") if isinstance(holder, Mapping) else None
        if isinstance(servers, Mapping):
            yield servers


def _text(path: Path) -> str:
    try:
        return content(path).decode("utf-8", "replace")
    except OSError:  # absent, or not ours to read: Claude Code cannot either
        return ""


def _json(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):  # Claude Code leaves it aside, too
        return {}
    return found if isinstance(found, dict) else {}


def _marketplaces(world: _World) -> Iterator[Leaving]:
    hosts: dict[str, None] = {}
    for table in values(world.snapshot, "extraKnownMarketplaces"):
        for said in table.values() if isinstance(table, Mapping) else ():
            source = said.get("source") if isinstance(said, Mapping) else None
            if isinstance(source, Mapping) and (host := _market_host(source)):
                hosts[host] = None
    if hosts:
        remedy = "extraKnownMarketplaces out of the file that names it; no other setting stops it"
        yield Leaving("marketplaces", tuple(hosts), "fetches plugins of a marketplace", "at each start", remedy)


def _market_host(source: Mapping[str, object]) -> str | None:
    if source.get("source") == "github":
        return "github.com"
    if source.get("source") == "npm":
        return "registry.npmjs.org"
    return _host(str(source.get("url") or ""))


def _http_hooks(world: _World) -> Iterator[Leaving]:
    allowed = [value for value in values(world.snapshot, "allowedHttpHookUrls") if isinstance(value, list)]
    patterns = [str(pattern) for value in allowed for pattern in value]
    urls = [url for url in hook_urls(world.snapshot) if not allowed or any(fnmatchcase(url, p) for p in patterns)]
    if hosts := _others(urls):
        yield Leaving("hooks", hosts, "what happens in a session (HTTP hooks)", "at their events", AT_AIRGAP)


def hook_urls(snapshot: Snapshot) -> Iterator[str]:
    """The addresses that HTTP hooks call."""
    for events in values(snapshot, "hooks"):
        for groups in events.values() if isinstance(events, Mapping) else ():
            for group in groups if isinstance(groups, list) else ():
                hooks = group.get("hooks") if isinstance(group, Mapping) else None
                for hook in hooks if isinstance(hooks, list) else ():
                    if isinstance(hook, Mapping) and hook.get("type") == "http" and isinstance(hook.get("url"), str):
                        yield str(hook["url"])


def _others(urls: list[str]) -> tuple[str, ...]:
    """The hosts of these addresses, without this machine."""
    hosts = [host for url in urls if (host := _host(url))]
    return tuple(dict.fromkeys(host for host in hosts if not is_loopback(host)))


def _host(url: str) -> str | None:
    if "://" not in url:  # git's way: git@host:path
        before, colon, _ = url.partition(":")
        return before.rpartition("@")[2] if colon and "@" in before else None
    try:
        return urlsplit(url).hostname
    except ValueError:  # nothing that could be asked
        return None


LOOKS: tuple[Callable[[_World], Iterator[Leaving]], ...] = (
    _reports,
    _plugins,
    _login,
    _telemetry,
    _servers,
    _marketplaces,
    _http_hooks,
    _web_fetch,
    _feedback,
)
