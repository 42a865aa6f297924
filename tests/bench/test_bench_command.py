"""`claude-local bench` from the command line, against a server of our own."""

import contextlib
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from tests.commands.place import MODEL, Place
from tests.listening import listening

pytestmark = pytest.mark.process

SMALL = ("--prompt-tokens", "400", "--turns", "2", "--answer-tokens", "4", "--concurrency", "1,2")


def test_a_folders_own_server_is_measured(enabled: Place, server: EmbeddedBackend) -> None:
    report = enabled.json("bench", *SMALL)
    assert report["server"] == {
        "url": server.url, "kind": "vllm", "version": "0.32.0", "model": MODEL, "window": 65_536
    }  # fmt: skip
    assert [level["parallel"] for level in report["levels"]] == [1, 2]
    assert report["overhead"]["ttft"]["count"] > 0
    assert {
        request.headers["authorization"] for request in server.messages if "authorization" in request.headers
    } == set()


def test_people_get_a_table(enabled: Place) -> None:
    ended = enabled.ok("bench", *SMALL)
    assert f"{MODEL} on vllm 0.32.0" in ended.out
    assert "a new prompt of" in ended.out
    head = next(line for line in ended.out.splitlines() if line.startswith("at once"))
    rows = [line for line in ended.out.splitlines() if line[:2] in ("1 ", "2 ")]
    assert len(rows) == 2
    assert all(len(row) <= len(head) + 12 for row in rows)
    assert "recommended: " in ended.out
    assert "our own part" in ended.out
    assert "up to" in ended.err


def test_answers_that_were_held_back_on_the_way_are_said_to_be(enabled: Place, server: EmbeddedBackend) -> None:
    """A gateway that collects the stream and hands it over at the end, as nginx does by itself."""
    with holding_back(server.url) as url:
        report = enabled.json("bench", "--url", url, "--model", MODEL, *SMALL)
        said = enabled.ok("bench", "--url", url, "--model", MODEL, *SMALL).out
    assert {level["per_token"]["count"] for level in report["levels"]} == {0}
    assert "answers came all at once, so nothing is said per token" in said
    assert "the longest answer" not in said
    assert "answers came all at once" not in enabled.ok("bench", *SMALL).out


@contextlib.contextmanager
def holding_back(target: str) -> Iterator[str]:
    """A proxy that passes an answer on in one piece, once it is whole."""

    class Handler(BaseHTTPRequestHandler):
        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)) or None
            asked = urllib.request.Request(target + self.path, body, {"content-type": "application/json"})
            asked.method = self.command
            try:
                answer = urllib.request.urlopen(asked, timeout=30)
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                text = answer.read()
                self.send_response(answer.status)
                self.send_header("content-type", answer.headers["content-type"] or "text/plain")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = pass_on  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with listening(Handler) as url:
        yield url


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are Unix's")
@pytest.mark.parametrize(("term", "drawn"), [("xterm", True), ("dumb", False)])
def test_a_terminal_shows_how_far_it_is_and_keeps_nothing_of_that(enabled: Place, term: str, drawn: bool) -> None:
    import pty

    here, terminal = pty.openpty()
    command = [sys.executable, "-m", "claude_local_plugin", "bench", *SMALL]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=terminal, env={**os.environ, "TERM": term}
    ) as running:
        os.close(terminal)
        seen = bytearray()
        with suppress(OSError):  # Linux's way to say that the other side has gone
            while part := os.read(here, 4096):
                seen += part
    os.close(here)
    assert running.returncode == 0
    bars = re.findall(rb"\r([a-z].{13}) [#.]{30} (\d+)/(\d+) 0:00:\d\d\x1b\[K", seen)
    assert bool(bars) is drawn
    assert seen.endswith(b"\r\x1b[K") is drawn
    assert (b"\x1b" in seen) is drawn


def test_any_server_can_be_measured(place: Place, server: EmbeddedBackend) -> None:
    assert place.json("bench", "--url", server.url, *SMALL)["server"]["model"] == MODEL


def test_the_default_prompt_is_no_longer_than_a_third_of_the_window(place: Place) -> None:
    with EmbeddedBackend(models=(Model("small", 6_000),), reply="one two") as backend:
        report = place.json("bench", "--url", backend.url, "--turns", "1", "--concurrency", "1")
    assert report["workload"]["prompt_tokens"] == 2_000


def test_nothing_is_written_without_being_asked_to(enabled: Place) -> None:
    before = enabled.files()
    enabled.ok("bench", *SMALL)
    assert enabled.files() == before


