"""What Claude Code runs to draw its status line: backend and model, up or down, the window and the prefix cache.

It reads the JSON object that Claude Code writes to standard input, and prints one line, below those of a command that
it wraps. Claude Code runs it with `/bin/sh -c` after each answer, shows nothing of a command that fails, has no time
limit, and ends one that is not done when the next is due with SIGTERM to its process group (all observed on
Claude Code 2.1.329).
"""

import _signal  # type: ignore[import-not-found]  # `signal` builds its constants as enums, which takes longer than this
import _thread
import sys
import time

from claude_local_plugin.core import system as os
from claude_local_plugin.core.endpoint import Backend
from claude_local_plugin.core.locations import state_dir_of
from claude_local_plugin.core.registration import WRAP_OPTION, as_registered
from claude_local_plugin.core.sign_in import backend_here
from claude_local_plugin.core.text import clean, json_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from claude_local_plugin.core.probe_cache import Look


#: Nothing, not a silent stdin and not a stuck command that we wrap, keeps our line back longer than this, in seconds.
LONGEST_S = 3.0
#: What a look of our own may take, in seconds: enough for a server in the same house, and nobody feels it.
QUICK_S = 0.008
#: What a wrapped command prints beyond this is not a status line.
MOST_BYTES = 65536

#: The terminal's width where nobody tells, and the columns that Claude Code keeps free beside the line.
COLUMNS, MARGINS = 80, 4
SEPARATOR = " · "
#: A model's name is shortened to this many columns before anything else is left out.
SHORT_NAME = 16

RED, YELLOW, PLAIN = "1;31", "1;33", ""

#: Why a server counts as down, where the outcome's own word would not do.
REASONS = {
    "unresolved": "name not found",
    "timeout": "no answer",
    "tls": "TLS fails",
    "not-http": "not HTTP",
}

EXPLANATION = """\
claude-local statusline draws the status line of a session from the JSON that
Claude Code writes to its standard input.

install it   claude-local enable --statusline
             (a status line that is there already stays, above ours)
by hand      in ~/.claude/settings.json:
             "statusLine": {"type": "command", "command": "claude-local statusline"}
try it       echo '{}' | claude-local statusline
"""


class Piece:
    """A part of the line: its `text`, and the `colour` it is shown in where colours are wanted."""

    __slots__ = ("colour", "text")

    def __init__(self, text: str, colour: str = PLAIN) -> None:
        self.text = text
        self.colour = colour


def main() -> None:
    """Draws the line and ends the process with exit code 0."""
    try:
        run(sys.argv[1:], os.environ)
    except BaseException as fault:  # an interrupt too: there is nobody here who could make use of it
        _complain(f"no status line: {type(fault).__name__}")
    finally:
        # Not sys.exit(): a look may still be waiting in its thread.
        os._exit(0)


def run(arguments: "Sequence[str]", environ: "Mapping[str, str]") -> int:
    """Prints the status line; the exit code is 0 whatever happens, for else Claude Code would show nothing."""
    if os.isatty(0):
        sys.stderr.write(EXPLANATION)
        return 0
    environ = as_registered(arguments, environ)
    state_dir = state_dir_of(environ)
    drawing = Drawing(environ, state_dir)
    _thread.start_new_thread(drawing.give_up_after, (LONGEST_S,))
    drawing.stdin = _read_stdin()
    command = arguments[arguments.index(WRAP_OPTION) + 1] if WRAP_OPTION in arguments[:-1] else ""
    if command:
        drawing.start(command)
    drawing.draw()
    drawing.finish()
    return 0


