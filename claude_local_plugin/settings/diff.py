"""The change of one file, shown as a unified diff."""

import difflib
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTEXT: Final = 3
#: As many lines, old and new, are left to difflib as they are.
_SHORT: Final = 1000


def unified_diff(before: str | None, after: str | None, path: str) -> str:
    """The change of one file as a unified diff, empty if there is none; None stands for no file.

    Line ends are kept, so the diff can be applied; bytes that are not UTF-8 appear as replacement characters.
    """
    if before == after:
        return ""
    old, new = _lines(before or ""), _lines(after or "")
    header = [f"--- {'/dev/null' if before is None else path}\n", f"+++ {'/dev/null' if after is None else path}\n"]
    hunks = [line for group in _grouped(_opcodes(old, new)) for line in _hunk(group, old, new)]
    return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", "".join(header + hunks))


_Opcode = tuple[str, int, int, int, int]


def _lines(text: str) -> list[str]:
    """The lines with their ends; only line feeds end a line, as for diff and patch."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _opcodes(old: Sequence[str], new: Sequence[str]) -> list[_Opcode]:
    """difflib's opcodes, with the common head and foot taken first, so that an insertion shows as just that."""
    codes: list[_Opcode] = []
    for tag, a, b, c, d in _compared(old, new, 0, len(old), 0, len(new)):
        if codes and codes[-1][0] == tag == "equal":
            codes[-1] = ("equal", codes[-1][1], b, codes[-1][3], d)
        else:
            codes.append((tag, a, b, c, d))
    return codes


def _compared(old: Sequence[str], new: Sequence[str], a: int, b: int, c: int, d: int) -> Iterator[_Opcode]:
    """The opcodes that make `new[c:d]` of `old[a:b]`.

    difflib's time grows with the square of the lines, so a long stretch is first cut at the lines that stand once in
    both; where there are none, it is replaced as a whole.
    """
    shorter = min(b - a, d - c)
    head = next((i for i in range(shorter) if old[a + i] != new[c + i]), shorter)
    foot = next((i for i in range(shorter - head) if old[b - 1 - i] != new[d - 1 - i]), shorter - head)
    if head:
        yield "equal", a, a + head, c, c + head
    yield from _middle(old, new, a + head, b - foot, c + head, d - foot)
    if foot:
        yield "equal", b - foot, b, d - foot, d


def _middle(old: Sequence[str], new: Sequence[str], a: int, b: int, c: int, d: int) -> Iterator[_Opcode]:
    """The same for a stretch that begins and ends with different lines."""
    if a == b or c == d:
        if a != b or c != d:
            yield ("delete" if c == d else "insert"), a, b, c, d
        return
    if b - a + d - c <= _SHORT:
        middle = difflib.SequenceMatcher(None, old[a:b], new[c:d], autojunk=False)
        yield from ((tag, i + a, j + a, k + c, m + c) for tag, i, j, k, m in middle.get_opcodes())
        return
    anchors = _anchors(old, new, a, b, c, d)
    if not anchors:
        yield "replace", a, b, c, d
        return
    for i, k in anchors:
        yield from _compared(old, new, a, i, c, k)
        yield "equal", i, i + 1, k, k + 1
        a, c = i + 1, k + 1
    yield from _compared(old, new, a, b, c, d)


def _anchors(old: Sequence[str], new: Sequence[str], a: int, b: int, c: int, d: int) -> list[tuple[int, int]]:
    """Where the lines stand that are there once on both sides: the longest run of them in the same order."""
    places = [
        {line: at for at, line in enumerate(lines[start:end], start) if counts[line] == 1}
        for lines, start, end in ((old, a, b), (new, c, d))
        for counts in (Counter(lines[start:end]),)
    ]
    pairs = [(at, places[1][line]) for line, at in places[0].items() if line in places[1]]
    ends: list[int] = []  # of every length the run that ends earliest, by the place of its last line in `new`
    last: list[int] = []  # the same runs, by the number of that pair
    before: list[int] = []
    for number, (_, at) in enumerate(pairs):
        length = bisect_left(ends, at)
        ends[length : length + 1], last[length : length + 1] = [at], [number]
        before.append(last[length - 1] if length else -1)
    run, number = [], last[-1] if last else -1
    while number >= 0:
        run.append(pairs[number])
        number = before[number]
    return run[::-1]


def _grouped(codes: Sequence[_Opcode]) -> Iterator[list[_Opcode]]:
    """The opcodes as hunks with a few lines of context."""
    group: list[_Opcode] = []
    for number, (tag, a, b, c, d) in enumerate(codes):
        if tag != "equal":
            group.append((tag, a, b, c, d))
            continue
        is_last = number == len(codes) - 1
        if not group:
            keep = min(_CONTEXT, b - a)
            group = [(tag, b - keep, b, d - keep, d)]
        elif b - a > 2 * _CONTEXT or is_last:
            keep = min(_CONTEXT, b - a)
            yield [*group, (tag, a, a + keep, c, c + keep)]
            group = [] if is_last else [(tag, b - _CONTEXT, b, d - _CONTEXT, d)]
        else:
            group.append((tag, a, b, c, d))
    if any(tag != "equal" for tag, *_ in group):
        yield group


def _hunk(group: Sequence[_Opcode], old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    (_, a, _, c, _), (_, _, b, _, d) = group[0], group[-1]
    yield f"@@ -{_range(a, b)} +{_range(c, d)} @@\n"
    for tag, start, end, new_start, new_end in group:
        if tag == "equal":
            yield from map(_line, " " * (end - start), old[start:end])
            continue
        yield from map(_line, "-" * (end - start), old[start:end])
        yield from map(_line, "+" * (new_end - new_start), new[new_start:new_end])


def _range(start: int, end: int) -> str:
    length = end - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def _line(mark: str, line: str) -> str:
    return f"{mark}{line}" if line.endswith("\n") else f"{mark}{line}\n\\ No newline at end of file\n"
