"""The last look at each model server, in a small file per server: not every prompt and status line asks it again."""

import time

from claude_local_plugin.core import system as os
from claude_local_plugin.core.files import content
from claude_local_plugin.core.text import flat_json, json_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from claude_local_plugin.core.probe import Probe

FOLDER = "looks"

#: The longest detail and URL, every character escaped, come to less than this.
MOST_BYTES = 16384


class Look:
    """What the last look at a server found, in the words of `core.probe.Probe`, and `age_s`, the seconds since."""

    __slots__ = ("age_s", "detail", "kind", "latency_ms", "outcome", "status")

    def __init__(
        self, outcome: str, status: "int | None", latency_ms: "float | None", kind: str, detail: str, age_s: float
    ) -> None:
        self.outcome = outcome
        self.status = status
        self.latency_ms = latency_ms
        self.kind = kind
        self.detail = detail
        self.age_s = age_s


def remember(state_dir: str, url: str, probe: "Probe") -> None:
    """Keeps this look at the server as its last one, whatever it found; raises OSError where it cannot be written."""
    for folder in (state_dir, os.path.join(state_dir, FOLDER)):  # one by one: else only the last gets the mode
        os.makedirs(folder, 0o700, exist_ok=True)
    path = path_of(state_dir, url)
    unfinished = f"{path}.{os.getpid()}"
    look = {
        "at": time.time(),
        "url": url,
        "outcome": probe.outcome,
        "status": probe.status,
        "latency_ms": probe.latency_ms,
        "kind": probe.kind,
        "detail": probe.detail,
    }
    try:
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(f"{flat_json(look)}\n".encode("ascii"))
        os.replace(unfinished, path)
    except OSError:
        if os.path.exists(unfinished):
            os.unlink(unfinished)
        raise


def recall(state_dir: str, url: str, now: "float | None" = None) -> "Look | None":
    """The last look at the server; None when there was none, it cannot be read, or it lies in the future.

    `now` is in seconds since 1970, by default the time it is. A look of the future means that the clock went back.
    """
    try:
        kept = content(path_of(state_dir, url), MOST_BYTES)
    except OSError:
        return None  # nobody has looked yet, mostly; whoever cannot read this looks again, and hears on writing
    try:
        return _look(json_object(kept), url, time.time() if now is None else now)
    except (ValueError, RecursionError):
        return None  # not ours, or cut short by a crash of the machine: the next look mends it


def path_of(state_dir: str, url: str) -> str:
    """The server's file: its name says which server to people, and a checksum of the URL tells servers apart."""
    host = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in url.partition("://")[2])
    return os.path.join(state_dir, FOLDER, f"{host[:60]}-{_crc32(url.encode('utf-8', 'replace')):08x}.json")


def _crc32(data: bytes) -> int:
    """`binascii.crc32`: for one URL, a loop is done long before that module is loaded."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xEDB88320 if crc & 1 else crc >> 1
    return crc ^ 0xFFFFFFFF


def _look(kept: "dict[str, Any]", url: str, now: float) -> "Look | None":
    """The look that these members tell, if it was at this very URL; raises ValueError for what we never wrote."""
    at, latency, status = kept.get("at"), kept.get("latency_ms"), kept.get("status")
    words = [kept.get(name) for name in ("outcome", "kind", "detail")]
    if not (
        isinstance(at, (int, float))
        and (latency is None or (isinstance(latency, (int, float)) and 0 <= latency < 1e9))
        and (status is None or (isinstance(status, int) and 0 <= status < 1000))
        and all(isinstance(word, str) for word in words)
    ):
        raise ValueError("not a look that was remembered")
    if kept.get("url") != url or not at <= now:
        return None
    outcome, kind, detail = words
    return Look(str(outcome), status, latency, str(kind), str(detail), now - at)
