"""`claude-local enable PROFILE`: all that a profile says, in one word; and back with another."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from claude_local_plugin.core.helper import NO_KEY, taken_apart
from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from claude_local_plugin.settings import schema
from tests.client.terminal import Terminal
from tests.commands.place import MODEL, Place
from tests.commands.test_profile import config, said

OTHER = "other-model"


@pytest.fixture
def second() -> Iterator[EmbeddedBackend]:
    """Another server, which wants a key."""
    with EmbeddedBackend(models=(Model(OTHER, 131_072),), api_key="key-of-desk") as backend:
        yield backend


@pytest.fixture
def both(place: Place, server: EmbeddedBackend, second: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place with the profiles spark and desk; the key of desk is in a variable."""
    monkeypatch.setenv("DESK_KEY", "key-of-desk")
    place.ok("profile", "add", "spark", "--url", server.url, "--haiku", "small", "--api-timeout-ms", "700000")
    place.ok("profile", "add", "desk", "--url", second.url, "--token-env", "DESK_KEY", "--env", "MAX_THINKING_TOKENS=0")
    return place


def test_a_profile_says_it_all(both: Place) -> None:
    answer = both.ok("enable", "spark", "--yes", "--json").json
    assert schema.problems(answer, "enable") == ()
    assert answer["profile"] == "spark"
    env = both.env()
    assert (env["ANTHROPIC_MODEL"], env["ANTHROPIC_DEFAULT_HAIKU_MODEL"]) == (MODEL, "small")
    assert (env["ANTHROPIC_DEFAULT_OPUS_MODEL"], env["API_TIMEOUT_MS"]) == (MODEL, "700000")


def test_a_switch_takes_nothing_of_the_profile_before_along(both: Place, second: EmbeddedBackend) -> None:
    both.ok("enable", "desk", "--yes")
    fresh = both.local.read_text()
    assert both.env()["ANTHROPIC_AUTH_TOKEN"] == "key-of-desk"
    both.ok("enable", "spark", "--yes")
    env = both.env()
    assert env["ANTHROPIC_AUTH_TOKEN"] == "claude-local"
    assert "MAX_THINKING_TOKENS" not in env
    assert "key-of-desk" not in both.local.read_text()
    both.ok("use", "desk", "--yes")
    assert both.local.read_text() == fresh
    both.ok("disable", "--yes")
    assert not both.local.exists()


def test_a_dash_is_the_profile_before_and_so_back_and_forth(both: Place, server: EmbeddedBackend) -> None:
    assert "was enabled with no profile before" in both.refused("enable", "-", code=2)
    both.ok("enable", "spark", "--yes")
    assert "was enabled with no profile before" in both.refused("enable", "-", code=2)
    both.ok("enable", "desk", "--yes")
    for url in (server.url, None, server.url):
        both.ok("enable", "-", "--yes")
        assert (both.env()["ANTHROPIC_BASE_URL"] == server.url) is (url is not None)
    both.ok("enable", "--url", server.url, "--yes", "--model", MODEL)
    assert both.json("status")["profile"] is None
    both.ok("enable", "-", "--yes")
    assert both.json("status")["profile"] == "spark"


