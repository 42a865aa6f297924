"""The report of `claude-local verify`, made with a client that only pretends and so is often not what we expect."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.commands.verify import RANDOM, Progress, all_questions, read_cases, summary, table, verify
from claude_local_plugin.conformance import ClientError, Scenario, expected, randomly, spread, systematic, url
from claude_local_plugin.errors import UsageError
from claude_local_plugin.precedence import VERIFIED_AGAINST
from claude_local_plugin.precedence.verified import recall
from claude_local_plugin.settings.schema import problems
from tests.looped import looped

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


def test_random_questions_are_asked_beside_the_systematic_ones() -> None:
    everything = all_questions()
    assert set(everything) == set(systematic()) | set(randomly(RANDOM, 1))
    assert len(all_questions(thorough=True)) > len(everything)
    assert len(all_questions(at_least=5_000)) == 5_000


def test_every_beginning_of_the_questions_is_a_sample_of_every_kind() -> None:
    names = list(all_questions())
    kinds = {name.partition("/")[0] for name in names}
    assert {name.partition("/")[0] for name in names[: len(kinds)]} == kinds
    share = sum(name.startswith("random/") for name in names) / len(names)
    assert abs(sum(name.startswith("random/") for name in names[:200]) / 200 - share) < 0.05


def test_questions_asked_first_lie_far_apart_in_their_kind() -> None:
    asked = {f"kind/{number}": Scenario(shell={"N": str(number)}) for number in range(10)}
    assert list(spread(asked))[:3] == ["kind/0", "kind/8", "kind/4"]
    assert set(spread(asked)) == set(asked)


def test_as_many_questions_are_asked_as_are_wanted(pretended: Path) -> None:
    report = verify(pretended, cases=3)
    assert (report["cases"], report["complete"]) == (3, False)
    assert report["questions"] == len(all_questions())
    assert report["summary"].startswith(f"9.9.9: asked 3 of {report['questions']:,}, ")


def test_a_part_is_never_said_to_be_the_whole() -> None:
    assert summary("2.1.9", 1065, 1065, 0) == "2.1.9: 1,065 of 1,065 agree"
    assert summary("2.1.9", 338, 1065, 2) == "2.1.9: asked 338 of 1,065, 336 agree"


def test_a_client_that_cannot_send_a_prompt_is_one_clear_error(tmp_path: Path) -> None:
    program = tmp_path / "claude"
    program.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo 9.9.9 && exit\necho libfoo.so is missing >&2\nexit 127\n'
    )
    program.chmod(0o755)
    with pytest.raises(ClientError, match=r"sent no prompt \(refused\).*libfoo.so is missing"):
        verify(program)


def test_a_version_without_a_number_is_no_client(tmp_path: Path) -> None:
    program = tmp_path / "claude"
    program.write_text("#!/bin/sh\necho development build\n")
    program.chmod(0o755)
    with pytest.raises(ClientError, match="names no version"):
        verify(program)


def test_a_difference_can_be_asked_again_from_its_file(pretended: Path, tmp_path: Path) -> None:
    report = asked(pretended, {"random/1/7": DIFFERENT}, state_dir=tmp_path / "state")
    file = Path(report["differences"][0]["file"])
    again = asked(pretended, read_cases(file))
    assert again["differences"][0]["what"] == report["differences"][0]["what"]
    whole = tmp_path / "report.json"
    whole.write_text(json.dumps(report))
    assert read_cases(whole) == read_cases(file)


@looped("text", ["", "[]", "5", '{"no": "scenario"}', '{"scenario": 5}', "[1]"])
def test_a_file_without_a_case_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "case.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"case\.json"):
        read_cases(file)


def test_a_scenario_by_itself_is_a_case(tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    file.write_text(json.dumps(AGREED.to_json()))
    assert list(read_cases(file).values()) == [AGREED]


def test_answers_without_a_difference_are_remembered_until_the_client_changes(
    pretended: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    monkeypatch.setattr("claude_local_plugin.commands.verify.all_questions", lambda *_, **__: {"one": AGREED})
    verify(pretended, state_dir=state)
    found = recall(state, pretended)
    assert found is not None
    assert (found.client_version, found.asked, found.questions, found.complete) == ("9.9.9", 1, 1, True)
    pretended.write_text(pretended.read_text() + "# another release\n")
    assert recall(state, pretended) is None


def test_a_difference_ends_what_was_remembered(
    pretended: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    monkeypatch.setattr("claude_local_plugin.commands.verify.all_questions", lambda *_, **__: {"one": AGREED})
    verify(pretended, state_dir=state)
    monkeypatch.setattr("claude_local_plugin.commands.verify.all_questions", lambda *_, **__: {"one": DIFFERENT})
    verify(pretended, state_dir=state)
    assert recall(state, pretended) is None


@pytest.mark.parametrize("asked_to_end", [signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_of_a_verify_that_is_ended(pretended: Path, tmp_path: Path, asked_to_end: int) -> None:
    temporary, pid = tmp_path / "temporary", tmp_path / "pid"
    temporary.mkdir()
    program = tmp_path / "slow"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo 9.9.9 && exit\n[ -e {pid} ] || echo $$ > {pid}\nexec sleep 600\n'
    )
    program.chmod(0o755)
    verifying = subprocess.Popen(
        [sys.executable, "-c", VERIFY, str(program)],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (pid.exists() and pid.read_text().strip()) and verifying.poll() is None:
        time.sleep(0.02)
    verifying.send_signal(asked_to_end)
    _, said = verifying.communicate(timeout=60)
    assert verifying.returncode == 128 + asked_to_end, said
    assert "Traceback" not in said
    assert list(temporary.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


#: As from a terminal: whoever starts us in the background hands down a SIGINT that is ignored.
VERIFY = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from claude_local_plugin.cli import run_line
raise SystemExit(run_line(["verify", "--claude", sys.argv[1]]))
"""


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
