"""What hooks read of config.toml: cheap, never in the way of a session, and strict only where it protects."""

import json
import os
import subprocess
import sys
from pathlib import Path

import platformdirs.macos
import pytest

from claude_local_plugin import paths
from claude_local_plugin.core import config, config_file, faults, locations, protection
from tests.hook_runtime.hook_process import ROOT
from tests.looped import looped


class Machine:
    """A config folder and a state folder, of which neither exists yet, and the hooks' view of them."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "config" / "config.toml"
        self.state = folder / "state"
        self.environ = {"CLAUDE_LOCAL_CONFIG_DIR": str(self.file.parent)}

    def says(self, text: str) -> "Machine":
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(text, encoding="utf-8")
        return self

    def load(self) -> config.Config:
        return config.load(str(self.state), self.environ)

    @property
    def compiled(self) -> Path:
        return self.state / config_file.COMPILED

    @property
    def faults(self) -> list[str]:
        """What went into the log of faults, without the time and the file's name."""
        log = self.state / faults.FAULTS
        lines = log.read_text().splitlines() if log.exists() else []
        return [line.partition(" ")[2].removeprefix(f"{self.file}: ") for line in lines]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_a_file_every_setting_has_its_default_and_nothing_is_written(machine: Machine) -> None:
    found = machine.load()
    assert (found.on_dead_backend, found.probe_deadline_s, found.recheck_after_s) == ("auto", 1.0, 30.0)
    assert (found.warm_up, found.down_command, found.log_retention_days) == (False, (), 0)
    assert (found.log_cwd, found.log_project) == ("full", "full")
    everywhere = found.for_project(None)
    assert (everywhere.protect, everywhere.allowed_backends) == (False, ())
    assert not machine.state.exists()


def test_what_the_file_says_holds(machine: Machine) -> None:
    machine.says(
        'on_dead_backend = "warn"\nprobe_deadline_s = 2\nrecheck_after_s = 5.5\nwarm_up = true\n'
        "down_command = \"ssh box 'docker compose up'\"\nprotect = true\n"
        'allowed_backends = ["HTTP://u:s3cr3t@Box:80/v1/", "http://box/v1", "cloud"]\n'
        '[log]\ncwd = "hash"\nproject = "off"\nretention_days = 90\njournal_days = 7\n'
    )
    for _ in range(2):  # first from the file, then from what was kept of it
        found = machine.load()
        assert (found.on_dead_backend, found.probe_deadline_s, found.recheck_after_s) == ("warn", 2.0, 5.5)
        assert (found.warm_up, found.down_command) == (True, ("ssh", "box", "docker compose up"))
        assert (found.log_cwd, found.log_project, found.log_retention_days, found.log_journal_days) == (
            "hash",
            "off",
            90,
            7,
        )
        everywhere = found.for_project(None)
        assert (everywhere.protect, everywhere.allowed_backends) == (True, ("http://box/v1", "cloud"))
    assert machine.faults == []
    assert "s3cr3t" not in machine.compiled.read_text()
    assert machine.compiled.stat().st_mode & 0o777 == 0o600
    assert os.listdir(machine.state) == [config_file.COMPILED]  # noqa: PTH208


def test_the_file_is_not_read_again_until_it_changes(machine: Machine) -> None:
    machine.says('on_dead_backend = "warn"\n').load()
    kept = json.loads(machine.compiled.read_text())
    kept["settings"]["on_dead_backend"] = "block"
    machine.compiled.write_text(json.dumps(kept))
    assert machine.load().on_dead_backend == "block"
    machine.says('on_dead_backend = "warn"  \n')
    assert machine.load().on_dead_backend == "warn"


def test_a_file_with_another_mode_is_looked_at_again(machine: Machine) -> None:
    machine.says("warm_up = true\n").load()
    before = json.loads(machine.compiled.read_text())["stamp"]
    machine.file.chmod(0o640)
    machine.load()
    assert json.loads(machine.compiled.read_text())["stamp"] != before


def test_a_file_that_is_gone_says_nothing_any_more(machine: Machine) -> None:
    machine.says("protect = true\n").load()
    machine.file.unlink()
    assert machine.load().for_project(None).protect is False


def test_another_folder_has_another_file(machine: Machine, tmp_path: Path) -> None:
    machine.says("warm_up = true\n").load()
    other = Machine(tmp_path / "other")
    other.file.parent.parent.mkdir()
    other.says("protect = true\n")
    other.state = machine.state
    assert (other.load().warm_up, other.load().for_project(None).protect) == (False, True)
    assert machine.load().warm_up is True


