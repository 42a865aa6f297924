"""Asks a Claude Code what the variables do that its program names and we do not know.

`python tests/conformance/record_names.py CLAUDE` writes `golden/names-VERSION.json`.
"""

import argparse
import json
from pathlib import Path

from claude_local_plugin.conformance import Boxes
from claude_local_plugin.conformance.names import WORLDS, names_in, survey
from claude_local_plugin.settings.variables import catalogue


def main() -> None:
    """Ask and write; what changes something is said as it is seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("claude", type=Path)
    parser.add_argument("--only", action="append", choices=list(WORLDS), help="ask in this world alone")
    parser.add_argument("--into", type=Path, default=Path(__file__).parent / "golden")
    options = parser.parse_args()
    names = sorted(names_in(options.claude) - catalogue().keys())
    print(f"{len(names)} names", flush=True)
    changes: dict[str, dict[str, object]] = {}
    with Boxes(options.claude, workers=1, alone=True, patience=20.0) as boxes:
        version = boxes.client_version
        for change in survey(boxes, names, options.only or WORLDS):
            print(change, flush=True)
            changes.setdefault(change.name, {})[f"{change.kind} in {change.world}"] = change.what
    file = options.into / f"names-{version}.json"
    if options.only and file.exists():
        for name, seen in json.loads(file.read_text(encoding="utf-8"))["changes"].items():
            changes[name] = seen | changes.get(name, {})
    record = {"client": version, "asked": names, "changes": changes}
    file.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{len(names)} names, {len(changes)} of them change something: {file}")


if __name__ == "__main__":
    main()
