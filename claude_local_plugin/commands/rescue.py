"""Make a copy of a session that does not go on, without what its server refuses."""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claude_local_plugin.client_config import budget
from claude_local_plugin.commands.output_file import replacing
from claude_local_plugin.core.shell import command, home_path, then
from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.precedence import Snapshot, resolve, told_window
from claude_local_plugin.rescue import Cause, Kind, Repaired, cause_of, repair

#: A transcript that is larger is not read: it would have to be held in memory as a whole, some times over.
MOST_BYTES = 512 * 1024 * 1024
#: What a session is called on the command line: its id, or the beginning of it.
_ID = re.compile(r"[0-9a-fA-F][0-9a-fA-F-]{2,35}")
#: What shows the ids.
SESSIONS = command("claude-local", "sessions", "list")
#: Stands for the newest session of this folder.
LAST = "last"


@dataclass(frozen=True, slots=True)
class Rescue:
    """A session, what it died of, and the copy that can be made of it."""

    transcript: Path
    session_id: str
    folder: Path | None
    cause: Cause
    window: int | None
    repaired: Repaired
    broken_lines: int
    new_id: str

    @property
    def copy(self) -> Path:
        """Where the copy goes: beside the original, where the client looks for it."""
        return self.transcript.with_name(f"{self.new_id}.jsonl")

    def resume(self, home: Path) -> str:
        """What to type to go on with the copy, from anywhere."""
        words = ("claude", "--resume", self.new_id)
        if self.folder is None:
            return command(*words)
        return then(command("cd", home_path(str(self.folder), str(home))), command(*words))


def prepare(
    session: str,
    snapshot: Snapshot,
    *,
    remove: Sequence[Kind] = (),
    keep: Sequence[Kind] = (),
    window: int | None = None,
) -> Rescue:
    """Find the session and what it died of, and plan the copy; writes nothing.

    Without `remove`, what its server's last words ask for is left out, and where they say nothing known, all that
    servers are known to refuse. `keep` stays in any case. Raises UsageError for a session that is not there or not
    the only one of its name, and ClaudeLocalError for a transcript that cannot be read.
    """
    transcript = _transcript(session, snapshot)
    lines, broken = _lines(transcript)
    if not any("uuid" in line for line in lines):
        raise ClaudeLocalError(f"{transcript} holds no conversation", f"{SESSIONS} shows which do")
    cause = cause_of(lines)
    window = window or _window(snapshot)
    kinds = [kind for kind in (remove or cause.kinds) if kind not in keep]
    most = None if window is None else conversation_tokens(window)
    new_id = str(uuid.uuid4())
    return Rescue(
        transcript=transcript,
        session_id=transcript.stem,
        folder=_folder(lines),
        cause=cause,
        window=window,
        repaired=repair(lines, new_id, kinds, most_tokens=most),
        broken_lines=broken,
        new_id=new_id,
    )


def write(rescue: Rescue) -> None:
    """Write the copy, for its owner alone; the original is not touched."""
    with replacing(rescue.copy) as file:
        for line in rescue.repaired.lines:
            file.write(json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")


def report(rescue: Rescue, *, home: Path, dry_run: bool) -> dict[str, Any]:
    """The object that `rescue --json` prints (schemas/rescue.schema.json)."""
    return {
        "session_id": rescue.session_id,
        "transcript": str(rescue.transcript),
        "cause": {
            "kind": rescue.cause.kind,
            "said": rescue.cause.said[:500] or None,
            "model_gone": rescue.cause.model_gone,
        },
        "removed": dict(rescue.repaired.removed),
        "broken_lines": rescue.broken_lines,
        "tokens": rescue.repaired.tokens,
        "window": rescue.window,
        "dry_run": dry_run,
        "copy": {
            "session_id": rescue.new_id,
            "transcript": str(rescue.copy),
            "resume": rescue.resume(home),
        },
    }


def conversation_tokens(window: int) -> int:
    """How many tokens of a window a conversation may have, so that there is room to go on before it is compacted."""
    free = window - budget.FIRST_PROMPT["lean"] - budget.COMPACTION_RESERVE - budget.OUTPUT_LIMITS[-1]
    return max(1_000, int(free * 0.7))


def _window(snapshot: Snapshot) -> int | None:
    return told_window(resolve(snapshot))


def _transcript(session: str, snapshot: Snapshot) -> Path:
    named = Path(session).expanduser()
    if session.endswith(".jsonl"):
        path = named if named.is_absolute() else snapshot.cwd / named
        if not path.is_file():
            raise UsageError(f"there is no file {path}", f"{SESSIONS} shows the sessions on record")
        return path
    projects = snapshot.config_dir / "projects"
    if session == LAST:
        folder = projects / re.sub(r"[^a-zA-Z0-9]", "-", str(snapshot.cwd))
        found = sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
        if not found:
            raise UsageError(f"no session of this folder has a transcript in {folder}", "name one by its id")
        return found[-1]
    if not _ID.fullmatch(session):
        raise UsageError(
            f"{session!r} is no session id", "an id, the beginning of one, last, or the path of a transcript (.jsonl)"
        )
    found = sorted(projects.glob(f"*/{session.lower()}*.jsonl"))
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(
            f"no transcript in {projects} belongs to a session {session}",
            f"{SESSIONS} shows the sessions on record",
        )
    names = ", ".join(path.stem for path in found[:3])
    raise UsageError(f"{len(found)} sessions begin with {session}: {names}", "write more of the id")


def _lines(path: Path) -> tuple[list[dict[str, Any]], int]:
    """The transcript's lines, and how many of them are no JSON object, such as one that is being written."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise ClaudeLocalError(f"{path} is larger than {MOST_BYTES // 2**20:,} MiB: it cannot be copied here")
        raw = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ClaudeLocalError(f"{path} cannot be read: {error.strerror or error}") from error
    lines = [parsed for each in raw if (parsed := _parsed(each)) is not None]
    return lines, sum(bool(each.strip()) for each in raw) - len(lines)


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None


def _folder(lines: Sequence[Mapping[str, Any]]) -> Path | None:
    """The folder that the session was begun in, where the client looks for it again."""
    return next((Path(line["cwd"]) for line in lines if isinstance(line.get("cwd"), str)), None)
