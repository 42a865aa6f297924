"""Fixtures: the command line at a place, and model servers to point it at."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from tests.commands.place import MODEL, Place


@pytest.fixture
def place(home: Path, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Place:
    """The command line in an empty project outside git, with an empty home and no `claude` on PATH."""
    monkeypatch.setenv("PATH", "/usr/local/bin:/usr/bin:/bin")
    return Place(home, project, capsys)


@pytest.fixture
def repository(place: Place) -> Place:
    """The same, the project being a git repository."""
    place.git("init", "--quiet", "--initial-branch", "main")
    return place


@pytest.fixture
def server() -> Iterator[EmbeddedBackend]:
    """A server like vLLM 0.32.0 with one model of 65,536 tokens."""
    with EmbeddedBackend(models=(Model(MODEL, 65_536),)) as backend:
        yield backend


@pytest.fixture
def closed_port() -> int:
    """A port on loopback where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture
def with_client(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A Claude Code on PATH, which nobody starts."""
    programs = place.home / "programs"
    programs.mkdir()
    (programs / "claude").write_text("#!/bin/sh\nexit 99\n")
    (programs / "claude").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return place
