"""Checks of what a small window or a plain model cannot take: harmless on the cloud, the end of a session here."""

import json
from collections.abc import Iterator

from claude_local_plugin.client_config import budget, build
from claude_local_plugin.client_config.model import Backend
from claude_local_plugin.core.claude import is_on
from claude_local_plugin.core.shell import command
from claude_local_plugin.doctor import preconditions
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.doctor.fixers import as_enable_plans, writes
from claude_local_plugin.doctor.model import Check, Found, OwnFix, Result, Where, fix_here, place_of
from claude_local_plugin.precedence import Scope, candidates, winning
from claude_local_plugin.servers import Server
from claude_local_plugin.servers.examination import SearchVerdict
from claude_local_plugin.text import printable

#: Where the end of a session is told, and what gets it going again.
RESCUE = command("claude-local", "rescue", "last")


def denied(facts: Facts) -> frozenset[str]:
    """Every rule of `permissions.deny` in effect: the lists of all scopes are one."""
    rules: set[str] = set()
    for found in candidates(facts.snapshot, "permissions.deny"):
        listed = json.loads(found.value) if found.state == "wins" and found.value else []
        rules.update(rule for rule in listed if isinstance(rule, str))
    return frozenset(rules)


# --- model.compaction


def _compaction(facts: Facts) -> Iterator[Found]:
    model = facts.main_model
    window = f"at {model.max_model_len:,} tokens " if model and model.max_model_len else ""
    consequence = f"{window}a conversation ends at “Prompt is too long” and does not go on"
    if is_on(facts.env.get(build.NO_COMPACT)):
        yield Found(
            Result.ERROR,
            f"{build.NO_COMPACT} is on: nothing compacts a conversation, not even /compact; {consequence}",
            place_of(winning(facts.snapshot, f"env.{build.NO_COMPACT}")),
            _take_out(facts),
        )
    for key, said in ((f"env.{build.NO_AUTO_COMPACT}", "is on"), (build.AUTO_COMPACT, "is false")):
        if not _switched_off(facts, key):
            continue
        fixable = facts.is_ours_to_change(key)
        yield Found(
            Result.ERROR,
            f"{key.removeprefix('env.')} {said}: nothing is compacted by itself; {consequence}",
            _place(facts, key),
            OwnFix() if fixable else "ask whoever manages this machine",
        )


def _switched_off(facts: Facts, key: str) -> bool:
    if key == build.AUTO_COMPACT:
        return build.compaction_key(facts.snapshot) is False
    return is_on(facts.env.get(build.NO_AUTO_COMPACT))


def _place(facts: Facts, key: str) -> Where:
    return place_of(winning(facts.snapshot, key)) or (
        "Claude Code's own state (/config)" if key == build.AUTO_COMPACT else None
    )


def _take_out(facts: Facts) -> str:
    """No settings file can switch this off again, so it has to go from where it is."""
    winner = winning(facts.snapshot, f"env.{build.NO_COMPACT}")
    if winner is None or winner.scope is Scope.SHELL:
        return command("unset", build.NO_COMPACT)
    return f"take it out of {printable(winner.place)}"


# --- model.concurrency


def _concurrency(facts: Facts) -> Iterator[Found]:
    server, model = facts.server, facts.main_model
    assert server is not None
    assert model is not None
    window = model.max_model_len
    backend = Backend(server.url, server.kind, model.name, window)
    fit = budget.room_for(server, backend, facts.needs)
    if fit is None:
        yield Found(Result.SKIPPED, f"{facts.host} does not say how many conversations it holds at once")
    elif fit < budget.FEW:
        limited = (facts.number(budget.SUBAGENTS_AT_ONCE) or budget.DEFAULT_SUBAGENTS_AT_ONCE) <= fit
        fixable = not limited and facts.is_ours_to_change(f"env.{budget.SUBAGENTS_AT_ONCE}")
        yield Found(
            Result.INFO if limited else Result.WARNING,
            f"{facts.host} holds {fit} conversation{'' if fit == 1 else 's'} at once: {_room(server, window)}",
            place_of(winning(facts.snapshot, f"env.{budget.SUBAGENTS_AT_ONCE}")),
            None if limited else OwnFix() if fixable else "ask whoever manages this machine",
        )


def _room(server: Server, window: int | None) -> str:
    """By what the server says of itself."""
    if server.kv_cache_concurrency is not None:
        tokens = f" of {server.kv_cache_tokens:,} tokens" if server.kv_cache_tokens else ""
        return f"its KV cache{tokens} is {server.kv_cache_concurrency:.1f} full windows; subagents beyond that wait"
    if server.slots == 1:
        return "it has one slot; subagents wait for their turn"
    tokens, said = f" of {window:,} tokens" if window else "", "“Context size has been exceeded”"
    return f"its {server.slots} slots may share one window{tokens}; one too many, and others fail with {said}"


# --- what real requests show


