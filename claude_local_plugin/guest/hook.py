"""What Claude Code runs at a session's events: look at the backend, note it, say so.

Only a start and a prompt look at the server; the others note what changed and count tokens.

A guest in somebody's session: it answers in milliseconds, says nothing unless there is something to say, and
whatever goes wrong in here the session goes on. Standard output carries at most one JSON object, with a
`systemMessage` or a block decision: those are for the person, while plain text would become part of the model's
prompt (observed on Claude Code 2.1.329).
"""

import _thread
import os
import sys
import time

from claude_local_plugin.guest.backend import Backend, backend_of, clean, is_foreign
from claude_local_plugin.guest.claude import client_version_of
from claude_local_plugin.guest.registration import EVENTS, MOVED_BY, WARM_UP
from claude_local_plugin.guest.signin import GATEWAY, backend_here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from claude_local_plugin.guest.config import Config
    from claude_local_plugin.guest.leaks import Findings
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

#: Outcomes of a look after which the server needs somebody to start it.
DOWN = ("refused", "unreachable", "timeout")


class Answer:
    """What the hook makes of an event: `record` for the log, and `output` for Claude Code (None: say nothing).

    `errands` is what is to be started afterwards: names of functions in `errands`.
    """

    __slots__ = ("errands", "output", "record")

    def __init__(
        self, record: "dict[str, Any]", output: "dict[str, str] | None" = None, errands: "Sequence[str]" = ()
    ) -> None:
        self.record = record
        self.output = output
        self.errands = errands


def main() -> None:
    """Handles the event on standard input and ends the process with exit code 0."""
    state_dir = ""
    try:
        environ = as_registered(sys.argv[1:], os.environ)
        state_dir = state_dir_of(environ)
        if WARM_UP in sys.argv[1:]:
            from claude_local_plugin.guest import errands

            errands.warm_up(environ)
        else:
            _thread.start_new_thread(_watchdog, (state_dir,))
            _UNWRITTEN.stdin = _read_stdin()
            run(_UNWRITTEN.stdin, environ, state_dir)
    except BaseException as fault:  # the session must not suffer for any fault of ours, not even an interrupt
        _UNWRITTEN.spool(state_dir)
        _note(state_dir, fault)
    finally:
        # Not sys.exit(): a probe may still be waiting in its thread, and the log is left open on purpose.
        os._exit(0)


def run(stdin: bytes, environ: "Mapping[str, str]", state_dir: str) -> None:
    """Handles one event: the user's message first, then the log, whose troubles go to the log of faults."""
    event = parse_event(stdin)
    if event.get("hook_event_name") not in EVENTS:
        return
    from claude_local_plugin.guest import config, sessionlog

    # first what is to be saved should time run out: until it is known whether paths are logged, without them
    unread = Visit(event, environ, state_dir, config.Config(state_dir, config.UNREAD))
    _UNWRITTEN.hold(unread, _record(unread, None, _cause(event)))
    if not _UNWRITTEN.is_ours(state_dir):
        return  # the same event came to us by another way too
    visit = Visit(event, environ, state_dir, config.load(state_dir, environ))
    _UNWRITTEN.hold(visit, _record(visit, None, _cause(event)))
    answer = answer_to(visit)
    _UNWRITTEN.record = answer.record
    if answer.output:
        try:
            os.write(1, f"{flat_json(answer.output)}\n".encode("ascii"))
        except OSError as fault:  # nobody reads it any more; the record is worth keeping all the same
            _note(state_dir, fault)
    transcript = event.get("transcript_path") if answer.record["event"] in sessionlog.COUNTED else None
    transcript = transcript if isinstance(transcript, str) else None
    days = visit.config.retention_days
    trouble = sessionlog.append(state_dir, answer.record, transcript, days, _UNWRITTEN)
    if trouble:
        sessionlog.note_fault(state_dir, f"{answer.record['event']}: {trouble}")
    if answer.record["event"] == "SessionStart":
        from claude_local_plugin.guest import upkeep

        upkeep.sweep(state_dir)
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
    if name == "SessionStart":
        return session_start(visit)
    if name == "UserPromptSubmit":
        return user_prompt_submit(visit)
    if name == "ConfigChange":
        return config_change(visit)
    if name == "CwdChanged":
        return cwd_changed(visit)
    if name == "DirectoryAdded":
        return directory_added(visit)
    record = _record(visit, None, _cause(visit.event))
    if name == "PostModelSwitch":
        record["model"] = _text(visit.event.get("to_model"))
        record["model_is_certain"] = record["model"] is not None
    return Answer(record, errands=_at_the_end(visit) if name == "SessionEnd" else ())


