"""What fits: the sums behind it, the order, and the numbers of each refusal."""

from dataclasses import replace
from itertools import pairwise

import pytest

from claude_local_plugin.recipes import machine
from claude_local_plugin.recipes.catalogue import GIB, Catalogue, Figure, Hardware, Model, catalogue
from claude_local_plugin.recipes.fit import WINDOWS, Ask, Fit, bound_of, budget, fit, kv_cache_type, ranked, used
from claude_local_plugin.recipes.needs import smallest_window
from tests.looped import looped


@pytest.fixture(name="known", scope="module")
def _known() -> Catalogue:
    return catalogue()


def one(recipe: str, hardware: str | Hardware, **asked: object) -> Fit:
    known = catalogue()
    model, variant = known.recipe(recipe)
    assert variant is not None
    there = known.machine(hardware) if isinstance(hardware, str) else hardware
    return fit(model, variant, there, Ask(**asked))  # type: ignore[arg-type]


#: A machine that refuses nothing, for the cache alone.
ANY = machine.described(1e6, 1)


@looped(
    ("recipe", "gib", "window", "block", "concurrency"),
    [
        ("qwen3-coder-30b-a3b:bf16", 10, 65_536, 128, 1.666),
        ("qwen3-coder-next:fp8", 20, 262_144, None, 3.243),
        ("qwen3-coder-next:bf16", 20, 65_536, None, 11.986),
        ("gpt-oss-120b:mxfp4", 20, 131_072, 128, 4.368),
        ("minimax-m2.7:fp8", 20, 65_536, None, 1.290),
        ("qwen3.6-35b-a3b:bf16", 20, 262_144, None, 3.890),
        ("qwen3.8-27b:bf16", 20, 262_144, None, 1.223),
        ("deepseek-v3.1:fp8", 20, 65_536, None, 4.663),
    ],
)
def test_the_cache_alone_is_what_vllm_says_of_it(
    recipe: str, gib: float, window: int, block: int | None, concurrency: float
) -> None:
    found = one(recipe, ANY, kv_gib=gib, window=window, block=block, batched=2048)
    assert found.concurrency is not None
    assert round(found.concurrency, 3) == concurrency


def test_a_block_of_a_gpu_gives_nearly_the_same_as_one_of_a_cpu() -> None:
    assert round(one("qwen3-coder-30b-a3b:bf16", ANY, kv_gib=10, window=65_536).concurrency or 0, 3) == 1.667
    assert round(one("gpt-oss-120b:mxfp4", ANY, kv_gib=20, window=131_072, batched=2048).concurrency or 0, 3) == 4.371


def test_qwen3_coder_next_on_a_gb10_has_its_whole_window_for_three(known: Catalogue) -> None:
    best = ranked(known.models.values(), known.machine("gb10"), Ask())[0]
    assert (best.recipe, best.window, best.fits) == ("qwen3-coder-next:fp8", 262_144, True)
    assert 3 <= (best.concurrency or 0) < 4
    assert best.kv_gib == pytest.approx(121 * 0.85 - 4 - 74.9)
    assert best.speed is not None
    assert best.speed.value == 43


@looped(
    ("hardware", "best"),
    [
        ("gb10", "qwen3-coder-next"),
        ("rtx-pro-6000", "qwen3.8-27b"),
        ("rtx-pro-6000-2x", "minimax-m2.7"),
        ("h100-80gb", "qwen3.8-27b"),
        ("a100-80gb", "qwen3.8-27b"),
        ("rtx-5090", "qwen3.6-27b"),
        ("rtx-4090", "qwen3.6-35b-a3b"),
        ("cpu", "qwen3-coder-next"),
    ],
)
def test_every_machine_of_the_catalogue_has_a_model_for_it(known: Catalogue, hardware: str, best: str) -> None:
    assert ranked(known.models.values(), known.machine(hardware), Ask())[0].model.name == best


def test_what_fits_keeps_within_its_memory_and_has_the_room_it_says(known: Catalogue) -> None:
    for hardware in known.hardware.values():
        for each in ranked(known.models.values(), hardware, Ask(sessions=2)):
            if not each.fits:
                assert each.reason, each.recipe
                continue
            assert each.cache is not None
            share = each.variant.weights.value / max(1, used(hardware))
            assert share + each.kv_gib == pytest.approx(budget(hardware)), each.recipe
            assert each.cache.bytes_of(each.window) * 2 <= each.kv_gib * GIB * 1.001, each.recipe
            assert each.window >= smallest_window()
            assert each.window <= each.model.window.value


def test_what_fits_stands_before_what_does_not_and_the_better_before_the_worse(known: Catalogue) -> None:
    found = ranked(known.models.values(), known.machine("gb10"), Ask())
    assert [each.fits for each in found] == sorted((each.fits for each in found), reverse=True)
    scores = [each.score for each in found if each.fits]
    assert scores == sorted(scores, reverse=True)


def test_more_sessions_get_a_shorter_window_or_are_refused() -> None:
    windows = [one("qwen3-coder-next:fp8", "gb10", sessions=number) for number in (1, 2, 4, 8)]
    assert [each.window for each in windows] == [262_144, 131_072, 65_536, 32_768]
    assert all(each.fits for each in windows)
    for each, number in zip(windows, (1, 2, 4, 8), strict=True):
        assert (each.concurrency or 0) >= number


def test_a_window_that_is_asked_for_is_kept() -> None:
    found = one("qwen3-coder-next:fp8", "gb10", window=200_000)
    assert (found.window, found.fits) == (200_000, True)


