"""The log as a file for other programs."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, TextIO

from claude_local_plugin.commands.output_file import replacing
from claude_local_plugin.errors import UsageError
from claude_local_plugin.sessionlog.export import formats, parquet, table
from claude_local_plugin.sessionlog.queries import Where
from claude_local_plugin.text import carries_all

if TYPE_CHECKING:
    from claude_local_plugin.sessionlog.queries.log import Source


class Format(StrEnum):
    """What can be written."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


def export(source: "Source", to: Format, output: Path | None, where: Where, *, spans: bool = False) -> int:
    """Writes one row per session, or per span, to the file, or to standard output; returns how many.

    A file is there whole or not at all. Raises ClaudeLocalError.
    """
    columns = table.columns_of(source, spans=spans)
    rows = table.rows(source, where, spans=spans)
    if to is Format.PARQUET:
        parquet.check()
        if output is None and sys.stdout.isatty():
            raise UsageError("Parquet is not for a terminal", "--output sessions.parquet")
        with _binary(output) as file:
            return parquet.write_parquet(rows, columns, file)
    with _text(output) as stream:
        if to is Format.CSV:
            return formats.write_csv(rows, columns, stream)
        return formats.write_jsonl(rows, columns, stream, ascii_only=not carries_all(stream))


@contextmanager
def _text(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    with replacing(output) as file, io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True) as stream:
        yield stream


@contextmanager
def _binary(output: Path | None) -> Iterator[IO[bytes]]:
    if output is None:
        yield sys.stdout.buffer
        return
    with replacing(output) as file:
        yield file
