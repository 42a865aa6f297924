"""The lines that hooks write, and the import that makes the log of them: nothing lost, nothing counted twice."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.core import text
from claude_local_plugin.core.faults import FAULTS
from claude_local_plugin.core.text import json_object
from claude_local_plugin.hook_runtime import background
from claude_local_plugin.sessionlog import importer, journal, queries, store
from tests.hook_runtime.crowd import Conversation, tokens_of
from tests.hook_runtime.hook_process import ROOT, HookRunner, recorded
from tests.hook_runtime.test_main import without_roots_privilege
from tests.sessionlog.test_store import record

START, PROMPT, END = "print-SessionStart-startup", "attended-UserPromptSubmit", "print-SessionEnd-other"
SESSION_ID = recorded(START)[0]["session_id"]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state folder that does not exist yet."""
    yield tmp_path / "state"
    while store._LEFT_OPEN:
        store._LEFT_OPEN.pop().close()


def file_of(state: Path, session_id: str = "s") -> Path:
    return Path(journal.path_of(str(state), session_id))


def write(state: Path, *records: dict[str, Any]) -> None:
    for each in records:
        journal.append(str(state), each)


def bring_up_to_date(state: Path) -> None:
    importer.run(str(state), os.environ, 30)


def events(state: Path, session_id: str = "s") -> list[str]:
    return [event.event for event in queries.events(state, session_id)]


def faults(state: Path) -> list[str]:
    path = state / FAULTS
    return [line.partition(" ")[2] for line in path.read_text().splitlines()] if path.exists() else []


def make_old(path: Path) -> None:
    """As if nobody had written to it for long."""
    os.utime(path, (path.stat().st_mtime - 4000,) * 2)


# --- a line


