"""The page of an evaluation as text: safe, complete, self-contained, and in the words of the report."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from claude_local_plugin.evaluation import report as reports
from claude_local_plugin.evaluation.outcome import FAILURES
from claude_local_plugin.evaluation.report import Report
from claude_local_plugin.evaluation.run import Result
from claude_local_plugin.evaluation.scripted import Skill
from claude_local_plugin.report.evaluation_page import MARK, document
from tests.evaluation.test_report import evaluated
from tests.report.building import HOSTILE
from tests.report.test_report_page import Elements

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
EVERYTHING = Skill("x", 0.6, fails=dict.fromkeys(FAILURES, 1.0))


def usual() -> Report:
    """Every way to fail, with a comparison that tells and one that does not."""
    one = evaluated(EVERYTHING)
    one = replace(
        one,
        conditions=replace(
            one.conditions,
            command="claude-local eval --url http://dell-pro-max:8000 --suite core --repeat 2",
            settings={"env": {"ANTHROPIC_AUTH_TOKEN": "…", "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536"}},
            system="Linux aarch64",
            began="2026-11-28T08:00:00Z",
        ),
    )
    others = (evaluated(Skill("y", 0.2), seed=4), evaluated(Skill("z", 0.6), seed=5))
    return reports.report(one, [reports.against(one, each, f"other {n}") for n, each in enumerate(others)])


def hostile() -> Report:
    """Every name and reason is somebody else's."""
    one = evaluated(EVERYTHING, said=HOSTILE)
    kind = one.trials[0].kind
    trials = tuple(
        replace(trial, reason=HOSTILE, kind=HOSTILE if trial.kind == kind else trial.kind, passed=trial.passed)
        for trial in one.trials
    )
    conditions = replace(
        one.conditions,
        model=HOSTILE,
        suite=HOSTILE,
        url=f"http://{HOSTILE}",
        server=HOSTILE,
        profile=HOSTILE,
        command=HOSTILE,
        settings={HOSTILE: HOSTILE},
        began=HOSTILE,
    )
    return reports.report(replace(one, conditions=conditions, trials=trials), [reports.against(one, one, HOSTILE)])


def empty() -> Report:
    """Begun, and nothing has ended."""
    return reports.report(Result(evaluated(EVERYTHING).conditions))


def page(said: Report) -> str:
    return document(said, made_at=NOW, version="1.2.3")


@pytest.mark.parametrize("said", [usual, hostile, empty])
def test_the_page_is_whole_and_loads_nothing(said) -> None:  # type: ignore[no-untyped-def]
    text = page(said())
    found = Elements(text)
    assert found.open == []
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert {"http-equiv": "Content-Security-Policy", "content": policy} in found.named("meta")
    assert {tag for tag, _ in found.found} & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "image",
        "a",
        "form",
    } == set()
    assert not any(name.startswith("on") for _, attributes in found.found for name in attributes)
    assert "<script" not in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    ids = [attributes["id"] for _, attributes in found.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert MARK in text[:512]
    assert len(text) < 500_000


def test_what_is_said_on_the_terminal_is_said_on_the_page() -> None:
    said = usual()
    texts = Elements(page(said)).texts
    assert texts.count(said.sentence) == 1
    share = said.share
    assert share is not None
    passed = sum(bool(trial.passed) for trial in said.result.trials)
    assert f"{100 * share.value:.0f} %" in texts
    certain = f"{100 * share.low:.0f} % to {100 * share.high:.0f} % with 95 % certainty; {passed} of 60 trials"
    assert certain in texts
    assert "Passed every time (pass^2)" in texts
    for kind, (good, of) in said.kinds.items():
        assert kind in texts
        assert texts.count(f"{good} of {of} passed") >= 3  # two drawings and the table
    for kind in said.failures:
        assert {FAILURES[kind].words, FAILURES[kind].when, FAILURES[kind].mend} <= set(texts)
        assert FAILURES[kind].check is None or FAILURES[kind].check in texts
    for each in said.compared:
        assert {each.name, each.short, f"{each.name}: {each.sentence}."} <= set(texts)


def test_every_task_is_there_with_what_came_of_it_here_and_elsewhere() -> None:
    said = usual()
    rows = re.findall(r"<tr>(.*?)</tr>", page(said), re.DOTALL)
    for task, row in said.result.outcomes().items():
        (found,) = (each for each in rows if each.startswith(f'<th scope="row" class="name">{task}</th>'))
        assert f" {sum(row)} of {len(row)}</td>" in found
        assert ("✓ passed" in found, "✗ failed" in found) == (all(row), not any(row))
        for other in said.compared:
            assert f">{sum(other.outcomes[task])} of {len(other.outcomes[task])}</td>" in found


def test_what_repeats_it_is_there_and_nothing_secret() -> None:
    said = usual()
    text, of = page(said), said.result.conditions
    texts = Elements(text).texts
    assert of.command in texts
    for what in (of.client, of.system, f"{of.server} at {of.url}", f"core, SHA-256 {of.digest}", *of.tasks.values()):
        assert what in texts, what
    assert any('"CLAUDE_CODE_MAX_CONTEXT_TOKENS": "65536"' in each for each in texts)
    assert any('"ANTHROPIC_AUTH_TOKEN": "…"' in each for each in texts)


def test_names_stay_text_and_an_unfinished_one_says_so() -> None:
    assert any("<script>alert(1)</script>" in each for each in Elements(page(hostile())).texts)
    texts = Elements(page(empty())).texts
    assert "Not whole yet: 0 of 60 trials have ended." in texts
    assert "No trial has told anything yet." in texts
    assert "<svg" not in page(empty())
