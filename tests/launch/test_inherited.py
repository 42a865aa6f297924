"""What a program inherits of the environment, in either direction, and what it is taken for by its name."""

from pathlib import Path

import pytest

from claude_local_plugin.core.claude import PROVIDERS
from claude_local_plugin.errors import UsageError
from claude_local_plugin.launch import dotenv_names, inherited, targets
from claude_local_plugin.settings.variables import catalogue

PLAIN = {"PATH": "/bin", "OPENAI_API_KEY": "sk-mine", "ANTHROPIC_LOG": "debug", "CLAUDE_CODE_EFFORT_LEVEL": "high"}
KEY = "sk-ant-api03-mine"


def test_a_program_for_a_server_inherits_nothing_that_decides_where_requests_go() -> None:
    deciding = {
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": "http://other",
        "ANTHROPIC_DEFAULT_OPUS_MODEL": "m",
        "ANTHROPIC_NEW_KIND_OF_KEY": "x",
        "CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-x",
        "CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR": "3",
        "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR": "4",
        "ANTHROPIC_UNIX_SOCKET": "/tmp/s",
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1",
        "CLAUDE_LOCAL_PROFILE": "other",
        **{switch: "1" for switch, *_ in PROVIDERS},
    }
    assert inherited.without_routing({**PLAIN, **deciding}) == PLAIN


def test_every_credential_that_is_known_is_deciding() -> None:
    secrets = [name for name, known in catalogue().items() if known.secret and name.startswith(("ANTHROPIC", "CLAUDE"))]
    assert secrets
    kept = [name for name in secrets if not inherited.is_deciding(name)]
    # a key's password, and a token for messages to other sessions: no model is asked with them
    assert set(kept) <= {"CLAUDE_CODE_CLIENT_KEY_PASSPHRASE", "CLAUDE_CODE_MESSAGING_TOKEN"}


def test_a_program_for_the_cloud_keeps_what_is_the_clouds() -> None:
    own = {**PLAIN, "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_MODEL": "opus", "CLAUDE_CODE_USE_BEDROCK": "1"}
    assert inherited.of_the_cloud(own) == own
    here = {**own, "ANTHROPIC_BASE_URL": "https://api.anthropic.com"}
    assert inherited.of_the_cloud(here) == here


def test_what_came_with_the_address_of_another_server_goes_with_it() -> None:
    environ = {
        **PLAIN,
        "ANTHROPIC_BASE_URL": "http://dell-pro-max:8000",
        "ANTHROPIC_AUTH_TOKEN": "box-key",
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_MODEL": "qwen",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": "qwen",
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536",
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1",
    }
    assert inherited.of_the_cloud(environ) == {**PLAIN, "ANTHROPIC_API_KEY": KEY}


def test_a_file_of_variables_has_no_gap_to_put_a_key_in() -> None:
    sealed = inherited.sealed({"ANTHROPIC_AUTH_TOKEN": "box-key"})
    assert sealed["ANTHROPIC_AUTH_TOKEN"] == "box-key"
    names = {"ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS", "CLAUDE_CODE_USE_BEDROCK"}
    assert {sealed[name] for name in names} == {""}


@pytest.mark.parametrize(
    ("command", "target"),
    [
        ("claude", "claude"),
        ("/opt/bin/claude", "claude"),
        ("C:\\Program Files\\claude.exe", "claude"),
        ("claude.cmd", "claude"),
        ("guardkit", "guardkit"),
        ("guardkit-py", "guardkit"),
        ("python", "any"),
        ("claude-agent", "any"),
        ("claude-local", "any"),
    ],
)
def test_a_command_is_known_by_its_programs_name(command: str, target: str) -> None:
    assert targets.recognised((command, "-p", "claude")).name == target


def test_a_target_that_there_is_not_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="no such target") as raised:
        targets.named("vim")
    assert "agent-sdk" in str(raised.value.hint)


def test_only_an_sdks_program_is_told_what_sdks_do() -> None:
    assert [target.name for target in targets.TARGETS if target.notes] == ["agent-sdk"]
    assert [target.name for target in targets.TARGETS if target.is_client] == ["claude"]


def test_the_names_in_the_nearest_file_of_variables_are_read(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    text = "# X=1\nONE=1\n  export TWO = '2'\nnot a line\nTHREE\nFOUR=\n\r\nFIVE=\"a\nSIX=b\"\n"
    (tmp_path / ".env").write_text(text)
    path = dotenv_names.nearest(tmp_path / "a" / "b")
    assert path == tmp_path / ".env"
    assert dotenv_names.names(path) >= {"ONE", "TWO", "FOUR", "FIVE"}
    assert not {"X", "THREE"} & dotenv_names.names(path)
    (tmp_path / "a" / ".env").mkdir()  # a folder of that name is no file
    assert dotenv_names.nearest(tmp_path / "a") == tmp_path / ".env"
    assert dotenv_names.names(tmp_path / "a" / ".env") == frozenset()
    assert dotenv_names.names(None) == frozenset()
