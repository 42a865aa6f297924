"""What a file says of one server that it starts, as one record with the place of everything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from claude_local_plugin.lint.reading.words import Word
from claude_local_plugin.yaml_document import Node

#: Names of the engines, as the registry of kinds has them.
VLLM: Final = "vllm"
LLAMA_CPP: Final = "llama.cpp"
LITELLM: Final = "litellm"
OLLAMA: Final = "ollama"

FormatName = Literal["compose", "shell", "systemd", "quadlet", "litellm"]

#: What each format is called.
FORMATS: Final[Mapping[str, str]] = {
    "compose": "compose file",
    "shell": "command line",
    "systemd": "systemd unit",
    "quadlet": "podman quadlet",
    "litellm": "LiteLLM config",
}


@dataclass(frozen=True, slots=True)
class Flag:
    """One argument: its full name, the word it is written in, and the words of its value.

    `spelt` is the name as it was written. The value of `--name=value` has the place of that word.
    """

    name: str
    spelt: str
    written: Word
    values: tuple[Word, ...] = ()

    @property
    def value(self) -> Word | None:
        return self.values[0] if self.values else None

    @property
    def start(self) -> int:
        return self.written.start

    @property
    def end(self) -> int:
        return self.values[-1].end if self.values else self.written.end


@dataclass(frozen=True, slots=True)
class Published:
    """A port of the container that is reached from outside it: at which address of the machine, None for all."""

    at: Word
    address: str | None
    port: str


@dataclass(frozen=True, slots=True)
class Health:
    """How it is asked whether it is well: the words of the command, and how long a start may take.

    `insert` says where a start period can be put in, as offset and text with `{}` for the seconds.
    """

    at: Word
    test: str
    start_period: Word | None
    insert: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """How further arguments are added: `lines`, a list with an entry a line; `flow`, a list in brackets; `words`.

    `between` is what parts two arguments, `quote` what stands around a word.
    """

    kind: Literal["lines", "flow", "words"]
    between: str
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """One server, as a file starts it.

    `at` is what stands for the whole, `arguments` the words for the engine. `network`: whether the engine's own address
    is the machine's ("host", "direct") or only what is `published` can be reached ("container"). `more_variables`: a
    file of variables is read that cannot be seen here. `background`: nobody sits in front of it.
    """

    format: FormatName
    name: str
    engine: str
    at: Word
    arguments: tuple[Word, ...]
    flags: tuple[Flag, ...]
    model: Word | None
    network: Literal["host", "container", "direct"]
    layout: Layout
    image: Word | None = None
    environment: Mapping[str, Word] = field(default_factory=dict)
    more_variables: bool = False
    published: tuple[Published, ...] = ()
    health: Health | None = None
    background: bool = True
    gpus: int | None = None

    def flag(self, *names: str) -> Flag | None:
        """The last argument of one of these names, which is the one that counts."""
        return next((each for each in reversed(self.flags) if each.name in names), None)

    def value(self, *names: str) -> Word | None:
        """The value of such an argument."""
        found = self.flag(*names)
        return found.value if found else None

    @property
    def served(self) -> tuple[Word, ...]:
        """The names it answers to; its own model's where it is given none."""
        named = self.flag("--served-model-name", "--alias")
        if named:
            return named.values
        return (self.model,) if self.model and self.engine == VLLM else ()

    @property
    def last(self) -> Word:
        """The word behind which another argument can be put."""
        return self.arguments[-1] if self.arguments else self.at

    @property
    def more_arguments(self) -> bool:
        """Whether it may get others than can be seen here: `$EXTRA`, `"${ARGS[@]}"`, a file of them."""
        named = {each.start for flag in self.flags for each in (flag.written, *flag.values)}
        loose = [each for each in self.arguments if each.start not in named and each is not self.model]
        return self.flag("--config") is not None or any(not each.known for each in loose)

    @property
    def in_container(self) -> bool:
        return self.image is not None


@dataclass(frozen=True, slots=True)
class Document:
    """A whole file: what it starts, or the configuration of a LiteLLM.

    `version` is the key of that name in a compose file; `installs` are the packages that a script installs by pip.
    """

    text: str
    name: str
    format: FormatName
    starts: tuple[Start, ...] = ()
    gateway: Node | None = None
    version: Node | None = None
    installs: tuple[Word, ...] = ()

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, counted from 1."""
        return self.text.count("\n", 0, offset) + 1, offset - self.text.rfind("\n", 0, offset)
