"""What real servers answered in many states, replayed: each is known for what it is, and its own words are kept."""

import json
from collections.abc import Callable
from functools import partial

import pytest

from claude_local_plugin.servers import ServedModel, State
from claude_local_plugin.servers import identify as identify_in_time
from claude_local_plugin.servers.answers import Answer, Failure
from claude_local_plugin.servers.recognise import members_of, recognise, to_knock_at
from claude_local_plugin.servers.words import cleaned, own_words
from tests.looped import looped

from .conftest import ANSWERS, Recorded, Replay, Said, StartReplay

identify = partial(identify_in_time, timeout=30)
Play = Callable[..., Replay]


@pytest.fixture
def play(replay: StartReplay) -> Play:
    """Replays a folder of recorded answers, its POST answers too, with `table` over it."""

    def start(folder: str, table: dict[tuple[str, str], Recorded | Said] | None = None) -> Replay:
        known: dict[tuple[str, str], Recorded | Said] = {}
        for path in sorted((ANSWERS / folder).glob("*.txt")):
            recorded = Recorded.read(path)
            if path.stem != "notfound":
                known[recorded.method, recorded.path] = recorded
        return replay(folder, known | (table or {}))

    return start


@pytest.mark.parametrize(
    ("folder", "token", "kind", "state", "version", "speaks", "models"),
    [
        ("vllm-0.33", None, "vllm", State.READY, "0.33.0", True, [("tiny-qwen3", 65_536)]),
        ("vllm-0.33-no-key", None, "vllm", State.NEEDS_KEY, "0.33.0", None, []),
        ("vllm-0.33-no-key", "sk-no", "vllm", State.WRONG_KEY, "0.33.0", None, []),
        ("vllm-0.33-rust", None, "vllm", State.READY, "0.33.0", False, [("tiny-qwen3", 65_536)]),
        ("llama.cpp-4-slots", None, "llama.cpp", State.READY, "b1-7e4c0a9", True, [("tiny-key", 16_384)]),
        ("llama.cpp-api-key", None, "llama.cpp", State.NEEDS_KEY, None, None, [("tiny-key", 16_384)]),
        ("llama.cpp-api-key", "no", "llama.cpp", State.WRONG_KEY, None, None, [("tiny-key", 16_384)]),
        ("litellm-1.110", "sk-lab", "litellm", State.READY, "1.110.2", True, [("tiny-qwen3", None)]),
        ("litellm-1.110-window", "sk-lab", "litellm", State.READY, "1.110.2", True, [("tiny-qwen3", 65_536)]),
        ("litellm-1.110-no-key", None, "litellm", State.NEEDS_KEY, None, True, []),
        ("claude-code-router", None, "claude-code-router", State.READY, None, True, []),
        ("portkey", None, "portkey", State.ERROR, None, None, []),
        ("transformers", None, "transformers", State.READY, None, False, []),
        ("transformers-empty", None, "transformers", State.READY, None, False, []),
        ("vllm-router-vllm", None, "vllm-router", State.READY, "0.33.0", True, [("tiny-qwen3", 65_536)]),
        ("vllm-router-llama.cpp", None, "vllm-router", State.READY, "b1-7e4c0a9", True, [("tiny-qwen3", 65_536)]),
        ("vllm-router-dead", None, "vllm-router", State.ERROR, None, False, []),
    ],
)
def test_a_recorded_server_is_known_for_what_it_is(
    play: Play,
    folder: str,
    token: str | None,
    kind: str,
    state: State,
    version: str | None,
    speaks: bool | None,
    models: list[tuple[str, int | None]],
) -> None:
    server = identify(play(folder).url, token=token)
    assert (server.kind, server.state, server.speaks_messages) == (kind, state, speaks), server
    assert server.version == version
    assert [(model.name, model.max_model_len) for model in server.models] == models


