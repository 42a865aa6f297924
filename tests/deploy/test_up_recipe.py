"""`claude-local up RECIPE`: what fits, each engine's files, and the whole way with a stand-in for what needs a GPU.

The stand-ins for `vllm` and `docker` start the real llama.cpp server with the tiny model, under the names and on the
port that the recipe's own files say; all else is as it would be.
"""

import os
import sys
from pathlib import Path

import pytest
import yaml

from claude_local_plugin.deploy import record
from tests.commands.place import Place
from tests.deploy.conftest import PROGRAM, gone

pytestmark = [pytest.mark.light_server, pytest.mark.timeout(300)]

RECIPE = ("qwen3-coder-next:fp8", "--hardware", "gb10")
NO_DAEMON = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"

#: `vllm serve MODEL --flag=value …`, as far as the recipe's command goes.
VLLM = """#!{python}
import os, sys
said = dict(word.partition("=")[::2] for word in sys.argv[3:])
port = said.get("--port") or os.environ.get("STAND_IN_PORT") or "8000"
names = sys.argv[sys.argv.index("--served-model-name") + 1]
argv = ["-m", {model!r}, "--alias", names, "--port", port, "-c", "65536", "--metrics"]
os.execv(sys.executable, [sys.executable, {program!r}, *argv])
"""

#: The docker command with an engine that keeps one container: the process that the compose file's command starts.
DOCKER = """#!{python}
import json, os, signal, subprocess, sys
state = {state!r}
words = sys.argv[1:]
with open(state + "/calls", "a") as calls:
    calls.write(os.getcwd() + ": " + " ".join(words) + "\\n")
def pid():
    try:
        number = int(open(state + "/pid").read())
        return number if open(f"/proc/{{number}}/stat").read().rpartition(")")[2].split()[0] not in "ZX" else None
    except OSError:
        return None
if words[:2] == ["compose", "up"]:
    import yaml
    (service,) = yaml.safe_load(open("compose.yml"))["services"].values()
    port = service["ports"][0].split(":")[1]
    with open(state + "/log", "wb") as log:
        child = subprocess.Popen(["vllm", "serve", *service["command"]], env={{**os.environ, "STAND_IN_PORT": port}},
                                 stdout=log, stderr=log, start_new_session=True)
    open(state + "/pid", "w").write(str(child.pid))
    child.returncode = 0
elif words[:2] == ["compose", "logs"]:
    os.execvp("tail", ["tail", "-n", "+1", *(["-f"] if "-f" in words else []), state + "/log"])
elif words[:2] == ["compose", "down"]:
    if pid():
        os.killpg(pid(), signal.SIGTERM)
elif words[:1] == ["inspect"]:
    print("true" if pid() else "false")
"""


@pytest.fixture
def stand_ins(tmp_path: Path, tiny: Path, place: Place) -> Path:
    """The folder of the programs on PATH."""
    return put(tmp_path / "bin", "vllm", VLLM.format(python=sys.executable, model=str(tiny), program=str(PROGRAM)))


def put(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)
    return folder


def test_what_fits_best_is_chosen_and_said_with_its_numbers(place: Place, stand_ins: Path, port: int) -> None:
    report = place.json("up", "--hardware", "gb10", "--engine", "command", "--port", str(port), "--dry-run")
    said = "\n".join(report["will"])
    assert "hardware    GB10" in said
    assert "fits best   " in said
    assert "also        " in said
    assert report["files"] == [f"{report['folder']}/serve.sh"]


def test_a_recipe_that_does_not_fit_is_refused_with_its_numbers(place: Place) -> None:
    said = place.refused("up", "minimax-m2.7", "--hardware", "rtx-4090", "--engine", "command", "--yes")
    assert "nothing of it fits on RTX 4090 (24 GB) by command; the nearest, minimax-m2.7:nvfp4: weights " in said
    assert "recipe fit lists what does" in said