def session_start(visit: Visit) -> Answer:
    """Tells which backend the session is on, or what is wrong with it; a compaction only when something is wrong.

    What is wrong may also be a credential that was meant for another server: see `leaks`.
    """
    backend = visit.backend
    found = _look_at(visit)
    source = visit.event.get("source")
    record = _record(visit, found, source)
    forbidden = _forbidden(visit)
    elsewhere = _resumed_elsewhere(visit, source)
    if backend.cloud:
        said = forbidden or elsewhere or _at_a_gateway(visit)
        leaks = _look_for_leaks(visit)
        if leaks is not None:
            meant = f"! {backend.kind} is reached at {backend.url}, which is none of its own addresses"
            said = f"{said or meant}   {leaks.message}"
            _put_on_record(record, leaks)
        return Answer(record, {"systemMessage": said} if said else None)
    leaks = _look_for_leaks(visit)
    message = forbidden or complaint(backend, found)
    if message is None and (source != "compact" or leaks is not None):
        message = introduction(backend, found, record["model"])
    if elsewhere:
        message = f"{message}   {elsewhere}" if message else elsewhere
    if message and leaks is not None:
        message = f"{message}   {leaks.message}"
        _put_on_record(record, leaks)
    errands = []
    if found is not None and found.outcome in DOWN and visit.config.down_command:
        errands.append("down_command")
    if found is not None and found.outcome == "ok" and visit.config.warm_up and leaks is None and not forbidden:
        errands.append("warm_up")
    return Answer(record, {"systemMessage": message} if message else None, errands)


def user_prompt_submit(visit: Visit) -> Answer:
    """Blocks the prompt when the server refuses connections for certain, or when the project may not use it.

    Any doubt lets it pass. A server that answered a moment ago is not asked again, and one that may not be used at all.
    """
    backend = visit.backend
    forbidden = _forbidden(visit)
    if forbidden:
        record = _record(visit, None, _cause(visit.event))
        record["blocked"] = True
        record["detail"] = "not on the project's list"
        return Answer(record, {"decision": "block", "reason": forbidden})
    found = None if _answered_lately(visit) else _look_at(visit)
    record = _record(visit, found, _cause(visit.event))
    if moved := _moved(visit):
        record["blocked"] = True
        record["detail"] = "held once: settings have moved this session"
        return Answer(record, {"decision": "block", "reason": moved})
    if found is None or found.outcome not in DOWN:
        return Answer(record)
    errands = ["down_command"] if visit.config.down_command else []
    if found.outcome != "refused":
        return Answer(record, errands=errands)
    if visit.config.warns(visit.environ.get("CLAUDE_CODE_ENTRYPOINT", "")):
        return Answer(record, {"systemMessage": complaint(backend, found) or ""}, errands)
    record["blocked"] = True
    reason = complaint(backend, found, "; Claude Code itself would go on trying for minutes") or ""
    return Answer(record, {"decision": "block", "reason": reason}, errands)


