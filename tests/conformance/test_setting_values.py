"""Every setting that Claude Code's program names is judged by `document_rules`, or known to cost no file."""

from pathlib import Path

import pytest

from claude_local_plugin.conformance.setting_values import VALUES, keys_in
from claude_local_plugin.core.document_rules import TOLERATED, faults, judged
from tests.looped import looped


@pytest.mark.client
def test_every_setting_in_the_program_is_judged_or_known_to_be_tolerated(claude_binary: Path) -> None:
    named = keys_in(claude_binary)
    assert len(named) > 190
    assert named >= {"apiKeyHelper", "permissions", "sandbox", "hooks", "availableModels", "agentPushNotifEnabled"}
    unknown = sorted(named - judged() - TOLERATED)
    assert unknown == [], "give them values in conformance/setting_values.py, and ask the client"


def test_no_setting_is_both_judged_and_tolerated() -> None:
    assert judged() & TOLERATED == set()


def test_what_is_tolerated_is_no_fault_whatever_stands_there() -> None:
    for key in TOLERATED:
        for value in (None, 1, "x", [], [1], {}, {"x": 1}):
            assert faults({key: value}) == (), key


def test_names_are_found_between_an_early_setting_and_the_end(tmp_path: Path) -> None:
    program = tmp_path / "claude"
    program.write_bytes(
        b"name:()=>h()}}function a(){return{$schema:()=>r(),apiKeyHelper:()=>r(),...{oneMore:()=>M()},"
        b"last:()=>u({inside:r()})}}function b(){return{later:()=>r()}}"
    )
    assert keys_in(program) == {"apiKeyHelper", "oneMore", "last"}


def test_a_program_without_settings_names_none(tmp_path: Path) -> None:
    program = tmp_path / "claude"
    program.write_bytes(b"nothing of the kind")
    assert keys_in(program) == set()


def test_the_likely_slips_are_asked_about() -> None:
    asked = {key for key, values in VALUES.items() if values}
    assert asked >= {"PreToolUse", "hooks", "sandbox", "autoMode", "permissions", "strictKnownMarketplaces"}


@looped(
    "settings",
    [
        {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "x"}]}]},
        {"Hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": "x"}]}]}},
        {"hook": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "x"}]}]},
        {"permissions": {"allow": [], "hooks": {"PermissionRequest": [1]}}},
        {"hooks": {"matcher": "Bash", "hooks": [{"type": "command", "command": "x"}]}},
        {"hooks": {"PostToolUsed": {"matcher": "Bash", "hooks": [{"type": "command", "command": "x"}]}}},
    ],
)
def test_hooks_that_may_guard_and_stand_where_no_hook_belongs_cost_the_file(settings: dict[str, object]) -> None:
    assert [fault.problem for fault in faults(settings)] != []
    assert faults(settings, "2.1.200") == ()


@pytest.mark.parametrize(
    "settings",
    [
        {"SessionStart": [{"hooks": [{"type": "command", "command": "x"}]}]},
        {"env": {"PreToolUse": "x"}},
        {"mcpServers": {"x": {"hooks": [{"type": "command", "command": "x"}]}}},
        {"PreToolUse": []},
        {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x", "y": {"PreToolUse": [1]}}]}]}},
    ],
)
def test_hooks_that_guard_nothing_cost_no_file_wherever_they_stand(settings: dict[str, object]) -> None:
    assert faults(settings) == ()
