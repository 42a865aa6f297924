"""What is sent: limits, and the shape of the conversations."""

import json
from typing import Any

import pytest

from claude_local_plugin.bench import Workload
from claude_local_plugin.errors import UsageError
from claude_local_plugin.fake_server.server import tokens_in
from tests.looped import looped


@looped(
    "sizes",
    [
        {"prompt_tokens": 0},
        {"prompt_tokens": 1_000_001},
        {"turns": 0},
        {"turns": 101},
        {"concurrency": ()},
        {"concurrency": (0,)},
        {"concurrency": (65,)},
        {"answer_tokens": 1},
    ],
)
def test_a_workload_without_bounds_is_refused(sizes: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Workload(**sizes)


def test_the_number_of_requests_is_told_beforehand() -> None:
    assert Workload(turns=4, concurrency=(1, 2, 3)).requests == 1 + 3 + (1 + 4) + (1 + 8) + (1 + 12)


def test_a_prompt_is_about_as_long_as_asked() -> None:
    work = Workload(prompt_tokens=10_000)
    assert 8_000 < tokens_in(work.session("m", "x", 0).ask(0)) < 13_000


def test_sessions_share_the_beginning_and_nothing_else() -> None:
    work = Workload(prompt_tokens=500)
    one, two = work.session("m", "x", 0).ask(0), work.session("m", "x", 1).ask(0)
    assert one["system"] == two["system"]
    assert one["messages"] != two["messages"]


def test_another_level_and_another_run_begin_differently_from_the_first_character() -> None:
    one, two = Workload(prompt_tokens=500), Workload(prompt_tokens=500)
    assert one.beginning("a")[:12] != two.beginning("a")[:12]
    assert one.beginning("a")[:40] != one.beginning("b")[:40]


def test_a_conversation_only_grows_at_its_end() -> None:
    session = Workload(prompt_tokens=200).session("m", "x", 0)
    earlier: list[Any] = []
    for turn in range(4):
        messages = json.loads(json.dumps(session.ask(turn)["messages"]))
        assert messages[: len(earlier)] == earlier
        assert [message["role"] for message in messages] == ["user", "assistant"] * turn + ["user"]
        session.heard(f"answer {turn}")
        earlier = messages
