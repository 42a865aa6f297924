"""`enable` shows what it will write, writes just that, reads it back, and refuses where that would be wrong."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.commands import enable
from claude_local_plugin.core.registration import EVENTS
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from claude_local_plugin.settings import schema
from tests.commands.place import MODEL, Place

pytestmark = pytest.mark.slow

SETTINGS = {"permissions": {"allow": ["Bash(make:*)"]}, "cleanupPeriodDays": 30}

OFFLINE = ("--no-check", "--url", "http://127.0.0.1:8000", "--model", "m", "--max-model-len", "65536")


# --- dry run, diff, second run


@pytest.mark.parametrize("scope", ["local", "project", "user"])
@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_a_dry_run_writes_nothing_anywhere(
    repository: Place, server: EmbeddedBackend, scope: str, as_json: tuple[str, ...]
) -> None:
    before = repository.files()
    repository.ok("enable", "--url", server.url, "--scope", scope, "--dry-run", *as_json)
    assert repository.files() == before


def test_a_dry_run_prints_the_very_diff_that_the_real_run_prints(repository: Place, server: EmbeddedBackend) -> None:
    repository.write(repository.local, SETTINGS)
    dry = repository.ok("enable", "--url", server.url, "--dry-run")
    real = repository.ok("enable", "--url", server.url)
    assert dry.out == real.out
    assert "Nothing was written (--dry-run)." in dry.err
    assert "Nothing was written" not in real.err


DRESSES = {
    "no file": None,
    "empty": b"",
    "an empty object": b"{}",
    "two spaces": json.dumps(SETTINGS, indent=2).encode() + b"\n",
    "four spaces, no final newline": json.dumps(SETTINGS, indent=4).encode(),
    "tabs and CRLF": json.dumps(SETTINGS, indent="\t").replace("\n", "\r\n").encode() + b"\r\n",
    "one line": json.dumps(SETTINGS, separators=(",", ":")).encode(),
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(SETTINGS, indent=2).encode() + b"\n",
    "not ASCII": '{\n  "model": "été — 日本",\n  "env": {"É": "ü"}\n}\n'.encode(),
    "our keys are there with other values": json.dumps(
        {"env": {"Z": "1", "ANTHROPIC_MODEL": "theirs", "API_TIMEOUT_MS": "5"}, "skipWebFetchPreflight": False},
        indent=1,
    ).encode(),
    "hooks of somebody else": json.dumps(
        {"hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": "true"}]}]}}, indent=2
    ).encode(),
    "duplicate keys": b'{"env": {"A": "1"}, "model": "a", "model": "b", "env": {"B": "2"}}\n',
}


@pytest.fixture(params=DRESSES.values(), ids=list(DRESSES))
def dressed(request: pytest.FixtureRequest, place: Place) -> bytes | None:
    """The local settings file in every dress; None for no file."""
    content: bytes | None = request.param
    if content is not None:
        place.write(place.local, content)
    return content


def test_the_diff_applied_to_the_old_file_gives_the_new_one(
    place: Place, server: EmbeddedBackend, dressed: bytes | None, tmp_path: Path
) -> None:
    diff = place.ok("enable", "--url", server.url).out
    patched = tmp_path / "patched"
    if dressed is not None:
        patched.write_bytes(dressed)
    ended = subprocess.run(
        ["patch", "--binary", "--silent", str(patched)], input=diff.encode(), capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stdout
    assert patched.read_bytes() == place.local.read_bytes()


def test_enabling_twice_changes_nothing_the_second_time(
    place: Place, server: EmbeddedBackend, dressed: bytes | None
) -> None:
    place.ok("enable", "--url", server.url)
    before, records = place.files(), _stamps(place)
    ended = place.ok("enable", "--url", server.url)
    assert "already enabled: A session started in " in ended.err
    assert ended.out == ""
    assert place.files() == before
    assert _stamps(place) == records
    assert place.json("enable", "--url", server.url)["changed"] is False
    assert _stamps(place) == records


def _stamps(place: Place) -> dict[Path, tuple[int, int]]:
    """Inode and time of change of everything that `enable` writes."""
    paths = [place.local.parent, place.local, *place.state.rglob("*")]
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}


def test_enable_then_disable_is_the_identity(place: Place, server: EmbeddedBackend, dressed: bytes | None) -> None:
    before = place.elsewhere()
    place.ok("enable", "--url", server.url)
    assert place.elsewhere() != before
    place.ok("disable")
    assert place.elsewhere() == before


def test_only_our_own_keys_change(place: Place, server: EmbeddedBackend, dressed: bytes | None) -> None:
    before = json.loads((dressed or b"{}").removeprefix(b"\xef\xbb\xbf") or b"{}")
    wrote = {line["key"]: line["value"] for line in place.json("enable", "--url", server.url)["wrote"]}
    after = json.loads(place.local.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    for key, value in wrote.items():
        _take_out(after, key, value)
        _take_out(before, key, None)
    for event in EVENTS:
        ours = after["hooks"][event].pop()
        assert ours["hooks"][0]["args"][3:5] == ["-I", "-S"]
    assert _without_empty(after) == _without_empty(before)


def _take_out(settings: dict[str, Any], key: str, value: object) -> None:
    *parents, name = key.split(".")
    for parent in parents:
        settings = settings.get(parent, {})
    if name == "deny":  # one rule of a list
        if value is not None:
            settings[name].remove(value)
        return
    found = settings.pop(name, None)
    assert value is None or found == value


def _without_empty(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    smaller = {name: _without_empty(member) for name, member in value.items()}
    return {name: member for name, member in smaller.items() if member not in ({}, [])}


def test_each_line_is_shown_with_its_reason(place: Place, server: EmbeddedBackend) -> None:
    ended = place.ok("enable", "--url", server.url)
    for line in place.json("enable", "--url", server.url)["wrote"]:
        assert any(shown.split(maxsplit=1) == [line["key"], line["reason"]] for shown in ended.err.splitlines()), line


def test_a_new_file_is_for_its_owner_only_and_an_old_ones_mode_stays(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url)
    assert place.local.stat().st_mode & 0o777 == 0o600
    place.ok("disable")
    place.write(place.local, SETTINGS)
    place.local.chmod(0o640)
    place.ok("enable", "--url", server.url)
    assert place.local.stat().st_mode & 0o777 == 0o640


def test_it_says_in_one_sentence_what_a_session_here_will_use_and_how_to_undo_it(
    place: Place, server: EmbeddedBackend
) -> None:
    said = place.ok("enable", "--url", server.url).err.splitlines()
    assert said[-4] == (
        f"Enabled for sessions that start in this very folder. A session started in {place.project} now talks to"
        f" {server.url} as {MODEL};"
        " no credential of yours goes there."
    )
    assert said[-2:] == ["Undo: claude-local disable --scope local", "Now run: claude"]
    assert place.ok("enable", "--url", server.url, "--scope", "user").err.splitlines()[-2:] == [
        "Undo: claude-local disable --scope user",
        "Now run: claude",
    ]


def test_without_hooks_none_are_installed(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url, "--no-hooks")
    assert "hooks" not in json.loads(place.local.read_bytes())


def test_the_shared_file_gets_no_hooks_and_says_how_to_have_them(place: Place, server: EmbeddedBackend) -> None:
    answer = place.json("enable", "--url", server.url, "--scope", "project")
    assert "hooks" not in json.loads(place.shared.read_bytes())
    (warning,) = [text for text in answer["warnings"] if "hooks" in text]
    assert "claude-local hooks install --scope user" in warning
    quiet = place.json("enable", "--url", server.url, "--scope", "project", "--no-hooks")
    assert not [text for text in quiet["warnings"] if "hooks" in text]


# --- --json


def test_the_json_object_has_the_promised_keys_and_a_few_documented_ones(place: Place, server: EmbeddedBackend) -> None:
    answer = place.json("enable", "--url", server.url)
    assert set(answer) == {
        "changed",
        "settings_file",
        "target",
        "backend",
        "wrote",
        "warnings",
        "dry_run",
        "scope",
        "profile",
        "state_file",
        "measured",
    }
    assert set(answer["backend"]) == {"url", "kind", "model", "max_model_len", "version"}
    assert answer["backend"] == {
        "url": server.url,
        "kind": "vllm",
        "version": "0.32.0",
        "model": MODEL,
        "max_model_len": 65_536,
    }
    assert all(set(line) == {"key", "value", "reason"} for line in answer["wrote"])
    assert answer["changed"] is True
    assert answer["settings_file"] == str(place.local)
    assert answer["wrote"][0] == {
        "key": "env.ANTHROPIC_BASE_URL",
        "value": server.url,
        "reason": "every request goes to your server",
    }


def test_a_dry_run_in_json_says_that_nothing_was_changed(place: Place, server: EmbeddedBackend) -> None:
    answer = place.json("enable", "--url", server.url, "--dry-run")
    assert (answer["changed"], answer["dry_run"]) == (False, True)
    assert answer["wrote"]


def test_in_json_nothing_but_the_object_is_on_standard_output(place: Place, server: EmbeddedBackend) -> None:
    ended = place.ok("enable", "--url", server.url, "--json")
    assert ended.err == ""
    assert ended.out.startswith("{\n")


def test_what_is_written_fits_our_own_schema_of_settings(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url)
    assert schema.problems(json.loads(place.local.read_bytes()), "settings") == ()


# --- secrets

KEY = "server-key-with-some-length-0123456789"


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server that asks for a key, which is in MY_KEY."""
    monkeypatch.setenv("MY_KEY", KEY)
    with EmbeddedBackend(models=(Model(MODEL),), api_key=KEY) as backend:
        yield backend


