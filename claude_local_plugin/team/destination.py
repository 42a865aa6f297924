"""Where the log is sent: one way to send for each kind of URL, its packages loaded by whoever needs them."""

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from claude_local_plugin.core import config_rules
from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.errors import UsageError
from claude_local_plugin.team.outgoing import Batch
from claude_local_plugin.team.records import Totals

#: Sessions that the other side does not take, and why.
Refused = tuple[tuple[str, str], ...]


class Sink(Protocol):
    """What takes batches; both raise ClaudeLocalError."""

    def reached(self, log: str) -> int | None:
        """The number up to which it has everything of this log; None where it cannot say."""

    def send(self, batch: Batch) -> Refused:
        """Sends it; when it returns, the other side has all of it for good, but for what it refuses."""

    def total(self, totals: Totals) -> Refused:
        """Sends what the whole log adds up to, where the other side does not add up itself."""


def checked(url: str) -> str:
    """The URL of a destination, without any secret; raises UsageError."""
    try:
        if found := config_rules.destination(url):
            return found
    except ValueError as fault:
        raise UsageError(f"the destination {fault}", _HOW) from None
    raise UsageError("the destination is empty", _HOW)


_HOW = "--to postgresql://HOST/DATABASE, or --to https://COLLECTOR:4318"


def is_database(url: str) -> bool:
    """Whether this destination is a team's database, and not a receiver of OpenTelemetry."""
    return url.startswith("postgres")


@contextmanager
def opened(url: str, environ: Mapping[str, str], *, kept: bool) -> Iterator[Sink]:
    """What sends to this destination, `kept` being whether it stands in config.toml; raises ClaudeLocalError."""
    if is_database(url):
        with _room("postgres").opened(url, environ=environ, kept=kept) as connection:
            yield _Database(connection, url)
        return
    from claude_local_plugin.team import otlp

    with otlp.opened(url, environ) as receiver:
        yield receiver


def _room(name: str) -> Any:
    return importlib.import_module(f"claude_local_plugin.team.{name}")


class _Database:
    """A team's database."""

    def __init__(self, connection: Any, url: str) -> None:
        _room("postgres").check(connection, url)
        self._connection = connection

    def reached(self, log: str) -> int | None:
        return int(_room("push").reached(self._connection, log))

    def send(self, batch: Batch) -> Refused:
        return tuple(_room("push").push(self._connection, batch.as_json()).refusals)

    def total(self, totals: Totals) -> Refused:
        """It adds up itself."""
        return ()


def nowhere() -> UsageError:
    """Nobody has said where to."""
    keep = command("claude-local", "config", "set", "log.push", Words("URL"))
    return UsageError("there is nowhere to send the log to", f"{_HOW}   ({keep} does it after each session)")
