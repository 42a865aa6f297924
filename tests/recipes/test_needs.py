"""What Claude Code needs of a server: the figures that `enable` goes by, and a word on each thing for each model."""

from claude_local_plugin.client_config.budget import COMPACTION_RESERVE, FEW, FIRST_PROMPT, OUTPUT_LIMITS
from claude_local_plugin.recipes.catalogue import catalogue
from claude_local_plugin.recipes.needs import (
    COMFORTABLE,
    conversation,
    conversations,
    needs,
    output_limit,
    people,
    smallest_window,
)
from claude_local_plugin.servers.compatibility import Needs
from claude_local_plugin.servers.compatibility import needs as of_a_server
from tests.looped import looped


def test_the_smallest_window_holds_prompt_answer_and_reserve() -> None:
    assert smallest_window("lean") == FIRST_PROMPT["lean"] + OUTPUT_LIMITS[-1] + COMPACTION_RESERVE == 27_931
    assert smallest_window("full") == 36_176


@looped(("window", "limit"), [(27_931, 2048), (32_768, 4096), (65_536, 16_384), (131_072, 16_384), (262_144, 16_384)])
def test_the_longest_answer_leaves_room_for_the_conversation(window: int, limit: int) -> None:
    assert output_limit(window) == limit
    assert conversation(window) >= 0
    assert output_limit(window) + conversation(window) + COMPACTION_RESERVE + FIRST_PROMPT["lean"] == max(
        window, smallest_window()
    )


def test_a_session_counts_with_its_subagents() -> None:
    assert [conversations(number) for number in (1, 2, 5)] == [FEW, 2 * FEW, 5 * FEW]
    assert conversations(2, subagents=0) == 2


def test_every_model_has_a_word_on_every_need() -> None:
    names = ["window", "output", "tool calls", "pictures", "system messages", "prefix cache", "at once"]
    for model in catalogue().models.values():
        found = list(needs(model))
        assert [each.name for each in found] == names, model.name
        assert all(each.said and each.why for each in found)
        assert all(each.met is not False for each in found), model.name


def test_a_window_that_is_too_small_is_told() -> None:
    model = catalogue().model("qwen3-coder-next")
    assert next(needs(model, 20_000)).met is False
    assert next(needs(model, COMFORTABLE)).met is True


def test_what_is_said_of_versions_of_vllm_is_what_enable_goes_by() -> None:
    assert of_a_server("vllm", "0.17.0").too_old is not None
    assert of_a_server("vllm", "0.17.1").too_old is None
    assert of_a_server("vllm", "0.22.9").model_capabilities is not None
    assert of_a_server("vllm", "0.23.0").model_capabilities is None
    assert isinstance(of_a_server("vllm", "0.23.0"), Needs)


def test_a_strict_template_is_said_and_is_no_refusal() -> None:
    said = {
        name: next(each for each in needs(catalogue().model(name)) if each.name == "system messages")
        for name in ("qwen3.5-27b", "qwen3-coder-next")
    }
    assert said["qwen3.5-27b"].said.startswith("its chat template wants them first")
    assert said["qwen3.5-27b"].met is None
    assert said["qwen3-coder-next"].said == "inside a conversation: not looked at"


@looped(
    ("concurrency", "said"),
    [
        (1.2, "1 session, whose subagents wait for their turn"),
        (2.99, "2 sessions, whose subagents wait for their turn"),
        (3.9, "1 session with two subagents each, or 3 without"),
        (12.2, "4 sessions with two subagents each, or 12 without"),
    ],
)
def test_conversations_are_said_as_people(concurrency: float, said: str) -> None:
    assert people(concurrency) == said
