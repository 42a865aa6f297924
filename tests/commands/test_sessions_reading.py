"""`sessions list|show|stats|tail|export|prune` as people call them, on a log made by hand."""

import csv
import importlib.util
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from claude_local_plugin.cli.sessions import amount, backend_name, length
from claude_local_plugin.commands.project_names import project_names
from claude_local_plugin.commands.sessions import Asked, before
from claude_local_plugin.core.config import Config
from claude_local_plugin.core.installed import with_extra
from claude_local_plugin.errors import UsageError
from claude_local_plugin.sessionlog import queries
from claude_local_plugin.text import short_moment
from tests.client.terminal import Terminal
from tests.commands.place import Place, flat
from tests.looped import looped
from tests.sessionlog.recording import ANTHROPIC, BEDROCK, NAS, at, recording

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def log(place: Place) -> Place:
    """A place with three sessions: two on own servers, in this folder and beside it, one partly in the cloud."""
    with recording(place.state) as recorder:
        recorder.session("11111111", 0, project=str(place.project), model="qwen3")
        recorder.session("22222222", 60, backend=NAS, project="/p/other", model="gpt-oss")
        recorder.event("33333333", 120, project=str(place.project / "api"), model="qwen3")
        recorder.answers("33333333", 125, "qwen3", (2_000_000, 50_000, 8_000_000, 0))
        recorder.event("33333333", 130, "UserPromptSubmit", ANTHROPIC, project=str(place.project / "api"))
        recorder.answers("33333333", 135, "opus", (1000, 500, 0, 0))
        recorder.answers("33333333", 136, None, (0, 0, 0, 0), error="overloaded")
    return place


def listed(place: Place, *options: str) -> list[str]:
    return [session["session_id"][0] for session in place.json("sessions", "list", *options)["sessions"]]


# --- list and show


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "3 2 1"),
        (("--project", "."), "3 1"),
        (("--project", "api"), "3"),
        (("--project", "/p"), "2"),
        (("--backend", "cloud"), "3"),
        (("--backend", "nas:11434"), "2"),
        (("--model", "qwen*"), "3 1"),
        (("--state", "failed"), "3"),
        (("--state", "ended"), "2 1"),
        (("--since", "2026-11-21T11:05Z"), "3 2"),
        (("--until", "2026-11-21T10:30Z"), "1"),
        (("--limit", "1"), "3"),
        (("--project", ".", "--backend", "local", "--limit", "1"), "3"),
        (("--backend", "nowhere"), ""),
    ],
    ids=" ".join,
)
def test_the_list_has_what_the_options_ask_for(log: Place, options: tuple[str, ...], expected: str) -> None:
    assert listed(log, *options) == expected.split()


def test_nothing_found_is_said_and_is_no_fault(log: Place) -> None:
    assert log.ok("sessions", "list", "--backend", "nowhere").out == "no such session on record\n"
    assert log.ok("sessions", "stats", "--backend", "nowhere").out == "no such session on record\n"


@pytest.mark.parametrize("command", ["list", "stats", "export"])
def test_a_time_that_is_none_is_refused_with_exit_2(log: Place, command: str) -> None:
    assert "'soon' is no time" in log.refused("sessions", command, "--since", "soon", code=2)


def test_times_in_the_wrong_order_and_empty_words_are_refused_with_exit_2(log: Place) -> None:
    for command in ("list", "stats", "export"):
        assert "is later than --until" in log.refused("sessions", command, "--since", "1h", "--until", "1w", code=2)
        for option in ("--backend", "--model", "--project", "--since", "--until"):
            assert f"{option} is empty" in log.refused("sessions", command, option, "", code=2)


@pytest.mark.parametrize("command", ["list", "stats"])
def test_a_project_that_is_nowhere_is_pointed_out(log: Place, command: str) -> None:
    assert "! shpo: there is no such folder" in log.ok("sessions", command, "--project", "shpo").err
    assert log.ok("sessions", command, "--project", "/p").err == ""
    (log.project / "new").mkdir()
    assert log.ok("sessions", command, "--project", "new").err == ""


