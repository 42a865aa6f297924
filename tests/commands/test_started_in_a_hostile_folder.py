"""Every command, hook and child of ours in a folder full of Python files with names that somebody imports.

Whoever wrote the folder (a cloned repository) must not have a line of Python run by starting a command of ours there,
and a project that happens to have a `json.py` must not break one.
"""

import importlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import packages_distributions
from pathlib import Path

import click
import pytest

from claude_local_plugin.cli import COMMANDS
from claude_local_plugin.core.registration import WARM_UP
from claude_local_plugin.fake_server.server import EmbeddedBackend
from tests.commands.place import MODEL
from tests.sources import modules

pytestmark = pytest.mark.process

TOP = Path(__file__).parent.parent.parent

#: Each command, once as it is typed. SERVER stands for a model server's address, CLIENT for a `claude`.
TYPED = (
    "audit --allow SERVER",
    "bench --url SERVER --model MODEL --concurrency 1 --turns 1 --prompt-tokens 500 --answer-tokens 2 --plot plot.png",
    "config get on_dead_backend",
    "config list",
    "config path",
    "config set on_dead_backend warn",
    "config unset on_dead_backend",
    "demo --hooks-only",
    "enable --url SERVER --model MODEL --statusline --yes",
    "enable --url SERVER --model MODEL --dry-run --json",
    "env --url SERVER --model MODEL",
    "env --url SERVER --model MODEL --write",
    "env --unset --write",
    "launcher install mine -- ls",
    "launcher list",
    "launcher remove mine",
    "enable --url SERVER --model MODEL --vscode --yes",
    "disable --vscode",
    "status",
    "status --json",
    "explain-precedence",
    "explain-precedence --json",
    "doctor",
    "doctor --deep --json",
    "doctor --fix --yes",
    "doctor --list",
    "doctor --server-log server.log",
    "up --port 1 --dry-run -- ls",
    "up --port 1 --yes -- ls",
    "logs",
    "down",
    "hooks status",
    "hooks uninstall",
    "hooks install",
    "managed render --url SERVER --model MODEL",
    "privacy --level airgap --json",
    "privacy --prove --claude CLIENT",
    "profile add box --url SERVER --model MODEL",
    "profile list",
    "profile show box",
    "profile edit box model=MODEL",
    "profile use box --yes",
    "profile export box",
    "profile import no-such-file.toml",
    "profile trust --yes",
    "profile remove box --yes",
    "use no-such-profile",
    "token no-such-profile",
    "report --force",
    "rescue last",
    "uninstall --yes",
    "run --url SERVER --model MODEL -- ls",
    "sessions list",
    "sessions show no-such-session",
    "sessions stats",
    "sessions tail",
    "sessions export",
    "sessions prune --older-than 1d --yes",
    "sessions push --to http://127.0.0.1:9 --dry-run",
    "sessions team init postgresql://127.0.0.1:9/team",
    "sessions team status --from postgresql://127.0.0.1:9/team",
    "statusline",
    "statusline --wrap 'echo theirs'",
    "verify --claude CLIENT --cases 1",
    "warmup --url SERVER --model MODEL",
    "watch --url SERVER --interval 0.2 --once",
    "disable",
    "completion bash",
    "recipe render qwen3-coder-next --hardware gb10",
    "recipe lint no-such-file.yml",
    "recipe fit --json",
    "recipe list",
    "recipe show qwen3-coder-next",
    f"recipe add --from {TOP}/claude_local_plugin/recipes/data/models/gpt-oss-20b.toml --force",
    "recipe lint --url SERVER",
    "recipe lint -",
    "recipe litellm --backend SERVER --model MODEL",
    "recipe production-stack --backend SERVER",
    "recipe prometheus --backend SERVER",
    "recipe grafana",
    "recipe otel",
    "eval --list",
    "eval --show no-such.jsonl",
    "eval --url SERVER --budget 0",
    "eval --list --suite . --json",
    "eval new a-task",
    "eval check a-task",
    "eval check . --json",
    "eval from-git HEAD",
    "--version",
    "--help",
)


def test_no_command_is_left_out() -> None:
    words = {" ".join(line.split()[:2]) for line in TYPED} | {line.split()[0] for line in TYPED}
    for name, (module, _) in COMMANDS.items():
        command = getattr(importlib.import_module(f"claude_local_plugin.cli.{module}"), name.replace("-", "_"))
        parts = command.list_commands(click.Context(command)) if isinstance(command, click.Group) else []
        wanted = [f"{name} {part}" for part in parts] if parts else [name]
        assert set(wanted) <= words


