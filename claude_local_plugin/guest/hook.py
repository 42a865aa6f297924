"""What Claude Code runs as a session starts, at each prompt and as it ends: look at the backend, note it, say so.

A guest in somebody's session: it answers in milliseconds, says nothing unless there is something to say, and
whatever goes wrong in here the session goes on. Standard output carries at most one JSON object, with a
`systemMessage` or a block decision: those are for the person, while plain text would become part of the model's
prompt (observed on Claude Code 2.1.329).
"""

import _thread
import os
import sys
import time

from claude_local_plugin.guest.backend import Backend, backend_of, clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from claude_local_plugin.guest.leaks import Findings
    from claude_local_plugin.guest.probe import Probe

#: Nothing, not a silent stdin and not a stuck disk, keeps the hook longer than this, in seconds.
LONGEST_S = 2.8
#: A prompt of a million tokens is a few megabytes; an event larger than this is not read to its end.
MOST_STDIN_BYTES = 16 * 1024 * 1024

CHECK = "Check it: claude-local status   Back to your former backend: claude-local disable"


class Answer:
    """What the hook makes of an event: `record` for the log, and `output` for Claude Code (None: say nothing)."""

    __slots__ = ("output", "record")

    def __init__(self, record: "dict[str, Any]", output: "dict[str, str] | None" = None) -> None:
        self.record = record
        self.output = output


def main() -> None:
    """Handles the event on standard input and ends the process with exit code 0."""
    state_dir = ""
    try:
        state_dir = state_dir_of(sys.argv[1:], os.environ)
        _thread.start_new_thread(_watchdog, (state_dir,))
        run(_read_stdin(), os.environ, state_dir)
    except BaseException as fault:  # the session must not suffer for any fault of ours, not even an interrupt
        _note(state_dir, fault)
    finally:
        # Not sys.exit(): a probe may still be waiting in its thread, and the log is left open on purpose.
        os._exit(0)


def run(stdin: bytes, environ: "Mapping[str, str]", state_dir: str) -> None:
    """Handles one event: the user's message first, then the log, whose troubles go to the log of faults."""
    event = parse_event(stdin)
    answer = answer_to(event, environ, state_dir)
    if answer is None:
        return
    from claude_local_plugin.guest import sessionlog

    if answer.output:
        try:
            os.write(1, _json(answer.output))
        except OSError as fault:  # nobody reads it any more; the record is worth keeping all the same
            _note(state_dir, fault)
    _UNWRITTEN.append(answer.record)
    trouble = sessionlog.append(state_dir, answer.record)
    _UNWRITTEN.clear()
    if trouble:
        sessionlog.note_fault(state_dir, f"{answer.record['event']}: {trouble}")


def answer_to(event: "Mapping[str, Any]", environ: "Mapping[str, str]", state_dir: str) -> "Answer | None":
    """The answer to an event; None for the events that are not ours."""
    name = event.get("hook_event_name")
    if name == "SessionStart":
        return session_start(event, environ, state_dir)
    if name == "UserPromptSubmit":
        return user_prompt_submit(event, environ)
    if name == "SessionEnd":
        return Answer(_record(event, environ, backend_of(environ), None, event.get("reason")))
    return None


def session_start(event: "Mapping[str, Any]", environ: "Mapping[str, str]", state_dir: str) -> Answer:
    """Tells which backend the session is on, or what is wrong with it; a compaction only when something is wrong.

    What is wrong may also be a credential that was meant for another server: see `leaks`.
    """
    backend = backend_of(environ)
    found = _look_at(backend, environ)
    source = event.get("source")
    record = _record(event, environ, backend, found, source)
    if backend.cloud:
        return Answer(record)
    # not from the record, where bytes that are no text have been replaced
    folder = environ.get("CLAUDE_PROJECT_DIR") or event.get("cwd")
    leaks = _look_for_leaks(backend, environ, folder, state_dir)
    message = complaint(backend, found)
    if message is None and (source != "compact" or leaks is not None):
        message = introduction(backend, found, record["model"])
    if message and leaks is not None:
        message = f"{message}   {leaks.message}"
        record["detail"] = "; ".join([*([record["detail"]] if record["detail"] else []), *leaks.marks])
    return Answer(record, {"systemMessage": message} if message else None)


def user_prompt_submit(event: "Mapping[str, Any]", environ: "Mapping[str, str]") -> Answer:
    """Blocks the prompt when the server refuses connections for certain; any doubt lets it pass."""
    backend = backend_of(environ)
    found = _look_at(backend, environ)
    record = _record(event, environ, backend, found, event.get("source"))
    if found is None or found.outcome != "refused":
        return Answer(record)
    record["blocked"] = True
    reason = complaint(backend, found, "; Claude Code itself would go on trying for minutes") or ""
    return Answer(record, {"decision": "block", "reason": reason})


