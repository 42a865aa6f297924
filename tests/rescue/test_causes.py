"""What a session died of, from the words that servers really say."""

from typing import Any

import pytest

from claude_local_plugin.rescue import Kind, cause_of
from claude_local_plugin.rescue.repair import ALWAYS, SAFE
from tests.looped import looped


def failed(said: str, status: int = 400) -> dict[str, Any]:
    content = [{"type": "text", "text": f"API Error: {status} {said}"}]
    message = {"role": "assistant", "model": "<synthetic>", "content": content}
    return {"type": "assistant", "isApiErrorMessage": True, "apiErrorStatus": status, "message": message}


ANSWER = {"type": "assistant", "message": {"content": [{"type": "text", "text": "fine"}]}}


@looped(
    ("said", "kind"),
    [
        ("At most 0 image(s) may be provided in one prompt.", Kind.IMAGES),
        ("qwen3-coder is not a multimodal model", Kind.IMAGES),
        ("image input is not supported - hint: you may need to provide the mmproj", Kind.IMAGES),
        ("messages.1.content.0.thinking.signature: Field required", Kind.THINKING),
        ("messages.1.content.0: Invalid `signature` in `thinking` block", Kind.SIGNED_THINKING),
        ("Prompt is too long", Kind.LENGTH),
        ("This model's maximum context length is 65536 tokens. However, you requested 70000 tokens", Kind.LENGTH),
        ("the request exceeds the available context size. try increasing the context size", Kind.LENGTH),
        ("Context size has been exceeded.", Kind.LENGTH),
        ("Input tag 'server_tool_use' found using 'type' does not match any of the expected tags", Kind.UNKNOWN),
        ("`tool_use` ids were found without `tool_result` blocks immediately after: toolu_1", Kind.TOOLS),
        ("messages.3: all messages must have non-empty content", Kind.EMPTY),
    ],
)
def test_the_servers_words_name_the_cause(said: str, kind: Kind) -> None:
    found = cause_of([ANSWER, failed(said)])
    assert found.kind is kind
    assert set(found.kinds) >= {*ALWAYS, kind}
    assert not found.model_gone


@pytest.mark.parametrize(
    "said", ["The model `qwen3` does not exist.", "There's an issue with the selected model (qwen3)."]
)
def test_a_model_that_is_gone_is_no_fault_of_the_conversation(said: str) -> None:
    found = cause_of([failed(said, 404)])
    assert (found.model_gone, found.kind, found.kinds) == (True, None, ALWAYS)


def test_words_that_say_nothing_known_leave_out_all_that_servers_refuse() -> None:
    assert cause_of([failed("boom", 500)]).kinds == SAFE


def test_an_answer_after_the_failure_means_that_it_was_overcome() -> None:
    found = cause_of([failed("Prompt is too long"), ANSWER])
    assert (found.said, found.kinds) == ("", ALWAYS)


def test_a_compaction_that_failed_is_a_failure() -> None:
    line = {"type": "system", "subtype": "local_command", "content": "Error during compaction: API Error: 400 image"}
    assert cause_of([ANSWER, line]).kind is Kind.IMAGES