@pytest.mark.parametrize("kept", [b"", b"{", b"[]", b"\xff", b'{"settings": 3}', b'{"format": 1, "settings": {}}'])
def test_what_was_kept_and_is_damaged_is_read_anew(machine: Machine, kept: bytes) -> None:
    machine.says("warm_up = true\n").load()
    machine.compiled.write_bytes(kept)
    assert machine.load().warm_up is True
    assert machine.faults == []


def test_what_another_version_kept_is_read_anew(machine: Machine) -> None:
    machine.says("warm_up = true\n").load()
    kept = json.loads(machine.compiled.read_text())
    machine.compiled.write_text(json.dumps({**kept, "format": config_file.FORMAT + 1, "settings": {"warm_up": False}}))
    assert machine.load().warm_up is True


def test_what_was_kept_is_judged_again_when_it_is_used(machine: Machine) -> None:
    machine.says("warm_up = true\n").load()
    kept = json.loads(machine.compiled.read_text())
    wrong = {"probe_deadline_s": 99, "log": 3, "projects": {"/a": 4}, "down_command": [5]}
    machine.compiled.write_text(json.dumps({**kept, "settings": wrong}))
    found = machine.load()
    assert (found.probe_deadline_s, found.log_cwd, found.down_command) == (1.0, "hash", ())


# --- what is wrong


def test_a_wrong_value_has_its_default_and_is_noted_once(machine: Machine) -> None:
    machine.says(
        'on_dead_backend = "blok"\nprobe_deadline_s = 3\nwarm_up = true\n[projects.relative]\nprotect = true\n'
    )
    for _ in range(3):
        found = machine.load()
        assert (found.on_dead_backend, found.probe_deadline_s, found.warm_up) == ("auto", 1.0, True)
    assert machine.faults == [
        'on_dead_backend must be "auto" or "block" or "warn"',
        "probe_deadline_s must be a number from 0.1 to 2.5",
        "projects: a folder's name must be an absolute path or begin with ~",
    ]


@pytest.mark.parametrize("wrong", ['"yes"', "1", "[]", '"false"'])
def test_a_protection_that_cannot_be_understood_protects(machine: Machine, wrong: str) -> None:
    machine.says(f'protect = {wrong}\n[projects."/a"]\nprotect = {wrong}\n[projects."/b"]\nprotect = false\n')
    found = machine.load()
    assert [found.for_project(folder).protect for folder in (None, "/a", "/b")] == [True, True, False]


@pytest.mark.parametrize(
    ("wrong", "left"),
    [
        ('["http://box", "my_box:8000", 3]', ("http://box",)),
        ('["box:8000", 3]', ("http://box:8000",)),
        ('["u:s3cr3t@box:8000"]', (protection.NO_BACKEND,)),
        ('"http://box"', (protection.NO_BACKEND,)),
        ("true", (protection.NO_BACKEND,)),
    ],
)
def test_what_cannot_be_understood_in_a_list_of_backends_allows_nothing(
    machine: Machine, wrong: str, left: tuple[str, ...]
) -> None:
    machine.says(f"allowed_backends = {wrong}\n")
    for _ in range(2):
        assert machine.load().for_project(None).allowed_backends == left
    assert len(machine.faults) == 1
    assert "s3cr3t" not in machine.compiled.read_text() + machine.faults[0]


@pytest.mark.parametrize(
    "wrong", ['log = "off"', '[log]\ncwd = "hashed"\nproject = true', "[log]\ncwd = 1\nproject = []"]
)
def test_a_wish_for_privacy_that_cannot_be_understood_hashes(machine: Machine, wrong: str) -> None:
    found = machine.says(f"{wrong}\n").load()
    assert (found.log_cwd, found.log_project) == ("hash", "hash")


def test_while_the_file_is_no_toml_what_it_last_said_holds_and_that_is_noted_once(machine: Machine) -> None:
    machine.says("protect = true\n").load()
    machine.says("protect = true\nwarm_up = = s3cr3t\n")
    for _ in range(3):
        assert machine.load().for_project(None).protect is True
    assert machine.faults == ["no TOML (line 2, column 11), so what it last said holds"]
    machine.says("protect = false\n")
    assert machine.load().for_project(None).protect is False
    assert len(machine.faults) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a = \n", "no TOML (line 1, column 5)"),
        (b"a = 'x", "no TOML (end of document)"),
        (b"a = '\xff'\n", "not in UTF-8"),
        (b"a = " + b"[" * 99_999, "no TOML (too deep)"),
    ],
)
def test_a_file_that_never_could_be_read_protects_nothing_and_says_so(
    machine: Machine, content: bytes, said: str
) -> None:
    machine.says("").file.write_bytes(content)
    for _ in range(2):
        assert machine.load().for_project(None).protect is False
    assert machine.faults == [f"{said}, so the defaults hold, and nothing is protected"]


