"""Checks of who can reach the server, and under which names."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from claude_local_plugin.checks import Result
from claude_local_plugin.lint.edits import replaced
from claude_local_plugin.lint.facts import Facts, Serving
from claude_local_plugin.lint.model import Fault, check, each_serving, models
from claude_local_plugin.lint.reading import Start
from claude_local_plugin.recipes.service import ALIAS_COSTS
from claude_local_plugin.servers.tool_parsers import family_of
from claude_local_plugin.servers.urls import is_loopback

#: Where each engine listens by itself.
BY_ITSELF = {"vllm": "0.0.0.0", "llama.cpp": "127.0.0.1", "ollama": "127.0.0.1", "litellm": "0.0.0.0"}
#: The variables that hold an engine's key.
KEYS = {"vllm": ("VLLM_API_KEY",), "llama.cpp": ("LLAMA_API_KEY",), "litellm": ("LITELLM_MASTER_KEY",)}


def _open(facts: Facts) -> Iterator[Fault]:
    if facts.server is not None:
        if not facts.server.needs_key and not is_loopback(urlsplit(facts.server.url).hostname or ""):
            what = "it answers without a key, to everybody who can reach it"
            yield Fault(Result.WARNING, what, None, "give it a key, or let it listen on loopback")
        return
    for start in facts.document.starts:
        if start.engine == "litellm" or _keyed(start):
            continue
        if start.network == "container":
            for each in start.published:
                if each.address is None or not _is_loopback(each.address):
                    said = "every address of this machine" if each.address in (None, "0.0.0.0", "::") else each.address
                    what = f"port {each.port} is published on {said}, and the server asks for no key"
                    yield Fault(Result.WARNING, what, each.at, _do(start, f"127.0.0.1:{each.at.text}"))
            continue
        host = start.value("--host")
        address = host.text if host else BY_ITSELF.get(start.engine, "127.0.0.1")
        if host is not None and not host.known:
            continue
        if not _is_loopback(address):
            said = f"listens on {address}" if host else "listens on every address by itself"
            what = f"the server {said}, and asks for no key"
            yield Fault(Result.WARNING, what, host or start.at, _do(start, "--host 127.0.0.1"))


def _do(start: Start, instead: str) -> str:
    keyed = {"vllm": "a key in VLLM_API_KEY", "llama.cpp": "--api-key-file FILE"}.get(
        start.engine, "a proxy with a key"
    )
    return f"{instead}, or {keyed} for whoever comes from elsewhere"


def _is_loopback(address: str) -> bool:
    return address in ("localhost", "::1") or address.startswith("127.")


def _keyed(start: Start) -> bool:
    if start.flag("--api-key", "--api-key-file") or start.more_variables or start.more_arguments:
        return True
    return any(name in start.environment for name in KEYS.get(start.engine, ()))


# --- names


def _claude(serving: Serving) -> Iterator[Fault]:
    for word in serving.start.served:
        if not word.text.startswith("claude-"):
            continue
        own = _own_name(serving)
        taken = own in [each.text for each in serving.start.served]
        what = f"{word.text} passes for a model of Anthropic's: {ALIAS_COSTS}"
        edits = replaced(word, word.text, own, serving.facts.text) if own and not taken else ()
        do = f"a name of its own, such as {own or 'qwen3-coder'}, which `claude-local enable` finds"
        yield Fault(Result.WARNING, what, word, do, edits)


def _own_name(serving: Serving) -> str | None:
    if serving.entry:
        return serving.entry[0].name
    weights = (serving.weights or "").rstrip("/").rpartition("/")[2]
    name = re.sub(r"[^A-Za-z0-9.]+", "-", weights).strip("-").lower()
    return name or None


#: How a name says the precision of its weights.
PRECISIONS = re.compile(
    r"(?<![a-z0-9])(nvfp4|mxfp4|fp4|mxfp8|fp8|bf16|fp16|int4|int8|w4a16|w8a8|awq|gptq|autoround|4bit|8bit|q[2-8](?:_\w+)?)"
    r"(?![a-z0-9])"
)
#: Names of one thing.
SAME = {
    "fp4": "nvfp4",
    "w4a16": "int4",
    "4bit": "int4",
    "autoround": "int4",
    "awq": "int4",
    "gptq": "int4",
    "8bit": "int8",
}
SIZES = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)b(?![a-z0-9])")


def _other(serving: Serving) -> Iterator[Fault]:
    weights = serving.weights
    if weights is None:
        return
    for word in serving.start.served:
        if word.text == weights or word.text.startswith("claude-") or not word.known:
            continue
        differs = _difference(word.text, weights)
        if not differs:
            continue
        own = _own_name(serving)
        what = f"{word.text} is not what is served: the weights are {differs}"
        edits = replaced(word, word.text, own, serving.facts.text) if own else ()
        yield Fault(Result.WARNING, what, word, f"--served-model-name {own}, and the same where it is asked for", edits)


def _difference(name: str, weights: str) -> str | None:
    """What the name says otherwise than the weights' own: precision, size or family; None where nothing."""
    said, true = _precisions(name), _precisions(weights)
    if said and true and not said & true:
        return f"{', '.join(sorted(true))} ({weights})"
    sizes, true_sizes = set(SIZES.findall(name.lower())), set(SIZES.findall(weights.lower()))
    if sizes and true_sizes and not sizes & true_sizes:
        return f"{', '.join(sorted(true_sizes))}B ({weights})"
    family, true_family = family_of(name), family_of(weights)
    if (
        family
        and true_family
        and family.label != true_family.label
        and (family.tool, family.reasoning)
        != (
            true_family.tool,
            true_family.reasoning,
        )
    ):
        return f"of {true_family.label} ({weights})"
    return None


