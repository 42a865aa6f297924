"""A place where the model server is another machine's: loopback alone, and names in /etc/hosts for one address of it.

Run as `python -m tests.commands.lan HOSTS` inside a network and a mount namespace (see `Lan`): serves, and runs the
shell commands it is given, one JSON object a line, each with bash and from the folder it is to be typed in.
"""

import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claude_local_plugin.backends.embedded import EmbeddedBackend, Model

#: The one address that the servers listen on, so that nothing is found on this machine's own well-known ports.
ADDRESS = "127.0.0.2"
HOST = "dell-pro-max"
#: A server with one model, one that asks for a key, one with two models, one with a small window.
OPEN, GUARDED, SEVERAL, ALIASED = (f"http://{HOST}:{port}" for port in (8000, 8001, 8002, 8003))
KEY = "server-key-with-some-length-0123456789"
MODEL = "qwen3-coder-next"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Typed:
    """What a line typed into bash came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The object that it printed."""
        return json.loads(self.out)


class Lan:
    """The process inside the namespaces."""

    def __init__(self, folder: Path) -> None:
        hosts = folder / "hosts"
        hosts.write_text(f"127.0.0.1 localhost\n{ADDRESS} {HOST}\n")
        root = [] if os.geteuid() == 0 else ["-r"]
        self._process = subprocess.Popen(
            ["unshare", *root, "-n", "-m", sys.executable, "-m", "tests.commands.lan", str(hosts)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.works = self._answer() == {"ready": True}

    def type(self, line: str, *, cwd: Path, environ: Mapping[str, str]) -> Typed:
        """Type this into a bash that was started in `cwd` with this environment and nothing else."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"line": line, "cwd": str(cwd), "environ": dict(environ)}) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        assert answer is not None, "the process inside the namespaces has ended"
        return Typed(**answer)

    def close(self) -> None:
        """End it."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self._process.wait(timeout=30)

    def _answer(self) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line else None


def can_be_had() -> bool:
    """Whether this system gives us namespaces of our own."""
    found = shutil.which("unshare")
    if sys.platform != "linux" or found is None or shutil.which("mount") is None:
        return False
    root = [] if os.geteuid() == 0 else ["-r"]
    tried = subprocess.run([found, *root, "-n", "-m", "true"], capture_output=True, check=False)
    return tried.returncode == 0


def _loopback_up() -> None:
    import fcntl

    up_and_running, set_flags = 0x1 | 0x40, 0x8914
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", up_and_running))


def _serve_and_run(hosts: str) -> None:
    _loopback_up()
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True, capture_output=True)
    servers = (
        EmbeddedBackend(ADDRESS, 8000, models=(Model(MODEL, 65_536),)),
        EmbeddedBackend(ADDRESS, 8001, models=(Model(MODEL, 65_536),), api_key=KEY),
        EmbeddedBackend(ADDRESS, 8002, models=(Model("one", 65_536), Model("two", 131_072))),
        EmbeddedBackend(ADDRESS, 8003, models=(Model(MODEL, 65_536, root="r"), Model("claude-x", 65_536, root="r"))),
    )
    with contextlib.ExitStack() as stack:
        for server in servers:
            stack.enter_context(server)
        print(json.dumps({"ready": True}), flush=True)
        for text in sys.stdin:
            order = json.loads(text)
            ended = subprocess.run(
                ["bash", "--noprofile", "--norc", "-c", order["line"]],
                cwd=order["cwd"],
                env=order["environ"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
            print(json.dumps({"code": ended.returncode, "out": ended.stdout, "err": ended.stderr}), flush=True)


if __name__ == "__main__":
    began = time.monotonic()
    _serve_and_run(sys.argv[1])
