"""What a run reads of Claude Code's own arguments, and the settings that it was given there."""

import json
import subprocess
from pathlib import Path

import pytest

from claude_local_plugin.errors import ClaudeLocalError, SettingsError
from claude_local_plugin.launch import arguments, settings_text

JSON = '{"env": {"A": "1"}}'


@pytest.mark.parametrize(
    ("words", "rest", "settings"),
    [
        (("-p", "hi"), ("-p", "hi"), None),
        (("--settings", "s.json", "-p", "hi"), ("-p", "hi"), "s.json"),
        (("-p", "hi", "--settings", JSON), ("-p", "hi"), JSON),
        (("--settings=s.json", "-p"), ("-p",), "s.json"),
        ((f"--settings={JSON}",), (), JSON),
        (("--settings", "a=b.json"), (), "a=b.json"),
        # of two the last counts alone, as for the client
        (("--settings", "first.json", "--settings=second.json"), (), "second.json"),
        (("--settings", "s.json", "mcp", "list"), ("mcp", "list"), "s.json"),
        (("mcp", "list", "--settings", "s.json"), ("mcp", "list"), "s.json"),
        (("-p", "--", "--settings", "x"), ("-p", "--", "--settings", "x"), None),
        (("--settings", "s", "--", "--settings=t"), ("--", "--settings=t"), "s"),
        # the client itself says that a value is missing
        (("-p", "--settings"), ("-p", "--settings"), None),
        (("--settings", ""), (), ""),
        ((), (), None),
    ],
)
def test_settings_of_its_own_are_taken_out_wherever_they_stand(
    words: tuple[str, ...], rest: tuple[str, ...], settings: str | None
) -> None:
    read = arguments.read(words)
    assert (read.rest, read.settings) == (rest, settings)


@pytest.mark.parametrize(
    ("words", "model", "sources"),
    [
        (("--model", "m", "-p"), "m", None),
        (("--model=m", "--setting-sources", "user,project"), "m", ("user", "project")),
        (("--setting-sources=",), None, ()),
        (("--setting-sources", "user, local"), None, ("user", "local")),
        (("-p", "--", "--model", "m"), None, None),
        (("--model", "a", "--model", "b"), "b", None),
    ],
)
def test_the_model_and_the_sources_that_it_names_are_known_and_stay(
    words: tuple[str, ...], model: str | None, sources: tuple[str, ...] | None
) -> None:
    read = arguments.read(words)
    assert (read.model, read.sources, read.rest) == (model, sources, words)


@pytest.mark.parametrize(
    ("words", "interactive"),
    [
        ((), True),
        (("-p", "hi"), False),
        (("--print", "hi"), False),
        (("-cp", "hi"), False),
        (("--continue",), True),
        (("--", "-p"), True),
        (("-psx",), True),
    ],
)
def test_whether_somebody_sits_at_it(words: tuple[str, ...], interactive: bool) -> None:
    assert arguments.read(words).interactive is interactive


@pytest.mark.parametrize("option", arguments.LEAVING)
def test_what_takes_a_session_out_of_the_process_is_noticed(option: str) -> None:
    assert arguments.read((option, "fix it")).leaving == option
    assert arguments.read((f"{option}=x",)).leaving == option
    assert arguments.read(("-p", "--", option)).leaving is None


@pytest.mark.client
def test_every_such_option_is_one_of_the_clients(claude_binary: Path, home: Path) -> None:
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    shown = subprocess.run([claude_binary, "--help"], env=environ, capture_output=True, text=True, check=True).stdout
    hidden = {"--background", "--teleport"}
    assert [option for option in arguments.LEAVING if option not in shown and option not in hidden] == []


# --- the settings


def test_settings_of_its_own_lie_where_it_is_started_or_are_the_text_itself(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(JSON)
    wanted = {"env": {"A": "1"}}
    assert settings_text.given("s.json", tmp_path) == wanted
    assert settings_text.given(str(tmp_path / "s.json"), Path("/")) == wanted
    assert settings_text.given(f"  {JSON}", tmp_path) == wanted
    assert settings_text.given(None, tmp_path) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nowhere.json", "--settings nowhere.json: there is no such file"),
        ("broken.json", "broken.json: no JSON"),
        ("list.json", "list.json: no JSON object"),
        ('{"env":', "--settings: no JSON"),
        ('{"a": NaN}', "--settings: no JSON"),
        ("", "--settings : there is no such file"),
    ],
)
def test_settings_that_are_none_are_refused_before_anything_starts(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text('{"env": ')
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises((SettingsError, ClaudeLocalError), match=said) as raised:
        settings_text.given(text, tmp_path)
    assert raised.value.hint


def test_ours_lie_over_theirs_and_the_rest_of_theirs_stays() -> None:
    theirs = {
        "env": {"ANTHROPIC_BASE_URL": "http://x", "MINE": "1"},
        "permissions": {"deny": ["Read(./x)", "WebSearch"], "allow": ["Bash"]},
        "model": "opus",
    }
    ours = {
        "env": {"ANTHROPIC_BASE_URL": "http://y"},
        "permissions": {"deny": ["WebSearch", "WebFetch"]},
        "apiKeyHelper": "",
    }
    before = json.dumps(theirs)
    assert settings_text.merged(theirs, ours) == {
        "env": {"ANTHROPIC_BASE_URL": "http://y", "MINE": "1"},
        "permissions": {"deny": ["Read(./x)", "WebSearch", "WebFetch"], "allow": ["Bash"]},
        "model": "opus",
        "apiKeyHelper": "",
    }
    assert json.dumps(theirs) == before


def test_what_cannot_be_merged_is_replaced() -> None:
    assert settings_text.merged({"env": "x"}, {"env": {"A": "1"}}) == {"env": {"A": "1"}}
    assert settings_text.merged({"deny": "x"}, {"deny": ["y"]}) == {"deny": ["y"]}


def test_the_text_is_json_in_every_language() -> None:
    assert json.loads(settings_text.text_of({"env": {"A": 'é "日本"\n'}})) == {"env": {"A": 'é "日本"\n'}}
