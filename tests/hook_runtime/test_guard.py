"""A prompt that settings would take to another backend than its conversation was on is held once, with words."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.core.endpoint import backend_of
from claude_local_plugin.hook_runtime import guard
from claude_local_plugin.sessionlog import journal
from tests.hook_runtime.hook_process import recorded
from tests.hook_runtime.moody_server import MoodyServer
from tests.hook_runtime.test_events import PROMPT, START, Machine, change, local_settings, machine
from tests.hook_runtime.test_main import without_roots_privilege
from tests.sessionlog.test_spans import CLOUD, Log, log, minute
from tests.sessionlog.test_spans import record as event

__all__ = ["log", "machine"]  # fixtures

A, B = "http://127.0.0.1:9", "https://api.anthropic.com"
WARN = 'on_dead_backend = "warn"'


def prompt(machine: Machine, url: str, **environ: str) -> dict[str, Any]:
    ran = machine.run(PROMPT, url, **environ)
    return json.loads(ran.stdout) if ran.stdout else {}


def test_a_prompt_that_would_go_elsewhere_is_held_once(machine: Machine, healthy: MoodyServer) -> None:
    assert prompt(machine, healthy.url) == {}
    said = prompt(machine, "", ANTHROPIC_API_KEY="sk-ant-secret")
    assert said["decision"] == "block"
    assert said["reason"].startswith(f"held once: this conversation has been on {healthy.url}, ")
    carried = "your ANTHROPIC_AUTH_TOKEN (exported in the shell) and your ANTHROPIC_API_KEY (exported in the shell)"
    assert f"would now go to https://api.anthropic.com with {carried}, whole" in said["reason"]
    assert said["reason"].endswith(f"send the prompt again. To stay: claude-local enable --url {healthy.url}")
    assert "sk-ant-secret" not in said["reason"]
    assert prompt(machine, "", ANTHROPIC_API_KEY="sk-ant-secret") == {}
    assert [each.blocked for each in machine.events] == [False, True, False]


def test_going_back_is_a_move_of_its_own(machine: Machine, healthy: MoodyServer) -> None:
    moves = [prompt(machine, url).get("decision") for url in (healthy.url, "", "", healthy.url, healthy.url, "")]
    assert moves == [None, "block", None, "block", None, "block"]


def test_whoever_goes_back_after_a_prompt_was_held_has_not_been_anywhere(
    machine: Machine, healthy: MoodyServer
) -> None:
    assert prompt(machine, healthy.url) == {}
    assert prompt(machine, "")["decision"] == "block"
    assert prompt(machine, healthy.url) == {}
    assert prompt(machine, "")["decision"] == "block"


def test_a_conversation_that_has_not_begun_can_be_moved(machine: Machine, healthy: MoodyServer) -> None:
    machine.run(START, healthy.url)
    assert prompt(machine, "") == {}


def test_what_cannot_be_noted_holds_nothing(machine: Machine, healthy: MoodyServer) -> None:
    assert prompt(machine, healthy.url) == {}
    (journal,) = (machine.hook.state / "journal").glob("*.jsonl")
    text = journal.read_bytes()
    journal.chmod(0o400)
    event, environ = recorded(PROMPT)
    environ |= {"CLAUDE_PROJECT_DIR": str(machine.project), "HOME": str(machine.project.parent)}
    ran = machine.hook({**event, "prompt_id": "another"}, environ, preexec_fn=without_roots_privilege)
    assert (ran.code, ran.stdout) == (0, "")
    assert "Permission denied" in (machine.hook.state / "faults.log").read_text()
    assert journal.read_bytes() == text
    journal.chmod(0o600)
    assert prompt(machine, "")["decision"] == "block"


def test_a_conversation_is_known_by_its_own_journal_alone(machine: Machine, healthy: MoodyServer) -> None:
    """The log in SQLite may be away or damaged, and the file may have been put away meanwhile."""
    assert prompt(machine, healthy.url) == {}
    shutil.rmtree(machine.hook.state / "looks")
    (file,) = (machine.hook.state / "journal").glob("*.jsonl")
    (file.parent / "done").mkdir()
    file.rename(file.parent / "done" / file.name)
    assert prompt(machine, "")["decision"] == "block"
    assert file.read_bytes().count(b"\n{") == 2


def test_the_note_of_an_earlier_version_counts(machine: Machine) -> None:
    session_id = recorded(PROMPT)[0]["session_id"]
    (machine.hook.state / "conversations").mkdir(parents=True)
    (machine.hook.state / "conversations" / session_id).write_text(f"{A}\n")
    assert f"has been on {A}" in prompt(machine, "")["reason"]
    assert prompt(machine, "") == {}


def test_the_words_for_the_cloud_name_thinking_that_it_may_refuse() -> None:
    to_cloud = guard.held(A, backend_of({}), "your claude.ai login")
    assert "carries no signature" in to_cloud
    from_cloud = guard.held(B, backend_of({"ANTHROPIC_BASE_URL": A}), None)
    assert "signature" not in from_cloud
    assert from_cloud.endswith("To stay: leave this session and start a new one")


@pytest.mark.parametrize("hostile", ["http://a:1/$(touch x)", "http://a:1/;rm", "http://a:1/\x1b[31m"])
def test_what_is_printed_to_be_typed_is_quoted(hostile: str) -> None:
    said = guard.held(hostile, backend_of({}), None)
    assert said.isprintable()
    assert "--url http://a:1/$(" not in said
    assert "--url http://a:1/;" not in said


def test_a_session_that_is_resumed_elsewhere_says_so_and_holds_its_first_prompt(
    machine: Machine, healthy: MoodyServer
) -> None:
    prompt(machine, healthy.url)
    said = machine.run(START, "", {"source": "resume"}).said["systemMessage"]
    assert said.startswith(f"this conversation was on {healthy.url} and goes on at https://api.anthropic.com: ")
    assert "carries no signature" in said
    assert prompt(machine, "")["decision"] == "block"
    assert prompt(machine, "") == {}


def test_a_prompt_that_was_held_may_be_sent_again_in_another_process(machine: Machine, healthy: MoodyServer) -> None:
    """As `claude -p --resume` does."""
    prompt(machine, healthy.url)
    machine.run(START, "", {"source": "resume"})
    assert prompt(machine, "")["decision"] == "block"
    machine.run(START, "", {"source": "resume"})
    assert prompt(machine, "") == {}


def test_a_session_that_is_resumed_where_it_was_says_nothing_of_it(machine: Machine, healthy: MoodyServer) -> None:
    prompt(machine, healthy.url)
    assert "this conversation" not in machine.run(START, healthy.url, {"source": "resume"}).said["systemMessage"]


# --- our hooks are taken out under a session


def test_a_session_whose_hooks_go_stays_where_it_is(machine: Machine) -> None:
    local_settings(machine, hooked=False, ANTHROPIC_BASE_URL="http://client-b:8000")
    said = change(machine, "http://client-a:8000").said
    assert said["decision"] == "block"
    assert "stays on http://client-a:8000 until it ends; a new one goes to http://client-b:8000" in said["reason"]
    assert [each.detail for each in machine.events] == [journal.UNWATCHED]


def test_hooks_that_go_without_moving_anything_are_noted(machine: Machine) -> None:
    local_settings(machine, hooked=False, ANTHROPIC_BASE_URL="http://client-a:8000")
    assert change(machine, "http://client-a:8000").stdout == ""
    assert [(each.blocked, each.detail) for each in machine.events] == [(False, journal.UNWATCHED)]


@pytest.mark.parametrize("where", ["user", "plugin in user settings", "the plugin runs it"])
def test_hooks_of_another_file_or_the_plugin_go_on(machine: Machine, where: str) -> None:
    local_settings(machine, ANTHROPIC_BASE_URL="http://client-b:8000")
    text = (machine.project / ".claude" / "settings.local.json").read_text()
    local_settings(machine, hooked=False, ANTHROPIC_BASE_URL="http://client-b:8000")
    user = machine.project.parent / ".claude"
    user.mkdir()
    environ = {}
    if where == "user":
        (user / "settings.json").write_text(json.dumps({"hooks": json.loads(text)["hooks"]}))
    elif where == "plugin in user settings":
        (user / "settings.json").write_text(json.dumps({"enabledPlugins": {"local-backend@here": True}}))
    else:
        environ["CLAUDE_PLUGIN_ROOT"] = "/plugins/local-backend"
    path = str(machine.project / ".claude" / "settings.local.json")
    ran = machine.run("interactive-ConfigChange-local_settings", "http://client-a:8000", {"file_path": path}, **environ)
    assert ran.stdout == ""
    assert [each.detail for each in machine.events] == [None]


# --- answers that no hook saw


def use(at: str, model: str = "m", messages: int = 1) -> Any:
    from claude_local_plugin.sessionlog.transcript import Use

    return Use(at, model, messages=messages, tokens=(10, 5, 0, 0))


def heard(name: str, number: int, **more: Any) -> dict[str, Any]:
    return event(event=name, at=minute(number), model="m", **more)


def told(log: Log) -> list[tuple[str, str | None, str, int]]:
    return [(span.kind, span.url, span.cause, span.messages) for span in log.spans()]


def test_answers_after_a_sessions_end_are_not_known_to_be_anywhere(log: Log) -> None:
    log.write(heard("SessionStart", 0), heard("UserPromptSubmit", 1), heard("SessionEnd", 3, cause="other"))
    log.count(use(minute(2)), use(minute(9)), use(minute(10)))
    assert [span[0::2] for span in told(log)] == [("vllm", "start"), ("not-known", "unseen")]
    assert [span[3] for span in told(log)] == [1, 2]
    row = log.connection.execute("SELECT backend_kind, backend_url FROM sessions").fetchone()
    assert row == ("not-known", None)


def test_the_last_answer_may_be_written_down_as_the_session_ends(log: Log) -> None:
    log.write(heard("SessionStart", 0), heard("SessionEnd", 3, cause="other"))
    log.count(use("2026-11-21T10:03:00.400Z"))
    assert [span[3] for span in told(log)] == [1]


def test_what_was_not_seen_between_two_stretches_stays_apart_from_both(log: Log) -> None:
    log.write(heard("SessionStart", 0, cause="startup"), heard("UserPromptSubmit", 1), heard("SessionEnd", 3))
    log.write(heard("SessionStart", 20, cause="resume"), heard("UserPromptSubmit", 21))
    log.count(use(minute(2)), use(minute(9)), use(minute(22)), use(minute(23)))
    assert sorted(span[2:] for span in told(log)) == [("resume", 2), ("start", 1), ("unseen", 1)]


def test_answers_after_our_hooks_went_are_not_known_until_a_prompt_is_heard(log: Log) -> None:
    log.write(heard("SessionStart", 0), heard("UserPromptSubmit", 1))
    log.write(heard("ConfigChange", 3, detail=journal.UNWATCHED))
    log.count(use(minute(2)), use(minute(4)))
    log.write(heard("UserPromptSubmit", 5))
    log.count(use(minute(6)))
    assert [(span[0], span[2], span[3]) for span in told(log)] == [
        ("vllm", "start", 1),
        ("not-known", "unseen", 1),
        ("vllm", "resume", 1),
    ]


def test_a_moved_sessions_model_is_the_one_it_had(log: Log) -> None:
    log.write(event(event="SessionStart", at=minute(0), model="claude-opus-5-5", model_is_certain=True, **CLOUD))
    log.write(event(event="UserPromptSubmit", at=minute(1), model="m-8003[1m]", model_is_certain=False))
    assert [span.name for span in log.spans()] == ["claude-opus-5-5", "claude-opus-5-5"]


def transcript(folder: Path, model: str) -> str:
    path = folder / "t.jsonl"
    lines = [{"type": "user"}, {"type": "assistant", "message": {"model": model}}, {"type": "assistant", "message": 3}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


@pytest.mark.parametrize(
    ("spoken", "url", "decision"),
    [
        ("claude-opus-5-5", "own", "block"),
        ("qwen3", "own", None),
        ("claude-opus-5-5", "", None),
        ("<synthetic>", "own", None),
    ],
    ids=["from the cloud to a server", "the same model", "to the cloud", "no answer yet"],
)
def test_a_conversation_that_began_without_our_hooks_is_held_where_it_would_go_to_a_server(
    machine: Machine, healthy: MoodyServer, spoken: str, url: str, decision: str | None
) -> None:
    event = {"transcript_path": transcript(machine.project, spoken)}
    ran = machine.run(PROMPT, healthy.url if url else "", event, ANTHROPIC_MODEL="qwen3")
    said = json.loads(ran.stdout) if ran.stdout else {}
    assert said.get("decision") == decision
    if decision:
        assert "this conversation began before claude-local was enabled here" in said["reason"]
        assert machine.run(PROMPT, healthy.url, event, ANTHROPIC_MODEL="qwen3").stdout == ""
