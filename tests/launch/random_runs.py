"""`run` and `run --cloud` in folders that nobody thought of: random ones, each asked in both directions.

`python -m tests.launch.random_runs --claude PROGRAM --seed 7 --count 150` asks so many folders, which makes twice as
many runs, and prints those that are not as they should be, and why our command said no to the others.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from claude_local_plugin.conformance import Boxes, randomly
from claude_local_plugin.conformance.observed import Observed
from claude_local_plugin.conformance.scenario import Scenario, url

KEY = "tok-run"
PROFILE = f'[profiles.spark]\nurl = "{url("ours")}"\nmodel = "any"\ntoken = "env:SPARK_KEY"\n'
CONFIG = {"home/.config/claude-local/config.toml": PROFILE}


def questions(count: int, seed: int) -> Iterator[tuple[str, Scenario]]:
    """The folders with the run in each: to our server, and to the cloud; every other one is enabled for a third."""
    for index, (name, drawn) in enumerate(randomly(count * 2, seed).items()):
        if drawn.entry != "print":  # `run` starts sessions
            continue
        enable = ("enable", "--url", url("local"), "--yes", "--no-hooks", "--scope", "local")
        for direction, words in (("local", ("run", "spark", "--no-check", "--")), ("cloud", ("run", "--cloud", "--"))):
            yield (
                f"{name}/{direction}",
                replace(
                    drawn,
                    through=words,
                    files={**drawn.files, **CONFIG},
                    shell={**drawn.shell, "SPARK_KEY": KEY},
                    setup=(enable,) if index % 8 == 1 and "local" not in drawn.settings else (),
                ),
            )


def said_no(seen: Observed) -> str | None:
    """Our own refusal, in its words; None where Claude Code was started."""
    words = [line for line in seen.warnings if line.startswith("error: ")]
    return words[0] if words and seen.outcome == "refused" else None


def fault(name: str, seen: Observed) -> str | None:
    """What is wrong with a run that was not refused; None where all is well."""
    sent = {(seen.authorization or "").removeprefix("Bearer "), seen.x_api_key or ""} - {""}
    headers = dict(seen.extra_headers or {})
    if name.endswith("/local"):
        if seen.outcome != "ok" or seen.base_url != url("ours"):
            return f"{seen.outcome} at {seen.base_url}"
        if sent - {KEY}:
            return f"a foreign credential: {sent - {KEY}}"
        return f"foreign headers: {headers}" if headers else None
    if seen.base_url == url("gateway") and sent == {"token-gateway"}:
        return None  # where the user is signed in: the user's own cloud
    if seen.outcome != "ok" or (seen.base_url or "").startswith("http://"):
        return f"{seen.outcome} at {seen.base_url}"
    return "our key in the cloud" if sent & {KEY, "claude-local"} else None


def ask(claude: Path, count: int, seed: int, workers: int = 2) -> list[tuple[str, Scenario, Observed]]:
    """What the client does in each."""
    listed = list(questions(count, seed))[: count * 2]
    with Boxes(claude, workers=workers, patience=90, alone=True) as boxes:
        seen = boxes.observe_all(scenario for _, scenario in listed)
        return [(name, scenario, found) for (name, _), (scenario, found) in zip(listed, seen, strict=True)]


def main() -> None:
    """Ask, and print what is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claude", type=Path, required=True)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--why", default="", help="print the folders of refusals with these words in them")
    given = parser.parse_args()
    answers = ask(given.claude, given.count, given.seed)
    refusals: Counter[str] = Counter()
    bad = 0
    for name, scenario, seen in answers:
        if (words := said_no(seen)) is not None:
            refusals[f"{name.rpartition('/')[2]}: {words[:150]}"] += 1
            if given.why and given.why in words:
                print(name, words, scenario.to_json(), sep="\n  ")
        elif (what := fault(name, seen)) is not None:
            bad += 1
            print(name, what, seen.said[:200], seen.warnings[:4], scenario.to_json(), sep="\n  ")
    print(f"{len(answers)} runs, {bad} not as they should be, {sum(refusals.values())} refused:")
    for words, times in refusals.most_common():
        print(f"{times:5}  {words}")


if __name__ == "__main__":
    main()
