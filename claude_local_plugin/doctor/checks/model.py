"""Checks of the model: served under every name, its window and answers as configured, its tool calls parsed."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from claude_local_plugin.client_config import budget, build
from claude_local_plugin.client_config.model import Backend
from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.doctor import preconditions
from claude_local_plugin.doctor.explained import explained
from claude_local_plugin.doctor.facts import Facts, Name
from claude_local_plugin.doctor.fixers import (
    WITHOUT_BETAS,
    Fixer,
    Impossible,
    Lines,
    Step,
    Tools,
    as_enable_plans,
    writes,
)
from claude_local_plugin.doctor.model import Check, Finding, Found, OwnFix, Result, exported, fix_here, place_of
from claude_local_plugin.precedence import Decision, Scope, winning
from claude_local_plugin.precedence.models import known_window
from claude_local_plugin.servers import ServedModel, advice, kinds, well_known
from claude_local_plugin.servers.examination import Exchange, ToolFacts, ToolVerdict
from claude_local_plugin.servers.kinds.kind import WITHOUT_MID_CONVERSATION, ToolCalls
from claude_local_plugin.servers.tool_parsers import SAME_FORMAT, Family, family_of
from claude_local_plugin.text import printable

#: What Claude Code asks for at most where nothing is set, for a model it does not know (observed on 2.1.329).
DEFAULT_OUTPUT = 32_000
#: With shorter answers than this a session is cut off in the middle of its edits.
SHORTEST_OUTPUT = 2_048


def _listed(facts: Facts) -> str:
    names = [printable(model.name) for model in facts.server.models] if facts.server else []
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


# --- model.served


def _served(facts: Facts) -> Iterator[Found]:
    server = facts.server
    assert server is not None
    if server.kind in well_known.ANY_NAME or server.engine in well_known.ANY_NAME:
        yield Found(Result.OK, f"{well_known.label(server.behaves_as)} answers to every name with the model it has")
        return
    if not server.models:
        yield Found(Result.SKIPPED, f"{facts.host} lists no model to compare the names with")
        return
    unserved = [name for name in facts.names if facts.served(name.name) is None]
    serious = [name for name in unserved if name.role in ("main", "subagent")]
    for names in (serious, [name for name in unserved if name not in serious]):
        if names:
            yield _unserved(facts, names, Result.ERROR if names is serious else Result.WARNING)
    if not any(name.role == "main" for name in unserved):
        yield from explained("model.unset")(facts)


def _pinned(facts: Facts, _: Sequence[Finding], tools: Tools) -> Iterator[Step]:
    """Every name becomes that of the model which is there, where that is no matter of choice."""
    if tools.model is not None:
        names = ("ANTHROPIC_MODEL", *build.ALIAS_VARIABLES, "CLAUDE_CODE_SUBAGENT_MODEL", "ANTHROPIC_SMALL_FAST_MODEL")
        yield Lines(planned=tuple(f"env.{name}" for name in names))
        return
    choose = command("claude-local", "enable", "--url", facts.url or Words("URL"), "--model", Words("NAME"))
    yield Impossible(f"several models are served, so one has to be chosen: {choose}")


def _unserved(facts: Facts, names: list[Name], result: Result) -> Found:
    assert facts.server is not None
    wires = dict.fromkeys(name.name for name in names)
    asked = (f"{printable(wire)} ({', '.join(n.role for n in names if n.name == wire)})" for wire in wires)
    verb = "is" if len(wires) == 1 else "are"
    what = f"{', '.join(asked)} {verb} not served; {facts.host} lists {_listed(facts)}"
    where = next(
        (place_of(found) for name in names if (found := winning(facts.snapshot, f"env.{name.variable}"))), None
    )
    if facts.server.kind in well_known.ROUTES_UNLISTED:
        deep = facts.deep
        if deep is not None and deep.plain.accepted and set(wires) == {deep.model}:
            return Found(Result.OK, f"{printable(deep.model)} was answered, though {facts.host} does not list it")
        what += "; one of its wildcards may still route that name"
        return Found(Result.INFO, what, where, None if deep is not None else facts.ask_deep())
    fixable = all(facts.is_ours_to_change(f"env.{name.variable}") for name in names)
    fix = OwnFix() if fixable else "ask whoever manages this machine"
    return Found(result, what, where, fix)


# --- the window


def _window(facts: Facts) -> Iterator[Found]:
    model, decision = facts.main_model, facts.resolution.decisions["context_window"]
    assert model is not None
    assert facts.server is not None
    believed = int(decision.value) if decision.value and decision.value.isdigit() else None
    variable = facts.env.get("CLAUDE_CODE_MAX_CONTEXT_TOKENS", "").strip()
    where = place_of(winning(facts.snapshot, "env.CLAUDE_CODE_MAX_CONTEXT_TOKENS"))
    if model.max_model_len is None:
        yield from _hidden_window(facts, model, variable)
        return
    fixable = facts.is_ours_to_change("env.CLAUDE_CODE_MAX_CONTEXT_TOKENS")
    fix = OwnFix() if fixable else "ask whoever manages this machine"
    if variable and not variable.replace("_", "").isdigit():
        what = f"CLAUDE_CODE_MAX_CONTEXT_TOKENS is “{printable(variable)}”, which Claude Code reads as {believed:,}"
        yield Found(Result.ERROR, what, where, fix)
    elif known_window(model.name) is not None or (variable and _is_default(decision)):
        yield Found(Result.SKIPPED, "Claude Code has its own idea of that name: see model.name")
    elif believed is not None and believed > model.max_model_len:
        said = "assumes" if not variable else "is told of"
        what = f"Claude Code {said} a window of {believed:,} tokens, and {facts.host} has {model.max_model_len:,}"
        yield Found(Result.ERROR, what, where, fix)
    elif believed is not None and believed < model.max_model_len:
        what = f"Claude Code is told of a window of {believed:,} tokens, and {facts.host} has {model.max_model_len:,}"
        why = "a conversation is compacted earlier than it need be"
        yield Found(Result.INFO, what, where, fix, why)
    elif believed is None:
        yield Found(Result.SKIPPED, "which window Claude Code assumes is not known")


def _is_default(decision: Decision) -> bool:
    return decision.winner is not None and decision.winner.scope is Scope.DEFAULT


def _hidden_window(facts: Facts, model: ServedModel, variable: str) -> Iterator[Found]:
    server = facts.server
    assert server is not None
    quirks = kinds.of(server.kind).quirks
    if quirks.unloaded is not None:
        what = f"{printable(model.name)} is not loaded, so its window is not known: {quirks.unloaded.what}"
        load = quirks.unloaded.load(model.name)
        yield Found(Result.WARNING, what, None, f"{advice.larger_window(server, model)}   (and: {load})")
    elif variable:
        what = f"{facts.host} does not say how large its window is; Claude Code is told {printable(variable)}"
        yield Found(Result.SKIPPED, what)
    else:
        what = f"{facts.host} does not say how large its window is, so Claude Code assumes 1,000,000 tokens"
        fix = facts.enable(None, "--model", model.name, "--max-model-len", Words("N"))
        if quirks.window_later:
            what += f"; {quirks.window_later}"
            fix = f"ask again in some minutes; or say it yourself: {fix}"
        yield Found(Result.WARNING, what, None, fix)


def _backend(facts: Facts, model: ServedModel) -> Backend:
    assert facts.server is not None
    prompt = None if facts.elsewhere else budget.prompt_chosen(facts.env.get(budget.SYSTEM_PROMPT))
    server = facts.server
    return Backend(server.url, server.kind, model.name, model.max_model_len, server.version, prompt=prompt)


def _prompt(facts: Facts) -> Iterator[Found]:
    server = facts.server
    assert server is not None
    main = None if facts.elsewhere else facts.main_model
    told = [model for model in ([main] if main else server.models) if model.max_model_len is not None]
    if not told:
        yield Found(Result.SKIPPED, f"{facts.host} tells no window to compare the prompt with")
    for model in told:
        backend = _backend(facts, model)
        least, first = budget.smallest_window(backend, facts.needs), budget.first_prompt_tokens(backend, facts.needs)
        if model.max_model_len is not None and model.max_model_len < least:
            what = (
                f"{printable(model.name)} has a window of {model.max_model_len:,} tokens; Claude Code's own prompt"
                f" takes {first:,}, and it needs {least:,} to work at all"
            )
            yield Found(Result.ERROR, what, None, advice.larger_window(server, model))


def _output(facts: Facts) -> Iterator[Found]:
    model = facts.main_model
    assert model is not None
    assert facts.server is not None
    chosen = facts.number("CLAUDE_CODE_MAX_OUTPUT_TOKENS")
    limit = DEFAULT_OUTPUT if chosen is None else chosen
    where = place_of(winning(facts.snapshot, "env.CLAUDE_CODE_MAX_OUTPUT_TOKENS"))
    said = f"{limit:,} tokens" if chosen is not None else f"{limit:,} tokens, Claude Code's default"
    fixable = facts.is_ours_to_change("env.CLAUDE_CODE_MAX_OUTPUT_TOKENS")
    fix = OwnFix() if fixable else "ask whoever manages this machine"
    if chosen is not None and chosen < SHORTEST_OUTPUT:
        what = f"answers end after {said}: edits of any size are cut off"
        yield Found(Result.WARNING, what, where, fix)
    window = model.max_model_len
    if window is None:
        yield Found(Result.SKIPPED, f"{facts.host} tells no window to compare the longest answer with")
        return
    prompt = budget.first_prompt_tokens(_backend(facts, model), facts.needs)
    if limit > window:
        what = f"each request asks for up to {said}, more than the whole window of {window:,}: it is refused"
        yield Found(Result.ERROR, what, where, fix)
    elif limit + prompt > window and facts.needs.output_not_clamped:
        what = f"each request asks for up to {said}; with the first prompt of {prompt:,} that exceeds {window:,}"
        yield Found(Result.ERROR, what, where, fix, facts.needs.output_not_clamped)
    elif window - min(limit, budget.RESERVED_OUTPUT) - budget.COMPACTION_RESERVE < prompt:
        what = f"with answers of {said} Claude Code keeps so much free that its first prompt does not fit {window:,}"
        yield Found(Result.ERROR, what, where, fix, "Claude Code says “Prompt is too long” and asks nobody")


def _name(facts: Facts) -> Iterator[Found]:
    model = facts.main_model
    assert model is not None
    assumed = known_window(model.name)
    if assumed is None:
        yield from explained("window.ignored")(facts)  # under the default's name, whatever that stands for
        return
    assert facts.server is not None
    small = model.max_model_len is not None and model.max_model_len < assumed
    enable = facts.enable(None, "--model", Words("my-model"))
    window = f", and {facts.host} has {model.max_model_len:,}" if model.max_model_len else ""
    yield Found(
        Result.ERROR if small else Result.INFO,
        f"{printable(model.name)} is taken for a model of Anthropic's with {assumed:,} tokens, whatever is set{window}",
        place_of(facts.resolution.decisions["model"].winner),
        f"{advice.own_name(facts.server, model)}   then: {enable}",
        None if small else "such a name makes the first prompt 8,000 tokens longer",
    )


# --- what real requests show


def _says(exchange: Exchange) -> str:
    return printable((exchange.refusal or "nothing")[:200])


def _answers(facts: Facts) -> Iterator[Found]:
    deep = facts.deep
    assert deep is not None
    for exchange, how in ((deep.plain, "a message"), (deep.streamed, "a streamed message")):
        if exchange is None:
            if deep.plain.accepted:
                yield Found(Result.SKIPPED, f"{how} was not asked for any more")
        elif not exchange.accepted:
            what = f"{how} to {printable(deep.model)} was not answered: {_says(exchange)}"
            yield Found(Result.ERROR, what, None, _fix_of(facts, exchange))
        elif exchange.reply.streamed and exchange.reply.ttft is None and not exchange.reply.is_silent:
            yield Found(Result.ERROR, f"{how} brought no piece of text", None, "look into the server's log")
    if deep.streamed is not None and deep.streamed.reply.error is None and not deep.streamed.reply.streamed:
        what = "streaming was asked for, and the answer came in one piece"
        yield Found(Result.ERROR, what, None, advice.upgrade(_kind(facts)))


def _kind(facts: Facts) -> str:
    """The kind of server whose flags count: the one behind a router that changes nothing."""
    deep = facts.deep
    assert deep is not None
    return (facts.server.engine if facts.server else None) or deep.kind


def _fix_of(facts: Facts, exchange: Exchange) -> str:
    """What to do about a message that was not answered, by what came instead."""
    deep, status = facts.deep, exchange.reply.status
    assert deep is not None
    if status in (401, 403):
        return facts.enable(None, "--token-env", Words("VARIABLE"))
    if status == 404:
        return command("curl", "-s", f"{deep.url}/v1/models") + "   (the names it serves)"
    if facts.server is not None and facts.server.dead:
        return f"start what refuses connections: {', '.join(printable(dead) for dead in facts.server.dead)}"
    return "look into the server's log"


def _lost(facts: Facts, exchange: Exchange, what: str) -> Found:
    """A request that no model has seen: no word about what it held."""
    return Found(Result.ERROR, f"{what} did not reach a model: {_says(exchange)}", None, _fix_of(facts, exchange))


def parser_flags(facts: Facts, spoken: str | None = None) -> str:
    """How to restart the server so that it reads this model's calls; `spoken` is the parser of a call that was seen."""
    deep = facts.deep
    assert deep is not None
    family, kind = _family(facts), kinds.of(_kind(facts))
    words = kind.remedies.tool_calls
    if words is None:
        return f"have {kind.label} parse the calls of this model" + (f" ({family.label})" if family else "")
    flags, note = _flags(words, family, spoken)
    return words.how.format(flags=flags, note=note)


