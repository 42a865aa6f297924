"""Where our own things live, in every spelling, and that asking for them makes nothing."""

import sys
from pathlib import Path

import pytest

from claude_local_plugin import paths


@pytest.mark.parametrize(
    ("ask", "variable"),
    [(paths.state_dir, "CLAUDE_LOCAL_STATE_DIR"), (paths.config_dir, "CLAUDE_LOCAL_CONFIG_DIR")],
)
def test_a_variable_moves_the_folder(
    ask: object, variable: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(ask)
    monkeypatch.chdir(tmp_path)
    assert ask({variable: "/somewhere/else"}) == Path("/somewhere/else")
    assert ask({variable: "~/mine"}) == home / "mine"
    assert ask({variable: "relative"}) == tmp_path / "relative"
    # empty means not set
    assert ask({variable: ""}) == ask({})


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of other systems are platformdirs' to know")
def test_on_linux_they_are_where_the_xdg_variables_say(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert paths.state_dir({}) == home / ".local" / "state" / "claude-local"
    assert paths.config_dir({}) == home / ".config" / "claude-local"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert paths.state_dir({}) == tmp_path / "state" / "claude-local"
    assert paths.config_dir({}) == tmp_path / "config" / "claude-local"


def test_asking_makes_no_folder(home: Path) -> None:
    paths.state_dir({})
    paths.config_dir({})
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(("name", "file"), [("hooks", "claude_local_hook.py"), ("schemas", "env.schema.json")])
def test_what_is_shipped_is_found(name: str, file: str) -> None:
    folder = paths.shipped(name)
    assert folder.is_absolute()
    assert (folder / file).is_file()


def test_in_a_wheel_it_is_inside_the_package_and_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "claude_local_plugin"
    package.mkdir()
    monkeypatch.setattr(paths, "__file__", str(package / "paths.py"))
    with pytest.raises(FileNotFoundError, match="the installation is incomplete"):
        paths.shipped("hooks")
    (tmp_path / "hooks").mkdir()
    assert paths.shipped("hooks") == tmp_path / "hooks"
    (package / "hooks").mkdir()
    assert paths.shipped("hooks") == package / "hooks"
