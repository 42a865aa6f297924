"""The command line: options, questions and output; the doing is in `commands`.

The only room that knows click, which `group` brings. A subcommand's module is imported when it is called, so that
`--help` and the quick commands stay quick.
"""

import errno
import gc
import io
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from claude_local_plugin.cli.terminal import err
from claude_local_plugin.errors import ClaudeLocalError

#: Command -> the module below this package that holds it, and what `--help` says of it.
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "Show the whole round on this machine: enable, a session, its record, disable."),
    "recipe": ("recipe", "Model servers: what fits here, files that start it, what is wrong in one."),
    "up": ("up", "Start a model server, prove that a session on it works, and enable it here."),
    "enable": ("enable", "Point this project's Claude Code at a model server of your own."),
    "use": ("enable", "The same as enable, with a profile's name."),
    "disable": ("disable", "Give the settings file back as it was before enable."),
    "profile": ("profile", "Servers under names: list, add, change, remove them, and hand them on."),
    "run": ("run", "Run one command on one backend, and leave everything else as it is."),
    "launcher": ("launcher", "Programs of your own on PATH, each a command on one backend."),
    "env": ("env", "Print the variables for one backend, quoted for your shell."),
    "token": ("token", "Print a profile's key, for a program that reads it."),
    "status": ("status", "This folder's backend, reachable or not, its hooks and last session."),
    "explain-precedence": ("explain", "Say which settings a session here would use, and why those."),
    "doctor": ("doctor", "Say what is wrong here, and the command that fixes it."),
    "privacy": ("privacy", "Say what leaves this machine, to which host; --prove asks the real client."),
    "verify": ("verify", "Ask your own Claude Code whether explain-precedence is right about it."),
    "logs": ("up", "Print the log of a server that up has started."),
    "down": ("up", "Stop what up has started."),
    "warmup": ("warmup", "Have the server do its slow first things before a session needs it."),
    "watch": ("watch", "A live screen of what the server is doing, and of today's sessions."),
    "bench": ("bench", "Measure how fast the server is for an agent, and what follows from it."),
    "eval": ("eval", "Measure how good a model is as a coding agent in the real Claude Code."),
    "statusline": ("statusline", "Draw a session's status line: backend, up or down, window, cache."),
    "sessions": ("sessions", "Read the log: which backend every session used."),
    "report": ("report", "One page about what ran where, to look at in a browser."),
    "audit": ("audit", "Say by exit code whether a project's sessions kept to the allowed backends."),
    "rescue": ("rescue", "Copy a session that died, without what its server refuses, to go on with."),
    "config": ("config", "Show and change claude-local's own settings."),
    "hooks": ("hooks", "Install, remove or show the session hooks alone."),
    "managed": ("managed", "Settings of a server for a fleet of machines, as files to install."),
    "completion": ("completion", "Print what bash, zsh or fish reads to complete our commands."),
    "uninstall": ("uninstall", "Take everything that claude-local wrote out of every settings file again."),
}

#: The headings of `--help`, in the order of a day.
SECTIONS: dict[str, tuple[str, ...]] = {
    "Begin": ("demo", "recipe", "up", "enable"),
    "Switch": ("use", "disable", "profile", "run", "launcher", "env", "token"),
    "When something is strange": ("status", "explain-precedence", "doctor", "privacy", "verify"),
    "The server": ("logs", "down", "warmup", "watch", "bench", "eval", "statusline"),
    "What ran where": ("sessions", "report", "audit", "rescue"),
    "claude-local itself": ("config", "hooks", "managed", "completion", "uninstall"),
}

#: What people type for a command of ours -> that command.
MEANT = {
    "check": "doctor",
    "explain": "explain-precedence",
    "history": "sessions list",
    "install": "enable",
    "list": "sessions list",
    "log": "sessions list",
    "ls": "sessions list",
    "off": "disable",
    "on": "enable",
    "remove": "disable",
    "start": "up",
    "stop": "down",
    "switch": "use",
    "test": "doctor",
    "unset": "disable",
    "why": "explain-precedence",
}

EPILOG = """\b
claude-local COMMAND --help has the options and examples of a command.
All of them on one page, for man: {manual}
Documentation, once it is released: https://pypi.org/project/claude-local/

Exit codes: 0 well, 1 something is wrong (said on stderr), 2 a usage error."""


#: How writing to a stream fails. Nothing else that fails so gets as far as `run_line`: files are written by name.
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


def _give_up_stdout() -> None:
    """Nothing more goes to standard output, so that the interpreter does not try to flush it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _completion(environ: Mapping[str, str]) -> str | None:
    """What a shell sources to complete the words of both scripts, asked for in click's way; None where it is not."""
    shell, _, asks = environ.get("_CLAUDE_LOCAL_COMPLETE", "").partition("_")
    if asks != "source":
        return None
    from claude_local_plugin.cli.completion import SHELLS, source
    from claude_local_plugin.cli.group import scripts

    return source(shell, scripts()) if shell in SHELLS else None


def _at_once(argv: Sequence[str]) -> int | None:
    """Answers a call in which there is nothing to understand; returns its exit code, or None for any other call.

    People and prompts ask these again and again, and click alone would be half of what they wait for.
    """
    command, *options = argv or ("",)
    if command not in ("status", "explain-precedence") or options not in ([], ["--json"]):
        return None
    if command == "status":
        from claude_local_plugin.cli.show_status import show_status

        return show_status(as_json=bool(options))
    from claude_local_plugin.cli.show_explanation import show_explanation

    return show_explanation(as_json=bool(options))


def run_line(argv: Sequence[str], name: str = "claude-local") -> int:
    """Run one command line of a console script; returns the exit code. The one place that catches our errors."""
    # a stream that was closed before we began (`<&-`, `>&-`) is None; the lowest number first, which is the next given
    sys.stdin = sys.stdin or Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115
    sys.stdout, sys.stderr = (
        stream or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
        for stream in (sys.stdout, sys.stderr)
    )
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without é, or a file name that is no text, is no reason
    if "_CLAUDE_LOCAL_COMPLETE" in os.environ and (source := _completion(os.environ)) is not None:
        print(source)
        return 0
    try:
        code = _at_once(argv) if name == "claude-local" else None
        if code is None:
            gc.enable()  # what is not answered at once may go on for long
            from claude_local_plugin.cli.group import run

            code = run(argv, name)
        sys.stdout.flush()
    except ClaudeLocalError as error:
        printer = err()
        printer.prose(f"error: {error.message}", "bold red", whole=True)
        if error.hint:
            printer.prose(f"hint: {error.hint}", whole=True)
        return error.exit_code
    except BrokenPipeError:
        _give_up_stdout()  # the reader went away (`| head`): nothing is left to say
        return 1
    except OSError as error:
        if error.filename is not None or error.errno not in _UNWRITABLE:
            raise
        _give_up_stdout()
        err().line(f"error: standard output cannot be written: {error.strerror}", "bold red")
        return 1
    except KeyboardInterrupt:  # of what is answered at once; click has its own way, which ends the same
        print(file=sys.stderr)
        err().line("interrupted", "yellow")
        return 130
    return code