def _flags(words: ToolCalls, family: Family | None, spoken: str | None) -> tuple[str, str]:
    """The flags that name the parser, and what is to be said of them."""
    if spoken is not None and (family is None or SAME_FORMAT.get(family.tool, family.tool) != spoken):
        return words.flags(spoken), ""
    if family is None:
        return "the tool-call parser of this model's family", words.listing
    note = "" if family.certain else "   (by that parser's name; the model's card knows better)"
    return words.flags(family.tool, family.reasoning), note


def _family(facts: Facts) -> Family | None:
    """The family of the examined model, by what the server says of it, and of the model that it adapts."""
    deep, server = facts.deep, facts.server
    assert deep is not None
    models = {model.name: model for model in server.models} if server else {}
    served = models.get(deep.model)
    parent = models.get(served.parent) if served and served.parent else None
    told = (parent.root, parent.name) if parent else ()
    return family_of(deep.root, deep.model, *told, server.model_file if server else None)


def _tool_calls(facts: Facts) -> Iterator[Found]:
    assert facts.deep is not None
    tools = facts.deep.tools
    if tools is None:
        yield Found(Result.SKIPPED, "the examination ran out of time before it offered tools")
        return
    sentence = _unparsed(facts, tools)
    if sentence is not None:
        spoken = SAME_FORMAT.get(tools.call_format or "", tools.call_format)
        yield Found(Result.ERROR, sentence, None, parser_flags(facts, spoken))
    elif tools.verdict is ToolVerdict.WRONG_CALL:
        what = "the model called another tool than it was asked to, or left arguments out"
        yield Found(Result.WARNING, what, None, parser_flags(facts), "Claude Code refuses such a call and asks again")
    elif tools.verdict is ToolVerdict.NOT_CALLED:
        what = "the model answered in words although it was asked to call a tool"
        yield Found(Result.WARNING, what, None, parser_flags(facts), "a model that does not call tools cannot edit")
    elif tools.verdict is ToolVerdict.CUT:
        what = "the call was not whole after 1,024 tokens"
        yield Found(Result.WARNING, what, None, parser_flags(facts), "Claude Code would have to ask again")
    elif tools.verdict in (ToolVerdict.REFUSED, ToolVerdict.NO_ANSWER) and tools.offered.lost:
        yield _lost(facts, tools.offered, "a request with tools")
    elif tools.verdict in (ToolVerdict.REFUSED, ToolVerdict.NO_ANSWER):
        yield Found(
            Result.ERROR, f"a request with tools was not answered: {_says(tools.offered)}", None, parser_flags(facts)
        )


