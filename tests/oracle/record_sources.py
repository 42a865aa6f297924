"""Asks a Claude Code about every source: `python tests/oracle/record_sources.py CLAUDE`.

The record is `golden/sources-VERSION.json`. `--from FILE` takes what `python -m claude_local_plugin.oracle --record`
has written instead of asking.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from claude_local_plugin.oracle import Boxes, Observed, systematic
from claude_local_plugin.oracle.expected import OURS
from claude_local_plugin.oracle.sources import FAMILIES

KEPT = ("outcome", "provider", "base_url", "x_api_key", "authorization", "model", "context_window")


def main() -> None:
    """Ask, or read, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("claude", type=Path, nargs="?")
    parser.add_argument("--from", dest="recorded", type=Path)
    options = parser.parse_args()
    asked = {name: scenario for name, scenario in systematic().items() if name.startswith(FAMILIES)}
    if options.recorded:
        rows = [json.loads(line) for line in options.recorded.read_text(encoding="utf-8").splitlines()]
        version = rows[0]["version"]
        seen = {row["name"]: Observed.from_json(row["observed"]) for row in rows if row["name"] in asked}
    else:
        with Boxes(options.claude) as boxes:
            version = boxes.client_version
            seen = dict(zip(asked, (found for _, found in boxes.observe_all(asked.values())), strict=True))
    lines = [f"  {json.dumps(name)}: {json.dumps(_case(asked[name].to_json(), found))}" for name, found in seen.items()]
    file = Path(__file__).parent / "golden" / f"sources-{version}.json"
    file.parent.mkdir(exist_ok=True)
    text = f'{{\n "client": {json.dumps(version)},\n "cases": {{\n' + ",\n".join(lines) + "\n }\n}\n"
    file.write_text(text, encoding="utf-8")
    print(f"{len(lines)} of {len(asked)} in {file}")


def _case(scenario: dict[str, Any], seen: Observed) -> dict[str, Any]:
    """The scenario and what was seen; a provider's own credential, which no run has twice, is left out."""
    shown = {key: value for key in KEPT if (value := getattr(seen, key)) is not None}
    if seen.provider not in (*OURS, None):
        shown.pop("authorization", None)
    return {"scenario": scenario, "seen": shown}


if __name__ == "__main__":
    main()
