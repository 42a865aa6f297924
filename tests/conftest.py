"""Fixtures for every test: an empty temporary home that nobody can forget to choose, and the real Claude Code."""

import json
import os
import platform
import shutil
from pathlib import Path

import pytest

CLIENT_FOLDER = Path(__file__).parent / "client"

#: What a shell on the developer's machine may have set and no test may inherit.
FOREIGN = (
    *("ANTHROPIC_", "CLAUDE", "AWS_", "OTEL_", "GOOGLE_", "VERTEX_", "AZURE_"),
    *("NO_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"),
)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty HOME (also the XDG folders') and an environment without a trace of the developer's own."""
    folder = tmp_path_factory.mktemp("home")
    chosen = os.environ.get("CLAUDE_LOCAL_TEST_CLAUDE")
    for name in list(os.environ):
        if name.upper().startswith(FOREIGN) or name.startswith("XDG_"):
            monkeypatch.delenv(name)
    if chosen:
        monkeypatch.setenv("CLAUDE_LOCAL_TEST_CLAUDE", chosen)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder outside git, and the current folder of the test."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def pinned_client_version() -> str:
    """The Claude Code version that `tests/client/package.json` pins."""
    manifest = json.loads((CLIENT_FOLDER / "package.json").read_text())
    return str(manifest["dependencies"]["@anthropic-ai/claude-code"])


def find_claude() -> Path | None:
    """The native Claude Code: the one named in `CLAUDE_LOCAL_TEST_CLAUDE`, the pinned one, or the one on PATH."""
    if chosen := os.environ.get("CLAUDE_LOCAL_TEST_CLAUDE"):
        return Path(chosen)
    machine = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x64")
    system = {"Linux": "linux", "Darwin": "darwin"}.get(platform.system(), "linux")
    pinned = CLIENT_FOLDER / "node_modules" / "@anthropic-ai" / f"claude-code-{system}-{machine}" / "claude"
    if pinned.is_file():
        return pinned
    found = shutil.which("claude")
    return Path(found).resolve() if found else None


@pytest.fixture(scope="session")
def claude_binary() -> Path:
    """The real Claude Code; the test is skipped where there is none, and fails instead in CI."""
    found = find_claude()
    if found is None:
        reason = "no Claude Code here: `npm install --prefix tests/client` brings the pinned one"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
