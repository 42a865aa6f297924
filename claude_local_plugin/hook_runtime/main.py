"""What Claude Code runs at a session's events: look at the backend, write a line about it, say so.

Only a start and a prompt look at the server; the others note what changed. What the lines come to is for commands to
find out (see `journal` and `importer`).

A guest in somebody's session: it answers in milliseconds, says nothing unless there is something to say, and
whatever goes wrong in here the session goes on. Standard output carries at most one JSON object, with a
`systemMessage` or a block decision: those are for the person, while plain text would become part of the model's
prompt (observed on Claude Code 2.1.329).
"""

import _thread
import gc
import sys
import time

from claude_local_plugin.core import system as os
from claude_local_plugin.core.locations import state_dir_of
from claude_local_plugin.core.registration import (
    ASK,
    EVENTS,
    IMPORT,
    PLUGIN_ROOT,
    QUESTION,
    RELEASE,
    WARM_UP,
    as_registered,
)
from claude_local_plugin.core.text import flat_json, json_object
from claude_local_plugin.hook_runtime.visit import LIMIT, Answer, Visit, cause_of, record_of, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


#: How long it may take, when its limit is reached, to save what it knows by then, in seconds. Claude Code ends it after
#: 5 s, so no session waits this long; on a machine too busy to let us run, where nobody ends us, nothing is lost for
#: want of patience.
SPARE_S = 30.0
#: But who has sent no event by then, and none in so many looks after that, will send none.
SILENT = 20
#: However late it is when Python has started, this much is left for the answer, in seconds.
SHORTEST_S = 0.5
#: A prompt of a million tokens is a few megabytes; an event larger than this is not read to its end.
MOST_STDIN_BYTES = 16 * 1024 * 1024
#: Nearly every event is smaller than this, and so small a piece of memory costs next to nothing.
PIECE_BYTES = 64 * 1024


#: Events of which there is nothing to say: see `events` for the others.
NOTED = ("PostModelSwitch", "SubagentStop", "Stop", "StopFailure", "SessionEnd")


def main() -> None:
    """Handles the event on standard input and ends the process with exit code 0."""
    state_dir, environ = "", dict(os.environ)
    try:
        environ = as_registered(sys.argv[1:], os.environ)
        state_dir = state_dir_of(environ)
        if WARM_UP in sys.argv[1:]:
            gc.enable()  # which the script has switched off, for events
            from claude_local_plugin.hook_runtime import background

            background.warm_up(environ)
        elif IMPORT in sys.argv[1:]:
            gc.enable()
            from claude_local_plugin.hook_runtime import background

            background.import_journals(environ, state_dir)
        elif sys.argv[-1].startswith(ASK):
            from claude_local_plugin.hook_runtime import questions

            questions.ask(sys.argv[-1][len(ASK) :], environ, state_dir)
        else:
            _thread.start_new_thread(_watchdog, (environ, state_dir))
            _UNWRITTEN.stdin = _read_stdin()
            run(_UNWRITTEN.stdin, environ, state_dir)
            _keep_code()
    except BaseException as fault:  # the session must not suffer for any fault of ours, not even an interrupt
        _UNWRITTEN.leave_behind(environ, state_dir)
        note(state_dir, fault)
    finally:
        # Not sys.exit(): a probe may still be waiting in its thread.
        os._exit(0)


def _keep_code() -> None:
    """Where Python had to import a module of ours itself, it need not do so once more; not where nothing can be kept,
    and not on Windows, whose hooks go Python's way.
    """
    if any(module.__spec__ for name, module in sys.modules.items() if name.startswith("claude_local_plugin")):
        package = os.path.dirname(os.path.dirname(__file__))
        if sys.platform != "win32" and os.access(os.path.join(package, "hook_runtime", "__pycache__"), os.W_OK):
            from claude_local_plugin.hook_runtime import code_cache

            code_cache.keep(package)


