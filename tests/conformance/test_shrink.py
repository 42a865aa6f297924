"""Making a scenario smaller: the core is found, and what was true stays true."""

from collections.abc import Callable

import pytest

from claude_local_plugin.conformance import Scenario, randomly, shrink
from claude_local_plugin.conformance.shrink import simpler


def size(scenario: Scenario) -> int:
    return len(str(scenario.to_json()))


LARGE = Scenario(
    settings={
        "local": {"env": {"A": "1", "B": "2", "C": "3"}, "model": "m"},
        "user": {"env": {"A": "4"}},
        "main.local": {"env": {"D": "1"}},
        "project": "{ broken",
    },
    shell={"A": "5", "E": "6"},
    credentials={"x": 1},
    home_json={"y": 1},
    layout="worktree",
    setting_sources="user",
    model="opus",
    flag_inline=True,
    config_dir=True,
    args=("--bare",),
)


@pytest.mark.parametrize(
    ("still", "core"),
    [
        (lambda s: True, Scenario()),
        (lambda s: "A" in s.shell, Scenario(shell={"A": "5"})),
        (lambda s: "B" in str(s.settings.get("local")), Scenario(settings={"local": {"env": {"B": "2"}}})),
        (lambda s: "model" in s.settings.get("local", {}), Scenario(settings={"local": {"model": "m"}})),
        (lambda s: s.model == "opus" and "E" in s.shell, Scenario(shell={"E": "6"}, model="opus")),
        (lambda s: s.layout == "worktree", Scenario(layout="worktree")),
        (lambda s: "project" in s.settings, Scenario(settings={"project": "{ broken"})),
    ],
)
def test_only_what_matters_is_left(still: Callable[[Scenario], bool], core: Scenario) -> None:
    assert shrink(LARGE, still, attempts=1000) == core


def test_nothing_is_left_out_when_everything_matters() -> None:
    assert shrink(LARGE, lambda _: False) == LARGE


def test_it_gives_up_after_so_many_attempts() -> None:
    asked: list[Scenario] = []

    def still(scenario: Scenario) -> bool:
        asked.append(scenario)
        return False

    shrink(LARGE, still, attempts=3)
    assert len(asked) == 3


@pytest.mark.parametrize("name", list(randomly(20, 5)))
def test_every_step_is_smaller_and_the_original_stays_as_it_is(name: str) -> None:
    scenario = randomly(20, 5)[name]
    before = scenario.key()
    for smaller in simpler(scenario):
        assert size(smaller) < size(scenario)
    assert scenario.key() == before
