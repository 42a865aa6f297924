"""Every command that is shown to be typed runs just what it says, whatever a repository or a server calls things."""

import ast
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import claude_local_plugin
from claude_local_plugin.cli import COMMANDS
from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from tests.commands.place import Place
from tests.sources import modules

PACKAGE = Path(claude_local_plugin.__file__).parent

#: How a command begins that somebody may paste.
PROGRAMS = (
    *("claude-local", "git", "export", "unset", "cd", "chmod", "ssh", "curl", "pip", "vllm", "docker", "kill", "rm"),
    *("ollama", "llama-server", "sqlite3", "less", "ls", "df", "sudo", "systemctl", "getent", "ping"),
)
BEGINS = re.compile(rf"(?:^|[\s:;,(`&])(?:{'|'.join(PROGRAMS)}) (?=\S)")

#: What says "claude-local" or "git" in a sentence and is no command, or whose value is not a word of the command.
NO_COMMANDS = {
    *(
        "__main__.py",
        "config/reading.py",
        "git.py",
        "sessionlog/store.py",
        "core/shell.py",
        "sessionlog/queries/reading.py",
    ),
    *("launch/shells/posix.py", "settings/file.py", "settings/record.py"),
    *("report/page.py", "report/evaluation_page.py"),
    *("deploy/host.py", "deploy/running.py"),  # scripts that are run, each word by the constructor's own quoting
}
#: Text whose inserted value was made by the constructor.
MADE = {"again", "away", "enable"}


def _loose(path: Path) -> Iterator[str]:
    """Where text with a command in it has a value put into that command."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = node.values
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
            parts = [node.left, node.right]
        else:
            continue
        text = "".join(
            part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else f"\0{_name(part)}\0"
            for part in parts
        )
        if (found := BEGINS.search(text)) and (values := set(re.findall("\0(.*?)\0", text[found.start() :])) - MADE):
            yield f"{path.relative_to(PACKAGE).as_posix()}:{node.lineno}: {', '.join(values)} in {text!r}"


def _name(part: ast.expr) -> str:
    return ast.unparse(part.value if isinstance(part, ast.FormattedValue) else part)


def test_no_value_is_put_into_a_command_but_by_the_constructor() -> None:
    found = [
        loose
        for path in modules(PACKAGE)
        if path.relative_to(PACKAGE).as_posix() not in NO_COMMANDS
        for loose in _loose(path)
    ]
    assert not found, "\n".join(found)


def test_a_value_in_a_command_would_be_seen(tmp_path: Path) -> None:
    path = PACKAGE / "core" / "shell.py"
    assert any("quoted(name)" in loose for loose in _loose(path))


#: Texts that name a command without printing it to be typed.
NAMED = {
    "bench/compare.py: that is no report of claude-local bench",
    "commands/bench.py:  is no report of claude-local bench",
    "conformance/network.py: /CN=claude-local verify",
    'report/page.py: <meta name="generator" content="claude-local report',
    'report/evaluation_page.py: <meta name="generator" content="claude-local eval',
    "commands/eval_page.py: a page of claude-local eval",
    "commands/config.py: ssh box docker compose up -d",  # an example of a value
    "hook_runtime/statusline.py: claude-local statusline draws the status line of a session",  # typed in tests/commands
    # what to do on the machine of a server: fixed texts, into which nothing of a log is put
    "server_log/failures/",
    # scripts that are run
    "deploy/running.py: docker ps",
    "deploy/running.py: systemctl --user is-active",
    "deploy/running.py: kill -s",
    "deploy/host.py: ssh ",  # a program, in a sentence
    # a shell says it where nothing of ours is left
    'core/registration.py: echo \'{"systemMessage":"the hooks of claude-local do nothing',
}
#: A whole command that stands in the source as text: one of ours anywhere, one of others' at the beginning.
WHOLE = re.compile(
    rf"(?:(?<!`)\bclaude-local (?:{'|'.join(sorted(COMMANDS))})\b"
    r"|^(?:edit|export|unset|curl|chmod|rm|ssh|sudo|kill|docker|systemctl|sqlite3|npm|pip|vllm|ollama|lms) [^ ]"
    r"|^less [./~]|^(?:git|claude) (?:-|rm |log |add |auth |update|mcp |/))"
)


def _written_out(path: Path) -> Iterator[str]:
    """Where a command stands whole in a text, rather than in the words that the constructor is given."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    name = path.relative_to(PACKAGE).as_posix()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            text = f"{name}: {node.value}"
            if WHOLE.search(node.value) and not any(text.startswith(named) for named in NAMED):
                yield text


def test_no_command_is_written_out_but_by_the_constructor() -> None:
    found = [text for path in modules(PACKAGE) for text in _written_out(path)]
    assert not found, "\n".join(found)


# --- pasted into real shells

EVIL = "$(touch${IFS}PWNED)"
SHELLS = [shell for shell in ("bash", "zsh", "fish") if shutil.which(shell)]


