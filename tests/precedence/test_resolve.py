"""What is set where -> who wins, who runs up, and why."""

from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.core.claude import js_string
from claude_local_plugin.precedence import Scope, candidates, effective, effective_env, resolve
from claude_local_plugin.precedence.candidates import why_beats
from claude_local_plugin.precedence.table import SETTINGS_ORDER
from tests.looped import looped

BASE = "ANTHROPIC_BASE_URL"


def _env(value: object, name: str = BASE) -> dict[str, Any]:
    return {"env": {name: value}}


FILES = {
    Scope.MANAGED: "managed",
    Scope.FLAG: "flag",
    Scope.LOCAL: "local",
    Scope.PROJECT: "project",
    Scope.USER: "user",
}


def _set_in(scopes: tuple[Scope, ...]) -> dict[str, Any]:
    given: dict[str, Any] = {FILES[scope]: _env(scope.value) for scope in scopes if scope in FILES}
    return given | ({"shell": {BASE: "shell"}} if Scope.SHELL in scopes else {})


#: Served settings count in some sessions only, and are asked about by themselves.
FILES_AND_SHELL = tuple(scope for scope in SETTINGS_ORDER if scope is not Scope.SERVED)
PAIRS = [(a, b) for i, a in enumerate(FILES_AND_SHELL) for b in FILES_AND_SHELL[i + 1 :]]


@pytest.mark.parametrize(("higher", "lower"), PAIRS)
def test_the_higher_scope_wins_and_the_lower_one_is_named(higher: Scope, lower: Scope, world: Any) -> None:
    first, second = candidates(world(**_set_in((higher, lower))), f"env.{BASE}")
    assert (first.scope, first.value, first.state) == (higher, higher.value, "wins")
    assert (second.scope, second.value, second.state) == (lower, lower.value, "shadowed")
    assert second.reason == why_beats(higher, lower)


def test_all_scopes_stand_in_the_order_of_the_table(world: Any) -> None:
    found = list(candidates(world(**_set_in(FILES_AND_SHELL)), f"env.{BASE}"))
    assert [row.scope for row in found] == list(FILES_AND_SHELL)
    assert [row.state for row in found] == ["wins", *["shadowed"] * 5]


def test_a_value_names_its_file_and_line(world: Any) -> None:
    snapshot = world(local={"permissions": {}, "env": {"OTHER": "1", BASE: "http://a"}})
    (row,) = candidates(snapshot, f"env.{BASE}")
    assert row.path is not None
    assert row.path.name == "settings.local.json"
    assert row.line == 5
    assert row.place == f"{row.path}:5"


def test_an_empty_string_wins_and_cancels_what_is_below(world: Any) -> None:
    snapshot = world(local=_env(""), user=_env("http://user"), shell={BASE: "http://shell"})
    rows = list(candidates(snapshot, f"env.{BASE}"))
    assert [(row.value, row.state) for row in rows] == [
        ("", "wins"),
        ("http://user", "cancelled"),
        ("http://shell", "cancelled"),
    ]
    assert "cancelled by the empty string in" in rows[1].reason
    assert effective(snapshot, f"env.{BASE}") == ""
    assert resolve(snapshot).value("base_url") == "https://api.anthropic.com"


def test_variables_merge_one_by_one_over_the_files(world: Any) -> None:
    snapshot = world(
        user={"env": {BASE: "http://user", "ANTHROPIC_MODEL": "m", "ANTHROPIC_AUTH_TOKEN": "t"}},
        local=_env("http://local"),
        shell={"ANTHROPIC_MODEL": "from-shell"},
    )
    env = effective_env(snapshot)
    assert (env[BASE], env["ANTHROPIC_MODEL"], env["ANTHROPIC_AUTH_TOKEN"]) == ("http://local", "m", "t")


def test_a_dropped_file_is_named_and_does_not_count(world: Any) -> None:
    snapshot = world(local={"model": 5, **_env("http://local")}, user=_env("http://user"))
    dropped, winner = candidates(snapshot, f"env.{BASE}")
    assert (dropped.state, winner.state) == ("dropped", "wins")
    assert dropped.reason == 'Claude Code ignores the whole file: "model" must be a string'


