"""What `recipe litellm` prints, typed: a real LiteLLM in front of real llama.cpp servers, with the real Claude Code."""

import contextlib
import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from claude_local_plugin.servers import State, identify
from claude_local_plugin.servers.metrics import read
from tests.client.conftest import Person
from tests.real_servers.conftest import LITELLM, MASTER_KEY, MODEL
from tests.real_servers.light import NEEDED, Running, llama, require
from tests.real_servers.start_vllm import end, free_port
from tests.recipes.monitored import prometheus, until

pytestmark = [pytest.mark.real_server, pytest.mark.client, pytest.mark.timeout(1800)]

#: What LiteLLM itself says of a file: its model of the whole, of each deployment, and its router made of it.
LOAD = """
import sys, yaml
from litellm import Router
from litellm.proxy._types import ConfigYAML
from litellm.types.router import LiteLLM_Params
data = yaml.safe_load(open(sys.argv[1]))
ConfigYAML(**data)
for each in data["model_list"]:
    LiteLLM_Params(**each["litellm_params"])
router = Router(model_list=data["model_list"], **data["router_settings"])
print(sorted(router.get_model_names()))
"""


@pytest.fixture
def person(home: Path, project: Path, claude_binary: Path) -> Person:
    if not LITELLM:
        pytest.skip("no real LiteLLM: set CLAUDE_LOCAL_TEST_LITELLM to its command")
    return Person(home, project, claude_binary, {"LITELLM_MASTER_KEY": MASTER_KEY})


@contextlib.contextmanager
def llamas(folder: Path, count: int) -> Iterator[list[Running]]:
    require(*NEEDED)
    from tests.real_servers.tiny_gguf import make

    model = make(folder / "tiny.gguf")
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(llama(model, slots=2, window=131_072)) for _ in range(count)]


def rendered(person: Person, folder: Path, *backends: str) -> tuple[str, dict[str, str]]:
    """The recipe, written into the folder; the proxy's address, and the commands that were printed, by their use."""
    url = f"http://localhost:{free_port()}"
    asked = [word for backend in backends for word in ("--backend", backend)]
    said = person.ours("recipe", "litellm", *asked, "--metrics", "--url", url, "--output", str(folder)).stderr
    steps = {match[1].strip(): match[2] for match in re.finditer(r"^(install|its key|start|then) +(.*)$", said, re.M)}
    return url, steps


