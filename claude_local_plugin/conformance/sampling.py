"""Puts questions into an order of which every beginning is a fair sample of the whole."""

from collections.abc import Iterator, Mapping

from claude_local_plugin.conformance.scenario import Scenario


def spread(questions: Mapping[str, Scenario]) -> dict[str, Scenario]:
    """The same questions, in an order that begins with one of every kind and goes on by the kinds' sizes.

    Whoever stops early has asked a little of everything. The kind is the first word of a question's name
    (`credentials`, `malformed`, `random`, …); within it the questions asked first lie far apart.
    """
    kinds: dict[str, list[str]] = {}
    for name in questions:
        kinds.setdefault(name.partition("/")[0], []).append(name)
    ranked = [
        (rank / len(names), kind, names[position])
        for kind, names in kinds.items()
        for rank, position in enumerate(_far_apart(len(names)))
    ]
    return {name: questions[name] for _, _, name in sorted(ranked)}


def _far_apart(count: int) -> Iterator[int]:
    """0 to `count` - 1, each beginning spread over the whole: the bits of a counter read backwards."""
    width = max(count - 1, 0).bit_length()
    for number in range(1 << width):
        turned = int(f"{number:0{width}b}"[::-1], 2) if width else 0
        if turned < count:
            yield turned
