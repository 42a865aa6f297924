"""Every kind of server is recognised from the answers that real ones gave, and none of them is made to work for it."""

import json
from functools import partial

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from claude_local_plugin.servers import ServedModel, State
from claude_local_plugin.servers import identify as identify_in_time
from claude_local_plugin.servers.answers import Answer, Failure
from claude_local_plugin.servers.recognise import recognise
from claude_local_plugin.servers.well_known import LABELS

from .conftest import ANSWERS, Recorded, Said, StartReplay

#: A busy machine may take its time; every answer here comes at once.
identify = partial(identify_in_time, timeout=30)

OLLAMA_MODELS = {
    "object": "list",
    "data": [{"id": "qwen3-coder:30b", "object": "model", "created": 1, "owned_by": "library"}],
}
SGLANG_ROW = {
    "id": "qwen",
    "object": "model",
    "created": 1,
    "owned_by": "sglang",
    "root": "qwen",
    "max_model_len": 32768,
}


def test_a_recorded_vllm_is_recognised_with_version_names_and_window(replay: StartReplay) -> None:
    server = identify(replay("vllm").url)

    assert (server.kind, server.version, server.state) == ("vllm", "0.32.0", State.READY)
    assert server.models == (
        ServedModel("claude-sonnet-4-5-20250929", 32768, "/models/tiny"),
        ServedModel("local-qwen3", 32768, "/models/tiny"),
    )
    assert server.speaks_messages is True
    assert server.problem is None
    assert not server.needs_key
    assert server.usable


def test_a_vllm_with_a_key_is_recognised_without_it(replay: StartReplay) -> None:
    server = identify(replay("vllm-key", {("GET", "/v1/models"): recorded("vllm-key/key_none_v1_models")}).url)

    assert (server.kind, server.version, server.state) == ("vllm", "0.32.0", State.NEEDS_KEY)
    assert server.needs_key
    assert not server.usable


def test_a_recorded_litellm_is_recognised_and_its_health_is_never_asked(replay: StartReplay) -> None:
    litellm = replay("litellm", {("GET", "/v1/messages"): METHOD_NOT_ALLOWED})

    server = identify(litellm.url, token="sk-local")

    assert (server.kind, server.state, server.speaks_messages) == ("litellm", State.READY, True)
    assert [model.name for model in server.models] == ["local-qwen3", "via-openai", "via-anthropic"]
    assert {model.max_model_len for model in server.models} == {None}
    assert "/health" not in {heard.path for heard in litellm.heard}


def test_litellm_windows_come_from_its_list_or_from_its_model_info(replay: StartReplay) -> None:
    listed = {
        "data": [{"id": "told", "owned_by": "openai", "max_input_tokens": 65536}, {"id": "asked"}, {"id": "none"}]
    }
    info = {
        "data": [
            {"model_name": "asked", "model_info": {"max_input_tokens": 40960}},
            {"model_name": "none", "model_info": {"max_input_tokens": None}},
        ]
    }
    table = {("GET", "/v1/models"): said(listed), ("GET", "/v1/model/info"): said(info)}
    table["GET", "/health/readiness/details"] = said({"litellm_version": "1.106.2"})

    server = identify(replay("litellm", table).url)

    assert [model.max_model_len for model in server.models] == [65536, 40960, None]
    assert server.version == "1.106.2"


@pytest.mark.parametrize(
    ("token", "answer", "state"),
    [
        (None, Said(500, "Internal Server Error"), State.NEEDS_KEY),
        (None, Said(401, "{}"), State.NEEDS_KEY),
        ("sk-no", Said(400, '{"error":{"message":"No connected db."}}'), State.WRONG_KEY),
        ("sk-no", Said(401, "{}"), State.WRONG_KEY),
    ],
)
def test_what_litellm_says_instead_of_401_is_understood(
    replay: StartReplay, token: str | None, answer: Said, state: State
) -> None:
    server = identify(replay("litellm", {("GET", "/v1/models"): answer}).url, token=token)

    assert (server.kind, server.state, server.needs_key) == ("litellm", state, True)