def _precisions(name: str) -> set[str]:
    return {SAME.get(each, each) for each in PRECISIONS.findall(name.lower().replace("_", "-"))}


def _unreachable(serving: Serving) -> Iterator[Fault]:
    """A container that listens on its own loopback alone, which no published port leads to."""
    start = serving.start
    host = start.value("--host")
    if start.network == "container" and start.published and host is not None and _is_loopback(host.text):
        what = f"the server listens on {host.text} inside its container, where no published port leads"
        edits = replaced(host, host.text, "0.0.0.0", serving.facts.text)
        yield Fault(Result.ERROR, what, host, "--host 0.0.0.0 inside, and 127.0.0.1 before the published port", edits)


CHECKS = (
    check(
        name="recipe.open",
        group="reach",
        asks="can strangers use it?",
        fine="no stranger can use it",
        why="whoever is in the same network can run the model, and read in its metrics how it is used",
        finds=(
            "A published port or a `--host` beyond loopback without `--api-key` or VLLM_API_KEY; vLLM listens on every"
            " address by itself. A file of variables that cannot be seen here is taken to hold the key."
        ),
        remedy="Publish on 127.0.0.1, or give it a key; both change who can use it, so `--fix` leaves it to you.",
        source="vLLM 0.32.0: no --host is every address, and only --api-key or VLLM_API_KEY make it ask.",
        faults=_open,
        outside=True,
    ),
    check(
        name="recipe.unreachable",
        group="reach",
        asks="does a published port lead to the server?",
        fine="published ports lead to the server",
        why="a port leads into the container's own network, and loopback there is the container's alone",
        finds="`--host 127.0.0.1` inside a container with published ports.",
        remedy="`--host 0.0.0.0` inside, and the address before the published port; `--fix` writes the first.",
        source="https://docs.docker.com/engine/network/port-publishing/",
        faults=each_serving(_unreachable),
        preconditions=(models,),
        mends=True,
    ),
    check(
        name="recipe.claude-name",
        group="names",
        asks="has it a name of its own?",
        fine="it has a name of its own",
        why="Claude Code treats it as the model it is called after, and logs cannot tell it from the cloud's",
        finds="A served name that begins with `claude-`.",
        remedy="A name of its own; `--fix` writes it. What asks for the old name has to be told.",
        source="Claude Code 2.1.329 and 2.1.332 with both names: window, prompt, compaction.",
        faults=each_serving(_claude),
        preconditions=(models,),
        mends=True,
        outside=True,
    ),
    check(
        name="recipe.other-name",
        group="names",
        asks="is it what it is called?",
        fine="it is what it is called",
        why="whoever reads a log or measures it takes it for another model",
        finds="A served name with another precision, size or family than the weights' own name.",
        remedy="A name that is true; `--fix` writes the model's. What asks for the old name has to be told.",
        source="vLLM 0.32.0: `--served-model-name` is any text, and answers carry it.",
        faults=each_serving(_other),
        preconditions=(models,),
        mends=True,
        outside=True,
    ),
)
