"""The leak guard on the real client: whatever was set before, after `enable` no credential of the user's arrives.

The same random configurations that the resolver is compared on, each with `enable` carried out on top of it. Where
`enable` refuses, the reason must be one that it cannot mend.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from claude_local_plugin.commands import enable
from claude_local_plugin.commands.world import World
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.oracle import Boxes, Scenario, needs_namespace, randomly
from claude_local_plugin.oracle.scenario import as_it_stands, materialise, url

pytestmark = pytest.mark.claude

SEED = 1
PARTS = 3
MODEL = "model-of-ours"

#: Why `enable` may refuse: somebody stronger decides, or the file it would edit is broken and would be dropped.
BEYOND_US = ("would still be sent", "would refuse to start", "ignores the whole file", "where an object should be")


def cases() -> int:
    return int(os.environ.get("CLAUDE_LOCAL_VERIFY_CASES", "60"))


@pytest.fixture(scope="module")
def boxes(claude_binary: Path) -> Iterator[Boxes]:
    workers = 1 if "PYTEST_XDIST_WORKER" in os.environ else 2
    with Boxes(claude_binary, workers=workers, patience=60.0) as boxes:
        yield boxes


def enabled(scenario: Scenario, folder: Path, version: str) -> Scenario | ClaudeLocalError:
    """The scenario after `enable`, or why it refused. What is given on claude's own command line is left out."""
    files = {place: text for place, text in scenario.settings.items() if place != "flag"}
    scenario = replace(scenario, settings=files, setting_sources=None, model=None, args=())
    made = materialise(scenario, folder)
    world = World(
        cwd=made.cwd,
        home=made.home,
        environ=made.environ,
        state_dir=folder / "state",
        python=sys.executable,
        client_version=version,
        managed_dir=made.managed_dir,
    )
    request = enable.Request(url=url("ours"), model=MODEL, check=False, with_hooks=False)
    try:
        enable.write(enable.prepare(request, world))
    except ClaudeLocalError as error:
        return error
    return as_it_stands(scenario, made)


@pytest.mark.parametrize("part", range(PARTS))
def test_after_enable_no_credential_of_the_user_arrives(boxes: Boxes, part: int, tmp_path: Path) -> None:
    asked: dict[str, Scenario] = {}
    refused: list[str] = []
    for index, (name, scenario) in enumerate(randomly(cases(), SEED).items()):
        if index % PARTS != part or (needs_namespace(scenario) and not boxes.alone):
            continue
        after = enabled(scenario, tmp_path / str(index), boxes.client_version)
        if isinstance(after, ClaudeLocalError):
            assert any(reason in after.message for reason in BEYOND_US), f"{name}: {after.message}"
            refused.append(name)
        else:
            asked[name] = after
    assert len(asked) > len(refused)
    leaks, reached = [], 0
    for name, (scenario, seen) in zip(asked, boxes.observe_all(asked.values()), strict=True):
        if seen.base_url != url("ours"):
            continue  # a stronger scope sends it elsewhere, which `enable` has said with exit code 1
        reached += 1
        sent = (seen.authorization, seen.x_api_key, dict(seen.extra_headers or {}))
        if seen.authorization != "Bearer claude-local" or seen.x_api_key not in (None, "claude-local") or sent[2]:
            leaks.append(f"{name}: {sent}\n    {scenario.to_json()}")
    assert leaks == []
    assert reached > len(asked) / 2
