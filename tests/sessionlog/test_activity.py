"""What happens, one thing after the other, and going on from where one was."""

import subprocess
import sys
from pathlib import Path

import pytest

from claude_local_plugin.sessionlog.journal import this_host
from claude_local_plugin.sessionlog.queries import activity
from claude_local_plugin.sessionlog.queries.activity import Happening, Mark
from tests.sessionlog.recording import ANTHROPIC, BOX, at, recording


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder that does not exist yet."""
    return tmp_path / "state"


def told(found: tuple[Happening, ...]) -> list[tuple[str, str, str | None]]:
    return [(each.what.value, each.session_id, each.detail) for each in found]


def test_without_a_log_nothing_happened(state: Path) -> None:
    assert activity.latest(state, 10) == ((), Mark())
    assert activity.since(state, Mark()) == ((), Mark())


def test_starts_blocks_switches_failures_and_ends_are_told_in_order(state: Path) -> None:
    with recording(state) as log:
        log.event("a", 0, cause="startup", model="qwen3", outcome="ok")
        log.event("a", 1, "UserPromptSubmit", model="qwen3", outcome="ok")
        log.event("a", 2, "ConfigChange", cause="local_settings")
        log.event("a", 3, "UserPromptSubmit", ANTHROPIC, model="opus")
        log.answers("a", 4, "opus")
        log.event("b", 5, cause="resume", outcome="refused")
        log.event("b", 6, "UserPromptSubmit", blocked=True, outcome="refused", detail="no")
        log.event("b", 7, "ConfigChange", cause="local_settings", blocked=True, detail="protected: would have moved")
        log.event("a", 8, "PostModelSwitch", ANTHROPIC, model="haiku", model_is_certain=True)
        log.event("a", 9, "StopFailure", ANTHROPIC, cause="overloaded")
        log.answers("a", 9.5, None, error="overloaded")
        log.event("a", 10, "Stop", ANTHROPIC)
        log.event("a", 11, "SessionEnd", ANTHROPIC, cause="other")
    found, _ = activity.latest(state, 100)
    assert told(found) == [
        ("start", "a", "startup"),
        ("switch", "a", "backend"),
        ("start", "b", "resume, refused"),
        ("blocked", "b", "no"),
        ("blocked", "b", "protected: would have moved"),
        ("switch", "a", "model"),
        ("failed", "a", "overloaded"),
        ("end", "a", "other, 1 failed request"),
    ]
    switch = found[1]
    assert (switch.backend_kind, switch.backend_url, switch.model) == (*ANTHROPIC, "opus")
    assert told(activity.latest(state, 2)[0]) == told(found[-2:])
    assert activity.latest(state, 0)[0] == ()


def test_an_end_tells_the_failures_of_its_own_run(state: Path) -> None:
    with recording(state) as log:
        for begin, cause, errors in ((0, "startup", 1), (100, "resume", 0), (200, "resume", 2)):
            log.event("a", begin, cause=cause, model="qwen3")
            log.answers("a", begin + 1, "qwen3")
            for _ in range(errors):
                log.answers("a", begin + 2, None, (0, 0, 0, 0), error="overloaded")
            log.event("a", begin + 5, cause="compact", model="qwen3")  # goes on with the same run
            log.event("a", begin + 10, "SessionEnd", cause="other")
    ends = [detail for what, _, detail in told(activity.latest(state, 100)[0]) if what == "end"]
    assert ends == ["other, 1 failed request", "other", "other, 2 failed requests"]


def test_what_comes_later_is_told_once(state: Path) -> None:
    with recording(state) as log:
        log.event("a", 0, cause="startup")
    _, mark = activity.latest(state, 10)
    assert activity.since(state, mark) == ((), mark)
    with recording(state) as log:
        log.event("a", 1, "UserPromptSubmit", ANTHROPIC)
        log.event("b", 2, cause="startup")
    found, mark = activity.since(state, mark)
    assert told(found) == [("switch", "a", "backend"), ("start", "b", "startup")]
    assert activity.since(state, mark)[0] == ()


def test_a_log_that_began_anew_is_followed_from_its_beginning(state: Path) -> None:
    with recording(state) as log:
        for number in range(5):
            log.event("a", number, cause="startup")
    _, mark = activity.latest(state, 10)
    for path in state.iterdir():
        path.rename(path.with_name(f"{path.name}.damaged"))
    with recording(state) as log:
        log.event("b", 10, cause="startup")
    assert told(activity.since(state, mark)[0]) == [("start", "b", "startup")]


@pytest.mark.skipif(sys.platform == "win32", reason="there, nobody can ask whether a process lives")
def test_a_session_that_is_killed_is_told_when_it_is_found_out(state: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pid = process.pid
    with recording(state) as log:
        log.event("a", 0, backend=BOX, cause="startup", host=this_host())
        log.event("ours", 0, backend=BOX, cause="startup")
    _, mark = activity.latest(state, 10)
    with recording(state) as log:
        log.log.execute("UPDATE sessions SET client_pid = ? WHERE session_id = 'a'", (pid,))
    assert activity.since(state, mark, quick=True)[0] == ()
    found, mark = activity.since(state, mark)
    assert [(each.what.value, each.session_id, each.at) for each in found] == [("killed", "a", at(0))]
    assert activity.since(state, mark)[0] == ()
    assert ("killed", "a", "nothing was sent") in told(activity.latest(state, 10)[0])