def _unparsed(facts: Facts, tools: ToolFacts) -> str | None:
    """What is said of a call that no parser has read; None where that is not the trouble."""
    deep = facts.deep
    assert deep is not None
    family = _family(facts)
    wanted = family.tool if family else None
    needs = f"; {printable(deep.model)} needs {wanted}" if wanted else ""
    if tools.verdict is ToolVerdict.NO_PARSER:
        return f"the server was started without a tool-call parser{needs}"
    if tools.verdict is ToolVerdict.PROSE:
        spoken = SAME_FORMAT.get(tools.call_format or "", tools.call_format)
        written = f", written as the parser {spoken} reads it" if spoken else ""
        return f"a tool call came back as plain text{written}: the server has no or another parser{needs}"
    if tools.verdict is ToolVerdict.SWALLOWED:
        return f"a tool call came back as empty text: the server's parser is another one{needs}"
    if tools.verdict is ToolVerdict.THINKING_ONLY:
        return f"a tool call came back as thinking: the reasoning parser took it{needs}"
    return None


def _tool_types(facts: Facts) -> Iterator[Found]:
    tools = facts.deep.tools if facts.deep else None
    if tools is None or tools.verdict not in (ToolVerdict.PARSED, ToolVerdict.WRONG_TYPES):
        yield Found(Result.SKIPPED, "no whole call of the tool arrived to look at")
    for mismatch in tools.mismatches if tools else ():
        what = f"argument {mismatch.argument} came as {mismatch.seen}, and its schema says {mismatch.expected}"
        yield Found(Result.ERROR, what, None, parser_flags(facts))


