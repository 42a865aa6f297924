"""Who stands between a machine and its team's database: lets through, keeps silent, breaks off, or is not there."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """On a port of its own. What comes is let through to `port`, as long as nothing else is said."""

    port: int
    listener: socket.socket
    #: Takes what comes, and passes nothing on in either direction.
    silent: threading.Event = field(default_factory=threading.Event)
    #: Asked of all that a client says: whether the line breaks once the server has it, before its answer is back.
    breaks: Callable[[bytes], bool] = lambda said: False
    came: int = 0
    open: list[socket.socket] = field(default_factory=list)

    @property
    def own(self) -> int:
        return int(self.listener.getsockname()[1])

    def through(self, url: str) -> str:
        """The same database by way of here."""
        return url.replace(f":{self.port}/", f":{self.own}/")

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.came += 1
            try:
                server = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                client.close()
                continue
            self.open += [client, server]
            broken = threading.Event()
            for source, sink, asks in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass_on, args=(source, sink, asks, broken), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, asks: bool, broken: threading.Event) -> None:
        said = b""
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                if self.silent.is_set():
                    continue
                if asks:
                    said += piece
                    if self.breaks(said):
                        broken.set()
                elif broken.is_set():
                    break  # it was done, and nobody hears of it
                sink.sendall(piece)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def proxy(port: int) -> Iterator[Proxy]:
    """One before what listens on this port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = Proxy(port, listener)
        thread = threading.Thread(target=found.serve)
        thread.start()
        try:
            yield found
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for each in found.open:
                each.close()
