"""What lint's checks look at: the file, the machine it is for, and what the catalogue knows of the model in it."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from claude_local_plugin.client_config.budget import smallest_window
from claude_local_plugin.client_config.model import Backend
from claude_local_plugin.lint.images import Image, image
from claude_local_plugin.lint.reading import Document, Start, Word
from claude_local_plugin.lint.reading.start import LITELLM, VLLM
from claude_local_plugin.recipes.catalogue import GIB, Catalogue, Hardware, Model, Variant
from claude_local_plugin.recipes.catalogue import Image as KnownImage
from claude_local_plugin.recipes.fit import PLAIN_BATCHED, STEPS_AT_ONCE, budget
from claude_local_plugin.recipes.kv_cache import BATCHED_TOKENS, Cache, cache_of
from claude_local_plugin.servers import Server
from claude_local_plugin.servers.compatibility import Needs, needs
from claude_local_plugin.servers.metrics import Metrics
from claude_local_plugin.servers.tool_parsers import Family, family_of

#: What vLLM takes of a GPU's memory where nobody says otherwise: the default of 0.32.0.
UTILISATION: Final = 0.92
#: GiB of a GPU from which on vLLM reads more tokens at once by itself.
LARGE: Final = 70
#: How `--max-model-len` reads a letter behind a number: small ones count in thousands.
_LETTERS: Final = {"": 1, "k": 1000, "K": 1024, "m": 1000**2, "M": 1024**2, "g": 1000**3, "G": 1024**3}


@dataclass(frozen=True, slots=True)
class Facts:
    """One text, whom it is for (`sessions` at once), and the machine, if it is known: `machine_by` says from what.

    `server` is what answered at `--url`, whose `document` is made of what it said, and `metrics` how it works.
    """

    document: Document
    path: Path
    known: Catalogue
    hardware: Hardware | None = None
    machine_by: str = ""
    sessions: int | None = None
    server: Server | None = None
    metrics: Metrics | None = None

    @property
    def text(self) -> str:
        return self.document.text

    @property
    def vllms(self) -> tuple["Serving", ...]:
        """The vLLM servers in it."""
        return tuple(Serving(self, each) for each in self.document.starts if each.engine == VLLM)

    @property
    def servings(self) -> tuple["Serving", ...]:
        """Every server in it that runs a model."""
        return tuple(Serving(self, each) for each in self.document.starts if each.engine != LITELLM)


@dataclass(frozen=True, slots=True)
class Serving:
    """One server of the file, and what is known of what it serves."""

    facts: Facts
    start: Start

    @property
    def image(self) -> Image | None:
        return image(self.start.image.text) if self.start.image and self.start.image.known else None

    @property
    def version(self) -> str | None:
        """The engine's release: the server's own word, or a tag's."""
        if self.facts.server is not None:
            return self.facts.server.version
        if known := self.known_image:
            return known.version
        found = self.image
        return found.version if found and found.is_vllms_own else None

    @property
    def known_image(self) -> KnownImage | None:
        """The catalogue's entry of just this image."""
        if self.start.image is None:
            return None
        reference = self.start.image.text.removeprefix("docker.io/")
        return next((each for each in self.facts.known.images.values() if each.reference == reference), None)

    @property
    def weights(self) -> str | None:
        """The repository or path of what it loads."""
        return self.start.model.text if self.start.model and self.start.model.known else None

    @property
    def entry(self) -> tuple[Model, Variant | None] | None:
        """The catalogue's model and precision."""
        return self.facts.known.recognise(self.weights) if self.weights else None

    @property
    def family(self) -> Family | None:
        return family_of(self.weights)

    @property
    def needs(self) -> Needs:
        return needs(self.start.engine, self.version) if self.version else Needs()

    @property
    def window_word(self) -> Word | None:
        return self.start.value("--max-model-len") or self.start.value("--ctx-size")

    @property
    def window_given(self) -> int | None:
        """The window that the file sets."""
        word = self.window_word
        return tokens(word.text) if word and word.known else None

    @property
    def window(self) -> int | None:
        """The window that it is to have: what is set, else the model's own."""
        if self.window_word is not None:
            return self.window_given
        return int(self.entry[0].window.value) if self.entry else None

    @property
    def smallest(self) -> int:
        """The smallest window in which Claude Code works under the first name that it is served as."""
        names = [each.text for each in self.start.served]
        return smallest_window(Backend("", self.start.engine, names[0] if names else "", None), self.needs)

    # --- memory

    @property
    def gpus(self) -> int:
        """On how many GPUs the model lies."""
        return _whole(self.start.value("--tensor-parallel-size")) * _whole(self.start.value("--pipeline-parallel-size"))

    @property
    def utilisation(self) -> float | None:
        word = self.start.value("--gpu-memory-utilization")
        if word is None:
            return UTILISATION
        try:
            return float(word.text)
        except ValueError:
            return None

    @property
    def for_cache(self) -> float | None:
        """Bytes that a GPU has for the cache; below zero where the weights do not fit. None where it is not known."""
        machine, entry, share = self.facts.hardware, self.entry, self.utilisation
        if machine is None or entry is None or entry[1] is None or share is None:
            return None
        as_said = replace(machine, utilisation=replace(machine.utilisation, value=share))
        return (budget(as_said) - entry[1].weights.value / self.gpus) * GIB

    @property
    def cache(self) -> Cache | None:
        """How the cache lies on a GPU; None where the model's layers are not known."""
        entry = self.entry
        if entry is None or not entry[0].layers:
            return None
        word = self.start.value("--kv-cache-dtype")
        kind = word.text if word else "auto"
        kind = kind if kind in ("auto", "bfloat16", "float16", "fp8", "fp8_e4m3", "fp8_e5m2") else "fp8"
        machine = self.facts.hardware
        by_itself = PLAIN_BATCHED if machine and machine.memory.value < LARGE else BATCHED_TOKENS
        batched = STEPS_AT_ONCE * _whole(self.start.value("--max-num-batched-tokens"), by_itself)
        return cache_of(entry[0].layers, dtype=kind, gpus=self.gpus, batched=batched)


def _whole(word: Word | None, otherwise: int = 1) -> int:
    return (tokens(word.text) or otherwise) if word else otherwise


def tokens(text: str) -> int | None:
    """A number of tokens as vLLM reads it: `64k` is 64,000, `64K` 65,536; None for what is no number."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmMgG]?)", text)
    return int(float(found[1]) * _LETTERS[found[2]]) if found else None


def told_machine(text: str, known: Catalogue) -> tuple[Hardware, str] | None:
    """The machine that a file names, in a comment or anywhere, and the words; None where it names none, or several.

    `2 × RTX Pro 6000` names two of them, and not one.
    """
    found: dict[str, tuple[Hardware, str]] = {}
    for machine in known.hardware.values():
        for name in (machine.name, *machine.aliases):
            if len(name) < 4 or name == "spark":  # too short to mean only that
                continue
            pattern = r"(?<![\w-])" + r"[-_ ×]*".join(map(re.escape, re.split(r"[-_ ]+", name))) + r"(?!\w)"
            if (seen := re.search(pattern, text, re.IGNORECASE)) and len(seen[0]) > len(
                found.get(machine.name, (machine, ""))[1]
            ):
                found[machine.name] = (machine, seen[0])
    names = {name: words.lower() for name, (_, words) in found.items()}
    own = [
        name for name, words in names.items() if not any(words in other and words != other for other in names.values())
    ]
    return found[own[0]] if len(own) == 1 else None
