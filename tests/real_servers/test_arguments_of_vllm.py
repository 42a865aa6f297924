"""`recipe lint` against vLLM's own argument parser: what it takes, what it refuses, and what it reads in a number."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.lint import read, vllm_flags
from claude_local_plugin.lint.checks.arguments import REMOVED
from tests.lint.looking import FILES, mended
from tests.lint.test_correct import FAULTY_LIST, FAULTY_TEXT, SCRIPT, UNIT
from tests.real_servers.conftest import FOLDER
from tests.real_servers.start_vllm import install

pytestmark = [pytest.mark.real_server, pytest.mark.timeout(1800)]

LINE = ["Qwen/Qwen3-Coder-30B-A3B-Instruct"]


def arguments(text: str) -> list[list[str]]:
    """What each vLLM of a file gets."""
    starts = [each for each in read(text, "x").starts if each.engine == "vllm"]
    return [[word.text for word in each.arguments if word.text != "serve"] for each in starts]


def asked(lines: list[list[str]]) -> dict[str, Any]:
    if not FOLDER:
        pytest.skip("no vLLM to ask: set CLAUDE_LOCAL_TEST_VLLM_DIR to a folder for start_vllm.py")
    python = install(Path(FOLDER))
    ended = subprocess.run(
        [python, Path(__file__).with_name("arguments_of_vllm.py")],
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        env={"PATH": os.defpath, "HOME": str(Path.cwd()), "VLLM_NO_USAGE_STATS": "1"},
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def test_vllm_takes_what_was_corrected_and_refuses_what_lint_says_it_does() -> None:
    texts = [FAULTY_LIST, FAULTY_TEXT, UNIT, SCRIPT, *(path.read_text() for path in sorted(FILES.glob("gb10-*")))]
    texts += [path.read_text() for path in (*FILES.glob("minimax-*"), FILES / "spark-qwen3.6-nvfp4.sh")]
    corrected = [line for text in texts for line in arguments(mended(text))]
    good = [
        line
        for path in sorted((FILES / "good").iterdir())
        if "litellm" not in path.name
        for line in arguments(path.read_text())
    ]
    refused = [[*LINE, flag, "1"] if flag not in ("--enable-tool-choice",) else [*LINE, flag] for flag in REMOVED]
    loose = [[*LINE, "--gpu-memory-util", "0.9"], [*LINE, "--tool-call-parser", "no_such", "--enable-auto-tool-choice"]]

    found = asked([*corrected, *good, *refused, *loose])

    answers = found["answers"]
    assert answers[: len(corrected) + len(good)] == [None] * (len(corrected) + len(good))
    of_refused = answers[len(corrected) + len(good) : -len(loose)]
    assert [each for each in of_refused if each is None or not each.startswith("exit 2")] == []
    assert answers[-len(loose) :] == [None, None]  # an abbreviation and any parser's name: lint is all that says it
    known = {*vllm_flags.SPELLINGS, *vllm_flags.SHORT}
    assert set(found["names"]) == known
