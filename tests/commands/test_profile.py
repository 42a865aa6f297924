"""`claude-local profile`: servers under names, in config.toml, with all else in it left as it is."""

import io
import sys
import tomllib
from pathlib import Path
from typing import Any

import keyring
import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from claude_local_plugin.settings import schema
from tests.commands.place import MODEL, Place
from tests.profiles.test_secrets import Memory

SPARK = ("profile", "add", "spark", "--url", "http://spark:8000")
FILE = """# mine
warn_up = true

# about the log
[log]
cwd = "off"   # nobody's business
"""


def config(place: Place) -> Path:
    return place.home / ".config" / "claude-local" / "config.toml"


def said(place: Place, name: str = "spark") -> dict[str, Any]:
    profiles: dict[str, Any] = tomllib.loads(config(place).read_text())["profiles"]
    found: dict[str, Any] = profiles[name]
    return found


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def changed(place: Place, *arguments: str) -> Any:
    answer = place.ok(*arguments, "--json").json
    assert schema.problems(answer, "profile-change") == ()
    return answer


def test_a_new_profile_stands_behind_what_is_there(place: Place) -> None:
    place.write(config(place), FILE)
    place.ok(*SPARK, "--model", "m", "--opus", "big", "--max-model-len", "65_536", "--privacy", "quiet")
    assert config(place).read_text() == FILE + (
        '\n[profiles.spark]\nurl = "http://spark:8000"\nmodel = "m"\nopus = "big"\nwindow = 65536\nprivacy = "quiet"\n'
    )


