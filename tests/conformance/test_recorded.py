"""What real clients answered, on record, against what the resolver says today: every question, without a client.

`python -m claude_local_plugin.conformance --claude CLAUDE --ordinary --record golden/VERSION.jsonl` asks what is not on
record yet; `tests/conformance/test_real_client.py` asks a sample anew.
"""

import json
from pathlib import Path

import pytest

from claude_local_plugin.conformance import Observed, Scenario, compare, expected, recorded
from claude_local_plugin.precedence import VERIFIED_AGAINST

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*.jsonl"))
#: Version -> questions on which older versions are known to differ: a tool for today says less of them.
DIFFER: dict[str, list[str]] = json.loads((GOLDEN / "differ.json").read_text())
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_resolver_says_what_the_client_did(file: Path, part: int) -> None:
    answers = [answer for index, answer in enumerate(recorded.read(file)) if index % PARTS == part]
    differences = {
        name: "; ".join(map(str, found))
        for name, scenario, seen in answers
        if (found := compare(seen, expected(scenario, file.stem)))
    }
    known = set(DIFFER.get(file.stem, ())) & {name for name, _, _ in answers}
    assert {name: what for name, what in differences.items() if name not in known} == {}
    assert known <= set(differences), "it agrees there now: take it out of differ.json"


def test_the_version_we_are_verified_against_differs_nowhere() -> None:
    assert VERIFIED_AGAINST not in DIFFER
    assert GOLDEN / f"{VERIFIED_AGAINST}.jsonl" in FILES


def test_an_answer_survives_being_written_and_read(tmp_path: Path) -> None:
    case = Scenario(shell={"A": "b"}, layout="worktree")
    seen = Observed("ok", "anthropic", "http://127.0.0.1:8011", None, "Bearer t", "m", 1, seconds=2.0, said="pong")
    file = tmp_path / "9.9.9.jsonl"
    file.write_text(recorded.line("a/b", case, seen) + "\n")
    ((name, again, found),) = recorded.read(file)
    assert (name, again) == ("a/b", case)
    assert (found.outcome, found.base_url, found.authorization, found.model) == ("ok", seen.base_url, "Bearer t", "m")


def test_a_signature_is_kept_as_what_it_is_and_not_as_the_time_it_was_made(tmp_path: Path) -> None:
    seen = Observed("ok", "bedrock", authorization="AWS4-HMAC-SHA256 Credential=AKIA/20261128/us-east-1")
    assert '"authorization":"AWS4-HMAC-SHA256"' in recorded.line("a", Scenario(), seen)


def test_only_questions_without_an_answer_are_asked(tmp_path: Path) -> None:
    file = tmp_path / "9.9.9.jsonl"
    questions = {"one": Scenario(shell={"A": "1"}), "two": Scenario(shell={"A": "2"})}
    assert recorded.unrecorded(questions, file) == questions
    assert recorded.write(file, [("old name", questions["two"], Observed("ok"))], questions) == 1
    assert list(recorded.unrecorded(questions, file)) == ["one"]
    assert [name for name, _, _ in recorded.read(file)] == ["two"]