def test_a_recorded_llama_cpp_is_recognised_with_its_window(replay: StartReplay) -> None:
    bad = recorded("llama.cpp/msg_bad")
    server = identify(replay("llama.cpp", {("POST", "/v1/messages/count_tokens"): bad}).url)

    assert (server.kind, server.state, server.version) == ("llama.cpp", State.READY, "b0-unknown")
    assert server.models == (ServedModel("local-qwen3", 65536, vision=False),)
    assert server.speaks_messages is True


def test_a_llama_cpp_with_a_key_is_recognised_without_it(replay: StartReplay) -> None:
    server = identify(replay("llama.cpp-key", otherwise=recorded("llama.cpp-key/version")).url)

    assert (server.kind, server.state) == ("llama.cpp", State.NEEDS_KEY)


def test_a_llama_cpp_that_loads_says_so(replay: StartReplay) -> None:
    loading = Said(503, '{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}', LLAMA_CPP)

    server = identify(replay(table={}, otherwise=loading).url)

    assert (server.kind, server.state) == ("llama.cpp", State.LOADING)
    assert server.problem == "is still loading its model"


def test_an_ollama_is_recognised_and_its_window_known_only_while_the_model_is_loaded(replay: StartReplay) -> None:
    table = {
        ("GET", "/"): Said(200, "Ollama is running"),
        ("GET", "/api/version"): said({"version": "0.20.1"}),
        ("GET", "/v1/models"): said(OLLAMA_MODELS),
        ("GET", "/v1/messages"): Said(405, "405 method not allowed"),
        ("GET", "/api/ps"): said({"models": [{"name": "qwen3-coder:30b", "context_length": 65536}]}),
    }
    loaded = identify(replay(table=table).url)
    idle = identify(replay(table=table | {("GET", "/api/ps"): said({"models": []})}).url)

    assert (loaded.kind, loaded.version, loaded.speaks_messages) == ("ollama", "0.20.1", True)
    assert loaded.models == (ServedModel("qwen3-coder:30b", 65536),)
    assert idle.models == (ServedModel("qwen3-coder:30b", None),)


def test_an_ollama_without_any_model_is_ready_and_says_that_it_serves_none(replay: StartReplay) -> None:
    table = {
        ("GET", "/"): Said(200, "Ollama is running"),
        ("GET", "/v1/models"): said({"object": "list", "data": None}),
        ("GET", "/v1/messages"): METHOD_NOT_ALLOWED,
    }

    server = identify(replay(table=table).url)

    assert (server.kind, server.models, server.problem) == ("ollama", (), "serves no model")


def test_an_lm_studio_is_recognised_by_its_200_for_every_path(replay: StartReplay) -> None:
    native = {
        "models": [
            {
                "key": "qwen/qwen3-coder-30b",
                "loaded_instances": [{"id": "qwen/qwen3-coder-30b", "config": {"context_length": 40000}}],
                "max_context_length": 262144,
            },
            {"key": "nomic", "type": "embedding", "loaded_instances": []},
        ]
    }
    listed = {"object": "list", "data": [{"id": "qwen/qwen3-coder-30b"}, {"id": "nomic"}]}
    table = {("GET", "/v1/models"): said(listed), ("GET", "/api/v1/models"): said(native)}
    surprise = Said(200, '{"error":"Unexpected endpoint or method. (GET /x)"}')

    server = identify(replay(table=table, otherwise=surprise).url)
    old = identify(replay(table={("GET", "/v1/models"): said(listed)}, otherwise=surprise).url)

    assert (server.kind, server.state, server.speaks_messages) == ("lmstudio", State.READY, True)
    assert server.models == (ServedModel("qwen/qwen3-coder-30b", 40000),)
    assert old.speaks_messages is False
    assert old.models[0].max_model_len is None


def test_lm_studios_older_api_tells_the_window_of_a_loaded_model(replay: StartReplay) -> None:
    rows = [
        {"id": "a", "loaded_context_length": 8192, "max_context_length": 32768},
        {"id": "b", "max_context_length": 4},
    ]
    table = {("GET", "/v1/models"): said({"data": rows}), ("GET", "/api/v0/models"): said({"data": rows})}

    server = identify(replay(table=table, otherwise=Said(200, '{"error":"Unexpected endpoint or method. (x)"}')).url)

    assert [model.max_model_len for model in server.models] == [8192, None]