def _tool_results(facts: Facts) -> Iterator[Found]:
    tools = facts.deep.tools if facts.deep else None
    given = (
        (tools.result if tools else None, "a tool's result"),
        (tools.parallel if tools else None, "two tool results in one turn"),
    )
    for exchange, what in given:
        if exchange is None:
            yield Found(Result.SKIPPED, f"{what} was not given back: no request with tools was answered")
        elif exchange.lost:
            yield _lost(facts, exchange, what)
        elif not exchange.accepted:
            newer = advice.upgrade(_kind(facts))
            since = kinds.of(_kind(facts)).remedies.tool_results_since
            fix = f"{newer}   ({since} or newer takes what Claude Code sends back)" if since else newer
            yield Found(Result.ERROR, f"{what} was refused: {_says(exchange)}", None, fix)


def _empty(facts: Facts) -> Iterator[Found]:
    deep = facts.deep
    assert deep is not None
    lost = {exchange.name: exchange for exchange in deep.silent}
    if deep.tools is not None and deep.tools.verdict in (ToolVerdict.SWALLOWED, ToolVerdict.THINKING_ONLY):
        lost.setdefault(deep.tools.offered.name, deep.tools.offered)
    if not lost:
        return
    names = ", ".join(lost)
    endless = deep.thinking is not None and deep.thinking.never_ends
    reason = (
        "the reasoning parser waits for a </think> that the model does not write" if endless else "the text is lost"
    )
    count = f"{len(lost)} answer{'' if len(lost) == 1 else 's'}"
    took = "took tokens" if all(exchange.reply.usage.output for exchange in lost.values()) else "ended well"
    what = f"{count} {took} and showed nothing ({names}): {reason}"
    flags = parser_flags(facts)
    yield Found(Result.ERROR, what, None, f"{flags}, and {advice.leave_thinking(_kind(facts))}" if endless else flags)


