"""What is said where a repository's file has to be seen by somebody first."""

from typing import TYPE_CHECKING

from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import ClaudeLocalError

if TYPE_CHECKING:
    from claude_local_plugin.profiles.repository import RepositoryFile


class UntrustedError(ClaudeLocalError):
    """A repository's file that nobody here has agreed to; `changed`: they have, to another content of it."""

    def __init__(self, found: "RepositoryFile", *, changed: bool) -> None:
        came = "was changed since you agreed to it" if changed else "came with the repository"
        super().__init__(
            f"{found.path} {came}: it counts once you have seen what it says",
            command("claude-local", "profile", "trust"),
        )
        self.found = found
        self.changed = changed
