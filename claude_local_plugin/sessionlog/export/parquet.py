"""Writing a table as Parquet, in row groups. The only module that knows pyarrow, which need not be installed."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import IO, Any

from claude_local_plugin.core.installed import with_extra
from claude_local_plugin.errors import UsageError
from claude_local_plugin.sessionlog.export.formats import Rows
from claude_local_plugin.sessionlog.export.table import Column, Type

#: So many rows are held at a time.
GROUP = 20_000


def check() -> None:
    """Whether Parquet can be written at all; raises UsageError where it cannot."""
    try:
        import pyarrow  # type: ignore[import-not-found,import-untyped,unused-ignore] # noqa: F401 - is it there?
    except ImportError as error:
        raise UsageError(
            "Parquet needs pyarrow, which is not installed",
            f"{with_extra('parquet')}   (or --format csv)",
        ) from error


def write_parquet(rows: Rows, columns: Sequence[Column], stream: IO[bytes]) -> int:
    """The rows with typed columns, moments as UTC timestamps; returns how many."""
    import pyarrow
    from pyarrow import parquet  # type: ignore[import-not-found,import-untyped,unused-ignore]

    types = {
        Type.TEXT: pyarrow.string(),
        Type.MOMENT: pyarrow.timestamp("ms", "UTC"),
        Type.WHOLE: pyarrow.int64(),
        Type.NUMBER: pyarrow.float64(),
        Type.YES_NO: pyarrow.bool_(),
    }
    schema = pyarrow.schema([(column.name, types[column.type]) for column in columns])
    count = 0
    with parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        for group in _groups(iter(rows)):
            cells = [_cells(column, [row[place] for row in group]) for place, column in enumerate(columns)]
            writer.write_table(pyarrow.table(dict(zip(schema.names, cells, strict=True)), schema=schema))
            count += len(group)
    return count


def _groups(rows: Iterator[tuple[object, ...]]) -> Iterator[list[tuple[object, ...]]]:
    while group := list(islice(rows, GROUP)):
        yield group


def _cells(column: Column, values: list[Any]) -> list[Any]:
    if column.type is not Type.MOMENT:
        return values
    return [None if value is None else datetime.fromisoformat(value) for value in values]
