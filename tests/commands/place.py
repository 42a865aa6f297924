"""A place to run the command line in, and ways to see what became of the files there."""

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin import cli
from claude_local_plugin.commands import enable
from claude_local_plugin.precedence import installed_client_version
from claude_local_plugin.settings import schema
from claude_local_plugin.world import World

MODEL = "qwen3-coder-next"


@dataclass(frozen=True)
class Ended:
    """What one run of the command line came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on standard output."""
        return json.loads(self.out)

    @property
    def all(self) -> str:
        """Everything that was shown."""
        return self.out + self.err


@dataclass
class Place:
    """A home, a project folder that is the current one, and the command line in this very process."""

    home: Path
    project: Path
    capsys: pytest.CaptureFixture[str] = field(repr=False)

    @property
    def state(self) -> Path:
        return self.home / ".local" / "state" / "claude-local"

    @property
    def local(self) -> Path:
        return self.project / ".claude" / "settings.local.json"

    @property
    def shared(self) -> Path:
        return self.project / ".claude" / "settings.json"

    @property
    def user(self) -> Path:
        return self.home / ".claude" / "settings.json"

    def run(self, *arguments: str) -> Ended:
        """Run `claude-local` with these arguments, whatever comes of it."""
        self.capsys.readouterr()
        code = cli.run_line(arguments)
        out, err = self.capsys.readouterr()
        return Ended(code, out, err)

    def ok(self, *arguments: str) -> Ended:
        """Run `claude-local`; it must end well."""
        return self.ends(0, *arguments)

    def ends(self, code: int, *arguments: str) -> Ended:
        """Run `claude-local`; it must end with this exit code."""
        ended = self.run(*arguments)
        assert ended.code == code, f"{arguments}: exit {ended.code}\n{ended.out}\n{ended.err}"
        return ended

    def refused(self, *arguments: str, code: int = 1) -> str:
        """Run `claude-local`; it must refuse with this exit code and write nothing anywhere. What it said."""
        before = self.files()
        ended = self.ends(code, *arguments)
        assert self.files() == before
        assert not ended.out
        assert ended.err.startswith("error: ")
        return ended.err

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run `claude-local … --json`; its answer, which fits the schema of that command."""
        answer = self.ends(code, *arguments, "--json").json
        name = "-".join(word for word in arguments[:2] if not word.startswith("-"))
        if name in schema.names():
            assert schema.problems(answer, name) == ()
        return answer

    def waits_for_imports(self) -> None:
        """Waits for what the end of a session has started in the background, as far as processes can be looked at."""

        def arguments(process: Path) -> bytes:
            try:
                return (process / "cmdline").read_bytes()
            except OSError:  # it has ended
                return b""

        while any(os.fsencode(self.state) in arguments(each) for each in Path("/proc").glob("[0-9]*")):
            time.sleep(0.05)

    def files(self) -> dict[str, tuple[str, int, bytes]]:
        """Every file, folder and link below home and project: kind, mode, content."""
        found = {}
        for root in (self.home, self.project):
            for path in [root, *root.rglob("*")]:
                mode = path.lstat().st_mode
                if path.is_symlink():
                    found[str(path)] = ("link", 0, str(path.readlink()).encode())
                elif path.is_dir():
                    found[str(path)] = ("folder", stat.S_IMODE(mode), b"")
                else:
                    found[str(path)] = ("file", stat.S_IMODE(mode), path.read_bytes())
        return found

    def elsewhere(self) -> dict[str, tuple[str, int, bytes]]:
        """As `files`, without our own state folder: what must be as before once all is taken back."""
        own = str(self.state)
        parents = {str(parent) for parent in (self.state, *self.state.parents)}
        return {path: what for path, what in self.files().items() if not path.startswith(own) and path not in parents}

    def tilde(self, path: Path) -> str:
        """A path as people are told of it: `~` for the home folder."""
        return f"~/{path.relative_to(self.home)}" if path.is_relative_to(self.home) else str(path)

    def write(self, path: Path, content: str | bytes | Mapping[str, Any]) -> bytes:
        """Put a settings file there, with the folders above it; gives its bytes."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Mapping):
            content = json.dumps(content, indent=2) + "\n"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path.read_bytes()

    def env(self, path: Path | None = None) -> dict[str, str]:
        """The env block of a settings file, the local one by default."""
        block = json.loads((path or self.local).read_text("utf-8-sig", "replace"))["env"]
        assert isinstance(block, dict)
        return block

    def world(self, **changes: Any) -> World:
        """The place as the commands below the command line take it."""
        environ = dict(os.environ)
        values: dict[str, Any] = {
            "cwd": Path.cwd(),
            "home": self.home,
            "environ": environ,
            "state_dir": self.state,
            "python": sys.executable,
            "client_version": installed_client_version(environ),
        }
        return World(**{**values, **changes})

    def prepare(self, world: World | None = None, **request: Any) -> enable.Prepared:
        """What `enable` would do, as data."""
        return enable.prepare(enable.Request(**request), world or self.world())

    def session(self, session_id: str, *, settings: Path | None = None, ends: bool = True, **shell: str) -> None:
        """A session here as our hooks see it: those in the settings file, run as Claude Code runs them."""
        found = json.loads((settings or self.local).read_bytes())
        environ = {**os.environ, **shell, **found.get("env", {}), "CLAUDE_PROJECT_DIR": str(self.project)}
        event = {"session_id": session_id, "cwd": str(self.project), "transcript_path": ""}
        causes = {"SessionStart": {"source": "startup"}, "UserPromptSubmit": {"prompt": "x"}}
        if ends:
            causes["SessionEnd"] = {"reason": "other"}
        for name, fields in causes.items():
            (group,) = found["hooks"][name]
            (handler,) = group["hooks"]
            subprocess.run(
                [handler["command"], *handler["args"]],
                cwd=self.project,
                env=environ,
                input=json.dumps({**event, "hook_event_name": name, **fields}).encode(),
                capture_output=True,
                check=True,
            )

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run git in the project, with nobody's configuration."""
        environ = {
            **os.environ,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@example.com",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@example.com",
        }
        ended = subprocess.run(
            ["git", *arguments], cwd=cwd or self.project, env=environ, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def client(self, version: str, folder: Path) -> Path:
        """A `claude` of this version as npm would install it below `folder`; gives the folder for PATH."""
        package = folder / "lib" / "node_modules" / "@anthropic-ai" / "claude-code"
        package.mkdir(parents=True)
        (package / "package.json").write_text(json.dumps({"name": "@anthropic-ai/claude-code", "version": version}))
        (package / "cli.js").write_text("#!/bin/sh\nexit 1\n")
        (package / "cli.js").chmod(0o755)
        (folder / "bin").mkdir()
        (folder / "bin" / "claude").symlink_to(package / "cli.js")
        return folder / "bin"


def flat(text: str) -> str:
    """The text with every run of blanks and line ends as one blank."""
    return " ".join(text.split())
