"""The settings file of a run: for its owner alone, and gone with its process."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from claude_local_plugin.core import run_files
from claude_local_plugin.launch import runtime


def ended() -> int:
    """The number of a process that is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_the_file_is_for_its_owner_alone_and_so_is_the_folder(tmp_path: Path) -> None:
    former = os.umask(0)
    try:
        path = runtime.written(tmp_path / "run", "{}", os.getpid())
    finally:
        os.umask(former)
    assert path.read_text() == "{}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_two_runs_of_one_process_have_a_file_each(tmp_path: Path) -> None:
    assert runtime.written(tmp_path, "1", os.getpid()) != runtime.written(tmp_path, "2", os.getpid())


def test_it_is_kept_as_long_as_its_process_lives_and_swept_afterwards(tmp_path: Path) -> None:
    kept = runtime.written(tmp_path, "{}", os.getpid())
    gone = runtime.written(tmp_path, "{}", ended())
    assert run_files.sweep(str(tmp_path)) == 1  # which is left
    assert (kept.exists(), gone.exists()) == (True, False)


def test_nothing_of_anybody_elses_is_swept(tmp_path: Path) -> None:
    theirs = [tmp_path / "notes.json", tmp_path / f"{ended()}-x.json", tmp_path / "a folder"]
    for path in theirs[:2]:
        path.write_text("x")
    theirs[2].mkdir()
    assert run_files.sweep(str(tmp_path)) == 0
    assert all(path.exists() for path in theirs)


def test_there_is_nothing_to_sweep_where_there_was_no_run(tmp_path: Path) -> None:
    assert run_files.sweep(str(tmp_path / "nowhere")) == 0


@pytest.mark.parametrize(
    ("mode", "used"), [(0o700, True), (0o770, False), (0o755, False)], ids=["private", "of a group", "of everybody"]
)
def test_the_systems_folder_is_used_where_it_is_private(mode: int, used: bool, tmp_path: Path) -> None:
    system, state = tmp_path / "system", tmp_path / "state"
    system.mkdir(mode=0o700)
    system.chmod(mode)
    found = run_files.folder({"XDG_RUNTIME_DIR": str(system)}, str(state))
    assert found == str(system / "claude-local" if used else state / "run")


@pytest.mark.parametrize("value", ["", "run", "/nowhere/at/all"])
def test_without_the_systems_folder_it_is_in_our_own(value: str, tmp_path: Path) -> None:
    assert run_files.folder({"XDG_RUNTIME_DIR": value}, str(tmp_path)) == str(tmp_path / "run")
    assert run_files.folder({}, str(tmp_path)) == str(tmp_path / "run")