@pytest.mark.parametrize(
    "more",
    [(), ("--json",), ("--dry-run",), ("--dry-run", "--json"), ("--scope", "user"), ("--no-check", "--model", "m")],
)
def test_a_key_is_never_shown(repository: Place, guarded: EmbeddedBackend, more: tuple[str, ...]) -> None:
    ended = repository.ok("enable", "--url", guarded.url, "--token-env", "MY_KEY", *more)
    assert KEY not in ended.all
    assert "serv…6789 (38 chars)" in ended.out
    for command in (("enable", "--url", guarded.url, "--token-env", "MY_KEY"), ("status",), ("disable",)):
        assert KEY not in repository.run(*command).all


@pytest.mark.parametrize("key", ['quo"te-0123456789-quo"te', "back\\slash-0123456789-x", "sl/ash-</script>-0123456789"])
def test_a_key_with_characters_that_json_escapes_is_not_shown_either(
    place: Place, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("MY_KEY", key)
    ended = place.ok("enable", *OFFLINE, "--token-env", "MY_KEY")
    assert place.env()["ANTHROPIC_AUTH_TOKEN"] == key
    for shown in (ended.all, place.ok("enable", *OFFLINE, "--token-env", "MY_KEY", "--json").all):
        assert key not in shown
        assert json.dumps(key)[1:-1] not in shown


def test_a_key_is_written_where_it_belongs_and_nowhere_else(repository: Place, guarded: EmbeddedBackend) -> None:
    repository.ok("enable", "--url", guarded.url, "--token-env", "MY_KEY")
    holding = {path for path, (_, _, content) in repository.files().items() if KEY.encode() in content}
    (record,) = (repository.state / "ownership").iterdir()
    assert holding == {str(repository.local), str(record)}
    assert repository.local.stat().st_mode & 0o777 == 0o600
    assert record.stat().st_mode & 0o777 == 0o600
    assert record.parent.stat().st_mode & 0o777 == 0o700
    assert repository.git("status", "--porcelain") == ""


def test_what_is_prepared_shows_no_secret_in_a_traceback(place: Place, guarded: EmbeddedBackend) -> None:
    prepared = place.prepare(url=guarded.url, token_env="MY_KEY")
    assert prepared.backend.token == KEY
    assert KEY not in repr(prepared)


def test_secrets_that_stand_in_the_file_already_are_masked_in_the_diff(place: Place, server: EmbeddedBackend) -> None:
    place.write(
        place.local,
        '{"env": {\n  "ANTHROPIC_API_KEY":\n    "sk-ant-api03-real-real-real",\n'
        '  "ANTHROPIC_AUTH_TOKEN": "tok-real-real-re",\n'
        '  "MY_SERVICE_PASSWORD": "hunter2hunter2",\n  "URL": "https://me:word@host/x"}}\n',
    )
    for ended in (
        place.ok("hooks", "install", "--dry-run"),
        place.ok("hooks", "install", "--dry-run", "--json"),
        place.ok("enable", "--url", server.url, "--dry-run"),
        place.ok("enable", "--url", server.url, "--no-hooks"),
    ):
        for secret in ("real-real", "hunter2", "word@"):
            assert secret not in ended.all
    assert place.env()["MY_SERVICE_PASSWORD"] == "hunter2hunter2"


def test_the_placeholder_is_no_secret_and_shown_in_full(place: Place, server: EmbeddedBackend) -> None:
    ended = place.ok("enable", "--url", server.url)
    assert '+    "ANTHROPIC_AUTH_TOKEN": "claude-local",' in ended.out.splitlines()
    wrote = place.json("enable", "--url", server.url)["wrote"]
    assert {line["key"]: line["value"] for line in wrote}["env.ANTHROPIC_AUTH_TOKEN"] == "claude-local"


def test_the_header_that_replaces_a_saved_console_key_is_shown_in_full(place: Place, server: EmbeddedBackend) -> None:
    place.write(place.home / ".claude.json", {"primaryApiKey": "sk-ant-saved-key", "hasCompletedOnboarding": True})
    ended = place.ok("enable", "--url", server.url)
    assert '"ANTHROPIC_CUSTOM_HEADERS": "x-api-key: claude-local"' in ended.out
    assert "sk-ant-saved" not in ended.all


def test_a_secret_is_refused_for_the_shared_file(place: Place, guarded: EmbeddedBackend) -> None:
    said = place.refused("enable", "--url", guarded.url, "--token-env", "MY_KEY", "--scope", "project", code=2)
    assert "--scope project writes a file that is committed: no secret may go there" in said
    assert KEY not in said


# --- windows


@pytest.mark.parametrize(
    ("model", "window", "needed", "prompt"),
    [("qwen", 27_930, "27,931", "12,883"), ("claude-sonnet-4-5", 36_175, "36,176", "21,128")],
)
def test_a_window_too_small_for_claude_code_is_refused_with_the_numbers(
    place: Place, model: str, window: int, needed: str, prompt: str
) -> None:
    with EmbeddedBackend(models=(Model(model, window),)) as backend:
        said = place.refused("enable", "--url", backend.url)
        assert f"{model} has a window of {window:,} tokens, and Claude Code needs {needed}: {prompt} for" in said
        assert "2,048 for an answer, 13,000 in reserve for compaction" in said
        assert "--max-model-len 65536" in said
        assert "--force" in said
        place.ok("enable", "--url", backend.url, "--force")
    assert place.env()["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == str(window)
    assert place.env()["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "2048"


def test_the_smallest_window_that_works_is_taken(place: Place) -> None:
    with EmbeddedBackend(models=(Model("qwen", 27_931),)) as backend:
        place.ok("enable", "--url", backend.url)
    assert place.env()["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "2048"


def test_an_old_server_needs_a_larger_window_for_its_longer_prompt(place: Place) -> None:
    with EmbeddedBackend(models=(Model("qwen", 32_768),), version="0.22.0") as backend:
        assert "Claude Code needs 35,250: 20,202 for" in place.refused("enable", "--url", backend.url)


# --- files that cannot be edited


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('{\n  "model": "x",\n}\n', 2, 15),
        ('{\n  // mine\n  "model": "x"\n}\n', 2, 3),
        ('{"model": "x"', 1, 14),
        ("[]", 1, 1),
        ("nonsense", 1, 1),
    ],
)
@pytest.mark.parametrize("scope", ["local", "user"])
def test_settings_that_are_not_valid_json_are_refused_with_line_and_column(
    place: Place, server: EmbeddedBackend, text: str, line: int, column: int, scope: str
) -> None:
    path = place.local if scope == "local" else place.user
    place.write(path, text)
    said = place.refused("enable", "--url", server.url, "--scope", scope)
    assert said.startswith(f"error: {place.tilde(path)}:{line}:{column}: ")
    assert "Claude Code ignores the whole file" in said
    assert "nothing was written" in said
    place.refused("enable", "--url", server.url, "--scope", scope, "--json")
    place.refused("enable", "--url", server.url, "--scope", scope, "--dry-run")


@pytest.mark.parametrize("block", ['"env": []', '"permissions": "x"', '"env": null'])
def test_a_block_of_the_wrong_kind_is_refused_at_its_place(place: Place, server: EmbeddedBackend, block: str) -> None:
    place.write(place.local, f"{{\n  {block}\n}}\n")
    said = place.refused("enable", "--url", server.url)
    assert said.startswith(f"error: {place.local}:2:")


def test_a_file_that_claude_code_drops_for_a_wrong_type_is_refused(place: Place, server: EmbeddedBackend) -> None:
    # valid JSON, but whatever we wrote into it would not be heard
    place.write(place.local, '{\n  "model": 5\n}\n')
    said = place.refused("enable", "--url", server.url)
    assert f'{place.local}:2: "model" must be a string; Claude Code ignores the whole file' in said


@pytest.mark.parametrize(
    ("hooks", "line", "problem"),
    [
        ({"PreToolUse": [{"matcher": "Bash", "command": "./g.sh"}]}, 4, '"hooks.PreToolUse[0]" must have "hooks"'),
        ({"PreToolUse": {}}, 3, '"hooks.PreToolUse" must be a list'),
        ({"PermissionRequest": [{"hooks": [{"type": "http"}]}]}, 6, '"hooks.PermissionRequest[0].hooks[0]" must have'),
        (
            {"Stop": [], "PreToolUse": [{"matcher": 5, "hooks": []}]},
            6,
            '"hooks.PreToolUse[0].matcher" must be a string',
        ),
        ({"Stop": [{"PreToolUse": [{"hooks": []}]}]}, 3, '"hooks.Stop" must not hold hooks of PreToolUse'),
    ],
)
def test_a_guarding_hook_that_cannot_be_loaded_makes_the_file_be_ignored_everywhere(
    place: Place, server: EmbeddedBackend, hooks: object, line: int, problem: str
) -> None:
    settings = {"hooks": hooks, "permissions": {"allow": ["Bash(make:*)"]}, "env": {"ANTHROPIC_BASE_URL": "http://x:1"}}
    place.write(place.local, json.dumps(settings, indent=1))
    before = place.files()
    said = place.refused("enable", "--url", server.url)
    assert said.startswith(f"error: {place.local}:{line}: {problem}")
    assert "Claude Code ignores the whole file" in said
    assert place.files() == before
    (dropped,) = [
        each for each in place.json("explain-precedence", code=1)["files"] if each["path"] == str(place.local)
    ]
    assert (dropped["state"], problem in dropped["problem"]) == ("dropped", True)
    assert place.json("status", code=1)["backend"]["cloud"] is True
    found = [each for each in place.json("doctor", "files.json", code=1)["findings"] if each["result"] == "error"]
    assert [(each["where"], problem in each["what"]) for each in found] == [(f"{place.local}:{line}", True)]


@pytest.mark.parametrize(
    "hooks",
    [{"SessionStart": {"x": 1}, "Stop": "x", "ConfigChange": None}, {"Notification": [{"matcher": 5}]}, None],
    ids=json.dumps,
)
def test_hooks_that_only_lose_their_entry_are_no_reason_to_refuse(
    place: Place, server: EmbeddedBackend, hooks: dict[str, object] | None
) -> None:
    text = json.dumps({"hooks": hooks}, indent=2)
    place.write(place.local, text)
    said = place.ok("enable", "--url", server.url)
    written = json.loads(place.local.read_text())["hooks"]
    blocked = [event for event in EVENTS if isinstance((hooks or {}).get(event), dict | str)]
    assert {event for event in EVENTS if isinstance(written.get(event), list)} == {*EVENTS} - {*blocked}
    for event in blocked:
        assert f"hooks.{event} must be a list: Claude Code leaves it out" in said.err
        assert f"no room for claude-local's hook ({event})" in said.err
    place.ok("disable")
    assert place.local.read_text() == text


@pytest.mark.parametrize("hooks", [5, "x", [], [1], True])
def test_where_the_hooks_are_no_object_the_rest_is_written_and_that_is_said(
    place: Place, server: EmbeddedBackend, hooks: object
) -> None:
    place.write(place.local, {"hooks": hooks})
    said = place.ok("enable", "--url", server.url)
    assert "hooks must be an object: Claude Code leaves it out" in said.err
    assert json.loads(place.local.read_text())["hooks"] == hooks
    assert json.loads(place.local.read_text())["env"]["ANTHROPIC_BASE_URL"] == server.url


def test_a_broken_file_of_another_scope_does_not_stand_in_the_way(place: Place, server: EmbeddedBackend) -> None:
    place.write(place.user, '{"a": 1,}')
    place.ok("enable", "--url", server.url)


# --- stronger scopes


def test_a_stronger_scope_that_wins_is_named_and_nothing_is_written(place: Place, server: EmbeddedBackend) -> None:
    place.write(place.local, {"env": {"ANTHROPIC_BASE_URL": "http://elsewhere:9", "ANTHROPIC_AUTH_TOKEN": "mine"}})
    said = place.refused("enable", "--url", server.url, "--scope", "user")
    assert f"this would have no effect: {place.local}:3 sets ANTHROPIC_BASE_URL and beats user settings" in said
    assert "would still talk to http://elsewhere:9\n" in said
    assert f"hint: claude-local enable --url {server.url} --model {MODEL}; nothing was written" in said
    place.refused("enable", "--url", server.url, "--scope", "user", "--json")
    place.refused("enable", "--url", server.url, "--scope", "user", "--dry-run")


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"env": {"ANTHROPIC_BASE_URL": "https://gateway.corp"}}, "would still talk to https://gateway.corp"),
        ({"env": {"CLAUDE_CODE_USE_BEDROCK": "1"}}, "would still talk to bedrock"),
        ({"env": {"ANTHROPIC_MODEL": "claude-opus-5-5"}}, "for claude-opus-5-5"),
        ({"availableModels": ["sonnet"], "enforceAvailableModels": True}, "does not allow this model"),
    ],
)
def test_what_an_administrator_decides_otherwise_is_named_with_its_line_and_nothing_is_written(
    place: Place, server: EmbeddedBackend, tmp_path: Path, policy: dict[str, Any], told: str
) -> None:
    managed = tmp_path / "managed"
    place.write(managed / "managed-settings.json", policy)
    before = place.files()
    with pytest.raises(ClaudeLocalError, match="this would have no effect") as caught:
        place.prepare(place.world(managed_dir=managed), url=server.url)
    assert told in caught.value.message
    assert f"{managed / 'managed-settings.json'}:" in caught.value.message
    assert caught.value.hint == "ask whoever manages this machine's settings; nothing was written"
    assert place.files() == before