def test_a_key_that_guards_all_but_the_list_of_models_is_seen_with_the_right_key_too(play: Play) -> None:
    guarded = play("llama.cpp-api-key")
    server = identify(guarded.url)
    assert (server.needs_key, server.key_accepted, server.problem) == (True, None, "asks for a key")
    wrong = identify(guarded.url, token="sk-no")
    assert wrong.problem == "does not accept the key (401): “Invalid API Key”"

    answers = {
        "models": Answer(200, {"server": "llama.cpp"}, b'{"data":[{"id":"m","owned_by":"llamacpp"}]}'),
        "messages": Answer(404, {}, b"{}"),
        "models_without_token": Answer(200, {}, b'{"data":[{"id":"m"}]}'),
        "messages_without_token": Answer(401, {}, b"{}"),
        "count_tokens": Answer(500, {}, b"'messages' is required"),
    }
    right = recognise("http://box:8080", answers, token_sent=True)
    assert (right.state, right.needs_key, right.key_accepted) == (State.READY, True, True)


def test_a_key_that_guards_the_posting_route_alone_is_asked_for() -> None:
    answers = {
        "models": Answer(200, {}, b'{"data":[{"id":"m","owned_by":"vllm","max_model_len":9}]}'),
        "messages": Answer(405, {"allow": "POST"}, b""),
        "count_tokens": Answer(401, {}, b'{"error":"Unauthorized"}'),
    }
    assert recognise("http://box", answers).state is State.NEEDS_KEY


@pytest.mark.parametrize("sent", [False, True])
def test_a_proxy_that_refuses_get_alone_asks_for_no_key(sent: bool) -> None:
    answers = {
        "models": Answer(200, {}, b'{"data":[{"id":"m","owned_by":"vllm","max_model_len":9}]}'),
        "messages": Answer(403, {}, b"forbidden"),
        "messages_without_token": Answer(403, {}, b"forbidden"),
        "count_tokens": Answer(400, {}, b"body.messages: Field required"),
    }
    server = recognise("http://box", answers, token_sent=sent)
    assert (server.state, server.needs_key, server.speaks_messages) == (State.READY, False, True)


def test_an_error_of_litellms_on_another_route_is_no_question_for_a_key() -> None:
    answers = {
        "liveliness": Answer(200, {}, b'"I\'m alive!"'),
        "models": Answer(200, {}, b'{"data":[{"id":"m"}]}'),
        "messages": Answer(405, {}, b""),
        "count_tokens": Answer(500, {}, b"Internal Server Error"),
    }
    assert recognise("http://box", answers).state is State.READY


def test_a_frontend_that_says_501_is_believed_with_its_own_words(play: Play) -> None:
    server = identify(play("vllm-0.33-rust").url)
    assert not server.usable
    assert server.problem == (
        "does not answer /v1/messages: “POST /v1/messages/count_tokens is not supported by the Rust frontend yet. Set"
        " VLLM_USE_RUST_FRONTEND=0 to use the Python frontend.”"
    )


def test_a_server_that_only_does_not_count_tokens_has_the_messages_api(play: Play) -> None:
    missing = Said(400, '{"error":{"message":"body.messages: Field required"}}')
    server = identify(play("vllm-0.33-rust", {("POST", "/v1/messages"): missing}).url)
    assert (server.kind, server.speaks_messages, server.problem) == ("vllm", True, None)


@pytest.mark.parametrize("owner", ["vllm", "vllm-frontend-rs", "vllm-ascend", "VLLM"])
@pytest.mark.parametrize("version", [{"version": "0.33.0"}, {"version": "0.34.0", "rust_frontend_version": "1"}])
def test_no_sign_of_a_vllm_is_an_exact_equality(replay: StartReplay, owner: str, version: dict[str, str]) -> None:
    row = {"id": "m", "owned_by": owner, "max_model_len": 40_000}
    table: dict[tuple[str, str], Recorded | Said] = {
        ("GET", "/v1/models"): Said(200, json.dumps({"data": [row]})),
        ("GET", "/version"): Said(200, json.dumps(version)),
        ("GET", "/v1/messages"): Said(405, ""),
    }
    server = identify(replay(table=table).url)
    assert (server.kind, server.version, server.usable) == ("vllm", version["version"], True)