#: Why a part of the examination has nothing to say.
NOT_ASKED = "it was not asked any more: earlier answers took too long"


def _system_role(facts: Facts) -> Iterator[Found]:
    exchange = facts.deep.inline_system if facts.deep else None
    if exchange is None:
        yield Found(Result.SKIPPED, NOT_ASKED)
        return
    if exchange.accepted:
        return
    if exchange.lost:
        yield _lost(facts, exchange, "a system message inside a conversation")
        return
    what = f"a system message inside a conversation was refused: {_says(exchange)}"
    handled = "mid_conv_system" in facts.env.get("CLAUDE_CODE_MODEL_CAPABILITIES", "")
    fix = None if handled else exported(facts, *WITHOUT_MID_CONVERSATION)
    yield Found(Result.INFO if handled else Result.ERROR, what, None, fix)


def _thinking(facts: Facts) -> Iterator[Found]:
    thinking = facts.deep.thinking if facts.deep else None
    if thinking is None:
        yield Found(Result.SKIPPED, NOT_ASKED)
        return
    what, fix = "", None
    if thinking.adaptive.lost:
        yield _lost(facts, thinking.adaptive, "thinking as Claude Code asks for it")
    elif not thinking.adaptive.accepted:
        what = f"thinking as Claude Code asks for it was refused: {_says(thinking.adaptive)}"
        fix = exported(facts, *advice.WITHOUT_THINKING)
    elif thinking.enabled is not None and thinking.enabled.lost:
        yield _lost(facts, thinking.enabled, "thinking with a budget, as this name gets it,")
    elif thinking.enabled is not None and not thinking.enabled.accepted:
        what = f"thinking with a budget, as this name gets it, was refused: {_says(thinking.enabled)}"
        fix = f"{exported(facts, 'MAX_THINKING_TOKENS', '0')}   (or serve it under a name of its own)"
    if what and _does_not_ask_for_thinking(facts):
        yield Found(Result.INFO, f"{what}; sessions here do not ask for it")
    elif what:
        yield Found(Result.ERROR, what, None, fix)
    if thinking.leaked:
        what = "the model's thinking stands in its answer: <think>…</think>"
        family = _family(facts)
        apart = advice.keep_thinking_apart(_kind(facts), family.reasoning if family else None)
        if apart is None and _does_not_ask_for_thinking(facts):
            yield Found(Result.INFO, f"{what}; sessions here do not ask for it")
        else:
            fix = apart or exported(facts, *advice.WITHOUT_THINKING)
            yield Found(Result.WARNING, what, None, fix, "it is read back as text")


