"""The hooks and the resolver say one thing: provider and endpoint, the route after a change, and what leaks.

Asked of every scenario that the real client is asked, and of random ones. What a hook cannot see is named here, and
nothing else may differ.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from claude_local_plugin.conformance import Scenario, randomly, systematic
from claude_local_plugin.conformance.expected import seen_there
from claude_local_plugin.conformance.scenario import Materialised, materialise
from claude_local_plugin.core import leaks, protection
from claude_local_plugin.core.endpoint import Backend, is_foreign
from claude_local_plugin.core.sign_in import backend_here
from claude_local_plugin.errors import UsageError
from claude_local_plugin.precedence import VERIFIED_AGAINST, Snapshot, backend_in_use, effective_env, resolve

pytestmark = pytest.mark.slow

#: A start that changes with the calendar: other random scenarios each week, the same ones all week.
GROWING = int(os.environ.get("CLAUDE_LOCAL_TEST_SEED", "0"))
AGENT = f"claude-code_{VERIFIED_AGAINST.replace('.', '-')}_harness"
OAUTH = "CLAUDE_CODE_OAUTH_TOKEN"
ADDRESS = ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN")


def unseen(snapshot: Snapshot, scenario: Scenario) -> set[str]:
    """What of this scenario a hook cannot see, by name."""
    found = set()
    if scenario.setting_sources is not None:
        found.add("--setting-sources")
    if scenario.descriptors:
        found.add("what a program hands over at a file descriptor")
    if any(file.scope == "served" for file in snapshot.files):
        found.add("server-managed settings")
    if any("base_url" in file.data for file in snapshot.files if file.scope == "profile"):
        found.add("the address in a login profile")
    if snapshot.shell.get("ANTHROPIC_UNIX_SOCKET"):
        found.add("where a Unix socket leads")
        socket = snapshot.shell["ANTHROPIC_UNIX_SOCKET"]
        if any(file.env.get("ANTHROPIC_UNIX_SOCKET") == socket for file in snapshot.files):
            found.add("whether the shell sets the socket that a file names, too")  # where it is not heard
    if "flag" in scenario.settings:
        found.add("--settings")
    if effective_env(snapshot).get(OAUTH):
        found.add(f"{OAUTH}, which is taken out of its environment")
    project = [file for file in snapshot.files if file.scope in ("local", "project") and file.state == "read"]
    if effective_env(snapshot).get("CLAUDE_CODE_USE_GATEWAY") and any(
        name in file.env and name in snapshot.shell for file in project for name in ADDRESS
    ):
        found.add("what a project's file hides of the shell's gateway")
    return found


def worlds(scenarios: dict[str, Scenario]) -> Iterator[tuple[str, Scenario, Materialised, Snapshot]]:
    for name, scenario in scenarios.items():
        with tempfile.TemporaryDirectory() as folder:
            made = materialise(scenario, Path(folder))
            try:
                snapshot = seen_there(scenario, made, VERIFIED_AGAINST)
            except UsageError:  # the client does not start, so no hook runs
                continue
            yield name, scenario, made, snapshot


def told(backend: Backend) -> tuple[str, str | None, bool]:
    return backend.kind, backend.url, backend.cloud


def differences(scenarios: dict[str, Scenario], said: Counter[str]) -> Iterator[str]:
    for name, scenario, made, snapshot in worlds(scenarios):
        resolution = resolve(snapshot)
        if resolution.outcome != "ok" or scenario.entry != "print":  # in `claude mcp serve` no hook runs
            continue
        blind = unseen(snapshot, scenario)
        said.update(blind)
        managed, cwd = str(made.managed_dir), str(made.cwd)
        environ = {key: value for key, value in effective_env(snapshot).items() if key != OAUTH} | {"AI_AGENT": AGENT}
        truth = backend_in_use(snapshot)
        if told(backend_here(environ, cwd, managed)) != told(truth) and not blind & {
            "what a project's file hides of the shell's gateway",
            "whether the shell sets the socket that a file names, too",
            "--settings",
            "server-managed settings",
            "the address in a login profile",
        }:
            yield f"{name}: backend {told(backend_here(environ, cwd, managed))}, resolver {told(truth)}"
        moved = protection.after_change({**made.environ, "AI_AGENT": AGENT}, cwd, managed)
        if told(moved) != told(truth) and not blind & {
            "--settings",
            "--setting-sources",
            "server-managed settings",
            "the address in a login profile",
        }:
            yield f"{name}: after a change {told(moved)}, resolver {told(truth)}"
        if (truth.target is None and not is_foreign(truth.kind, truth.url)) or blind:
            continue
        found = [mark for mark in leaks.look(environ, truth, cwd, "", managed).marks if mark.startswith("leak: ")]
        errors = [each.what for each in resolution.warnings if each.id.startswith("leak.") and each.result == "error"]
        if bool(found) != bool(errors):
            yield f"{name}: leaks {found}, resolver {errors}"


@pytest.mark.parametrize("seed", [1, 20 + GROWING])
def test_hooks_and_resolver_agree_on_random_scenarios(seed: int) -> None:
    said: Counter[str] = Counter()
    assert list(differences(randomly(300, seed), said)) == []
    assert sum(said.values()) < 600, said


def test_hooks_and_resolver_agree_on_every_systematic_scenario() -> None:
    said: Counter[str] = Counter()
    assert list(differences(systematic(), said)) == []
    assert set(said) <= {
        "--setting-sources",
        "--settings",
        f"{OAUTH}, which is taken out of its environment",
        "what a project's file hides of the shell's gateway",
        "what a program hands over at a file descriptor",
        "server-managed settings",
        "the address in a login profile",
        "where a Unix socket leads",
    }
