"""claude-local's own config.toml: what it says, what is wrong with it and where, and changing one key of it.

For whoever has the time to be exact; what hooks and quick commands read is `core.config`. Both give the same values.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claude_local_plugin.config.document import ABSENT, place
    from claude_local_plugin.config.model import (
        KEYS,
        MANY,
        PROFILE_KEYS,
        PROJECT_KEYS,
        Key,
        Prices,
        ProfileTable,
        Project,
        Settings,
        strictest,
        validated,
    )
    from claude_local_plugin.config.reading import (
        ConfigFile,
        Problem,
        edited_all,
        load,
        nearest,
        problems_in,
        replace,
        replace_all,
        understood,
    )

__all__ = [
    "ABSENT",
    "KEYS",
    "MANY",
    "PROFILE_KEYS",
    "PROJECT_KEYS",
    "ConfigFile",
    "Key",
    "Prices",
    "Problem",
    "ProfileTable",
    "Project",
    "Settings",
    "edited_all",
    "load",
    "nearest",
    "place",
    "problems_in",
    "replace",
    "replace_all",
    "strictest",
    "understood",
    "validated",
]


def __getattr__(name: str) -> object:
    """Each name when it is asked for: who reads profiles alone is not to wait for the model of the whole file."""
    if name not in __all__:
        raise AttributeError(name)
    from claude_local_plugin.config import document, model, reading

    return next(getattr(module, name) for module in (reading, model, document) if hasattr(module, name))
