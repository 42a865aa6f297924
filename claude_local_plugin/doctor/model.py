"""The records of doctor: a check, what its judge found, and the finding that is shown."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claude_local_plugin.core.shell import command, edit, export, then
from claude_local_plugin.precedence import Candidate, Scope, winning

if TYPE_CHECKING:
    from claude_local_plugin.doctor.facts import Facts


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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Found:
    """What a judge says; `why` and `fix` stand in for the check's own words where these do not fit the case.

    `fixable`: `doctor --fix` can do it. `fix` is then the command that does.
    """

    result: Result
    what: str
    where: Where = None
    fix: str | None = None
    why: str | None = None
    fixable: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer of one check: what it is, where, why it matters in a sentence, and the command that mends it."""

    id: str
    group: str
    result: Result
    what: str
    where: Where
    why: str
    fix: str | None
    fixable: bool = False

    def as_json(self) -> dict[str, Any]:
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


#: Says what is wrong, one item each; nothing: all is well. Pure.
Judge = Callable[["Facts"], Iterable[Found]]
#: Why a check has nothing to judge here; None where it has. Pure.
Applies = Callable[["Facts"], str | None]


def always(_: "Facts") -> None:
    """Every folder can be asked this."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question, by a stable id.

    `asks` is the question, `fine` what is said when all is well, `why` one sentence on why it matters, `finds` what
    exactly is looked at and `mend` how to mend it, for `--explain` and the documentation. `deep` checks judge what
    only real requests can tell. `headline`: its good news is shown, too. `fixable`: `--fix` can mend it, at least in
    some cases; `on_request`: but only when it is named.
    """

    id: str
    group: str
    asks: str
    fine: str
    why: str
    finds: str
    mend: str
    judge: Judge
    applies: Applies = always
    deep: bool = False
    headline: bool = False
    fixable: bool = False
    on_request: bool = False


def place_of(candidate: Candidate | None) -> Where:
    """Where a value is set: a place in a file, or the scope in words."""
    if candidate is None or candidate.scope is Scope.DEFAULT:
        return None
    return Place(candidate.path, candidate.line) if candidate.path else candidate.place


def fix_command(check_id: str, *, deep: bool = False) -> str:
    """The command that mends what this check found."""
    return command("claude-local", "doctor", *(("--deep",) if deep else ()), "--fix", check_id)


def mend(facts: "Facts", check_id: str, *, deep: bool = False) -> tuple[str, bool]:
    """The command that mends what was seen of the server in settings here, and whether `--fix` can do it now.

    Sessions here may not go to that server: then they are pointed at it first.
    """
    fix = fix_command(check_id, deep=deep)
    if facts.elsewhere or not facts.own_server:
        return then(facts.enable(), fix), False
    return fix, True


def exported(facts: "Facts", name: str, value: str) -> str:
    """What gives a variable this value for sessions here: in the shell, unless a settings file sets it, which wins."""
    winner = winning(facts.snapshot, f"env.{name}")
    if winner is not None and winner.path is not None and winner.state == "wins":
        return f"{edit(str(winner.path), winner.line, facts.snapshot.shell)}   (set {name} to {value} there)"
    return export(name, value)


def worst(results: Iterable[Result]) -> Result:
    """The worst of these results; OK of none."""
    order = list(Result)
    return max(results, key=order.index, default=Result.OK)
