"""systemd units and podman quadlets: `Section` headers and `Key=value` lines, with places."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from claude_local_plugin.lint.reading import engines, shell
from claude_local_plugin.lint.reading.compose import port, visible_gpus
from claude_local_plugin.lint.reading.start import VLLM, Document, Health, Start
from claude_local_plugin.lint.reading.words import Variables, Word, assignment, split

_SECTION: Final = re.compile(r"\[([A-Za-z]+)\]\s*$")
#: What a specifier such as `%h` stands for is not known here; `%%` is a percent sign.
_OURS: Final = Variables({}, percent=True)
#: What may stand before a program's path.
_PREFIXES: Final = "@-:+!|"


class Entry(NamedTuple):
    """One setting: its section and key, where its value begins and ends, and where its first line begins."""

    section: str
    key: str
    start: int
    end: int
    line: int


def sections(text: str) -> frozenset[str]:
    """The names of the sections in it."""
    return frozenset(found[1] for line in text.splitlines() if (found := _SECTION.match(line.strip())))


def entries(text: str) -> Iterator[Entry]:
    """The settings in their order, continued lines and all."""
    section, at = "", 0
    while at < len(text):
        end = _end(text, at)
        line = text[at:end]
        if found := _SECTION.match(line.strip()):
            section = found[1]
        elif line.strip()[:1] not in ("", "#", ";") and "=" in line:
            first = at
            value = at + line.index("=") + 1
            while text[:end].endswith(("\\", "\\\r")) and end < len(text):
                end = _end(text, end + 1)
            yield Entry(section, line.partition("=")[0].strip(), value, end, first)
        at = end + 1


def _end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def document(text: str, name: str) -> Document:
    """What a unit or a quadlet starts."""
    given = list(entries(text))
    is_quadlet = any(each.section == "Container" for each in given)
    start = _quadlet(text, given) if is_quadlet else _unit(text, given)
    return Document(text, name, "quadlet" if is_quadlet else "systemd", (start,) if start else ())


def _environment(text: str, given: list[Entry]) -> Mapping[str, Word]:
    return {
        pair[0]: pair[1]
        for each in given
        if each.key == "Environment"
        for word in split(text, each.start, each.end, _OURS)
        if (pair := assignment(word))
    }


def _unit(text: str, given: list[Entry]) -> Start | None:
    environment = _environment(text, given)
    reads = any(each.key in ("EnvironmentFile", "LoadCredential", "PassEnvironment") for each in given)
    for each in given:
        if each.key != "ExecStart":
            continue
        begin = each.start
        while text[begin : begin + 1] in (" ", "\t", *_PREFIXES):
            begin += 1
        variables = Variables({name: word.text for name, word in environment.items() if word.known}, percent=True)
        words = split(text, begin, each.end, variables)
        found = _shell_inside(words, text) or shell.start_of(words, text, "systemd", environment)
        if found:
            return replace(found, more_variables=found.more_variables or reads, background=True)
    return None


def _shell_inside(words: tuple[Word, ...], text: str) -> Start | None:
    """What `ExecStart=/bin/sh -c '…'` starts."""
    if len(words) < 3 or words[0].text.rpartition("/")[2] not in ("sh", "bash") or not words[1].text.endswith("c"):
        return None
    inner = words[2]
    plain = text[inner.start + 1 : inner.end - 1]
    if plain != inner.text:
        return None
    return shell.start_of(split(text, inner.start + 1, inner.end - 1), text, "systemd")


def _quadlet(text: str, given: list[Entry]) -> Start | None:
    own = [each for each in given if each.section == "Container"]
    values = {each.key: each for each in own}

    def word(key: str) -> Word | None:
        entry = values.get(key)
        if entry is None:
            return None
        found = split(text, entry.start, entry.end, _OURS)
        return found[0] if found else None

    def whole(key: str) -> Word | None:
        entry = values.get(key)
        if entry is None:
            return None
        raw = text[entry.start : entry.end]
        return Word(raw.strip(), entry.start + len(raw) - len(raw.lstrip()), entry.start + len(raw.rstrip()))

    image = word("Image")
    if image is None:
        return None
    exec_ = values.get("Exec")
    words = split(text, exec_.start, exec_.end, _OURS) if exec_ else ()
    entry = word("Entrypoint")
    command = engines.command_of((entry, *words)) if entry else engines.command_of(words)
    if command is None:
        # an entrypoint may be a list in JSON
        engine = engines.of_image(image.text) or (VLLM if entry and "vllm" in entry.text else None)
        if engine is None:
            return None
        arguments = words[1:] if words and words[0].text == "serve" and entry else words
        command = engines.Command(engine, words[0] if words else image, tuple(arguments))
    environment = dict(_environment(text, own))
    secrets = [text[each.start : each.end] for each in own if each.key == "Secret"]
    for secret in secrets:
        if found := re.search(r"target=(\w+)", secret):
            environment[found[1]] = Word("", image.start, image.end, known=False)
    flags, others = engines.flags_of(command.engine, command.arguments)
    model = next((each.value for each in flags if each.name in ("--model", "--hf-repo") and each.value), None)
    if model is None and command.engine == VLLM and others:
        model = others[0]
    network = word("Network")
    name = word("ContainerName")
    test = whole("HealthCmd")
    health = None
    if test and test.text != "none":
        health = Health(
            test, test.text, word("HealthStartPeriod"), (values["HealthCmd"].end, "\nHealthStartPeriod={}s")
        )
    return Start(
        format="quadlet",
        name=name.text if name else command.engine,
        engine=command.engine,
        at=image,
        arguments=command.arguments,
        flags=flags,
        model=model,
        network="host" if network and network.text == "host" else "container",
        layout=shell.layout(command, text),
        image=image,
        environment=environment,
        more_variables="EnvironmentFile" in values,
        published=tuple(
            port(each[0])
            for entry in own
            if entry.key == "PublishPort" and (each := split(text, entry.start, entry.end, _OURS))
        ),
        health=health,
        gpus=visible_gpus(environment),
    )