def test_an_owner_that_merely_begins_alike_is_another(replay: StartReplay) -> None:
    table: dict[tuple[str, str], Recorded | Said] = {
        ("GET", "/v1/models"): Said(200, '{"data":[{"id":"m","owned_by":"vllmware"}]}'),
        ("GET", "/v1/messages"): Said(405, ""),
    }
    assert identify(replay(table=table).url).kind == "anthropic-compatible"


def test_a_vllm_whose_list_is_guarded_in_another_shape_is_known_by_its_metrics(replay: StartReplay) -> None:
    table: dict[tuple[str, str], Recorded | Said] = {
        ("GET", "/v1/models"): Said(401, "missing bearer token"),
        ("GET", "/v1/messages"): Said(401, "missing bearer token"),
        ("GET", "/metrics"): Said(200, "# HELP x\nvllm:num_requests_running 0\n"),
    }
    server = identify(replay(table=table).url)
    assert (server.kind, server.state) == ("vllm", State.NEEDS_KEY)


def test_an_adapter_has_the_window_of_the_model_it_belongs_to(play: Play) -> None:
    server = identify(play("vllm-0.33-lora").url, token="sk-key")
    assert server.models == (
        ServedModel("claude-sonnet-local", 16_384, "/models/models/hermes"),
        ServedModel("second-name", 16_384, "/models/models/hermes"),
        ServedModel("my-lora", 16_384, "/models/models/lora", "claude-sonnet-local"),
    )


@pytest.mark.parametrize(
    ("folder", "slots", "tokens", "concurrency", "file"),
    [
        ("llama.cpp-4-slots", 4, None, None, "models/tiny-hermes.gguf"),
        ("vllm-0.33", None, 1_048_576, 16.0, None),
        ("vllm-0.33-rust", None, None, None, None),
        ("vllm-router-llama.cpp", 4, None, None, "models/tiny-hermes.gguf"),
    ],
)
def test_how_much_fits_at_once_is_read_where_it_is_told(
    play: Play, folder: str, slots: int | None, tokens: int | None, concurrency: float | None, file: str | None
) -> None:
    server = identify(play(folder).url)
    assert (server.slots, server.kv_cache_tokens, server.kv_cache_concurrency) == (slots, tokens, concurrency)
    assert server.model_file == file


# --- gateways and routers


def test_a_router_tells_what_is_behind_it(play: Play) -> None:
    one, other = identify(play("vllm-router-vllm").url), identify(play("vllm-router-llama.cpp").url)
    assert (one.engine, one.behaves_as) == ("vllm", "vllm")
    assert (other.engine, other.behaves_as) == ("llama.cpp", "llama.cpp")


def workers(*urls: str) -> Said:
    return Said(200, json.dumps({"workers": [{"url": url, "is_healthy": True} for url in urls]}))


def test_a_router_whose_first_worker_is_dead_is_degraded_and_names_it(play: Play, closed: str) -> None:
    lost = Recorded.read(ANSWERS / "vllm-router-dead" / "models.txt")
    with_one = play("vllm-router-vllm")
    table: dict[tuple[str, str], Recorded | Said] = {("GET", "/v1/models"): lost}
    table["GET", "/workers"] = workers(with_one.url, closed)
    server = identify(play("vllm-router-vllm", table).url)
    assert (server.kind, server.state, server.usable) == ("vllm-router", State.READY, True)
    assert server.dead == (closed, "http://127.0.0.1:8085")
    assert server.problem == (
        f"cannot reach 2 of its 3 workers: {closed}, http://127.0.0.1:8085 refuse connections, as seen from here"
    )


def test_a_router_that_reaches_nobody_says_so_in_its_own_words(play: Play) -> None:
    server = identify(play("vllm-router-dead").url)
    assert server.problem == (
        "cannot reach any of its workers: “Request failed: error sending request for url"
        " (http://127.0.0.1:8085/v1/models)”"
    )


