"""The truth: the real Claude Code does what the resolver says, on every question we know to ask and on random ones.

A difference is a failing test, never an exception to the rule. CLAUDE_LOCAL_VERIFY_CASES says how many random
configurations are asked (CI: 300); each failure prints a scenario to be given to `python -m claude_local_plugin.oracle
--scenario FILE`.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from claude_local_plugin.oracle import Boxes, Scenario, compare, expected, needs_namespace, randomly, systematic

pytestmark = pytest.mark.claude

#: Families asked in one test each, so that parallel test processes share the work.
FAMILIES = sorted({name.partition("/")[0] for name in systematic()})
SEED = 1
RANDOM_PARTS = 6


def cases() -> int:
    return int(os.environ.get("CLAUDE_LOCAL_VERIFY_CASES", "60"))


@pytest.fixture(scope="module")
def boxes(claude_binary: Path) -> Iterator[Boxes]:
    workers = 1 if "PYTEST_XDIST_WORKER" in os.environ else 2
    with Boxes(claude_binary, workers=workers, patience=60.0) as boxes:
        yield boxes


def differences(boxes: Boxes, questions: dict[str, Scenario]) -> list[str]:
    """Each question on which the client and the resolver differ, with all it takes to ask again."""
    asked = {name: case for name, case in questions.items() if boxes.alone or not needs_namespace(case)}
    found = []
    for name, (scenario, seen) in zip(asked, boxes.observe_all(asked.values()), strict=True):
        if left := compare(seen, expected(scenario, boxes.client_version)):
            found.append(f"{name}: {'; '.join(map(str, left))}\n    {json.dumps(scenario.to_json())}")
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_the_client_does_what_we_say(boxes: Boxes, family: str) -> None:
    questions = {name: case for name, case in systematic().items() if name.partition("/")[0] == family}
    assert differences(boxes, questions) == []


@pytest.mark.parametrize("part", range(RANDOM_PARTS))
def test_the_client_does_what_we_say_of_random_configurations(boxes: Boxes, part: int) -> None:
    questions = {
        name: case for index, (name, case) in enumerate(randomly(cases(), SEED).items()) if index % RANDOM_PARTS == part
    }
    assert differences(boxes, questions) == []


def test_cloud_sessions_can_be_looked_into_where_there_is_openssl(boxes: Boxes) -> None:
    if not boxes.tls:
        pytest.skip("no openssl command that makes certificates")
    seen = boxes.observe(Scenario(shell={"ANTHROPIC_API_KEY": "key-shell"}))
    assert (seen.base_url, seen.x_api_key) == ("https://api.anthropic.com", "key-shell")


def test_a_session_contacts_nobody_but_its_backend(boxes: Boxes) -> None:
    local = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8006", "ANTHROPIC_AUTH_TOKEN": "t", "ANTHROPIC_MODEL": "m"}
    assert boxes.observe(Scenario(settings={"local": {"env": local}})).hosts == ()
