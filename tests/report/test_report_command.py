"""`claude-local report`: where the page goes, what is never replaced, what opens it."""

import json
import os
import shlex
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from claude_local_plugin.cli import run_line
from claude_local_plugin.commands import report as command
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.settings import schema
from tests.report.building import CLOUD, SHOP, log

FILE = "claude-local-report.html"


@pytest.fixture
def recorded(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log with two sessions of yesterday and one of last year; returns the current folder."""
    state_dir = tmp_path / "state"
    monkeypatch.setenv("CLAUDE_LOCAL_STATE_DIR", str(state_dir))
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with log(state_dir) as book:
        book.session(yesterday, tokens=(10, 20, 30, 40), looks=[(0, "ok", 3.2), (1, "refused", None)], errors=1)
        book.session(yesterday, backend=CLOUD, project="/home/dev/src/site")
        book.session(yesterday - timedelta(days=300))
    return project


def in_home() -> Path:
    """The page where no other place is asked for."""
    return Path.home() / FILE


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def data(capsys: pytest.CaptureFixture[str], *options: str) -> dict:  # type: ignore[type-arg]
    assert run_line(["report", "--json", *options]) == 0
    report = json.loads(printed(capsys))
    assert schema.problems(report, "report") == ()
    return report  # type: ignore[no-any-return]


def test_the_page_goes_into_the_home_folder_and_says_so(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_line(["report"]) == 0
    assert printed(capsys) == f"2 sessions, written to ~/{FILE}\n"
    assert "What ran where" in in_home().read_text()
    assert stat.S_IMODE(in_home().stat().st_mode) == 0o600
    assert list(recorded.iterdir()) == []  # nothing that git would see


def test_one_session_is_one_and_nothing_else_is_left_behind(recorded: Path, home: Path) -> None:
    before = set(home.rglob("*"))
    done = claude_local("report", "--project", "/home/dev/src/site")
    assert done.stdout == f"1 session, written to ~/{FILE}\n"
    assert set(home.rglob("*")) == before | {home / FILE}


def test_a_time_that_ends_before_it_begins_is_refused(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_line(["report", "--until", "2020-01-01"]) == 2
    assert "--since 30d is later than --until 2020-01-01" in capsys.readouterr().err


def test_a_report_of_ours_is_replaced_and_keeps_its_mode(recorded: Path) -> None:
    in_home().touch()
    in_home().chmod(0o644)
    assert run_line(["report", "--force"]) == 0
    first = in_home().read_text()
    assert run_line(["report", "--since", "all"]) == 0
    assert in_home().read_text() != first
    assert stat.S_IMODE(in_home().stat().st_mode) == 0o644


@pytest.mark.parametrize("content", ["", "<!DOCTYPE html><title>mine</title>"])
def test_anything_else_is_left_alone_without_force(
    recorded: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    (recorded / "mine.html").write_text(content)
    assert run_line(["report", "--output", "mine.html"]) == 1
    assert "mine.html: there already, and not a report of claude-local" in capsys.readouterr().err
    assert (recorded / "mine.html").read_text() == content
    assert run_line(["report", "--output", "mine.html", "--force"]) == 0
    assert "What ran where" in (recorded / "mine.html").read_text()


def test_a_link_stays_a_link(recorded: Path) -> None:
    (recorded / "pages").mkdir()
    in_home().symlink_to(recorded / "pages" / "real.html")
    assert run_line(["report"]) == 0
    assert in_home().is_symlink()
    assert "What ran where" in (recorded / "pages" / "real.html").read_text()


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_folder_is_no_file(recorded: Path, capsys: pytest.CaptureFixture[str], force: list[str]) -> None:
    assert run_line(["report", "--output", ".", *force]) == 1
    assert "not a regular file" in capsys.readouterr().err


def test_a_folder_that_is_missing_is_said(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_line(["report", "--output", "nowhere/page.html"]) == 1
    assert "nowhere: there is no such folder" in capsys.readouterr().err


def test_a_page_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(ClaudeLocalError, match="cannot be written"):
        command.write("text", tmp_path / "page.html")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_a_dash_is_standard_output(recorded: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run_line(["report", "--output", "-"]) == 0
    out, err = capfdbinary.readouterr()
    assert out.startswith(b"<!DOCTYPE html>\n")
    assert out.endswith(b"</html>\n")
    assert err == b""
    assert list(recorded.iterdir()) == []


def test_without_a_log_there_is_an_empty_report(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_line(["report"]) == 0
    assert printed(capsys).startswith("0 sessions")
    assert "No session is on record" in in_home().read_text()
    assert data(capsys)["backends"] == []


def test_the_data_are_those_of_the_page(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = data(capsys)
    assert (report["sessions"], report["step"], len(report["periods"])) == (2, "day", 31)
    assert [(one["backend"]["kind"], one["cloud"]) for one in report["backends"]] == [
        ("vllm", False),
        ("anthropic", True),
    ]
    own = report["backends"][0]
    assert own["total"]["looks"] == {
        "count": 2,
        "good": 1,
        "failed": {"refused": 1},
        "median_ms": 3.2,
        "p95_ms": 3.2,
    }
    assert [one["cache_write_tokens"] for one in own["periods"]].count(40) == 1
    assert sum(report["failures"]["api_errors"]) == 1
    assert report["projects"][0]["project"] == SHOP
    assert [one["cloud"]["sessions"] for one in report["projects"]] == [0, 1]


def test_time_and_project_can_be_chosen(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert data(capsys, "--since", "all")["sessions"] == 3
    assert data(capsys, "--since", "all")["step"] == "week"
    assert data(capsys, "--since", "1h")["sessions"] == 0
    assert data(capsys, "--since", "all", "--until", "2d")["sessions"] == 1
    assert data(capsys, "--project", "/home/dev/src")["sessions"] == 2
    assert data(capsys, "--project", SHOP)["sessions"] == 1
    run_line(["report", "--project", SHOP])
    assert f"Project: {SHOP}" in in_home().read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", "yesterday"], "'yesterday' is no time"),
        (["--json", "--output", "x"], "--json prints data"),
        (["--json", "--open"], "--json prints data"),
        (["--output", "-", "--open"], "cannot be opened"),
    ],
)
def test_what_makes_no_sense_is_said(
    recorded: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    assert run_line(["report", *options]) == 2
    assert said in capsys.readouterr().err
    assert list(recorded.iterdir()) == []


def claude_local(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """The program as people start it: which browser there is, Python looks up once."""
    return subprocess.run(
        [sys.executable, "-m", "claude_local_plugin", *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_page_is_opened_in_the_browser(recorded: Path, tmp_path: Path) -> None:
    script = tmp_path / "browser.py"
    script.write_text(f"import sys, pathlib; pathlib.Path({str(tmp_path / 'asked')!r}).write_text(sys.argv[1])")
    browser = f"{shlex.quote(sys.executable)} {shlex.quote(str(script))} %s"
    done = claude_local("report", "--open", "--output", "é page.html", BROWSER=browser)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "asked").read_text() == (recorded / "é page.html").resolve().as_uri()


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="there always is a browser here")
def test_without_a_browser_it_says_what_to_open(recorded: Path, tmp_path: Path) -> None:
    done = claude_local("report", "--open", BROWSER="", DISPLAY="", WAYLAND_DISPLAY="", PATH=str(tmp_path))
    assert done.returncode == 0
    assert done.stdout == f"2 sessions, written to ~/{FILE}\n"
    assert done.stderr == f"no browser here; open it yourself: {in_home().resolve().as_uri()}\n"
