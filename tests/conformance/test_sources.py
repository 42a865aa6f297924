"""Where keys, tokens and addresses come from: every question about it has an answer of the pinned client on record."""

from pathlib import Path

import pytest

from claude_local_plugin.conformance import expected, recorded, systematic
from claude_local_plugin.conformance.sources import FAMILIES
from claude_local_plugin.precedence import VERIFIED_AGAINST

GOLDEN = Path(__file__).parent / "golden" / f"{VERIFIED_AGAINST}.jsonl"
ASKED = {name: scenario for name, scenario in systematic().items() if name.startswith(FAMILIES)}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_question_about_sources_has_been_asked_of_the_real_client(family: str) -> None:
    asked = {name: scenario for name, scenario in ASKED.items() if name.startswith(family)}
    assert len(asked) > 20
    assert recorded.unrecorded(asked, GOLDEN) == {}


def test_a_session_that_starts_is_never_said_to_have_no_credential() -> None:
    keys = {scenario.key() for scenario in ASKED.values()}
    started = [case for _, case, seen in recorded.read(GOLDEN) if seen.outcome == "ok" and case.key() in keys]
    assert len(started) > 100
    for case in started:
        assert expected(case).outcome == "ok", case