@looped(
    ("recipe", "hardware", "asked", "reason"),
    [
        ("minimax-m2.7:nvfp4", "gb10", {}, "weights 121.5 GiB; room for 98.8"),
        ("glm-4.7:nvfp4", "rtx-pro-6000-2x", {}, "weights 188.5 GiB; room for 173.6 on 2 GPUs"),
        ("laguna-xs.2:nvfp4", "rtx-4090", {}, "needs SM 10.0 to 12.1; this is SM 8.9"),
        ("qwen3-coder-next:fp8", "gb10", {"window": 300_000}, "a window of 300,000 is more than its 262,144"),
        (
            "qwen3-coder-next:fp8",
            "gb10",
            {"window": 262_144, "sessions": 5},
            "weights 74.9 GiB leave 23.9; 262,144 tokens take 5 × 6.2",
        ),
        (
            "qwen3-coder-next:fp8",
            "gb10",
            {"window": 20_000},
            "a window of 20,000 is below the 27,931 that Claude Code needs",
        ),
        (
            "deepseek-v4-flash:fp8",
            "rtx-pro-6000-2x",
            {},
            "weights 132.0 GiB leave 20.8; its cache is not known",
        ),
        ("qwen3.5-27b:int4", "cpu", {}, "vLLM wants a GPU, and llama.cpp other weights"),
        ("gpt-oss-20b:mxfp4-gguf", "rtx-pro-6000-2x", {}, "for one GPU: vLLM uses all of them"),
    ],
)
def test_a_refusal_has_its_numbers(recipe: str, hardware: str, asked: dict[str, object], reason: str) -> None:
    found = one(recipe, hardware, **asked)
    assert (found.fits, found.reason) == (False, reason)


def test_a_short_window_and_waiting_subagents_are_said() -> None:
    assert one("qwen3.5-27b:int4", "rtx-4090").reason.startswith("a short window")
    assert one("qwen3.6-35b-a3b:int4", "rtx-4090").reason == "no room for two subagents"


def test_two_gpus_share_weights_and_heads_and_three_are_used_as_two(known: Catalogue) -> None:
    single, double = known.machine("rtx-pro-6000"), replace(known.machine("rtx-pro-6000"), gpus=2)
    one_gpu, two = one("qwen3-coder-30b-a3b:bf16", single), one("qwen3-coder-30b-a3b:bf16", double)
    assert one_gpu.cache is not None
    assert two.cache is not None
    assert two.cache.token_bytes * 2 == one_gpu.cache.token_bytes
    assert two.kv_gib - one_gpu.kv_gib == pytest.approx(56.9 / 2)
    assert [used(replace(single, gpus=number)) for number in (0, 1, 2, 3, 4, 7, 8)] == [0, 1, 2, 2, 4, 4, 8]
    assert one("qwen3-coder-30b-a3b:bf16", replace(single, gpus=3)).kv_gib == two.kv_gib


def test_the_cache_is_of_the_kind_that_the_recipe_asks_for(known: Catalogue) -> None:
    gb10, plain = known.machine("gb10"), Ask()
    kinds = {
        recipe: kv_cache_type(*known.recipe(recipe), gb10, plain)  # type: ignore[arg-type]
        for recipe in ("qwen3-coder-next:fp8", "qwen3-coder-next:nvfp4", "deepseek-v4-flash:fp8")
    }
    assert kinds == {
        "qwen3-coder-next:fp8": "auto",
        "qwen3-coder-next:nvfp4": "fp8",
        "deepseek-v4-flash:fp8": "fp8",
    }
    half = one("qwen3-coder-next:fp8", "gb10", kv_cache="fp8", window=262_144)
    whole = one("qwen3-coder-next:fp8", "gb10", window=262_144)
    assert (half.concurrency or 0) > 1.9 * (whole.concurrency or 0)


def test_layers_with_a_window_keep_the_tokens_of_two_steps() -> None:
    """vLLM plans a step while another runs: on a machine both are on their way, in what it says of the cache one is."""
    here = one("gpt-oss-120b:mxfp4", "gb10")
    alone = one("gpt-oss-120b:mxfp4", "gb10", kv_gib=20.0)
    assert here.cache is not None
    assert alone.cache is not None
    assert here.cache.batched == 2 * alone.cache.batched == 16_384  # type: ignore[union-attr]


def test_a_slow_memory_costs_a_dense_model_points(known: Catalogue) -> None:
    model, variant = known.recipe("qwen3.8-27b:fp8")
    assert variant is not None
    gb10, rtx = known.machine("gb10"), known.machine("rtx-pro-6000")
    assert round(bound_of(model, variant, gb10) or 0) == 9
    assert round(bound_of(model, variant, rtx) or 0) == 58
    assert bound_of(model, variant, machine.described(96, 1)) is None
    assert one("qwen3.8-27b:fp8", gb10).score == one("qwen3.8-27b:fp8", rtx).score - 2


def test_windows_are_tried_from_the_longest_on() -> None:
    assert list(WINDOWS) == sorted(WINDOWS, reverse=True)
    assert min(WINDOWS) >= smallest_window("lean")


def test_a_model_without_layers_is_refused_and_not_guessed(known: Catalogue) -> None:
    model, variant = known.recipe("qwen3-coder-next:fp8")
    assert variant is not None
    bare: Model = replace(model, layers=())
    found = fit(bare, variant, known.machine("gb10"), Ask())
    assert (found.fits, found.concurrency, found.cache) == (False, None, None)


def test_less_memory_never_fits_more(known: Catalogue) -> None:
    gb10 = known.machine("gb10")
    fitting = []
    for memory in (24.0, 48.0, 96.0, 121.0, 192.0, 640.0):
        there = replace(gb10, memory=Figure(memory, gb10.memory.origin, "GiB"))
        found = ranked(known.models.values(), there, Ask(window=65_536))
        fitting.append({each.recipe for each in found if each.fits})
    for smaller, larger in pairwise(fitting):
        assert smaller <= larger
