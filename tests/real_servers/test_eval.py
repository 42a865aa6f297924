"""The suite `smoke` through the real Claude Code on a real llama.cpp, and on a real vLLM, with the tiny model.

It greets whoever asks, and so passes the one task where nothing is to be done. What is seen here: the evaluation comes
to its end, and each trial is called what it was.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.evaluation import trial
from claude_local_plugin.evaluation.suite import suite
from claude_local_plugin.settings import schema
from tests.client.conftest import Person
from tests.evaluation.test_trial import left_behind
from tests.real_servers.light import NEEDED, llama, require

pytestmark = [pytest.mark.client, pytest.mark.real_server, pytest.mark.timeout(1800)]

MODEL = "tiny-qwen3"


@pytest.fixture
def person(home: Path, tmp_path: Path, claude_binary: Path) -> Person:
    try:
        trial.possible()
    except trial.NoBoxError as none:
        if os.environ.get("CI"):
            raise
        pytest.skip(none.message)
    (tmp_path / "project").mkdir()
    return Person(home, tmp_path / "project", claude_binary)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require(*NEEDED)
    from tests.real_servers.tiny_gguf import make

    return make(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture(scope="module")
def llama_cpp(tiny: Path) -> Iterator[str]:
    # the client's window is that of a slot
    with llama(tiny, window=131_072, slots=2) as running:
        yield running.url


def evaluated(person: Person, url: str, *words: str) -> Any:
    """The document of an evaluation there, of which no process and no folder is left."""
    ended = subprocess.run(
        [sys.executable, "-m", "claude_local_plugin", "eval", "--url", url, "--json", "--output", "r.jsonl", *words],
        cwd=person.project,
        env=person.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    document = json.loads(ended.stdout)
    assert [each for each in schema.problems(document, "eval") if each.severity == "error"] == []
    assert (document["ended"], document["broken"]) == (document["wanted"], 0)
    assert left_behind(url) == []
    return document


def smoke(person: Person, url: str, server: str) -> None:
    document = evaluated(person, url, "--parallel", "2")
    assert document["conditions"]["server"].startswith(server)
    assert {each["task"]: each["failure"] for each in document["trials"]} == {
        task.id: None if task.nothing_to_do else "no-change" for task in suite("smoke").tasks
    }
    assert document["pass_at_1"]["value"] == pytest.approx(1 / 6)
    assert [(each["kind"], each["count"]) for each in document["failures"]] == [("no-change", 5)]
    for each in document["trials"]:
        assert each["said"].endswith("Hello from the tiny model."), each
        assert (each["model"], each["turns"], each["calls"]) == (MODEL, 1, 0)
        assert each["tokens_in"] + each["tokens_cached"] > 1_000
        assert 5 <= each["tokens_out"] <= 20
        assert each["ttft_ms"] > 0
    shown = person.ours("eval", "--show", "r.jsonl").stdout
    assert "why not  5 × no change" in shown
    assert "pass@1   17 % (3 to 56)" in shown


def calls_and_never_ends(person: Person, url: str) -> None:
    """Tasks for which the tiny model has a call that is taken, and an answer without an end."""
    for name, prompt, tokens in (("calls", "RUN_BASH please.", 400_000), ("never-ends", "Count from one.", 8_500)):
        folder = person.project / "own" / name
        shutil.copytree(suite("smoke").tasks[0].folder.parent / "price-with-discount", folder)
        text = (folder / "task.toml").read_text()
        begin, end = text.index("prompt = "), text.index("tools = ")
        text = f"{text[:begin]}prompt = {json.dumps(prompt)}\n{text[end:]}"
        (folder / "task.toml").write_text(text.replace("400_000", str(tokens)))
    document = evaluated(person, url, "--suite", "own")
    calls, never_ends = document["trials"]
    assert (calls["failure"], calls["turns"], calls["calls"], calls["valid_calls"]) == ("no-change", 2, 1, 1)
    assert calls["said"].endswith("The tool has answered.")
    assert never_ends["failure"] == "tokens"
    # it was ended on the way, not when the server had enough
    assert 100 < never_ends["tokens_out"] < 6_000


@pytest.mark.light_server
def test_smoke_on_a_real_llama_cpp(person: Person, llama_cpp: str) -> None:
    smoke(person, llama_cpp, "llama.cpp")


@pytest.mark.light_server
def test_calls_and_limits_on_a_real_llama_cpp(person: Person, llama_cpp: str) -> None:
    calls_and_never_ends(person, llama_cpp)


@pytest.mark.light_server
def test_a_window_that_is_too_small_is_called_so_on_a_real_llama_cpp(person: Person, tiny: Path) -> None:
    with llama(tiny, window=4_096) as running:
        document = evaluated(person, running.url, "--tasks", "red-test")
    (only,) = document["trials"]
    assert (only["passed"], only["failure"]) == (False, "window")
    assert "too long" in only["reason"]


def test_smoke_on_a_real_vllm(person: Person, vllm: str) -> None:
    smoke(person, vllm, "vLLM")


def test_calls_and_limits_on_a_real_vllm(person: Person, vllm: str) -> None:
    calls_and_never_ends(person, vllm)
