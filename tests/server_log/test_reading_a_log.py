"""A log read line by line: prefixes, attempts, consequences, progress, and what is not known."""

import json
from functools import reduce
from pathlib import Path

from claude_local_plugin.checks import Result
from claude_local_plugin.server_log import Reading, Stage, fed, findings, read
from claude_local_plugin.server_log.lines import lines_of
from tests.looped import looped

FILES = Path(__file__).with_name("files")
TAKEN = "[Errno 98] error while attempting to bind on address ('0.0.0.0', 8000): address already in use"
BANNER = "(APIServer pid=1) INFO 11-28 20:01:05 [api_server.py:2024] vLLM API server version 0.32.0"
LOADING = "(EngineCore pid=94) INFO 11-28 20:01:25 [gpu_model_runner.py:5040] Starting to load model acme/coder..."
READY = "(APIServer pid=1) INFO:     Application startup complete."


def log(name: str) -> Reading:
    return read((FILES / name).read_text(encoding="utf-8").splitlines())


@looped(
    "raw, text, level",
    [
        ("plain", "plain", ""),
        ("vllm-1  | (EngineCore pid=7) ERROR 11-28 20:02:44 [core.py:1136] ValueError: no", "ValueError: no", "error"),
        ("(Worker_TP0 pid=7) INFO 11-28 20:02:44 [core.py:1136] well", "well", "info"),
        ("(RayWorkerWrapper pid=3, ip=10.0.0.2) plain", "(RayWorkerWrapper pid=3, ip=10.0.0.2) plain", ""),
        ("(VllmWorker rank=1 pid=191128) ERROR 05-28 18:58:32 [multiproc_executor.py:522] bad", "bad", "error"),
        ("ERROR 04-08 19:59:10 engine.py:400] CUDA error", "CUDA error", "error"),
        ("2026-11-28T20:02:44.123456789Z INFO:     Shutting down", "Shutting down", "info"),
        ("Nov 28 20:02:44 box vllm[812]: WARNING 11-28 20:02:44 [a.py:1] hm", "hm", "warning"),
        ("0.00.004.581 E srv         start: couldn't bind", "srv         start: couldn't bind", "error"),
        ("08:57:35 - LiteLLM Proxy:ERROR: proxy_server.py:3568 - it broke", "it broke", "error"),
        ('{"log":"INFO:     up\\n","stream":"stderr","time":"2026-11-28T20:02:44Z"}', "up", "info"),
        ('{"msg":"exec: Exec format error","level":"error"}', "exec: Exec format error", "error"),
        ("\x1b[1;36m(APIServer pid=1)\x1b[0;0m INFO:     up", "up", "info"),
        ('{"not": "a log"}', '{"not": "a log"}', ""),
        ("[rank0]: torch.OutOfMemoryError: CUDA out of memory", "torch.OutOfMemoryError: CUDA out of memory", ""),
    ],
)  # fmt: skip
def test_what_stands_before_a_line_is_taken_off(raw: str, text: str, level: str) -> None:
    (line,) = lines_of(raw)
    assert (line.text, line.level) == (text, level)


def test_a_progress_bar_that_was_drawn_again_is_several_lines() -> None:
    bar = "".join(f"\rLoading safetensors checkpoint shards:  {n}% Completed | {n}/100 [00:00<00:01]" for n in (25, 75))
    reading = fed(Reading(), bar)
    assert reading.lines == 1
    assert reading.step is not None
    assert (reading.step.stage, reading.step.share) == (Stage.LOADING, 0.75)


def test_a_window_that_does_not_fit_is_found_behind_composes_prefixes() -> None:
    reading = log("vllm-window.compose.log")
    assert (reading.kind, reading.version) == ("vllm", "0.32.0")
    assert reading.stages == (Stage.STARTING, Stage.LOADING, Stage.COMPILING, Stage.STOPPED)
    (finding,) = findings(reading, FILES / "x.log", report="")
    assert (finding.id, finding.group, finding.result) == ("log.window-over-cache", "log", Result.ERROR)
    assert str(finding.where).endswith("x.log:18")
    assert (finding.fix or "").startswith("--max-model-len 104448, ")


