"""Servers under names: what config.toml says of each, where its key is, and the request that it stands for."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claude_local_plugin.profiles.model import CLOUD, Profile, all_of, every, named
    from claude_local_plugin.profiles.request import Chosen, chosen, find, request_for

__all__ = ["CLOUD", "Chosen", "Profile", "all_of", "chosen", "every", "find", "named", "request_for"]


def __getattr__(name: str) -> object:
    """Each name when it is asked for: who wants a key alone (`secrets`) is not to wait for the model of config.toml."""
    if name not in __all__:
        raise AttributeError(name)
    from claude_local_plugin.profiles import model, request

    return getattr(model, name, None) or getattr(request, name)
