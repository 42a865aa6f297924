"""Following a start until the server is ready, has failed, or has said nothing for too long."""

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from claude_local_plugin.deploy.host import Host
from claude_local_plugin.deploy.record import Deployment
from claude_local_plugin.deploy.running import follow_script, is_running
from claude_local_plugin.server_log import Reading, Stage, fed
from claude_local_plugin.servers import Server, State, identify

#: Seconds between two looks at the server and at its process.
LOOK = 0.5
#: Seconds to wait for the last lines of a server that has ended.
LAST_LINES = 1.5

#: Told of everything that is new: the reading after some lines, and the last of those lines.
Told = Callable[[Reading, str], None]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a start ended: `server` where it is ready; else it is `stuck`, or out of reach (`problem`), or gone."""

    reading: Reading
    server: Server | None = None
    stuck: bool = False
    problem: str | None = None
    tail: tuple[str, ...] = ()


def follow(
    deployment: Deployment,
    host: Host,
    told: Told,
    *,
    stuck_after: float,
    broken: Callable[[], str | None] = lambda: None,
) -> Ended:
    """Read the server's log and ask it, until it is ready, gone, or silent for `stuck_after` seconds.

    `broken` says what keeps it from being reached from here, where something does.
    """
    reading = Reading()
    tail: list[str] = []
    last_new = time.monotonic()
    looked = 0.0
    with host.following(follow_script(deployment)) as process, _lines(process.stdout) as lines:
        while True:
            for line in _waiting(lines, LOOK):
                reading = fed(reading, line)
                tail = [*tail, line][-20:]
                last_new = time.monotonic()
                told(reading, line)
            if time.monotonic() - looked < LOOK:
                continue
            looked = time.monotonic()
            server = ready(deployment.url)
            if server is not None and is_running(deployment, host):
                for line in _waiting(lines, 0.1):
                    reading = fed(reading, line)
                    told(reading, line)
                return Ended(reading, server, tail=tuple(tail))
            if _gone(deployment, host, reading):
                for line in _waiting(lines, LAST_LINES):
                    reading = fed(reading, line)
                    tail = [*tail, line][-20:]
                return Ended(reading, tail=tuple(tail))
            if (problem := broken()) is not None:
                return Ended(reading, problem=problem, tail=tuple(tail))
            if time.monotonic() - last_new > stuck_after:
                return Ended(reading, stuck=True, tail=tuple(tail))


def ready(url: str) -> Server | None:
    """The server at this address, where it takes requests; None where it does not yet."""
    server = identify(url, timeout=3.0)
    return server if server.state in (State.READY, State.OVERLOADED) and server.models else None


def _gone(deployment: Deployment, host: Host, reading: Reading) -> bool:
    if not is_running(deployment, host):
        return True
    # a container that is started again and again is not gone, but has failed
    return bool(deployment.alive and reading.found and (reading.before or reading.stage is Stage.STOPPED))


@contextmanager
def _lines(stream: object) -> Iterator["queue.SimpleQueue[str]"]:
    """The lines of a stream as they come."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    descriptor = os.dup(stream.fileno())  # type: ignore[attr-defined]

    def read() -> None:
        with open(descriptor, encoding="utf-8", errors="replace", newline="\n") as text:  # noqa: PTH123
            for line in text:
                lines.put(line)

    threading.Thread(target=read, daemon=True).start()
    yield lines


def _waiting(lines: "queue.SimpleQueue[str]", patience: float) -> Iterator[str]:
    """The lines that are there, and those that come within so many seconds while none is."""
    until = time.monotonic() + patience
    while True:
        try:
            yield lines.get(timeout=max(0.01, until - time.monotonic()))
        except queue.Empty:
            return
        if time.monotonic() > until:
            return
