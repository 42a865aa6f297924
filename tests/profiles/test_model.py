"""Profiles as config.toml says them."""

from pathlib import Path

import pytest

from claude_local_plugin.config import PROFILE_KEYS, load, profile_rules
from claude_local_plugin.core.helper import Helper, taken_apart
from claude_local_plugin.errors import ClaudeLocalError, SettingsError, UsageError
from claude_local_plugin.precedence import Scope
from claude_local_plugin.profiles import Profile, all_of, chosen, named, request_for
from claude_local_plugin.settings.variables import catalogue
from claude_local_plugin.world import World
from tests.looped import looped

FULL = """[profiles.spark]
url = "HTTP://Spark:8000/"
model = "qwen3-coder-next"
haiku = "small"
token = "env:SPARK_KEY"
headers = ["X-Team=red"]
window = 65536
max_retries = 0
privacy = "airgap"
start_command = "ssh spark docker compose up -d"
fallback = ["desk", "cloud"]
[profiles.spark.env]
MAX_THINKING_TOKENS = "0"
[profiles.desk]
url = "http://desk:8000"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_every_key_of_a_profile_is_a_field_of_it(config: Path) -> None:
    config.write_text(FULL)
    profile = all_of(load(config))["spark"]
    assert {key.name for key in PROFILE_KEYS} == {name for name in Profile.__dataclass_fields__ if name != "name"}
    assert (profile.url, profile.haiku, profile.token_variable) == ("http://spark:8000", "small", "SPARK_KEY")
    assert profile.start_command == ("ssh", "spark", "docker", "compose", "up", "-d")
    assert profile.said["max_retries"] == 0
    assert "helper" not in profile.said
    assert profile.preferences().tiers == {"haiku": "small"}


def test_what_is_asked_for_wins_over_the_profile(config: Path) -> None:
    config.write_text(FULL)
    request = request_for(named("spark", config), model="other", token_env=None)
    assert (request.url, request.model, request.token_env) == ("http://spark:8000", "other", "SPARK_KEY")
    assert request.max_model_len == 65536


def test_a_name_that_is_not_there_names_the_nearest(config: Path) -> None:
    config.write_text(FULL)
    with pytest.raises(UsageError) as error:
        named("sparc", config)
    assert error.value.hint == "did you mean spark?"


def test_a_profile_with_a_wrong_value_is_not_used_at_all(config: Path) -> None:
    config.write_text(FULL.replace('"env:SPARK_KEY"', '"sk-ant-oops"'))
    with pytest.raises(SettingsError) as error:
        named("spark", config)
    assert error.value.message.startswith(f"{config}:5:")
    assert "sk-ant" not in error.value.message


def _world(tmp_path: Path, **environ: str) -> World:
    environ |= {"CLAUDE_LOCAL_CONFIG_DIR": str(tmp_path)}
    return World(tmp_path, tmp_path, environ, tmp_path / "state", "/opt/my python/bin/python")


def test_a_chosen_profile_brings_its_key_and_what_it_wants(config: Path, tmp_path: Path) -> None:
    config.write_text(FULL)
    found = chosen("spark", _world(tmp_path, SPARK_KEY="k-1"), scope=Scope.USER)
    assert (found.token, found.request.token, found.request.scope) == ("k-1", "k-1", Scope.USER)
    assert found.request.preferences.privacy == "airgap"
    assert "k-1" not in repr(found)
    with pytest.raises(ClaudeLocalError):
        chosen("spark", _world(tmp_path))


def test_a_command_for_the_same_again_names_the_profile_and_what_differs(config: Path, tmp_path: Path) -> None:
    config.write_text(FULL)
    world = _world(tmp_path, SPARK_KEY="k-1")
    assert chosen("spark", world).request.again() == "claude-local enable spark"
    request = chosen("spark", world, model="other", headers=("X-More=1",), scope=Scope.USER).request
    assert request.headers == ("X-Team=red", "X-More=1")
    assert request.again() == "claude-local enable spark --model other --header X-More=1 --scope user"
    assert request.again(url="http://spark:8000") == request.again()


def test_key_and_headers_of_a_profile_go_to_no_other_server(config: Path, tmp_path: Path) -> None:
    config.write_text(FULL)
    for url in ("http://other:8000", "http://spark:8001", "https://spark:8000"):
        request = chosen("spark", _world(tmp_path, SPARK_KEY="k-1"), url=url).request
        assert (request.token, request.token_env, request.headers) == (None, None, ())
        assert request.again() == f"claude-local enable spark --url {url}"
    assert chosen("spark", _world(tmp_path, SPARK_KEY="k-1"), url="http://SPARK:8000/").token == "k-1"


def test_a_helper_is_a_command_of_ours_that_names_profile_and_folder(config: Path, tmp_path: Path) -> None:
    config.write_text(FULL.replace("max_retries", "helper = true\nmax_retries"))
    helper = chosen("spark", _world(tmp_path, SPARK_KEY="k-1")).request.preferences.helper
    assert helper == (
        f"'/opt/my python/bin/python' -I -m claude_local_plugin token spark --state {tmp_path}/state"
        f" --config {tmp_path}"
        " || echo claude-local-no-key"
    )
    assert taken_apart(helper) == Helper("spark", f"{tmp_path}/state", str(tmp_path))
    for other in ("", None, "echo k-1", f"{helper} x", str(helper).replace("token spark", "token spark desk"), '"'):
        assert taken_apart(other) is None
    asked = chosen("spark", _world(tmp_path, SPARK_KEY="k-1", MINE="k-2"), token_env="MINE").request
    assert (asked.token, asked.token_env, asked.preferences.helper) == (None, "MINE", None)


@looped(
    "line, complaint",
    {
        "ANTHROPIC_BASE_URL = 'http://x'": "is for `enable` to write: the profile's `url` says it",
        "CLAUDE_CODE_ATTRIBUTION_HEADER = '0'": "is for `enable` to write, where the server needs it",
        "CLAUDE_CODE_USE_BEDROCK = '1'": "is for `enable` to write",
        "ANTHROPIC_UNIX_SOCKET = '/x'": "decides where sessions go",
        "ANTHROPIC_BEDROCK_BASE_URL = 'http://x'": "decides where sessions go",
        "MY_SERVER_KEY = 'abcdefgh'": "looks like a secret",
        "EDITOR = 'sk-abcdefghijk'": "looks like a secret",
        "HTTPS_PROXY = 'http://me:pw@proxy:1'": "looks like a secret",
    }.items(),
)
def test_a_profile_sets_no_variable_of_ours_and_holds_no_secret(line: str, complaint: str, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"[profiles.spark]\nurl = 'http://spark:8000'\n[profiles.spark.env]\n{line}\n")
    with pytest.raises(SettingsError) as error:
        named("spark", config)
    assert error.value.message.startswith(f"{config}:4:")
    assert complaint in error.value.message
    assert "abcdefgh" not in error.value.message
    assert "pw" not in error.value.message


def test_variables_that_only_look_dangerous_are_taken(config: Path) -> None:
    lines = (
        "MAX_THINKING_TOKENS = '4096'",
        "CLAUDE_CODE_API_KEY_HELPER_TTL_MS = '60000'",
        "HTTPS_PROXY = 'http://p:1'",
    )
    config.write_text("[profiles.spark]\nurl = 'http://spark:8000'\n[profiles.spark.env]\n" + "\n".join(lines))
    assert len(named("spark", config).env) == 3


def test_what_enable_writes_no_profile_sets() -> None:
    for name, variable in catalogue().items():
        if variable.written:
            assert profile_rules.variable(name, "1"), name


@looped(
    "key, complaint",
    {
        'fallback = ["dest"]': "names dest, and there is no such profile (did you mean desk?)",
        'fallback = ["spark"]': "names the profile itself",
        'fallback = ["desk", "desk"]': "names one twice",
        'headers = ["X-Api-Key=abc"]': "holds what looks like a secret",
        'headers = ["X-Team=sk-abcdefghijk"]': "holds what looks like a secret",
        'headers = ["X-Team"]': "must hold headers as `NAME=VALUE`",
        'start_command = "vllm serve x --api-key abcdefghijkl"': "holds what looks like a secret",
    }.items(),
)
def test_what_no_rule_of_a_single_key_shows_is_found_all_the_same(key: str, complaint: str, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"[profiles.spark]\nurl = 'http://spark:8000'\n{key}\n[profiles.desk]\nurl = 'http://d'\n")
    with pytest.raises(SettingsError) as error:
        named("spark", config)
    assert complaint in error.value.message
    assert named("desk", config).url == "http://d"
