"""`claude-local doctor` in a real folder, against our own server and recorded answers of real ones."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.core.registration import EVENTS
from claude_local_plugin.doctor import CHECKS, GROUPS, run
from claude_local_plugin.doctor.checks import WORDS
from claude_local_plugin.doctor.facts import gather, own_token
from claude_local_plugin.fake_server.server import EmbeddedBackend, Model, ToolUse
from claude_local_plugin.precedence import resolve
from claude_local_plugin.servers.tool_parsers import family_of
from tests.client.terminal import Terminal
from tests.commands.place import MODEL, Place, flat
from tests.servers.conftest import Recorded, Replay, Said

CLOUD_KEY = "sk-ant-api03-0123456789abcdefghijklmnopqrstuvwxyz"
LOGIN = {"claudeAiOauth": {"accessToken": "sk-ant-oat-1", "scopes": ["user:inference"]}}
CALL = ToolUse("record_weather", {"city": "Oslo", "days": 3, "hourly": True, "tags": ["wind", "rain"]})


def enabled(place: Place, server: EmbeddedBackend, *more: str) -> None:
    """`enable` on this server, in a folder that is trusted and a client that is known."""
    place.ok("enable", "--url", server.url, "--yes", *more)
    state = {"hasCompletedOnboarding": True, "projects": {str(place.project): {"hasTrustDialogAccepted": True}}}
    place.write(place.home / ".claude.json", state)


@pytest.fixture
def client(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Claude Code of the verified version on the PATH."""
    monkeypatch.setenv("PATH", f"{place.client('2.1.329', tmp_path / 'npm')}:/usr/local/bin:/usr/bin:/bin")


def results(answer: Any) -> dict[str, str]:
    """Check -> its worst result, of those that are neither ok nor skipped."""
    return {f["id"]: f["result"] for f in answer["findings"] if f["result"] not in ("ok", "skipped")}


def by_id(answer: Any, check: str) -> Any:
    return next(finding for finding in answer["findings"] if finding["id"] == check)


# --- a healthy folder, and none


@pytest.mark.usefixtures("client")
def test_an_enabled_folder_takes_one_line_a_group(repository: Place, server: EmbeddedBackend) -> None:
    enabled(repository, server)
    shown = repository.ok("doctor").out.splitlines()
    assert [line.split()[0] for line in shown[:-1]] == list(GROUPS)
    assert [line.split()[1:] for line in shown if line.startswith(("files", "model", "cache"))] == [["ok"]] * 3
    assert f"prompts and code go to 127.0.0.1:{server.port}, and nothing to anybody else" in flat("\n".join(shown))
    assert shown[-1].startswith("all well · ")
    assert not server.messages


@pytest.mark.usefixtures("client")
def test_looking_writes_nothing_and_makes_no_model_run(place: Place, server: EmbeddedBackend) -> None:
    enabled(place, server)
    before = place.elsewhere()
    assert results(place.json("doctor")) == {}
    assert place.elsewhere() == before
    assert not server.messages


def test_the_json_has_every_check(place: Place, server: EmbeddedBackend) -> None:
    enabled(place, server)
    answer = place.json("doctor", code=1)
    assert [f["id"] for f in answer["findings"]] == [check.id for check in CHECKS]
    assert results(answer) == {"client.installed": "warning"}
    assert answer["counts"]["warning"] == 1
    assert sum(answer["counts"].values()) == len(answer["findings"])
    assert answer["url"] == server.url
    assert answer["deep"] is False


@pytest.mark.usefixtures("client")
def test_a_folder_on_the_cloud_is_left_in_peace(place: Place) -> None:
    place.write(place.home / ".claude" / ".credentials.json", LOGIN)
    shown = place.ok("doctor").out
    assert "prompts and code go to api.anthropic.com" in shown
    assert "all well" in shown


