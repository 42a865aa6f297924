"""Completion in a shell: the names of profiles, and how few keys a switch takes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from claude_local_plugin.core.profile_names import profile_names

CONFIG = "[profiles.spark]\nurl = 'http://spark:8000'\n[profiles.desk]\nurl = 'http://desk:1'\n[profiles.dock]\n"


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """An environment with both console scripts on PATH and three profiles."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text(CONFIG)
    scripts = tmp_path / "bin"
    scripts.mkdir()
    for name, entry in (("claude-local", "main"), ("cluse", "use")):
        script = scripts / name
        script.write_text(
            f"#!{sys.executable}\nimport sys\nfrom claude_local_plugin.__main__ import {entry}\nsys.exit({entry}())\n"
        )
        script.chmod(0o755)
    package = str(Path(__file__).parent.parent)
    return {
        "PATH": f"{scripts}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "CLAUDE_LOCAL_CONFIG_DIR": str(tmp_path / "config"),
        "PYTHONPATH": package,
    }


def completed(environ: Mapping[str, str], *words: str) -> list[str]:
    """What bash offers for the last of the words, by the one line that the documentation names."""
    name = words[0]
    function = f"_{name.replace('-', '_')}_completion"
    script = (
        'eval "$(_CLAUDE_LOCAL_COMPLETE=bash_source claude-local)"; '
        f'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); {function} {name}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    bash = shutil.which("bash")
    assert bash is not None
    out = subprocess.run([bash, "-c", script, "bash", *words], env=dict(environ), capture_output=True, text=True)
    assert (out.returncode, out.stderr) == (0, "")
    return out.stdout.split()


@pytest.mark.process
def test_the_names_of_profiles_complete_wherever_one_is_typed(machine: dict[str, str]) -> None:
    for words in (
        ("claude-local", "enable"),
        ("claude-local", "use"),
        ("claude-local", "token"),
        ("claude-local", "profile", "show"),
        ("claude-local", "profile", "edit"),
        ("claude-local", "profile", "remove"),
        ("claude-local", "profile", "export"),
        ("claude-local", "profile", "use"),
        ("claude-local", "run"),
        ("claude-local", "env"),
        ("claude-local", "launcher", "install", "mine"),
        ("cluse",),
    ):
        assert completed(machine, *words, "d") == ["desk", "dock"], words


@pytest.mark.process
def test_a_switch_takes_less_than_ten_keys(machine: dict[str, str]) -> None:
    """Each letter, blank and Tab counts; Enter does not."""
    assert completed(machine, "cluse", "s") == ["spark"]
    assert len("cluse s\t") < 10


def test_a_folder_offers_the_profiles_of_its_repository_too(tmp_path: Path) -> None:
    inner = tmp_path / "repository" / "src"
    inner.mkdir(parents=True)
    (tmp_path / ".claude-local.toml").write_text("[profiles.outside]\n")
    (inner.parent / ".git").mkdir()
    (inner.parent / ".claude-local.toml").write_text("[profiles.inside]\n")
    (tmp_path / "config.toml").write_text(CONFIG)
    assert profile_names(tmp_path, str(inner)) == ["spark", "desk", "dock", "inside"]
    (tmp_path / "config.toml").write_text("no TOML")
    assert profile_names(tmp_path, str(inner)) == ["inside"]
    assert profile_names(os.devnull, os.devnull) == []
