"""What is wrong in a pasted file that starts a model server? Reading it, and the checks of what it says."""

from claude_local_plugin.lint.checks import CHECKS, GROUPS, chosen, run
from claude_local_plugin.lint.correct import corrected
from claude_local_plugin.lint.facts import Facts, told_machine
from claude_local_plugin.lint.model import Check
from claude_local_plugin.lint.reading import Document, read

__all__ = ["CHECKS", "GROUPS", "Check", "Document", "Facts", "chosen", "corrected", "read", "run", "told_machine"]
