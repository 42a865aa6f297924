"""Which models fit on a machine, in which precision, with what window and for how many conversations at once.

Memory of a GPU × utilisation − its part of the weights − what the server needs beside = what the cache has. The best
come first: our estimate of how well a model does an agent's work, less what a short window, little room, few bits or a
slow memory cost. Every refusal has its numbers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from claude_local_plugin.recipes.catalogue import ENGINE, GIB, Argument, Figure, Hardware, Image, Model, Variant, merged
from claude_local_plugin.recipes.images import fitting
from claude_local_plugin.recipes.kv_cache import (
    BATCHED_TOKENS,
    BLOCK,
    BYTES,
    Cache,
    PlainCache,
    cache_of,
    plain_cache_of,
)
from claude_local_plugin.recipes.needs import COMFORTABLE, conversations, smallest_window

#: The windows that are tried where none is asked for, below what the model has.
WINDOWS = (1_048_576, 524_288, 262_144, 196_608, 131_072, 98_304, 65_536, 49_152, 32_768)

#: Tokens that vLLM reads at once by itself on a small GPU; what is asked of the cache alone goes by it.
PLAIN_BATCHED = 2048

#: vLLM plans a step while another runs, so that the tokens of two are on their way.
STEPS_AT_ONCE = 2

#: Beyond this nobody needs a longer window, and below the other two it costs points.
LONG = 131_072

#: What is to be known of a model whose cache holds a session, and not its subagents.
NO_ROOM = "no room for two subagents"

#: Tokens a second that the memory allows one conversation at most: below these an agent is slow, and very slow.
SLOW, VERY_SLOW = 40.0, 20.0


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked beside the machine; None leaves it to us. `kv_gib` is the cache alone, on each GPU."""

    sessions: int = 1
    window: int | None = None
    kv_gib: float | None = None
    kv_cache: str | None = None
    block: int | None = None
    batched: int | None = None
    prompt: str = "lean"
    #: The images that are known: where none runs with the machine's driver, the model does not.
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class Fit:
    """One model in one precision on a machine. `reason` says why it does not fit, or what is to be known of it.

    `kv_gib` is what the cache has on each GPU, `concurrency` how many conversations of the window that holds.
    """

    model: Model
    variant: Variant
    hardware: Hardware
    fits: bool
    reason: str
    kv_gib: float
    window: int
    concurrency: float | None
    cache: Cache | PlainCache | None
    score: float = 0.0

    @property
    def speed(self) -> Figure | None:
        """Tokens a second of one conversation there, where somebody has published it."""
        return self.variant.speed_on(self.hardware.name)

    @property
    def recipe(self) -> str:
        return f"{self.model.name}:{self.variant.precision}"


def ranked(models: Iterable[Model], hardware: Hardware, ask: Ask) -> list[Fit]:
    """Every model in every precision, the best first, and what does not fit behind, the nearest to fitting first."""
    found = [fit(model, variant, hardware, ask) for model in models for variant in model.variants]
    return sorted(found, key=lambda each: (not each.fits, -each.score, each.variant.weights.value, each.model.name))


def fit(model: Model, variant: Variant, hardware: Hardware, ask: Ask) -> Fit:
    """Whether one model in one precision fits on this machine, as it is asked."""
    gpus = used(hardware)
    cache = _cache(model, variant, hardware, gpus, ask)
    room = ask.kv_gib if ask.kv_gib is not None else _room(variant, hardware, gpus)
    wanted = conversations(ask.sessions)
    window = ask.window or _window(model, cache, room, ask, wanted)
    concurrency = cache.concurrency(room * GIB, window) if cache and room > 0 else None
    refused = _refused(model, variant, hardware, ask, room, window, concurrency, cache)
    if refused is not None:
        return Fit(model, variant, hardware, False, refused, room, window, concurrency, cache)
    assert concurrency is not None
    score = _score(model, variant, hardware, window, concurrency, wanted)
    return Fit(
        model,
        variant,
        hardware,
        True,
        _note(model, window, concurrency, wanted),
        room,
        window,
        concurrency,
        cache,
        score,
    )


def used(hardware: Hardware) -> int:
    """GPUs that the weights are spread over: a power of two, since heads must be shared out evenly."""
    return 1 << (hardware.gpus.bit_length() - 1) if hardware.gpus else 0


def kv_cache_type(model: Model, variant: Variant, hardware: Hardware, ask: Ask) -> str:
    """What `--kv-cache-dtype` is: as asked, as the variant or the model wants it, or left to vLLM."""
    if ask.kv_cache:
        return ask.kv_cache
    own: Sequence[Argument] = merged(
        hardware.arguments,
        *(each.arguments for each in model.features.values() if not each.chosen),
        variant.arguments_on(hardware.name),
    )
    said = next((each.value for each in own if each.name == "--kv-cache-dtype"), None)
    return said if said in BYTES else "auto"


def _cache(model: Model, variant: Variant, hardware: Hardware, gpus: int, ask: Ask) -> Cache | PlainCache | None:
    if not model.layers:
        return None
    if variant.engine != ENGINE:
        return plain_cache_of(model.layers)
    batched = ask.batched or _batched(hardware) * (1 if ask.kv_gib is not None else STEPS_AT_ONCE)
    kind = kv_cache_type(model, variant, hardware, ask)
    return cache_of(model.layers, dtype=kind, gpus=max(1, gpus), block_tokens=ask.block or BLOCK, batched=batched)


