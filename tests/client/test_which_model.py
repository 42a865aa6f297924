"""The guide docs/which-model.md, typed line by line: two scripted models, and the real Claude Code."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.evaluation import trial
from claude_local_plugin.evaluation.scripted import ScriptedServer, Skill
from claude_local_plugin.evaluation.suite import suite
from tests.client.conftest import Person
from tests.transcripts import mismatch, typed

pytestmark = pytest.mark.client

GUIDE = Path(__file__).parents[2] / "docs" / "which-model.md"
SMOKE = suite("smoke").tasks
AGENTS = {
    "spark": Skill("qwen3-coder-next", 0.9),
    "small": Skill(
        "qwen3-coder-30b", 0.3, fails={"malformed": 2.0, "not-parsed": 1.0, "wrong-result": 1.0}, malformed=0.1
    ),
}


def test_every_line_of_the_guide_prints_what_the_guide_says(person: Person) -> None:
    try:
        trial.possible()
    except ClaudeLocalError as none:
        if os.environ.get("CI"):
            raise
        pytest.skip(none.message)
    config = person.home / ".config" / "claude-local" / "config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    found = list(typed(GUIDE.read_text(encoding="utf-8")))
    assert len(found) == 5
    with ScriptedServer(AGENTS["spark"], SMOKE) as spark, ScriptedServer(AGENTS["small"], SMOKE) as small:
        for name, server in (("spark", spark), ("small", small)):
            with config.open("a", encoding="utf-8") as file:
                file.write(f'[profiles.{name}]\nurl = "{server.url}"\nmodel = "{AGENTS[name].name}"\n')
        for each in found:
            program, *words = shlex.split(each.command)
            assert program == "claude-local"
            done = subprocess.run(
                [sys.executable, "-m", "claude_local_plugin", *words],
                cwd=person.project,
                env={**person.environ, "COLUMNS": "80", "TZ": "UTC", "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,  # in the order in which a terminal has it
                text=True,
                timeout=600,
                check=False,
            )
            wrong = mismatch(each.expected, done.stdout)
            assert wrong is None, f"{GUIDE.name}:{each.line}: {wrong}"
    assert "How good is qwen3-coder-next" in (person.project / "spark.html").read_text(encoding="utf-8")
