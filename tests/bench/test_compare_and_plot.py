"""Two reports side by side, and a report as a picture."""

import copy
import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from claude_local_plugin.bench import compare, plot
from claude_local_plugin.bench.compare import OtherWorkloadError
from claude_local_plugin.core.installed import with_extra
from claude_local_plugin.errors import ClaudeLocalError, UsageError

REPORT = json.loads((Path(__file__).parents[1] / "schema" / "valid" / "bench" / "a-whole-run.json").read_text("utf-8"))


@pytest.fixture
def other() -> dict[str, Any]:
    return copy.deepcopy(REPORT)


def test_the_same_report_shows_no_change(other: dict[str, Any]) -> None:
    changes = compare(REPORT, other)
    assert len(changes) == 1 + 4 * len(REPORT["levels"])
    assert all(change.better is None for change in changes)


def test_less_time_and_more_tokens_are_better(other: dict[str, Any]) -> None:
    other["levels"][0]["ttft"]["median"] /= 2
    other["levels"][1]["output_tokens_per_second"] /= 2
    changed = {change.label: change.better for change in compare(REPORT, other) if change.better is not None}
    assert changed == {"1 at once: TTFT": True, "2 at once: tokens": False}


def test_figures_that_only_one_has_are_left_out(other: dict[str, Any]) -> None:
    del other["levels"][1:]
    other["cold"]["ttft"]["median"] = None
    assert {change.label.partition(":")[0] for change in compare(REPORT, other)} == {"1 at once"}


def test_another_workload_is_not_compared(other: dict[str, Any]) -> None:
    other["workload"]["prompt_tokens"] += 1
    with pytest.raises(OtherWorkloadError, match="another workload") as refused:
        compare(REPORT, other)
    assert refused.value.options[:2] == ("--prompt-tokens", str(REPORT["workload"]["prompt_tokens"]))


@pytest.mark.parametrize("wrong", [{}, {"format": 2, "levels": []}, {"format": 1}])
def test_what_is_no_report_is_not_compared(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="no report"):
        compare(wrong, REPORT)


def test_a_plot_is_an_svg_or_a_png_in_a_folder_that_is_there(tmp_path: Path) -> None:
    for path, problem in ((tmp_path / "a.pdf", "svg"), (tmp_path / "no" / "a.svg", "no folder")):
        with pytest.raises(UsageError, match=problem):
            plot.check(path)


SVG = "{http://www.w3.org/2000/svg}"


def drawn(report: dict[str, Any], folder: Path) -> Element:
    """The SVG of the report; parsing it says whether it is well-formed."""
    plot.check(folder / "a.svg")
    plot.plot(report, folder / "a.svg")
    return ElementTree.parse(folder / "a.svg").getroot()


def texts(picture: Element) -> list[str]:
    return [text.text or "" for text in picture.iter(f"{SVG}text")]


def test_a_report_becomes_a_picture(tmp_path: Path, other: dict[str, Any]) -> None:
    picture = drawn(REPORT, tmp_path)
    assert picture.tag == f"{SVG}svg"
    cold = REPORT["cold"]["ttft"]["median"]
    assert {"time to first token (s)", "median", "one after the other", f"cold prefix ({cold:.3g} s)"} <= {
        *texts(picture)
    }
    assert f"{REPORT['server']['model']} on" in texts(picture)[0]
    # what reads the file need know neither a page's colours nor a style sheet
    assert "var(" not in (tmp_path / "a.svg").read_text("utf-8")
    other["levels"][0]["ttft"]["median"] *= 2
    before = [path.get("d") for path in picture.iter(f"{SVG}path")]
    assert [path.get("d") for path in drawn(other, tmp_path).iter(f"{SVG}path")] != before


def test_a_model_s_name_is_text_in_the_picture(tmp_path: Path, other: dict[str, Any]) -> None:
    other["server"]["model"] = name = "</text><script>alert(1)</script>&\x1b"
    picture = drawn(other, tmp_path)
    assert list(picture.iter(f"{SVG}script")) == []
    assert texts(picture)[0].startswith(name.replace("\x1b", "\\x1b"))


def test_a_report_that_ended_early_becomes_a_picture_too(tmp_path: Path, other: dict[str, Any]) -> None:
    other["levels"] = []
    other["cold"]["ttft"]["median"] = None
    assert texts(drawn(other, tmp_path)).count("sessions at once") == 3


def test_a_png_is_drawn_where_matplotlib_is(tmp_path: Path) -> None:
    plot.check(tmp_path / "a.png")
    plot.plot(REPORT, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_a_png_is_refused_beforehand_and_an_svg_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match="a PNG needs matplotlib") as refused:
        plot.check(tmp_path / "a.png")
    assert (refused.value.hint or "").startswith(f"{with_extra('plot')}   (or --plot")
    drawn(REPORT, tmp_path)


def test_a_picture_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.svg").mkdir()
    with pytest.raises(ClaudeLocalError, match="cannot write"):
        plot.plot(REPORT, tmp_path / "a.svg")
