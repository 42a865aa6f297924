"""Where everything of our own lives: the state and configuration folders, and the shipped hooks, schemas and suites.

The only module that knows platformdirs, and the only one that knows where `hooks/`, `schemas/` and `suites/` are.
Nothing here creates a folder: read-only commands leave an empty home empty.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

APP = "claude-local"


def state_dir(environ: Mapping[str, str]) -> Path:
    """The folder of the session log, the ownership records and the locks.

    `CLAUDE_LOCAL_STATE_DIR` moves it; otherwise it is the platform's user state folder
    (`$XDG_STATE_HOME/claude-local` or `~/.local/state/claude-local` on Linux).
    """
    if chosen := environ.get("CLAUDE_LOCAL_STATE_DIR"):
        return Path(chosen).expanduser().absolute()
    if known := _plain("XDG_STATE_HOME", ".local/state"):
        return known
    import platformdirs

    return Path(platformdirs.user_state_dir(APP, appauthor=False))


def config_dir(environ: Mapping[str, str]) -> Path:
    """The folder of claude-local's own `config.toml`; `CLAUDE_LOCAL_CONFIG_DIR` moves it."""
    if chosen := environ.get("CLAUDE_LOCAL_CONFIG_DIR"):
        return Path(chosen).expanduser().absolute()
    if known := _plain("XDG_CONFIG_HOME", ".config"):
        return known
    import platformdirs

    return Path(platformdirs.user_config_dir(APP, appauthor=False))


def _plain(variable: str, beneath_home: str) -> Path | None:
    """What platformdirs would say on Linux where nothing is odd; its import takes longer than a quick command may."""
    if sys.platform != "linux" or "ANDROID_DATA" in os.environ:
        return None
    shared = os.environ.get(variable)
    folder = Path(shared) if shared else Path(os.environ.get("HOME", ""), beneath_home)
    return folder / APP if folder.is_absolute() else None


def chosen_config_dir(environ: Mapping[str, str]) -> Path | None:
    """The folder of `config.toml` where it is not the platform's own, which hooks must be told; None where it is."""
    return config_dir(environ) if environ.get("CLAUDE_LOCAL_CONFIG_DIR") else None


def shipped(name: str) -> Path:
    """The folder `hooks`, `schemas` or `suites` that came with this installation.

    `suites` stands in the package; the others do so in a wheel, and in a checkout (also an editable install) beside it.
    """
    package = Path(__file__).resolve().parent
    for parent in (package, package.parent):
        if (folder := parent / name).is_dir():
            return folder
    raise FileNotFoundError(f"{name}/ is neither in {package} nor beside it: the installation is incomplete")
