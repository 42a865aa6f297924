"""Where the log is sent: one way to send for each kind of URL, its packages loaded by whoever needs them."""

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
        from claude_local_plugin.team import postgres

        with postgres.opened(url, environ, kept=kept, sending=True) as connection:
            postgres.check(connection, url)
            yield _Database(connection)
        return
    from claude_local_plugin.team import otlp

    with otlp.opened(url, environ) as receiver:
        yield receiver


class _Database:
    """A team's database."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def reached(self, log: str) -> int | None:
        from claude_local_plugin.team import push

        return push.reached(self._connection, log)

    def send(self, batch: Batch) -> Refused:
        from claude_local_plugin.team import push

        return push.push(self._connection, batch.as_json()).refusals

    def total(self, totals: Totals) -> Refused:
        """It adds up itself."""
        return ()


def nowhere() -> UsageError:
    """Nobody has said where to."""
    keep = command("claude-local", "config", "set", "log.push", Words("URL"))
    return UsageError("there is nowhere to send the log to", f"{_HOW}   ({keep} does it after each session)")
