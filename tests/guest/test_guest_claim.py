"""One event, several registrations of the hook: one of their processes handles it, and no event is lost by that."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from hook_process import PAYLOADS, ROOT, recorded
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_local_plugin.guest import claim
from claude_local_plugin.guest.claim import is_first

SESSION = "226d0000-1111-2222-3333-444444444444"


def event(text: str = "ping", session: str = SESSION) -> bytes:
    return json.dumps({"session_id": session, "hook_event_name": "UserPromptSubmit", "prompt": text}).encode()


def claims(state: Path) -> dict[str, list[str]]:
    return {folder.name: [path.name for path in folder.iterdir()] for folder in (state / "claims").iterdir()}


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
        "from claude_local_plugin.guest.claim import is_first\n"
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
    ((session, names),) = claims(tmp_path).items()
    assert session == SESSION
    assert all(set(name) <= set("0123456789abcdef-") for name in names)
    assert not any((tmp_path / "claims" / session / name).read_bytes() for name in names)


@pytest.mark.parametrize("session", ["../../elsewhere", "", "a" * 65, "a b", "é", "..", "/", "---"])
def test_a_session_id_that_is_no_file_name_leads_nowhere(tmp_path: Path, session: str) -> None:
    state = tmp_path / "state"
    assert is_first(str(state), event(session=session), "settings")
    assert not is_first(str(state), event(session=session), "plugin")
    assert list(claims(state)) == ["unnamed"]
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize("stdin", [b"", b"garbage", b"\0" * 100, b"\xff" * 40_000])
def test_what_is_no_event_is_claimed_as_well(tmp_path: Path, stdin: bytes) -> None:
    assert is_first(str(tmp_path), stdin, "settings")
    assert not is_first(str(tmp_path), stdin, "plugin")


def test_long_events_that_differ_at_an_end_are_two(tmp_path: Path) -> None:
    text = "x" * 100_000
    assert is_first(str(tmp_path), event(f"a{text}"), "settings")
    assert is_first(str(tmp_path), event(f"{text}a"), "plugin")


@pytest.mark.parametrize("payload", sorted(PAYLOADS.glob("*.json")), ids=lambda path: path.stem)
def test_the_recorded_events_name_their_session(tmp_path: Path, payload: Path) -> None:
    stdin, _ = recorded(payload.stem)
    assert is_first(str(tmp_path), json.dumps(stdin, separators=(",", ":")).encode(), "settings")
    assert list(claims(tmp_path)) == [stdin["session_id"]]


def make_old(state: Path, session: str) -> Path:
    folder = state / "claims" / session
    folder.mkdir(parents=True)
    (folder / "0-0").touch()
    before = time.time() - claim.KEPT_S - 60
    os.utime(folder, (before, before))
    return folder


def test_the_claims_of_sessions_long_silent_go_a_few_at_a_time(tmp_path: Path) -> None:
    old = [make_old(tmp_path, f"old-{number}") for number in range(claim.SWEPT + 1)]
    assert is_first(str(tmp_path), event(), "settings")
    assert sum(folder.exists() for folder in old) == 1
    assert is_first(str(tmp_path), event("again"), "settings")
    assert sum(folder.exists() for folder in old) == 1
    assert is_first(str(tmp_path), event(session="new"), "settings")
    assert set(claims(tmp_path)) == {SESSION, "new"}


def test_a_folder_that_cannot_be_swept_is_left(tmp_path: Path) -> None:
    kept = make_old(tmp_path, "old")
    (kept / "a folder").mkdir()
    before = time.time() - claim.KEPT_S - 60
    os.utime(kept, (before, before))
    assert is_first(str(tmp_path), event(), "settings")
    assert kept.is_dir()
