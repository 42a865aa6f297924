"""A place to bring real servers up in: the tiny model's file, `llama-server` on PATH, and nothing left running."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from claude_local_plugin.deploy import record
from tests.commands.place import Place
from tests.real_servers.light import NEEDED, require
from tests.real_servers.start_vllm import free_port

PROGRAM = Path(__file__).parents[1] / "real_servers" / "llama_program.py"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model, as one file."""
    require(*NEEDED)
    from tests.real_servers.tiny_gguf import make

    return make(tmp_path_factory.mktemp("tiny") / "tiny-qwen.gguf")


def put_program(folder: Path) -> Path:
    """`llama-server` in a folder for PATH."""
    folder.mkdir(exist_ok=True)
    program = folder / "llama-server"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROGRAM}" "$@"\n')
    program.chmod(0o755)
    return folder


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def place(
    home: Path, project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """The command line in an empty project; whatever it has started is stopped at the end."""
    monkeypatch.setenv("PATH", f"{put_program(tmp_path / 'bin')}:/usr/bin:/bin")
    place = Place(home, project, capsys)
    yield place
    for each in record.every(place.state):
        for group in filter(None, (each.pid, each.tunnel)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


def gone(pid: int) -> bool:
    """Whether the process has ended, within some seconds."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.1)
    return False
