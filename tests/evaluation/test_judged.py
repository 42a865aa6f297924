"""What `claude-local eval` found of eight agents over `core`, through the real client, is what they are."""

import json
from itertools import pairwise

import pytest

from claude_local_plugin.evaluation.statistics import pass_at_1
from tests.evaluation.record_judged import CHANCES, CORE, FOUND, SKILLS, truth

RECORD = json.loads(FOUND.read_text(encoding="utf-8"))
AGENTS = RECORD["agents"]
#: The tasks that are still what they were; who changes one need not run all eight again for it.
SAME = [task for task in CORE if RECORD["conditions"]["tasks"].get(task.id) == task.digest]


def test_eight_agents_stand_in_the_right_order() -> None:
    shares = [AGENTS[skill.name]["pass_at_1"]["value"] for skill in SKILLS]
    assert all(better > worse for better, worse in pairwise(shares))
    assert sorted(CHANCES, reverse=True) == [*CHANCES]
    assert RECORD["conditions"]["isolated"]


@pytest.mark.parametrize("skill", SKILLS, ids=lambda skill: skill.name)
def test_each_trial_ended_as_it_was_drawn_and_the_interval_has_the_agents_rate(skill) -> None:  # type: ignore[no-untyped-def]
    found = AGENTS[skill.name]["failures"]
    assert len(found) == 30
    assert {task.id: found[task.id] for task in SAME} == {task.id: skill.way(task, 0, 0) for task in SAME}
    share = pass_at_1({task: [failure is None] for task, failure in found.items()})
    said = AGENTS[skill.name]["pass_at_1"]
    assert said == pytest.approx({"value": share.value, "low": share.low, "high": share.high}, abs=0.0001)
    assert said["low"] <= truth(skill) <= said["high"]
