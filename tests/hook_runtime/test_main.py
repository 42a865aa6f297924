"""The hook as a process: always exit code 0, at most one JSON object, one record per event."""

import ast
import ctypes
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from claude_local_plugin import paths
from claude_local_plugin.core import registration, text
from claude_local_plugin.core.claude import client_version_of
from claude_local_plugin.core.faults import FAULTS, MOST_FAULT_BYTES
from claude_local_plugin.core.locations import state_dir_of
from claude_local_plugin.core.registration import as_registered
from claude_local_plugin.core.text import json_object
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.sessionlog import queries, store
from tests.hook_runtime.hook_process import ROOT, SCRIPT, HookRunner, Ran, recorded
from tests.hook_runtime.moody_server import MoodyServer, dripping, endless, http_answer, raw_answer, reset, silent
from tests.looped import looped

pytestmark = pytest.mark.process

Serve = Callable[..., MoodyServer]

START, PROMPT, END = "print-SessionStart-startup", "attended-UserPromptSubmit", "print-SessionEnd-other"
ROOMS = ("core", "hook_runtime", "sessionlog")
SESSION_ID = recorded(START)[0]["session_id"]


def faults(hook: HookRunner) -> str:
    path = hook.state / FAULTS
    return path.read_text() if path.exists() else ""


def only_session(hook: HookRunner) -> queries.Session:
    (session,) = queries.sessions(hook.state)
    return session


def only_event(hook: HookRunner) -> queries.Event:
    (event,) = queries.events(hook.state, only_session(hook).session_id)
    return event


# --- a session on a server of one's own


def test_a_session_on_a_healthy_server_is_introduced_and_recorded(hook: HookRunner, healthy: MoodyServer) -> None:
    ran = hook.replay("interactive-SessionStart-startup", ANTHROPIC_BASE_URL=healthy.url)
    session = only_session(hook)
    assert ran.code == 0
    assert ran.said.keys() == {"systemMessage"}
    shown = f"local backend: Qwen/Qwen3-Coder on 127.0.0.1:{healthy.port} ("
    assert ran.said["systemMessage"].startswith(shown)
    assert ran.said["systemMessage"].endswith(" ms)")
    assert (session.session_id, session.source) == ("0650edc7-ba14-4866-99b7-d2e2c033382f", "startup")
    assert (session.cwd, session.project) == ("/home/dev/proj", "/home/dev/proj")
    assert (session.backend_kind, session.backend_url) == ("vllm", healthy.url)
    assert (session.model, session.client_version, session.entrypoint) == ("Qwen/Qwen3-Coder", "2.1.329", "cli")
    assert session.reachable is True
    assert session.latency_ms is not None
    assert (session.ended_at, session.end_reason, session.blocked) == (None, None, 0)
    assert faults(hook) == ""


def test_a_whole_session_is_one_row_with_its_end(hook: HookRunner, healthy: MoodyServer) -> None:
    assert hook.replay(START, ANTHROPIC_BASE_URL=healthy.url).stdout
    assert hook.replay(PROMPT, ANTHROPIC_BASE_URL=healthy.url).stdout == ""
    assert hook.replay(END, ANTHROPIC_BASE_URL=healthy.url).stdout == ""
    session = only_session(hook)
    assert (session.session_id, session.end_reason, session.reachable) == (SESSION_ID, "other", True)
    assert session.ended_at is not None
    assert session.started_at <= session.ended_at
    events = queries.events(hook.state, SESSION_ID)
    assert [(event.event, event.cause, event.outcome) for event in events] == [
        ("SessionStart", "startup", "ok"),
        ("UserPromptSubmit", None, None),
        ("SessionEnd", "other", None),
    ]
    assert len(healthy.requests) == 1  # it had answered a moment ago


def test_times_are_utc_with_milliseconds(hook: HookRunner, healthy: MoodyServer) -> None:
    hook.replay(START, ANTHROPIC_BASE_URL=healthy.url, TZ="Asia/Tokyo")
    started = only_session(hook).started_at
    assert text.now(0) == "1970-01-01T00:00:00.000Z"
    assert (len(started), started[10], started[19], started[-1]) == (24, "T", ".", "Z")
    assert started[:13] <= text.now()[:13]


