"""Every shell reads back just what was meant, whatever is in a value; each is asked itself where it can be had here."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from claude_local_plugin.errors import UsageError
from claude_local_plugin.launch.shells import SHELLS, Output, Variable, default_shell
from claude_local_plugin.launch.shells.shell import Value, joined
from tests.programs import program

ODD = {
    "PLAIN": "http://dell-pro-max:8000/x?a=b,c%20d@e",
    "QUOTES": """it's "quoted" 'twice' \\' end\\""",
    "SHELL": "$HOME `id` $(id) ${HOME} !! !x # no comment ~ * ? [a] {a,b} ; & | < > ( )",
    "TWO_LINES": "X-One: 1\nX-Two: it's 2\n\n",
    "TAB": "a\tb\rc\x1b[31md\x7f",
    "LETTERS": "é — 日本 \u2028 ‘x’ ’ “y” 🙂 \u202e",
    "BLANK": "  a  b  ",
    "BACKSLASHES": "\\ \\\\ \\n \\x41 \\'",
    "EQUALS": "=cat",
    "DASH": "-n",
    "BANG": "\n!echo!",
}


def read_back(shell: str, script: str, folder: Path, environ: Mapping[str, str] = {}) -> dict[str, str]:
    """The variables that a shell has once it has read this."""
    path = folder / "script"
    path.write_bytes(script.encode("utf-8", "surrogateescape"))
    base = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **environ}
    command = {
        "bash": ["bash", "--norc", "-c", f'. "{path}"; env -0'],
        "zsh": ["zsh", "-f", "-c", f'. "{path}"; env -0'],
        "fish": ["fish", "--no-config", "-c", f'source "{path}"; env -0'],
    }[shell]
    done = subprocess.run(command, env=base, capture_output=True, check=False, timeout=60, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    return _variables(done.stdout)


def _variables(output: bytes) -> dict[str, str]:
    return dict(each.split("=", 1) for each in output.decode("utf-8", "surrogateescape").split("\0") if "=" in each)


def said(shell: str, values: Mapping[str, Value]) -> str:
    return "".join(f"{SHELLS[shell].assign(name, value)}\n" for name, value in values.items())


def had(shell: str) -> str:
    program(shell, shell)
    return shell


@pytest.mark.process
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_reads_back_every_value(shell: str, tmp_path: Path) -> None:
    odd = {**ODD, "BYTES": "a\udcffb\udce9"}
    seen = read_back(had(shell), said(shell, {name: (value,) for name, value in odd.items()}), tmp_path)
    assert {name: seen.get(name) for name in odd} == odd


@pytest.mark.process
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_an_interactive_shell_takes_what_is_pasted_for_the_same(shell: str, tmp_path: Path) -> None:
    """An interactive one has a history, for which `!` is a command."""
    lines = said(shell, {name: (value,) for name, value in ODD.items() if "\x1b" not in value})
    flags = ["--norc", "-i"] if shell == "bash" else ["-f", "-i"]
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "TERM": "dumb"}
    done = subprocess.run(
        [had(shell), *flags],
        input=f"{'set -H' if shell == 'bash' else ''}\n{lines}env -0 > {tmp_path}/out\n".encode(),
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0
    seen = _variables((tmp_path / "out").read_bytes())
    assert {name: seen.get(name) for name in ODD if name != "TAB"} == {k: v for k, v in ODD.items() if k != "TAB"}


@pytest.mark.process
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_is_unset_is_not_there_and_nothing_is_said_of_what_never_was(shell: str, tmp_path: Path) -> None:
    script = SHELLS[shell].unset(("NEVER", "ANTHROPIC_API_KEY", "NOR_THIS", "OTHER")) + "\n"
    seen = read_back(had(shell), script, tmp_path, {"ANTHROPIC_API_KEY": "sk-ant-x", "OTHER": "1", "KEPT": "1"})
    assert seen["KEPT"] == "1"
    assert not {"ANTHROPIC_API_KEY", "OTHER"} & set(seen)


@pytest.mark.process
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_reference_becomes_what_it_leads_to(shell: str, tmp_path: Path) -> None:
    value = ("X-Key: ", Variable("MY_KEY"), "\nX-Other: ", Output(("printf", "%s", "a b$c")), "!")
    seen = read_back(had(shell), said(shell, {"HEADERS": value}), tmp_path, {"MY_KEY": "it's $x `y` 'z'"})
    assert seen["HEADERS"] == "X-Key: it's $x `y` 'z'\nX-Other: a b$c!"


@pytest.mark.process
def test_direnv_loads_every_value_and_takes_everything_back(tmp_path: Path) -> None:
    had("direnv")
    shell = SHELLS["direnv"]
    text = f"{shell.unset(('ANTHROPIC_API_KEY',))}\n" + said("direnv", {name: (each,) for name, each in ODD.items()})
    seen = _direnv(tmp_path, ".envrc", text)
    assert {name: seen.get(name) for name in ODD} == ODD
    assert "ANTHROPIC_API_KEY" not in seen


@pytest.mark.process
def test_direnvs_dotenv_reads_what_its_reader_can(tmp_path: Path) -> None:
    had("direnv")
    able = {name: value for name, value in ODD.items() if name not in ("SHELL", "TAB", "BACKSLASHES", "BANG")}
    able |= {"DOLLAR": "$HOME `id` # !", "TWO_LINES": "X-One: 1\nX-Two: 2"}
    (tmp_path / ".env").write_text(said("dotenv", {name: (value,) for name, value in able.items()}), encoding="utf-8")
    seen = _direnv(tmp_path, ".envrc", "dotenv\n")
    assert {name: seen.get(name) for name in able} == able


def _direnv(folder: Path, name: str, text: str) -> dict[str, str]:
    (folder / name).write_text(text, encoding="utf-8")
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "ANTHROPIC_API_KEY": "sk-ant-x"}
    subprocess.run(["direnv", "allow", "."], cwd=folder, env=environ, check=True, capture_output=True, timeout=60)
    done = subprocess.run(
        ["direnv", "exec", ".", "env", "-0"], cwd=folder, env=environ, check=True, capture_output=True, timeout=60
    )
    return _variables(done.stdout)


#: Asks python-dotenv, in an interpreter of its own.
_DOTENV = "import json, sys; from dotenv import dotenv_values; print(json.dumps(dotenv_values(sys.argv[1])))"


def dotenv_values(path: Path, environ: Mapping[str, str] = {}) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", _DOTENV, str(path)],
        env={"PATH": os.environ["PATH"], "HOME": "/", **environ},
        check=True,
        capture_output=True,
        timeout=60,
    )
    values: dict[str, str] = json.loads(done.stdout)
    return values


def test_python_dotenv_reads_back_every_value_that_is_not_refused(tmp_path: Path) -> None:
    able = {**ODD, "SHELL": ODD["SHELL"].replace("${HOME}", ""), "TAB": "a\tb c\rd", "BOTH": "it's $5\n`x`"}
    (tmp_path / ".env").write_bytes(said("dotenv", {name: (value,) for name, value in able.items()}).encode())
    assert dotenv_values(tmp_path / ".env") == able


def test_python_dotenv_follows_a_reference(tmp_path: Path) -> None:
    text = said("dotenv", {"TOKEN": (Variable("MY_KEY"),), "HEADERS": ('X-"Key": ', Variable("MY_KEY"), "\nX-Two: 2")})
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    key = "it's $x `y`"
    assert dotenv_values(tmp_path / ".env", {"MY_KEY": key}) == {
        "TOKEN": key,
        "HEADERS": f'X-"Key": {key}\nX-Two: 2',
    }


@pytest.mark.parametrize("value", ["${HOME}", "a\r$", "\udcff"])
def test_what_readers_of_env_files_would_change_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match="NAME has"):
        SHELLS["dotenv"].assign("NAME", (value,))


@pytest.mark.parametrize(
    ("value", "spelt"),
    [
        (('plain $x `n "q" #',), "'plain $x `n \"q\" #'"),
        (("it's",), "'it''s'"),
        (("‘a’",), "'' + [char]0x2018 + 'a' + [char]0x2019"),
        (("a\nb",), "'a' + [char]0x000a + 'b'"),
        (("é",), "'' + [char]0x00e9"),
        (("🙂!",), "'' + [char]0xd83d + [char]0xde42 + '!'"),
        ((Variable("MY_KEY"),), "$env:MY_KEY"),
        (("X: ", Variable("MY_KEY")), "'X: ' + $env:MY_KEY"),
        ((Output(("claude-local", "token", "it's")),), "('claude-local' 'token' 'it''s')"),
    ],
)
def test_powershell_is_told_by_its_documented_rules(value: Value, spelt: str) -> None:
    assert SHELLS["powershell"].assign("NAME", value) == f"$env:NAME = {spelt}"


def test_pieces_of_text_are_joined() -> None:
    assert joined(("a", "", "b", Variable("X"), "", "c")) == ("ab", Variable("X"), "c")


@pytest.mark.parametrize(
    ("said", "windows", "name"),
    [
        ("/usr/bin/zsh", False, "zsh"),
        ("/usr/bin/fish", False, "fish"),
        ("/bin/sh", False, "bash"),
        ("/bin/dash", False, "bash"),
        ("", False, "bash"),
        ("", True, "powershell"),
        ("C:\\Program Files\\Git\\usr\\bin\\bash.exe", True, "bash"),
        ("/opt/microsoft/powershell/7/pwsh", False, "powershell"),
    ],
)
def test_the_shell_is_the_one_that_shell_names(said: str, windows: bool, name: str) -> None:
    assert default_shell({"SHELL": said} if said else {}, windows=windows).name == name


@pytest.mark.parametrize("said", ["/bin/tcsh", "/usr/bin/nu"])
def test_a_shell_that_is_not_known_is_no_bash(said: str) -> None:
    with pytest.raises(UsageError, match="your shell"):
        default_shell({"SHELL": said}, windows=False)