def config_change(visit: Visit) -> Answer:
    """Refuses a change of settings that would move a protected project's session to another backend, or any session
    that we could not hold a prompt of any more.

    Those of the old settings are the hooks that are asked, and with the old environment; a refused change leaves both
    in place (observed on Claude Code 2.1.329 to 2.1.332).
    """
    record = _record(visit, None, _cause(visit.event))
    if visit.folder is None:
        return Answer(record)
    from claude_local_plugin.guest import guard, protect

    unwatched = not guard.still_registered(visit.environ, visit.folder)
    if unwatched:
        # should Claude Code take the settings up all the same, nothing tells us: what follows is not known, until a
        # prompt is heard again
        record["detail"] = guard.UNWATCHED
    protection = visit.config.for_project(visit.folder)
    if not (unwatched or protection.protect):
        return Answer(record)
    there = protect.after_change(visit.environ, visit.folder)
    here, elsewhere = (guard.name_of(each.kind, each.url) for each in (visit.backend, there))
    new_way = there.via != visit.backend.via and protection.forbids_way(there.via)
    if new_way and protect.is_way_of_project(protect.changed(visit.environ, visit.folder)[0], visit.folder):
        record["blocked"] = True
        record["detail"] = f"would have gone through {there.via}"
        reason = f"{visit.folder} is protected: this session does not go through {there.via}."
        return Answer(record, {"decision": "block", "reason": f"{clean(reason)} {_allowed(visit.folder)}"})
    if here == elsewhere:
        return Answer(record)
    allowed = protection.allowed_backends
    if protection.protect and not (allowed and protect.is_allowed(there.kind, there.url, allowed)):
        record["detail"] = f"would have moved to {elsewhere}"
        said = f"{visit.folder} is protected: this session stays on {here}, away from {elsewhere}."
        reason = f"{clean(said)} {_allowed(visit.folder)}"
    elif unwatched:
        reason = clean(f"{guard.UNWATCHED}: this session stays on {here} until it ends; a new one goes to {elsewhere}")
    else:
        return Answer(record)
    record["blocked"] = True
    return Answer(record, {"decision": "block", "reason": reason})


def cwd_changed(visit: Visit) -> Answer:
    """Tells when a session goes into a protected project's folder that must not be read on its backend.

    Nothing else changes with the folder: the project, the settings and the backend stay (observed on Claude Code
    2.1.329).
    """
    record = _record(visit, None, None)
    record["cause"] = visit.config.logged(visit.config.log_cwd, _text(visit.event.get("new_cwd")))
    forbidden = _forbidden(visit)
    return Answer(record, {"systemMessage": forbidden} if forbidden else None)


def directory_added(visit: Visit) -> Answer:
    """Notes that a protected project's folder was added to a session, whose prompts are then judged by it as well."""
    from claude_local_plugin.guest import reach

    record = _record(visit, None, _cause(visit.event))
    directory = visit.event.get("directory")
    if isinstance(directory, str) and directory:
        record["detail"] = visit.config.logged(visit.config.log_cwd, _text(directory))
        others = [directory, *(each for each, _ in reach.folders({}, {"cwd": directory}, "", visit.config))]
        names = [name for each in dict.fromkeys(others) for name in visit.config.around(each)]
        if names:
            reach.remember(visit.state_dir, record["session_id"], list(dict.fromkeys(names)))
    forbidden = _forbidden(visit)
    return Answer(record, {"systemMessage": forbidden} if forbidden else None)


def introduction(backend: Backend, found: "Probe | None", model: "str | None") -> str:
    """One line when the server is there, e.g. `local backend: qwen3-coder-next on dell-pro-max:8000 (3 ms)`."""
    place = backend.target.label if backend.target else ""
    if model:
        place = f"{model} on {place}"
    if found is None or found.latency_ms is None:
        checked = f"through {backend.via}, not checked" if backend.via else "not checked"
    else:
        checked = f"{max(round(found.latency_ms), 1)} ms"
    return f"{_called(backend)}: {place} ({checked})"


def complaint(backend: Backend, found: "Probe | None", consequence: str = "") -> "str | None":
    """What is wrong with an own server and what to do, in one line; None when it answers, or nobody looked."""
    if backend.target is None:
        return "ANTHROPIC_BASE_URL is not an http(s) URL: no request can be sent. " + _what_to_do()
    if found is None or found.outcome in ("ok", "proxied"):
        return None
    said = {
        "refused": "refuses connections",
        "unresolved": f"has a name that cannot be resolved ({found.detail})",
        "timeout": f"did not answer in time ({found.detail})",
        "tls": f"cannot be spoken to over TLS ({found.detail})",
        "not-http": "answers, but not with HTTP",
        "reset": "drops connections without an answer",
        "error": f"answers {found.detail}",
    }.get(found.outcome, f"cannot be reached ({found.detail})")
    return f"{_called(backend)} {backend.target.label} {said}{consequence}. {_what_to_do()}"


def _what_to_do() -> str:
    """How to look at an own server again, and the way back."""
    from claude_local_plugin.guest.shell import command

    status, back = command("claude-local", "status"), command("claude-local", "disable")
    return f"Check it: {status}   Back to your former backend: {back}"


