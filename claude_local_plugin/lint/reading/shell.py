"""Command lines and scripts: `docker run`, `podman run`, `vllm serve`, `llama-server`, `litellm`, `pip install`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal, NamedTuple

from claude_local_plugin.lint.reading import engines
from claude_local_plugin.lint.reading.compose import port, visible_gpus
from claude_local_plugin.lint.reading.start import VLLM, Document, Flag, FormatName, Health, Layout, Start
from claude_local_plugin.lint.reading.words import Word, assignment, commands

#: Options of `docker run` and `podman run` that are mere switches; all others take a value.
SWITCHES: Final = frozenset(
    {
        *("--detach", "--interactive", "--tty", "--rm", "--privileged", "--init", "--read-only", "--publish-all"),
        *("--no-healthcheck", "--oom-kill-disable", "--disable-content-trust", "--help", "--quiet", "--replace"),
    }
)
SHORT: Final[Mapping[str, str]] = {
    "d": "--detach",
    "i": "--interactive",
    "t": "--tty",
    "P": "--publish-all",
    "q": "--quiet",
    "p": "--publish",
    "v": "--volume",
    "e": "--env",
    "w": "--workdir",
    "u": "--user",
    "m": "--memory",
    "h": "--hostname",
    "l": "--label",
    "c": "--cpu-shares",
    "a": "--attach",
}
_RUNNERS: Final = ("docker", "podman", "nerdctl")


def document(text: str, name: str) -> Document | None:
    """What a script starts; None where nothing in it is known here."""
    starts: list[Start] = []
    installs: list[Word] = []
    exported: dict[str, Word] = {}
    sourced = False
    for words in commands(text, 0, len(text)):
        if words[0].text == "export":
            exported |= {pair[0]: pair[1] for each in words[1:] if (pair := assignment(each))}
            continue
        sourced |= words[0].text in (".", "source")
        if start := start_of(words, text, "shell", exported):
            # a file that was read into this shell may hold the key
            starts.append(replace(start, more_variables=True) if sourced and not start.in_container else start)
        installs += installed(words)
    return Document(text, name, "shell", tuple(starts), installs=tuple(installs)) if starts or installs else None


def installed(words: Sequence[Word]) -> Iterator[Word]:
    """The packages that `pip install` and its like are told to install."""
    texts = [each.text for each in words]
    for number, text in enumerate(texts):
        program = text.rpartition("/")[2]
        if program in ("pip", "pip3", "pipx", "uv", "uvx") or program.startswith("pip3."):
            behind = words[number + 1 :]
            if program == "uvx" or any(each.text == "install" for each in behind):
                yield from (each for each in behind if re.match(r"[A-Za-z][\w.-]*(\[|[=<>~!@]|$)", each.text))
            return


def start_of(
    words: Sequence[Word], text: str, form: FormatName, exported: Mapping[str, Word] | None = None
) -> Start | None:
    """The server that one command starts."""
    environment = dict(exported or {})
    before = next((number for number, each in enumerate(words) if not assignment(each)), len(words))
    environment |= {pair[0]: pair[1] for each in words[:before] if (pair := assignment(each))}
    if contained := _contained(words[before:]):
        return _in_container(contained, text, form, environment)
    command = engines.command_of(words[before:])
    if command is None:
        return None
    flags, model = _of(command)
    return Start(
        format=form,
        name=command.engine,
        engine=command.engine,
        at=command.at,
        arguments=command.arguments,
        flags=flags,
        model=model,
        network="direct",
        layout=layout(command, text),
        environment=environment,
        gpus=visible_gpus(environment),
        background=False,
    )


def _of(command: engines.Command) -> tuple[tuple[Flag, ...], Word | None]:
    flags, others = engines.flags_of(command.engine, command.arguments)
    model = next((each.value for each in flags if each.name in ("--model", "--hf-repo") and each.value), None)
    if model is None and command.engine == VLLM and others:
        model = others[0]
    return flags, model


def layout(command: engines.Command, text: str, joined: str = " \\") -> Layout:
    """How another argument is added: on a line of its own where the last ones have theirs."""
    for word in reversed(command.arguments):
        line = text.rfind("\n", 0, word.start) + 1
        before = text[line : word.start]
        if word.text.startswith("-") and not before.strip() and line:
            newline = "\r\n" if text[line - 2 : line] == "\r\n" else "\n"
            return Layout("words", f"{joined}{newline}{before}")
    return Layout("words", " ")


class Contained(NamedTuple):
    """A container's options, its image, and the words behind it."""

    options: tuple[tuple[str, Word], ...]
    image: Word
    words: tuple[Word, ...]


