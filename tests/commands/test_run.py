"""`claude-local run` as it is typed: what it starts and with what, what it refuses, and what it says.

The program is a small one that shows what it was started with; the real client is asked in tests/client.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from tests.commands.place import MODEL, Ended, Place

pytestmark = pytest.mark.process

SHOW = f"""#!{sys.executable}
import json, os, pathlib, sys
settings = os.environ.get("CLAUDE_LOCAL_RUN_SETTINGS")
print(json.dumps({{
    "argv": sys.argv[1:],
    "environ": dict(os.environ),
    "settings": json.loads(pathlib.Path(settings).read_text()) if settings else None,
    "mode": oct(os.stat(settings).st_mode & 0o777) if settings else None,
}}))
raise SystemExit(int(os.environ.get("END_WITH", "0")))
"""
KEY = "sk-ant-api03-mine"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH with `claude`, `guardkit` and `script`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("claude", "guardkit", "script"):
        (folder / name).write_text(SHOW)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


@pytest.fixture
def spark(place: Place, server: EmbeddedBackend, programs: Path) -> EmbeddedBackend:
    """A server under that name."""
    profile(place, "spark", url=server.url)
    return server


def profile(place: Place, name: str, **keys: Any) -> None:
    path = place.home / ".config" / "claude-local" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
    path.write_text((path.read_text() if path.exists() else "") + f"[profiles.{name}]\n{text}")


def typed(place: Place, *words: str, code: int = 0) -> Ended:
    """The command in a process of its own, which becomes the program."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "claude_local_plugin", "run", *words],
        cwd=place.project,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    ended = Ended(done.returncode, done.stdout, done.stderr)
    assert ended.code == code, ended.all
    return ended


