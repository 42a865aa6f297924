"""What git thinks of a settings file, keeping one out of it, commits read and made: the only module that runs git."""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.precedence.locate import git_layout
from claude_local_plugin.text import printable


@dataclass(frozen=True, slots=True)
class Standing:
    """How a file stands in its repository; all False outside of git.

    `exclude_file` is this clone's list of what git is not to see; None where there is none of its own to write, and
    where the list leads elsewhere or cannot name the file, `unlisted` says why.
    """

    in_repository: bool = False
    tracked: bool = False
    ignored: bool = False
    exclude_file: Path | None = None
    exclude_line: str = ""
    problem: str | None = None
    unlisted: str | None = None


def standing(settings_file: Path) -> Standing:
    """Whether git tracks or ignores the file, and the line that would exclude it in this clone alone.

    Where git itself cannot be asked, `problem` says why and nothing is claimed.
    """
    existing = next((parent for parent in settings_file.parents if parent.is_dir()), None)
    layout = git_layout(existing) if existing else None
    if layout is None or not settings_file.is_relative_to(layout.root):
        return Standing()
    relative = settings_file.relative_to(layout.root).as_posix()
    try:
        tracked = _asked(layout.root, "ls-files", "--error-unmatch", "--", f":(literal){relative}")
        ignored = _asked(layout.root, "check-ignore", "-q", "--no-index", "--", relative)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Standing(in_repository=True, problem=f"git cannot be asked about {settings_file}: {error}")
    line = f"/{_pattern(relative)}"
    unlisted = _unlisted(layout.common_dir, line) if layout.common_dir else None
    exclude_file = layout.common_dir / _EXCLUDE if layout.common_dir and not unlisted else None
    return Standing(True, tracked, ignored, exclude_file, line, unlisted=unlisted)


#: Where in its own folder git has the list of what this clone is not to see.
_EXCLUDE = Path("info", "exclude")


def _unlisted(folder: Path, line: str) -> str | None:
    """Why the clone's list cannot have this line.

    Its name comes out of a folder that may be somebody else's: behind a link it could be any file of the user's, a
    shell's start file for one, and a folder's name would become a line of it.
    """
    listed = folder / _EXCLUDE
    if Path(os.path.realpath(listed)) != Path(os.path.realpath(folder)) / _EXCLUDE:
        return f"{listed} is a link, or lies behind one"
    if "\n" in line or "\r" in line:
        return "no list of git's can name a folder with a line's end in its name"
    return None


def _pattern(path: str) -> str:
    """The path as a line of an exclude file that means just this path."""
    return re.sub(r"([\\*?\[])", r"\\\1", path)


def with_line(text: str | None, line: str) -> str:
    """The exclude file's text with one more line; unchanged where the line is there already."""
    text = text or ""
    if line in text.splitlines():
        return text
    return f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n"


def without_line(text: str | None, line: str, before: str | None) -> str | None:
    """The exclude file's text as it was before `with_line`; None where the file was not there and is empty again."""
    if text is None:
        return None
    if text == with_line(before, line):
        return before
    kept = "".join(part for part in text.splitlines(keepends=True) if part.rstrip("\r\n") != line)
    return None if before is None and not kept else kept


#: What a repository's configuration may have git run or wait for, each switched off. A cloned folder's `.git/config`
#: is somebody else's: the file system monitor is a program of its choice, and so is a hook.
_QUIET = (
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.untrackedCache=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.pager=cat"),
    *("-c", "core.askPass=true"),
    *("-c", "credential.helper="),
    *("-c", "protocol.allow=never"),
    "--no-pager",
)

#: The same said with variables: no object is fetched to answer a question, by whatever transport, and nobody is asked.
_QUIET_ENVIRON = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_TERMINAL_PROMPT": "0",
}

#: How git says that the repository belongs to somebody else, whose configuration it therefore does not read.
_OWNER = "dubious ownership"


def _asked(folder: Path, *arguments: str) -> bool:
    """Git's yes (0) or no (1) to a question; raises OSError with its words where it gives neither."""
    ended = _git(folder, *arguments)
    if ended.returncode not in (0, 1):
        said = ended.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        if _OWNER in said:
            said = f"{folder} belongs to another user, and git reads no such repository"
        raise OSError(said or f"git ended with exit code {ended.returncode}")
    return ended.returncode == 0