def _allowed(folder: str) -> str:
    """How to see what a protected folder may use."""
    from claude_local_plugin.guest.shell import command

    return f"What it may use: {command('claude-local', 'config', 'list', '--project', folder)}"


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


def _forbidden(visit: Visit) -> "str | None":
    """Why a protected project may not use this backend; None where it may, or where nobody has said which it may.

    What counts is the session's own project, and every other folder that it can reach.
    """
    from claude_local_plugin.guest import reach

    backend = visit.backend
    reached = reach.folders(visit.environ, visit.event, visit.state_dir, visit.config)
    for folder, how in reached or [(os.getcwd(), "")]:
        protection = visit.config.for_project(folder)
        here = f"{folder} {how} and is" if how else f"{folder} is"
        if protection.forbids(backend.kind, backend.url):
            allowed = ", ".join(protection.allowed_backends)
            place = backend.url or backend.kind
            said = f"{here} protected: it may use {allowed}, and this session is on {place}."
            return f"{clean(said, 1000)} {_allowed(folder)}"
        if protection.forbids_way(backend.via) and visit.folder is not None:
            from claude_local_plugin.guest import protect

            if protect.is_way_of_project(visit.environ, visit.folder):
                said = f"{here} protected, and this project's own settings send its requests through {backend.via}"
                return f"{clean(said, 1000)}. {_allowed(folder)}"
    return None


def _at_the_end(visit: Visit) -> "Sequence[str]":
    """What is to be started as a session ends: `disable` may have left hooks for it."""
    from claude_local_plugin.guest import guard

    return ("release",) if os.path.exists(os.path.join(visit.state_dir, guard.RELEASE)) else ()


def _moved(visit: Visit) -> "str | None":
    """What to say to a prompt that would take the conversation to another backend than it was on, once; else None."""
    from claude_local_plugin.guest import guard

    before = guard.moved_from(
        visit.state_dir,
        _session_of(visit) or "",
        visit.backend,
        _text(visit.event.get("transcript_path")),
        _text(visit.environ.get("ANTHROPIC_MODEL")),
    )
    return None if before is None else guard.held(before, visit.backend, _carried(visit))


def _resumed_elsewhere(visit: Visit, source: object) -> "str | None":
    """What to say at the start of a session whose conversation was on another backend; None where it was not."""
    if source not in ("resume", "fork"):
        return None
    from claude_local_plugin.guest import guard

    session_id = _session_of(visit) or ""
    noted = guard.recall(visit.state_dir, session_id)
    before = noted or guard.last_backend(visit.state_dir, session_id)
    if before is None or before == guard.name_of(visit.backend.kind, visit.backend.url):
        return None
    if noted is None:
        try:
            guard.remember(visit.state_dir, session_id, before)  # the first prompt is held by this
        except OSError as fault:
            _note(visit.state_dir, fault)
    return guard.resumed(before, visit.backend)


def _carried(visit: Visit) -> "str | None":
    """The credentials that this session's requests carry, in words for people; None where they cannot be told."""
    if visit.folder is None:
        return None
    if visit.backend.cloud and visit.backend.kind != "anthropic":
        return "the credential of that provider"
    try:
        from claude_local_plugin.guest.leaks import carried

        found = carried(visit.environ, visit.folder)
    except Exception as fault:  # the prompt is to be held whether or not the words are complete
        _note(visit.state_dir, fault)
        return None
    return " and ".join(found) if found else "no credential of yours"


def _answered_lately(visit: Visit) -> bool:
    """Whether the server's last look is good and recent enough to do without another."""
    if visit.backend.url is None or visit.backend.target is None or visit.backend.proxied:
        return False
    from claude_local_plugin.guest import lastlook

    last = lastlook.recall(visit.state_dir, visit.backend.url)
    return last is not None and last.outcome == "ok" and last.age_s <= visit.config.recheck_after_s


