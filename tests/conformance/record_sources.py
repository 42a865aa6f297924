"""Asks a Claude Code about every source: `python tests/conformance/record_sources.py CLAUDE`.

The record is `golden/sources-VERSION.json`. `--from FILE` takes what
`python -m claude_local_plugin.conformance --record` has written instead of asking.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from claude_local_plugin.conformance import Boxes, Observed, systematic
from claude_local_plugin.conformance.expected import OURS
from claude_local_plugin.conformance.sources import FAMILIES

KEPT = ("outcome", "provider", "base_url", "x_api_key", "authorization", "model", "context_window")


def main() -> None:
    """Ask, or read, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("claude", type=Path, nargs="?")
    parser.add_argument("--from", dest="recorded", type=Path)
    parser.add_argument("--new", action="store_true", help="ask only what has no answer in the record")
    options = parser.parse_args()
    asked = {name: scenario for name, scenario in systematic().items() if name.startswith(FAMILIES)}
    if options.recorded:
        rows = [json.loads(line) for line in options.recorded.read_text(encoding="utf-8").splitlines()]
        version = rows[0]["version"]
        seen = {row["name"]: Observed.from_json(row["observed"]) for row in rows if row["name"] in asked}
    else:
        with Boxes(options.claude, workers=1) as boxes:
            version = boxes.client_version
            known = json.loads(_record(version).read_text(encoding="utf-8"))["cases"] if options.new else {}
            left = {name: scenario for name, scenario in asked.items() if _differs(known.get(name), scenario.to_json())}
            seen = dict(zip(left, (found for _, found in boxes.observe_all(left.values())), strict=True))
    cases = {
        name: _case(scenario.to_json(), seen[name]) if name in seen else known[name] for name, scenario in asked.items()
    }
    lines = [f"  {json.dumps(name)}: {json.dumps(case)}" for name, case in cases.items()]
    file = _record(version)
    file.parent.mkdir(exist_ok=True)
    text = f'{{\n "client": {json.dumps(version)},\n "cases": {{\n' + ",\n".join(lines) + "\n }\n}\n"
    file.write_text(text, encoding="utf-8")
    print(f"{len(lines)} of {len(asked)} in {file}")


def _record(version: str) -> Path:
    return Path(__file__).parent / "golden" / f"sources-{version}.json"


def _differs(case: dict[str, Any] | None, scenario: dict[str, Any]) -> bool:
    return case is None or case["scenario"] != scenario


def _case(scenario: dict[str, Any], seen: Observed) -> dict[str, Any]:
    """The scenario and what was seen; a provider's own credential, which no run has twice, is left out."""
    shown = {key: value for key in KEPT if (value := getattr(seen, key)) is not None}
    if seen.provider not in (*OURS, None):
        shown.pop("authorization", None)
    return {"scenario": scenario, "seen": shown}


if __name__ == "__main__":
    main()