def test_a_recipe_is_brought_up_by_its_own_script(place: Place, stand_ins: Path, port: int) -> None:
    report = place.json("up", *RECIPE, "--engine", "command", "--port", str(port), "--name", "spark", "--yes")
    assert (report["engine"], report["model"], report["started"]) == ("command", "qwen3-coder-next", True)
    script = place.home / "claude-local" / "spark" / "serve.sh"
    assert os.access(script, os.X_OK)
    assert "--tool-call-parser=qwen3_coder" in script.read_text()
    assert place.env()["ANTHROPIC_MODEL"] == "qwen3-coder-next"
    down = place.json("down")
    assert down["files"] == ["~/claude-local/spark/serve.sh"]
    assert gone(report["pid"])


def test_a_recipe_is_brought_up_by_compose_and_taken_down_by_it(
    place: Place, stand_ins: Path, tmp_path: Path, port: int
) -> None:
    state = tmp_path / "engine"
    state.mkdir()
    put(stand_ins, "docker", DOCKER.format(python=sys.executable, state=str(state)))
    report = place.json("up", *RECIPE, "--port", str(port), "--name", "spark", "--yes")
    assert (report["engine"], report["pid"], report["started"]) == ("docker", None, True)
    folder = place.home / "claude-local" / "spark"
    (service,) = yaml.safe_load((folder / "compose.yml").read_text())["services"].values()
    assert service["ports"] == [f"127.0.0.1:{port}:8000"]
    assert "loading model" in place.ok("logs").out
    assert place.json("up", *RECIPE, "--port", str(port), "--name", "spark", "--yes")["started"] is False
    assert place.json("down")["stopped"] is True
    calls = (state / "calls").read_text()
    assert f"{folder}: compose up -d\n" in calls
    assert f"{folder}: compose down\n" in calls
    assert calls.count("compose up") == 1


def test_a_container_that_ends_is_named_from_its_log_and_taken_down(
    place: Place, stand_ins: Path, tmp_path: Path, port: int
) -> None:
    state = tmp_path / "engine"
    state.mkdir()
    put(stand_ins, "docker", DOCKER.format(python=sys.executable, state=str(state)))
    line = "ValueError: Free memory on device cuda:0 (51.20/95.00 GiB) on startup is less than desired GPU memory"
    put(stand_ins, "vllm", f"#!/bin/sh\necho '{line} utilization (0.9, 85.50 GiB).' >&2\nexit 1\n")
    ended = place.ends(1, "up", *RECIPE, "--port", str(port), "--yes")
    assert "✗ log.gpu-busy  only 51.2 of 95 GiB of the GPU are free, and 85.5 are to be taken" in ended.err
    assert "--gpu-memory-utilization 0.51" in ended.err
    assert "compose down" in (state / "calls").read_text()
    folder = place.home / "claude-local" / "qwen3-coder-next-fp8"
    assert "Free memory on device" in (folder / "server.log").read_text()  # it would be gone with the container
    assert list(record.every(place.state)) == []


def test_docker_without_its_daemon_says_what_to_do(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "bin", "docker", f"#!/bin/sh\necho '{NO_DAEMON}' >&2\nexit 1\n")
    said = place.refused("up", *RECIPE, "--yes")
    assert "the container engine does not run here: docker ps says: Cannot connect to the Docker daemon" in said
    assert "hint: sudo systemctl start docker" in said


def test_the_real_docker_command_without_a_daemon_says_the_same(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = next((each for each in ("/usr/local/bin/docker", "/usr/bin/docker") if Path(each).exists()), None)
    if real is None:
        pytest.skip("no docker command: apt-get install docker-cli")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nowhere.sock")
    (tmp_path / "bin" / "docker").symlink_to(real)
    said = place.refused("up", *RECIPE, "--yes")
    assert "the container engine does not run here" in said


def test_an_engine_that_is_not_there_is_said(place: Place) -> None:
    assert "there is no podman on PATH" in place.refused("up", *RECIPE, "--engine", "podman", "--yes")


def test_podman_gets_a_quadlet(place: Place, tmp_path: Path, port: int) -> None:
    put(tmp_path / "bin", "podman", "#!/bin/sh\nexit 0\n")
    report = place.json("up", *RECIPE, "--engine", "podman", "--port", str(port), "--dry-run")
    (written,) = report["files"]
    assert written.endswith(".container")
    assert any("systemctl --user start" in line for line in report["will"])
