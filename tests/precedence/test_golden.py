"""What the real Claude Code 2.1.329 was seen to do, case by case, against what we say it does."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from claude_local_plugin.core.document_rules import faults
from claude_local_plugin.errors import UsageError
from claude_local_plugin.precedence import Snapshot, resolve
from claude_local_plugin.precedence.credentials import HELPER_OUTPUT
from tests.looped import looped

GOLDEN = Path(__file__).parent / "golden"
SESSIONS: dict[str, list[dict[str, Any]]] = json.loads((GOLDEN / "sessions-2.1.329.json").read_text())["cases"]
FILES: dict[str, Any] = json.loads((GOLDEN / "files-2.1.329.json").read_text())
#: Version -> `hooks` blocks whose file was taken, and those whose file was dropped.
HOOKS: dict[str, dict[str, list[Any]]] = json.loads((GOLDEN / "hooks.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("chapter", SESSIONS)
def test_sessions_go_where_the_real_client_went(chapter: str, world: Any, tmp_path: Path) -> None:
    disagreements = []
    for case in SESSIONS[chapter]:
        given = {key: value for key, value in case.items() if key not in ("name", "outcome", "sent")}
        try:
            found = list(_differences(world(**given), case))
        except UsageError as error:
            found = [] if case["outcome"] == "refused" else [str(error)]
        disagreements += [f"{case['name']}: {each}" for each in found]
        for entry in tmp_path.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    assert disagreements == []


def _differences(snapshot: Snapshot, case: Mapping[str, Any]) -> Iterator[str]:
    resolution = resolve(snapshot)
    if resolution.outcome != case["outcome"]:
        yield f"outcome {resolution.outcome}, seen {case['outcome']}"
    sent = case.get("sent", {})
    if "port" in sent and (port := _port(resolution.value("base_url"))) != sent["port"]:
        yield f"port {port}, seen {sent['port']}"
    if "provider" in sent and resolution.value("provider") != sent["provider"]:
        yield f"provider {resolution.value('provider')}, seen {sent['provider']}"
    for name in ("x_api_key", "authorization", "model"):
        if name in sent and not _same(resolution.value(name), sent[name]):
            yield f"{name} {resolution.value(name)!r}, seen {sent[name]!r}"
    if "window" in sent and resolution.value("context_window") != str(sent["window"]):
        yield f"window {resolution.value('context_window')}, seen {sent['window']}"


def _port(url: str | None) -> int | None:
    return (urlsplit(url).port or 443) if url else None


def _same(ours: str | None, seen: str | None) -> bool:
    if ours is not None and HELPER_OUTPUT in ours:  # a helper is never run: only that it is asked can be compared
        return seen is not None and ours.startswith("Bearer ") == seen.startswith("Bearer")
    return ours == seen


def test_every_wrong_type_drops_the_files_the_real_client_dropped() -> None:
    values, verdicts = FILES["values"], FILES["verdicts"]
    ours = {key: "".join("x" if faults({key: value}) else "." for value in values) for key in verdicts}
    assert ours == verdicts


@looped(("key", "value", "taken"), FILES["nested"])
def test_nested_values_drop_the_files_the_real_client_dropped(key: str, value: object, taken: bool) -> None:
    assert (not faults({key: value})) is taken


@looped("version", HOOKS)
@looped("verdict", ["taken", "dropped"])
def test_a_hooks_block_drops_the_files_that_the_real_client_of_each_version_dropped(version: str, verdict: str) -> None:
    wrong = [
        block for block in HOOKS[version][verdict] if bool(faults({"hooks": block}, version)) != (verdict == "dropped")
    ]
    assert wrong == []
