"""How each shell is told of variables: one module for each, with what is truly the same in `posix`."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from claude_local_plugin.errors import UsageError
from claude_local_plugin.launch.shells import bash, direnv, dotenv, fish, powershell, zsh
from claude_local_plugin.launch.shells.shell import Output, Part, Shell, Value, Variable
from claude_local_plugin.text import printable

__all__ = ["SHELLS", "Output", "Part", "Shell", "Value", "Variable", "default_shell"]

SHELLS: Mapping[str, Shell] = {
    each.name: each for each in (bash.SHELL, zsh.SHELL, fish.SHELL, powershell.SHELL, direnv.SHELL, dotenv.SHELL)
}
#: Shells that read what bash is told.
_LIKE_BASH = ("ash", "dash", "ksh", "mksh", "sh")


def default_shell(environ: Mapping[str, str], *, windows: bool) -> Shell:
    """The shell that somebody here uses, by SHELL; raises UsageError for one that we cannot speak to."""
    said = environ.get("SHELL", "")
    name = PurePosixPath(said.replace("\\", "/")).name.removesuffix(".exe")
    if name in ("pwsh", "powershell") or (windows and not name):
        return SHELLS["powershell"]
    if name in _LIKE_BASH or not name:
        return SHELLS["bash"]
    if name in ("bash", "zsh", "fish"):
        return SHELLS[name]
    raise UsageError(
        f"your shell ({printable(said)}) is none that is spoken to here", f"--shell {'|'.join(SHELLS)} names another"
    )
