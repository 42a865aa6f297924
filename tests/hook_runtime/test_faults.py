"""What can go wrong around the log, each with its real cause: the session goes on, nothing is deleted, doctor tells."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.core import probe_cache, text
from claude_local_plugin.core.probe import Probe
from claude_local_plugin.sessionlog import importer, journal, migrations, queries, store
from tests.hook_runtime.crowd import Conversation, harmful, tokens_of
from tests.hook_runtime.hook_process import ROOT, SCRIPT, HookRunner, Ran, recorded
from tests.hook_runtime.moody_server import MoodyServer
from tests.looped import looped
from tests.sessionlog.recording import spooled

pytestmark = pytest.mark.process

START, PROMPT, END = "print-SessionStart-startup", "attended-UserPromptSubmit", "print-SessionEnd-other"
STOP, SWITCH = "print-Stop", "interactive-PostModelSwitch-command"
SESSION_ID = recorded(START)[0]["session_id"]
WAL = f"{store.DATABASE}-wal"

#: Runs a command somewhere, with this environment.
Runner = Callable[..., "subprocess.CompletedProcess[str]"]


def run(command: list[str], **more: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **more)


def doctor(state: Path, runner: Runner = run) -> dict[str, list[str]]:
    """What doctor says about the log that is not well, by check."""
    command = [sys.executable, "-m", "claude_local_plugin", "doctor", "hooks.log", "hooks.kept", "hooks.faults"]
    done = runner([*command, "--json"], env=here(state), cwd=state.parent)
    said: dict[str, list[str]] = {}
    for finding in json.loads(done.stdout)["findings"]:
        if finding["result"] != "ok":
            said.setdefault(finding["id"], []).append(f"{finding['what']} {finding['where']}")
    return said


def here(state: Path) -> dict[str, str]:
    """The environment of a person whose state folder this is."""
    return {"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"], "CLAUDE_LOCAL_STATE_DIR": str(state)}


def events_of(state: Path, session_id: str = SESSION_ID) -> list[str]:
    return [event.event for event in queries.events(state, session_id)]


def integrity(state: Path) -> list[tuple[str]]:
    with closing(store.connect(str(state))) as log:
        assert log.execute("PRAGMA foreign_key_check").fetchall() == []
        return log.execute("PRAGMA integrity_check").fetchall()


def bring_up_to_date(state: Path) -> None:
    """What a session's end has done in the background, and every command that reads the log first."""
    importer.run(str(state), os.environ, 30)


def damaged_logs(state: Path) -> list[Path]:
    return [path for path in state.glob(f"{store.DATABASE}.damaged-*") if path.name.endswith("Z")]


