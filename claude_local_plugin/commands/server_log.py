"""Why did a server not start? Reads its log and says what is known to go wrong so, with what to do about it."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claude_local_plugin.checks import Finding, Result, exit_code
from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.server_log import FAILURES, Reading, failure, findings, read
from claude_local_plugin.servers.well_known import label
from claude_local_plugin.text import printable

SCHEMA_VERSION = 1

#: In the place of a file's name: standard input.
STDIN = "-"


@dataclass(frozen=True, slots=True)
class Report:
    """What a log says: the findings, and how it was read."""

    file: Path | None
    reading: Reading = field(repr=False)
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def exit_code(self) -> int:
        """1 where something is found, else 0."""
        return exit_code(self.findings)


def look(name: str, cwd: Path) -> Report:
    """Read the log in this file, or on standard input for `-`; raises ClaudeLocalError where it cannot be read."""
    began = time.monotonic()
    file = None if name == STDIN else cwd / name
    reading = read(_lines(file))
    again = command("claude-local", "doctor", "--server-log", name, "--json")
    report = f"{again}   (and report what it prints, with the lines above that error)"
    return Report(file, reading, findings(reading, file, report=report), time.monotonic() - began)


def _lines(file: Path | None) -> Iterator[str]:
    try:
        if file is None:
            sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr]
            yield from sys.stdin
        else:
            with file.open(encoding="utf-8", errors="replace") as stream:
                yield from stream
    except OSError as fault:
        raise ClaudeLocalError(
            f"{printable(str(file or 'standard input'))} cannot be read: {fault.strerror or fault}",
            f"name a file with a server's log, or pipe one: {command('claude-local', 'doctor', '--server-log', STDIN)}",
        ) from fault


def seen(report: Report) -> str:
    """Whose log it is as far as it was seen, how far the start came, and how much was read."""
    reading = report.reading
    who = f"{label(reading.kind)} {reading.version or ''}".strip() if reading.kind else "server not recognised"
    stage = f" · last stage: {reading.stage}" if reading.stage else ""
    return f"{who}{stage} · {reading.lines:,} line{'' if reading.lines == 1 else 's'}"


def report_json(report: Report) -> dict[str, Any]:
    """The object that `doctor --server-log --json` prints (schemas/doctor.schema.json)."""
    counts = Counter(finding.result.value for finding in report.findings)
    reading = report.reading
    return {
        "schema_version": SCHEMA_VERSION,
        "url": None,
        "deep": False,
        "findings": [finding.as_json() for finding in report.findings],
        "counts": {result.value: counts[result.value] for result in Result},
        "seconds": round(report.seconds, 3),
        "log": {
            "file": None if report.file is None else str(report.file),
            "lines": reading.lines,
            "kind": reading.kind,
            "version": reading.version,
            "stage": reading.stage,
            "stages": list(reading.stages),
            "last_error": None if reading.error is None else {"line": reading.error[0], "text": reading.error[1]},
        },
    }


def explained(name: str) -> list[str]:
    """All there is to say about one known failure, as lines; raises UsageError for an unknown id."""
    found = failure(name)
    if found is None:
        import difflib

        near = difflib.get_close_matches(name, [each.id for each in FAILURES], n=1)
        raise UsageError(
            f"there is no known failure called {name!r}",
            f"did you mean {near[0]}?" if near else "docs/server-logs.md lists them",
        )
    lines = [
        f"{found.id}   (log)",
        "",
        f"what:  {found.what}",
        f"why:   {found.why}",
        f"fix:   {found.fix}",
        f"like:  {found.example}",
        f"docs:  {found.docs}",
    ]
    return [*lines, *(f"seen:  {source}" for source in found.sources)]
