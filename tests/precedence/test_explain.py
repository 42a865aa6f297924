"""What `explain-precedence` reports: the contract, the masks, the sentences and what would change."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from claude_local_plugin.commands.explain_precedence import explain
from claude_local_plugin.errors import UsageError
from claude_local_plugin.paths import shipped
from claude_local_plugin.precedence import Scope, resolve
from claude_local_plugin.precedence.whatif import full_key, with_value

SECRET = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz-9f3c"
OWN = {
    "env": {
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:8000",
        "ANTHROPIC_AUTH_TOKEN": "claude-local",
        "ANTHROPIC_MODEL": "m",
    }
}
SCHEMA = Draft202012Validator(json.loads((shipped("schemas") / "explain-precedence.schema.json").read_text()))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"local": OWN, "shell": {"ANTHROPIC_API_KEY": SECRET}},
        {"local": "{", "user": OWN},
        {"managed": {"allowedProviders": []}, "local": OWN},
        {"shell": {"CLAUDE_CODE_USE_BEDROCK": "1"}, "local": OWN},
        {"flag_inline": '{"env": {"ANTHROPIC_MODEL": null}}', "user": {"apiKeyHelper": "x"}},
    ],
)
def test_the_report_keeps_the_contract(given: dict[str, Any], world: Any) -> None:
    found = explain(
        world(**given), ["ANTHROPIC_BASE_URL", "permissions.allow"], what_if=[("shell", "ANTHROPIC_MODEL=x")]
    )
    assert list(SCHEMA.iter_errors(json.loads(json.dumps(found.report)))) == []
    assert list(SCHEMA.iter_errors(explain(world(**given)).report)) == []


def test_the_report_says_where_each_value_comes_from(world: Any) -> None:
    report = explain(world(local=OWN)).report
    assert (report["schema_version"], report["verified_against"], report["outcome"]) == (1, "2.1.332", "ok")
    base_url = report["decisions"]["base_url"]
    assert base_url["value"] == "http://127.0.0.1:8000"
    assert (base_url["winner"]["scope"], base_url["winner"]["key"], base_url["winner"]["line"]) == (
        "local",
        "env.ANTHROPIC_BASE_URL",
        3,
    )
    assert base_url["winner"]["path"].endswith("proj/.claude/settings.local.json")


#: A login to which server-managed settings are served.
TEAM_LOGIN = {"claudeAiOauth": {"accessToken": "t", "scopes": ["user:inference"], "subscriptionType": "team"}}


def test_what_cannot_be_seen_is_unknown_and_not_absent(world: Any) -> None:
    files = explain(world(credentials=TEAM_LOGIN)).report["files"]
    assert {
        "scope": "managed",
        "path": None,
        "state": "unknown",
        "problem": "server-managed settings cannot be seen from here",
    } in files
    assert {file["state"] for file in files} == {"absent", "read", "unknown"}


def test_what_nobody_asks_for_is_not_called_invisible(world: Any) -> None:
    assert not any("server-managed" in str(file["problem"]) for file in explain(world()).report["files"])


def test_secrets_are_masked_everywhere(world: Any) -> None:
    snapshot = world(
        shell={"ANTHROPIC_API_KEY": SECRET, "MY_SERVER_KEY": SECRET},
        local={"env": {"ANTHROPIC_BASE_URL": f"http://user:{SECRET}@127.0.0.1:8000", "ANTHROPIC_AUTH_TOKEN": SECRET}},
        user={"env": {"ANTHROPIC_CUSTOM_HEADERS": f"x-secret: {SECRET}"}},
        credentials={"claudeAiOauth": {"accessToken": SECRET, "scopes": ["user:inference"]}},
        home_json={"primaryApiKey": SECRET},
    )
    keys = ["ANTHROPIC_API_KEY", "ANTHROPIC_CUSTOM_HEADERS", "ANTHROPIC_BASE_URL", "MY_SERVER_KEY"]
    found = explain(snapshot, keys, what_if=[("local", f"ANTHROPIC_AUTH_TOKEN={SECRET}x")])
    assert SECRET not in json.dumps(found.report)
    assert SECRET not in repr(found)
    assert SECRET not in found.summary
    assert found.report["decisions"]["x_api_key"]["value"] == f"sk-a…9f3c ({len(SECRET)} chars)"
    assert found.report["decisions"]["base_url"]["value"] == "http://…@127.0.0.1:8000"


def test_reveal_shows_them(world: Any) -> None:
    found = explain(world(shell={"ANTHROPIC_API_KEY": SECRET}), reveal=True)
    assert found.report["decisions"]["x_api_key"]["value"] == SECRET


def test_a_helper_is_shown_and_not_run(world: Any, tmp_path: Any) -> None:
    report = explain(world(user={"apiKeyHelper": f"touch {tmp_path}/ran"})).report
    assert report["decisions"]["x_api_key"]["value"] == "(output of apiKeyHelper)"
    assert report["decisions"]["authorization"]["value"] == "Bearer (output of apiKeyHelper)"
    (row,) = report["decisions"]["x_api_key"]["candidates"]
    assert row["value"].startswith("touch ")
    assert not (tmp_path / "ran").exists()


def test_asked_keys_name_every_source(world: Any) -> None:
    found = explain(world(local=OWN, shell={"ANTHROPIC_MODEL": "s"}), ["ANTHROPIC_MODEL", "UNSET_ONE"])
    assert set(found.report["keys"]) == {"env.ANTHROPIC_MODEL", "env.UNSET_ONE"}
    rows = found.report["keys"]["env.ANTHROPIC_MODEL"]["candidates"]
    assert [(row["scope"], row["state"], row["reason"]) for row in rows] == [
        ("local", "wins", ""),
        ("shell", "shadowed", "a settings file's env beats the shell"),
    ]
    assert found.sentences["env.ANTHROPIC_MODEL"] == "a settings file's env beats the shell"
    assert found.sentences["env.UNSET_ONE"] == "nobody sets it"


def test_a_decision_can_be_asked_for_by_its_name(world: Any) -> None:
    found = explain(world(local=OWN), ["base_url"])
    assert found.report["keys"]["base_url"]["value"] == "http://127.0.0.1:8000"


def test_what_if_names_what_would_change(world: Any) -> None:
    found = explain(world(local=OWN), what_if=[("local", "ANTHROPIC_MODEL=other"), ("cli", "--model=mine")])
    assert found.changes is not None
    assert [(change.name, change.before, change.after) for change in found.changes] == [("model", "m", "mine")]
    assert found.report["changes"] == [{"decision": "model", "before": "m", "after": "mine"}]


def test_what_if_can_make_a_session_fail(world: Any) -> None:
    found = explain(world(local=OWN), what_if=[("managed", "ANTHROPIC_AUTH_TOKEN=")])
    assert found.changes is not None
    assert ("outcome", "ok", "not_logged_in") in [
        (change.name, change.before, change.after) for change in found.changes
    ]


@pytest.mark.parametrize(
    ("scope", "setting", "message"),
    [
        ("shell", "nothing", "that sets nothing"),
        ("nowhere", "A=1", "no such scope"),
        ("shell", "model=x", "is a settings key"),
        ("cli", "ANTHROPIC_MODEL=x", "sets --model and nothing else"),
        ("login", "ANTHROPIC_MODEL=x", "nothing can be set in the scope login"),
    ],
)
def test_what_cannot_be_supposed_is_a_usage_error(scope: str, setting: str, message: str, world: Any) -> None:
    with pytest.raises(UsageError, match=message):
        explain(world(), what_if=[(scope, setting)])


def test_supposing_a_value_leaves_the_rest_of_the_file(world: Any) -> None:
    snapshot = with_value(world(local=OWN), Scope.LOCAL, "ANTHROPIC_MODEL", "x")
    (file,) = snapshot.of(Scope.LOCAL)
    assert dict(file.env) == OWN["env"] | {"ANTHROPIC_MODEL": "x"}


def test_supposing_flag_settings_puts_them_where_they_count(world: Any) -> None:
    snapshot = with_value(world(managed={"model": "g"}, local={"model": "l"}), Scope.FLAG, "model", "f")
    assert [(file.scope, file.data.get("model")) for file in snapshot.files if file.data] == [
        (Scope.MANAGED, "g"),
        (Scope.FLAG, "f"),
        (Scope.LOCAL, "l"),
    ]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("ANTHROPIC_MODEL", "env.ANTHROPIC_MODEL"),
        ("env.http_proxy", "env.http_proxy"),
        ("model", "model"),
        ("permissions.defaultMode", "permissions.defaultMode"),
        ("--model", "--model"),
    ],
)
def test_names_of_variables_need_no_prefix(name: str, key: str) -> None:
    assert full_key(name) == key


def test_an_error_decides_the_exit_code(world: Any) -> None:
    assert explain(world(local=OWN)).exit_code == 0
    assert explain(world(local=OWN, shell={"ANTHROPIC_API_KEY": SECRET})).exit_code == 1


@pytest.mark.parametrize(
    ("shell", "severity", "words"),
    [
        ({}, "info", "is not run: no proxy is used for these requests"),
        ({"HTTP_PROXY": "http://proxy:3128"}, "info", "is not run: CLAUDE_CODE_ENABLE_PROXY_AUTH_HELPER is not on"),
        (
            {"HTTP_PROXY": "http://proxy:3128", "CLAUDE_CODE_ENABLE_PROXY_AUTH_HELPER": "1"},
            "warning",
            "is run, and what it prints is sent to the proxy http://proxy:3128 as Proxy-Authorization",
        ),
    ],
)
def test_it_is_told_whether_a_proxy_auth_helper_is_run_and_who_gets_what_it_prints(
    world: Any, shell: dict[str, str], severity: str, words: str
) -> None:
    project = {"proxyAuthHelper": "echo Basic", "env": {"ANTHROPIC_BASE_URL": "http://gpu:8000"}}
    found = resolve(world(project=project, shell=shell | {"ANTHROPIC_AUTH_TOKEN": "t"}, version="2.1.332"))
    (warning,) = (each for each in found.warnings if each.id == "proxy.helper")
    assert warning.result == severity
    assert words in warning.what


def test_a_list_of_models_that_leaves_out_the_servers_is_named_with_the_file_to_edit(world: Any) -> None:
    env = {**OWN["env"], "ANTHROPIC_DEFAULT_OPUS_MODEL": "m", "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536"}
    limited = {"availableModels": ["opus", "sonnet"]}
    (said,) = [each for each in explain(world(local={"env": env}, user=limited)).warnings if "window" in each.id]
    assert "availableModels in " in said.what
    assert said.what.endswith(
        "does not list m: another model takes its place, for which Claude Code assumes 1,000,000 tokens"
    )
    assert ".claude/settings.json" in (said.fix or "")
    assert (said.fix or "").endswith('(add "m" to availableModels)')
    listed = {"availableModels": ["opus", "m"]}
    assert [each for each in explain(world(local={"env": env}, user=listed)).warnings if "window" in each.id] == []
