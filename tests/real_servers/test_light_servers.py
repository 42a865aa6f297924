"""The real llama.cpp server (plain, with a key, with four slots) and the real vllm-router before two of them."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from claude_local_plugin.bench import Workload, advise, measure
from claude_local_plugin.bench.measure import Target
from claude_local_plugin.bench.report import report
from claude_local_plugin.servers import State, identify
from claude_local_plugin.servers.examination import SearchVerdict, ToolVerdict, examine
from claude_local_plugin.servers.messages import Reply, ask, conversation, run
from claude_local_plugin.servers.metrics import SEVERAL
from claude_local_plugin.settings import schema
from tests.commands.place import Place
from tests.real_servers.light import NEEDED, Running, llama, require, router

pytestmark = [pytest.mark.light_server, pytest.mark.timeout(600)]

MODEL, KEY = "tiny-qwen3", "sk-own-key"
SMALL = Workload(600, 2, 8, (1, 2))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require(*NEEDED)
    from tests.real_servers.tiny_gguf import make

    return make(tmp_path_factory.mktemp("tiny") / "tiny qwen.gguf")


@pytest.fixture(scope="module")
def plain(model: Path) -> Iterator[Running]:
    with llama(model) as running:
        yield running


@pytest.fixture(scope="module")
def keyed(model: Path) -> Iterator[Running]:
    with llama(model, key=KEY) as running:
        yield running


@pytest.fixture
def place(home: Path, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Place:
    """The command line in an empty project, with an empty home and no `claude` on PATH."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return Place(home, project, capsys)


def asked(url: str, text: str, *, stream: bool = True, max_tokens: int = 40, token: str | None = None) -> Reply:
    body = conversation(MODEL, [{"role": "user", "content": text}], max_tokens=max_tokens, stream=stream)
    return ask(url, body, token=token, timeout=120)


# --- llama.cpp


def test_a_real_llama_cpp_is_recognised_with_its_window_slots_and_file(plain: Running, model: Path) -> None:
    server = identify(plain.url, timeout=30)
    assert (server.kind, server.state, server.speaks_messages, server.problem) == ("llama.cpp", State.READY, True, None)
    assert [(each.name, each.max_model_len) for each in server.models] == [(MODEL, 65_536)]
    assert (server.slots, server.model_file, server.needs_key) == (1, str(model), False)
    assert server.version


def test_a_real_llama_cpp_passes_the_examination(plain: Running) -> None:
    facts = examine(plain.url, MODEL, kind="llama.cpp", timeout=120)
    refused = [each.name for each in facts.exchanges if not each.accepted]
    assert [name for name in refused if not name.startswith("image-")] == []
    assert facts.web_search is not None
    assert facts.web_search.verdict is SearchVerdict.MADE_UP  # it takes the tool and searches nothing
    assert facts.images is not None
    assert "mmproj" in (facts.images.refusal or "")  # the model has no eyes, and the server says so
    assert facts.tools is not None
    assert facts.tools.verdict is ToolVerdict.PARSED
    assert facts.silent == ()
    assert facts.not_comparable is None
    assert facts.cache is not None
    assert facts.cache.reuse is not None
    assert facts.cache.reuse.share > 0.5


