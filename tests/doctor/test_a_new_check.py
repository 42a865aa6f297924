"""A new check is one record in one module: whoever lists, runs, explains, fixes or documents checks sees it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]

MADE_UP = """

from claude_local_plugin.doctor.fixers import variable, writes

CHECKS = (
    *CHECKS,
    Check(
        id="hooks.made-up",
        group="hooks",
        asks="is MADE_UP set?",
        fine="MADE_UP is set",
        why="this test wants it",
        finds="`MADE_UP` that is not 1.",
        remedy="`--fix` writes 1.",
        find=lambda facts: [] if facts.is_on("MADE_UP") else [Found(Result.WARNING, "it is not set", None, OwnFix())],
        fix=writes(variable("MADE_UP", "1", "so that the test is content")),
    ),
)
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package in a folder of its own, with one check more."""
    for name in ("claude_local_plugin", "hooks", "schemas"):
        shutil.copytree(TOP / name, tmp_path / "copy" / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "copy" / "docs").mkdir()
    shutil.copy(TOP / "docs" / "checks_page.py", tmp_path / "copy" / "docs")
    with (tmp_path / "copy" / "claude_local_plugin" / "doctor" / "checks" / "statusline.py").open("a") as module:
        module.write(MADE_UP)
    return tmp_path / "copy"


def test_a_made_up_check_with_a_fix_is_seen_everywhere(copy: Path, tmp_path: Path) -> None:
    home, project = tmp_path / "home", tmp_path / "home" / "project"
    settings = project / ".claude" / "settings.local.json"
    settings.parent.mkdir(parents=True)
    own = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "ANTHROPIC_AUTH_TOKEN": "mine", "ANTHROPIC_MODEL": "m"}
    settings.write_text(json.dumps({"env": own}))

    def run(*words: str, code: int = 0) -> str:
        environ = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(copy)}
        ended = subprocess.run(
            [sys.executable, *words], cwd=project, env=environ, capture_output=True, text=True, check=False
        )
        assert ended.returncode == code, ended.stderr
        return ended.stdout

    def doctor(*words: str, code: int = 0) -> str:
        return run("-m", "claude_local_plugin", "doctor", *words, code=code)

    assert "is MADE_UP set?" in doctor("--list")
    assert "run:   claude-local doctor --fix hooks.made-up" in doctor("--explain", "hooks.made-up")
    (finding,) = json.loads(doctor("hooks.made-up", "--json", code=1))["findings"]
    assert finding == {
        "id": "hooks.made-up",
        "group": "hooks",
        "result": "warning",
        "what": "it is not set",
        "where": None,
        "why": "this test wants it",
        "fix": "claude-local doctor --fix hooks.made-up",
        "fixable": True,
    }
    assert "MADE_UP is set" in doctor("hooks.made-up", "--fix", "--yes")
    assert json.loads(settings.read_text())["env"] == {**own, "MADE_UP": "1"}
    assert (copy / "docs" / "checks.md").exists() is False
    run(str(copy / "docs" / "checks_page.py"))
    assert "### `hooks.made-up` (fix)\n\nIs MADE_UP set?" in (copy / "docs" / "checks.md").read_text()
