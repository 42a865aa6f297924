"""What the real llama.cpp server writes when it is made to fail, and when it starts."""

import http.server
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from claude_local_plugin.server_log import Reading, Stage, findings, read
from tests.real_servers.light import NEEDED, llama, require
from tests.real_servers.start_vllm import free_port

pytestmark = [pytest.mark.light_server, pytest.mark.timeout(300)]

SERVER = Path(__file__).parents[1] / "real_servers" / "llama_server.py"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require(*NEEDED)
    from tests.real_servers.tiny_gguf import make

    return make(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


def failed(model: Path, port: int | None = None, *options: str, kibibytes: int | None = None) -> Reading:
    """What is read of the log of a server that cannot start so, with so much address space."""
    argv = [sys.executable, str(SERVER), str(model), str(port or free_port()), *options]
    if kibibytes:
        argv = ["sh", "-c", f'ulimit -v {kibibytes} && exec "$@"', "sh", *argv]
    ended = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    assert ended.returncode
    return read(ended.stdout.splitlines())


def test_a_file_that_is_not_there(model: Path, tmp_path: Path) -> None:
    reading = failed(tmp_path / "nope.gguf")
    assert [(hit.id, str(tmp_path) in hit.what) for hit in reading.found] == [("log.model-file", True)]
    assert reading.kind == "llama.cpp"


def test_a_file_that_is_no_model(model: Path, tmp_path: Path) -> None:
    (tmp_path / "page.gguf").write_text("<html>404</html>")
    assert [hit.id for hit in failed(tmp_path / "page.gguf").found] == ["log.model-broken"]


@pytest.mark.parametrize("share", [0.1, 0.95])
def test_a_download_that_was_broken_off(model: Path, tmp_path: Path, share: float) -> None:
    whole = model.read_bytes()
    (tmp_path / "part.gguf").write_bytes(whole[: int(len(whole) * share)])
    assert [hit.id for hit in failed(tmp_path / "part.gguf").found] == ["log.model-broken"]


def test_a_port_that_is_taken(model: Path) -> None:
    other = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=other.serve_forever, daemon=True)
    thread.start()
    try:
        (hit,) = failed(model, other.server_port).found
    finally:
        other.shutdown()
        other.server_close()
    assert (hit.id, hit.what) == ("log.port-taken", f"port {other.server_port} is taken")


def test_a_window_that_no_memory_holds(model: Path) -> None:
    (hit,) = failed(model, 1, "--window", "4000000", kibibytes=2_500_000).found
    assert hit.id == "log.buffer-memory"
    assert "of memory at once" in hit.what


def test_a_start_that_goes_well(model: Path) -> None:
    with llama(model) as running:
        port = running.url.rpartition(":")[2]
    reading = read((model.parent / f"llama-{port}.log").read_text().splitlines())
    assert reading.stages[:3] == (Stage.STARTING, Stage.LOADING, Stage.READY)
    assert findings(reading, None, report="")[0].id == "log.ready"
