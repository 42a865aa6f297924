"""Asks the user's own Claude Code whether our model of precedence is right for it, by what it really sends."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from claude_local_plugin.conformance import (
    Boxes,
    ClientError,
    Difference,
    Expected,
    Observed,
    Scenario,
    compare,
    expected,
    needs_namespace,
    randomly,
    shrink,
    spread,
    systematic,
    url,
)
from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.errors import UsageError
from claude_local_plugin.precedence import VERIFIED_AGAINST, verified

#: Random configurations beside the systematic set.
RANDOM = 150
SEED = 1
#: Seconds after which no further case is begun: of an ordinary run, and of a quick one.
PATIENCE = 900.0
QUICK = 60.0
#: How many differences are made small before they are reported; each may take half a minute.
SHRUNK = 5

#: The plainest session there is: a client that does not send this to the address it is given cannot be asked anything.
SANITY = Scenario(
    settings={"local": {"env": {"ANTHROPIC_BASE_URL": url("local"), "ANTHROPIC_MODEL": "claude-local-asks"}}},
    shell={"ANTHROPIC_AUTH_TOKEN": "token-shell"},
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: cases done, of how many, how many of them differ."""

    done: int
    total: int
    differing: int


def all_questions(seed: int = SEED, *, thorough: bool = False, at_least: int = 0) -> dict[str, Scenario]:
    """Every question, in an order of which each beginning is a fair sample; more random ones for `at_least` so many."""
    known = systematic(thorough=thorough)
    return spread(known | randomly(max(RANDOM, at_least - len(known)), seed))


def read_cases(file: Path) -> dict[str, Scenario]:
    """The questions in a file: a scenario, a difference that `verify` reported, a whole report, or a list of these."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read: {error.strerror}", command("claude-local", "verify", "--case", Words("FILE"))
        ) from error
    except ValueError as error:
        raise UsageError(f"{file}: no JSON: {error}", "a scenario as `verify` prints it") from error
    rows = found if isinstance(found, list) else [found]
    if isinstance(found, dict) and isinstance(found.get("differences"), list):
        rows = found["differences"]
    cases: dict[str, Scenario] = {}
    for number, row in enumerate(rows, 1):
        try:
            given = row.get("scenario", row)
            name = str(row.get("name") or f"{file.name}/{number}")
            cases[name if name not in cases else f"{name}/{number}"] = Scenario.from_json(given)
        except (TypeError, AttributeError) as error:
            raise UsageError(f"{file}: case {number} is no scenario: {error}", "as `verify` prints it") from error
    if not cases:
        raise UsageError(f"{file} holds no case", "a scenario as `verify` prints it")
    return cases


def verify(
    claude: Path,
    *,
    cases: int | None = None,
    seed: int = SEED,
    thorough: bool = False,
    patience: float = PATIENCE,
    workers: int = 2,
    questions: Mapping[str, Scenario] | None = None,
    state_dir: Path | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> dict[str, Any]:
    """The report of `claude-local verify` (schemas/verify.schema.json).

    Runs the client `claude` in boxes of its own on the systematic set and random configurations, or on about `cases`
    of them that are spread over every kind, and compares what arrived with what the resolver says for that version;
    `questions` (name -> scenario) are asked instead where given. After `patience` seconds no further case is begun.
    With `state_dir`, answers without a difference are remembered there, and each difference gets a file.
    Raises ClaudeLocalError when the client cannot be run.
    """
    began = time.monotonic()
    everything = dict(all_questions(seed, thorough=thorough, at_least=cases or 0) if questions is None else questions)
    chosen = everything if cases is None else dict(islice(everything.items(), cases))
    late = _after(began + patience)
    with Boxes(claude, workers=workers) as boxes:
        _must_be_sane(boxes, claude)
        asked = {name: case for name, case in chosen.items() if boxes.alone or not needs_namespace(case)}
        names, done, found = iter(asked), 0, []
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
        version, namespace, tls = boxes.client_version, boxes.alone, boxes.tls
    if state_dir is not None:
        rows = [row | {"file": str(_kept(state_dir, version, row))} for row in rows]
        if questions is None:
            _remember(state_dir, claude, version, done, len(everything), differing=bool(found))
    return {
        "schema_version": 1,
        "client_version": version,
        "verified_against": VERIFIED_AGAINST,
        "questions": len(everything),
        "cases": done,
        "agree": done - len(found),
        "complete": done == len(everything),
        "differences": rows,
        "unasked": len(everything) - done,
        "namespace": namespace,
        "tls": tls,
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
        "summary": summary(version, done, len(everything), len(found)),
    }


def summary(client_version: str, asked: int, questions: int, differing: int) -> str:
    """The line to paste into an issue: `2.1.329: 412 of 412 agree`, or `2.1.329: asked 338 of 1,065, 338 agree`."""
    agree = f"{asked - differing:,}"
    if asked == questions:
        return f"{client_version}: {agree} of {asked:,} agree"
    return f"{client_version}: asked {asked:,} of {questions:,}, {agree} agree"


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


def _must_be_sane(boxes: Boxes, claude: Path) -> None:
    """Raise ClientError unless the client sends the plainest prompt to the address it is told."""
    seen = boxes.observe(SANITY)
    if seen.outcome == "ok" and seen.base_url == url("local"):
        return
    words = next((text for text in (seen.said, *seen.warnings) if text.strip()), "it said nothing")
    what = "sent its prompt elsewhere" if seen.outcome == "ok" else f"sent no prompt ({seen.outcome})"
    raise ClientError(
        f"{claude} ({boxes.client_version}) {what} in the plainest session there is: {words.strip()[:200]}",
        f"try it by hand first: {command(str(claude), '-p', 'hello')}; another one is chosen with --claude PATH",
    )


def _kept(state_dir: Path, version: str, row: Mapping[str, Any]) -> Path:
    """The file that holds a difference from now on, to be given to `--case`."""
    folder = state_dir / "differences"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    plain = "".join(letter if letter.isalnum() or letter in "-_.+=" else "-" for letter in row["name"])
    file = folder / f"{version}-{plain}.json"
    file.write_text(json.dumps(dict(row), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def _remember(state_dir: Path, claude: Path, version: str, asked: int, questions: int, *, differing: bool) -> None:
    program = claude.resolve()
    if differing:
        verified.forget(state_dir, program)
    elif asked:
        today = datetime.now(UTC).date().isoformat()
        found = verified.answers(program, client_version=version, date=today, asked=asked, questions=questions)
        verified.remember(state_dir, found)


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
        "expected": _as_json(expected(scenario, boxes.client_version)),
        "observed": seen.to_json(),
    }


def _as_json(wanted: Expected) -> dict[str, Any]:
    """What was expected; `otherwise`, what would be as right, only where there is any."""
    found = asdict(wanted)
    if other := found.pop("otherwise"):
        found["otherwise"] = [list(each) for each in other]
    return found


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("-")[0].split(".") if part.isdigit())
