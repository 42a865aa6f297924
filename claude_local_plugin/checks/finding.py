"""What somebody should know about what they have set: how bad it is, where it is, and the command that fixes it."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from claude_local_plugin.core.frozen import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Result(StrEnum):
    """How a check came out, from best to worst."""

    OK = "ok"
    SKIPPED = "skipped"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    FAILED = "failed"

    @property
    def bad(self) -> bool:
        """Whether this result makes the exit code 1; a check that could not be completed counts."""
        return self in (Result.WARNING, Result.ERROR, Result.FAILED)


@frozen
class Place:
    """A place in a file; line and column count from 1."""

    path: Path
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return self.of(str(self.path))

    def of(self, name: str) -> str:
        """The place with the file called `name`: `name:7:3`."""
        return ":".join(str(part) for part in (name, self.line, self.column) if part is not None)


Where = Place | str | None


@frozen
class Finding:
    """One finding, by a stable id: what it is, how bad, where, and the command or edit that fixes it.

    `why` says in half a sentence why it matters, where a check has said it, and `group` is the check's. `fixable`:
    `--fix` can fix it here and now.
    """

    id: str
    result: Result
    what: str
    fix: str | None = None
    where: Where = None
    why: str = ""
    group: str = ""
    fixable: bool = False

    def as_json(self) -> "dict[str, Any]":
        """As `doctor --json` shows it."""
        return {
            "id": self.id,
            "group": self.group,
            "result": self.result.value,
            "what": self.what,
            "where": None if self.where is None else str(self.where),
            "why": self.why,
            "fix": self.fix,
            "fixable": self.fixable,
        }

    def as_warning(self) -> dict[str, str]:
        """As the `warnings` of `status --json` show it."""
        return {"id": self.id, "severity": self.result.value, "message": self.what, "fix": self.fix or ""}


def exit_code(findings: Iterable[Finding]) -> int:
    """1 where something is wrong or could not be completed, else 0."""
    return int(any(finding.result.bad for finding in findings))


def worst(results: Iterable[Result]) -> Result:
    """The worst of these results; OK of none."""
    order = list(Result)
    return max(results, key=order.index, default=Result.OK)
