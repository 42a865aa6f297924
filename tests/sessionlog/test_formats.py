"""The table as files: what a spreadsheet makes of them."""

import csv
import io

from claude_local_plugin.sessionlog.export.formats import write_csv, write_jsonl
from claude_local_plugin.sessionlog.export.table import Column, Type
from tests.looped import looped

COLUMNS = (Column("model", "model"), Column("count", "count", Type.WHOLE), Column("up", "up", Type.YES_NO))


@looped(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "=cmd|'/c calc'!A0", '=HYPERLINK("http://x")'],
)
def test_no_text_is_a_formula_in_csv(text: str) -> None:
    stream = io.StringIO()
    write_csv([(text, -5, True), ("m-1=2", 5.5, None)], COLUMNS, stream)
    _, first, second = csv.reader(io.StringIO(stream.getvalue(), newline=""))
    shown = text.replace("\r", "\\r")
    assert first == [shown if text[0] == "\r" else f"'{shown}", "-5", "true"]
    assert second == ["m-1=2", "5.5", ""]


def test_json_lines_have_the_text_itself() -> None:
    stream = io.StringIO()
    write_jsonl([("=1", -5, True)], COLUMNS, stream)
    assert stream.getvalue() == '{"model": "=1", "count": -5, "up": true}\n'