def _look_at(visit: Visit) -> "Probe | None":
    """One look at an own server, or why there can be none; None for the cloud."""
    backend = visit.backend
    if backend.cloud:
        return None
    from claude_local_plugin.guest.probe import BAD_URL, PROXIED, Probe, probe

    if backend.target is None:
        return Probe(BAD_URL, "ANTHROPIC_BASE_URL is not an http(s) URL")
    if backend.proxied:
        return Probe(PROXIED, "a proxy is set and NO_PROXY does not name this server")
    found = probe(
        backend.target,
        ca_file=visit.environ.get("NODE_EXTRA_CA_CERTS"),
        verify=visit.environ.get("NODE_TLS_REJECT_UNAUTHORIZED") != "0",
        deadline=visit.config.probe_deadline_s,
    )
    from claude_local_plugin.guest import lastlook

    try:
        lastlook.remember(visit.state_dir, backend.target.url, found)
    except OSError as fault:  # the next prompt looks again
        _note(visit.state_dir, fault)
    return found


def _at_a_gateway(visit: Visit) -> "str | None":
    """That a gateway sign-in takes the session elsewhere than its settings say; None where it does not."""
    meant = backend_of(visit.environ)
    if visit.backend.kind != GATEWAY or meant.target is None or meant.url == visit.backend.url:
        return None
    from claude_local_plugin.guest import shell

    there = visit.backend.url or "the gateway"
    return (
        f"! you are signed in at the Claude apps gateway {there}, which comes before every address: this session goes"
        f" there, not to {meant.target.label}. {shell.command('claude', 'auth', 'logout')} ends the sign-in"
    )


def _look_for_leaks(visit: Visit) -> "Findings | None":
    """What is sent to an own server that should not be; None when nothing is, or nothing can be sent at all.

    An address of somebody else under a cloud provider is such a server too.
    """
    backend = visit.backend
    if visit.folder is None or (backend.target is None and not is_foreign(backend.kind, backend.url)):
        return None
    try:
        from claude_local_plugin.guest.leaks import look

        found = look(visit.environ, visit.backend, visit.folder, visit.state_dir)
    except Exception as fault:  # what else there is to say and to record must not be lost with it
        _note(visit.state_dir, fault)
        return None
    return found if found.facts else None


def _put_on_record(record: "dict[str, Any]", leaks: "Findings") -> None:
    record["detail"] = "; ".join([*([record["detail"]] if record["detail"] else []), *leaks.marks])


def _cause(event: "Mapping[str, Any]") -> object:
    """What the event itself says about why it happened."""
    return event.get({"SessionEnd": "reason", "StopFailure": "error"}.get(event["hook_event_name"], "source"))


def _record(visit: Visit, found: "Probe | None", cause: object) -> "dict[str, Any]":
    """The event as the log keeps it; of a prompt or an answer not a letter."""
    from claude_local_plugin.guest.sessionlog import now
    from claude_local_plugin.guest.upkeep import this_host

    event, environ, backend, config = visit.event, visit.environ, visit.backend, visit.config
    session_id = _session_of(visit)
    if session_id is None:
        raise ValueError("the event names no session")
    model = _text(event.get("model"))
    cwd = _text(event.get("cwd"))
    project = _text(environ.get("CLAUDE_PROJECT_DIR")) or cwd
    process = environ.get("CLAUDE_PID", "")
    private = not config.log_cwd == config.log_project == "full"
    return {
        "session_id": session_id,
        "at": now(),
        "event": _text(event.get("hook_event_name")),
        "cause": _text(cause),
        "cwd": config.logged(config.log_cwd, cwd),
        "project": config.logged(config.log_project, project),
        "backend_kind": found.kind if found else backend.kind,
        "backend_url": backend.url,
        "via": backend.via,
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
        # its name holds the folder's
        "transcript_path": None if private else _text(event.get("transcript_path")),
        "host": this_host(),
    }


def _session_of(visit: Visit) -> "str | None":
    return _text(visit.event.get("session_id")) or _text(visit.environ.get("CLAUDE_CODE_SESSION_ID"))


def _text(value: object) -> "str | None":
    """The value as it may be stored and shown, when it is a string with something in it."""
    return clean(value, 4096) if isinstance(value, str) and value else None


def _called(backend: Backend) -> str:
    """What to call the server: a host with a public name is not called local."""
    return "local backend" if backend.target and backend.target.nearby else "backend"


