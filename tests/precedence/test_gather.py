"""Reading the world once: what Claude Code takes, drops and never sees."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.core.files import MOST_SETTINGS
from claude_local_plugin.errors import UsageError
from claude_local_plugin.precedence import FileState, Scope, gather, installed_client_version
from claude_local_plugin.precedence.one_file import read_settings_file
from tests.looped import looped

GOOD = '{"env": {"ANTHROPIC_MODEL": "m"}}'


def _read(tmp_path: Path, content: bytes | str, version: str = "2.1.329") -> Any:
    path = tmp_path / "settings.local.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_settings_file(Scope.LOCAL, path, version)


@looped(
    "content",
    [
        GOOD,
        "",
        " \n",
        "\ufeff" + GOOD,
        GOOD.replace("{", "{\r\n"),
        GOOD.encode("utf-16"),
        GOOD[:-1] + ', "x": 1e999}',
        GOOD[:-1] + ', "unknown": {"a": 1}, "Model": 5}',
        GOOD[:-1] + ', "x": "\\ud800"}',
        '{"model": 5, ' + GOOD[1:-1] + ', "model": "m"}',
        GOOD.encode()[:-1] + b', "x": "\xff"}',
    ],
)
def test_files_that_are_taken(content: bytes | str, tmp_path: Path) -> None:
    assert _read(tmp_path, content).state is FileState.READ


@looped(
    ("content", "problem"),
    [
        (GOOD[:-1] + ",}", "not valid JSON: line 1, column 33: trailing comma"),
        ("// note\n" + GOOD, "not valid JSON: line 1, column 1: comments are not allowed"),
        ("{\n  // note\n}", "not valid JSON: line 2, column 3: comments are not allowed"),
        (GOOD[:-1] + ', "x": NaN}', "not valid JSON: NaN is not JSON"),
        (GOOD[:-1] + ', "x": "a\tb"}', "not valid JSON: line 1, column 42: invalid control character"),
        (GOOD + " x", "not valid JSON: line 1, column 35: extra data"),
        ("null", "holds null, not an object"),
        ("[]", "holds a list, not an object"),
        ("5", "holds a number, not an object"),
        ('"x"', "holds a string, not an object"),
        ('{"model": 5}', '"model" must be a string'),
        ('{"env": []}', '"env" must be an object'),
        ('{"permissions": {"defaultMode": "bogus"}}', '"permissions.defaultMode" must be one of'),
        ('{"statusLine": {"type": "command"}}', '"statusLine" must have "command"'),
        ('{"enabledPlugins": {"a@b": "x"}}', '"enabledPlugins.a@b" must be a list'),
        ('{"availableModels": [5]}', '"availableModels[0]" must be a string'),
    ],
)
def test_files_that_are_dropped_say_what_is_wrong(content: str, problem: str, tmp_path: Path) -> None:
    file = _read(tmp_path, content)
    assert file.state is FileState.DROPPED
    assert file.problem.startswith(problem)


def test_utf16_counts_in_one_byte_order_only(tmp_path: Path) -> None:
    assert _read(tmp_path, b"\xfe\xff" + GOOD.encode("utf-16-be")).state is FileState.DROPPED


def test_a_file_may_be_two_megabytes_and_no_more(tmp_path: Path) -> None:
    padding = " " * (MOST_SETTINGS - len(GOOD))
    assert _read(tmp_path, GOOD + padding).state is FileState.READ
    too_large = _read(tmp_path, GOOD + padding + " ")
    assert (too_large.state, too_large.problem) == (FileState.DROPPED, "larger than 2,097,152 bytes")


def test_what_is_nested_deeper_than_we_can_read_is_unknown(tmp_path: Path) -> None:
    file = _read(tmp_path, '{"x": ' + "[" * 100_000 + "]" * 100_000 + "}")
    assert (file.state, file.problem) == (FileState.UNKNOWN, "nested too deeply to be read here")


def test_nothing_a_folder_and_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    assert read_settings_file(Scope.USER, path).state is FileState.ABSENT
    assert read_settings_file(Scope.USER, path / "below").state is FileState.ABSENT
    path.mkdir()
    assert read_settings_file(Scope.USER, path).problem == "not a file"
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert read_settings_file(Scope.USER, tmp_path / "pipe").problem == "not a file"
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    assert read_settings_file(Scope.USER, tmp_path / "dangling").state is FileState.ABSENT


def test_an_administrators_file_loses_its_bad_keys_and_keeps_the_rest(world: Any) -> None:
    (file,) = world(managed={"model": 5, "outputStyle": "x"}).of(Scope.MANAGED)
    assert (file.state, dict(file.data)) == (FileState.READ, {"outputStyle": "x"})
    assert file.skipped == ('"model" must be a string',)


def test_an_administrators_restriction_holds_when_it_cannot_be_read(world: Any) -> None:
    (file,) = world(managed={"availableModels": [5, "sonnet"]}).of(Scope.MANAGED)
    assert file.data["availableModels"] == ["sonnet"]


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ('{"model": "m"}', FileState.READ),
        (' {"model": "m"} ', FileState.READ),
        ('{"model": 5}', FileState.DROPPED),
        ('{"model": }', FileState.UNKNOWN),
        ('{"model"', FileState.UNKNOWN),
        ("/no/such/file.json", FileState.UNKNOWN),
        (".", FileState.UNKNOWN),
    ],
)
def test_inline_settings_and_paths(settings: str, state: FileState, world: Any) -> None:
    (file,) = world(flag_inline=settings).of(Scope.FLAG)
    assert file.state is state


def test_empty_settings_count_for_nothing(world: Any) -> None:
    assert list(world(flag_inline="").of(Scope.FLAG)) == []


def test_a_relative_settings_path_starts_in_the_current_folder(world: Any) -> None:
    (file,) = world(flag_inline="mine.json", files={"proj/mine.json": {"model": "m"}}).of(Scope.FLAG)
    assert dict(file.data) == {"model": "m"}


def test_an_unknown_setting_source_is_a_usage_error(world: Any) -> None:
    with pytest.raises(UsageError, match="no such setting source: nonsense"):
        world(args=["--setting-sources", "user,nonsense"])


def test_a_restricted_session_reads_nobody_but_the_administrator(world: Any) -> None:
    snapshot = world(user={"model": "u"}, managed={"model": "m"}, shell={"CLAUDE_CODE_RESTRICTED": "1"})
    assert [file.scope for file in snapshot.files if file.data] == [Scope.MANAGED]


def test_texts_stand_in_for_files(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    path = Path(os.path.realpath(tmp_path)) / ".claude/settings.local.json"
    path.write_text('{"model": "old"}')
    asked: dict[str, Any] = {"cwd": tmp_path, "home": tmp_path / "h", "environ": {}, "managed_dir": tmp_path / "m"}
    (file,) = gather(**asked, texts={path: '{"model": "new"}'}).of(Scope.LOCAL)
    assert file.data["model"] == "new"
    (gone,) = gather(**asked, texts={path: None}).of(Scope.LOCAL)
    assert gone.state is FileState.ABSENT


def test_what_claude_code_remembers_is_read_from_its_state_file(world: Any, tmp_path: Path) -> None:
    project = str(Path(os.path.realpath(tmp_path)) / "proj")
    state = {
        "hasCompletedOnboarding": True,
        "projects": {project: {"hasTrustDialogAccepted": True}},
        "customApiKeyResponses": {"approved": ["abc"], "rejected": []},
        "oauthAccount": {"organizationUuid": "org"},
        "primaryApiKey": "console",
    }
    snapshot = world(home_json=state)
    assert (snapshot.onboarded, snapshot.trusted, snapshot.approved_api_keys) == (True, True, ("abc",))
    assert snapshot.organization == "org"
    (console,) = snapshot.of(Scope.CONSOLE)
    assert dict(console.data) == {"primaryApiKey": "console"}


def test_an_empty_state_says_nothing(world: Any) -> None:
    snapshot = world()
    assert (snapshot.onboarded, snapshot.trusted, snapshot.approved_api_keys) == (False, None, ())
    assert "server-managed settings" not in snapshot.unknown


def _installed(folder: Path, name: str, version: str) -> Path:
    package = folder / "node_modules/@anthropic-ai" / name
    (package / "bin").mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"name": f"@anthropic-ai/{name}", "version": version}))
    binary = package / "bin" / "claude.exe"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    return binary


def test_the_installed_version_is_read_from_the_npm_package(tmp_path: Path) -> None:
    binary = _installed(tmp_path, "claude-code", "2.1.300")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/claude").symlink_to(binary)
    assert installed_client_version({"PATH": str(tmp_path / "bin")}) == "2.1.300"


def test_the_installed_version_is_the_name_of_the_native_binary(tmp_path: Path) -> None:
    versions = tmp_path / "share/claude/versions"
    versions.mkdir(parents=True)
    (versions / "2.1.329").write_text("#!/bin/sh\n")
    (versions / "2.1.329").chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/claude").symlink_to(versions / "2.1.329")
    assert installed_client_version({"PATH": str(tmp_path / "bin")}) == "2.1.329"


def test_a_claude_of_unknown_make_has_no_version(tmp_path: Path) -> None:
    (tmp_path / "claude").write_text("#!/bin/sh\n")
    (tmp_path / "claude").chmod(0o755)
    assert installed_client_version({"PATH": str(tmp_path)}) is None
    assert installed_client_version({"PATH": str(tmp_path / "none")}) is None
    assert installed_client_version({}) is None
