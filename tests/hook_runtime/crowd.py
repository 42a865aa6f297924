"""Many hook processes that start at the same moment, and transcripts for them to count."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from claude_local_plugin.core.text import now
from tests.hook_runtime.hook_process import SCRIPT, Ran

#: An event and the environment that the hook gets it in.
Occurrence = tuple[Mapping[str, Any], Mapping[str, str]]

#: Waits until the other end of this pipe is closed, and becomes the hook.
GATE = ["/bin/sh", "-c", 'read _ <"/dev/fd/$0"; exec "$@"']


def at_once(
    state: Path, occurrences: Iterable[Occurrence], registrations: Sequence[Sequence[str]] = ((),)
) -> list[Ran]:
    """A hook process for each of these by each registration, all let go at the same moment; how each of them ended."""
    gate, opener = os.pipe()
    processes = []
    for (event, environ), more in product(occurrences, registrations):
        arguments = [*GATE, str(gate), sys.executable, "-I", "-S", str(SCRIPT), "--state", str(state), *more]
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": "/usr/bin:/bin", **environ},
            pass_fds=[gate],
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(event, separators=(",", ":")).encode())
        process.stdin.close()
        process.stdin = None
        processes.append(process)
    os.close(gate)
    os.close(opener)
    answers = [(process, *process.communicate(timeout=120)) for process in processes]
    return [Ran(process.returncode, out.decode(), err.decode()) for process, out, err in answers]


def harmful(hooks: Iterable[Ran], *allowed: str) -> list[Ran]:
    """Those of the hooks that did not end with 0, complained, or said anything but one JSON object of these members."""
    return [
        ran
        for ran in hooks
        if (ran.code, ran.stderr) != (0, "") or ran.stdout.count("\n") > 1 or not ran.said.keys() <= {*allowed}
    ]


class Conversation:
    """A session's transcript, to which answers are added as Claude Code writes them."""

    def __init__(self, folder: Path, session_id: str) -> None:
        self.session_id = session_id
        self.path = folder / f"{session_id}.jsonl"
        self.tokens = [0, 0, 0, 0]
        self.answers = 0

    def answer(self, *tokens: int, agent: str | None = None, blocks: int = 2) -> None:
        """One answer of so many input, output, cache read and cache write tokens, by a subagent if one is named."""
        path = self.path.with_suffix("") / "subagents" / f"agent-{agent}.jsonl" if agent else self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.answers += 1
        number = f"{self.session_id}-{self.answers}"
        names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        line = {
            "type": "assistant",
            "parentUuid": "before",
            "uuid": number,
            "sessionId": self.session_id,
            "isSidechain": agent is not None,
            "timestamp": now(),
            "requestRef": f"request-{number}",
            "requestedModel": "qwen3-coder-next",
            "message": {"id": f"msg-{number}", "model": "qwen3", "usage": dict(zip(names, tokens, strict=True))},
        }
        with path.open("a") as file:
            file.write((json.dumps(line) + "\n") * blocks)  # each content block repeats the usage of the whole
        self.tokens = [one + other for one, other in zip(self.tokens, tokens, strict=True)]


def tokens_of(session: Any) -> list[int]:
    """What the log has counted for a session."""
    names: Sequence[str] = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    return [sum(getattr(span, name) for span in session.spans) for name in names]
