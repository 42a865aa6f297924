"""Commands that are printed to be pasted: every shell reads back the very words, whatever is in them."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_local_plugin.core.shell import Words, command, export, home_path, then
from tests.programs import program

HOSTILE = [
    "$(touch P)",
    "`touch P`",
    "q;touch P",
    "a b",
    "it's",
    'say "hi"',
    "back\\slash",
    "\\'",
    "\\\\",
    "~",
    "~root/x",
    "=ls",
    "%1",
    "#no comment",
    "*",
    "{a,b}",
    "a|b>c<d&e",
    "!!",
    "$HOME",
    "${IFS}",
    "-n",
    "",
    "é — ü",
    "\x1b[2J",
    "line\nend",
    "\u202egnp",
    "tab\there",
    "^x",
    "[ab]?",
    "%self",
    "\x9b31m",
]


def read_back(shell: str, text: str) -> list[str]:
    """The words after the first, as the shell hands them to the program."""
    found = program(shell, shell)
    quiet = ["--norc", "--noprofile"] if shell == "bash" else ["-f"] if shell == "zsh" else ["--no-config"]
    ended = subprocess.run([found, *quiet, "-c", text], capture_output=True, check=True, timeout=20)
    assert ended.stderr == b""
    return [word.decode() for word in ended.stdout.split(b"\0")[:-1]]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_reads_back_the_very_words(shell: str) -> None:
    for words in ([word] for word in HOSTILE):
        assert read_back(shell, command("printf", r"%s\0", *words)) == words, words


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_whatever_the_words_are_bash_reads_them_back(words: list[str]) -> None:
    words = [word.rstrip("\n") for word in words]  # a shell's substitution drops line ends at the end of a word
    assert read_back("bash", command("printf", r"%s\0", *words)) == words


def test_harmless_words_stand_as_they_are() -> None:
    words = ("claude-local", "enable", "--url", "http://dell-pro-max:8000/v1", "--model", "Qwen/Qwen3-Coder", "-y")
    assert command(*words) == " ".join(words)


def test_nothing_that_is_printed_can_drive_a_terminal() -> None:
    assert all(command("x", word).isprintable() for word in HOSTILE)


def test_placeholders_stay_readable() -> None:
    assert command("claude-local", "enable", "--model", Words("NAME")) == "claude-local enable --model NAME"
    assert export("MY_KEY", Words("…")) == "export MY_KEY=…"
    assert export("A", "x y") == "export A='x y'"
    assert then(command("cd", "a b"), command("ls")) == "cd 'a b' && ls"


def test_the_home_folder_stays_a_tilde_that_the_shell_reads() -> None:
    assert command("cat", home_path("/home/dev/a b/c", "/home/dev")) == "cat ~/'a b/c'"
    assert command("cat", home_path("/home/developer/c", "/home/dev")) == "cat /home/developer/c"
    assert command("cat", home_path("~/c", "/home/dev")) == "cat '~/c'"