def test_a_server_is_not_asked_about_files(place: Place, server: EmbeddedBackend) -> None:
    enabled(place, server)
    server.clear()
    place.ok("doctor", "files", "precedence", "hooks", "leak.login", "privacy")
    assert server.requests == []
    place.ok("doctor", "credentials.key")
    assert server.requests != []


# --- what is wrong


def test_a_leak_is_found_shown_first_and_fixed(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", CLOUD_KEY)
    before = place.write(place.local, {"env": {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_AUTH_TOKEN": "own"}})
    shown = place.ends(1, "doctor", "leak.shell-api-key")
    assert "fix: claude-local doctor --fix leak.shell-api-key" in shown.out
    looked = place.ends(1, "doctor", "leak.shell-api-key", "--fix", "--dry-run")
    assert '+    "ANTHROPIC_API_KEY": ""' in looked.out
    assert place.local.read_bytes() == before
    fixed = place.ok("doctor", "leak.shell-api-key", "--fix", "--yes")
    assert place.env() == {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_AUTH_TOKEN": "own", "ANTHROPIC_API_KEY": ""}
    assert CLOUD_KEY not in shown.all + looked.all + fixed.all
    place.ok("disable")
    assert place.local.read_bytes() == before


def test_everything_that_can_be_fixed_is(
    repository: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", CLOUD_KEY)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("CLAUDE_CODE_USE_BEDROCK", "0")
    before = repository.write(repository.local, {"env": {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_MODEL": MODEL}})
    answer = repository.json("doctor", "--fix", "--yes", code=1)
    left = results(answer)
    assert {check.id for check in CHECKS if check.fixable} & set(left) == set()
    assert {fix["path"] for fix in answer["fixes"]} == {
        str(repository.local),
        str(repository.project / ".git" / "info" / "exclude"),
    }
    assert all(fix["applied"] for fix in answer["fixes"])
    assert repository.env()["NO_PROXY"] == "127.0.0.1"
    assert repository.env()["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "65536"
    # again: nothing is left to do
    assert repository.json("doctor", "--fix", "--yes", code=1)["fixes"] == []
    repository.ok("disable")
    assert repository.local.read_bytes() == before


def test_a_dropped_file_is_fixed_by_its_comma_alone(place: Place, server: EmbeddedBackend) -> None:
    text = f'{{\n  // the box\n  "env": {{"ANTHROPIC_BASE_URL": "{server.url}",}}\n}}\n'
    place.write(place.local, text)
    answer = place.json("doctor", "files", "hooks", code=1)
    assert by_id(answer, "files.json")["where"] == f"{place.local}:2:3"
    refused = place.json("doctor", "--fix", "--dry-run", code=1)
    assert [fix["path"] for fix in refused["fixes"]] == [str(place.local)]
    place.run("doctor", "files.json", "--fix", "--yes")
    assert place.local.read_text() == f'{{\n  "env": {{"ANTHROPIC_BASE_URL": "{server.url}"}}\n}}\n'


def test_broken_hooks_of_another_installation_are_made_anew(place: Place, server: EmbeddedBackend) -> None:
    enabled(place, server)
    settings = json.loads(place.local.read_text())
    for groups in settings["hooks"].values():
        groups[0]["hooks"][0]["args"][2] = "/gone/python"
    place.write(place.local, settings)
    assert results(place.json("doctor", "hooks", code=1)) == {"hooks.broken": "error"}
    answer = place.json("doctor", "hooks", "--fix", "--yes")
    assert results(answer) == {}
    groups = json.loads(place.local.read_text())["hooks"]
    assert all(len(listed) == 1 for listed in groups.values())
    assert groups["SessionEnd"][0]["hooks"][0]["args"][2] == sys.executable


@pytest.mark.skipif(sys.platform == "win32", reason="no permission bits there")
def test_a_file_with_a_key_becomes_private(place: Place, server: EmbeddedBackend) -> None:
    place.write(place.local, {"env": {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_AUTH_TOKEN": "sk-own-key"}})
    place.local.chmod(0o644)
    answer = place.json("doctor", "files.mode", "--fix", "--yes")
    assert answer["fixes"][0]["diff"] == f"chmod 600 {place.local}\n"
    assert place.local.stat().st_mode & 0o777 == 0o600


def test_several_served_models_are_for_the_user_to_choose(place: Place) -> None:
    with EmbeddedBackend(models=(Model("one", root="a"), Model("two", root="b"))) as backend:
        place.write(place.local, {"env": {"ANTHROPIC_BASE_URL": backend.url, "ANTHROPIC_MODEL": "three"}})
        answer = place.json("doctor", "model.served", "--fix", "--yes", code=1)
    assert answer["fixes"] == []
    assert "claude-local enable" in answer["refused"][0]["reason"]
    assert place.env()["ANTHROPIC_MODEL"] == "three"


def test_what_an_administrator_set_is_not_promised_to_be_fixed(place: Place, tmp_path: Path) -> None:
    managed = tmp_path / "managed"
    place.write(managed / "managed-settings.json", {"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}})
    place.write(place.home / ".claude" / ".credentials.json", LOGIN)
    world = place.world(managed_dir=managed)
    facts = gather(world.snapshot(), state_dir=place.state, ask_server=False)
    leak = next(finding for finding in run(facts) if finding.id == "leak.login")
    assert leak.result == "error"
    assert not leak.fixable
    assert "manages this machine" in (leak.fix or "")


# --- the server


def test_a_server_that_is_off_says_how_to_start_it(place: Place, closed_port: int) -> None:
    place.ok(
        "enable", "--url", f"http://127.0.0.1:{closed_port}", "--no-check", "--model", "m", "--max-model-len", "65536"
    )
    answer = place.json("doctor", "server", "model", code=1)
    assert results(answer) == {"server.ready": "error"}
    ready = by_id(answer, "server.ready")
    assert "refuses connections" in ready["what"]
    # another kind, or another model, would be of no use
    assert ready["fix"] == "start the server again with m"
    assert by_id(answer, "model.served")["result"] == "skipped"


def test_a_server_that_has_answered_before_is_started_as_what_it_was(place: Place, server: EmbeddedBackend) -> None:
    enabled(place, server)
    assert by_id(place.json("doctor", "server.ready"), "server.ready")["what"].startswith("vLLM")
    server.stop()
    answer = place.json("doctor", "server.ready", code=1)
    assert by_id(answer, "server.ready")["fix"] == f"start vLLM again with {MODEL}"


def test_a_loading_server_is_a_warning(place: Place) -> None:
    with EmbeddedBackend(loading=True) as backend:
        answer = place.json("doctor", "server", "--url", backend.url, code=1)
    assert results(answer) == {"server.ready": "warning"}
    assert "loading" in by_id(answer, "server.ready")["what"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:0", "localhost:8000", "http://h h:1", "ftp://x"])
def test_an_address_that_nobody_can_use_is_a_finding(place: Place, url: str) -> None:
    place.write(place.local, {"env": {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_AUTH_TOKEN": "claude-local"}})
    answer = place.json("doctor", code=1)
    assert results(answer)["precedence.url"] == "error"
    assert "failed" not in results(answer).values()


def test_another_server_can_be_looked_at(place: Place, server: EmbeddedBackend) -> None:
    enabled(place, server)
    with EmbeddedBackend(models=(Model("small", 8_192),)) as other:
        answer = place.json("doctor", "server", "model", "--url", other.url, code=1)
        asked = {request.headers.get("authorization") for request in other.requests}
    assert answer["url"] == other.url
    assert results(answer) == {"model.prompt": "error"}
    assert asked == {None}


def test_a_guarded_server_gets_the_folders_own_key(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVER_KEY", "sk-own-key")
    with EmbeddedBackend(api_key="sk-own-key") as backend:
        enabled(place, backend, "--token-env", "SERVER_KEY")
        assert results(place.json("doctor", "server", "credentials")) == {}
        monkeypatch.delenv("SERVER_KEY")
        place.write(place.local, {"env": {**place.env(), "ANTHROPIC_AUTH_TOKEN": "claude-local"}})
        answer = place.json("doctor", "credentials", code=1)
    assert results(answer) == {"credentials.key": "error"}
    assert "--token-env" in by_id(answer, "credentials.key")["fix"]


def test_the_key_of_another_server_is_named_by_its_variable(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedBackend(api_key="sk-own-key") as backend:
        refused = place.json("doctor", "credentials.key", "--url", backend.url, code=1)
        assert "--token-env" in by_id(refused, "credentials.key")["fix"]
        monkeypatch.setenv("SERVER_KEY", "sk-own-key")
        assert results(place.json("doctor", "credentials.key", "--url", backend.url, "--token-env", "SERVER_KEY")) == {}
    assert "sk-own-key" not in json.dumps(refused)


@pytest.mark.parametrize(
    ("folder", "kind"), [("vllm", "vLLM 0.32.0"), ("litellm", "LiteLLM"), ("llama.cpp", "llama.cpp")]
)
def test_recorded_real_servers_are_recognised(
    place: Place, replay: Callable[..., Replay], folder: str, kind: str
) -> None:
    table: dict[tuple[str, str], Recorded | Said] = {("GET", "/v1/messages"): Said(405)}
    table["GET", "/v1/model/info"] = Said(200, '{"data": []}')  # its deployments are not on this machine
    answer = place.json("doctor", "server", "--url", replay(folder, table).url)
    assert by_id(answer, "server.ready")["what"].startswith(kind)
    assert by_id(answer, "server.messages")["result"] == "ok"


def test_a_recorded_vllm_with_a_key_asks_for_it(place: Place, replay: Callable[..., Replay]) -> None:
    url = replay("vllm-key", otherwise=Said(401, '{"error": "Unauthorized"}')).url
    answer = place.json("doctor", "credentials.key", "server.ready", "--url", url, code=1)
    assert by_id(answer, "server.ready")["result"] == "skipped"
    assert results(answer) == {"credentials.key": "error"}


# --- real requests


def test_deep_says_first_what_it_sends_and_finds_nothing_wrong(place: Place) -> None:
    with EmbeddedBackend(
        models=(Model(MODEL, 65_536),), reply=lambda body: CALL if body.get("tools") else "ready"
    ) as backend:
        enabled(place, backend)
        ended = place.run("doctor", "--deep", "model", "server.speed", "cache.prefix", "--json")
        assert backend.messages
    assert "real requests" in ended.err
    assert backend.url in ended.err
    assert results(ended.json) == {}
    assert ended.json["deep"] is True
    assert by_id(ended.json, "model.tool-calls")["result"] == "ok"


def test_a_swallowed_tool_call_names_the_parser_of_the_family(place: Place) -> None:
    family = family_of(MODEL)
    assert family is not None
    with EmbeddedBackend(
        models=(Model(MODEL, 65_536),), reply=lambda body: "" if body.get("tools") else "ready"
    ) as backend:
        enabled(place, backend)
        answer = place.json("doctor", "--deep", "model.tool-calls", code=1)
    assert results(answer) == {"model.tool-calls": "error"}
    assert f"--tool-call-parser {family.tool}" in by_id(answer, "model.tool-calls")["fix"]


def test_memory_is_switched_off_only_when_it_is_named(place: Place, server: EmbeddedBackend) -> None:
    enabled(place, server)
    answer = place.json("doctor", "--deep", "cache", "--fix", "--yes", code=1)
    assert answer["fixes"] == []
    assert "keeps no notes" in by_id(answer, "cache.folders")["what"]
    place.ok("doctor", "--deep", "cache.folders", "--fix", "--yes")
    assert place.env()["CLAUDE_CODE_DISABLE_AUTO_MEMORY"] == "1"
    place.ok("disable")
    assert not place.local.exists()


def test_deep_sends_nothing_to_a_server_that_is_not_there(place: Place, closed_port: int) -> None:
    ended = place.ends(1, "doctor", "--deep", "--url", f"http://127.0.0.1:{closed_port}", "model", "server")
    assert "no request is sent" in ended.err


# --- how it is called


def test_the_list_has_every_check_with_its_question(place: Place) -> None:
    shown = place.ok("doctor", "--list").out
    for check in CHECKS:
        assert check.id in shown
        assert check.asks in shown


@pytest.mark.parametrize("word", ["leak", "slow", "tools", "window", "key", "down", "port", "401", "404", "hang"])
def test_a_trouble_is_found_by_what_people_call_it(place: Place, word: str) -> None:
    meant = [check.id for check in CHECKS if word in check.said]
    assert [finding["id"] for finding in place.run("doctor", word, "--json").json["findings"]] == meant
    assert word in place.ok("doctor", "--help").out
    (line,) = [line for line in place.ok("doctor", "--list").out.splitlines() if line.split()[:1] == [word]]
    assert all(each in line or f"{each.partition('.')[0]}.*" in line for each in meant)


def test_the_words_for_troubles_lead_to_those_checks() -> None:
    said = {word: {check.id for check in checks} for word, checks in WORDS.items()}
    assert said["leak"] == {check.id for check in CHECKS if check.id.startswith("leak.")}
    assert {"server.busy", "server.speed", "cache.prefix"} <= said["slow"]
    assert {"model.tool-calls", "model.tool-types", "model.tool-results"} <= said["tools"]
    assert {"model.window", "model.prompt", "model.output", "model.compaction"} <= said["window"]
    assert {"credentials.key", "leak.shell-api-key"} <= said["key"]


def test_one_check_is_explained(place: Place) -> None:
    shown = place.ok("doctor", "--explain", "cache.folders").out
    assert "claude-local doctor --deep --fix cache.folders" in shown
    assert "has a price" in shown


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["modle"], "did you mean model?"),
        (["--explain", "files.jsn"], "did you mean files.json?"),
        (["--fix"], "--dry-run"),
        (["--yes"], "--fix"),
        (["--url", "localhost:8000"], "http://localhost:8000"),
        (["--token-env", "X"], "--url"),
        (["--url", "http://localhost:1", "--token-env", "NOT_SET"], "export NOT_SET"),
    ],
)
def test_a_call_that_cannot_be_understood_ends_with_2(place: Place, arguments: list[str], hint: str) -> None:
    assert hint in place.refused("doctor", *arguments, code=2)


# --- what is gathered


def token_for(place: Place, url: str) -> str | None:
    snapshot = place.world().snapshot()
    return own_token(snapshot, resolve(snapshot), url)


def test_only_a_servers_own_key_is_sent_to_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "http://127.0.0.1:8000"
    place.write(place.local, {"env": {"ANTHROPIC_BASE_URL": url + "/", "ANTHROPIC_AUTH_TOKEN": "sk-own"}})
    assert token_for(place, url) == "sk-own"
    assert token_for(place, "http://127.0.0.1:8001") is None
    place.write(place.local, {"env": {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_AUTH_TOKEN": CLOUD_KEY}})
    assert token_for(place, url) is None
    place.write(place.local, {"env": {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_AUTH_TOKEN": "claude-local"}})
    assert token_for(place, url) is None
    place.write(place.local, {"env": {"ANTHROPIC_BASE_URL": url}})
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "of-the-shell")
    assert token_for(place, url) is None
    monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
    place.local.unlink()
    assert token_for(place, url) == "of-the-shell"


def test_files_that_are_not_read_and_vs_codes_settings_are_seen(
    repository: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.write(repository.home / ".claude" / "settings.local.json", {"env": {}})
    repository.write(repository.shared, {"permissions": {}})
    below = repository.project / "sub"
    repository.write(below / ".env", "export ANTHROPIC_BASE_URL=http://localhost:8000\n")
    listed = '[{"name": "ANTHROPIC_BASE_URL", "value": "http://localhost:8000"}]'
    repository.write(
        below / ".vscode" / "settings.json",
        f'{{\n  // mine\n  "claudeCode.environmentVariables": {listed},\n  "claudeCode.disableLoginPrompt": true,\n}}',
    )
    monkeypatch.chdir(below)
    facts = gather(repository.world().snapshot(), state_dir=repository.state, ask_server=False)
    assert {stray.path for stray in facts.strays} == {
        repository.home / ".claude" / "settings.local.json",
        repository.shared,
        below / ".env",
    }
    (editor,) = facts.editors
    assert editor.environment == {"ANTHROPIC_BASE_URL": "http://localhost:8000"}
    assert editor.login_prompt_off


def test_a_damaged_record_is_a_finding_and_not_a_crash(place: Place, server: EmbeddedBackend) -> None:
    enabled(place, server)
    (record,) = (place.state / "ownership").glob("*.json")
    record.write_text("{")
    answer = place.json("doctor", "files.record", code=1)
    assert results(answer) == {"files.record": "error"}


# --- on a terminal


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
@pytest.mark.parametrize(("answer", "written"), [("y\r", True), ("n\r", False)])
def test_a_fix_is_shown_and_asked_about(place: Place, server: EmbeddedBackend, answer: str, written: bool) -> None:
    place.write(place.local, {"env": {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_AUTH_TOKEN": "claude-local"}})
    argv = [sys.executable, "-m", "claude_local_plugin", "doctor", "--fix", "client.retries"]
    with Terminal(argv, cwd=place.project, environ=dict(os.environ)) as terminal:
        terminal.wait_for(r'\+"CLAUDE_CODE_MAX_RETRIES":"2"')
        terminal.wait_for(r"Writethis\?")
        assert "CLAUDE_CODE_MAX_RETRIES" not in place.env()
        terminal.type(answer)
        terminal.wait_for("allwell" if written else "nothingwaswritten")
        assert terminal.wait_for_exit() == (0 if written else 1)
    assert ("CLAUDE_CODE_MAX_RETRIES" in place.env()) is written


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
@pytest.mark.parametrize("in_one_line", [False, True])
def test_hooks_are_one_line_of_what_is_asked_about(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch, in_one_line: bool
) -> None:
    enabled(place, server)
    broken = place.local.read_text().replace("claude_local_hook.py", "gone/claude_local_hook.py")
    place.local.write_text(json.dumps(json.loads(broken)) if in_one_line else broken)
    argv = [sys.executable, "-m", "claude_local_plugin", "doctor", "--fix", "hooks.broken"]
    for options, folded in ((), True), (("--show-hooks",), False):
        with Terminal([*argv, *options], cwd=place.project, environ=dict(os.environ)) as terminal:
            terminal.wait_for(r"Writethis\?")
            count = terminal.text.count(f"{len(EVENTS)}hooksofclaude-local(--show-hooksshowsthem)")
            assert count == (2 if folded else 0)
            assert ("gone/claude_local_hook.py" in terminal.text) is not folded
            terminal.type("n\n")
            assert terminal.wait_for_exit() == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
def test_real_requests_are_announced_and_their_progress_is_seen(place: Place, server: EmbeddedBackend) -> None:
    enabled(place, server)
    argv = [sys.executable, "-m", "claude_local_plugin", "doctor", "--deep", "model.answers"]
    with Terminal(argv, cwd=place.project, environ=dict(os.environ)) as terminal:
        terminal.wait_for("realrequests")
        terminal.wait_for("countingaprompt")
        terminal.wait_for("allwell")
        assert terminal.wait_for_exit() == 0