def test_the_commands_work_with_a_real_llama_cpp(place: Place, plain: Running) -> None:
    said = place.ok("enable", "--url", plain.url, "--yes").all
    assert "llama.cpp" in said
    assert place.env()["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "65536"
    findings = {
        each["id"]: each for each in place.ends(1, "doctor", "--deep", "--json", "server", "model").json["findings"]
    }
    assert findings["server.ready"]["result"] == "ok"
    assert findings["model.tool-calls"]["result"] == "ok"
    assert findings["model.served"]["what"] == "llama.cpp answers to every name with the model it has"
    assert "vllm" not in json.dumps(findings).lower()
    assert place.ok("warmup", "--json").json["ok"] is True
    measured = place.ok(
        "bench", "--json", "--prompt-tokens", "600", "--turns", "2", "--answer-tokens", "8", "--concurrency", "1,2"
    ).json
    assert (measured["spoiled"], measured["not_comparable"]) == ([], None)
    assert measured["server"]["kind"] == "llama.cpp"
    assert "running" in place.ok("watch", "--once", "--interval", "0.2").out


def test_the_time_per_token_is_from_the_first_token_to_the_end(plain: Running) -> None:
    reply = asked(plain.url, "Count from one on.", max_tokens=64)
    assert reply.ok
    assert reply.usage.output == 64
    assert reply.ttft is not None
    assert reply.ended is not None
    assert reply.seconds_per_token == pytest.approx((reply.ended - reply.ttft) / 63)


@pytest.mark.client
@pytest.mark.parametrize("allowed", [True, False])
def test_what_the_model_makes_up_is_no_search_result(
    place: Place, plain: Running, claude_binary: Path, allowed: bool
) -> None:
    """Without the rule a session takes the model's own words for what was found on the web."""
    place.ok("enable", "--url", plain.url, "--yes", *(["--web-search"] if allowed else []))
    told = ["-p", "SEARCH_WEB please", "--tools", "WebSearch,Read", "--allowedTools", "WebSearch"]
    environment = {"HOME": str(place.home), "PATH": "/usr/bin:/bin", "ENABLE_TOOL_SEARCH": "false"}
    ended = subprocess.run(
        [str(claude_binary), *told, "--output-format", "stream-json", "--verbose"],
        env=environment, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert ended.returncode == 0
    found = "Web search results for query" in ended.stdout and "Hello from the tiny model." in ended.stdout
    assert found is allowed


# --- a key guards everything but the list of models and the health


def test_a_real_key_is_seen_whether_or_not_the_list_of_models_is_open(keyed: Running) -> None:
    without, wrong = identify(keyed.url, timeout=30), identify(keyed.url, token="sk-wrong", timeout=30)
    assert {each.name for each in without.models} <= {MODEL}  # builds differ in whether the key guards the list, too
    assert (without.kind, without.state, without.needs_key) == ("llama.cpp", State.NEEDS_KEY, True)
    assert (wrong.state, wrong.key_accepted) == (State.WRONG_KEY, False)
    assert "Invalid API Key" in (wrong.problem or "")
    right = identify(keyed.url, token=KEY, timeout=30)
    assert (right.state, right.needs_key, right.key_accepted, right.slots) == (State.READY, True, True, 1)


def test_enable_asks_for_that_key_and_writes_nothing_without_it(
    place: Place, keyed: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "asks for a key" in place.refused("enable", "--url", keyed.url, "--yes")
    assert not place.local.exists()
    monkeypatch.setenv("SERVER_KEY", KEY)
    place.ok("enable", "--url", keyed.url, "--token-env", "SERVER_KEY", "--yes")
    said = place.json("doctor", "server.ready", "credentials.key")
    assert [each["result"] for each in said["findings"]] == ["ok", "ok"]
    assert place.ok("warmup", "--json").json["ok"] is True


# --- small windows and slots


def test_four_slots_share_the_window(model: Path) -> None:
    with llama(model, window=16_384, slots=4) as running:
        server = identify(running.url, timeout=30)
    assert (server.slots, [each.max_model_len for each in server.models]) == (4, [4_096])


def test_an_answer_that_outgrows_the_window_ends_with_the_servers_own_words(model: Path) -> None:
    with llama(model, window=1_024) as running:
        reply = asked(running.url, "Count from one on.", max_tokens=4_000)
        long = asked(running.url, "word " * 3_000, stream=False)
    assert reply.text.startswith(("<think>", "one"))
    if reply.error is None:  # a build that ends it in order
        assert reply.stop_reason == "max_tokens"
    else:
        assert "ontext" in reply.error.message
    assert long.error is not None
    assert "context" in long.error.message


# --- a router before two of them


@pytest.fixture(scope="module")
def two(model: Path) -> Iterator[tuple[Running, Running, Running]]:
    require("vllm_router")
    with llama(model) as one, llama(model) as other, router(model.parent, one.url, other.url) as before:
        for _ in range(3):
            assert asked(one.url, "word " * 2_000).ok
        yield one, other, before


def test_a_real_router_is_known_for_what_it_is(two: tuple[Running, Running, Running]) -> None:
    one, other, before = two
    server = identify(before.url, timeout=30)
    assert (server.kind, server.engine, server.state, server.problem) == ("vllm-router", "llama.cpp", State.READY, None)
    assert set(server.members) == {one.url, other.url}
    assert [(each.name, each.max_model_len) for each in server.models] == [(MODEL, 65_536)]


def test_what_a_routers_replicas_count_is_no_figure(place: Place, two: tuple[Running, Running, Running]) -> None:
    _, _, before = two
    _, doubt = run(lambda client: client.steady(looks=6), before.url)
    found = measure(Target(before.url, MODEL, kind="vllm-router"), SMALL)
    # now and then the router sends a request over a connection that the server behind it has just closed, and says so
    assert [each for each in found.spoiled if "Backend request failed: error sending request" not in each.problem] == []
    for level in found.levels:
        sent = sum(turn.prompt_tokens or 0 for turn in level.turns)
        assert level.reused is None or level.reused <= (level.looked_up or 0) <= 2 * sent + 512
    assert schema.problems(report(found, advise(found), None, at="2026-01-01T00:00:00Z"), "bench") == ()
    place.ok("enable", "--url", before.url, "--yes")
    facts = examine(before.url, MODEL, kind="vllm-router", timeout=120)
    assert facts.tools is not None
    assert facts.tools.verdict is ToolVerdict.PARSED
    assert facts.cache is None or facts.cache.reuse is None or facts.cache.reuse.of < 20_000
    if doubt is not None:  # a router that hands /metrics around; others always ask the first
        assert doubt == SEVERAL
        assert "not comparable" in place.ok("watch", "--once", "--interval", "0.2").out


def test_a_router_with_one_dead_worker_is_degraded_and_names_it(place: Place, model: Path) -> None:
    require("vllm_router")
    with llama(model) as one, llama(model) as other, router(model.parent, one.url, other.url) as before:
        place.ok("enable", "--url", before.url, "--yes")
        one.stop()
        server = identify(before.url, timeout=30)
        assert (server.kind, server.state, server.dead) == ("vllm-router", State.READY, (one.url,))
        assert server.problem == (f"cannot reach 1 of its 2 workers: {one.url} refuses connections, as seen from here")
        finding = place.json("doctor", "server.ready", code=1)["findings"][0]
        assert (finding["result"], one.url in finding["what"]) == ("warning", True)
        other.stop()
        gone = identify(before.url, timeout=30)
        assert (gone.state, gone.usable) == (State.ERROR, False)
        assert "cannot reach any of its workers" in (gone.problem or "")
