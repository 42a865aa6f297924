"""Where our own folders are, on every platform and in every spelling; hooks and the command line ask this alone."""

import os
from pathlib import Path

import pytest

from claude_local_plugin import paths
from claude_local_plugin.core.locations import config_file, state_dir_of
from tests.looped import looped


@looped(
    ("environ", "state", "config"),
    [
        ({}, "{home}/.local/state/claude-local", "{home}/.config/claude-local"),
        ({"XDG_STATE_HOME": "/xdg/state", "XDG_CONFIG_HOME": "/xdg"}, "/xdg/state/claude-local", "/xdg/claude-local"),
        # one that is no absolute path counts for nothing, as its specification says
        (
            {"XDG_STATE_HOME": "relative", "XDG_CONFIG_HOME": ""},
            "{home}/.local/state/claude-local",
            "{home}/.config/claude-local",
        ),
        ({"CLAUDE_LOCAL_STATE_DIR": "~/mine", "CLAUDE_LOCAL_CONFIG_DIR": "here"}, "{home}/mine", "{cwd}/here"),
        ({"CLAUDE_LOCAL_STATE_DIR": "/there", "XDG_STATE_HOME": "/xdg"}, "/there", "{home}/.config/claude-local"),
    ],
)
def test_on_linux(environ: dict[str, str], state: str, config: str) -> None:
    places = {"home": os.environ["HOME"], "cwd": str(Path.cwd())}
    assert state_dir_of(environ, "linux") == state.format(**places)
    assert config_file(environ, "linux") == config.format(**places) + "/config.toml"


def test_on_a_mac(home: Path) -> None:
    folder = home / "Library" / "Application Support" / "claude-local"
    assert state_dir_of({}, "darwin") == str(folder)
    assert config_file({}, "darwin") == str(folder / "config.toml")
    assert config_file({"XDG_CONFIG_HOME": "/xdg"}, "darwin") == "/xdg/claude-local/config.toml"


def test_on_windows() -> None:
    assert state_dir_of({"LOCALAPPDATA": "/local"}, "win32") == "/local/claude-local"
    assert config_file({"LOCALAPPDATA": "/local"}, "win32") == "/local/claude-local/config.toml"


def test_without_any_home_there_is_no_place_and_none_is_made_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "~nobody-of-this-name")
    assert state_dir_of({}, "linux") == os.path.join(os.devnull, "claude-local")  # noqa: PTH118
    assert paths.config_dir({}) == Path(os.devnull, "claude-local")