def test_every_key_of_a_profile_has_an_option_and_a_value_of_its_kind(place: Place) -> None:
    place.ok("profile", "add", "desk", "--url", "desk.lan:8000")
    options = {
        "model": ("--model", "m"),
        "opus": ("--opus", "o"),
        "sonnet": ("--sonnet", "s"),
        "haiku": ("--haiku", "h"),
        "fable": ("--fable", "f"),
        "subagent": ("--subagent", "a"),
        "kind": ("--kind", "vllm"),
        "helper": ("--helper",),
        "headers": ("--header", "X-Team=red", "--header", "X-Room=1"),
        "headers_env": ("--header-env", "X-Pass=GATE"),
        "window": ("--max-model-len", "65536"),
        "max_output": ("--max-output", "4096"),
        "api_timeout_ms": ("--api-timeout-ms", "600000"),
        "stream_idle_timeout_ms": ("--stream-idle-timeout-ms", "60000"),
        "max_retries": ("--max-retries", "0"),
        "privacy": ("--privacy", "airgap"),
        "system_prompt": ("--system-prompt", "lean"),
        "env": ("--env", "MAX_THINKING_TOKENS=0", "--env", "LANG=C=1"),
        "start_command": ("--start-command", "ssh spark 'docker compose' up"),
        "fallback": ("--fallback", "desk", "--fallback", "cloud"),
        "token": ("--token-env", "SPARK_KEY"),
    }
    place.ok(*SPARK, *(word for words in options.values() for word in words))
    found = said(place)
    assert found.keys() == {"url", *options}
    assert found["start_command"] == ["ssh", "spark", "docker compose", "up"]
    assert found["env"] == {"MAX_THINKING_TOKENS": "0", "LANG": "C=1"}
    assert (found["headers"], found["fallback"]) == (["X-Team=red", "X-Room=1"], ["desk", "cloud"])
    assert (found["token"], found["helper"], found["max_retries"]) == ("env:SPARK_KEY", True, 0)
    assert place.json("profile", "list", code=0)["profiles"][1]["token"] == "env:SPARK_KEY"
    shown = place.json("profile", "show", "spark")
    assert shown["profile"] == found
    again = place.ok("profile", "show", "spark").out
    assert tomllib.loads(again)["profiles"]["spark"] == found


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((*SPARK[:3],), "hint: claude-local profile add spark --url http://HOST:PORT"),
        (("profile", "add", "cloud", "--url", "http://x:1"), "is not “cloud”"),
        ((*SPARK, "--max-model-len", "many"), "window must be a whole number from 1 to 20,000,000"),
        ((*SPARK, "--kind", "vlm"), "hint: did you mean vllm?"),
        ((*SPARK, "--env", "ANTHROPIC_BASE_URL=http://x"), "the profile's `url` says it"),
        ((*SPARK, "--env", "MY_API_KEY=abcdefghij"), "looks like a secret"),
        ((*SPARK, "--header", "X-Api-Key=abcdefghij"), "looks like a secret"),
        ((*SPARK, "--fallback", "dsk"), "there is no such profile"),
        ((*SPARK, "--token-env", "sk-abcdefghijkl"), "takes the name of an environment variable"),
        ((*SPARK, "--token-env", "A", "--keyring"), "a key is in one place"),
        ((*SPARK, "--keyring"), "--token-stdin reads it from standard input"),
        (("profile", "edit", "sprak", "model=m"), "there is no profile called sprak"),
        (("profile", "show", "sprak"), "there is no profile called sprak"),
        (("profile", "export", "sprak"), "there is no profile called sprak"),
        (("profile", "remove", "sprak"), "there is no profile called sprak"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(
    place: Place, arguments: tuple[str, ...], complaint: str
) -> None:
    err = place.refused(*arguments, code=2)
    assert complaint in err
    assert "abcdefghij" not in err


def test_a_name_that_is_there_stays_as_it_is(place: Place) -> None:
    place.ok(*SPARK)
    assert "hint: claude-local profile edit spark KEY=VALUE changes it" in place.refused(*SPARK, code=2)
    assert "differs from it in case alone" in place.refused("profile", "add", "Spark", "--url", "http://x", code=2)


def test_a_key_is_kept_where_nobody_else_may_read_it_and_never_shown(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "key-of-spark\n")
    ended = place.ok(*SPARK, "--token-stdin")
    file = config(place).parent / "keys" / "spark"
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("key-of-spark\n", 0o600)
    assert said(place)["token"] == "file"
    shown = ended.all + "".join(place.ok("profile", each, *rest).all for each, *rest in (["list"], ["show", "spark"]))
    assert "key-of-spark" not in shown + config(place).read_text() + place.ok("profile", "export", "spark").all
    assert "taken away" in place.ok("profile", "edit", "spark", "--token-env", "K").err
    assert not file.parent.exists()


def test_a_key_goes_into_the_keyring_and_out_of_it_with_its_profile(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, ring = keyring.get_keyring(), Memory()
    keyring.set_keyring(ring)
    try:
        typed(monkeypatch, "key-of-spark\n")
        place.ok(*SPARK, "--keyring", "--token-stdin")
        assert ring.held == {("claude-local", "spark"): "key-of-spark"}
        assert changed(place, "profile", "remove", "spark")["said"] == ["its key in the keyring was taken away"]
        assert ring.held == {}
    finally:
        keyring.set_keyring(before)


def test_no_key_is_kept_for_a_profile_that_is_not_written(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "key-of-spark\n")
    place.refused(*SPARK, "--token-stdin", "--fallback", "nobody", code=2)
    typed(monkeypatch, "sk-ant-api03-abc\n")
    assert "a key of Anthropic's own" in place.refused(*SPARK, "--token-stdin")


def test_a_change_keeps_comments_and_everything_else(place: Place) -> None:
    place.ok(*SPARK, "--model", "m", "--env", "A=1")
    text = "# the one in the cellar\n" + config(place).read_text().replace('"m"', '"m"   # for now') + "\n# end\n"
    config(place).write_text(text)
    report = changed(place, "profile", "edit", "spark", "model=n", "window=1000", "env.B=2", "--unset", "env.A")
    assert report["profile"]["env"] == {"B": "2"}
    after = config(place).read_text()
    assert '"n"   # for now\nwindow = 1000\n' in after
    assert (after.startswith("# the one in the cellar\n"), after.endswith("\n# end\n")) == (True, True)
    assert changed(place, "profile", "edit", "spark", "model=n")["changed"] is False
    place.ok("profile", "edit", "spark", "--unset", "window", "--unset", "env", "headers=A=1", "headers=B=2")
    assert said(place) == {"url": "http://spark:8000", "model": "n", "headers": ["A=1", "B=2"]}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("modle=m",), "hint: did you mean model?"),
        (("--unset", "modle"), "hint: did you mean model?"),
        (("model",), "--unset model takes a key out"),
        (("--unset", "url"), "its url cannot be taken out"),
        (("helper=maybe",), "helper must be true or false"),
        (("url=ftp://x",), "url must be an http(s) URL"),
        (("env.SOME_TOKEN=abcdefghij",), "looks like a secret"),
        (("env=A=1",), "env.NAME=VALUE"),
        ((), "vi +1 "),
    ],
)
def test_a_wrong_change_changes_nothing(place: Place, words: tuple[str, ...], complaint: str) -> None:
    place.ok(*SPARK)
    err = place.refused("profile", "edit", "spark", *words, code=2)
    assert complaint in err
    assert "abcdefghij" not in err


