"""Scenarios: plain data in and out, and the files they become."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from claude_local_plugin.conformance import PORTS, Scenario, materialise, needs_namespace, url
from claude_local_plugin.conformance.scenario import LAYOUTS, PLACES, before_a_command
from tests.looped import looped


def full() -> Scenario:
    return Scenario(
        settings={"local": {"model": "m"}, "user": '{"broken": '},
        shell={"A": "1"},
        credentials={"claudeAiOauth": {}},
        home_json={"primaryApiKey": "k"},
        layout="worktree",
        setting_sources="user, local",
        model="opus",
        flag_inline=True,
        config_dir=True,
        args=("--bare",),
    )


@pytest.mark.parametrize("scenario", [Scenario(), full()])
def test_a_scenario_survives_being_written_as_json(scenario: Scenario) -> None:
    assert Scenario.from_json(json.loads(json.dumps(scenario.to_json()))) == scenario


def test_an_empty_scenario_is_an_empty_object() -> None:
    assert Scenario().to_json() == {}


def test_a_misspelt_key_is_not_taken_for_a_scenario() -> None:
    with pytest.raises(TypeError):
        Scenario.from_json({"setings": {}})


def test_every_place_has_a_port_of_its_own() -> None:
    assert set(PLACES) < set(PORTS)
    assert len(set(PORTS.values())) == len(PORTS)


@looped(
    ("layout", "place", "path"),
    [
        ("plain", "local", "home/shop/.claude/settings.local.json"),
        ("plain", "project", "home/shop/.claude/settings.json"),
        ("plain", "user", "home/.claude/settings.json"),
        ("git-subfolder", "local", "home/shop/web/api/.claude/settings.local.json"),
        ("git-subfolder", "main.local", "home/shop/.claude/settings.local.json"),
        ("git-subfolder", "main.project", "home/shop/.claude/settings.json"),
        ("worktree", "local", "home/shop-fix/.claude/settings.local.json"),
        ("worktree", "main.local", "home/shop/.claude/settings.local.json"),
        ("home", "local", "home/.claude/settings.local.json"),
        ("plain", "managed", "managed/managed-settings.json"),
        ("plain", "managed.d/10", "managed/managed-settings.d/10-first.json"),
    ],
)
def test_each_place_is_where_claude_code_looks_for_it(tmp_path: Path, layout: str, place: str, path: str) -> None:
    materialise(Scenario(settings={place: {"model": place}}, layout=layout), tmp_path)
    assert json.loads((tmp_path / path).read_text()) == {"model": place}


def test_a_raw_text_is_written_as_it_stands(tmp_path: Path) -> None:
    materialise(Scenario(settings={"user": "\ufeff{ // no\r\n"}), tmp_path)
    assert (tmp_path / "home/.claude/settings.json").read_bytes() == "\ufeff{ // no\r\n".encode()


def test_a_moved_configuration_folder_takes_login_and_state_along(tmp_path: Path) -> None:
    made = materialise(
        Scenario(settings={"user": {}, "home": {}}, credentials={"a": 1}, home_json={"b": 2}, config_dir=True), tmp_path
    )
    config = Path(made.environ["CLAUDE_CONFIG_DIR"])
    assert sorted(entry.name for entry in config.iterdir()) == [".claude.json", ".credentials.json", "settings.json"]
    assert (made.home / ".claude/settings.json").exists()


def test_flag_settings_are_a_file_or_the_text_itself(tmp_path: Path) -> None:
    settings = {"flag": {"model": "m"}}
    as_file = materialise(Scenario(settings=settings), tmp_path / "file")
    inline = materialise(Scenario(settings=settings, flag_inline=True), tmp_path / "inline")
    assert as_file.arguments == ("--settings", str(tmp_path / "file/flag.json"))
    assert json.loads(inline.arguments[1]) == {"model": "m"}
    assert not (tmp_path / "inline/flag.json").exists()


def test_ports_are_translated_in_files_and_in_the_shell(tmp_path: Path) -> None:
    scenario = Scenario(settings={"user": {"env": {"U": url("user")}}}, shell={"S": url("shell")})
    made = materialise(scenario, tmp_path, ports={PORTS["user"]: 50001, PORTS["shell"]: 50002})
    assert made.environ["S"] == "http://127.0.0.1:50002"
    assert "http://127.0.0.1:50001" in (tmp_path / "home/.claude/settings.json").read_text()


def test_nothing_of_the_developer_s_environment_gets_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "mine")
    made = materialise(Scenario(shell={"A": "1"}), tmp_path)
    assert made.environ == {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path / "home"), "A": "1"}


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name not in {"plain", "home"}])
def test_a_layout_written_by_hand_is_a_repository_to_git(tmp_path: Path, layout: str) -> None:
    made = materialise(Scenario(layout=layout), tmp_path)

    def git(*arguments: str) -> Path:
        done = subprocess.run(
            ["git", "rev-parse", "--path-format=absolute", *arguments], cwd=made.cwd, capture_output=True, text=True
        )
        return Path(done.stdout.strip()).resolve()

    main = (tmp_path / "home/shop").resolve()
    assert git("--git-common-dir") == main / ".git"
    assert git("--show-toplevel") == (main if layout != "worktree" else made.cwd.resolve())


def test_an_unknown_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such layout"):
        materialise(Scenario(layout="submodule"), tmp_path)


@looped(
    ("scenario", "needed"),
    [
        (Scenario(), False),
        (Scenario(settings={"user": {}}, shell={"ANTHROPIC_MODEL": "m"}), False),
        (Scenario(settings={"managed": {}}), True),
        (Scenario(settings={"managed.d/10": {}}), True),
        (Scenario(shell={"https_proxy": "http://127.0.0.1:1"}), True),
        (Scenario(settings={"local": {"env": {"NO_PROXY": "*"}}}), True),
    ],
)
def test_managed_settings_and_proxies_need_a_namespace(scenario: Scenario, needed: bool) -> None:
    assert needs_namespace(scenario) is needed


def test_no_option_takes_the_name_of_a_command_for_its_value() -> None:
    written = before_a_command(
        ["--settings", "s.json", "--add-dir", "one", "two", "--model", "m", "--tools", "", "--bare"]
    )
    assert written == ["--settings", "s.json", "--add-dir=one", "--add-dir=two", "--model", "m", "--tools=", "--bare"]
    assert before_a_command(["--add-dir=one"]) == ["--add-dir=one"]
