"""The decoder of event streams: every line end, every cut, and what is no event."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_local_plugin.servers.sse import Decoder, Event
from tests.looped import looped

HELLO = [Event("message_start", '{"a":"é–😀"}'), Event("message", "one\ntwo"), Event("ping", "{}")]
#: The same events, with a comment, an id, a field of nobody's, a field without a colon and data without its blank.
TEXT = (
    ': hello\nevent: message_start\nid: 7\ndata: {"a":"é–😀"}\n\n'
    "data: one\ndata:two\nretry\n\n"
    "event: nothing\n\n"
    "event:ping\nnonsense: x\ndata: {}\n\n"
)


def decoded(pieces: list[bytes]) -> list[Event]:
    decoder = Decoder()
    return [event for piece in pieces for event in decoder.feed(piece)]


@looped("end", ["\n", "\r\n", "\r"])
@looped("mark", ["", "\ufeff"])
def test_events_are_the_same_however_lines_end_and_wherever_the_stream_is_cut(end: str, mark: str) -> None:
    stream = (mark + TEXT).replace("\n", end).encode()
    assert decoded([stream]) == HELLO
    assert decoded([stream[i : i + 1] for i in range(len(stream))]) == HELLO
    for cut in range(len(stream) + 1):
        assert decoded([stream[:cut], stream[cut:]]) == HELLO


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_an_event_is_there_before_a_line_feed_that_comes_late(end: str) -> None:
    decoder = Decoder()
    assert decoder.feed(f"data: x{end}\r".encode()) == [Event("message", "x")]
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b"data: y\n\n") == [Event("message", "y")]


@given(
    lines=st.lists(
        st.tuples(
            st.sampled_from(["data", "event", "id", "", "other"]), st.text(st.characters(exclude_characters="\r\n"))
        ),
        max_size=8,
    ),
    blanks=st.lists(st.integers(0, 8), max_size=4),
    ends=st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=1, max_size=5),
    data=st.data(),
)
def test_no_cut_changes_anything(
    lines: list[tuple[str, str]], blanks: list[int], ends: list[str], data: st.DataObject
) -> None:
    rows = [f"{name}:{value}" for name, value in lines]
    for place in sorted(blanks, reverse=True):
        rows.insert(place, "")
    end = itertools.cycle(ends)
    stream = "".join(row + next(end) for row in rows).encode("utf-8", "surrogatepass")
    whole = decoded([stream])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[a:b] for a, b in itertools.pairwise([0, *cuts, len(stream)])]
    assert decoded(pieces) == whole
    assert decoded([bytes([byte]) for byte in stream]) == whole


def test_what_has_no_blank_line_after_it_is_no_event() -> None:
    assert decoded([b"data: x\n"]) == []
    assert decoded([b"data: x"]) == []


def test_comments_are_counted_and_data_may_be_empty() -> None:
    decoder = Decoder()
    assert decoder.feed(b": ping\n\n:\n\ndata\n\n") == [Event("message", "")]
    assert decoder.comments == 2


def test_a_byte_order_mark_counts_at_the_beginning_alone() -> None:
    assert decoded([b"\xef", b"\xbb", b"\xbfdata: x\n\n"]) == [Event("message", "x")]
    assert decoded(["\ufeff\ufeffdata: x\n\n".encode()]) == []


def test_data_of_many_megabytes_on_one_line_is_one_event() -> None:
    text = json.dumps({"text": "x" * 3_000_000})
    stream = f"data: {text}\r\n\r\n".encode()
    assert decoded([stream[i : i + 65_536] for i in range(0, len(stream), 65_536)]) == [Event("message", text)]
