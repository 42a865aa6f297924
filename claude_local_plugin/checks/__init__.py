"""What is a finding? Checks, which find, are in `check`, and running them in `run`: generic over the facts."""

from claude_local_plugin.checks.finding import Finding, Place, Result, Where, exit_code, worst

__all__ = ["Finding", "Place", "Result", "Where", "exit_code", "worst"]
