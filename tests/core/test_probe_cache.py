"""The last look at each server: what is remembered comes back with its age, and nothing else is taken for it."""

import json
import os
import subprocess
import sys
import time
from binascii import crc32
from pathlib import Path

import pytest

from claude_local_plugin.core.probe import ERROR, OK, PROXIED, REFUSED, Probe
from claude_local_plugin.core.probe_cache import FOLDER, MOST_BYTES, Look, path_of, recall, remember
from tests.hook_runtime.hook_process import ROOT

URL = "http://dell-pro-max:8000"


@pytest.fixture
def state(tmp_path: Path) -> str:
    """A state folder that does not exist yet, nor does the folder around it."""
    return str(tmp_path / "around" / "state")


def recalled(state: str, url: str = URL, now: float | None = None) -> Look:
    look = recall(state, url, now)
    assert look is not None
    return look


def kept_at(state: str) -> float:
    """When the look was remembered, as its file says."""
    return float(json.loads(Path(path_of(state, URL)).read_text())["at"])


@pytest.mark.parametrize(
    "probe",
    [
        Probe(OK, "HTTP 200", 200, 3.4, "vllm", b"the body is not kept"),
        Probe(OK, "HTTP 401", 401, 12, "unknown"),
        Probe(ERROR, "HTTP 503", 503, 0.5, "litellm"),
        Probe(REFUSED, "connection refused"),
        Probe(PROXIED, 'says "é" and \\ and 漢'),
    ],
    ids=lambda probe: probe.detail,
)
def test_what_was_found_comes_back(state: str, probe: Probe) -> None:
    remember(state, URL, probe)
    look = recalled(state)
    assert (look.outcome, look.status, look.latency_ms, look.kind, look.detail) == (
        probe.outcome,
        probe.status,
        probe.latency_ms,
        probe.kind,
        probe.detail,
    )
    assert 0 <= look.age_s < 60


def test_the_age_is_the_time_since(state: str) -> None:
    remember(state, URL, Probe(OK, "HTTP 200", 200, 3.4))
    assert recalled(state, now=kept_at(state) + 31.5).age_s == pytest.approx(31.5, abs=1e-3)


def test_a_look_of_the_future_is_none_for_the_clock_went_back(state: str) -> None:
    remember(state, URL, Probe(OK))
    assert recall(state, URL, kept_at(state) - 0.001) is None
    assert recall(state, URL, kept_at(state)) is not None


def test_the_newest_look_counts(state: str) -> None:
    remember(state, URL, Probe(OK, "HTTP 200", 200, 3.4))
    remember(state, URL, Probe(REFUSED, "connection refused"))
    assert recalled(state).outcome == "refused"
    assert len(list(Path(state, FOLDER).iterdir())) == 1


def test_each_server_has_its_own(state: str) -> None:
    others = ["https://dell-pro-max:8000", f"{URL}/v2", "http://dell-pro-max:8001", "http://[::1]:8000", "http://é:1"]
    remember(state, URL, Probe(OK))
    for url in others:
        assert recall(state, url) is None
        remember(state, url, Probe(REFUSED, url))
    assert [recalled(state, url).detail for url in others] == others
    assert recalled(state).outcome == "ok"


def test_two_urls_of_one_file_name_are_told_apart(state: str) -> None:
    remember(state, URL, Probe(OK))
    other = "http://dell-pro-max:8000/other"
    Path(path_of(state, URL)).rename(path_of(state, other))
    assert recall(state, other) is None


def test_the_file_name_ends_in_the_checksum_that_every_program_makes_of_the_url() -> None:
    for url in (URL, "", "https://ä.example", "x" * 3000):
        assert path_of("", url).endswith(f"-{crc32(url.encode()):08x}.json")


def test_the_file_name_names_the_server_and_nothing_that_a_file_system_minds() -> None:
    name = Path(path_of("", "https://a_b.example:8443/../x?*" + "y" * 500)).name
    assert name.startswith("a-b-example-8443----x")
    assert len(name) < 80
    assert name.removesuffix(".json").replace("-", "").isalnum()


