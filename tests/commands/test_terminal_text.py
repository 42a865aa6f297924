"""What a repository, a server or a folder says never reaches a terminal raw: every command, on a terminal and piped."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.commands.place import Place

#: An escape, C1, a bell, the other direction, a zero-width space, line ends of two kinds, an invisible letter.
EVIL = "\x1b[2J\x9b31m\x07\u202e\u200b\n\u2028\r\u3164"
RAW = ["\x1b[2J", "\x9b31m", "\x07", "\u202e", "\u200b", "\u2028", "\u3164"]

CALLS = [
    ("status",),
    ("status", "--json"),
    ("explain-precedence",),
    ("explain-precedence", "ANTHROPIC_CUSTOM_HEADERS"),
    ("doctor",),
    ("doctor", "--json"),
    ("enable", "--url", "http://127.0.0.1:9", "--model", f"m{EVIL}", "--no-check", "--dry-run"),
    ("enable", "--url", f"http://127.0.0.1:9/{EVIL}"),
    ("hooks", "install", "--dry-run"),
    ("sessions", "show", f"x{EVIL}"),
    ("audit", "--project", f"/p{EVIL}", "--allow", f"http://{EVIL}"),
    ("config", "set", f"k{EVIL}", "1"),
    (f"word{EVIL}",),
    ("status", f"--option{EVIL}"),
    ("disable",),
]


@pytest.fixture
def hostile(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Place:
    """A project whose folder, variables, values, headers, model and file names carry what drives a terminal."""
    project = tmp_path / f"p{EVIL}"
    project.mkdir()
    monkeypatch.chdir(project)
    place = Place(home, project, capsys)
    env = {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:9/{EVIL}", "ANTHROPIC_MODEL": f"m{EVIL}", f"N{EVIL}": EVIL}
    env |= {"ANTHROPIC_CUSTOM_HEADERS": f"X-{EVIL}: {EVIL}", "LD_PRELOAD": EVIL, "ANTHROPIC_MODLE": EVIL}
    text = json.dumps({"env": env, f"k{EVIL}": EVIL, "statusLine": {"type": EVIL}}, indent=2, ensure_ascii=False)
    place.write(place.shared, text)
    place.write(place.local, json.dumps({"env": env, f"k{EVIL}": EVIL}, indent=2, ensure_ascii=False))
    return place


def _on_a_terminal(words: tuple[str, ...], place: Place) -> str:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "claude_local_plugin", *words],
        cwd=place.project,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown, until = b"", time.monotonic() + 60
    with suppress(OSError):  # the terminal's end
        while time.monotonic() < until and select.select([ours], [], [], 60)[0]:
            piece = os.read(ours, 65536)
            if not piece:
                break
            shown += piece
    os.close(ours)
    process.wait(timeout=60)
    return shown.decode("utf-8", "replace")


def _problem(shown: str) -> str | None:
    return next((repr(raw) for raw in RAW if raw in shown), "Traceback" if "Traceback" in shown else None)


@pytest.mark.parametrize("words", CALLS, ids=lambda words: ascii(" ".join(words)))
def test_nothing_raw_is_shown_on_a_terminal(hostile: Place, words: tuple[str, ...]) -> None:
    shown = _on_a_terminal(words, hostile)
    assert shown.strip()
    assert _problem(shown) is None, shown


@pytest.mark.parametrize("words", CALLS, ids=lambda words: ascii(" ".join(words)))
def test_nothing_raw_is_piped_but_in_a_diff(hostile: Place, words: tuple[str, ...]) -> None:
    ended = hostile.run(*words)
    assert _problem(ended.err) is None, ended.err
    assert "--dry-run" in words or _problem(ended.out) is None, ended.out
