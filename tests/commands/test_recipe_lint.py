"""`claude-local recipe lint`: what it prints, as what it ends, and that it writes nothing."""

import io
import json
import shutil
from pathlib import Path

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from claude_local_plugin.lint import CHECKS
from claude_local_plugin.settings.schema import problems
from tests.commands.place import Place
from tests.lint.looking import FILES

COMPOSE = "gb10-coder-next.compose.yml"


@pytest.fixture
def compose(place: Place) -> Path:
    return Path(shutil.copy(FILES / COMPOSE, place.project / "compose.yml"))


def test_findings_come_with_their_place_and_the_machine_that_was_taken(place: Place, compose: Path) -> None:
    ended = place.run("recipe", "lint", "compose.yml")
    assert ended.code == 1
    assert ended.out.startswith("compose file · vllm · for GB10")
    assert "(the file says 'Dell Pro Max GB10')" in ended.out.partition("\n")[0]
    assert "! recipe.claude-name" in ended.out
    assert "(compose.yml:31:27)" in ended.out
    assert "claude-local recipe lint compose.yml --fix" in ended.out
    assert "2 warnings" in ended.out.splitlines()[-1]
    assert compose.read_bytes() == (FILES / COMPOSE).read_bytes()


def test_the_diff_is_on_standard_output_alone(place: Place, compose: Path) -> None:
    ended = place.run("recipe", "lint", "compose.yml", "--fix")
    assert ended.code == 1
    assert ended.out.startswith("--- compose.yml\n+++ compose.yml\n@@ ")
    assert "+      --served-model-name qwen3-coder-next\n" in ended.out
    assert "left to you: recipe.open" in ended.err
    assert compose.read_bytes() == (FILES / COMPOSE).read_bytes()


def test_standard_input_is_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "vllm serve Qwen/Qwen3.6-27B --host 127.0.0.1 --enable-auto-tool-choice\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    ended = place.run("recipe", "lint", "-", "--check", "tools")
    assert ended.code == 1
    assert "(-:1:1)" in ended.out
    assert "✗ recipe.parser" in ended.out


def test_a_file_without_a_fault_ends_with_0(place: Place) -> None:
    shutil.copy(FILES / "good" / "vllm.service", place.project)
    ended = place.run("recipe", "lint", "vllm.service")
    assert ended.code == 0
    assert "all well" in ended.out


def test_json_follows_its_schema(place: Place, compose: Path) -> None:
    ended = place.run("recipe", "lint", "compose.yml", "--fix", "--json")
    report = json.loads(ended.out)
    assert not problems(report, "recipe-lint")
    assert report["hardware"] == "gb10"
    assert report["format"] == "compose"
    assert report["diff"].startswith("--- compose.yml")
    assert {each["id"] for each in report["findings"]} == {each.id for each in CHECKS}


def test_a_key_in_the_file_is_masked_but_for_patch(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A diff that hides a part of its lines cannot be applied; on a terminal nobody applies it."""
    (place.project / "s.sh").write_text("vllm serve a/b --api-key sk-very-secret-0123456789 --max-model-len 64k\n")
    for options in ((), ("--json",), ("--fix", "--json")):
        ended = place.run("recipe", "lint", "s.sh", *options)
        assert "very-secret" not in ended.out + ended.err, options
    assert "sk-very-secret-0123456789" in place.run("recipe", "lint", "s.sh", "--fix").out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert "very-secret" not in place.run("recipe", "lint", "s.sh", "--fix").out


def test_usage_is_said_with_2(place: Place, compose: Path) -> None:
    for arguments, said in (
        ((), "name a file or a URL"),
        (("compose.yml", "--url", "http://127.0.0.1:1"), "name a file or a URL"),
        (("no-such.yml",), "cannot be read"),
        (("compose.yml", "--hardware", "abacus"), "no hardware 'abacus'"),
        (("compose.yml", "--check", "recipe.parsers"), "did you mean recipe.parser"),
        (("--url", "http://127.0.0.1:1", "--fix"), "--fix corrects a file"),
        (("compose.yml", "--token-env", "KEY"), "--token-env is the key"),
    ):
        assert said in place.refused("recipe", "lint", *arguments, code=2), arguments


def test_every_check_can_be_listed_and_explained(place: Place) -> None:
    listed = place.ok("recipe", "lint", "--list").out
    for check in CHECKS:
        assert check.id in listed
        explained = place.ok("recipe", "lint", "--explain", check.id).out
        assert check.source in explained


def test_a_running_server_shows_what_it_can(place: Place) -> None:
    with EmbeddedBackend(models=(Model("claude-sonnet-4-6", max_model_len=16_384),)) as server:
        ended = place.run("recipe", "lint", "--url", server.url, "--json")
        report = json.loads(ended.out)
        assert not problems(report, "recipe-lint")
        found = {each["id"]: each for each in report["findings"] if each["result"] in ("warning", "error")}
        assert {"recipe.claude-name", "recipe.small-window"} <= found.keys()
        assert {each["where"] for each in found.values()} == {server.url}
        assert not any(each["fixable"] for each in report["findings"])
        assert ended.code == 1
        skipped = {each["id"]: each["what"] for each in report["findings"] if each["result"] == "skipped"}
        assert skipped["recipe.tag"] == "a running server does not show it: give the file that starts it"


def test_a_server_that_does_not_answer_is_an_error(place: Place) -> None:
    said = place.refused("recipe", "lint", "--url", "http://127.0.0.1:9")
    assert "is not ready (refused)" in said