@pytest.mark.parametrize(
    ("dead", "alive", "expected"),
    [(1, 0, "cannot reach any of its deployments: "), (2, 0, "any of its"), (1, 1, "1 of its 2 "), (0, 2, None)],
)
def test_litellms_deployments_that_refuse_connections_are_named(
    play: Play, closed: str, dead: int, alive: int, expected: str | None
) -> None:
    there = play("vllm-0.33").url
    bases = [f"{closed}/v1", f"{closed.replace('127.0.0.1', 'localhost')}/v1"][:dead]
    bases += [f"{there}/v1", f"{there.replace('127.0.0.1', 'localhost')}/v1"][:alive]
    rows = [{"model_name": "m", "litellm_params": {"api_base": base}} for base in bases]
    table: dict[tuple[str, str], Recorded | Said] = {("GET", "/v1/model/info"): Said(200, json.dumps({"data": rows}))}
    server = identify(play("litellm-1.110", table).url, token="sk-lab")
    assert server.state is State.READY
    assert len(server.members) == dead + alive
    assert len(server.dead) == dead
    assert (expected is None) is (server.problem is None)
    assert (expected or "") in (server.problem or "")


def test_doors_are_knocked_at_only_where_they_are_the_gateways_own() -> None:
    members = ("http://127.0.0.1:8000", "http://box:8001", "http://192.168.1.5:8000", "https://api.openai.com")
    assert to_knock_at("http://localhost:4000", members) == members[:3]
    assert to_knock_at("http://box:4000", members) == ("http://box:8001",)
    assert to_knock_at("http://localhost:4000", ("http://api.anthropic.com",)) == ()


def test_addresses_that_are_none_are_no_members() -> None:
    bases = [
        None,
        7,
        "",
        "box:8000",
        "ftp://box",
        "http://[::1",
        "http://box:99999x",
        "http://a\x1b[2Jb",
        "http://x/v1",
    ]
    rows = [{"litellm_params": {"api_base": base}} for base in bases] + ["no row", {"litellm_params": None}]
    answers = {
        "liveliness": Answer(200, {}, b'"I\'m alive!"'),
        "model_info": Answer(200, {}, json.dumps({"data": rows}).encode()),
    }
    assert members_of("http://localhost:4000", answers) == ("http://x",)


def test_portkeys_own_words_are_shown(play: Play) -> None:
    assert identify(play("portkey").url).problem == (
        "needs a header that names where to go: “Either x-portkey-config or x-portkey-provider header is required”"
    )


@looped(
    ("body", "shown"),
    [
        (b'{"error":{"message":"Model  not\\u001b[2J found"}}', "answers 500 to /v1/models: “Model not [2J found”"),
        (b"Internal Server Error", "answers 500 to /v1/models: “Internal Server Error”"),
        (b"<html><body>Oops</body></html>", "answers 500 to /v1/models"),
        (b"", "answers 500 to /v1/models"),
        (b"[1, 2]", "answers 500 to /v1/models"),
        (b"x" * 1000, f"answers 500 to /v1/models: “{'x' * 199}…”"),
        ("a\u202eb\x9bc".encode(), "answers 500 to /v1/models: “a b c”"),
    ],
)
def test_a_servers_words_are_cleaned_and_short(body: bytes, shown: str) -> None:
    answers: dict[str, Answer | Failure] = {"models": Answer(500, {"server": "llama.cpp"}, body)}
    assert recognise("http://box", answers).problem == shown


def test_words_are_found_in_every_shape() -> None:
    assert own_words(b'{"message":"Route GET:/x not found","error":"Not Found"}') == "Route GET:/x not found"
    assert own_words(b'{"status":"failure","message":"no provider"}') == "no provider"
    assert own_words(b'"just a text"') == "just a text"
    assert own_words(b'{"detail":"Method Not Allowed"}') == "Method Not Allowed"
    assert cleaned("a\tb\n c") == "a b c"
