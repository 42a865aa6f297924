"""The status line: what it says of every kind of session, that it is always said, and what becomes of a wrapped one."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_local_plugin.core.probe import ERROR, OK, REFUSED, TIMEOUT, Probe
from claude_local_plugin.core.probe_cache import path_of, recall, remember
from claude_local_plugin.core.registration import are_options
from claude_local_plugin.hook_runtime.statusline import Drawing, Piece, fitted, status_line
from tests.hook_runtime.hook_process import ROOT, HookRunner, Ran
from tests.hook_runtime.moody_server import MoodyServer, http_answer
from tests.looped import looped

SCRIPT = ROOT / "hooks" / "claude_local_statusline.py"
RECORDED = json.loads((Path(__file__).parent / "statusline_interactive.json").read_text())
BOX = "http://dell-pro-max:8000"
#: Nobody waits for a name server, and no test depends on what one says.
NO_LOOK = 0.0

Runner = Callable[..., Ran]


@pytest.fixture
def state(tmp_path: Path) -> str:
    return str(tmp_path / "state")


@pytest.fixture
def run(hook: HookRunner) -> Runner:
    """The status line's script as Claude Code runs it, with the recorded environment changed."""

    def run(stdin: Mapping[str, Any] | bytes, *arguments: str, **environ: str) -> Ran:
        given = ["--state", str(hook.state), *arguments]
        path = {"PATH": "/usr/bin:/bin", "NO_COLOR": "1"}
        return hook(stdin, {**RECORDED["env"], **path, **environ}, arguments=given, script=SCRIPT)

    return run


@pytest.fixture
def dead(closed_port: int, hook: HookRunner) -> str:
    """The URL of a server that refuses connections, and that was seen to do so."""
    url = f"http://127.0.0.1:{closed_port}"
    remember(str(hook.state), url, Probe(REFUSED, "connection refused"))
    return url


def told(**changed: Any) -> dict[str, Any]:
    """What Claude Code tells of a session on the way, with members changed."""
    usage = {"input_tokens": 600, "cache_creation_input_tokens": 400, "cache_read_input_tokens": 11_000}
    return {
        "model": {"id": "qwen3-coder-next", "display_name": "Qwen"},
        "context_window": {"context_window_size": 65_536, "current_usage": usage, "total_input_tokens": 12_000},
        "prompt_cache": {"caching_observed": True, "hit_ratio": 0.9166},
        **changed,
    }


def line(state: str, event: Mapping[str, Any] | None = None, *, url: str = BOX, **environ: str) -> str:
    """The line without colours."""
    given = {"ANTHROPIC_BASE_URL": url, "NO_COLOR": "1", "HOME": state, **environ}
    return status_line(told() if event is None else event, given, state, NO_LOOK)


# --- what it says


