"""Why did a model server not start? Known failures by the lines that servers write, and how far a start has come."""

from claude_local_plugin.server_log.failure import Failure
from claude_local_plugin.server_log.known import FAILURES, PARTS, failure
from claude_local_plugin.server_log.progress import Stage, Step
from claude_local_plugin.server_log.reading import Hit, Reading, fed, findings, read

__all__ = ["FAILURES", "PARTS", "Failure", "Hit", "Reading", "Stage", "Step", "failure", "fed", "findings", "read"]
