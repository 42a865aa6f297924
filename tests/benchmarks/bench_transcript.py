"""How long a long transcript takes to be counted and in how much memory, beside `json.loads` of every line of it.

    python tests/benchmarks/bench_transcript.py [--megabytes N] [--turns N] [--rounds N] [--max-ratio X]

The transcript is like those of Claude Code 2.1.329: most of it tool results, some of several megabytes, among answers
of three blocks. It is read at once; turn by turn while it grows, as the hooks do, each time from the stored position;
and with `json.loads`, which is what a simple counter does each time. Every contestant runs in a process of its own, in
turns. Printed are processor milliseconds per megabyte and by how much the process grew at most, each also as a share
of `json.loads`; with `--max-ratio` the exit code is 1 when the turns together take more than that many times what one
reading of the whole takes.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MEGABYTE = 1024 * 1024

#: What each process runs: prints processor seconds, growth in bytes, and the output tokens counted.
CONTESTANT = """
import os, resource, sys, time
sys.path.insert(0, sys.argv[1])
from claude_local_plugin.sessionlog import transcript
way, path, turns = sys.argv[2], sys.argv[3], [int(end) for end in sys.argv[4].split(",")]

def most():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024
    except OSError:  # not Linux; macOS counts bytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

def with_json():
    import json
    seen = {}
    with open(path, "rb") as file:
        for line in file:
            entry = json.loads(line)
            if entry["type"] == "assistant":
                seen[entry["message"]["id"]] = entry["message"]["usage"]["output_tokens"]
    return sum(seen.values())

def at_once():
    return sum(use.output_tokens for use in transcript.read(path, None, 1 << 40)[0])

growing, spent, tokens, position, done = path + ".growing", 0.0, 0, None, 0
if way == "json.loads":
    with open(path, "rb") as file:
        file.readline()
    import json
before = most()
began = time.process_time()
if way == "json.loads":
    tokens = with_json()
elif way == "at once":
    tokens = at_once()
else:
    with open(path, "rb") as source, open(growing, "wb") as copy:
        for end in turns:
            while done < end:
                done += copy.write(source.read(min(65536, end - done)))
            copy.flush()
            began = time.process_time()
            uses, position, at_end = transcript.read(growing, position)
            while not at_end:
                more, position, at_end = transcript.read(growing, position)
                uses += more
            spent += time.process_time() - began
            tokens += sum(use.output_tokens for use in uses)
    os.unlink(growing)
    began = time.process_time() - spent
print(time.process_time() - began, most() - before, tokens)
"""
WAYS = ("json.loads", "at once", "turn by turn")


def write_transcript(path: Path, megabytes: int, turns: int) -> tuple[list[int], int]:
    """A transcript of that size; where each turn ends, in bytes, and how many output tokens there are."""
    chance = random.Random(5)
    text = "".join(chance.choices('abcdefghij klmnop"\\\n{}[],:é', k=MEGABYTE))
    ends: list[int] = []
    tokens = 0
    with path.open("wb") as file:
        for turn in range(turns):
            answers = 0
            while file.tell() < megabytes * MEGABYTE * (turn + 1) // turns:
                answers += 1
                usage = {"input_tokens": 5000, "output_tokens": 300 + answers, "cache_read_input_tokens": 9}
                tokens += usage["output_tokens"]
                for block in range(3):
                    content = [{"type": "text", "text": text[block * 1000 : block * 1000 + chance.randrange(2000)]}]
                    message = {"id": f"msg_{turn}_{answers}", "role": "assistant", "model": "m"}
                    file.write(entry("assistant", turn, message | {"content": content, "usage": usage}))
                size = 3 * MEGABYTE if turn % 10 == 9 and answers == 1 else chance.randrange(60_000)
                result = [{"type": "tool_result", "content": (text * 4)[:size]}]
                file.write(entry("user", turn, {"role": "user", "content": result}))
            ends.append(file.tell())
    return ends, tokens


def entry(kind: str, turn: int, message: dict[str, object]) -> bytes:
    """One line."""
    at = f"2026-11-21T{turn // 60 % 24:02}:{turn % 60:02}:00.000Z"
    members = {"parentUuid": "u", "isSidechain": False, "message": message, "type": kind, "timestamp": at}
    return json.dumps(members | {"sessionId": "s", "version": "2.1.329"}, separators=(",", ":")).encode() + b"\n"


def measure(megabytes: int, turns: int, rounds: int) -> dict[str, tuple[float, float]]:
    """By contestant: processor milliseconds per megabyte (median), and growth in megabytes (most)."""
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    growth: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "session.jsonl"
        ends, tokens = write_transcript(path, megabytes, turns)
        size = path.stat().st_size / MEGABYTE
        for _ in range(rounds):
            for way in WAYS:
                command = [sys.executable, "-I", "-S", "-c", CONTESTANT, str(ROOT), way, str(path)]
                ended = subprocess.run(
                    [*command, ",".join(map(str, ends))], stdout=subprocess.PIPE, text=True, check=True
                )
                took, grew, counted = ended.stdout.split()
                if int(counted) != tokens:
                    raise SystemExit(f"{way}: {counted} tokens counted, {tokens} written")
                seconds[way].append(float(took))
                growth[way].append(float(grew) / MEGABYTE)
    return {way: (statistics.median(seconds[way]) * 1000 / size, max(growth[way])) for way in WAYS}


def main() -> int:
    """Measures, prints the table, and judges when asked to."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--megabytes", type=int, default=100)
    options.add_argument("--turns", type=int, default=100)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--max-ratio", type=float, help="the most that all turns may take, in readings of the whole")
    chosen = options.parse_args()
    found = measure(chosen.megabytes, chosen.turns, chosen.rounds)
    slow, large = found["json.loads"]
    print(f"{chosen.megabytes} MB, {chosen.turns} turns, {chosen.rounds} rounds")
    print(f"{'':14}{'per MB':>10}{'/ json.loads':>14}{'growth':>10}{'/ json.loads':>14}")
    for way, (took, grew) in found.items():
        print(f"{way:14}{took:>7.2f} ms{took / slow:>14.2f}{grew:>7.1f} MB{grew / large:>14.2f}")
    ratio = found["turn by turn"][0] / found["at once"][0]
    print(f"all turns together: {ratio:.2f} readings of the whole")
    return int(chosen.max_ratio is not None and ratio > chosen.max_ratio)


if __name__ == "__main__":
    raise SystemExit(main())