def old_sessions(state: Path, count: int = 300) -> None:
    """A log with so many sessions in it, as hooks leave it: some of them in the write-ahead log only."""
    driver = (
        "import os, sys; sys.path.append(sys.argv[1])\n"
        "from claude_local_plugin.sessionlog import store\n"
        "log = store.connect(sys.argv[2])\n"
        "old = {**dict.fromkeys(store.FIELDS), 'event': 'SessionStart', 'backend_kind': 'x', 'at': '2026'}\n"
        "def add(*numbers):\n"
        "    log.execute('BEGIN')\n"
        "    for number in range(*numbers): store.insert(log, {**old, 'session_id': f'old-{number}'})\n"
        "    log.execute('COMMIT')\n"
        "add(int(sys.argv[3])); log.execute('PRAGMA wal_checkpoint'); add(1000, 1010); os._exit(0)"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", driver, str(ROOT), str(state), str(count)], check=True)


# --- nowhere to write


class Mounted:
    """Mounts of one's own, for processes that are run in here; nobody else sees them."""

    def __init__(self, *commands: str) -> None:
        script = " && ".join([*commands, "echo ready", "read _"])
        self._keeper = subprocess.Popen(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._keeper.stdout is not None
        self.works = self._keeper.stdout.readline() == "ready\n"

    def run(self, command: list[str], **more: Any) -> "subprocess.CompletedProcess[str]":
        enter = [f"--target={self._keeper.pid}", "--user", "--mount", "--preserve-credentials"]
        folder = more.pop("cwd", None)  # as it is seen from inside
        enter += [f"--wd={folder}"] if folder else []
        return run(["nsenter", *enter, "--", *command], **more)

    def hook(self, name: str, state: Path, **changed: Any) -> Ran:
        event, environ = recorded(name)
        arguments = [sys.executable, "-I", "-S", str(SCRIPT), "--state", str(state)]
        environ = {**environ, "ANTHROPIC_BASE_URL": "", "PATH": "/usr/bin:/bin"} | changed.pop("environ", {})
        done = self.run(arguments, input=json.dumps({**event, **changed}), env=environ)
        return Ran(done.returncode, done.stdout, done.stderr)

    def close(self) -> None:
        self._keeper.communicate("\n")


@pytest.fixture
def mounted() -> Iterator[Callable[..., Mounted]]:
    """Mounts what it is told to; the test is skipped where that is not allowed."""
    made: list[Mounted] = []

    def mount(*commands: str) -> Mounted:
        if not (shutil.which("unshare") and shutil.which("nsenter")):
            pytest.skip("mounts of one's own need Linux with unshare and nsenter")
        made.append(Mounted(*commands))
        if not made[-1].works:
            pytest.skip("this machine does not allow mounts of one's own")
        return made[-1]

    yield mount
    for each in made:
        each.close()


FILL = "import sys; file = open(sys.argv[1], 'wb', 0)\nwhile True: file.write(bytes(4096))"
LITTER = "import sys\nfor number in range(10**6): open(f'{sys.argv[1]}-{number}', 'w').close()"


@pytest.mark.parametrize("begun", [True, False], ids=["in the middle of a session", "before the first one"])
@pytest.mark.parametrize(
    ("size", "fill", "complaint"),
    [("size=3m", FILL, "is on a disk without room"), ("size=9m,nr_inodes=40", LITTER, "that takes no more files")],
    ids=["full", "too many files"],
)
def test_on_a_full_disk_sessions_go_on_and_once_there_is_room_they_are_on_record(
    mounted: Callable[..., Mounted], tmp_path: Path, closed_port: int, size: str, fill: str, complaint: str, begun: bool
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    state = disk / "state"
    inside = mounted(f"mount -t tmpfs -o {size} none {disk}")
    dead = {"environ": {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{closed_port}"}}
    if begun:
        assert inside.hook(START, state).code == 0
    assert inside.run([sys.executable, "-c", fill, str(disk / "ballast")]).stderr.count("No space left") == 1

    blocked = inside.hook(PROMPT, state, **dead)
    assert (blocked.code, blocked.said["decision"], blocked.stderr) == (0, "block", "")
    assert harmful([inside.hook(name, state) for name in (STOP, END)]) == []
    assert complaint in doctor(state, inside.run)["hooks.log"][0]

    assert inside.run(["sh", "-c", f"rm {disk}/ballast*"]).returncode == 0
    assert harmful([inside.hook(END, state)]) == []
    listed = inside.run(
        [sys.executable, "-m", "claude_local_plugin", "sessions", "list", "--all", "--json"],
        env=here(state),
        cwd=tmp_path,
    )
    (session,) = json.loads(listed.stdout)["sessions"]
    assert (session["session_id"], session["end_reason"]) == (SESSION_ID, "other")
    checked = inside.run(
        [sys.executable, "-c", "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute(sys.argv[2]))",
         str(state / store.DATABASE), "PRAGMA integrity_check"]
    )  # fmt: skip
    assert checked.stdout == "('ok',)\n"


def test_in_a_read_only_folder_sessions_go_on_and_what_is_on_record_can_be_read(
    mounted: Callable[..., Mounted], hook: HookRunner, closed_port: int
) -> None:
    hook.replay(START, ANTHROPIC_BASE_URL="")
    bring_up_to_date(hook.state)
    inside = mounted(f"mount --bind {hook.state} {hook.state}", f"mount -o remount,bind,ro {hook.state}")
    dead = {"environ": {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{closed_port}"}}
    blocked = inside.hook(PROMPT, hook.state, **dead)
    assert (blocked.code, blocked.said["decision"], blocked.stderr) == (0, "block", "")
    assert harmful([inside.hook(name, hook.state) for name in (STOP, END)]) == []
    assert "cannot be written" in doctor(hook.state, inside.run)["hooks.log"][0]
    listed = inside.run(
        [sys.executable, "-m", "claude_local_plugin", "sessions", "list", "--json"],
        env=here(hook.state),
        cwd=hook.state.parent,
    )
    assert [session["session_id"] for session in json.loads(listed.stdout)["sessions"]] == [SESSION_ID]
    assert hook.replay(END, ANTHROPIC_BASE_URL="").code == 0
    assert events_of(hook.state) == ["SessionStart", "SessionEnd"]
    assert doctor(hook.state) == {}


# --- a damaged log


def cut(to: int) -> Callable[[Path], None]:
    return lambda state: os.truncate(state / store.DATABASE, to)


def garbage(begin: int, size: int | None = None) -> Callable[[Path], None]:
    """Overwrites a part of the database."""

    def spoil(state: Path) -> None:
        path = state / store.DATABASE
        content = bytearray(path.read_bytes())
        end = len(content) if size is None else begin + size
        content[begin:end] = random.Random(7).randbytes(end - begin)
        path.write_bytes(content)

    return spoil


def foreign(state: Path) -> None:
    (state / store.DATABASE).write_bytes(b"\x89PNG\r\n\x1a\n" * 3000)


@pytest.mark.parametrize(
    "spoil",
    [cut(100), cut(5000), cut(20_000), garbage(0, 100), garbage(100, 4000), garbage(8192), foreign],
    ids=["100 bytes", "two pages", "five pages", "no header", "no schema", "contents", "a picture"],
)
@pytest.mark.parametrize("hot", [True, False], ids=["with recent changes beside it", "alone"])
def test_a_damaged_log_is_set_aside_as_it_is_and_the_session_is_in_a_new_one(
    hook: HookRunner, spoil: Callable[[Path], None], hot: bool
) -> None:
    old_sessions(hook.state)
    if not hot:
        queries.remember_backend(hook.state, "http://box:1", "vllm")  # closes the log properly
    assert (hook.state / WAL).exists() is hot
    spoil(hook.state)
    before = {name: (hook.state / name).read_bytes() for name in (store.DATABASE, WAL)[: 2 if hot else 1]}
    ran = [hook.replay(name, ANTHROPIC_BASE_URL="") for name in (START, STOP, END)]
    assert harmful(ran) == []
    bring_up_to_date(hook.state)
    (kept,) = damaged_logs(hook.state)
    for name, content in before.items():
        assert kept.with_name(name.replace(store.DATABASE, kept.name)).read_bytes() == content
    assert events_of(hook.state) == ["SessionStart", "SessionEnd"]
    assert len(queries.sessions(hook.state)) == 1
    assert integrity(hook.state) == [("ok",)]
    said = doctor(hook.state)
    assert said.keys() == {"hooks.kept", "hooks.faults"}
    assert said["hooks.kept"][0].endswith(str(kept))
    assert "the session log is damaged: " in said["hooks.faults"][0]


def spoil_the_index_of_changes(state: Path) -> None:
    (state / f"{store.DATABASE}-shm").write_bytes(random.Random(7).randbytes(32768))


def empty_the_changes(state: Path) -> None:
    os.truncate(state / WAL, 0)


def spoil_the_changes(state: Path) -> None:
    (state / WAL).write_bytes(random.Random(7).randbytes(50_000))


@pytest.mark.parametrize(
    ("spoil", "lost"), [(spoil_the_index_of_changes, 0), (empty_the_changes, 10), (spoil_the_changes, 10)]
)
def test_what_is_beside_the_log_may_be_lost_and_the_log_goes_on(
    hook: HookRunner, spoil: Callable[[Path], None], lost: int
) -> None:
    old_sessions(hook.state, 300)
    spoil(hook.state)
    assert harmful([hook.replay(START, ANTHROPIC_BASE_URL="")]) == []
    bring_up_to_date(hook.state)
    assert damaged_logs(hook.state) == []
    assert len(queries.sessions(hook.state)) == 300 + 10 - lost + 1
    assert integrity(hook.state) == [("ok",)]
    assert doctor(hook.state) == {}


def test_damage_that_only_shows_in_looking_for_the_dead_is_damage_too(hook: HookRunner) -> None:
    old_sessions(hook.state)
    queries.remember_backend(hook.state, "http://box:1", "vllm")
    with closing(sqlite3.connect(hook.state / store.DATABASE)) as log:
        (root,) = log.execute("SELECT rootpage FROM sqlite_master WHERE name = 'sessions_open'").fetchone()
        assert log.execute("PRAGMA page_size").fetchone() == (4096,)
    garbage((root - 1) * 4096, 4096)(hook.state)
    assert harmful([hook.replay(name, ANTHROPIC_BASE_URL="") for name in (PROMPT, START)]) == []
    bring_up_to_date(hook.state)
    assert len(damaged_logs(hook.state)) == 1
    assert "SessionStart" in events_of(hook.state)
    assert integrity(hook.state) == [("ok",)]


def test_one_who_opened_the_log_before_it_was_set_aside_writes_to_the_new_one(tmp_path: Path) -> None:
    """The moment between opening a file and its first use is short; here it is as long as it takes."""
    state = str(tmp_path)
    old_sessions(tmp_path, 1)
    late, file = store.open_file(state, store.BUSY_S)
    try:
        assert "it is kept as" in store.set_aside(state, store.identity(state))
        assert "another process" in store.set_aside(state, file)
        start = {"event": "SessionStart", "backend_kind": "anthropic", "at": text.now(), "session_id": "after"}
        journal.append(state, start)
        bring_up_to_date(tmp_path)
        with pytest.raises(store.MovedLogError):
            store.begin(late, state, file)
        assert not late.in_transaction
    finally:
        while store._LEFT_OPEN:
            store._LEFT_OPEN.pop().close()
        late.close()
    assert [session.session_id for session in queries.sessions(tmp_path)] == ["after"]
    assert len(damaged_logs(tmp_path)) == 1


# --- two versions of the program at once


def log_of_version(state: Path, version: int) -> None:
    """A log of that schema with one session, whose event an earlier version could not write is in the spool."""
    state.mkdir()
    with closing(sqlite3.connect(state / store.DATABASE, isolation_level=None)) as log:
        log.execute("PRAGMA journal_mode = WAL")
        for statements in migrations.MIGRATIONS[:version]:
            for statement in statements:
                log.execute(statement)
        log.execute(f"PRAGMA user_version = {version}")
        log.execute(
            "INSERT INTO sessions (session_id, started_at, last_seen_at, backend_kind, backend_url, blocked)"
            " VALUES ('first', '2026-11-21T10:00:00.000Z', '2026-11-21T10:05:00.000Z', 'vllm', 'http://box:1', 0)"
        )
        if version > 1:
            log.execute("INSERT INTO endpoints (kind, url) VALUES ('vllm', 'http://box:1')")
            log.execute(
                "INSERT INTO spans (session, started_at, ended_at, cause, endpoint, model_is_certain, main, first,"
                " new_endpoint, new_model) VALUES (1, '2026-11-21T10:00:00.000Z', '2026-11-21T10:05:00.000Z', 'start',"
                " 1, 0, 1, 1, 1, 1)"
            )
    late = {"session_id": "first", "at": "2026-11-21T10:09:00.000Z", "event": "SessionEnd", "cause": "other"}
    spooled(state, late | {"backend_kind": "vllm", "backend_url": "http://box:1"}, schema=version)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_earlier_log_and_its_spool_are_brought_up_to_date(hook: HookRunner, version: int) -> None:
    log_of_version(hook.state, version)
    assert harmful([hook.replay(name, ANTHROPIC_BASE_URL="") for name in (START, END)]) == []
    sessions = {session.session_id: session for session in queries.sessions(hook.state)}
    assert sessions.keys() == {"first", SESSION_ID}
    assert sessions["first"].end_reason == "other"
    assert all(session.spans for session in sessions.values())
    assert list((hook.state / "spool").iterdir()) == []
    assert integrity(hook.state) == [("ok",)]
    assert doctor(hook.state) == {}


def test_a_log_of_a_newer_version_is_left_to_it_with_all_that_was_written_meanwhile(hook: HookRunner) -> None:
    hook.replay(START, ANTHROPIC_BASE_URL="")
    bring_up_to_date(hook.state)
    with closing(sqlite3.connect(hook.state / store.DATABASE)) as log:
        log.execute(f"PRAGMA user_version = {store.SCHEMA_VERSION + 1}")
    assert harmful([hook.replay(name, ANTHROPIC_BASE_URL="") for name in (PROMPT, END)]) == []
    assert damaged_logs(hook.state) == []
    said = doctor(hook.state)
    assert any(f"has schema {store.SCHEMA_VERSION + 1}" in each for each in said["hooks.log"])
    assert any("2 records" in each for each in said["hooks.log"])
    with closing(sqlite3.connect(hook.state / store.DATABASE)) as log:  # as if the newer program were here now
        log.execute(f"PRAGMA user_version = {store.SCHEMA_VERSION}")
    assert events_of(hook.state) == ["SessionStart", "UserPromptSubmit", "SessionEnd"]


# --- time and place


def test_with_a_clock_that_went_back_a_session_is_on_record_and_its_server_is_asked(
    hook: HookRunner, closed_port: int, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    future = {**dict.fromkeys(store.FIELDS), "backend_kind": "vllm", "backend_url": url}
    future |= {"session_id": SESSION_ID, "at": "2099-01-01T00:00:00.000Z", "event": "SessionStart", "host": "elsewhere"}
    with closing(store.connect(str(hook.state))) as log:
        log.execute("BEGIN")
        store.insert(log, future)
        store.insert(log, {**future, "session_id": "other"})
        log.execute("COMMIT")
    probe_cache.remember(str(hook.state), url, Probe("ok", latency_ms=1.0))
    path = Path(probe_cache.path_of(str(hook.state), url))
    path.write_text(path.read_text().replace('"at":1', '"at":4'))  # a look of the next century says nothing about now
    conversation = Conversation(tmp_path, SESSION_ID)
    ran = [hook.replay(START, ANTHROPIC_BASE_URL=url), hook.replay(PROMPT, ANTHROPIC_BASE_URL=url)]
    assert harmful(ran, "systemMessage", "decision", "reason") == []
    assert ran[1].said["decision"] == "block"
    conversation.answer(7, 1, 0, 0)
    event, environ = recorded(END)
    assert harmful([hook({**event, "transcript_path": str(conversation.path)}, environ)]) == []
    session = queries.session(hook.state, SESSION_ID)
    assert session is not None
    assert (session.end_reason, session.blocked) == ("other", 1)
    assert session.started_at <= str(session.ended_at) < "2099"
    assert all(span.duration_ms >= 0 for span in session.spans)
    assert tokens_of(session) == conversation.tokens
    assert doctor(hook.state) == {}


@looped("name", ["with spaces", "Größe – 東京", "100% #1?", "a'b\"c", "-n", "%41", "caf\udce9", "a" * 200])
def test_the_state_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    hook = HookRunner(tmp_path / name / "state")
    ran = [hook.replay(each, ANTHROPIC_BASE_URL="") for each in (START, STOP, END)]
    assert harmful(ran) == []
    assert events_of(hook.state) == ["SessionStart", "SessionEnd"]
    assert os.listdir(os.fsencode(tmp_path)) == [os.fsencode(name)]  # noqa: PTH208 (names that are no text)


def test_a_state_folder_may_be_named_from_the_current_one(hook: HookRunner, tmp_path: Path) -> None:
    event, environ = recorded(START)
    ran = hook(event, {**environ, "ANTHROPIC_BASE_URL": ""}, arguments=["--state", "here"], cwd=tmp_path)
    assert harmful([ran]) == []
    assert events_of(tmp_path / "here") == ["SessionStart"]


@pytest.mark.parametrize("arguments", [[], None], ids=["by itself", "installed with a folder"])
def test_for_somebody_without_a_home_nothing_is_read_from_the_project_or_left_there(
    hook: HookRunner, tmp_path: Path, closed_port: int, arguments: list[str] | None
) -> None:
    nobody = ["unshare", "--user", "--map-user=54321", "--"]
    if run([*nobody, "true"]).returncode:
        pytest.skip("this machine does not allow to be somebody else")
    project = tmp_path / "project"
    configured = project / "~" / ".config" / "claude-local" / "config.toml"  # what "~" comes to without a home
    configured.parent.mkdir(parents=True)
    configured.write_text(f'down_command = ["touch", "{tmp_path}/ran"]\non_dead_backend = "warn"')
    event, environ = recorded(PROMPT)
    environ = {**environ, "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{closed_port}", "PATH": "/usr/bin:/bin"}
    environ.pop("HOME", None)
    options = ["--state", str(hook.state)] if arguments is None else arguments
    command = [*nobody, sys.executable, "-I", "-S", str(SCRIPT), *options]
    done = run(command, input=json.dumps(event), env=environ, cwd=project)
    assert (done.returncode, json.loads(done.stdout)["decision"], done.stderr) == (0, "block", "")
    assert [path for path in project.rglob("*") if path.is_file()] == [configured]
    assert events_of(hook.state) == (["UserPromptSubmit"] if arguments is None else [])


# --- killed in the middle


def killed_after(arguments: list[str], event: Mapping[str, Any], environ: Mapping[str, str], seconds: float) -> bool:
    """Whether a hook was killed; False if it had ended by then."""
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=dict(environ))
    with process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(event).encode())
        process.stdin.close()
        process.stdin = None
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        return process.wait() == -signal.SIGKILL


def test_hooks_that_are_killed_at_any_moment_leave_a_whole_log(hook: HookRunner, tmp_path: Path) -> None:
    chance = random.Random(5)
    conversation = Conversation(tmp_path, "the-one")
    first, environ = recorded(START)
    began = time.monotonic()
    hook({**first, "session_id": "the-one"}, {**environ, "ANTHROPIC_BASE_URL": ""})
    usual = time.monotonic() - began
    arguments = [sys.executable, "-I", "-S", str(SCRIPT), "--state", str(hook.state)]
    finished: dict[str, int] = {}
    killed = 0
    for number in range(200):
        name = (START, PROMPT, STOP, END, SWITCH)[number % 5]
        event, environ = recorded(name)
        conversation.answer(1, 2, 3, 4, agent=f"{number % 3}" if number % 2 else None)
        event |= {"session_id": "the-one" if number % 3 else f"s{number}", "prompt_id": str(number)}
        event |= {"transcript_path": str(conversation.path)} if number % 3 else {}
        if killed_after(arguments, event, {**environ, "ANTHROPIC_BASE_URL": ""}, chance.uniform(0.2, 1.1) * usual):
            killed += 1
        else:
            finished[event["session_id"]] = finished.get(event["session_id"], 0) + (name != STOP)
    assert 0 < killed < 200
    assert integrity(hook.state) == [("ok",)]
    assert damaged_logs(hook.state) == []
    sessions = {session.session_id: session for session in queries.sessions(hook.state)}
    assert sessions.keys() >= finished.keys()
    for session_id, events in finished.items():
        assert len(events_of(hook.state, session_id)) >= events
        assert sum(span.main for span in sessions[session_id].spans) >= 1
    # whatever was cut short, one more event and each answer has been counted once
    last, environ = recorded(END)
    hook({**last, "session_id": "the-one", "transcript_path": str(conversation.path)}, environ)
    session = queries.session(hook.state, "the-one")
    assert session is not None
    assert tokens_of(session) == conversation.tokens
    assert not list(hook.state.rglob("*.bad"))


def in_the_place_of(path: Path, what: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if what == "a pipe":
        os.mkfifo(path)
    elif what == "a device":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(1 << 40)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system")
@pytest.mark.parametrize("what", ["a pipe", "a device", "a terabyte of nothing"])
@pytest.mark.parametrize(
    "place",
    [
        "home/.claude/.credentials.json",
        "home/.claude/settings.json",
        "home/.claude.json",
        "project/.claude/settings.json",
        "project/.claude/settings.local.json",
        "project/.git",
        "config/config.toml",
        "certificates.pem",
        "state/config.json",
        "state/salt",
        "the-session.jsonl",
    ],
)
def test_what_is_no_file_of_its_kind_keeps_no_hook(
    hook: HookRunner, healthy: MoodyServer, tmp_path: Path, place: str, what: str
) -> None:
    """A hook that waits for a pipe, or reads a device to its end, would be ended by its watchdog."""
    in_the_place_of(tmp_path / place, what)
    (tmp_path / "project").mkdir(exist_ok=True)
    environ = {
        "HOME": str(tmp_path / "home"),
        "CLAUDE_PROJECT_DIR": str(tmp_path / "project"),
        "ANTHROPIC_BASE_URL": healthy.url,
        "NODE_EXTRA_CA_CERTS": str(tmp_path / "certificates.pem"),
    }
    patient = tmp_path / "claude_local_hook.py"  # no machine is so busy
    patient.write_text(
        f"import sys\nsys.path.append({str(ROOT)!r})\nfrom claude_local_plugin.hook_runtime import main\n"
        "main.LIMIT.seconds = 45.0\nmain.main()\n"
    )
    hook = HookRunner(hook.state, tmp_path / "config")
    for name in ("print-SessionStart-startup", "attended-UserPromptSubmit", "print-Stop", "print-SessionEnd-other"):
        event, recorded_environ = recorded(name)
        event |= {"transcript_path": str(tmp_path / "the-session.jsonl"), "cwd": str(tmp_path / "project")}
        ran = hook(event, {**recorded_environ, **environ}, script=patient)
        assert (ran.code, ran.stderr) == (0, "")
    assert [event.event for event in queries.events(hook.state, event["session_id"])] == [
        "SessionStart",
        "UserPromptSubmit",
        "SessionEnd",
    ]
    faults = (hook.state / "faults.log").read_text() if (hook.state / "faults.log").exists() else ""
    assert "still busy" not in faults