def test_prompts_held_back_are_counted_in_the_list(log: Place) -> None:
    with recording(log.state) as recorder:
        recorder.event("44444444", 500)
        for minute in (501, 502):
            recorder.event("44444444", minute, "UserPromptSubmit", blocked=True, outcome="refused", reachable=False)
        recorder.event("44444444", 503, "SessionEnd", cause="other")
    assert "ended, 2 blocked, backend down" in log.ok("sessions", "list", "--state", "blocked").out
    assert listed(log, "--state", "blocked") == ["4"]
    shown = [line for line in log.ok("sessions", "show", "4444").out.splitlines() if "Prompt" in line]
    assert len(shown) == 2
    assert all("held back" in line for line in shown)


def test_a_table_fits_the_terminal_and_is_whole_in_a_pipe(log: Place) -> None:
    with recording(log.state) as recorder:
        recorder.session("44444444", 500, model="qwen3-" + "x" * 60 + "-end", project="/p/" + "y" * 80)
    environ = {**os.environ, "COLUMNS": "118", "NO_COLOR": "1"}
    for words in (("list",), ("tail",), ("stats", "--by", "project"), ("show", "4444")):
        command = [sys.executable, "-m", "claude_local_plugin", "sessions", *words]
        piped = subprocess.run(command, env=environ, capture_output=True, check=True).stdout.decode()
        assert max(map(len, piped.splitlines())) > 80
        assert "…" not in piped
        with Terminal(command, cwd=log.project, environ=environ) as terminal:
            assert terminal.wait_for_exit() == 0
            lines = terminal._seen.decode().splitlines()
        at_table = [line for line in lines if not line.startswith(("project ", "model ", "cwd "))]
        assert max(map(len, at_table)) <= 118, words
        assert any("…" in line for line in at_table)


def test_a_shown_session_has_its_spans_in_a_table(log: Place) -> None:
    shown = log.ok("sessions", "show", "3").out
    table = shown[shown.index("since  ") :].split("\n\n")[0].splitlines()
    assert [re.split(r"\s{2,}", line)[1:] for line in table] == [
        ["cause", "backend", "model", "time", "answers", "in", "cached", "out", "failed", "retries"],
        ["start", "vllm", "box:8000", "qwen3", "10m 00s", "1", "10.0 M", "8.0 M", "50.0 k", "0", "0"],
        ["backend", "cloud", "api.anthropic.com", "opus", "6m 00s", "1", "1.0 k", "0", "500", "1", "0"],
    ]
    assert [span["cause"] for span in log.json("sessions", "show", "3")["spans"]] == ["start", "backend"]


def test_a_folder_is_known_under_every_name_it_may_have_in_the_log(tmp_path: Path) -> None:
    real, link, state = tmp_path / "real", tmp_path / "link", tmp_path / "state"
    real.mkdir()
    link.symlink_to(real)

    def names(text: str) -> tuple[str, ...]:
        return project_names(text, cwd=link, home=tmp_path, state_dir=state)

    assert names(".") == (str(link), str(real))
    assert names("../real/") == (str(real),)
    assert names("~/real") == (str(real),)
    assert names("~") == (str(tmp_path),)
    assert names("sha256:0123456789abcdef") == ("sha256:0123456789abcdef",)
    assert not state.exists()
    hashed = Config(str(state), {}).logged("hash", str(real))
    assert names("~/real") == (str(real), hashed)


def test_a_project_that_is_kept_as_a_hash_is_found_by_its_folder(place: Place) -> None:
    hashed = Config(str(place.state), {}).logged("hash", str(place.project))
    with recording(place.state) as recorder:
        recorder.session("hashed", project=hashed)
        recorder.session("other", project="sha256:0123456789abcdef")
    assert [s["session_id"] for s in place.json("sessions", "list", "--project", ".")["sessions"]] == ["hashed"]