def test_without_a_model_the_introduction_names_the_server_alone(hook: HookRunner, healthy: MoodyServer) -> None:
    ran = hook.replay(START, ANTHROPIC_BASE_URL=healthy.url, ANTHROPIC_MODEL=None)
    assert ran.said["systemMessage"].startswith(f"local backend: 127.0.0.1:{healthy.port} (")
    assert only_session(hook).model is None


def test_a_compaction_in_a_healthy_session_is_recorded_in_silence(hook: HookRunner, healthy: MoodyServer) -> None:
    event, environ = recorded(START)
    ran = hook({**event, "source": "compact"}, {**environ, "ANTHROPIC_BASE_URL": healthy.url})
    assert ran.stdout == ""
    assert only_event(hook).cause == "compact"


def test_a_server_known_by_enable_keeps_the_name_enable_gave_it(hook: HookRunner, serve: Serve) -> None:
    server = serve(http_answer(body=b'{"data":[]}'))
    queries.remember_backend(hook.state, f"{server.url}/", "litellm", "1.102.3")
    hook.replay(START, ANTHROPIC_BASE_URL=server.url)
    assert only_session(hook).backend_kind == "litellm"


def test_no_credential_is_sent_shown_or_stored(hook: HookRunner, healthy: MoodyServer) -> None:
    url = f"http://someone:dummy-secret-1@127.0.0.1:{healthy.port}/?key=dummy-secret-2"
    secrets = {"ANTHROPIC_AUTH_TOKEN": "dummy-secret-3", "ANTHROPIC_API_KEY": "dummy-secret-4",
               "ANTHROPIC_CUSTOM_HEADERS": "x-key: dummy-secret-5"}  # fmt: skip
    ran = hook.replay(START, ANTHROPIC_BASE_URL=url, **secrets)
    prompt, environ = recorded(PROMPT)
    hook({**prompt, "prompt": "my dummy-secret-6"}, {**environ, **secrets, "ANTHROPIC_BASE_URL": url})
    written = b"".join(path.read_bytes() for path in hook.state.rglob("*") if path.is_file())
    assert SESSION_ID.encode() in written
    for seen in (written, ran.stdout.encode(), ran.stderr.encode(), *healthy.requests):
        assert b"dummy-secret" not in seen


def test_control_characters_reach_neither_the_user_nor_the_log(hook: HookRunner, healthy: MoodyServer) -> None:
    ran = hook.replay(START, ANTHROPIC_BASE_URL=healthy.url, ANTHROPIC_MODEL="qwen\x1b[31m\n3\u202e")
    assert "qwen\ufffd[31m\ufffd3\ufffd on" in ran.said["systemMessage"]
    assert only_session(hook).model == "qwen\ufffd[31m\ufffd3\ufffd"


def test_bytes_that_are_no_text_are_recorded_as_far_as_they_are(hook: HookRunner, healthy: MoodyServer) -> None:
    event, environ = recorded(START)
    changed: dict[bytes, bytes] = {os.fsencode(name): os.fsencode(value) for name, value in environ.items()}
    changed |= {b"ANTHROPIC_BASE_URL": healthy.url.encode(), b"CLAUDE_PROJECT_DIR": b"/home/dev/caf\xe9"}
    ran = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), "--state", str(hook.state)],
        input=json.dumps(event).encode(),
        env=changed,
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert ran.stdout
    assert only_session(hook).project == "/home/dev/caf\ufffd"


def test_a_public_host_is_not_called_local(hook: HookRunner) -> None:
    ran = hook.replay(START, ANTHROPIC_BASE_URL="http://gateway.example.invalid:8000")
    assert ran.said["systemMessage"].startswith("backend gateway.example.invalid:8000 ")


# --- a server that is not well


def test_a_refused_connection_is_told_at_the_start(hook: HookRunner, closed_port: int) -> None:
    ran = hook.replay(START, ANTHROPIC_BASE_URL=f"http://127.0.0.1:{closed_port}")
    assert ran.code == 0
    assert ran.said == {
        "systemMessage": f"local backend 127.0.0.1:{closed_port} refuses connections. "
        "Check it: claude-local status   Cloud once: claude-local run --cloud -- claude   "
        "Back to your former backend: claude-local disable"
    }
    assert (only_session(hook).reachable, only_session(hook).latency_ms) == (False, None)
    assert (only_event(hook).outcome, only_event(hook).blocked) == ("refused", False)


