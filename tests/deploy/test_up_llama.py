"""`claude-local up` on the real llama.cpp server: all the way to an enabled project, and every way it can go wrong."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from claude_local_plugin.cli.terminal import err
from claude_local_plugin.cli.up import Progress
from claude_local_plugin.commands import up
from claude_local_plugin.conformance.terminal import ENTER, Terminal, plain
from claude_local_plugin.deploy import record
from claude_local_plugin.settings import schema
from tests.commands.place import Place
from tests.deploy.conftest import gone

pytestmark = [pytest.mark.light_server, pytest.mark.timeout(300)]


def test_a_file_becomes_a_proven_and_enabled_server_and_down_stops_it(place: Place, tiny: Path, port: int) -> None:
    ended = place.ok("up", "--model", str(tiny), "--port", str(port), "--yes")
    said = ended.err
    for each in ("run         llama-server -m ", f"http://127.0.0.1:{port} (doctor --deep)", "enable      .claude/"):
        assert each in said  # all that it does is shown first
    order = ["✓ loading the weights", "✓ llama.cpp ", "✓ warm:", "checks of server and model", "✓ profile tiny-qwen"]
    places = [said.index(each) for each in [*order, "✓ enabled in .claude/settings.local.json", "Now run: claude"]]
    assert places == sorted(places)
    assert place.env()["ANTHROPIC_BASE_URL"] == f"http://127.0.0.1:{port}"
    assert place.json("profile", "show", "tiny-qwen")["profile"]["url"] == f"http://127.0.0.1:{port}"
    (kept,) = record.every(place.state)
    assert kept.pid is not None
    assert "server is listening" in place.ok("logs").out or "listening on" in place.ok("logs").out

    again = place.json("up", "--model", str(tiny), "--port", str(port), "--yes")
    assert (again["started"], again["pid"]) == (False, kept.pid)  # what is there is found

    down = place.json("down")
    assert (down["name"], down["stopped"]) == ("tiny-qwen", True)
    assert gone(kept.pid)
    assert list(record.every(place.state)) == []
    assert "no server was started here" in place.refused("down", code=2)


@pytest.mark.client
def test_the_real_claude_code_works_on_what_was_brought_up(
    place: Place, tiny: Path, port: int, claude_binary: Path
) -> None:
    place.ok("up", "--model", str(tiny), "--port", str(port), "--yes")
    ended = subprocess.run(
        [str(claude_binary), "-p", "hello"],
        env={"HOME": str(place.home), "PATH": "/usr/bin:/bin"},
        cwd=place.project,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert (ended.returncode, "Hello from the tiny model." in ended.stdout) == (0, True), ended.stdout + ended.stderr
    place.ok("down")


def test_the_report_says_what_came_of_it(place: Place, tiny: Path, port: int) -> None:
    report = place.json("up", "--model", str(tiny), "--port", str(port), "--name", "box", "--yes", "--no-enable")
    assert (report["name"], report["engine"], report["model"], report["started"]) == (
        *("box", "llama.cpp", "tiny-qwen", True),
    )
    assert (report["enabled"], report["profile"]) == (None, "box")
    assert report["checks"]["error"] == report["checks"]["failed"] == 0
    assert report["checks"]["ok"] > 5
    assert not place.local.exists()
    place.ok("down", "box")


def test_a_command_of_ones_own_is_brought_up_the_same_way(place: Place, tiny: Path, port: int) -> None:
    (place.project / "here.gguf").symlink_to(tiny)  # its words mean what they mean where they are typed
    own = ("llama-server", "-m", "here.gguf", "--port", str(port), "--alias", "mine", "-c", "65536")
    report = place.ok("up", "--name", "own", "--yes", "--json", "--", *own).json
    assert schema.problems(report, "up") == ()
    assert (report["engine"], report["model"], report["enabled"]) == ("command", "mine", str(place.local))
    assert place.env()["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "65536"
    place.ok("down", "own")


def test_a_dry_run_shows_all_and_starts_nothing(place: Place, tiny: Path, port: int) -> None:
    before = place.files()
    report = place.json("up", "--model", str(tiny), "--port", str(port), "--dry-run")
    assert (report["dry_run"], report["started"]) == (True, False)
    assert any(line.startswith("run ") for line in report["will"])
    assert place.files() == before


def test_a_start_that_fails_is_named_by_the_servers_log_and_nothing_is_left(
    place: Place, tiny: Path, tmp_path: Path, port: int
) -> None:
    (tmp_path / "part.gguf").write_bytes(tiny.read_bytes()[:400_000])
    ended = place.ends(1, "up", "--model", str(tmp_path / "part.gguf"), "--port", str(port), "--yes")
    assert "✗ log.model-broken" in ended.err
    assert "fix: download it again" in ended.err
    assert "error: part ended before it was ready" in ended.err
    assert list(record.every(place.state)) == []
    assert not place.local.exists()
    assert (place.home / "claude-local" / "part" / "server.log").is_file()


def test_a_command_that_fails_without_a_known_word_shows_the_end_of_its_log(place: Place, port: int) -> None:
    script = "echo the flux is reversed >&2; exit 3"
    ended = place.ends(1, "up", "--port", str(port), "--name", "odd", "--yes", "--", "sh", "-c", script)
    assert "the flux is reversed" in ended.err
    assert "doctor --server-log ~/claude-local/odd/server.log" in ended.err
    assert list(record.every(place.state)) == []


def test_a_port_that_is_taken_by_a_server_is_said_with_how_to_use_it(place: Place, tiny: Path, port: int) -> None:
    place.ok("up", "--model", str(tiny), "--port", str(port), "--yes", "--no-enable")
    said = place.ends(1, "up", "--model", str(tiny), "--port", str(port), "--name", "other", "--yes").err
    assert f"port {port} is taken: llama.cpp answers there, with tiny-qwen" in said
    assert f"claude-local enable --url http://127.0.0.1:{port}" in said
    assert [each.name for each in record.every(place.state)] == ["tiny-qwen"]


def test_a_port_that_is_taken_by_anything_else_is_said(place: Place, tiny: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = other.getsockname()[1]
        said = place.refused("up", "--model", str(tiny), "--port", str(number), "--yes")
    assert f"port {number} is taken by another program" in said
    assert "--port " in said


def test_a_port_that_is_taken_in_the_same_moment_is_named_by_the_log(place: Place, tiny: Path, port: int) -> None:
    """Another program comes between our look and the server's."""
    script = (
        f'{sys.executable} -c \'import socket,time; s = socket.socket(); s.bind(("127.0.0.1", {port}));'
        f" s.listen(); time.sleep(60)' & sleep 2; exec llama-server -m '{tiny}' --port {port}"
    )
    ended = place.ends(1, "up", "--port", str(port), "--name", "late", "--yes", "--", "sh", "-c", script)
    assert f"✗ log.port-taken  port {port} is taken" in ended.err
    assert list(record.every(place.state)) == []


