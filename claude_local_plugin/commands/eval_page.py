"""The page of an evaluation in a file."""

from datetime import UTC, datetime
from pathlib import Path

from claude_local_plugin import __version__
from claude_local_plugin.commands import report as pages
from claude_local_plugin.errors import UsageError
from claude_local_plugin.evaluation.report import Report
from claude_local_plugin.report.evaluation_page import MARK, document


def check(file: Path, results: Path | None) -> None:
    """Raise UsageError or ClaudeLocalError, before any trial, where the page could not be written there."""
    if results is not None and file.resolve() == results.resolve():
        raise UsageError("the page and the results cannot be one file", "name another file for one of them")
    pages.check(file, force=False, option="--html", mark=MARK, what="a page of claude-local eval")


def write(said: Report, file: Path) -> None:
    """Put the page into the file; raises ClaudeLocalError."""
    pages.write(document(said, made_at=datetime.now(UTC), version=__version__), file, "--html")
