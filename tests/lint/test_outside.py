"""What shows of a running server: vLLM's recorded metrics with a tool parser, without one and of its Rust frontend."""

from dataclasses import replace
from pathlib import Path

from claude_local_plugin.lint import run
from claude_local_plugin.lint.outside import document_of
from claude_local_plugin.servers import ServedModel, Server, State
from claude_local_plugin.servers.metrics import read
from tests.lint.looking import facts

METRICS = Path(__file__).parents[1] / "servers" / "metrics"


def found(recorded: str, version: str) -> set[str]:
    """What is found wrong with a vLLM whose metrics these are."""
    server = Server("http://127.0.0.1:1", "vllm", State.READY, version, (ServedModel("coder", 65_536, "acme/coder"),))
    metrics = read((METRICS / recorded).read_text(encoding="utf-8"))
    seen = replace(facts("vllm serve a/b"), document=document_of(server), server=server, metrics=metrics)
    return {each.id for each in run(seen) if each.result in ("warning", "error", "failed")}


def test_a_vllm_without_a_tool_parser_is_seen_by_its_metrics() -> None:
    assert found("vllm-0.32.0-no-tool-parser.txt", "0.32.0") == {"recipe.parser"}
    assert found("vllm-0.32.0.txt", "0.32.0") == set()
    assert found("vllm-0.33.0.txt", "0.33.0") == set()


def test_what_leaves_out_more_than_that_is_not_judged() -> None:
    assert found("vllm-0.33.0-rust.txt", "0.33.0") == set()
    assert found("vllm-0.32.0-no-tool-parser.txt", "0.30.0") == set()
