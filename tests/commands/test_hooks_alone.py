"""The session hooks by themselves: in and out at every scope, with and without `enable`, and whether they can run."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from claude_local_plugin.commands import enable
from claude_local_plugin.core.registration import EVENTS, PLUGIN_ROOT, SCRIPT
from tests.commands.place import Place

pytestmark = pytest.mark.process

SETTINGS = {
    "hooks": {
        "SessionStart": [{"hooks": [{"type": "command", "command": "echo theirs"}]}],
        "Stop": [{"matcher": "", "hooks": [{"type": "command", "command": "true"}]}],
    },
    "model": "opus",
}
OFFLINE = ("--no-check", "--url", "http://127.0.0.1:8000", "--model", "m", "--max-model-len", "65536")

ROOT = Path(__file__).parents[2]


def path_of(place: Place, scope: str) -> Path:
    return {"local": place.local, "project": place.shared, "user": place.user}[scope]


def ours(path: Path) -> list[str]:
    """The events for which our hook stands in a settings file, once for each time it does."""
    hooks = json.loads(path.read_bytes()).get("hooks", {})
    return [event for event, groups in hooks.items() for group in groups if SCRIPT in json.dumps(group)]


@pytest.mark.parametrize("scope", ["local", "project", "user"])
@pytest.mark.parametrize("settings", [None, SETTINGS, {}], ids=["no file", "other hooks", "empty"])
def test_install_then_uninstall_gives_the_file_back(
    place: Place, scope: str, settings: dict[str, object] | None
) -> None:
    path = path_of(place, scope)
    if settings is not None:
        place.write(path, settings)
    before = place.elsewhere()
    ended = place.ok("hooks", "install", "--scope", scope)
    assert "hooks installed in " in ended.out
    assert f"undo: claude-local hooks uninstall --scope {scope}" in ended.out
    assert sorted(ours(path)) == sorted(EVENTS)
    place.ok("hooks", "uninstall", "--scope", scope)
    assert place.elsewhere() == before


def test_the_entry_is_in_exec_form_with_absolute_paths_and_a_timeout(place: Place) -> None:
    place.ok("hooks", "install", "--scope", "user")
    hooks = json.loads(place.user.read_bytes())["hooks"]
    assert set(hooks) == set(EVENTS)
    for event, groups in hooks.items():
        (handler,) = groups[0]["hooks"]
        assert handler["type"] == "command"
        assert (handler["command"], handler["args"][0]) == ("/bin/sh", "-c")
        python, *flags, script = handler["args"][2:6]
        assert Path(python).is_absolute()
        assert flags == ["-I", "-S"]
        assert Path(script).is_absolute()
        assert Path(script).name == SCRIPT
        patient = event in ("SessionStart", "UserPromptSubmit")  # which may have to move a session first
        assert handler["timeout"] == (30 if patient else 5)
        assert ("--patient" in handler["args"]) == patient


def test_installing_twice_changes_nothing_the_second_time(place: Place) -> None:
    place.ok("hooks", "install")
    before = place.files()
    assert "already installed in .claude/settings.local.json" in place.ok("hooks", "install").out
    assert place.files() == before


def test_uninstalling_what_is_not_there_ends_well_and_writes_nothing(place: Place) -> None:
    place.write(place.local, SETTINGS)
    before = place.files()
    assert "no hooks of claude-local's in .claude/settings.local.json" in place.ok("hooks", "uninstall").out
    assert place.files() == before


def test_a_dry_run_shows_the_diff_and_writes_nothing(place: Place) -> None:
    place.write(place.local, SETTINGS)
    before = place.files()
    ended = place.ok("hooks", "install", "--dry-run")
    assert ended.out.startswith(f"--- {place.local}\n+++ {place.local}\n@@ ")
    assert SCRIPT in ended.out
    assert place.json("hooks", "install", "--dry-run")["diff"] == ended.out
    assert place.files() == before


STEPS = {
    "enable": ("enable", *OFFLINE),
    "install": ("hooks", "install"),
    "disable": ("disable",),
    "uninstall": ("hooks", "uninstall"),
}


@pytest.mark.parametrize("settings", [None, SETTINGS], ids=["no file", "other hooks"])
@pytest.mark.parametrize("order", list(itertools.permutations(STEPS)), ids="-".join)
def test_in_whatever_order_they_come_and_go_the_file_is_as_before(
    place: Place, order: tuple[str, ...], settings: dict[str, object] | None
) -> None:
    if settings is not None:
        place.write(place.local, settings)
    before = place.elsewhere()
    for step in order:
        place.ok(*STEPS[step])
        if place.local.exists():
            assert sorted(ours(place.local)) in ([], sorted(EVENTS))
    place.ok("disable")
    place.ok("hooks", "uninstall")
    assert place.elsewhere() == before


def test_disable_leaves_hooks_that_were_installed_by_themselves(place: Place) -> None:
    place.write(place.local, SETTINGS)
    place.ok("hooks", "install")
    installed = place.local.read_bytes()
    place.ok("enable", *OFFLINE)
    place.ok("disable")
    assert place.local.read_bytes() == installed


def test_uninstall_takes_out_the_hooks_of_enable_and_leaves_the_rest(place: Place) -> None:
    place.ok("enable", *OFFLINE)
    place.ok("hooks", "uninstall")
    assert "hooks" not in json.loads(place.local.read_bytes())
    assert place.env()["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:8000"
    assert "enable --hooks puts them in again" in place.ok("enable", *OFFLINE).err
    assert ours(place.local) == []
    assert "taken out of this file" not in place.ok("enable", "--hooks", *OFFLINE).err
    assert sorted(ours(place.local)) == sorted(EVENTS)
    place.ok("disable")
    assert not place.local.exists()


def test_uninstall_takes_out_hooks_of_another_installation_too(place: Place) -> None:
    stray = {"type": "command", "command": "/old/python", "args": ["-I", "-S", f"/old/hooks/{SCRIPT}"], "timeout": 5}
    theirs = {"type": "command", "command": "echo theirs"}
    place.write(place.local, {"hooks": {"SessionStart": [{"hooks": [theirs]}, {"hooks": [stray]}]}, "model": "opus"})
    answer = place.json("hooks", "uninstall")
    assert answer["changed"] is True
    settings = json.loads(place.local.read_bytes())
    assert settings == {"hooks": {"SessionStart": [{"hooks": [theirs]}]}, "model": "opus"}


def test_settings_that_are_not_valid_json_are_named_and_left_alone(place: Place) -> None:
    place.write(place.local, '{"a": 1,}')
    for command in (("hooks", "install"), ("hooks", "uninstall")):
        said = place.refused(*command)
        assert said.startswith(f"error: {place.local}:1:")


def test_enabling_without_hooks_takes_those_of_an_earlier_enable_out(place: Place) -> None:
    place.ok("enable", *OFFLINE)
    place.ok("enable", "--no-hooks", *OFFLINE)
    assert ours(place.local) == []


def test_enabling_from_another_installation_replaces_the_hooks_of_the_first(place: Place) -> None:
    before = place.elsewhere()
    place.ok("enable", *OFFLINE)
    world = place.world(python="/other/python3")
    enable.write(place.prepare(world, url="http://127.0.0.1:8000", model="m", check=False, max_model_len=65_536))
    assert sorted(ours(place.local)) == sorted(EVENTS)
    hooks = json.loads(place.local.read_bytes())["hooks"]
    assert {groups[0]["hooks"][0]["args"][2] for groups in hooks.values()} == {"/other/python3"}
    place.ok("disable")
    assert place.elsewhere() == before


def test_a_state_folder_of_ones_own_is_heeded_by_command_and_hook_whatever_it_is_called(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = place.home / "my 'own' $state"
    monkeypatch.setenv("CLAUDE_LOCAL_STATE_DIR", str(folder))
    place.ok("enable", *OFFLINE)
    assert not place.state.exists()
    place.session("11111111-aaaa-4000-8000-000000000001", CLAUDE_LOCAL_STATE_DIR="")
    assert not place.state.exists()
    assert len(place.json("sessions", "list")["sessions"]) == 1
    place.ok("disable")
    assert not place.local.exists()


# --- status


def test_status_lists_what_is_installed_where(place: Place) -> None:
    place.ok("hooks", "install", "--scope", "user")
    place.ok("enable", *OFFLINE)
    answer = place.json("hooks", "status")
    found = {(entry["event"], entry["scope"], entry["path"], entry["problem"]) for entry in answer["hooks"]}
    assert found == {
        (event, scope, str(path_of(place, scope)), None) for event in EVENTS for scope in ("local", "user")
    }
    assert answer["disabled_by"] is None
    assert {entry["scope"] for entry in place.json("hooks", "status", "--scope", "user")["hooks"]} == {"user"}


def test_status_knows_the_plugin_and_the_strongest_file_decides_about_it(place: Place) -> None:
    place.write(place.user, {"enabledPlugins": {"local-backend@claude-local": True, "other@market": True}})
    found = place.json("hooks", "status")["hooks"]
    assert {(entry["event"], entry["scope"]) for entry in found} == {(event, "plugin") for event in EVENTS}
    assert {(entry["path"], entry["problem"]) for entry in found} == {(str(place.user), None)}
    place.write(place.local, {"enabledPlugins": {"local-backend@claude-local": False}})
    assert place.json("hooks", "status")["hooks"] == []


def test_a_plugin_that_was_loaded_for_one_session_is_seen_from_within_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PLUGIN_ROOT, str(ROOT))
    found = place.json("hooks", "status")["hooks"]
    assert {(entry["event"], entry["scope"], entry["path"]) for entry in found} == {
        (event, "plugin", str(ROOT / "hooks" / "hooks.json")) for event in EVENTS
    }
    monkeypatch.setenv(PLUGIN_ROOT, str(place.project))  # another plugin's
    assert place.json("hooks", "status")["hooks"] == []


def test_status_says_when_there_are_none_and_how_to_have_them(place: Place) -> None:
    ended = place.ok("hooks", "status")
    assert ended.out == "no hooks of claude-local are installed   (claude-local hooks install --scope user)\n"


@pytest.mark.parametrize(
    ("part", "problem"),
    [("command", "its interpreter /gone/python3 is gone"), ("args", f"its script /gone/{SCRIPT} is gone")],
)
def test_status_finds_an_interpreter_or_a_script_that_is_gone(place: Place, part: str, problem: str) -> None:
    place.ok("hooks", "install", "--scope", "user")
    settings = json.loads(place.user.read_bytes())
    (handler,) = settings["hooks"]["SessionEnd"][0]["hooks"]
    if part == "command":
        handler["args"][2] = "/gone/python3"
    else:
        handler["args"][5] = f"/gone/{SCRIPT}"
    place.write(place.user, settings)
    ended = place.ends(1, "hooks", "status")
    (line,) = [line for line in ended.out.splitlines() if "SessionEnd" in line]
    assert line.endswith(problem)
    report = place.json("status", code=1)
    (warning,) = [warning for warning in report["warnings"] if warning["id"] == "hooks.broken"]
    assert problem in warning["message"]
    assert warning["fix"] == "claude-local doctor --fix hooks.broken"


def test_installing_again_fixes_hooks_that_cannot_run(place: Place) -> None:
    place.ok("hooks", "install", "--scope", "user")
    text = place.user.read_text()
    place.user.write_text(text.replace(SCRIPT, f"gone/{SCRIPT}"))
    place.ends(1, "hooks", "status")
    place.ok("hooks", "uninstall", "--scope", "user")
    place.ok("hooks", "install", "--scope", "user")
    place.ok("hooks", "status")


@pytest.mark.parametrize("scope", ["local", "user"])
def test_what_switches_all_hooks_off_is_named(place: Place, scope: str) -> None:
    place.ok("hooks", "install", "--scope", "user")
    settings = json.loads(place.user.read_bytes()) if scope == "user" else {}
    place.write(path_of(place, scope), {**settings, "disableAllHooks": True})
    ended = place.ok("hooks", "status")
    assert f"! switched off by disableAllHooks in {path_of(place, scope)}:" in ended.out
    assert "disableAllHooks" in place.json("hooks", "status")["disabled_by"]


def test_a_weaker_scope_that_switches_hooks_off_is_overruled(place: Place) -> None:
    place.ok("hooks", "install", "--scope", "user")
    place.write(place.shared, {"disableAllHooks": True})
    place.write(place.local, {"disableAllHooks": False})
    assert place.json("hooks", "status")["disabled_by"] is None


def test_hooks_at_user_scope_go_on_when_a_projects_file_is_broken(place: Place) -> None:
    place.ok("hooks", "install", "--scope", "user")
    place.write(place.local, '{"a": 1,}')
    assert len(place.json("hooks", "status")["hooks"]) == len(EVENTS)


# --- what they ran with is gone


def started(place: Place, event: str) -> subprocess.CompletedProcess[str]:
    """Our hook as Claude Code starts it."""
    (handler,) = json.loads(place.user.read_bytes())["hooks"][event][0]["hooks"]
    argv = [handler["command"], *handler["args"]]
    return subprocess.run(argv, input="{}", capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("gone", ["interpreter", "script"])
@pytest.mark.parametrize("event", EVENTS)
def test_hooks_whose_program_was_deleted_say_one_line_at_a_sessions_start_and_nothing_else(
    place: Place, event: str, gone: str
) -> None:
    place.ok("hooks", "install", "--scope", "user")
    text = place.user.read_text()
    place.user.write_text(text.replace(sys.executable, "/gone/python") if gone == "interpreter" else
                          text.replace(SCRIPT, f"gone/{SCRIPT}"))  # fmt: skip
    ended = started(place, event)
    assert (ended.returncode, ended.stderr) == (0, "")
    if event == "SessionStart":
        assert "claude-local uninstall" in json.loads(ended.stdout)["systemMessage"]
    else:
        assert ended.stdout == ""


def test_hooks_as_an_earlier_version_wrote_them_are_recognised_and_taken_out(place: Place) -> None:
    handler = {"type": "command", "command": sys.executable, "args": ["-I", "-S", f"/x/{SCRIPT}", "--state", "/s"]}
    place.write(place.user, {"hooks": {event: [{"hooks": [handler]}] for event in EVENTS}})
    assert place.json("hooks", "uninstall", "--scope", "user")["changed"] is True
    assert "claude_local_hook" not in place.user.read_text()