def _batched(hardware: Hardware) -> int:
    said = next((each.value for each in hardware.arguments if each.name == "--max-num-batched-tokens"), None)
    return int(said) if said else BATCHED_TOKENS if hardware.memory.value >= 70 else PLAIN_BATCHED


def _room(variant: Variant, hardware: Hardware, gpus: int) -> float:
    """GiB that the cache has on each GPU; below zero where not even the weights fit."""
    return budget(hardware) - variant.weights.value / max(1, gpus)


def budget(hardware: Hardware) -> float:
    """GiB on each GPU that weights and cache have together."""
    return hardware.memory.value * hardware.utilisation.value - hardware.overhead.value


def _window(model: Model, cache: Cache | PlainCache | None, room: float, ask: Ask, wanted: int) -> int:
    """The longest usual window that so many conversations fit into; if there is none, into which one for each session
    does.
    """
    most, least = int(model.window.value), smallest_window(ask.prompt)
    usual = [most, *(each for each in WINDOWS if least <= each < most)]
    if cache is None or room <= 0:
        return most
    for number in (wanted, ask.sessions):
        for window in usual:
            if cache.concurrency(room * GIB, window) >= number:
                return window
    return usual[-1]


def _refused(
    model: Model,
    variant: Variant,
    hardware: Hardware,
    ask: Ask,
    room: float,
    window: int,
    concurrency: float | None,
    cache: Cache | PlainCache | None,
) -> str | None:
    weights, gpus = variant.weights.value, used(hardware)
    if hardware.gpus == 0 and variant.engine == ENGINE and ask.kv_gib is None:
        return "vLLM wants a GPU, and llama.cpp other weights"
    if variant.engine != ENGINE and gpus > 1 and ask.kv_gib is None:
        return "for one GPU: vLLM uses all of them"
    if window > model.window.value:
        return f"a window of {window:,} is more than its {model.window.value:,.0f}"
    if room <= 0:
        there = f"{budget(hardware) * max(1, gpus):.1f}" + (f" on {gpus} GPUs" if gpus > 1 else "")
        return f"weights {weights:.1f} GiB; room for {there}"
    if variant.architectures and hardware.architecture and hardware.architecture not in variant.architectures:
        first, last = variant.architectures[0], variant.architectures[-1]
        return f"needs SM {first}{f' to {last}' if last != first else ''}; this is SM {hardware.architecture}"
    if hardware.driver_cuda and ask.images:
        needs = model.needs_of(variant, hardware.name)
        if not fitting(ask.images, variant.engine, hardware, needs):
            return f"no image that is known runs it with a driver of CUDA {hardware.driver_cuda}"
    if cache is None or concurrency is None:
        return f"weights {weights:.1f} GiB leave {room:.1f}; its cache is not known"
    each = cache.bytes_of(window) / GIB
    if concurrency < ask.sessions:
        many = f"{ask.sessions} × " if ask.sessions > 1 else ""
        there = f"{room:.1f} GiB given" if ask.kv_gib is not None else f"weights {weights:.1f} GiB leave {room:.1f}"
        return f"{there}; {window:,} tokens take {many}{each:.1f}"
    least = smallest_window(ask.prompt)
    if window < least and ask.kv_gib is None:
        return f"a window of {window:,} is below the {least:,} that Claude Code needs"
    return None


def _score(model: Model, variant: Variant, hardware: Hardware, window: int, concurrency: float, wanted: int) -> float:
    """Points of ten for an agent's work on this machine; `docs/recipes.md` says them."""
    score = model.agent.value
    score -= 0 if window >= LONG else 1 if window >= COMFORTABLE else 3
    score -= 1 if concurrency < wanted else 0
    score -= 0.5 if _bits(model, variant) < 6 else 0
    score -= 1 if variant.engine != ENGINE and hardware.gpus else 0
    bound = bound_of(model, variant, hardware)
    score -= 0 if bound is None or bound >= SLOW else 1 if bound >= VERY_SLOW else 2
    return score + (0.5 if model.is_verified(variant, hardware.name) else 0)


def _bits(model: Model, variant: Variant) -> float:
    return variant.weights.value * GIB * 8 / (model.parameters.value * 1e9)


def bound_of(model: Model, variant: Variant, hardware: Hardware) -> float | None:
    """Tokens a second that the memory allows one conversation at most: each reads all active weights once."""
    if hardware.bandwidth is None:
        return None
    active = (model.active_parameters or model.parameters).value
    read = variant.weights.value * GIB / 1e9 * active / model.parameters.value
    return hardware.bandwidth.value * max(1, used(hardware)) / read


def _note(model: Model, window: int, concurrency: float, wanted: int) -> str:
    if window < COMFORTABLE:
        return f"a short window: Claude Code compacts often below {COMFORTABLE:,}"
    if concurrency < wanted:
        return NO_ROOM
    return model.notes[0] if model.notes else ""