def test_an_sglang_is_recognised_and_its_health_is_never_asked(replay: StartReplay) -> None:
    table = {
        ("GET", "/v1/models"): said({"object": "list", "data": [SGLANG_ROW]}),
        ("GET", "/v1/messages"): METHOD_NOT_ALLOWED,
        ("GET", "/server_info"): said({"version": "0.5.23", "launch_command": "sglang serve"}),
    }
    sglang = replay(table=table)

    server = identify(sglang.url)

    assert (server.kind, server.version, server.state) == ("sglang", "0.5.23", State.READY)
    assert server.models == (ServedModel("qwen", 32768, "qwen"),)
    assert "/health" not in {heard.path for heard in sglang.heard}


def test_a_production_stack_router_is_told_from_a_vllm_by_its_missing_windows(replay: StartReplay) -> None:
    row = {"id": "qwen", "object": "model", "created": 1, "owned_by": "vllm", "root": None, "parent": None}
    table = {
        ("GET", "/v1/models"): said({"object": "list", "data": [row]}),
        ("GET", "/v1/messages"): METHOD_NOT_ALLOWED,
        ("GET", "/version"): said({"version": "0.1.8"}),
        ("GET", "/health"): said({"status": "healthy"}),
    }
    healthy = identify(replay(table=table).url)
    ill = identify(
        replay(table=table | {("GET", "/health"): Said(503, '{"status":"Engine stats scraper is down."}')}).url
    )

    assert (healthy.kind, healthy.version, healthy.state) == ("production-stack", "0.1.8", State.READY)
    assert healthy.models == (ServedModel("qwen", None),)
    assert ill.state is State.ERROR


def test_a_llama_swap_is_recognised_with_and_without_its_key(replay: StartReplay) -> None:
    row = {
        "id": "coder",
        "object": "model",
        "owned_by": "llama-swap",
        "meta": {"n_ctx": 49152},
        "context_length": 49152,
    }
    table = {
        ("GET", "/"): Said(302, headers={"location": "/ui"}),
        ("GET", "/v1/models"): said({"object": "list", "data": [row]}),
        ("GET", "/v1/messages"): Said(405, "Method Not Allowed", {"allow": "POST"}),
        ("GET", "/api/version"): said({"version": "v238", "commit": "abc", "build_date": "2026-08-22"}),
    }
    server = identify(replay(table=table).url)
    refusal = Said(401, "unauthorized", {"www-authenticate": 'Basic realm="llama-swap"'})
    locked = identify(replay(table={}, otherwise=refusal).url)

    assert (server.kind, server.version, server.speaks_messages) == ("llama-swap", "v238", True)
    assert server.models == (ServedModel("coder", 49152),)
    assert (locked.kind, locked.state) == ("llama-swap", State.NEEDS_KEY)


def test_a_server_that_hides_its_kind_is_anthropic_compatible() -> None:
    with EmbeddedBackend(kind="anthropic-compatible", models=(Model("mine", 48000),)) as backend:
        server = identify(backend.url)

    assert (server.kind, server.state, server.version) == ("anthropic-compatible", State.READY, None)
    assert server.models == (ServedModel("mine", 48000),)
    assert not backend.messages


def test_a_server_with_the_messages_api_and_no_list_of_models_is_anthropic_compatible(replay: StartReplay) -> None:
    server = identify(replay(table={("GET", "/v1/messages"): METHOD_NOT_ALLOWED}).url)

    assert (server.kind, server.state, server.models) == ("anthropic-compatible", State.READY, ())


def test_a_server_without_the_messages_api_is_openai_only(replay: StartReplay) -> None:
    listed = {"object": "list", "data": [{"id": "m", "object": "model", "owned_by": "me"}]}
    server = identify(
        replay(table={("GET", "/v1/models"): said(listed)}, otherwise=Said(404, '{"detail":"Not Found"}')).url
    )

    assert (server.kind, server.speaks_messages, server.usable) == ("openai-only", False, False)
    assert server.problem == "has no /v1/messages: put LiteLLM in front of it, or use a newer version"


