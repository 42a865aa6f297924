"""A router as plain as can be: hands each request to the next of several servers, whatever it asks for."""

import contextlib
import http.client
import itertools
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.listening import listening


@contextlib.contextmanager
def in_turn(*urls: str) -> Iterator[str]:
    """The URL of a router over the servers at `urls`, as long as the `with` lasts."""
    turns = itertools.cycle(urls)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def hand_over(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            with lock:
                there = urlsplit(next(turns))
            connection = http.client.HTTPConnection(there.hostname or "", there.port, timeout=60)
            with contextlib.closing(connection):
                headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                connection.request(self.command, self.path, body or None, headers)
                answer = connection.getresponse()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                        self.send_header(name, value)
                self.send_header("connection", "close")
                self.end_headers()
                while part := answer.read1():
                    self.wfile.write(part)
                    self.wfile.flush()

        do_GET = do_POST = do_HEAD = hand_over  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with listening(Handler) as url:
        yield url
