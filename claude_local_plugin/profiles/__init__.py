"""Servers under names: what config.toml says of each, where its key is, and the request that it stands for."""

from claude_local_plugin.profiles.model import CLOUD, Profile, all_of, named
from claude_local_plugin.profiles.request import request_for

__all__ = ["CLOUD", "Profile", "all_of", "named", "request_for"]
