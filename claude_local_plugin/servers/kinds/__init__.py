"""Every kind of server that is known, one module each: what a module here says of its kind is all there is to say.

A module is found by being here. Each has one `KIND`; two of one name, sign, port or prefix are refused at once.
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules

from claude_local_plugin.servers.kinds.kind import ANTHROPIC, COMPATIBLE, OPENAI_ONLY, Kind, Sign
from claude_local_plugin.servers.server import UNKNOWN

__all__ = ["ALL", "ANTHROPIC", "BY_SIGN", "COMPATIBLE", "OPENAI_ONLY", "UNKNOWN", "Kind", "of"]


def registry(kinds: Iterable[Kind]) -> Mapping[str, Kind]:
    """Name -> kind, in the order people read them; refuses what two of them claim."""
    ordered = sorted(kinds, key=lambda kind: (kind.listed, kind.name))
    claimed: dict[object, str] = {}
    for kind in ordered:
        for claim in _claims(kind):
            if claim in claimed:
                raise ValueError(f"two kinds of server claim {claim}: {claimed[claim]} and {kind.name}")
            claimed[claim] = kind.name
    return {kind.name: kind for kind in ordered}


def _claims(kind: Kind) -> Iterator[object]:
    """What one kind alone can have."""
    yield "the name", kind.name
    yield from (("the port", port) for port in kind.ports)
    if kind.sign is not None:
        yield "the order", kind.sign.order
        yield "the sign", kind.sign.seen
    if kind.metrics is not None:
        yield "the metrics", kind.metrics.prefix


def _modules() -> Iterator[Kind]:
    for found in iter_modules(__path__):
        if found.name != "kind":
            kind: Kind = import_module(f"{__name__}.{found.name}").KIND
            yield kind


ALL = registry(_modules())


def _by_sign() -> Iterator[tuple[Kind, Sign]]:
    signed = [(kind, kind.sign) for kind in ALL.values() if kind.sign is not None]
    yield from sorted(signed, key=lambda pair: pair[1].order)


#: The kinds that have a sign, in the order in which it is looked for.
BY_SIGN = tuple(_by_sign())


def of(name: str) -> Kind:
    """The kind of this name; one of which nothing is known where nobody knows it."""
    return ALL.get(name) or Kind(name=name, label=name)
