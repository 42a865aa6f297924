"""Is everything well here? Facts gathered once, looked at by small pure checks; every finding names its fix."""

from claude_local_plugin.checks import Finding, Place, Result, worst
from claude_local_plugin.doctor.checks import CHECKS, GROUPS, run
from claude_local_plugin.doctor.facts import Facts, gather
from claude_local_plugin.doctor.model import Check

__all__ = ["CHECKS", "GROUPS", "Check", "Facts", "Finding", "Place", "Result", "gather", "run", "worst"]
