"""What `--fix` prints: a diff that patch takes, whose result the real programs accept."""

import subprocess
from pathlib import Path

import pytest
import yaml

from claude_local_plugin.lint import corrected
from claude_local_plugin.settings.diff import unified_diff
from tests.lint.looking import FILES, facts, found, mended
from tests.looped import looped
from tests.programs import missing, program

#: A compose file with a fault for every edit that there is in one.
FAULTY_LIST = """\
version: "3.8"

services:
  llm:  # the box under the desk: a DGX Spark
    image: vllm/vllm-openai:nightly
    command:
      - "Qwen/Qwen3.6-35B-A3B-FP8"
      - "--served-model-name"
      - "Qwen3.6-35B-A3B-NVFP4"   # once it was
      - "--gpu-memory-util"
      - "0.95"
      - "--max-model-len=128k"
      - "--no-enable-prefix-caching"
      - "--swap-space"
      - "8"
      - "--kv-cache-dtype=nvfp4"
    ports:
      - "127.0.0.1:8000:8000"
    healthcheck:
      test: ["CMD-SHELL", "curl -f http://localhost:8000/health || exit 1"]
      interval: 30s
    restart: unless-stopped
"""
FAULTY_TEXT = (
    FAULTY_LIST.replace("command:\n", "command: >-\n").replace('      - "', "      ").replace('"   # once it was', "")
)
FAULTY_TEXT = (
    "".join(
        line.removesuffix('"\n') + "\n" if line.startswith("      ") and line.count('"') == 1 else line
        for line in FAULTY_TEXT.splitlines(keepends=True)
    )
    .replace("      127.0.0.1", '      - "127.0.0.1')
    .replace("8000:8000\n", '8000:8000"\n')
)

UNIT = """\
[Unit]
Description=vLLM

[Service]
ExecStart=/usr/bin/env vllm serve Qwen/Qwen3-Coder-30B-A3B-Instruct --host 127.0.0.1 \\
    --max-model-len 64k \\
    --disable-log-requests
Restart=on-failure
"""

SCRIPT = """\
#!/bin/sh
set -eu
# the box under the desk: a DGX Spark
docker run -d --name llm \\
  --health-cmd 'curl -f http://localhost:8000/health' \\
  -p 127.0.0.1:8000:8000 \\
  vllm/vllm-openai:latest \\
  --model openai/gpt-oss-120b --swap-space 4 \\
  --gpu-memory-utilization 0.95
"""

PUBLISHED = sorted(path for path in FILES.glob("*.compose.yml"))


def test_every_fault_of_a_list_is_mended_and_the_rest_stays() -> None:
    after = mended(FAULTY_LIST)
    assert found(after) == []
    assert after == (
        """\
services:
  llm:  # the box under the desk: a DGX Spark
    image: vllm/vllm-openai:v0.30.0
    command:
      - "Qwen/Qwen3.6-35B-A3B-FP8"
      - "--served-model-name"
      - "qwen3.6-35b-a3b"   # once it was
      - "--gpu-memory-utilization"
      - "0.85"
      - "--max-model-len=131072"
      - "--enable-prefix-caching"
      - "--kv-cache-dtype=fp8"
      - "--enable-auto-tool-choice"
      - "--tool-call-parser"
      - "qwen3_coder"
      - "--reasoning-parser"
      - "qwen3"
    ports:
      - "127.0.0.1:8000:8000"
    healthcheck:
      test: ["CMD-SHELL", "curl -f http://localhost:8000/health || exit 1"]
      interval: 30s
      start_period: 320s
    restart: unless-stopped
"""
    )


def test_the_same_in_a_text_is_the_same_command() -> None:
    after = mended(FAULTY_TEXT)
    assert found(after) == []
    as_list = yaml.safe_load(mended(FAULTY_LIST))["services"]["llm"]
    as_text = yaml.safe_load(after)["services"]["llm"]
    assert as_text.pop("command").split() == as_list.pop("command")
    assert as_text == as_list


@looped("text", [FAULTY_LIST, FAULTY_TEXT, UNIT, SCRIPT])
def test_correcting_twice_changes_nothing_more(text: str) -> None:
    once = mended(text)
    assert once != text
    assert mended(once) == once


@pytest.mark.programs
def test_patch_takes_the_diff(tmp_path: Path) -> None:
    patch = program("patch", "patch")
    for number, text in enumerate((FAULTY_LIST, UNIT, SCRIPT, SCRIPT.rstrip("\n"))):
        file = tmp_path / f"{number}.txt"
        file.write_text(text)
        diff = unified_diff(text, mended(text), file.name)
        subprocess.run([patch, "-p0"], cwd=tmp_path, input=diff, text=True, check=True, capture_output=True)
        assert file.read_text() == mended(text)


@pytest.mark.programs
@looped("text", [FAULTY_LIST, FAULTY_TEXT, *(path.read_text() for path in PUBLISHED)])
def test_docker_compose_accepts_a_corrected_file(text: str, tmp_path: Path) -> None:
    compose = program("docker-compose", "docker-compose")
    folder = tmp_path
    (folder / "compose.yml").write_text(corrected(facts(text)))
    ended = subprocess.run(
        [compose, "-f", "compose.yml", "config", "-q"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "HF_TOKEN": "x", "HF_HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.programs
def test_shellcheck_finds_nothing_in_a_corrected_script(tmp_path: Path) -> None:
    shellcheck = program("shellcheck", "shellcheck")
    for number, text in enumerate((SCRIPT, *(path.read_text() for path in sorted(FILES.glob("*.sh"))))):
        if not found_or_nothing(text):
            continue
        script = tmp_path / f"{number}.sh"
        script.write_text(mended(text))
        ended = subprocess.run([shellcheck, "-s", "bash", script], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout


def found_or_nothing(text: str) -> bool:
    """Whether it starts a server at all."""
    return "vllm" in text.lower() and "docker run" in text


@pytest.mark.programs
def test_systemd_finds_nothing_in_a_corrected_unit(tmp_path: Path) -> None:
    analyze = program("systemd-analyze", "systemd")
    unit = tmp_path / "vllm.service"
    unit.write_text(mended(UNIT))
    ended = subprocess.run(
        [analyze, "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": str(tmp_path)},
    )
    ours = [line for line in ended.stderr.splitlines() if "vllm.service" in line]
    if not ours and ended.returncode and "Failed to" in ended.stderr:
        missing(f"systemd-analyze does not work here: {ended.stderr.strip()}")
    assert ours == [], ended.stderr
    assert (
        "--max-model-len 65536 \\\n    --enable-auto-tool-choice \\\n    --tool-call-parser qwen3_coder\n"
        in unit.read_text()
    )