def test_a_model_that_does_not_fit_is_refused_with_its_numbers(place: Place, tmp_path: Path, port: int) -> None:
    huge = tmp_path / "huge.gguf"
    with huge.open("wb") as out:
        out.write(header(layers=80, heads=64, kv_heads=8, width=8192, window=1_048_576))
        out.truncate(9 * 2**40)
    said = place.refused("up", "--model", str(huge), "--port", str(port), "--yes")
    assert "does not fit: its weights are 9216.0 GiB" in said
    assert "a smaller quantisation" in said


def test_a_window_that_does_not_fit_is_refused_with_one_that_does(place: Place, tmp_path: Path, port: int) -> None:
    big = tmp_path / "big.gguf"
    big.write_bytes(header(layers=4000, heads=64, kv_heads=64, width=65536, window=10_000_000))
    said = place.refused("up", "--model", str(big), "--window", "9000000", "--port", str(port), "--yes")
    assert "does not fit with a window of 9,000,000: weights 0 MiB and cache" in said
    assert "GiB free memory" in said


def header(*, layers: int, heads: int, kv_heads: int, width: int, window: int) -> bytes:
    """The beginning of a GGUF file with such a shape."""
    import struct

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    numbers = {
        "block_count": layers,
        "attention.head_count": heads,
        "attention.head_count_kv": kv_heads,
        "embedding_length": width,
        "context_length": window,
    }
    body = text("general.architecture") + struct.pack("<I", 8) + text("llama")
    for name, value in numbers.items():
        body += text(f"llama.{name}") + struct.pack("<II", 4, value)
    return b"GGUF" + struct.pack("<IQQ", 3, 0, 1 + len(numbers)) + body


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["loading", "checking"])
def test_whoever_stops_it_in_the_middle_leaves_nothing_running(
    place: Place, tiny: Path, port: int, number: signal.Signals, moment: str
) -> None:
    # a server that takes its time before it answers, or none: then it is stopped among the checks
    slow = ["sleep 60;"] if moment == "loading" else []
    script = " ".join([*slow, f"exec llama-server -m '{tiny}' --port {port} -c 65536"])
    argv = [sys.executable, "-m", "claude_local_plugin", "up", "--port", str(port), "--name", "slow", "--yes", "--"]
    running = subprocess.Popen(
        [*argv, "sh", "-c", script],
        env={**os.environ, "HOME": str(place.home), "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=place.project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert running.stdout is not None
    awaited = "✓ warm" if moment == "checking" else "enable  "
    said = ""
    while awaited not in said:
        line = running.stdout.readline()
        assert line, said
        said += line
    while not (kept := list(record.every(place.state))) or kept[0].pid is None:
        time.sleep(0.05)
    running.send_signal(number)
    said += running.communicate(timeout=60)[0]
    # CPython ends by SIGINT itself (130 to a shell) where the interruption fell into code that was made by exec
    assert running.returncode in (130, -signal.SIGINT), said
    assert "interrupted: nothing that was started is left running" in said
    assert "~/claude-local/slow" in said
    assert gone(kept[0].pid)
    assert list(record.every(place.state)) == []
    assert not place.local.exists()


def test_without_anybody_to_ask_nothing_is_started(place: Place, tiny: Path) -> None:
    assert "nobody can be asked here" in place.refused("up", "--model", str(tiny), code=2)
    gone_file = place.refused("up", "--model", str(tiny.with_name("misspelt.gguf")))
    assert "misspelt.gguf" in gone_file
    assert "--yes" not in gone_file  # which is not what is missing


def test_a_server_that_was_killed_is_started_again(place: Place, tiny: Path, port: int) -> None:
    first = place.json("up", "--model", str(tiny), "--port", str(port), "--yes")
    os.killpg(first["pid"], signal.SIGKILL)
    assert gone(first["pid"])
    second = place.json("up", "--model", str(tiny), "--port", str(port), "--yes")
    assert (second["started"], second["pid"] != first["pid"]) == (True, True)
    assert json.loads(place.local.read_text())["env"]["ANTHROPIC_BASE_URL"].endswith(str(port))
    place.ok("down")


def test_a_start_that_says_nothing_more_is_called_stuck_in_its_stage_and_stopped(place: Place, port: int) -> None:
    banner = "(APIServer pid=1) INFO 11-28 20:01:05 [api_server.py:2024] vLLM API server version 0.32.0"
    loading = "(EngineCore pid=9) INFO 11-28 20:01:25 [gpu_model_runner.py:5040] Starting to load model acme/coder..."
    script = f"echo '{banner}'; echo '{loading}'; sleep 60"
    request = up.Request(argv=("sh", "-c", script), name="slow", port=port, stuck_after=2.0)
    plan = up.plan(request, place.world())
    with pytest.raises(up.NotReadyError, match=r"has said nothing for .*, loading the weights, and was"):
        up.carry_out(plan, place.world(), Progress(err(), quiet=True), lambda _: None)
    assert list(record.every(place.state)) == []


def test_on_a_terminal_it_asks_once_and_keeps_to_80_columns(place: Place, tiny: Path, port: int) -> None:
    argv = [sys.executable, "-m", "claude_local_plugin", "up", "--model", str(tiny), "--port", str(port)]
    environ = {**os.environ, "HOME": str(place.home), "COLUMNS": "80", "LINES": "24"}
    environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    with Terminal(argv, cwd=place.project, environ=environ) as terminal:
        assert terminal.read_until(lambda: "Goon?" in terminal.text, 60)
        assert "✓" not in terminal.text  # nothing is done before
        terminal.type(b"y" + ENTER)
        assert terminal.read_until(lambda: "Nowrun:claude" in terminal.text, 120)
        drawn = plain(terminal._seen.decode())
    lines = [line.rpartition("\r")[2] for line in drawn.replace("\r\n", "\n").split("\n")]
    # a path is one word, which no line is broken in
    assert max(len(line) for line in lines if str(tiny) not in line) <= 80
    assert drawn.count("?") == 1
    assert f"loading the weights · {place.home}" not in drawn  # which is what stands in the server's log
    place.ok("down")
