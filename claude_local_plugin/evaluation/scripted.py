"""Agents of known skill: a model server whose models solve, or fail in a way of ours, as often as they are meant to.

The judge is judged with them. Each agent reads the task off the prompt and lays down the reference solution, or one of
the planted wrong ones, through the tools of the real client. Whether it solves a trial is drawn from a hash of seed,
task and repeat, the same for all agents: the better of two solves whatever the other one does.
"""

import base64
import hashlib
import itertools
import json
import re
import shlex
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from claude_local_plugin.evaluation.task import REPO, Task, Variant
from claude_local_plugin.evaluation.tree import files
from claude_local_plugin.fake_server.http import Answer, Stream
from claude_local_plugin.fake_server.server import Block, EmbeddedBackend, Model, Request, ToolUse

#: The ways in which an agent fails, in the words of `outcome`.
WAYS = (
    "wrong-result",
    "no-change",
    "not-parsed",
    "malformed",
    "refused-edit",
    "loop",
    "turns",
    "time",
    "tokens",
    "window",
    "empty-answer",
    "server-error",
)

#: The ways that leave the repository as it is, in a session that ends well.
_IDLE = ("no-change", "not-parsed", "malformed", "refused-edit", "empty-answer")

_DONE = "Done."
_DIRECTORY = re.compile(r"[Ww]orking directory: ([^\s\\\"]+)")
#: How many malformed calls, or refused edits, it makes before it gives up.
_STUBBORN = 3


@dataclass(frozen=True, slots=True)
class Skill:
    """What an agent can do: how often it solves a task of a kind, and how it fails where it does not.

    `fails` weighs the ways; `malformed` is the share of its calls that it makes without an argument at first, whether
    it solves the task or not.
    """

    name: str
    solves: float
    kinds: Mapping[str, float] = field(default_factory=dict)
    fails: Mapping[str, float] = field(default_factory=lambda: {"wrong-result": 1.0})
    malformed: float = 0.0
    delay: float = 0.0

    def chance(self, task: Task) -> float:
        """How often it solves this task."""
        return self.kinds.get(task.kind, self.solves)

    def way(self, task: Task, repeat: int, seed: int) -> str | None:
        """How it fails in this trial; None where it solves the task."""
        if drawn(seed, task.id, repeat, "solves") < self.chance(task):
            return None
        at = drawn(seed, task.id, repeat, "fails") * sum(self.fails.values())
        found = next(reversed(list(self.fails)))
        for way, weight in self.fails.items():
            at -= weight
            if at < 0:
                found = way
                break
        # where nothing is to be done, whoever does nothing is right
        return "wrong-result" if task.nothing_to_do and found in _IDLE else found