def test_a_line_is_one_object_between_two_line_feeds_and_for_this_user_only(state: Path) -> None:
    write(state, record(cwd='/home/dev/東京 \\ \n"x"', detail=None))
    raw = file_of(state).read_bytes()
    assert (raw[:1], raw[-1:], raw.count(b"\n")) == (b"\n", b"\n", 2)
    line = json_object(raw)
    assert line == json.loads(raw)
    assert (line["format"], line["cwd"], line["blocked"]) == (journal.FORMAT, '/home/dev/東京 \\ \n"x"', False)
    assert "detail" not in line
    for path in (state, *state.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("long", [{"cwd": "/東" * 2000}, {"detail": "x" * 4000}, {"transcript_path": "/t" * 2000}])
def test_a_line_has_at_most_four_kibibytes_and_what_it_goes_without_is_noted(state: Path, long: dict[str, str]) -> None:
    write(state, record(**long))
    assert file_of(state).stat().st_size <= journal.MOST_LINE_BYTES
    assert "not put on record: too long" in faults(state)[0]
    assert events(state) == ["SessionStart"]


def test_what_no_line_can_hold_is_refused(state: Path) -> None:
    with pytest.raises(ValueError, match="not put on record"):
        write(state, record(backend_url="http://" + "x" * 5000))


@pytest.mark.parametrize("session_id", ["../../etc/passwd", "a b", "ü", "x" * 100, ".", "-"])
def test_a_session_with_a_strange_id_has_a_file_in_the_folder_all_the_same(state: Path, session_id: str) -> None:
    write(state, record(session_id=session_id))
    assert [path.parent.name for path in state.rglob("*.jsonl")] == ["journal"]
    assert [session.session_id for session in queries.sessions(state)] == [session_id]


def test_a_folder_behind_a_link_is_as_good_as_any(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "state").symlink_to("elsewhere")
    hook = HookRunner(tmp_path / "state")
    for name in (START, END):
        assert hook.replay(name, ANTHROPIC_BASE_URL="").code == 0
    assert events(tmp_path / "state", SESSION_ID) == ["SessionStart", "SessionEnd"]
    assert (tmp_path / "elsewhere" / "journal").is_dir()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system")
def test_a_pipe_in_place_of_the_file_keeps_no_hook(state: Path) -> None:
    file_of(state).parent.mkdir(parents=True)
    os.mkfifo(file_of(state))
    with pytest.raises(OSError, match="No such device"):
        write(state, record())
    assert queries.sessions(state) == ()


@pytest.mark.skipif(sys.platform != "linux", reason="root's privileges are dropped the Linux way")
def test_a_journal_that_cannot_be_written_is_noted(hook: HookRunner) -> None:
    hook.replay(START, ANTHROPIC_BASE_URL="")
    file_of(hook.state, SESSION_ID).chmod(0o400)
    event, environ = recorded(END)
    assert hook(event, environ, preexec_fn=without_roots_privilege).code == 0
    assert "PermissionError" in faults(hook.state)[0]


# --- what is read of it


def test_a_line_that_was_cut_short_costs_itself_and_is_told(state: Path) -> None:
    write(state, record())
    with file_of(state).open("ab") as file:
        file.write(b'\n{"format":1,"session_id":"s","at":"2026-1')
    assert events(state) == ["SessionStart"]
    assert faults(state) == []  # somebody may be about to write the rest
    write(state, record("SessionEnd", 5))
    assert events(state) == ["SessionStart", "SessionEnd"]
    assert faults(state) == ["journal: 1 line of s.jsonl cannot be read: passed over"]
    assert "cannot be read: passed over" in queries.condition(state).faults[0].said
    bring_up_to_date(state)
    assert len(faults(state)) == 1


def test_a_last_line_that_was_cut_short_is_told_once_its_writer_must_be_gone(state: Path) -> None:
    write(state, record())
    with file_of(state).open("ab") as file:
        file.write(b'\n{"format":1,')
    make_old(file_of(state))
    assert events(state) == ["SessionStart"]
    assert len(faults(state)) == 1
    write(state, record("SessionEnd", 5))
    assert events(state) == ["SessionStart", "SessionEnd"]


@pytest.mark.parametrize(
    "line",
    [
        *(b"garbage", b"[]", b"{}", b"\x00" * 50, b"\xff", b"[" * 3000),
        *(b'{"format":1}', b'{"format":"2"}', b'{"format":true}'),
        json.dumps(record(cwd=["/"]) | {"format": 1}).encode(),
        json.dumps(record(at="yesterday") | {"format": 1}).encode(),
        json.dumps(record(at="2026-99-99T99:99:99.999Z") | {"format": 1}).encode(),
        json.dumps(record(client_pid=2**70) | {"format": 1}).encode(),
        json.dumps(record(session_id=None) | {"format": 1}).encode(),
        json.dumps(record(backend_kind=None) | {"format": 1}).encode(),
    ],
    ids=repr,
)  # fmt: skip
def test_a_line_that_is_no_record_stops_nothing(state: Path, line: bytes) -> None:
    write(state, record())
    with file_of(state).open("ab") as file:
        file.write(line + b"\n")
    write(state, record("SessionEnd", 5))
    assert events(state) == ["SessionStart", "SessionEnd"]
    assert len(faults(state)) == 1


def test_lines_of_a_newer_format_wait_for_a_newer_reader_and_doctor_tells(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(state, record(minute=1))
    with monkeypatch.context() as newer:
        newer.setattr(journal, "FORMAT", 2)
        write(state, record("UserPromptSubmit", 2))
    write(state, record("SessionEnd", 3))
    write(state, record(session_id="other"))
    for _ in range(2):
        assert events(state) == ["SessionStart"]
        assert events(state, "other") == ["SessionStart"]
    found = queries.condition(state)
    assert (found.newer, found.faults) == ((file_of(state),), ())
    monkeypatch.setattr(journal, "FORMAT", 2)
    assert events(state) == ["SessionStart", "UserPromptSubmit", "SessionEnd"]


def test_what_is_much_too_large_is_left_alone_and_told(state: Path) -> None:
    write(state, record())
    os.truncate(file_of(state), 1 << 40)
    assert queries.sessions(state) == ()
    assert "is no journal" in faults(state)[0]


def test_a_file_that_another_one_has_replaced_is_read_from_its_beginning(state: Path) -> None:
    write(state, record())
    assert events(state) == ["SessionStart"]
    file_of(state).unlink()
    write(state, record("UserPromptSubmit", 1), record("SessionEnd", 2))
    assert events(state) == ["SessionStart", "UserPromptSubmit", "SessionEnd"]


# --- tokens


def answered(state: Path, tmp_path: Path, **more: Any) -> Conversation:
    """A session with a few answers between its events."""
    conversation = Conversation(tmp_path, "s")
    told = {"transcript_path": str(conversation.path), "host": journal.this_host(), **more}
    for event in ("SessionStart", "UserPromptSubmit", "Stop", "UserPromptSubmit", "Stop"):
        write(state, record(event, at=text.now(), **told))
        if event == "UserPromptSubmit":
            conversation.answer(100, 10, 5, 1)
            conversation.answer(7, 3, 2, 1, agent="one")
    write(state, record("SessionEnd", at=text.now(), **told))
    return conversation


def answer(conversation: Conversation, minute: int, model: str, tokens: int = 10) -> None:
    """An answer of that minute of the day on which `record` happens."""
    usage = {"input_tokens": tokens, "output_tokens": 1}
    line = {"type": "assistant", "sessionId": "s", "requestRef": f"r{minute}", "requestedModel": model}
    line["timestamp"] = f"2026-11-21T10:{minute:02d}:30.000Z"
    line["message"] = {"id": f"m{minute}", "model": model, "usage": usage}
    with conversation.path.open("a") as file:
        file.write(json.dumps(line) + "\n")


CLOUD = {"backend_kind": "anthropic", "backend_url": "https://api.anthropic.com"}


def test_answers_fall_to_where_they_were_given_though_all_is_imported_at_once(state: Path, tmp_path: Path) -> None:
    """Each of these moves is told by an event whose handling depends on the answers before it."""
    conversation = Conversation(tmp_path, "s")
    told = {"transcript_path": str(conversation.path), "model": "a", "host": None}
    for minute, model in ((1, "a"), (4, "a"), (7, "b"), (9, "b"), (12, "c"), (21, "c")):
        answer(conversation, minute, model, 10 * minute)
    write(
        state,
        record("SessionStart", 0, **told),
        record("UserPromptSubmit", 1, **told),
        record("ConfigChange", 3, **told),  # the answer of minute 4 goes elsewhere
        record("Stop", 5, **told | CLOUD),
        record("PostModelSwitch", 6, **told | CLOUD | {"model": "b", "model_is_certain": True}),
        record("UserPromptSubmit", 9, **told),  # back, and nobody has told
        record("SessionEnd", 10, **told),
        record("SessionStart", 20, **told | {"cause": "resume"}),  # the answer of minute 12 was seen by nobody
        record("UserPromptSubmit", 21, **told),
    )
    (session,) = queries.sessions(state)
    found = [(span.cause, span.backend_kind, span.model, span.input_tokens) for span in session.spans]
    assert found == [
        ("start", "vllm", "a", 10),
        ("backend", "anthropic", "a", 40),
        ("model", "anthropic", "b", 70),
        ("backend", "vllm", "b", 90),
        ("unseen", "not-known", "c", 120),
        ("resume", "vllm", "c", 210),
    ]


@pytest.mark.parametrize("private", [{"cwd": "hash"}, {"project": "off"}])
def test_where_paths_are_private_the_transcript_is_found_and_its_path_is_stored_nowhere(
    hook: HookRunner, tmp_path: Path, private: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "config.toml").write_text("[log]\n" + "".join(f'{key} = "{how}"\n' for key, how in private.items()))
    folder = tmp_path / "claude" / "projects" / "-home-dev-hushhush"
    folder.mkdir(parents=True)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    conversation = Conversation(folder, SESSION_ID)
    hook = HookRunner(hook.state, config)
    for name in (START, END):
        event, environ = recorded(name)
        event |= {"transcript_path": str(conversation.path)}
        assert hook(event, {**environ, "CLAUDE_CONFIG_DIR": str(tmp_path / "claude")}).code == 0
        conversation.answer(5, 4, 3, 2)
    (session,) = queries.sessions(hook.state)
    assert tokens_of(session) == conversation.tokens
    for path in hook.state.rglob("*"):
        assert not path.is_file() or b"hushhush" not in path.read_bytes(), path


# --- when and how often


@pytest.mark.slow  # it waits
def test_a_sessions_end_has_it_imported_in_the_background(hook: HookRunner) -> None:
    for name in (START, END):
        hook.replay(name, ANTHROPIC_BASE_URL="")
    while not (hook.state / "journal" / importer.TIDIED).exists():  # the last that it does
        threading.Event().wait(0.05)
    with closing(store.connect(str(hook.state))) as log:
        assert log.execute("SELECT end_reason FROM sessions").fetchall() == [("other",)]
    assert faults(hook.state) == []


def test_of_many_that_end_at_once_one_starts_the_import(state: Path) -> None:
    state.mkdir()
    assert [background._is_first_to_import(str(state)) for _ in range(3)] == [True, False, False]
    mark = state / "errands" / "import"
    tomorrow = time.time() + 86_400
    for when in (1, tomorrow):  # it was killed before it could begin; the clock was set back
        os.utime(mark, (when, when))
        assert [background._is_first_to_import(str(state)) for _ in range(2)] == [True, False]


def test_a_start_has_imported_what_others_have_left_for_long(state: Path) -> None:
    assert not journal.is_unread(str(state), "mine")
    write(state, record(session_id="mine"))
    assert not journal.is_unread(str(state), "mine")
    write(state, record())
    assert not journal.is_unread(str(state), "mine")
    make_old(file_of(state))
    assert journal.is_unread(str(state), "mine")
    bring_up_to_date(state)
    assert not journal.is_unread(str(state), "mine")
    write(state, record("SessionEnd", 5))
    assert not journal.is_unread(str(state), "mine")  # not at every start
    for path in (file_of(state), state / "journal" / journal.STAMP):
        make_old(path)
    os.utime(file_of(state))
    assert journal.is_unread(str(state), "mine")


def test_importing_again_counts_nothing_again(state: Path, tmp_path: Path) -> None:
    conversation = answered(state, tmp_path)
    for _ in range(3):
        (session,) = queries.sessions(state)
        assert tokens_of(session) == conversation.tokens
        assert events(state) == ["SessionStart", "UserPromptSubmit", "UserPromptSubmit", "SessionEnd"]


IMPORT = (
    "import os, sys; sys.path.append(sys.argv[1])\n"
    "from claude_local_plugin.sessionlog import importer, store as sessionlog\n"
    "left = int(sys.argv[3])\n"
    "def count(frame, event, function):\n"
    "    global left\n"
    "    if event == 'c_call' and getattr(function, '__name__', '') in ('execute', 'rename', 'utime', 'unlink'):\n"
    "        left -= 1\n"
    "        if left == 0: os.kill(os.getpid(), 9)\n"
    "sys.setprofile(count)\n"
    "importer.run(sys.argv[2], os.environ, 30)\n"
)


def run_import(state: Path, killed_at: int = 0) -> int:
    """Runs an import in a process that is killed as it is about to write for the n-th time; its exit code."""
    arguments = [sys.executable, "-I", "-S", "-c", IMPORT, str(ROOT), str(state), str(killed_at)]
    return subprocess.run(arguments, check=False, timeout=60).returncode


def test_an_import_that_is_killed_at_any_write_loses_nothing_and_counts_nothing_twice(
    state: Path, tmp_path: Path
) -> None:
    conversation = answered(state, tmp_path)
    write(state, record(session_id="other"), record("SessionEnd", 3, session_id="other"))
    make_old(file_of(state, "other"))
    killed = 0
    for number in range(1, 1000, 7):  # each goes on from where the last one was killed
        if run_import(state, number) != -signal.SIGKILL:
            break
        killed += 1
    assert killed > 5
    sessions = {session.session_id: session for session in queries.sessions(state)}
    assert tokens_of(sessions["s"]) == conversation.tokens
    assert events(state) == ["SessionStart", "UserPromptSubmit", "UserPromptSubmit", "SessionEnd"]
    assert events(state, "other") == ["SessionStart", "SessionEnd"]
    assert [path.name for path in (state / "journal" / "done").iterdir()] == ["other.jsonl"]
    with closing(store.connect(str(state))) as log:
        assert log.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_imports_side_by_side_count_once(state: Path, tmp_path: Path) -> None:
    conversation = answered(state, tmp_path)
    for number in range(30):
        write(state, record(session_id=f"s{number}"), record("SessionEnd", 3, session_id=f"s{number}"))
    processes = [
        subprocess.Popen([sys.executable, "-I", "-S", "-c", IMPORT, str(ROOT), str(state), "0"]) for _ in range(4)
    ]
    assert [process.wait(60) for process in processes] == [0] * 4
    sessions = {session.session_id: session for session in queries.sessions(state)}
    assert len(sessions) == 31
    assert tokens_of(sessions["s"]) == conversation.tokens
    assert all(events(state, name) == ["SessionStart", "SessionEnd"] for name in sessions if name != "s")
    assert faults(state) == []


# --- what is kept of it


def ended(state: Path, session_id: str = "s") -> None:
    write(state, record(session_id=session_id), record("SessionEnd", 5, session_id=session_id))
    make_old(file_of(state, session_id))
    bring_up_to_date(state)


def test_the_file_of_a_session_that_has_ended_is_put_away_once_it_is_read(state: Path) -> None:
    write(state, record("SessionStart", session_id="open"))
    make_old(file_of(state, "open"))
    write(state, record(session_id="just-now"), record("SessionEnd", 5, session_id="just-now"))
    ended(state)
    assert {path.name for path in (state / "journal").glob("*.jsonl")} == {"open.jsonl", "just-now.jsonl"}
    assert [path.name for path in (state / "journal" / "done").iterdir()] == ["s.jsonl"]
    assert queries.condition(state).waiting == 0


def test_a_session_that_is_resumed_goes_on_in_its_file(state: Path) -> None:
    ended(state)
    write(state, record("SessionStart", 9, cause="resume"))
    assert file_of(state).read_bytes().count(b"\n{") == 3
    assert list((state / "journal" / "done").iterdir()) == []
    assert events(state) == ["SessionStart", "SessionEnd", "SessionStart"]


def test_what_is_written_while_the_file_is_put_away_is_not_lost(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(state, record(), record("SessionEnd", 5))
    bring_up_to_date(state)
    make_old(file_of(state))
    rename = os.rename

    def late(old: str, new: str) -> None:
        patch.undo()
        with open(old, "ab") as file:  # noqa: PTH123 (a hook that had it open)
            rename(old, new)
            file.write(journal.encoded(str(state), record("SessionStart", 9, cause="resume")))

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", late)
        bring_up_to_date(state)
    assert events(state) == ["SessionStart", "SessionEnd", "SessionStart"]


def test_a_log_that_is_gone_or_set_aside_is_made_of_the_journals_that_are_kept(state: Path, tmp_path: Path) -> None:
    conversation = answered(state, tmp_path)
    ended(state, "other")
    before = queries.sessions(state)
    assert (state / "journal" / "done" / "other.jsonl").exists()
    (state / store.DATABASE).write_bytes(b"damaged" * 1000)
    assert queries.sessions(state) == before
    assert any("it is kept as" in each for each in faults(state))
    for path in state.glob("sessions.db*"):
        path.unlink()
    assert queries.sessions(state) == before
    assert tokens_of(next(each for each in before if each.session_id == "s")) == conversation.tokens


@pytest.mark.parametrize(("days", "left"), [(None, 0), (90, 1), (0, 1)])
def test_journals_are_removed_after_as_many_days_as_the_user_wants(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int | None, left: int
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "config.toml").write_text("" if days is None else f"[log]\njournal_days = {days}\n")
    monkeypatch.setenv("CLAUDE_LOCAL_CONFIG_DIR", str(config))
    ended(state)
    done = state / "journal" / "done" / "s.jsonl"
    month = done.stat().st_mtime - 31 * 86400
    os.utime(done, (month, month))
    (state / "journal" / importer.TIDIED).unlink()
    bring_up_to_date(state)
    assert done.exists() is bool(left)
    assert events(state) == ["SessionStart", "SessionEnd"]
    bring_up_to_date(state)
    assert events(state) == ["SessionStart", "SessionEnd"]


def test_sessions_that_were_taken_out_do_not_come_back(state: Path) -> None:
    ended(state)
    assert queries.prune(state, "2026-11-21T11:00:00.000Z") == 1
    assert list((state / "journal" / "done").iterdir()) == []
    for path in state.glob("sessions.db*"):
        path.unlink()
    assert queries.sessions(state) == ()