@pytest.mark.parametrize("words", [("spark", "--"), ("spark",)])
def test_claude_gets_settings_of_its_own_and_nothing_else_changes(
    place: Place, spark: EmbeddedBackend, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    place.write(place.local, {"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "ANTHROPIC_AUTH_TOKEN": "theirs"}})
    before = place.local.read_bytes()
    ended = typed(place, *words, "claude", "-p", "fix it")
    shown = ended.json
    assert shown["argv"][0] == "--settings"
    assert shown["argv"][2:] == ["-p", "fix it"]
    assert shown["mode"] == "0o600"
    assert shown["settings"]["env"]["ANTHROPIC_BASE_URL"] == spark.url
    assert shown["settings"]["env"]["ANTHROPIC_API_KEY"] == ""
    assert shown["environ"]["ANTHROPIC_BASE_URL"] == spark.url
    assert shown["environ"]["CLAUDE_LOCAL_PROFILE"] == "spark"
    assert shown["environ"]["CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST"] == "1"
    assert KEY not in json.dumps(shown)
    assert ended.err.startswith(f"local, once: spark, 127.0.0.1:{spark.port} as {MODEL} · window 65,536")
    assert place.local.read_bytes() == before


def test_every_other_program_gets_an_environment_alone(
    place: Place, spark: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    shown = typed(place, "spark", "--", "script", "--settings", "x").json
    assert shown["argv"] == ["--settings", "x"]
    assert shown["settings"] is None
    assert shown["environ"]["ANTHROPIC_BASE_URL"] == spark.url
    assert shown["environ"]["ANTHROPIC_API_KEY"] == ""
    assert shown["environ"]["OPENAI_API_KEY"] == "sk-openai"


def test_guardkit_is_known_by_its_name(place: Place, spark: EmbeddedBackend) -> None:
    ended = typed(place, "spark", "--", "guardkit", "autobuild", "task", "TASK-1")
    assert ended.json["argv"] == ["autobuild", "task", "TASK-1", "--model", MODEL]
    assert ended.json["environ"]["OPENAI_BASE_URL"] == f"{spark.url}/v1"
    assert "--harness has it use the Agent SDK" in ended.err


def test_the_exit_code_is_the_programs(place: Place, spark: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("END_WITH", "42")
    assert typed(place, "spark", "--", "script", code=42).json["argv"] == []


def test_quiet_says_nothing(place: Place, spark: EmbeddedBackend) -> None:
    assert typed(place, "-q", "spark", "--", "claude").err == ""


def test_settings_of_a_run_that_has_ended_are_swept_by_the_next(place: Place, spark: EmbeddedBackend) -> None:
    """Whoever becomes the program cannot take them away afterwards."""
    first = Path(typed(place, "spark", "--", "claude").json["environ"]["CLAUDE_LOCAL_RUN_SETTINGS"])
    second = Path(typed(place, "spark", "--", "claude").json["environ"]["CLAUDE_LOCAL_RUN_SETTINGS"])
    assert (first.exists(), second.parent) == (False, first.parent)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no command to run"),
        (("spark", "--url", "http://127.0.0.1:1", "--", "claude"), "three different things"),
        (("spark", "--cloud", "--", "claude"), "three different things"),
        (("nobody", "--", "claude"), "nobody"),
        (("--harness", "--for", "any", "spark", "--", "script"), "--harness is GuardKit's"),
        (("one", "two", "--", "claude"), "one profile is named before --"),
        (("--for", "vim", "spark", "--", "vim"), "is not one of"),
    ],
)
def test_what_is_asked_wrongly_is_a_usage_error(
    place: Place, spark: EmbeddedBackend, words: tuple[str, ...], said: str
) -> None:
    assert said in typed(place, *words, code=2).err


@pytest.mark.parametrize("option", ["--bg", "--cloud", "--teleport=x", "--desktop", "--tmux=classic"])
def test_a_session_that_would_leave_the_run_is_refused_with_the_reason(
    place: Place, spark: EmbeddedBackend, option: str
) -> None:
    ended = typed(place, "spark", "--", "claude", option, "fix it", code=1)
    name = option.partition("=")[0]
    assert f"error: {name} takes the session out of this run: " in ended.err
    assert f"leave {name} out, or change the folder: claude-local enable --url {spark.url}" in ended.err


def test_a_session_that_would_leave_a_run_in_the_cloud_is_refused_where_it_would_need_the_run(
    place: Place, spark: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    assert typed(place, "--cloud", "--", "claude", "--bg", "x").json["argv"] == ["--bg", "x"]
    place.ok("enable", "--url", spark.url, "--yes", "--no-hooks")
    assert "--bg takes the session out of this run" in typed(place, "--cloud", "--", "claude", "--bg", "x", code=1).err
    assert typed(place, "--cloud", "--", "claude", "--teleport", "x").json["argv"][2:] == ["--teleport", "x"]


@pytest.mark.parametrize("program", ["claude", "script"])
def test_a_folder_that_is_kept_to_its_servers_is_kept_to_them(
    place: Place, spark: EmbeddedBackend, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    place.ok("config", "set", "--project", str(place.project), "protect", "true")
    place.ok("config", "set", "--project", str(place.project), "allowed_backends", "http://127.0.0.1:9")
    for words in (("spark",), ("--cloud",)):
        ended = typed(place, *words, "--", program, code=1)
        assert "nothing was started" in ended.err
        assert "allowed_backends" in ended.err
    place.ok("config", "set", "--project", str(place.project), "allowed_backends", spark.url)
    assert typed(place, "spark", "--", program).json["environ"]["ANTHROPIC_BASE_URL"] == spark.url


def test_a_profile_that_is_down_falls_back_to_the_next_that_is_ready(
    place: Place, server: EmbeddedBackend, programs: Path, closed_port: int
) -> None:
    profile(place, "spark", url=f"http://127.0.0.1:{closed_port}", fallback=["nas"])
    profile(place, "nas", url=server.url)
    ended = typed(place, "spark", "--", "claude")
    assert ended.json["environ"]["ANTHROPIC_BASE_URL"] == server.url
    assert "so this run takes nas, the next of spark's fallback" in ended.err


def test_the_cloud_is_fallen_back_to_only_where_it_is_named(
    place: Place, programs: Path, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    profile(place, "spark", url=f"http://127.0.0.1:{closed_port}")
    profile(place, "other", url=f"http://127.0.0.1:{closed_port}", fallback=["cloud"])
    ended = typed(place, "spark", "--", "claude", "-p", "a b", code=1)
    assert "refuses connections" in ended.err
    assert (
        "hint: once it answers: claude-local run spark -- claude -p 'a b'; without asking it: claude-local run"
        in ended.err
    )
    ended = typed(place, "other", "--", "claude")
    assert ended.json["environ"]["ANTHROPIC_API_KEY"] == KEY
    assert "so this run takes the cloud" in ended.err


def test_a_server_that_is_coming_is_waited_for(place: Place, programs: Path, closed_port: int) -> None:
    profile(place, "spark", url=f"http://127.0.0.1:{closed_port}")
    late = EmbeddedBackend(port=closed_port, models=(Model(MODEL, 65_536),))
    command = [sys.executable, "-P", "-m", "claude_local_plugin", "run", "--wait", "60", "spark", "--", "claude"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=place.project, env=dict(os.environ), text=True, **pipes) as running:  # type: ignore[call-overload]
        assert re.search(r"is not ready yet: waiting, \d+ s at most", running.stderr.readline())
        with late:
            assert json.loads(running.stdout.read())["environ"]["ANTHROPIC_BASE_URL"] == late.url
            assert running.wait(timeout=60) == 0


def test_a_teams_profile_serves_once_somebody_has_agreed_to_it(
    place: Place, server: EmbeddedBackend, programs: Path
) -> None:
    (place.project / ".claude-local.toml").write_text(
        f'[profiles.team]\nurl = "{server.url}"\n[profiles.down]\nurl = "http://127.0.0.1:9"\nfallback = ["team"]\n'
    )
    for words in (("team", "--"), ("team",)):
        assert "claude-local profile trust" in typed(place, *words, "claude", code=1).err
    assert place.ok("profile", "trust", "--yes")
    for words in (("team", "--"), ("team",), ("down", "--")):
        assert typed(place, *words, "claude").json["environ"]["ANTHROPIC_BASE_URL"] == server.url
    assert server.url in place.ok("env", "team").out
