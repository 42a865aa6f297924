"""Facts built by hand: a folder in which all is well, and ways to spoil it, without a file or a server."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from claude_local_plugin.core.endpoint import backend_of
from claude_local_plugin.core.registration import EVENTS
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.git import Standing
from claude_local_plugin.precedence import FileState, Scope, SettingsFile, Snapshot, effective_env, resolve
from claude_local_plugin.servers import ServedModel, Server, State
from claude_local_plugin.servers.compatibility import needs
from claude_local_plugin.servers.examination import (
    CacheFacts,
    CacheVerdict,
    CountFacts,
    DeepFacts,
    Exchange,
    FolderFacts,
    ImageFacts,
    Reuse,
    SearchFacts,
    SearchVerdict,
    ThinkingFacts,
    ToolFacts,
    ToolVerdict,
)
from claude_local_plugin.servers.messages import Block, Reply, Usage
from claude_local_plugin.servers.metrics import Metrics
from claude_local_plugin.servers.words import Problem
from claude_local_plugin.settings.hooks import Installed

PROJECT, HOME = Path("/home/dev/shop"), Path("/home/dev")
LOCAL, SHARED = PROJECT / ".claude" / "settings.local.json", PROJECT / ".claude" / "settings.json"
USER = HOME / ".claude" / "settings.json"
URL, MODEL = "http://localhost:8000", "qwen3-coder-next"

#: What `enable` writes for a server like `SERVER`.
ENV: Mapping[str, str] = {
    "ANTHROPIC_BASE_URL": URL,
    "ANTHROPIC_AUTH_TOKEN": "claude-local",
    "ANTHROPIC_API_KEY": "",
    "ANTHROPIC_MODEL": MODEL,
    "ANTHROPIC_DEFAULT_OPUS_MODEL": MODEL,
    "ANTHROPIC_DEFAULT_SONNET_MODEL": MODEL,
    "ANTHROPIC_DEFAULT_HAIKU_MODEL": MODEL,
    "ANTHROPIC_DEFAULT_FABLE_MODEL": MODEL,
    "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536",
    "CLAUDE_CODE_MAX_OUTPUT_TOKENS": "16384",
    "CLAUDE_CODE_ATTRIBUTION_HEADER": "0",
    "API_TIMEOUT_MS": "1800000",
    "API_FORCE_IDLE_TIMEOUT": "0",
    "CLAUDE_STREAM_IDLE_TIMEOUT_MS": "1800000",
    "CLAUDE_CODE_MAX_RETRIES": "2",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL": "1",
}
OTHER_KEYS: Mapping[str, Any] = {"skipWebFetchPreflight": True, "permissions": {"defaultMode": "default"}}
HOOKS = tuple(Installed(event, "local", str(LOCAL), None) for event in EVENTS)
SERVER = Server(
    URL,
    "vllm",
    State.READY,
    version="0.32.0",
    models=(ServedModel(MODEL, 65_536, "Qwen/Qwen3-Coder-Next"),),
    latency_ms=3.0,
    speaks_messages=True,
    kv_cache_tokens=262_144,
    kv_cache_concurrency=4.0,
)
MANAGED_BY = Path("/etc/claude-code/managed-settings.json")


def settings_file(scope: Scope, path: Path, data: Mapping[str, Any] | None, text: str | None = None) -> SettingsFile:
    """A settings file with these contents; None: there is none."""
    if data is None:
        return SettingsFile(scope, path, FileState.ABSENT)
    return SettingsFile(scope, path, FileState.READ, None, data, text or json.dumps(data, indent=2))


def dropped(text: str, problem: str, data: Mapping[str, Any] | None = None) -> SettingsFile:
    """The local settings file, with contents that Claude Code does not take."""
    return SettingsFile(Scope.LOCAL, LOCAL, FileState.DROPPED, problem, data or {}, text)


def gateway(*, problem: str | None = None, **changes: Any) -> SettingsFile:
    """A sign-in at a Claude apps gateway that holds until 2100 and can be renewed, unless said."""
    login = {"url": "https://gw.example", "jwt": "j", "expiresAt": 4102444800000, "idpRefreshToken": "r", **changes}
    state = FileState.READ if problem is None else FileState.UNUSED
    return SettingsFile(Scope.GATEWAY, HOME / ".claude" / ".credentials.json", state, problem, login)


def snapshot(
    *,
    env: Mapping[str, Any] | None = None,
    without: tuple[str, ...] = (),
    keys: Mapping[str, Any] | None = None,
    local: SettingsFile | None = None,
    more_local: Mapping[str, Any] | None = None,
    shared: Mapping[str, Any] | None = None,
    user: Mapping[str, Any] | None = None,
    managed: Mapping[str, Any] | None = None,
    login: Mapping[str, Any] | None = None,
    gateway: SettingsFile | None = None,
    served: Mapping[str, Any] | None = None,
    shell: Mapping[str, str] | None = None,
    **changes: Any,
) -> Snapshot:
    """What `enable` has written into the local settings, with `env` over it, and nothing else, unless said."""
    block = {name: value for name, value in {**ENV, **(env or {})}.items() if name not in without}
    data = {name: value for name, value in {**OTHER_KEYS, "env": block, **(keys or {})}.items() if value is not None}
    files = [
        *([settings_file(Scope.SERVED, HOME / ".claude" / "remote-settings.json", served)] if served else []),
        settings_file(Scope.MANAGED, MANAGED_BY, managed),
        local or settings_file(Scope.LOCAL, LOCAL, data),
        *([settings_file(Scope.LOCAL, PROJECT / "sub" / LOCAL.name, more_local)] if more_local else []),
        settings_file(Scope.PROJECT, SHARED, shared),
        settings_file(Scope.USER, USER, user),
        settings_file(Scope.LOGIN, HOME / ".claude" / ".credentials.json", login),
        *([gateway] if gateway else []),
    ]
    values: dict[str, Any] = {
        "cwd": PROJECT,
        "home": HOME,
        "config_dir": HOME / ".claude",
        "client_version": "2.1.329",
        "files": tuple(files),
        "shell": shell or {},
        "trusted": True,
        "onboarded": True,
    }
    return Snapshot(**{**values, **changes})


def facts(seen: Snapshot | None = None, **changes: Any) -> Facts:
    """What doctor knows about this snapshot, and about a server as `SERVER`; `changes` are fields of Facts."""
    seen = seen or snapshot()
    env = effective_env(seen)
    server: Server | None = changes.get("server", SERVER)
    values: dict[str, Any] = {
        "snapshot": seen,
        "resolution": resolve(seen),
        "env": env,
        "backend": backend_of(env),
        "url": server.url if server else None,
        "server": server,
        "needs": needs(server.kind, server.version) if server else needs("anthropic"),
        "metrics": Metrics("vllm", running=0, waiting=0, kv_usage=0.04),
        "hooks": HOOKS,
        "standings": {LOCAL: Standing(True, False, True), SHARED: Standing(True, True, False)},
        "modes": {LOCAL: 0o600},
        "client_path": "/usr/bin/claude",
    }
    return Facts(**{**values, **changes})


def server(**changes: Any) -> Server:
    """The server, changed."""
    return replace(SERVER, **changes)


def cloud() -> Snapshot:
    """A folder without anything of ours, and a login."""
    empty = settings_file(Scope.LOCAL, LOCAL, None)
    return snapshot(local=empty, login={"claudeAiOauth": {"accessToken": "sk-ant-oat-1"}})


# --- what real requests showed


def reply(*blocks: Block, streamed: bool = False, **changes: Any) -> Reply:
    """A good answer of these blocks ("ready", if none are given)."""
    values: dict[str, Any] = {
        "status": 200,
        "streamed": streamed,
        "seconds": 0.4,
        "stop_reason": "end_turn",
        "blocks": blocks or (Block("text", "ready"),),
        "usage": Usage(3_000, 2),
        "ttft": 0.2 if streamed else None,
    }
    return Reply(**{**values, **changes})


def refused(message: str, status: int = 400) -> Reply:
    """An answer that says no."""
    return Reply(status, False, 0.1, Problem("BadRequestError", message))


def exchange(name: str, answer: Reply | None = None) -> Exchange:
    """A request and its answer."""
    return Exchange(name, "a request", "/v1/messages", {}, answer or reply())


def tools(verdict: ToolVerdict = ToolVerdict.PARSED, **changes: Any) -> ToolFacts:
    """A tool round trip that came out like this."""
    values: dict[str, Any] = {
        "offered": exchange("tool-offered"),
        "result": exchange("tool-result"),
        "parallel": exchange("tool-parallel"),
    }
    return ToolFacts(verdict, **{**values, **changes})


def thinking(**changes: Any) -> ThinkingFacts:
    """Thinking that is taken and kept apart."""
    values: dict[str, Any] = {
        "adaptive": exchange("thinking-adaptive"),
        "enabled": exchange("thinking-enabled"),
        "reasoning_parser_set": True,
        "leaked": False,
        "never_ends": False,
    }
    return ThinkingFacts(**{**values, **changes})


def cache(verdict: CacheVerdict = CacheVerdict.HIT, **changes: Any) -> CacheFacts:
    """A long prompt, sent three times."""
    values: dict[str, Any] = {
        "cold": exchange("cache-cold", reply(streamed=True, ttft=1.5)),
        "again": exchange("cache-again", reply(streamed=True, ttft=0.1)),
        "next_turn": exchange("cache-next-turn", reply(streamed=True, ttft=0.1)),
        "reuse": Reuse(2_944, 3_000, "metrics"),
        "next_reuse": Reuse(2_944, 3_100, "metrics"),
    }
    return CacheFacts(verdict, **{**values, **changes})


def folders(with_memory: float, without: float) -> FolderFacts:
    """A second folder that reused these shares of 1,000 tokens."""
    return FolderFacts(
        Reuse(int(1_000 * with_memory), 1_000, "metrics"), Reuse(int(1_000 * without), 1_000, "metrics"), ()
    )


def deep(**changes: Any) -> DeepFacts:
    """An examination in which all went well."""
    values: dict[str, Any] = {
        "url": URL,
        "model": MODEL,
        "kind": "vllm",
        "root": "Qwen/Qwen3-Coder-Next",
        "plain": exchange("plain"),
        "streamed": exchange("streamed", reply(streamed=True)),
        "tools": tools(),
        "inline_system": exchange("inline-system"),
        "thinking": thinking(),
        "unknown_fields": exchange("unknown-fields"),
        "images": ImageFacts(exchange("image-pixel")),
        "web_search": search(SearchVerdict.SEARCHED),
        "count": CountFacts(exchange("count-tokens"), 100, 100),
        "cache": cache(),
        "folders": folders(0.8, 0.8),
    }
    return DeepFacts(**{**values, **changes})


def search(verdict: SearchVerdict) -> SearchFacts:
    """What became of a web search."""
    answer = reply() if verdict in (SearchVerdict.SEARCHED, SearchVerdict.MADE_UP) else refused("no schema")
    return SearchFacts(verdict, exchange("web-search", answer))


def blind() -> ImageFacts:
    """A model that has refused two pictures."""
    return ImageFacts(exchange("image-pixel", refused("no image here")), exchange("image-larger", refused("no image")))


def target(url: str) -> Any:
    """A URL taken apart."""
    found = parse_url(url)
    assert found is not None
    return found
