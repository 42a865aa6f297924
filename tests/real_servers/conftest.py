"""Real servers, where they are set up: named by a URL, or started from a folder that start_vllm.py made.

CLAUDE_LOCAL_TEST_VLLM is the URL of a running vLLM with the tiny model, CLAUDE_LOCAL_TEST_VLLM_DIR a folder for
start_vllm.py (2.5 GB; minutes if it is empty), from which every way of starting it is tried. CLAUDE_LOCAL_TEST_LITELLM
is the `litellm` command of an environment with LiteLLM 1.106.2 or 1.110.2 in it (never 1.82.7, 1.82.8, 1.107.0).
CLAUDE_LOCAL_TEST_VLLM_RUST is the URL of a vLLM 0.33 that was started with VLLM_USE_RUST_FRONTEND=1; without it the
folder's is started so. Read here, before the environment is emptied. The servers of the extra `servers` need none of
this: see light.py.
"""

import contextlib
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.real_servers.start_vllm import Wanted, end, free_port, server

URL = os.environ.get("CLAUDE_LOCAL_TEST_VLLM")
RUST_URL = os.environ.get("CLAUDE_LOCAL_TEST_VLLM_RUST")
FOLDER = os.environ.get("CLAUDE_LOCAL_TEST_VLLM_DIR")
LITELLM = os.environ.get("CLAUDE_LOCAL_TEST_LITELLM")
MODEL = "tiny-qwen3"
MASTER_KEY = "sk-real-servers-test"

StartVllm = Callable[[Wanted], str]


@pytest.fixture(scope="module")
def vllm() -> Iterator[str]:
    """The URL of a vLLM with the tiny model, the hermes tool parser and the qwen3 reasoning parser."""
    if URL:
        yield URL
    elif FOLDER:
        with server(Path(FOLDER), Wanted()) as url:
            yield url
    else:
        pytest.skip("no real vLLM: set CLAUDE_LOCAL_TEST_VLLM to its URL or CLAUDE_LOCAL_TEST_VLLM_DIR to a folder")


@pytest.fixture
def rust_frontend() -> Iterator[str]:
    """The URL of a vLLM 0.33 with the Rust frontend."""
    if RUST_URL:
        yield RUST_URL
    elif FOLDER:
        with server(Path(FOLDER), Wanted(rust=True)) as url:
            yield url
    else:
        pytest.skip("no vLLM with the Rust frontend: set CLAUDE_LOCAL_TEST_VLLM_RUST or CLAUDE_LOCAL_TEST_VLLM_DIR")


@pytest.fixture(scope="module")
def start() -> Iterator[StartVllm]:
    """Starts a vLLM in the way wanted, one at a time."""
    if not FOLDER:
        pytest.skip("no vLLM to start: set CLAUDE_LOCAL_TEST_VLLM_DIR to a folder for start_vllm.py")
    with contextlib.ExitStack() as stack:

        def begin(wanted: Wanted) -> str:
            stack.close()
            return stack.enter_context(server(Path(str(FOLDER)), wanted))

        yield begin


@pytest.fixture(scope="module")
def litellm(vllm: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a LiteLLM in front of that vLLM; its key is MASTER_KEY."""
    with run_litellm(tmp_path_factory.mktemp("litellm"), f"hosted_vllm {vllm}/v1") as url:
        yield url


@contextlib.contextmanager
def run_litellm(folder: Path, *deployments: str) -> Iterator[str]:
    """A LiteLLM whose one model has these deployments, each "PROVIDER API_BASE"; its key is MASTER_KEY."""
    if not LITELLM:
        pytest.skip("no real LiteLLM: set CLAUDE_LOCAL_TEST_LITELLM to its command")
    port = free_port()
    config = "model_list:\n"
    for provider, base in (deployment.split() for deployment in deployments):
        config += f"  - model_name: {MODEL}\n"
        config += f"    litellm_params: {{model: {provider}/{MODEL}, api_base: '{base}', api_key: none}}\n"
    config += f"litellm_settings: {{drop_params: true}}\ngeneral_settings: {{master_key: {MASTER_KEY}}}\n"
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    environment = {
        "HOME": str(folder),
        "PATH": f"{Path(LITELLM).parent}:/usr/bin:/bin",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it asks the internet for prices
    }
    argv = [LITELLM, "--config", str(folder / "config.yaml"), "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            argv, env=environment, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
    try:
        _wait(f"http://127.0.0.1:{port}/health/liveliness", running, folder / "log", patience=400)
        yield f"http://127.0.0.1:{port}"
    finally:
        end(running)


def _wait(url: str, running: "subprocess.Popen[bytes]", log: Path, patience: float = 180) -> None:
    until = time.monotonic() + patience
    while time.monotonic() < until and running.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.5)
    raise RuntimeError(f"LiteLLM is not ready; its log ends with:\n{log.read_text(errors='replace')[-2000:]}")