def test_control_characters_in_the_log_do_not_reach_the_terminal(place: Place) -> None:
    with recording(place.state) as recorder:
        recorder.session("s", model="m\x1b[31m", project="/p/\x1b]0;x\x07")
        recorder.event("s", 60, "StopFailure", cause="\x1b[2J")
    for command in (("list",), ("show", "s"), ("stats", "--by", "model"), ("stats", "--by", "project"), ("tail",)):
        assert "\x1b" not in place.ok("sessions", *command).out


# --- for people: where it went is never cut, times are those of the clock on the wall


def printed(place: Place, columns: int, *words: str) -> list[str]:
    """What `sessions` prints on a terminal of this width."""
    environ = {**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "claude_local_plugin", "sessions", *words]
    with Terminal(command, cwd=place.project, environ=environ) as terminal:
        assert terminal.wait_for_exit() == 0
        return terminal.lines


@pytest.mark.parametrize("columns", [45, 60, 80, 100])
@pytest.mark.parametrize("words", [("list",), ("show", "4444"), ("tail",)], ids=" ".join)
def test_host_and_port_are_whole_on_any_terminal_and_no_line_is_wider(
    log: Place, columns: int, words: tuple[str, ...]
) -> None:
    far = ("vllm", "http://gpu-07.lab.example.org:18000")
    with recording(log.state) as recorder:
        recorder.session("44444444", 500, backend=far, model="qwen3-" + "x" * 60 + "-end", project="/p/" + "y" * 80)
    lines = printed(log, columns, *words)
    assert max(map(len, lines)) <= columns, "\n".join(lines)
    assert any("gpu-07.lab.example.org:18000" in line for line in lines), "\n".join(lines)
    if words == ("list",) and columns == 80:
        assert len([line for line in lines if line]) == 2 * 4  # two lines a session
        assert any("…" in line for line in lines)


def test_a_session_in_the_cloud_stands_out_in_a_narrow_list(log: Place) -> None:
    (cloud,) = [line for line in printed(log, 80, "list") if "api.anthropic.com" in line]
    assert "CLOUD" in cloud


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_new_york")
def test_people_get_their_own_time_and_programs_utc(log: Place) -> None:
    begun = log.json("sessions", "show", "1111")["started_at"]
    assert begun == at(0)
    there = f"{datetime.fromisoformat(begun) - timedelta(hours=5):%Y-%m-%d %H:%M:%S}"
    utc = begun[:19].replace("T", " ") + "Z"
    for words in (
        ("sessions", "list"),
        ("sessions", "show", "1111"),
        ("sessions", "tail"),
        ("audit", "--allow", "http://x:1"),
    ):
        own = log.run(*words).out
        assert there in own, words
        assert utc not in own
        asked = log.run(*words, "--utc").out
        assert utc in asked, words
        assert there not in asked


@pytest.mark.usefixtures("in_new_york")
@pytest.mark.parametrize(
    ("then", "now", "here", "utc"),
    [
        ("2026-11-21T14:00:00.000Z", "2026-11-21T15:00:00.000Z", "09:00", "14:00Z"),
        ("2026-11-21T02:00:00.000Z", "2026-11-21T15:00:00.000Z", "Fri 21:00", "02:00Z"),
        ("2026-11-15T14:00:00.000Z", "2026-11-21T15:00:00.000Z", "Sun 09:00", "Sun 14:00Z"),
        ("2026-11-14T02:00:00.000Z", "2026-11-21T15:00:00.000Z", "2026-11-13", "2026-11-14"),
        ("2026-11-22T14:00:00.000Z", "2026-11-21T15:00:00.000Z", "2026-11-22", "2026-11-22"),
    ],
)
def test_a_short_time_says_the_day_where_it_is_not_today(then: str, now: str, here: str, utc: str) -> None:
    assert short_moment(then, now) == here
    assert short_moment(then, now, utc=True) == utc