def test_a_vllm_from_before_the_messages_api_stays_a_vllm_that_cannot_be_used(replay: StartReplay) -> None:
    not_found = recorded("vllm/notfound")
    old = {("GET", "/v1/messages"): not_found, ("GET", "/version"): said({"version": "0.10.2"})}

    server = identify(replay("vllm", old).url)

    assert (server.kind, server.version, server.usable) == ("vllm", "0.10.2", False)


def test_anthropic_is_recognised_by_its_host_alone() -> None:
    server = recognise("https://api.anthropic.com", {"models": Answer(401, {}, b"{}")})

    assert (server.kind, server.state) == ("anthropic", State.NEEDS_KEY)


@pytest.mark.parametrize(
    "answer",
    [
        Said(200, "<html>a web page for every path</html>", {"content-type": "text/html"}),
        Said(404, "not here"),
        Said(405, "only POST here"),
        Said(403, "forbidden"),
        Said(200, '{"version":"1.0"}'),
        Said(200, '{"data":"no list"}'),
        Said(400, '{"jsonrpc":"2.0","error":{"code":-32700,"message":"parse error"}}'),
        Said(200, "[" * 100_000),
    ],
)
def test_a_web_application_is_not_taken_for_a_model_server(replay: StartReplay, answer: Said) -> None:
    server = identify(replay(table={}, otherwise=answer).url)

    assert server.kind == "unknown"
    assert not server.is_model_server
    assert not server.usable
    assert server.problem


def test_names_that_would_drive_a_terminal_are_not_taken_over(replay: StartReplay) -> None:
    names = ["good/name:1", "\x1b[31mred", "two\nlines", "", "x" * 1000, 7, None]
    table = {
        ("GET", "/v1/models"): said(
            {"data": [{"id": name, "owned_by": "vllm", "max_model_len": -1} for name in names]}
        ),
        ("GET", "/version"): said({"version": "0.32.0\x1b[2J"}),
    }

    server = identify(replay(table=table).url)

    assert server.models == (ServedModel("good/name:1", None),)
    assert server.version is None


def test_no_question_could_make_any_server_run_its_model(replay: StartReplay) -> None:
    servers = [replay("vllm"), replay("litellm"), replay("llama.cpp"), replay(table={})]
    for server in servers:
        identify(server.url, token="sk-key")

    asked = {(heard.method, heard.path) for server in servers for heard in server.heard}
    assert {(method, path) for method, path in asked if method != "GET"} <= {("POST", "/v1/messages/count_tokens")}
    assert ("GET", "/health") in {(heard.method, heard.path) for heard in servers[0].heard}


def test_every_kind_has_a_name_for_people(replay: StartReplay) -> None:
    kinds = {identify(replay(folder).url).kind for folder in ("vllm", "litellm", "llama.cpp")}

    assert kinds <= set(LABELS)


def test_an_unanswered_list_of_models_is_the_servers_state_even_when_others_were_answered() -> None:
    answers: dict[str, Answer | Failure] = {
        "models": Failure(State.TIMEOUT, "does not answer in time"),
        "root": Answer(200, {}, b"Ollama is running"),
    }
    server = recognise("http://localhost:11434", answers)

    assert (server.kind, server.state) == ("ollama", State.TIMEOUT)
    assert server.problem == "answers, but /v1/models does not answer in time"


LLAMA_CPP = {"server": "llama.cpp"}
METHOD_NOT_ALLOWED = Said(405, '{"detail":"Method Not Allowed"}', {"allow": "POST", "server": "uvicorn"})


def recorded(name: str) -> Recorded:
    return Recorded.read(ANSWERS / f"{name}.txt")


def said(data: object) -> Said:
    return Said(200, json.dumps(data), {"content-type": "application/json"})


@pytest.mark.parametrize("size", [10**400, 10**12, -5, 0, True, 1.5, "65536", None])
def test_a_window_that_can_be_no_size_is_none(size: object) -> None:
    rows = {"object": "list", "data": [{**SGLANG_ROW, "max_model_len": size}]}
    server = recognise("http://localhost:8000", {"models": Answer(200, {}, json.dumps(rows).encode())})
    assert [model.max_model_len for model in server.models] == [None]
