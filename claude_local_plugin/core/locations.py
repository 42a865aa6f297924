"""Where our own files are: the state folder and config.toml, for hooks.

The command line asks platformdirs (`paths.py`), which no hook can afford; tests hold the two together.
"""

import sys

from claude_local_plugin.core import system as os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG_FILE = "config.toml"


def state_dir_of(environ: "Mapping[str, str]", platform: str = sys.platform) -> str:
    """The state folder of an environment as registered."""
    return _folder(environ, "STATE", ".local/state", platform)


def config_file(environ: "Mapping[str, str]", platform: str = sys.platform) -> str:
    """Where config.toml is or would be."""
    return os.path.join(_folder(environ, "CONFIG", ".config", platform), CONFIG_FILE)


def _folder(environ: "Mapping[str, str]", kind: str, beneath_home: str, platform: str) -> str:
    """The folder that our own variable names, else that of the platform."""
    chosen = environ.get(f"CLAUDE_LOCAL_{kind}_DIR")
    if chosen:
        return os.path.join(os.getcwd(), os.path.expanduser(chosen))
    if platform == "win32":
        return os.path.join(environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local"), "claude-local")
    shared = environ.get(f"XDG_{kind}_HOME", "")
    if not os.path.isabs(shared):
        shared = os.path.expanduser("~/Library/Application Support" if platform == "darwin" else f"~/{beneath_home}")
    if not os.path.isabs(shared):
        shared = os.devnull  # nobody's home, as in some containers: better nowhere than in the project
    return os.path.join(shared, "claude-local")
