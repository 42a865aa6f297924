"""A command line for whoever works on the model of precedence: ask the real client, print and record what it does."""

import argparse
import json
import sys
import time
from pathlib import Path

from claude_local_plugin.conformance import recorded
from claude_local_plugin.conformance.observed import Observed
from claude_local_plugin.conformance.random_scenarios import randomly
from claude_local_plugin.conformance.sampling import spread
from claude_local_plugin.conformance.sandbox import Boxes
from claude_local_plugin.conformance.scenario import Scenario, needs_namespace
from claude_local_plugin.conformance.systematic import systematic


def main() -> int:
    """Ask, print one line per case; with --record ask what the file has no answer to yet, and append the answers."""
    parser = argparse.ArgumentParser(prog="python -m claude_local_plugin.conformance", description=__doc__)
    parser.add_argument("--claude", type=Path, required=True, help="the client's native binary")
    parser.add_argument("--cases", type=int, default=0, metavar="N", help="random configurations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", metavar="PREFIX", help="systematic cases with this beginning")
    parser.add_argument("--scenario", type=Path, help="a file with one scenario, or a list of them, instead")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--record", type=Path, metavar="FILE", help="tests/conformance/golden/VERSION.jsonl")
    parser.add_argument("--ordinary", action="store_true", help="the ordinary systematic set, not the thorough one")
    parser.add_argument("--shared-network", action="store_true", help="do without namespaces")
    options = parser.parse_args()
    began = time.monotonic()
    with Boxes(options.claude, workers=options.workers, alone=False if options.shared_network else None) as boxes:
        cases = _cases(options)
        if not boxes.alone:
            cases = {name: scenario for name, scenario in cases.items() if not needs_namespace(scenario)}
        if options.record:
            cases = recorded.unrecorded(cases, options.record)
        names = list(cases)
        for name, (scenario, observed) in zip(names, boxes.observe_all(cases.values()), strict=True):
            print(_line(name, observed), flush=True)
            if options.record:
                with options.record.open("a", encoding="utf-8") as file:
                    file.write(recorded.line(name, scenario, observed) + "\n")
    print(f"{len(cases)} cases in {time.monotonic() - began:.1f} s", file=sys.stderr)
    return 0


def _cases(options: argparse.Namespace) -> dict[str, Scenario]:
    if options.scenario:
        given = json.loads(options.scenario.read_text(encoding="utf-8"))
        rows = given if isinstance(given, list) else [given]
        return {f"given/{index}": Scenario.from_json(row) for index, row in enumerate(rows)}
    wanted = tuple(options.only or ("",))
    known = systematic(thorough=not options.ordinary)
    cases = {name: scenario for name, scenario in known.items() if name.startswith(wanted)}
    if options.only is None and options.cases:
        cases = {}
    return spread(cases | randomly(options.cases, options.seed))


def _line(name: str, seen: Observed) -> str:
    where = f"{seen.base_url or '-'} key={seen.x_api_key} auth={seen.authorization} model={seen.model}"
    return f"{seen.seconds:5.2f}s {name}: {seen.outcome} {seen.provider or ''} {where} window={seen.context_window}"


if __name__ == "__main__":
    raise SystemExit(main())