def test_an_own_server_that_answers(state: str) -> None:
    remember(state, BOX, Probe(OK, "HTTP 200", 200, 3.4, "vllm"))
    assert line(state) == "qwen3-coder-next @ dell-pro-max:8000 · up 3 ms · 12k/66k (18 %) · cache 92 %"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Probe(OK, "HTTP 401", 401, 0.2), "up 1 ms"),
        (Probe(ERROR, "HTTP 503", 503, 2), "answers HTTP 503"),
        (Probe(REFUSED), "DOWN (refused)"),
        (Probe(TIMEOUT), "DOWN (no answer)"),
        (Probe("unresolved"), "DOWN (name not found)"),
        (Probe("tls"), "DOWN (TLS fails)"),
        (Probe("not-http"), "DOWN (not HTTP)"),
        (Probe("reset"), "DOWN (reset)"),
        (Probe("unreachable"), "DOWN (unreachable)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_last_look_found(state: str, found: Probe, said: str) -> None:
    remember(state, BOX, found)
    assert line(state, {}) == f"dell-pro-max:8000 · {said}"


@pytest.mark.parametrize(
    ("seconds", "age"),
    [(25, ""), (45, ", 45 s ago"), (600, ", 10 min ago"), (7200, ", 2 h ago"), (300_000, ", 3 d ago")],
)
def test_an_old_look_is_shown_with_its_age(state: str, seconds: int, age: str) -> None:
    remember(state, BOX, Probe(OK, "HTTP 200", 200, 3.4))
    file = Path(path_of(state, BOX))
    kept = json.loads(file.read_text())
    file.write_text(json.dumps(kept | {"at": kept["at"] - seconds}))
    assert line(state, {}) == f"dell-pro-max:8000 · up 3 ms{age}"


def test_how_old_a_look_may_be_is_the_users_choice(state: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("recheck_after_s = 90\n")
    remember(state, BOX, Probe(OK, "HTTP 200", 200, 3.4))
    file = Path(path_of(state, BOX))
    kept = json.loads(file.read_text())
    file.write_text(json.dumps(kept | {"at": kept["at"] - 45}))
    assert line(state, {}, CLAUDE_LOCAL_CONFIG_DIR=str(tmp_path)) == "dell-pro-max:8000 · up 3 ms"


def test_a_server_that_nobody_has_looked_at_is_not_called_up_or_down(state: str) -> None:
    assert line(state, {}) == "dell-pro-max:8000 · not checked"


def test_behind_a_proxy_a_look_would_say_nothing(state: str) -> None:
    remember(state, BOX, Probe(OK, "HTTP 200", 200, 3.4))
    assert line(state, {}, https_proxy="http://proxy:3128") == "dell-pro-max:8000 · not checked (proxy)"


def test_a_base_url_that_is_none_is_named(state: str) -> None:
    assert line(state, {}, url="127.0.0.1:8000") == "no server · ANTHROPIC_BASE_URL is not an http(s) URL"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"ANTHROPIC_BASE_URL": ""}, "CLOUD claude-opus-5-5 @ api.anthropic.com"),
        ({"ANTHROPIC_BASE_URL": "https://api.anthropic.com/"}, "CLOUD claude-opus-5-5 @ api.anthropic.com"),
        ({"CLAUDE_CODE_USE_BEDROCK": "1"}, "CLOUD claude-opus-5-5 @ bedrock"),
        (
            {"CLAUDE_CODE_USE_VERTEX": "1", "ANTHROPIC_VERTEX_BASE_URL": "https://v.example/x"},
            "CLOUD claude-opus-5-5 @ v.example",
        ),
    ],
)
def test_a_cloud_is_called_one_and_nobody_looks_at_it(state: str, environ: dict[str, str], said: str) -> None:
    event = told(model={"id": "claude-opus-5-5"})
    assert line(state, event, **environ) == f"{said} · 12k/66k (18 %) · cache 92 %"
    assert not Path(state).exists()


def test_a_server_with_a_public_name_is_called_remote(state: str) -> None:
    assert line(state, {}, url="https://llm.example.com/api") == "REMOTE llm.example.com · not checked"


def test_without_a_cloud_or_a_public_name_it_is_not_marked(state: str) -> None:
    for url in ("http://127.0.0.1:1", "http://box:1", "http://box.lan:1", "http://192.168.1.9:1", "http://[fd00::1]:1"):
        assert line(state, {}, url=url) == f"{url.removeprefix('http://')} · not checked"


def test_the_model_follows_the_session_and_not_the_environment(state: str) -> None:
    assert line(state, told(model={"id": "other"}), ANTHROPIC_MODEL="first").startswith("other @ dell")
    assert line(state, {}, ANTHROPIC_MODEL="first").startswith("first @ dell")


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ({"context_window_size": 200_000, "current_usage": None, "total_input_tokens": 0}, " · 0/200k (0 %)"),
        ({"context_window_size": 200_000, "total_input_tokens": 100_000}, " · 100k/200k (50 %)"),
        ({"context_window_size": 1_000_000, "current_usage": {"input_tokens": 999}}, " · 999/1M (0 %)"),
        ({"context_window_size": 1_500_000, "current_usage": {"input_tokens": 999_600}}, " · 1M/1.5M (67 %)"),
        ({"context_window_size": 0}, ""),
        ({"context_window_size": "65536"}, ""),
        ({"context_window_size": -1}, ""),
        ({"context_window_size": True}, ""),
        ({"context_window_size": 10**400}, ""),
        ({"context_window_size": 1000, "current_usage": {"input_tokens": [1]}}, " · 0/1k (0 %)"),
        ([], ""),
        ("66k", ""),
        (None, ""),
    ],
)
def test_the_window(state: str, window: object, said: str) -> None:
    assert line(state, {"context_window": window}) == f"dell-pro-max:8000 · not checked{said}"