def test_a_profile_that_was_spoilt_by_hand_is_shown_with_its_fault_and_can_be_mended(place: Place) -> None:
    place.ok(*SPARK, "--model", "m")
    config(place).write_text(config(place).read_text() + 'modle = "x"\nwindow = "many"\n')
    listed = place.json("profile", "list", code=1)
    assert [each["usable"] for each in listed["profiles"]] == [False]
    assert any("did you mean model?" in each for each in listed["problems"])
    shown = place.ends(1, "profile", "show", "spark")
    assert "window must be a whole number" in shown.err
    assert "config.toml:5:" in place.refused("enable", "spark")
    place.ok("profile", "edit", "spark", "window=65536", "--unset", "modle")
    assert said(place) == {"url": "http://spark:8000", "model": "m", "window": 65536}


def test_a_removed_profile_goes_from_the_fallbacks_of_others(place: Place) -> None:
    place.ok(*SPARK)
    for name, fallback in (("desk", ("spark",)), ("both", ("spark", "cloud"))):
        words = [word for each in fallback for word in ("--fallback", each)]
        place.ok("profile", "add", name, "--url", f"http://{name}:1", *words)
    report = changed(place, "profile", "remove", "spark")
    assert report["said"] == ["desk no longer falls back on it", "both no longer falls back on it"]
    assert tomllib.loads(config(place).read_text())["profiles"] == {
        "desk": {"url": "http://desk:1"},
        "both": {"url": "http://both:1", "fallback": ["cloud"]},
    }


def test_discover_asks_the_server_for_kind_model_and_window(place: Place, server: EmbeddedBackend) -> None:
    ended = place.ok("profile", "add", "spark", "--url", server.url, "--discover")
    assert said(place) == {"url": server.url, "model": MODEL, "kind": "vllm", "window": 65_536}
    assert "kind vllm" not in ended.err
    assert f"vllm, model {MODEL}, window 65,536" in ended.err


def test_discover_takes_the_key_along_and_names_the_models_where_there_are_several(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EmbeddedBackend(models=(Model("a", 1000), Model("b", 2000)), api_key="key-of-spark") as backend:
        monkeypatch.setenv("K", "key-of-spark")
        words = ("profile", "add", "spark", "--url", backend.url, "--discover")
        assert "asks for a key" in place.refused(*words)
        assert "serves several models: a, b" in place.refused(*words, "--token-env", "K", code=2)
        place.ok(*words, "--token-env", "K", "--model", "b")
    assert said(place)["window"] == 2000


def test_what_one_exports_another_imports(place: Place) -> None:
    place.ok(*SPARK, "--token-env", "K", "--env", "A=1", "--start-command", "make up")
    text = place.ok("profile", "export", "spark").out
    held = said(place)
    place.ok("profile", "remove", "spark")
    file = place.project / "spark.toml"
    file.write_text(text)
    answer = place.ok("profile", "import", "spark.toml", "--json").json
    assert schema.problems(answer, "profile-import") == ()
    assert (said(place), answer["imported"], answer["replaced"]) == (held, ["spark"], [])
    assert answer["said"] == ["the key of the profile spark: the environment variable K is not set: export K=…"]
    assert "names a COMMAND" in place.ok("profile", "import", "spark.toml").err
    file.write_text(text.replace("spark:8000", "elsewhere.example:1"))
    assert "there is a profile called spark already" in place.ends(2, "profile", "import", "spark.toml").err
    assert said(place) == held
    assert "PUBLIC HOST" in place.ok("profile", "import", "spark.toml", "--replace").err
    assert said(place)["url"] == "http://elsewhere.example:1"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "there is no profile in it"),
        ("[log]\ncwd = 'off'\n", "log is no profile"),
        ("[profiles.spark]\nmodel = 'm'\n", "names no url"),
        ("[profiles.spark]\nurl = 'http://x'\nmodle = 'm'\n", "did you mean model?"),
        ("[profiles.spark]\nurl = 'http://x'\ntoken = 'sk-abcdefghijkl'\n", "profiles.spark.token must be"),
        ("[profiles.spark]\nurl = 'http://x'\n[profiles.spark.env]\nA = 'sk-abcdefghijkl'\n", "looks like a secret"),
        ("[profiles.spark\n", "spark.toml:1"),
    ],
)
def test_what_is_imported_is_judged_first(place: Place, text: str, complaint: str) -> None:
    (place.project / "spark.toml").write_text(text)
    err = place.refused("profile", "import", "spark.toml")
    assert complaint in err
    assert "abcdefghijkl" not in err
