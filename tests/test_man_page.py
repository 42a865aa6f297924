"""The manual page is what the commands say of themselves, and roff takes it without a word."""

import runpy
import subprocess
from pathlib import Path

import pytest

from claude_local_plugin import cli
from tests.programs import program

DOCS = Path(__file__).parents[1] / "docs"


def test_the_page_is_what_the_commands_say() -> None:
    made = runpy.run_path(str(DOCS / "man_page.py"))["page"]()
    assert (DOCS / "claude-local.1").read_text(encoding="utf-8") == made, "python docs/man_page.py"
    for name in cli.COMMANDS:
        assert f".SS claude-local {name.replace('-', chr(92) + '-')}\n" in made


@pytest.mark.programs
def test_roff_reads_every_line_of_it() -> None:
    groff = program("groff", "groff")
    done = subprocess.run(
        [groff, "-ww", "-man", "-Tutf8", "-P-cbu", str(DOCS / "claude-local.1")],
        capture_output=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "MANWIDTH": "80"},
    )
    # what it says of its own files, where some are missing, is not ours
    assert [line for line in done.stderr.decode().splitlines() if "claude-local.1:" in line] == []
    shown = done.stdout.decode()
    assert "--system-prompt [full|lean]" in shown
    assert "WHAT RAN WHERE" in shown
