"""Extras and newer versions come by what installed the program, from where it was installed."""

import json
import subprocess
import sys
from importlib import metadata
from importlib import util as finding
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.core import installed

UV = """[tool]
requirements = [{ name = "claude-local", extras = ["keyring"], directory = "/x" }]
entrypoints = [{ name = "claude-local", install-path = "/x/bin/claude-local", from = "claude-local" }]
"""
#: What the installed program asks for, as its metadata has it.
ASKED = ["click>=8.2", 'psycopg[binary]>=3.2; extra == "postgres"', "pyarrow>=15; extra == 'parquet'"]


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    folder = tmp_path / "tool"
    folder.mkdir()
    return folder


def come(monkeypatch: pytest.MonkeyPatch, origin: Any) -> None:
    """The program as if it had come from there."""

    class Known:
        def read_text(self, name: str) -> str | None:
            assert name == "direct_url.json"
            return None if origin is None else json.dumps(origin)

    monkeypatch.setattr(metadata, "distribution", lambda _: Known())
    monkeypatch.setattr(metadata, "requires", lambda _: ASKED)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in the home folder, from which the program was installed."""
    folder = tmp_path / "home" / "src" / "claude local"
    folder.mkdir(parents=True)
    come(monkeypatch, {"url": folder.as_uri(), "dir_info": {}})
    return folder


def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path / "home")}


@pytest.mark.usefixtures("checkout")
def test_uv_installs_the_checkout_again_and_forgets_no_extra(prefix: Path, tmp_path: Path) -> None:
    (prefix / "uv-receipt.toml").write_text(UV)
    extra = installed.with_extra("postgres", str(prefix), environ(tmp_path))
    assert extra == "uv tool install ~/'src/claude local[keyring,postgres]'"
    newer = installed.newer(str(prefix), environ(tmp_path))
    assert newer == "uv tool install --reinstall ~/'src/claude local[keyring]'"
    (prefix / "uv-receipt.toml").write_text(UV.replace('extras = ["keyring"], ', ""))
    assert installed.with_extra("otlp", str(prefix), environ(tmp_path)).endswith("~/'src/claude local[otlp]'")


def test_pipx_gets_what_the_extra_brings(prefix: Path, checkout: Path, tmp_path: Path) -> None:
    (prefix / "pipx_metadata.json").touch()
    extra = installed.with_extra("postgres", str(prefix), environ(tmp_path))
    assert extra == "pipx inject claude-local 'psycopg[binary]>=3.2'"
    (checkout / ".git").mkdir()
    newer = installed.newer(str(prefix), environ(tmp_path))
    assert newer == "git -C ~/'src/claude local' pull && pipx install --force ~/'src/claude local'"


def test_an_environment_gets_it_by_its_own_python(
    prefix: Path, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/venv/bin/python")
    monkeypatch.setattr(finding, "find_spec", lambda _: object())
    extra = installed.with_extra("parquet", str(prefix), environ(tmp_path))
    assert extra == "/venv/bin/python -I -m pip install 'pyarrow>=15'"
    assert installed.newer(str(prefix), environ(tmp_path)).startswith("/venv/bin/python -I -m pip install ~/")
    come(monkeypatch, {"url": checkout.as_uri(), "dir_info": {"editable": True}})
    assert installed.newer(str(prefix), environ(tmp_path)).startswith("/venv/bin/python -I -m pip install -e ~/")
    monkeypatch.setattr(finding, "find_spec", lambda _: None)
    extra = installed.with_extra("parquet", str(prefix), environ(tmp_path))
    assert extra == "uv pip install --python /venv/bin/python 'pyarrow>=15'"


@pytest.mark.parametrize(
    ("mark", "pip", "command"),
    [
        ("uv-receipt.toml", None, "uv tool uninstall claude-local"),
        ("pipx_metadata.json", object(), "pipx uninstall claude-local"),
        ("none", object(), "/venv/bin/python -I -m pip uninstall claude-local"),
        ("none", None, "uv pip uninstall --python /venv/bin/python claude-local"),
    ],
)
def test_it_is_removed_by_what_installed_it(
    prefix: Path, monkeypatch: pytest.MonkeyPatch, mark: str, pip: object, command: str
) -> None:
    (prefix / mark).touch()
    monkeypatch.setattr(sys, "executable", "/venv/bin/python")
    monkeypatch.setattr(finding, "find_spec", lambda _: pip)
    assert installed.removing(str(prefix), {}) == command


@pytest.mark.parametrize(
    "origin", [None, {}, [], {"url": "https://example.com/a.whl"}, {"url": "file:///nowhere/at/all"}]
)
@pytest.mark.parametrize(
    ("mark", "newer"),
    [
        ("uv-receipt.toml", "uv tool upgrade claude-local"),
        ("pipx_metadata.json", "pipx upgrade claude-local"),
        ("none", "install --upgrade claude-local"),
    ],
)
def test_what_came_from_an_index_is_upgraded_from_there(
    prefix: Path, monkeypatch: pytest.MonkeyPatch, origin: Any, mark: str, newer: str
) -> None:
    come(monkeypatch, origin)
    (prefix / mark).touch()
    assert installed.newer(str(prefix), {}).endswith(newer)


def test_what_nobody_has_installed_is_named_by_its_name(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: str) -> None:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "distribution", unknown)
    monkeypatch.setattr(metadata, "requires", unknown)
    assert installed.source() is None
    assert installed.with_extra("otlp", str(prefix), {}).endswith("install 'claude-local[otlp]'")


@pytest.mark.process
def test_here_the_command_is_one_that_pip_takes() -> None:
    line = installed.with_extra("parquet", environ={})
    ended = subprocess.run(
        ["sh", "-c", f"{line} --dry-run --no-deps --no-index --quiet"], capture_output=True, text=True, check=False
    )
    assert "usage:" not in ended.stderr.lower()
    assert "Invalid requirement" not in ended.stderr


@pytest.mark.process
def test_here_the_command_that_removes_is_one_that_pip_takes(tmp_path: Path) -> None:
    """It is not done: that is the program that is tested."""
    line = installed.removing(environ={})
    ended = subprocess.run(
        ["sh", "-c", f"{line} --help"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=tmp_path,
    )
    assert ended.returncode == 0, ended.stderr
    assert "uninstall" in ended.stdout
