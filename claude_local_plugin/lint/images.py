"""What the name of a container image tells: the release in it, its CUDA, its processor, and whether it moves."""

import re
from dataclasses import dataclass
from typing import Final

#: Tags under which something else is tomorrow.
_MOVING: Final = re.compile(r"(^|[-_.])(latest|nightly|main|master|dev|edge|stable|cu\d+-nightly)($|[-_.])")


@dataclass(frozen=True, slots=True)
class Image:
    """`repository:tag`; `cuda` is as `13.0`, `machine` as uname says it. A digest pins whatever tag there is."""

    repository: str
    tag: str | None
    digest: bool = False

    @property
    def moves(self) -> bool:
        """Whether another release may come with the next pull."""
        return not self.digest and (self.tag is None or bool(_MOVING.search(self.tag)))

    @property
    def version(self) -> str | None:
        """The release of the server, where the tag is one: `v0.24.0-ubuntu2404`."""
        found = re.match(r"v(\d+\.\d+(?:\.\d+)?)(?:$|[-.]\D)|(?:main-)?v(\d+\.\d+\.\d+)", self.tag or "")
        return (found[1] or found[2]) if found else None

    @property
    def cuda(self) -> str | None:
        found = re.search(r"(?:^|[-_.])cu(\d\d)(\d)(?:$|[-_.])", self.tag or "")
        return f"{found[1]}.{found[2]}" if found else None

    @property
    def machine(self) -> str | None:
        found = re.search(r"(?:^|[-_.])(x86_64|amd64|aarch64|arm64)(?:$|[-_.])", self.tag or "")
        return {"amd64": "x86_64", "arm64": "aarch64"}.get(found[1], found[1]) if found else None

    @property
    def is_vllms_own(self) -> bool:
        return self.repository == "vllm/vllm-openai"


def image(reference: str) -> Image:
    """An image reference taken apart."""
    name, at, _ = reference.partition("@")
    repository, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:  # the colon of a registry's port
        repository, tag = name, ""
    return Image(repository.removeprefix("docker.io/"), tag or None, bool(at))


#: Images without curl, by a part of the name -> who says so.
WITHOUT_CURL: Final = {
    "litellm": "https://github.com/BerriAI/litellm/issues/9295",
    "ollama/ollama": "https://github.com/ollama/ollama/issues/9781",
}