@pytest.mark.parametrize(
    ("cache", "usage", "said"),
    [
        ({"hit_ratio": 0.5, "caching_observed": True}, None, " · cache 50 %"),
        ({"hit_ratio": 0, "caching_observed": True}, None, " · cache 0 %"),
        ({"hit_ratio": 0, "caching_observed": False}, {"input_tokens": 9}, ""),
        ({"hit_ratio": None, "caching_observed": False}, None, ""),
        ({"hit_ratio": 1.5}, None, ""),
        ({"hit_ratio": "high"}, None, ""),
        (None, {"input_tokens": 5, "cache_creation_input_tokens": 2, "cache_read_input_tokens": 7}, " · cache 50 %"),
        (None, {"input_tokens": 5, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 0}, " · cache 0 %"),
        (None, {"input_tokens": 5, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}, ""),
        (None, {}, ""),
        (None, None, ""),
    ],
)
def test_the_prefix_cache(state: str, cache: object, usage: object, said: str) -> None:
    event = {"prompt_cache": cache, "context_window": {"current_usage": usage}}
    assert line(state, event) == f"dell-pro-max:8000 · not checked{said}"


def test_what_is_shown_is_one_line_without_control_characters(state: str) -> None:
    shown = line(state, {"model": {"id": "a\x1b[31m\nb\u202e\x07c"}})
    assert shown.isprintable()
    assert shown.startswith("a\ufffd[31m\ufffdb\ufffd\ufffdc @ ")


def test_colours_mark_the_cloud_and_what_is_wrong(state: str) -> None:
    remember(state, BOX, Probe(REFUSED))
    cloud = status_line({}, {"ANTHROPIC_BASE_URL": "", "HOME": state}, state, NO_LOOK)
    down = status_line({}, {"ANTHROPIC_BASE_URL": BOX, "HOME": state}, state, NO_LOOK)
    assert cloud == "\x1b[1;33mCLOUD\x1b[0m api.anthropic.com"
    assert down == "dell-pro-max:8000 · \x1b[1;31mDOWN (refused)\x1b[0m"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_can_be_declined(state: str, name: str, value: str) -> None:
    environ = {"ANTHROPIC_BASE_URL": "", "HOME": state, name: value}
    assert status_line({}, environ, state, NO_LOOK) == "CLOUD api.anthropic.com"


# --- how it fits


def test_a_long_name_loses_its_folder_first_then_its_end(state: str) -> None:
    remember(state, BOX, Probe(OK, "HTTP 200", 200, 3.4))
    rest = " @ dell-pro-max:8000 · up 3 ms · 12k/66k (18 %) · cache 92 %"
    assert line(state, told(model={"id": "unsloth/qwen3-coder"})) == f"qwen3-coder{rest}"
    long = told(model={"id": "Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8"})
    assert line(state, long) == f"Qwen3-Coder-480…{rest}"
    assert line(state, long, COLUMNS="140") == f"Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8{rest}"


def test_what_matters_least_goes_first_and_the_state_never(state: str) -> None:
    remember(state, BOX, Probe(REFUSED))
    model = told(model={"id": "Qwen3-Coder-480B-A35B"})
    assert line(state, model, COLUMNS="76").endswith(" · DOWN (refused) · 12k/66k (18 %)")
    assert line(state, model, COLUMNS="60") == "Qwen3-Coder-480B-A… @ dell-pro-max:8000 · DOWN (refused)"
    assert line(state, model, COLUMNS="50") == "Qwen3-Coder-… @ dell-pro-max… · DOWN (refused)"


@given(
    model=st.text(max_size=120),
    place=st.text(min_size=1, max_size=120),
    rest=st.lists(st.text("abc 漢", min_size=1, max_size=30).map(Piece), max_size=3),
    mark=st.sampled_from(["", "CLOUD", "REMOTE"]).map(Piece),
)
def test_it_is_never_wider_than_a_terminal(model: str, place: str, rest: list[Piece], mark: Piece) -> None:
    from claude_local_plugin.hook_runtime.statusline import _columns

    pieces = fitted(mark, model, place, rest, 76)
    assert sum(_columns(piece.text) for piece in pieces) <= 76
    assert rest[:1] == [piece for piece in pieces if piece in rest][:1]


# --- the process


def test_the_recorded_session(run: Runner, dead: str) -> None:
    assert run(RECORDED["stdin"], ANTHROPIC_BASE_URL=dead) == Ran(
        0, f"qwen3-coder @ {dead.removeprefix('http://')} · DOWN (refused) · 14/66k (0 %) · cache 50 %\n", ""
    )


