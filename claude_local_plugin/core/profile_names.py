"""Names and addresses of profiles, read quickly: nothing is judged, and what is wrong is said elsewhere."""

from claude_local_plugin.core import system as os
from claude_local_plugin.core.files import content
from claude_local_plugin.core.locations import CONFIG_FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

#: What a repository carries its profiles in.
REPOSITORY_FILE = ".claude-local.toml"


def profile_names(config_dir: "str | os.PathLike[str]", folder: str) -> "list[str]":
    """The names in config.toml, then those of the file that this folder, or the nearest around it, carries."""
    found = list(_names(os.path.join(config_dir, CONFIG_FILE)))
    while True:
        found += _names(os.path.join(folder, REPOSITORY_FILE))
        above = os.path.dirname(folder)
        if os.path.exists(os.path.join(folder, ".git")) or above == folder:
            return list(dict.fromkeys(found))
        folder = above


def profile_urls(config_dir: "str | os.PathLike[str]") -> "list[str]":
    """The addresses of the profiles in config.toml."""
    tables = _tables(os.path.join(config_dir, CONFIG_FILE)).values()
    return [said["url"] for said in tables if isinstance(said, dict) and isinstance(said.get("url"), str)]


def _names(path: str) -> "Iterator[str]":
    yield from _tables(path)


def _tables(path: str) -> "dict[str, Any]":
    try:
        import tomllib

        profiles = tomllib.loads(content(path, 1_000_000).decode()).get("profiles")
    except (ImportError, OSError, ValueError):
        return {}
    return profiles if isinstance(profiles, dict) else {}
