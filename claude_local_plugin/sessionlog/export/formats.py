"""Writing a table as JSON lines or CSV, row by row."""

import csv
import json
from collections.abc import Iterable, Sequence
from typing import TextIO

from claude_local_plugin.sessionlog.export.table import Column

#: How a formula begins in some spreadsheet, behind the blanks that it cuts off.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")

Rows = Iterable[tuple[object, ...]]


def write_jsonl(rows: Rows, columns: Sequence[Column], stream: TextIO, *, ascii_only: bool = False) -> int:
    """One JSON object per line; returns how many."""
    names = [column.name for column in columns]
    count = 0
    for row in rows:
        stream.write(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=ascii_only) + "\n")
        count += 1
    return count


def write_csv(rows: Rows, columns: Sequence[Column], stream: TextIO) -> int:
    """A line of names, then one per row: `true` and `false`, and nothing for what is not known; returns how many.

    A text that a spreadsheet would take for a formula has an apostrophe before it; numbers stay numbers.
    """
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    count = 0
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        count += 1
    return count


def _cell(value: object) -> object:
    """A value as a cell: a text of a server's or a folder's is never a formula, whoever opens the file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        value = value.replace("\r", "\\r")  # which ends a row, quoted or not
    return f"'{value}" if isinstance(value, str) and value.lstrip().startswith(_FORMULA) else value
