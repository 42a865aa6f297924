"""zsh."""

from claude_local_plugin.launch.shells import posix
from claude_local_plugin.launch.shells.shell import Output, Shell, Variable

SHELL = Shell("zsh", posix.assign, posix.unset, (Variable, Output))
