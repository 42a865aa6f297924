"""One model server as it is to be started: what runs, with which arguments and variables, each with its reason."""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from claude_local_plugin.errors import UsageError
from claude_local_plugin.recipes.catalogue import (
    Argument,
    Catalogue,
    Feature,
    Hardware,
    Image,
    Model,
    Origin,
    Variant,
    merged,
)
from claude_local_plugin.recipes.fit import Fit, used
from claude_local_plugin.recipes.images import fitting
from claude_local_plugin.recipes.needs import conversations

LOOPBACK: Final = "127.0.0.1"
#: The port that vLLM listens on by itself, and where `claude-local enable` looks first.
PORT: Final = 8000

#: The argument whose value is several words: a server may have several names.
NAMES: Final = "--served-model-name"

#: Seconds until a server is ready: reading each GiB of weights (92 GB in three to five minutes on a GB10, published
#: February 2026), and compiling and capturing graphs. An estimate on the side of patience.
SECONDS_A_GIB: Final = 4
COMPILING: Final = 180

#: Weights above this share of the memory cannot be read the fast way, which holds them twice for a moment.
MOST_AT_ONCE: Final = 0.8

#: What a name that begins with `claude-` costs in Claude Code; `claude-local doctor --explain model.name` has more.
ALIAS_COSTS: Final = (
    "under a claude- name Claude Code assumes 200,000 tokens, whatever the server has, and sends its long system prompt"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for beside the model and the machine; None leaves it to the recipe."""

    sessions: int = 1
    served_name: str | None = None
    alias: str | None = None
    port: int = PORT
    listen: str = LOOPBACK
    image: str | None = None
    features: tuple[str, ...] = ()
    kv_cache: str | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A server to be written down in some format.

    `program` is what runs, with the model it loads, `names` what it serves that as, `listen` the address on this
    machine that it is reached at, and `load_seconds` how long a start may take once the weights are there.
    """

    name: str
    title: str
    engine: str
    program: tuple[str, ...]
    names: tuple[str, ...]
    arguments: tuple[Argument, ...]
    environment: tuple[Argument, ...]
    hardware: Hardware
    image: Image | None
    listen: str
    port: int
    load_seconds: int
    weights_gib: float

    @property
    def keyed(self) -> bool:
        """Whether it asks for a key: wherever anybody but this machine can reach it."""
        return not _address(self.listen).is_loopback

    @property
    def model(self) -> str:
        """The weights that it loads, as its command line names them."""
        return self.program[-1]

    @property
    def how(self) -> "Engine":
        """What its program takes."""
        return ENGINES[self.engine]

    @property
    def url(self) -> str:
        """Where it is reached from this machine."""
        return f"http://{LOOPBACK if _address(self.listen).is_unspecified else bracketed(self.listen)}:{self.port}"

    @property
    def published(self) -> str:
        """The container's port on this machine, as docker and podman want it."""
        return f"{bracketed(self.listen)}:{self.port}:{PORT}"


def bracketed(address: str) -> str:
    """An address as it stands before a port."""
    return f"[{address}]" if ":" in address else address


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError as fault:
        raise UsageError(
            f"--listen {text} is no IP address", "127.0.0.1, 0.0.0.0, or an address of this machine"
        ) from fault


def service(known: Catalogue, found: Fit, asked: Asked) -> Service:
    """The server of a recipe that fits, for so many sessions at once.

    Raises UsageError for a feature that the model has not got.
    """
    model, variant, hardware = found.model, found.variant, found.hardware
    _address(asked.listen)
    names = (asked.served_name or model.name, *([asked.alias] if asked.alias else []))
    engine = ENGINES[variant.engine]
    chosen = _features(model, asked.features) if engine.features else []
    arguments = merged(
        engine.arguments(found, names, asked),
        *([hardware.arguments] if engine.features else []),
        *(each.arguments for each in chosen),
        variant.arguments_on(hardware.name),
        _kv_cache(asked.kv_cache),
    )
    if variant.weights.value > MOST_AT_ONCE * hardware.memory.value * max(1, hardware.gpus):
        arguments = tuple(each for each in arguments if (each.name, each.value) != ("--load-format", "fastsafetensors"))
    environment = merged(
        engine.environment,
        *([hardware.environment] if engine.features else []),
        *(each.environment for each in chosen),
        variant.environment_on(hardware.name),
    )
    return Service(
        name=f"{model.name}-{variant.precision}".replace("_", "-"),
        title=f"{model.label} {variant.precision.upper()} on {hardware.label}",
        engine=variant.engine,
        program=(*engine.program, engine.weights(variant)),
        names=names,
        arguments=arguments,
        environment=environment,
        hardware=hardware,
        image=_image(known, model, variant, hardware, asked.image),
        listen=asked.listen,
        port=asked.port,
        load_seconds=COMPILING + round(SECONDS_A_GIB * variant.weights.value / 10) * 10,
        weights_gib=variant.weights.value,
    )


def _people(asked: Asked) -> str:
    return "one session" if asked.sessions == 1 else f"{asked.sessions} sessions"


def _named(names: tuple[str, ...], separator: str) -> tuple[str, str]:
    """The names as a value, and why."""
    alias = f"; {ALIAS_COSTS}" if any(name.startswith("claude-") for name in names) else ""
    return separator.join(names), f"a name of its own, which `enable` finds{alias}"


def _of_vllm(found: Fit, names: tuple[str, ...], asked: Asked) -> tuple[Argument, ...]:
    at_once = str(conversations(asked.sessions))
    return (
        Argument(NAMES, *_named(names, " ")),
        Argument(
            "--max-model-len", str(found.window), "the window; `enable` tells Claude Code, which assumes 1,000,000 else"
        ),
        Argument("--max-num-seqs", at_once, f"{_people(asked)} with a subagent or two each; the rest waits its turn"),
        Argument("--enable-prefix-caching", None, "else every turn reads the whole conversation again"),
        Argument("--enable-chunked-prefill", None, "a long prompt does not hold up the answers of others"),
        Argument("--enable-prompt-tokens-details", None, "tells cached tokens, which Claude Code and our log count"),
        *_memory(found.hardware),
    )


def _of_llama_cpp(found: Fit, names: tuple[str, ...], asked: Asked) -> tuple[Argument, ...]:
    slots = max(1, min(int(found.concurrency or 1), conversations(asked.sessions)))
    waiting = "" if slots == conversations(asked.sessions) else "; more wait their turn"
    return (
        Argument("--alias", *_named(names, ",")),
        Argument("--parallel", str(slots), f"conversations at once, for {_people(asked)}{waiting}"),
        Argument(
            "--ctx-size", str(found.window * slots), f"shared out: a window of {found.window:,} for each conversation"
        ),
        Argument("--jinja", None, "the model's own template, which has its tool calls"),
        Argument("--cache-reuse", "256", "a turn whose beginning has changed a little is not read again as a whole"),
        Argument("--metrics", None, "what it is doing, for `claude-local watch`"),
        *([Argument("--n-gpu-layers", "999", "all of it on the GPU")] if found.hardware.gpus else []),
    )


@dataclass(frozen=True, slots=True)
class Engine:
    """How a program is told what a recipe says.

    `weights` is how its command line names them; `features`: what a model's features and a machine say as arguments is
    meant for it. `key_variable` is where it takes its key from, so that it stands in no list of processes, `caches` are
    folders below the home folder that are worth keeping, and why; `installed` is where a unit of systemd's looks for
    the program, `in_container` what it is told there alone.
    """

    program: tuple[str, ...]
    arguments: Callable[[Fit, tuple[str, ...], Asked], tuple[Argument, ...]]
    key_variable: str
    weights: Callable[[Variant], str]
    caches: Mapping[str, str]
    installed: str
    features: bool = True
    environment: tuple[Argument, ...] = ()
    in_container: tuple[Argument, ...] = ()


ENGINES = {
    "vllm": Engine(
        ("vllm", "serve"),
        _of_vllm,
        "VLLM_API_KEY",
        lambda variant: variant.repository,
        {
            ".cache/huggingface": "the weights, downloaded once",
            ".cache/vllm": "what was compiled: minutes less at the next start",
        },
        "%h/vllm/bin/vllm",
        environment=(Argument("VLLM_NO_USAGE_STATS", "1", "else vLLM reports what it runs to its makers"),),
    ),
    "llama.cpp": Engine(
        ("llama-server", "-hf"),
        _of_llama_cpp,
        "LLAMA_API_KEY",
        lambda variant: f"{variant.repository}:{variant.precision.removesuffix('-gguf').upper()}",
        {".cache/llama.cpp": "the weights, downloaded once"},
        "%h/.local/bin/llama-server",
        features=False,
        in_container=(
            Argument("--host", "0.0.0.0", "in the container; what is published is below"),
            Argument("--port", str(PORT), ""),
        ),
    ),
}


def _memory(hardware: Hardware) -> Iterable[Argument]:
    shared = "the rest is for the system and its programs" if hardware.unified else "the rest is for CUDA itself"
    yield Argument("--gpu-memory-utilization", f"{hardware.utilisation.value:g}", shared)
    if used(hardware) > 1:
        yield Argument("--tensor-parallel-size", str(used(hardware)), f"the weights lie on {used(hardware)} GPUs")


def _kv_cache(kind: str | None) -> Iterable[Argument]:
    if kind is not None:
        yield Argument("--kv-cache-dtype", kind, "asked for: half the cache for each token")


def _features(model: Model, asked: Iterable[str]) -> list[Feature]:
    wanted = set(asked)
    for name in wanted - model.features.keys():
        chosen = ", ".join(each.name for each in model.features.values() if each.chosen) or "none"
        raise UsageError(f"{model.label} has no feature {name!r} in the catalogue", f"to be asked for: {chosen}")
    return [each for each in model.features.values() if not each.chosen or each.name in wanted]


def _image(known: Catalogue, model: Model, variant: Variant, hardware: Hardware, asked: str | None) -> Image | None:
    """The newest image that runs it there, or the one that was asked for; None where none is known to."""
    ours = [each for each in known.images.values() if each.engine == variant.engine]
    if asked is not None:
        by_reference = [each for each in ours if each.reference == asked]
        return by_reference[0] if by_reference else _stranger(asked, variant)
    needs = model.needs_of(variant, hardware.name)
    return next(iter(fitting(ours, variant.engine, hardware, needs)), None)


def _stranger(reference: str, variant: Variant) -> Image:
    """An image that nothing is known of: only what every image of a server written in Python has is relied on."""
    origin = Origin("estimated", "asked for by its name", "")
    return Image(reference, reference, variant.engine, None, (), None, (), ("python3",), (), origin)