def test_a_line_that_a_stronger_scope_beats_without_moving_sessions_is_a_warning(
    place: Place, server: EmbeddedBackend, tmp_path: Path
) -> None:
    managed = tmp_path / "managed"
    place.write(managed / "managed-settings.json", {"env": {"API_TIMEOUT_MS": "5000", "DISABLE_AUTOUPDATER": "0"}})
    prepared = place.prepare(place.world(managed_dir=managed), url=server.url)
    where = f"{managed / 'managed-settings.json'}"
    assert prepared.unheard == ()  # what is set in a file already is left to whoever set it
    place.write(managed / "managed-settings.json", {"env": {"ANTHROPIC_DEFAULT_HAIKU_MODEL": "claude-haiku-4-5"}})
    prepared = place.prepare(place.world(managed_dir=managed), url=server.url)
    assert prepared.unheard == (f"env.ANTHROPIC_DEFAULT_HAIKU_MODEL has no effect: {where}:3 sets it and is stronger",)


def test_a_managed_value_that_is_ours_too_is_no_trouble(place: Place, server: EmbeddedBackend, tmp_path: Path) -> None:
    managed = tmp_path / "managed"
    place.write(managed / "managed-settings.json", {"env": {"ANTHROPIC_BASE_URL": server.url}})
    assert place.prepare(place.world(managed_dir=managed), url=server.url).unheard == ()