def _contained(words: Sequence[Word]) -> Contained | None:
    at = next(
        (
            number
            for number, each in enumerate(words)
            if each.text.rpartition("/")[2] in _RUNNERS and number < 3  # behind sudo, exec or nohup
        ),
        None,
    )
    if at is None:
        return None
    following = list(words[at + 1 :])
    if following and following[0].text == "container":
        following = following[1:]
    if not following or following[0].text not in ("run", "create"):
        return None
    return container(following[1:])


def container(words: Sequence[Word]) -> Contained | None:
    """The words behind `docker run`: options, image, command."""
    options: list[tuple[str, Word]] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word.text.startswith("--"):
            name, sign, value = word.text.partition("=")
            if sign:
                options.append((name, word.part(len(name) + 1, value)))
            elif name in SWITCHES:
                options.append((name, word))
            elif at < len(words):
                options.append((name, words[at]))
                at += 1
        elif word.text.startswith("-") and len(word.text) > 1:
            at = _short(word, words, at, options)
        else:
            return Contained(tuple(options), word, tuple(words[at:]))
    return None


def _short(word: Word, words: Sequence[Word], at: int, options: list[tuple[str, Word]]) -> int:
    """`-it`, `-p 8000:8000`, `-p8000:8000`; where the next word begins."""
    for number, letter in enumerate(word.text[1:], 1):
        name = SHORT.get(letter, f"-{letter}")
        if name in SWITCHES:
            options.append((name, word))
            continue
        rest = word.text[number + 1 :]
        if rest:
            options.append((name, word.part(0, rest.removeprefix("="))))
        elif at < len(words):
            options.append((name, words[at]))
            return at + 1
        break
    return at


def _in_container(contained: Contained, text: str, form: FormatName, environment: dict[str, Word]) -> Start | None:
    options = contained.options
    entry = [value for name, value in options if name == "--entrypoint"]
    command = engines.command_of((*entry, *contained.words))
    if command is None:
        engine = engines.of_image(contained.image.text)
        if engine is None:
            return None
        command = engines.Command(engine, contained.image, contained.words)
    elif not contained.words or command.at.start > contained.image.start:
        pass
    else:  # the program is the entrypoint: its words are those behind the image
        command = command._replace(arguments=tuple(each for each in command.arguments if each in contained.words))
    inside: dict[str, Word] = {}
    for name, value in options:
        if name == "--env":
            pair = assignment(value)
            inside[pair[0] if pair else value.text] = pair[1] if pair else Word("", value.start, value.end, known=False)
    flags, model = _of(command)
    names = [value.text for name, value in options if name == "--name"]
    networks = {value.text for name, value in options if name in ("--network", "--net")}
    switches = {name for name, _ in options}
    network: Literal["host", "container"] = "host" if "host" in networks else "container"
    arguments = command.arguments
    made = layout(command._replace(arguments=arguments or (contained.image,)), text)
    return Start(
        format=form,
        name=names[-1] if names else command.engine,
        engine=command.engine,
        at=contained.image,
        arguments=arguments,
        flags=flags,
        model=model,
        network=network,
        layout=made,
        image=contained.image,
        environment=inside,
        more_variables="--env-file" in switches,
        published=tuple(port(value) for name, value in options if name == "--publish"),
        health=_health(options, contained.image, text),
        background="--detach" in switches,
        gpus=_gpus(options) or visible_gpus(inside),
    )


def _health(options: Sequence[tuple[str, Word]], image: Word, text: str) -> Health | None:
    tests = [value for name, value in options if name == "--health-cmd"]
    if not tests:
        return None
    periods = [value for name, value in options if name == "--health-start-period"]
    line = text.rfind("\n", 0, image.start) + 1
    before = text[line : image.start]
    between = f" \\\n{before}" if line and not before.strip() else " "
    return Health(
        tests[-1],
        tests[-1].text,
        periods[-1] if periods else None,
        (image.start, "--health-start-period={}s" + between),
    )


def _gpus(options: Sequence[tuple[str, Word]]) -> int | None:
    given = [value.text for name, value in options if name == "--gpus"]
    found = re.fullmatch(r"(?:count=)?(\d+)", given[-1]) if given else None
    if found:
        return int(found[1])
    devices = re.search(r"device=([\d,]+)", given[-1]) if given else None
    return len(devices[1].split(",")) if devices else None