def test_last_is_the_newest_session_of_this_folder_else_of_all(log: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert log.json("sessions", "show", "last")["session_id"] == "33333333"
    with recording(log.state) as recorder:
        recorder.session("44444444", 500, project="/p/other")
    assert log.json("sessions", "show", "last")["session_id"] == "33333333"
    elsewhere = log.home / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert log.json("sessions", "show", "last")["session_id"] == "44444444"


def test_last_of_nothing_is_said(place: Place) -> None:
    assert "no session on record yet" in place.refused("sessions", "show", "last")


def test_a_shown_session_speaks_in_words(log: Place) -> None:
    with recording(log.state) as recorder:
        recorder.event("44444444", 500, reachable=True, latency_ms=2.9, outcome="ok")
        recorder.event("55555555", 501, reachable=False, outcome="refused")
        recorder.event("66666666", 502)
    for session, said in (("4444", "responded in 3 ms"), ("5555", "did not respond"), ("6666", "not checked")):
        shown = log.ok("sessions", "show", session).out
        (line,) = [line for line in shown.splitlines() if line.startswith("server")]
        assert said in line
        assert not re.search(r"\b(True|False|None)\b", shown)
        assert str(log.home) not in shown


# --- stats


def test_the_statistics_are_the_promised_object(log: Place) -> None:
    report = log.json("sessions", "stats", "--by", "backend")
    assert report["by"] == "backend"
    assert [(group["key"], group["sessions"]) for group in report["groups"]] == [
        ("http://box:8000", 2),
        ("https://api.anthropic.com", 1),
        ("http://nas:11434", 1),
    ]
    names = {"key", "sessions", "duration_s", "input_tokens", "output_tokens", "cache_read_tokens", "errors"}
    assert all(names <= group.keys() for group in [*report["groups"], report["total"]])
    total = report["total"]
    assert (total["sessions"], total["duration_s"], total["errors"]) == (3, 2160.0, 1)
    assert (total["input_tokens"], total["output_tokens"], total["cache_read_tokens"]) == (2_001_200, 50_520, 8_002_000)
    assert report["local"]["sessions"] == 3
    assert report["local"]["sessions_share"] == 0.75
    assert "cost" not in report
    assert "cost_avoided" not in total


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("model", ["qwen3", "opus", "gpt-oss"]),
        ("day", ["2026-11-21"]),
        ("project", ["{}/api", "/p/other", "{}"]),
    ],
)
def test_the_statistics_group_by_what_is_asked_for(log: Place, by: str, keys: list[str]) -> None:
    report = log.json("sessions", "stats", "--by", by)
    # groups of as many sessions and tokens stand in the order of their names, which depends on where the tests run
    assert sorted(group["key"] for group in report["groups"]) == sorted(key.format(log.project) for key in keys)
    assert report["total"]["sessions"] == 3


def test_the_statistics_of_a_part_count_each_session_of_it_once(log: Place) -> None:
    assert log.json("sessions", "stats", "--project", ".")["total"]["sessions"] == 2
    assert log.json("sessions", "stats", "--backend", "cloud", "--by", "project")["total"]["sessions"] == 1
    assert log.json("sessions", "stats", "--model", "qwen", "--by", "day")["total"]["input_tokens"] == 2_000_100
    assert log.json("sessions", "stats", "--since", "2026-11-22")["groups"] == []


def test_an_address_that_is_none_has_no_part_in_the_local_share(log: Place) -> None:
    before = log.json("sessions", "stats")["local"]
    with recording(log.state) as recorder:
        recorder.event("44444444", 500, backend=("unknown", None))
    report = log.json("sessions", "stats")
    assert report["local"] == before
    assert report["total"]["sessions"] == 4
    (nowhere,) = [group for group in report["groups"] if group["key"] == "unknown"]
    assert (nowhere["sessions"], nowhere["cloud"]) == (1, False)
    assert listed(log, "--backend", "local") == ["3", "2", "1"]


def test_the_statistics_are_a_table_for_people(log: Place) -> None:
    assert log.ok("sessions", "stats").out == (
        "backend                   sessions     time      in  cached     out  failed\n"
        "vllm  box:8000                   2  20m 00s  10.0 M   8.0 M  50.0 k       0\n"
        "cloud  api.anthropic.com         1   6m 00s   1.0 k       0     500       1\n"
        "ollama  nas:11434                1  10m 00s   1.1 k   1.0 k      10       0\n"
        "total                            3  36m 00s  10.0 M   8.0 M  50.5 k       1\n"
        "local share 75 % of sessions, 100 % of tokens\n"
    )


