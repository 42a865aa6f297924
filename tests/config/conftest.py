"""The command line at a place with an empty home."""

from pathlib import Path

import pytest

from tests.commands.place import Place


@pytest.fixture
def place(home: Path, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Place:
    """The command line in an empty project, with config.toml in `~/config` on every platform."""
    monkeypatch.setenv("CLAUDE_LOCAL_CONFIG_DIR", str(home / "config"))
    return Place(home, project, capsys)


@pytest.fixture
def file(home: Path) -> Path:
    """Where config.toml is or would be."""
    return home / "config" / "config.toml"