@pytest.mark.parametrize(
    "policy",
    [
        {"apiKeyHelper": "echo corporate-key"},
        {"env": {"ANTHROPIC_API_KEY": "sk-ant-corporate"}},
        {"env": {"ANTHROPIC_CUSTOM_HEADERS": "x-api-key: sk-ant-corporate"}},
        {"env": {"ANTHROPIC_AUTH_TOKEN": "corporate-token"}},
    ],
)
def test_a_credential_that_cannot_be_kept_back_is_refused(
    place: Place, server: EmbeddedBackend, tmp_path: Path, policy: dict[str, Any]
) -> None:
    managed = tmp_path / "managed"
    place.write(managed / "managed-settings.json", policy)
    before = place.files()
    with pytest.raises(ClaudeLocalError, match="a credential would still be sent to ") as caught:
        place.prepare(place.world(managed_dir=managed), url=server.url)
    assert "nothing was written" in (caught.value.hint or "")
    assert "corporate" not in str(caught.value) + (caught.value.hint or "").replace(str(managed), "")
    assert place.files() == before


@pytest.mark.parametrize("where", ["shell", "user", "project"])
def test_credentials_set_elsewhere_are_cancelled_and_none_goes_to_the_server(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    env = {"ANTHROPIC_API_KEY": "sk-ant-1", "ANTHROPIC_CUSTOM_HEADERS": "x-api-key: sk-ant-2"}
    if where == "shell":
        for name, value in env.items():
            monkeypatch.setenv(name, value)
    else:
        place.write(place.user if where == "user" else place.shared, {"env": env, "apiKeyHelper": "echo k"})
    ended = place.ok("enable", "--url", server.url)
    assert "no credential of yours goes there" in ended.err
    assert place.env()["ANTHROPIC_API_KEY"] == ""
    assert place.env()["ANTHROPIC_CUSTOM_HEADERS"] == ""


# --- warnings, each with a command in it


def test_plain_http_to_another_machine_works_with_a_warning_in_words(place: Place) -> None:
    ended = place.ok("enable", "--no-check", "--url", "http://dell-pro-max:8000", "--model", "m", "--force")
    assert "! plain HTTP: anyone on the path to dell-pro-max:8000 can read code" in ended.err
    assert place.env()["ANTHROPIC_BASE_URL"] == "http://dell-pro-max:8000"


def test_a_key_in_the_shell_is_warned_of_with_the_command_that_helps(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-shell-key")
    ended = place.ok("enable", "--url", server.url)
    assert "costs 19 seconds offline: unset ANTHROPIC_API_KEY   (or claude-local enable --url http" in ended.err
    assert "sk-ant" not in ended.all
    assert "19 seconds" not in place.ok("enable", "--url", server.url, "--scope", "user").err


def test_a_first_start_not_finished_is_warned_of_until_it_is(place: Place, server: EmbeddedBackend) -> None:
    assert "first start is not finished" in place.ok("enable", "--url", server.url).err
    place.write(place.home / ".claude.json", {"hasCompletedOnboarding": True})
    assert "first start is not finished" not in place.ok("enable", "--url", server.url).err


def test_all_warnings_name_a_command_or_an_option(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-shell-key")
    answer = place.json(
        "enable", "--no-check", "--url", "http://far:8000", "--model", "claude-sonnet-4-5", "--scope", "project"
    )
    answer["warnings"] += place.json(
        "enable", "--no-check", "--url", "http://far:8000", "--model", "claude-sonnet-4-5", "--max-model-len", "65536"
    )["warnings"]
    assert len(set(answer["warnings"])) == 8
    for text in answer["warnings"]:
        assert "claude-local " in text or "--max-model-len" in text, text


def test_the_environment_of_the_tests_is_clean() -> None:
    """What the tests above rest on: no variable of the machine that runs them reaches the command line."""
    assert not [name for name in os.environ if name.startswith(("ANTHROPIC_", "CLAUDE_CODE"))]


def test_a_key_of_anthropics_own_is_never_taken_for_the_servers(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRONG_KEY", "sk-ant-api03-not-for-this-server")
    said = place.refused("enable", "--url", server.url, "--token-env", "WRONG_KEY", "--yes", code=2)
    assert "Anthropic's own" in said
    assert "not-for-this-server" not in said
    assert not server.requests


def test_a_secret_is_not_written_where_git_cannot_be_asked(
    repository: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with EmbeddedBackend(api_key="own-key") as guarded:
        monkeypatch.setenv("OWN_KEY", "own-key")
        monkeypatch.setenv("PATH", str(tmp_path))
        said = repository.refused("enable", "--url", guarded.url, "--token-env", "OWN_KEY", "--yes")
    assert "git cannot be asked" in said


# --- what somebody else does while the diff is looked at


def _planned(place: Place) -> Any:
    return place.prepare(url="http://127.0.0.1:8000", model="m", check=False, max_model_len=65536)


def test_a_value_that_was_changed_after_it_was_shown_is_not_overwritten(place: Place) -> None:
    place.write(place.local, {"env": {"A": "1"}})
    planned = _planned(place)
    changed = place.write(place.local, {"env": {"A": "1", "ANTHROPIC_BASE_URL": "http://other:1"}})
    with pytest.raises(ClaudeLocalError, match=r"meanwhile by somebody else: env\.ANTHROPIC_BASE_URL") as said:
        enable.write(planned)
    assert (said.value.hint or "").startswith("nothing was written; to see it as it is now: claude-local enable --url")
    assert place.local.read_bytes() == changed


def test_a_file_that_became_a_link_after_it_was_shown_is_not_written_through(place: Place) -> None:
    place.write(place.local, {"env": {"A": "1"}})
    planned = _planned(place)
    place.user.parent.mkdir(parents=True)
    place.local.rename(place.user)
    place.local.symlink_to(place.user)
    before = place.user.read_bytes()
    with pytest.raises(ClaudeLocalError, match="by now"):
        enable.write(planned)
    assert place.user.read_bytes() == before


def test_what_others_change_beside_our_lines_stays(place: Place) -> None:
    place.write(place.local, {"env": {"A": "1"}})
    planned = _planned(place)
    place.write(place.local, {"env": {"A": "2"}, "permissions": {"allow": ["Bash(make:*)"]}})
    enable.write(planned)
    assert place.env()["A"] == "2"
    assert json.loads(place.local.read_text())["permissions"]["allow"] == ["Bash(make:*)"]
