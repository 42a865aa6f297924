"""`claude-local doctor --server-log`: as doctor prints, with doctor's schema and exit codes."""

import io
import sys
from pathlib import Path

import pytest

from tests.commands.place import Place

FILES = Path(__file__).with_name("files")


@pytest.fixture
def place(home: Path, project: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(home, project, capsys)


def test_a_failure_is_printed_as_doctor_prints_findings(place: Place) -> None:
    ended = place.ends(1, "doctor", "--server-log", str(FILES / "vllm-window.compose.log"))
    first, why, fix, last = ended.out.splitlines()
    assert first.startswith("log          ✗ log.window-over-cache  a window of 262,144 needs 24.00 GiB of KV cache")
    assert first.endswith("vllm-window.compose.log:18)")
    assert why.strip() == "why: vLLM starts only where one request of the full window fits"
    assert fix.strip().startswith("fix: --max-model-len 104448, ")
    assert last == "1 error · vLLM 0.32.0 · last stage: stopped · 23 lines"


def test_json_has_doctors_schema_and_says_how_far_the_start_came(place: Place) -> None:
    answer = place.json("doctor", "--server-log", str(FILES / "vllm-window.compose.log"), code=1)
    assert answer["counts"]["error"] == 1
    assert answer["findings"][0]["group"] == "log"
    assert (answer["log"]["kind"], answer["log"]["version"], answer["log"]["stage"]) == ("vllm", "0.32.0", "stopped")
    assert answer["log"]["stages"] == ["starting", "loading the weights", "compiling", "stopped"]


def test_a_start_that_went_well_ends_with_0(place: Place) -> None:
    assert "✓ vLLM 0.33.0 became ready" in place.ok("doctor", "--server-log", str(FILES / "vllm-well.log")).out


def test_standard_input_is_read_for_a_dash(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO(b"\xff\xfe\nexec /usr/bin/python3: exec format error\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw, encoding="utf-8"))
    answer = place.json("doctor", "--server-log", "-", code=1)
    assert (answer["findings"][0]["id"], answer["findings"][0]["where"]) == ("log.architecture", "line 2")
    assert answer["log"]["file"] is None


def test_an_unknown_failure_shows_its_last_error_and_how_to_report_it(place: Place) -> None:
    said = place.ends(1, "doctor", "--server-log", str(FILES / "unknown.log")).out
    assert "not known here" in said
    assert "acme.FlipError: the flux is reversed" in said
    assert "--json" in said


def test_a_secret_in_a_log_is_not_shown(place: Place) -> None:
    (place.project / "a.log").write_text("RuntimeError: cannot use hf_abcdefghijklmnopqrstuvwx as a token\n")
    for options in ((), ("--json",)):
        said = place.ends(1, "doctor", "--server-log", "a.log", *options).all
        assert "RuntimeError" in said
        assert "hf_abcdefghijklmnopqrstuvwx" not in said


def test_a_file_that_is_not_there_says_what_next(place: Place) -> None:
    said = place.refused("doctor", "--server-log", "nowhere.log")
    assert "nowhere.log cannot be read" in said
    assert "--server-log -" in said


def test_nothing_else_goes_with_it(place: Place) -> None:
    assert "reads a log and nothing else" in place.refused("doctor", "--server-log", "x", "--deep", code=2)
    assert "reads a log and nothing else" in place.refused("doctor", "files", "--server-log", "x", code=2)


def test_a_known_failure_is_explained(place: Place) -> None:
    said = place.ok("doctor", "--explain", "log.window-over-cache").out
    assert "docs:  https://docs.vllm.ai/" in said
    assert "seen:  https://github.com/vllm-project/vllm/issues/2418" in said
    assert "did you mean log.nccl?" in place.refused("doctor", "--explain", "log.ncll", code=2)
