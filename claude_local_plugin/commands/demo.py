"""The whole round on this machine with no model server: enable, status, a session, its record, disable.

Everything happens in a temporary home and project, against our own stand-in on loopback, through the same command
line that a user types; what is shown is what those commands printed.
"""

import hashlib
import json
import os
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from claude_local_plugin import isolated
from claude_local_plugin.core import shell
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.fake_server.server import EmbeddedBackend, Model

#: What the project's settings file looks like beforehand: somebody's own, with their order, spacing and a shell key's
#: worth of trouble. It must come back byte for byte.
SETTINGS_BEFORE = (
    b"{\r\n"
    b'    "permissions" : { "allow": ["Bash(make:*)", "Read(\xc3\xa9t\xc3\xa9/**)"] },\r\n'
    b'    "cleanupPeriodDays": 30\r\n}'
)

SESSION_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the demonstration: what was typed, what it printed, whether it did what it should."""

    title: str
    command: str
    output: str
    ok: bool


def run(claude: Path | None, show: Callable[[Step], None]) -> bool:
    """Run every step, showing each as it ends; True where all of them did what they should.

    `claude` is the real Claude Code, or None to run the hooks alone. Nothing outside a temporary folder is touched.
    """
    with (
        tempfile.TemporaryDirectory(prefix="claude-local-demo-") as folder,
        EmbeddedBackend(
            models=(Model("qwen3-coder-next", 65_536),), reply="Hello from the model server under your desk."
        ) as backend,
    ):
        for step in _steps(_Stage(Path(folder).resolve(), backend, claude)):
            show(step)
            if not step.ok:
                return False  # above all: no session may start where enable has failed
        return True


class _Stage:
    """The temporary home and project, and the environment of everything that runs in them."""

    def __init__(self, folder: Path, backend: EmbeddedBackend, claude: Path | None) -> None:
        self.backend = backend
        self.claude = claude
        self.home = folder / "home"
        self.project = folder / "project"
        self.settings = self.project / ".claude" / "settings.local.json"
        self.home.mkdir()
        self.settings.parent.mkdir(parents=True)
        self.settings.write_bytes(SETTINGS_BEFORE)
        (self.home / ".claude.json").write_text('{"hasCompletedOnboarding": true}')
        kept = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "TERM")
        self.environ = {name: os.environ[name] for name in kept if name in os.environ}
        self.environ |= {"HOME": str(self.home), "USERPROFILE": str(self.home), "NO_COLOR": "1"}
        self.environ["CLAUDE_LOCAL_STATE_DIR"] = str(folder / "state")

    def ours(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run our own command line in the project."""
        return self._run(isolated.python("claude_local_plugin", *arguments))

    def session(self) -> tuple[str, subprocess.CompletedProcess[str]]:
        """One session: of the real client, or of its hooks alone; with what it would be called on a command line."""
        if self.claude is not None:
            return shell.command("claude", "-p", "say hello"), self._run([str(self.claude), "-p", "say hello"])
        return "the installed hooks, as Claude Code would call them", self._hooks_alone()

    def digest(self) -> str:
        """The settings file's SHA-256."""
        return hashlib.sha256(self.settings.read_bytes()).hexdigest()

    def _run(
        self, argv: list[str], *, stdin: str = "", environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                argv,
                cwd=self.project,
                env=dict(environ or self.environ),
                input=stdin,
                capture_output=True,
                text=True,
                encoding="utf-8",
                timeout=SESSION_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ClaudeLocalError(f"{argv[0]} has not ended after {SESSION_TIMEOUT:.0f} s") from error

    def _hooks_alone(self) -> subprocess.CompletedProcess[str]:
        settings = json.loads(self.settings.read_bytes())
        environ = self.environ | settings["env"] | {"CLAUDE_PROJECT_DIR": str(self.project)}
        session = {"session_id": str(uuid.uuid4()), "cwd": str(self.project), "transcript_path": ""}
        events = {
            "SessionStart": {"source": "startup"},
            "UserPromptSubmit": {"prompt": "x"},
            "SessionEnd": {"reason": "other"},
        }
        printed = ""
        for event, fields in events.items():
            for group in settings["hooks"][event]:
                for hook in group["hooks"]:
                    payload = json.dumps({**session, "hook_event_name": event, **fields})
                    ended = self._run([hook["command"], *hook["args"]], stdin=payload, environ=environ)
                    said = (
                        json.loads(ended.stdout).get("systemMessage", "")
                        if ended.stdout.strip()
                        else "silent, as it should be"
                    )
                    printed += f"{event}: {said}\n"
                    if ended.returncode:
                        return ended
        return subprocess.CompletedProcess([], 0, printed, "")


def _steps(stage: _Stage) -> Iterator[Step]:
    before = stage.digest()
    yield _enabled(stage)
    yield _ours(stage, "ask where sessions go from here", "status")
    yield _session(stage)
    yield _arrived(stage)
    yield _recorded(stage)
    yield _ours(stage, "give the file back", "disable")
    after = stage.digest()
    same = stage.settings.read_bytes() == SETTINGS_BEFORE and before == after
    output = f"before  {before}\nafter   {after}\n" + ("the same, byte for byte" if same else "NOT THE SAME")
    yield Step("compare the settings file with what it was", "sha256 .claude/settings.local.json", output, same)


def _ours(stage: _Stage, title: str, *arguments: str) -> Step:
    ended = stage.ours(*arguments)
    return Step(
        title, shell.command("claude-local", *arguments), (ended.stderr + ended.stdout).strip(), ended.returncode == 0
    )


def _enabled(stage: _Stage) -> Step:
    """`enable`, with the size of its diff in place of the diff: it fills more than a screen."""
    arguments = ("enable", "--url", stage.backend.url, "--yes")
    ended = stage.ours(*arguments)
    lines = ended.stdout.splitlines()
    added, removed = (sum(line.startswith(sign) for line in lines) - 1 for sign in "+-")
    size = f"(the diff: {added} lines added, {removed} changed or removed in .claude/settings.local.json)"
    output = f"{ended.stderr.strip()}\n{size}"
    return Step(
        "point the project at the server", shell.command("claude-local", *arguments), output, ended.returncode == 0
    )


def _session(stage: _Stage) -> Step:
    command, ended = stage.session()
    title = "start a session" if stage.claude else "no claude on PATH: run a session's hooks alone"
    return Step(
        title, command, (ended.stdout + ended.stderr).strip(), ended.returncode == 0 and bool(ended.stdout.strip())
    )


def _arrived(stage: _Stage) -> Step:
    """What reached the server: the prompt with the placeholder and nothing else, or the hooks' questions."""
    lines, good = [], True
    for request in stage.backend.messages:
        sent = request.headers.get("authorization"), request.headers.get("x-api-key")
        good = good and sent == ("Bearer claude-local", None)
        headers = f"Authorization: {sent[0]}  x-api-key: {sent[1] or '(none)'}"
        lines.append(f"{request.method} {request.route}  model {request.body['model']}  {headers}")
    if stage.claude is None:
        lines.append(f"{len(stage.backend.requests)} questions of claude-local, none with a credential")
        good = not any("authorization" in r.headers or "x-api-key" in r.headers for r in stage.backend.requests)
    else:
        good = good and bool(lines)
    return Step("look at what reached the server", "(the server's own record)", "\n".join(lines), good)


def _recorded(stage: _Stage) -> Step:
    ended = stage.ours("sessions", "list", "--json")
    sessions = json.loads(ended.stdout)["sessions"] if ended.returncode == 0 else []
    good = len(sessions) == 1 and sessions[0]["backend"]["url"] == stage.backend.url and bool(sessions[0]["ended_at"])
    shown = stage.ours("sessions", "list")
    return Step(
        "read the record of it",
        shell.command("claude-local", "sessions", "list"),
        (shown.stdout + shown.stderr).strip(),
        good,
    )


def find_claude() -> Path | None:
    """The real Claude Code on PATH, or None."""
    found = isolated.program("claude", os.environ)
    return Path(found) if found else None
