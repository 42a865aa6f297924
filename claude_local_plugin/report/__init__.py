"""The report as one page that needs nothing else: what ran where, in charts and in tables."""

from claude_local_plugin.report.page import MARK, document

__all__ = ["MARK", "document"]
