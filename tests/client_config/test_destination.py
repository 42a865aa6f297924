"""What each place that lines can go to holds, refuses, and calls unset; and that the real client takes them there."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.client_config import build
from claude_local_plugin.client_config.destination import (
    NO_VARIABLE,
    Destination,
    ProcessEnvironment,
    SettingsDocument,
    SettingsFile,
    ShellExports,
    VSCodeSettings,
    accepted,
    refused,
)
from claude_local_plugin.client_config.model import Backend, Line
from claude_local_plugin.conformance import Boxes, Scenario, url
from claude_local_plugin.core.claude import HOSTED
from claude_local_plugin.precedence import Scope, gather
from claude_local_plugin.servers.compatibility import Needs
from claude_local_plugin.settings.document import edit
from tests.programs import program

KEY = Line(("env", "ANTHROPIC_AUTH_TOKEN"), "sk-box", "the key of your server", secret=True)
UNSET = Line(("env", "ANTHROPIC_API_KEY"), "", "else it would be sent there too")
CAPABILITIES = build.capabilities(("-effort", "the server refuses it"))
HELPER = Line(("apiKeyHelper",), "", "the helper would send its key there")
DENIED = build.denied("WebSearch", "nobody searches")
LINES = (KEY, UNSET, CAPABILITIES, HELPER, DENIED)

EVERY: tuple[Destination, ...] = (
    *(SettingsFile(scope) for scope in (Scope.PROJECT, Scope.LOCAL, Scope.USER)),
    *(SettingsDocument(scope) for scope in (Scope.FLAG, Scope.MANAGED)),
    ProcessEnvironment(),
    ShellExports(),
    VSCodeSettings(),
)


@pytest.mark.parametrize(
    ("destination", "keys"),
    [
        (SettingsFile(Scope.PROJECT), {KEY.key, CAPABILITIES.key}),
        (SettingsFile(Scope.LOCAL), {CAPABILITIES.key}),
        (SettingsFile(Scope.USER), set()),
        (SettingsDocument(Scope.FLAG), set()),
        (SettingsDocument(Scope.MANAGED), set()),
        (ProcessEnvironment(), {HELPER.key, DENIED.key}),
        (ShellExports(), {HELPER.key, DENIED.key}),
        (VSCodeSettings(), {HELPER.key, DENIED.key}),
    ],
    ids=lambda each: each.label if hasattr(each, "label") else "",
)
def test_a_place_refuses_what_it_cannot_say(destination: Destination, keys: set[str]) -> None:
    assert {line.key for line, _ in refused(destination, LINES)} == keys
    assert {line.key for line in accepted(destination, LINES)} == {line.key for line in LINES} - keys


def test_every_refusal_has_a_reason_and_shows_no_secret() -> None:
    reasons = [reason for destination in EVERY for _, reason in refused(destination, LINES)]
    assert "Claude Code does not take CLAUDE_CODE_MODEL_CAPABILITIES from local settings" in reasons
    assert "the file is committed: no secret may go there" in reasons
    assert NO_VARIABLE in reasons
    assert "sk-box" not in str(reasons)


def test_in_a_settings_file_unset_is_the_empty_string_and_lists_keep_what_is_there() -> None:
    before = '{"permissions": {"deny": ["Read(./x)"]}, "env": {"ANTHROPIC_API_KEY": "sk-old"}}'
    after = json.loads(edit(before, SettingsFile(Scope.USER).changes(LINES)).text)
    assert after["env"]["ANTHROPIC_API_KEY"] == ""
    assert after["permissions"]["deny"] == ["Read(./x)", "WebSearch"]


def test_a_document_of_ours_says_it_all() -> None:
    assert SettingsDocument(Scope.FLAG).document(LINES) == {
        "env": {
            "ANTHROPIC_AUTH_TOKEN": "sk-box",
            "ANTHROPIC_API_KEY": "",
            "CLAUDE_CODE_MODEL_CAPABILITIES": "-effort",
        },
        "apiKeyHelper": "",
        "permissions": {"deny": ["WebSearch"]},
    }


def test_in_an_environment_unset_is_not_there() -> None:
    inherited = {"PATH": "/bin", "ANTHROPIC_API_KEY": "sk-ant-mine", "ANTHROPIC_AUTH_TOKEN": "other"}
    assert ProcessEnvironment().environment(LINES, inherited) == {
        "PATH": "/bin",
        "ANTHROPIC_AUTH_TOKEN": "sk-box",
        "CLAUDE_CODE_MODEL_CAPABILITIES": "-effort",
    }


def test_vs_code_can_only_empty_a_variable() -> None:
    assert {"name": "ANTHROPIC_API_KEY", "value": ""} in VSCodeSettings().entries(LINES)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "dash"])
def test_a_shell_reads_back_what_is_exported_and_unset(shell: str, tmp_path: Path) -> None:
    program(shell, shell)
    odd = Line(("env", "ANTHROPIC_MODEL"), 'it\'s \\ $HOME `id` "x" é', "odd")
    script = tmp_path / "exports"
    script.write_text(ShellExports(fish=shell == "fish").exports((*LINES, odd)), encoding="utf-8")
    read = f'. "{script}"; env -0' if shell != "fish" else f'source "{script}"; env -0'
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "ANTHROPIC_API_KEY": "sk-ant-mine", "LANG": "C.UTF-8"}
    done = subprocess.run([shell, "-c", read], env=environ, capture_output=True, check=True, timeout=60)
    seen = dict(each.split("=", 1) for each in done.stdout.decode().split("\0") if "=" in each)
    assert seen["ANTHROPIC_MODEL"] == odd.value
    assert seen["ANTHROPIC_AUTH_TOKEN"] == "sk-box"
    assert "ANTHROPIC_API_KEY" not in seen


# --- the real client


@pytest.fixture(scope="module")
def boxes(claude_binary: Path) -> Iterator[Boxes]:
    with Boxes(claude_binary, workers=1, patience=60.0) as boxes:
        yield boxes


def told(tmp_path: Path, destination: Destination) -> tuple[Line, ...]:
    """The lines for our server in a world where a key is exported and another server stands in the user's settings."""
    home, project = tmp_path / "home", tmp_path / "project"
    for folder in (home / ".claude", project, tmp_path / "managed"):
        folder.mkdir(parents=True)
    (home / ".claude" / "settings.json").write_text(json.dumps(THERE), encoding="utf-8")
    snapshot = gather(cwd=project, home=home, environ=EXPORTED, managed_dir=tmp_path / "managed")
    backend = Backend(url("ours"), "vllm", "served", 131_072, "0.32.0")
    return build.lines(snapshot, backend, Needs(), destination)


