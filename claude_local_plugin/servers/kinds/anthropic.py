"""Anthropic's own API, told by its host's name; it needs nothing."""

from claude_local_plugin.servers.kinds.kind import ANTHROPIC, Kind

KIND = Kind(name=ANTHROPIC, label="Anthropic", needs=())
