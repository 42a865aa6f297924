"""Server-sent events out of bytes that arrive in pieces, by the rules of the HTML standard's event streams."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name ("message" where the stream gives none) and its data, the lines of it joined by newlines."""

    name: str
    data: str


class Decoder:
    """Takes a stream's bytes in pieces cut anywhere, and gives each event as soon as its last byte is there.

    A line ends with CRLF, LF or CR. What stands before the end of the stream without a blank line after it is no
    event. `comments` counts the lines that are no event's: some servers send them to keep a connection open.
    """

    def __init__(self) -> None:
        self.comments = 0
        self._start = b""
        self._begun = False
        self._line = bytearray()
        self._after_cr = False
        self._name = ""
        self._data: list[str] = []

    def feed(self, part: bytes) -> list[Event]:
        """The events that end within this piece."""
        if not self._begun:
            self._start += part
            if len(self._start) < len(_BOM) and _BOM.startswith(self._start):
                return []  # as yet it may be a byte order mark
            part, self._begun = self._start.removeprefix(_BOM), True
        return [event for line in self._lines(part) if (event := self._take(line)) is not None]

    def _lines(self, part: bytes) -> Iterator[str]:
        if not part:
            return
        begin = int(self._after_cr and part.startswith(b"\n"))  # the other half of a CRLF that was cut in two
        self._after_cr = False
        for end in _LINE_END.finditer(part, begin):
            self._line += part[begin : end.start()]
            yield self._line.decode("utf-8", "replace")
            self._line.clear()
            begin = end.end()
            self._after_cr = begin == len(part) and end[0] == b"\r"
        self._line += part[begin:]

    def _take(self, line: str) -> Event | None:
        """The event that this line ends; None for a line that belongs to one, or to none."""
        if not line:
            event = Event(self._name or "message", "\n".join(self._data)) if self._data else None
            self._name, self._data = "", []
            return event
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value
        elif not field:
            self.comments += 1
        return None
