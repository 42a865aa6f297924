"""A session that died can go on: in a copy of its transcript without what the server refuses."""

from claude_local_plugin.rescue.causes import Cause, cause_of
from claude_local_plugin.rescue.repair import KINDS, Kind, Repaired, repair

__all__ = ["KINDS", "Cause", "Kind", "Repaired", "cause_of", "repair"]
