"""Checks of a LiteLLM: its config, the release that is installed or pulled, what its start downloads."""

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from claude_local_plugin.checks import Result
from claude_local_plugin.lint.edits import Edit, Edits, replaced
from claude_local_plugin.lint.facts import Facts
from claude_local_plugin.lint.images import image
from claude_local_plugin.lint.model import Fault, check, gateway
from claude_local_plugin.lint.reading import Word
from claude_local_plugin.servers.advisories import matching
from claude_local_plugin.yaml_document import Node

#: What Claude Code asks for by itself, and under the names of its tiers (2.1.332).
ASKED = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-fable-5-2")
#: Keys that LiteLLM refuses because everybody knows them.
WEAK = ("", "sk-1234", "sk-12345", "sk-local", "anything", "password", "changeme")
OF_LITELLM = re.compile(r"litellm(?:\[[^\]]*\])?==([\w.]+)")


class Deployment(NamedTuple):
    """One entry of model_list: the name it is asked for by, what it calls, and where."""

    name: Node
    model: Node | None
    base: str
    passes: bool


def _deployments(facts: Facts) -> list[Deployment]:
    listed = facts.document.gateway.get("model_list") if facts.document.gateway else None
    found = []
    for each in listed.items() if listed else ():
        name = each.get("model_name")
        if name is None or name.kind != "scalar":
            continue
        base = each.get("litellm_params", "api_base")
        endpoints = each.get("model_info", "supported_endpoints")
        passes = endpoints is not None and any(item.value == "/v1/messages" for item in endpoints.items())
        found.append(Deployment(name, each.get("litellm_params", "model"), str(base.value) if base else "", passes))
    return found


def _setting(facts: Facts, *path: str) -> Node | None:
    return facts.document.gateway.get(*path) if facts.document.gateway else None


def _names(facts: Facts) -> list[str]:
    """Every name that it answers to: those of the list, and aliases."""
    aliases = _setting(facts, "router_settings", "model_group_alias")
    listed = [str(each.name.value) for each in _deployments(facts)]
    return [*listed, *(str(key.value) for key, _ in (aliases.pairs() if aliases else ()))]


def _written(node: Node) -> Word:
    return Word(str(node.value), node.start, node.end)


def _section(facts: Facts, section: str, line: str) -> Edits:
    """A line put into a section of the config, which is made where there is none."""
    root, text = facts.document.gateway, facts.text
    assert root is not None
    newline = "\r\n" if "\r\n" in text else "\n"
    found = root.get(section)
    if found is not None and found.pairs():
        key = found.pairs()[0][0]
        begin = text.rfind("\n", 0, key.start) + 1
        indent = text[begin : key.start]
        if indent.strip():  # in braces, on one line
            return ()
        return (Edit(begin, begin, f"{indent}{line}{newline}"),)
    if found is not None:
        return ()
    gap = "" if text.endswith("\n") else newline
    return (Edit(len(text), len(text), f"{gap}{section}:{newline}  {line}{newline}"),)


# --- the key


def _key(facts: Facts) -> Iterator[Fault]:
    key = _setting(facts, "general_settings", "master_key")
    permit = _setting(facts, "general_settings", "dangerously_permit_weak_or_unset_master_key")
    if permit is not None and permit.value is True:
        yield Fault(Result.ERROR, "it is told to work without a key that protects it", permit, "leave it out")
        return
    reference = "os.environ/LITELLM_MASTER_KEY"
    if key is None:
        what = "no master key is named: LiteLLM refuses to start, unless LITELLM_MASTER_KEY is in its environment"
        edits = _section(facts, "general_settings", f"master_key: {reference}")
        root = facts.document.gateway
        yield Fault(Result.ERROR, what, root, f"general_settings: master_key: {reference}", edits)
        return
    value = "" if key.value is None else str(key.value)
    if value.startswith("os.environ/"):
        return
    edits = replaced(_written(key), value, reference, facts.text) if value else ()
    if value in WEAK:
        what = "everybody knows this master key, and LiteLLM refuses to start with it"
        yield Fault(Result.ERROR, what, key, f"master_key: {reference}", edits)
    else:
        what = "the master key stands in the file, which is copied and committed"
        yield Fault(Result.WARNING, what, key, f"master_key: {reference}", edits)


# --- routes and names


def _route(facts: Facts) -> Iterator[Fault]:
    for each in _deployments(facts):
        if each.model is None or not each.base or each.passes:
            continue
        model = str(each.model.value)
        host = urlsplit(each.base).hostname or ""
        if model.startswith("openai/") and not host.endswith("openai.com"):
            what = "openai/ sends Claude Code's requests to /v1/responses, where thinking is lost"
            edits = replaced(_written(each.model), "openai/", "hosted_vllm/", facts.text)
            yield Fault(Result.WARNING, what, each.model, f"hosted_vllm/{model.removeprefix('openai/')}", edits)


