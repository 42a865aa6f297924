"""Asks the user's own Claude Code whether our model of precedence is right for it, by what it really sends."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from claude_local_plugin.oracle import (
    Boxes,
    Difference,
    Observed,
    Scenario,
    compare,
    expected,
    needs_namespace,
    randomly,
    shrink,
    systematic,
)
from claude_local_plugin.precedence import VERIFIED_AGAINST

#: Random configurations beside the systematic set.
CASES = 150
SEED = 1
#: Seconds after which no further case is begun.
PATIENCE = 900.0
#: How many differences are made small before they are reported; each may take half a minute.
SHRUNK = 5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: cases done, of how many, how many of them differ."""

    done: int
    total: int
    differing: int


def verify(
    claude: Path,
    *,
    cases: int = CASES,
    seed: int = SEED,
    thorough: bool = False,
    patience: float = PATIENCE,
    workers: int = 2,
    questions: Mapping[str, Scenario] | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> dict[str, Any]:
    """The report of `claude-local verify` (schemas/verify.schema.json).

    Runs the client `claude` in boxes of its own on the systematic set and `cases` random configurations, and compares
    what arrived with what the resolver says for that version; `questions` (name -> scenario) are asked instead where
    given. After `patience` seconds no further case is begun. It only reports. Raises ClaudeLocalError when the
    client cannot be run.
    """
    began = time.monotonic()
    with Boxes(claude, workers=workers) as boxes:
        everything = dict(systematic(thorough=thorough) | randomly(cases, seed) if questions is None else questions)
        asked = {name: case for name, case in everything.items() if boxes.alone or not needs_namespace(case)}
        names, done, found = iter(asked), 0, []
        late = _after(began + patience)
        for scenario, seen in boxes.observe_all(asked.values(), stop=late):
            done += 1
            name = next(names)
            if differences := compare(seen, expected(scenario, boxes.client_version)):
                found.append((name, scenario, seen, differences))
            progress(Progress(done, len(asked), len(found)))
        rows = [
            _row(boxes, name, *_smaller(boxes, scenario, seen, differences, late if index < SHRUNK else _at_once))
            for index, (name, scenario, seen, differences) in enumerate(found)
        ]
        return {
            "schema_version": 1,
            "client_version": boxes.client_version,
            "verified_against": VERIFIED_AGAINST,
            "cases": done,
            "agree": done - len(found),
            "differences": rows,
            "unasked": len(everything) - done,
            "namespace": boxes.alone,
            "tls": boxes.tls,
            "seed": seed,
            "seconds": round(time.monotonic() - began, 1),
            "summary": summary(boxes.client_version, done, len(found)),
        }


def summary(client_version: str, cases: int, differing: int) -> str:
    """The line to paste into an issue: `2.1.329: 412 of 412 agree`."""
    return f"{client_version}: {cases - differing} of {cases} agree"


def table(reports: Sequence[Mapping[str, Any]]) -> str:
    """The reports of several versions as a Markdown table, newest version first."""
    rows = ["| Claude Code | configurations | agree | differences |", "| --- | ---: | ---: | --- |"]
    for report in sorted(reports, key=lambda report: _version_key(report["client_version"]), reverse=True):
        share = 100 * report["agree"] / report["cases"] if report["cases"] else 0.0
        # Rounded down: a single difference is not to be seen as "100 %".
        percent = f"{int(share * 10) / 10:g} %"
        kinds = sorted({row["name"].rpartition("/")[0] for row in report["differences"]})
        rows.append(f"| {report['client_version']} | {report['cases']} | {percent} | {', '.join(kinds) or 'none'} |")
    return "\n".join(rows) + "\n"


def _after(moment: float) -> Callable[[], bool]:
    return lambda: time.monotonic() > moment


def _at_once() -> bool:
    return True


_Found = tuple[Scenario, Observed, list[Difference]]


def _smaller(
    boxes: Boxes, scenario: Scenario, seen: Observed, differences: list[Difference], late: Callable[[], bool]
) -> _Found:
    """The core of a difference: the smallest configuration that still differs in the same thing."""
    core: _Found = (scenario, seen, differences)
    kinds = {difference.what for difference in differences}

    def still(smaller: Scenario) -> bool:
        nonlocal core
        if late():
            return False
        now = boxes.observe(smaller)
        left = compare(now, expected(smaller, boxes.client_version))
        if not kinds & {difference.what for difference in left}:
            return False
        core = (smaller, now, left)
        return True

    shrink(scenario, still)
    return core


def _row(
    boxes: Boxes, name: str, scenario: Scenario, seen: Observed, differences: Sequence[Difference]
) -> dict[str, Any]:
    return {
        "name": name,
        "scenario": scenario.to_json(),
        "what": [str(difference) for difference in differences],
        "expected": asdict(expected(scenario, boxes.client_version)),
        "observed": seen.to_json(),
    }


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("-")[0].split(".") if part.isdigit())