@pytest.mark.parametrize(
    "stdin", [b"", b"\n", b"garbage", b'{"model": {"id": "cut', b"[]", b"null", b"\xff\x00\xfe", b'{"a":' * 100_000]
)
def test_whatever_comes_in_one_line_comes_out(run: Runner, dead: str, stdin: bytes) -> None:
    said = f"qwen3-coder @ {dead.removeprefix('http://')} · DOWN (refused)\n"
    assert run(stdin, ANTHROPIC_BASE_URL=dead) == Ran(0, said, "")


def test_with_nothing_on_standard_input_at_all_too(hook: HookRunner) -> None:
    command = [sys.executable, "-I", "-S", str(SCRIPT), "--state", str(hook.state)]
    done = subprocess.run(["/bin/sh", "-c", f"{shlex.join(command)} <&-"], capture_output=True, check=True, env={})
    assert done.stdout.decode() == "\x1b[1;33mCLOUD\x1b[0m api.anthropic.com\n"


@pytest.mark.parametrize(
    "event",
    [{"model": 7}, {"model": {"id": ["x"]}}, {"context_window": {"current_usage": 7}}, {"prompt_cache": [1]}],
    ids=json.dumps,
)
def test_members_in_a_shape_of_their_own_are_left_out(run: Runner, dead: str, event: dict[str, Any]) -> None:
    said = f"qwen3-coder @ {dead.removeprefix('http://')} · DOWN (refused)\n"
    assert run(event, ANTHROPIC_BASE_URL=dead) == Ran(0, said, "")


def test_no_credential_is_shown_or_kept(run: Runner, hook: HookRunner, closed_port: int) -> None:
    url = f"http://user:marked-password@127.0.0.1:{closed_port}/?key=marked-key"
    secrets = {"ANTHROPIC_AUTH_TOKEN": "marked-token", "ANTHROPIC_CUSTOM_HEADERS": "X-A: marked-header"}
    done = run(RECORDED["stdin"], ANTHROPIC_BASE_URL=url, **secrets)
    assert "marked" not in done.stdout + done.stderr
    assert not [file for file in hook.state.rglob("*") if file.is_file() and b"marked" in file.read_bytes()]


def test_the_session_log_is_not_touched(run: Runner, hook: HookRunner, dead: str) -> None:
    run(RECORDED["stdin"], ANTHROPIC_BASE_URL=dead)
    assert [path.name for path in hook.state.iterdir()] == ["looks"]


def test_a_state_folder_that_cannot_be_written_costs_the_cache_alone(run: Runner, hook: HookRunner) -> None:
    hook.state.write_text("a file, not a folder")
    done = run(RECORDED["stdin"], ANTHROPIC_BASE_URL="http://127.0.0.1:9")
    assert done.code == 0
    assert done.stdout.startswith("qwen3-coder @ 127.0.0.1:9 · ")


def test_a_fault_of_ours_is_one_line_too(tmp_path: Path) -> None:
    drawing = Drawing({"ANTHROPIC_BASE_URL": BOX, "HOME": str(tmp_path)}, "no\0path")
    drawing.draw()
    assert drawing.line == "claude-local: no status (ValueError)"


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal")
def test_on_a_terminal_it_explains_itself_instead_of_waiting(hook: HookRunner) -> None:
    ours, theirs = os.openpty()
    try:
        command = [sys.executable, "-I", "-S", str(SCRIPT), "--state", str(hook.state)]
        done = subprocess.run(command, stdin=theirs, capture_output=True, check=True, timeout=60, text=True, env={})
    finally:
        os.close(ours)
        os.close(theirs)
    assert "claude-local enable --statusline" in done.stderr
    assert not done.stdout


