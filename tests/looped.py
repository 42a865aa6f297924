"""Many small cases in one test: all of them are tried, and each that fails is named."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

Test = Callable[..., None]
Ids = Callable[[Any], object] | Iterable[object] | None


def looped(names: str | Sequence[str], cases: Iterable[Any], *, ids: Ids = None) -> Callable[[Test], Test]:
    """As `pytest.mark.parametrize`, but in one test: for cases that share nothing, or what none of them changes.

    A `tmp_path` and what is patched by `monkeypatch` are each case's own.
    """
    wanted = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    given = list(cases)
    assert given, "no case at all"
    rows = dict(zip(_labels(given, wanted, ids), (_values(case, wanted) for case in given), strict=True))
    assert len(rows) == len(given)
    return lambda test: _loop(test, rows)


def _loop(test: Test, rows: dict[str, dict[str, Any]]) -> Test:
    def every(**fixtures: Any) -> None:
        faults = []
        for number, (label, values) in enumerate(rows.items()):
            with ExitStack() as stack:
                try:
                    test(**_own(fixtures, number, stack), **values)
                except (Exception, pytest.fail.Exception) as fault:
                    shown = pytest.ExceptionInfo.from_exception(fault)
                    shown.traceback = shown.traceback[1:]
                    faults.append(f"[{label}]\n{shown.getrepr(style='short')}")
        if faults:
            pytest.fail("\n\n".join((f"{len(faults)} of {len(rows)} cases:", *faults)), pytrace=False)

    taken = next(iter(rows.values()))
    left = [each for name, each in inspect.signature(test).parameters.items() if name not in taken]
    every.__signature__ = inspect.Signature(left)  # type: ignore[attr-defined]
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        setattr(every, name, getattr(test, name))
    if hasattr(test, "pytestmark"):
        every.pytestmark = test.pytestmark  # type: ignore[attr-defined]
    return every


def _own(fixtures: dict[str, Any], number: int, stack: ExitStack) -> dict[str, Any]:
    """The fixtures, with those that a case writes to as its own."""
    found = dict(fixtures)
    if "tmp_path" in found:
        found["tmp_path"] = found["tmp_path"] / str(number)
        found["tmp_path"].mkdir()
    if "monkeypatch" in found:
        found["monkeypatch"] = stack.enter_context(found["monkeypatch"].context())
    return found


def _values(case: Any, names: Sequence[str]) -> dict[str, Any]:
    values = case.values if _is_param(case) else (case,) if len(names) == 1 else case
    return dict(zip(names, values, strict=True))


def _labels(cases: Sequence[Any], names: Sequence[str], ids: Ids) -> Iterator[str]:
    """A name for each case: its id, or its number and values."""
    listed = None if ids is None or callable(ids) else list(ids)
    for number, case in enumerate(cases):
        values = list(_values(case, names).values())
        if _is_param(case):
            assert not case.marks, "a case with a mark of its own is a test of its own"
        if _is_param(case) and case.id is not None:
            yield str(case.id)
        elif listed is not None:
            yield str(listed[number])
        else:
            shown = values if not callable(ids) else [ids(value) for value in values]
            yield f"{number}: " + ", ".join(str(each) if isinstance(each, str) else repr(each)[:200] for each in shown)


def _is_param(case: Any) -> bool:
    return hasattr(case, "values") and hasattr(case, "marks") and hasattr(case, "id")