def drawn(*words: object) -> float:
    """A number from 0 to 1 that these words decide alone."""
    digest = hashlib.sha256("\0".join(map(str, words)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def outcomes(skill: Skill, tasks: Sequence[Task], repeat: int, seed: int) -> dict[str, list[bool]]:
    """Which trials it would pass, without running any."""
    return {task.id: [skill.way(task, number, seed) is None for number in range(repeat)] for task in tasks}


class ScriptedServer(EmbeddedBackend):
    """Serves one agent; a conversation that it has not seen is the next repeat of its task."""

    def __init__(self, skill: Skill, tasks: Sequence[Task], *, seed: int = 0, slow: float = 3600.0) -> None:
        super().__init__(models=(Model(skill.name, 200_000),), delay=skill.delay)
        self.reply = self._says
        self._skill, self._tasks, self._seed, self._slow = skill, tuple(tasks), seed, slow
        self._sessions: dict[str, dict[str, int]] = {}
        self._outgrown: set[str] = set()
        self._sessions_lock = threading.Lock()

    def respond(self, request: Request, problem: str | None) -> Answer | Stream:
        """As ever, but for the trials in which the server itself fails."""
        way = None
        if request.method == "POST" and request.route == "/v1/messages" and isinstance(request.body, dict):
            way = self._way(request.body)
            if way == "window" and _calls(request.body):
                self._outgrown.add(_session(request.body))
            way = "window" if _session(request.body) in self._outgrown else None if way == "window" else way
        if way == "window":
            return _refusal(400, "BadRequestError", _WINDOW)
        if way == "server-error":
            return _refusal(500, "InternalServerError", "CUDA error: an illegal memory access was encountered")
        if way == "time":
            self.pause(self._slow)
        return super().respond(request, problem)

    def _task(self, body: Mapping[str, Any]) -> Task | None:
        said = "\n".join(_texts(body))
        return next((task for task in self._tasks if task.prompt in said), None) if body.get("tools") else None

    def _repeat(self, task: Task, body: Mapping[str, Any]) -> int:
        session = _session(body)
        with self._sessions_lock:
            known = self._sessions.setdefault(task.id, {})
            return known.setdefault(session, len(known))

    def _way(self, body: Mapping[str, Any]) -> str | None:
        task = self._task(body)
        return self._skill.way(task, self._repeat(task, body), self._seed) if task else None

    def _says(self, body: Mapping[str, Any]) -> Block:
        task = self._task(body)
        if task is None:
            return _DONE
        repeat, made = self._repeat(task, body), _calls(body)
        found = _DIRECTORY.search(json.dumps(body.get("system")) + "\n".join(_texts(body)))
        folder = found.group(1) if found else "."
        way = self._skill.way(task, repeat, self._seed)
        return _now(_script(task, way, repeat, folder, self._skill.malformed, self._seed), made)


def _script(task: Task, way: str | None, repeat: int, folder: str, malformed: float, seed: int) -> Iterator[Block]:
    """What it says, answer after answer; the last one ends the trial."""
    if way is None or way == "wrong-result":
        wrong = task.wrong[int(drawn(seed, task.id, repeat, "which") * len(task.wrong))] if way else None
        for number, call in enumerate(_work(task, wrong or task.solution, folder)):
            if drawn(seed, task.id, repeat, "malformed", number) < malformed:
                yield ToolUse(call.name, {"nonsense": number})
            yield call
        yield "Done: the files are as they should be."
    elif way == "not-parsed":
        yield "<tool_call>\n<function=Read>\n<parameter=file_path>\nprice.py\n</parameter>\n</function>\n</tool_call>"
    elif way == "malformed":
        for number in range(_STUBBORN):
            yield ToolUse("Read", {"path": f"{number}.py"})
        yield "I cannot read the file."
    elif way == "refused-edit":
        for number in range(_STUBBORN):
            path = f"{folder}/{_some_file(task)}"
            yield ToolUse("Edit", {"file_path": path, "old_string": f"no such line {number}", "new_string": "x"})
        yield "The file cannot be edited."
    elif way == "loop":
        while True:
            yield ToolUse("Read", {"file_path": f"{folder}/{_some_file(task)}"})
    elif way == "turns":
        for number in range(1_000):
            yield ToolUse("Read", {"file_path": f"{folder}/{_some_file(task)}", "offset": number + 1, "limit": 1})
    elif way == "tokens":
        for number in range(1_000):
            yield ToolUse("Write", {"file_path": f"{folder}/notes-{number}.txt", "content": "note " * 8_000})
    elif way == "window":
        yield ToolUse("Read", {"file_path": f"{folder}/{_some_file(task)}"})
    elif way == "empty-answer":
        yield ""
    else:
        yield _DONE


def _work(task: Task, variant: Variant, folder: str) -> Iterator[ToolUse]:
    """The calls that make of the repository what the variant is."""
    for tool in task.must_call:
        yield ToolUse(tool, _ARGUMENTS.get(tool, {}))
    for name in variant.deletes:
        yield ToolUse(
            "Bash", {"command": shlex.join(["rm", "--", f"{folder}/{name}"]), "description": "Removes a file"}
        )
    for path in files(variant.folder) if variant.folder.is_dir() else ():
        target, content = f"{folder}/{path.as_posix()}", (variant.folder / path).read_bytes()
        # Write makes a character of what is spelt as its escape, and has its own mind about line ends
        if "Bash" in task.tools and (b"\\u" in content or b"\r" in content or not _is_text(content)):
            code = f"import base64, sys; open(sys.argv[1], 'wb').write(base64.b64decode({base64.b64encode(content)!r}))"
            words = shlex.join(["python3", "-c", code, target])
            yield ToolUse("Bash", {"command": words, "description": "Writes a file"})
            continue
        if (task.folder / REPO / path).exists():
            yield ToolUse("Read", {"file_path": target})
        yield ToolUse("Write", {"file_path": target, "content": content.decode("utf-8", "replace")})


def _is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


#: What the tools that a task wants called are called with.
_ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    "Agent": {"description": "look", "prompt": "Say that you are there.", "subagent_type": "general-purpose"},
    "Task": {"description": "look", "prompt": "Say that you are there.", "subagent_type": "general-purpose"},
    "TodoWrite": {"todos": [{"content": "Do it", "status": "in_progress", "activeForm": "Doing it"}]},
}

_WINDOW = (
    "This model's maximum context length is 32768 tokens. However, your prompt contains at least 32769 input tokens, "
    "which exceeds this limit even without any output tokens. Please reduce the length of the input prompt."
)


def _refusal(status: int, kind: str, message: str) -> Answer:
    return Answer(status, json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode())


def _now(script: Iterator[Block], made: int) -> Block:
    """What comes after so many calls."""
    said: Block = _DONE
    for block in itertools.islice(script, made + 1):
        said = block
    if isinstance(said, ToolUse):
        # what answers a tool's result is what a call has as its `then`
        return ToolUse(said.name, said.input, then=ToolUse(said.name, said.input))
    return said


def _some_file(task: Task) -> str:
    return next((path.as_posix() for path in files(task.folder / REPO)), "README.md")


def _contents(body: Mapping[str, Any]) -> Iterator[Any]:
    for message in body.get("messages", ()):
        content = message.get("content") if isinstance(message, dict) else None
        yield from content if isinstance(content, list) else [{"type": "text", "text": content}]


def _texts(body: Mapping[str, Any]) -> Iterator[str]:
    return (str(block.get("text")) for block in _contents(body) if block.get("type") == "text")


def _session(body: Mapping[str, Any]) -> str:
    return str((body.get("metadata") or {}).get("user_id"))


def _calls(body: Mapping[str, Any]) -> int:
    return sum(block.get("type") == "tool_use" for block in _contents(body))
