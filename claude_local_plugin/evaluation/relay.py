"""The one way out of a box: whoever connects to the backend's address in there is connected to the backend out here."""

import contextlib
import selectors
import socket
import threading
from types import TracebackType
from typing import Self

#: How soon a connection that is open notices that all is over, in seconds.
_ATTENTION = 0.2
_CONNECTING = 30.0


class Relay:
    """Accepts on a listening socket, which may be another network's, and carries bytes to one host and port."""

    def __init__(self, listener: socket.socket, host: str, port: int) -> None:
        self._listener, self._host, self._port = listener, host, port
        self._over, (self._end, self._ended) = threading.Event(), socket.socketpair()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._listener.setblocking(False)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._end.close()  # which whoever waits for a connection notices at once
        self._thread.join()
        self._ended.close()
        self._listener.close()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as ready:
            for each in (self._listener, self._ended):
                ready.register(each, selectors.EVENT_READ)
            while not self._over.is_set():
                ready.select()
                with contextlib.suppress(BlockingIOError, ConnectionError):  # it has gone away again
                    near, _ = self._listener.accept()
                    threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError):  # either side may go away; the client tells what it made of it
            near.settimeout(None)
            with (
                socket.create_connection((self._host, self._port), timeout=_CONNECTING) as far,
                selectors.DefaultSelector() as ready,
            ):
                far.settimeout(None)
                ready.register(near, selectors.EVENT_READ, far)
                ready.register(far, selectors.EVENT_READ, near)
                self._until_the_end(ready)

    def _until_the_end(self, ready: selectors.BaseSelector) -> None:
        while not self._over.is_set():
            for key, _ in ready.select(_ATTENTION):
                source, sink = key.fileobj, key.data
                assert isinstance(source, socket.socket)
                if data := source.recv(65_536):
                    sink.sendall(data)
                    continue
                ready.unregister(source)
                sink.shutdown(socket.SHUT_WR)  # the other way may go on
                if not ready.get_map():
                    return
