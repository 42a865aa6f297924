"""What can be done about a server that does not answer, and whether the command line is there to do it with."""

from claude_local_plugin.core import system as os
from claude_local_plugin.core.registration import QUESTION
from claude_local_plugin.hook_runtime.visit import Visit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_local_plugin.core.session_settings import SessionSettings

#: Where the command line is put where neither uv nor pipx is there, below the home folder.
OWN_FOLDER = ".claude-local"


def ways(visit: Visit, *, installed: bool) -> "Iterator[str]":
    """What can be done about a server that does not answer."""
    from claude_local_plugin.core.shell import command

    target, source = visit.backend.target, world_of(visit).source_of("ANTHROPIC_BASE_URL")
    if target is not None:
        near = target.host in ("localhost", "::1") or target.host.startswith("127.")
        there = "on this machine" if near else f"there: {command('ssh', '--', target.host)}"
        yield f"start it {there}   (its own log says why it stopped)"
        yield f"ask again: {command('curl', '-i', f'{target.url}/v1/models')}"
    if installed:
        yield f"go on in the cloud, once: {command('claude-local', 'run', '--cloud', '--', 'claude')}"
        yield f"go back to what was before: {command('claude-local', 'disable')}"
    elif source.scope == "shell":
        yield f"go elsewhere: {command('unset', 'ANTHROPIC_BASE_URL')}, and start a new session"
    else:
        yield f"go elsewhere: take ANTHROPIC_BASE_URL, and the token beside it, out of {source.place}"


def not_installed(visit: Visit, said: str) -> str:
    """What names commands of ours, with where these come from for somebody who has the plugin alone."""
    if command_line(visit) is not None:
        return said
    return f"{said}   (that program is not installed yet: {QUESTION}status says how)"


def world_of(visit: Visit) -> "SessionSettings":
    """The settings files of this session, and who sets what."""
    from claude_local_plugin.core.places import managed_default
    from claude_local_plugin.core.session_settings import SessionSettings

    return SessionSettings(visit.environ, visit.folder or os.getcwd(), managed_default())


def command_line(visit: Visit) -> "str | None":
    """`claude-local` on the session's PATH, or where the plugin says to put it; None where it is in neither."""
    path, home = visit.environ.get("PATH", ""), visit.environ.get("HOME", "")
    return program_on(os.pathsep.join((path, os.path.join(home, OWN_FOLDER, "bin") if home else "")))


def program_on(path: str, name: str = "claude-local") -> "str | None":
    """The program on this PATH, in no folder that is relative to the project."""
    for folder in path.split(os.pathsep):
        for file in (name, f"{name}.exe"):
            program = os.path.join(folder, file)
            if os.path.isabs(folder) and os.access(program, os.X_OK) and os.path.isfile(program):
                return program
    return None
