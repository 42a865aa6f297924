"""A real Prometheus for a test, and servers whose recorded metrics go on as if somebody worked with them."""

import contextlib
import json
import re
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.listening import listening
from tests.programs import program
from tests.real_servers.start_vllm import free_port

METRICS = Path(__file__).parent / "metrics"

#: How much each look adds: to all counters, and to those of tokens that a cache had.
STEP, FOUND = 1000, 800
#: The slow end of every histogram: what comes on top lies above this bound (seconds), and not above the next.
SLOW = 0.5


@contextlib.contextmanager
def working(name: str) -> Iterator[str]:
    """A server with the recorded metrics of this name; its counters grow with each look. Gives its URL."""
    recorded = (METRICS / f"{name}.txt").read_text(encoding="utf-8")
    looks = 0

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal looks
            looks += 1
            body = grown(recorded, looks).encode()
            self.send_response(200 if self.path == "/metrics" else 404)
            self.send_header("content-type", "text/plain; version=0.0.4")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with listening(Handler) as url:
        yield url


def grown(text: str, looks: int) -> str:
    """The text after so many looks."""
    return "".join(f"{_line(line, looks)}\n" for line in text.splitlines())


def _line(line: str, looks: int) -> str:
    name = re.match(r"[a-zA-Z_:][\w:]*", line)
    if line.startswith("#") or name is None:
        return line
    before, _, value = line.rpartition(" ")
    more: float = 0
    if name[0].endswith(("_total", "_count")):
        more = FOUND if re.search(r"_hits_|_cached_", name[0]) else STEP
    elif name[0].endswith("_sum"):
        more = STEP * SLOW
    elif name[0].endswith("_bucket"):
        bound = re.search(r'le="([^"]*)"', line)
        assert bound is not None
        more = STEP if float(bound[1]) > SLOW else 0
    return f"{before} {float(value) + looks * more}"


@contextlib.contextmanager
def prometheus(folder: Path, config: Path) -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """Debian's Prometheus on this configuration, on loopback, with data of its own; gives what asks it a question."""
    binary = program("prometheus", "prometheus")
    address = f"127.0.0.1:{free_port()}"
    argv = [binary, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "prometheus.log").open("wb") as log:
        running = subprocess.Popen(
            [*argv, f"--web.listen-address={address}"], stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )

    def ask(question: str) -> list[dict[str, Any]]:
        url = f"http://{address}/api/v1/query?{urllib.parse.urlencode({'query': question})}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            said = json.load(answer)
        assert said["status"] == "success", said
        found: list[dict[str, Any]] = said["data"]["result"]
        return found

    try:
        _until(lambda: running.poll() is not None or _ready(address))
        assert running.poll() is None, (folder / "prometheus.log").read_text(encoding="utf-8")
        yield ask
    finally:
        running.terminate()
        running.wait(30)


def _ready(address: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{address}/-/ready", timeout=2):
        return True
    return False


def _until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not true():
        assert time.monotonic() < until, "it does not come to it in two minutes"
        time.sleep(0.2)


def until(true: Callable[[], bool]) -> None:
    """Wait for something that a scrape or two bring about."""
    _until(true)
