"""A real LiteLLM in front of real llama.cpp servers, some of which are dead: no torch is needed for these."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from claude_local_plugin.servers import State, identify
from claude_local_plugin.servers.examination import SearchVerdict, examine
from tests.commands.place import Place
from tests.real_servers.conftest import MASTER_KEY, MODEL, run_litellm
from tests.real_servers.light import NEEDED, Running, llama, require
from tests.real_servers.start_vllm import free_port

pytestmark = [pytest.mark.real_server, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def alive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    require(*NEEDED)
    from tests.real_servers.tiny_gguf import make

    with llama(make(tmp_path_factory.mktemp("tiny") / "tiny.gguf")) as running:
        yield running


@pytest.fixture
def place(home: Path, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("SERVER_KEY", MASTER_KEY)
    return Place(home, project, capsys)


def test_one_dead_deployment_is_named_and_no_request_is_blamed_for_it(
    place: Place, alive: Running, tmp_path: Path
) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    with run_litellm(tmp_path, f"anthropic {alive.url}", f"anthropic {dead}") as url:
        server = identify(url, token=MASTER_KEY, timeout=60)
        assert (server.kind, server.state, server.dead) == ("litellm", State.READY, (dead,))
        assert server.problem == f"cannot reach 1 of its 2 deployments: {dead} refuses connections, as seen from here"
        said = place.ok("enable", "--url", url, "--token-env", "SERVER_KEY", "--yes", "--max-model-len", "65536").all
        assert f"cannot reach 1 of its 2 deployments: {dead}" in said
        findings = place.json("doctor", "--deep", "server", "model", code=1)["findings"]
    for finding in findings:
        if "Cannot connect to host" in finding["what"]:
            assert "refused" not in finding["what"].split("litellm.")[0]
            assert finding["fix"] == f"start what refuses connections: {dead}"
        assert "the vLLM" not in str(finding["fix"])


def test_llama_cpp_behind_it_searches_nothing(alive: Running, tmp_path: Path) -> None:
    with run_litellm(tmp_path, f"anthropic {alive.url}") as url:
        facts = examine(url, MODEL, token=MASTER_KEY, kind="litellm", timeout=300)
    assert facts.web_search is not None
    assert facts.web_search.verdict is SearchVerdict.MADE_UP


def test_a_litellm_whose_deployments_are_all_dead_is_an_error_that_names_them(place: Place, tmp_path: Path) -> None:
    dead = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
    with run_litellm(tmp_path, *(f"hosted_vllm {base}/v1" for base in dead)) as url:
        server = identify(url, token=MASTER_KEY, timeout=60)
        assert set(server.dead) == set(dead)
        assert (server.problem or "").startswith("cannot reach any of its deployments: ")
        place.ok("enable", "--url", url, "--token-env", "SERVER_KEY", "--yes")
        finding = place.json("doctor", "server.ready", code=1)["findings"][0]
        assert finding["result"] == "error"
        assert all(base in finding["what"] for base in dead)
        assert place.run("warmup").code == 1
