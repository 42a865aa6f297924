"""The report of `claude-local verify`, made with a client that only pretends and so is often not what we expect."""

import json
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.commands.verify import Progress, table, verify
from claude_local_plugin.oracle import Scenario, expected, url
from claude_local_plugin.precedence import VERIFIED_AGAINST
from claude_local_plugin.settings.schema import problems

WORKS = {"ANTHROPIC_BASE_URL": url("local"), "ANTHROPIC_AUTH_TOKEN": "t", "ANTHROPIC_MODEL": "m"}
#: The pretended client does as we expect here, but for the window: it always says 1234.
AGREED = Scenario(settings={"local": {"env": WORKS | {"CLAUDE_CODE_MAX_CONTEXT_TOKENS": "1234"}}})
#: It knows nothing of user settings, so that it goes to the cloud here.
DIFFERENT = Scenario(
    settings={"user": {"env": WORKS | {"OTHER": "1"}, "permissions": {}}, "project": {"model": "x"}},
    shell={"UNRELATED": "1", "ANTHROPIC_AUTH_TOKEN": "s"},
    layout="git-root",
)


def asked(pretended: Path, questions: dict[str, Scenario], **options: Any) -> dict[str, Any]:
    report = verify(pretended, questions=questions, **options)
    assert problems(report, "verify") == ()
    assert json.loads(json.dumps(report)) == report
    return report


def test_agreement_is_counted_and_said_in_one_line(pretended: Path) -> None:
    report = asked(pretended, {"one": AGREED, "two": AGREED})
    assert (report["cases"], report["agree"], report["differences"]) == (2, 2, [])
    assert report["summary"] == "9.9.9: 2 of 2 agree"
    assert (report["client_version"], report["verified_against"]) == ("9.9.9", VERIFIED_AGAINST)


def test_a_difference_is_reported_at_its_core(pretended: Path) -> None:
    report = asked(pretended, {"same": AGREED, "other": DIFFERENT})
    (row,) = report["differences"]
    assert row["name"] == "other"
    assert report["summary"] == "9.9.9: 1 of 2 agree"
    assert len(json.dumps(row["scenario"])) < len(json.dumps(DIFFERENT.to_json())) / 2
    assert row["expected"]["outcome"] == expected(Scenario.from_json(row["scenario"]), "9.9.9").outcome
    assert row["what"]


def test_progress_is_told_case_by_case(pretended: Path) -> None:
    told: list[Progress] = []
    asked(pretended, {"one": AGREED, "two": DIFFERENT, "three": AGREED}, progress=told.append, workers=1)
    assert told == [Progress(1, 3, 0), Progress(2, 3, 1), Progress(3, 3, 1)]


def test_no_question_is_asked_when_there_is_no_time(pretended: Path) -> None:
    report = asked(pretended, {"one": AGREED, "two": AGREED}, patience=-1.0)
    assert (report["cases"], report["unasked"]) == (0, 2)


def test_random_questions_are_asked_beside_the_systematic_ones(pretended: Path) -> None:
    small = verify(pretended, cases=0, patience=-1.0)["unasked"]
    assert verify(pretended, cases=25, patience=-1.0)["unasked"] == small + 25
    assert verify(pretended, cases=0, patience=-1.0, thorough=True)["unasked"] > small


@pytest.mark.parametrize(
    ("agree", "cases", "shown"), [(412, 412, "100 %"), (1999, 2000, "99.9 %"), (0, 3, "0 %"), (0, 0, "0 %")]
)
def test_a_table_row_never_rounds_up(agree: int, cases: int, shown: str) -> None:
    report = {"client_version": "2.1.9", "cases": cases, "agree": agree, "differences": []}
    assert table([report]).splitlines()[2] == f"| 2.1.9 | {cases} | {shown} | none |"


def test_the_table_begins_with_the_newest_version_and_names_what_differs() -> None:
    rows = [{"name": "layout/worktree/local"}, {"name": "layout/worktree/user"}, {"name": "random/1/7"}]
    reports = [
        {"client_version": "2.1.200", "cases": 10, "agree": 7, "differences": rows},
        {"client_version": "2.1.330", "cases": 10, "agree": 10, "differences": []},
        {"client_version": "2.1.99", "cases": 10, "agree": 10, "differences": []},
    ]
    assert table(reports) == (
        "| Claude Code | configurations | agree | differences |\n"
        "| --- | ---: | ---: | --- |\n"
        "| 2.1.330 | 10 | 100 % | none |\n"
        "| 2.1.200 | 10 | 70 % | layout/worktree, random/1 |\n"
        "| 2.1.99 | 10 | 100 % | none |\n"
    )