def _aliases(facts: Facts) -> Iterator[Fault]:
    names = _names(facts)
    claude = [each for each in _deployments(facts) if str(each.name.value).startswith("claude-")]
    if not claude or any("*" in name for name in names):
        return
    unasked = [name for name in ASKED if name not in names]
    if len(unasked) < len(ASKED):
        return
    told = ", ".join(dict.fromkeys(str(each.name.value) for each in claude))
    what = f"Claude Code asks for none of these names by itself ({told}), but for {', '.join(ASKED[:3])}"
    do = "names of your own, which `claude-local enable` writes; or router_settings: model_group_alias with its names"
    yield Fault(Result.WARNING, what, claude[0].name, do)


def _wildcards(facts: Facts) -> Iterator[Fault]:
    for each in _deployments(facts):
        name = str(each.name.value)
        if "*" in name:
            what = f"{name} is not listed at /v1/models, and a dead server behind it is asked again and again"
            do = "explicit names, and router_settings: model_group_alias for others"
            yield Fault(Result.WARNING, what, each.name, do)


def _fallbacks(facts: Facts) -> Iterator[Fault]:
    names = _names(facts)
    for section in ("router_settings", "litellm_settings"):
        for kind in ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks"):
            given = _setting(facts, section, kind)
            for each in given.items() if given else ():
                for key, targets in each.pairs():
                    name = str(key.value)
                    if name != "*" and ("*" in name or name not in names):
                        what = f"no request matches the fallback of {name}: only a name that is asked for does, or *"
                        yield Fault(Result.ERROR, what, key, f"one of: {', '.join(dict.fromkeys(names))}, *")
                    for target in targets.items():
                        if str(target.value) not in names and not _by_wildcard(str(target.value), names):
                            what = f"the fallback leads to {target.value}, which is no model here"
                            yield Fault(Result.ERROR, what, target, f"one of: {', '.join(dict.fromkeys(names))}")


def _by_wildcard(name: str, names: list[str]) -> bool:
    return any("*" in each and name.startswith(each.partition("*")[0]) for each in names)


def _verbose(facts: Facts) -> Iterator[Fault]:
    node = _setting(facts, "litellm_settings", "set_verbose")
    if node is not None and node.value is True:
        what = "set_verbose writes prompts, code and keys into the log"
        edits = (Edit(node.start, node.end, "false"),)
        yield Fault(
            Result.WARNING, what, node, "set_verbose: false; LITELLM_LOG=DEBUG while you look for something", edits
        )


def _affinity(facts: Facts) -> Iterator[Fault]:
    counted: dict[str, list[Deployment]] = {}
    for each in _deployments(facts):
        counted.setdefault(str(each.name.value), []).append(each)
    several = next((each for each in counted.values() if len(each) > 1), None)
    if several is None:
        return
    checks = _setting(facts, "router_settings", "optional_pre_call_checks")
    named = [str(item.value) for item in checks.items()] if checks else []
    if "session_affinity" in named:
        return
    what = f"{len(several)} servers answer to {several[0].name.value}, and nothing keeps a session on one of them"
    edits = () if checks else _section(facts, "router_settings", "optional_pre_call_checks: [session_affinity]")
    do = "router_settings: optional_pre_call_checks: [session_affinity]"
    yield Fault(Result.WARNING, what, several[1].name, do, edits)


# --- the program


def _release(facts: Facts) -> Iterator[Fault]:
    for word in facts.document.installs:
        if found := OF_LITELLM.fullmatch(word.text):
            yield from _bad(found[1], word)
    for start in facts.document.starts:
        if start.engine == "litellm" and start.image is not None:
            version = image(start.image.text).version
            if version:
                yield from _bad(version, start.image)


def _bad(version: str, at: Word) -> Iterator[Fault]:
    for pair in matching("litellm", version, ()):
        if pair.severity == "error":
            yield Fault(Result.ERROR, pair.what, at, pair.fix, why=pair.why)


def _prices(facts: Facts) -> Iterator[Fault]:
    for start in facts.document.starts:
        if start.engine != "litellm" or start.more_variables:
            continue
        set_to = start.environment.get("LITELLM_LOCAL_MODEL_COST_MAP")
        if set_to is None or set_to.text.lower() not in ("true", "1"):
            what = "LiteLLM downloads a list of prices from GitHub at every start"
            yield Fault(Result.INFO, what, start.at, "LITELLM_LOCAL_MODEL_COST_MAP=True in its environment")


def _program(facts: Facts) -> str | None:
    if any(each.engine == "litellm" for each in facts.document.starts):
        return None
    if any(each.text.startswith("litellm") for each in facts.document.installs):
        return None
    return "no LiteLLM is installed or started"


