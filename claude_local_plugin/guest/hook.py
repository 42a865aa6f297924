"""What Claude Code runs at a session's events: look at the backend, write a line about it, say so.

Only a start and a prompt look at the server; the others note what changed. What the lines come to is for commands to
find out (see `journal` and `importer`).

A guest in somebody's session: it answers in milliseconds, says nothing unless there is something to say, and
whatever goes wrong in here the session goes on. Standard output carries at most one JSON object, with a
`systemMessage` or a block decision: those are for the person, while plain text would become part of the model's
prompt (observed on Claude Code 2.1.329).
"""

import _thread
import os
import sys
import time

from claude_local_plugin.guest.backend import clean
from claude_local_plugin.guest.claude import client_version_of
from claude_local_plugin.guest.registration import EVENTS, IMPORT, MOVED_BY, RELEASE, WARM_UP
from claude_local_plugin.guest.signin import backend_here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from claude_local_plugin.guest.config import Config
    from claude_local_plugin.guest.probe import Probe

#: Nothing, not a silent stdin and not a stuck disk, keeps the hook longer than this, in seconds.
LONGEST_S = 2.8
#: But for saving what it knows by then. Claude Code ends it after 5 s, so no session waits this long; on a machine too
#: busy to let us run, where nobody ends us, nothing is lost for want of patience.
SPARE_S = 30.0
#: But who has sent no event by then, and none in so many looks after that, will send none.
SILENT = 20
#: However late it is when Python has started, this much is left for the answer, in seconds.
SHORTEST_S = 0.5
#: A prompt of a million tokens is a few megabytes; an event larger than this is not read to its end.
MOST_STDIN_BYTES = 16 * 1024 * 1024
#: Nearly every event is smaller than this, and so small a piece of memory costs next to nothing.
PIECE_BYTES = 64 * 1024

#: Where a session's conversation is from this record on: see `journal`.
CONVERSATION = "conversation"

#: Events of which there is nothing to say: see `events` for the others.
NOTED = ("PostModelSwitch", "SubagentStop", "Stop", "StopFailure", "SessionEnd")


class Answer:
    """What the hook makes of an event: `record` for the log, and `output` for Claude Code (None: say nothing).

    `errands` is what is to be started afterwards: names for `errands`. `once` is for an output that is only said if the
    record says so, too.
    """

    __slots__ = ("errands", "once", "output", "record")

    def __init__(
        self,
        record: "dict[str, Any]",
        output: "dict[str, str] | None" = None,
        errands: "Sequence[str]" = (),
        *,
        once: bool = False,
    ) -> None:
        self.record = record
        self.output = output
        self.errands = errands
        self.once = once


def main() -> None:
    """Handles the event on standard input and ends the process with exit code 0."""
    state_dir, environ = "", dict(os.environ)
    try:
        environ = as_registered(sys.argv[1:], os.environ)
        state_dir = state_dir_of(environ)
        if WARM_UP in sys.argv[1:]:
            from claude_local_plugin.guest import errands

            errands.warm_up(environ)
        elif IMPORT in sys.argv[1:]:
            from claude_local_plugin.guest import errands

            errands.import_journals(environ, state_dir)
        else:
            _thread.start_new_thread(_watchdog, (environ, state_dir))
            _UNWRITTEN.stdin = _read_stdin()
            run(_UNWRITTEN.stdin, environ, state_dir)
    except BaseException as fault:  # the session must not suffer for any fault of ours, not even an interrupt
        _UNWRITTEN.leave_behind(environ, state_dir)
        note(state_dir, fault)
    finally:
        # Not sys.exit(): a probe may still be waiting in its thread.
        os._exit(0)


def run(stdin: bytes, environ: "Mapping[str, str]", state_dir: str) -> None:
    """Handles one event: the user's message first, then the line, whose troubles go to the log of faults."""
    event = parse_event(stdin)
    if event.get("hook_event_name") not in EVENTS:
        return
    from claude_local_plugin.guest import config

    _UNWRITTEN.event = event
    if not _UNWRITTEN.is_ours(state_dir):
        return  # the same event came to us by another way too
    visit = Visit(event, environ, state_dir, config.load(state_dir, environ))
    answer = answer_to(visit)
    _UNWRITTEN.record = answer.record
    if answer.once:
        _UNWRITTEN.write(state_dir, answer.record)  # raises where that is not possible: then nothing is said
    if answer.output:
        try:
            os.write(1, f"{flat_json(answer.output)}\n".encode("ascii"))
        except OSError as fault:  # nobody reads it any more; the record is worth keeping all the same
            note(state_dir, fault)
    _UNWRITTEN.write(state_dir, answer.record)
    if answer.errands:
        from claude_local_plugin.guest import errands

        errands.start(visit, answer.errands)


