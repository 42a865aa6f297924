"""The page as text: safe, complete, self-contained, and with colours that can be told apart."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_local_plugin.report import MARK, document, words
from claude_local_plugin.report.html import element
from claude_local_plugin.report.palette import COLOURS, HATCHES
from claude_local_plugin.report.svg import fitted, round_steps, width_of
from claude_local_plugin.sessionlog.queries import Where
from claude_local_plugin.sessionlog.queries.report_data import collect
from claude_local_plugin.text import printable
from tests.looped import looped
from tests.report.building import CLOUD, NOW, hostile, log, usual, year

PageOf = Callable[[Callable[[Path], None]], Path]


class Elements(HTMLParser):
    """The elements of a page in order, with their attributes, and the texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def empty(state_dir: Path) -> None:
    """No log at all."""


def one(state_dir: Path) -> None:
    """The first session of somebody who has just installed it."""
    with log(state_dir) as book:
        book.session(NOW - timedelta(hours=1), minutes=0, end=None)


@pytest.mark.parametrize("fill", [empty, one, usual, hostile, year])
def test_the_page_is_whole_and_loads_nothing(page_of: PageOf, fill: Callable[[Path], None]) -> None:
    text = page_of(fill).read_text(encoding="utf-8")
    page = Elements(text)
    assert page.open == []
    assert page.named("html") == [{"lang": "en"}]
    policy = {
        "http-equiv": "Content-Security-Policy",
        "content": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    }
    assert policy in page.named("meta")
    assert {tag for tag, _ in page.found} & {"script", "link", "img", "iframe", "object", "image", "a", "form"} == set()
    for _, attributes in page.found:
        assert not any(name.startswith("on") or name in ("src", "action", "formaction") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert set(re.findall(r"url\(([^#)]*)", text)) <= {""}
    ids = [attributes["id"] for _, attributes in page.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {
        name[1:]
        for name in re.findall(r'(?:url\(|href="|labelledby="|describedby=")(#?[^")]+)', text)
        if name[0] == "#"
    } <= set(ids)
    assert len(text.encode()) < 500_000
    assert MARK in text[:512]


def test_names_from_the_log_stay_text(page_of: PageOf) -> None:
    text = page_of(hostile).read_text(encoding="utf-8")
    assert "<script" not in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert any(
        "<script>alert(1)</script>\"'&amp; $x^{2}$ --> ]]> </style></svg>" in part for part in Elements(text).texts
    )


def test_what_looks_like_a_drawing_s_own_words_stays_as_it_is(page_of: PageOf) -> None:
    names = ("/6 M 1.2345 L", 'id="x" url(#y) href="#z"', "/a5005a #a5005a #a5015a", "M 1 2 L 1 3 L 4 3 L 4 2 z")

    def odd(state_dir: Path) -> None:
        with log(state_dir) as book:
            for name in names:
                book.session(NOW - timedelta(hours=1), project=name, tokens=(6_000_000, 0, 0, 0))

    texts = Elements(page_of(odd).read_text(encoding="utf-8")).texts
    for name in names:
        assert texts.count(name) == 4, name  # two drawings, and the tables of projects and of the last sessions
    assert "24 M" in texts


def test_the_same_log_gives_the_same_page(page_of: PageOf, tmp_path: Path) -> None:
    first = page_of(usual).read_bytes()
    data = collect(tmp_path / "usual", Where(), now=NOW)
    assert document(data, home=Path("/home/dev"), made_at=NOW, version="1.2.3").encode() == first


def test_without_a_session_it_says_so(page_of: PageOf) -> None:
    text = page_of(empty).read_text(encoding="utf-8")
    assert "No session is on record in this time." in text
    assert "<svg" not in text


def test_the_cloud_alone_was_never_looked_at(page_of: PageOf) -> None:
    def cloud(state_dir: Path) -> None:
        with log(state_dir) as book:
            book.session(NOW - timedelta(hours=1), backend=CLOUD)

    assert "The cloud is never asked." in page_of(cloud).read_text(encoding="utf-8")


def test_every_table_says_what_its_rows_and_columns_are(page_of: PageOf) -> None:
    page = Elements(page_of(usual).read_text(encoding="utf-8"))
    assert len(page.named("table")) == 8
    assert all(attributes.get("scope") in ("row", "col") for attributes in page.named("th"))
    scrolled = [one for one in page.named("div") if one.get("class") == "scroll"]
    assert len(scrolled) == 8
    assert all(one["tabindex"] == "0" and one["role"] == "region" and one["aria-label"] for one in scrolled)


def test_what_the_charts_show_is_in_the_tables_too(page_of: PageOf, tmp_path: Path) -> None:
    texts = Elements(page_of(usual).read_text(encoding="utf-8")).texts
    data = collect(tmp_path / "usual", Where(), now=NOW)
    for backend in data.backends:
        for usage, looks in zip(backend.usages, backend.looks_by_period, strict=True):
            assert {words.number(usage.sessions), words.number(usage.tokens)} <= set(texts)
            assert not looks.count or f"{words.number(looks.good)} of {words.number(looks.count)}" in texts
            assert not looks.count or not looks.good or any(words.latency(looks.median_ms) in text for text in texts)
    assert [words.period(day, "day") for day in data.periods] == [
        text for text in texts if re.fullmatch(r"[A-Z][a-z]{2} \d+ [A-Z][a-z]{2} 2026", text)
    ][: len(data.periods)]


def test_own_servers_and_the_cloud_are_told_apart_in_words(page_of: PageOf) -> None:
    texts = Elements(page_of(year).read_text(encoding="utf-8")).texts
    assert {"own server: 32 others", "cloud: 2 others", "CLOUD", "own"} <= set(texts)
    assert any(re.match("cloud: (anthropic|bedrock|vertex)", text) for text in texts)


def test_folders_below_home_are_shortened(page_of: PageOf) -> None:
    text = page_of(usual).read_text(encoding="utf-8")
    assert "~/src/shop" in text
    assert "/home/dev" not in text


def test_charts_use_the_colours_of_the_page_alone(page_of: PageOf) -> None:
    drawings = re.findall(r"<svg.*?</svg>", page_of(year).read_text(encoding="utf-8"), re.DOTALL)
    assert len(drawings) == 12
    for drawing in drawings:
        assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?![\w-]*[\")])", re.sub(r'(?:url\(|href=")#[^")]*', "", drawing))
        assert set(re.findall(r"var\(--([\w-]+)\)", drawing)) <= set(COLOURS)


@pytest.mark.parametrize("dark", [False, True])
def test_colours_stand_out_from_the_page(dark: bool) -> None:
    page, raised = COLOURS["page"][dark], COLOURS["raised"][dark]
    for name in ("text", "quiet", "link"):
        assert min(contrast(COLOURS[name][dark], page), contrast(COLOURS[name][dark], raised)) >= 4.5, name
    for name in HATCHES:
        assert contrast(COLOURS[name][dark], page) >= 3, name
    assert contrast(COLOURS["edge"][dark], page) >= 3


#: How colours look to those who lack one kind of cones, by Machado, Oliveira and Fernandes (2009), severity 1.
BLINDNESS = {
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deuteranopia": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "tritanopia": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}


@looped("blindness", BLINDNESS)
@looped("dark", [False, True])
def test_the_cloud_can_be_told_from_every_own_server(dark: bool, blindness: str) -> None:
    for own in (name for name in HATCHES if name.startswith("own")):
        for cloud in ("cloud-1", "cloud-rest"):
            assert distance(COLOURS[own][dark], COLOURS[cloud][dark], blindness) > 20, (own, cloud)
    assert distance(COLOURS["good"][dark], COLOURS["bad"][dark], blindness) > 20


def test_colour_is_never_the_only_difference() -> None:
    together = [name for name in HATCHES if name.startswith(("own", "cloud"))]
    for one, other in [*combinations(together, 2), ("good", "bad")]:
        assert HATCHES[one] != HATCHES[other], (one, other)


def channels(colour: str) -> tuple[float, float, float]:
    """The linear red, green and blue of `#rrggbb`."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2 defines it."""
    dark, light = sorted(
        sum(map(lambda part, weight: part * weight, channels(colour), (0.2126, 0.7152, 0.0722)))
        for colour in (one, other)
    )
    return (light + 0.05) / (dark + 0.05)


def distance(one: str, other: str, blindness: str) -> float:
    """How far apart two colours are in CIELAB for those eyes; 2 can just be seen."""
    first, second = (lab(seen(colour, blindness)) for colour in (one, other))
    return float(sum((a - b) ** 2 for a, b in zip(first, second, strict=True)) ** 0.5)


def seen(colour: str, blindness: str) -> Iterator[float]:
    for row in BLINDNESS[blindness]:
        yield min(1, max(0, sum(map(lambda weight, part: weight * part, row, channels(colour)))))


def lab(linear: Iterator[float]) -> tuple[float, float, float]:
    red, green, blue = linear
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    fx, fy, fz = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


@looped(
    ("value", "said"),
    [
        (0, "0"),
        (950, "950"),
        (9999, "9,999"),
        (12_345, "12.3 k"),
        (999_900, "1,000 k"),
        (4_560_000, "4.56 M"),
        (7e9, "7 G"),
        (2e13, "20 T"),
    ],
)
def test_numbers_have_three_digits(value: float, said: str) -> None:
    assert words.number(value) == said


@looped(
    ("milliseconds", "said"),
    [
        (0, "0 s"),
        (89_000, "89 s"),
        (90_000, "2 min"),
        (3_599_000, "1 h 00 min"),
        (11_100_000, "3 h 05 min"),
        (1e9, "278 h"),
    ],
)
def test_durations_are_said_in_two_units_at_most(milliseconds: float, said: str) -> None:
    assert words.duration(milliseconds) == said


@looped(
    ("part", "whole", "said"),
    [(0, 0, "–"), (0, 5, "0 %"), (1, 9999, "< 0.1 %"), (9998, 9999, "> 99.9 %"), (5, 5, "100 %"), (2, 3, "66.7 %")],
)
def test_a_share_is_never_rounded_to_none_or_all(part: float, whole: float, said: str) -> None:
    assert words.share(part, whole) == said


def test_text_is_escaped_wherever_it_stands() -> None:
    assert element("td", "<b>", ["&", None, 1234], title='"<\x00', hidden=True, lang=None) == (
        '<td title="&quot;&lt;\\x00" hidden>&lt;b&gt;&amp;1,234</td>'
    )


@looped(
    ("highest", "most", "steps"),
    [
        (0, 4, [0]),
        (0.9, 4, [0]),
        (1.05, 4, [0, 1]),
        (4.2, 2, [0, 2, 4]),
        (6.3, 4, [0, 2, 4, 6]),
        (10.5, 2, [0, 5, 10]),
        (610_000, 4, [0, 200_000, 400_000, 600_000]),
    ],
)
def test_a_scale_of_counts_has_few_round_numbers(highest: float, most: int, steps: list[float]) -> None:
    assert round_steps(highest, most, whole=True) == steps


@given(highest=st.floats(1e-9, 1e15), most=st.integers(2, 10))
def test_a_scale_has_a_step_at_least_and_no_more_than_asked_for(highest: float, most: int) -> None:
    steps = round_steps(highest, most)
    assert 1 <= len(steps) - 1 <= most
    assert steps[0] == 0
    assert steps[-1] <= highest * (1 + 1e-6)


@given(text=st.text(max_size=300), width=st.floats(20, 900))
def test_a_text_is_made_to_fit_and_keeps_both_ends(text: str, width: float) -> None:
    short = fitted(text, width, 12)
    assert width_of(short, 12) <= width
    whole = printable(text)
    front, gap, end = short.partition("…")
    assert short == whole or (gap and whole.startswith(front) and whole.endswith(end))


def test_an_accent_takes_no_room_and_an_unknown_letter_much() -> None:
    assert width_of("é", 12) == width_of("e", 12) == width_of("e\u0301", 12)
    assert width_of("漢", 12) > width_of("W", 12)
