"""The files of a service in one format, how they are used, and what every format says alike."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.recipes.catalogue import Argument, Image
from claude_local_plugin.recipes.service import NAMES, PORT, Service

#: The file beside the others that gives it, for its owner alone.
KEY_FILE = "api-key.env"


@dataclass(frozen=True, slots=True)
class Written:
    """Files by name, the commands that start, follow and stop the server in their folder, and which are programs."""

    files: Mapping[str, str]
    start: tuple[str, ...]
    follow: tuple[str, ...]
    stop: tuple[str, ...]
    programs: frozenset[str] = field(default_factory=frozenset)

    @property
    def main(self) -> str:
        """The name of the file that the others belong to."""
        return next(iter(self.files))


def head(service: Service, *usage: str) -> str:
    """What stands at the top of a file: what it is, and how it is used."""
    names = ", ".join(service.names)
    lines = [f"{service.title}, for Claude Code", f"Served as {names} at {service.url}", *usage]
    if service.keyed:
        lines.append(
            f"Whoever reaches {service.listen}:{service.port} needs the key in {KEY_FILE} (only you may read it)"
        )
    return "\n".join(lines)


def contained(service: Service) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What runs in a container: the program in the image, and all words behind it but the arguments."""
    start = image_of(service).entrypoint or service.program[:1]
    return start, service.program[len(start) :]


def image_of(service: Service) -> Image:
    """The image that a container needs; ClaudeLocalError where none is known."""
    if service.image is None:
        raise ClaudeLocalError(
            f"no image in the catalogue has {service.engine} for {service.hardware.label}",
            "name one that you know of with --image REFERENCE, or take --format command",
        )
    return service.image


def inside(service: Service) -> tuple[Argument, ...]:
    """The arguments in a container."""
    return (*service.how.in_container, *service.arguments)


def address(service: Service) -> tuple[Argument, ...]:
    """Where a server that runs in no container listens."""
    why = "whoever can reach this address" if service.keyed else "this machine alone"
    return (Argument("--host", service.listen, why), Argument("--port", str(service.port), ""))


def words(argument: Argument) -> tuple[str, ...]:
    """An argument as words of a command: one, but for the names, each of which is a word."""
    if argument.name == NAMES:
        return (argument.name, *(argument.value or "").split())
    return (argument.name if argument.value is None else f"{argument.name}={argument.value}",)


def reasons(arguments: Iterable[Argument]) -> Iterator[str]:
    """Arguments with their reasons, for a format whose lines take no comment; those with one reason stand together."""
    for why, some in groupby(arguments, key=lambda each: each.why):
        if why:
            yield from textwrap.wrap(f"{', '.join(each.name for each in some)}: {why}", 100, subsequent_indent="    ")


def health_command(service: Service) -> tuple[str, ...]:
    """A program that says by its exit code whether the server is ready: one that the image has."""
    url = f"http://127.0.0.1:{PORT}/health"
    if service.image is not None and "curl" in service.image.health:
        return ("curl", "-fsS", "-o", "/dev/null", url)
    return ("python3", "-c", f"import urllib.request; urllib.request.urlopen('{url}', timeout=5)")
