"""No credential reaches a server that is not its own: seen by what the real Claude Code sends after `enable`.

Every value in these scenarios says where it was set, so that whatever arrives can be traced. After `enable` only the
placeholder may arrive. Where something stronger wins, `enable` refuses and changes nothing; then the client is asked
what it would have done, so that nothing is refused that would have worked.
"""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from claude_local_plugin.commands import enable
from claude_local_plugin.conformance import (
    Boxes,
    Observed,
    Scenario,
    as_it_stands,
    materialise,
    needs_namespace,
    randomly,
    systematic,
    url,
)
from claude_local_plugin.core.endpoint import PLACEHOLDER
from claude_local_plugin.errors import ClaudeLocalError, SettingsError
from claude_local_plugin.world import World

pytestmark = pytest.mark.client

SEED = 2
PARTS = 4
OURS = url("ours")


def questions() -> dict[str, Scenario]:
    """Every set of credential sources there is, the headers of one's own, and random configurations.

    What is said on a session's own command line (--settings, --model, …) comes after `enable` and is left out.
    """
    families = ("credentials/custom/", "headers/", "provider/CLAUDE_CODE_USE_BEDROCK", "policy/", "managed/")
    sources = ("cloud", "beside-nothing", "beside-login", "key", "login-and-block", "in-shell", "in-user")
    known = {
        name: case
        for name, case in systematic().items()
        if name.startswith(families) or (name.startswith("source/") and name.rsplit("/", 1)[1] in sources)
    }
    count = int(os.environ.get("CLAUDE_LOCAL_VERIFY_CASES", "60"))
    return {
        name: replace(case, settings=without_flag(case), model=None, setting_sources=None, args=())
        for name, case in (known | randomly(count, SEED)).items()
        if case.entry == "print"  # `claude mcp serve` takes no notice of a project's file
    }


def without_flag(scenario: Scenario) -> dict[str, object]:
    return {place: settings for place, settings in scenario.settings.items() if place != "flag"}


@pytest.fixture(scope="module")
def boxes(claude_binary: Path) -> Iterator[Boxes]:
    with Boxes(claude_binary, workers=1 if "PYTEST_XDIST_WORKER" in os.environ else 2, patience=60.0) as boxes:
        yield boxes


@dataclass(frozen=True)
class Enabled:
    """The scenario after `claude-local enable`; of one that it refused, as it would be had it been written."""

    scenario: Scenario
    refused: str | None = None


def enabled(scenario: Scenario, folder: Path, client_version: str) -> Enabled | None:
    """What becomes of a scenario by `enable`; None where a file has to be mended before anything can be written."""
    made = materialise(scenario, folder / "world")
    world = World(
        cwd=made.cwd,
        home=made.home,
        environ=made.environ,
        state_dir=folder / "state",
        python=sys.executable,
        client_version=client_version,
        managed_dir=made.managed_dir,
    )
    request = enable.Request(url=OURS, model="served", check=False, with_hooks=False, max_model_len=131_072)
    before = as_it_stands(scenario, made)
    refused = None
    try:
        enable.write(enable.prepare(request, world))
    except SettingsError:
        assert as_it_stands(scenario, made) == before
        return None
    except ClaudeLocalError as error:
        assert as_it_stands(scenario, made) == before
        refused = error.message
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(enable, "refuse_without_effect", lambda *_: None)
            enable.write(enable.prepare(request, world))
    return Enabled(as_it_stands(scenario, made), refused)


def leaked(seen: Observed) -> list[str]:
    """What arrived at a server that is not Anthropic's and is not ours to send."""
    if seen.base_url is None or not seen.base_url.startswith("http://127.0.0.1"):
        return []
    sent = {"x-api-key": seen.x_api_key, "authorization": seen.authorization, **(seen.extra_headers or {})}
    allowed = {None, "", PLACEHOLDER, f"Bearer {PLACEHOLDER}"}
    return [f"{name}: {value}" for name, value in sent.items() if (value.strip() if value else value) not in allowed]


@pytest.mark.parametrize("part", range(PARTS))
def test_enable_ends_well_just_where_sessions_then_go_to_the_server_with_the_placeholder_alone(
    boxes: Boxes, part: int, tmp_path: Path
) -> None:
    asked: dict[str, Enabled] = {}
    for index, (name, scenario) in enumerate(questions().items()):
        if index % PARTS != part or (needs_namespace(scenario) and not boxes.alone):
            continue
        after = enabled(scenario, tmp_path / str(index), boxes.client_version)
        if after is not None:
            asked[name] = after
        else:
            assert any(isinstance(settings, str) for settings in scenario.settings.values()), f"{name}: not mendable"
    answers = boxes.observe_all(after.scenario for after in asked.values())
    faults = []
    for (name, after), (scenario, seen) in zip(asked.items(), answers, strict=True):
        leaks = leaked(seen)
        goes_there = seen.base_url == OURS and seen.model == "served" and not leaks
        if after.refused and goes_there:
            faults.append(f"{name}: refused for nothing: {after.refused}\n    {json.dumps(scenario.to_json())}")
        elif not after.refused and not goes_there:
            faults.append(f"{name}: {leaks or 'not enabled'}: {seen}\n    {json.dumps(scenario.to_json())}")
    assert asked
    assert faults == []


def test_without_enable_these_configurations_do_leak(boxes: Boxes) -> None:
    scenario = systematic()["credentials/custom/key+token+helper+oauth+login+console"]
    assert leaked(boxes.observe(scenario)) == ["x-api-key: key-shell", "authorization: Bearer token-shell"]
