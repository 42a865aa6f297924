"""Where trials cannot be kept apart `eval` says so and why, asks whoever is there, and runs none unasked."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend
from tests.client.terminal import Terminal

pytestmark = pytest.mark.process

#: A kernel that allows nobody's user namespaces, as `unshare` tells of it.
REFUSED = "#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n"


@pytest.fixture
def environ(tmp_path: Path, home: Path) -> dict[str, str]:
    """A PATH with a client on it, and with an `unshare` that is refused."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("claude", "#!/bin/sh\necho 2.1.332\n"), ("unshare", REFUSED)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return {"PATH": str(programs), "HOME": str(home), "LANG": "C.UTF-8", "TERM": "xterm-256color"}


def words(server: EmbeddedBackend, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "claude_local_plugin", "eval", "--url", server.url),
        *("--budget", "0", "--output", "results.jsonl", *more),
    ]


def test_without_a_terminal_nothing_is_run_and_the_way_out_is_named(
    environ: dict[str, str], project: Path, server: EmbeddedBackend
) -> None:
    for there, said in (
        (True, "trials cannot be kept apart here: unshare: unshare failed: Operation not permitted"),
        (False, "there is no `unshare` here to keep a trial apart with"),
    ):
        if not there:
            (Path(environ["PATH"]) / "unshare").unlink()
        ended = subprocess.run(
            words(server),
            cwd=project,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 1
        assert said in ended.stderr
        assert "--no-isolation runs them without" in ended.stderr
    assert (list(project.iterdir()), server.messages) == ([], [])


@pytest.mark.parametrize("answer", ["n", "y"])
def test_on_a_terminal_it_asks(answer: str, environ: dict[str, str], project: Path, server: EmbeddedBackend) -> None:
    with Terminal(words(server), cwd=project, environ=environ) as terminal:
        terminal.wait_for("Operationnotpermitted")
        terminal.wait_for("wheretheyseethismachine'sfilesandnetwork.*N")
        terminal.type(f"{answer}\r")
        if answer == "y":
            terminal.wait_for("!Trialsarenotkeptapart")
            terminal.wait_for("Goon")
            terminal.type("y\r")
            terminal.wait_for("6of6trialsareleft")
        assert terminal.wait_for_exit() == 1
    results = project / "results.jsonl"
    assert results.exists() is (answer == "y")
    if answer == "y":
        assert json.loads(results.read_text())["isolated"] is False
