"""No credential reaches a server that is not its own: seen by what the real Claude Code sends after `enable`.

Every value in these scenarios says where it was set, so that whatever arrives can be traced. After `enable` only the
placeholder may arrive. Where something stronger wins, `enable` refuses and changes nothing; then the client is asked
what it would have done, so that nothing is refused that would have worked. The client is asked a sample of the
scenarios (CLAUDE_LOCAL_VERIFY_CASES: so many, or `all`), the resolver all others.
"""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pytest

from claude_local_plugin.commands import enable
from claude_local_plugin.conformance import (
    Boxes,
    Expected,
    Observed,
    Scenario,
    as_it_stands,
    expected,
    materialise,
    needs_namespace,
    randomly,
    spread,
    systematic,
    url,
)
from claude_local_plugin.core.document_rules import faults
from claude_local_plugin.core.endpoint import PLACEHOLDER
from claude_local_plugin.errors import ClaudeLocalError, SettingsError
from claude_local_plugin.world import World

pytestmark = pytest.mark.client

SEED = 2
MANY = 300
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
    return {
        name: replace(case, settings=without_flag(case), model=None, setting_sources=None, args=())
        for name, case in (known | randomly(MANY, SEED)).items()
        if case.entry == "print"  # `claude mcp serve` takes no notice of a project's file
    }


def asked_of_the_client() -> set[str]:
    """A sample of every kind, or all; the resolver, which test_real_client.py holds against it, is asked the others.

    It does not say which headers of one's own are sent, so that the client is asked all that is about those.
    """
    wanted = os.environ.get("CLAUDE_LOCAL_VERIFY_CASES", "60")
    everything = spread(questions())
    sample = set(islice(everything, len(everything) if wanted == "all" else int(wanted)))
    return sample | {name for name in everything if name.startswith("headers/")}


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
    """What becomes of a scenario by `enable`; None where a file has to be fixed before anything can be written."""
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


def leaked(seen: Observed | Expected) -> list[str]:
    """What arrives at a server that is not Anthropic's and is not ours to send."""
    if seen.base_url is None or not seen.base_url.startswith("http://127.0.0.1"):
        return []
    others = seen.extra_headers or {} if isinstance(seen, Observed) else {}
    sent = {"x-api-key": seen.x_api_key, "authorization": seen.authorization, **others}
    allowed = {None, "", PLACEHOLDER, f"Bearer {PLACEHOLDER}"}
    return [f"{name}: {value}" for name, value in sent.items() if (value.strip() if value else value) not in allowed]


@pytest.mark.parametrize("part", range(PARTS))
def test_enable_ends_well_just_where_sessions_then_go_to_the_server_with_the_placeholder_alone(
    boxes: Boxes, part: int, tmp_path: Path
) -> None:
    sample, version = asked_of_the_client(), boxes.client_version
    asked: dict[str, Enabled] = {}
    told: dict[str, Enabled] = {}
    for index, (name, scenario) in enumerate(questions().items()):
        if index % PARTS != part or (needs_namespace(scenario) and not boxes.alone):
            continue
        if name not in sample and "ANTHROPIC_CUSTOM_HEADERS" in json.dumps(scenario.to_json()):
            continue
        after = enabled(scenario, tmp_path / str(index), version)
        if after is not None:
            (asked if name in sample else told)[name] = after
        else:
            unmended = (each for each in scenario.settings.values() if isinstance(each, str) or faults(each, version))
            assert any(unmended), f"{name}: not repairable"
    answers = zip(asked.items(), boxes.observe_all(after.scenario for after in asked.values()), strict=True)
    seen = {name: (after, answer) for (name, after), (_, answer) in answers}
    said = {name: (after, expected(after.scenario, version)) for name, after in told.items()}
    wrong = []
    for name, (after, answer) in (seen | said).items():
        leaks = leaked(answer)
        goes_there = answer.base_url == OURS and answer.model == "served" and not leaks
        if after.refused and goes_there:
            wrong.append(f"{name}: refused for nothing: {after.refused}\n    {json.dumps(after.scenario.to_json())}")
        elif not after.refused and not goes_there:
            what = leaks or "not enabled"
            wrong.append(f"{name}: {what}: {answer}\n    {json.dumps(after.scenario.to_json())}")
    assert asked
    assert told or len(sample) == len(questions())
    assert wrong == []


def test_without_enable_these_configurations_do_leak(boxes: Boxes) -> None:
    scenario = systematic()["credentials/custom/key+token+helper+oauth+login+console"]
    assert leaked(boxes.observe(scenario)) == ["x-api-key: key-shell", "authorization: Bearer token-shell"]