@pytest.fixture
def place(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Place:
    """A cloned repository in a folder with a hostile name."""
    project = tmp_path / "q;touch PWNED;`touch PWNED`$(touch PWNED)'&\"it"
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setenv("PATH", "/usr/local/bin:/usr/bin:/bin")
    made = Place(home, project, capsys)
    made.git("init", "--quiet", "--initial-branch", "main")
    return made


def _hostile(place: Place, url: str) -> None:
    """Settings of a repository that wants its text run."""
    headers = f"X-{EVIL}: 1\nAuthorization: Bearer {EVIL}"
    env = {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_MODEL": f"m;touch PWNED;{EVIL}", "ANTHROPIC_CUSTOM_HEADERS": headers}
    env |= {"ANTHROPIC_AUTH_TOKEN": "sk-secret-of-the-repository", f"X;touch PWNED;{EVIL}": "1"}
    env |= {"CLAUDE_CODE_OAUTH_TOKEN": EVIL, f"LD_PRELOAD{EVIL}": "1", "HTTP_PROXY": f"http://{EVIL}:1"}
    place.write(place.shared, json.dumps({"env": env, "apiKeyHelper": f"echo {EVIL}", "statusLine": {"type": 5}}))
    place.write(place.local, json.dumps({"env": env}))
    place.git("add", "--force", ".")


#: What stands before a command in what is printed, and what may stand behind it.
_BEFORE = re.compile(rf"(?:^|[\s(]|: )((?:{'|'.join(PROGRAMS)}) .*)$")
_BEHIND = re.compile(r"\s{2,}\(.*$|   then: |, then |\)$| says more$| first$| measures the same$")


def _commands(printed: str) -> set[str]:
    """Every command in what was printed, from its program's name to the end of the line or what explains it."""
    found = set()
    for line in printed.splitlines():
        line = re.sub(r"^\s*(?:fix|hint|undo|Undo|why): ?", "", line)
        if match := _BEFORE.search(line):
            for part in re.split(r"   then: |, then | && |, and there: ", match[1]):
                found.add(_BEHIND.split(part)[0])
    return found


CALLS = [
    ("status",),
    ("explain-precedence",),
    ("doctor",),
    ("doctor", "--fix", "--dry-run"),
    ("enable",),
    ("enable", "--url", "URL", "--yes"),
    ("enable", "--url", "URL", "--token-env", f"K;touch PWNED;{EVIL}"),
    ("enable", "--url", "URL", "--header-env", f"X-A=K;touch PWNED;{EVIL}"),
    ("doctor", "--url", "URL", "--token-env", f"K;touch PWNED;{EVIL}"),
    ("bench", "--apply"),
    ("warmup",),
    ("hooks", "status"),
    ("hooks", "install", "--dry-run"),
    ("sessions", "list"),
    ("sessions", "show", f"x;touch PWNED;{EVIL}"),
    ("config", "set", "--project", ".", "allowed_backends", f"x;{EVIL}"),
    ("audit",),
    ("disable",),
]


@pytest.mark.parametrize("shell", SHELLS)
def test_pasting_what_any_command_prints_runs_nothing_of_the_repositorys(
    place: Place, tmp_path: Path, shell: str
) -> None:
    paste = tmp_path / "paste"
    programs = tmp_path / "programs"
    programs.mkdir()
    paste.mkdir()
    for program in PROGRAMS:
        if program not in ("export", "unset", "cd"):  # which every shell has itself, and which do no harm here
            (programs / program).symlink_to(shutil.which("true") or "/bin/true")
    (programs / "touch").symlink_to(shutil.which("touch") or "/usr/bin/touch")
    (programs / "printf").symlink_to(shutil.which("printf") or "/usr/bin/printf")
    program = shutil.which(shell)
    assert program
    printed: set[str] = set()
    with EmbeddedBackend(models=(Model(f"m;touch PWNED;{EVIL}", 65_536), Model(f"n`touch PWNED`{EVIL}"))) as server:
        for url in (f"{server.url}/{EVIL}", f"http://127.0.0.1:9/{EVIL}", f"http://{EVIL}.example:9"):
            _hostile(place, url)
            for call in CALLS:
                words = [server.url if word == "URL" else word for word in call]
                printed |= _commands(place.run(*words).all)
    assert len(printed) > 10
    environ = {"PATH": str(programs), "HOME": str(tmp_path)}
    for command in sorted(printed):
        options = ["--no-config"] if shell == "fish" else ["-f"] if shell == "zsh" else ["--norc"]
        subprocess.run([program, *options, "-c", command], cwd=paste, env=environ, capture_output=True, timeout=60)
        assert not list(paste.iterdir()), f"{shell} was made to run something by: {command}"
    assert not list(place.project.rglob("PWNED*"))
    assert not os.path.lexists("PWNED")


def test_a_key_in_a_tracked_file_is_taken_out_of_git_from_wherever_it_is_typed(place: Place, tmp_path: Path) -> None:
    place.write(place.local, json.dumps({"env": {"ANTHROPIC_AUTH_TOKEN": "sk-secret-of-the-repository"}}))
    place.git("add", "--force", ".")
    (found,) = [each for each in place.run("doctor", "files.git", "--json").json["findings"] if each["fix"]]
    command = found["fix"].partition(", and change")[0].partition(" && ")[0]
    ended = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert place.git("ls-files") == ""
    assert place.local.exists()
