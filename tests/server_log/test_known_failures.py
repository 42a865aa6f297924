"""The table of known failures: each is told by its example and by nothing else's, and says where it comes from."""

import re
import runpy
from pathlib import Path

from claude_local_plugin.server_log import FAILURES, PARTS, Failure, failure, read
from tests.looped import looped

ROOT = Path(__file__).parents[2]


def test_enough_failures_are_known_and_each_has_an_id_of_its_own() -> None:
    assert len(FAILURES) >= 25
    assert len({each.id for each in FAILURES}) == len(FAILURES) == sum(map(len, PARTS.values()))
    assert f" {len(FAILURES)} known failures" in (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


@looped("known", FAILURES, ids=lambda each: each.id)
def test_each_failure_is_told_by_its_own_example_and_by_no_other(known: Failure) -> None:
    found = read([known.example]).found
    assert [hit.id for hit in found] == [known.id]
    assert found[0].fix
    assert failure(known.id) is known


@looped("known", FAILURES, ids=lambda each: each.id)
def test_each_failure_says_why_what_to_do_and_where_it_was_seen(known: Failure) -> None:
    assert re.fullmatch(r"log\.[a-z-]+", known.id)
    assert known.docs.startswith("https://")
    assert known.sources
    for text in (known.what, known.why, known.fix):
        assert text
        assert not text.endswith(".")
    assert known.result.bad
    others = {each.id for each in FAILURES} | {"*"}
    assert set(known.but_for) <= others - {known.id}


@looped(
    "line, what, fix",
    [
        (
            (
                "ValueError: To serve at least one request with the model's max seq len (262144), (24.00 GiB KV"
                " cache is needed, which is larger than the available KV cache memory (9.60 GiB). Based on the"
                " available memory, the estimated maximum model length is 104832. Try"
            ),
            "a window of 262,144 needs 24.00 GiB of KV cache, and 9.60 GiB are there",
            "--max-model-len 104448, ",
        ),
        (
            (
                "ValueError: The model's max seq len (32768) is larger than the maximum number of tokens that can be"
                " stored in KV cache (7344). Try increasing"
            ),
            "a window of 32,768 is larger than the KV cache, which holds 7,344 tokens",
            "--max-model-len 7168, ",
        ),
        (
            (
                "ValueError: Free memory on device (59.32/79.15 GiB) on startup is less than desired GPU memory"
                " utilization (0.9, 71.24 GiB). Decrease"
            ),
            "only 59.32 of 79.15 GiB of the GPU are free, and 71.24 are to be taken",
            "--gpu-memory-utilization 0.72",
        ),
        (
            "RuntimeError: The NVIDIA driver on your system is too old (found version 12080). Please update",
            "the driver goes up to CUDA 12.8, and this build needs a newer one",
            "update the driver",
        ),
        (
            "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, please update your driver",
            "the image needs a driver for CUDA 12.8, and this one is older",
            "update the driver",
        ),
        (
            "KeyError: 'invalid tool call parser: qwen3-coder (chose from { hermes,qwen3_coder,xlam })'",
            "this vLLM has no tool-call parser called qwen3-coder",
            "--tool-call-parser qwen3_coder, or ",
        ),
        (
            "KeyError: \"Reasoning parser 'qwen_3' not found. Available parsers: deepseek_r1, glm45, qwen3\"",
            "this vLLM has no reasoning parser called qwen_3",
            "--reasoning-parser qwen3, or ",
        ),
        (
            "ERROR:    [Errno 98] error while attempting to bind on address ('0.0.0.0', 8000): address already in use",
            "port 8000 is taken",
            "ss -ltnp 'sport = :8000'",
        ),
        (
            (
                "docker: Error response from daemon: driver failed programming external connectivity on endpoint vllm"
                " (0a1b): Bind for 0.0.0.0:8000 failed: port is already allocated."
            ),
            "port 8000 is taken",
            "another --port",
        ),
        (
            "0.00.004.581 E srv         start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 18124",
            "port 18124 is taken",
            "another --port",
        ),
        (
            "ValueError: Total number of attention heads (40) must be divisible by tensor parallel size (3).",
            "40 attention heads cannot be spread over 3 GPUs",
            "--tensor-parallel-size 2",
        ),
        (
            "ImportError: libcuda.so.1: cannot open shared object file: No such file or directory",
            "libcuda.so.1 is not where the server looks for it",
            "--gpus all",
        ),
        (
            "0.17.280.991 E ggml_aligned_malloc: insufficient memory (attempted to allocate 29296.88 MB)",
            "llama.cpp could not get 29296.88 MB of memory at once",
            "a smaller -c",
        ),
        (
            (
                "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.19 GiB. GPU 0 has a total"
                " capacity of 24.00 GiB of which 14.71 GiB is free. Of the allocated memory 7.89 GiB"
            ),
            "the GPU's memory is full: 1.19 GiB more were wanted, 14.71 GiB of 24.00 GiB were free",
            "--max-num-seqs",
        ),
    ],
)
def test_what_the_line_says_of_the_case_is_said_with_its_figures(line: str, what: str, fix: str) -> None:
    (hit,) = read([line]).found
    assert hit.what == what
    assert fix in hit.fix


def test_the_page_is_made_of_the_table() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "server_logs_page.py"))
    page = (ROOT / "docs" / "server-logs.md").read_text(encoding="utf-8")
    assert page == script["page"](), "python docs/server_logs_page.py"
