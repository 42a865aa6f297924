"""bash."""

from claude_local_plugin.launch.shells import posix
from claude_local_plugin.launch.shells.shell import Output, Shell, Variable

SHELL = Shell("bash", posix.assign, posix.unset, (Variable, Output))
