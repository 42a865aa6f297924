"""`enable` finds a server, asks it who it is, and chooses a model; or says what is the matter and writes nothing."""

import contextlib
import inspect
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from claude_local_plugin.client_config import choose_server
from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from claude_local_plugin.servers import probe, well_known
from tests.client.terminal import Terminal
from tests.commands.place import MODEL, Place

Listen = Callable[..., EmbeddedBackend]


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> Iterator[Listen]:
    """Starts servers on the ports that count as well-known in this test, beside one where nothing listens."""
    ports = [closed_port]
    monkeypatch.setattr(choose_server, "sweep", lambda: probe.sweep(ports))
    with contextlib.ExitStack() as stack:

        def start(**options: object) -> EmbeddedBackend:
            backend = stack.enter_context(EmbeddedBackend(**options))  # type: ignore[arg-type]
            ports.append(backend.port)
            return backend

        yield start


def test_without_a_url_the_one_server_on_a_well_known_port_is_used(place: Place, listen: Listen) -> None:
    backend = listen()
    ended = place.ok("enable", "--yes")
    assert place.env()["ANTHROPIC_BASE_URL"] == backend.url
    assert f"vLLM 0.32.0, 1 model at 127.0.0.1:{backend.port} · ready in" in ended.err


def test_the_well_known_ports_are_those_of_the_servers_people_run(place: Place) -> None:
    assert well_known.WELL_KNOWN_PORTS == (8000, 8888, 4000, 11434, 8080, 1234, 30000, 3456)
    assert inspect.signature(probe.sweep).parameters["ports"].default == well_known.WELL_KNOWN_PORTS
    assert vars(choose_server)["sweep"] is probe.sweep


def test_without_any_server_nothing_is_written_and_it_says_how_to_start_one(place: Place, listen: Listen) -> None:
    said = place.refused("enable", "--yes")
    assert "no model server answers on this machine's well-known ports (8000, 8888 (vLLM), 4000 (LiteLLM)" in said
    assert "start one, for example: vllm serve " in said
    assert "claude-local enable --url http://HOST:PORT" in said


def test_something_else_on_a_well_known_port_is_no_model_server(place: Place, listen: Listen) -> None:
    listen(status=404)
    assert "no model server answers" in place.refused("enable", "--yes")


def test_several_servers_and_nobody_to_ask_are_named_with_exit_2(place: Place, listen: Listen) -> None:
    first, second = listen(), listen(kind="anthropic-compatible")
    said = place.refused("enable", "--yes", code=2)
    assert f"several model servers answer here: {first.url}  vLLM 0.32.0, 1 model; {second.url}  " in said
    assert f"hint: claude-local enable --url {first.url}" in said
    place.refused("enable", "--json", code=2)


def test_several_servers_on_a_terminal_are_listed_and_one_is_chosen(place: Place, listen: Listen) -> None:
    first, second = listen(), listen(models=(Model("one"), Model("other")))
    script = (
        "import functools, sys; from claude_local_plugin.servers import sweep;"
        " from claude_local_plugin.client_config import choose_server; from claude_local_plugin import cli;"
        f" choose_server.sweep = functools.partial(sweep, ({first.port}, {second.port}));"
        " sys.exit(cli.run_line(['enable']))"
    )
    with Terminal([sys.executable, "-c", script], cwd=place.project, environ=dict(os.environ)) as terminal:
        terminal.wait_for("whichserver")
        assert f"1{first.url}" in terminal.text
        assert f"2{second.url}" in terminal.text
        terminal.type("2\n")
        terminal.wait_for("whichmodel")
        terminal.type("2\n")
        terminal.wait_for(r"Writethis\?")
        assert "ANTHROPIC_MODEL=other" in terminal.text
        # chosen by hand, so nothing is said of aliases
        assert "onlyname" not in terminal.text
        terminal.type("y\n")
        assert terminal.wait_for_exit() == 0
    assert place.env()["ANTHROPIC_BASE_URL"] == second.url
    assert place.env()["ANTHROPIC_MODEL"] == "other"


def test_answering_no_writes_nothing(place: Place, server: EmbeddedBackend) -> None:
    before = place.files()
    argv = [sys.executable, "-m", "claude_local_plugin", "enable", "--url", server.url]
    with Terminal(argv, cwd=place.project, environ=dict(os.environ)) as terminal:
        terminal.wait_for(r"Writethis\?")
        # on a terminal the reasons stand beside the values
        assert "+toyourserver,withANTHROPIC_BASE_URL=" in terminal.text
        terminal.type("n\n")
        terminal.wait_for("nothingwaswritten")
        assert terminal.wait_for_exit() == 1
    assert place.files() == before


