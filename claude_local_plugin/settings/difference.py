"""What differs between two settings files, as values: what a person agrees to, whatever the text looks like."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from claude_local_plugin.settings.document import MISSING, parse, same


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is another one afterwards; with `item`, one more or one fewer in the list at this path.

    `MISSING` stands for none.
    """

    path: tuple[str, ...]
    before: object
    after: object
    item: bool = False

    @property
    def name(self) -> str:
        """The variable, or the setting with dots: what people call it."""
        return self.path[1] if len(self.path) == 2 and self.path[0] == "env" else ".".join(self.path)


def differences(before: str | None, after: str | None) -> tuple[Difference, ...]:
    """Every value in which the two texts differ, in the order of the later one. Raises DocumentError."""
    return tuple(_between((), *(parse(text or "").value() for text in (before, after))))


def _between(path: tuple[str, ...], before: object, after: object) -> Iterator[Difference]:
    if before is not MISSING and after is not MISSING and same(before, after):
        return
    one, other = (each if each is not MISSING else {} for each in (before, after))
    if isinstance(one, Mapping) and isinstance(other, Mapping) and (one or other):
        for key in (*other, *(each for each in one if each not in other)):
            yield from _between((*path, key), one.get(key, MISSING), other.get(key, MISSING))
        return
    one, other = (each if each is not MISSING else [] for each in (before, after))
    if isinstance(one, list) and isinstance(other, list):
        gone, come = _without(one, other), _without(other, one)
        yield from (Difference(path, item, MISSING, item=True) for item in gone)
        yield from (Difference(path, MISSING, item, item=True) for item in come)
        if gone or come:
            return
    yield Difference(path, before, after)


def _without(these: Sequence[object], those: Sequence[object]) -> list[object]:
    """The items of the one list that the other does not have, as often as it does not have them."""
    left, found = list(those), list[object]()
    for item in these:
        match = next((place for place, each in enumerate(left) if same(item, each)), None)
        if match is None:
            found.append(item)
        else:
            del left[match]
    return found
