"""What a copy of a conversation is left with: one small conversation, one fault each."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from claude_local_plugin.rescue import KINDS, Kind, repair
from claude_local_plugin.rescue.repair import ALWAYS, SAFE

Line = dict[str, Any]
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}}


def conversation(*messages: tuple[str, Any], **changes: Any) -> list[Line]:
    """Lines that follow one another: ("user", content), ("assistant", content), or (a type, other fields)."""
    lines: list[Line] = []
    parent = None
    for number, (kind, said) in enumerate(messages):
        line: Line = {"uuid": f"u{number}", "parentUuid": parent, "sessionId": "old", "type": kind, "cwd": "/p"}
        if kind in ("user", "assistant"):
            line["message"] = {"role": kind, "content": said}
            if kind == "assistant":
                line["message"] |= {"id": f"msg_{number}", "model": "m"}
        else:
            line |= said
        lines.append(line | changes.get(f"u{number}", {}))
        parent = line["uuid"]
    return lines


def text(words: str) -> list[Line]:
    return [{"type": "text", "text": words}]


def contents(lines: Any) -> list[Any]:
    return [line["message"]["content"] for line in lines if "message" in line]


def is_one_chain(lines: tuple[Line, ...]) -> bool:
    """Whether every line follows the one before it, and the first one none."""
    parents = [line["parentUuid"] for line in lines]
    return parents == [None, *[line["uuid"] for line in lines[:-1]]]


def test_a_sound_conversation_is_only_renamed() -> None:
    lines = conversation(("user", "hello"), ("assistant", text("hi")))
    found = repair(lines, "new", KINDS)
    assert found.removed == {}
    assert list(found.lines) == [{**line, "sessionId": "new"} for line in lines]
    assert all(line["sessionId"] == "old" for line in lines)


def test_the_clients_own_notes_and_subagents_stay_out() -> None:
    notes = [{"type": "api-request-blob", "message": "secret"}, {"type": "cost-state"}]
    aside = [{**conversation(("user", "aside"))[0], "uuid": "side", "isSidechain": True}]
    found = repair([*notes, *conversation(("user", "hello")), *aside], "new", ALWAYS)
    assert [line["uuid"] for line in found.lines] == ["u0"]


def test_a_picture_in_a_prompt_is_a_word() -> None:
    found = repair(conversation(("user", [*text("see"), PICTURE])), "new", [Kind.IMAGES])
    ((said, instead),) = contents(found.lines)
    assert (said["text"], instead["type"]) == ("see", "text")
    assert "QUJD" not in json.dumps(found.lines)
    assert found.removed == {Kind.IMAGES: 1}


def test_a_picture_in_the_result_of_a_tool_is_a_word_there_and_nowhere_else() -> None:
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [PICTURE]}
    lines = conversation(
        ("user", "read a.png"),
        ("assistant", [{"type": "tool_use", "id": "t1", "name": "Read", "input": {}}]),
        ("user", [result]),
        u2={"toolUseResult": {"type": "image", "file": {"base64": "QUJD"}}},
    )
    found = repair(lines, "new", SAFE)
    assert found.removed == {Kind.IMAGES: 1}
    assert "QUJD" not in json.dumps(found.lines)
    assert found.lines[2]["message"]["content"][0]["tool_use_id"] == "t1"


def test_an_attached_picture_goes_with_its_line_and_the_chain_holds() -> None:
    attached = {"attachment": {"type": "file", "content": {"type": "image", "file": {"base64": "QUJD"}}}}
    found = repair(
        conversation(("user", "look"), ("attachment", attached), ("assistant", text("ok"))), "new", [Kind.IMAGES]
    )
    assert [line["uuid"] for line in found.lines] == ["u0", "u2"]
    assert is_one_chain(found.lines)


def test_only_thinking_without_a_signature_is_taken_out() -> None:
    unsigned, signed = ({"type": "thinking", "thinking": "x", "signature": each} for each in ("", "abc"))
    lines = conversation(("user", "q"), ("assistant", [unsigned]), ("assistant", [signed]), ("assistant", text("a")))
    found = repair(lines, "new", [Kind.THINKING])
    assert contents(found.lines) == ["q", [signed], text("a")]
    assert is_one_chain(found.lines)
    assert contents(repair(lines, "new", [Kind.THINKING, Kind.SIGNED_THINKING]).lines) == ["q", text("a")]


def test_a_block_that_nobody_knows_is_a_word() -> None:
    found = repair(conversation(("user", "q"), ("assistant", [{"type": "mystery", "x": 1}])), "new", SAFE)
    assert found.removed == {Kind.UNKNOWN: 1}
    assert contents(found.lines)[1] == text("[content of the type mystery was here and was taken out]")


def test_notes_of_failures_and_empty_answers_go_with_what_was_said_about_them() -> None:
    lines = conversation(
        ("user", "q"),
        ("assistant", text("  ")),
        ("user", "[Your previous response had no visible output. Please continue and produce one.]"),
        ("assistant", text("No response requested.")),
        ("assistant", text("API Error: 400 no")),
        ("system", {"subtype": "api_error"}),
        ("user", "and now?"),
        u3={"message": {"role": "assistant", "model": "<synthetic>", "content": text("No response requested.")}},
        u4={"isApiErrorMessage": True},
    )
    found = repair(lines, "new", ALWAYS)
    assert contents(found.lines) == ["q", "and now?"]
    assert found.removed == {Kind.ERRORS: 2, Kind.EMPTY: 3}
    assert is_one_chain(found.lines)


def test_calls_without_a_result_have_one_after_the_whole_answer() -> None:
    calls = [{"type": "tool_use", "id": f"t{n}", "name": "Read", "input": {}} for n in (1, 2)]
    lines = conversation(
        ("user", "q"),
        ("assistant", [calls[0]]),
        ("assistant", [calls[1]]),
        ("user", "what now?"),
        u2={"message": {"id": "msg_1", "role": "assistant", "content": [calls[1]]}},
    )
    found = repair(lines, "new", ALWAYS)
    assert found.removed == {Kind.TOOLS: 2}
    answer = found.lines[3]
    assert [(b["tool_use_id"], b["is_error"]) for b in answer["message"]["content"]] == [("t1", True), ("t2", True)]
    assert is_one_chain(found.lines)


def test_a_result_that_nobody_called_for_goes() -> None:
    orphan = {"type": "tool_result", "tool_use_id": "t9", "content": "x"}
    found = repair(conversation(("user", "q"), ("user", [orphan]), ("assistant", text("a"))), "new", ALWAYS)
    assert contents(found.lines) == ["q", text("a")]


def test_ids_that_a_server_gave_twice_are_told_apart() -> None:
    call = {"type": "tool_use", "id": "call_0", "name": "Read", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "call_0", "content": "x"}
    found = repair(
        conversation(("user", "q"), *[("assistant", [call]), ("user", [result])] * 2, ("assistant", text("a"))),
        "new",
        ALWAYS,
    )
    first, its, second, others = (content[0] for content in contents(found.lines)[1:5])
    assert first["id"] == its["tool_use_id"] == "call_0"
    assert second["id"] == others["tool_use_id"] != "call_0"
    assert found.removed == {Kind.TOOLS: 1}


def test_a_long_result_keeps_its_beginning_and_its_end() -> None:
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "begin " + "x" * 100_000 + " end"}
    lines = conversation(
        ("user", "q"), ("assistant", [{"type": "tool_use", "id": "t1", "name": "R", "input": {}}]), ("user", [result])
    )
    found = repair(lines, "new", [Kind.LENGTH], most_tokens=2_000)
    (cut,) = contents(found.lines)[2]
    assert cut["content"].startswith("begin ")
    assert cut["content"].endswith(" end")
    assert "characters, cut to fit the window" in cut["content"]
    assert found.tokens <= 2_000


def test_the_oldest_turns_go_when_cutting_is_not_enough() -> None:
    turns = [message for n in range(10) for message in (("user", f"{n} " + "x" * 3_500), ("assistant", text("ok")))]
    found = repair(conversation(*turns), "new", [Kind.LENGTH], most_tokens=3_000)
    assert [content[0] for content in contents(found.lines) if isinstance(content, str)] == ["8", "9"]
    assert is_one_chain(found.lines)
    assert found.tokens <= 3_000


BLOCKS = st.sampled_from(
    [
        {"type": "text", "text": "words"},
        {"type": "text", "text": ""},
        PICTURE,
        {"type": "thinking", "thinking": "x", "signature": ""},
        {"type": "tool_use", "id": "t1", "name": "R", "input": {}},
        {"type": "tool_result", "tool_use_id": "t1", "content": [PICTURE, {"type": "text", "text": "y" * 9_000}]},
        {"type": "tool_result", "tool_use_id": "t2", "content": None},
        {"type": "mystery"},
        {},
    ]
)
MESSAGES = st.tuples(
    st.sampled_from(["user", "assistant"]), st.one_of(st.text(max_size=9), st.none(), st.lists(BLOCKS, max_size=4))
)


@given(st.lists(MESSAGES, max_size=8), st.sets(st.sampled_from(KINDS)), st.sampled_from([None, 10, 5_000]))
@settings(max_examples=300, deadline=None)
def test_whatever_is_in_it_the_copy_is_one_chain_and_nothing_given_is_changed(
    messages: list[tuple[str, Any]], kinds: set[Kind], most: int | None
) -> None:
    lines = conversation(*messages)
    before = json.dumps(lines)
    found = repair(lines, "new", list(kinds), most_tokens=most)
    assert json.dumps(lines) == before
    assert is_one_chain(found.lines) or not found.lines
    assert len({line["uuid"] for line in found.lines}) == len(found.lines)
    again = repair(found.lines, "new", list(kinds), most_tokens=most)
    structural = {kind: count for kind, count in again.removed.items() if kind is not Kind.LENGTH}
    assert structural == {}, "a copy needs no rescue"
