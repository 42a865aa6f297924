"""What the user's own Claude Code answered to `claude-local verify`, remembered until it or our rules change.

One file in the state folder, a row for each client that agreed in everything it was asked.
"""

import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from claude_local_plugin.core.frozen import frozen

FILE = "verified.json"
#: Clients that are remembered; more of them than anybody has installed at once.
KEPT = 20


@frozen
class Answers:
    """A `verify` without a difference: of which client, when, and how many of all questions it was asked.

    `digest` is that of the client's program, `rules` that of our rules as they were then.
    """

    client_version: str
    digest: str
    rules: str
    date: str
    asked: int
    questions: int
    size: int
    changed_ns: int
    """Size and time of change of the program, by which it is known again without reading it."""

    @property
    def complete(self) -> bool:
        """Whether every question was asked."""
        return self.asked >= self.questions > 0


def answers(program: Path, *, client_version: str, date: str, asked: int, questions: int) -> Answers:
    """The record of a `verify` of this program that found no difference."""
    seen = program.stat()
    return Answers(client_version, _digest(program), rules(), date, asked, questions, seen.st_size, seen.st_mtime_ns)


def remember(state_dir: Path, found: Answers) -> None:
    """Keep the answers beside those of other clients; a complete set is not replaced by a part of it."""
    kept = [row for row in _rows(state_dir) if row.rules == found.rules]
    old = next((row for row in kept if row.digest == found.digest), None)
    if old is not None and old.complete and not found.complete:
        return
    rows = [found, *(row for row in kept if row.digest != found.digest)][:KEPT]
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(state_dir, rows)


def forget(state_dir: Path, program: Path) -> None:
    """Drop what is remembered of this program: it was seen to differ."""
    rows = _rows(state_dir)
    digest = _digest(program)
    if any(row.digest == digest for row in rows):
        _write(state_dir, [row for row in rows if row.digest != digest])


def recall(state_dir: Path, program: Path | None) -> Answers | None:
    """What this program answered under today's rules; None if it was not asked, or has changed since."""
    if program is None:
        return None
    rows = [row for row in _rows(state_dir) if row.rules == rules()]
    if not rows:
        return None
    try:
        seen = program.stat()
    except OSError:  # the program is gone
        return None
    for row in rows:
        if row.size == seen.st_size and (row.changed_ns == seen.st_mtime_ns or row.digest == _digest(program)):
            return row
    return None


@cache
def rules() -> str:
    """A digest of our rules: what was compared with a client holds only as long as they stay as they are."""
    import hashlib  # brings OpenSSL, which is needed only where something is remembered

    digest = hashlib.sha256()
    package = Path(__file__).parent.parent
    for file in sorted(path for room in ("precedence", "core") for path in (package / room).glob("*.py")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _digest(program: Path) -> str:
    import hashlib  # as above

    with program.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rows(state_dir: Path) -> list[Answers]:
    """What is remembered; nothing where the file is missing or was written by something else."""
    try:
        data = json.loads((state_dir / FILE).read_text(encoding="utf-8"))
        clients = data["clients"] if isinstance(data, dict) else []
        return [Answers(**row) for row in clients if isinstance(row, Mapping)]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _write(state_dir: Path, rows: Sequence[Answers]) -> None:
    """Replace the file whole, so that whoever reads it meanwhile sees the old rows or the new ones."""
    text = json.dumps({"schema_version": 1, "clients": [vars(row) for row in rows]}, indent=2) + "\n"
    part = state_dir / f"{FILE}.{os.getpid()}"
    part.write_text(text, encoding="utf-8")
    part.replace(state_dir / FILE)
