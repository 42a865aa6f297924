"""Small pictures to send, and what a server says that takes none."""

import base64
import re
import struct
import zlib
from typing import Any

from claude_local_plugin.servers.messages import Reply, conversation

#: What servers say of a picture that they do not take (vLLM 0.32, llama.cpp, LiteLLM 1.110).
_NO_PICTURES = re.compile(r"\bimages?\b|image_url|multi-?modal|\bvision\b|mmproj|\bpictures?\b", re.IGNORECASE)

#: The two sizes, in pixels a side. Some models take no picture that is smaller than their patches, so that only the
#: refusal of both says that a model cannot see.
PIXEL, LARGER = 1, 64


def red_square(size: int) -> bytes:
    """A PNG of `size` by `size` red pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\xff\0\0" * size) * size)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def with_picture(model: str, size: int, *, max_tokens: int = 16) -> dict[str, Any]:
    """A message with a picture in it, as Claude Code sends one."""
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(red_square(size)).decode()}
    content = [{"type": "text", "text": "Answer with the word ready."}, {"type": "image", "source": source}]
    return conversation(model, [{"role": "user", "content": content}], max_tokens=max_tokens)


def refuses(reply: Reply) -> bool:
    """Whether this answer refuses the picture that was sent, and says so; any other trouble tells nothing of it."""
    if reply.ok or reply.status is None or reply.status < 400 or reply.error is None:
        return False
    return reply.status not in (401, 403, 404, 429) and _NO_PICTURES.search(reply.error.message) is not None
