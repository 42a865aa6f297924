"""What leaves this machine: the levels, who is still asked under the settings in effect, and proving it."""

from claude_local_plugin.privacy.leaving import OWN_PROGRAMS, Leaving, leaving
from claude_local_plugin.privacy.levels import at_level, level_in_effect
from claude_local_plugin.privacy.proving import foreseen, setting_of

__all__ = ["OWN_PROGRAMS", "Leaving", "at_level", "foreseen", "leaving", "level_in_effect", "setting_of"]
