"""A check: one question about facts of some sort, with its words, its documentation and its fix."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from claude_local_plugin.checks.finding import Finding, Result, Where

#: What is looked at: everything that was gathered, as one frozen record.
FactsT = TypeVar("FactsT")
#: What plans the fixes of checks of this sort.
FixerT = TypeVar("FixerT")

#: Why a check has nothing to look at here; None where it has. Pure.
Precondition = Callable[[FactsT], str | None]


@dataclass(frozen=True, slots=True)
class OwnFix:
    """The fix of the check itself, by `--fix`, as what helps.

    `first` is a command that has to come before it: then `--fix` cannot do it yet. `options` are the command's, and
    `note` is said behind it.
    """

    first: str | None = None
    options: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a check has found; `why` stands in for the check's own word where that does not fit the case.

    `fix` is the command or edit that helps, or the check's own fix.
    """

    result: Result
    what: str
    where: Where = None
    fix: str | OwnFix | None = None
    why: str | None = None


@dataclass(frozen=True)  # with slots `Check[…](…)` cannot be called
class Check(Generic[FactsT, FixerT]):
    """One question, by a stable id, and everything there is to say and to do about it.

    `asks` is the question, `fine` what is said when all is well, `why` half a sentence on why it matters, `finds` what
    exactly is looked at and `remedy` what to do about it, for `--explain` and the documentation. `find` says what is
    wrong, one item each; nothing: all is well. It is pure. The first of the `preconditions` that gives a reason has the
    check skipped. `fix` plans what `--fix` does, at least in some cases; `on_request`: but only where it is named.
    `covers` are the ids of findings of others, for which this check stands: it says the same, and mostly knows more.
    `deep` checks look at what only real requests can tell. `headline`: its good news is shown, too. `said` is what
    people call the trouble, so that they find the check by it: one word each, and no check's id or group.
    """

    id: str
    group: str
    asks: str
    fine: str
    why: str
    finds: str
    remedy: str
    find: Callable[[FactsT], Iterable[Found]]
    preconditions: tuple[Precondition[FactsT], ...] = ()
    fix: FixerT | None = None
    on_request: bool = False
    covers: tuple[str, ...] = ()
    deep: bool = False
    headline: bool = False
    said: tuple[str, ...] = ()

    @property
    def fixable(self) -> bool:
        """Whether `--fix` can fix it, at least in some cases."""
        return self.fix is not None

    def skipped(self, facts: FactsT) -> str | None:
        """Why there is nothing to look at; None where there is."""
        return next((reason for each in self.preconditions if (reason := each(facts))), None)

    def finding(self, found: Found, fix: str | None, *, fixable: bool = False) -> Finding:
        """What was found, with the check's own words where it has none."""
        return Finding(self.id, found.result, found.what, fix, found.where, found.why or self.why, self.group, fixable)