@pytest.mark.parametrize("scope", ["local", "project"])
def test_a_variable_refused_in_projects_is_refused_there(scope: str, world: Any) -> None:
    snapshot = world(**{scope: _env("tok", "CLAUDE_CODE_OAUTH_TOKEN")}, shell={"CLAUDE_CODE_OAUTH_TOKEN": "mine"})
    refused, winner = candidates(snapshot, "env.CLAUDE_CODE_OAUTH_TOKEN")
    assert (refused.state, refused.reason) == (
        "refused",
        "Claude Code takes CLAUDE_CODE_OAUTH_TOKEN from no project's file",
    )
    assert (winner.scope, winner.state) == (Scope.SHELL, "wins")
    assert effective_env(snapshot)["CLAUDE_CODE_OAUTH_TOKEN"] == "mine"


@pytest.mark.parametrize("scope", ["user", "flag", "managed"])
def test_the_same_variable_counts_elsewhere(scope: str, world: Any) -> None:
    snapshot = world(**{scope: _env("tok", "CLAUDE_CODE_OAUTH_TOKEN")})
    assert effective(snapshot, "env.CLAUDE_CODE_OAUTH_TOKEN") == "tok"


def test_refusals_do_not_care_for_the_case_of_the_name(world: Any) -> None:
    (row,) = candidates(world(local=_env("1", "claude_code_safe_mode")), "env.claude_code_safe_mode")
    assert row.state == "refused"


@pytest.mark.parametrize(("value", "state"), [("1", "wins"), ("true", "wins"), ("0", "refused"), ("", "refused")])
def test_some_switches_may_only_be_turned_one_way_by_a_project(value: str, state: str, world: Any) -> None:
    (row,) = candidates(world(local=_env(value, "CLAUDE_CODE_DISABLE_WEB_FETCH")), "env.CLAUDE_CODE_DISABLE_WEB_FETCH")
    assert row.state == state


def test_no_settings_file_turns_compaction_on_again(world: Any) -> None:
    snapshot = world(user=_env("0", "DISABLE_COMPACT"), shell={"DISABLE_COMPACT": "1"})
    assert effective(snapshot, "env.DISABLE_COMPACT") == "1"


def test_a_host_that_manages_routing_is_not_overruled_by_files(world: Any) -> None:
    snapshot = world(
        user={"env": {BASE: "http://user", "CLAUDE_CODE_MAX_OUTPUT_TOKENS": "5"}},
        shell={"CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1", BASE: "http://host"},
    )
    assert effective(snapshot, f"env.{BASE}") == "http://host"
    assert effective(snapshot, "env.CLAUDE_CODE_MAX_OUTPUT_TOKENS") == "5"


def test_lists_and_objects_are_merged_so_every_contributor_wins(world: Any) -> None:
    snapshot = world(local={"permissions": {"allow": ["Bash(ls)"]}}, user={"permissions": {"allow": ["Read"]}})
    rows = list(candidates(snapshot, "permissions.allow"))
    assert [(row.scope, row.state, row.value) for row in rows] == [
        (Scope.LOCAL, "wins", '["Bash(ls)"]'),
        (Scope.USER, "wins", '["Read"]'),
    ]


def test_a_settings_key_with_dots_is_found(world: Any) -> None:
    snapshot = world(local={"permissions": {"defaultMode": "plan"}}, user={"permissions": {"defaultMode": "default"}})
    assert effective(snapshot, "permissions.defaultMode") == "plan"


@looped(
    ("value", "text"),
    [
        ("x", "x"),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (5, "5"),
        (5.0, "5"),
        (-0.0, "0"),
        (0.5, "0.5"),
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (1e-7, "1e-7"),
        (0.000001, "0.000001"),
        (12345678901234567890, "12345678901234567000"),
        (10**400, "Infinity"),
        (["a", None, 5], "a,,5"),
        ({"a": 1}, "[object Object]"),
    ],
)
def test_json_values_become_the_text_that_javascript_makes_of_them(value: object, text: str) -> None:
    assert js_string(value) == text