class Drawing:
    """One status line on its way: what Claude Code wrote, our line, and the command that we wrap while it runs."""

    __slots__ = ("child", "environ", "line", "output", "printed", "state_dir", "stdin", "turn")

    def __init__(self, environ: "Mapping[str, str]", state_dir: str) -> None:
        self.environ = environ
        self.state_dir = state_dir
        self.stdin = b""
        self.line = ""
        #: The process of the wrapped command and the end of the pipe it prints to (0 and -1 for none), and what came.
        self.child = 0
        self.output = -1
        self.printed = b""
        #: Held by whoever prints: it is done once.
        self.turn = _thread.allocate_lock()

    def draw(self) -> None:
        """Makes our line of what Claude Code wrote, or of the environment alone where that is of no use."""
        try:
            event = json_object(self.stdin)
        except (ValueError, RecursionError):
            event = {}  # an empty or cut stdin is no reason to show nothing
        try:
            self.line = status_line(event, self.environ, self.state_dir)
        except Exception as fault:  # no fault of ours may take the wrapped one from the screen
            self.line = f"claude-local: no status ({type(fault).__name__})"

    def start(self, command: str) -> None:
        """Starts the wrapped command as Claude Code would have, with the same environment and standard input."""
        try:
            if sys.platform == "win32":
                self.printed = _printed_on_windows(command, self.stdin, self.environ)
            else:
                self.child, self.output = _started(command, self.stdin, self.environ)
                _end_with_us(self.child)
        except OSError as fault:
            _complain(f"the wrapped status line cannot run: {fault}")

    def finish(self) -> None:
        """Prints what the wrapped command printed, if it ended well, and our line below it."""
        if self.child:
            self.printed = _read(self.output, MOST_BYTES)
            os.close(self.output)  # whoever goes on printing is ended by that
            status = os.waitpid(self.child, 0)[1]
            self.child = 0
            if status:
                _complain(f"the wrapped status line failed ({_how(status)})")
                self.printed = b""
        self.show(self.printed)

    def show(self, above: bytes) -> None:
        """Prints our line below these, unless that has been done."""
        if self.turn.acquire(False):
            above = above.rstrip(b"\r\n")
            _write(1, (above + b"\n" if above else b"") + f"{self.line}\n".encode("utf-8", "replace"))

    def give_up_after(self, seconds: float) -> None:
        """Waits that long, then ends the wrapped command and the process, with our line alone."""
        time.sleep(seconds)
        if not self.line:
            self.draw()
        _complain(f"the status line was not done after {seconds} s")
        self.show(b"")
        if self.child:
            _end(self.child)
        os._exit(0)


def status_line(
    event: "Mapping[str, Any]", environ: "Mapping[str, str]", state_dir: str, quick_s: float = QUICK_S
) -> str:
    """The line for a session of this environment, e.g. `qwen3 @ box:8000 · up 3 ms · 12k/66k (18 %) · cache 92 %`.

    `event` is what Claude Code tells; what it does not tell, or tells in a shape of its own, is left out. `quick_s` is
    what a look at the server may take; 0 for none.
    """
    folder = _member(event, "workspace", "project_dir")
    backend = backend_here(environ, folder if isinstance(folder, str) else "")
    model = _member(event, "model", "id")
    model = model if model and isinstance(model, str) else environ.get("ANTHROPIC_MODEL", "")
    rest = [state(backend, state_dir, environ, quick_s), window(event), cache(event)]
    pieces = fitted(
        mark(backend),
        clean(model, 200),
        place(backend),
        [piece for piece in rest if piece.text],
        _width(environ),
    )
    plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
    return "".join(piece.text if plain or not piece.colour else _coloured(piece) for piece in pieces)


def mark(backend: Backend) -> Piece:
    """What to say first of a session that is not local: CLOUD, or REMOTE for a server with a public name."""
    if backend.cloud:
        return Piece("CLOUD", YELLOW)
    if backend.target is not None and not backend.target.nearby:
        return Piece("REMOTE", YELLOW)
    return Piece("")


def place(backend: Backend) -> str:
    """How to call the backend: its host, with the port unless it is the scheme's own, or the provider's name."""
    if backend.url is not None:
        return backend.url.partition("://")[2].partition("/")[0]
    return backend.kind if backend.cloud else "no server"


def state(backend: Backend, state_dir: str, environ: "Mapping[str, str]", quick_s: float) -> Piece:
    """Whether an own server is up, by the last look at it: `up 3 ms`, `DOWN (refused)`; "" for the cloud."""
    if backend.cloud:
        return Piece("")
    if backend.target is None:
        return Piece("ANTHROPIC_BASE_URL is not an http(s) URL", RED)
    if backend.proxied:
        return Piece("not checked (proxy)")
    look, patience = look_at(backend, state_dir, environ, quick_s)
    if look is None:
        return Piece("not checked")
    age = f", {_age(look.age_s)} ago" if look.age_s > patience else ""
    if look.outcome == "ok":
        return Piece(f"up {max(round(look.latency_ms or 0), 1)} ms{age}")
    if look.outcome == "error":
        return Piece(f"answers HTTP {look.status}{age}", RED)
    return Piece(f"DOWN ({REASONS.get(look.outcome, clean(look.outcome, 20))}){age}", RED)


