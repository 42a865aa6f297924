"""Changes of a text at places: arguments put in, taken away, replaced; every other byte stays."""

from collections.abc import Iterable
from dataclasses import dataclass

from claude_local_plugin.lint.reading.start import Flag, Start
from claude_local_plugin.lint.reading.words import Word


@dataclass(frozen=True, slots=True)
class Edit:
    """What stands between two offsets of the text becomes `text`."""

    start: int
    end: int
    text: str


Edits = tuple[Edit, ...]


def applied(text: str, edits: Iterable[Edit]) -> str:
    """The text with these changes; of two that overlap the first one is made. At one place they keep their order."""
    kept: list[Edit] = []
    for each in edits:
        if each not in kept and not any(_overlap(each, other) for other in kept):
            kept.append(each)
    order = sorted(range(len(kept)), key=lambda number: (kept[number].start, kept[number].end, number))
    for number in reversed(order):
        each = kept[number]
        text = text[: each.start] + each.text + text[each.end :]
    return text


def _overlap(one: Edit, other: Edit) -> bool:
    if one.start == one.end or other.start == other.end:
        inserted, around = (one, other) if one.start == one.end else (other, one)
        return around.start < inserted.start < around.end
    return one.start < other.end and other.start < one.end


def added(start: Start, *words: str) -> Edits:
    """Further arguments of a server, behind its last one; nothing where there is no place for any."""
    if not start.arguments and start.format in ("compose", "quadlet"):  # an image without a command
        return ()
    layout = start.layout
    at = start.last.end
    if layout.kind == "words":
        return (Edit(at, at, layout.between + " ".join(words)),)
    return (Edit(at, at, "".join(f"{layout.between}{layout.quote}{word}{layout.quote}" for word in words)),)


def removed(start: Start, flag: Flag, text: str) -> Edits:
    """The text without this argument and its value."""
    if start.layout.kind == "lines":
        line = text.rfind("\n", 0, flag.start) + 1
        end = text.find("\n", flag.end)
        return (Edit(line, len(text) if end < 0 else end + 1, ""),)
    before = max((each.end for each in start.arguments if each.end <= flag.start), default=None)
    if before is None:
        return (Edit(flag.start, flag.end, ""),)
    return (Edit(before, flag.end, ""),)


def replaced(word: Word, old: str, new: str, text: str) -> Edits:
    """A part of a word replaced where it stands once as it is, its quotes kept; nothing where it does not."""
    raw = text[word.start : word.end]
    if raw.count(old) != 1:
        return ()
    at = word.start + raw.index(old)
    return (Edit(at, at + len(old), new),)


def renamed(flag: Flag, new: str, text: str) -> Edits:
    """An argument under another name, its value kept."""
    return replaced(flag.written, flag.spelt, new, text)
