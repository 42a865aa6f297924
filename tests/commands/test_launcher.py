"""`claude-local launcher`: small programs of ours on PATH that run what they say, and nobody else's file is touched."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.errors import UsageError
from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.launch import launchers
from claude_local_plugin.launch.launchers import Launcher
from claude_local_plugin.settings import schema
from tests.commands.place import Place

ODD = ("it's", '"x" $HOME `id`', "line\nend\n", "é", "", "--flag=a b", "a\\", "!x", "*", "a\udcff")
#: Prints its arguments and where it is sent.
SHOW = "import json, os, sys; print(json.dumps([sys.argv[1:], os.environ.get('ANTHROPIC_BASE_URL')]))"


def config(place: Place, server: EmbeddedBackend) -> None:
    place.write(
        place.home / ".config" / "claude-local" / "config.toml",
        f'[profiles.spark]\nurl = "{server.url}"\n',
    )


def installed(place: Place, *arguments: str) -> dict[str, Any]:
    report: dict[str, Any] = place.ok("launcher", "install", "--json", *arguments).json
    assert schema.problems(report, "launcher-install") == ()
    return report


def folder_of(place: Place) -> Path:
    return place.home / ".local" / "bin"


@pytest.mark.process
def test_a_launcher_runs_its_command_on_its_profile_with_every_argument(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    config(place, server)
    monkeypatch.setenv("PATH", f"{folder_of(place)}{os.pathsep}{os.environ['PATH']}")
    report = installed(place, "show-it", "spark", "--", sys.executable, "-c", SHOW, *ODD)
    assert report["notes"] == []
    assert report["on_path"]
    path = folder_of(place) / "show-it"
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    (place.project / "click.py").write_text("raise SystemExit('somebody else decides')")
    done = subprocess.run(["show-it", "-x", "a b", "--"], cwd=place.home, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    told, url = json.loads(done.stdout)
    assert [each.encode("utf-8", "surrogateescape") for each in told] == [
        each.encode("utf-8", "surrogateescape") for each in (*ODD, "-x", "a b", "--")
    ]
    assert url == server.url
    done = subprocess.run([path, "x"], cwd=place.project, capture_output=True, check=False)
    assert b"somebody else" not in done.stderr + done.stdout
    assert done.returncode == 0


@pytest.mark.process
def test_a_launcher_whose_interpreter_is_gone_says_so(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "gone"
    launchers.write(Launcher("gone", None, ("claude",), "/nowhere/it's/python"), path, windows=False)
    done = subprocess.run([path], capture_output=True, text=True, check=False)
    assert done.returncode == 127
    assert done.stderr == (
        "gone: /nowhere/it's/python is gone, with which claude-local was installed. Install it again, then this"
        " launcher, too.\n"
    )


def test_the_same_again_changes_nothing_and_another_one_replaces_it(place: Place) -> None:
    assert installed(place, "mine", "cloud", "--", "claude")["changed"]
    assert not installed(place, "mine", "cloud", "--", "claude")["changed"]
    assert installed(place, "mine", "--", "claude", "-p")["changed"]
    assert "'run' '--' 'claude' '-p' \"$@\"" in (folder_of(place) / "mine").read_text()
    (each,) = place.json("launcher", "list")["launchers"]
    assert (each["name"], each["profile"], each["command"]) == ("mine", None, ["claude", "-p"])


def test_nothing_but_a_launcher_of_ours_is_written_over_or_removed(place: Place, tmp_path: Path) -> None:
    folder = folder_of(place)
    folder.mkdir(parents=True)
    (folder / "theirs").write_text("#!/bin/sh\nexec mine\n")
    (tmp_path / "elsewhere").write_text("theirs")
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "dangling").symlink_to(tmp_path / "nothing")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    place.ok("launcher", "install", "ours", "--", "claude")
    (folder / "to-ours").symlink_to(folder / "ours")
    for name in ("theirs", "link", "dangling", "folder", "pipe", "to-ours"):
        assert "left alone" in _refused(place, "launcher", "install", name, "--", "claude")
        assert "left alone" in _refused(place, "launcher", "remove", name)
    assert "is not there" in _refused(place, "launcher", "remove", "nobody")
    assert [each["name"] for each in place.json("launcher", "list")["launchers"]] == ["ours"]
    place.ok("launcher", "remove", "ours")
    assert not (folder / "ours").exists()
    assert not list(folder.glob(".*"))


def _refused(place: Place, *arguments: str) -> str:
    before = sorted(folder_of(place).iterdir())
    ended = place.ends(1, *arguments)
    assert sorted(folder_of(place).iterdir()) == before
    return ended.err


NO_NAMES = ("../x", "a/b", ".hidden", "-x", "", "a b", "a\nb", "x" * 65, "claude", "claude-local")


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_that_is_no_programs_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        launchers.checked(name, ("claude",))


def test_a_launcher_that_would_start_itself_is_refused(place: Place) -> None:
    assert "start itself" in place.refused("launcher", "install", "guardkit", "--", "guardkit", code=2)
    assert "no command" in place.refused("launcher", "install", "mine", code=2)


def test_a_profile_that_is_not_there_is_named_with_the_nearest(place: Place, server: EmbeddedBackend) -> None:
    config(place, server)
    assert "did you mean spark" in place.refused("launcher", "install", "mine", "sparc", "--", "claude", code=2)


def test_what_is_not_found_on_path_is_said(place: Place, tmp_path: Path) -> None:
    said = place.ok("launcher", "install", "mine", "--dir", str(tmp_path / "bin"), "--", "no-such-program").err
    assert "there is no no-such-program on your PATH" in said
    assert "bin is not on your PATH" in said
    assert place.ok("launcher", "list", "--dir", str(tmp_path / "bin")).err.count("is not on your PATH") == 1


def test_one_that_stands_before_it_is_named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}{folder_of(place)}")
    said = place.ok("launcher", "install", "ls", "--", "claude").err
    assert "ls stands before it on your PATH, and is what ls runs" in said


def test_a_list_says_which_can_no_longer_run(place: Place) -> None:
    folder_of(place).mkdir(parents=True)
    gone = Launcher("gone", "spark", ("claude",), "/nowhere/python")
    launchers.write(gone, folder_of(place) / "gone", windows=False)
    (each,) = place.json("launcher", "list", code=1)["launchers"]
    assert each["problem"] == "/nowhere/python is gone"
    assert "no launchers of claude-local" in place.ok("launcher", "list", "--dir", str(place.project)).out


def test_on_windows_it_is_a_batch_file_by_its_documented_rules() -> None:
    launcher = Launcher("mine", "spark", ("guardkit", "a b", "100%", "x&y", ""), "C:\\Program Files\\Py\\python.exe")
    text = launchers.batch(launcher)
    assert text.split("\r\n")[0] == "@echo off"
    assert text.split("\r\n")[3] == (
        '"C:\\Program Files\\Py\\python.exe" -P -m claude_local_plugin run spark -- guardkit "a b" "100%%" "x&y" "" %*'
    )
    assert launchers.read("mine", text) == launcher
    for word in ('a"b', "a\nb"):
        with pytest.raises(UsageError, match=r"cmd\.exe"):
            launchers.batch(Launcher("mine", None, (word,), "python.exe"))


@pytest.mark.parametrize("text", ["", "#!/bin/sh\n", "#!/bin/sh\n# a launcher of claude-local's (format 1)\n# {\nx\n"])
def test_what_only_looks_like_one_is_none(text: str) -> None:
    assert launchers.read("x", text) is None