def run(stdin: bytes, environ: "Mapping[str, str]", state_dir: str) -> None:
    """Handles one event: the user's message first, then the line, whose troubles go to the log of faults."""
    event = json_object(stdin)
    if event.get("hook_event_name") not in EVENTS:
        return
    from claude_local_plugin.core import config

    _UNWRITTEN.event = event
    if not _UNWRITTEN.is_ours(state_dir):
        return  # the same event came to us by another way too
    visit = Visit(event, environ, state_dir, config.load(state_dir, environ))
    answer = answer_to(visit)
    _UNWRITTEN.record = answer.record
    if answer.once:
        _UNWRITTEN.write(state_dir, answer.record)  # raises where that is not possible: then nothing is said
    if answer.output:
        if PLUGIN_ROOT in environ:
            _tell_who_has_the_plugin_alone(visit, answer.output)
        try:
            os.write(1, f"{flat_json(answer.output)}\n".encode("ascii"))
        except OSError as fault:  # nobody reads it any more; the record is worth keeping all the same
            note(state_dir, fault)
    _UNWRITTEN.write(state_dir, answer.record)
    if answer.errands:
        from claude_local_plugin.hook_runtime import background

        background.start(visit, answer.errands)


def _tell_who_has_the_plugin_alone(visit: Visit, output: "dict[str, Any]") -> None:
    """What is said names commands that somebody may not have."""
    for name in ("systemMessage", "reason"):
        said = output.get(name)
        if said and "claude-local " in said and "suppressOriginalPrompt" not in output.get("hookSpecificOutput", ()):
            from claude_local_plugin.hook_runtime import remedies

            output[name] = remedies.not_installed(visit, said)


def answer_to(visit: Visit) -> Answer:
    """The answer to one of our events."""
    name = visit.event["hook_event_name"]
    if str(visit.event.get("prompt", "")).startswith(QUESTION) and name == "UserPromptSubmit":
        from claude_local_plugin.hook_runtime import questions

        if question := questions.asked(visit.event["prompt"]):
            return questions.answer(visit, question)
    if name not in NOTED:
        from claude_local_plugin.hook_runtime.events import ANSWERS

        return ANSWERS[name](visit)
    record = record_of(visit, None, cause_of(visit.event))
    if name == "PostModelSwitch":
        record["model"] = text_of(visit.event.get("to_model"))
        record["model_is_certain"] = record["model"] is not None
    return Answer(record, errands=_at_the_end(visit) if name == "SessionEnd" else ())


def _at_the_end(visit: Visit) -> "Sequence[str]":
    """What is to be started as a session ends: what was written of it goes into the log while its transcript is there,
    and `disable` may have left hooks for it.
    """
    return ("import", "release") if os.path.exists(os.path.join(visit.state_dir, RELEASE)) else ("import",)


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
        from claude_local_plugin.hook_runtime import dedupe

        # in vain where the disk holds the other thread: to handle it twice is better than not at all
        asking = self.asking.acquire(True, SPARE_S)
        try:
            if self.ours is None:
                self.ours = not asking or dedupe.is_first(state_dir, self.stdin or b"")
            return self.ours
        finally:
            if asking:
                self.asking.release()

    def write(self, state_dir: str, record: "Mapping[str, Any] | None") -> None:
        """Writes the line, unless that was done or there is none; raises OSError, or ValueError for a record that no
        line can hold.
        """
        from claude_local_plugin.sessionlog import journal

        # in vain where the disk holds the other thread over it
        if self.lock.acquire(True, SPARE_S):
            try:
                if not self.is_written:
                    self.is_written = True  # or cannot be: what was cut short is not written once more
                    if record is not None:
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
        from claude_local_plugin.core import config

        return record_of(Visit(event, environ, state_dir, config.load(state_dir, environ)), None, cause_of(event))


_UNWRITTEN = _Unwritten()


def _watchdog(environ: "Mapping[str, str]", state_dir: str) -> None:
    """Ends the process when its time is up, which has been running since the process began; what it leaves behind, it
    leaves in the time to spare or not at all.
    """
    time.sleep(SHORTEST_S)  # most have ended by then, and have no need of what follows
    from claude_local_plugin.core.processes import age_s

    began = time.monotonic() - age_s(os.getpid())
    while (left_s := began + LIMIT.seconds - time.monotonic()) > 0:  # the limit may become another one meanwhile
        time.sleep(left_s)
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
        note(state_dir, TimeoutError(f"the hook was still busy after {LIMIT.seconds} s"))
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
    """One line about the fault in our own log, whose module is loaded only when there is one."""
    from claude_local_plugin.core.faults import note_exception

    note_exception(state_dir, fault)