def test_a_refused_connection_blocks_the_prompt(hook: HookRunner, closed_port: int) -> None:
    ran = hook.replay(PROMPT, ANTHROPIC_BASE_URL=f"http://127.0.0.1:{closed_port}")
    assert ran.code == 0
    assert ran.said == {
        "decision": "block",
        "reason": f"local backend 127.0.0.1:{closed_port} refuses connections; Claude Code itself would go on trying "
        "for minutes. Check it: claude-local status   Cloud once: claude-local run --cloud -- claude   "
        "Back to your former backend: claude-local disable",
    }
    assert (only_session(hook).blocked, only_session(hook).reachable) == (1, False)
    assert (only_event(hook).outcome, only_event(hook).blocked) == ("refused", True)


UNWELL = [
    (http_answer("401 Unauthorized"), "ok", True, None),
    (http_answer("403 Forbidden"), "ok", True, None),
    (http_answer("500 Internal Server Error"), "error", True, "answers HTTP 500"),
    (http_answer("503 Service Unavailable"), "error", True, "answers HTTP 503"),
    (http_answer("302 Found", headers="Location: http://127.0.0.1:1/\r\n"), "ok", True, None),
    (http_answer(body=b"x" * 10_000_000), "ok", True, None),
    (endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 4096), "ok", True, None),
    (silent, "timeout", False, "did not answer in time"),
    (dripping(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200), "timeout", False, "did not answer in time"),
    (raw_answer(b"SSH-2.0-OpenSSH_9.9\r\n"), "not-http", False, "answers, but not with HTTP"),
    (raw_answer(b"\x15\x03\x01\x00\x02\x02\x46"), "tls", False, "cannot be spoken to over TLS"),
    (reset, "reset", False, "drops connections"),
]


@pytest.mark.parametrize(("behave", "outcome", "reachable", "complaint"), UNWELL)
def test_whatever_the_server_does_the_session_starts_and_is_recorded(
    hook: HookRunner, serve: Serve, behave: Callable[..., None], outcome: str, reachable: bool, complaint: str | None
) -> None:
    server = serve(behave)
    ran = hook.replay(START, ANTHROPIC_BASE_URL=server.url)
    label = f"127.0.0.1:{server.port}"
    assert (ran.code, ran.said.keys()) == (0, {"systemMessage"})
    expected = f"local backend {label} {complaint}" if complaint else f"local backend: Qwen/Qwen3-Coder on {label} ("
    assert ran.said["systemMessage"].startswith(expected)
    assert (only_session(hook).reachable, only_event(hook).outcome) == (reachable, outcome)


@pytest.mark.parametrize("behave", [http_answer("503 Service Unavailable"), silent, raw_answer(b"SSH-2.0\r\n"), reset])
def test_only_a_refused_connection_blocks_a_prompt(hook: HookRunner, serve: Serve, behave: Callable[..., None]) -> None:
    ran = hook.replay(PROMPT, ANTHROPIC_BASE_URL=serve(behave).url)
    assert (ran.code, ran.stdout) == (0, "")
    assert (only_session(hook).blocked, only_event(hook).blocked) == (0, False)


def test_a_name_that_cannot_be_resolved_blocks_nothing(hook: HookRunner) -> None:
    ran = hook.replay(PROMPT, ANTHROPIC_BASE_URL="http://nothing.invalid:8000")
    assert (ran.code, ran.stdout) == (0, "")
    assert only_event(hook).outcome in ("unresolved", "timeout")


def test_https_with_an_unknown_certificate_is_told_and_can_be_vouched_for(hook: HookRunner, serve_tls: Serve) -> None:
    url = serve_tls(http_answer()).url.replace("http:", "https:")
    certificate = ROOT / "tests" / "servers" / "tls" / "cert.pem"
    assert "over TLS (certificate: " in hook.replay(START, ANTHROPIC_BASE_URL=url).said["systemMessage"]
    vouched = hook.replay(START, ANTHROPIC_BASE_URL=url, NODE_EXTRA_CA_CERTS=str(certificate))
    assert "local backend: Qwen/Qwen3-Coder on 127.0.0.1" in vouched.said["systemMessage"]
    unchecked = hook.replay(START, ANTHROPIC_BASE_URL=url, NODE_TLS_REJECT_UNAUTHORIZED="0")
    assert "local backend: Qwen/Qwen3-Coder on 127.0.0.1" in unchecked.said["systemMessage"]


