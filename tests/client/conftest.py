"""A person at a project: our command line and the real Claude Code, run as they would run them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend, Model


@dataclass
class Person:
    """Somebody with a home, a project, a shell and Claude Code."""

    home: Path
    project: Path
    claude: Path
    shell: dict[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        """A clean environment: nothing of the machine that runs the tests but PATH."""
        path = os.pathsep.join((str(self.claude.parent), "/usr/bin", "/bin"))
        return {"PATH": path, "HOME": str(self.home), "LANG": "C.UTF-8", **self.shell}

    @property
    def local_settings(self) -> Path:
        return self.project / ".claude" / "settings.local.json"

    def ours(self, *arguments: str, code: int = 0, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run `claude-local` as they would type it."""
        ended = subprocess.run(
            [sys.executable, "-m", "claude_local_plugin", *arguments],
            cwd=cwd or self.project,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == code, f"{arguments}: exit {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        return ended

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run `claude-local … --json` and read its answer."""
        return json.loads(self.ours(*arguments, "--json", code=code).stdout)

    def session(
        self, prompt: str = "ping", *arguments: str, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """One `claude -p` in the project."""
        return subprocess.run(
            [str(self.claude), "-p", prompt, *arguments],
            cwd=cwd or self.project,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def person(home: Path, tmp_path: Path, claude_binary: Path) -> Person:
    project = tmp_path / "project"
    project.mkdir()
    return Person(home, project, claude_binary)


@pytest.fixture
def server() -> Iterator[EmbeddedBackend]:
    with EmbeddedBackend(models=(Model("qwen3-coder-next", 65_536),)) as backend:
        yield backend
