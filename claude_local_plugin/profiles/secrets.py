"""The keys of profiles: where each is, read, kept and forgotten; a key never stands in config.toml.

A profile's `token` says where: `none`, `env:NAME`, `keyring` (the system's, through the only door to the library of
that name) or `file` (one for each profile, in a folder of ours that nobody else may look into). Quick to import, since
Claude Code may ask for a key at each of its starts.
"""

import os
import stat
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from claude_local_plugin.client_config.keys import unfit
from claude_local_plugin.core import files
from claude_local_plugin.core.installed import with_extra
from claude_local_plugin.core.shell import Words, command, export
from claude_local_plugin.errors import ClaudeLocalError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    #: Our configuration folder.
    Folder = str | os.PathLike[str]

#: The folder beside config.toml that holds the keys of `token = "file"`, a file for each profile.
FOLDER = "keys"
#: What the system's keyring calls us.
SERVICE = "claude-local"
#: No key is longer (bytes).
LONGEST = 65_536


class Keyed(Protocol):
    """What has a key somewhere: a profile, or what is known of one."""

    @property
    def name(self) -> str:
        """What the profile is called."""

    @property
    def token(self) -> str | None:
        """Where the key is; None like `none`."""


def key_of(profile: Keyed, environ: Mapping[str, str], config_dir: "Folder") -> str | None:
    """The profile's key; None where its server wants none.

    Raises ClaudeLocalError where it is not where the profile says, or is none that may be sent to the server.
    """
    source, _, variable = (profile.token or "none").partition(":")
    if source == "none":
        return None
    if source == "env":
        key, where = environ.get(variable, ""), f"the environment variable {variable}"
    elif source == "keyring":
        key, where = _from_keyring(profile.name), "the system's keyring"
    else:
        where = path_of(profile.name, config_dir)
        key = _from_file(profile.name, where)
    if not key:
        missing = "is not set" if source == "env" else "has none"
        raise ClaudeLocalError(
            f"the key of the profile {profile.name}: {where} {missing}",
            export(variable, Words("…")) if source == "env" else kept_by(profile.name, source),
        )
    if wrong := unfit(key):
        fix = f"{export(variable, Words('…'))}  with the server's own key alone"
        raise ClaudeLocalError(
            f"the key of the profile {profile.name} ({where}) {wrong}",
            fix if source == "env" else kept_by(profile.name, source),
        )
    return key


def kept_by(name: str, source: str) -> str:
    """The command that asks for a profile's key and keeps it there."""
    return command("claude-local", "profile", "edit", name, "--keyring" if source == "keyring" else "--token-stdin")


def keep(name: str, source: str, key: str, config_dir: "Path", lock_dir: "Path") -> None:
    """Keep the key of the profile of this name in the `keyring` or in a `file`, in the place of an earlier one.

    Raises ClaudeLocalError for what may not be sent to a server, and where it cannot be kept.
    """
    if not key or (wrong := unfit(key)):
        raise ClaudeLocalError(
            f"this key {wrong}" if key else "an empty key",
            "give the key that the server was started with, alone and without quotes",
        )
    if source == "keyring":
        library = _keyring(name)
        _asked(name, library, "set_password", SERVICE, name, key)
        return
    from pathlib import Path

    from claude_local_plugin.settings import file

    path = Path(path_of(name, config_dir))
    file.private_folder(path.parent)
    if path.is_file():
        path.chmod(0o600)  # first: the key must not be there for others to read, not for a moment
    file.rewrite(path, lambda _: f"{key}\n", lock_dir=lock_dir)


def forget(name: str, source: str | None, config_dir: "Path", lock_dir: "Path") -> bool:
    """Take away what we keep for the profile of this name; whether there was anything."""
    if source == "keyring":
        library = _keyring(name)
        if _asked(name, library, "get_password", SERVICE, name) is None:
            return False
        _asked(name, library, "delete_password", SERVICE, name)
        return True
    if source != "file":
        return False
    from pathlib import Path

    from claude_local_plugin.settings import file

    path = Path(path_of(name, config_dir))
    there = path.is_file()
    file.rewrite(path, lambda _: None, lock_dir=lock_dir)
    file.remove_empty((path.parent,))
    return there


def path_of(name: str, config_dir: "Folder") -> str:
    """Where the key of `token = "file"` is."""
    return os.path.join(config_dir, FOLDER, name)


def _from_file(name: str, path: str) -> str:
    fix = kept_by(name, "file")
    try:
        mode = os.stat(path).st_mode
        if os.name != "nt" and stat.S_IMODE(mode) & 0o077:
            raise SettingsError(
                f"the key of the profile {name}: others on this machine may read {path}",
                f"{command('chmod', '600', path)}  and think about whether somebody has",
            )
        return files.content(path, LONGEST).decode().strip()
    except FileNotFoundError:
        raise SettingsError(f"the key of the profile {name}: there is no {path}", fix) from None
    except UnicodeDecodeError:
        raise SettingsError(f"the key of the profile {name}: {path} is no text", fix) from None
    except OSError as error:
        raise SettingsError(
            f"the key of the profile {name}: {path} cannot be read: {(error.strerror or str(error)).lower()}", fix
        ) from error


# --- the system's keyring


def _from_keyring(name: str) -> str:
    found = _asked(name, _keyring(name), "get_password", SERVICE, name)
    return found.strip() if isinstance(found, str) else ""


def password_of(account: str) -> str | None:
    """What the keyring has for us under the name of this account, a URL; None without it, or where it is locked.

    Whoever asks has been told already that a password is missing.
    """
    try:
        import keyring
    except ImportError:
        return None
    try:
        return keyring.get_password(SERVICE, account)
    except keyring.errors.KeyringError:
        return None


def _keyring(name: str) -> "ModuleType":
    try:
        import keyring
    except ImportError:
        raise ClaudeLocalError(
            f"the key of the profile {name} is in the system's keyring, and the library that asks it is not installed",
            with_extra("keyring"),
        ) from None
    return keyring


def _asked(name: str, library: "ModuleType", what: str, *words: str) -> Any:
    """What the keyring answers; its refusals become errors for people."""
    try:
        return getattr(library, what)(*words)
    except library.errors.KeyringError as error:
        reason = str(error).partition("\n")[0].strip() or type(error).__name__
        raise ClaudeLocalError(
            f"the key of the profile {name}: the system's keyring cannot be asked: {reason}",
            "unlock it, or keep the key in a file of our own, which nobody else may read: " + kept_by(name, "file"),
        ) from error
