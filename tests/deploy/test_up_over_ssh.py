"""`claude-local up --host` over a real sshd on loopback: files, server, log and tunnel, and their end."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from claude_local_plugin.commands import up
from claude_local_plugin.deploy import record
from claude_local_plugin.deploy.host import Host
from claude_local_plugin.deploy.machine import look_at
from claude_local_plugin.errors import ClaudeLocalError
from tests.commands.place import Place
from tests.deploy.conftest import gone
from tests.deploy.sshd import HOST, Box, sshd

pytestmark = [pytest.mark.light_server, pytest.mark.programs, pytest.mark.timeout(300)]


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Place) -> Iterator[Box]:
    # both ends have one loopback here, so that a port which is free here would not be there any more
    monkeypatch.setattr(up, "_taken", lambda _: True)
    with sshd(tmp_path / "sshd") as box:
        monkeypatch.setenv("PATH", f"{box.bin}:/usr/bin:/bin")
        yield box


def test_a_server_on_another_machine_is_brought_up_reached_by_a_tunnel_and_taken_down(
    place: Place, box: Box, tiny: Path, port: int
) -> None:
    (box.home / "models").mkdir()
    (box.home / "models" / "tiny model.gguf").symlink_to(tiny)
    asked = ("up", "--host", HOST, "--model", "~/models/tiny model.gguf", "--port", str(port), "--yes")
    ended = place.ok(*asked)
    assert "box: " in ended.err
    assert "tunnel      ssh -N " in ended.err
    assert "✓ loading the weights" in ended.err  # the log of the other machine
    assert (box.home / "claude-local" / "tiny-model" / "server.log").is_file()
    assert not (place.home / "claude-local").exists()
    (kept,) = record.every(place.state)
    assert (kept.host, kept.pid is not None, kept.tunnel is not None) == (HOST, True, True)
    assert place.env()["ANTHROPIC_BASE_URL"] == kept.url != f"http://127.0.0.1:{port}"
    assert "loading model" in place.ok("logs").out

    assert place.json(*asked)["started"] is False
    os.kill(kept.tunnel or 0, 9)  # as a restart of this machine would
    assert gone(kept.tunnel or 0)
    assert place.json(*asked)["started"] is False  # the tunnel is there again
    (again,) = record.every(place.state)
    assert again.tunnel != kept.tunnel

    down = place.json("down")
    assert (down["stopped"], down["tunnel_ended"], down["host"]) == (True, True, HOST)
    assert gone(again.pid or 0)
    assert gone(again.tunnel or 0)


def test_a_start_that_fails_there_is_named_and_nothing_is_left(place: Place, box: Box, tiny: Path, port: int) -> None:
    (box.home / "part.gguf").write_bytes(tiny.read_bytes()[:400_000])
    ended = place.ends(1, "up", "--host", HOST, "--model", "~/part.gguf", "--port", str(port), "--yes")
    assert "✗ log.model-broken" in ended.err
    assert list(record.every(place.state)) == []
    said = subprocess.run(["ps", "-Ao", "args"], capture_output=True, text=True, check=True).stdout
    assert f"--port {port}" not in said
    assert "ExitOnForwardFailure" not in said


def test_a_file_that_is_not_there_is_said_with_the_host(place: Place, box: Box) -> None:
    said = place.refused("up", "--host", HOST, "--model", "nope.gguf", "--yes")
    assert "there is no file nope.gguf on box that can be read" in said


def test_what_the_machine_has_is_asked_there(box: Box, place: Place) -> None:
    machine = look_at(Host(HOST, dict(os.environ), place.home))
    assert machine.home == str(box.home)
    assert "llama-server" in machine.programs
    assert machine.total is None or machine.total > 0.1


def test_a_host_that_cannot_be_reached_says_what_next(place: Place, box: Box) -> None:
    host = Host(HOST, dict(os.environ), place.home)
    (box.bin.parent / "user").unlink()
    with pytest.raises(ClaudeLocalError, match=r"ssh cannot reach box: .*Permission denied") as refused:
        host.run("true")
    assert "ssh-copy-id box" in (refused.value.hint or "")
    box.process.kill()
    box.process.wait()
    said = place.refused("up", "--host", HOST, "--model", "a.gguf", "--yes")
    assert "ssh cannot reach box: " in said
    assert "does this work: ssh box true" in said
