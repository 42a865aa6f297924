"""How each engine starts a server: the user's own command, llama.cpp with a model's file, or a recipe's files."""

import io
import re
import shlex
from base64 import b64decode
from collections.abc import Sequence
from pathlib import PurePosixPath

from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.deploy import gguf
from claude_local_plugin.deploy.gguf import Gguf
from claude_local_plugin.deploy.host import Host, folder_word
from claude_local_plugin.deploy.machine import Machine
from claude_local_plugin.deploy.start import Start
from claude_local_plugin.errors import ClaudeLocalError, UsageError

#: Where the files of a server go on its host, one folder each.
FOLDER = "~/claude-local"

LLAMA = "llama.cpp"
COMMAND = "command"
LLAMA_PROGRAM = "llama-server"

#: No more of the room than this is given to weights and cache: buffers and everybody else need some.
SHARE = 0.9
#: What is asked for where nobody says: Claude Code works well in it, and larger ones cost memory.
GOOD_WINDOW = 131_072
#: The beginning of a model's file that is read of a machine elsewhere.
BEGINNING = 262_144


def name_of(text: str) -> str:
    """A name for a server and its profile, made of a model's or a file's."""
    stem = re.sub(r"\.gguf$", "", text.rstrip("/").rpartition("/")[2], flags=re.IGNORECASE)
    stem = re.sub(r"-\d{5}-of-\d{5}$", "", stem)
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:40] or "server"


def model_file(path: str, host: Host) -> Gguf:
    """The model's file on the host; raises ClaudeLocalError where it is not there or is none."""
    word = folder_word(path)
    done = host.run(f"[ -r {word} ] && wc -c < {word} && head -c {BEGINNING} {word} | base64")
    if done.code:
        raise ClaudeLocalError(
            f"there is no file {path}{host.on} that can be read", "name the model's file: --model FILE.gguf"
        )
    size, _, beginning = done.out.strip().partition("\n")
    return gguf.understood(io.BytesIO(b64decode(beginning)), int(size), path)


def window_for(model: Gguf, room: float | None, asked: int | None, smallest: int, slots: int) -> int:
    """The window: what was asked for, else as much as fits; raises ClaudeLocalError where that is too much, or too few.

    `room` are the GiB that there are; where they or the model's shape are not known, nothing is refused for its size.
    """
    most = model.window or GOOD_WINDOW
    if asked is not None and asked > most:
        raise ClaudeLocalError(
            f"a window of {asked:,} is asked for, and {model.name} was made for {most:,}", f"--window {most}"
        )
    known = room is not None and model.token_bytes
    if known:
        assert room is not None
        assert model.token_bytes
        free = room * SHARE - model.gib
        fits = int(free * 2**30 / (model.token_bytes * slots)) // 1024 * 1024
        if free <= 0:
            raise ClaudeLocalError(
                f"{model.name} does not fit: its weights are {model.words}, and {room * SHARE:.1f} of"
                f" {room:.1f} GiB free memory can be given to it",
                "a smaller quantisation of it, or a smaller model",
            )
        wanted = asked or min(most, GOOD_WINDOW, max(fits, smallest))
        if wanted > fits:
            raise ClaudeLocalError(
                f"{model.name} does not fit with a window of {wanted:,}: weights {model.words} and cache"
                f" {slots * wanted * model.token_bytes / 2**30:.1f} GiB are more than {room * SHARE:.1f} of {room:.1f}"
                " GiB free memory",
                f"--window {fits}" if fits >= smallest else "a smaller quantisation of it, or a smaller model",
            )
    window = asked or min(most, GOOD_WINDOW, fits if known else GOOD_WINDOW)
    if window < smallest:
        raise ClaudeLocalError(
            f"a window of {window:,} is too small: Claude Code's own prompt and answers need {smallest:,}",
            f"--window {smallest} at least, with a model that has so much (this one: {most:,})",
        )
    return window


def llama(
    model: Gguf, machine: Machine, host: Host, *, name: str, port: int, window: int, slots: int, program: str
) -> Start:
    """llama.cpp's server with this file."""
    if program == LLAMA_PROGRAM and LLAMA_PROGRAM not in machine.programs:
        raise no_llama(host)
    served = name_of(model.path)
    argv = (
        *(
            program,
            "-m",
            model.path.replace("~/", f"{machine.home}/", 1) if model.path.startswith("~/") else model.path,
        ),
        *("--alias", served, "--host", "127.0.0.1", "--port", str(port)),
        *("-c", str(window * slots), "--parallel", str(slots), "--jinja", "--metrics"),
    )
    return Start(
        name=name,
        engine=LLAMA,
        title=f"{model.name} ({model.words}) on llama.cpp",
        url=f"http://127.0.0.1:{port}",
        port=port,
        model=served,
        folder=f"{FOLDER}/{name}",
        argv=argv,
        window=window,
        needs=model.memory(window * slots),
    )


def no_llama(host: Host) -> ClaudeLocalError:
    """There is no such program."""
    return ClaudeLocalError(
        f"there is no {LLAMA_PROGRAM} on PATH{host.on}",
        "install llama.cpp (https://github.com/ggml-org/llama.cpp/blob/master/docs/install.md), or --program PATH",
    )


def own_command(argv: Sequence[str], *, name: str | None, port: int | None, cwd: str | None = None) -> Start:
    """The user's own command, which is to serve on this port of its machine; run in `cwd`, where it was typed."""
    told = port or _port_in(argv)
    if told is None:
        raise UsageError(
            "which port does that command serve on?",
            command("claude-local", "up", "--port", Words("N"), "--", *argv),
        )
    served = name or name_of(PurePosixPath(argv[0]).name)
    return Start(
        name=served,
        engine=COMMAND,
        title=shlex.join(argv)[:60],
        url=f"http://127.0.0.1:{told}",
        port=told,
        model=None,
        folder=f"{FOLDER}/{served}",
        argv=tuple(argv),
        cwd=cwd,
    )


def _port_in(argv: Sequence[str]) -> int | None:
    """The port that a command line names."""
    for number, word in enumerate(argv):
        flag, equals, value = word.partition("=")
        if flag in ("--port", "-p"):
            text = value if equals else next(iter(argv[number + 1 :]), "")
            if text.isdecimal():
                return int(text)
    return None
