"""`status` and `sessions`: where this folder's sessions go, and what ran where; neither writes anything."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.commands.status import status
from claude_local_plugin.core.registration import EVENTS
from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.sessionlog import store
from tests.commands.place import MODEL, Place, flat


def rows(place: Place, code: int = 0) -> dict[str, str]:
    """What `status` shows, by the words at the left; it must end with this exit code."""
    lines = [line for line in place.ends(code, "status").out.splitlines() if line[0] not in "! "]
    return dict(re.split(r"\s{2,}", line, maxsplit=1) for line in lines)


def test_a_healthy_folder_shows_backend_file_speed_model_and_hooks(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url)
    shown = rows(place)
    assert shown["backend"] == f"{server.url}   vllm"
    assert shown["from"] == "local   .claude/settings.local.json:3"
    assert re.fullmatch(r"ready, \d+ ms", shown["server"])
    assert shown["model"] == f"{MODEL}   window 65,536"
    assert shown["hooks"] == f"local: all {len(EVENTS)} events"
    assert shown["last session"] == "none on record for this folder"
    report = place.json("status")
    assert report["healthy"] is True
    assert report["backend"] == {"kind": "vllm", "url": server.url, "cloud": False}
    assert report["source"] == {"scope": "local", "path": str(place.local), "line": 3}
    assert (report["reachable"], report["model"], report["context_window"]) == (True, MODEL, 65_536)
    assert report["latency_ms"] >= 0


def test_no_credential_is_sent_to_find_out(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "server-key-0123456789")
    server.api_key = "server-key-0123456789"
    place.ok("enable", "--url", server.url, "--token-env", "MY_KEY")
    server.clear()
    place.ok("status")
    assert len(server.requests) == 1
    assert "server-key" not in str([request.headers for request in server.requests])


def test_a_dead_server_is_unhealthy_with_exit_1(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url)
    server.stop()
    assert rows(place, 1)["server"].startswith(f"127.0.0.1:{server.port}: ")
    report = place.json("status", code=1)
    assert (report["healthy"], report["reachable"], report["probe"]) == (False, False, "refused")
    assert report["problem"].startswith(f"127.0.0.1:{server.port}: ")
    # what enable has recognised is still known
    assert report["backend"]["kind"] == "vllm"


def test_a_server_that_is_loading_is_unhealthy(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url)
    server.loading = True
    report = place.json("status", code=1)
    assert (report["healthy"], report["reachable"]) == (False, True)


def test_the_cloud_is_not_asked(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-api03-shell-key-shell")
    shown = rows(place)
    assert shown["backend"] == "https://api.anthropic.com   anthropic"
    assert shown["server"] == "not asked: sessions here go to the cloud"
    assert "from" not in shown
    report = place.json("status")
    assert (report["reachable"], report["probe"], report["source"]) == (None, None, None)
    assert "sk-ant" not in json.dumps(report)


def test_a_provider_is_named_where_it_has_an_endpoint_of_its_own(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CODE_USE_BEDROCK", "1")
    report = place.run("status", "--json").json
    assert report["backend"] == {"kind": "bedrock", "url": None, "cloud": True}
    assert "None" not in place.run("status").out


def test_without_any_credential_it_says_that_nobody_is_logged_in(place: Place) -> None:
    assert rows(place, 1)["server"] == "not asked: Claude Code is not logged in here"
    report = place.json("status", code=1)
    assert (report["outcome"], report["healthy"]) == ("not_logged_in", False)


def test_an_address_that_claude_code_cannot_use_is_unhealthy(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "127.0.0.1:8000")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "x")
    assert "ANTHROPIC_BASE_URL is no http(s) URL" in rows(place, 1)["server"]
    assert place.json("status", code=1)["healthy"] is False


def test_a_server_behind_a_proxy_is_not_asked_and_not_called_the_cloud(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    place.write(place.local, {"env": {"ANTHROPIC_BASE_URL": "http://far.example:8000", "ANTHROPIC_AUTH_TOKEN": "x"}})
    assert rows(place)["server"] == "not asked: sessions here go there through a proxy"


def test_the_scope_that_decides_is_named(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "x")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    assert rows(place)["from"] == "shell   environment"
    place.write(place.user, {"env": {"ANTHROPIC_BASE_URL": server.url}})
    # with our token sent to an address of somebody else's, as it now warns
    assert rows(place, 1)["from"] == "user   ~/.claude/settings.json:3"
    place.write(place.shared, {"env": {"ANTHROPIC_BASE_URL": server.url}})
    assert rows(place, 1)["from"] == "project   .claude/settings.json:3"


def test_managed_settings_are_heard_first(place: Place, server: EmbeddedBackend, tmp_path: Path) -> None:
    place.ok("enable", "--no-check", "--url", "http://127.0.0.1:9", "--model", "m")
    place.write(tmp_path / "managed" / "managed-settings.json", {"env": {"ANTHROPIC_BASE_URL": server.url}})
    snapshot = place.world(managed_dir=tmp_path / "managed").snapshot()
    report = status(snapshot, state_dir=place.state)
    assert report["backend"]["url"] == server.url
    assert report["source"]["scope"] == "managed"


def test_the_last_session_of_this_folder_is_shown(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url)
    place.session("11111111-aaaa-4000-8000-000000000001")
    assert re.fullmatch(rf"\d{{4}}-\S+ \S+   vllm  {re.escape(server.url)}   11111111", rows(place)["last session"])
    assert place.json("status")["last_session"]["session_id"] == "11111111-aaaa-4000-8000-000000000001"


@pytest.mark.parametrize(("folder", "around"), [("hash", "hash"), ("off", "hash"), ("full", "off")])
def test_the_last_session_is_found_under_whatever_name_the_log_has_for_it(
    repository: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch, folder: str, around: str
) -> None:
    repository.ok("config", "set", "log.cwd", folder)
    repository.ok("config", "set", "log.project", around)
    repository.ok("enable", "--url", server.url)
    repository.session("11111111-aaaa-4000-8000-000000000001")
    assert repository.json("status")["last_session"]["session_id"].startswith("1111")
    (repository.project / "sub").mkdir()
    monkeypatch.chdir(repository.project / "sub")
    assert repository.json("status")["last_session"]["session_id"].startswith("1111")


def test_a_protected_folder_on_a_backend_off_its_list_is_unhealthy_and_enable_warns_of_it(
    place: Place, server: EmbeddedBackend
) -> None:
    place.ok("config", "set", "--project", ".", "protect", "true")
    place.ok("config", "set", "--project", ".", "allowed_backends", "http://box-a:8000")
    warned = place.ok("enable", "--url", server.url, "--dry-run")
    said = f"{place.project} is protected and may use http://box-a:8000, but sessions there are on {server.url}"
    assert f"! {said}: our hooks block every prompt" in flat(warned.err)
    place.ok("enable", "--url", server.url)
    report = place.json("status", code=1)
    (warning,) = [each for each in report["warnings"] if each["id"] == "protection.backend"]
    fix = f"claude-local config set --project {place.project} allowed_backends http://box-a:8000 {server.url}"
    assert (report["healthy"], warning["fix"]) == (False, fix)
    (found,) = place.json("doctor", "hooks.protection", code=1)["findings"]
    assert (found["result"], found["fix"]) == ("error", fix)
    place.ok(*fix.split()[1:])
    assert place.json("status")["healthy"] is True
    assert place.json("doctor", "hooks.protection")["findings"][0]["result"] == "ok"


def test_a_log_that_cannot_be_read_is_said_so_and_spoils_nothing_else(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url)
    log = place.state / store.DATABASE
    for path in place.state.glob(f"{log.name}*"):
        path.unlink()
    log.write_bytes(b"this is no database" * 500)
    assert rows(place, 1)["backend"] == f"{server.url}   vllm"
    report = place.json("status", code=1)
    assert "log.unusable" in [warning["id"] for warning in report["warnings"]]
    assert report["reachable"] is True
    assert "error: ~/.local/state/claude-local/sessions.db: " in place.ends(1, "sessions", "list").err
    place.ok("enable", "--url", server.url)
    ended = place.ok("enable", "--url", server.url, "--max-model-len", "40960")
    assert "~/.local/state/claude-local/sessions.db" in ended.err
    assert place.env()["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "40960"
    place.ok("disable")
    assert not place.local.exists()
    assert log.read_bytes().startswith(b"this is no database")


# --- sessions


@pytest.fixture
def three(place: Place, server: EmbeddedBackend) -> list[str]:
    """Three sessions on record: the first ended, the second did not, the third was on Anthropic's API."""
    place.ok("enable", "--url", server.url)
    place.ok("hooks", "install", "--scope", "user")
    names = [f"{number}1111111-aaaa-4000-8000-000000000001" for number in (1, 2, 3)]
    place.session(names[0])
    place.session(names[1], ends=False)
    place.ok("disable")
    place.session(names[2], settings=place.user, ANTHROPIC_API_KEY="sk-ant-api03-shell-key-shell")
    return names