def test_one_group_has_no_line_for_the_total(log: Place) -> None:
    assert len(log.ok("sessions", "stats", "--by", "day").out.splitlines()) == 3


def test_the_cost_avoided_is_an_estimate_at_the_prices_of_the_config(log: Place) -> None:
    log.ok("config", "set", "prices.input", "3.0")
    log.ok("config", "set", "prices.currency", "EUR")
    report = log.json("sessions", "stats", "--cost")
    prices = report["cost"]["per_million_tokens"]
    assert (report["cost"]["estimate"], report["cost"]["currency"], prices["input"]) == (True, "EUR", 3.0)
    box, cloud, _ = report["groups"]
    expected = (2_000_100 * 3 + 50_010 * prices["output"] + 8_001_000 * prices["cache_read"]
                + 1 * prices["cache_write"]) / 1e6  # fmt: skip
    assert box["cost_avoided"] == pytest.approx(expected, abs=1e-4)
    assert cloud["cost_avoided"] == 0
    shown = log.ok("sessions", "stats", "--cost").out
    assert "an estimate" in shown
    assert "EUR" in shown
    assert "3 in" in shown


# --- tail


def test_the_last_things_are_told_one_a_line(log: Place) -> None:
    lines = log.ok("sessions", "tail", "-n", "3").out.splitlines()
    assert [flat(line).split()[2] for line in lines] == ["end", "start", "switch"]
    assert lines[2].endswith("backend")
    report = [json.loads(line) for line in log.ok("sessions", "tail", "--json").out.splitlines()]
    assert [each["what"] for each in report] == ["start", "end", "start", "end", "start", "switch"]
    assert report[5]["backend"] == {"kind": ANTHROPIC[0], "url": ANTHROPIC[1]}


def test_with_no_log_there_is_nothing_to_tell(place: Place) -> None:
    assert place.ok("sessions", "tail").out == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is a signal here")