def test_a_file_that_may_not_be_read_is_treated_likewise(machine: Machine) -> None:
    machine.says("protect = true\n").load()
    machine.file.unlink()
    machine.file.mkdir()
    for _ in range(2):
        assert machine.load().for_project(None).protect is True
    assert machine.faults == ["a folder, so what it last said holds"]


def test_a_mark_and_windows_line_ends_are_no_trouble(machine: Machine) -> None:
    machine.says("").file.write_bytes(b"\xef\xbb\xbfwarm_up = true\r\nprotect = true\r\n")
    assert machine.load().warm_up is True
    assert machine.faults == []


def test_a_python_that_cannot_read_toml_goes_by_what_was_kept_and_one_that_can_reads_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.says("protect = true\n").load()
    machine.says("protect = false\n")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "tomllib", None)
        patch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
        for _ in range(3):
            assert machine.load().for_project(None).protect is True
    assert machine.faults == [
        "Python 3.9 cannot read TOML, so what it last said holds; claude-local config list reads it for hooks"
    ]
    assert machine.load().for_project(None).protect is False
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "tomllib", None)
        patch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
        assert machine.load().for_project(None).protect is False
    assert len(machine.faults) == 1


@pytest.mark.parametrize("text", ["warm_up = true\n", "warm_up = = 1\n", '[log]\ncwd = "hash"\n'])
def test_without_a_state_folder_the_session_goes_on(machine: Machine, text: str) -> None:
    machine.state.write_text("a file where the folder should be")
    found = machine.says(text).load()
    assert found.warm_up is (text == "warm_up = true\n")
    assert found.logged(found.log_cwd, "/home/dev") == (None if found.log_cwd == "hash" else "/home/dev")


