"""Checks of the prefix cache: whether a prompt's known beginning is computed again, in a turn and across folders."""

from collections.abc import Iterator

from claude_local_plugin.doctor import preconditions
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.doctor.fixers import variable, writes
from claude_local_plugin.doctor.model import Check, Found, OwnFix, Result, fix_here, place_of
from claude_local_plugin.precedence import effective, winning
from claude_local_plugin.servers import advice
from claude_local_plugin.servers.examination import CacheFacts, CacheVerdict, Reuse

#: A folder that reuses less than this share of another folder's prompt starts nearly from nothing.
LITTLE_REUSE = 0.5
#: Less of the prompt than this known in the next turn means that each turn is read anew.
TURN_REUSE = 0.5
#: What CLAUDE_CODE_DISABLE_AUTO_MEMORY takes away, in words.
MEMORY_COST = "Claude Code then keeps no notes of its own from one session to the next; CLAUDE.md is read as before"


def _attribution(facts: Facts) -> Iterator[Found]:
    if not facts.needs.attribution_off or effective(facts.snapshot, "env.CLAUDE_CODE_ATTRIBUTION_HEADER") == "0":
        return
    winner = winning(facts.snapshot, "env.CLAUDE_CODE_ATTRIBUTION_HEADER")
    what = (
        "a billing line that differs with every conversation stands before the prompt, and this server keeps it there"
    )
    yield Found(Result.WARNING, what, place_of(winner), OwnFix())


def _prefix(facts: Facts) -> Iterator[Found]:
    deep = facts.deep
    assert deep is not None
    cache = deep.cache
    if cache is None or cache.verdict is CacheVerdict.NO_ANSWER:
        yield Found(Result.SKIPPED, "the long prompts were not all answered")
        return
    kind = (facts.server.engine if facts.server else None) or deep.kind
    switch = advice.cache_on(kind)
    if deep.not_comparable and cache.reuse is None:
        yield Found(Result.SKIPPED, f"the server's counters are {deep.not_comparable}")
        return
    if cache.verdict is CacheVerdict.MISS:
        yield Found(Result.ERROR, f"a repeated prompt was computed again: {_told(cache)}", None, switch)
    elif cache.verdict is CacheVerdict.PARTIAL:
        yield Found(Result.WARNING, f"of a repeated prompt little was reused: {_told(cache)}", None, switch)
    elif cache.verdict is CacheVerdict.UNKNOWN:
        what = f"the server does not tell whether it reused a repeated prompt, nor do the times: {_told(cache)}"
        yield Found(Result.INFO, what, None, advice.tell_cache(kind))
    elif cache.next_reuse is not None and cache.next_reuse.share < TURN_REUSE:
        what = f"the next turn of a conversation reused only {_percent(cache.next_reuse)} of its prompt"
        yield Found(Result.WARNING, what, None, advice.keep_turns(kind))
    else:
        yield Found(Result.OK, f"a repeated prompt is reused: {_told(cache)}")


def _told(cache: CacheFacts) -> str:
    """The evidence: how much was reused, and how long the first token took cold and again."""
    words = [f"{_percent(cache.reuse)} of {cache.reuse.of:,} tokens"] if cache.reuse else []
    cold, again = cache.cold.reply.ttft, cache.again.reply.ttft
    if cold is not None and again is not None:
        words.append(f"first token after {cold:.2f} s, then {again:.2f} s")
    return ", ".join(words) or "no times"


def _percent(reuse: Reuse) -> str:
    return f"{100 * reuse.share:.0f} %"


def _folders(facts: Facts) -> Iterator[Found]:
    folders = facts.deep.folders if facts.deep else None
    if folders is None or folders.with_memory is None:
        doubt = facts.deep.not_comparable if facts.deep else None
        told = f"the server's counters are {doubt}" if doubt else "the server does not tell how much it reused"
        yield Found(Result.SKIPPED, told)
        return
    if facts.is_on("CLAUDE_CODE_DISABLE_AUTO_MEMORY") and not facts.elsewhere:
        yield Found(Result.OK, "automatic memory is off, so folders share their prompts' beginning")
        return
    without = folders.without_memory
    better = f"; CLAUDE_CODE_DISABLE_AUTO_MEMORY=1 makes it {_percent(without)}. {MEMORY_COST}" if without else ""
    what = f"prompts from another folder reuse {_percent(folders.with_memory)} of the prefix{better}"
    if folders.with_memory.share >= LITTLE_REUSE or without is None or without.share <= folders.with_memory.share:
        yield Found(Result.OK, what)
    else:
        fix = fix_here(facts)
        yield Found(Result.WARNING, what, None, fix)


CHECKS = (
    Check(
        id="cache.attribution",
        group="cache",
        said=("slow",),
        asks="does every prompt begin alike?",
        fine="every prompt begins alike",
        why="a prefix cache compares from the first token on, so a first line that differs makes it miss everything",
        finds="`CLAUDE_CODE_ATTRIBUTION_HEADER` not 0 on a server that keeps the line (vLLM strips it since 0.18.1).",
        remedy="`--fix` writes 0.",
        find=_attribution,
        preconditions=(preconditions.serving_here,),
        fix=writes(variable("CLAUDE_CODE_ATTRIBUTION_HEADER", "0", "so that every prompt begins alike")),
    ),
    Check(
        id="cache.prefix",
        group="cache",
        said=("slow",),
        asks="is a repeated prompt reused?",
        fine="a repeated prompt is reused",
        why="without it each turn reads the whole conversation again, which is most of the waiting",
        finds="A long prompt sent twice and as a next turn: the server's cache counters, the time to the first token.",
        remedy="Switch prefix caching on, where it was switched off.",
        find=_prefix,
        preconditions=(preconditions.examined,),
        deep=True,
    ),
    Check(
        id="cache.folders",
        group="cache",
        said=("slow", "memory"),
        asks="do sessions of different folders share what they can?",
        fine="sessions of different folders share what they can",
        why="the path of the memory folder stands before the tools, so another folder computes everything anew",
        finds="How much of a prompt in Claude Code's shape a second folder reuses, with automatic memory and without.",
        remedy=f"`--deep --fix cache.folders` sets CLAUDE_CODE_DISABLE_AUTO_MEMORY=1. Its cost: {MEMORY_COST}.",
        find=_folders,
        preconditions=(preconditions.examined,),
        deep=True,
        fix=writes(variable("CLAUDE_CODE_DISABLE_AUTO_MEMORY", "1", "so that folders share their prompts' beginning")),
        on_request=True,
    ),
)
