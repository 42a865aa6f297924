"""What leaves besides the model's requests: each thing exactly where the settings in effect let it, and to whom."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.client_config import build
from claude_local_plugin.client_config.destination import SettingsDocument
from claude_local_plugin.precedence import Scope, Snapshot, gather
from claude_local_plugin.privacy import leaving, level_in_effect
from tests.looped import looped

SERVER = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8000", "ANTHROPIC_AUTH_TOKEN": "claude-local"}
LOGIN = {"claudeAiOauth": {"accessToken": "sk-ant-oat01-dummy", "scopes": ["user:inference"]}}


def world(
    tmp_path: Path,
    level: str = "default",
    *,
    scope: str = "local",
    shell: Mapping[str, str] | None = None,
    files: Mapping[str, Any] | None = None,
    **more: Any,
) -> Snapshot:
    """A folder whose sessions use their own server at a level; `more` are keys of the same file."""
    home, cwd = tmp_path / "home", tmp_path / "project"
    for folder in (home / ".claude", cwd / ".claude"):
        folder.mkdir(parents=True, exist_ok=True)
    empty = gather(cwd=cwd, home=home, environ={}, managed_dir=tmp_path / "none")
    document = SettingsDocument(Scope.FLAG).document(build.privacy_lines(empty, level))
    document["env"] = {**SERVER, **document.get("env", {}), **more.pop("env", {})}
    place = cwd / ".claude" / "settings.local.json" if scope == "local" else home / ".claude" / "settings.json"
    place.write_text(json.dumps({**more, **document}))
    for name, content in (files or {}).items():
        (tmp_path / name).write_text(json.dumps(content))
    return gather(cwd=cwd, home=home, environ=shell or {}, managed_dir=tmp_path / "none")


def ids(snapshot: Snapshot) -> set[str]:
    return {each.id for each in leaving(snapshot)}


def test_a_level_is_known_by_what_is_in_effect(tmp_path: Path) -> None:
    for level in build.LEVELS:
        assert level_in_effect(world(tmp_path, level)) == level


@looped("switch", ["env.DISABLE_AUTOUPDATER", "skipWebFetchPreflight"])
def test_a_level_with_a_line_missing_is_the_one_below(tmp_path: Path, switch: str) -> None:
    world(tmp_path, "quiet")
    place = tmp_path / "project" / ".claude" / "settings.local.json"
    document = json.loads(place.read_text())
    *above, last = switch.split(".")
    del (document[above[0]] if above else document)[last]
    place.write_text(json.dumps(document))
    home = tmp_path / "home"
    assert level_in_effect(gather(cwd=tmp_path / "project", home=home, environ={}, managed_dir=home)) == "default"


def test_by_default_claude_code_reports_asks_for_updates_fetches_plugins_and_asks_about_pages(tmp_path: Path) -> None:
    assert ids(world(tmp_path)) == {"reports", "updates", "plugins", "web-fetch-check", "web-fetch", "feedback"}
    hosts = {host for each in leaving(world(tmp_path)) for host in each.hosts}
    assert hosts == {
        *("api.anthropic.com", "raw.githubusercontent.com", "registry.npmjs.org", "downloads.claude.ai", "github.com"),
        "any page",
    }


def test_at_quiet_pages_alone_are_fetched_and_at_airgap_nothing_is(tmp_path: Path) -> None:
    assert ids(world(tmp_path, "quiet")) == {"web-fetch"}
    assert leaving(world(tmp_path, "airgap")) == ()


def test_a_login_or_a_key_of_the_shell_is_used_before_a_projects_settings_are_heard(tmp_path: Path) -> None:
    files = {"home/.claude/.credentials.json": LOGIN}
    shell = {"ANTHROPIC_API_KEY": "sk-ant-api03-dummy"}
    assert ids(world(tmp_path, "airgap", files=files, shell=shell)) == {"login", "shell-key"}


def test_it_is_not_where_the_server_stands_in_user_settings(tmp_path: Path) -> None:
    files = {"home/.claude/.credentials.json": LOGIN}
    shell = {"ANTHROPIC_API_KEY": "sk-ant-api03-dummy"}
    assert ids(world(tmp_path, "airgap", scope="user", files=files, shell=shell)) == set()


OTEL = {
    "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
    "OTEL_METRICS_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "https://otel.example:4318",
}


def test_opentelemetry_names_its_collector_unless_that_is_this_machine(tmp_path: Path) -> None:
    (found,) = [each for each in leaving(world(tmp_path, "airgap", shell=OTEL)) if each.id == "telemetry"]
    assert found.hosts == ("otel.example",)
    here = {**OTEL, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    assert "telemetry" not in ids(world(tmp_path, "airgap", shell=here))


MCP = {"mcpServers": {"far": {"type": "http", "url": "https://mcp.example/mcp"}, "near": {"command": "true"}}}


@looped("place", ["project/.mcp.json", "home/.claude.json"])
def test_a_server_of_mcp_by_url_leaves_until_it_is_denied(tmp_path: Path, place: str) -> None:
    (found,) = [each for each in leaving(world(tmp_path, "quiet", files={place: MCP})) if each.id == "mcp"]
    assert found.hosts == ("mcp.example",)
    assert ids(world(tmp_path, "airgap", files={place: MCP})) == set()


def test_a_denial_by_name_is_one(tmp_path: Path) -> None:
    denied = [{"serverName": "far"}]
    assert "mcp" not in ids(world(tmp_path, "quiet", files={"home/.claude.json": MCP}, deniedMcpServers=denied))


def test_a_hook_that_calls_a_url_is_named_until_it_may_not(tmp_path: Path) -> None:
    hooks = {"Stop": [{"hooks": [{"type": "http", "url": "https://hook.example/x"}, {"type": "command"}]}]}
    (found,) = [each for each in leaving(world(tmp_path, "quiet", hooks=hooks)) if each.id == "hooks"]
    assert found.hosts == ("hook.example",)
    assert ids(world(tmp_path, "airgap", hooks=hooks)) == set()


@pytest.mark.parametrize(
    ("source", "host"),
    [
        ({"source": "github", "repo": "who/what"}, "github.com"),
        ({"source": "git", "url": "https://git.example/x.git"}, "git.example"),
        ({"source": "git", "url": "git@git.example:x.git"}, "git.example"),
        ({"source": "npm", "package": "x"}, "registry.npmjs.org"),
    ],
)
def test_a_marketplace_of_plugins_leaves_at_every_level(tmp_path: Path, source: dict[str, str], host: str) -> None:
    (found,) = leaving(world(tmp_path, "airgap", extraKnownMarketplaces={"mine": {"source": source}}))
    assert (found.id, found.hosts) == ("marketplaces", (host,))


def test_a_marketplace_in_a_folder_of_this_machine_is_nobody(tmp_path: Path) -> None:
    source = {"source": "directory", "path": "/srv/plugins"}
    assert leaving(world(tmp_path, "airgap", extraKnownMarketplaces={"mine": {"source": source}})) == ()


@looped("broken", [[], {"Stop": 1}, {"Stop": [1]}, {"Stop": [{"hooks": 1}]}, {"Stop": [{"hooks": [1]}]}])
def test_hooks_that_are_none_call_nobody(tmp_path: Path, broken: Any) -> None:
    assert "hooks" not in ids(world(tmp_path, "quiet", hooks=broken))