def test_a_fault_of_ours_is_noted_and_the_defaults_hold(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(config_file, "stamp_of", broken)
    assert machine.says("warm_up = true\n").load().warm_up is False
    assert machine.faults == ["config.toml cannot be used: ZeroDivisionError"]


def test_many_at_once_read_the_same_and_leave_nothing_behind(machine: Machine) -> None:
    machine.says('warm_up = true\n[log]\ncwd = "hash"\n')
    program = (
        "import os, sys; sys.path.append(sys.argv[1])\n"
        "from claude_local_plugin.core import config\n"
        "found = config.load(sys.argv[2], os.environ)\n"
        "print(found.warm_up, found.logged(found.log_cwd, '/home/dev/proj'))"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(ROOT), str(machine.state)]
    running = [
        subprocess.Popen(command, env=machine.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(12)
    ]
    answers = {each.communicate() for each in running}
    assert len(answers) == 1
    ((said, complaints),) = answers
    assert said.startswith("True sha256:")
    assert complaints == ""
    assert sorted(os.listdir(machine.state)) == [config_file.COMPILED, config_file.SALT]  # noqa: PTH208


def test_reading_what_was_kept_loads_nothing_costly(machine: Machine) -> None:
    machine.says('warm_up = true\n[projects."/a"]\nprotect = true\n').load()
    program = (
        "import os, sys; sys.path.append(sys.argv[1])\n"
        "from claude_local_plugin.core import config\n"
        "assert config.load(sys.argv[2], os.environ).for_project('/a/b').protect\n"
        "print(*sys.modules)"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(ROOT), str(machine.state)]
    done = subprocess.run(command, env=machine.environ, capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"tomllib", "json", "re", "shlex", "hashlib", "pathlib", "typing", "enum"}


# --- folders


@pytest.fixture
def folders(machine: Machine, home: Path) -> config.Config:
    """`~/src` and `~/src/a` have settings of their own; a link leads to `~/src/a`, another one from there."""
    (home / "src" / "a").mkdir(parents=True)
    (home / "elsewhere").mkdir()
    (home / "link").symlink_to(home / "src" / "a")
    (home / "src" / "away").symlink_to(home / "elsewhere")
    (home / "other-link").symlink_to(home / "elsewhere")
    return machine.says(
        'allowed_backends = ["cloud"]\n'
        '[projects."~/src/a"]\nallowed_backends = ["http://a"]\n'
        '[projects."~/src/"]\nprotect = true\n'
        '[projects."~/other-link"]\nallowed_backends = []\n'
    ).load()


@pytest.mark.parametrize(
    ("folder", "protect", "allowed"),
    [
        (".", False, ("cloud",)),
        ("src", True, ("cloud",)),
        ("src/", True, ("cloud",)),
        ("src/b/c", True, ("cloud",)),
        ("src/a", True, ("http://a",)),
        ("src/a/deeper/still", True, ("http://a",)),
        ("src/ab", True, ("cloud",)),
        ("src-2", False, ("cloud",)),
        ("link/x", True, ("http://a",)),
        ("src/away", False, ()),
        ("elsewhere", False, ()),
    ],
)
def test_the_nearest_folder_that_sets_a_key_decides(
    folders: config.Config, home: Path, folder: str, protect: bool, allowed: tuple[str, ...]
) -> None:
    found = folders.for_project(f"{home}/{folder}")
    assert (found.protect, found.allowed_backends) == (protect, allowed)


def test_the_root_holds_everything(machine: Machine) -> None:
    found = machine.says('[projects."/"]\nprotect = true\n').load()
    assert found.for_project("/anywhere").protect is True
    assert found.for_project("/").protect is True
    assert found.for_project(None).protect is False


def test_links_in_a_circle_are_only_themselves(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    found = machine.says(f'[projects."{tmp_path}/circle"]\nprotect = true\n').load()
    assert found.for_project(str(tmp_path / "circle")).protect is True
    assert found.for_project("/with\0zero").protect is False


# --- paths in the log


def test_a_path_is_logged_as_it_is_or_not_at_all_or_as_a_hash(machine: Machine) -> None:
    found = machine.load()
    assert found.logged("full", "/home/dev/proj") == "/home/dev/proj"
    assert found.logged("off", "/home/dev/proj") is None
    for how in ("full", "hash", "off"):
        assert found.logged(how, None) is None
    assert not machine.state.exists()
    hashed = found.logged("hash", "/home/dev/proj")
    assert hashed is not None
    assert hashed.startswith("sha256:")
    assert len(bytes.fromhex(hashed.removeprefix("sha256:"))) == 8
    assert (machine.state / config_file.SALT).stat().st_mode & 0o777 == 0o600


def test_a_hash_is_the_same_each_time_and_another_one_for_another_path_or_machine(
    machine: Machine, tmp_path: Path
) -> None:
    one = machine.load().logged("hash", "/home/dev/proj")
    assert machine.load().logged("hash", "/home/dev/proj") == one
    assert machine.load().logged("hash", "/home/dev/proj2") != one
    assert Machine(tmp_path / "other").load().logged("hash", "/home/dev/proj") not in (one, None)


def test_a_path_that_is_no_text_can_be_hashed_too(machine: Machine) -> None:
    found = machine.load()
    assert len({found.logged("hash", path) for path in ("/a\udcff", "/a\ud800", "/a\udcfe")}) == 3


def test_a_path_is_left_out_where_no_salt_can_be_had(machine: Machine) -> None:
    machine.state.mkdir()
    (machine.state / config_file.SALT).mkdir()
    assert machine.load().logged("hash", "/home/dev") is None
    assert machine.faults == ["no salt to hash paths with, so they are left out: a folder"]
    (machine.state / config_file.SALT).rmdir()
    (machine.state / config_file.SALT).write_bytes(b"too short")
    assert machine.load().logged("hash", "/home/dev") is None


# --- where the file is


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of other systems are platformdirs' to know")
@looped(
    "environ",
    [
        {},
        {"XDG_CONFIG_HOME": "/xdg"},
        {"XDG_CONFIG_HOME": "relative"},
        {"XDG_CONFIG_HOME": ""},
        {"CLAUDE_LOCAL_CONFIG_DIR": "/here"},
        {"CLAUDE_LOCAL_CONFIG_DIR": "~/here"},
        {"CLAUDE_LOCAL_CONFIG_DIR": "here"},
        {"CLAUDE_LOCAL_CONFIG_DIR": "", "XDG_CONFIG_HOME": "/xdg"},
    ],
    ids=str,
)
def test_hooks_look_where_the_command_line_looks(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert locations.config_file(os.environ) == str(paths.config_dir(os.environ) / "config.toml")


def test_on_other_platforms_too(home: Path) -> None:
    mac = platformdirs.macos.MacOS("claude-local", appauthor=False).user_config_dir
    assert locations.config_file({}, "darwin") == f"{mac}/config.toml"
    assert locations.config_file({"LOCALAPPDATA": "/local"}, "win32") == "/local/claude-local/config.toml"
    assert locations.config_file({"XDG_CONFIG_HOME": "/xdg"}, "darwin") == "/xdg/claude-local/config.toml"
