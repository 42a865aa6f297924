"""What `eval` says where it cannot begin: which server, which program, and a command of its own that goes on."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from claude_local_plugin.cli.eval import eval as eval_command
from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from tests.commands.place import MODEL, Place

#: What was asked for besides the server, all of which goes on.
BESIDES = ("--suite", "core", "--repeat", "3", "--parallel", "2", "--no-isolation")


def understood(said: str) -> list[list[str]]:
    """The commands in the hint, each of which `eval` takes as it stands."""
    hint = said.partition("hint: ")[2].splitlines()[0]
    commands = [shlex.split(each) for each in re.findall(r"claude-local eval.*?(?= {2}|; without|$)", hint)]
    for words in commands:
        context = eval_command.make_context("eval", words[2:])
        assert context.args == []
    return commands


def closed(_: Place) -> tuple[str, ...]:
    return "--url", "http://127.0.0.1:9"


def closed_profile(place: Place) -> tuple[str, ...]:
    place.ok("profile", "add", "box", "--url", "http://127.0.0.1:9", "--model", MODEL)
    return "--profile", "box"


@pytest.mark.parametrize("server", [closed, closed_profile])
def test_a_server_that_is_not_there_is_named_with_what_goes_on(
    with_client: Place, server: Callable[[Place], tuple[str, ...]]
) -> None:
    words = server(with_client)
    said = with_client.refused("eval", *words, *BESIDES)
    assert "http://127.0.0.1:9 refuses connections" in said
    assert "--no-check" not in said
    (again,) = understood(said)
    assert again[2:4] == [*words]
    assert again[-len(BESIDES) :] == [*BESIDES]


def test_a_model_that_is_not_served_is_named_with_one_that_is(with_client: Place, server: EmbeddedBackend) -> None:
    with_client.ok("profile", "add", "box", "--url", server.url)
    for words in (("--url", server.url), ("--profile", "box")):
        (again,) = understood(with_client.refused("eval", *words, "--model", "nothing", *BESIDES, code=2))
        assert again[2:4] == [*words]
        assert again[again.index("--model") + 1] == MODEL


def test_a_server_of_several_models_or_with_a_key_says_how_to_go_on(with_client: Place) -> None:
    with EmbeddedBackend(models=(Model("one", 65_536), Model("two", 65_536))) as several:
        (again,) = understood(with_client.refused("eval", "--url", several.url, *BESIDES, code=2))
        assert again[again.index("--model") + 1] == "one"
        several.api_key = "box-key-with-some-length-0123456789"
        (again,) = understood(with_client.refused("eval", "--url", several.url, *BESIDES))
        assert "--token-env" in again


def test_nobody_guesses_a_server(with_client: Place) -> None:
    said = with_client.refused("eval", *BESIDES, code=2)
    assert "no server is named, and none is set for this folder" in said
    assert understood(said) == [["claude-local", "eval", "--url", "URL", *BESIDES]]


def test_without_claude_code_it_says_what_is_missing(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    said = place.refused("eval", "--url", server.url)
    assert "there is no `claude` on PATH" in said
    assert "https://claude.ai/install.sh" in said
    assert server.messages == []


def test_a_page_or_results_that_cannot_be_written_are_said_before_any_trial(
    with_client: Place, server: EmbeddedBackend, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    words = ("eval", "--url", server.url, *BESIDES)
    said = with_client.ends(1, *words, "--output", str(tmp_path / "file" / "results.jsonl")).err
    assert "results.jsonl cannot be written: " in said
    assert "hint: name another file with --output" in said
    assert "there is no such folder" in with_client.refused(*words, "--html", str(tmp_path / "no" / "page.html"))
    assert server.messages == []