def test_with_yes_a_terminal_is_not_asked(place: Place, server: EmbeddedBackend) -> None:
    argv = [sys.executable, "-m", "claude_local_plugin", "enable", "--yes", "--url", server.url]
    with Terminal(argv, cwd=place.project, environ=dict(os.environ)) as terminal:
        assert terminal.wait_for_exit() == 0
        assert "Writethis" not in terminal.text
    assert place.env()["ANTHROPIC_BASE_URL"] == server.url


def test_without_a_terminal_it_writes_without_asking(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url)
    assert place.env()["ANTHROPIC_BASE_URL"] == server.url


def test_no_port_scan_without_a_url_looks_nowhere(place: Place, listen: Listen) -> None:
    backend = listen()
    said = place.refused("enable", "--no-port-scan", code=2)
    assert "--no-port-scan forbids looking" in said
    assert "claude-local enable --url URL" in said
    assert backend.requests == []


def test_a_key_goes_to_the_server_that_was_found_and_is_not_shown_while_looking(
    place: Place, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = listen(api_key="server-key-0123456789")
    monkeypatch.setenv("MY_KEY", "server-key-0123456789")
    place.ok("enable", "--token-env", "MY_KEY")
    assert place.env()["ANTHROPIC_AUTH_TOKEN"] == "server-key-0123456789"
    assert backend.requests[0].headers.get("authorization") is None


@pytest.mark.parametrize(
    ("url", "complaint", "offer"),
    [
        ("dell-pro-max:8000", "does not begin with http:// or https://", "http://dell-pro-max:8000"),
        ("localhost", "does not begin with http:// or https://", "http://localhost"),
        ("http://me:word@host:8000", "has credentials in it", "--url http://host:8000"),
        ("http://host:8000\\@other", "has a backslash in it", "http://localhost:8000"),
        ("http://host:8000/v1", "Claude Code adds /v1/messages by itself", "http://host:8000"),
        ("http://host:8000/v1/", "Claude Code adds /v1/messages by itself", "http://host:8000"),
        ("http://host/proxy/v1/messages", "Claude Code adds /v1/messages by itself", "http://host/proxy"),
        ("ftp://host", "cannot use a ftp:// address", "http://localhost:8000"),
        ("http://", "names no host", "http://localhost:8000"),
        ("http://host:0", "no usable port", "http://localhost:8000"),
        ("http://host:99999", "cannot be read", "http://localhost:8000"),
        ("http://host:8000?key=1", "has a query", "http://host:8000"),
        ("http:// host", "has blanks", "http://host"),
    ],
)
@pytest.mark.parametrize("check", [(), ("--no-check", "--model", "m")])
def test_a_url_that_cannot_work_is_refused_and_the_right_one_offered(
    place: Place, url: str, complaint: str, offer: str, check: tuple[str, ...]
) -> None:
    said = place.refused("enable", "--url", url, "--yes", *check, code=2)
    assert complaint in said
    assert f"{offer}\n" in said or f"{offer} " in said
    assert "word" not in said


@pytest.mark.parametrize("url", ["https://api.anthropic.com", "https://claude.ai", "http://x.anthropic.com:8000"])
@pytest.mark.parametrize("check", [(), ("--no-check", "--model", "m")])
def test_anthropics_own_api_is_no_server_of_yours_and_is_not_asked(
    place: Place, monkeypatch: pytest.MonkeyPatch, url: str, check: tuple[str, ...]
) -> None:
    monkeypatch.setattr(choose_server, "identify", lambda *_, **__: pytest.fail("it was asked"))
    assert "is Anthropic's own API" in place.refused("enable", "--url", url, *check, code=2)


def test_a_server_that_is_down_is_named_and_so_is_the_way_around(place: Place, closed_port: int) -> None:
    said = place.refused("enable", "--url", f"http://127.0.0.1:{closed_port}")
    assert f"http://127.0.0.1:{closed_port} refuses connections" in said
    assert "--model NAME --no-check" in said


def test_a_server_that_asks_for_a_key_is_refused_without_one(place: Place) -> None:
    with EmbeddedBackend(api_key="right-key") as backend:
        said = place.refused("enable", "--url", backend.url)
    assert f"{backend.url} asks for a key" in said
    assert "--token-env MY_KEY" in said


def test_a_wrong_key_is_refused_and_not_repeated(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "wrong-key-0123456789")
    with EmbeddedBackend(api_key="right-key") as backend:
        said = place.refused("enable", "--url", backend.url, "--token-env", "MY_KEY")
    assert f"{backend.url} does not accept the key in MY_KEY" in said
    assert "wrong-key" not in said


@pytest.mark.parametrize("value", ["two words", "line\nbreak", "\ttab", "ключ", "end ", "\u00e9"])
def test_a_key_that_no_header_can_carry_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MY_KEY", value)
    said = place.refused(
        "enable", "--url", "http://localhost:8000", "--no-check", "--model", "m", "--token-env", "MY_KEY", code=2
    )
    assert "the value of MY_KEY has characters" in said
    assert value not in said


def test_a_variable_that_is_not_set_is_named(place: Place) -> None:
    said = place.refused("enable", "--url", "http://localhost:8000", "--token-env", "MY_KEY", code=2)
    assert "MY_KEY named by --token-env is not set" in said


def test_a_server_that_is_still_loading_is_not_enabled(place: Place) -> None:
    with EmbeddedBackend(loading=True) as backend:
        assert f"{backend.url} is still loading its model" in place.refused("enable", "--url", backend.url)


@pytest.mark.parametrize("kind", ["vllm", "anthropic-compatible"])
def test_a_server_without_the_messages_api_is_refused(place: Place, kind: str) -> None:
    with EmbeddedBackend(kind=kind) as backend:  # type: ignore[arg-type]
        backend.answer(404, path="/v1/messages")
        said = place.refused("enable", "--url", backend.url)
    assert "has no Messages API (/v1/messages), which Claude Code needs" in said
    assert "put LiteLLM in front of it" in said


def test_a_web_server_is_not_taken_for_a_model_server(place: Place) -> None:
    with EmbeddedBackend(status=404) as backend:
        assert "is no model server" in place.refused("enable", "--url", backend.url)


def test_what_speaks_no_http_is_said_so(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with contextlib.ExitStack() as stack:
            over = threading.Event()

            def talk() -> None:
                listener.settimeout(0.05)
                while not over.is_set():
                    with contextlib.suppress(TimeoutError):
                        connection, _ = listener.accept()
                        with connection:
                            connection.sendall(b"220 mail ready\r\n")

            thread = threading.Thread(target=talk)
            thread.start()
            stack.callback(thread.join)
            stack.callback(over.set)
            assert "not HTTP" in place.refused("enable", "--url", url)


def test_a_server_with_no_model_loaded_is_refused(place: Place, server: EmbeddedBackend) -> None:
    server.answer(200, {"object": "list", "data": []}, path="/v1/models")
    assert f"{server.url} lists no model" in place.refused("enable", "--url", server.url)


# --- models


def test_the_only_model_is_chosen(place: Place, server: EmbeddedBackend) -> None:
    assert place.json("enable", "--url", server.url)["backend"]["model"] == MODEL


def test_the_model_that_is_asked_for_is_chosen_with_its_own_window(place: Place) -> None:
    with EmbeddedBackend(models=(Model("small", 32_768), Model("large", 131_072, root="b"))) as backend:
        backend = place.json("enable", "--url", backend.url, "--model", "large")["backend"]
    assert (backend["model"], backend["max_model_len"]) == ("large", 131_072)


def test_aliases_of_anthropics_kind_are_passed_over_for_the_models_own_name(place: Place) -> None:
    models = (Model("claude-sonnet-4-5"), Model("qwen"), Model("claude-opus-4-5"))
    with EmbeddedBackend(models=models) as backend:
        ended = place.ok("enable", "--url", backend.url)
    assert place.env()["ANTHROPIC_MODEL"] == "qwen"
    assert "model: qwen   (the only name that is not an alias; --model to choose)" in ended.err


@pytest.mark.parametrize(
    "models",
    [
        (Model("one"), Model("other")),
        (Model("qwen", root="a"), Model("claude-sonnet-4-5", root="b")),
        (Model("claude-a"), Model("claude-b")),
    ],
)
def test_several_models_and_nobody_to_ask_are_named_with_exit_2(place: Place, models: tuple[Model, ...]) -> None:
    with EmbeddedBackend(models=models) as backend:
        said = place.refused("enable", "--url", backend.url, code=2)
        assert f"{backend.url} serves several models: {models[0].name}, {models[1].name}" in said
        assert f"hint: claude-local enable --url {backend.url} --model {models[0].name}" in said


def test_a_misspelt_model_is_refused_with_the_nearest_names(place: Place) -> None:
    names = ("qwen3-coder-next", "qwen3-coder-30b", "gpt-oss-120b", "mistral-small", "qwen3-4b")
    with EmbeddedBackend(models=tuple(map(Model, names))) as backend:
        said = place.refused("enable", "--url", backend.url, "--model", "Qwen3-Coder-Nxt", code=2)
    assert "does not serve 'Qwen3-Coder-Nxt'; the nearest of its 5 names: qwen3-coder-next, qwen3-coder-30b" in said
    assert "gpt-oss" not in said
    assert f"claude-local enable --url {backend.url} --model qwen3-coder-next" in said


def test_a_model_like_none_of_the_served_ones_is_refused_with_those_there_are(
    place: Place, server: EmbeddedBackend
) -> None:
    said = place.refused("enable", "--url", server.url, "--model", "zzz", code=2)
    assert f"does not serve 'zzz'; it serves {MODEL}\n" in said


def test_a_name_that_litellm_does_not_list_may_be_a_wildcards_and_is_warned_of(
    place: Place, server: EmbeddedBackend
) -> None:
    server.answer(200, json.dumps("I'm alive!"), path="/health/liveliness")
    answer = place.json("enable", "--url", server.url, "--model", "anything")
    assert (answer["backend"]["kind"], answer["backend"]["model"]) == ("litellm", "anything")
    (warning,) = [text for text in answer["warnings"] if "does not list anything" in text]
    assert f"claude-local enable --url {server.url} --model NAME" in warning


def test_names_from_a_server_cannot_drive_the_terminal(place: Place, server: EmbeddedBackend) -> None:
    row = {"object": "model", "owned_by": "vllm", "max_model_len": 65_536}
    names = [{"id": name, **row} for name in ("a\x1b]0;gotcha\x07", "good")]
    server.answer(200, {"object": "list", "data": names}, path="/v1/models")
    server.answer(200, {"version": "0.32.0\x1b[31m"}, path="/version")
    for arguments in ((), ("--model", "x"), ("--model", "a\x1b]0;gotcha\x07"), ("--model", "good")):
        ended = place.run("enable", "--url", server.url, "--dry-run", *arguments)
        assert "\x1b" not in ended.all
        assert "\x07" not in ended.all


# --- --no-check


def test_no_check_writes_without_asking_the_server(place: Place, server: EmbeddedBackend) -> None:
    ended = place.ok("enable", "--no-check", "--url", server.url, "--model", "mine", "--max-model-len", "65536")
    assert server.requests == []
    assert place.env()["ANTHROPIC_MODEL"] == "mine"
    assert place.env()["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "65536"
    assert f"127.0.0.1:{server.port} was not asked (--no-check) · window 65,536" in ended.err


def test_no_check_needs_a_url_and_a_model(place: Place) -> None:
    assert "--no-check asks no server, so it needs --url" in place.refused("enable", "--no-check", code=2)
    said = place.refused("enable", "--no-check", "--url", "http://localhost:8000", code=2)
    assert "name one with --model NAME" in said


def test_a_server_is_asked_a_handful_of_questions_and_never_for_an_answer_of_the_model(
    place: Place, server: EmbeddedBackend
) -> None:
    place.ok("enable", "--url", server.url)
    assert len(server.requests) < 12
    assert server.messages == []
    assert all("authorization" not in request.headers for request in server.requests)


def test_the_window_named_by_hand_counts_more_than_what_the_server_says(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url, "--max-model-len", "40000")
    assert place.env()["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "40000"


def test_a_dressed_up_address_is_written_in_its_plain_form(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", f"HTTP://LOCALHOST:{server.port}/")
    assert place.env()["ANTHROPIC_BASE_URL"] == f"http://localhost:{server.port}"


def test_the_command_for_a_url_with_a_password_names_the_variable_for_it(place: Place) -> None:
    said = place.refused("enable", "--url", "http://me:word@host:8000", code=2)
    assert "hint: claude-local enable --url http://host:8000 --token-env VARIABLE\n" in said


@pytest.mark.parametrize("command", [("enable", "--url", "http://h:1"), ("doctor", "--url", "http://h:1")])
def test_a_key_in_the_place_of_its_variable_is_refused_and_not_shown(place: Place, command: tuple[str, ...]) -> None:
    said = place.refused(*command, "--token-env", "my-secret-key-0123456789", code=2)
    assert "--token-env takes the name of an environment variable" in said
    assert "and give the variable's name: --token-env NAME" in said
    assert "my-secret-key-0123456789" not in said