def test_a_server_behind_a_proxy_is_recorded_and_not_judged(hook: HookRunner, closed_port: int) -> None:
    url, proxy = f"http://127.0.0.1:{closed_port}", "http://127.0.0.1:1"
    ran = hook.replay(START, ANTHROPIC_BASE_URL=url, HTTP_PROXY=proxy)
    assert ran.said["systemMessage"].endswith(f"on 127.0.0.1:{closed_port} (through {proxy}, not checked)")
    assert hook.replay(PROMPT, ANTHROPIC_BASE_URL=url, HTTP_PROXY=proxy).stdout == ""
    assert only_session(hook).reachable is None
    assert [event.outcome for event in queries.events(hook.state, SESSION_ID)] == ["proxied", "proxied"]
    assert {event.via for event in queries.events(hook.state, SESSION_ID)} == {only_session(hook).via} == {proxy}
    assert [span.via for span in only_session(hook).spans] == [proxy]


def test_a_base_url_that_is_none_is_told(hook: HookRunner) -> None:
    ran = hook.replay(START, ANTHROPIC_BASE_URL="127.0.0.1:8000")
    assert ran.said["systemMessage"].startswith("ANTHROPIC_BASE_URL is not an http(s) URL")
    assert hook.replay(PROMPT, ANTHROPIC_BASE_URL="127.0.0.1:8000").stdout == ""
    assert (only_session(hook).backend_url, only_session(hook).reachable) == (None, False)


# --- a session in the cloud


def test_a_cloud_session_is_recorded_in_silence_and_nothing_is_asked(hook: HookRunner) -> None:
    assert hook.replay(START, ANTHROPIC_BASE_URL=None).stdout == ""
    assert hook.replay(PROMPT, ANTHROPIC_BASE_URL=None).stdout == ""
    session = only_session(hook)
    assert (session.backend_kind, session.backend_url) == ("anthropic", "https://api.anthropic.com")
    assert (session.reachable, session.latency_ms) == (None, None)
    assert [event.outcome for event in queries.events(hook.state, SESSION_ID)] == [None, None]


def test_a_provider_is_on_record_also_beside_a_base_url(hook: HookRunner, healthy: MoodyServer) -> None:
    hook.replay(START, ANTHROPIC_BASE_URL=healthy.url, CLAUDE_CODE_USE_BEDROCK="1")
    assert (only_session(hook).backend_kind, only_session(hook).backend_url) == ("bedrock", None)
    assert healthy.requests == []


# --- what arrives on standard input


@pytest.mark.parametrize("stdin", [b"", b"garbage", b"[]", b'"x', b'{"a"', b'{"a":1} x', b"\xff\xfe", b'{"a":' * 5000])
def test_garbage_on_standard_input_is_only_noted(hook: HookRunner, stdin: bytes) -> None:
    ran = hook(stdin, recorded(START)[1])
    assert (ran.code, ran.stdout) == (0, "")
    assert len(faults(hook).splitlines()) == 1
    assert queries.sessions(hook.state) == ()


def test_a_gigantic_prompt_is_read_and_judged(hook: HookRunner, closed_port: int) -> None:
    event, environ = recorded(PROMPT)
    environ["ANTHROPIC_BASE_URL"] = f"http://127.0.0.1:{closed_port}"
    ran = hook({**event, "prompt": "é\n" * 2_000_000}, environ)
    assert (ran.code, ran.said["decision"]) == (0, "block")


def test_more_than_an_event_can_be_is_not_read_to_its_end(hook: HookRunner) -> None:
    ran = hook(b'{"prompt":"' + b"x" * 40_000_000 + b'"}', recorded(PROMPT)[1])
    assert (ran.code, ran.stdout) == (0, "")
    assert "Unterminated string" in faults(hook)


