"""The log as a flat table, in every format."""

import csv
import importlib.util
import io
import json
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.sessionlog.export import formats, parquet, table
from claude_local_plugin.sessionlog.queries import State, Where
from tests.sessionlog.recording import ANTHROPIC, BEDROCK, at, recording

needs_pyarrow = pytest.mark.skipif(
    importlib.util.find_spec("pyarrow") is None, reason="pyarrow is not installed (the extra `parquet`)"
)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Two sessions, the first on two backends, the second in a project with a name for trouble."""
    state = tmp_path / "state"
    with recording(state) as log:
        log.event("a", 0, cause="startup", model="qwen3", cwd="/p/a", reachable=True, outcome="ok", latency_ms=3.5)
        log.answers("a", 1, "qwen3", (100, 10, 1000, 1))
        log.event("a", 10, "UserPromptSubmit", ANTHROPIC, model="opus")
        log.answers("a", 11, "opus", (5, 5, 5, 5))
        log.event("a", 20, "SessionEnd", ANTHROPIC, cause="other", model="opus")
        log.event("b", 30, "UserPromptSubmit", BEDROCK, project='/p/"b", é\nnext', model=None, blocked=True)
    return state


def as_dicts(state: Path, columns: tuple[table.Column, ...], where: Where | None = None) -> list[dict[str, Any]]:
    names = [column.name for column in columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows(state, where, spans=columns is table.SPANS)]


def test_a_session_is_one_row_with_its_sums(state: Path) -> None:
    first, second = as_dicts(state, table.SESSIONS)
    assert first == {
        "session_id": "a", "started_at": at(0), "ended_at": at(20), "end_reason": "other", "state": "ended",
        "source": "startup", "cwd": "/p/a", "project": "/home/dev/shop", "backend_kind": "anthropic",
        "backend_url": "https://api.anthropic.com", "via": None, "model": "opus", "reachable": None, "latency_ms": None,
        "client_version": None, "entrypoint": None, "profile": None, "host": None, "blocked": 0, "spans": 2,
        "duration_s": 1200.0,
        "messages": 2, "input_tokens": 105, "output_tokens": 15, "cache_read_tokens": 1005, "cache_write_tokens": 6,
        "errors": 0, "retries": 0,
    }  # fmt: skip
    assert (second["state"], second["ended_at"], second["backend_url"], second["blocked"]) == ("running", None, None, 1)
    assert (second["messages"], second["input_tokens"], second["duration_s"]) == (0, 0, 0.0)


def test_a_span_is_one_row_that_names_its_session(state: Path) -> None:
    rows = as_dicts(state, table.SPANS)
    assert [
        (row["session_id"], row["cause"], row["backend_kind"], row["model"], row["input_tokens"]) for row in rows
    ] == [
        ("a", "start", "vllm", "qwen3", 100),
        ("a", "backend", "anthropic", "opus", 5),
        ("b", "start", "bedrock", None, 0),
    ]
    assert (rows[0]["duration_s"], rows[0]["main"], rows[0]["project"]) == (600.0, True, "/home/dev/shop")


def test_the_rows_are_those_asked_for(state: Path) -> None:
    assert [row["session_id"] for row in as_dicts(state, table.SESSIONS, Where(state=State.RUNNING))] == ["b"]
    assert [row["session_id"] for row in as_dicts(state, table.SESSIONS, Where(backend="vllm"))] == ["a"]
    assert [row["model"] for row in as_dicts(state, table.SPANS, Where(backend="cloud", until=at(15)))] == ["opus"]
    assert as_dicts(state / "nowhere", table.SESSIONS) == []


def test_json_lines_are_read_back_as_they_were(state: Path) -> None:
    stream = io.StringIO()
    assert formats.write_jsonl(table.rows(state), table.SESSIONS, stream) == 2
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == as_dicts(state, table.SESSIONS)


def test_csv_is_read_back_as_text(state: Path) -> None:
    stream = io.StringIO()
    assert formats.write_csv(table.rows(state, spans=True), table.SPANS, stream) == 3
    found = list(csv.DictReader(io.StringIO(stream.getvalue(), newline="")))
    assert found[2]["project"] == '/p/"b", é\nnext'
    assert (found[2]["model"], found[2]["main"], found[0]["duration_s"]) == ("", "true", "600.0")


def test_an_empty_table_has_its_header() -> None:
    stream = io.StringIO()
    assert formats.write_csv((), table.SPANS, stream) == 0
    assert stream.getvalue().startswith("session_id,started_at,")


@needs_pyarrow
def test_parquet_is_read_back_with_types(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyarrow import parquet as pq  # type: ignore[import-not-found,import-untyped,unused-ignore]

    monkeypatch.setattr(parquet, "GROUP", 1)
    stream = io.BytesIO()
    assert parquet.write_parquet(table.rows(state), table.SESSIONS, stream) == 2
    found = pq.ParquetFile(io.BytesIO(stream.getvalue()))
    assert found.num_row_groups == 2
    rows = found.read().to_pylist()
    for row, known in zip(rows, as_dicts(state, table.SESSIONS), strict=True):
        moments = {name: known[name] and datetime.fromisoformat(known[name]) for name in ("started_at", "ended_at")}
        assert row == known | moments
    assert rows[0]["started_at"].astimezone(UTC) == datetime(2026, 11, 21, 10, tzinfo=UTC)
    types = {field.name: str(field.type) for field in found.schema_arrow}
    assert (types["started_at"], types["input_tokens"]) == ("timestamp[ms, tz=UTC]", "int64")
    assert (types["reachable"], types["duration_s"], types["model"]) == ("bool", "double", "string")


@needs_pyarrow
def test_an_empty_parquet_file_has_its_columns() -> None:
    from pyarrow import parquet as pq

    stream = io.BytesIO()
    assert parquet.write_parquet((), table.SPANS, stream) == 0
    assert pq.ParquetFile(io.BytesIO(stream.getvalue())).schema_arrow.names == [c.name for c in table.SPANS]


def test_a_long_log_is_not_held_in_memory(tmp_path: Path) -> None:
    def most(count: int) -> int:
        state = tmp_path / str(count)
        with recording(state) as log:
            for number in range(count):
                log.event(f"s{number}", number, project=f"/p/{'x' * 200}")

        class Nowhere(io.StringIO):
            def write(self, text: str) -> int:
                return len(text)

        tracemalloc.start()
        formats.write_jsonl(table.rows(state), table.SESSIONS, Nowhere())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    most(10)
    assert most(3000) < most(300) * 2
