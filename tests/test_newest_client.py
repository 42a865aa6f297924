"""The script that asks the newest Claude Code writes an issue that can be read."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.precedence import VERIFIED_AGAINST

pytestmark = pytest.mark.process

ROOT = Path(__file__).parent.parent
REPORT = {
    "client_version": "9.9.9",
    "questions": 1472,
    "cases": 1472,
    "agree": 1470,
    "complete": True,
    "differences": [
        {
            "name": f"model/env/{alias}",
            "scenario": {"shell": {"ANTHROPIC_MODEL": alias}},
            "what": ["model: expected 'claude-opus-5-5', observed 'claude-opus-6'"],
        }
        for alias in ("opus", "best")
    ],
}


def written(tmp_path: Path, **changes: Any) -> str:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(REPORT | changes))
    command = [sys.executable, str(ROOT / ".ci" / "newest_client_report.py"), str(file)]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout


def test_a_difference_is_titled_counted_and_shown_with_what_asks_it_again(tmp_path: Path) -> None:
    text = written(tmp_path)
    assert text.splitlines()[0] == "Claude Code 9.9.9 differs from what we say in 2 of 1,472 configurations"
    assert "| model | model | 2 |" in text
    assert "observed 'claude-opus-6'" in text
    assert '"ANTHROPIC_MODEL": "best"' in text
    assert "claude-local verify --case FILE" in text


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        ({"differences": [], "client_version": VERIFIED_AGAINST}, "nothing to do"),
        ({"differences": [], "complete": False, "cases": 700}, "nothing to do"),
        ({"differences": []}, "as tests/conformance/golden/9.9.9.jsonl."),
    ],
)
def test_without_a_difference_it_says_what_is_left_to_do(tmp_path: Path, changes: dict[str, Any], last: str) -> None:
    assert written(tmp_path, **changes).splitlines()[-1].endswith(last)


def test_a_client_that_cannot_be_asked_is_no_agreement(tmp_path: Path) -> None:
    program = tmp_path / "claude"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CLAUDE": str(program), "PYTHON": sys.executable}
    done = subprocess.run(
        ["bash", str(ROOT / ".ci" / "newest-client")], check=False, capture_output=True, text=True, env=environ
    )
    assert done.returncode == 2
    assert "names no version" in done.stderr
