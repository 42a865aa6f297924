"""YAML of other programs: every value with its place, and what is written is read back as it was."""

import string
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.yaml_document import WIDTH, Commented, Node, parse, scalar, write

COMPOSE = """\
version: "3.8"
x-common: &common
  restart: unless-stopped
services:
  vllm:
    <<: *common
    image: vllm/vllm-openai:v0.32.0
    command:
      - --max-model-len
      - 65536
    ports: ["8000:8000"]
"""


def node(text: str) -> Node:
    made = parse(text, "compose.yml")
    assert made is not None
    return made


def test_a_value_is_found_by_its_path_with_its_place() -> None:
    command = node(COMPOSE).get("services", "vllm", "command")
    assert command is not None
    name, number = command.items()
    assert (name.value, name.line, name.column) == ("--max-model-len", 9, 9)
    assert (number.value, COMPOSE[number.start : number.end]) == (65536, "65536")
    assert node(COMPOSE).get("services", "nobody", "command") is None


def test_merges_are_followed() -> None:
    restart = node(COMPOSE).get("services", "vllm", "restart")
    assert restart is not None
    assert (restart.value, restart.line) == ("unless-stopped", 3)


def test_a_document_reads_as_pyyaml_reads_it() -> None:
    assert node(COMPOSE).plain() == yaml.safe_load(COMPOSE)


def test_a_tag_of_the_programs_own_leaves_the_text() -> None:
    ports = node("ports: !reset null\nday: 2026-11-28\n")
    assert ports.plain() == {"ports": "null", "day": "2026-11-28"}


def test_of_several_documents_the_first_is_read() -> None:
    assert node("a: 1\n---\nb: 2\n").plain() == {"a": 1}


def test_nothing_is_no_document() -> None:
    assert parse("# only a comment\n", "compose.yml") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1\nb: 2\n", "compose.yml:2:2: "),
        ("  a: 1\nb: 2\n", "compose.yml:2:1: this line belongs to nothing above it"),
        ("a: *nobody\n", "compose.yml:1:4: found undefined alias 'nobody'"),
        ("a: 1\nb: \x07\n", "compose.yml:2: a character that YAML does not allow"),
        ("a: &a [*a]\n", "compose.yml:1: aliases repeat themselves"),
        ("[" * 5000, "compose.yml: maximum recursion depth exceeded"),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ClaudeLocalError) as refused:
        parse(text, "compose.yml")
    assert str(refused.value.message).startswith(said)


def test_aliases_of_aliases_do_not_fill_the_memory() -> None:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    laughs += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    with pytest.raises(ClaudeLocalError, match="aliases repeat themselves"):
        parse(laughs, "compose.yml")


# --- writing

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs",))),
    st.sampled_from(["yes", "on", "y", "1e3", "0x10", "1_000", "8000:8000", "22:22", "", "null", "~", "a: b", "# x"]),
)
DOCUMENTS = st.dictionaries(
    st.text(string.ascii_letters, min_size=1),
    st.recursive(
        SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(string.ascii_letters, min_size=1), inner)
    ),
)


@settings(deadline=None)
@given(DOCUMENTS)
def test_what_is_written_is_read_back(document: dict[str, Any]) -> None:
    assert (yaml.safe_load(write(document, "what it is\n\nand more")) or {}) == document


def test_a_comment_stands_beside_its_line_or_above_it() -> None:
    long = "x" * WIDTH
    text = write(
        {
            "ports": Commented(["127.0.0.1:8000:8000"], "this machine alone"),
            "command": [Commented("--enable-prefix-caching", "a session's prompt is computed once"), {"a": 1, "b": 2}],
            "name": Commented(long, "long"),
            "script": "one\ntwo\n",
        },
        "made by a test",
    )
    assert text == (
        "# made by a test\n"
        "# this machine alone\n"
        "ports:\n"
        "  - 127.0.0.1:8000:8000\n"
        "command:\n"
        "  - --enable-prefix-caching  # a session's prompt is computed once\n"
        "  - a: 1\n"
        "    b: 2\n"
        "# long\n"
        f"name: {long}\n"
        "script: |\n"
        "  one\n"
        "  two\n"
    )


@pytest.mark.parametrize("text", ["y", "No", "1e3", "8_000", "", "on"])
def test_a_text_that_some_reader_takes_for_something_else_is_quoted(text: str) -> None:
    assert scalar(text) == f'"{text}"'
