"""The LiteLLM configuration: the route of each server, where names and tiers lead, who takes over; its whole text."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from claude_local_plugin.recipes.gateways import litellm
from claude_local_plugin.recipes.gateways.litellm import Group, Replica, route
from claude_local_plugin.servers import advisories
from claude_local_plugin.yaml_document import parse

HERE = Path(__file__).parent
NAMES: Mapping[str, tuple[str, ...]] = {"opus": ("claude-opus-5-5", "claude-opus-5"), "haiku": ("claude-haiku-5-5",)}
NEW = Replica("http://a:8000", "qwen3-coder", "vllm", "0.33.0", 131_072, speaks_messages=True)
OLD = Replica("http://b:8000", "qwen3-coder", "vllm", "0.20.0", 65_536, speaks_messages=True, key="B_KEY")
SMALL = Replica("http://c:8080", "tiny", "llama.cpp", None, 32_768, speaks_messages=True)


def read(*groups: Group, metrics: bool = False) -> Any:
    """The written text, read back; it has no key that LiteLLM does not know."""
    node = parse(litellm.text(groups, NAMES, metrics=metrics), "litellm.yaml")
    assert node is not None
    schema = json.loads((HERE / "litellm-config.schema.json").read_text(encoding="utf-8"))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(node.plain())] == []
    return node.plain()


@pytest.mark.parametrize(
    ("kind", "version", "speaks_messages", "as_it_is"),
    [
        ("vllm", "0.33.0", True, True),
        ("vllm", "0.23.0", True, True),
        ("vllm", "0.22.1", True, False),  # it refuses system messages inside a conversation
        ("vllm", None, True, False),
        ("vllm", "0.10.0", False, False),
        ("llama.cpp", None, True, True),
        ("llama.cpp", None, None, False),
        ("sglang", "0.5.23", True, True),
        ("ollama", "0.21.0", True, False),
        ("unknown", None, True, False),
    ],
)
def test_requests_go_as_they_are_where_nothing_speaks_against_it(
    kind: str, version: str | None, speaks_messages: bool | None, as_it_is: bool
) -> None:
    replica = Replica("http://a", "m", kind, version, speaks_messages=speaks_messages)
    assert route(replica).as_it_is is as_it_is
    made = read(Group("m", (replica,)))["model_list"][0]
    assert ("supported_endpoints" in made.get("model_info", {})) is as_it_is
    assert ("additional_drop_params" in made["litellm_params"]) is not as_it_is


def test_the_file_is_this_one() -> None:
    made = litellm.text(
        (Group("qwen3-coder", (NEW, OLD)), Group("tiny", (SMALL,), ("haiku",))), NAMES, head="head", metrics=True
    )
    assert made == (HERE / "golden" / "litellm.yaml").read_text(encoding="utf-8")


def test_every_name_of_a_tier_leads_to_its_group_and_those_of_no_tier_to_the_first() -> None:
    made = read(Group("qwen3-coder", (NEW,)), Group("tiny", (SMALL,), ("haiku",)))
    assert made["router_settings"]["model_group_alias"] == {
        "claude-opus-5-5": "qwen3-coder",
        "claude-opus-5": "qwen3-coder",
        "claude-haiku-5-5": "tiny",
    }


def test_a_name_that_a_server_serves_itself_leads_nowhere_else() -> None:
    made = read(Group("claude-opus-5", (NEW,)))
    assert made["router_settings"]["model_group_alias"] == {
        "claude-opus-5-5": "claude-opus-5",
        "claude-haiku-5-5": "claude-opus-5",
    }


def test_nobody_takes_over_with_a_smaller_window() -> None:
    large, small = Group("large", (NEW,)), Group("small", (SMALL,), ("haiku",))
    made = read(large, small)["router_settings"]["fallbacks"]
    assert made == [{"small": ["large"]}, {"claude-haiku-5-5": ["large"]}]
    assert "fallbacks" not in read(large)["router_settings"]


def test_a_group_takes_over_under_every_name_of_the_other_one() -> None:
    one, two = Group("one", (NEW,)), Group("two", (NEW,), ("haiku",))
    made = read(one, two)["router_settings"]["fallbacks"]
    assert made == [
        {"one": ["two"]},
        {"claude-opus-5-5": ["two"]},
        {"claude-opus-5": ["two"]},
        {"two": ["one"]},
        {"claude-haiku-5-5": ["one"]},
    ]


def test_a_session_is_told_the_smallest_window_of_its_group() -> None:
    made = read(Group("m", (NEW, OLD)))["model_list"]
    assert {each["model_info"]["max_input_tokens"] for each in made} == {65_536}


def test_the_release_to_install_is_none_that_goes_wrong() -> None:
    assert advisories.matching("litellm", "1.107.0", ()) != ()
    assert advisories.matching("litellm", litellm.VERSION, ()) == ()
