"""Where keys, tokens and addresses come from: what the pinned client was seen to do, against what we say it does.

`python tests/conformance/record_sources.py CLAUDE` asks a client all of it again.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.conformance import Observed, Scenario, compare, expected, systematic
from claude_local_plugin.conformance.sources import FAMILIES
from tests.looped import looped

RECORDS = sorted((Path(__file__).parent / "golden").glob("sources-*.json"))
ASKED = {name: scenario.to_json() for name, scenario in systematic().items() if name.startswith(FAMILIES)}


def _cases() -> list[Any]:
    found = []
    for record in RECORDS:
        recorded = json.loads(record.read_text(encoding="utf-8"))
        families: dict[str, dict[str, Any]] = {}
        for name, case in recorded["cases"].items():
            families.setdefault("/".join(name.split("/")[:2]), {})[name] = case
        version = recorded["client"]
        found += [pytest.param(version, cases, id=f"{version}-{family}") for family, cases in families.items()]
    return found


@looped(("version", "cases"), _cases())
def test_every_source_is_used_as_the_real_client_used_it(version: str, cases: dict[str, Any]) -> None:
    disagreements = []
    for name, case in cases.items():
        seen = Observed(**case["seen"])
        found = compare(seen, expected(Scenario.from_json(case["scenario"]), version))
        disagreements += [f"{name}: {each}" for each in found]
    assert disagreements == []


def test_every_question_about_sources_has_been_asked_of_the_real_client() -> None:
    recorded: dict[str, Any] = json.loads(RECORDS[-1].read_text(encoding="utf-8"))["cases"]
    assert {name: case["scenario"] for name, case in recorded.items()} == ASKED


def test_a_session_that_starts_is_never_said_to_have_no_credential() -> None:
    recorded: dict[str, Any] = json.loads(RECORDS[-1].read_text(encoding="utf-8"))["cases"]
    started = [case for case in recorded.values() if case["seen"]["outcome"] == "ok"]
    assert len(started) > 100
    for case in started:
        assert expected(Scenario.from_json(case["scenario"])).outcome == "ok", case
