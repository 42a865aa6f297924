"""The size of the cache: nine rows that vLLM's own code gave, and what holds for every model."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from claude_local_plugin.recipes.catalogue import GIB, Layers, Origin
from claude_local_plugin.recipes.kv_cache import Cache, cache_of
from tests.looped import looped

HERE = Origin("measured", "vLLM 0.32.0's own code", "2026-11-28")


def full(count: int, kv_heads: int, head_dim: int) -> Layers:
    return Layers("full", count, {"kv_heads": kv_heads, "head_dim": head_dim}, HERE)


def sliding(count: int, kv_heads: int, head_dim: int, window: int) -> Layers:
    return Layers("sliding", count, {"kv_heads": kv_heads, "head_dim": head_dim, "window": window}, HERE)


def gdn(count: int, value_heads: int = 32) -> Layers:
    sizes = {"key_heads": 16, "value_heads": value_heads, "key_dim": 128, "value_dim": 128, "convolution": 4}
    return Layers("gdn", count, sizes, HERE)


def mla(count: int, rank: int = 512, rope_dim: int = 64) -> Layers:
    return Layers("mla", count, {"rank": rank, "rope_dim": rope_dim}, HERE)


CODER_30B = [full(48, 4, 128)]
NEXT_80B = [full(12, 2, 256), gdn(36)]
GPT_OSS_120B = [full(18, 8, 64), sliding(18, 8, 64, 128)]
MINIMAX = [full(62, 8, 128)]
QWEN_35B = [full(10, 2, 256), gdn(30)]
QWEN_27B = [full(16, 4, 256), gdn(48, value_heads=48)]
DEEPSEEK = [mla(61)]
ALL = [CODER_30B, NEXT_80B, GPT_OSS_120B, MINIMAX, QWEN_35B, QWEN_27B, DEEPSEEK]


def observed(layers: Sequence[Layers], block: int = 16) -> Cache:
    """As vLLM was asked: 2,048 tokens at once, and blocks of its CPU where that is what was seen."""
    return cache_of(layers, block_tokens=block, batched=2048)


@looped(
    ("layers", "block", "given", "window", "blocks", "concurrency", "block_tokens"),
    [
        (CODER_30B, 128, 10, 65_536, 853, 1.666, 128),
        (NEXT_80B, 16, 20, 262_144, 827, 3.243, 1056),
        (NEXT_80B, 16, 20, 65_536, 827, 11.986, 1056),
        (GPT_OSS_120B, 128, 20, 131_072, 4551, 4.368, 128),
        (MINIMAX, 16, 20, 65_536, 5285, 1.290, 16),
        (QWEN_35B, 16, 20, 262_144, 992, 3.890, 1056),
        (QWEN_27B, 16, 20, 262_144, 417, 1.223, 784),
        (DEEPSEEK, 16, 20, 65_536, 19_099, 4.663, 16),
    ],
)
def test_blocks_and_concurrency_are_vllms(
    layers: Sequence[Layers],
    block: int,
    given: int,
    window: int,
    blocks: int,
    concurrency: float,
    block_tokens: int,
) -> None:
    cache = observed(layers, block)
    assert cache.blocks(given * GIB) == blocks
    assert round(cache.concurrency(given * GIB, window), 3) == concurrency
    assert cache.block_tokens == block_tokens


def test_a_block_of_the_cpu_is_not_made_larger_by_a_state() -> None:
    """The ninth row: what vLLM says on a CPU, which no GPU does; its pages are those of the state all the same."""
    cache = observed(NEXT_80B)
    on_cpu = replace(
        cache,
        groups=tuple(replace(each, block_tokens=128) for each in cache.groups),
        block_bytes=12 * 2_146_304,
    )
    assert on_cpu.blocks(20 * GIB) == 833
    assert round(on_cpu.concurrency(20 * GIB, 65_536), 3) == 1.608


@looped(
    ("layers", "bytes_a_token"),
    [
        (CODER_30B, 98_304),
        (NEXT_80B, 24_576),
        (GPT_OSS_120B, 36_864),
        (MINIMAX, 253_952),
        (QWEN_35B, 20_480),
        (QWEN_27B, 65_536),
        (DEEPSEEK, 70_272),
        ([mla(36, 256, 64)], 23_040),
        ([mla(47)], 54_144),
        ([full(46, 8, 128)], 188_416),
    ],
)
def test_what_a_token_takes(layers: Sequence[Layers], bytes_a_token: int) -> None:
    assert cache_of(layers).token_bytes == bytes_a_token
    assert cache_of(layers, dtype="fp8").token_bytes * 2 == bytes_a_token


def test_what_a_conversation_takes_on_qwen3_next() -> None:
    cache = cache_of(NEXT_80B)
    assert cache.blocks_of(1) == 7
    assert [round(cache.bytes_of(window) / 1e9, 2) for window in (1, 65_536, 262_144)] == [0.18, 1.79, 6.62]


def test_a_hybrid_with_fp8_has_blocks_of_twice_the_tokens() -> None:
    """As nearly as multiples of 16 allow: the state, which the page must hold, stays as it is."""
    assert cache_of(NEXT_80B, dtype="fp8").block_tokens == 2096
    assert cache_of(NEXT_80B).block_tokens == 1056


def test_layers_with_smaller_tokens_have_longer_blocks() -> None:
    cache = cache_of([full(5, 1, 512), sliding(25, 8, 256, 1024)])
    assert [(each.kind, each.layers, each.block_tokens) for each in cache.groups] == [
        ("full", 5, 64),
        *[("sliding", 5, 16)] * 5,
    ]
    assert cache.block_bytes == 5 * 16 * 2 * 8 * 256 * 2


def test_an_index_beside_the_attention_takes_its_bytes() -> None:
    layers = Layers("mla", 61, {"rank": 512, "rope_dim": 64, "index_bytes": 132}, HERE)
    assert cache_of([layers]).token_bytes == 61 * (1152 + 132)
    assert cache_of([layers]).block_bytes == 16 * 61 * (1152 + 132)


def test_two_gpus_share_the_heads_and_four_keep_two_heads_twice() -> None:
    assert cache_of(CODER_30B, gpus=2).token_bytes * 2 == cache_of(CODER_30B).token_bytes
    two_heads = [full(10, 2, 256)]
    assert cache_of(two_heads, gpus=4).token_bytes == cache_of(two_heads, gpus=2).token_bytes
    assert cache_of(DEEPSEEK, gpus=8).token_bytes == cache_of(DEEPSEEK).token_bytes


MODELS = st.sampled_from(ALL)
DTYPES = st.sampled_from(["auto", "fp8"])
WINDOWS = st.integers(1, 2**20)
SIZES = st.integers(0, 200 * GIB)


@given(MODELS, DTYPES, WINDOWS, WINDOWS, SIZES)
def test_a_longer_window_never_has_room_for_more(
    layers: Sequence[Layers], dtype: str, one: int, other: int, size: int
) -> None:
    cache = cache_of(layers, dtype=dtype)
    short, long = sorted((one, other))
    assert cache.concurrency(size, short) >= cache.concurrency(size, long)
    assert cache.bytes_of(short) <= cache.bytes_of(long)


@given(MODELS, DTYPES, WINDOWS, SIZES, SIZES)
def test_more_memory_never_has_room_for_fewer(
    layers: Sequence[Layers], dtype: str, window: int, one: int, other: int
) -> None:
    cache = cache_of(layers, dtype=dtype)
    small, large = sorted((one, other))
    assert cache.concurrency(small, window) <= cache.concurrency(large, window)
    assert cache.longest(small) <= cache.longest(large)


@given(MODELS, st.integers(65_536, 2**20), st.integers(2 * GIB, 200 * GIB))
def test_fp8_has_room_for_at_least_as_many_long_conversations(layers: Sequence[Layers], window: int, size: int) -> None:
    auto, fp8 = cache_of(layers).concurrency(size, window), cache_of(layers, dtype="fp8").concurrency(size, window)
    assert fp8 >= auto


@given(MODELS, DTYPES, SIZES, st.integers(1, 8), st.integers(1, 2**20))
def test_the_longest_window_fits_and_one_token_more_does_not(
    layers: Sequence[Layers], dtype: str, size: int, conversations: int, most: int
) -> None:
    cache = cache_of(layers, dtype=dtype)
    longest = cache.longest(size, conversations, most)
    assert 0 <= longest <= most
    assert longest == 0 or cache.concurrency(size, longest) >= conversations
    assert longest == most or cache.concurrency(size, longest + 1) < conversations


@given(MODELS, WINDOWS, SIZES)
def test_states_kept_for_prefixes_never_make_room(layers: Sequence[Layers], window: int, size: int) -> None:
    without = cache_of(layers, prefix_caching=False)
    assert without.concurrency(size, window) >= cache_of(layers).concurrency(size, window)