class Visit:
    """One event with all that is known of it: `event`, `environ`, `state_dir`, `config`, and the `backend`."""

    __slots__ = ("backend", "config", "environ", "event", "state_dir")

    def __init__(
        self, event: "Mapping[str, Any]", environ: "Mapping[str, str]", state_dir: str, config: "Config"
    ) -> None:
        self.event = event
        self.environ = environ
        self.state_dir = state_dir
        self.config = config
        self.backend = backend_here(environ, self.folder or "")

    @property
    def folder(self) -> "str | None":
        """The project's folder; not from the record, where bytes that are no text have been replaced."""
        folder = self.environ.get("CLAUDE_PROJECT_DIR") or self.event.get("cwd")
        return folder if isinstance(folder, str) else None


def answer_to(visit: Visit) -> Answer:
    """The answer to one of our events."""
    name = visit.event["hook_event_name"]
    if name not in NOTED:
        from claude_local_plugin.guest.events import ANSWERS

        return ANSWERS[name](visit)
    record = record_of(visit, None, cause_of(visit.event))
    if name == "PostModelSwitch":
        record["model"] = text_of(visit.event.get("to_model"))
        record["model_is_certain"] = record["model"] is not None
    return Answer(record, errands=_at_the_end(visit) if name == "SessionEnd" else ())


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


def as_registered(arguments: "Sequence[str]", environ: "Mapping[str, str]") -> "dict[str, str]":
    """The environment with our folders where the registration says, else where the platform has them.

    What the environment itself says of them may come from the settings of a repository.
    """
    told = dict(environ)
    for name, option in MOVED_BY:
        told.pop(name, None)
        if option in arguments[:-1]:
            told[name] = arguments[arguments.index(option) + 1]
    return told


