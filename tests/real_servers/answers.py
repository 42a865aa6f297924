"""The answers of the tiny model, by trigger, and the chat template that decides which is due: plain text, no torch."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

WINDOW = 131_072
END = "<|im_end|>"
#: Tokens that parsers look for by name.
MARKS = ["<think>", "</think>", "<tool_call>", "</tool_call>"]
WEATHER = {"city": "Oslo", "days": 3, "hourly": True, "tags": ["wind", "rain"]}
BASH = {"command": "echo a-tool-has-run", "description": "Show that tools run"}
SEARCH = {"query": "the weather in Oslo"}

#: A word in the newest telling message -> the answer it calls for.
TRIGGERS = {
    "record_weather": "weather",
    "RUN_BASH": "bash",
    "SEARCH_WEB": "search",
    "Count from": "count",
    "Think first": "thought",
}


def answers(call_format: str, *, think: bool) -> dict[str, list[str]]:
    """Answer -> its pieces, each one token and once in an answer; "AGAIN" starts over, without end."""
    first = ["<think>", "\nA moment.\n", "</think>"] if think else []
    return {
        "hello": [*first, "Hello", " from", " the", " tiny", " model."],
        "weather": [*first, *call("record_weather", WEATHER, call_format)],
        "bash": [*first, *call("Bash", BASH, call_format)],
        "search": [*first, *call("WebSearch", SEARCH, call_format)],
        "after": [*first, "The tool", " has", " answered."],
        "count": [*first, "one ", "two ", "three ", "four ", "five ", "six ", "seven ", "AGAIN"],
        "thought": ["<think>", "\nHard", " thinking.\n", "</think>", "Thought", " out."],
    }


def call(name: str, arguments: Mapping[str, Any], call_format: str) -> list[str]:
    """A tool call as a model of that family writes it."""
    if call_format == "hermes":
        text = "\n" + json.dumps({"name": name, "arguments": arguments}) + "\n"
        size = math.ceil(len(text) / 6)
        parts = [text[i : i + size] for i in range(0, len(text), size)]
        return ["<tool_call>", *parts, "</tool_call>"]
    pieces = ["<tool_call>"]
    opening = f"\n<function={name}>\n"
    for key, value in arguments.items():
        pieces += [f"{opening}<parameter={key}>\n", value if isinstance(value, str) else json.dumps(value)]
        opening = "\n</parameter>\n"
    return [*pieces, f"{opening}</function>\n", "</tool_call>"]


def template(call_format: str, names: list[str]) -> str:
    """ChatML with tools, in Qwen's manner; only a prompt that asks for an answer ends in an answer's mark."""
    told = (
        r"""'<function=' ~ f.name ~ '>' ~ (f.arguments | tojson) ~ '</function>'"""
        if call_format == "qwen3_coder"
        else r"""'{"name": "' ~ f.name ~ '", "arguments": ' ~ (f.arguments | tojson) ~ '}'"""
    )
    triggers = "".join(
        f"{{%- if '{word}' in text %}}{{%- set due.answer = '{answer}' %}}{{%- endif %}}"
        for word, answer in TRIGGERS.items()
    )
    return (
        "{%- set due = namespace(answer='hello') %}"
        "{%- for m in messages %}"
        "{%- set text = m.content if m.content is string"
        " else (m.content or []) | selectattr('text', 'defined') | map(attribute='text') | join('') %}"
        "{{- '<|im_start|>' ~ m.role ~ '\n' ~ text }}"
        "{%- if m.role == 'user' %}" + triggers + "{%- elif m.role == 'tool' %}"
        "{%- set due.answer = 'after' %}{%- endif %}"
        "{%- for c in m.tool_calls or [] %}{%- set f = c.function %}"
        "{{- '\n<tool_call>' ~ " + told + " ~ '</tool_call>' }}"
        "{%- endfor %}"
        "{%- if loop.first and tools %}{%- for tool in tools %}{{- '\n' ~ (tool | tojson) }}{%- endfor %}{%- endif %}"
        "{{- '<|im_end|>\n' }}"
        "{%- endfor %}"
        "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n<|' ~ due.answer ~ '|>' }}{%- endif %}"
    )


def follows(
    output: Any,
    script: Sequence[str],
    name: str,
    mark: Mapping[str, int],
    busy: Mapping[str, int],
    said: Mapping[str, int],
    number: Callable[[str], int],
    strength: float = 100.0,
) -> None:
    """Teach the output layer one answer: what comes after the mark, after each piece, and after the last."""
    told = [piece for piece in script if piece != "AGAIN"]
    last = number(told[-7]) if script[-1] == "AGAIN" else number(END)
    chain = [mark[name], *(said[piece] for piece in told)]
    for dimension, token in zip(chain, [*(number(piece) for piece in told), last], strict=True):
        output[token, dimension] = strength
        output[token, busy[name]] = strength
