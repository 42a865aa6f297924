"""The truth: the real Claude Code does what the resolver says, on every question we know to ask and on random ones.

A difference is a failing test, never an exception to the rule. Its answers to the systematic set are on record
(tests/conformance/golden, compared in test_recorded.py); here the client itself is asked a sample of them, as
many random ones, and whatever is not on record. CLAUDE_LOCAL_VERIFY_CASES says how many (CI: 80; `all`: every one);
each failure prints a scenario to be given to `claude-local verify --case FILE`.
"""

import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from claude_local_plugin.commands.verify import SEED, all_questions
from claude_local_plugin.conformance import (
    Boxes,
    Scenario,
    compare,
    expected,
    needs_namespace,
    randomly,
    recorded,
    spread,
    systematic,
)
from claude_local_plugin.precedence import VERIFIED_AGAINST

pytestmark = pytest.mark.client

GOLDEN = Path(__file__).parent / "golden" / f"{VERIFIED_AGAINST}.jsonl"
#: Tests that share the work, so that parallel test processes do.
PARTS = 8


def questions() -> dict[str, Scenario]:
    """What is to be asked."""
    wanted = os.environ.get("CLAUDE_LOCAL_VERIFY_CASES", "60")
    if wanted == "all":
        return all_questions() | recorded.unrecorded(systematic(), GOLDEN)
    known, others = int(wanted) // 2, int(wanted) - int(wanted) // 2
    sample = dict(islice(spread(systematic()).items(), known)) | randomly(others, SEED)
    return sample | recorded.unrecorded(systematic(), GOLDEN)


@pytest.fixture(scope="module")
def boxes(claude_binary: Path) -> Iterator[Boxes]:
    workers = 1 if "PYTEST_XDIST_WORKER" in os.environ else 2
    with Boxes(claude_binary, workers=workers, patience=60.0) as boxes:
        yield boxes


@pytest.mark.parametrize("part", range(PARTS))
def test_the_client_does_what_we_say(boxes: Boxes, part: int) -> None:
    asked = {
        name: case
        for index, (name, case) in enumerate(questions().items())
        if index % PARTS == part and (boxes.alone or not needs_namespace(case))
    }
    found = []
    for name, (scenario, seen) in zip(asked, boxes.observe_all(asked.values()), strict=True):
        if left := compare(seen, expected(scenario, boxes.client_version)):
            found.append(f"{name}: {'; '.join(map(str, left))}\n    {json.dumps(scenario.to_json())}")
    assert found == []


def test_cloud_sessions_can_be_looked_into_where_there_is_openssl(boxes: Boxes) -> None:
    if not boxes.tls:
        pytest.skip("no openssl command that makes certificates")
    seen = boxes.observe(Scenario(shell={"ANTHROPIC_API_KEY": "key-shell"}))
    assert (seen.base_url, seen.x_api_key) == ("https://api.anthropic.com", "key-shell")


def test_a_session_contacts_nobody_but_its_backend(boxes: Boxes) -> None:
    local = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8006", "ANTHROPIC_AUTH_TOKEN": "t", "ANTHROPIC_MODEL": "m"}
    assert boxes.observe(Scenario(settings={"local": {"env": local}})).hosts == ()
