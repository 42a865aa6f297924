"""Checks of tool calls and thinking: whether vLLM parses what this model writes."""

import difflib
from collections.abc import Iterator, Mapping

from claude_local_plugin.checks import Result
from claude_local_plugin.lint.edits import added, removed, renamed, replaced
from claude_local_plugin.lint.facts import Serving
from claude_local_plugin.lint.model import Fault, check, each_serving, each_vllm, models, vllm
from claude_local_plugin.lint.reading.start import LLAMA_CPP, VLLM
from claude_local_plugin.recipes.catalogue import version_parts
from claude_local_plugin.servers.tool_parsers import SAME_FORMAT, VERIFIED_AGAINST

TOOL, REASONING, AUTO = "--tool-call-parser", "--reasoning-parser", "--enable-auto-tool-choice"
#: Parsers of thinking that vLLM's own recipes name for a family of another's.
AS_GOOD = {"glm47": "glm45"}
#: The oldest release that was seen to count tool calls.
COUNTED_SINCE = "0.32.0"
#: Families whose thinking vLLM reads without being told.
BUILT_IN = ("openai",)


def _wanted(serving: Serving, flag: str) -> tuple[str | None, bool]:
    """The parser that this model needs, and whether that is certain."""
    if entry := serving.entry:
        for feature in entry[0].features.values():
            for argument in feature.arguments:
                if argument.name == flag and not feature.chosen:
                    return argument.value, True
        if flag == REASONING and not entry[0].thinks:
            return None, True
    family = serving.family
    if family is None:
        return None, False
    return (family.tool if flag == TOOL else family.reasoning), family.certain


def _auto(serving: Serving) -> Iterator[Fault]:
    start = serving.start
    if start.engine == LLAMA_CPP:
        if flag := start.flag("--no-jinja"):
            what = "llama-server refuses tools without the model's own template"
            yield Fault(Result.ERROR, what, flag.written, "--jinja", renamed(flag, "--jinja", serving.facts.text))
        return
    if start.engine != VLLM:
        return
    off = start.flag("--no-enable-auto-tool-choice")
    if off is not None:
        yield Fault(
            Result.ERROR,
            "automatic tool choice is switched off",
            off.written,
            AUTO,
            replaced(off.written, off.spelt, AUTO, serving.facts.text),
        )
    elif (
        start.flag(AUTO, "--enable-tool-choice") is None and not start.more_arguments
    ):  # which is another check's, and called otherwise
        yield Fault(Result.ERROR, f"{AUTO} is missing", start.at, AUTO, added(start, AUTO))


def _tool(serving: Serving) -> Iterator[Fault]:
    if serving.facts.server is not None:
        if _counts_none(serving):
            wanted, _ = _wanted(serving, TOOL)
            do = f"start it with {AUTO} {TOOL} {wanted}" if wanted else f"start it with {AUTO} {TOOL} NAME"
            yield Fault(Result.ERROR, "its metrics count no tool calls, so it has no tool parser", None, do)
        return
    yield from _parser(serving, TOOL, "tool calls", _names(serving, TOOL), Result.ERROR)


def _counts_none(serving: Serving) -> bool:
    """Whether a server that counts what its tool parser does counts nothing: it has none."""
    metrics, version = serving.facts.metrics, serving.version
    if metrics is None or version is None or metrics.dialect != serving.start.engine:
        return False
    if metrics.prefix_caching is None:
        return False  # its Rust frontend, or a router: they leave out more than that
    return metrics.tool_parser is None and version_parts(version) >= version_parts(COUNTED_SINCE)


def _reasoning(serving: Serving) -> Iterator[Fault]:
    wanted, _ = _wanted(serving, REASONING)
    given = serving.start.flag(REASONING)
    tool, _ = _wanted(serving, TOOL)
    if given is None and (wanted is None or tool in BUILT_IN):
        return
    family = serving.family
    read_as = given.value.text if given and given.value else None
    if given is not None and wanted is None and family and family.certain and read_as in _names(serving, REASONING):
        what = f"{family.label} does not think, so {REASONING} takes its whole answer for a thought"
        edits = removed(serving.start, given, serving.facts.text)
        yield Fault(Result.WARNING, what, given.written, f"leave {REASONING} out", edits)
        return
    yield from _parser(serving, REASONING, "thinking", _names(serving, REASONING), Result.WARNING)


def _names(serving: Serving, flag: str) -> Mapping[str, str]:
    """The parsers of the newest release that is known, with the release that each came with."""
    engine = serving.facts.known.engine("vllm")
    if engine is None:
        return {}
    return engine.tool_parsers if flag == TOOL else engine.reasoning_parsers


