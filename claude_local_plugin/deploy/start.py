"""A server as it is to be started: files, commands, where its log is, and where it answers once it is ready."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ENGINES = ("docker", "podman", "command", "llama.cpp")

#: The file below a server's folder that holds its log.
LOG = "server.log"

#: Seconds without a new line in the log after which a start is taken for stuck.
STUCK = 900.0


@dataclass(frozen=True, slots=True)
class Start:
    """How one server is started.

    `files` go into `folder` on the host, which may begin with `~/`. `argv` is what runs in the background, in `cwd` or
    else in that folder, with its output in a log file there; where a container engine or systemd keeps the server
    instead, `commands` start it, `stop` stops it, `follow` says its log and `alive` ends well while it runs. `about`
    are lines on the choice that was made. `window` and `model` are what the server is expected to serve; `needs` are
    GiB of memory, where known.
    """

    name: str
    engine: str
    title: str
    url: str
    port: int
    model: str | None
    folder: str
    files: Mapping[str, str] = field(default_factory=dict)
    programs: frozenset[str] = frozenset()
    argv: tuple[str, ...] = ()
    cwd: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    follow: str = ""
    alive: str = ""
    window: int | None = None
    needs: float | None = None
    load_seconds: int = 120
    about: tuple[str, ...] = ()

    @property
    def log(self) -> str:
        """The file that the output of `argv` goes to."""
        return f"{self.folder}/{LOG}"

    @property
    def in_background(self) -> bool:
        """Whether it is a process of our own making."""
        return bool(self.argv)
