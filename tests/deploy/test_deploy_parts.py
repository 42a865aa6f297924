"""The parts of a deployment by themselves: machines, model files, windows, names, records, and the words of scripts."""

import io
import os
import subprocess
import time
from pathlib import Path

import pytest

from claude_local_plugin.cli.terminal import Printer
from claude_local_plugin.cli.up import Progress
from claude_local_plugin.deploy import engines, gguf, record
from claude_local_plugin.deploy.gguf import Gguf
from claude_local_plugin.deploy.host import Host, folder_word, words
from claude_local_plugin.deploy.machine import look_at, understood
from claude_local_plugin.deploy.record import Deployment
from claude_local_plugin.errors import ClaudeLocalError, SettingsError, UsageError
from claude_local_plugin.server_log import reading
from tests.deploy.test_up_llama import header
from tests.looped import looped

SPARK = """machine=aarch64
system=Linux
home=/home/me
MemTotal=126877696
MemAvailable=120000000
disk=900000000
program=docker
program=docker-with-compose
gpu=NVIDIA GB10, [N/A], [N/A], 580.95.05
"""


def test_a_machine_whose_gpu_shares_its_memory_has_that_memory() -> None:
    machine = understood(SPARK)
    assert (machine.gpus[0].total, machine.programs) == (None, {"docker", "docker-with-compose"})
    assert machine.room == pytest.approx(114.44, abs=0.01)
    assert machine.words == "NVIDIA GB10 · 121.0 GiB of memory, 114.4 free · driver 580.95.05 · Linux aarch64"


def test_the_memory_of_gpus_of_their_own_is_what_counts() -> None:
    gpu = "gpu=NVIDIA RTX PRO 6000, 97887, 96000, 580.1\n"
    machine = understood(f"machine=x86_64\nsystem=Linux\nMemTotal=1000\nMemAvailable=900\n{gpu}{gpu}")
    assert machine.room == pytest.approx(187.5)
    assert machine.words == "2 × NVIDIA RTX PRO 6000 · 191 GiB · driver 580.1 · Linux x86_64"


def test_a_machine_that_says_little_is_no_reason_to_stop() -> None:
    machine = understood("machine=arm64\nsystem=Darwin\n")
    assert (machine.room, machine.gpus, machine.words) == (None, (), "Darwin arm64")


def test_this_machine_is_understood(home: Path) -> None:
    machine = look_at(Host(None, dict(os.environ), home))
    assert machine.home == str(home)
    assert machine.machine
    assert (machine.total or 0) >= (machine.available or 0)


def test_a_models_file_tells_its_window_and_what_its_cache_takes() -> None:
    raw = header(layers=48, heads=32, kv_heads=4, width=4096, window=262_144)
    found = gguf.understood(io.BytesIO(raw), 18 * 2**30, "/models/Qwen3-Coder-30B-00001-of-00002.gguf")
    assert (found.window, found.token_bytes, found.words) == (262_144, 98_304, "18.0 GiB")
    assert found.memory(65_536) == pytest.approx(24.0)


@looped(
    "raw, said",
    [
        (b"<html>", "its first bytes are not GGUF"),
        (b"GGUF\x00\x00\x00\x63" + b"\0" * 16, "version"),
        (header(layers=1, heads=1, kv_heads=1, width=8, window=8)[:40], "ends in the middle"),
        (b"GGUF\x03\x00\x00\x00" + b"\xff" * 16, "makes no sense"),
    ],
)
def test_a_file_that_is_no_model_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(ClaudeLocalError, match=said):
        gguf.understood(io.BytesIO(raw), 1, "a.gguf")


def model(gib: float, token_bytes: int = 98_304, window: int = 262_144) -> Gguf:
    return Gguf("m.gguf", int(gib * 2**30), "M", "llama", window, token_bytes)


@looped(
    "room, asked, slots, window",
    [
        (40.0, None, 1, 131_072),  # what is good, where more would fit
        (32.0, None, 1, 117_760),  # what fits
        (41.0, 200_000, 1, 200_000),  # what is asked for
        (None, None, 1, 131_072),  # where nothing is known of the memory nothing is refused
        (40.0, None, 2, 98_304),  # each session has its own
    ],
)
def test_the_window_is_what_fits(room: float | None, asked: int | None, slots: int, window: int) -> None:
    assert engines.window_for(model(18), room, asked, 27_931, slots) == window