def _parser(serving: Serving, flag: str, reads: str, names: Mapping[str, str], missing: Result) -> Iterator[Fault]:
    """Is the parser there, is it one, has this release got it, and does it read what this model writes?"""
    start, text = serving.start, serving.facts.text
    wanted, certain = _wanted(serving, flag)
    given = start.flag(flag)
    label = serving.entry[0].label if serving.entry else serving.family.label if serving.family else "this model"
    if given is None and start.more_arguments:
        return
    if given is None or given.value is None:
        do = f"{flag} {wanted}" if wanted else f"{flag} NAME, the parser of this model's format"
        edits = added(start, flag, wanted) if wanted and given is None else ()
        what = f"{flag} is missing" + (f"; {label} needs {wanted}" if wanted else "")
        yield Fault(missing, what, given.written if given else start.at, do, edits)
        return
    name = given.value.text
    if not given.value.known:
        return
    if name not in names:
        if start.flag(f"{flag.removesuffix('-call-parser').removesuffix('-parser')}-parser-plugin"):
            return  # a plugin may bring any name
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        right = wanted or (near[0] if near else None)
        what = f"vLLM {VERIFIED_AGAINST} has no parser called {name}"
        edits = replaced(given.value, name, right, text) if right else ()
        yield Fault(Result.ERROR, what, given.value, f"{flag} {right}" if right else "", edits)
        return
    since, version = names[name], serving.version
    if version is not None and version_parts(version) < version_parts(since) and since != _OLDEST:
        what = f"{name} came with vLLM {since} or shortly before; the image has {version}"
        yield Fault(Result.ERROR, what, given.value, f"an image of vLLM {since} or newer")
    family = serving.family
    others = (family.tool if flag == TOOL else family.reasoning) if family else None
    if wanted and SAME_FORMAT.get(name, name) not in (SAME_FORMAT.get(wanted, wanted), others):
        if flag == REASONING and AS_GOOD.get(wanted) == name:
            return
        bad = missing if certain else Result.WARNING
        what = f"{name} does not read the {reads} of {label}, which needs {wanted}"
        yield Fault(bad, what, given.value, f"{flag} {wanted}", replaced(given.value, name, wanted, text))


#: The oldest release that was looked at: what it has may be older.
_OLDEST = "0.11.1"

CHECKS = (
    check(
        name="recipe.auto-tool-choice",
        group="tools",
        asks="may the model call tools?",
        fine="the model may call tools",
        why="Claude Code sends its tools with every request, and the server refuses each",
        finds=f"`{AUTO}` of a vLLM, `--no-jinja` of a llama-server.",
        remedy=f"Add `{AUTO}`, or `--jinja`; `--fix` does.",
        source=(
            "vLLM 0.32.0 with the requests of Claude Code 2.1.329: 400 “auto” tool choice requires both flags;"
            " llama.cpp's docs/function-calling.md."
        ),
        faults=each_serving(_auto),
        preconditions=(models,),
        mends=True,
    ),
    check(
        name="recipe.parser",
        group="tools",
        asks="does vLLM read this model's tool calls?",
        fine="the tool parser is this model's",
        why="vLLM swallows calls that its parser does not read: an empty answer, and the session stands still",
        finds=(
            f"`{TOOL}`: missing, misspelt (vLLM takes any word for one and fails at its first request), newer than the"
            " image's release, or of another model's format. Of a running server: whether it has one at all."
        ),
        remedy="Name the parser of the model's family; `--fix` does, where the family is known.",
        source=(
            "The names that vLLM 0.32.0 lists, the oldest of 21 releases that has each, and the families in vLLM's"
            " documentation of tool calling."
        ),
        faults=each_vllm(_tool),
        preconditions=(vllm,),
        mends=True,
        outside=True,
    ),
    check(
        name="recipe.reasoning-parser",
        group="tools",
        asks="is thinking kept apart from the answer?",
        fine="thinking is kept apart, where there is any",
        why="else thoughts stand in the answer as text, and a request that asks for thinking is refused with 400",
        finds=f"`{REASONING}` of a model that thinks, as `{TOOL}` is looked at; and one for a model that does not.",
        remedy="Name the family's; `--fix` does, where it is known.",
        source="vLLM 0.32.0 with the requests of Claude Code 2.1.329, and the same lists and families.",
        faults=each_vllm(_reasoning),
        preconditions=(vllm,),
        mends=True,
    ),
)
