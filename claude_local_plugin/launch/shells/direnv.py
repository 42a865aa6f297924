"""direnv, which has bash read `.envrc`, and takes everything back when the folder is left."""

from claude_local_plugin.launch.shells import posix
from claude_local_plugin.launch.shells.shell import Output, Shell, Variable

SHELL = Shell("direnv", posix.assign, posix.unset, (Variable, Output), ".envrc")
