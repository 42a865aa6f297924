"""Checks of memory: weights, the share that the server takes, the cache, how many are served at once."""

from collections.abc import Iterator

from claude_local_plugin.checks import Result
from claude_local_plugin.client_config.budget import FEW
from claude_local_plugin.lint.edits import added, removed, replaced
from claude_local_plugin.lint.facts import Facts, Serving, tokens
from claude_local_plugin.lint.model import Fault, check, each_vllm, machine, vllm
from claude_local_plugin.recipes.catalogue import GIB
from claude_local_plugin.recipes.service import MOST_AT_ONCE


def _weights(serving: Serving) -> Iterator[Fault]:
    free, entry, hardware = serving.for_cache, serving.entry, serving.facts.hardware
    if free is None or free > 0 or entry is None or entry[1] is None or hardware is None:
        return
    size, share = entry[1].weights, serving.utilisation or 0
    what = (
        f"weights of {size.value:g} GiB ({size.origin.basis}) do not fit: {share:g} of {hardware.memory.value:g} GiB on"
        f" {_many(serving.gpus)}, of which running takes {hardware.overhead.value:g} each"
    )
    word, advised = serving.start.value("--gpu-memory-utilization"), hardware.utilisation.value
    if word is not None and (advised - share) * hardware.memory.value > -free / GIB:
        edits = replaced(word, word.text, f"{advised:g}", serving.facts.text)
        yield Fault(Result.ERROR, what, word, f"--gpu-memory-utilization {advised:g}", edits)
    else:
        yield Fault(Result.ERROR, what, serving.start.model or serving.start.at, "weights of fewer bits, or more GPUs")


def _many(gpus: int) -> str:
    return "one GPU" if gpus == 1 else f"{gpus} GPUs"


def _share(serving: Serving) -> Iterator[Fault]:
    hardware, share = serving.facts.hardware, serving.utilisation
    word = serving.start.value("--gpu-memory-utilization")
    if hardware is None or share is None:
        return
    advised = hardware.utilisation.value
    if share <= advised or (word is None and serving.start.more_arguments):
        return
    left = hardware.memory.value * (1 - share)
    text = serving.facts.text
    edits = replaced(word, word.text, f"{advised:g}", text) if word else ()
    flag = f"--gpu-memory-utilization {advised:g}"
    if hardware.unified:
        said = f"{share:g} of" if word else f"the default, {share:g} of"
        what = f"{said} {hardware.label}'s memory leaves {left:.0f} GiB to the system, which lives in the same memory"
        if word is None:
            edits = added(serving.start, "--gpu-memory-utilization", f"{advised:g}")
        yield Fault(Result.WARNING, what, word or serving.start.at, flag, edits)
    elif word is not None:
        what = f"{share:g} leaves {left:.1f} GiB of each GPU; {advised:g} is what is published for {hardware.label}"
        yield Fault(Result.INFO, what, word, flag)


def _fast(serving: Serving) -> Iterator[Fault]:
    flag, entry, hardware = serving.start.flag("--load-format"), serving.entry, serving.facts.hardware
    if flag is None or flag.value is None or flag.value.text != "fastsafetensors":
        return
    if entry is None or entry[1] is None or hardware is None:
        return
    weights, memory = entry[1].weights.value, hardware.memory.value * serving.gpus
    if weights > MOST_AT_ONCE * memory:
        what = f"fastsafetensors with weights of {weights:g} GiB in {memory:g}: it holds them twice for a moment"
        yield Fault(
            Result.ERROR,
            what,
            flag.value,
            "leave --load-format out",
            removed(serving.start, flag, serving.facts.text),
        )


def _fp4(serving: Serving) -> Iterator[Fault]:
    word, hardware = serving.start.value("--kv-cache-dtype"), serving.facts.hardware
    if word is None or hardware is None or not (hardware.architecture or "").startswith("12."):
        return
    if "nvfp4" in word.text:
        what = f"there are no kernels for a cache of {word.text} on SM {hardware.architecture}"
        edits = replaced(word, word.text, "fp8", serving.facts.text)
        yield Fault(Result.ERROR, what, word, "--kv-cache-dtype fp8", edits)


def _prefix(serving: Serving) -> Iterator[Fault]:
    metrics = serving.facts.metrics
    if metrics is not None and metrics.prefix_caching is False:
        yield Fault(Result.ERROR, "prefix caching is off", None, "start it with --enable-prefix-caching")
    flag = serving.start.flag("--no-enable-prefix-caching", "--enable-prefix-caching")
    if flag is None:
        return
    if flag.name == "--no-enable-prefix-caching":
        edits = replaced(flag.written, flag.spelt, "--enable-prefix-caching", serving.facts.text)
        yield Fault(Result.ERROR, "prefix caching is off", flag.written, "--enable-prefix-caching", edits)


