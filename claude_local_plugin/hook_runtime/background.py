"""What a hook starts and does not wait for: a command that brings the server back, a request that warms it up, and
what puts the lines of hooks into the log.
"""

import sys
import time

from claude_local_plugin.core import system as os
from claude_local_plugin.core.apart import start_apart
from claude_local_plugin.core.registration import IMPORT, INTERPRETER_FLAGS, MOVED_BY, WARM_UP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from claude_local_plugin.hook_runtime.visit import Visit

FOLDER = "errands"

#: Seconds before the same errand is run again for the same server.
PAUSE_S = {"down_command": 60.0, "warm_up": 600.0}

#: Before an import begins it waits so long, in seconds: for what the client writes last, and for other sessions' ends.
IMPORT_DELAY_S = 1.0
#: One that was started so long ago and has not begun, in seconds, will not.
IMPORT_LOST_S = 60.0
#: How long it waits for others who write to the log, in seconds: nobody is waiting for it.
IMPORT_PATIENCE_S = 30.0

#: How long it waits for a session's process to end whose settings file is to be removed, in seconds.
SWEEP_PATIENCE_S = 10.0

#: The first request of a server may compile for minutes.
WARM_UP_TIMEOUT_S = 600.0


def start(visit: "Visit", errands: "Sequence[str]") -> None:
    """Starts these errands, each in a process of its own that outlives the session; raises OSError.

    An errand that was started for this server a moment ago is left out.
    """
    for name in errands:
        if name == "release":
            # with the packages of this interpreter, which `-S` keeps from us
            argv = (sys.executable, "-I", "-m", "claude_local_plugin", "disable", "--release")
            start_apart(argv, dict(visit.environ, CLAUDE_LOCAL_STATE_DIR=visit.state_dir))
            continue
        if name == "import":
            if _is_first_to_import(visit.state_dir):
                told = [(option, visit.environ[key]) for key, option in MOVED_BY if key in visit.environ]
                options = [word for pair in told for word in pair]
                script = os.path.realpath(sys.argv[0])
                start_apart((sys.executable, *INTERPRETER_FLAGS, script, *options, IMPORT), visit.environ)
            continue
        if not _due(visit.state_dir, name, visit.backend.url or ""):
            continue
        environ = dict(_without_project(visit), CLAUDE_LOCAL_BACKEND_URL=visit.backend.url or "")
        if name == "down_command":
            start_apart(visit.config.down_command, environ)
        else:
            script = os.path.realpath(sys.argv[0])
            start_apart((sys.executable, *INTERPRETER_FLAGS, script, WARM_UP), environ)


def _without_project(visit: "Visit") -> "dict[str, str]":
    """The environment without what the project's own settings set: `PATH` and `BASH_ENV` would run its programs
    (observed on Claude Code 2.1.332, which takes both from a repository).
    """
    # what the server is asked with stays
    return _without(visit.environ, visit.folder, _by_project)


def _by_project(scope: str, name: str) -> bool:
    return scope in ("project", "local") and not name.startswith("ANTHROPIC_")


def without_settings(visit: "Visit") -> "dict[str, str]":
    """The environment without what any settings file sets: as far as can be told, that of the shell."""
    return _without(visit.environ, visit.folder, lambda scope, name: True)


def _without(
    environ: "Mapping[str, str]", folder: "str | None", taken: "Callable[[str, str], bool]"
) -> "dict[str, str]":
    from claude_local_plugin.core.places import managed_default
    from claude_local_plugin.core.session_settings import SessionSettings

    left = dict(environ)
    if folder is not None:
        for file in SessionSettings(environ, folder, managed_default()).files:
            for name in file.env:
                if taken(file.scope, name):
                    left.pop(name, None)
    left.setdefault("PATH", os.defpath)
    return left


def warm_up(environ: "Mapping[str, str]") -> int:
    """Sends the server that this environment points at one small request, with the token its sessions send.

    Returns the HTTP status; raises OSError. What the server answers is not looked at.
    """
    import json
    from urllib.error import HTTPError
    from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

    from claude_local_plugin.core.endpoint import backend_of
    from claude_local_plugin.core.probe import tls_context

    backend = backend_of(environ)
    if backend.target is None or backend.proxied:
        raise OSError("there is no server of one's own to warm up")
    body = {
        "model": environ.get("ANTHROPIC_MODEL", ""),
        "max_tokens": 1,
        "messages": [{"role": "user", "content": "ping"}],
    }
    headers = {
        "Authorization": f"Bearer {environ.get('ANTHROPIC_AUTH_TOKEN', '')}",
        "Content-Type": "application/json",
        "anthropic-version": "2023-06-01",
        "User-Agent": "claude-local",
    }
    request = Request(f"{backend.target.url}/v1/messages", json.dumps(body).encode(), headers)
    checked = environ.get("NODE_TLS_REJECT_UNAUTHORIZED") != "0"
    tls = HTTPSHandler(context=tls_context(environ.get("NODE_EXTRA_CA_CERTS"), checked))
    try:
        with build_opener(ProxyHandler({}), tls).open(request, timeout=WARM_UP_TIMEOUT_S) as answer:
            return int(answer.status)
    except HTTPError as refusal:
        refusal.close()
        return int(refusal.code)


def import_journals(environ: "Mapping[str, str]", state_dir: str) -> None:
    """Puts what hooks have written until now into the log, and has it sent where that is wanted."""
    time.sleep(IMPORT_DELAY_S)
    from claude_local_plugin.sessionlog import importer, maintenance

    # first the mark, then the look: whoever writes a line after that starts another one
    maintenance.remove(_import_mark(state_dir))

    importer.run(state_dir, environ, IMPORT_PATIENCE_S)
    from claude_local_plugin.core import run_files

    if run_files.SETTINGS in environ:
        _sweep(environ, state_dir)
    from claude_local_plugin.sessionlog import pushing

    if pushing.destination(state_dir, environ):
        folder = environ.get("CLAUDE_PROJECT_DIR") or os.getcwd()
        # where it goes and with which certificates is for the user to say, not for a repository
        pushing.after_import(state_dir, _without(environ, folder, _by_project))


def _sweep(environ: "Mapping[str, str]", state_dir: str) -> None:
    """Removes what runs have left whose processes have ended; waits a while for that of this session."""
    from claude_local_plugin.core import run_files

    place = run_files.folder(environ, state_dir)
    until = time.monotonic() + SWEEP_PATIENCE_S
    while run_files.sweep(place) and time.monotonic() < until:
        time.sleep(1.0)


def _is_first_to_import(state_dir: str) -> bool:
    """Whether no import is about to begin that will see what was written until now; this one is to begin then."""
    path = _import_mark(state_dir)
    os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        try:
            if 0 <= time.time() - os.stat(path).st_mtime < IMPORT_LOST_S:
                return False
            os.utime(path)
        except FileNotFoundError:
            return True  # it begins just now, and may not see it
    return True


def _import_mark(state_dir: str) -> str:
    return os.path.join(state_dir, FOLDER, "import")


def _due(state_dir: str, name: str, url: str) -> bool:
    """Whether the errand was not run for this server within its pause; it counts as run from now on."""
    from zlib import crc32

    folder = os.path.join(state_dir, FOLDER)
    os.makedirs(folder, 0o700, exist_ok=True)
    path = os.path.join(folder, f"{name}-{crc32(url.encode()):08x}")
    try:
        age = time.time() - os.stat(path).st_mtime
        if 0 <= age < PAUSE_S[name]:
            return False
        os.unlink(path)
    except FileNotFoundError:
        pass  # never run, or another process was faster to take the old mark away
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    return True