def test_every_stage_of_a_start_that_goes_well_is_told_and_its_share() -> None:
    told = []
    reading = Reading()
    for line in (FILES / "vllm-well.log").read_text(encoding="utf-8").splitlines():
        reading = fed(reading, line)
        assert reading.step is not None
        told.append((reading.step.stage, reading.step.share))
    assert reading.stages == (
        *(Stage.STARTING, Stage.LOADING, Stage.DOWNLOADING, Stage.COMPILING, Stage.CAPTURING, Stage.READY),
    )
    assert (Stage.DOWNLOADING, 0.35) in told
    assert (Stage.LOADING, 0.25) in told
    assert (Stage.CAPTURING, 0.4) in told
    (finding,) = findings(reading, None, report="")
    assert (finding.id, finding.result, finding.what) == ("log.ready", Result.OK, "vLLM 0.33.0 became ready")


def test_an_unknown_failure_says_so_and_shows_the_last_error_not_what_only_follows_from_it() -> None:
    (finding,) = findings(log("unknown.log"), None, report="report it")
    assert (finding.id, finding.result, finding.fix, finding.where) == (
        "log.unknown",
        Result.ERROR,
        "report it",
        "line 6",
    )
    assert "acme.FlipError: the flux is reversed" in finding.what


def test_litellm_without_a_master_key_is_told() -> None:
    reading = log("litellm-no-master-key.log")
    assert reading.kind == "litellm"
    assert [hit.id for hit in reading.found] == ["log.master-key"]


def test_reading_on_from_anywhere_is_reading_the_whole() -> None:
    lines = [line for name in sorted(FILES.iterdir()) for line in name.read_text(encoding="utf-8").splitlines()]
    for cut in range(0, len(lines), 7):
        assert reduce(fed, lines[cut:], read(lines[:cut])) == read(lines)


def test_what_went_wrong_before_the_server_was_ready_is_over() -> None:
    assert [hit.id for hit in read([BANNER, LOADING, TAKEN]).found] == ["log.port-taken"]
    reading = read([BANNER, LOADING, TAKEN, BANNER, LOADING, READY])
    assert reading.found == ()
    assert findings(reading, None, report="")[0].result is Result.OK


def test_what_goes_wrong_after_it_was_ready_counts() -> None:
    dead = "vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue. See stack trace (above)"
    assert [hit.id for hit in read([BANNER, LOADING, READY, dead]).found] == ["log.engine-dead"]
    full = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."
    assert [hit.id for hit in read([BANNER, LOADING, READY, full, dead]).found] == ["log.gpu-memory"]


def test_of_a_container_that_is_restarted_the_last_attempt_counts_or_where_it_is_young_the_one_before() -> None:
    no_space = "OSError: [Errno 28] No space left on device"
    assert [hit.id for hit in read([BANNER, LOADING, no_space, BANNER, LOADING, TAKEN]).found] == ["log.port-taken"]
    assert [hit.id for hit in read([BANNER, LOADING, no_space, BANNER, LOADING]).found] == ["log.disk-full"]


def test_a_consequence_is_not_said_beside_its_cause() -> None:
    nccl = "RuntimeError: NCCL error: unhandled system error (run with NCCL_DEBUG=INFO for details)"
    segment = "NCCL WARN Error while creating shared memory segment /dev/shm/nccl-a1 (size 9637888)"
    assert [hit.id for hit in read([nccl]).found] == ["log.nccl"]
    assert [hit.id for hit in read([segment, nccl]).found] == ["log.shared-memory"]


def test_the_words_of_others_in_a_log_are_no_failure() -> None:
    asked = "INFO 11-28 20:02:44 [logger.py:43] Received request chatcmpl-1: prompt: 'No space left on device'"
    went_well = '127.0.0.1:5 - "GET /search?q=EADDRINUSE HTTP/1.1" 200 OK'
    assert read([asked, went_well]).found == ()
    assert read([asked, went_well]).error is None


def test_a_warning_that_stays_is_said_of_a_server_that_is_ready() -> None:
    order = "WARNING 11-28 21:04:07 [serving.py:262] The chat template requires system-first ordering, so inline"
    (finding,) = findings(read([BANNER, LOADING, READY, order]), None, report="")
    assert (finding.id, finding.result) == ("log.template-order", Result.WARNING)


def test_nothing_that_was_not_seen_is_called_well() -> None:
    for lines, said in (
        ([], "the log is empty"),
        (["hello"], "no line that a start"),
        ([BANNER], "last that was seen: starting"),
    ):
        (finding,) = findings(read(lines), None, report="")
        assert (finding.id, finding.result) == ("log.quiet", Result.INFO)
        assert said in finding.what


def test_a_line_without_end_is_read_to_its_limit() -> None:
    assert read(["x" * 10_000_000 + "No space left on device"]).found == ()
    assert read([json.dumps({"log": "y" * 19_000 + "\n"})]).found == ()
