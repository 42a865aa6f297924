"""`claude-local eval --show`: a report on results that are there, without a server or a client."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from claude_local_plugin.evaluation.run import Log, Result
from claude_local_plugin.evaluation.scripted import Skill
from claude_local_plugin.settings.schema import problems
from tests.commands.place import Place
from tests.evaluation.test_report import evaluated


def written(path: Path, result: Result) -> None:
    log = Log(path, result.conditions)
    for trial in result.trials:
        log.add(trial)


@pytest.fixture
def results(place: Place) -> Place:
    written(place.project / "good.jsonl", evaluated(Skill("good", 0.9)))
    bad = evaluated(Skill("bad", 0.3))
    bad = replace(bad, conditions=replace(bad.conditions, model="bad", profile="spark", began="2026-11-12T08:00:00Z"))
    written(place.project / "bad.jsonl", bad)
    (place.state / "evaluations").mkdir(parents=True)
    written(place.state / "evaluations" / "bad.jsonl", bad)
    return place


def test_results_are_reported_and_compared_by_file_profile_or_model(results: Place) -> None:
    alone = results.ok("eval", "--show", "good.jsonl").out
    assert alone.startswith("30 tasks × 2 of core on qwen3-coder-next (vLLM 0.33.0, Claude Code 2.1.332)\npass@1")
    assert max(map(len, alone.splitlines())) <= 80
    for word in ("bad.jsonl", "spark", "bad"):
        said = " ".join(results.ok("eval", "--show", "good.jsonl", "--compare", word).out.split())
        assert "against bad (2026-11-12): +" in said
        assert ": better" in said


def test_as_a_document_and_to_paste(results: Place) -> None:
    document = json.loads(results.ok("eval", "--show", "good.jsonl", "--compare", "bad.jsonl", "--json").out)
    assert [each for each in problems(document, "eval") if each.severity == "error"] == []
    assert document["against"][0]["difference"]["value"] > 0.3
    assert "| pass@1 | " in results.ok("eval", "--show", "good.jsonl", "--markdown").out


def test_as_a_page_which_takes_the_place_of_no_other_file(results: Place) -> None:
    said = results.ok("eval", "--show", "good.jsonl", "--compare", "bad.jsonl", "--html", "page.html")
    assert "page: page.html" in said.err
    page = results.project / "page.html"
    assert "How good is qwen3-coder-next at Claude Code’s work?" in page.read_text(encoding="utf-8")
    results.ok("eval", "--show", "bad.jsonl", "--html", "page.html")
    assert "How good is bad at" in page.read_text(encoding="utf-8")
    (results.project / "mine.html").write_text("dear diary")
    assert "not a page of claude-local eval" in results.refused("eval", "--show", "good.jsonl", "--html", "mine.html")
    assert (results.project / "mine.html").read_text() == "dear diary"
    one = ("eval", "--show", "good.jsonl", "--html", "good.jsonl")
    assert "cannot be one file" in results.refused(*one, code=2)
    assert "a page is --html" in results.refused("eval", "--output", "x.html", code=2)


def test_what_is_no_result_is_refused(results: Place) -> None:
    (results.project / "notes").write_text("dear diary")
    assert "is no result of an evaluation" in results.refused("eval", "--show", "notes", code=2)
    assert "there is no" in results.refused("eval", "--show", "nothing", code=2)
    assert "is no results file" in results.refused("eval", "--show", "good.jsonl", "--compare", "x", code=2)