@pytest.fixture(scope="module")
def marks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where every hostile file leaves its name when it is run."""
    return tmp_path_factory.mktemp("marks")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, marks: Path) -> Path:
    """A folder with a file for each module that anybody here may import, and a package that is called as ours."""
    folder = tmp_path_factory.mktemp("hostile")
    names = {*sys.stdlib_module_names, *packages_distributions(), "sitecustomize", "usercustomize", "evil"}
    assert {"struct", "json", "socket", "re", "click", "httpx", "claude_local_plugin"} <= names
    for name in names:
        (folder / f"{name}.py").write_text(f"open({str(marks / name)!r}, 'w').close()\n")
    package = folder / "claude_local_plugin" / "conformance"
    package.mkdir(parents=True)
    for path in (package, package.parent):
        for name in ("__init__", "__main__", "worker", "cli", "core"):
            (path / f"{name}.py").write_text(f"open({str(marks / f'ours-{name}')!r}, 'w').close()\n")
    (folder / "matplotlibrc").write_text("backend: module://evil\n")
    for name in ("unshare", "openssl", "git", "mount", "claude", "bash", "sh", "ssh", "nvidia-smi", "python3"):
        (folder / name).write_text(f"#!/bin/sh\n: > {shlex.quote(str(marks / f'program-{name}'))}\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def client(tmp_path: Path) -> Path:
    """A program that is no Claude Code, which is found out by asking it in a box."""
    program = tmp_path / "no-client"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    return program


def run(argv: list[str], folder: Path, *, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"], **environ},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def nothing_ran(marks: Path) -> None:
    found = sorted(path.name for path in marks.iterdir())
    for path in marks.iterdir():
        path.unlink()
    assert found == []


def started(*, as_module: bool = False) -> list[str]:
    script = str(Path(sysconfig.get_path("scripts")) / "claude-local")
    return [sys.executable, "-P", "-m", "claude_local_plugin"] if as_module else [script]


@pytest.mark.parametrize("typed", TYPED)
def test_a_command_runs_no_file_of_the_folder_it_is_started_in(
    hostile: Path, marks: Path, server: EmbeddedBackend, client: Path, typed: str
) -> None:
    words = typed.replace("SERVER", server.url).replace("MODEL", MODEL).replace("CLIENT", str(client))
    ended = run([*started(), *shlex.split(words)], hostile, stdin="{}")
    nothing_ran(marks)
    assert "Traceback" not in ended.stderr
    assert ended.returncode in (0, 1, 2), ended.stderr


@pytest.mark.parametrize("path", ["", ".", ":/usr/bin"])
@pytest.mark.parametrize(
    "typed", ["explain-precedence", "verify --claude CLIENT --cases 1", "recipe fit", "recipe fit --host no-such-box"]
)
def test_what_is_relative_in_path_and_pythonpath_is_not_for_us(
    hostile: Path, marks: Path, client: Path, tmp_path: Path, typed: str, path: str
) -> None:
    asked = [sys.executable, "-c", "import re, sys; print(*sys.modules)"]
    before_us = {"claude_local_plugin", "sitecustomize", "usercustomize", *run(asked, tmp_path).stdout.split()}
    folder = tmp_path / "hostile"
    folder.mkdir()
    for source in hostile.iterdir():
        if source.is_file() and source.stem not in before_us:
            shutil.copy(source, folder)
    ended = run(
        [*started(), *shlex.split(typed.replace("CLIENT", str(client)))],
        folder,
        PATH=f"{path}:/usr/bin:/bin",
        PYTHONPATH=path,
    )
    nothing_ran(marks)
    assert "Traceback" not in ended.stderr
    assert ended.returncode in (0, 1, 2), ended.stderr


def test_every_interpreter_of_ours_is_started_in_one_place() -> None:
    """A started interpreter is named in `isolated`, or has the hooks' flags beside it."""
    package = TOP / "claude_local_plugin"
    for path in modules(package):
        for line in path.read_text(encoding="utf-8").splitlines():
            starts = re.search(r"[\[(]\s*sys\.executable\s*,", line)
            assert not starts or path.name == "isolated.py" or re.search(r'INTERPRETER_FLAGS|, "-I"', line), (
                f"{path}: {line}"
            )


def test_as_a_module_it_is_safe_with_python_s_own_option(hostile: Path, marks: Path) -> None:
    ended = run([*started(as_module=True), "hooks", "status"], hostile)
    nothing_ran(marks)
    assert ended.returncode == 0, ended.stderr


def test_a_hook_runs_no_file_of_the_folder_it_is_started_in(
    hostile: Path, marks: Path, server: EmbeddedBackend
) -> None:
    ended = run([*started(), "enable", "--url", server.url, "--model", MODEL, "--statusline", "--yes"], hostile)
    assert ended.returncode == 0, ended.stderr
    settings = json.loads((hostile / ".claude" / "settings.local.json").read_bytes())
    event = {"session_id": "s", "cwd": str(hostile), "transcript_path": "", "source": "startup", "prompt": "x"}
    for name, groups in settings["hooks"].items():
        for handler in (handler for group in groups for handler in group["hooks"]):
            argv = [handler["command"], *handler["args"]]
            payload = json.dumps({**event, "hook_event_name": name})
            ended = run(argv, hostile, stdin=payload, PYTHONPATH=".", **settings["env"])
            assert (ended.returncode, ended.stderr) == (0, "")
            ended = run([*argv, WARM_UP], hostile, PYTHONPATH=".", **settings["env"])
            assert "Traceback" not in ended.stderr
    ended = run(["/bin/sh", "-c", settings["statusLine"]["command"]], hostile, stdin="{}", PYTHONPATH=".")
    assert ended.returncode == 0
    assert ended.stderr == ""
    nothing_ran(marks)


@pytest.mark.parametrize("path", ["/usr/bin:/bin", ".:/usr/bin:/bin", ":/usr/bin:/bin"])
def test_the_plugin_s_finder_runs_no_file_of_the_folder_it_is_started_in(hostile: Path, marks: Path, path: str) -> None:
    event = {"session_id": "s", "cwd": str(hostile), "transcript_path": "", "hook_event_name": "SessionStart"}
    command = ["/bin/sh", str(TOP / "hooks" / "find_python.sh")]
    ended = run(command, hostile, stdin=json.dumps({**event, "source": "startup"}), PATH=path, PYTHONPATH=".")
    nothing_ran(marks)
    assert ended.returncode == 0
