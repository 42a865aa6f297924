"""What a repository's .claude-local.toml may say, and that it counts only once somebody has agreed to it."""

from pathlib import Path

import pytest

from claude_local_plugin.errors import ClaudeLocalError, SettingsError
from claude_local_plugin.profiles import repository
from claude_local_plugin.settings import schema
from claude_local_plugin.world import World
from tests.looped import looped

PLAIN = 'use = "spark"\n[profiles.spark]\nurl = "http://spark:8000"\n[profiles.desk]\nurl = "http://desk:1"\n'


def world(folder: Path) -> World:
    environ = {"CLAUDE_LOCAL_CONFIG_DIR": str(folder / "config")}
    return World(folder, folder, environ, folder / "state", "/usr/bin/python3")


def written(folder: Path, text: str) -> World:
    (folder / repository.NAME).write_text(text)
    return world(folder)


def test_no_file_says_nothing(tmp_path: Path) -> None:
    assert repository.read(world(tmp_path)) is None
    assert repository.trusted(world(tmp_path)) is None


def test_the_file_is_that_of_the_projects_root(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "src").mkdir()
    written(tmp_path, PLAIN)
    found = repository.read(world(tmp_path / "src"))
    assert found is not None
    assert (found.path, found.used and found.used.name) == (tmp_path / repository.NAME, "spark")


def test_it_counts_once_somebody_has_agreed_to_just_this_content(tmp_path: Path) -> None:
    here = written(tmp_path, PLAIN)
    with pytest.raises(ClaudeLocalError) as error:
        repository.trusted(here)
    assert error.value.hint == "claude-local profile trust"
    found = repository.read(here)
    assert found is not None
    repository.trust(found, here.state_dir)
    assert repository.trusted(here) == found
    written(tmp_path, PLAIN.replace("spark:8000", "spark:8001"))
    with pytest.raises(ClaudeLocalError, match="was changed since you agreed to it"):
        repository.trusted(here)
    written(tmp_path, PLAIN)
    assert repository.trusted(here) == found
    assert repository.distrust(found.path, here.state_dir)
    assert not (here.state_dir / repository.TRUSTED).exists()
    assert not repository.distrust(found.path, here.state_dir)