#: Nobody's configuration, and the same author and date for everybody: the same files make the same commit.
_SAME_EVERYWHERE = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_NAME": "claude-local" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "claude-local@localhost" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_DATE": "2026-01-01T00:00:00+00:00" for who in ("AUTHOR", "COMMITTER")},
}


def commit_everything(folder: Path, message: str) -> str:
    """Makes the folder a repository with one commit of every file in it, ignored ones too; the commit's hash."""
    _answer(folder, "init", "--quiet", "--template=", "--initial-branch=main", environ=_SAME_EVERYWHERE)
    # it is thrown away: nobody waits until it would outlast a power cut
    own = ("-c", "core.autocrlf=false", "-c", "core.safecrlf=false", "-c", "gc.auto=0", "-c", "core.fsync=none")
    _answer(folder, *own, "add", "--all", "--force", "--", ".", environ=_SAME_EVERYWHERE)
    _answer(
        folder, *own, "commit", "--quiet", "--allow-empty", "--no-gpg-sign", "-m", message, environ=_SAME_EVERYWHERE
    )
    head = folder / ".git" / "refs" / "heads" / "main"
    if head.is_file():  # one process less, for which every trial waits
        return head.read_text(encoding="ascii").strip()
    return _answer(folder, "rev-parse", "HEAD").decode().strip()


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as it is written down."""

    hash: str
    parents: tuple[str, ...]
    message: str


def commit(folder: Path, word: str) -> Commit | None:
    """The commit that a word names in the repository around the folder; None where there is no such one."""
    try:
        asked = f"{word}^{{commit}}"
        name = _answer(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", asked).decode().strip()
    except ClaudeLocalError:
        _answer(folder, "rev-parse", "--git-dir")  # which says so where there is no repository at all
        return None
    head, _, message = _answer(folder, "cat-file", "commit", name).decode("utf-8", "replace").partition("\n\n")
    parents = tuple(line.removeprefix("parent ") for line in head.splitlines() if line.startswith("parent "))
    return Commit(name, parents, message)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a commit: its mode as git writes it, the name of its content, and how many bytes that has."""

    mode: str
    content: str
    size: int


def files_of(folder: Path, name: str) -> dict[str, Entry]:
    """The files of a commit, by their paths from the top; one of another repository (a submodule) has no bytes."""
    found = {}
    for row in _answer(folder, "ls-tree", "-r", "-l", "-z", "--full-tree", name).split(b"\0")[:-1]:
        said, _, path = row.partition(b"\t")
        mode, _, content, size = said.decode().split()
        found[os.fsdecode(path)] = Entry(mode, content, int(size) if size.isdecimal() else 0)
    return found


def contents(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Contents by their names, as they were committed: no filter and no line end of a configuration is applied."""
    wanted = list(dict.fromkeys(names))
    left, found = _answer(folder, "cat-file", "--batch", stdin="".join(f"{name}\n" for name in wanted).encode()), {}
    at = 0
    for name in wanted:
        end = left.index(b"\n", at)
        head = left[at:end].split()
        if head[-1] == b"missing":
            raise ClaudeLocalError(
                f"git in {printable(str(folder))} has not got the content {name}", "fetch the whole repository first"
            )
        found[name] = left[end + 1 : end + 1 + int(head[2])]
        at = end + 2 + int(head[2])
    return found


def _answer(
    folder: Path, *arguments: str, environ: Mapping[str, str] | None = None, stdin: bytes | None = None
) -> bytes:
    """What git prints; raises ClaudeLocalError with its words where it fails."""
    try:
        ended = _git(folder, *arguments, environ=environ, stdin=stdin, seconds=120)
    except FileNotFoundError as fault:
        raise ClaudeLocalError("git is not installed", "install git") from fault
    except subprocess.TimeoutExpired as fault:
        raise ClaudeLocalError(f"git takes too long in {printable(str(folder))}") from fault
    if ended.returncode != 0:
        said = ended.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise ClaudeLocalError(f"git in {printable(str(folder))}: {printable(said)}")
    return ended.stdout


def _git(
    folder: Path,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    seconds: float = 10,
) -> "subprocess.CompletedProcess[bytes]":
    """Git run in a folder with nothing of the caller's that begins with GIT_, but what is given."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        ["git", *_QUIET, "-C", str(folder), *arguments],
        env=inherited | _QUIET_ENVIRON | dict(environ or {}),
        input=stdin or b"",
        capture_output=True,
        timeout=seconds,
        check=False,
    )