SEEN = "LiteLLM 1.106.2 with Claude Code 2.1.329"

CHECKS = (
    check(
        name="litellm.key",
        group="gateway",
        asks="does LiteLLM ask for a key of yours?",
        fine="LiteLLM asks for a key of yours",
        why="LiteLLM does not start without one; whoever knows it uses every model behind it",
        finds="`general_settings.master_key`: missing, well known, or written out.",
        remedy="`os.environ/LITELLM_MASTER_KEY`, and the key in LiteLLM's environment; `--fix` writes it.",
        source="LiteLLM 1.106.2 and 1.110.2: “no master key is set”; sk-1234 and an empty key are refused as well.",
        faults=_key,
        preconditions=(gateway,),
        mends=True,
    ),
    check(
        name="litellm.route",
        group="gateway",
        asks="do requests go the right way?",
        fine="requests go the right way",
        why="thinking does not come back, and the server's own Messages API is not used",
        finds="`openai/…` with an `api_base` of your own.",
        remedy="`hosted_vllm/…`; `--fix` writes it. With `supported_endpoints: [/v1/messages]` nothing is translated.",
        source=f"{SEEN}: openai/ calls /v1/responses, hosted_vllm/ /v1/chat/completions.",
        faults=_route,
        preconditions=(gateway,),
        mends=True,
    ),
    check(
        name="litellm.aliases",
        group="gateway",
        asks="does anybody ask for these names?",
        fine="the names are asked for",
        why="a request for a name that is not there is answered with 400 “Invalid model name”",
        finds="`claude-…` names in `model_list`, none of which today's Claude Code asks for by itself.",
        remedy="Names of your own, or `model_group_alias` for those that it asks for.",
        source="Claude Code 2.1.332: what opus, sonnet, haiku and fable stand for.",
        faults=_aliases,
        preconditions=(gateway,),
    ),
    check(
        name="litellm.wildcard",
        group="gateway",
        asks="is every model named?",
        fine="every model is named",
        why="with a dead server behind a wildcard 3 of 20 requests failed, behind a name none",
        finds="`*` in a `model_name`.",
        remedy="Explicit names, and `model_group_alias` for further ones.",
        source=f"{SEEN}: no cooldown for wildcards, and they are not listed.",
        faults=_wildcards,
        preconditions=(gateway,),
    ),
    check(
        name="litellm.fallbacks",
        group="gateway",
        asks="can the fallbacks happen?",
        fine="the fallbacks can happen",
        why="a fallback that matches nothing is found out when the server is down",
        finds="Keys of `fallbacks` that no request has, and targets that are no models.",
        remedy="A name that is asked for, or `*`.",
        source=f"{SEEN}: the key claude-* never matched; “*” and explicit names did.",
        faults=_fallbacks,
        preconditions=(gateway,),
    ),
    check(
        name="litellm.verbose",
        group="gateway",
        asks="is the log free of prompts?",
        fine="the log is free of prompts",
        why="the log is read by others than those who wrote the prompts",
        finds="`set_verbose: true`.",
        remedy="`false`; `--fix` writes it.",
        source="https://docs.litellm.ai/docs/proxy/debugging",
        faults=_verbose,
        preconditions=(gateway,),
        mends=True,
    ),
    check(
        name="litellm.affinity",
        group="gateway",
        asks="does a session stay on one server?",
        fine="a session stays on one server",
        why="another server reads the whole conversation again: 3 of 10 sessions were split",
        finds="Several deployments of one name without `session_affinity`.",
        remedy="`optional_pre_call_checks: [session_affinity]`; `--fix` writes it.",
        source=f"{SEEN}, two servers: 3 of 10 sessions split without, none of 10 with it.",
        faults=_affinity,
        preconditions=(gateway,),
        mends=True,
    ),
    check(
        name="litellm.release",
        group="gateway",
        asks="is the release LiteLLM's own?",
        fine="nothing speaks against the release",
        why="an intruder's program runs where your keys are",
        finds="1.82.7, 1.82.8 and 1.107.0, in a line for pip or an image's tag.",
        remedy="Another release, pinned; and change the keys of a machine on which one of these has run.",
        source="https://github.com/BerriAI/litellm/issues/24518, https://pypi.org/project/litellm/#history",
        faults=_release,
        preconditions=(_program,),
    ),
    check(
        name="litellm.prices",
        group="gateway",
        asks="does its start stay at home?",
        fine="its start stays at home",
        why="without a network the start waits for it, and GitHub is told of every start",
        finds="A LiteLLM started without LITELLM_LOCAL_MODEL_COST_MAP=True.",
        remedy="Set it in LiteLLM's environment: its config is read too late.",
        source=f"{SEEN}: one request to raw.githubusercontent.com at each start, none with it.",
        faults=_prices,
        preconditions=(_program,),
    ),
)