def introduction(backend: Backend, found: "Probe | None", model: "str | None") -> str:
    """One line when the server is there, e.g. `local backend: qwen3-coder-next on dell-pro-max:8000 (3 ms)`."""
    place = backend.target.label if backend.target else ""
    if model:
        place = f"{model} on {place}"
    if found is None or found.latency_ms is None:
        checked = "through a proxy, not checked"
    else:
        checked = f"{max(round(found.latency_ms), 1)} ms"
    return f"{_called(backend)}: {place} ({checked})"


def complaint(backend: Backend, found: "Probe | None", consequence: str = "") -> "str | None":
    """What is wrong with an own server and what to do, in one line; None when it answers, or nobody looked."""
    if backend.target is None:
        return "ANTHROPIC_BASE_URL is not an http(s) URL: no request can be sent. " + CHECK
    if found is None or found.outcome in ("ok", "proxied"):
        return None
    said = {
        "refused": "refuses connections",
        "unresolved": f"has a name that cannot be resolved ({found.detail})",
        "timeout": f"did not answer within a second ({found.detail})",
        "tls": f"cannot be spoken to over TLS ({found.detail})",
        "not-http": "answers, but not with HTTP",
        "reset": "drops connections without an answer",
        "error": f"answers {found.detail}",
    }.get(found.outcome, f"cannot be reached ({found.detail})")
    return f"{_called(backend)} {backend.target.label} {said}{consequence}. {CHECK}"


def parse_event(stdin: bytes) -> "dict[str, Any]":
    """The JSON object in `stdin`; raises ValueError when it is none.

    The C scanner behind `json` is called directly: `json` itself loads `re` and `enum`, which would take longer
    than everything else in here.
    """
    text = stdin.decode("utf-8", "replace").strip()
    try:
        import _json

        scan: Any = _json.make_scanner
        event, end = scan(_Scanning)(text, 0)
    except (ImportError, AttributeError, TypeError, SystemError):
        # another Python's scanner wants to be called otherwise; or the text is at fault, for which the scanner needs
        # the exception class of a `json` that is loaded
        import json

        event, end = json.loads(text), len(text)
    except StopIteration:
        raise ValueError("standard input is not JSON") from None
    if end != len(text) or not isinstance(event, dict):
        raise ValueError("standard input is not one JSON object")
    return event