@contextlib.contextmanager
def started(url: str, folder: Path, start: str) -> Iterator[None]:
    """The proxy, by the printed line."""
    environment = {"HOME": str(folder), "PATH": f"{Path(str(LITELLM)).parent}:/usr/bin:/bin"}
    environment["LITELLM_MASTER_KEY"] = MASTER_KEY
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            ["/bin/bash", "-c", f"exec env {start}"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + 400
        while time.monotonic() < until and running.poll() is None:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/health/liveliness", timeout=2):
                yield
                return
            time.sleep(0.5)
        raise RuntimeError(f"LiteLLM is not ready:\n{(folder / 'log').read_text(errors='replace')[-2000:]}")
    finally:
        end(running)


def tokens(servers: Sequence[Running]) -> list[float]:
    """How many prompt tokens each of them has worked on; 0 for one that is gone."""
    found = []
    for server in servers:
        try:
            with urllib.request.urlopen(f"{server.url}/metrics", timeout=5) as answer:
                metrics = read(answer.read().decode())
        except OSError:
            metrics = None
        found.append((metrics.prompt_tokens or 0.0) if metrics else 0.0)
    return found


def typed(person: Person, url: str, line: str) -> None:
    """The printed line that points sessions at the proxy, once that is quick enough to be asked."""
    until = time.monotonic() + 120
    while identify(url, token=MASTER_KEY).state is not State.READY:
        assert time.monotonic() < until, "LiteLLM does not answer within three seconds"
    assert identify(url, token=MASTER_KEY, timeout=60).kind == "litellm"
    *before, last = line.split(" && ")
    for each in before:
        person.ours(*each.split()[1:])
    person.ours(*last.split()[1:], "--yes")


def session(person: Person) -> subprocess.CompletedProcess[str]:
    """A session of two requests: the model calls a tool, and says that it has answered."""
    return person.session("RUN_BASH please", "--allowedTools", "Bash")


def test_litellm_itself_loads_what_is_written(person: Person, tmp_path: Path) -> None:
    with llamas(tmp_path, 2) as (one, two):
        rendered(person, tmp_path, one.url, f"haiku={two.url}")
    ended = subprocess.run(
        [str(Path(str(LITELLM)).with_name("python")), "-c", LOAD, str(tmp_path / "litellm.yaml")],
        env={"LITELLM_LOCAL_MODEL_COST_MAP": "True", "HOME": str(tmp_path), "PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert f"'{MODEL}'" in ended.stdout
    assert f"'{MODEL}-haiku'" in ended.stdout


def test_a_session_stays_on_one_replica_and_goes_on_where_one_is_dead(person: Person, tmp_path: Path) -> None:
    with llamas(tmp_path, 2) as servers:
        url, steps = rendered(person, tmp_path, ",".join(server.url for server in servers))
        with started(url, tmp_path, steps["start"]):
            typed(person, url, steps["then"])
            for _ in range(4):
                before = tokens(servers)
                ended = session(person)
                assert "The tool has answered." in ended.stdout, ended
                grown = [later > earlier for earlier, later in zip(before, tokens(servers), strict=True)]
                assert grown.count(True) == 1, "the requests of one session went to several replicas"
            servers[0].stop()
            for _ in range(3):
                assert "The tool has answered." in session(person).stdout
            servers[1].stop()
            ended = session(person)
            assert ended.returncode == 1
            assert "API Error" in ended.stdout, ended


def test_a_tier_has_its_own_server_and_the_other_one_takes_over(person: Person, tmp_path: Path) -> None:
    with llamas(tmp_path, 2) as servers:
        large, small = servers
        url, steps = rendered(person, tmp_path, large.url, f"haiku={small.url}")
        with started(url, tmp_path, steps["start"]):
            typed(person, url, steps["then"])
            for model, moved in (("haiku", [False, True]), ("opus", [True, False]), ("claude-opus-5-5", [True, False])):
                before = tokens(servers)
                ended = person.session("ping", "--model", model)
                assert "Hello from the tiny model." in ended.stdout, ended
                assert [later > earlier for earlier, later in zip(before, tokens(servers), strict=True)] == moved
            large.stop()
            for model in ("opus", "claude-opus-5-5", "haiku"):
                assert "Hello from the tiny model." in person.session("ping", "--model", model).stdout


@pytest.mark.programs
def test_a_real_prometheus_reads_its_metrics_and_sees_a_dead_replica(person: Person, tmp_path: Path) -> None:
    with llamas(tmp_path, 2) as servers:
        url, steps = rendered(person, tmp_path, ",".join(server.url for server in servers))
        with started(url, tmp_path, steps["start"]):
            typed(person, url, steps["then"])
            asked = ("--backend", f"{url},{servers[1].url}", "--token-env", "LITELLM_MASTER_KEY")
            said = person.ours("recipe", "prometheus", *asked, "--output", str(tmp_path / "mon")).stderr
            assert "!" not in said
            config = tmp_path / "mon" / "prometheus.yml"
            config.write_text(config.read_text(encoding="utf-8").replace("15s", "1s"), encoding="utf-8")
            servers[0].stop()
            with prometheus(tmp_path, config) as ask:
                until(lambda: len(ask('up{job="claude-local"} == 1')) == 2)
                for _ in range(6):  # until one of them met the dead replica
                    assert "The tool has answered." in session(person).stdout
                down = f'litellm_deployment_state{{api_base=~"{servers[0].url}.*"}} == 2'
                until(lambda: bool(ask(down)))
                until(lambda: bool(ask('ALERTS{alertname="GatewayReplicaDown"}')))
                assert ask(f'litellm_deployment_state{{api_base=~"{servers[1].url}.*"}} == 2') == []