def flat_json(members: "Mapping[str, Any]") -> str:
    """An object of strings, numbers, truth values and nulls as JSON in ASCII, for which `json` need not be loaded."""

    def literal(value: object) -> str:
        if isinstance(value, str):
            return quoted(value)
        if value is None or isinstance(value, bool):
            return {None: "null", True: "true", False: "false"}[value]
        return repr(value)

    return "{" + ",".join(f"{quoted(name)}:{literal(value)}" for name, value in members.items()) + "}"


def quoted(text: str) -> str:
    """A text as JSON in ASCII."""
    try:
        from _json import encode_basestring_ascii as quote
    except ImportError:  # another Python than CPython
        from json import dumps as quote
    return str(quote(text))


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


class _Unwritten:
    """The record on its way into the log, as far as it is known; entered while it goes in for good.

    `record` is None before anything is known, empty when it is in, or another process's to write. Whoever holds the
    lock writes it, so that it is written once.
    """

    __slots__ = ("asking", "lock", "ours", "record", "stdin", "visit")

    def __init__(self) -> None:
        self.lock = _thread.allocate_lock()
        #: Held while it is found out whether the event is this process's, which can be asked once.
        self.asking = _thread.allocate_lock()
        self.ours: bool | None = None
        #: What came on standard input, once all of it has.
        self.stdin: bytes | None = None
        self.record: dict[str, Any] | None = None
        self.visit: Visit | None = None

    def __enter__(self) -> None:
        self.lock.acquire()

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.record = {}
        self.lock.release()

    def hold(self, visit: Visit, record: "dict[str, Any]") -> None:
        """Takes the event in hand: from now on it is on record whatever happens to this process's time."""
        self.visit = visit
        self.record = record

    def is_ours(self, state_dir: str) -> bool:
        """Whether this process is the one to handle the event; the answer is the same each time."""
        from claude_local_plugin.guest import claim

        # in vain where the disk holds the other thread: to handle it twice is better than not at all
        asking = self.asking.acquire(True, SPARE_S)
        try:
            if self.ours is None:
                self.ours = not asking or claim.is_first(state_dir, self.stdin or b"")
            if not self.ours:
                self.record = {}
            return self.ours
        finally:
            if asking:
                self.asking.release()

    def spool(self, state_dir: str) -> None:
        """Spools the record, unless it is in the log or about to be."""
        from claude_local_plugin.guest import sessionlog

        if self.lock.acquire(True, SPARE_S) and self.record and self.is_ours(state_dir):
            try:
                sessionlog.spool(state_dir, self.whole(self.record))
            except OSError as fault:
                _note(state_dir, fault)

    def whole(self, record: "dict[str, Any]") -> "dict[str, Any]":
        """The record with the paths that the user wants to be logged, if there was no time yet to find out which."""
        from claude_local_plugin.guest import config

        visit = self.visit
        if visit is None or not visit.config.is_unread:
            return record
        visit = Visit(visit.event, visit.environ, visit.state_dir, config.load(visit.state_dir, visit.environ))
        return dict(_record(visit, None, record["cause"]), at=record["at"])


_UNWRITTEN = _Unwritten()


def _watchdog(state_dir: str) -> None:
    """Ends the process when its time is up, which has been running since the process began; what it leaves behind, it
    leaves in the time to spare or not at all.
    """
    from claude_local_plugin.guest.upkeep import age_s

    time.sleep(max(LONGEST_S - age_s(os.getpid()), SHORTEST_S))
    left = _thread.allocate_lock()
    left.acquire()
    _thread.start_new_thread(_leave_behind, (state_dir, left))
    left.acquire(True, SPARE_S)
    os._exit(0)


def _leave_behind(state_dir: str, left: "Any") -> None:
    """Spools the record that has not made it into the log, and notes that time was up."""
    try:
        silent = 0
        while _UNWRITTEN.record is None and silent < SILENT:  # a machine so busy that we have hardly begun
            time.sleep(0.05)
            silent += _UNWRITTEN.stdin is None and _is_silent()
        _UNWRITTEN.spool(state_dir)
        _note(state_dir, TimeoutError(f"the hook was still busy after {LONGEST_S} s"))
    finally:
        left.release()


def _is_silent() -> bool:
    """Whether there is nothing to read on standard input, not even its end."""
    try:
        from select import select

        return not select([0], [], [], 0)[0]
    except (ImportError, OSError, ValueError):  # Windows: no pipe can be asked there
        return True


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
