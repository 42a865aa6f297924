"""The log sent to a real OpenTelemetry collector, Rotel, which passes on what it understood of it."""

import os
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.commands.place import Place, flat
from tests.real_servers.start_vllm import free_port
from tests.sessionlog.recording import recording
from tests.team.receiver import plain, receiving

#: Read here, before the environment is emptied: the `rotel-agent` of the package `rotel`, of which 0.0.1a15 was asked.
ROTEL = os.environ.get("CLAUDE_LOCAL_TEST_ROTEL")

pytestmark = [
    pytest.mark.real_server,
    pytest.mark.skipif(not ROTEL, reason="CLAUDE_LOCAL_TEST_ROTEL names no collector"),
]


@pytest.fixture
def place(home: Path, project: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(home, project, capsys)


def answers(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Waits until it does."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, "the collector has ended"
        try:
            urllib.request.urlopen(url, timeout=5)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the collector does not answer")


def test_a_real_collector_understands_every_session_and_every_sum(place: Place) -> None:
    assert ROTEL
    with recording(place.state) as log:
        for number in range(300):
            log.session(f"s{number}", 20 * number, project="/p/ü", model="qwen3")
    with receiving() as behind:
        http, grpc = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        passing = ["--exporter", "otlp", "--otlp-exporter-endpoint", behind.url, "--otlp-exporter-protocol", "http"]
        command = [ROTEL, "start", "--otlp-http-endpoint", http, "--otlp-grpc-endpoint", grpc, *passing]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                answers(f"http://{http}/", process)
                assert "300 sessions (1,500 rows) sent" in place.ok("sessions", "push", "--to", f"http://{http}").out
                until = time.monotonic() + 60
                while len(behind.sessions()) < 300 or not behind.metrics:
                    assert time.monotonic() < until, behind.requests
                    time.sleep(0.1)
                wrong = flat(place.ends(1, "sessions", "push", "--to", f"http://{http}/elsewhere").err)
            finally:
                process.terminate()
    assert "/elsewhere/v1/logs: HTTP 404, so it takes no OTLP there" in wrong
    assert sorted(behind.sessions()) == sorted(f"s{number}" for number in range(300))
    assert sum(behind.points("claude_local.tokens").values()) == 300 * (100 + 10 + 1000 + 1)
    resource, record = behind.records()[0]
    assert resource["service.name"] == "claude-local"
    assert plain(record.attributes)["claude_local.project"] == "/p/ü"
