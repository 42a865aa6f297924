"""The records of lint's checks: a fault with its place, and the edits that mend it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from claude_local_plugin.checks import Place, Result
from claude_local_plugin.checks import check as generic
from claude_local_plugin.checks.check import Found, OwnFix, Precondition
from claude_local_plugin.lint.edits import Edit, Edits
from claude_local_plugin.lint.facts import Facts, Serving
from claude_local_plugin.lint.reading import Word
from claude_local_plugin.yaml_document import Node

#: What plans the edits of a check.
Fixer = Callable[[Facts], Iterable[Edit]]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong at a place: `do` is what to write instead, `edits` write it."""

    result: Result
    what: str
    at: Word | Node | None
    do: str = ""
    edits: Edits = ()
    why: str | None = None


Faults = Callable[[Facts], Iterable[Fault]]


@dataclass(frozen=True)
class Check(generic.Check[Facts, Fixer]):
    """A check of a file: `source` says who says so. `outside`: a running server shows it, too."""

    source: str = ""
    outside: bool = False


def check(
    *,
    name: str,
    group: str,
    asks: str,
    fine: str,
    why: str,
    finds: str,
    remedy: str,
    source: str,
    faults: Faults,
    preconditions: tuple[Precondition[Facts], ...] = (),
    mends: bool = False,
    outside: bool = False,
) -> Check:
    """A check made of what finds its faults; `mends`: some of them come with edits."""

    def find(facts: Facts) -> Iterator[Found]:
        return (_found(facts, each) for each in faults(facts))

    def edits(facts: Facts) -> Iterator[Edit]:
        return (edit for each in faults(facts) for edit in each.edits)

    return Check(
        id=name,
        group=group,
        asks=asks,
        fine=fine,
        why=why,
        finds=finds,
        remedy=remedy,
        find=find,
        preconditions=(*(() if outside else (_in_a_file,)), *preconditions),
        fix=edits if mends else None,
        source=source,
        outside=outside,
    )


def _found(facts: Facts, fault: Fault) -> Found:
    where = None
    if facts.server is not None:
        where_text: Place | str | None = facts.server.url
    else:
        if fault.at is not None:
            where = Place(facts.path, *facts.document.position(fault.at.start))
        where_text = where
    mendable = bool(fault.edits) and facts.server is None
    fix = OwnFix(note=fault.do) if mendable else fault.do or None
    return Found(fault.result, fault.what, where_text, fix, fault.why)


def _in_a_file(facts: Facts) -> str | None:
    return "a running server does not show it: give the file that starts it" if facts.server is not None else None


def vllm(facts: Facts) -> str | None:
    """Nothing to look at where no vLLM is started."""
    return None if facts.vllms else "no vLLM is started"


def models(facts: Facts) -> str | None:
    """Nothing to look at where no server with a model is started."""
    return None if facts.servings else "no model server is started"


def machine(facts: Facts) -> str | None:
    """Nothing to look at where the machine is not known."""
    return None if facts.hardware else "the machine is not known: --hardware NAME"


def gateway(facts: Facts) -> str | None:
    """Nothing to look at where it is no LiteLLM config."""
    return None if facts.document.gateway is not None else "it is no LiteLLM config"


def each_vllm(find: Callable[[Serving], Iterable[Fault]]) -> Faults:
    """The faults of each vLLM in the file."""
    return lambda facts: (fault for serving in facts.vllms for fault in find(serving))


def each_serving(find: Callable[[Serving], Iterable[Fault]]) -> Faults:
    """The faults of each model server in the file."""
    return lambda facts: (fault for serving in facts.servings for fault in find(serving))
