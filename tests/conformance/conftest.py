"""Fixtures of the oracle's tests: a client that pretends, and the name of the folder that boxes are made in."""

import sys
from pathlib import Path

import pytest


@pytest.fixture
def pretended(tmp_path: Path) -> Path:
    """An executable that behaves as `pretended_client.py` beside this file says."""
    source = Path(__file__).with_name("pretended_client.py").read_text(encoding="utf-8")
    program = tmp_path / "claude"
    program.write_text(f"#!{sys.executable}\n{source}", encoding="utf-8")
    program.chmod(0o755)
    return program
