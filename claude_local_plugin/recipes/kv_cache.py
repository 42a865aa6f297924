"""The memory that conversations take on a vLLM: blocks, and how many conversations of one length fit at once.

As vLLM 0.32.0 computes it for a GPU; `tests/real_servers/kv_cache_of_vllm.py` asks its own code. Layers of one kind
stand in groups of equal size, and a block of memory holds one page for each layer of a group. A conversation takes
blocks for its tokens from every group, and layers with a state take the same few whatever its length.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

#: Tokens of a block where no layer asks for more.
BLOCK = 16

#: Tokens that vLLM reads at once where nobody says otherwise; layers with a sliding window keep as many more.
BATCHED_TOKENS = 8192

#: Bytes of one number of the cache, by what `--kv-cache-dtype` says.
BYTES = {"auto": 2, "bfloat16": 2, "float16": 2, "fp8": 1, "fp8_e4m3": 1, "fp8_e5m2": 1}

#: Blocks that each group of layers with a state keeps for a conversation: one to go on from, one for its prefix.
STATES, STATES_WITHOUT_PREFIX = 2, 1

#: A state is kept in 4 bytes a number, the last inputs of its convolution in 2.
STATE_BYTES, CONVOLUTION_BYTES = 4, 2

STATEFUL = ("gdn", "mamba")


class OfLayers(Protocol):
    """Layers of one kind: a catalogue's, or anybody's."""

    @property
    def kind(self) -> str: ...
    @property
    def count(self) -> int: ...
    @property
    def sizes(self) -> Mapping[str, int]: ...


@dataclass(frozen=True, slots=True)
class Group:
    """Layers that share a table of blocks. A block of them holds `block_tokens` tokens, or one state."""

    kind: str
    layers: int
    block_tokens: int
    window: int | None = None

    def blocks_of(self, tokens: int, batched: int, prefix_caching: bool) -> int:
        """The most blocks that one conversation of so many tokens takes."""
        if self.kind in STATEFUL:
            return STATES if prefix_caching else STATES_WITHOUT_PREFIX
        if self.window is None:
            return _parts(tokens, self.block_tokens)
        return _parts(min(self.window - 1 + batched, tokens), self.block_tokens) + 1


@dataclass(frozen=True, slots=True)
class Cache:
    """How a model's cache is laid out on one GPU."""

    groups: tuple[Group, ...]
    #: Bytes of one block: a page for each layer of a group.
    block_bytes: int
    #: Tokens of a block of the layers that keep every token.
    block_tokens: int
    #: What a long conversation grows by for each token.
    token_bytes: int
    batched: int = BATCHED_TOKENS
    prefix_caching: bool = True

    def blocks(self, size: float) -> int:
        """How many blocks there are in so many bytes."""
        return int(size // self.block_bytes)

    def blocks_of(self, window: int) -> int:
        """The most blocks that one conversation of so many tokens takes."""
        return sum(each.blocks_of(window, self.batched, self.prefix_caching) for each in self.groups)

    def bytes_of(self, window: int) -> int:
        """The bytes that one conversation of so many tokens takes."""
        return self.blocks_of(window) * self.block_bytes

    def concurrency(self, size: float, window: int) -> float:
        """How many conversations of so many tokens there is room for, as vLLM says it at its start."""
        return self.blocks(size) / self.blocks_of(window)

    def longest(self, size: float, conversations: int = 1, most: int = 2**24) -> int:
        """The largest window of which so many conversations fit, `most` at most; 0 where not even one token does."""
        least, beyond = 0, most + 1
        while beyond - least > 1:
            middle = (least + beyond) // 2
            if self.concurrency(size, middle) >= conversations:
                least = middle
            else:
                beyond = middle
        return least


@dataclass(frozen=True, slots=True)
class PlainCache:
    """The cache of llama.cpp, which has no blocks: every token takes its bytes, every conversation its states."""

    token_bytes: int
    #: What each conversation takes beside: the states of its layers.
    state_bytes: int
    #: Layers with a window: bytes of a token, and how many tokens they keep.
    sliding: tuple[tuple[int, int], ...] = ()
    block_tokens: int = 1

    def bytes_of(self, window: int) -> int:
        """The bytes that one conversation of so many tokens takes."""
        kept = sum(size * min(window, most) for size, most in self.sliding)
        return self.state_bytes + self.token_bytes * window + kept

    def concurrency(self, size: float, window: int) -> float:
        """How many conversations of so many tokens there is room for."""
        return max(0.0, size) / self.bytes_of(window)


def plain_cache_of(layers: Sequence[OfLayers], *, batched: int = 2048) -> PlainCache:
    """The cache of a model in llama.cpp, in 2 bytes a number, as it is by itself."""
    whole = [each for each in layers if each.kind in ("full", "mla")]
    sliding = [each for each in layers if each.kind == "sliding"]
    return PlainCache(
        sum(each.count * _token_bytes(each, 2, 1) for each in whole),
        sum(each.count * _state_bytes(each, 1) for each in layers if each.kind in STATEFUL),
        tuple((each.count * _token_bytes(each, 2, 1), each.sizes["window"] + batched) for each in sliding),
    )


def cache_of(
    layers: Sequence[OfLayers],
    *,
    dtype: str = "auto",
    gpus: int = 1,
    block_tokens: int = BLOCK,
    batched: int = BATCHED_TOKENS,
    prefix_caching: bool = True,
) -> Cache:
    """The layout of a model's cache on each of `gpus` GPUs, for `--kv-cache-dtype dtype`.

    `block_tokens` is the server's own choice of a block, which layers with a state make larger.
    """
    width = BYTES[dtype]
    kept = [each for each in layers if each.kind not in STATEFUL]
    stateful = [each for each in layers if each.kind in STATEFUL]
    a_token = {id(each): _token_bytes(each, width, gpus) for each in kept}
    block = block_tokens
    if stateful:
        # a page of a state is as large as a block's: the block grows until it is, and the state's page is padded
        state, token = max(_state_bytes(each, gpus) for each in stateful), max(a_token.values())
        block = block_tokens * _parts(state, block_tokens * token)
    page = block * max(a_token.values())
    blocks = {id(each): block for each in kept}
    if _in_one_table(kept, stateful):
        bytes_of_block = sum(each.count * block * a_token[id(each)] for each in kept)
        groups = [Group(kept[0].kind, sum(each.count for each in kept), block)]
    else:
        # all pages are of one size: a smaller token makes a longer block, or is padded where that cannot be
        most = max(a_token.values())
        blocks = {key: block * (most // size) if most % size == 0 else block for key, size in a_token.items()}
        size = _group_size(layers)
        bytes_of_block = size * page
        groups = [
            Group(each.kind, size, blocks.get(id(each), block), each.sizes.get("window"))
            for each in layers
            for _ in range(_parts(each.count, size))
        ]
    whole = [each for each in kept if each.kind != "sliding"]
    return Cache(
        tuple(groups),
        bytes_of_block,
        max((blocks[id(each)] for each in whole), default=block),
        sum(each.count * a_token[id(each)] for each in whole),
        batched,
        prefix_caching,
    )


def _in_one_table(kept: Sequence[OfLayers], stateful: Sequence[OfLayers]) -> bool:
    """Whether all layers keep every token, so that one table of blocks serves them all."""
    return not stateful and all(each.kind != "sliding" for each in kept) and len({each.kind for each in kept}) == 1


def _group_size(layers: Iterable[OfLayers]) -> int:
    """Layers of a group: as many as the rarest kind has; the commonest, where that is not much more."""
    counts = [each.count for each in layers]
    return max(counts) if max(counts) < 1.5 * min(counts) else min(counts)


def _token_bytes(layers: OfLayers, width: int, gpus: int) -> int:
    """Bytes that one token takes in one of these layers, on one GPU."""
    sizes = layers.sizes
    if layers.kind == "mla":  # every GPU keeps all of it
        return (sizes["rank"] + sizes["rope_dim"]) * width + sizes.get("index_bytes", 0)
    return 2 * _share(sizes["kv_heads"], gpus) * sizes["head_dim"] * width


def _state_bytes(layers: OfLayers, gpus: int) -> int:
    """Bytes of the state of one of these layers, on one GPU."""
    sizes = layers.sizes
    if layers.kind == "gdn":
        key = _share(sizes["key_heads"], gpus) * sizes["key_dim"]
        value = _share(sizes["value_heads"], gpus) * sizes["value_dim"]
        state, inputs = value * sizes["key_dim"], 2 * key + value
    else:
        inner = _share(sizes["heads"], gpus) * sizes["head_dim"]
        state = inner * sizes["state"]
        inputs = inner + 2 * _share(sizes["groups"], gpus) * sizes["state"]
    return state * STATE_BYTES + inputs * (sizes["convolution"] - 1) * CONVOLUTION_BYTES


def _share(heads: int, gpus: int) -> int:
    """Heads of one GPU: their part, or one that others have, too, where there are fewer heads than GPUs."""
    return max(1, _parts(heads, gpus))


def _parts(whole: int, part: int) -> int:
    return -(-whole // part)
