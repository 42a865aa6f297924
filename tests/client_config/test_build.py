"""What `enable` writes: each line exactly when it is needed, each with its reason, and the numbers that fit."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.client_config import budget, build, warnings
from claude_local_plugin.client_config.choose_server import Request
from claude_local_plugin.client_config.destination import SettingsDocument, SettingsFile
from claude_local_plugin.client_config.model import Backend, Line, Preferences
from claude_local_plugin.core.endpoint import PROXY_VARIABLES
from claude_local_plugin.core.env_rules import REFUSED_IN_PROJECT_AND_LOCAL
from claude_local_plugin.doctor import CHECKS
from claude_local_plugin.precedence import Scope, Snapshot, gather
from claude_local_plugin.servers import Server, State
from claude_local_plugin.servers.compatibility import Needs, needs
from claude_local_plugin.settings.document import edit
from claude_local_plugin.settings.variables import catalogue
from tests.looped import looped

URL = "http://127.0.0.1:8000"
CURRENT = needs("vllm", "0.32.0")

#: What every server gets, whatever else is set where.
ALWAYS = [
    "env.ANTHROPIC_BASE_URL",
    "env.ANTHROPIC_AUTH_TOKEN",
    "env.ANTHROPIC_API_KEY",
    "env.ANTHROPIC_MODEL",
    "env.ANTHROPIC_DEFAULT_OPUS_MODEL",
    "env.ANTHROPIC_DEFAULT_SONNET_MODEL",
    "env.ANTHROPIC_DEFAULT_HAIKU_MODEL",
    "env.ANTHROPIC_DEFAULT_FABLE_MODEL",
]
WINDOW = ["env.CLAUDE_CODE_MAX_CONTEXT_TOKENS", "env.CLAUDE_CODE_MAX_OUTPUT_TOKENS"]
PATIENCE = [
    "env.API_TIMEOUT_MS",
    "env.API_FORCE_IDLE_TIMEOUT",
    "env.CLAUDE_STREAM_IDLE_TIMEOUT_MS",
    "env.CLAUDE_CODE_MAX_RETRIES",
]
QUIET = [
    "env.CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    "env.CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL",
    "env.DISABLE_AUTOUPDATER",
    "skipWebFetchPreflight",
]
MODE = ["permissions.defaultMode"]


def backend(**changes: Any) -> Backend:
    return Backend(**{"url": URL, "kind": "vllm", "model": "qwen", "max_model_len": 65_536, **changes})


def world(
    tmp_path: Path,
    *,
    shell: Mapping[str, str] | None = None,
    user: Mapping[str, Any] | None = None,
    project: Mapping[str, Any] | None = None,
    local: Mapping[str, Any] | None = None,
    managed: Mapping[str, Any] | None = None,
    state: Mapping[str, Any] | None = None,
) -> Snapshot:
    """What a session sees in a folder with these settings."""
    home, cwd, policy = tmp_path / "home", tmp_path / "project", tmp_path / "managed"
    for folder in (home, cwd, policy):
        folder.mkdir(exist_ok=True)
    for path, content in (
        (home / ".claude" / "settings.json", user),
        (cwd / ".claude" / "settings.json", project),
        (cwd / ".claude" / "settings.local.json", local),
        (policy / "managed-settings.json", managed),
        (home / ".claude.json", state),
    ):
        if content is not None:
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(content))
    return gather(cwd=cwd, home=home, environ=shell or {}, managed_dir=policy)


def planned(snapshot: Snapshot, scope: Scope = Scope.LOCAL, needs: Needs = CURRENT, **changes: Any) -> dict[str, Any]:
    """Key -> value of every line, in order."""
    return {line.key: line.value for line in build.lines(snapshot, backend(**changes), needs, SettingsFile(scope))}


def reasons(snapshot: Snapshot, **changes: Any) -> dict[str, str]:
    return {
        line.key: line.reason for line in build.lines(snapshot, backend(**changes), CURRENT, SettingsFile(Scope.LOCAL))
    }


def test_in_an_untouched_world_a_current_vllm_gets_the_base_set_and_nothing_else(tmp_path: Path) -> None:
    assert planned(world(tmp_path)) == {
        "env.ANTHROPIC_BASE_URL": URL,
        "env.ANTHROPIC_AUTH_TOKEN": "claude-local",
        "env.ANTHROPIC_API_KEY": "",
        "env.ANTHROPIC_MODEL": "qwen",
        "env.ANTHROPIC_DEFAULT_OPUS_MODEL": "qwen",
        "env.ANTHROPIC_DEFAULT_SONNET_MODEL": "qwen",
        "env.ANTHROPIC_DEFAULT_HAIKU_MODEL": "qwen",
        "env.ANTHROPIC_DEFAULT_FABLE_MODEL": "qwen",
        "env.CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536",
        "env.CLAUDE_CODE_MAX_OUTPUT_TOKENS": "16384",
        "env.API_TIMEOUT_MS": "1800000",
        "env.API_FORCE_IDLE_TIMEOUT": "0",
        "env.CLAUDE_STREAM_IDLE_TIMEOUT_MS": "1800000",
        "env.CLAUDE_CODE_MAX_RETRIES": "2",
        "env.CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "env.CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL": "1",
        "env.DISABLE_AUTOUPDATER": "1",
        "skipWebFetchPreflight": True,
        "permissions.defaultMode": "default",
        "permissions.deny": "WebSearch",
    }


def test_every_line_has_a_reason_of_one_line(tmp_path: Path) -> None:
    shell = {"HTTP_PROXY": "http://p", "CLAUDE_CODE_USE_VERTEX": "1", "CLAUDE_CODE_SUBAGENT_MODEL": "x"}
    snapshot = world(tmp_path, shell=shell, user={"apiKeyHelper": "x"}, state={"primaryApiKey": "k"})
    for old in (CURRENT, needs("vllm", "0.17.1"), needs("unknown")):
        for line in build.lines(snapshot, backend(), old, SettingsFile(Scope.USER)):
            assert line.reason
            assert line.reason.isprintable()
            assert not line.reason.endswith(".")


# --- routing


@looped("switch", build.PROVIDER_SWITCHES)
@looped("where", ["shell", "user", "project", "managed"])
def test_a_provider_switch_set_anywhere_is_cancelled(tmp_path: Path, switch: str, where: str) -> None:
    value: Any = {switch: "1"} if where == "shell" else {"env": {switch: "1"}}
    snapshot = world(tmp_path, **{where: value})
    assert planned(snapshot)[f"env.{switch}"] == ""
    place = "your shell" if where == "shell" else f"{where} settings"
    assert reasons(snapshot)[f"env.{switch}"] == f"set in {place}; a provider switch that is on beats the base URL"


def test_a_provider_switch_that_is_empty_everywhere_needs_no_line(tmp_path: Path) -> None:
    snapshot = world(tmp_path, shell={"CLAUDE_CODE_USE_BEDROCK": ""}, user={"env": {"CLAUDE_CODE_USE_VERTEX": ""}})
    assert not [key for key in planned(snapshot) if "_USE_" in key]


def test_without_a_proxy_no_proxy_is_not_touched(tmp_path: Path) -> None:
    keys = planned(world(tmp_path, shell={"NO_PROXY": "corp"}))
    assert not [key for key in keys if "proxy" in key.lower()]


@looped("proxy", PROXY_VARIABLES)
def test_with_a_proxy_the_host_is_added_to_no_proxy(tmp_path: Path, proxy: str) -> None:
    assert planned(world(tmp_path, shell={proxy: "http://proxy:3128"}))["env.NO_PROXY"] == "127.0.0.1"


def test_a_proxy_in_a_settings_file_counts_too(tmp_path: Path) -> None:
    snapshot = world(tmp_path, user={"env": {"HTTPS_PROXY": "http://proxy:3128"}})
    assert planned(snapshot)["env.NO_PROXY"] == "127.0.0.1"


@looped(
    ("before", "after"),
    [
        # the client hears the lower-case name and, only where that is not set or empty, the other one
        ({"NO_PROXY": "corp"}, {"NO_PROXY": "corp,127.0.0.1"}),
        ({"no_proxy": "corp"}, {"no_proxy": "corp,127.0.0.1"}),
        ({"no_proxy": "corp", "NO_PROXY": "127.0.0.1"}, {"no_proxy": "corp,127.0.0.1"}),
        ({"no_proxy": "", "NO_PROXY": "corp"}, {"NO_PROXY": "corp,127.0.0.1"}),
        ({"no_proxy": "127.0.0.1", "NO_PROXY": "corp"}, {}),
        ({"NO_PROXY": "127.0.0.1"}, {}),
        ({"NO_PROXY": "corp, 127.0.0.1"}, {}),
        ({"NO_PROXY": "corp 127.0.0.1"}, {}),
        ({"NO_PROXY": "*"}, {}),
        ({"NO_PROXY": "corp,*"}, {}),
        ({"NO_PROXY": "corp example"}, {"NO_PROXY": "corp,example,127.0.0.1"}),
        ({"NO_PROXY": "10.127.0.0.1"}, {"NO_PROXY": "10.127.0.0.1,127.0.0.1"}),
    ],
)
def test_no_proxy_is_extended_where_the_client_would_not_find_the_host(
    tmp_path: Path, before: dict[str, str], after: dict[str, str]
) -> None:
    keys = planned(world(tmp_path, shell={"HTTP_PROXY": "http://proxy:3128", **before}))
    assert {key.removeprefix("env."): value for key, value in keys.items() if "proxy" in key.lower()} == after


# --- credentials


def test_the_placeholder_is_no_secret_and_a_key_is_one(tmp_path: Path) -> None:
    def token(line: Line) -> bool:
        return line.key == "env.ANTHROPIC_AUTH_TOKEN"

    (line,) = filter(token, build.lines(world(tmp_path), backend(), CURRENT, SettingsFile(Scope.LOCAL)))
    assert (line.value, line.secret) == ("claude-local", False)
    (line,) = filter(token, build.lines(world(tmp_path), backend(token="sk-real"), CURRENT, SettingsFile(Scope.LOCAL)))
    assert (line.value, line.secret) == ("sk-real", True)


def test_neither_a_line_nor_a_backend_shows_its_secret_in_a_traceback(tmp_path: Path) -> None:
    chosen = backend(token="sk-real")
    assert "sk-real" not in repr(chosen)
    assert "sk-real" not in repr(build.lines(world(tmp_path), chosen, CURRENT, SettingsFile(Scope.LOCAL)))


@pytest.mark.parametrize(
    ("key", "where", "place", "value"),
    [
        ("env.ANTHROPIC_CUSTOM_HEADERS", "shell", "your shell", {"ANTHROPIC_CUSTOM_HEADERS": "X-Key: k"}),
        ("env.ANTHROPIC_CUSTOM_HEADERS", "user", "user settings", {"env": {"ANTHROPIC_CUSTOM_HEADERS": "X-Key: k"}}),
        ("env.ANTHROPIC_CUSTOM_HEADERS", "local", "local settings", {"env": {"ANTHROPIC_CUSTOM_HEADERS": "X-Key: k"}}),
        ("apiKeyHelper", "user", "user settings", {"apiKeyHelper": "echo k"}),
        ("apiKeyHelper", "project", "project settings", {"apiKeyHelper": "echo k"}),
    ],
)
def test_a_helper_or_headers_that_would_be_heard_are_emptied(
    tmp_path: Path, key: str, where: str, place: str, value: dict[str, Any]
) -> None:
    snapshot = world(tmp_path, **{where: value})
    assert planned(snapshot)[key] == ""
    assert f"set in {place} would " in reasons(snapshot)[key]


def test_a_helper_or_headers_set_nowhere_or_empty_need_no_line(tmp_path: Path) -> None:
    keys = planned(world(tmp_path, user={"apiKeyHelper": "", "env": {"ANTHROPIC_CUSTOM_HEADERS": ""}}))
    assert "apiKeyHelper" not in keys
    assert "env.ANTHROPIC_CUSTOM_HEADERS" not in keys


def test_what_stands_in_a_file_that_claude_code_drops_is_not_heard(tmp_path: Path) -> None:
    snapshot = world(tmp_path, user={"apiKeyHelper": "echo k", "model": 5, "env": {"ANTHROPIC_CUSTOM_HEADERS": "a: b"}})
    keys = planned(snapshot)
    assert "apiKeyHelper" not in keys
    assert "env.ANTHROPIC_CUSTOM_HEADERS" not in keys


def test_the_reason_says_where_the_key_that_would_be_sent_is(tmp_path: Path) -> None:
    assert "set in your shell" in reasons(world(tmp_path, shell={"ANTHROPIC_API_KEY": "k"}))["env.ANTHROPIC_API_KEY"]
    snapshot = world(tmp_path, user={"env": {"ANTHROPIC_API_KEY": "k"}})
    assert "set in user settings" in reasons(snapshot)["env.ANTHROPIC_API_KEY"]


def test_a_saved_console_key_is_replaced_by_a_header_of_ours(tmp_path: Path) -> None:
    snapshot = world(tmp_path, state={"primaryApiKey": "sk-ant-saved"}, shell={"ANTHROPIC_CUSTOM_HEADERS": "a: b"})
    assert planned(snapshot)["env.ANTHROPIC_CUSTOM_HEADERS"] == "x-api-key: claude-local"
    assert planned(snapshot, token="sk-real")["env.ANTHROPIC_CUSTOM_HEADERS"] == "x-api-key: sk-real"
    (line,) = [
        line
        for line in build.lines(snapshot, backend(token="sk-real"), CURRENT, SettingsFile(Scope.LOCAL))
        if line.key == "env.ANTHROPIC_CUSTOM_HEADERS"
    ]
    assert line.secret


# --- models


@pytest.mark.parametrize("name", ["CLAUDE_CODE_SUBAGENT_MODEL", "ANTHROPIC_SMALL_FAST_MODEL"])
def test_another_model_variable_set_somewhere_is_pointed_at_the_served_model(tmp_path: Path, name: str) -> None:
    assert f"env.{name}" not in planned(world(tmp_path))
    assert planned(world(tmp_path, shell={name: "claude-haiku-4-5"}))[f"env.{name}"] == "qwen"
    assert planned(world(tmp_path, user={"env": {name: "other"}}))[f"env.{name}"] == "qwen"
    assert f"env.{name}" not in planned(world(tmp_path, user={"env": {name: "qwen"}}))


# --- the window


@looped(
    ("window", "model", "limit"),
    [
        (32_768, "qwen", 4_096),
        (40_960, "qwen", 8_192),
        (65_536, "qwen", 16_384),
        (131_072, "qwen", 32_000),
        (262_144, "qwen", 32_000),
        (1_000_000, "qwen", 32_000),
        (40_960, "claude-sonnet-4-5", 4_096),
        (65_536, "claude-sonnet-4-5", 16_384),
        (131_072, "claude-sonnet-4-5", 32_000),
    ],
)
def test_the_output_limit_fits_beside_the_first_prompt_and_the_compaction_reserve(
    tmp_path: Path, window: int, model: str, limit: int
) -> None:
    keys = planned(world(tmp_path), max_model_len=window, model=model)
    assert keys["env.CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == str(window)
    assert keys["env.CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == str(limit)


@looped(
    ("version", "window"),
    [(version, window) for version in ("0.17.1", "0.22.0", "0.32.0") for window in (35_250, 40_960, 65_536, 131_072)]
    + [("0.32.0", 27_931), ("0.32.0", 32_768)],
)
def test_a_first_prompt_is_never_compacted_or_refused_at_once(version: str, window: int) -> None:
    old = needs("vllm", version)
    chosen = backend(max_model_len=window)
    assert window >= budget.smallest_window(chosen, old)
    limit = budget.output_limit(chosen, old)
    # where the client compacts; a first prompt may not be beyond it
    assert budget.first_prompt_tokens(chosen, old) <= window - min(limit, 20_000) - 13_000


@pytest.mark.parametrize("window", [65_536, 131_072, 262_144])
def test_a_server_that_does_not_clamp_is_never_asked_for_more_than_its_window(window: int) -> None:
    old = needs("vllm", "0.31.0")
    assert old.output_not_clamped
    limit = budget.output_limit(backend(max_model_len=window), old)
    # the longest prompt that the client sends is the window less the reserve and 3,000
    assert window - min(limit, 20_000) - 3_000 + limit <= window


def test_a_window_that_nobody_knows_is_not_written(tmp_path: Path) -> None:
    keys = planned(world(tmp_path), max_model_len=None)
    assert list(keys) == [*ALWAYS, *PATIENCE, *QUIET, *MODE, "permissions.deny"]


@pytest.mark.parametrize(
    ("model", "needed", "version"),
    [
        ("qwen", 12_883 + 2_048 + 13_000, "0.32.0"),
        ("claude-sonnet-4-5", 21_128 + 2_048 + 13_000, "0.32.0"),
        ("qwen", 12_883 + 7_319 + 2_048 + 13_000, "0.22.0"),
        ("claude-sonnet-4-5", 21_128 + 9_916 + 2_048 + 13_000, "0.22.0"),
    ],
)
def test_the_smallest_window_holds_prompt_answer_and_reserve(model: str, needed: int, version: str) -> None:
    assert budget.smallest_window(backend(model=model), needs("vllm", version)) == needed


# --- what a small window and a plain model cannot take


@looped(
    ("sources", "wanted"),
    [
        ({"user": {"env": {"DISABLE_AUTO_COMPACT": "1"}}}, {"env.DISABLE_AUTO_COMPACT": ""}),
        ({"shell": {"DISABLE_AUTO_COMPACT": "yes"}}, {"env.DISABLE_AUTO_COMPACT": ""}),
        ({"user": {"autoCompactEnabled": False}}, {"autoCompactEnabled": True}),
        ({"state": {"autoCompactEnabled": False}}, {"autoCompactEnabled": True}),
        ({"user": {"autoCompactEnabled": True}, "state": {"autoCompactEnabled": False}}, {}),
        ({"shell": {"DISABLE_AUTO_COMPACT": "0"}}, {}),
        ({}, {}),
    ],
)
def test_compaction_is_switched_on_where_it_was_switched_off(
    tmp_path: Path, sources: dict[str, Any], wanted: dict[str, Any]
) -> None:
    keys = planned(world(tmp_path, **sources))
    assert {key: keys[key] for key in keys if "ompact" in key.lower()} == wanted


def rules(**changes: Any) -> list[object]:
    lines = build.lines(changes.pop("snapshot"), backend(**changes), needs("vllm", "0.32.0"), SettingsFile(Scope.LOCAL))
    return [line.value for line in lines if line.key == "permissions.deny"]


def test_reading_pictures_is_denied_for_a_model_that_takes_none(tmp_path: Path) -> None:
    snapshot = world(tmp_path)
    assert rules(snapshot=snapshot) == ["WebSearch"]
    assert rules(snapshot=snapshot, web_search=True) == []
    assert rules(snapshot=snapshot, web_search=True, text_only=True) == list(build.NO_PICTURES)


@pytest.mark.parametrize(("at_once", "wanted"), [(1, "1"), (2, "2"), (3, None), (None, None)])
def test_subagents_are_limited_where_the_server_has_room_for_few(
    tmp_path: Path, at_once: int | None, wanted: str | None
) -> None:
    assert planned(world(tmp_path), at_once=at_once).get("env.CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS") == wanted


@looped(
    ("server", "window", "wanted"),
    [
        ({"kv_cache_concurrency": 1.9}, 65_536, 1),
        ({"kv_cache_concurrency": 0.4}, 65_536, 1),
        ({"kv_cache_concurrency": 12.0}, 65_536, 12),
        ({"slots": 4}, 65_536, 2),
        ({"slots": 4}, 262_144, 4),
        ({"slots": 1}, 262_144, 1),
        ({"slots": 4}, None, 4),
        ({}, 65_536, None),
    ],
)
def test_how_many_conversations_fit_follows_from_what_the_server_says(
    server: dict[str, Any], window: int | None, wanted: int | None
) -> None:
    found = Server(URL, "vllm", State.READY, **server)
    assert budget.conversations_at_once(found, window, 28_000) == wanted


def test_a_rule_is_added_to_the_list_that_is_there() -> None:
    line = build.denied("WebSearch", "r")
    text = '{"permissions": {"deny": ["Read(.env)"]}}'
    assert not line.stands_in(text)
    after = edit(text, [line.change()]).text
    assert json.loads(after)["permissions"]["deny"] == ["Read(.env)", "WebSearch"]
    assert line.stands_in(after)


# --- what a server and its version need


@looped(
    ("kind", "version", "wanted"),
    [
        ("vllm", "0.32.0", []),
        ("vllm", "0.23.0", []),
        ("vllm", "0.22.0", ["DISABLE_EXPERIMENTAL_BETAS", "ENABLE_TOOL_SEARCH"]),
        ("vllm", "0.17.1", ["ATTRIBUTION_HEADER", "DISABLE_EXPERIMENTAL_BETAS", "ENABLE_TOOL_SEARCH"]),
        ("vllm", None, ["ATTRIBUTION_HEADER", "DISABLE_EXPERIMENTAL_BETAS", "ENABLE_TOOL_SEARCH"]),
        ("llama.cpp", "b7000", ["ATTRIBUTION_HEADER"]),
        ("litellm", "1.102.3", ["ATTRIBUTION_HEADER"]),
        ("sglang", "0.5.23", ["ATTRIBUTION_HEADER"]),
        ("unknown", None, ["ATTRIBUTION_HEADER", "DISABLE_EXPERIMENTAL_BETAS", "ENABLE_TOOL_SEARCH"]),
        ("ollama", "0.12.0", ["ATTRIBUTION_HEADER", "DISABLE_EXPERIMENTAL_BETAS", "ENABLE_TOOL_SEARCH"]),
    ],
)
def test_the_protocol_is_reduced_only_for_servers_that_need_it(
    tmp_path: Path, kind: str, version: str | None, wanted: list[str]
) -> None:
    keys = planned(world(tmp_path), needs=needs(kind, version), kind=kind, version=version)
    special = [key for key in keys if key not in (*ALWAYS, *WINDOW, *PATIENCE, *QUIET, *MODE, "permissions.deny")]
    assert [key.removeprefix("env.").removeprefix("CLAUDE_CODE_") for key in special] == wanted
    values = {keys[key] for key in special}
    assert values <= {"0", "1", "false"}
    assert keys.get("env.ENABLE_TOOL_SEARCH", "false") == "false"
    assert keys.get("env.CLAUDE_CODE_ATTRIBUTION_HEADER", "0") == "0"


def test_model_capabilities_go_where_they_are_heard_and_are_a_warning_elsewhere(tmp_path: Path) -> None:
    snapshot, old = world(tmp_path), needs("vllm", "0.22.1")
    key = "env.CLAUDE_CODE_MODEL_CAPABILITIES"
    assert planned(snapshot, Scope.USER, old)[key] == "-mid_conv_system,-mid_conv_tool_change"
    for scope in (Scope.LOCAL, Scope.PROJECT):
        assert key not in planned(snapshot, scope, old)
        (text,) = [text for text in warned(old, scope) if "CLAUDE_CODE_MODEL_CAPABILITIES" in text]
        assert "export CLAUDE_CODE_MODEL_CAPABILITIES=-mid_conv_system,-mid_conv_tool_change" in text
        assert f"claude-local enable --url {backend().url} --model {backend().model} --scope user" in text
    said = warned(old, Scope.USER)
    assert not [text for text in said if "CLAUDE_CODE_MODEL_CAPABILITIES" in text]


@pytest.mark.parametrize("scope", [Scope.LOCAL, Scope.PROJECT])
def test_nothing_that_a_project_file_may_not_set_is_ever_written_there(tmp_path: Path, scope: Scope) -> None:
    names = {*build.PROVIDER_SWITCHES, "CLAUDE_CODE_SUBAGENT_MODEL", "ANTHROPIC_SMALL_FAST_MODEL", "HTTP_PROXY"}
    shell = dict.fromkeys((*names, "ANTHROPIC_CUSTOM_HEADERS", "no_proxy", "ANTHROPIC_API_KEY"), "x")
    snapshot = world(tmp_path, shell=shell, user={"apiKeyHelper": "x"}, state={"primaryApiKey": "k"})
    for kind, version in (("vllm", "0.11.1"), ("vllm", "0.32.0"), ("unknown", None), ("llama.cpp", None)):
        keys = planned(snapshot, scope, needs(kind, version))
        written = {key.removeprefix("env.") for key in keys if key.startswith("env.")}
        assert not written & REFUSED_IN_PROJECT_AND_LOCAL


def test_every_variable_that_is_written_is_in_the_catalogue_as_one_we_write(tmp_path: Path) -> None:
    names = {*build.PROVIDER_SWITCHES, "CLAUDE_CODE_SUBAGENT_MODEL", "ANTHROPIC_SMALL_FAST_MODEL", "HTTP_PROXY"}
    shell = {**dict.fromkeys((*names, "ANTHROPIC_CUSTOM_HEADERS"), "x"), "DISABLE_AUTO_COMPACT": "1"}
    written = set()
    shell["CLAUDE_CODE_ENABLE_TELEMETRY"] = "1"
    airgap = Preferences(privacy="airgap")
    for more in ({}, {"no_proxy": "x"}):
        seen = world(tmp_path, shell={**shell, **more})
        old = needs("vllm", "0.17.0")
        keys = planned(seen, Scope.USER, old, prompt="full", at_once=1, preferences=airgap)
        written |= {key.removeprefix("env.") for key in keys if key.startswith("env.")}
    assert written == {name for name, variable in catalogue().items() if variable.written}


# --- levels of privacy


def leveled(snapshot: Snapshot, level: str, scope: Scope = Scope.LOCAL) -> dict[str, Any]:
    return planned(snapshot, scope, preferences=Preferences(privacy=level))


def test_each_level_of_privacy_writes_what_the_one_before_does_and_more(tmp_path: Path) -> None:
    levels = [set(leveled(world(tmp_path), level)) for level in build.LEVELS]
    assert [set(QUIET) & keys for keys in levels] == [set(), set(QUIET), set(QUIET)]
    assert levels[0] < levels[1] < levels[2]
    assert set(planned(world(tmp_path))) == levels[1]


def test_airgap_denies_what_would_ask_others(tmp_path: Path) -> None:
    lines = build.privacy_lines(world(tmp_path), "airgap")
    document = SettingsDocument(Scope.FLAG).document(lines)
    assert document["permissions"] == {"deny": ["WebFetch", "WebSearch"]}
    assert document["deniedMcpServers"] == [{"serverUrl": "*"}]
    assert document["allowedHttpHookUrls"] == []


@looped("key", QUIET)
def test_airgap_is_a_promise_that_no_choice_in_a_weaker_file_breaks(tmp_path: Path, key: str) -> None:
    name = key.removeprefix("env.")
    choice: dict[str, Any] = {"env": {name: ""}} if key.startswith("env.") else {name: False}
    assert leveled(world(tmp_path, user=choice), "airgap")[key] == (True if name == key else "1")


def test_a_server_that_searches_nothing_denies_the_search_once_at_airgap_too(tmp_path: Path) -> None:
    lines = build.lines(
        world(tmp_path),
        backend(preferences=Preferences(privacy="airgap")),
        replace(CURRENT, no_web_search="it makes none"),
        SettingsFile(Scope.LOCAL),
    )
    assert [line.value for line in lines if line.key == "permissions.deny"] == ["WebFetch", "WebSearch"]


@looped("scope", [Scope.LOCAL, Scope.USER])
def test_airgap_switches_opentelemetry_off_where_a_file_may(tmp_path: Path, scope: Scope) -> None:
    key = "env.CLAUDE_CODE_ENABLE_TELEMETRY"
    found = leveled(world(tmp_path, shell={"CLAUDE_CODE_ENABLE_TELEMETRY": "1"}), "airgap", scope)
    assert found.get(key) == ("" if scope is Scope.USER else None)
    assert key not in leveled(world(tmp_path), "airgap", scope)


# --- what the user has chosen stays


@looped("key", [*PATIENCE, *QUIET])
@looped("where", ["user", "project", "local"])
def test_a_choice_of_the_users_in_a_settings_file_is_left_alone(tmp_path: Path, key: str, where: str) -> None:
    name = key.removeprefix("env.")
    choice: dict[str, Any] = {"env": {name: "7"}} if key.startswith("env.") else {name: False}
    assert key not in planned(world(tmp_path, **{where: choice}))


@pytest.mark.parametrize("key", PATIENCE)
def test_a_choice_in_the_shell_may_go_with_the_window_so_the_line_is_written(tmp_path: Path, key: str) -> None:
    assert key in planned(world(tmp_path, shell={key.removeprefix("env."): "7"}))


# --- auto mode


@looped(
    ("permissions", "needed"),
    [
        (None, True),
        ({}, True),
        ({"defaultMode": "auto"}, True),
        ({"defaultMode": "default"}, False),
        ({"defaultMode": "plan"}, False),
        ({"defaultMode": "acceptEdits"}, False),
        ({"defaultMode": "bypassPermissions"}, False),
        ({"disableAutoMode": "disable"}, False),
        ({"disableAutoMode": "disable", "defaultMode": "auto"}, False),
        ({"disableAutoMode": "other"}, True),
    ],
)
@looped("where", ["user", "project", "local"])
def test_the_mode_is_set_only_where_a_session_would_start_in_auto_mode(
    tmp_path: Path, permissions: dict[str, str] | None, needed: bool, where: str
) -> None:
    settings: dict[str, Any] = {} if permissions is None else {"permissions": permissions}
    keys = planned(world(tmp_path, **{where: settings}))
    assert keys.get("permissions.defaultMode") == ("default" if needed else None)


def test_a_stronger_mode_that_is_not_auto_needs_no_line_even_if_a_weaker_one_is(tmp_path: Path) -> None:
    snapshot = world(
        tmp_path, project={"permissions": {"defaultMode": "plan"}}, user={"permissions": {"defaultMode": "auto"}}
    )
    assert "permissions.defaultMode" not in planned(snapshot)


# --- warnings


def said(scope: Scope = Scope.LOCAL, **changes: Any) -> tuple[str, ...]:
    return warned(CURRENT, scope, **changes)


def warned(needed: Needs, scope: Scope, **changes: Any) -> tuple[str, ...]:
    """What is said where that server was asked for, as the command line gives the command for the same again."""
    asked = backend(**changes)
    found = tuple(warnings.warnings(asked, needed, SettingsFile(scope), Request(url=asked.url, scope=scope).again))
    assert {each.id for each in found} <= {name for check in CHECKS for name in (check.id, *check.covers)}
    return tuple(each.what for each in found)


def test_on_a_quiet_machine_with_a_current_server_there_is_nothing_to_warn_of(tmp_path: Path) -> None:
    assert said() == ()


@pytest.mark.parametrize("url", ["http://dell-pro-max:8000", "http://192.168.1.5", "http://10.0.0.1:4000/proxy"])
def test_plain_http_to_another_machine_is_said_in_words_with_the_tunnel_that_helps(tmp_path: Path, url: str) -> None:
    (text,) = said(url=url)
    assert text.startswith("plain HTTP: anyone on the path to ")
    assert "can read code and prompts" in text
    assert "ssh -N -L " in text
    assert "claude-local enable --url http://localhost:" in text


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000", "https://dell-pro-max"]
)
def test_loopback_and_https_need_no_such_warning(tmp_path: Path, url: str) -> None:
    assert said(url=url) == ()


def test_an_unknown_window_is_said_with_the_option_that_names_it() -> None:
    (text,) = said(max_model_len=None)
    assert "Claude Code assumes 1,000,000 tokens and never compacts in time" in text
    assert "--max-model-len N" in text


@pytest.mark.parametrize(
    ("model", "window", "assumed"),
    [
        ("claude-sonnet-4-5", 65_536, "200,000"),
        ("claude-sonnet-5", 262_144, "1,000,000"),
        ("my-claude-opus-4-5-proxy", 131_072, "200,000"),
    ],
)
def test_a_name_that_is_taken_for_anthropics_own_is_said_with_the_window_it_gets(
    tmp_path: Path, model: str, window: int, assumed: str
) -> None:
    (text,) = said(model=model, max_model_len=window)
    assert f"a window of {assumed} tokens, whatever CLAUDE_CODE_MAX_CONTEXT_TOKENS says" in text
    assert "--served-model-name" in text
    assert f"claude-local enable --url {URL} --model NAME" in text


def test_a_window_as_large_as_the_one_assumed_needs_no_such_warning(tmp_path: Path) -> None:
    assert said(model="claude-sonnet-4-5", max_model_len=200_000) == ()


@pytest.mark.parametrize("version", ["0.11.0", "0.16.0", "0.30.0"])
def test_what_an_old_vllm_cannot_do_is_said(tmp_path: Path, version: str) -> None:
    found = warned(needs("vllm", version), Scope.USER)
    assert any("vLLM before " in text for text in found)