def test_apply_shows_a_diff_and_writes_what_follows(enabled: Place) -> None:
    former = enabled.env()
    ended = enabled.ok("bench", *SMALL, "--apply", "--yes")
    assert '+    "CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS"' in ended.err
    changed = {name for name, value in enabled.env().items() if former.get(name) != value}
    assert changed <= {"CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS", "API_TIMEOUT_MS", "CLAUDE_STREAM_IDLE_TIMEOUT_MS"}
    assert "CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS" in changed


def test_revert_takes_back_what_apply_wrote_and_nothing_else(enabled: Place) -> None:
    before = enabled.local.read_bytes()
    enabled.ok("bench", *SMALL, "--apply", "--yes")
    assert enabled.local.read_bytes() != before
    assert "settings taken out or put back" in enabled.ok("bench", "--revert").out
    assert enabled.local.read_bytes() == before
    assert "nothing was applied here" in enabled.ok("bench", "--revert").out


def test_apply_needs_the_folders_own_server(place: Place, server: EmbeddedBackend) -> None:
    ended = place.ends(2, "bench", "--url", server.url, *SMALL, "--apply", "--yes")
    assert "enable --url" in ended.err
    assert not place.local.exists()


def test_an_earlier_report_is_set_beside_this_one(enabled: Place, tmp_path: Path) -> None:
    earlier = tmp_path / "earlier.json"
    earlier.write_text(json.dumps(enabled.json("bench", *SMALL)), encoding="utf-8")
    report = enabled.json("bench", *SMALL, "--compare", str(earlier))
    assert {change["label"] for change in report["compared"]} >= {"cold TTFT", "1 at once: TTFT", "2 at once: a task"}
    assert "compared with the other report" in enabled.ok("bench", *SMALL, "--compare", str(earlier)).out


@pytest.mark.parametrize("content", [None, "no json", "[]"])
def test_a_file_that_is_no_report_is_refused_before_anything_is_measured(
    enabled: Place, server: EmbeddedBackend, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "other.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert str(path) in enabled.refused("bench", *SMALL, "--compare", str(path), code=2)
    assert server.messages == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--concurrency", "1,x"), "numbers"),
        (("--concurrency", "99"), "from 1 to 64"),
        (("--turns", "0"), "--turns"),
        (("--plot", "bench.pdf"), ".svg"),
    ],
)
def test_what_cannot_be_measured_is_refused(enabled: Place, arguments: tuple[str, ...], said: str) -> None:
    assert said in enabled.refused("bench", *arguments, code=2)


def test_a_folder_in_the_cloud_has_nothing_to_measure(place: Place) -> None:
    assert "--url URL" in place.refused("bench", code=2)


def test_anthropic_is_not_measured(place: Place) -> None:
    assert "Anthropic's own" in place.refused("bench", "--url", "https://api.anthropic.com", code=2)


def test_a_server_that_is_not_there_is_said(place: Place, closed_port: int) -> None:
    assert "refuses connections" in place.refused("bench", "--url", f"http://127.0.0.1:{closed_port}")


def test_the_folders_key_goes_to_no_other_server(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "sk-secret-of-the-shell")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
    place.json("bench", "--url", server.url, *SMALL)
    assert not any("authorization" in request.headers for request in server.requests)


def test_a_key_of_anthropics_goes_to_no_server(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "sk-ant-oat01-secret")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    place.json("bench", "--model", MODEL, *SMALL)
    assert not any("authorization" in request.headers for request in server.requests)


def test_a_named_key_is_sent_and_never_shown(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-my-own-key-0123456789")
    with EmbeddedBackend(models=(Model(MODEL),), api_key="sk-my-own-key-0123456789", reply="one two") as backend:
        ended = place.ok("bench", "--url", backend.url, "--token-env", "MY_KEY", *SMALL)
    assert "0123456789" not in ended.all
    assert "is not set" in place.refused("bench", "--url", "http://127.0.0.1:1", "--token-env", "NO_KEY", code=2)


def test_a_plot_is_drawn(enabled: Place) -> None:
    ended = enabled.ok("bench", *SMALL, "--plot", "bench.svg")
    assert "drawn: bench.svg" in ended.err
    assert (enabled.project / "bench.svg").read_bytes().startswith(b"<?xml")


def test_a_run_that_ended_early_shows_in_the_exit_code(enabled: Place, server: EmbeddedBackend) -> None:
    server.delay = 0.4
    ended = enabled.ends(1, "bench", *SMALL, "--time-limit", "1")
    assert "ended early: the time was up" in ended.out


def test_disable_takes_back_what_apply_wrote_too(place: Place, server: EmbeddedBackend) -> None:
    before = place.write(place.local, {"permissions": {"allow": ["Bash(make:*)"]}})
    place.ok("enable", "--url", server.url, "--yes")
    place.ok("bench", *SMALL, "--apply", "--yes")
    place.ok("disable")
    assert place.local.read_bytes() == before
