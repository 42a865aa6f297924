"""Line numbers of keys in JSON texts."""

import json

from hypothesis import given
from hypothesis import strategies as st

from claude_local_plugin.precedence.lines import line_of
from tests.looped import looped

DOCUMENT = """\ufeff{
  "a": {"x": [1, {"y": 2}], "env": {}},
  "env": {
    "ONE": "1", "TWO": "}",
    "THR\\u0045E": null
  },
  "env2": "\\"env\\": {",
  "empty": {}
}
"""


@looped(
    ("path", "line"),
    [
        (("a",), 2),
        (("env",), 3),
        (("env", "ONE"), 4),
        (("env", "TWO"), 4),
        (("env", "THREE"), 5),
        (("env2",), 7),
        (("a", "x"), 2),
        (("a", "env"), 2),
        (("empty", "x"), None),
        (("env", "ONE", "x"), None),
        (("nowhere",), None),
        ((), None),
    ],
)
def test_the_line_of_a_key(path: tuple[str, ...], line: int | None) -> None:
    assert line_of(DOCUMENT, path) == line


def test_of_a_repeated_key_the_last_one_counts() -> None:
    assert line_of('{"env": {"A": "1"},\n"env": {"B": "2",\n"B": "3"}}', ("env", "B")) == 3
    assert line_of('{"env": {"A": "1"},\n"env": {"B": "2"}}', ("env", "A")) is None


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=5), _VALUES, min_size=1, max_size=6), st.integers(0, 3))
def test_every_top_level_key_is_found_where_an_indented_text_has_it(document: dict[str, object], indent: int) -> None:
    text = json.dumps(document, indent=indent)
    lines = text.split("\n")
    for key in document:
        number = line_of(text, (key,))
        assert number is not None
        assert lines[number - 1].startswith(" " * indent + json.dumps(key))