@pytest.mark.parametrize(
    "event", [{"hook_event_name": "Notification"}, {"hook_event_name": 3}, {}, {"hook_event_name": "sessionstart"}]
)
def test_events_that_are_not_ours_leave_no_trace(hook: HookRunner, event: dict[str, object]) -> None:
    ran = hook({**event, "session_id": "x"}, recorded(START)[1])
    assert (ran.code, ran.stdout, ran.stderr) == (0, "", "")
    assert not hook.state.exists()


def test_fields_of_the_wrong_type_are_taken_as_missing(hook: HookRunner) -> None:
    event = {
        "hook_event_name": "SessionStart",
        "session_id": "x",
        "cwd": 3,
        "model": {"id": "y"},
        "source": ["startup"],
    }
    assert hook(event, {}).code == 0
    session = only_session(hook)
    assert (session.cwd, session.project, session.model, session.source) == (None, None, None, None)


def test_an_event_without_a_session_is_noted(hook: HookRunner) -> None:
    assert hook({"hook_event_name": "SessionStart"}, {}).stdout == ""
    assert "names no session" in faults(hook)
    assert hook({"hook_event_name": "SessionStart"}, {"CLAUDE_CODE_SESSION_ID": "from-env"}).code == 0
    assert only_session(hook).session_id == "from-env"


def test_standard_input_that_never_ends_does_not_keep_the_hook(hook: HookRunner) -> None:
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(SCRIPT), "--state", str(hook.state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=recorded(START)[1],
    )
    with process:
        assert process.wait(timeout=60) == 0
        assert process.stdout is not None
        assert process.stdout.read() == b""
    assert "TimeoutError: the hook was still busy" in faults(hook)


def test_a_hook_whose_time_is_up_leaves_what_it_knows(hook: HookRunner) -> None:
    driver = (
        "import os, sys, time; sys.path.append(sys.argv[1])\n"
        "from claude_local_plugin.hook_runtime import main\n"
        "main.LIMIT.seconds = 0.3\n"
        "main.answer_to = lambda *_: time.sleep(60)\n"  # a file that nobody can read to its end
        "sys.argv[1:] = sys.argv[2:]; main.main()"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", driver, str(ROOT), "--state", str(hook.state)],
        input=json.dumps(recorded(END)[0]).encode(),
        timeout=50,
        check=False,
    )
    assert done.returncode == 0
    assert (only_session(hook).session_id, only_session(hook).end_reason) == (SESSION_ID, "other")


def test_a_reader_that_is_gone_does_not_trouble_the_hook(hook: HookRunner, healthy: MoodyServer) -> None:
    event, environ = recorded(START)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(SCRIPT), "--state", str(hook.state)],
            input=json.dumps(event).encode(),
            stdout=writing,
            env={**environ, "ANTHROPIC_BASE_URL": healthy.url},
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert done.returncode == 0
    assert only_session(hook).session_id == SESSION_ID


@pytest.mark.parametrize(
    "text", ['{"a": [1, -2.5e3, true, false, null, "\\u00e9\\n"], "b": {}}', ' {"a":NaN}\n', '{"a":1e999}']
)
def test_events_are_parsed_as_json_does(text: str) -> None:
    assert repr(json_object(text.encode())) == repr(json.loads(text))


@looped(
    ("agent", "version"),
    [
        ("claude-code_2-1-329_harness", "2.1.329"),
        ("claude-code_2-1-329", "2.1.329"),
        ("claude-code_2-1-329-beta_x", None),
        ("claude-code_2-x-3_harness", None),
        ("other_2-1-3_harness", None),
        ("claude-code", None),
        ("", None),
    ],
)
def test_the_clients_version_is_read_from_its_environment(agent: str, version: str | None) -> None:
    assert client_version_of({"AI_AGENT": agent}) == version


# --- a log that cannot be written