def state_dir_of(environ: "Mapping[str, str]", platform: str = sys.platform) -> str:
    """The state folder of an environment as registered: where the command line looks too."""
    chosen = environ.get("CLAUDE_LOCAL_STATE_DIR")
    if chosen:
        return os.path.join(os.getcwd(), os.path.expanduser(chosen))
    if platform == "win32":
        return os.path.join(environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local"), "claude-local")
    shared = environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(shared):
        shared = os.path.expanduser("~/Library/Application Support" if platform == "darwin" else "~/.local/state")
    if not os.path.isabs(shared):
        shared = os.devnull  # nobody's home, as in some containers: better nowhere than in the project
    return os.path.join(shared, "claude-local")


class _Scanning:
    """What the C scanner reads its options from; control characters in strings do not trouble us."""

    strict = False
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float
    array_hook = None


def _at_the_end(visit: Visit) -> "Sequence[str]":
    """What is to be started as a session ends: what was written of it goes into the log while its transcript is there,
    and `disable` may have left hooks for it.
    """
    return ("import", "release") if os.path.exists(os.path.join(visit.state_dir, RELEASE)) else ("import",)


def cause_of(event: "Mapping[str, Any]") -> object:
    """What the event itself says about why it happened."""
    return event.get({"SessionEnd": "reason", "StopFailure": "error"}.get(event["hook_event_name"], "source"))


def record_of(visit: Visit, found: "Probe | None", cause: object) -> "dict[str, Any]":
    """The event as the log keeps it; of a prompt or an answer not a letter."""
    from claude_local_plugin.guest.journal import now, this_host

    event, environ, backend, config = visit.event, visit.environ, visit.backend, visit.config
    session_id = session_of(visit)
    if session_id is None:
        raise ValueError("the event names no session")
    model = text_of(event.get("model"))
    cwd = text_of(event.get("cwd"))
    project = text_of(environ.get("CLAUDE_PROJECT_DIR")) or cwd
    process = environ.get("CLAUDE_PID", "")
    private = not config.log_cwd == config.log_project == "full"
    return {
        "session_id": session_id,
        "at": now(),
        "event": text_of(event.get("hook_event_name")),
        "cause": text_of(cause),
        "cwd": config.logged(config.log_cwd, cwd),
        "project": config.logged(config.log_project, project),
        "backend_kind": found.kind if found else backend.kind,
        "backend_url": backend.url,
        "via": backend.via,
        "model": model or text_of(environ.get("ANTHROPIC_MODEL")),
        "model_is_certain": model is not None,
        "reachable": found.reachable if found else None,
        "outcome": found.outcome if found else None,
        "status": found.status if found else None,
        "latency_ms": found.latency_ms if found else None,
        "blocked": False,
        "detail": found.detail if found else None,
        "client_version": client_version_of(environ),
        "entrypoint": text_of(environ.get("CLAUDE_CODE_ENTRYPOINT")),
        "client_pid": int(process) if process.isascii() and process.isdigit() and len(process) < 12 else None,
        # its name holds the folder's
        "transcript_path": None if private else text_of(event.get("transcript_path")),
        "host": this_host(),
    }


def session_of(visit: Visit) -> "str | None":
    return text_of(visit.event.get("session_id")) or text_of(visit.environ.get("CLAUDE_CODE_SESSION_ID"))


def text_of(value: object) -> "str | None":
    """The value as it may be stored and shown, when it is a string with something in it."""
    return clean(value, 4096) if isinstance(value, str) and value else None


def flat_json(members: "Mapping[str, Any]", *, ascii_only: bool = True) -> str:
    """An object of strings, numbers, truth values and nulls as JSON, for which `json` need not be loaded."""

    def literal(value: object) -> str:
        if isinstance(value, str):
            return quoted(value, ascii_only=ascii_only)
        if value is None or isinstance(value, bool):
            return {None: "null", True: "true", False: "false"}[value]
        return repr(value)

    return "{" + ",".join(f"{quoted(name)}:{literal(value)}" for name, value in members.items()) + "}"


def quoted(text: str, *, ascii_only: bool = True) -> str:
    """A text as JSON, if need be in ASCII."""
    try:
        import _json
    except ImportError:  # another Python than CPython
        from json import dumps

        return dumps(text, ensure_ascii=ascii_only)
    return str((_json.encode_basestring_ascii if ascii_only else _json.encode_basestring)(text))


def _read_stdin() -> bytes:
    """Standard input to its end, or to as much of it as an event can be."""
    read = []
    size = 0
    while size < MOST_STDIN_BYTES:
        piece = os.read(0, PIECE_BYTES)
        if not piece:
            break
        read.append(piece)
        size += len(piece)
    return b"".join(read)


class _Unwritten:
    """The event on its way into the journal, as far as it is known; its line is written once, whoever writes it."""

    __slots__ = ("asking", "event", "is_written", "lock", "ours", "record", "stdin")

    def __init__(self) -> None:
        self.lock = _thread.allocate_lock()
        #: Held while it is found out whether the event is this process's, which can be asked once.
        self.asking = _thread.allocate_lock()
        self.ours: bool | None = None
        #: What came on standard input, once all of it has, and the event that it is.
        self.stdin: bytes | None = None
        self.event: dict[str, Any] | None = None
        self.record: dict[str, Any] | None = None
        self.is_written = False

    def is_ours(self, state_dir: str) -> bool:
        """Whether this process is the one to handle the event; the answer is the same each time."""
        from claude_local_plugin.guest import claim

        # in vain where the disk holds the other thread: to handle it twice is better than not at all
        asking = self.asking.acquire(True, SPARE_S)
        try:
            if self.ours is None:
                self.ours = not asking or claim.is_first(state_dir, self.stdin or b"")
            return self.ours
        finally:
            if asking:
                self.asking.release()

    def write(self, state_dir: str, record: "Mapping[str, Any]") -> None:
        """Writes the line, unless that was done; raises OSError, or ValueError for a record that no line can hold."""
        from claude_local_plugin.guest import journal

        # in vain where the disk holds the other thread over it
        if self.lock.acquire(True, SPARE_S):
            try:
                if not self.is_written:
                    self.is_written = True  # or cannot be: what was cut short is not written once more
                    journal.append(state_dir, record)
            finally:
                self.lock.release()

    def leave_behind(self, environ: "Mapping[str, str]", state_dir: str) -> None:
        """Writes what is known of the event before this process ends, or waits until the other thread has done so."""
        if self.event is None:
            return
        try:
            if self.is_ours(state_dir):
                self.write(state_dir, self.record or self._bare(self.event, environ, state_dir))
        except (OSError, ValueError) as fault:
            note(state_dir, fault)

    def _bare(self, event: "dict[str, Any]", environ: "Mapping[str, str]", state_dir: str) -> "dict[str, Any]":
        """The record of an event of which nothing more has become known."""
        from claude_local_plugin.guest import config

        return record_of(Visit(event, environ, state_dir, config.load(state_dir, environ)), None, cause_of(event))


_UNWRITTEN = _Unwritten()


def _watchdog(environ: "Mapping[str, str]", state_dir: str) -> None:
    """Ends the process when its time is up, which has been running since the process began; what it leaves behind, it
    leaves in the time to spare or not at all.
    """
    time.sleep(SHORTEST_S)  # most have ended by then, and have no need of what follows
    from claude_local_plugin.guest.processes import age_s

    time.sleep(max(LONGEST_S - age_s(os.getpid()), 0))
    left = _thread.allocate_lock()
    left.acquire()
    _thread.start_new_thread(_leave_behind, (environ, state_dir, left))
    left.acquire(True, SPARE_S)
    os._exit(0)


def _leave_behind(environ: "Mapping[str, str]", state_dir: str, left: "Any") -> None:
    """Writes the line that has not made it into the journal, and notes that time was up."""
    try:
        silent = 0
        while _UNWRITTEN.event is None and silent < SILENT:  # a machine so busy that we have hardly begun
            time.sleep(0.05)
            silent += _UNWRITTEN.stdin is None and _is_silent()
        _UNWRITTEN.leave_behind(environ, state_dir)
        note(state_dir, TimeoutError(f"the hook was still busy after {LONGEST_S} s"))
    finally:
        left.release()


def _is_silent() -> bool:
    """Whether there is nothing to read on standard input, not even its end."""
    try:
        from select import select

        return not select([0], [], [], 0)[0]
    except (ImportError, OSError, ValueError):  # Windows: no pipe can be asked there
        return True


def note(state_dir: str, fault: BaseException) -> None:
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
    from claude_local_plugin.guest import journal

    journal.note_fault(state_dir, clean(text))
