"""Writes what a `verify --json` report says as Markdown, fit to be an issue: `newest_client_report.py REPORT`."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from claude_local_plugin.precedence import VERIFIED_AGAINST

#: Differences that are shown in full; the rest are counted by kind.
SHOWN = 25


def lines(report: dict[str, Any]) -> Iterator[str]:
    """The issue, line by line; the first is its title."""
    version, differences = report["client_version"], report["differences"]
    asked = f"{report['cases']:,} of {report['questions']:,}"
    if not differences and report["complete"]:
        yield f"Claude Code {version} does what we say"
        yield ""
        yield f"All {report['cases']:,} questions were asked, and every answer is the one of {VERIFIED_AGAINST}."
        yield ""
        yield "nothing to do" if version == VERIFIED_AGAINST else _pin(version)
        return
    if not differences:
        yield f"Claude Code {version}: asked {asked}, all agree"
        yield ""
        yield "nothing to do"
        return
    yield f"Claude Code {version} differs from what we say in {len(differences)} of {report['cases']:,} configurations"
    yield ""
    yield f"Asked {asked} questions; our rules were established on {VERIFIED_AGAINST}. The client is right."
    yield ""
    kinds = Counter((row["name"].partition("/")[0], row["what"][0].partition(":")[0]) for row in differences)
    yield "| questions | what differs | how many |"
    yield "| --- | --- | ---: |"
    for (family, what), count in kinds.most_common():
        yield f"| {family} | {what} | {count} |"
    for row in differences[:SHOWN]:
        yield from ("", f"### `{row['name']}`", "")
        yield from (f"- {what}" for what in row["what"])
        yield from ("", "```json", json.dumps(row["scenario"], indent=1, ensure_ascii=False), "```")
    if len(differences) > SHOWN:
        yield from ("", f"{len(differences) - SHOWN} more: the run's own report has them all.")
    yield from ("", "Each of these can be asked again: `claude-local verify --case FILE`, FILE being the JSON above.")


def _pin(version: str) -> str:
    return (
        f"To do: pin {version} in tests/client/package.json, add it to VERIFIED_VERSIONS,"
        f" and record its answers as tests/conformance/golden/{version}.jsonl."
    )


def main(arguments: list[str]) -> int:
    """Print the issue; returns 0."""
    report = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    print("\n".join(lines(report)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