def look_at(
    backend: Backend, state_dir: str, environ: "Mapping[str, str]", quick_s: float
) -> "tuple[Look | None, float]":
    """The last look at an own server, and how old in seconds one may be to count as news.

    One that is older, or not good, is replaced by a quick look, if that comes to anything. There is none inside TLS,
    the modules for which take longer to load than all of this.
    """
    from claude_local_plugin.core import config
    from claude_local_plugin.core.probe_cache import recall, remember

    assert backend.target is not None
    url, patience = backend.target.url, config.load(state_dir, environ).recheck_after_s
    last = recall(state_dir, url)
    if quick_s <= 0 or backend.target.scheme != "http" or (last and last.outcome == "ok" and last.age_s <= patience):
        return last, patience
    from claude_local_plugin.core.probe import TIMEOUT, probe
    from claude_local_plugin.core.probe_cache import Look

    found = probe(backend.target, deadline=quick_s)
    if found.outcome == TIMEOUT:
        return last, patience  # so little patience proves nothing
    try:
        remember(state_dir, url, found)
    except OSError as fault:
        _complain(f"the check of {backend.target.label} cannot be kept: {fault}")
    return Look(found.outcome, found.status, found.latency_ms, found.kind, found.detail, 0.0), patience


def window(event: "Mapping[str, Any]") -> Piece:
    """How full the model's window is: `12k/66k (18 %)`."""
    size = _count(_member(event, "context_window", "context_window_size"))
    if not size:
        return Piece("")
    usage = _usage(event)
    used = sum(usage) if usage else _count(_member(event, "context_window", "total_input_tokens")) or 0
    return Piece(f"{_tokens(used)}/{_tokens(size)} ({round(100 * used / size)} %)")


def cache(event: "Mapping[str, Any]") -> Piece:
    """How much of the session's prompts came from the server's prefix cache; "" where the server never tells."""
    ratio = _member(event, "prompt_cache", "hit_ratio")
    usage = _usage(event)
    if _member(event, "prompt_cache", "caching_observed") is False or not (usage or _is_share(ratio)):
        return Piece("")
    if not _is_share(ratio):
        total, read = sum(usage), usage[-1]
        if not total or not sum(usage[1:]):
            return Piece("")
        ratio = read / total
    return Piece(f"cache {round(100 * ratio)} %")