def test_the_list_is_the_promised_object_newest_first(place: Place, server: EmbeddedBackend, three: list[str]) -> None:
    sessions = place.json("sessions", "list")["sessions"]
    assert [session["session_id"] for session in sessions] == three[::-1]
    cloud, running, ended = sessions
    assert set(ended) == {
        *("session_id", "started_at", "ended_at", "end_reason", "cwd", "project", "backend"),
        *("model", "reachable", "latency_ms", "profile", "client_version", "state", "blocked", "duration_s", "errors"),
        *("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "spans"),
    }
    assert set(ended["backend"]) == {"kind", "url"}
    assert ended["backend"] == {"kind": "vllm", "url": server.url}
    assert (ended["end_reason"], ended["reachable"], ended["model"]) == ("other", True, MODEL)
    assert ended["cwd"] == ended["project"] == str(place.project)
    for moment in (ended["started_at"], ended["ended_at"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)
    assert (running["ended_at"], running["end_reason"]) == (None, None)
    assert cloud["backend"] == {"kind": "anthropic", "url": "https://api.anthropic.com"}
    assert (cloud["reachable"], cloud["latency_ms"]) == (None, None)


def test_the_limit_takes_the_newest(place: Place, three: list[str]) -> None:
    assert [session["session_id"] for session in place.json("sessions", "list", "--limit", "1")["sessions"]] == three[
        2:
    ]
    assert "0 is not in the range" in place.ends(2, "sessions", "list", "--limit", "0").err


def test_the_list_is_a_table_for_people(place: Place, server: EmbeddedBackend, three: list[str]) -> None:
    head, cloud, running, ended = place.ok("sessions", "list").out.splitlines()
    assert re.split(r"\s{2,}", head) == [
        *("started", "session", "backend", "model", "time", "in", "out", "state", "project")
    ]
    place_of_it = server.url.removeprefix("http://")
    assert re.split(r"\s{2,}", ended)[1:5] == ["11111111", "vllm", place_of_it, MODEL]
    assert re.split(r"\s{2,}", ended)[6:9] == ["0", "0", "ended"]
    assert "  31111111  cloud  api.anthropic.com  " in cloud
    assert "  running  " in running


def test_one_session_is_shown_by_the_beginning_of_its_id_with_all_that_happened(place: Place, three: list[str]) -> None:
    report: dict[str, Any] = place.json("sessions", "show", "1111")
    assert report["session_id"] == three[0]
    assert [event["event"] for event in report["events"]] == ["SessionStart", "UserPromptSubmit", "SessionEnd"]
    assert (report["source"], report["blocked"]) == ("startup", 0)
    shown = place.ok("sessions", "show", three[0]).out
    assert three[0] in shown
    assert "UserPromptSubmit" in shown


def test_a_prompt_that_was_held_back_is_on_record(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url)
    server.stop()
    place.session("11111111-aaaa-4000-8000-000000000001")
    report = place.json("sessions", "show", "1")
    assert report["blocked"] == 1
    assert [event["outcome"] for event in report["events"]] == ["refused", "refused", None]
    assert [s["session_id"] for s in place.json("sessions", "list", "--state", "blocked")["sessions"]] == [
        report["session_id"]
    ]


def test_a_beginning_of_several_ids_is_refused_with_exit_2(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url)
    for number in (1, 2):
        place.session(f"1111111{number}-aaaa-4000-8000-000000000001")
    said = place.ends(2, "sessions", "show", "1111").err
    assert "several sessions begin with '1111': 1111111" in said
    assert "hint: give more of the id" in said


@pytest.mark.parametrize("name", ["nope", ""])
def test_an_id_that_is_not_on_record_is_refused(place: Place, name: str) -> None:
    said = place.ends(1, "sessions", "show", name).err
    assert f"no session on record begins with {name!r}" in said
    assert "hint: claude-local sessions list" in said


def test_with_no_log_there_are_no_sessions(place: Place) -> None:
    assert place.json("sessions", "list") == {"sessions": []}
    assert place.ok("sessions", "list").out.startswith("no session on record yet")


def test_a_key_in_the_address_is_never_on_record(place: Place, server: EmbeddedBackend) -> None:
    place.ok("hooks", "install", "--scope", "user")
    address = f"http://me:password-word@127.0.0.1:{server.port}"
    place.session("11111111-aaaa-4000-8000-000000000001", settings=place.user, ANTHROPIC_BASE_URL=address)
    assert place.json("sessions", "list")["sessions"][0]["backend"]["url"] == server.url
    assert not [path for path, (_, _, content) in place.files().items() if b"password-word" in content]


# --- reading leaves no trace


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("status", "--json"),
        ("sessions", "list"),
        ("sessions", "list", "--json"),
        ("sessions", "show", "x"),
        ("hooks", "status"),
        ("explain-precedence",),
        ("explain-precedence", "--json"),
        ("--help",),
        ("--version",),
        ("enable", "--help"),
        ("disable",),
        ("hooks", "uninstall"),
        ("enable", "--no-check", "--url", "http://127.0.0.1:9", "--model", "m", "--dry-run"),
        ("hooks", "install", "--dry-run"),
    ],
    ids=" ".join,
)
def test_what_only_reads_leaves_an_empty_home_empty(place: Place, command: tuple[str, ...]) -> None:
    place.run(*command)
    assert list(place.home.iterdir()) == []
    assert list(place.project.iterdir()) == []


