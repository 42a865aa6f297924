"""Closed streams, plain terminals and narrow ones: every command ends with its own exit code and no traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

CALLS = [
    ("doctor",),
    ("doctor", "--fix"),
    ("status",),
    ("explain-precedence",),
    ("sessions", "list"),
    ("sessions", "prune", "--days", "1"),
    ("hooks", "status"),
    ("config", "list"),
    ("enable", "--url", "http://127.0.0.1:9", "--model", "m", "--no-check"),
    ("disable",),
    ("audit", "--allow", "cloud"),
    ("watch",),
    ("bench", "--apply"),
    ("statusline",),
    ("nonsense",),
]
STREAMS = {"no stdin": "<&-", "no stdout": ">&-", "no stderr": "2>&-", "none": "<&- >&- 2>&-"}
#: Beside each: a terminal that can do little, a language without letters, a narrow line.
ENVIRON = {"TERM": "dumb", "LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "COLUMNS": "40"}


@pytest.mark.parametrize("streams", STREAMS)
@pytest.mark.parametrize("words", CALLS, ids=" ".join)
def test_every_command_ends_without_a_traceback(project: Path, words: tuple[str, ...], streams: str) -> None:
    errors = project.parent / "errors"
    shown = STREAMS[streams].replace("2>&-", "") if streams == "no stdin" else STREAMS[streams]
    stderr = "" if "2>&-" in shown else f" 2>{errors}"
    ended = subprocess.run(
        ["sh", "-c", f'exec "$0" -X faulthandler -m claude_local_plugin "$@" {shown}{stderr}', sys.executable, *words],
        cwd=project,
        env={**os.environ, **ENVIRON},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    said = ended.stdout + ended.stderr + (errors.read_bytes() if errors.exists() else b"")
    assert b"Traceback" not in said, said.decode()
    assert ended.returncode in (0, 1, 2)
