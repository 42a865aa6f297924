"""One event, several registrations of the hook: one of their processes handles it, and no event is lost by that."""

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_local_plugin.hook_runtime.dedupe import is_first
from tests.hook_runtime.hook_process import PAYLOADS, ROOT, recorded
from tests.looped import looped

pytestmark = pytest.mark.process

SESSION = "226d0000-1111-2222-3333-444444444444"


def event(text: str = "ping", session: str = SESSION) -> bytes:
    return json.dumps({"session_id": session, "hook_event_name": "UserPromptSubmit", "prompt": text}).encode()


def lists(state: Path) -> set[str]:
    return {path.name for path in (state / "claims").iterdir()}


def test_of_two_registrations_the_one_that_comes_first_handles_the_event(tmp_path: Path) -> None:
    assert is_first(str(tmp_path), event(), "settings")
    assert not is_first(str(tmp_path), event(), "plugin")
    assert is_first(str(tmp_path), event("another"), "plugin")
    assert not is_first(str(tmp_path), event("another"), "settings")


def test_an_event_that_comes_again_with_the_same_text_is_another_event(tmp_path: Path) -> None:
    for _ in range(3):
        assert is_first(str(tmp_path), event(), "settings")
    # a plugin that is installed in the middle of a session was not there for the first three
    for _ in range(3):
        assert not is_first(str(tmp_path), event(), "plugin")
    assert is_first(str(tmp_path), event(), "plugin")
    assert not is_first(str(tmp_path), event(), "settings")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["user", "project", "plugin"]), max_size=12))
def test_whatever_the_order_of_arrival_each_occurrence_is_handled_once(arrivals: list[str]) -> None:
    seen: Counter[str] = Counter()
    handled = 0
    with tempfile.TemporaryDirectory() as state:
        for registration in arrivals:
            seen[registration] += 1
            handled += is_first(state, event(), registration)
            assert handled == max(seen.values())


def test_without_a_name_a_registration_is_its_interpreter_and_its_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["/plugin/hooks/claude_local_hook.py"])
    assert is_first(str(tmp_path), event())
    monkeypatch.setattr(sys, "argv", ["/site-packages/hooks/claude_local_hook.py", "--state", "/state"])
    assert not is_first(str(tmp_path), event())
    monkeypatch.setattr(sys, "executable", "/another/python")
    assert not is_first(str(tmp_path), event())


@pytest.mark.parametrize(("registrations", "handled"), [(100, 1), (2, 50), (1, 100)])
def test_a_hundred_processes_at_once_agree(tmp_path: Path, registrations: int, handled: int) -> None:
    asks = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "from claude_local_plugin.hook_runtime.dedupe import is_first\n"
        "stdin = sys.stdin.buffer.read()\n"  # until the starting signal, which is its end
        "print(is_first(sys.argv[2], stdin, sys.argv[3]))"
    )
    text = event()
    processes = [
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", asks, str(ROOT), str(tmp_path), str(number % registrations)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number in range(100)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(text)
        process.stdin.flush()
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    answers = [process.communicate(timeout=60) for process in processes]
    assert {complaint for _, complaint in answers} == {b""}
    assert Counter(answer.strip() for answer, _ in answers)[b"True"] == handled


def test_where_nothing_can_be_written_the_event_is_handled(tmp_path: Path) -> None:
    state = tmp_path / "a file"
    state.touch()
    assert is_first(str(state), event(), "settings")
    assert is_first(str(state), event(), "plugin")


def test_nothing_of_an_event_is_kept(tmp_path: Path) -> None:
    assert is_first(str(tmp_path), event("a secret"), "settings")
    (kept,) = (tmp_path / "claims").iterdir()
    assert kept.name == SESSION
    assert re.fullmatch("\n[0-9a-f]{16}-[0-9a-f]{16}", kept.read_text())
    assert kept.stat().st_mode & 0o077 == 0


@looped("session", ["../../elsewhere", "", "a" * 65, "a b", "é", "..", "/", "---"])
def test_a_session_id_that_is_no_file_name_leads_nowhere(tmp_path: Path, session: str) -> None:
    state = tmp_path / "state"
    assert is_first(str(state), event(session=session), "settings")
    assert not is_first(str(state), event(session=session), "plugin")
    assert lists(state) == {"unnamed"}
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize("stdin", [b"", b"garbage", b"\0" * 100, b"\xff" * 40_000])
def test_what_is_no_event_is_claimed_as_well(tmp_path: Path, stdin: bytes) -> None:
    assert is_first(str(tmp_path), stdin, "settings")
    assert not is_first(str(tmp_path), stdin, "plugin")


def test_long_events_that_differ_at_an_end_are_two(tmp_path: Path) -> None:
    text = "x" * 100_000
    assert is_first(str(tmp_path), event(f"a{text}"), "settings")
    assert is_first(str(tmp_path), event(f"{text}a"), "plugin")


@looped("payload", sorted(PAYLOADS.glob("*.json")), ids=lambda path: path.stem)
def test_the_recorded_events_name_their_session(tmp_path: Path, payload: Path) -> None:
    stdin, _ = recorded(payload.stem)
    assert is_first(str(tmp_path), json.dumps(stdin, separators=(",", ":")).encode(), "settings")
    assert lists(tmp_path) == {stdin["session_id"]}


def test_a_line_cut_short_by_a_full_disk_spoils_nothing(tmp_path: Path) -> None:
    assert is_first(str(tmp_path), event("before"), "settings")
    path = tmp_path / "claims" / SESSION
    path.write_bytes(path.read_bytes()[:12])
    for registration, handled in (("settings", True), ("plugin", False), ("plugin", True), ("settings", False)):
        assert is_first(str(tmp_path), event(), registration) is handled


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_with_the_disk_full_every_process_handles_the_event(tmp_path: Path) -> None:
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / SESSION).symlink_to("/dev/full")
    assert is_first(str(tmp_path), event(), "settings")
    assert is_first(str(tmp_path), event(), "plugin")
