"""`explain-precedence` as people use it: the answer, the reasons, the warnings, what-if, and never a secret."""

from dataclasses import replace

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.precedence import verified
from tests.commands.place import Place, flat

SECRET = "sk-ant-api03-marked-secret-0123456789"
GB10 = {"env": {"ANTHROPIC_BASE_URL": "http://gb10:8000", "ANTHROPIC_AUTH_TOKEN": "claude-local"}}

#: A login to which server-managed settings are served.
TEAM_LOGIN = {"claudeAiOauth": {"accessToken": "t", "scopes": ["user:inference"], "subscriptionType": "team"}}


def test_an_empty_machine_is_not_logged_in_and_says_so(place: Place) -> None:
    report = place.json("explain-precedence")
    assert report["outcome"] == "not_logged_in"
    assert report["decisions"]["base_url"]["value"] == "https://api.anthropic.com"
    assert report["decisions"]["base_url"]["winner"]["scope"] == "default"
    assert report["decisions"]["authorization"]["winner"] is None
    assert "talks to nobody" in place.ok("explain-precedence").out


def test_after_enable_the_last_sentence_names_server_and_model_and_no_warning_is_an_error(
    place: Place, server: EmbeddedBackend
) -> None:
    place.ok("enable", "--url", server.url, "--yes")
    report = place.json("explain-precedence")
    decisions = report["decisions"]
    assert decisions["base_url"]["value"] == server.url
    assert decisions["base_url"]["winner"] == {
        "scope": "local",
        "key": "env.ANTHROPIC_BASE_URL",
        "path": str(place.local),
        "line": 3,
    }
    assert decisions["authorization"]["value"] == "Bearer claude-local"
    assert decisions["x_api_key"]["value"] is None
    assert decisions["model"]["value"] == "qwen3-coder-next"
    assert decisions["context_window"]["value"] == "65536"
    shown = place.ok("explain-precedence").out
    assert flat(shown).endswith(f"talks to {server.url} as qwen3-coder-next; no credential of yours goes there.")
    assert ".claude/settings.local.json:3" in shown


