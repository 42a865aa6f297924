"""The change of one file, shown as a unified diff."""

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Final

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTEXT: Final = 3


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
    shorter = min(len(old), len(new))
    head = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    foot = next((i for i in range(shorter - head) if old[-1 - i] != new[-1 - i]), shorter - head)
    middle = difflib.SequenceMatcher(None, old[head : len(old) - foot], new[head : len(new) - foot], autojunk=False)
    codes: list[_Opcode] = [("equal", 0, head, 0, head)] if head else []
    codes += [(tag, a + head, b + head, c + head, d + head) for tag, a, b, c, d in middle.get_opcodes()]
    if foot:
        codes.append(("equal", len(old) - foot, len(old), len(new) - foot, len(new)))
    return codes


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
