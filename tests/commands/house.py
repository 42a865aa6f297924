"""A home and a project in it, in the network of `tests.commands.lan`; and what was printed there, typed again."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claude_local_plugin.core.registration import PATIENT
from tests.commands.lan import KEY, MODEL, OPEN, Called, Lan, Typed
from tests.commands.printed import Made

#: What a session says of itself in an event, as Claude Code sends it.
SESSION = "5e551011-0000-4000-8000-000000000001"


@dataclass
class House:
    """A home and a project in it, a shell's environment, and a network that has the servers elsewhere."""

    lan: Lan
    home: Path
    shell: dict[str, str] = field(default_factory=dict)
    #: The folder commands are called and typed in; the project where nothing else is said.
    folder: Path | None = None
    #: What was in the home before anything was done in it.
    found_first: dict[str, float] = field(default_factory=dict)

    @classmethod
    def new(cls, lan: Lan) -> "House":
        """One in which nothing was done yet, always in the same place: the one before is gone."""
        home = lan.folder / "home"
        for old in (home, home.with_name("pristine")):
            shutil.rmtree(old, ignore_errors=not old.exists())
        house = cls(lan, home)
        house.project.mkdir(parents=True)
        house.write(home / ".claude.json", {"hasCompletedOnboarding": True})
        house.found_first = house.found()
        return house

    @property
    def project(self) -> Path:
        return self.home / "shop"

    @property
    def local(self) -> Path:
        return self.project / ".claude" / "settings.local.json"

    @property
    def shared(self) -> Path:
        return self.project / ".claude" / "settings.json"

    @property
    def user(self) -> Path:
        return self.home / ".claude" / "settings.json"

    @property
    def state(self) -> Path:
        return self.home / ".local" / "state" / "claude-local"

    @property
    def config(self) -> Path:
        return self.home / ".config" / "claude-local" / "config.toml"

    @property
    def programs(self) -> Path:
        """A folder that stands first on PATH."""
        return self.home / "bin"

    @property
    def cwd(self) -> Path:
        return self.folder or self.project

    @property
    def environ(self) -> dict[str, str]:
        path = os.pathsep.join((str(self.programs), str(Path(sys.executable).parent), "/usr/bin", "/bin"))
        own = {"PATH": path, "HOME": str(self.home), "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1", "TERM": "dumb"}
        return {**own, **self.shell}

    def found(self) -> dict[str, float]:
        """Everything below the home, and when it was last changed."""
        return {str(path): path.lstat().st_mtime for path in (self.home, *self.home.rglob("*"))}

    # --- doing

    def type(self, line: str, answers: str = "y\n") -> Typed:
        """Type a line into a new shell."""
        return self.lan.type(line, cwd=self.cwd, environ=self.environ, answers=answers)

    def call(self, *arguments: str) -> Called:
        """Run `claude-local` with these arguments, whatever comes of it."""
        return self.lan.call(arguments, cwd=self.cwd, environ=self.environ)

    def advised(self, function: str) -> Called:
        """Have a function of `tests.commands.advised` print something."""
        return self.lan.call((), cwd=self.cwd, environ=self.environ, function=function)

    def ok(self, *arguments: str) -> Called:
        """Run `claude-local`; it must end well."""
        ended = self.call(*arguments)
        assert ended.code == 0, f"{arguments}: exit {ended.code}\n{ended.out}\n{ended.err}"
        return ended

    def enable(self, *more: str) -> None:
        """Enable, for the open server where no URL is among the options.

        Many begin with that: what it made of a home in which nothing was before is kept, and put into the next such.
        """
        arguments = ("enable", "--yes", *(() if "--url" in more else ("--url", OPEN)), *more)
        asked = (str(self.home), arguments, tuple(sorted(self.shell.items())))
        as_new = self.folder is None and not self.lan.serving and self.found() == self.found_first
        if as_new and asked in self.lan.kept:
            shutil.copytree(self.lan.kept[asked], self.home, symlinks=True, dirs_exist_ok=True)
            return
        self.ok(*arguments)
        if as_new:
            self.lan.kept[asked] = self.lan.folder / f"kept-{len(self.lan.kept)}"
            shutil.copytree(self.home, self.lan.kept[asked], symlinks=True)

    def hook(self, event: str, **fields: Any) -> Called:
        """Run our hook for an event of a session here, with the environment of the settings in effect."""
        env: dict[str, str] = {}
        for path in (self.user, self.shared, self.local):
            if path.exists():
                env |= {name: str(value) for name, value in json.loads(path.read_text()).get("env", {}).items()}
        environ = {**self.environ, **env, "CLAUDE_PROJECT_DIR": str(self.project)}
        whole = {"hook_event_name": event, "session_id": SESSION, "cwd": str(self.project), "transcript_path": ""}
        return self.lan.call(
            ["--state", str(self.state), PATIENT], cwd=self.project, environ=environ, event={**whole, **fields}
        )

    def serve(self, name: str, port: int, **options: Any) -> str:
        """Start another server; gives its URL."""
        return self.lan.serve(name, port, **options)

    def git(self, *arguments: str) -> str:
        """Run git in the project, with nobody's configuration."""
        environ = {**self.environ, "GIT_CONFIG_GLOBAL": os.devnull}
        for who in ("AUTHOR", "COMMITTER"):
            environ |= {f"GIT_{who}_NAME": "a", f"GIT_{who}_EMAIL": "a@example.com"}
        ended = subprocess.run(
            ["git", *arguments], cwd=self.project, env=environ, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    # --- files

    def write(self, path: Path, content: str | Mapping[str, Any]) -> None:
        """Put a file there, with the folders above it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2) + "\n")

    def change(self, path: Path, **env: str | None) -> None:
        """Edit variables of a settings file by hand; None takes one out."""
        settings = json.loads(path.read_text()) if path.exists() else {}
        block = settings.setdefault("env", {})
        for name, value in env.items():
            if value is None:
                block.pop(name, None)
            else:
                block[name] = value
        self.write(path, settings)

    def program(self, name: str, text: str) -> None:
        """Put a program on PATH."""
        self.write(self.programs / name, text)
        (self.programs / name).chmod(0o755)

    def editor(self, script: str) -> None:
        """An editor that edits by itself: a Python program, told of `path` and `line`."""
        head = f"#!{sys.executable}\nimport sys, json, pathlib\npath = pathlib.Path(sys.argv[-1])\nline = sys.argv[1]\n"
        self.program("nano", head + script + "\n")
        self.shell["EDITOR"] = "nano"

    def env(self, path: Path | None = None) -> dict[str, Any]:
        """The env block of a settings file, the local one by default; empty where there is none."""
        found = path or self.local
        block = json.loads(found.read_text()).get("env", {}) if found.exists() else {}
        assert isinstance(block, dict)
        return block

    def contents(self) -> dict[str, tuple[int, bytes]]:
        """Mode and bytes of every file but our own state's."""
        files = (path for path in self.home.rglob("*") if path.is_file() and not path.is_relative_to(self.state))
        return {str(path): (path.stat().st_mode, path.read_bytes()) for path in files}


# --- what was printed


def shown(ended: Called) -> str:
    """Everything that was printed, with what JSON hides in its strings as people would see it."""
    try:
        return "\n".join((*_strings(json.loads(ended.out)), ended.err))
    except ValueError:
        return ended.all


def _strings(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, Sequence):
        for each in value:
            yield from _strings(each)


def filled(line: str, fill: Mapping[str, str]) -> str:
    """The line with what stands for something put in, as its reader would."""
    for name, value in fill.items():
        line = re.sub(rf"(?<![\w/.-]){re.escape(name)}(?![\w-])", lambda _, value=value: value, line)  # type: ignore[misc]
    return line


# --- read by every shell

_STUB = '#!/bin/sh\nprintf "%s\\0" "${0##*/}" "$@" >"$RECORD/$$"\n'
#: What a shell does itself.
_BUILT_IN = ("unset", "cd", "export")


@dataclass(frozen=True)
class Read:
    """What a shell made of a line: the words of each program it would have started, and the variables at its end."""

    programs: list[list[str]]
    environ: Mapping[str, str]


def read_by(shell: str, line: str, programs: Iterable[str], home: Path) -> Read:
    """Have a shell read the line where every program only notes how it was called."""
    path = shutil.which(shell)
    assert path is not None
    with tempfile.TemporaryDirectory(prefix="shells-") as name:
        folder = Path(name)
        (folder / "bin").mkdir()
        for program in {*programs, "at-the-end"}:
            stub = folder / "bin" / program.rpartition("/")[2]
            if program.startswith(f"{home}/"):  # one that the line itself would have made
                stub = Path(program)
                stub.parent.mkdir(parents=True, exist_ok=True)
            stub.write_text('#!/bin/sh\n/usr/bin/env -0 >"$RECORD.env"\n' if program == "at-the-end" else _STUB)
            stub.chmod(0o755)
        record = folder / "record"
        record.mkdir()
        environ = {"PATH": str(folder / "bin"), "HOME": str(home), "LANG": "C.UTF-8", "RECORD": str(record)}
        options = {"fish": ["--no-config"], "zsh": ["-f"], "bash": ["--noprofile", "--norc"]}[shell]
        plainly = "functions --erase ls\n" if shell == "fish" else ""  # its own wrapper, which adds colours
        ended = subprocess.run(
            [path, *options, "-c", f"{plainly}{line}\nat-the-end"],
            cwd=home,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert Path(f"{record}.env").exists(), f"{shell} does not read {line!r} to its end: {ended.stderr}"
        found = [note.read_bytes().split(b"\0")[:-1] for note in record.iterdir()]
        pairs = (row.partition(b"=") for row in Path(f"{record}.env").read_bytes().split(b"\0"))
        variables = {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, _, value in pairs}
    return Read([[word.decode("utf-8", "surrogateescape") for word in words] for words in found], variables)


def meant(line: str, made: Iterable[Made], fill: Mapping[str, str], home: Path) -> list[list[str]]:
    """The words of each command within a line, as the constructor was given them, in the line's order."""
    found: dict[int, Made] = {}
    for each in made:
        text = filled(each.text, fill)
        for place in re.finditer(rf"(?<!\S){re.escape(text)}(?!\S)", line) if each.words else ():
            if place.start() not in found or len(found[place.start()].text) < len(each.text):
                found[place.start()] = each
    wanted, end = [], 0
    for start in sorted(found):
        if start >= end:
            words = found[start].words
            wanted.append([_word(word, fill, home) if place else _placed(word, fill) for word, place in words])
            end = start + len(filled(found[start].text, fill))
    return wanted


def _placed(word: str, fill: Mapping[str, str]) -> str:
    return filled(word, {name: value for name, value in fill.items() if name.isupper()})


def _word(word: str, fill: Mapping[str, str], home: Path) -> str:
    text = filled(word, fill)
    return f"{home}{text[1:]}" if text.startswith("~/") else text


def assert_read_alike(shells: Iterable[str], line: str, words: list[list[str]], home: Path) -> None:
    """Every shell reads the line as these words and starts nothing else."""
    for each in words:
        if each[0].startswith("/") and not each[0].startswith(f"{home}/"):
            # nothing can be put in its place, and it would really run: by its name it is one that only notes how
            assert shlex.quote(each[0]) in line, line
            line = line.replace(shlex.quote(each[0]), each[0].rpartition("/")[2])
    programs = [each for each in words if each[0] not in _BUILT_IN]
    for shell in shells:
        read = read_by(shell, line, [each[0] for each in programs], home)
        # what stands behind `||` is for when it fails, and what only notes how it was called does not
        called = [each[: each.index("||")] if "||" in each else each for each in programs]
        plain = [[each[0].rpartition("/")[2], *each[1:]] for each in called]
        assert sorted(read.programs) == sorted(plain), f"{shell} reads {line!r} as {read.programs}"
        for each in words:
            if each[0] == "export":
                assert read.environ.get(each[1]) == each[2], f"{shell}: {line!r}"
            elif each[0] == "unset":
                assert each[1] not in read.environ


# --- places to build on


def handmade(house: House, **env: str) -> None:
    """The server as people write it into their settings after a blog post."""
    block = {"ANTHROPIC_BASE_URL": OPEN, "ANTHROPIC_AUTH_TOKEN": "claude-local", "ANTHROPIC_MODEL": MODEL, **env}
    house.write(house.local, {"env": block})


def enabled(house: House) -> None:
    """Enabled, in a folder that is trusted."""
    house.enable()
    house.write(house.home / ".claude.json", trusting(house))


def trusting(house: House) -> Mapping[str, Any]:
    """What Claude Code keeps of somebody who has started it here before."""
    return {"hasCompletedOnboarding": True, "projects": {str(house.project): {"hasTrustDialogAccepted": True}}}


def enabled_with(**env: str | None) -> Callable[[House], None]:
    """Enabled, and then changed by hand."""

    def build(house: House) -> None:
        enabled(house)
        house.change(house.local, **env)

    return build


def guarded(house: House) -> None:
    """Enabled for the server that asks for a key."""
    house.shell["MY_KEY"] = KEY
    house.enable("--url", OPEN.replace("8000", "8001"), "--token-env", "MY_KEY")