def state_dir_of(arguments: "Sequence[str]", environ: "Mapping[str, str]", platform: str = sys.platform) -> str:
    """The state folder: the value of `--state`, else the platform's own, where the command line looks too."""
    if "--state" in arguments[:-1]:
        return arguments[arguments.index("--state") + 1]
    chosen = environ.get("CLAUDE_LOCAL_STATE_DIR")
    if chosen:
        return os.path.join(os.getcwd(), os.path.expanduser(chosen))
    if platform == "win32":
        return os.path.join(environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local"), "claude-local")
    shared = environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(shared):
        shared = os.path.expanduser("~/Library/Application Support" if platform == "darwin" else "~/.local/state")
    return os.path.join(shared, "claude-local")


def client_version_of(environ: "Mapping[str, str]") -> "str | None":
    """`2.1.329` from an `AI_AGENT` of `claude-code_2-1-329_harness`; None when it says something else."""
    words = environ.get("AI_AGENT", "").split("_")
    if len(words) < 2 or words[0] != "claude-code":
        return None
    numbers = words[1].split("-")
    if len(numbers) != 3 or not all(number.isascii() and number.isdigit() for number in numbers):
        return None
    return clean(".".join(numbers), 30)


class _Scanning:
    """What the C scanner reads its options from; control characters in strings do not trouble us."""

    strict = False
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float
    array_hook = None


def _look_at(backend: Backend, environ: "Mapping[str, str]") -> "Probe | None":
    """One look at an own server, or why there can be none; None for the cloud."""
    if backend.cloud:
        return None
    from claude_local_plugin.guest.probe import BAD_URL, PROXIED, Probe, probe

    if backend.target is None:
        return Probe(BAD_URL, "ANTHROPIC_BASE_URL is not an http(s) URL")
    if backend.proxied:
        return Probe(PROXIED, "a proxy is set and NO_PROXY does not name this server")
    return probe(
        backend.target,
        ca_file=environ.get("NODE_EXTRA_CA_CERTS"),
        verify=environ.get("NODE_TLS_REJECT_UNAUTHORIZED") != "0",
    )


def _look_for_leaks(
    backend: Backend, environ: "Mapping[str, str]", folder: object, state_dir: str
) -> "Findings | None":
    """What is sent to an own server that should not be; None when nothing is, or nothing can be sent at all."""
    if backend.target is None or not isinstance(folder, str):
        return None
    try:
        from claude_local_plugin.guest.leaks import look

        found = look(environ, backend, folder, state_dir)
    except Exception as fault:  # what else there is to say and to record must not be lost with it
        _note(state_dir, fault)
        return None
    return found if found.facts else None


def _record(
    event: "Mapping[str, Any]",
    environ: "Mapping[str, str]",
    backend: Backend,
    found: "Probe | None",
    cause: object,
) -> "dict[str, Any]":
    """The event as the log keeps it; of a prompt or an answer not a letter."""
    from claude_local_plugin.guest.sessionlog import now

    session_id = _text(event.get("session_id")) or _text(environ.get("CLAUDE_CODE_SESSION_ID"))
    if session_id is None:
        raise ValueError("the event names no session")
    model = _text(event.get("model"))
    cwd = _text(event.get("cwd"))
    process = environ.get("CLAUDE_PID", "")
    return {
        "session_id": session_id,
        "at": now(),
        "event": _text(event.get("hook_event_name")),
        "cause": _text(cause),
        "cwd": cwd,
        "project": _text(environ.get("CLAUDE_PROJECT_DIR")) or cwd,
        "backend_kind": found.kind if found else backend.kind,
        "backend_url": backend.url,
        "model": model or _text(environ.get("ANTHROPIC_MODEL")),
        "model_is_certain": model is not None,
        "reachable": found.reachable if found else None,
        "outcome": found.outcome if found else None,
        "status": found.status if found else None,
        "latency_ms": found.latency_ms if found else None,
        "blocked": False,
        "detail": found.detail if found else None,
        "client_version": client_version_of(environ),
        "entrypoint": _text(environ.get("CLAUDE_CODE_ENTRYPOINT")),
        "client_pid": int(process) if process.isascii() and process.isdigit() and len(process) < 12 else None,
        "transcript_path": _text(event.get("transcript_path")),
    }


def _text(value: object) -> "str | None":
    """The value as it may be stored and shown, when it is a string with something in it."""
    return clean(value, 4096) if isinstance(value, str) and value else None


def _called(backend: Backend) -> str:
    """What to call the server: a host with a public name is not called local."""
    return "local backend" if backend.target and backend.target.nearby else "backend"


def _json(answer: "dict[str, str]") -> bytes:
    """The object as JSON, for which `json` need not be loaded either."""
    try:
        from _json import encode_basestring_ascii as quote
    except ImportError:
        import json

        quote = json.dumps
    members = ",".join(f"{quote(name)}:{quote(value)}" for name, value in answer.items())
    return f"{{{members}}}\n".encode("ascii")


def _read_stdin() -> bytes:
    """Standard input to its end, or to as much of it as an event can be."""
    read = []
    size = 0
    while size < MOST_STDIN_BYTES:
        piece = os.read(0, 1024 * 1024)
        if not piece:
            break
        read.append(piece)
        size += len(piece)
    return b"".join(read)


#: The record that is on its way into the log.
_UNWRITTEN: "list[dict[str, Any]]" = []


def _watchdog(state_dir: str) -> None:
    """Ends the process when its time is up; what it leaves behind, it leaves quickly or not at all."""
    time.sleep(LONGEST_S)
    left = _thread.allocate_lock()
    left.acquire()
    _thread.start_new_thread(_leave_behind, (state_dir, left))
    left.acquire(True, 0.1)
    os._exit(0)


def _leave_behind(state_dir: str, left: "Any") -> None:
    """Spools the record that has not made it into the log, and notes that time was up."""
    from claude_local_plugin.guest import sessionlog

    try:
        for record in _UNWRITTEN:
            sessionlog.spool(state_dir, record)
        _note(state_dir, TimeoutError(f"the hook was still busy after {LONGEST_S} s"))
    except OSError as fault:
        _note(state_dir, fault)
    finally:
        left.release()


def _note(state_dir: str, fault: BaseException) -> None:
    """One line about the fault in our own log: what, and where in our code.

    Only complaints of the operating system and our own are quoted; another exception's text may hold a piece of
    what was typed.
    """
    text = type(fault).__name__
    if isinstance(fault, (OSError, ValueError)):
        text += f": {fault}"
    trace = fault.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is not None:
        text += f" ({os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno})"
    from claude_local_plugin.guest import sessionlog

    sessionlog.note_fault(state_dir, clean(text))
