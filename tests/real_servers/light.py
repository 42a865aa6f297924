"""The real llama.cpp server and vllm-router from PyPI (extra `servers`), started for a test and stopped after it.

No torch, no GPU, no model hub: the model is made by tiny_gguf.py. A server is ready within a second or two.
"""

import contextlib
import importlib.util
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real_servers.start_vllm import end, free_port

#: Read here, before the environment is emptied.
REQUIRED = os.environ.get("CLAUDE_LOCAL_TEST_SERVERS") == "required"
NEEDED = ("xllamacpp", "gguf", "numpy", "tokenizers")


def require(*modules: str) -> None:
    """Skip with the reason where these are not installed; in CI, where they always are, that is a failure."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        reason = f"no {', '.join(missing)}: pip install -e '.[servers]'"
        if REQUIRED:
            pytest.fail(reason)
        pytest.skip(reason)


@contextlib.contextmanager
def llama(
    model: Path, *, window: int = 65_536, slots: int = 1, key: str | None = None, port: int = 0
) -> Iterator["Running"]:
    """A llama.cpp server with this model, as long as the `with` lasts."""
    port = port or free_port()
    argv = [sys.executable, str(Path(__file__).with_name("llama_server.py")), str(model), str(port)]
    argv += ["--window", str(window), "--slots", str(slots), *(["--key", key] if key else [])]
    with _running(argv, f"http://127.0.0.1:{port}", model.parent / f"llama-{port}.log") as running:
        yield running


@contextlib.contextmanager
def router(folder: Path, *workers: str) -> Iterator["Running"]:
    """A vllm-router that hands requests to these servers in turn, all of which have to answer at first."""
    port = free_port()
    argv = [sys.executable, "-m", "vllm_router.launch_router", "--worker-urls", *workers, "--policy", "round_robin"]
    argv += ["--host", "127.0.0.1", "--port", str(port), "--prometheus-port", str(free_port())]
    with _running(argv, f"http://127.0.0.1:{port}", folder / f"router-{port}.log") as running:
        yield running


class Running:
    """A server of the test's: its URL, and a way to end it before the test does."""

    def __init__(self, url: str, process: "subprocess.Popen[bytes]") -> None:
        self.url, self.process = url, process

    def stop(self) -> None:
        """End it now."""
        self.process.kill()
        self.process.wait(30)


@contextlib.contextmanager
def _running(argv: list[str], url: str, log: Path) -> Iterator[Running]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(log.parent), "LANG": "C.UTF-8", "NO_PROXY": "127.0.0.1"}
    with log.open("wb") as said:
        process = subprocess.Popen(
            argv, env=environment, stdout=said, stderr=said, stdin=subprocess.DEVNULL, start_new_session=True
        )
    try:
        _wait(f"{url}/health", process, log)
        yield Running(url, process)
    finally:
        end(process)


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path, patience: float = 120) -> None:
    until = time.monotonic() + patience
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError(f"not ready ({process.poll()}); {log} ends with:\n{log.read_text(errors='replace')[-2000:]}")
