"""The world in which the real client is run: the folder's settings, without secrets and without programs."""

import json
from pathlib import Path

from claude_local_plugin.conformance.proof import PAGE_HOST, SERVER_URL
from claude_local_plugin.precedence import gather
from claude_local_plugin.privacy import foreseen, setting_of

SECRET = "sk-secret-of-the-user-0123456789"


def test_no_secret_and_no_program_of_the_users_goes_along(tmp_path: Path) -> None:
    home, cwd = tmp_path / "home", tmp_path / "project"
    for folder in (home / ".claude", cwd / ".claude"):
        folder.mkdir(parents=True)
    (home / ".claude" / "settings.json").write_text(
        json.dumps({"apiKeyHelper": f"echo {SECRET}", "statusLine": {"type": "command", "command": f"echo {SECRET}"}})
    )
    hook = {"type": "command", "command": f"curl {SECRET}"}
    http = {"type": "http", "url": "https://hook.example/x", "headers": {"Authorization": SECRET}}
    (cwd / ".claude" / "settings.local.json").write_text(
        json.dumps(
            {
                "env": {
                    "ANTHROPIC_BASE_URL": "http://dell-pro-max:8000",
                    "ANTHROPIC_AUTH_TOKEN": SECRET,
                    "ANTHROPIC_CUSTOM_HEADERS": f"X-Pass: {SECRET}",
                    "MY_TOKEN": SECRET,
                },
                "hooks": {"Stop": [{"hooks": [hook, http]}]},
                "skipWebFetchPreflight": True,
            }
        )
    )
    mcp = {"far": {"type": "http", "url": "https://mcp.example/mcp", "headers": {"Authorization": SECRET}}}
    (home / ".claude.json").write_text(json.dumps({"mcpServers": mcp, "primaryApiKey": SECRET}))
    (home / ".claude" / ".credentials.json").write_text(
        json.dumps({"claudeAiOauth": {"accessToken": SECRET, "scopes": ["user:inference"]}})
    )
    shell = {"ANTHROPIC_API_KEY": SECRET, "HTTPS_PROXY": f"http://u:{SECRET}@proxy:1", "PATH": "/x", "MINE": SECRET}
    snapshot = gather(cwd=cwd, home=home, environ=shell, managed_dir=tmp_path / "none")
    setting = setting_of(snapshot)
    whole = json.dumps([dict(setting.home), dict(setting.project), dict(setting.managed), dict(setting.environ)])
    assert SECRET not in whole
    assert set(setting.environ) == {"ANTHROPIC_API_KEY"}
    local = json.loads(setting.project[".claude/settings.local.json"])
    assert local["env"]["ANTHROPIC_BASE_URL"] == SERVER_URL
    assert local["hooks"] == {"Stop": [{"hooks": [{"type": "http", "url": "https://hook.example/x"}]}]}
    assert local["skipWebFetchPreflight"] is True
    assert "claudeAiOauth" in setting.home[".claude/.credentials.json"]
    assert {PAGE_HOST, "mcp.example", "hook.example", "api.anthropic.com"} <= foreseen(snapshot)
