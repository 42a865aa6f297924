"""Fixtures for every test: an empty temporary home that nobody can forget to choose, and the real Claude Code."""

import json
import os
import platform
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import measuring

pytest_plugins = ["tests.hook_runtime.fixtures", "tests.postgres"]

CLIENT_FOLDER = Path(__file__).parent / "client"
#: Where npm has put the packages that come with the pinned client.
PACKAGES = Path(os.environ.get("CLAUDE_LOCAL_TEST_NODE_MODULES", CLIENT_FOLDER / "node_modules"))

#: What a shell on the developer's machine may have set and no test may inherit.
FOREIGN = (
    *("ANTHROPIC_", "CLAUDE", "AWS_", "OTEL_", "GOOGLE_", "VERTEX_", "AZURE_", "PG"),
    *("NO_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"),
)


# a shell in a test finds claude-local whether or not this environment has been activated
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

# how long an example takes, or takes to be made, is this machine's affair
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

#: Whatever has one of these marks is slow, and what was measured to be, so that `-m "not slow"` is the tests of every
#: minute.
SLOW = ("process", "client", "browser", "light_server", "programs", "real_server")


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    measured = measuring.listed()
    for item in items:
        if any(item.get_closest_marker(name) for name in SLOW) or measuring.function(item.nodeid) in measured:
            item.add_marker("slow")


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


#: What a terminal, a pipeline or somebody's taste may have set, and what output may depend on.
TASTES = (
    *("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES", "PAGER", "LESS", "LC_ALL"),
    *("EDITOR", "VISUAL"),
)

#: What a shell's `&`, `nohup` and a supervisor have their children ignore.
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal every test runs in, whatever the one that pytest was started from is."""
    for name in TASTES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture(autouse=True, scope="session")
def dispositions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Signals as a program in the foreground has them: an ignored one is inherited by every process that a test starts.

    A SIGINT that a background shell had ignored would leave `tail -f` and `watch` running for ever. And whoever draws
    keeps its caches in a folder of the run, not in the developer's own.
    """
    known = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    ignored = [number for number in known if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    before = os.environ.get("MPLCONFIGDIR")
    os.environ["MPLCONFIGDIR"] = str(tmp_path_factory.mktemp("matplotlib"))
    yield
    if before is None:
        del os.environ["MPLCONFIGDIR"]
    else:
        os.environ["MPLCONFIGDIR"] = before
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


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
