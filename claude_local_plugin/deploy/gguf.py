"""What a GGUF file says of its model, read from its first bytes: window, layers, heads; and what its cache takes."""

import struct
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from claude_local_plugin.errors import ClaudeLocalError

MAGIC = b"GGUF"
#: A header larger than this is none: vocabularies take a few MiB.
LARGEST = 64 * 2**20

#: Kinds of value that have a size, by their number in the file.
_SIZED = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _LIST = 8, 9


@dataclass(frozen=True, slots=True)
class Gguf:
    """A model's file: its size, its name and architecture, its window, and what each token takes in the KV cache.

    The cache's figure is for 16 bits and takes every layer for one with full attention: an estimate from above.
    """

    path: str
    size: int
    name: str
    architecture: str
    window: int | None
    token_bytes: int | None

    @property
    def gib(self) -> float:
        """The weights in GiB."""
        return self.size / 2**30

    @property
    def words(self) -> str:
        """The size of the weights."""
        return f"{self.gib:.1f} GiB" if self.gib >= 1 else f"{self.size / 2**20:.0f} MiB"

    def memory(self, window: int) -> float:
        """GiB that weights and the cache of one such window take."""
        return (self.size + window * (self.token_bytes or 0)) / 2**30


def understood(stream: BinaryIO, size: int, path: str) -> Gguf:
    """What the file says that begins so and is `size` bytes long; raises ClaudeLocalError where it is no GGUF.

    The beginning may end in the middle of the vocabulary, which comes after what is looked for.
    """
    try:
        said = _metadata(stream)
    except (ValueError, struct.error) as fault:
        raise ClaudeLocalError(
            f"{path} is no GGUF model: {fault}",
            "download it again; a page of text in its place is git-lfs's, or an error's",
        ) from fault
    kind = str(said.get("general.architecture", ""))
    return Gguf(
        path=path,
        size=size,
        name=str(said.get("general.name") or PurePosixPath(path).stem),
        architecture=kind,
        window=_whole(said.get(f"{kind}.context_length")),
        token_bytes=_token_bytes(said, kind),
    )


def _token_bytes(said: dict[str, Any], kind: str) -> int | None:
    layers = _whole(said.get(f"{kind}.block_count"))
    heads = _whole(said.get(f"{kind}.attention.head_count"))
    kv_heads = said.get(f"{kind}.attention.head_count_kv", heads)
    width = _whole(said.get(f"{kind}.embedding_length"))
    if not (layers and heads and width and kv_heads is not None):
        return None
    size = _whole(said.get(f"{kind}.attention.key_length")) or width // heads
    values = _whole(said.get(f"{kind}.attention.value_length")) or size
    each = kv_heads if isinstance(kv_heads, list) else [kv_heads] * layers
    return sum(int(number) for number in each) * (size + values) * 2


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _metadata(stream: BinaryIO) -> dict[str, Any]:
    if stream.read(4) != MAGIC:
        raise ValueError("its first bytes are not GGUF")
    (version,) = struct.unpack("<I", stream.read(4))
    if not 2 <= version <= 9:
        raise ValueError(f"version {version} of the format is not known")
    _, count = struct.unpack("<QQ", stream.read(16))
    if count > 100_000:
        raise ValueError("its header makes no sense")
    found: dict[str, Any] = {}
    for _ in range(count):
        try:
            name = _text(stream)
            found[name] = _value(stream, *struct.unpack("<I", stream.read(4)))
        except (EOFError, struct.error):
            if any(each.endswith(".block_count") for each in found):
                break
            raise ValueError("it ends in the middle of its header") from None
    return found


def _text(stream: BinaryIO) -> str:
    (length,) = struct.unpack("<Q", stream.read(8))
    if length > LARGEST:
        raise ValueError("its header makes no sense")
    raw = stream.read(length)
    if len(raw) < length:
        raise EOFError
    return raw.decode("utf-8", "replace")


def _value(stream: BinaryIO, kind: int) -> Any:
    if kind == _TEXT:
        return _text(stream)
    if kind == _LIST:
        of, count = struct.unpack("<IQ", stream.read(12))
        if of in _SIZED:
            size = struct.calcsize(f"<{_SIZED[of]}") * count
            if size > LARGEST:
                raise ValueError("its header makes no sense")
            raw = stream.read(size)
            return list(struct.unpack(f"<{count}{_SIZED[of]}", raw)) if count <= 4096 else []
        return [_value(stream, of) for _ in range(count)]
    if kind not in _SIZED:
        raise ValueError(f"it holds a value of kind {kind}")
    form = f"<{_SIZED[kind]}"
    return struct.unpack(form, stream.read(struct.calcsize(form)))[0]