def test_without_a_name_the_profile_on_record_is_meant(both: Place) -> None:
    both.ok("enable", "spark", "--yes")
    both.ok("profile", "edit", "spark", "haiku=smaller")
    assert "sessions here get it by claude-local enable spark" in both.ok("profile", "edit", "spark", "opus=big").err
    both.ok("enable", "--yes", "--statusline")
    assert both.env()["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "smaller"
    assert both.json("status")["profile"] == "spark"
    assert both.json("profile", "list")["in_use"] == "spark"
    assert both.json("profile", "show", "spark")["enabled"] == [str(both.local)]
    assert "stays as it was enabled" in both.ok("profile", "remove", "spark").err
    err = both.refused("enable", "--yes", code=2)
    assert "this folder is enabled with the profile spark, and there is no profile called spark any more" in err
    assert "hint: claude-local enable --url http://127.0.0.1:" in err


def test_what_is_asked_for_wins_over_the_profile(both: Place) -> None:
    both.ok("enable", "spark", "--yes", "--max-model-len", "60000")
    assert both.env()["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "60000"
    both.ok("enable", "spark", "--yes")
    assert both.env()["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "65536"


def test_a_window_in_the_profile_that_the_server_no_longer_has_is_the_profiles_to_change(both: Place) -> None:
    both.ok("profile", "edit", "spark", "window=131072")
    err = both.refused("enable", "spark", "--yes", code=2)
    assert "the profile spark says a window of 131,072 tokens" in err
    assert "hint: claude-local profile edit spark --unset window" in err


def test_a_profile_of_a_server_that_cannot_be_asked_knows_its_kind(place: Place) -> None:
    place.ok("profile", "add", "far", "--url", "http://far.lan:8000", "--kind", "vllm", "--model", "m")
    place.ok("enable", "far", "--no-check", "--yes")
    assert place.env()["CLAUDE_CODE_ATTRIBUTION_HEADER"] == "0"


def test_a_missing_key_and_an_unknown_name_are_said_before_anything_is_asked(
    both: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DESK_KEY")
    assert "hint: export DESK_KEY=…" in both.refused("enable", "desk", "--yes")
    assert "hint: did you mean desk?" in both.refused("enable", "dekt", "--yes", code=2)
    both.ok("profile", "edit", "desk", "--no-token")
    err = both.refused("enable", "desk", "--yes")
    assert "asks for a key" in err
    assert "claude-local profile edit desk --token-stdin" in err


def test_a_server_named_by_its_address_is_offered_a_name(place: Place, server: EmbeddedBackend) -> None:
    err = place.ok("enable", "--url", server.url, "--yes").err
    assert f"Name it: claude-local profile add NAME --url {server.url}" in err
    place.ok("profile", "add", "spark", "--url", server.url)
    assert "Name it" not in place.ok("enable", "--url", server.url, "--yes", "--statusline").err


@pytest.mark.parametrize(
    ("answers", "name"),
    [
        (("y", "not a name", "spark"), "spark"),
        (("cloud", ""), None),
        (("no",), None),
        (("spark",), "spark"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else str(each),
)
def test_what_is_no_name_is_asked_again_and_the_end_is_how_to_start(
    place: Place, server: EmbeddedBackend, answers: tuple[str, ...], name: str | None
) -> None:
    argv = [sys.executable, "-m", "claude_local_plugin", "enable", "--url", server.url]
    environ = {**os.environ, "COLUMNS": "80", "LINES": "24", "NO_COLOR": "1"}
    with Terminal(argv, cwd=place.project, environ=environ) as terminal:
        terminal.wait_for(r"Writethis\?")
        terminal.type("y\n")
        for number, answer in enumerate(answers):
            terminal.wait_for(rf"(Itsname\(Enter:no\):.*){{{number + 1}}}")
            terminal.type(f"{answer}\n")
        assert terminal.wait_for_exit() == 0
        assert [line for line in terminal.lines if line][-1] == "Now run: claude"
    found = place.json("profile", "list")["profiles"]
    assert [each["name"] for each in found] == ([name] if name else [])


# --- a helper


def _helped(both: Place) -> str:
    both.ok("profile", "edit", "desk", "helper=true")
    both.ok("enable", "desk", "--yes")
    helper: str = json.loads(both.local.read_text())["apiKeyHelper"]
    return helper


def test_with_a_helper_the_key_stands_in_no_file(both: Place) -> None:
    helper = _helped(both)
    found = taken_apart(helper)
    assert found is not None
    assert (found.profile, found.config_dir) == ("desk", str(config(both).parent))
    assert both.env()["ANTHROPIC_AUTH_TOKEN"] == ""
    held = "".join(what.decode("utf-8", "replace") for _, _, what in both.files().values())
    assert "key-of-desk" not in held
    printed = subprocess.run(["/bin/sh", "-c", helper], capture_output=True, text=True, check=True)
    assert (printed.stdout, printed.stderr) == ("key-of-desk\n", "")
    both.ok("disable", "--yes")
    assert not both.local.exists()


def test_a_helper_of_ours_is_no_leak_and_everybody_who_asks_the_server_has_the_key(both: Place) -> None:
    _helped(both)
    explained = both.json("explain-precedence")
    assert [each["id"] for each in explained["warnings"] if each["id"].startswith("leak.")] == []
    report = both.run("doctor", "credentials", "server", "--json").json
    found = {each["id"]: each["result"] for each in report["findings"]}
    assert found["leak.helper"] == "ok"
    assert found["credentials.key"] == "ok"
    assert both.json("status")["profile"] == "desk"


def test_where_the_helper_has_no_key_doctor_says_why(both: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = _helped(both)
    monkeypatch.delenv("DESK_KEY")
    printed = subprocess.run(["/bin/sh", "-c", helper], capture_output=True, text=True, check=True)
    assert printed.stdout == f"{NO_KEY}\n"
    assert "DESK_KEY is not set" in printed.stderr
    ended = both.run("doctor", "credentials")
    assert f"sessions send the mark {NO_KEY}: the key of the profile desk" in ended.out
    assert "export DESK_KEY=…" in ended.out


def test_the_marked_key_is_given_even_where_we_are_gone(both: Place) -> None:
    helper = _helped(both)
    interpreter = helper.split(" -I ", 1)[0]
    gone = helper.replace(interpreter, "/nowhere/python", 1)
    assert subprocess.run(["/bin/sh", "-c", gone], capture_output=True, text=True, check=True).stdout == f"{NO_KEY}\n"


def test_a_helper_goes_into_no_file_that_is_shared(both: Place) -> None:
    both.ok("profile", "edit", "desk", "helper=true")
    assert "no secret may go there" in both.refused("enable", "desk", "--scope", "project", "--yes", code=2)


def test_a_profile_without_helper_takes_the_helper_out_again(both: Place) -> None:
    _helped(both)
    both.ok("profile", "edit", "desk", "--unset", "helper")
    both.ok("enable", "desk", "--yes")
    assert "apiKeyHelper" not in json.loads(both.local.read_text())
    assert both.env()["ANTHROPIC_AUTH_TOKEN"] == "key-of-desk"


# --- time-outs that bench measured


def test_what_was_measured_belongs_to_the_profile(both: Place, tmp_path: Path) -> None:
    from claude_local_plugin.commands import bench
    from claude_local_plugin.commands.server_in_use import in_use

    both.ok("enable", "spark", "--yes")
    world = both.world()
    report = {
        "advice": {
            "settings": [
                {"name": "API_TIMEOUT_MS", "value": "123000", "reason": "measured"},
                {"name": "CLAUDE_STREAM_IDLE_TIMEOUT_MS", "value": "45000", "reason": "measured"},
            ]
        }
    }
    bench.write(bench.prepare(report, in_use(world.snapshot()), world), world)
    assert (said(both)["api_timeout_ms"], said(both)["stream_idle_timeout_ms"]) == (123_000, 45_000)
    assert both.env()["API_TIMEOUT_MS"] == "123000"
    both.ok("enable", "desk", "--yes")
    assert both.env()["API_TIMEOUT_MS"] == "1800000"
    both.ok("enable", "spark", "--yes")
    assert (both.env()["API_TIMEOUT_MS"], both.env()["CLAUDE_STREAM_IDLE_TIMEOUT_MS"]) == ("123000", "45000")
    both.ok("disable", "--yes")
    assert not both.local.exists()


def test_an_address_in_the_place_of_a_profile_is_a_server(place: Place, server: EmbeddedBackend) -> None:
    host = server.url.removeprefix("http://")
    place.ok("enable", host, "--yes")
    assert place.env()["ANTHROPIC_BASE_URL"] == server.url
    place.ok("enable", server.url, "--yes")
    assert f"ANTHROPIC_BASE_URL={server.url}" in place.ok("env", host, "--shell", "bash").out
    # what is no profile's name and no address says what an address looks like
    assert "a server's address has its port" in place.refused("enable", "dell-pro-max", code=2)
    assert "which would end up in a settings file" in place.refused("enable", "http://me:secret@box:1", code=2)
