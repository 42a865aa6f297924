"""What the quick commands import: every package that costs time is named here with the commands that may bring it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

HEAVY = ("asyncio", "httpx", "jsonschema", "pydantic", "tomlkit", "filelock", "ssl", "subprocess")

#: What `status` and `explain-precedence` do without besides, since each is as long as a tenth of what they do or more.
#: `dataclasses` compiles each class and brings `inspect`, `hashlib` brings OpenSSL, `platformdirs` brings `tempfile`.
COSTLY = ("click", "dataclasses", "hashlib", "inspect", "platformdirs", "tempfile", "typing", "uuid")

REPORT = """
import contextlib, io, sys
sys.argv = ["claude-local", *sys.argv[1:]]
from claude_local_plugin.__main__ import main
with contextlib.redirect_stdout(io.StringIO()):
    code = main()
print(code, *sorted({name.partition(".")[0] for name in sys.modules}), *sys.modules)
"""


def imported(project: Path, *arguments: str) -> set[str]:
    """The modules that are there once the command has run in a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-c", REPORT, *arguments],
        cwd=project,
        env={**os.environ, "PATH": "/usr/bin:/bin", "FORCE_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    code, *names = ended.stdout.split()
    assert code in ("0", "1")
    return set(names)


def test_the_version_imports_next_to_nothing(project: Path) -> None:
    names = imported(project, "--version")
    assert not names & {*HEAVY, "click", "json", "dataclasses", "pathlib", "platformdirs"}
    assert {name for name in names if name.startswith("claude_local_plugin")} == {
        "claude_local_plugin",
        "claude_local_plugin.__main__",
    }


@pytest.mark.parametrize(
    "arguments",
    [("status",), ("status", "--json"), ("sessions", "list"), ("--help",), ("status", "--help")],
    ids=" ".join,
)
def test_the_quick_commands_bring_none_of_the_slow_packages(project: Path, arguments: tuple[str, ...]) -> None:
    assert not imported(project, *arguments) & set(HEAVY)


def test_status_needs_nothing_slow_where_there_is_something_to_read_either(project: Path) -> None:
    enabled = imported(project, "enable", "--no-check", "--url", "http://127.0.0.1:9", "--model", "m")
    # without asking a server nothing of the network's is needed
    assert not enabled & {"httpx", "jsonschema", "pydantic", "tomlkit"}
    names = imported(project, "status")
    assert not names & set(HEAVY)
    assert not names & {"claude_local_plugin.commands.enable", "claude_local_plugin.settings.document"}


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_what_is_asked_most_brings_nothing_that_takes_as_long_as_the_answer(
    project: Path, options: tuple[str, ...]
) -> None:
    imported(project, "enable", "--no-check", "--url", "http://127.0.0.1:9", "--model", "m")
    explained = imported(project, "explain-precedence", *options)
    assert not explained & {*HEAVY, *COSTLY, "datetime", "shutil", "sqlite3", "_socket"}
    assert not {name for name in explained if name.startswith("claude_local_plugin.sessionlog")}
    looked = imported(project, "status", *options)
    assert not looked & {*HEAVY, *COSTLY}
    # of the questions to the log those that it asks, and not what judges, prunes or lists it
    assert {name for name in looked if name.startswith("claude_local_plugin.sessionlog.queries.")} == {
        f"claude_local_plugin.sessionlog.queries.{name}" for name in ("filters", "log", "reading", "records")
    }
    assert "claude_local_plugin.commands.sessions" not in looked


def test_help_of_one_command_imports_no_other_command(project: Path) -> None:
    names = imported(project, "enable", "--help")
    assert "claude_local_plugin.cli.enable" in names
    assert not {name for name in names if name.startswith("claude_local_plugin.commands")}
    assert not names & {
        "claude_local_plugin.cli.demo",
        "claude_local_plugin.cli.sessions",
        "claude_local_plugin.cli.hooks",
    }
