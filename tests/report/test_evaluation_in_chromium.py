"""The page of an evaluation as people get to see it: in a real Chromium, light and dark, wide and narrow."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_local_plugin.evaluation.report import Report
from tests.report.test_evaluation_page import hostile, page, usual
from tests.report.test_report_in_chromium import AXE, MARKS, TEXTS, Scheme, contrast, luminance, opened, overlapping

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


def written(tmp_path: Path, said: Report) -> Path:
    file = tmp_path / "page.html"
    file.write_text(page(said), encoding="utf-8")
    return file


@pytest.mark.parametrize("fill", [usual, hostile])
def test_nothing_is_cut_off_and_nothing_lies_on_anything_else(
    browser: "Browser", tmp_path: Path, fill: Callable[[], Report]
) -> None:
    file = written(tmp_path, fill())
    for width in (320, 390, 1280):
        with opened(browser, file, width=width) as shown:
            assert shown.evaluate("document.documentElement.scrollWidth") == width
            charts = [text for text in shown.evaluate(TEXTS) if text["chart"]]
        assert len({text["chart"] for text in charts}) == 2, width
        for text in charts:
            left, right, top, bottom = text["frame"]
            assert left - 1 <= text["left"] < text["right"] <= right + 1, (width, text)
            assert top - 1 <= text["top"], (width, text)
            assert text["bottom"] <= bottom + 2, (width, text)
            assert text["size"] >= 9, (width, text)
        assert overlapping(charts) == [], width


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_it_can_be_read_by_everybody(browser: "Browser", tmp_path: Path, scheme: Scheme, width: int) -> None:
    with opened(browser, written(tmp_path, usual()), scheme=scheme, width=width) as shown:
        shown.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        texts, marks = shown.evaluate(TEXTS), shown.evaluate(MARKS)
        behind = shown.evaluate("getComputedStyle(document.body).backgroundColor")
        assert shown.get_by_role("heading", level=1).count() == 1
        assert shown.get_by_role("img").count() == 2
        assert shown.get_by_role("img", name="Share of trials that passed, by kind of work", exact=True).count() == 1
        found = None
        if AXE.is_file():
            shown.evaluate(AXE.read_text(encoding="utf-8"))
            found = shown.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    assert (luminance(behind) < 0.1) == (scheme == "dark")
    weak = {text["text"]: ratio for text in texts if (ratio := contrast(text["colour"], text["behind"])) < 4.5}
    assert weak == {}
    assert len(texts) > 200
    assert {mark: contrast(mark, behind) for mark in marks if contrast(mark, behind) < 3} == {}
    if found is not None:
        said = {rule["id"]: [node["html"][:200] for node in rule["nodes"]][:3] for rule in found["violations"]}
        assert said == {}, json.dumps(said, indent=2)
