"""A log that is to be sent is sent after a session's end, and the hook that heard of it has no part in that."""

import json
import time
from pathlib import Path

import pytest

from claude_local_plugin.sessionlog import queries
from tests.hook_runtime.hook_process import HookRunner, recorded
from tests.hook_runtime.test_main import modules_after
from tests.team.receiver import Receiver, receiving, waits_for_the_push

pytestmark = pytest.mark.process

START, END = "print-SessionStart-startup", "print-SessionEnd-other"
SESSION, _ = recorded(END)


@pytest.fixture
def hook(tmp_path: Path) -> HookRunner:
    """The hook, with a configuration of its own."""
    (tmp_path / "config").mkdir()
    return HookRunner(tmp_path / "state", tmp_path / "config")


def is_to_go(hook: HookRunner, where: str) -> None:
    assert hook.config is not None
    (hook.config / "config.toml").write_text(f'[log]\npush = "{where}"\n')


def waits_for(receiver: Receiver, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not receiver.sessions():
        assert time.monotonic() < until, receiver.requests
        time.sleep(0.05)


def test_a_session_that_has_ended_is_sent_by_itself_and_where_to_is_not_for_a_repository_to_say(
    hook: HookRunner, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    (project / ".claude").mkdir(parents=True)
    theirs = dict.fromkeys(("HTTP_PROXY", "http_proxy"), "http://127.0.0.1:9")
    (project / ".claude" / "settings.json").write_text(json.dumps({"env": theirs}))
    with receiving() as receiver:
        is_to_go(hook, receiver.url)
        for name in (START, END):
            ran = hook.replay(name, CLAUDE_PROJECT_DIR=str(project), HOME=str(tmp_path), **theirs)
            assert (ran.code, ran.stderr) == (0, "")
        waits_for(receiver)
        waits_for_the_push(hook.state)
    assert set(receiver.sessions()) == {SESSION["session_id"]}


def test_a_receiver_that_is_down_costs_no_session_anything_and_is_on_record(
    hook: HookRunner, closed_port: int, tmp_path: Path
) -> None:
    is_to_go(hook, f"http://127.0.0.1:{closed_port}")
    for name in (START, END):
        ran = hook.replay(name, HOME=str(tmp_path))
        assert (ran.code, ran.stderr) == (0, "")
    until = time.monotonic() + 120
    while not (failing := queries.failing(hook.state)):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert "Connection refused" in failing[0].why
    waits_for_the_push(hook.state)


def test_the_hook_itself_loads_and_starts_the_same_whether_or_not_the_log_is_sent(
    hook: HookRunner, tmp_path: Path
) -> None:
    """It starts the importer, as ever; all else happens there."""
    loaded = []
    with receiving() as receiver:
        for where in ("", receiver.url):
            is_to_go(hook, where)
            for name in (START, END):  # the first reads config.toml, which has changed
                after = modules_after(hook, name, HOME=str(tmp_path))
            loaded.append(after)
        waits_for(receiver)
        waits_for_the_push(hook.state)
    assert loaded[0] == loaded[1]
    assert "claude_local_plugin.hook_runtime.background" in loaded[0]
    assert "claude_local_plugin.sessionlog.pushing" not in loaded[0]
