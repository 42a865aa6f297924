"""Writing a table as JSON lines or CSV, row by row."""

import csv
import json
from collections.abc import Iterable, Sequence
from typing import TextIO

from claude_local_plugin.ledger.table import Column

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
    """A line of names, then one per row: `true` and `false`, and nothing for what is not known; returns how many."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    count = 0
    for row in rows:
        writer.writerow([str(value).lower() if isinstance(value, bool) else value for value in row])
        count += 1
    return count
