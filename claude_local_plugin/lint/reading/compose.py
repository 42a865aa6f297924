"""Compose files of any version: the services that start a model server."""

import re
from collections.abc import Iterator
from typing import Any, Final

from claude_local_plugin.lint.reading import engines
from claude_local_plugin.lint.reading.start import VLLM, Document, Health, Layout, Published, Start
from claude_local_plugin.lint.reading.words import Variables, Word, commands, expanded, split
from claude_local_plugin.yaml_document import Node

#: As compose replaces variables: `$$` is a dollar sign.
_OURS: Final = Variables({}, doubled=True)
_SHELLS: Final = ("sh", "bash", "/bin/sh", "/bin/bash", "/usr/bin/bash")
_FOLDED: Final = re.compile(r"[|>][-+0-9]*[ \t]*(?:#[^\n]*)?\r?\n")


def document(root: Node, text: str, name: str) -> Document:
    """What a compose file starts."""
    services = root.get("services")
    pairs = services.pairs() if services else root.pairs()  # before version 2 there was no level above
    starts = [
        start for key, value in pairs if value.kind == "mapping" for start in _starts(str(key.value), key, value, text)
    ]
    return Document(text, name, "compose", tuple(starts), version=_key(root, "version"))


def is_compose(root: Node) -> bool:
    """Whether a YAML document is one."""
    services = root.get("services")
    if services is not None:
        return services.kind == "mapping"
    return any(value.get("image") and (value.get("command") or value.get("ports")) for _, value in root.pairs())


def _key(root: Node, name: str) -> Node | None:
    return next((key for key, _ in root.pairs() if key.value == name), None)


def _starts(name: str, key: Node, service: Node, text: str) -> Iterator[Start]:
    image = _word(service.get("image"))
    given = service.get("command")
    words = (*_words(service.get("entrypoint"), text), *_words(given, text))
    layout = _layout(given, text)
    inner = _in_a_shell(words, text)
    command = engines.command_of(inner or words)
    if command is None and image is not None:
        engine = engines.of_image(image.text)
        if engine is None:
            return
        command = engines.Command(engine, words[0] if words else _place_of(key), words)
    if command is None:
        return
    flags, others = engines.flags_of(command.engine, command.arguments)
    model = next((each.value for each in flags if each.name in ("--model", "--hf-repo") and each.value), None)
    if model is None and command.engine == VLLM and others:
        model = others[0]
    environment = dict(_environment(service.get("environment")))
    mode = service.get("network_mode")
    yield Start(
        format="compose",
        name=name,
        engine=command.engine,
        at=_place_of(key),
        arguments=command.arguments,
        flags=flags,
        model=model,
        network="host" if mode and mode.value == "host" else "container",
        layout=Layout("words", " ") if inner else layout,
        image=image,
        environment=environment,
        more_variables=service.get("env_file") is not None or service.get("secrets") is not None,
        published=tuple(_published(service.get("ports"))),
        health=_health(service.get("healthcheck"), text),
        gpus=_gpus(service, environment),
    )


def _place_of(node: Node) -> Word:
    return Word(str(node.value), node.start, node.end)


def _word(node: Node | None) -> Word | None:
    if node is None or node.kind != "scalar" or node.value is None:
        return None
    value, known = expanded(str(node.value), _OURS)
    return Word(value, node.start, node.end, known)


def _words(node: Node | None, text: str) -> tuple[Word, ...]:
    """A command as compose splits it: an entry of a list is one word."""
    if node is None:
        return ()
    if node.kind == "list":
        return tuple(word for each in node.items() if (word := _word(each)) is not None)
    return _split(node, text)


def _split(node: Node, text: str) -> tuple[Word, ...]:
    start, end = _inside(node, text)
    found = split(text, start, end, _OURS)
    meant = split(str(node.value), 0, len(str(node.value)), _OURS)
    if [each.text for each in found] == [each.text for each in meant]:
        return found
    # escapes of YAML's own: the words are known, but not where each of them stands
    return tuple(Word(each.text, node.start, node.end, each.known) for each in meant)


def _inside(node: Node, text: str) -> tuple[int, int]:
    """Where the value itself stands: without quotes, or the head of a block."""
    if text[node.start] in "'\"":
        return node.start + 1, node.end - 1
    head = _FOLDED.match(text, node.start)
    return (head.end(), node.end) if head else (node.start, node.end)


