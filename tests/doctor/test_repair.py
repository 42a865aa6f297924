"""What doctor takes out of a settings file that Claude Code drops: comments, commas too many, nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_local_plugin.doctor.repair import strict
from tests.looped import looped


@looped(
    ("text", "fixed"),
    [
        pytest.param('{"a": 1,}', '{"a": 1}', id="a trailing comma"),
        pytest.param('{\n  "a": [1, 2,],\n}\n', '{\n  "a": [1, 2]\n}\n', id="two of them"),
        pytest.param('{"a": 1,, "b": 2}', '{"a": 1, "b": 2}', id="a doubled comma"),
        pytest.param('{"a": [1, , 2,,]}', '{"a": [1 , 2]}', id="several, and one at the end"),
        pytest.param('{"a": 1, // why\n "b": 2}', '{"a": 1,\n "b": 2}', id="a comment after a value"),
        pytest.param('{\n  // why\n  "a": 1\n}\n', '{\n  "a": 1\n}\n', id="a comment with a line of its own"),
        pytest.param('{\r\n  // why\r\n  "a": 1\r\n}\r\n', '{\r\n  "a": 1\r\n}\r\n', id="the same with CRLF"),
        pytest.param('{"a": 1, // why\r\n "b": 2}', '{"a": 1,\r\n "b": 2}', id="a comment before CRLF"),
        pytest.param('{"a": /* why */ 1}', '{"a":  1}', id="a comment inside a line"),
        pytest.param('/* a\n b */\n{"a": 1}', '{"a": 1}', id="a comment of two lines"),
        pytest.param('{"a": 1, // last\n}', '{"a": 1\n}', id="a trailing comma before a comment"),
        pytest.param('{"a": "http://x//y, }", "b": "/* no */"}', '{"a": "http://x//y, }", "b": "/* no */"}', id="text"),
        pytest.param('{"a": "\\"//", "b": ",]"}', '{"a": "\\"//", "b": ",]"}', id="text with a quote in it"),
        pytest.param('\ufeff{"a": 1,}', '\ufeff{"a": 1}', id="a byte order mark stays"),
    ],
)
def test_only_comments_and_commas_too_many_go(text: str, fixed: str) -> None:
    assert strict(text) == fixed


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_valid_json_stays_as_it_is(value: object) -> None:
    for indent in (None, 2):
        text = json.dumps(value, indent=indent, ensure_ascii=False)
        assert strict(text) == text
