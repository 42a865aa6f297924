"""Which server the words of a command start, and with which arguments."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from claude_local_plugin.lint import vllm_flags
from claude_local_plugin.lint.images import image as taken_apart
from claude_local_plugin.lint.reading.start import LITELLM, LLAMA_CPP, OLLAMA, VLLM, Flag
from claude_local_plugin.lint.reading.words import Word

#: The short names of llama-server's and LiteLLM's arguments that we look at, and other long ones.
LLAMA_CPP_NAMES: Final = {
    "-m": "--model",
    "-c": "--ctx-size",
    "-np": "--parallel",
    "-a": "--alias",
    "-hf": "--hf-repo",
    "-hfr": "--hf-repo",
    "-ngl": "--gpu-layers",
    "--n-gpu-layers": "--gpu-layers",
    "-fa": "--flash-attn",
}
LLAMA_CPP_SWITCHES: Final = frozenset(
    {
        *("--jinja", "--no-jinja", "--metrics", "--slots", "--no-mmap", "--mlock", "--embedding", "--no-webui"),
        *("--context-shift", "--no-context-shift", "--kv-unified", "--no-kv-offload", "--cont-batching", "--offline"),
        *("--verbose", "--embeddings", "--rerank", "--no-warmup", "--swa-full"),
    }
)
LITELLM_NAMES: Final = {"-c": "--config", "-m": "--model"}
LITELLM_SWITCHES: Final = frozenset(
    {"--debug", "--detailed_debug", "--drop_params", "--use_v2_migration_resolver", "--help", "--version"}
)

_VLLM_MODULE: Final = re.compile(r"vllm\.entrypoints\.[\w.]+")


class Command(NamedTuple):
    """An engine, the word it was told by, and the words that it gets."""

    engine: str
    at: Word
    arguments: tuple[Word, ...]


def command_of(words: Sequence[Word]) -> Command | None:
    """What these words start; None where it is no model server that is known here."""
    for number, word in enumerate(words):
        program = word.text.rpartition("/")[2]
        following = words[number + 1 :]
        if program == "vllm" and following and following[0].text == "serve":
            return Command(VLLM, _both(word, following[0]), tuple(following[1:]))
        if _VLLM_MODULE.fullmatch(word.text) and number and words[number - 1].text == "-m":
            return Command(VLLM, word, tuple(following))
        if program in ("llama-server", "llama-server.exe"):
            return Command(LLAMA_CPP, word, tuple(following))
        if program == "litellm" and (not following or following[0].text.startswith("-")):
            return Command(LITELLM, word, tuple(following))
        if program == "ollama" and following and following[0].text == "serve":
            return Command(OLLAMA, _both(word, following[0]), tuple(following[1:]))
    return None


def _both(program: Word, subcommand: Word) -> Word:
    """The program with its subcommand, behind which arguments begin."""
    return Word(program.text, program.start, subcommand.end)


def of_image(image: str) -> str | None:
    """The engine whose entrypoint an image has, where its name says so."""
    name = taken_apart(image).repository.lower()
    if name.endswith(("vllm/vllm-openai", "vllm-openai")):
        return VLLM
    if "llama.cpp" in name and ":server" in image.lower():
        return LLAMA_CPP
    if "litellm" in name:
        return LITELLM
    return OLLAMA if name.endswith("ollama/ollama") or name == "ollama" else None


def flags_of(engine: str, arguments: Sequence[Word]) -> tuple[tuple[Flag, ...], tuple[Word, ...]]:
    """The arguments by name, and the words that belong to none."""
    flags: list[Flag] = []
    others: list[Word] = []
    at = 0
    while at < len(arguments):
        word = arguments[at]
        at += 1
        if not _is_flag(word):
            others.append(word)
            continue
        spelt, sign, value = word.text.partition("=")
        name = _full(engine, spelt)
        if sign:
            values: tuple[Word, ...] = (word.part(len(spelt) + 1, value),)
        else:
            most = _most(engine, name)
            end = at
            while end < len(arguments) and end - at < most and not _is_flag(arguments[end]):
                end += 1
            values = tuple(arguments[at:end])
            at = end
        flags.append(Flag(name, spelt, word, values))
    return tuple(flags), tuple(others)


def _is_flag(word: Word) -> bool:
    return bool(re.match(r"--?[A-Za-z]", word.text))


def _full(engine: str, spelt: str) -> str:
    """The name in full: short ones, other spellings, and for vLLM what its parser takes for one."""
    if engine != VLLM:
        names = LLAMA_CPP_NAMES if engine == LLAMA_CPP else LITELLM_NAMES
        return names.get(spelt, spelt)
    if spelt in vllm_flags.SHORT:
        return vllm_flags.SHORT[spelt]
    name = spelt.replace("_", "-") if spelt.startswith("--") else spelt
    if name in vllm_flags.SPELLINGS:
        return name
    meant = [each for each in vllm_flags.SPELLINGS if each.startswith(name)]
    return meant[0] if len(meant) == 1 and len(name) > 4 else name


def _most(engine: str, name: str) -> int:
    """How many words may follow as its value."""
    if engine == VLLM:
        if name in vllm_flags.SEVERAL_VALUES:
            return 1000
        return 0 if name in vllm_flags.SPELLINGS - vllm_flags.ONE_VALUE or name in NO_VALUE else 1
    switches = LLAMA_CPP_SWITCHES if engine == LLAMA_CPP else LITELLM_SWITCHES
    return 0 if name in switches else 1


#: Switches of earlier releases.
NO_VALUE: Final = frozenset(
    {
        *("--disable-log-requests", "--enable-tool-choice", "--use-v2-block-manager", "--enable-reasoning"),
        *("--multi-step-stream-outputs", "--disable-async-output-proc"),
    }
)
