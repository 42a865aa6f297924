"""Profiles as config.toml says them."""

from pathlib import Path

import pytest

from claude_local_plugin.config import PROFILE_KEYS, load
from claude_local_plugin.errors import SettingsError, UsageError
from claude_local_plugin.profiles import Profile, all_of, named, request_for

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