@pytest.mark.parametrize("command", [("status",), ("sessions", "list"), ("hooks", "status")], ids=" ".join)
def test_what_only_reads_changes_nothing_where_there_is_something(
    place: Place, server: EmbeddedBackend, three: list[str], command: tuple[str, ...]
) -> None:
    def seen() -> dict[str, tuple[str, int, bytes]]:
        # SQLite's own index of its journal is no content of the log, and comes and goes with its readers
        return {path: what for path, what in place.files().items() if not path.endswith(("-shm", "-wal"))}

    place.waits_for_imports()
    place.run("sessions", "list")  # puts what hooks have written into the log
    before = seen()
    place.run(*command)
    assert seen() == before


def test_a_damaged_log_is_a_warning_for_status_and_enable_and_nothing_more(
    place: Place, server: EmbeddedBackend
) -> None:
    place.write(place.state / "sessions.db", "this is no database at all, and long enough to be sure of it")
    enabled = place.json("enable", "--url", server.url, "--yes")
    assert any("session log" in warning for warning in enabled["warnings"])
    report = place.json("status", code=1)
    assert report["backend"]["url"] == server.url
    assert report["reachable"] is True
    assert [warning["id"] for warning in report["warnings"] if warning["severity"] == "error"] == ["log.unusable"]


def test_every_command_and_the_hook_say_one_thing_of_a_gateway_beside_another_provider(place: Place) -> None:
    place.write(
        place.user,
        {
            "env": {
                "CLAUDE_CODE_USE_BEDROCK": "1",
                "CLAUDE_CODE_USE_GATEWAY": "1",
                "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
                "ANTHROPIC_AUTH_TOKEN": "t",
            }
        },
    )
    explained = place.json("explain-precedence")["decisions"]
    assert (explained["provider"]["value"], explained["base_url"]["value"]) == ("gateway", "http://127.0.0.1:9")
    assert place.json("status", code=1)["backend"]["url"] == "http://127.0.0.1:9"
    assert place.json("status", code=1)["backend"]["cloud"] is False
    found = {each["id"]: each["what"] for each in place.json("doctor", "precedence", "privacy", code=1)["findings"]}
    assert "bedrock" not in f"{found}"