def test_never_looked_is_none(state: str) -> None:
    assert recall(state, URL) is None
    assert not Path(state).exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"{}",
        b'{"url":"http://dell-pro-max:8000"}',
        b'{"at":"1","url":"http://dell-pro-max:8000","outcome":"ok","status":200,"latency_ms":1,"kind":"","detail":""}',
        b'{"at":1,"url":"http://dell-pro-max:8000","outcome":7,"status":200,"latency_ms":1,"kind":"","detail":""}',
        b'{"at":1,"url":"http://dell-pro-max:8000","outcome":"ok","status":"2","latency_ms":1,"kind":"","detail":""}',
        b'{"at":1,"url":"http://dell-pro-max:8000","outcome":"ok","status":200,"latency_ms":[],"kind":"","detail":""}',
        b'{"at":1,"url":"http://dell-pro-max:8000","outcome":"ok","status":200,"latency_ms":NaN,"kind":"","detail":""}',
        b'{"at":NaN,"url":"http://dell-pro-max:8000","outcome":"ok","status":200,"latency_ms":1,"kind":"","detail":""}',
        b" " * MOST_BYTES + b"{}",
        b'{"at":' * 2000,
    ],
)
def test_a_file_that_remember_did_not_write_is_none_and_is_mended_by_the_next(state: str, content: bytes) -> None:
    remember(state, URL, Probe(OK))
    Path(path_of(state, URL)).write_bytes(content)
    assert recall(state, URL) is None
    remember(state, URL, Probe(REFUSED, "connection refused"))
    assert recalled(state).outcome == "refused"


def test_the_longest_detail_and_url_fit(state: str) -> None:
    url = "http://" + "漢" * 493
    remember(state, url, Probe(REFUSED, "\U0001f600" * 500))
    assert recalled(state, url).detail == "\U0001f600" * 200


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_only_this_user_can_read_it_whatever_the_umask(state: str) -> None:
    before = os.umask(0)
    try:
        remember(state, URL, Probe(OK))
    finally:
        os.umask(before)
    folder = Path(state)
    modes = [path.stat().st_mode & 0o777 for path in (folder, folder / FOLDER, Path(path_of(state, URL)))]
    assert modes == [0o700, 0o700, 0o600]


def test_a_folder_that_cannot_be_is_said_and_nothing_is_left_behind(tmp_path: Path) -> None:
    blocked = tmp_path / "state"
    blocked.write_text("a file, not a folder")
    with pytest.raises(OSError, match="state"):
        remember(str(blocked), URL, Probe(OK))
    assert recall(str(blocked), URL) is None

    taken = tmp_path / "other"
    Path(path_of(str(taken), URL)).mkdir(parents=True)
    with pytest.raises(OSError, match="json"):
        remember(str(taken), URL, Probe(OK))
    assert recall(str(taken), URL) is None
    assert len(list((taken / FOLDER).iterdir())) == 1


def test_a_reader_sees_whole_looks_only_while_others_write(state: str) -> None:
    remember(state, URL, Probe(OK, "HTTP 200", 200, 3.4, "vllm"))
    write = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from claude_local_plugin.core.probe_cache import remember\n"
        "from claude_local_plugin.core.probe import Probe\n"
        "for turn in range(300):\n"
        "    remember(sys.argv[2], sys.argv[3], Probe('ok', 'x' * (turn % 200), 200, 1.0, 'vllm'))\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", write, str(ROOT), state, URL]) for _ in range(2)]
    looks = 0
    while any(writer.poll() is None for writer in writers):
        recalled(state, now=time.time() + 60)
        looks += 1
    assert [writer.returncode for writer in writers] == [0, 0]
    assert looks > 0
    assert len(list(Path(state, FOLDER).iterdir())) == 1


def test_recalling_needs_nothing_slow(state: str) -> None:
    remember(state, URL, Probe(OK))
    code = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "from claude_local_plugin.core.probe_cache import recall\n"
        "assert recall(sys.argv[2], sys.argv[3]).outcome == 'ok'\n"
        "print(*sys.modules)"
    )
    command = [sys.executable, "-I", "-S", "-c", code, str(ROOT), state, URL]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    heavy = {"json", "re", "enum", "typing", "dataclasses", "pathlib", "socket", "claude_local_plugin.core.probe"}
    assert not heavy & set(done.stdout.split())
