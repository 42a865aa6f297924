"""Makes a scenario smaller while something about it stays true, so that a difference is reported at its core."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from claude_local_plugin.conformance.scenario import Scenario, Settings


def shrink(scenario: Scenario, still: Callable[[Scenario], bool], *, attempts: int = 60) -> Scenario:
    """The smallest scenario found, by leaving out one part after another, for which `still` holds.

    `still` is asked at most `attempts` times; it is taken to hold for `scenario` itself.
    """
    while True:
        for smaller in simpler(scenario):
            if attempts <= 0:
                return scenario
            attempts -= 1
            if still(smaller):
                scenario = smaller
                break
        else:
            return scenario


def simpler(scenario: Scenario) -> Iterator[Scenario]:
    """Scenarios with one part less, the largest parts first."""
    empty = Scenario()
    for place in scenario.settings:
        yield replace(scenario, settings=_without(scenario.settings, place))
    for name in ("credentials", "home_json", "setting_sources", "model", "args", "config_dir", "flag_inline"):
        if getattr(scenario, name) != getattr(empty, name):
            yield replace(scenario, **{name: getattr(empty, name)})
    for name in scenario.shell:
        yield replace(scenario, shell=_without(scenario.shell, name))
    for place, settings in scenario.settings.items():
        for less in _less(settings):
            yield replace(scenario, settings=scenario.settings | {place: less})
    if scenario.layout != empty.layout and not any(place.startswith("main.") for place in scenario.settings):
        yield replace(scenario, layout=empty.layout)


def _less(settings: Settings) -> Iterator[Settings]:
    """A settings object with one key or one variable less; a text cannot be made smaller."""
    if isinstance(settings, str):
        return
    for key, value in settings.items():
        yield _without(settings, key)
        if key == "env" and isinstance(value, dict) and len(value) > 1:
            for name in value:
                yield settings | {key: _without(value, name)}


def _without(mapping: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}
