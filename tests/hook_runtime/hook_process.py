"""The hook as Claude Code runs it: a process with an event on its standard input."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "hooks" / "claude_local_hook.py"
PAYLOADS = Path(__file__).parent / "payloads"


@dataclass(frozen=True)
class Ran:
    """How a hook process ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> dict[str, str]:
        """The JSON object it printed; {} when it printed nothing."""
        return json.loads(self.stdout) if self.stdout else {}


def recorded(name: str) -> tuple[dict[str, Any], dict[str, str]]:
    """A recorded event of the real client: its standard input and the part of its environment that is Claude Code's.

    The client is this process: the one of the recording is gone, and its session would be closed. `attended-…` is the
    same as `print-…`, seen from a session in a terminal.
    """
    payload = json.loads((PAYLOADS / f"{name.replace('attended-', 'print-')}.json").read_text())
    more = {"CLAUDE_CODE_ENTRYPOINT": "cli"} if name.startswith("attended-") else {}
    return payload["stdin"], {**payload["env"], "CLAUDE_PID": str(os.getpid()), **more}


class HookRunner:
    """Runs the hook with one state folder, the environment being the recorded one with changes."""

    def __init__(self, state: Path, config: Path | None = None) -> None:
        self.state = state
        self.config = config

    @property
    def registered(self) -> list[str]:
        """The options that the hook is registered with."""
        return ["--state", str(self.state), *(["--config", str(self.config)] if self.config else [])]

    def __call__(
        self,
        event: Mapping[str, Any] | bytes,
        environ: Mapping[str, str],
        *,
        arguments: list[str] | None = None,
        script: Path = SCRIPT,
        python: str = sys.executable,
        **more: Any,
    ) -> Ran:
        stdin = event if isinstance(event, bytes) else json.dumps(event).encode()
        chosen = self.registered if arguments is None else arguments
        done = subprocess.run(
            [python, "-I", "-S", str(script), *chosen],
            input=stdin,
            env=dict(environ),
            capture_output=True,
            timeout=60,
            check=False,
            **more,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def replay(self, name: str, **environ: str | None) -> Ran:
        """Runs a recorded event, with variables changed, or taken away where the value is None."""
        event, recorded_environ = recorded(name)
        changed = {**recorded_environ, **environ}
        return self(event, {key: value for key, value in changed.items() if value is not None})
