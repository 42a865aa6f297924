"""A service written down in the format that somebody starts it with."""

from collections.abc import Callable, Mapping

from claude_local_plugin.recipes.formats import command, compose, docker_run, quadlet, systemd
from claude_local_plugin.recipes.formats.written import Written
from claude_local_plugin.recipes.service import Service

#: Format -> what makes its files of a service.
FORMATS: Mapping[str, Callable[[Service], Written]] = {
    "compose": compose.written,
    "docker-run": docker_run.written,
    "podman-quadlet": quadlet.written,
    "systemd": systemd.written,
    "command": command.written,
}

__all__ = ["FORMATS", "Written"]
