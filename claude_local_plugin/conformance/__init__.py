"""Asking the real Claude Code: scenarios, the box it runs in, what it was seen to do, and what we expected."""

from claude_local_plugin.conformance import recorded
from claude_local_plugin.conformance.expected import Difference, Expected, compare, expected
from claude_local_plugin.conformance.observed import Observed
from claude_local_plugin.conformance.random_scenarios import draw, randomly
from claude_local_plugin.conformance.sampling import spread
from claude_local_plugin.conformance.sandbox import Box, BoxError, Boxes, ClientError
from claude_local_plugin.conformance.scenario import (
    PORTS,
    Materialised,
    Scenario,
    as_it_stands,
    materialise,
    needs_namespace,
    url,
)
from claude_local_plugin.conformance.shrink import shrink
from claude_local_plugin.conformance.systematic import systematic

__all__ = [
    "PORTS",
    "Box",
    "BoxError",
    "Boxes",
    "ClientError",
    "Difference",
    "Expected",
    "Materialised",
    "Observed",
    "Scenario",
    "as_it_stands",
    "compare",
    "draw",
    "expected",
    "materialise",
    "needs_namespace",
    "randomly",
    "recorded",
    "shrink",
    "spread",
    "systematic",
    "url",
]