@looped(
    "room, asked, said, hint",
    [
        (10.0, None, "M does not fit: its weights are 18.0 GiB, and 9.0 of 10.0 GiB free", "smaller quantisation"),
        (
            32.0,
            200_000,
            "does not fit with a window of 200,000: weights 18.0 GiB and cache 18.3 GiB",
            "--window 117760",
        ),
        (21.0, None, "does not fit with a window of 27,931", "smaller quantisation"),
        (99.0, 300_000, "300,000 is asked for, and M was made for 262,144", "--window 262144"),
        (99.0, 9_000, "a window of 9,000 is too small", "--window 27931"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_numbers(room: float, asked: int | None, said: str, hint: str) -> None:
    with pytest.raises(ClaudeLocalError) as refused:
        engines.window_for(model(18), room, asked, 27_931, 1)
    assert said in refused.value.message
    assert hint in (refused.value.hint or "")


@looped(
    "text, name",
    [
        ("/m/Qwen3-Coder-30B-A3B-Q4_K_M.gguf", "qwen3-coder-30b-a3b-q4-k-m"),
        ("big-00001-of-00004.GGUF", "big"),
        ("org/Name With Blanks/", "name-with-blanks"),
        ("ä.gguf", "server"),
        ("x" * 99, "x" * 40),
    ],
)
def test_a_name_is_made_of_a_file(text: str, name: str) -> None:
    assert engines.name_of(text) == name


def test_a_command_of_ones_own_tells_its_port_or_it_is_asked_for() -> None:
    assert engines.own_command(["vllm", "serve", "m", "--port", "8123"], name=None, port=None).port == 8123
    assert engines.own_command(["srv", "--port=8124"], name="mine", port=None).url == "http://127.0.0.1:8124"
    assert engines.own_command(["srv", "-p", "x"], name="mine", port=9).port == 9
    with pytest.raises(UsageError, match="which port"):
        engines.own_command(["srv"], name=None, port=None)


AWKWARD = 'it\'s $(touch PWNED); `touch PWNED` \\ "x" & ä'


class Screen(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/home/ann/tiny-qwen.gguf", "~/tiny-qwen.gguf"),
        ("/home/anna/tiny-qwen.gguf", "/home/anna/tiny-qwen.gguf"),
        ("/srv/models/of/everybody/on/this/machine/qwen3-coder.gguf", "…rybody/on/this/machine/qwen3-coder.gguf"),
        ("/home/ann/" + "models/" * 6 + "tiny.gguf", "…s/models/models/models/models/tiny.gguf"),
    ],
)
def test_the_file_that_is_being_loaded_is_said_as_people_say_it(path: str, said: str) -> None:
    screen = Screen()
    line = f"srv    load_model: loading model '{path}'\n"
    progress = Progress(Printer(screen, colour=False, width=80, home="/home/ann"), quiet=False)
    progress.reading(reading.read(["build: 6089 (x)\n", line]), line)
    assert screen.getvalue().rpartition("\r\x1b[K")[2] == f"  loading the weights · {said} …"


def test_every_word_of_a_script_arrives_as_it_is(tmp_path: Path, home: Path) -> None:
    host = Host(None, dict(os.environ), home)
    assert host.run(f"printf %s {words(AWKWARD)}").out == AWKWARD
    assert host.run(
        f"mkdir -p {folder_word('~/' + AWKWARD)} && cd {folder_word('~/' + AWKWARD)} && pwd"
    ).out.strip() == str(home / AWKWARD)
    assert not list(home.rglob("PWNED"))
    # the whole script is one word for ssh, which another shell reads once more
    for shell in ("bash", "dash", "sh"):
        argv = Host("box", {}, home).argv(f"printf %s {words(AWKWARD)}")
        said = subprocess.run([shell, "-c", argv[-1]], capture_output=True, text=True, check=True).stdout
        assert said == AWKWARD
    assert Host("-oProxyCommand=x", {}, home).argv("true")[-3:-1] == ["--", "-oProxyCommand=x"]


def kept(name: str = "one") -> Deployment:
    return Deployment(
        name, "command", None, "http://127.0.0.1:1", 1, None, "~/x", ("~/x/a",), "2026-11-28T20:00:00+00:00"
    )


def test_a_record_is_read_back_as_it_was_kept(tmp_path: Path) -> None:
    one = kept().with_(pid=7, began="8", stop=("down",))
    record.keep(one, tmp_path)
    assert record.find("one", tmp_path) == one == record.only(None, tmp_path)
    assert (tmp_path / "deployments" / "one.json").stat().st_mode & 0o077 == 0
    record.keep(kept("two"), tmp_path)
    with pytest.raises(UsageError, match="several"):
        record.only(None, tmp_path)
    assert record.only("two", tmp_path).name == "two"
    for each in ("one", "two"):
        record.forget(record.only(each, tmp_path), tmp_path)
    assert not (tmp_path / "deployments").exists()


def test_a_damaged_record_is_said_and_not_taken_for_none(tmp_path: Path) -> None:
    record.keep(kept(), tmp_path)
    (tmp_path / "deployments" / "one.json").write_text("{")
    with pytest.raises(SettingsError, match=r"one\.json"):
        list(record.every(tmp_path))


def test_a_process_that_took_over_a_number_is_not_stopped(tmp_path: Path, home: Path) -> None:
    from claude_local_plugin.deploy import running

    host = Host(None, dict(os.environ), home)
    other = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        one = kept().with_(pid=other.pid, began="1")
        assert not running.is_running(one, host)
        assert running.stop(one, host) is False
        assert other.poll() is None
        assert running.is_running(one.with_(began=running.began(other.pid, host)), host)
    finally:
        other.kill()
        other.wait()


def test_what_a_server_has_started_is_stopped_with_it_wherever_it_went(tmp_path: Path, home: Path) -> None:
    from claude_local_plugin.deploy import running

    host = Host(None, dict(os.environ), home)
    script = f"setsid sleep 61 & echo $! > {tmp_path}/child; sleep 62"
    pid, began = running.in_background("true", "", ["sh", "-c", script], "/dev/null", host)
    one = kept().with_(pid=pid, began=began)
    while not (tmp_path / "child").exists() or not (tmp_path / "child").read_text().strip():
        time.sleep(0.05)
    child = int((tmp_path / "child").read_text())
    assert running.began(child, host)
    assert running.stop(one, host) is True
    assert running.began(child, host) is None
    assert running.began(pid, host) is None