def _in_a_shell(words: tuple[Word, ...], text: str) -> tuple[Word, ...]:
    """The command that `sh -c '…'` runs, with what stands before it."""
    if len(words) < 3 or words[0].text not in _SHELLS:
        return ()
    at = next((number for number, each in enumerate(words) if re.fullmatch(r"-[a-z]*c", each.text)), None)
    if at is None or at + 1 >= len(words):
        return ()
    script = words[at + 1]
    raw = text[script.start : script.end]
    start, end = script.start, script.end
    if raw[:1] in "'\"":
        start, end = start + 1, end - 1
    elif head := _FOLDED.match(text, start):
        start = head.end()
    for found in commands(text, start, end, _OURS):
        if engines.command_of(found):
            return found
    return ()


def _layout(node: Node | None, text: str) -> Layout:
    if node is None or node.kind != "list":
        return Layout("words", _between_lines(node, text) if node else " ")
    items = node.items()
    quote = text[items[-1].start] if items and text[items[-1].start] in "'\"" else ""
    if text[node.start] == "[":
        return Layout("flow", ", ", quote)
    first = items[0].start
    line = text.rfind("\n", 0, first) + 1
    return Layout("lines", _newline(text) + text[line:first], quote)


def _between_lines(node: Node, text: str) -> str:
    """What parts two arguments of a text: a line's end and its indent, where each has a line of its own."""
    start, end = _inside(node, text)
    found = re.findall(r"\n([ \t]*)--?[A-Za-z]", text[start:end])
    # plain and folded text may go on in another line; in quotes that would be a blank, too
    return _newline(text) + found[-1] if found else " "


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _environment(node: Node | None) -> Iterator[tuple[str, Word]]:
    if node is None:
        return
    for key, value in node.pairs():
        text, known = expanded("" if value.value is None else str(value.plain()), _OURS)
        yield str(key.value), Word(text, key.start, value.end if value.kind == "scalar" else key.end, known)
    for each in node.items():
        word = _word(each)
        if word is not None:
            name, sign, given = word.text.partition("=")
            yield name, word.part(0, given) if sign else Word("", word.start, word.end, known=False)


def _published(node: Node | None) -> Iterator[Published]:
    for each in node.items() if node else ():
        if each.kind == "mapping":
            address, target = each.get("host_ip"), each.get("target")
            at = Word(str(target.value if target else ""), each.start, (target or each).end)
            yield Published(at, str(address.value) if address else None, str(target.value if target else ""))
        elif (word := _word(each)) is not None:
            yield port(word)


def port(word: Word) -> Published:
    """`8000`, `8000:8000`, `127.0.0.1:8000:8000/tcp`, `[::1]:8000:8000` as compose, docker and podman take it."""
    before, _, inside = word.text.partition("/")[0].rpartition(":")
    if before.startswith("["):
        address: str | None = before[1:].partition("]")[0]
    else:
        address = before.rpartition(":")[0] or (before if "." in before else None)
    return Published(word, address or None, inside)


def _health(node: Node | None, text: str) -> Health | None:
    if node is None or node.kind != "mapping":
        return None
    disabled, test = node.get("disable"), node.get("test")
    if test is None or (disabled and disabled.value is True):
        return None
    words = [str(each.value) for each in test.items()] or [str(test.value)]
    if words[0] == "NONE":
        return None
    if words[0] in ("CMD", "CMD-SHELL"):
        words = words[1:]
    key, _ = node.pairs()[-1]
    last = node.pairs()[-1][1]
    line = text.rfind("\n", 0, key.start) + 1
    insert = None
    if not text[line : key.start].strip():
        end = text.find("\n", _last_of(last, text))
        insert = (len(text) if end < 0 else end, f"{_newline(text)}{text[line : key.start]}start_period: {{}}s")
        if insert[0] and text[insert[0] - 1 : insert[0]] == "\r":
            insert = (insert[0] - 1, insert[1])
    return Health(Word(" ".join(words), test.start, test.end), " ".join(words), _word(node.get("start_period")), insert)


def _last_of(node: Node, text: str) -> int:
    """The offset behind the last letter of a value; a block's own end is where the next thing begins."""
    return len(text[: node.end].rstrip())


def _gpus(service: Node, environment: dict[str, Word]) -> int | None:
    """How many GPUs it gets, where the file says so."""
    devices = service.get("deploy", "resources", "reservations", "devices")
    for each in devices.items() if devices else ():
        count, ids = each.get("count"), each.get("device_ids")
        if ids is not None and ids.items():
            return len(ids.items())
        if count is not None and isinstance(count.value, int):
            return count.value
    return visible_gpus(environment)


def visible_gpus(environment: Any) -> int | None:
    """What CUDA_VISIBLE_DEVICES says."""
    found = environment.get("CUDA_VISIBLE_DEVICES") or environment.get("NVIDIA_VISIBLE_DEVICES")
    if found is None or not re.fullmatch(r"\d+(,\d+)*", found.text):
        return None
    return len(found.text.split(","))
