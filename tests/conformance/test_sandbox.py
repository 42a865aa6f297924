"""Boxes: what they let in and out, and that they leave nothing behind; the client in them only pretends."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from claude_local_plugin.conformance import Box, BoxError, Boxes, ClientError, Scenario, url


@pytest.fixture
def boxes(pretended: Path) -> Iterator[Boxes]:
    with Boxes(pretended, workers=1) as boxes:
        yield boxes


def test_the_client_s_version_is_known(boxes: Boxes) -> None:
    assert boxes.client_version == "9.9.9"


def test_what_the_client_sends_is_observed(boxes: Boxes) -> None:
    local = {"env": {"ANTHROPIC_BASE_URL": url("local"), "ANTHROPIC_AUTH_TOKEN": "t", "ANTHROPIC_MODEL": "m"}}
    observed = boxes.observe(Scenario(settings={"local": local}))
    assert (observed.outcome, observed.base_url) == ("ok", url("local"))
    assert (observed.authorization, observed.model, observed.context_window) == ("Bearer t", "m", 1234)
    assert observed.extra_headers == {"x-from": "pretended"}


@pytest.mark.parametrize("alone", [True, False])
def test_what_goes_to_the_cloud_stays_in_the_box(pretended: Path, alone: bool) -> None:
    try:
        boxes = Boxes(pretended, workers=1, alone=alone)
    except BoxError as error:
        pytest.skip(f"no namespaces here: {error}")
    with boxes:
        if not boxes.tls:
            pytest.skip("no openssl command that makes certificates")
        observed = boxes.observe(Scenario(shell={"ANTHROPIC_AUTH_TOKEN": "t"}))
    assert (observed.base_url, observed.authorization) == ("https://api.anthropic.com", "Bearer t")
    assert observed.hosts == ("api.anthropic.com",)


def test_one_scenario_leaves_nothing_for_the_next(boxes: Boxes) -> None:
    first = boxes.observe(Scenario(settings={"local": {"env": {"ANTHROPIC_BASE_URL": url("local")}}}))
    second = boxes.observe(Scenario(shell={"ANTHROPIC_BASE_URL": url("shell")}))
    assert (first.base_url, second.base_url) == (url("local"), url("shell"))


def test_nothing_of_our_own_environment_gets_in(pretended: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "mine")
    with Boxes(pretended, workers=1) as boxes:
        assert boxes.observe(Scenario(shell={"ANTHROPIC_BASE_URL": url("shell")})).authorization.strip() == "Bearer"


def test_a_client_that_takes_too_long_is_stopped(pretended: Path) -> None:
    with Boxes(pretended, workers=1, patience=1.0) as boxes:
        assert boxes.observe(Scenario(shell={"FAKE_SLEEP": "60"})).outcome == "timeout"


@pytest.mark.parametrize(
    ("shell", "outcome"),
    [
        ({"FAKE_FAILS": "your organization says no"}, "refused"),
        ({"FAKE_SAYS": "Not logged in · Please run /login"}, "not_logged_in"),
        ({"FAKE_SAYS": "API Error: something"}, "error"),
    ],
)
def test_a_client_that_sends_nothing_says_why(boxes: Boxes, shell: dict[str, str], outcome: str) -> None:
    assert boxes.observe(Scenario(shell=shell)).outcome == outcome


def test_what_the_client_leaves_running_is_ended(boxes: Boxes, tmp_path: Path) -> None:
    left = tmp_path / "pid"
    boxes.observe(Scenario(shell={"FAKE_CHILD": str(left), "FAKE_SAYS": "x"}))
    pid = int(left.read_text())
    for _ in range(500):
        if not running(pid):
            break
        time.sleep(0.01)
    assert not running(pid)


def running(pid: int) -> bool:
    """Whether the process is there and no zombie waiting for its parent."""
    try:
        if sys.platform == "linux":
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return True


def test_no_folder_is_left_behind(pretended: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with Boxes(pretended, workers=2) as boxes:
        boxes.observe(Scenario(shell={"FAKE_SAYS": "x"}))
    assert list((tmp_path / "temporary").iterdir()) == []


def test_something_that_does_not_run_is_no_client(tmp_path: Path) -> None:
    program = tmp_path / "claude"
    program.write_text(f"#!{sys.executable}\nraise SystemExit(3)\n")
    program.chmod(0o755)
    with pytest.raises(ClientError, match="does not run"):
        Boxes(program, workers=1)


def test_a_client_that_is_not_there_is_a_client_s_fault(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="does not run"):
        Boxes(tmp_path / "nothing", workers=1)


def test_a_box_that_ended_says_so(pretended: Path) -> None:
    box = Box(pretended, alone=False)
    try:
        box._process.kill()
        box._process.wait()
        with pytest.raises(BoxError, match="ended early"):
            box.observe(Scenario())
    finally:
        box.close()


def test_answers_come_in_the_order_of_the_questions(pretended: Path) -> None:
    places = ("local", "user", "shell", "project")
    with Boxes(pretended, workers=2) as boxes:
        asked = [
            Scenario(shell={"ANTHROPIC_BASE_URL": url(place), "FAKE_SLEEP": str(0.3 - index / 10)})
            for index, place in enumerate(places)
        ]
        answers = [observed.base_url for _, observed in boxes.observe_all(asked)]
    assert answers == [url(place) for place in places]


def test_no_further_question_is_asked_once_it_is_time_to_stop(boxes: Boxes) -> None:
    assert list(boxes.observe_all([Scenario()], stop=lambda: True)) == []


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")
def test_managed_settings_are_the_scenario_s_own(tmp_path: Path) -> None:
    program = tmp_path / "claude"
    program.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        "print('9.9.9') if '--version' in sys.argv else "
        "print(json.dumps({'result': ' '.join(os.listdir('/etc/claude-code')) or 'nothing'}))\n"
    )
    program.chmod(0o755)
    try:
        boxes = Boxes(program, workers=1, alone=True)
    except BoxError as error:
        pytest.skip(f"no namespaces here: {error}")
    with boxes:
        assert boxes.observe(Scenario(settings={"managed": {}})).said == "managed-settings.json"
        assert boxes.observe(Scenario(settings={"managed.d/10": {}})).said == "managed-settings.d"
        assert boxes.observe(Scenario()).said == "nothing"


COVERED = """
import pathlib, shutil, sys
from claude_local_plugin.conformance import namespace
folder = pathlib.Path(sys.argv[1])
namespace.own_etc(folder)
before = sorted(entry.name for entry in (folder / "etc").iterdir())
try:
    (folder / "etc" / "claude-local-was-here").touch()
except OSError as error:
    print(error.strerror)
    shutil.rmtree(folder, ignore_errors=True)
print(before == sorted(entry.name for entry in (folder / "etc").iterdir()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="mounts of one's own are Linux's")
def test_removing_a_box_s_folder_from_inside_takes_nothing_of_the_machine_s_etc(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    root = [] if os.geteuid() == 0 else ["-r"]
    command = [str(unshare), *root, "-n", "-m", sys.executable, "-c", COVERED, str(tmp_path / "box")]
    (tmp_path / "box").mkdir()
    if unshare is None or subprocess.run([unshare, *root, "-n", "-m", "true"], check=False).returncode != 0:
        pytest.skip("no namespaces here")
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.stdout.splitlines() in (["Read-only file system", "True"], ["Permission denied", "True"]), done.stderr
