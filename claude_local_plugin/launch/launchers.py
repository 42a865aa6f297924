"""Launchers: small programs of ours in a folder on PATH, each of which runs one command on one backend.

A launcher says in its second and third line that it is ours and what it is for; nothing else is ever written over, or
removed.
"""

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from claude_local_plugin.core.files import content
from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.text import printable

#: What a launcher of ours has in its second line, behind the sign of a comment.
MARK = "a launcher of claude-local's (format 1)"
#: No launcher is longer (bytes).
LONGEST = 65_536

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
#: Names that would stand before what they are needed for.
_TAKEN = ("claude", "claude-local", "python", "python3", "sh")


@dataclass(frozen=True, slots=True)
class Launcher:
    """What a launcher runs: a command on a profile, on `cloud`, or (None) on the backend in effect where it is run."""

    name: str
    profile: str | None
    command: tuple[str, ...]
    python: str

    @property
    def words(self) -> tuple[str, ...]:
        """Our own words before the arguments that the launcher is given."""
        where = () if self.profile is None else ("--cloud",) if self.profile == "cloud" else (self.profile,)
        # -P: no module is taken from the folder that the launcher is run in
        return (self.python, "-P", "-m", "claude_local_plugin", "run", *where, "--", *self.command)


def checked(name: str, command: Sequence[str]) -> None:
    """Raise UsageError for a name that no launcher may have, and for a command that would be the launcher itself."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{printable(name)} cannot be the name of a launcher", "letters, digits and . _ + - alone, 64 at most"
        )
    if name.lower() in _TAKEN:
        raise UsageError(f"a launcher called {name} would stand before the program of that name", "choose another name")
    if not command or not command[0]:
        raise UsageError("no command for the launcher", "it stands behind --, as in: -- claude")
    if command[0] == name:
        raise UsageError(
            f"the launcher {name} would start itself for ever", "choose another name, or give the command with its path"
        )
    if any("\0" in word for word in command):
        raise UsageError("a word of the command has a NUL in it", "no program can be given such a word")


def default_folder(home: Path) -> Path:
    """Where launchers go, unless another folder is named: on PATH of most systems by itself."""
    return home / ".local" / "bin"


# --- text


def script(launcher: Launcher) -> str:
    """The launcher for POSIX shells."""
    words = " ".join(map(_quoted, launcher.words[1:]))
    gone = f"{launcher.name}: {launcher.python} is gone, with which claude-local was installed. Install it again, then"
    return "".join(
        f"{line}\n"
        for line in (
            "#!/bin/sh",
            f"# {MARK}",
            f"# {_told(launcher)}",
            f"python={_quoted(launcher.python)}",
            'if [ ! -x "$python" ]; then',
            f"    printf '%s\\n' {_quoted(f'{gone} this launcher, too.')} >&2",
            "    exit 127",
            "fi",
            f'exec "$python" {words} "$@"',
        )
    )


def batch(launcher: Launcher) -> str:
    """The launcher for Windows, by the documentation of cmd.exe: it runs in no test of ours."""
    words = " ".join(map(_for_cmd, launcher.words))
    lines = ("@echo off", f"rem {MARK}", f"rem {_told(launcher).replace('%', '%%')}", f"{words} %*")
    return "".join(f"{line}\r\n" for line in lines)


def _told(launcher: Launcher) -> str:
    """What is said of the launcher in itself, for `found`: one line of ASCII."""
    return json.dumps({"profile": launcher.profile, "command": list(launcher.command), "python": launcher.python})


def _quoted(word: str) -> str:
    """One word for any POSIX shell, to the byte."""
    return "'{}'".format(word.replace("'", "'\\''"))


def _for_cmd(word: str) -> str:
    if set(word) & set('"\r\n'):
        raise UsageError(f"{printable(word)} has a quote or a line's end in it, which cmd.exe cannot be given")
    if word and not set(word) & set(" \t&|<>()^,;=!%'`~"):
        return word
    backslashes = len(word) - len(word.rstrip("\\"))
    return '"{}{}"'.format(word.replace("%", "%%"), "\\" * backslashes)


def read(name: str, text: str) -> Launcher | None:
    """The launcher that a file's text is; None where it is none of ours."""
    lines = text.splitlines()
    for sign in ("# ", "rem "):
        if lines[1:2] == [sign + MARK] and len(lines) > 3 and lines[2].startswith(sign):
            told = lines[2].removeprefix(sign)
            return _launcher(name, told.replace("%%", "%") if sign == "rem " else told)
    return None


