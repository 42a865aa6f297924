"""Settings for many machines: an administrator's fragment, and the configuration of Claude Code's own gateway."""

from claude_local_plugin.fleet.gateway import Group, gateway, sign_in
from claude_local_plugin.fleet.managed import NAME, Wishes, fragment

__all__ = ["NAME", "Group", "Wishes", "fragment", "gateway", "sign_in"]