EXPORTED = {"ANTHROPIC_API_KEY": "key-shell"}
THERE = {"env": {"ANTHROPIC_BASE_URL": url("user"), "ANTHROPIC_MODEL": "other"}}


def scenario(destination: Destination, lines: tuple[Line, ...]) -> Scenario:
    settings: dict[str, Any] = {"user": THERE}
    if isinstance(destination, SettingsFile):
        text = edit(json.dumps(settings.get(destination.scope, {})), destination.changes(lines)).text
        return Scenario(settings={**settings, str(destination.scope): json.loads(text)}, shell=EXPORTED)
    if isinstance(destination, SettingsDocument):
        return Scenario(settings={**settings, str(destination.scope): destination.document(lines)}, shell=EXPORTED)
    if isinstance(destination, VSCodeSettings):
        shell = EXPORTED | {each["name"]: each["value"] for each in destination.entries(lines)}
    else:
        shell = ProcessEnvironment().environment(lines, EXPORTED)
    # any settings file beats an environment, unless that says who does the routing
    return Scenario(settings=settings, shell={**shell, HOSTED: "1"})


@pytest.mark.client
@pytest.mark.parametrize("destination", EVERY, ids=lambda each: each.label)
def test_the_client_goes_where_the_lines_say_wherever_they_stand(
    boxes: Boxes, tmp_path: Path, destination: Destination
) -> None:
    if not boxes.alone and isinstance(destination, SettingsDocument) and destination.scope is Scope.MANAGED:
        pytest.skip("an administrator's settings need a mount namespace")
    seen = boxes.observe(scenario(destination, told(tmp_path, destination)))
    assert (seen.base_url, seen.model, seen.authorization) == (url("ours"), "served", "Bearer claude-local")
    assert not seen.x_api_key
