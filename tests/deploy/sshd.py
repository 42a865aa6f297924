"""A real sshd on loopback as this very user, with keys, configuration and a home folder of its own."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.conftest import put_program
from tests.programs import program
from tests.real_servers.start_vllm import end, free_port

HOST = "box"


@dataclass(frozen=True)
class Box:
    """The machine behind that sshd: its home folder, and the folder of an `ssh` that knows it as `box`."""

    home: Path
    bin: Path
    process: "subprocess.Popen[bytes]"


@contextlib.contextmanager
def sshd(folder: Path) -> Iterator[Box]:
    """An sshd as long as the `with` lasts; `llama-server` is on its users' PATH."""
    server, client, keygen = program("sshd", "openssh-server"), program("ssh", "openssh-client"), "ssh-keygen"
    folder.mkdir()
    for name in ("host", "user"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    port, home = free_port(), folder / "home of the box"
    home.mkdir()
    there = put_program(folder / "there")
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\n"
        f"StrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\n"
        f'SetEnv "HOME={home}" "PATH={there}:/usr/bin:/bin"\n'
    )
    (folder / "ssh_config").write_text(
        f"Host {HOST}\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {folder}/user\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {folder}/known\n  StrictHostKeyChecking accept-new\n"
    )
    here = folder / "bin"
    here.mkdir()
    # ssh reads the configuration of the user's home folder, whatever HOME says
    (here / "ssh").write_text(f'#!/bin/sh\nexec {client} -F "{folder}/ssh_config" "$@"\n')
    (here / "ssh").chmod(0o755)
    Path("/run/sshd").mkdir(exist_ok=True) if Path("/run").stat().st_uid == 0 and _root() else None
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [server, "-D", "-e", "-f", str(folder / "sshd_config")], stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait(port, process, folder / "log")
        yield Box(home, here, process)
    finally:
        end(process)


def _root() -> bool:
    import os

    return os.geteuid() == 0


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError(f"sshd does not answer: {log.read_text(errors='replace')[-1000:]}")