def test_what_was_agreed_to_holds_for_that_file_alone(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    written(tmp_path / "two", PLAIN)
    one = written(tmp_path / "one", PLAIN)
    found = repository.read(one)
    assert found is not None
    repository.trust(found, tmp_path / "state")
    other = repository.read(world(tmp_path / "two"))
    assert other is not None
    assert not repository.is_trusted(other, tmp_path / "state")


def test_a_damaged_list_of_trust_trusts_nothing(tmp_path: Path) -> None:
    here = written(tmp_path, PLAIN)
    found = repository.read(here)
    assert found is not None
    repository.trust(found, here.state_dir)
    for text in ("", "no JSON", "[1]", '{"a": 1}', "null"):
        (here.state_dir / repository.TRUSTED).write_text(text)
        assert not repository.is_trusted(found, here.state_dir)


PROFILE = '[profiles.spark]\nurl = "http://spark:8000"\n'


@looped(
    "text, complaint",
    {
        "": "there is no profile in it",
        "[profiles.spark]\nmodel = 'm'\n": "names no url",
        f"use = 'desk'\n{PROFILE}": "must be the name of a profile in this file",
        f"use = 1\n{PROFILE}": "must be the name of a profile in this file",
        f"protect = false\n{PROFILE}": "is no table of profiles",
        f"down_command = 'sh evil'\n{PROFILE}": "is no table of profiles",
        f"{PROFILE}modle = 'm'\n": "did you mean model?",
        f"{PROFILE}token = 'keyring'\n": 'must be "none" or "env:NAME"',
        f"{PROFILE}token = 'file'\n": 'must be "none" or "env:NAME"',
        f"{PROFILE}token = 'env:ANTHROPIC_API_KEY'\n": "would send the value of ANTHROPIC_API_KEY",
        f"{PROFILE}headers_env = ['X-A=CLAUDE_CODE_OAUTH_TOKEN']\n": "would send the value of CLAUDE_CODE_OAUTH_TOKEN",
        f"{PROFILE}helper = true\n": "belongs into a profile of one's own",
        f"{PROFILE}[profiles.spark.env]\nNODE_OPTIONS = '--require ./x.js'\n": "it may make programs run what it names",
        f"{PROFILE}[profiles.spark.env]\nPATH = './bin'\n": "it may make programs run what it names",
        f"{PROFILE}[profiles.spark.env]\nCLAUDE_CODE_PLUGIN_DIRS = './x'\n": "it may make programs run what it names",
        f"{PROFILE}[profiles.spark.env]\nCLAUDE_LOCAL_CONFIG_DIR = '.'\n": "it may make programs run what it names",
        f"{PROFILE}[profiles.spark.env]\nANTHROPIC_BASE_URL = 'http://x'\n": "is for `enable` to write",
        f"{PROFILE}headers = ['X-Key=abcdefgh']\n": "looks like a secret",
        f"{PROFILE}fallback = ['desk']\n": "there is no such profile",
    }.items(),
)
def test_what_such_a_file_may_not_say(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        repository.read(written(tmp_path, text))
    assert complaint in error.value.message
    assert str(tmp_path / repository.NAME) in error.value.message


def test_a_file_that_is_none_or_is_huge_is_said(tmp_path: Path) -> None:
    (tmp_path / repository.NAME).mkdir()
    with pytest.raises(SettingsError, match="cannot be read"):
        repository.read(world(tmp_path))
    (tmp_path / repository.NAME).rmdir()
    with pytest.raises(SettingsError, match="larger than"):
        repository.read(written(tmp_path, PLAIN + "#" * 200_000))


def test_what_may_surprise_is_spelled_out(tmp_path: Path) -> None:
    text = """[profiles.spark]
url = "http://models.example.com:8000"
token = "env:TEAM_KEY"
headers_env = ["X-Gate=GATE"]
start_command = "ssh spark 'docker compose' up"
fallback = ["cloud"]
[profiles.spark.env]
HTTPS_PROXY = "http://proxy.example.com:3128"
OTEL_EXPORTER_OTLP_ENDPOINT = "http://collector.example.com"
NODE_EXTRA_CA_CERTS = "./ca.pem"
MAX_THINKING_TOKENS = "0"
"""
    found = repository.read(written(tmp_path, text))
    assert found is not None
    assert found.told() == [
        "spark: every prompt, with your code, goes to models.example.com:8000, a PUBLIC HOST, by plain HTTP",
        "spark: the value of your variable TEAM_KEY is sent there as the key",
        "spark: the value of your variable GATE is sent there as the header X-Gate",
        "spark: sets HTTPS_PROXY=http://proxy.example.com:3128   a PROXY, through which every request goes",
        "spark: sets OTEL_EXPORTER_OTLP_ENDPOINT=http://collector.example.com   may send what you do ELSEWHERE",
        "spark: sets NODE_EXTRA_CA_CERTS=./ca.pem   changes how servers are reached and known",
        "spark: sets MAX_THINKING_TOKENS=0",
        "spark: names a COMMAND, which is shown and never run unasked: ssh spark 'docker compose' up",
        "spark: lets `run` fall back on Anthropic's API where the server is down",
    ]
    import tomllib

    assert schema.problems(tomllib.loads(text), "repository") == ()


def test_a_public_address_in_no_dress_passes_for_one_at_home(tmp_path: Path) -> None:
    for url in (
        "https://models.example.com",
        "http://8.8.8.8:8000",
        "http://[2001:db8::1]:8000",
        "http://127.0.0.1.nip.io",
    ):
        found = repository.read(written(tmp_path, f"[profiles.spark]\nurl = '{url}'\n"))
        assert found is not None
        assert "PUBLIC HOST" in found.told()[0], url
    for url in ("http://localhost:1", "http://192.168.1.7:8000", "http://spark:8000", "http://gb10.lan:8000"):
        found = repository.read(written(tmp_path, f"[profiles.spark]\nurl = '{url}'\n"))
        assert found is not None
        assert "PUBLIC HOST" not in found.told()[0], url


def test_nothing_in_it_can_drive_a_terminal(tmp_path: Path) -> None:
    text = '[profiles.spark]\nurl = "http://spark:8000"\n[profiles.spark.env]\nMAX_THINKING_TOKENS = "\\u001b[2J1"\n'
    found = repository.read(written(tmp_path, text))
    assert found is not None
    assert all(each.isprintable() for each in found.told())