def test_the_empty_world_is_not_logged_in_and_asks_nobody(world: Any) -> None:
    resolution = resolve(world())
    assert resolution.outcome == "not_logged_in"
    assert {name: decision.value for name, decision in resolution.decisions.items()} == {
        "provider": "anthropic",
        "base_url": "https://api.anthropic.com",
        "authorization": None,
        "x_api_key": None,
        "model": "claude-opus-5-5",
        "context_window": "1000000",
    }


@pytest.mark.parametrize(
    ("on", "off", "provider"),
    [
        ("CLAUDE_CODE_USE_BEDROCK", (), "bedrock"),
        ("CLAUDE_CODE_USE_VERTEX", (), "vertex"),
        ("CLAUDE_CODE_USE_FOUNDRY", ("CLAUDE_CODE_USE_BEDROCK",), "foundry"),
        ("CLAUDE_CODE_USE_MANTLE", ("CLAUDE_CODE_USE_FOUNDRY",), "mantle"),
    ],
)
def test_a_provider_switch_beats_the_base_url(on: str, off: tuple[str, ...], provider: str, world: Any) -> None:
    resolution = resolve(
        world(shell={on: "1", **dict.fromkeys(off, "0"), BASE: "http://own", "ANTHROPIC_AUTH_TOKEN": "t"})
    )
    assert resolution.value("provider") == provider
    assert resolution.value("base_url") is None
    (row,) = [row for row in resolution.decisions["base_url"].candidates if row.key == f"env.{BASE}"]
    assert (row.state, row.reason) == ("shadowed", f"{on} is on")


def test_of_two_switches_the_one_asked_first_wins(world: Any) -> None:
    decision = resolve(world(shell={"CLAUDE_CODE_USE_VERTEX": "1", "CLAUDE_CODE_USE_BEDROCK": "1"})).decisions[
        "provider"
    ]
    assert decision.value == "bedrock"
    assert [(row.key, row.reason) for row in decision.candidates if row.state == "shadowed"] == [
        ("env.CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_BEDROCK is asked first")
    ]


def test_an_empty_switch_takes_the_session_back(world: Any) -> None:
    snapshot = world(
        local=_env("", "CLAUDE_CODE_USE_BEDROCK"), shell={"CLAUDE_CODE_USE_BEDROCK": "1", BASE: "http://own"}
    )
    assert resolve(snapshot).value("base_url") == "http://own"


def test_the_gateway_takes_its_address_from_no_project(world: Any) -> None:
    snapshot = world(
        user={"env": {BASE: "http://user", "ANTHROPIC_AUTH_TOKEN": "u", "CLAUDE_CODE_USE_GATEWAY": "1"}},
        local={"env": {BASE: "http://local", "ANTHROPIC_AUTH_TOKEN": "l"}},
        shell={"ANTHROPIC_API_KEY": "k"},
    )
    resolution = resolve(snapshot)
    assert resolution.value("provider") == "gateway"
    assert resolution.value("base_url") == "http://user"
    assert resolution.value("authorization") == "Bearer u"
    assert resolution.value("x_api_key") is None


def test_setting_sources_leave_files_out(world: Any) -> None:
    snapshot = world(
        local=_env("http://l"), project=_env("http://p"), user=_env("http://u"), args=["--setting-sources", "user"]
    )
    assert [row.value for row in candidates(snapshot, f"env.{BASE}")] == ["http://u"]


def test_local_files_of_root_and_folder_stand_in_order(world: Any, tmp_path: Path) -> None:
    (tmp_path / "proj" / ".git").mkdir(parents=True)
    snapshot = world(
        local=_env("http://root"), files={"proj/sub/.claude/settings.local.json": _env("http://sub")}, cwd="proj/sub"
    )
    root, own = candidates(snapshot, f"env.{BASE}")
    assert (root.value, root.state, own.value, own.state) == ("http://root", "wins", "http://sub", "shadowed")
    assert own.reason == "the repository root's settings.local.json beats the current folder's"
