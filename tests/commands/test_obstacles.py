"""What stands in a file's place and is none, or is far too large: every command ends, at once, and says what it is."""

import json
import os
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from claude_local_plugin.core import files
from tests.commands.place import Place

pytestmark = pytest.mark.process

COMMANDS = [
    ("status",),
    ("doctor", "--fix", "--dry-run"),
    ("config", "list"),
    ("sessions", "list"),
    ("enable", "--url", "http://127.0.0.1:9", "--model", "m", "--no-check", "--dry-run"),
    ("disable",),
]

#: What is read, wherever it is: below home, or below the project.
FILES = [
    *("home/.claude/settings.json", "home/.claude.json", "home/.claude/.credentials.json"),
    *("project/.claude/settings.json", "project/.claude/settings.local.json", "project/.git", "project/.env"),
    *("project/.git/info/exclude", "project/.vscode/settings.json", "home/.config/claude-local/config.toml"),
    *("home/.local/state/claude-local/sessions.db", "home/.local/state/claude-local/ownership/0.json"),
]


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 30)


def _many(path: Path) -> None:
    path.write_text(json.dumps({"env": {f"NAME_{i}": "x" * 40 for i in range(60_000)}}, indent=1))


def _socket(path: Path) -> None:
    folder = Path.cwd()
    os.chdir(path.parent)  # a socket's address is short
    with closing(socket.socket(socket.AF_UNIX)) as made:
        made.bind(path.name)
    os.chdir(folder)


OBSTACLES: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a socket": _socket,
    "a folder": Path.mkdir,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a terminal": lambda path: path.symlink_to("/dev/tty"),
    "1 GB": _sparse,
    "60,000 variables": _many,
    "nested": lambda path: path.write_text('{"env":' * 50_000),
    "a circle": lambda path: path.symlink_to(path.name),
}


@pytest.fixture
def here(place: Place, project: Path) -> Place:
    place.git("init", "--quiet", "--initial-branch", "main")
    return place


@pytest.mark.parametrize("obstacle", OBSTACLES)
@pytest.mark.parametrize("name", FILES)
def test_every_command_ends_whatever_stands_in_the_place_of_a_file(here: Place, name: str, obstacle: str) -> None:
    root, _, inside = name.partition("/")
    path = (here.home if root == "home" else here.project) / inside
    if path.name == ".git":
        path.rename(path.with_name("git"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    OBSTACLES[obstacle](path)
    for command in COMMANDS:
        ended = here.run(*command)
        assert ended.code in (0, 1), (command, ended.all)
        assert "Traceback" not in ended.all


OFFLINE = ("--url", "http://127.0.0.1:9", "--model", "m", "--no-check")
#: What is written beside Claude Code's settings, and what writes it.
BESIDE = {
    "project/.env": ("env", *OFFLINE, "--write", "--shell", "dotenv"),
    "project/.envrc": ("env", *OFFLINE, "--write"),
    "project/.vscode/settings.json": ("enable", *OFFLINE, "--vscode", "--yes"),
    "home/.local/bin/mine": ("launcher", "install", "mine", "--", "claude"),
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
@pytest.mark.parametrize("name", BESIDE)
def test_what_is_written_elsewhere_ends_whatever_stands_there(here: Place, name: str, obstacle: str) -> None:
    root, _, inside = name.partition("/")
    path = (here.home if root == "home" else here.project) / inside
    path.parent.mkdir(parents=True, exist_ok=True)
    OBSTACLES[obstacle](path)
    was = path.lstat()
    for command in (BESIDE[name], ("launcher", "list"), ("uninstall", "--yes")):
        ended = here.run(*command)
        assert ended.code in (0, 1), (command, ended.all)
        assert "Traceback" not in ended.all
    assert path.lstat().st_mode == was.st_mode
    assert path.lstat().st_size == was.st_size


@pytest.mark.parametrize("name", ["a pipe", "a socket", "a folder", "a device"])
def test_what_is_no_file_is_not_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "it"
    OBSTACLES[name](path)
    with pytest.raises(OSError):  # noqa: PT011 (which one is the system's)
        files.content(path)


@pytest.mark.parametrize(("size", "most", "fits"), [(0, 0, True), (10, 10, True), (11, 10, False), (1, 0, False)])
def test_a_file_is_read_whole_up_to_the_limit(tmp_path: Path, size: int, most: int, *, fits: bool) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"x" * size)
    if fits:
        assert files.content(path, most) == b"x" * size
    else:
        with pytest.raises(OSError, match=f"larger than {most} bytes"):
            files.content(path, most)


def test_a_file_that_says_it_is_empty_and_is_not_is_bounded_all_the_same() -> None:
    path = Path("/proc/self/status")
    if not path.exists():
        pytest.skip("no /proc here")
    assert b"Name:" in files.content(path)
    with pytest.raises(OSError, match="larger than 5 bytes"):
        files.content(path, 5)


def test_enable_refuses_a_file_that_the_client_would_not_read_for_its_size(here: Place) -> None:
    here.write(here.local, json.dumps({"env": {f"NAME_{i}": "x" * 40 for i in range(60_000)}}))
    said = here.refused("enable", "--url", "http://127.0.0.1:9", "--model", "m", "--no-check", "--yes")
    assert "larger than 2,097,152 bytes" in said


def test_enable_refuses_to_make_a_file_larger_than_the_client_reads(here: Place) -> None:
    here.write(here.local, json.dumps({"env": {"NAME": "x" * (files.MOST_SETTINGS - 200)}}))
    said = here.refused("enable", "--url", "http://127.0.0.1:9", "--model", "m", "--no-check", "--yes")
    assert "larger than 2,097,152 bytes" in said


READING_THE_LOG = [
    ("sessions", "list"),
    ("sessions", "prune", "--older-than", "1d", "--yes"),
    ("audit", "--allow", "http://h:1"),
]


@pytest.mark.parametrize(("end", "words"), [("sessions.db", "in a circle"), ("unmounted/sessions.db", "nowhere")])
@pytest.mark.parametrize("command", READING_THE_LOG, ids=" ".join)
def test_a_log_behind_a_link_that_leads_nowhere_is_not_an_empty_one(
    here: Place, command: tuple[str, ...], end: str, words: str
) -> None:
    here.state.mkdir(parents=True)
    (here.state / "sessions.db").symlink_to(end)
    said = here.refused(*command)
    assert f"sessions.db: a link that leads {words}" in said.replace("cannot open ", "")
    assert "fix the link, or take it out of" in said