def test_it_loads_nothing_slow(state: str, closed_port: int) -> None:
    code = (
        "import os, sys; sys.path.append(sys.argv[1])\n"
        "from claude_local_plugin.hook_runtime import statusline\n"
        "statusline.run(['--state', sys.argv[2], '--wrap', 'cat'], os.environ)\n"
        "print(*sys.modules)"
    )
    environ = {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{closed_port}", "HOME": state}
    command = [sys.executable, "-I", "-S", "-c", code, str(ROOT), state]
    done = subprocess.run(command, input="{}", capture_output=True, text=True, check=True, env=environ)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "claude_local_plugin.core.probe" in loaded
    assert not loaded & {"json", "re", "enum", "typing", "dataclasses", "pathlib", "socket", "subprocess", "signal"}
    assert not loaded & {"ssl", "shlex", "sqlite3", "claude_local_plugin.sessionlog.store"}


# --- its own look


def look_soon(server: MoodyServer, state: str, **environ: str) -> str:
    """The line with patience for a look, whatever else this machine does."""
    given = {"ANTHROPIC_BASE_URL": server.url, "NO_COLOR": "1", "HOME": state, **environ}
    return status_line({}, given, state, 30.0)


def test_it_looks_itself_when_nobody_has_and_keeps_what_it_saw(healthy: MoodyServer, state: str) -> None:
    assert " · up " in look_soon(healthy, state)
    kept = recall(state, healthy.url)
    assert kept is not None
    assert (kept.outcome, kept.kind) == ("ok", "vllm")
    look_soon(healthy, state)
    assert len(healthy.requests) == 1  # the second time the first look is news enough


def test_it_looks_again_at_a_server_that_was_down(healthy: MoodyServer, state: str) -> None:
    remember(state, healthy.url, Probe(REFUSED))
    assert " · up " in look_soon(healthy, state)


def test_its_look_carries_no_credential(healthy: MoodyServer, state: str) -> None:
    look_soon(healthy, state, ANTHROPIC_AUTH_TOKEN="marked", ANTHROPIC_API_KEY="marked")
    assert b"marked" not in healthy.requests[0]


@pytest.mark.slow  # it waits
def test_a_look_that_comes_to_nothing_in_time_proves_nothing(serve: Callable[..., MoodyServer], state: str) -> None:
    server = serve(lambda connection: time.sleep(2))
    remember(state, server.url, Probe(OK, "HTTP 200", 200, 3.4))
    file = Path(path_of(state, server.url))
    kept = json.loads(file.read_text())
    file.write_text(json.dumps(kept | {"at": kept["at"] - 600}))
    environ = {"ANTHROPIC_BASE_URL": server.url, "NO_COLOR": "1", "HOME": state}
    assert status_line({}, environ, state, 0.5).endswith(" · up 3 ms, 10 min ago")
    assert server.requests
    assert json.loads(file.read_text())["at"] == kept["at"] - 600


def test_a_server_in_trouble_is_not_called_up(serve: Callable[..., MoodyServer], state: str) -> None:
    server = serve(http_answer("503 Service Unavailable"))
    assert look_soon(server, state).endswith(" · answers HTTP 503")


def test_inside_tls_there_is_no_look_of_its_own(serve_tls: Callable[..., MoodyServer], state: str) -> None:
    server = serve_tls(http_answer())
    environ = {"ANTHROPIC_BASE_URL": server.url.replace("http:", "https:"), "NO_COLOR": "1", "HOME": state}
    assert status_line({}, environ, state, 30.0).endswith(" · not checked")
    assert not server.requests


# --- the one it wraps

posix = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")


@pytest.fixture
def ours(dead: str) -> str:
    """Our line for the recorded session on the dead server."""
    return f"qwen3-coder @ {dead.removeprefix('http://')} · DOWN (refused) · 14/66k (0 %) · cache 50 %\n"


@posix
def test_the_wrapped_one_gets_what_ours_gets_and_stands_above_it(run: Runner, dead: str, ours: str) -> None:
    program = (
        "import json, os, sys; told = json.load(sys.stdin);"
        "print(told['session_id'], told['cost']['total_duration_ms'], os.environ['CLAUDE_CODE_SESSION_ID'])"
    )
    session = RECORDED["stdin"]["session_id"]
    wrapped = shlex.join([sys.executable, "-c", program])
    done = run(RECORDED["stdin"], "--wrap", wrapped, ANTHROPIC_BASE_URL=dead)
    assert done == Ran(0, f"{session} 4924 {session}\n{ours}", "")


@posix
@pytest.mark.parametrize(
    ("wrapped", "above"),
    [
        ("echo theirs", "theirs\n"),
        ("printf 'no final newline'", "no final newline\n"),
        ("printf '\\033[31mred\\033[0m\\n  two\\n\\n'", "\x1b[31mred\x1b[0m\n  two\n"),
        ("""echo "it's" 'a "quote"' $((1 + 1)) | tr a-z A-Z""", 'IT\'S A "QUOTE" 2\n'),
        ("yes | head -n 2", "y\ny\n"),
        ("true", ""),
        ("   ", ""),
    ],
)
def test_it_is_a_shell_command(run: Runner, dead: str, ours: str, wrapped: str, above: str) -> None:
    assert run(RECORDED["stdin"], "--wrap", wrapped, ANTHROPIC_BASE_URL=dead) == Ran(0, above + ours, "")


@posix
@pytest.mark.parametrize("wrapped", ["echo half; exit 3", "no-such-program-anywhere", "if", "kill -9 $$"])
def test_what_fails_is_not_shown_as_claude_code_would_not_either(
    run: Runner, dead: str, ours: str, wrapped: str
) -> None:
    done = run(RECORDED["stdin"], "--wrap", wrapped, ANTHROPIC_BASE_URL=dead)
    assert (done.code, done.stdout) == (0, ours)
    assert "the wrapped status line failed" in done.stderr


@posix
def test_a_flood_is_cut_off(run: Runner, dead: str, ours: str) -> None:
    done = run(RECORDED["stdin"], "--wrap", "yes", ANTHROPIC_BASE_URL=dead)
    assert (done.code, done.stdout) == (0, ours)
    assert "the wrapped status line failed" in done.stderr


@posix
def test_what_was_told_reaches_a_command_that_does_not_read_it_soon(run: Runner, dead: str, ours: str) -> None:
    event = {**RECORDED["stdin"], "padding": "x" * 300_000}
    done = run(event, "--wrap", "sleep 0.2; wc -c | tr -d ' '", ANTHROPIC_BASE_URL=dead)
    assert done.stdout == f"{len(json.dumps(event))}\n{ours}"
    assert run(event, "--wrap", "exec <&-; echo done", ANTHROPIC_BASE_URL=dead).stdout == f"done\n{ours}"


@pytest.fixture
def note(tmp_path: Path) -> Iterator[Path]:
    """A file in which a wrapped command writes the numbers of its processes; they are gone when the test ends."""
    path = tmp_path / "note"
    yield path
    for number in path.read_text().split() if path.exists() else ():
        if _lives(int(number)):
            os.kill(int(number), signal.SIGKILL)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/status")
    return "State:\tZ" not in status.read_text() if status.exists() else True


def _gone(note: Path) -> bool:
    """Whether the processes named there end, given time."""
    numbers = [int(number) for number in note.read_text().split()]
    assert len(numbers) == 2
    until = time.monotonic() + 30
    while any(map(_lives, numbers)) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(map(_lives, numbers))


@pytest.mark.slow  # it waits
@posix
def test_one_that_hangs_is_ended_with_all_it_started_and_ours_is_shown(
    run: Runner, dead: str, ours: str, note: Path
) -> None:
    wrapped = f"sleep 600 & echo $$ $! > {note}; echo half; wait"
    done = run(RECORDED["stdin"], "--wrap", wrapped, ANTHROPIC_BASE_URL=dead)
    assert (done.code, done.stdout) == (0, ours)
    assert "was not done after 3.0 s" in done.stderr
    assert _gone(note)


@posix
def test_when_claude_code_ends_ours_the_wrapped_one_ends_with_it(hook: HookRunner, note: Path) -> None:
    wrapped = f"sleep 600 & echo $$ $! > {note}.new; mv {note}.new {note}; wait"
    command = [sys.executable, "-I", "-S", str(SCRIPT), "--state", str(hook.state), "--wrap", wrapped]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PATH": "/bin:/usr/bin"}
    ) as ours:
        assert ours.stdin is not None
        ours.stdin.write(b"{}")
        ours.stdin.close()
        while not note.exists():
            assert ours.poll() is None
            time.sleep(0.01)
        ours.terminate()
        ours.wait()
    assert _gone(note)


# --- its options


@looped(
    ("arguments", "expected"),
    [
        ([], True),
        (["--state", "/x"], True),
        (["--wrap", "a b", "--state", "/x"], True),
        (["--state"], False),
        (["--help"], False),
        (["--state=/x"], False),
        (["extra", "word"], False),
    ],
)
def test_options_it_can_do_without_a_command_line(arguments: list[str], expected: bool) -> None:
    assert are_options(arguments) is expected
