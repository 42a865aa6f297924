"""How things look to people and programs: JSON, aligned columns, and colour where it is wanted.

click could draw the colours; but most of what people look at is said before click would be there.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence

from claude_local_plugin.text import (
    UNSEEN,
    carries_all,
    hides,
    is_typed,
    printable,
    with_tilde,
    without_secrets,
    wrapped,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


def json_text(data: object, *, indent: int | None = 2, stream: "TextIO | None" = None, reveal: bool = False) -> str:
    """The JSON we print: indented, readable, one trailing newline left to print(); secrets masked unless revealed.

    Letters that `stream`, by default standard output, cannot carry are escaped.
    """
    data = data if reveal else _masked(data)
    text = json.dumps(data, indent=indent, ensure_ascii=not carries_all(stream or sys.stdout))
    # the escape means the same letter to whoever reads JSON, and nothing to a terminal
    return "".join(map(_in_json, text)) if hides(text.replace("\n", "")) else text


def _masked(data: object) -> object:
    if isinstance(data, str):
        return without_secrets(data, prose=True)
    if isinstance(data, Mapping):
        return {name: _masked(value) for name, value in data.items()}
    return [_masked(each) for each in data] if isinstance(data, list | tuple) else data


def _in_json(letter: str) -> str:
    if letter == "\n" or (letter.isprintable() and letter not in UNSEEN):
        return letter
    return json.dumps(letter)[1:-1] if ord(letter) != 0x7F else "\\u007f"


def columns(rows: Sequence[Sequence[str]], *, gap: str = "  ", indent: str = "") -> list[str]:
    """The rows as lines with aligned columns; the last column is not padded."""
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(max(map(len, rows)))]
    lines = []
    for row in rows:
        cells = [cell.ljust(widths[i]) if i < len(row) - 1 else cell for i, cell in enumerate(row)]
        lines.append((indent + gap.join(cells)).rstrip())
    return lines


#: A cell is never shortened to less; a table in which one has less than this is shown as lines instead.
_LEAST, _LEGIBLE = 8, 16


def shortened(rows: Sequence[Sequence[str]], width: int, places: Sequence[int], *, gap: int = 2) -> list[list[str]]:
    """The rows with long cells in these columns shortened in their middle, so that lines of `columns` fit in `width`.

    The widest of the columns gives way first. Where that is not enough, lines stay too long.
    """
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(max(map(len, rows)))]
    over = sum(widths) + gap * (len(widths) - 1) - width
    most = dict.fromkeys(places, 0) | {place: widths[place] for place in places if place < len(widths)}
    while over > 0 and max(most.values(), default=0) > _LEAST:
        most[max(most, key=most.__getitem__)] -= 1
        over -= 1
    return [[middle_out(cell, most.get(place, len(cell))) for place, cell in enumerate(row)] for row in rows]


def middle_out(text: str, most: int) -> str:
    """The text in at most so many letters, with `…` in its middle where it is longer."""
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


def _is_legible(table: Sequence[Sequence[str]], width: int, shorten: Sequence[int]) -> bool:
    """Whether a table fits without shortening any of its long cells to less than can be read."""
    least = [[cell[:_LEGIBLE] if place in shorten else cell for place, cell in enumerate(row)] for row in table]
    return max(map(len, columns(least))) <= width


def stacked(
    head: Sequence[str], rows: Sequence[Sequence[str]], width: int, *, most: int, shorten: Sequence[int]
) -> list[str]:
    """Each row as a line of aligned cells, at most `most`, with those that do not fit on further lines.

    There `head` names them. Cells in the columns `shorten` may lose their middle, before they move down as long as they
    can be read; the others stay whole.
    """
    count = next((n for n in range(most, 1, -1) if _is_legible([row[:n] for row in rows], width, shorten)), 1)
    first = shortened([row[:count] for row in rows], width, [place for place in shorten if place < count])
    lines = list[str]()
    for row, line in zip(rows, columns(first), strict=True):
        below = [place for place in range(count, len(row)) if row[place].strip()]
        cells = [f"{head[place]} {row[place]}".strip() for place in below]
        lines += [line, *_below(cells, [n for n, place in enumerate(below) if place in shorten], width)]
    return lines


def _below(cells: Sequence[str], shorten: Sequence[int], width: int, indent: str = "       ") -> list[str]:
    """The cells on one line where it can be read so, else on as few as they need."""
    room = max(width - len(indent), _LEAST)
    if cells and _is_legible([cells], room, shorten):
        return [indent + line for line in columns(shortened([cells], room, shorten))]
    lines = list[str]()
    for cell in (middle_out(each, room) for each in cells):
        if lines and len(lines[-1]) + 2 + len(cell) <= room:
            lines[-1] += f"  {cell}"
        else:
            lines.append(cell)
    return [indent + line for line in lines]


def _terminal_width(stream: "TextIO", environ: Mapping[str, str]) -> int | None:
    """How many characters fit on a line of the terminal; None where `stream` is none, or does not say."""
    if not stream.isatty():
        return None
    if (said := environ.get("COLUMNS", "")).isdecimal() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None  # a terminal that has no size


def terminal_rows(stream: "TextIO", environ: Mapping[str, str]) -> int | None:
    """How many lines of the terminal are seen at once; None where `stream` is none, or does not say."""
    if not stream.isatty():
        return None
    if (said := environ.get("LINES", "")).isdecimal() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(stream.fileno()).lines or None
    except (OSError, ValueError):
        return None  # a terminal that has no size


def wants_colour(stream: "TextIO", environ: Mapping[str, str]) -> bool:
    """Whether to colour what goes to `stream`: `NO_COLOR` and `FORCE_COLOR` decide, else whether it is a terminal."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