def test_what_happens_is_followed_until_ctrl_c(log: Place) -> None:
    command = [sys.executable, "-m", "claude_local_plugin", "sessions", "tail", "-f", "-n", "1", "--json"]
    with subprocess.Popen(
        command, cwd=log.project, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["what"] == "switch"
        with recording(log.state) as recorder:
            recorder.event("44444444", 200, cause="startup", backend=BEDROCK)
        started = json.loads(process.stdout.readline())
        assert (started["what"], started["session_id"], started["backend"]["kind"]) == ("start", "44444444", "bedrock")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr.read().strip() == "interrupted"


# --- export


@pytest.mark.parametrize("to", ["jsonl", "csv"])
def test_an_export_has_one_row_per_session(log: Place, to: str) -> None:
    text = log.ok("sessions", "export", "--format", to).out
    rows = (
        [json.loads(line) for line in text.splitlines()] if to == "jsonl" else list(csv.DictReader(io.StringIO(text)))
    )
    assert [row["session_id"] for row in rows] == ["11111111", "22222222", "33333333"]
    assert [int(row["input_tokens"]) for row in rows] == [100, 100, 2_001_000]


def test_an_export_has_one_row_per_span_when_asked(log: Place) -> None:
    rows = [json.loads(line) for line in log.ok("sessions", "export", "--spans", "--project", ".").out.splitlines()]
    assert [(row["session_id"], row["backend_kind"]) for row in rows] == [
        ("11111111", "vllm"),
        ("33333333", "vllm"),
        ("33333333", "anthropic"),
    ]


def test_an_export_into_a_file_is_there_whole_and_private(log: Place, tmp_path: Path) -> None:
    file = tmp_path / "sessions.csv"
    said = log.ok("sessions", "export", "--format", "csv", "--output", str(file))
    assert (said.out, said.err) == ("", f"3 sessions in {file}\n")
    assert file.read_bytes().count(b"\n") == 4
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o640)
    log.ok("sessions", "export", "--format", "jsonl", "--output", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [path.name for path in tmp_path.glob("*sessions*")] == ["sessions.csv"]


def test_an_export_that_fails_leaves_what_was_there(log: Place, tmp_path: Path) -> None:
    file = tmp_path / "sessions.jsonl"
    file.write_text("before")
    for path in log.state.glob("sessions.db*"):
        path.unlink()
    (log.state / "sessions.db").write_bytes(b"no database" * 500)
    assert "damaged" in log.ends(1, "sessions", "export", "--output", str(file)).err
    assert file.read_text() == "before"
    assert [path.name for path in tmp_path.glob("*sessions*")] == ["sessions.jsonl"]


def test_an_export_to_where_nothing_can_be_written_is_refused(log: Place, tmp_path: Path) -> None:
    said = log.ends(1, "sessions", "export", "--output", str(tmp_path / "nowhere" / "x.csv")).err
    assert "cannot be written: No such file or directory" in said


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is not None, reason="pyarrow is installed")
def test_without_pyarrow_it_is_said_how_to_get_it(log: Place) -> None:
    said = log.refused("sessions", "export", "--format", "parquet", "--output", "x.parquet", code=2)
    assert with_extra("parquet") in flat(said)


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="pyarrow is not installed")
@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are Unix's")
def test_parquet_goes_into_a_file_or_a_pipe_and_not_to_a_terminal(log: Place) -> None:
    import pty

    from pyarrow import parquet  # type: ignore[import-not-found,import-untyped,unused-ignore]

    log.ok("sessions", "export", "--format", "parquet", "--output", "x.parquet")
    assert parquet.read_table(log.project / "x.parquet").column("session_id").to_pylist()[0] == "11111111"
    command = [sys.executable, "-m", "claude_local_plugin", "sessions", "export", "--format", "parquet"]
    piped = subprocess.run(command, env=dict(os.environ), capture_output=True, check=True)
    assert parquet.read_table(io.BytesIO(piped.stdout)).num_rows == 3
    master, slave = pty.openpty()
    try:
        ended = subprocess.run(command, env=dict(os.environ), stdout=slave, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(slave)
        os.close(master)
    assert ended.returncode == 2
    assert b"Parquet is not for a terminal" in ended.stderr


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_an_export_keeps_every_letter_in_every_locale(log: Place, encoding: str) -> None:
    with recording(log.state) as recorder:
        recorder.session("44444444", 500, model="modèl-日本")
    environ = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "claude_local_plugin", "sessions"]
    out = {
        words: subprocess.run([*command, *words], env=environ, capture_output=True, check=True).stdout.decode()
        for words in (("export",), ("export", "--format", "csv"), ("list", "--json"), ("tail", "--json"))
    }
    assert "modèl-日本" in {json.loads(line)["model"] for line in out["export",].splitlines()}
    assert "modèl-日本" in {row["model"] for row in csv.DictReader(io.StringIO(out["export", "--format", "csv"]))}
    assert json.loads(out["list", "--json"])["sessions"][0]["model"] == "modèl-日本"
    assert json.loads(out["tail", "--json"].splitlines()[-1])["model"] == "modèl-日本"


# --- prune


def test_old_sessions_are_counted_and_taken_out(log: Place) -> None:
    moment = "2026-11-21T10:45Z"
    report = log.json("sessions", "prune", "--before", moment, "--dry-run")
    assert report == {"before": "2026-11-21T10:45:00.000Z", "old": 1, "open": 0, "unsent": 0, "removed": 0}
    assert listed(log) == ["3", "2", "1"]
    said = log.ok("sessions", "prune", "--before", moment, "--yes", "--utc").out
    assert said == "taken out: 1 session last active before 2026-11-21 10:45:00Z\n"
    assert listed(log) == ["3", "2"]
    assert log.ok("sessions", "prune", "--before", moment, "--yes", "--utc").out.startswith("0 sessions")


def test_an_open_session_stays_however_old(log: Place) -> None:
    report = log.json("sessions", "prune", "--older-than", "0s", "--yes")
    assert (report["old"], report["open"], report["removed"]) == (2, 1, 2)
    assert listed(log) == ["3"]
    assert "1 session as old that did not end stays" in log.ok("sessions", "prune", "--older-than", "0s").out