def _people(serving: Serving) -> Iterator[Fault]:
    sessions = serving.facts.sessions
    if sessions is None:
        return
    needed = sessions * FEW
    flag = serving.start.flag("--max-num-seqs")
    word = flag.value if flag else None
    given = tokens(word.text) if word else None
    people = "one session" if sessions == 1 else f"{sessions} sessions"
    if word is not None and given is not None and given < needed:
        what = f"{given} conversations at once are few for {people} with a subagent or two each: {needed}"
        edits = replaced(word, word.text, str(needed), serving.facts.text)
        yield Fault(Result.WARNING, what, word, f"--max-num-seqs {needed}", edits)
    free, cache, window = serving.for_cache, serving.cache, serving.window
    if free is not None and free > 0 and cache is not None and window:
        at_once = cache.concurrency(free, window)
        if 1 <= at_once < sessions:
            what = (
                f"the cache has room for {at_once:.1f} conversations of {window:,} tokens, and {people} are asked for"
            )
            fits = cache.longest(free, sessions, most=window) // 1024 * 1024
            do = f"--max-model-len {fits}, or --kv-cache-dtype fp8" if fits >= serving.smallest else "fewer sessions"
            yield Fault(Result.WARNING, what, serving.window_word or serving.start.at, do)


def _asked(facts: Facts) -> str | None:
    return None if facts.sessions else "nobody said for how many: --sessions N"


CHECKS = (
    check(
        name="recipe.weights",
        group="memory",
        asks="do the weights fit?",
        fine="the weights fit",
        why="the server ends with out of memory after minutes of loading",
        finds="The weights' size against `--gpu-memory-utilization` of the memory of all GPUs, less the overhead.",
        remedy="A larger share, where that is all (`--fix` writes it); fewer bits, or more GPUs: `recipe fit`.",
        source="Sizes and memory from the catalogue, each with its own source.",
        faults=each_vllm(_weights),
        preconditions=(vllm, machine),
        mends=True,
    ),
    check(
        name="recipe.utilisation",
        group="memory",
        asks="is memory left for everything else?",
        fine="memory is left for everything else",
        why="what else runs there has no memory left: the system swaps or kills, or CUDA finds none while it works",
        finds="`--gpu-memory-utilization` (0.92 by itself) against what is published for the machine.",
        remedy="The published share; `--fix` writes it where GPU and system share one memory.",
        source="vllm-project/recipes 8959cf64: 0.5 to 0.85 on DGX Spark, 0.9 on RTX Pro 6000; vLLM 0.32.0's default.",
        faults=each_vllm(_share),
        preconditions=(vllm, machine),
        mends=True,
    ),
    check(
        name="recipe.load-format",
        group="memory",
        asks="can the weights be read the fast way?",
        fine="the weights can be read the way they are",
        why="the start ends with out of memory, although the weights would fit",
        finds="`--load-format fastsafetensors` with weights of more than 0.8 of the memory.",
        remedy="Leave it out; `--fix` does.",
        source="The README of eugr/spark-vllm-docker: not above 0.8 of the memory.",
        faults=each_vllm(_fast),
        preconditions=(vllm, machine),
        mends=True,
    ),
    check(
        name="recipe.kv-cache",
        group="memory",
        asks="are there kernels for this cache?",
        fine="there are kernels for this cache",
        why="the server ends at its first request",
        finds="`--kv-cache-dtype nvfp4` on GPUs of SM 12.0 and 12.1 (RTX Pro 6000, GB10).",
        remedy="`fp8`, which runs everywhere here; `--fix` writes it.",
        source="https://github.com/vllm-project/vllm/issues/43562",
        faults=each_vllm(_fp4),
        preconditions=(vllm, machine),
        mends=True,
    ),
    check(
        name="recipe.prefix-cache",
        group="memory",
        asks="is a prompt's known beginning reused?",
        fine="a prompt's known beginning is reused",
        why="every turn reads the whole conversation again, which is most of the waiting",
        finds="`--no-enable-prefix-caching`; vLLM caches by itself.",
        remedy="`--enable-prefix-caching`; `--fix` writes it.",
        source="vLLM 0.32.0's own defaults; 99 % of a second session's prompt was reused with it.",
        faults=each_vllm(_prefix),
        preconditions=(vllm,),
        mends=True,
        outside=True,
    ),
    check(
        name="recipe.people",
        group="memory",
        asks="can so many people work at once?",
        fine="so many people can work at once",
        why="who comes late waits in the queue, and a session waits for its own subagents",
        finds=f"`--max-num-seqs` against {FEW} conversations for each of `--sessions`, and the cache for the window.",
        remedy="Raise it (`--fix` does), and make the window smaller where the cache is too small.",
        source="vLLM 0.32.0's own computation of its cache; Claude Code 2.1.332 runs subagents beside a session.",
        faults=each_vllm(_people),
        preconditions=(vllm, _asked),
        mends=True,
    ),
)
