"""Answers of real clients on record: what was asked, and what was seen, as one line of JSON each."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from claude_local_plugin.conformance.observed import Observed
from claude_local_plugin.conformance.scenario import Scenario

#: What of an observation is kept: what is compared, and why nothing was sent. The rest differs from run to run.
KEPT = ("provider", "base_url", "x_api_key", "authorization", "model", "context_window")
SIGNATURE = "AWS4-HMAC-SHA256"


def line(name: str, scenario: Scenario, seen: Observed) -> str:
    """One answer as text."""
    found: dict[str, Any] = {"outcome": seen.outcome}
    found |= {key: value for key in KEPT if (value := getattr(seen, key)) is not None}
    if seen.outcome != "ok" and seen.said:
        found["said"] = seen.said[:120]
    if str(found.get("authorization", "")).startswith(SIGNATURE):
        found["authorization"] = SIGNATURE  # the rest is the time
    row = {"name": name, "scenario": scenario.to_json(), "observed": found}
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def read(file: Path) -> Iterator[tuple[str, Scenario, Observed]]:
    """The answers in a file: name, scenario, what was seen. Nothing where there is no file."""
    if not file.exists():
        return
    for text in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(text)
        yield row["name"], Scenario.from_json(row["scenario"]), observed(row["observed"])


def observed(found: Mapping[str, Any]) -> Observed:
    """The observation that `line` kept a part of."""
    return replace(Observed("ok"), **found)


def unrecorded(questions: Mapping[str, Scenario], file: Path) -> dict[str, Scenario]:
    """Those of the questions that the file has no answer to."""
    known = {scenario.key() for _, scenario, _ in read(file)}
    return {name: scenario for name, scenario in questions.items() if scenario.key() not in known}


def write(file: Path, answers: Iterable[tuple[str, Scenario, Observed]], questions: Mapping[str, Scenario]) -> int:
    """Write the answers to today's questions, under today's names and in their order; returns how many there are."""
    seen = {scenario.key(): answer for _, scenario, answer in answers}
    lines = [line(name, case, seen[case.key()]) for name, case in questions.items() if case.key() in seen]
    file.write_text("".join(f"{each}\n" for each in lines), encoding="utf-8")
    return len(lines)