def _launcher(name: str, told: str) -> Launcher | None:
    try:
        said = json.loads(told)
        profile, command, python = said["profile"], said["command"], said["python"]
    except (ValueError, KeyError, TypeError):
        return None
    texts = isinstance(command, list) and all(isinstance(word, str) for word in (*command, python, profile or ""))
    return Launcher(name, profile, tuple(command), python) if texts else None


# --- files


def path_of(name: str, folder: Path, *, windows: bool) -> Path:
    """Where the launcher of this name is, or would be."""
    return folder / (f"{name}.cmd" if windows else name)


def at(path: Path) -> Launcher | None:
    """The launcher there; None where there is none of ours. A link is none, wherever it leads."""
    try:
        if path.is_symlink() or not path.is_file():
            return None
        text = content(str(path), LONGEST).decode("utf-8", "surrogateescape")
    except OSError:  # another user's, or gone meanwhile: either way none of ours
        return None
    return read(path.name.removesuffix(".cmd"), text)


def write(launcher: Launcher, path: Path, *, windows: bool) -> bool:
    """Write it, whole; False where it stands there already. Raises ClaudeLocalError for what is not ours."""
    text = (batch if windows else script)(launcher).encode("utf-8", "surrogateescape")
    ours = at(path)
    if ours is None and os.path.lexists(path):
        raise ClaudeLocalError(
            f"{path} is there already, and is no launcher of claude-local: it is left alone",
            "choose another name, or --dir",
        )
    if ours is not None and path.read_bytes() == text and path.stat().st_mode & 0o111:
        return False
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(text)
        new.chmod(0o755)
        if ours is None:
            os.link(new, path)  # which writes over nothing, whoever was quicker
        else:
            new.replace(path)
    except FileExistsError as error:
        raise ClaudeLocalError(f"{path} has just been made by somebody else", "try again") from error
    except OSError as error:
        raise ClaudeLocalError(
            f"{path}: cannot be written: {(error.strerror or str(error)).lower()}", "--dir names another folder"
        ) from error
    finally:
        new.unlink(missing_ok=True)
    return True


def remove(path: Path) -> Launcher:
    """Take it away, and say what it was; raises ClaudeLocalError where it is not ours."""
    launcher = at(path)
    if launcher is None:
        what = "is no launcher of claude-local: it is left alone" if os.path.lexists(path) else "is not there"
        raise ClaudeLocalError(
            f"{path} {what}", "`launcher list` shows claude-local's own there; --dir names another folder"
        )
    try:
        path.unlink()
    except OSError as error:
        raise ClaudeLocalError(f"{path}: cannot be removed: {(error.strerror or str(error)).lower()}") from error
    return launcher


def found(folder: Path) -> Iterator[tuple[Path, Launcher]]:
    """claude-local's launchers in a folder, by name."""
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return
    for path in paths:
        if (launcher := at(path)) is not None:
            yield path, launcher


def is_on_path(folder: Path, environ: Mapping[str, str]) -> bool:
    """Whether programs in the folder are found by their names."""
    return any(
        entry and os.path.realpath(entry) == os.path.realpath(folder)
        for entry in environ.get("PATH", os.defpath).split(os.pathsep)
    )


def is_runnable(python: str) -> bool:
    """Whether a launcher's interpreter is still there."""
    try:
        return bool(stat.S_IMODE(Path(python).stat().st_mode) & 0o111)
    except OSError:
        return False
