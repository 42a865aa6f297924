"""Fixtures: the command line at a place, and servers that answer, misbehave or are not there."""

from tests.commands.conftest import closed_port, place, repository, server  # noqa: F401
from tests.servers.conftest import replay  # noqa: F401