def test_a_settings_file_beats_the_shell_and_the_loser_is_told_why(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write(place.local, GB10)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://localhost:8000")
    rows = place.json("explain-precedence", "ANTHROPIC_BASE_URL")["keys"]["env.ANTHROPIC_BASE_URL"]["candidates"]
    assert [(row["scope"], row["value"], row["state"]) for row in rows] == [
        ("local", "http://gb10:8000", "wins"),
        ("shell", "http://localhost:8000", "shadowed"),
    ]
    first, second = place.ok("explain-precedence", "ANTHROPIC_BASE_URL").out.splitlines()
    assert first.startswith("* local")
    assert "beats" in second


def test_an_empty_string_cancels_and_the_cancelled_value_is_masked(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write(place.local, {"env": {**GB10["env"], "ANTHROPIC_API_KEY": ""}})
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    (wins, cancelled) = place.json("explain-precedence", "ANTHROPIC_API_KEY")["keys"]["env.ANTHROPIC_API_KEY"][
        "candidates"
    ]
    assert (wins["value"], wins["state"]) == ("", "wins")
    assert (cancelled["state"], cancelled["value"]) == ("cancelled", f"sk-a…6789 ({len(SECRET)} chars)")


@pytest.mark.parametrize(
    ("variable", "header"), [("ANTHROPIC_API_KEY", "x_api_key"), ("ANTHROPIC_AUTH_TOKEN", "authorization")]
)
def test_a_credential_of_the_shell_that_reaches_the_server_is_an_error_with_the_command_that_stops_it(
    place: Place, monkeypatch: pytest.MonkeyPatch, variable: str, header: str
) -> None:
    place.write(place.user, {"env": {"ANTHROPIC_BASE_URL": "http://gb10:8000", "ANTHROPIC_MODEL": "qwen"}})
    monkeypatch.setenv(variable, SECRET)
    report = place.json("explain-precedence", code=1)
    assert SECRET in place.json("explain-precedence", "--reveal", code=1)["decisions"][header]["value"]
    (leak,) = [each for each in report["warnings"] if each["id"].startswith("leak.")]
    assert variable in leak["message"]
    assert leak["fix"] == "claude-local enable --url http://gb10:8000 --scope user"


def test_a_login_that_would_be_sent_to_the_server_is_an_error(place: Place) -> None:
    place.write(place.user, {"env": {"ANTHROPIC_BASE_URL": "http://gb10:8000"}})
    login = {"accessToken": SECRET, "refreshToken": "r", "expiresAt": 9_999_999_999_999, "scopes": ["user:inference"]}
    place.write(place.home / ".claude" / ".credentials.json", {"claudeAiOauth": login})
    report = place.json("explain-precedence", code=1)
    assert "leak.login" in [each["id"] for each in report["warnings"]]


def test_a_file_with_a_token_for_its_own_server_is_no_leak(place: Place) -> None:
    place.write(place.user, {"env": {**GB10["env"], "ANTHROPIC_AUTH_TOKEN": "the-servers-own", "ANTHROPIC_MODEL": "q"}})
    report = place.json("explain-precedence")
    assert not [each for each in report["warnings"] if each["id"].startswith("leak.")]


def test_no_secret_is_shown_anywhere_unless_asked_for(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write(
        place.local,
        {
            "env": {
                "ANTHROPIC_BASE_URL": f"http://user:{SECRET}@gb10:8000",
                "ANTHROPIC_AUTH_TOKEN": SECRET,
                "ANTHROPIC_CUSTOM_HEADERS": f"X-Auth: {SECRET}",
            }
        },
    )
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    keys = ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS", "ANTHROPIC_API_KEY")
    for arguments in (
        (),
        ("--json",),
        keys,
        (*keys, "--json"),
        ("--what-if", "shell", f"ANTHROPIC_AUTH_TOKEN={SECRET}"),
    ):
        assert SECRET not in place.run("explain-precedence", *arguments).all
    assert SECRET in place.run("explain-precedence", "--reveal").out


def test_a_helper_is_shown_and_never_run(place: Place) -> None:
    trap = place.project / "ran"
    place.write(place.user, {"apiKeyHelper": f"touch {trap}"})
    report = place.json("explain-precedence")
    assert report["decisions"]["x_api_key"]["winner"]["key"] == "apiKeyHelper"
    assert not trap.exists()


def test_a_dropped_file_is_named_with_its_fault_and_is_an_error(place: Place) -> None:
    place.write(place.local, '{"env": {"ANTHROPIC_BASE_URL": "http://gb10:8000",}}')
    report = place.json("explain-precedence", code=1)
    (file,) = [each for each in report["files"] if each["path"] == str(place.local)]
    assert file["state"] == "dropped"
    assert "trailing comma" in file["problem"]
    assert report["decisions"]["base_url"]["value"] == "https://api.anthropic.com"


def test_what_cannot_be_seen_is_unknown_and_not_absent(place: Place) -> None:
    place.write(place.home / ".claude" / ".credentials.json", TEAM_LOGIN)
    unknown = [each for each in place.json("explain-precedence")["files"] if each["state"] == "unknown"]
    assert any("server-managed" in each["problem"] for each in unknown)


def test_what_if_says_what_would_change_and_writes_nothing(place: Place) -> None:
    place.write(place.user, GB10)
    before = place.files()
    report = place.json("explain-precedence", "--what-if", "local", "ANTHROPIC_BASE_URL=http://other:8000")
    (change,) = report["changes"]
    assert (change["decision"], change["before"], change["after"]) == (
        "base_url",
        "http://gb10:8000",
        "http://other:8000",
    )
    assert place.files() == before


@pytest.mark.parametrize("arguments", [("local", "NOTHING"), ("login", "A=b"), ("nowhere", "A=b")])
def test_a_what_if_that_cannot_be_understood_is_a_usage_error(place: Place, arguments: tuple[str, str]) -> None:
    place.ends(2, "explain-precedence", "--what-if", *arguments)


def test_options_of_the_client_are_taken_into_account(place: Place) -> None:
    place.write(place.local, {"env": {**GB10["env"], "ANTHROPIC_MODEL": "from-local"}})
    explained = place.json("explain-precedence", "--model", "from-cli")["decisions"]["model"]
    assert (explained["value"], explained["winner"]["scope"]) == ("from-cli", "cli")
    flag = '{"env": {"ANTHROPIC_BASE_URL": "http://flag:8000"}}'
    decided = place.json("explain-precedence", "--settings", flag)["decisions"]["base_url"]
    assert (decided["value"], decided["winner"]["scope"]) == ("http://flag:8000", "flag")
    without = place.json("explain-precedence", "--setting-sources", "user,project")["decisions"]["base_url"]
    assert without["value"] == "https://api.anthropic.com"
    assert "no source 'everything'" in place.refused("explain-precedence", "--setting-sources", "everything", code=2)


def test_a_misspelt_variable_gets_the_right_one(place: Place) -> None:
    assert "did you mean ANTHROPIC_BASE_URL?" in place.ok("explain-precedence", "ANTHROPIC_BASEURL").err
    supposed = ("explain-precedence", "--what-if", "local")
    said = "! Claude Code knows no ANTHROPIC_MODLE; did you mean ANTHROPIC_MODEL?"
    assert said in place.ok(*supposed, "ANTHROPIC_MODLE=x").err
    assert said in place.ok(*supposed, "env.ANTHROPIC_MODLE=x").err
    assert "did you mean" not in place.ok(*supposed, "ANTHROPIC_MODEL=x").err
    assert "did you mean" not in place.ok(*supposed, "model=x").err


def test_a_repository_that_redirects_sessions_or_runs_a_helper_is_named(place: Place) -> None:
    place.write(place.shared, {"env": {"ANTHROPIC_BASE_URL": "http://elsewhere:1"}, "apiKeyHelper": "steal"})
    ids = [each["id"] for each in place.run("explain-precedence", "--json").json["warnings"]]
    assert {"project.redirects", "project.helper"} <= set(ids)


def test_a_version_that_was_not_compared_is_said_with_the_command_that_asks_it(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    folder = place.client("9.9.9", place.home / "npm")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    report = place.json("explain-precedence")
    assert report["installed_version"] == "9.9.9"
    (warning,) = [each for each in report["warnings"] if each["id"] == "version.unverified"]
    assert warning["fix"] == "claude-local verify"


def test_a_client_that_was_asked_itself_is_said_to_have_been_and_the_advice_ends(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = place.client("9.9.9", place.home / "npm")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    program = (folder / "claude").resolve()
    found = verified.answers(program, client_version="9.9.9", date="2026-11-28", asked=338, questions=1065)
    verified.remember(place.state, found)
    line = next(each for each in place.run("explain-precedence").out.splitlines() if "verified against" in each)
    assert line.endswith("which agreed on 338 of 1,065 questions on 2026-11-28; claude-local verify asks the rest")
    verified.remember(place.state, replace(found, asked=1065))
    done = place.run("explain-precedence").out
    assert "installed 9.9.9, which agreed on all 1,065 questions on 2026-11-28" in done
    assert "claude-local verify" not in done
    verified.remember(place.state, found)  # a part of it takes nothing back
    assert "agreed on all" in place.run("explain-precedence").out


@pytest.mark.parametrize(
    ("env", "warning"),
    [
        ({"ANTHROPIC_BASE_URL": "http://gb10:8000/v1"}, "url.v1"),
        ({"ANTHROPIC_BASE_URL": "192.168.0.7:8000"}, "url.invalid"),
        ({"ANTHROPIC_BASE_URL": "http://gb10:8000", "HTTP_PROXY": "http://proxy:3128"}, "proxy.in-the-way"),
        ({"ANTHROPIC_BASE_URL": "http://gb10:8000", "CLAUDE_CODE_USE_BEDROCK": "1"}, "provider.beats-url"),
        ({"ANTHROPIC_BASE_URL": "http://gb10:8000", "ANTHROPIC_MODEL": "qwen"}, "window.assumed"),
        ({"ANTHROPIC_BASE_URL": "http://gb10:8000"}, "model.unset"),
        ({**GB10["env"], "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "64k"}, "window.unreadable"),
        (
            {**GB10["env"], "ANTHROPIC_MODEL": "claude-sonnet-4-5", "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536"},
            "window.ignored",
        ),
        ({"CLAUDE_CONFIG_DIR": "/elsewhere"}, "env.refused"),
        ({"ANTHROPIC_BASE_URL": "http://gb10:8000", "ANTHROPIC_API_KEY": "own-key"}, "key.approval"),
    ],
)
def test_each_trap_has_its_warning_with_a_fix(place: Place, env: dict[str, str], warning: str) -> None:
    place.write(place.local, {"env": env})
    found = {each["id"]: each for each in place.run("explain-precedence", "--json").json["warnings"]}
    assert warning in found
    assert found[warning]["fix"]


def test_where_the_environment_decides_a_file_is_named_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write(place.local, {"env": {**GB10["env"], "CLAUDE_CONFIG_DIR": "/elsewhere"}})
    for name, value in {
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1",
        "ANTHROPIC_BASE_URL": "http://other:8000",
        "ANTHROPIC_AUTH_TOKEN": "claude-local",
    }.items():
        monkeypatch.setenv(name, value)
    warnings = place.run("explain-precedence", "--json").json["warnings"]
    told = [each for each in warnings if each["id"] == "env.refused"]
    assert [each["fix"].partition("   ")[0] for each in told] == [
        "export CLAUDE_CONFIG_DIR=…",
        "unset CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST",
    ]
    assert "decides about ANTHROPIC_BASE_URL" in str(told[1])


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://evil.example\\@127.0.0.1:8000", "http://evil.example\\…"),
        ("http://evil.example#@127.0.0.1:8000", "http://evil.example#…"),
        ("http://evil.example?@127.0.0.1:8000", "http://evil.example?…"),
        ("http://me:word@evil.example\\@127.0.0.1:8000", "http://…@evil.example\\…"),
    ],
)
def test_an_address_made_to_look_like_another_is_shown_with_the_host_that_is_asked(
    place: Place, url: str, shown: str
) -> None:
    place.write(place.local, {"env": {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_AUTH_TOKEN": "t"}})
    said = place.run("explain-precedence").out
    assert f" {shown} " in said
    assert "127.0.0.1" not in said.partition("\nx-api-key")[0]
    assert "Basic" not in said