def fitted(mark: Piece, model: str, place: str, rest: "list[Piece]", width: int) -> "list[Piece]":
    """The pieces of a line no wider than `width` columns.

    The model's name is shortened first, then pieces are left out from the end, up to the first of `rest`; only then
    are model and place cut to what is left.
    """
    joint = " @ " if model else ""
    for kept in range(len(rest), -1, -1):
        tail = rest[:kept]
        taken = sum(_columns(SEPARATOR + piece.text) for piece in tail)
        taken += _columns(joint) + (_columns(mark.text) + 1 if mark.text else 0)
        room = width - taken - _columns(place)
        if room >= min(_columns(model), SHORT_NAME) or kept <= 1:
            break
    if room < min(_columns(model), SHORT_NAME):
        room = max((width - taken) // 2, 1) if model else 0
        place = _shortened(place, max(width - taken - min(room, _columns(model)), 1))
    head = f"{_shortened(model, room)}{joint}{place}"
    pieces = [mark, Piece(" ")] if mark.text else []
    pieces.append(Piece(head))
    for piece in tail:
        pieces += [Piece(SEPARATOR), piece]
    return pieces


def _shortened(name: str, room: int) -> str:
    """The name in at most `room` columns: as it is, without the folder before it, or cut."""
    if _columns(name) <= room:
        return name
    name = name.rpartition("/")[2]
    if _columns(name) <= room:
        return name
    while name and _columns(name) > room - 1:
        name = name[:-1]
    return f"{name}…"


def _columns(text: str) -> int:
    """How wide the text is on a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _width(environ: "Mapping[str, str]") -> int:
    """The columns there are for the line; Claude Code sets COLUMNS to the terminal's."""
    columns = environ.get("COLUMNS", "")
    known = int(columns) if columns.isascii() and columns.isdigit() and len(columns) < 5 else 0
    return max((known or COLUMNS) - MARGINS, 20)


def _coloured(piece: Piece) -> str:
    return f"\x1b[{piece.colour}m{piece.text}\x1b[0m"


def _age(seconds: float) -> str:
    for limit, length, unit in ((90, 1, "s"), (5400, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{round(seconds / length)} {unit}"
    return f"{round(seconds / 86400)} d"


def _tokens(count: int) -> str:
    """A number of tokens in few letters: `14`, `66k`, `1M`, `1.5M`."""
    if count < 1000:
        return str(count)
    if count < 999_500:
        return f"{round(count / 1000)}k"
    return f"{count / 1_000_000:.1f}".removesuffix(".0") + "M"


def _member(event: "Mapping[str, Any]", *names: str) -> "Any":
    """The member at this path; None where there is none."""
    found: Any = event
    for name in names:
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def _usage(event: "Mapping[str, Any]") -> "tuple[int, ...]":
    """The tokens of the last prompt: new, written to the cache, read from it; () where there was none yet."""
    usage = _member(event, "context_window", "current_usage")
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return tuple(_count(usage.get(name)) or 0 for name in names) if isinstance(usage, dict) else ()


def _count(value: object) -> "int | None":
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12 else None


def _is_share(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


# --- standard input and output, and the command that we wrap


def _read_stdin() -> bytes:
    try:
        return _read(0, 16 * MOST_BYTES)
    except OSError:
        return b""  # closed: the environment says enough for a line


def _read(descriptor: int, most: int) -> bytes:
    """What comes until the end, or as much of it as is wanted."""
    read = b""
    while len(read) < most:
        piece = os.read(descriptor, MOST_BYTES)
        if not piece:
            break
        read += piece
    return read


def _write(descriptor: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        return  # nobody reads it any more


def _how(status: int) -> str:
    """How a process ended, from what waiting for it gives."""
    code = os.waitstatus_to_exitcode(status)
    return f"exit code {code}" if code >= 0 else f"signal {-code}"


def _complain(text: str) -> None:
    """One line on standard error, which `claude --debug` shows."""
    _write(2, f"claude-local: {clean(text)}\n".encode("utf-8", "replace"))


def _started(command: str, stdin: bytes, environ: "Mapping[str, str]") -> "tuple[int, int]":
    """The process of a shell that runs the command in a group of its own, and the pipe it prints to.

    Not with `subprocess`, which takes longer to load than all of this; and as that would, it gives the command back
    the signal that ends it when nobody reads what it prints.
    """
    theirs_in, ours_in = os.pipe()
    ours_out, theirs_out = os.pipe()
    ends = [(os.POSIX_SPAWN_DUP2, theirs_in, 0), (os.POSIX_SPAWN_DUP2, theirs_out, 1)]
    shell = ["/bin/sh", "-c", command]
    try:
        child = os.posix_spawn(shell[0], shell, environ, file_actions=ends, setpgroup=0, setsigdef=(_signal.SIGPIPE,))
    finally:
        os.close(theirs_in)
        os.close(theirs_out)
    _write(ours_in, stdin)
    os.close(ours_in)
    return child, ours_out


def _end_with_us(child: int) -> None:
    """Has SIGTERM, with which Claude Code ends a status line that is no longer wanted, end the command too."""

    def end(_number: int, _frame: object) -> None:
        _end(child)
        os._exit(0)

    _signal.signal(_signal.SIGTERM, end)


def _end(child: int) -> None:
    """Ends the command and whatever it has started."""
    try:
        os.killpg(child, _signal.SIGTERM)
    except OSError:
        return  # it has just ended by itself


def _printed_on_windows(command: str, stdin: bytes, environ: "Mapping[str, str]") -> bytes:
    """What the command printed, if it ended well; it is run with the bash that Claude Code uses there."""
    from shutil import which
    from subprocess import DEVNULL, PIPE, run

    shell = environ.get("CLAUDE_CODE_GIT_BASH_PATH") or which("bash")
    if shell is None:
        raise FileNotFoundError("there is no bash to run it with")
    done = run([shell, "-c", command], input=stdin, stdout=PIPE, stderr=DEVNULL, env=dict(environ), check=False)
    return b"" if done.returncode else done.stdout[:MOST_BYTES]
