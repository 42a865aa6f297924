"""Checks of the window: what Claude Code needs of it, and what there is room for."""

import re
from collections.abc import Iterator

from claude_local_plugin.checks import Result
from claude_local_plugin.lint.edits import replaced
from claude_local_plugin.lint.facts import Serving
from claude_local_plugin.lint.model import Fault, check, each_serving, each_vllm, models, vllm
from claude_local_plugin.recipes.catalogue import GIB


def _small(serving: Serving) -> Iterator[Fault]:
    window, smallest = serving.window_given, serving.smallest
    if not window or window >= smallest:  # 0 is the model's own
        return
    named = [each.text for each in serving.start.served]
    long = " (a claude- name gets the long one)" if named and named[0].startswith("claude-") else ""
    what = f"{window:,} tokens are too few for Claude Code: prompt{long}, answer and compaction take {smallest:,}"
    yield Fault(Result.ERROR, what, serving.window_word, f"{smallest:,} at least, 65,536 or more to work with")


def _large(serving: Serving) -> Iterator[Fault]:
    window, word = serving.window, serving.window_word
    at = word or serving.start.model or serving.start.at
    entry = serving.entry
    if entry is None or window is None:
        return
    most = int(entry[0].window.value)
    if window > most and serving.start.engine == "vllm":
        allowed = serving.start.environment.get("VLLM_ALLOW_LONG_MAX_MODEL_LEN")
        if allowed is None or allowed.text not in ("1", "true"):
            what = f"{entry[0].label} was made for {most:,} tokens, and vLLM refuses to start with {window:,}"
            edits = replaced(word, word.text, str(most), serving.facts.text) if word else ()
            yield Fault(Result.ERROR, what, at, f"--max-model-len {most}", edits)
            return
    free, cache = serving.for_cache, serving.cache
    if free is None or cache is None or free <= 0:  # weights that do not fit are another check's
        return
    if cache.concurrency(free, window) < 1:
        fits = cache.longest(free, most=window) // 1024 * 1024
        machine = serving.facts.hardware.label if serving.facts.hardware else ""
        what = (
            f"one conversation of {window:,} tokens takes {cache.bytes_of(window) / GIB:.1f} GiB of cache, and on"
            f" {machine} there are {free / GIB:.1f} left beside the weights"
        )
        do = f"--max-model-len {fits}" if fits >= serving.smallest else "weights of fewer bits, or --kv-cache-dtype fp8"
        advised = serving.facts.hardware.utilisation.value if serving.facts.hardware else 0
        if (serving.utilisation or 1) < advised:
            do += f", or more memory: --gpu-memory-utilization {advised:g}"
        edits = replaced(word, word.text, str(fits), serving.facts.text) if word and fits >= serving.smallest else ()
        yield Fault(Result.ERROR, what, at, do, edits)


def _letter(serving: Serving) -> Iterator[Fault]:
    for flag in serving.start.flags:
        if flag.name not in ("--max-model-len", "--max-num-batched-tokens") or flag.value is None:
            continue
        found = re.fullmatch(r"(\d+)k", flag.value.text)
        if found and flag.value.known:
            meant = int(found[1]) * 1024
            what = f"{found[0]} is {int(found[1]) * 1000:,} for vLLM, not {meant:,}: only a capital K counts in 1,024"
            edits = replaced(flag.value, found[0], str(meant), serving.facts.text)
            yield Fault(Result.WARNING, what, flag.value, f"{flag.name} {meant}", edits)


CHECKS = (
    check(
        name="recipe.small-window",
        group="window",
        asks="is there room for Claude Code?",
        fine="Claude Code has room",
        why="it refuses to start, or compacts after every turn",
        finds="`--max-model-len` (`-c` of llama-server, the window of a running server) against prompt and reserves.",
        remedy="A window of 65,536 or more, where the memory has room for it.",
        source="First prompts of Claude Code 2.1.332 in tokens, and the reserves in its program.",
        faults=each_serving(_small),
        preconditions=(models,),
        outside=True,
    ),
    check(
        name="recipe.large-window",
        group="window",
        asks="does a conversation of the whole window fit?",
        fine="the window fits",
        why="vLLM refuses to start with a window that not even one conversation has room for",
        finds=(
            "The window against the model's own, and, where machine and weights are known, against the memory: weights,"
            " overhead and the cache of one conversation."
        ),
        remedy="The largest window that fits; `--fix` writes it.",
        source="vLLM 0.32.0's own computation of its cache; sizes and memory from the catalogue.",
        faults=each_vllm(_large),
        preconditions=(vllm,),
        mends=True,
    ),
    check(
        name="recipe.thousands",
        group="window",
        asks="do numbers mean what they look like?",
        fine="numbers mean what they look like",
        why="a window is set that nobody meant, and Claude Code is told another one",
        finds="A small `k` behind `--max-model-len` or `--max-num-batched-tokens`.",
        remedy="Write the number out; `--fix` does.",
        source="vLLM 0.32.0's parser: k, m, g count in thousands, K, M, G in 1,024s.",
        faults=each_vllm(_letter),
        preconditions=(vllm,),
        mends=True,
    ),
)
