"""The status line: installed by `enable --statusline` around one that is there, taken out again, and typed by hand."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_local_plugin.core.registration import SCRIPT as HOOK_SCRIPT
from claude_local_plugin.core.registration import STATUSLINE_SCRIPT
from claude_local_plugin.paths import shipped
from claude_local_plugin.settings.statusline import command_line, wrapped_by
from tests.commands.place import Place

OFFLINE = ("enable", "--no-check", "--url", "http://127.0.0.1:9", "--model", "m", "--max-model-len", "65536")
ENABLE = (*OFFLINE, "--statusline")
#: A status line as people have them; the blanks are theirs, too.
THEIRS = """{
    "model": "opus",
    "statusLine" : { "type": "command",
        "command": "~/bin/line.sh \\"$HOME\\" 'x y'",   "padding": 2, "refreshInterval": 5 },
    "cleanupPeriodDays": 30 }"""
THEIR_COMMAND = """~/bin/line.sh "$HOME" 'x y'"""


def entry(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_bytes())["statusLine"]
    assert isinstance(found, dict)
    return found


def argv(path: Path) -> list[str]:
    """Our command as the shell reads it."""
    return shlex.split(entry(path)["command"])


def wraps(path: Path) -> str | None:
    words = argv(path)
    assert Path(words[3]).name == STATUSLINE_SCRIPT
    return words[words.index("--wrap") + 1] if "--wrap" in words else None


def has_hooks(path: Path) -> bool:
    return HOOK_SCRIPT in path.read_text()


# --- what is installed


def test_without_asking_for_it_there_is_none(place: Place) -> None:
    place.ok(*OFFLINE)
    assert "statusLine" not in json.loads(place.local.read_bytes())


def test_the_command_is_absolute_isolated_and_knows_the_state_folder(place: Place) -> None:
    place.ok(*ENABLE)
    assert entry(place.local).keys() == {"type", "command"}
    assert entry(place.local)["type"] == "command"
    assert argv(place.local) == [
        sys.executable,
        "-I",
        "-S",
        str(shipped("hooks") / STATUSLINE_SCRIPT),
        "--state",
        str(place.state),
    ]


def test_what_is_installed_runs(place: Place) -> None:
    place.ok(*ENABLE)
    environ = {"ANTHROPIC_BASE_URL": "", "HOME": str(place.home), "NO_COLOR": "1"}
    command = ["/bin/sh", "-c", entry(place.local)["command"]]
    done = subprocess.run(command, input="{}", env=environ, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("CLOUD api.anthropic.com\n", "")


def test_one_in_the_same_file_is_wrapped_and_keeps_its_other_members(place: Place) -> None:
    place.write(place.local, THEIRS)
    place.ok(*ENABLE)
    assert wraps(place.local) == THEIR_COMMAND
    assert {**entry(place.local), "command": ""} == {
        "type": "command",
        "command": "",
        "padding": 2,
        "refreshInterval": 5,
    }


def test_the_strongest_one_that_ours_would_hide_is_wrapped(place: Place) -> None:
    place.write(place.user, {"statusLine": {"type": "command", "command": "of the user", "padding": 1}})
    place.ok(*ENABLE)
    assert wraps(place.local) == "of the user"
    assert entry(place.local).keys() == {"type", "command"}
    place.write(place.shared, {"statusLine": {"type": "command", "command": "of the project"}})
    place.ok(*ENABLE)
    assert wraps(place.local) == "of the project"


def test_one_in_a_file_that_claude_code_ignores_is_not_wrapped(place: Place) -> None:
    place.write(place.user, '{"statusLine": {"type": "command", "command": "of the user"}, "env": []}')
    place.ok(*ENABLE)
    assert wraps(place.local) is None


@pytest.mark.parametrize("command", ["", "  "])
def test_an_empty_one_is_replaced(place: Place, command: str) -> None:
    place.write(place.local, {"statusLine": {"type": "command", "command": command}})
    place.ok(*ENABLE)
    assert wraps(place.local) is None


def test_ours_is_never_wrapped_in_ours(place: Place) -> None:
    place.write(place.user, THEIRS)
    place.ok(*ENABLE, "--scope", "user")
    assert wraps(place.user) == THEIR_COMMAND
    place.ok(*ENABLE)
    assert wraps(place.local) == THEIR_COMMAND
    place.ok(*ENABLE)
    assert wraps(place.local) == THEIR_COMMAND


@pytest.mark.parametrize(
    ("by_hand", "wrapped"),
    [
        ("claude-local statusline", None),
        ("/opt/a\\ b/claude-local statusline --wrap 'date +%T'", "date +%T"),
        ("python3 -m claude_local_plugin statusline", None),
        ("echo x; claude-local statusline", "echo x; claude-local statusline"),
        ("claude-local statusline | cut -c1-40", "claude-local statusline | cut -c1-40"),
        ("claude-local status", "claude-local status"),
        ("echo 'an open quote", "echo 'an open quote"),
    ],
)
def test_ours_typed_by_hand_is_replaced_and_what_has_more_in_it_is_wrapped(
    place: Place, by_hand: str, wrapped: str | None
) -> None:
    before = place.write(place.local, {"statusLine": {"type": "command", "command": by_hand}})
    place.ok(*ENABLE)
    assert wraps(place.local) == wrapped
    place.ok("disable")
    assert place.local.read_bytes() == before


def test_one_of_ours_that_nothing_is_on_record_about_is_written_anew_and_taken_out(place: Place) -> None:
    command = command_line("/gone/python", Path("/gone/hooks"), Path("/gone/state"), "date +%T")
    for entry_there in ({"type": "command", "command": command}, {"type": "command", "command": command, "padding": 1}):
        place.write(place.local, {"model": "opus", "statusLine": entry_there})
        place.ok(*ENABLE)
        assert (wraps(place.local), argv(place.local)[0]) == ("date +%T", sys.executable)
        assert entry(place.local)["type"] == "command"
        place.ok("disable")
        assert entry(place.local) == {**entry_there, "command": "date +%T"}


@given(wrapped=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_command_survives_the_shell_and_is_found_again(wrapped: str) -> None:
    folder = Path('/it\'s a "folder" of $HOME/`x`/é')
    command = command_line("/usr/bin/py thon", folder, folder / "state", wrapped)
    assert shlex.split(command)[3:6] == [str(folder / STATUSLINE_SCRIPT), "--state", str(folder / "state")]
    assert wrapped_by(command) == (wrapped or None)


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")
def test_it_runs_from_folders_with_blanks_and_quotes(tmp_path: Path) -> None:
    folder = tmp_path / """it's a "folder" $HOME"""
    folder.mkdir()
    (folder / "python").symlink_to(sys.executable)
    (folder / "hooks").symlink_to(shipped("hooks"))
    line = command_line(str(folder / "python"), folder / "hooks", folder / "state", """echo "it's" '"theirs"'""")
    environ = {"ANTHROPIC_BASE_URL": "", "HOME": str(tmp_path), "NO_COLOR": "1"}
    done = subprocess.run(["/bin/sh", "-c", line], input="", env=environ, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ('it\'s "theirs"\nCLOUD api.anthropic.com\n', "")


@pytest.mark.parametrize("gone", [0, 3], ids=["interpreter", "script"])
def test_doctor_says_when_what_it_runs_is_gone_and_how_to_have_it_back(place: Place, gone: int) -> None:
    place.write(place.local, THEIRS)
    place.ok(*ENABLE)
    assert place.json("doctor", "hooks.statusline")["findings"][0]["result"] == "ok"
    words = argv(place.local)
    words[gone] = f"/gone/{Path(words[gone]).name}"
    changed = {"type": "command", "command": shlex.join(words)}
    place.write(place.local, {**json.loads(place.local.read_bytes()), "statusLine": changed})
    (found,) = place.json("doctor", "hooks.statusline", code=1)["findings"]
    assert (
        found["what"] == f"the status line cannot run: its {'script' if gone else 'interpreter'} {words[gone]} is gone"
    )
    assert found["fix"] == "claude-local doctor --fix hooks.statusline"
    place.run("doctor", "--fix", "hooks.statusline", "--yes")
    assert place.json("doctor", "hooks.statusline")["findings"][0]["result"] == "ok"
    assert wraps(place.local) == THEIR_COMMAND


@pytest.mark.parametrize("command", [None, "/gone/line.sh", "~/gone/claude-local statusline", "echo 'open"])
def test_doctor_says_nothing_of_a_status_line_that_is_not_ours_or_only_a_shell_can_find(
    place: Place, command: str | None
) -> None:
    place.write(place.user, {"statusLine": {"type": "command", "command": command}} if command else {})
    assert place.json("doctor", "hooks.statusline")["findings"][0]["result"] == "ok"


# --- again, and back


@pytest.mark.parametrize("content", [None, "{}", THEIRS, '{"permissions": {}}'])
def test_disable_gives_the_file_back(place: Place, content: str | None) -> None:
    if content is not None:
        place.write(place.local, content)
    place.write(place.user, THEIRS)
    before = place.elsewhere()
    place.ok(*ENABLE)
    place.ok("disable")
    assert place.elsewhere() == before


def test_enabling_twice_is_enabling_once(place: Place) -> None:
    place.write(place.local, THEIRS)
    place.ok(*ENABLE)
    once = place.local.read_bytes()
    assert "already enabled" in place.ok(*ENABLE).err
    assert place.local.read_bytes() == once


def test_enabling_again_without_the_option_leaves_it_and_no_statusline_takes_it_out(place: Place) -> None:
    before = place.write(place.local, THEIRS)
    place.ok(*OFFLINE)
    without = place.local.read_bytes()
    place.ok(*ENABLE)
    with_it = place.local.read_bytes()
    place.ok(*OFFLINE)
    assert place.local.read_bytes() == with_it
    place.ok(*OFFLINE, "--no-statusline")
    assert place.local.read_bytes() == without
    place.ok("disable")
    assert place.local.read_bytes() == before


def test_uninstalling_the_hooks_leaves_the_status_line(place: Place) -> None:
    before = place.write(place.local, THEIRS)
    place.ok(*ENABLE)
    place.ok("hooks", "uninstall")
    assert wraps(place.local) == THEIR_COMMAND
    assert not has_hooks(place.local)
    place.ok("disable")
    assert place.local.read_bytes() == before


def test_without_hooks_there_can_be_a_status_line(place: Place) -> None:
    place.ok(*ENABLE, "--no-hooks")
    assert wraps(place.local) is None
    assert not has_hooks(place.local)


def test_theirs_comes_back_although_claude_code_has_rewritten_the_file(place: Place) -> None:
    place.write(place.local, THEIRS)
    place.ok(*ENABLE)
    settings = json.loads(place.local.read_bytes())
    settings = dict(sorted({**settings, "permissions": {"allow": ["Bash(ls)"]}}.items()))
    place.write(place.local, settings)
    place.ok("disable")
    assert json.loads(place.local.read_bytes()) == {**json.loads(THEIRS), "permissions": {"allow": ["Bash(ls)"]}}


def test_one_edited_since_is_left_alone_and_named(place: Place) -> None:
    place.write(place.local, THEIRS)
    place.ok(*ENABLE)
    settings = json.loads(place.local.read_bytes())
    settings["statusLine"]["command"] = "their new one"
    place.write(place.local, settings)
    ended = place.ok("disable")
    assert "left alone: statusLine.command (edited since)" in ended.out
    assert entry(place.local) == {**settings["statusLine"], "command": "their new one"}


def test_ours_with_a_member_added_since_is_left_whole(place: Place) -> None:
    """Its command alone may not be taken out: without one Claude Code ignores the whole file."""
    place.ok(*ENABLE)
    settings = json.loads(place.local.read_bytes())
    settings["statusLine"]["padding"] = 1
    place.write(place.local, settings)
    assert "left alone: statusLine (edited since)" in place.ok("disable").out
    assert entry(place.local) == settings["statusLine"]


def test_one_edited_since_is_wrapped_when_enabled_again(place: Place) -> None:
    place.write(place.local, THEIRS)
    place.ok(*ENABLE)
    settings = json.loads(place.local.read_bytes())
    settings["statusLine"]["command"] = "their new one"
    place.write(place.local, settings)
    place.ok(*ENABLE)
    assert wraps(place.local) == "their new one"
    place.ok("disable")
    assert entry(place.local)["command"] == "their new one"


# --- what is said


def test_a_dry_run_shows_it_and_writes_nothing(place: Place) -> None:
    place.write(place.local, THEIRS)
    before = place.files()
    ended = place.ok(*ENABLE, "--dry-run")
    assert STATUSLINE_SCRIPT in ended.out
    assert "the status line that is there stays, above ours" in " ".join(ended.err.split())
    assert place.files() == before


def test_the_report_lists_it(place: Place) -> None:
    report = place.json(*ENABLE)
    (line,) = [line for line in report["wrote"] if line["key"] == "statusLine.command"]
    assert line["value"] == entry(place.local)["command"]
    assert line["reason"]


def test_a_stronger_one_is_named(place: Place) -> None:
    place.write(place.local, THEIRS)
    ended = place.ok(*ENABLE, "--scope", "user")
    assert "statusLine has no effect" in ended.err
    assert "settings.local.json sets it and is stronger" in " ".join(ended.err.split())
    assert wraps(place.user) is None


def test_what_switches_it_off_is_named(place: Place) -> None:
    place.write(place.user, {"disableAllHooks": True})
    assert "the status line is switched off, too: disableAllHooks" in " ".join(place.ok(*ENABLE).err.split())


def test_it_may_not_go_into_a_file_that_the_team_shares(place: Place) -> None:
    said = place.refused(*ENABLE, "--scope", "project", code=2)
    assert "--statusline names this machine's interpreter" in said


# --- by hand


REPORT = """
import sys
sys.argv = ["claude-local", *sys.argv[1:]]
from claude_local_plugin.__main__ import main
code = main()
print(code, *sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [(), ("--wrap", "echo theirs")])
def test_typed_it_prints_the_same_and_needs_no_command_line(place: Place, arguments: tuple[str, ...]) -> None:
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(place.home), "NO_COLOR": "1", "ANTHROPIC_MODEL": "m"}
    stdin = json.dumps({"context_window": {"context_window_size": 200_000}})
    script = [
        sys.executable,
        "-I",
        "-S",
        str(shipped("hooks") / STATUSLINE_SCRIPT),
        "--state",
        str(place.state),
        *arguments,
    ]
    typed = [sys.executable, "-c", REPORT, "statusline", *arguments]
    as_installed, by_hand = (
        subprocess.run(command, input=stdin, env=environ, capture_output=True, text=True, check=True)
        for command in (script, typed)
    )
    assert by_hand.stdout == as_installed.stdout
    assert by_hand.stdout.endswith("CLOUD m @ api.anthropic.com · 0/200k (0 %)\n")
    code, *modules = by_hand.stderr.split()
    assert code == "0"
    assert not {"click", "json", "subprocess", "claude_local_plugin.cli"} & set(modules)


def test_help_and_unknown_options_are_the_command_lines(place: Place) -> None:
    assert "enable --statusline" in " ".join(place.ok("statusline", "--help").out.split())
    assert "No such option" in place.ends(2, "statusline", "--wrp", "x").err


def test_options_may_be_written_with_an_equals_sign(place: Place) -> None:
    environ = {**os.environ, "NO_COLOR": "1"}
    command = [sys.executable, "-m", "claude_local_plugin", "statusline", "--wrap=echo theirs"]
    done = subprocess.run(command, input="", env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == "theirs\nCLOUD api.anthropic.com\n"