#: The words of a style, in the order in which their escapes stand.
_ESCAPES = {"red": 31, "green": 32, "yellow": 33, "cyan": 36, "bold": 1, "dim": 2}


def styled(text: str, style: str) -> str:
    """The text with the escapes of a style such as "bold red" around it."""
    words = sorted(style.split(), key=list(_ESCAPES).index)
    return "".join([*(f"\x1b[{_ESCAPES[word]}m" for word in words), text, "\x1b[0m"])


class Printer:
    """Prints lines to one stream, styled where the stream wants colour ("green", "bold red", "dim")."""

    def __init__(
        self,
        stream: "TextIO",
        *,
        colour: bool,
        width: int | None = None,
        reveal: bool = False,
        home: str = "",
    ) -> None:
        self.reveal = reveal
        #: The folder that people call `~`; empty where programs read, which want paths as they are.
        self.home = home
        self.stream = stream
        self.colour = colour
        self.width = width

    def line(self, text: str = "", style: str = "") -> None:
        """One line of text: no markup, no wrapping, no secret, and nothing that could do anything to a terminal."""
        text = _line(self._allowed(text))
        if not (self.colour and style):
            print(text, file=self.stream)
        elif sys.platform == "win32":
            import click  # knows the consoles there that understand no escapes

            click.echo(styled(text, style), file=self.stream, color=True)  # whether to colour is decided
        else:
            print(styled(text, style), file=self.stream, flush=True)

    def prose(self, text: str, style: str = "", *, indent: str = "  ", whole: bool = False) -> None:
        """A sentence, on a terminal wrapped at blanks, what does not fit on the first line indented.

        With `whole` no command in it is broken, however long.
        """
        text = _line(self._allowed(text))
        if self.width is None or len(text) <= self.width:
            self.line(text, style)
        else:
            self.lines(wrapped(text, self.width, indent=indent, whole=whole), style)

    def remedy(self, text: str, *, indent: str) -> None:
        """What to type for it, behind `fix:`; on a terminal each part of what is too long on lines of its own.

        A command is never broken, however long: its pieces would be commands of their own. The terminal wraps it.
        """
        text = _line(self._allowed(text))
        label, below = f"{indent}fix: ", f"{indent}  "
        if self.width is None or len(label + text) <= self.width:
            self.line(label + text)
            return
        for part in text.split("   "):
            first, *more = [part] if is_typed(part) else wrapped(part, self.width - len(below), indent="", whole=True)
            self.lines([label + first, *(below + line for line in more)])
            label = below

    def _allowed(self, text: str) -> str:
        return text if self.reveal else with_tilde(without_secrets(text, prose=True), self.home)

    def lines(self, lines: Iterable[str], style: str = "") -> None:
        """Several lines in one style."""
        for text in lines:
            self.line(text, style)

    def table(
        self, rows: Sequence[Sequence[str]], style: str = "", *, shorten: Sequence[int] = (), indent: str = ""
    ) -> None:
        """The rows in aligned columns; on a terminal cells of the columns `shorten` are shortened to make them fit."""
        rows = [[printable(self._allowed(cell)) for cell in row] for row in rows]
        if self.width is not None:
            rows = shortened(rows, self.width - len(indent), shorten)
        self.lines(columns(rows, indent=indent), style)

    def records(
        self,
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        most: int,
        shorten: Sequence[int],
        short: Sequence[Sequence[str]] | None = None,
        names: Sequence[str] | None = None,
        shorten_short: Sequence[int] | None = None,
    ) -> None:
        """A table with a head; on a terminal that is too narrow for it each row on several lines (see `stacked`).

        `short` are the rows, `names` the head, and `shorten_short` the columns to shorten, for those.
        """
        table = [[printable(self._allowed(cell)) for cell in row] for row in (head, *rows)]
        if self.width is None or _is_legible(table, self.width, shorten):
            self.table(table, shorten=shorten)
            return
        cells = [[printable(self._allowed(cell)) for cell in row] for row in short or rows]
        self.lines(stacked(names or head, cells, self.width, most=most, shorten=shorten_short or shorten))

    def diff(self, diff: str) -> None:
        """A unified diff, additions green and removals red.

        To the byte where no terminal reads it, so that it can be applied. On a terminal a line of the diff is a line,
        with everything in it to be seen: what is agreed to there is what is written.
        """
        if not (self.colour or self.stream.isatty()):
            print(diff, end="" if diff.endswith("\n") else "\n", file=self.stream)
            return
        for text in diff.removesuffix("\n").split("\n"):
            text = text.removesuffix("\r").expandtabs(4)
            style = {"+": "green", "-": "red", "@": "cyan"}.get(text[:1], "")
            self.line(text, "bold" if text.startswith(("+++", "---")) else style)


def _line(text: str) -> str:
    """The text with nothing hidden in it; a tab stays, which moves the cursor and no more."""
    return "\t".join(map(printable, text.split("\t")))


def out(environ: Mapping[str, str] = os.environ, *, reveal: bool = False) -> Printer:
    """The printer of standard output: data and answers. `reveal` is for what was asked for with its secrets."""
    return _printer(sys.stdout, environ, reveal=reveal, for_people=sys.stdout.isatty())


def err(environ: Mapping[str, str] = os.environ) -> Printer:
    """The printer of standard error: warnings, errors and prose beside data."""
    return _printer(sys.stderr, environ, for_people=True)


def _printer(
    stream: "TextIO", environ: Mapping[str, str], *, reveal: bool = False, for_people: bool = False
) -> Printer:
    colour, width = wants_colour(stream, environ), _terminal_width(stream, environ)
    home = environ.get("HOME", "").rstrip("/") if for_people else ""
    return Printer(stream, colour=colour, width=width, reveal=reveal, home=home)
