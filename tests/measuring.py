"""Which tests are slow is measured: `python -m pytest -p tests.measuring` writes `tests/slow.txt` anew.

What counts is processor time, that of ended children too, so that the list is the same on a busy machine. A test that
has a mark for what makes it slow needs no line; what was not run keeps its line, and what is gone loses it.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

LIST = Path(__file__).with_name("slow.txt")

#: Processor time in seconds from which a case is slow, and all cases of a function together.
CASE_S, FUNCTION_S = 0.08, 0.25

_CASES: dict[str, list[float]] = defaultdict(list)


def function(nodeid: str) -> str:
    """The function of a case: what stands before the parameters."""
    return nodeid.partition("[")[0]


def listed() -> frozenset[str]:
    """The functions in the list."""
    return frozenset(LIST.read_text(encoding="utf-8").split())


def exists(name: str) -> bool:
    """Whether there is a test function of this name."""
    path, _, test = name.partition("::")
    source = LIST.parent.parent / path
    return source.is_file() and bool(re.search(rf"^def {re.escape(test)}\(", source.read_text("utf-8"), re.MULTILINE))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measures a test with all that is set up for it."""
    before = sum(os.times()[:4])
    done = yield
    _CASES[function(item.nodeid)].append(sum(os.times()[:4]) - before)
    return done


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes the list."""
    marked = {function(item.nodeid) for item in session.items if any(item.iter_markers(name="slow"))}
    by_itself = marked - listed()
    slow = {name for name, took in _CASES.items() if sum(took) > FUNCTION_S or sum(took) / len(took) > CASE_S}
    kept = {name for name in listed() - set(_CASES) if exists(name)}
    LIST.write_text("".join(f"{name}\n" for name in sorted((slow | kept) - by_itself)), encoding="utf-8")