def _does_not_ask_for_thinking(facts: Facts) -> bool:
    if facts.elsewhere:
        return False
    return facts.is_on(advice.WITHOUT_THINKING[0]) or facts.number("MAX_THINKING_TOKENS") == 0


def _fields(facts: Facts) -> Iterator[Found]:
    exchange = facts.deep.unknown_fields if facts.deep else None
    if exchange is None:
        yield Found(Result.SKIPPED, NOT_ASKED)
    elif exchange.lost:
        yield _lost(facts, exchange, "a request with the fields that only Claude Code sends")
    elif not exchange.accepted:
        what = f"fields that only Claude Code sends were refused: {_says(exchange)}"
        if facts.is_on("CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS") and not facts.elsewhere:
            yield Found(Result.INFO, f"{what}; sessions here leave them out", None)
        else:
            fix = fix_here(facts)
            yield Found(Result.ERROR, what, None, fix)


def _count(facts: Facts) -> Iterator[Found]:
    count = facts.deep.count if facts.deep else None
    if count is None:
        yield Found(Result.SKIPPED, NOT_ASKED)
        return
    if count.counted is None:
        what = f"the server does not count tokens: {_says(count.exchange)}"
        yield Found(Result.INFO, what, None, None, "Claude Code estimates instead, and is off by some")
    elif count.used and abs(count.counted - count.used) > max(64, count.used // 5):
        what = f"count_tokens says {count.counted:,} for a prompt that took {count.used:,}"
        why = "Claude Code compacts by it, too early or too late"
        yield Found(Result.WARNING, what, None, advice.upgrade(_kind(facts)), why)
    elif not count.used:
        yield Found(Result.SKIPPED, f"it counts {count.counted:,} tokens, and its answer does not tell what it took")


def _deep_check(
    check_id: str,
    asks: str,
    fine: str,
    why: str,
    finds: str,
    remedy: str,
    find: Callable[[Facts], Iterable[Found]],
    *,
    said: tuple[str, ...],
    fix: Fixer | None = None,
) -> Check:
    return Check(
        id=check_id,
        group="model",
        said=said,
        asks=asks,
        fine=fine,
        why=why,
        finds=finds,
        remedy=remedy,
        find=find,
        preconditions=(preconditions.asked if check_id == "model.answers" else preconditions.examined,),
        deep=True,
        fix=fix,
    )


CHECKS = (
    Check(
        id="model.served",
        group="model",
        said=("404", "names"),
        asks="is every name served that Claude Code may ask for?",
        fine="every name that Claude Code may ask for is served",
        why="the request fails with 404 the moment that name is used, by /model, a subagent or in the background",
        finds=(
            "The names behind the session's model, opus, sonnet, haiku, fable, subagents and background work, against"
            " /v1/models. LiteLLM and llama-swap may route names that they do not list."
        ),
        remedy="`--fix` pins every name to the model that is served.",
        find=_served,
        covers=("model.unset",),
        preconditions=(preconditions.serving_here,),
        fix=_pinned,
    ),
    Check(
        id="model.window",
        group="model",
        said=("window", "context"),
        asks="does Claude Code know the real window?",
        fine="Claude Code knows the real window",
        why="a conversation is compacted only when that window is nearly full; past the real one it fails",
        finds="The window in effect against the server's `max_model_len`; a number with a unit; a window nobody tells.",
        remedy="`--fix` writes the server's window.",
        find=_window,
        covers=(
            "window.assumed",
            "window.unreadable",
        ),
        preconditions=(preconditions.main_model_served,),
        fix=as_enable_plans("env.CLAUDE_CODE_MAX_CONTEXT_TOKENS", "env.CLAUDE_CODE_MAX_OUTPUT_TOKENS"),
    ),
    Check(
        id="model.prompt",
        group="model",
        said=("window", "context"),
        asks="does Claude Code's own prompt fit into the window?",
        fine="Claude Code's own prompt fits into the window",
        why="nothing can be asked before this is so",
        finds="The first prompt (tools and instructions), the shortest answer and the reserve for compaction together.",
        remedy="Serve the model with a larger window: 65,536 leaves room to work.",
        find=_prompt,
        preconditions=(preconditions.answering,),
    ),
    Check(
        id="model.output",
        group="model",
        said=("window", "context", "cut"),
        asks="does the longest answer fit beside the prompt?",
        fine="the longest answer fits beside the prompt",
        why="the server refuses the request, and Claude Code calls it a prompt that is too long",
        finds="`CLAUDE_CODE_MAX_OUTPUT_TOKENS` (32,000 where unset) against window and first prompt.",
        remedy="`--fix` writes the largest limit that fits.",
        find=_output,
        preconditions=(preconditions.main_model_served,),
        fix=as_enable_plans("env.CLAUDE_CODE_MAX_OUTPUT_TOKENS"),
    ),
    Check(
        id="model.name",
        group="model",
        said=("window", "context", "names"),
        asks="is the model's name its own?",
        fine="the model's name is its own",
        why="Claude Code believes what it knows about that name, and CLAUDE_CODE_MAX_CONTEXT_TOKENS is not read",
        finds="Served names that Claude Code takes for Anthropic's models.",
        remedy="Serve the model under a name of its own.",
        find=_name,
        covers=("window.ignored",),
        preconditions=(preconditions.main_model_served,),
    ),
    _deep_check(
        "model.answers",
        "does the model answer, streamed and not?",
        "the model answers, streamed and not",
        "nothing else works without it",
        "One short message in each way.",
        "What the server says; its log knows more.",
        _answers,
        said=("empty",),
    ),
    _deep_check(
        "model.tool-calls",
        "does a tool call arrive as a tool call?",
        "a tool call arrives as a tool call",
        "Claude Code reads, edits and runs through tool calls alone; what arrives as text does nothing",
        "Tools offered as Claude Code does; the call parsed, swallowed, come back as prose or thinking, or refused.",
        "Restart the server with the parser of the model's family, which is named.",
        _tool_calls,
        said=("tools",),
    ),
    _deep_check(
        "model.tool-types",
        "have a call's arguments their right types?",
        "a call's arguments have their right types",
        "Claude Code refuses a call whose arguments do not fit, and the model tries again, and again",
        "Numbers, truth values and lists that came as text.",
        "Another parser of the same family, mostly `qwen3_coder` or `qwen3_xml`.",
        _tool_types,
        said=("tools",),
    ),
    _deep_check(
        "model.tool-results",
        "are tool results taken, also two at once?",
        "tool results are taken, also two at once",
        "the session ends after its first tool",
        "One tool's result, and two results for two calls in one turn, with the thinking that came before.",
        "A newer server.",
        _tool_results,
        said=("tools",),
    ),
    _deep_check(
        "model.empty-answer",
        "does every answer show something?",
        "every answer shows something",
        "Claude Code ends with empty output, exit code 0 and no error, so nobody notices",
        "Answers that ended well, took tokens and hold neither text nor a tool call.",
        "The tool-call parser of the model's family; no reasoning parser for a model that does not think.",
        _empty,
        said=("empty",),
    ),
    _deep_check(
        "model.system-role",
        "is a system message inside a conversation taken?",
        "a system message inside a conversation is taken",
        "Claude Code sends them to every model of your own, and not every refusal is recovered from",
        "A message of role system between two of the user's: vLLM before 0.23 and strict chat templates refuse it.",
        "A newer server, a tolerant --chat-template, or CLAUDE_CODE_MODEL_CAPABILITIES in shell or user settings.",
        _system_role,
        said=("400",),
    ),
    _deep_check(
        "model.thinking",
        "is thinking taken, and kept out of the answer?",
        "thinking is taken",
        "Claude Code asks every model of your own to think",
        "Adaptive thinking with an effort, thinking with a budget, and `<think>` left in the text.",
        "The family's reasoning parser, or CLAUDE_CODE_DISABLE_THINKING=1.",
        _thinking,
        said=("thinking", "400", "slow"),
    ),
    _deep_check(
        "model.fields",
        "are the fields taken that only Claude Code sends?",
        "the fields that only Claude Code sends are taken",
        "“Extra inputs are not permitted” ends the session",
        "`context_management`, `metadata`, `betas`, `cache_control`.",
        "`--fix` sets CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS, which costs about 7,300 tokens of every prompt.",
        _fields,
        fix=writes(*WITHOUT_BETAS),
        said=("400", "tools"),
    ),
    _deep_check(
        "model.count-tokens",
        "does the server count tokens, and rightly?",
        "the server counts tokens as it uses them",
        "Claude Code asks it how long a prompt is",
        "`/v1/messages/count_tokens` against the usage of the same prompt.",
        "A newer server; without the route Claude Code estimates.",
        _count,
        said=("window",),
    ),
)
