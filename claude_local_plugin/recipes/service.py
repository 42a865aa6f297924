"""One model server as it is to be started: what runs, with which arguments and variables, each with its reason."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from claude_local_plugin.client_config.budget import FEW
from claude_local_plugin.errors import ClaudeLocalError, UsageError
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
    version_parts,
)

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

    `model` is what it loads, `names` what it serves that as, `listen` the address on this machine that it is reached
    at, and `load_seconds` how long a start may take once the weights are there.
    """

    name: str
    title: str
    engine: str
    model: str
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


def service(known: Catalogue, model: Model, variant: Variant, hardware: Hardware, window: int, asked: Asked) -> Service:
    """The server of this recipe with this window, on this machine, for so many sessions at once.

    Raises ClaudeLocalError where no image runs it there, UsageError for a feature that the model has not got.
    """
    _address(asked.listen)
    served = asked.served_name or model.name
    names = (served, *([asked.alias] if asked.alias else []))
    arguments = merged(
        _for_claude_code(names, window, asked),
        _memory(hardware),
        hardware.arguments,
        *(each.arguments for each in _features(model, asked.features)),
        variant.arguments_on(hardware.name),
        _kv_cache(asked.kv_cache),
    )
    if variant.weights.value > MOST_AT_ONCE * hardware.memory.value * hardware.gpus:
        arguments = tuple(each for each in arguments if (each.name, each.value) != ("--load-format", "fastsafetensors"))
    environment = merged(
        (Argument("VLLM_NO_USAGE_STATS", "1", "else vLLM reports what it runs to its makers"),),
        hardware.environment,
        *(each.environment for each in _features(model, asked.features)),
        variant.environment_on(hardware.name),
    )
    return Service(
        name=f"{model.name}-{variant.precision}",
        title=f"{model.label} {variant.precision.upper()} on {hardware.label}",
        engine=variant.engine,
        model=variant.repository,
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


def _for_claude_code(names: tuple[str, ...], window: int, asked: Asked) -> tuple[Argument, ...]:
    conversations = asked.sessions * FEW
    people = "one session" if asked.sessions == 1 else f"{asked.sessions} sessions"
    alias = f"; {ALIAS_COSTS}" if any(name.startswith("claude-") for name in names) else ""
    return (
        Argument(NAMES, " ".join(names), f"a name of its own, which `enable` finds{alias}"),
        Argument(
            "--max-model-len", str(window), "the window; `enable` tells Claude Code, which assumes 1,000,000 else"
        ),
        Argument(
            "--max-num-seqs", str(conversations), f"{people} with a subagent or two each; the rest waits its turn"
        ),
        Argument("--enable-prefix-caching", None, "else every turn reads the whole conversation again"),
        Argument("--enable-chunked-prefill", None, "a long prompt does not hold up the answers of others"),
        Argument("--enable-prompt-tokens-details", None, "tells cached tokens, which Claude Code and our log count"),
    )


def _memory(hardware: Hardware) -> Iterable[Argument]:
    shared = "the rest is for the system and its programs" if hardware.unified else "the rest is for CUDA itself"
    yield Argument("--gpu-memory-utilization", f"{hardware.utilisation.value:g}", shared)
    if hardware.gpus > 1:
        yield Argument("--tensor-parallel-size", str(hardware.gpus), f"the weights lie on all {hardware.gpus} GPUs")


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
    """The newest image that runs it there, or the one that was asked for; None where it needs none."""
    ours = [each for each in known.images.values() if each.engine == variant.engine]
    if asked is not None:
        by_reference = [each for each in ours if each.reference == asked]
        return by_reference[0] if by_reference else _stranger(asked, variant)
    needs = model.needs_of(variant, hardware.name)
    fitting = [
        each
        for each in ours
        if hardware.machine in each.machines
        and (hardware.architecture is None or hardware.architecture in each.architectures)
        and (needs is None or each.version is None or version_parts(each.version) >= needs.parts)
    ]
    if not fitting:
        least = f" of {variant.engine} {needs.value} or newer" if needs else ""
        raise ClaudeLocalError(
            f"no image in the catalogue{least} runs on {hardware.label}", "name one that you know of: --image REFERENCE"
        )
    return max(fitting, key=lambda each: version_parts(each.version or "0"))


def _stranger(reference: str, variant: Variant) -> Image:
    """An image that nothing is known of: only what every image of a server written in Python has is relied on."""
    origin = Origin("estimated", "asked for by its name", "")
    return Image(reference, reference, variant.engine, None, (), None, (), ("python3",), (), origin)
