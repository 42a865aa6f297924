"""The questions: each asked once, the same for the same seed, and all of them data."""

import json

import pytest

from claude_local_plugin.conformance import Scenario, needs_namespace, randomly, systematic
from claude_local_plugin.conformance.random_scenarios import DRAWN, draw
from claude_local_plugin.conformance.systematic import ADJACENT, KEYS, ODD_FILES, PROVIDER_SWITCHES, SCOPES, SOURCES

THOROUGH = systematic(thorough=True)


@pytest.mark.parametrize("thorough", [False, True])
def test_no_question_is_asked_twice(thorough: bool) -> None:
    questions = systematic(thorough=thorough)
    seen: dict[str, str] = {}
    for name, scenario in questions.items():
        assert seen.setdefault(scenario.key(), name) == name


def test_the_ordinary_set_is_part_of_the_thorough_one() -> None:
    thorough = {scenario.key() for scenario in THOROUGH.values()}
    assert {scenario.key() for scenario in systematic().values()} < thorough


def test_every_pair_of_sources_is_asked_about_for_every_key() -> None:
    pairs = len(SOURCES) * (len(SOURCES) - 1) // 2
    for key in KEYS:
        assert sum(name.startswith(f"pair/{key}/") for name in THOROUGH) == pairs


def test_every_neighbouring_pair_is_asked_about_in_the_ordinary_set() -> None:
    questions = systematic()
    for key in KEYS:
        for first, second in ADJACENT:
            assert f"pair/{key}/{first}+{second}" in questions


def test_every_set_of_credential_sources_is_asked_about() -> None:
    assert sum(name.startswith("credentials/custom/") for name in systematic()) == 2**6


def test_every_switch_and_every_flaw_is_asked_about() -> None:
    questions = systematic()
    for switch in PROVIDER_SWITCHES:
        assert f"provider/{switch}='1'" in questions
    for flaw in ODD_FILES:
        assert f"malformed/{flaw}/local" in questions


def test_all_questions_are_plain_data() -> None:
    for scenario in (THOROUGH | randomly(50, 3)).values():
        assert Scenario.from_json(json.loads(json.dumps(scenario.to_json()))) == scenario


def test_most_questions_need_no_namespace() -> None:
    needing = [name for name, scenario in systematic().items() if needs_namespace(scenario)]
    assert 0 < len(needing) < len(systematic()) / 3


def test_the_same_seed_gives_the_same_configurations() -> None:
    assert randomly(30, 7) == randomly(30, 7)
    assert randomly(30, 7).values() != randomly(30, 8).values()


def test_a_longer_list_begins_like_a_shorter_one() -> None:
    assert randomly(10, 7).items() <= randomly(20, 7).items()


def test_chance_reaches_every_source_and_every_variable() -> None:
    drawn = list(randomly(1500, 1).values())
    places = {place for scenario in drawn for place in scenario.settings}
    assert set(SCOPES) | {"main.local", "main.project", "managed.d/10", "managed.d/20"} <= places
    text = json.dumps([scenario.to_json() for scenario in drawn])
    for name in (*DRAWN, "apiKeyHelper", "primaryApiKey", "claudeAiOauth", "setting_sources", "config_dir"):
        assert f'"{name}"' in text
    assert {scenario.layout for scenario in drawn} == {"plain", "git-root", "git-subfolder", "worktree"}


def test_a_shell_variable_is_always_text() -> None:
    assert all(isinstance(v, str) for scenario in randomly(300, 2).values() for v in scenario.shell.values())


def test_drawing_uses_nothing_but_the_given_chance() -> None:
    import random

    assert draw(random.Random("x")) == draw(random.Random("x"))
