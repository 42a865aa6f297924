"""A program that kills `enable` and `disable` with SIGKILL, again and again, and looks at what they leave behind.

Run as `python -m tests.commands.killing FOLDER HOW NUMBER`: FOLDER is an empty one to work in, HOW is "anytime" (NUMBER
kills, each at a random moment of a random command) or "everywhere" (before each single step that changes a disk, for
all commands; NUMBER is not used). Everything is imported once and each trial is a fork, so that hundreds take seconds.
Prints one JSON object: how many were killed and how many were through, and the faults found, none of which is good.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from claude_local_plugin import cli, git

LOCAL = Path(".claude", "settings.local.json")
EXCLUDE = Path(".git", "info", "exclude")

SETTINGS = b'{\r\n\t"permissions" : { "allow": ["Bash(make:*)"] },\r\n\t"env": {"ANTHROPIC_MODEL":"theirs"}\r\n}'

COMMANDS = {
    "enable": ("enable", "--no-check", "--url", "http://127.0.0.1:9", "--model", "m", "--max-model-len", "65536"),
    "enable another": (
        "enable",
        "--no-check",
        "--url",
        "http://127.0.0.2:9",
        "--model",
        "n",
        "--max-model-len",
        "40960",
    ),
    "disable": ("disable",),
}

#: What changes a disk, as Python's audit events call it, besides `open`, `os.mkdir` and `os.remove`.
STEPS = ("os.link", "os.rename", "os.rmdir", "os.chmod", "os.truncate", "sqlite3.connect")


class Project:
    """A repository with or without settings, and what it may look like at any moment."""

    def __init__(self, folder: Path, settings: bytes | None) -> None:
        self.folder = folder
        folder.mkdir()
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
        os.chdir(folder)
        if settings is not None:
            LOCAL.parent.mkdir()
            LOCAL.write_bytes(settings)
        self.before_was_there = settings is not None
        self.before = self.tree()
        self.faults: list[str] = []
        self.seconds = dict.fromkeys(COMMANDS, 0.0)
        plain = EXCLUDE.read_text()
        self.excludes = {plain, git.with_line(plain, f"/{LOCAL.as_posix()}")}
        self.texts = {settings}
        for name in ("enable", "enable another"):
            self.seconds[name] = self.whole(name)
            self.texts.add(LOCAL.read_bytes())
        self.seconds["disable"] = self.whole("disable")
        self.look("before the first trial", whole=True)

    def tree(self) -> dict[str, bytes | None]:
        """Every file and folder of the project, without what git keeps for itself."""
        paths = [path for path in sorted(self.folder.rglob("*")) if ".git" not in path.relative_to(self.folder).parts]
        found = {str(path): None if path.is_dir() else path.read_bytes() for path in paths}
        return found | {"exclude": EXCLUDE.read_bytes()}

    def whole(self, name: str) -> float:
        """Run a command to its end; the seconds it took."""
        began = time.monotonic()
        if (code := cli.run_line(COMMANDS[name])) != 0:
            self.faults.append(f"{name} ended with {code}")
        return time.monotonic() - began

    def look(self, when: str, *, whole: bool) -> None:
        """Note what is wrong with the files; after a `whole` disable everything must be as it was at first."""
        text = LOCAL.read_bytes() if LOCAL.exists() else None
        if text not in self.texts:
            self.faults.append(f"{when}: torn or lost settings: {text!r}")
        if EXCLUDE.read_text() not in self.excludes:
            self.faults.append(f"{when}: torn exclude file: {EXCLUDE.read_text()!r}")
        if whole and (now := self.tree()) != self.before:
            self.faults.append(f"{when}: not as before: {sorted(now.items() ^ self.before.items())!r}")
        if whole and (left := list(own().glob("ownership/*"))):
            self.faults.append(f"{when}: records left behind: {left}")


def own() -> Path:
    return Path(os.environ["HOME"]) / ".local" / "state" / "claude-local"


def start(arguments: tuple[str, ...], hook: Callable[[str, tuple[object, ...]], None] | None = None) -> int:
    """Run the command line in a fork, silently; its process id."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        if hook is not None:
            sys.addaudithook(hook)
        code = cli.run_line(arguments)
    finally:
        os._exit(code)


def killed(pid: int) -> bool:
    """Whether the process ended by our hand, or was through before."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def anytime(project: Project, number: int, chance: random.Random) -> int:
    """Random commands killed at random moments, each on what the last one left, until so many were hit on their way."""
    hits = trials = 0
    while hits < number and trials < 10 * number:
        trials += 1
        name = chance.choice(list(COMMANDS))
        pid = start(COMMANDS[name])
        time.sleep(chance.uniform(0.0, project.seconds[name]))
        os.kill(pid, signal.SIGKILL)
        hit = killed(pid)
        hits += hit
        # the machine may have become quicker or slower meanwhile: aim at its present speed
        project.seconds[name] *= 1.1 if hit else 0.8
        project.look(f"trial {trials}, {name}", whole=False)
        if trials % 20 == 0 or hits == number:
            project.whole("enable")
            litter(project)
            project.whole("disable")
            project.look(f"after trial {trials}", whole=True)
    return hits


def everywhere(project: Project) -> int:
    """Each command killed before each step that changes a disk, then finished by another run; how many were killed."""
    hits = 0
    for first, name in ((None, "enable"), ("enable", "enable another"), ("enable", "disable")):
        for step in range(100):
            if first is not None:
                project.whole(first)
            if not killed(start(COMMANDS[name], until(step))):
                break
            hits += 1
            project.look(f"{name}, step {step}", whole=False)
            if project.before_was_there and name != "disable":
                # half of the projects run the same again first, the others give the file back at once
                project.whole(name)
                litter(project)
            project.whole("disable")
            litter(project)
            project.look(f"{name}, step {step}, taken back", whole=True)
        project.whole("disable")
    return hits


def until(step: int) -> Callable[[str, tuple[object, ...]], None]:
    """An audit hook that kills the process just before the step of this number."""
    left = step

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if changes_a_disk(event, arguments):
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    return hook


def changes_a_disk(event: str, arguments: tuple[object, ...]) -> bool:
    """Whether what an audit event announces leaves a trace (that of a lock is of no consequence)."""
    path = str(arguments[0]) if arguments else ""
    match event:
        case "open":
            flags = arguments[2]
            return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR)) and not path.endswith(".lock")
        case "os.mkdir":
            return not Path(path).exists()
        case "os.remove":
            return Path(path).exists()
        case _:
            return event in STEPS


def litter(project: Project) -> None:
    """Note what lies beside the files once a run has gone through."""
    for folder in (project.folder, own()):
        for path in folder.rglob("*claude-local-new*"):
            project.faults.append(f"left beside the file: {path}")


def main(folder: Path, how: str, number: int) -> None:
    os.environ["HOME"] = str(folder / "home")
    (folder / "home").mkdir()
    answer = sys.stdout
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - for good: nobody reads it
    cli.run_line(["enable", "--no-check", "--url", "http://x:1", "--model", "m", "--dry-run", "--json"])  # imports all
    chance = random.Random(number)
    faults, hits = [], 0
    for name, settings in (("with settings", SETTINGS), ("without", None)):
        project = Project(folder / name, settings)
        hits += anytime(project, number // 2, chance) if how == "anytime" else everywhere(project)
        faults += project.faults
    faults += [] if cli.run_line(["sessions", "list", "--json"]) == 0 else ["the session log is damaged"]
    print(json.dumps({"killed": hits, "faults": faults}), file=answer)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