def _images(facts: Facts) -> Iterator[Found]:
    deep = facts.deep
    assert deep is not None
    if deep.images is None:
        yield Found(Result.SKIPPED, "the examination ran out of time before it sent a picture")
        return
    if deep.images.refusal is None:
        if not deep.images.pixel.accepted and not (deep.images.larger and deep.images.larger.accepted):
            said = printable((deep.images.pixel.refusal or "nothing")[:200])
            yield Found(Result.INFO, f"whether {printable(deep.model)} takes pictures is not known: it said “{said}”")
        return
    if set(build.NO_PICTURES) <= denied(facts) and not facts.elsewhere:
        return
    said = printable(deep.images.refusal[:200])
    fix = fix_here(facts)
    yield Found(
        Result.WARNING,
        f"{printable(deep.model)} takes no pictures (“{said}”), and Claude Code may read some: one ends the session",
        None,
        fix,
    )


def _web_search(facts: Facts) -> Iterator[Found]:
    deep = facts.deep
    assert deep is not None
    search = deep.web_search
    if search is None:
        yield Found(Result.SKIPPED, "the examination ran out of time before it tried the web search")
        return
    said = printable((search.exchange.refusal or "nothing more")[:200])
    if search.verdict is SearchVerdict.SEARCHED or (build.WEB_SEARCH in denied(facts) and not facts.elsewhere):
        return
    if search.verdict is SearchVerdict.UNKNOWN:
        yield Found(Result.SKIPPED, f"whether WebSearch works is not known: {facts.host} said “{said}”")
    else:
        made_up = f"{facts.host} searches nothing, and what the model makes up comes back as the results"
        refused = f"what it sends is refused (“{said}”), and only the model is told"
        fix = fix_here(facts)
        yield Found(
            Result.WARNING,
            f"WebSearch cannot work: {made_up if search.verdict is SearchVerdict.MADE_UP else refused}",
            None,
            fix,
        )


CHECKS = (
    Check(
        id="model.compaction",
        group="model",
        said=("window", "context", "compact"),
        asks="is a conversation compacted before it exceeds the window?",
        fine="conversations are compacted in time",
        why="Claude Code refuses to send a prompt that exceeds the window, and without compaction each later one does",
        finds="DISABLE_AUTO_COMPACT, DISABLE_COMPACT, and autoCompactEnabled in settings files and in Claude Code's own"
        " state. CLAUDE_CODE_AUTO_COMPACT_WINDOW and CLAUDE_AUTOCOMPACT_PCT_OVERRIDE do no harm (seen on 2.1.332).",
        remedy="`--fix` switches it on again for this folder; DISABLE_COMPACT has to be taken out where it is, since no"
        " settings file can undo it. A session that has ended so goes on in a copy: `claude-local rescue`.",
        find=_compaction,
        preconditions=(preconditions.own_server,),
        fix=as_enable_plans(f"env.{build.NO_AUTO_COMPACT}", build.AUTO_COMPACT),
    ),
    Check(
        id="model.concurrency",
        group="model",
        said=("subagents", "slow"),
        asks="do a session and its subagents fit the server at once?",
        fine="a session and its subagents fit at once",
        why="a subagent is a conversation of its own, with a prompt of its own, at the same time",
        finds="llama.cpp's number of slots and its window, and the concurrency that vLLM computes for its KV cache.",
        remedy="`--fix` limits the subagents that a session may have at once; or give the server more room: a larger"
        " -c for llama.cpp, a smaller --max-model-len or an FP8 KV cache for vLLM.",
        find=_concurrency,
        preconditions=(preconditions.main_model_served,),
        fix=as_enable_plans(f"env.{budget.SUBAGENTS_AT_ONCE}"),
    ),
    Check(
        id="model.images",
        group="model",
        said=("pictures", "images"),
        asks="does the model take the pictures that Claude Code reads?",
        fine="the model takes pictures, or none is read",
        why="a picture stays in the conversation, so the server refuses every later request and /compact too",
        finds="A PNG of one pixel and, if that is refused, one of 64 by 64: some models take none that is too small.",
        remedy=f"`--fix` denies reading pictures and PDF files. A session that ended so goes on in a copy: `{RESCUE}`.",
        find=_images,
        preconditions=(preconditions.examined,),
        deep=True,
        fix=writes(*(build.denied(rule, "the model takes no pictures") for rule in build.NO_PICTURES)),
    ),
    Check(
        id="model.web-search",
        group="model",
        said=("search",),
        asks="can WebSearch work?",
        fine="the server searches, or WebSearch is denied",
        why="the search runs at Anthropic's API; other servers refuse the tool that stands for it, or search nothing",
        finds="A search with the tool web_search_20250305, as WebSearch sends it: whether it is taken, and whether the"
        " answer has a search in it. llama.cpp takes it and lets the model answer (seen on 2026-11-28).",
        remedy="`--fix` denies WebSearch; a server of MCP can search instead.",
        find=_web_search,
        preconditions=(preconditions.examined,),
        deep=True,
        fix=writes(build.denied(build.WEB_SEARCH, "the server searches nothing for it")),
    ),
)