def test_the_log_is_private(hook: HookRunner, healthy: MoodyServer) -> None:
    hook.replay(START, ANTHROPIC_BASE_URL=healthy.url)
    for path in (hook.state, *hook.state.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def damage(state: Path) -> None:
    (state / store.DATABASE).write_bytes(b"this is not a database at all" * 100)


def make_newer(state: Path) -> None:
    with sqlite3.connect(state / store.DATABASE) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()


def put_a_folder_there(state: Path) -> None:
    (state / store.DATABASE).mkdir()


@pytest.mark.parametrize("spoil", [damage, make_newer, put_a_folder_there])
def test_a_hook_does_not_touch_the_log_whatever_has_become_of_it(
    hook: HookRunner, healthy: MoodyServer, spoil: Callable[[Path], None]
) -> None:
    hook.state.mkdir()
    spoil(hook.state)
    path = hook.state / store.DATABASE
    before = path.read_bytes() if path.is_file() else b""
    ran = hook.replay(START, ANTHROPIC_BASE_URL=healthy.url)
    assert (ran.code, ran.said.keys(), faults(hook)) == (0, {"systemMessage"}, "")
    assert (path.read_bytes() if path.is_file() else b"") == before
    assert not path.with_name(f"{path.name}-wal").exists()


def test_a_damaged_log_is_set_aside_and_a_new_one_made(hook: HookRunner, healthy: MoodyServer) -> None:
    hook.state.mkdir()
    damage(hook.state)
    before = (hook.state / store.DATABASE).read_bytes()
    hook.replay(START, ANTHROPIC_BASE_URL=healthy.url)
    assert only_session(hook).source == "startup"
    (kept,) = hook.state.glob(f"{store.DATABASE}.damaged-*")
    assert kept.read_bytes() == before
    assert f"the session log is damaged: file is not a database; it is kept as {kept.name}" in faults(hook)


def test_a_log_that_cannot_be_used_is_brought_up_to_date_once_it_can(hook: HookRunner, healthy: MoodyServer) -> None:
    put_a_folder = hook.state / store.DATABASE
    put_a_folder.mkdir(parents=True)
    hook.replay(START, ANTHROPIC_BASE_URL=healthy.url)
    with pytest.raises(ClaudeLocalError):
        queries.sessions(hook.state)
    assert "the log stays as it is: cannot open" in faults(hook)
    put_a_folder.rmdir()
    hook.replay(END, ANTHROPIC_BASE_URL=healthy.url)
    session = only_session(hook)
    assert (session.source, session.end_reason) == ("startup", "other")
    assert session.ended_at is not None
    assert [event.event for event in queries.events(hook.state, SESSION_ID)] == ["SessionStart", "SessionEnd"]


def test_a_writer_that_does_not_let_go_costs_no_record(
    hook: HookRunner, healthy: MoodyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.replay(START, ANTHROPIC_BASE_URL=healthy.url)
    only_session(hook)
    monkeypatch.setattr("claude_local_plugin.sessionlog.queries.reading.PATIENCE_S", 0.1)
    holder = sqlite3.connect(hook.state / store.DATABASE, isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        assert hook.replay(END, ANTHROPIC_BASE_URL=healthy.url).code == 0
        assert only_session(hook).end_reason is None  # read as it is
        assert "busy for too long" in faults(hook)
        holder.execute("ROLLBACK")
    finally:
        holder.close()
    assert only_session(hook).end_reason == "other"


@pytest.mark.parametrize("state", ["/dev/null/state", "/proc/claude-local", "\x01" * 300])
def test_with_nowhere_to_write_the_user_is_told_all_the_same(hook: HookRunner, closed_port: int, state: str) -> None:
    event, environ = recorded(PROMPT)
    environ["ANTHROPIC_BASE_URL"] = f"http://127.0.0.1:{closed_port}"
    ran = hook(event, environ, arguments=["--state", state])
    assert (ran.code, ran.said["decision"], ran.stderr) == (0, "block", "")


def without_roots_privilege() -> None:
    """Runs in the hook's process before it starts: file modes shall count for root as for everybody (Linux)."""
    drop_from_bounding_set, may_ignore_file_modes = 24, 1
    ctypes.CDLL(None).prctl(drop_from_bounding_set, may_ignore_file_modes, 0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="root's privileges are dropped the Linux way")
def test_a_read_only_state_folder_does_not_harm_the_session(hook: HookRunner, closed_port: int) -> None:
    hook.state.mkdir(mode=0o500)
    event, environ = recorded(PROMPT)
    environ["ANTHROPIC_BASE_URL"] = f"http://127.0.0.1:{closed_port}"
    try:
        ran = hook(event, environ, preexec_fn=without_roots_privilege)
    finally:
        hook.state.chmod(0o700)
    assert (ran.code, ran.said["decision"], ran.stderr) == (0, "block", "")
    assert list(hook.state.iterdir()) == []


def test_a_full_disk_does_not_harm_the_session(hook: HookRunner, closed_port: int) -> None:
    resource = pytest.importorskip("resource")
    event, environ = recorded(PROMPT)
    environ["ANTHROPIC_BASE_URL"] = f"http://127.0.0.1:{closed_port}"
    ran = hook(event, environ, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
    assert (ran.code, ran.said["decision"], ran.stderr) == (0, "block", "")
    hook(event, environ)  # once there is room again, all is as it should be
    assert only_session(hook).blocked == 1
    assert [path.name for path in hook.state.rglob("*.tmp")] == []


def test_the_log_of_faults_stays_small(hook: HookRunner) -> None:
    hook.state.mkdir()
    (hook.state / FAULTS).write_text("x" * (MOST_FAULT_BYTES + 1))
    hook(b"garbage", {})
    assert len(faults(hook).splitlines()) == 1
    assert (hook.state / f"{FAULTS}.1").exists()


# --- where the hook lives


def installed_as_a_wheel(folder: Path) -> Path:
    """The script of an installation whose hooks folder lies inside the package."""
    package = folder / "site-packages" / "claude_local_plugin"
    for room in ("core", "hook_runtime", "sessionlog"):
        shutil.copytree(ROOT / "claude_local_plugin" / room, package / room)
    shutil.copytree(ROOT / "hooks", package / "hooks")
    (package / "__init__.py").write_text("")
    return package / "hooks" / registration.SCRIPT


def test_the_hook_runs_from_a_wheel_as_from_a_checkout(hook: HookRunner, healthy: MoodyServer, tmp_path: Path) -> None:
    event, environ = recorded(START)
    environ["ANTHROPIC_BASE_URL"] = healthy.url
    ran = hook(event, environ, script=installed_as_a_wheel(tmp_path))
    assert (ran.code, ran.said.keys()) == (0, {"systemMessage"})
    assert only_session(hook).session_id == SESSION_ID


def test_the_hook_runs_through_a_link_and_from_any_folder(
    hook: HookRunner, healthy: MoodyServer, tmp_path: Path
) -> None:
    link = tmp_path / "a folder with spaces" / "hook.py"
    link.parent.mkdir()
    link.symlink_to(SCRIPT)
    (link.parent / "json.py").write_text("raise SystemExit('the project must not be imported')")
    event, environ = recorded(START)
    ran = hook(event, {**environ, "ANTHROPIC_BASE_URL": healthy.url}, script=link, cwd=link.parent)
    assert ran.said.keys() == {"systemMessage"}


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_the_hook_runs_on_every_python_that_is_here(
    hook: HookRunner, closed_port: int, healthy: MoodyServer, version: str
) -> None:
    python = shutil.which(f"python{version}")
    if python is None or subprocess.run([python, "-V"], capture_output=True, check=False).returncode:
        pytest.skip(f"no Python {version} here")
    started, environ = recorded(START)
    environ["ANTHROPIC_BASE_URL"] = healthy.url
    assert hook(started, environ, python=python).said.keys() == {"systemMessage"}
    assert hook(
        {**started, "source": "resume"}, {**environ, "ANTHROPIC_BASE_URL": "https://127.0.0.1:1"}, python=python
    ).said
    prompt, environ = recorded(PROMPT)
    blocked = hook(prompt, {**environ, "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{closed_port}"}, python=python)
    assert blocked.said["decision"] == "block"
    assert hook(b"garbage", environ, python=python).code == 0
    assert [event.outcome for event in queries.events(hook.state, SESSION_ID)] == ["ok", "refused", "refused"]
    assert "standard input is not JSON" in faults(hook)


def test_a_broken_installation_says_nothing_on_standard_output(hook: HookRunner, tmp_path: Path) -> None:
    script = tmp_path / "elsewhere" / "hooks" / registration.SCRIPT
    script.parent.mkdir(parents=True)
    shutil.copy(SCRIPT, script)
    ran = hook(recorded(START)[0], recorded(START)[1], script=script)
    assert (ran.code, ran.stdout) == (0, "")
    assert "the hook cannot run" in ran.stderr


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"XDG_STATE_HOME": "/srv/state"},
        {"XDG_STATE_HOME": "relative"},
        {"CLAUDE_LOCAL_STATE_DIR": "~/mine"},
        {"CLAUDE_LOCAL_STATE_DIR": "here"},
    ],
)
def test_the_state_folder_is_where_the_command_line_looks(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert state_dir_of(os.environ) == str(paths.state_dir(os.environ))


def test_the_state_folder_of_other_platforms_is_theirs(home: Path) -> None:
    assert state_dir_of({}, "darwin") == str(home / "Library" / "Application Support" / "claude-local")
    assert state_dir_of({"LOCALAPPDATA": "/local"}, "win32") == os.path.join("/local", "claude-local")  # noqa: PTH118


def test_our_folders_are_where_the_registration_says_whatever_the_environment_does() -> None:
    forged = {"CLAUDE_LOCAL_STATE_DIR": "/evil", "CLAUDE_LOCAL_CONFIG_DIR": "/evil", "HOME": "/home"}
    assert as_registered([], forged) == {"HOME": "/home"}
    assert as_registered(["--new", "x", "--state", "/there", "--more"], forged) == {
        "HOME": "/home",
        "CLAUDE_LOCAL_STATE_DIR": "/there",
    }
    assert as_registered(["--state", "/there", "--config", "/its"], forged) == {
        "HOME": "/home",
        "CLAUDE_LOCAL_STATE_DIR": "/there",
        "CLAUDE_LOCAL_CONFIG_DIR": "/its",
    }
    assert as_registered(["--state"], forged) == {"HOME": "/home"}


# --- what the hook costs


def modules_after(hook: HookRunner, name: str, **environ: str) -> set[str]:
    """The modules that are loaded when the hook has done its work."""
    event, recorded_environ = recorded(name)
    driver = (
        "import sys; sys.path.append(sys.argv[1]); sys.argv[0] = sys.argv[1] + '/hooks/claude_local_hook.py'\n"
        "from claude_local_plugin.core import system\n"
        "from claude_local_plugin.hook_runtime import main\n"
        "environ = main.as_registered(sys.argv[2:], system.environ)\n"
        "main.run(sys.stdin.buffer.read(), environ, main.state_dir_of(environ))\n"
        "system.write(2, ' '.join(sys.modules).encode()); system._exit(0)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", driver, str(ROOT), *hook.registered],
        input=json.dumps(event).encode(),
        env={**recorded_environ, **environ},
        capture_output=True,
        check=True,
        timeout=60,
    )
    return set(done.stderr.decode().split())


@pytest.mark.parametrize("name", [START, PROMPT, END])
def test_the_hook_loads_next_to_nothing(hook: HookRunner, healthy: MoodyServer, name: str) -> None:
    loaded = modules_after(hook, name, ANTHROPIC_BASE_URL=healthy.url)
    third_party = {"pydantic", "jsonschema", "tomlkit", "platformdirs", "click", "httpx", "filelock"}
    costly = {"dataclasses", "http.client", "urllib.parse", "ssl", "socket", "asyncio", "re", "enum", "json", "typing",
              "pathlib", "subprocess", "threading", "datetime", "sqlite3", "logging", "argparse", "inspect",
              "functools", "collections", "__future__", "_sqlite3", "binascii", "zlib", "hashlib", "os", "stat",
              "posixpath", "_collections_abc"}  # fmt: skip
    assert not loaded & (third_party | costly)
    ours = {module for module in loaded if module.startswith("claude_local_plugin.")}
    assert all(module.split(".")[1] in ROOMS for module in ours)
    assert ("claude_local_plugin.core.probe" in ours) is (name != END)


SOURCES = [SCRIPT, *(each for room in ROOMS for each in sorted((ROOT / "claude_local_plugin" / room).glob("*.py")))]


def test_the_hook_is_python_3_9() -> None:
    for source in SOURCES:
        tree = ast.parse(source.read_text(), feature_version=(3, 9))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        arguments = [node for function in functions for node in ast.walk(function.args) if isinstance(node, ast.arg)]
        evaluated = [function.returns for function in functions] + [argument.annotation for argument in arguments]
        # `str | None` in an annotation is an error in Python 3.9 when it is evaluated; quoted it is not
        assert not [node for node in evaluated if isinstance(node, ast.BinOp)], source


def test_ran_reads_silence_as_nothing_said() -> None:
    assert Ran(0, "", "").said == {}
