"""One settings file as Claude Code takes it: read, absent, or dropped with the reason."""

import errno
from pathlib import Path

from claude_local_plugin.core.files import MOST_SETTINGS, content
from claude_local_plugin.core.settings_files import decoded, taken
from claude_local_plugin.precedence.model import NOTHING, FileState, Scope, SettingsFile
from claude_local_plugin.precedence.table import VERIFIED_AGAINST

NOT_A_FILE = "not a file"


def read_settings_file(scope: Scope, path: Path, client_version: str | None = None) -> SettingsFile:
    """One settings file as Claude Code takes it: read, absent, or dropped with the reason."""
    try:
        raw = content(path, MOST_SETTINGS)
    except (FileNotFoundError, NotADirectoryError):
        return SettingsFile(scope, path, FileState.ABSENT)
    except OSError as error:  # not ours to read, and Claude Code runs as the same user
        return SettingsFile(scope, path, FileState.DROPPED, why_unread(error))
    return settings_from_text(scope, path, decoded(raw), client_version)


def why_unread(error: OSError) -> str:
    """Why a file that is there is not read."""
    if error.errno in (errno.EISDIR, errno.EINVAL, errno.ENXIO):  # ENXIO: a socket
        return NOT_A_FILE
    if error.errno == errno.EFBIG:
        return str(error.strerror)
    return f"cannot be read: {error.strerror or error}"


def settings_from_text(scope: Scope, path: Path | None, text: str, client_version: str | None) -> SettingsFile:
    found = taken(
        text, managed=scope in (Scope.SERVED, Scope.MANAGED), client_version=client_version or VERIFIED_AGAINST
    )
    return SettingsFile(
        scope, path, FileState(found.state), found.problem, found.data or NOTHING, text, found.skipped, found.steps
    )
