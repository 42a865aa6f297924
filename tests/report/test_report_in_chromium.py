"""The page as people get to see it: in a real Chromium, light and dark, on a screen and on a telephone, offline."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.report.building import hostile, usual, year

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

HERE = Path(__file__).parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
Scheme = Literal["light", "dark"]
PageOf = Callable[[Callable[[Path], None]], Path]

#: The texts that can be seen, each with its box, its colour and what is behind it.
TEXTS = """() => {
  const seen = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!node.data.trim() || !parent.checkVisibility() || parent.closest("title, desc")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const { left, right, top, bottom } = range.getBoundingClientRect();
    const svg = parent.closest("svg"), style = getComputedStyle(parent);
    let behind = parent;
    while (behind && /rgba\\(.*, 0\\)/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
    const box = svg && svg.getBoundingClientRect();
    seen.push({
      text: node.data.trim(), chart: svg && svg.getAttribute("aria-labelledby"),
      left, right, top, bottom, size: parseFloat(style.fontSize) * (svg ? box.width / svg.viewBox.baseVal.width : 1),
      frame: box && [box.left, box.right, box.top, box.bottom],
      colour: svg ? style.fill : style.color,
      behind: getComputedStyle(behind || document.body).backgroundColor,
    });
  }
  return seen;
}"""

#: The colours that bars, lines and dots can be seen in, but for the lines that only help to read a scale.
MARKS = """() => {
  const found = new Set(), quiet = getComputedStyle(document.documentElement);
  const plain = (name) => { const box = document.createElement("i"); box.style.color = `var(--${name})`;
    document.body.append(box); const colour = getComputedStyle(box).color; box.remove(); return colour; };
  const left_out = new Set(["line", "thread", "faint-thread"].map(plain));
  for (const mark of document.querySelectorAll("svg path, svg rect")) {
    if (!mark.closest("svg").checkVisibility() || mark.closest("clipPath")) continue;
    for (const colour of [getComputedStyle(mark).fill, getComputedStyle(mark).stroke])
      if (colour.startsWith("rgb") && !left_out.has(colour)) found.add(colour);
  }
  return [...found];
}"""


@contextmanager
def opened(
    browser: "Browser", file: Path, *, scheme: Scheme = "light", width: int = 1280, **more: Any
) -> "Iterator[Page]":
    """The page in a browser without a network; whatever it complains of or asks for besides is a fault."""
    with browser.new_context(
        offline=True, color_scheme=scheme, viewport={"width": width, "height": 900}, **more
    ) as context:
        page = context.new_page()
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.goto(file.as_uri())
        yield page
        assert asked == [file.as_uri()]
        assert complaints == []


def luminance(colour: str) -> float:
    """The relative luminance of `rgb(…)`, as WCAG defines it."""
    red, green, blue = (int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3])
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def overlapping(texts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Pairs of texts in one chart that lie on each other by more than a pixel."""
    found = []
    for place, one in enumerate(texts):
        for other in texts[place + 1 :]:
            across = min(one["right"], other["right"]) - max(one["left"], other["left"])
            down = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
            # the box of a line is taller than its letters
            if one["chart"] and one["chart"] == other["chart"] and across > 1 and down > one["size"] * 0.45:
                found.append((one["text"], other["text"]))
    return found


@pytest.mark.parametrize("fill", [usual, hostile, year])
def test_nothing_is_cut_off_and_nothing_lies_on_anything_else(
    browser: "Browser", page_of: PageOf, fill: Callable[[Path], None]
) -> None:
    file = page_of(fill)
    for width in (80, 320, 400, 768, 1280, 1400):
        with opened(browser, file, width=width) as page:
            assert page.evaluate("document.documentElement.scrollWidth") == width
            texts = page.evaluate(TEXTS)
        charts = [text for text in texts if text["chart"]]
        assert len({text["chart"] for text in charts}) == 6, width
        for text in charts:
            left, right, top, bottom = text["frame"]
            assert text["right"] > text["left"], (width, text)
            assert left - 1 <= text["left"], (width, text)
            assert text["right"] <= right + 1, (width, text)
            assert top - 1 <= text["top"], (width, text)
            assert text["bottom"] <= bottom + 2, (width, text)
            assert text["size"] >= 9, (width, text)
        assert overlapping(charts) == [], width


def test_what_is_wider_than_the_screen_can_be_scrolled_to(browser: "Browser", page_of: PageOf) -> None:
    with opened(browser, page_of(usual), width=80) as page:
        figure = page.get_by_role("figure").first
        assert figure.evaluate("(one) => one.scrollWidth > one.clientWidth")
        assert figure.evaluate("(one) => { one.scrollLeft = 1000; return one.scrollLeft; }") > 100


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_and_every_mark_stands_out_from_what_is_behind_it(
    browser: "Browser", page_of: PageOf, scheme: Scheme
) -> None:
    with opened(browser, page_of(year), scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        texts, marks = page.evaluate(TEXTS), page.evaluate(MARKS)
        behind = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (luminance(behind) < 0.1) == (scheme == "dark")
    weak = {text["text"]: contrast(text["colour"], text["behind"]) for text in texts}
    assert len(weak) > 300
    assert {text: ratio for text, ratio in weak.items() if ratio < 4.5} == {}
    assert len(marks) > 8
    assert {mark: contrast(mark, behind) for mark in marks if contrast(mark, behind) < 3} == {}


def test_whoever_cannot_see_the_charts_is_told_what_they_are(browser: "Browser", page_of: PageOf) -> None:
    with opened(browser, page_of(usual)) as page:
        pictures = page.get_by_role("img")
        assert pictures.count() == 6
        for name in (
            "Sessions per day by backend",
            "Tokens per day by backend",
            "Checks that a server passed",
            "Time until the answer to a look",
            "Failures per day",
            "Sessions by project",
        ):
            assert page.get_by_role("img", name=name, exact=True).count() == 1
        assert page.get_by_role("figure").count() == 6
        assert page.get_by_role("heading", level=1).count() == 1
        assert page.get_by_role("heading", level=2).count() == 8
        assert page.get_by_role("rowheader", name="own vllm dell:8000", exact=True).count() == 1


def test_the_numbers_are_within_reach_of_the_keyboard(browser: "Browser", page_of: PageOf) -> None:
    with opened(browser, page_of(usual)) as page:
        table = page.get_by_role("region", name="Sessions per day by backend")
        assert not table.is_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert table.is_visible()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Sessions per day by backend"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_on_paper_it_is_light(browser: "Browser", page_of: PageOf) -> None:
    with opened(browser, page_of(usual), scheme="dark", width=400) as page:
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.locator("svg.wide").first.is_visible()
        assert not page.locator("svg.narrow").first.is_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
@pytest.mark.parametrize("fill", [usual, hostile])
def test_axe_finds_nothing(
    browser: "Browser", page_of: PageOf, fill: Callable[[Path], None], scheme: Scheme, width: int
) -> None:
    if not AXE.is_file():
        pytest.skip("no axe-core here: `npm install --prefix tests/report` brings it")
    with opened(browser, page_of(fill), scheme=scheme, width=width) as page:
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run(document, { resultTypes: ['violations', 'incomplete'] })")
    assert len(found["passes"]) > 15
    said = {rule["id"]: [node["html"][:200] for node in rule["nodes"]][:3] for rule in found["violations"]}
    assert said == {}, json.dumps(said, indent=2)