def test_nobody_is_asked_where_nobody_is(log: Place) -> None:
    assert "there is nobody to ask" in log.ends(2, "sessions", "prune", "--older-than", "0s").err
    assert listed(log) == ["3", "2", "1"]


@pytest.mark.parametrize(("answer", "left"), [("y\n", ["3"]), ("n\n", ["3", "2", "1"]), ("\n", ["3", "2", "1"])])
def test_people_are_asked_and_no_is_the_answer_unless_they_say_yes(
    log: Place, monkeypatch: pytest.MonkeyPatch, answer: str, left: list[str]
) -> None:
    terminal = io.StringIO(answer)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    ended = log.run("sessions", "prune", "--older-than", "0s")
    assert "2 sessions last active before" in ended.err
    assert ended.code == (0 if answer == "y\n" else 1)
    assert listed(log) == left


@pytest.mark.parametrize("options", [(), ("--older-than", "1d", "--before", "2026-01-01"), ("--before", "2100-01-01")])
def test_how_old_must_be_said_once_and_lie_in_the_past(log: Place, options: tuple[str, ...]) -> None:
    log.refused("sessions", "prune", *options, code=2)


def test_before_a_day_is_before_its_beginning() -> None:
    assert before(None, "2026-11-21T00:00Z", now=NOW) == "2026-11-21T00:00:00.000Z"
    assert before("2d", None, now=NOW) == "2026-11-20T00:00:00.000Z"
    with pytest.raises(UsageError, match="still to come"):
        before(None, "2026-11-23T00:00Z", now=NOW)


# --- how it looks


@looped(
    ("number", "text"),
    [(0, "0"), (512, "512"), (999, "999"), (1000, "1.0 k"), (940_000, "940 k"), (999_499, "999 k"), (999_600, "1.0 M"),
     (38_100_000, "38.1 M"), (2_000_000_000, "2.0 G"), (1_234_567_890_123, "1,235 G")],
)  # fmt: skip
def test_large_numbers_are_short(number: int, text: str) -> None:
    assert amount(number) == text


@looped(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59.4, "59s"),
        (59.6, "1m 00s"),
        (190, "3m 10s"),
        (3600, "1h 00m"),
        (64_920, "18h 02m"),
        (359_999, "99h 59m"),
        (360_000, "4d 04h"),
        (1e8, "1,157d 09h"),
    ],
)
def test_times_are_short(seconds: float, text: str) -> None:
    assert length(seconds) == text


@looped(
    ("backend", "name"),
    [
        (("vllm", "http://box:8000"), "vllm  box:8000"),
        (("vllm", "https://box"), "vllm  https://box"),
        (("unknown", None), "unknown  -"),
        (("anthropic", "https://api.anthropic.com"), "cloud  api.anthropic.com"),
        (("bedrock", None), "cloud  bedrock"),
        (("vertex", "https://europe.example.com"), "cloud  vertex europe.example.com"),
    ],
)
def test_a_backend_is_called_as_people_call_it(backend: tuple[str, str | None], name: str) -> None:
    assert backend_name({"kind": backend[0], "url": backend[1]}) == name


def test_every_option_of_the_list_is_asked_of_the_log() -> None:
    asked = Asked(since="1d", until="2026-11-21", project="/p", backend="b", model="m", state="killed")
    where = asked.where(cwd=Path("/x"), home=Path("/h"), state_dir=Path("/s"), now=NOW)
    assert where == queries.Where("2026-11-21T00:00:00.000Z", where.until, ("/p",), "b", "m", queries.State.KILLED)
    assert where.until is not None
    assert where.until > at(0)
    assert NOW - timedelta(days=1) == datetime.fromisoformat(str(where.since))


def test_the_log_is_read_while_hooks_write(log: Place) -> None:
    with recording(log.state) as recorder:
        recorder.event("55555555", 300)
        assert listed(log) == ["3", "2", "1"]
    assert listed(log) == ["5", "3", "2", "1"]
