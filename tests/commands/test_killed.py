"""`enable` and `disable`, killed at any moment or run at once: old file or new one, no litter, nothing forgotten."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands.place import Place

pytestmark = [pytest.mark.process, pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")]

ROOT = Path(__file__).parents[2]


def trials(folder: Path, how: str, number: int = 0) -> Any:
    """What `tests.commands.killing` found."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.commands.killing", str(folder), how, str(number)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_two_hundred_kills_at_random_moments_leave_no_torn_or_lost_file(tmp_path: Path) -> None:
    found = trials(tmp_path, "anytime", 200)
    assert found["faults"] == []
    assert found["killed"] == 200


def test_a_kill_before_any_step_that_changes_a_disk_can_be_made_good_by_running_again(tmp_path: Path) -> None:
    found = trials(tmp_path, "everywhere")
    assert found["faults"] == []
    assert found["killed"] > 30


def test_several_at_once_wait_for_each_other_and_the_file_is_given_back(place: Place) -> None:
    before = place.write(place.local, {"env": {"ANTHROPIC_MODEL": "theirs"}})
    enabling = ("enable", "--no-check", "--model", "m", "--url")
    calls = [(*enabling, "http://127.0.0.1:1"), (*enabling, "http://127.0.0.1:2"), ("disable",), ("hooks", "install")]
    processes = [
        subprocess.Popen([sys.executable, "-m", "claude_local_plugin", *call], stdout=subprocess.DEVNULL)
        for call in calls * 2
    ]
    assert [process.wait(timeout=120) for process in processes] == [0] * 8
    json.loads(place.local.read_bytes())
    place.ok("disable")
    place.ok("hooks", "uninstall")
    assert place.local.read_bytes() == before


def test_what_a_killed_run_left_beside_gits_list_is_taken_away_by_the_next_enable(repository: Place) -> None:
    calls = ("enable", "--no-check", "--url", "http://x:1", "--model", "m")
    repository.ok(*calls)
    left = repository.project / ".git" / "info" / ".exclude.claude-local-new"
    left.write_text("half a list")
    repository.ok(*calls)
    assert not left.exists()
