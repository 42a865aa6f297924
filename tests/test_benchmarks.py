"""The benchmarks can be started and say what they found; what they measure is no matter of tests."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as table
from tests.looped import looped

pytestmark = pytest.mark.process

ROOT = Path(__file__).parent.parent
BENCHMARKS = sorted((Path(__file__).parent / "benchmarks").glob("bench_*.py"))
#: As little as can be measured.
TINY = ("--rounds", "1", "--crowd", "2", "--sessions", "10", "--team", "10")


@looped("path", BENCHMARKS, ids=lambda path: path.stem)
def test_a_benchmark_says_what_it_measures(path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, str(path), "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout.startswith(f"usage: {path.name}")


def test_one_command_prints_every_figure_with_its_goal() -> None:
    names = ("hook", "crowd", "commands", "launch", "log", "team")  # the others need a client and an index
    ended = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", *TINY, "--json", "--only", *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(ended.stdout)
    assert [(row["work"], row["goal"]) for row in found] == [
        (work, goal) for name in names for work, _, _, goal in table.MEASURES[name][0]
    ]
    for row in found:
        assert set(row) == {"work", "against", "value", "unit", "goal", "note", "reached"}
        if row["value"] is None:
            assert row["note"].startswith("not measured: ")
            assert row["reached"] is None
        else:
            assert row["value"] > 0 or row["goal"] == 0
            assert row["reached"] is (row["value"] <= row["goal"])


def test_what_cannot_be_measured_has_a_row_that_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "find_claude", lambda: None)
    (figure,) = table.figures(["session"], table.Sizes(1, 1, 1))
    assert (figure.value, figure.reached) == (None, None)
    assert table.line(figure).endswith(
        "–     ≤ 6           not measured: no Claude Code here: set CLAUDE_LOCAL_TEST_CLAUDE"
    )


@pytest.mark.parametrize(("value", "said", "code"), [(1.0, "reached", 0), (1.31, "not yet", 1)])
def test_a_goal_is_shown_whether_it_is_reached_or_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: float, said: str, code: int
) -> None:
    rows = (("a hook", "python3", "×", 1.3),)
    monkeypatch.setattr(table, "MEASURES", {"hook": (rows, lambda _: iter([(value, "a note")]))})
    assert table.main([]) == 0
    assert table.main(["--strict"]) == code
    shown = capsys.readouterr().out.splitlines()
    assert shown[1].split() == ["a", "hook", "python3", f"{value:.3g}", "×", "≤", "1.3", *said.split(), "a", "note"]
