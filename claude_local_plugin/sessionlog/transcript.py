"""What a session's answers cost in tokens, from Claude Code's transcripts: each line is read once, no word is kept.

A transcript has one JSON object per line and is appended to. A line of an answer holds one content block and repeats
the usage of the whole answer, so an answer is counted once, by its `message.id` and the request it belongs to, and
after that only what its usage has grown by. Lines that another session or a subagent's parent has written before, and
that were merely copied, are left out. Observed on Claude Code 2.1.329, except where another version is named.
"""

import os
import sys

from claude_local_plugin.core.files import opened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import FileIO
    from typing import Any

#: As much as one look at a transcript reads, when the caller does not say otherwise, in bytes.
MOST_BYTES = 16 * 1024 * 1024
#: A line longer than this, in bytes, is passed over: a tool's result or an image. An answer has at most some 100,000
#: tokens, which is not a tenth of it.
LONGEST_LINE = 4 * 1024 * 1024
#: The file is read in pieces of this many bytes.
PIECE = 256 * 1024
#: By this many bytes before the place that was reached a file is known again.
MARK_BYTES = 1024
#: How many answers may still have lines to come: one, as observed; the rest is for the unforeseen.
MOST_OPEN_ANSWERS = 16
#: A count of tokens that is larger is a server's mistake: it would not fit any window.
MOST_TOKENS = 1_000_000_000

TOKENS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


class Use:
    """What one line adds: an answer or its growth, an error that the user was shown, or a repeated request.

    `at` is the line's own time (UTC, `2026-11-21T08:59:59.923Z`) and `model` the name that the client asked for: the
    one that hooks and the client's totals use, while a server may answer in another name of its own. Old clients write
    down the server's name only; an error and a repetition have none. `side` is a subagent. `messages` is 1 for the
    first line of an answer. The tokens are as the server gave them: `input_tokens` without those read from a cache,
    where it tells them apart. `error` is the client's word for it ("model_not_found").
    """

    __slots__ = (
        *("at", "cache_read_tokens", "cache_write_tokens", "error", "input_tokens"),
        *("messages", "model", "output_tokens", "retry", "side"),
    )

    def __init__(
        self,
        at: str,
        model: "str | None" = None,
        side: bool = False,
        messages: int = 0,
        tokens: "tuple[int, int, int, int]" = (0, 0, 0, 0),
        error: "str | None" = None,
        retry: bool = False,
    ) -> None:
        self.at = at
        self.model = model
        self.side = side
        self.messages = messages
        self.input_tokens, self.output_tokens, self.cache_read_tokens, self.cache_write_tokens = tokens
        self.error = error
        self.retry = retry


def files(transcript_path: str) -> "list[str]":
    """The session's own transcript, which need not exist yet, then those of its subagents, sorted.

    Links are not followed: they lead to the transcripts of another session's agents, which are counted there.
    """
    agents = os.path.join(transcript_path[: -len(".jsonl")], "subagents") if transcript_path.endswith(".jsonl") else ""
    return [transcript_path, *sorted(_agents(agents))]


def read(
    path: str, position: "str | None", most_bytes: int = MOST_BYTES, *, not_before: "str | None" = None
) -> "tuple[list[Use], str, bool]":
    """What has come since `position` (None: the file's beginning), the position reached, and whether that is the end.

    About `most_bytes` are read; a line that has no end yet waits for the next time. A position is short ASCII text
    without anything of what was said. `not_before` is when the session was first seen, written like `Use.at`: what is
    older when the first line that is not comes by is history, which old clients copy into a fork without saying so,
    and which a session that was begun before it was watched has too.

    A file that is gone has nothing new. One that has been cut or rewritten is read again from its beginning, without
    what is not later than the latest line counted. Broken lines are passed over. Raises OSError.
    """
    progress = _Progress(position)
    uses: list[Use] = []
    try:
        with open(opened(path), "rb", buffering=0) as file:
            if progress.mark < 0 or progress.mark != _fingerprint(file, progress.offset):
                progress.start_over()
            reader = _Reader(file, progress, most_bytes)
            for line in reader.lines():
                use = _use(line, progress, not_before or "")
                if use is not None:
                    uses.append(use)
            progress.mark = _fingerprint(file, progress.offset)
    except FileNotFoundError:
        return [], progress.text(), True
    return uses, progress.text(), reader.at_end


def offset_of(position: "str | None") -> int:
    """How many bytes of a file lie before a position."""
    return _Progress(position).offset


class _Progress:
    """How far a transcript has been read, and what must be known of it to count the rest."""

    __slots__ = ("begun", "floor", "inside", "latest", "mark", "offset", "seen")

    def __init__(self, position: "str | None") -> None:
        known = _parse(position.encode("ascii", "replace")) if position else {}
        #: Just after the last line taken, in bytes; `inside` a line that is too long: after the part passed over.
        self.offset: int = _of(known, "offset", int, 0)
        self.inside: bool = _of(known, "inside", int, 0) == 1
        #: The fingerprint of what stands before it; less than 0: none.
        self.mark: int = _of(known, "mark", int, -1)
        #: The time of the latest line counted.
        self.latest: str = _of(known, "latest", str, "")
        #: Whether history is over; and up to when everything has been counted, in a file that was rewritten.
        self.begun: bool = _of(known, "begun", int, 0) == 1
        self.floor: str = _of(known, "floor", str, "")
        #: Answer -> what was counted for it, the least recent first.
        self.seen: dict[str, tuple[int, int, int, int]] = {
            answer: _four(counted if type(counted) is list and len(counted) == 4 else [0] * 4)
            for answer, counted in _of(known, "seen", dict, {}).items()
        }
        if not 0 <= self.offset <= sys.maxsize:  # no place in a file
            self.offset, self.mark = 0, -1

    def text(self) -> str:
        """The position as it is stored."""
        from claude_local_plugin.core.text import quoted as quote

        seen = ",".join(f"{quote(answer)}:[{a},{b},{c},{d}]" for answer, (a, b, c, d) in self.seen.items())
        return (
            f'{{"offset":{self.offset},"inside":{self.inside:d},"mark":{self.mark},"latest":{quote(self.latest)},'
            f'"begun":{self.begun:d},"floor":{quote(self.floor)},"seen":{{{seen}}}}}'
        )

    def start_over(self) -> None:
        """Back to the beginning of a file that is not the one that was read."""
        self.offset, self.inside = 0, False
        self.begun, self.floor = False, self.latest

    def is_history(self, at: str, not_before: str) -> bool:
        """Whether a line of that time is from before the session, or before the file was rewritten.

        Only until the first one that is not: were the clock set back after that, nothing would be lost.
        """
        if not self.begun:
            if at < not_before or (self.floor and at <= self.floor):
                return True
            self.begun = True
        return False

    def count(self, answer: str, tokens: "tuple[int, int, int, int]") -> "tuple[bool, tuple[int, int, int, int]]":
        """Whether an answer is new, and what its usage has grown by."""
        new = answer not in self.seen
        counted = self.seen.pop(answer, (0, 0, 0, 0))
        now = _pairwise(max, tokens, counted)
        self.seen[answer] = now
        if len(self.seen) > MOST_OPEN_ANSWERS:
            del self.seen[next(iter(self.seen))]
        return new, _pairwise(int.__sub__, now, counted)


class _Reader:
    """The whole lines of a file from where `progress` is, which it moves on with each of them."""

    def __init__(self, file: "FileIO", progress: _Progress, most_bytes: int) -> None:
        self.at_end = False
        self._file = file
        self._progress = progress
        self._most = max(1, most_bytes)
        #: The beginning of a line whose end has not been read.
        self._held: list[bytes] = []

    def lines(self) -> "Iterator[bytes]":
        """Every line but those that are too long; stops at the end, or when enough has been read."""
        progress = self._progress
        start = progress.offset
        self._file.seek(start)
        taken = 0
        while taken < self._most or progress.offset == start:
            piece = self._file.read(min(PIECE, self._most))
            if not piece:
                self.at_end = True
                return
            taken += len(piece)
            yield from self._whole_lines(piece)

    def _whole_lines(self, piece: bytes) -> "Iterator[bytes]":
        progress = self._progress
        begin = 0
        while True:
            end = piece.find(b"\n", begin)
            if end < 0:
                break
            line = b"".join([*self._held, piece[begin:end]]) if self._held else piece[begin:end]
            self._held.clear()
            passed_over = progress.inside
            progress.inside = False
            progress.offset += len(line) + 1
            if not passed_over and len(line) <= LONGEST_LINE:
                yield line
            begin = end + 1
        self._hold(piece[begin:])

    def _hold(self, rest: bytes) -> None:
        """Keeps the beginning of a line, or moves on inside of one that is too long."""
        progress = self._progress
        if rest:
            self._held.append(rest)
        size = sum(map(len, self._held))
        if progress.inside or size > LONGEST_LINE:
            progress.inside = True
            progress.offset += size
            self._held.clear()


def _use(line: bytes, progress: _Progress, not_before: str) -> "Use | None":
    """What a line adds; None for most of them, which are told by their bytes before anything is parsed."""
    if b'"api_error"' not in line and not (b'"usage"' in line and b'"assistant"' in line):
        return None
    entry = _parse(line)
    at = entry.get("timestamp")
    if not isinstance(at, str) or len(at) != 24 or at[10] != "T" or at[23] != "Z" or _is_copied(entry):
        return None
    use = None
    if entry.get("type") == "system" and entry.get("subtype") == "api_error":
        use = Use(at, side=_is_side(entry), retry=True)
    elif entry.get("type") == "assistant":
        told = entry.get("isApiErrorMessage") is True
        use = Use(at, side=_is_side(entry), error=_error(entry)) if told else _answer(entry, at, progress)
    if use is None or progress.is_history(at, not_before):
        return None
    progress.latest = max(progress.latest, at)
    return use


def _answer(entry: "dict[str, Any]", at: str, progress: _Progress) -> "Use | None":
    """What a line of an answer adds; None when its usage has been counted, or the client itself speaks in it."""
    message = entry.get("message")
    if not isinstance(message, dict):
        return None
    model, usage = message.get("model"), message.get("usage")
    if model == "<synthetic>" or not isinstance(usage, dict):
        return None
    new, tokens = progress.count(_called(entry, message), _four([usage.get(name) for name in TOKENS]))
    if not new and not any(tokens):
        return None
    requested = entry.get("requestedModel")
    name = requested if isinstance(requested, str) and requested else model
    return Use(at, name if isinstance(name, str) and name else None, _is_side(entry), int(new), tokens)


def _is_copied(entry: "dict[str, Any]") -> bool:
    """Whether a line was first written elsewhere: in the session that this one was forked from, or by the parent of
    a forked subagent, whose transcript opens with the parent's call while any other opens with a prompt.
    """
    origin = entry.get("requestSessionId")
    forked = entry.get("forkedFrom")
    if not isinstance(origin, str) and isinstance(forked, dict):
        origin = forked.get("sessionId")
    if isinstance(origin, str) and origin != entry.get("sessionId"):
        return True
    return _is_side(entry) and entry.get("type") == "assistant" and entry.get("parentUuid", "") is None


def _is_side(entry: "dict[str, Any]") -> bool:
    return entry.get("isSidechain") is True


def _called(entry: "dict[str, Any]", message: "dict[str, Any]") -> str:
    """The answer that a line belongs to: some servers give every answer the same id, but each has its own request."""
    names = [name[:80] for name in (message.get("id"), entry.get("requestRef")) if isinstance(name, str) and name]
    return " ".join(names) or str(entry.get("uuid"))[:80]


def _error(entry: "dict[str, Any]") -> str:
    """The client's word for an error, or the status; nothing that might be a sentence."""
    word = entry.get("error")
    if isinstance(word, str) and word.isascii() and word.replace("_", "").isalnum() and len(word) <= 40:
        return word
    status = entry.get("apiErrorStatus")
    return str(status) if isinstance(status, int) and 100 <= status < 600 else "unknown"


def _four(counts: "Sequence[object]") -> "tuple[int, int, int, int]":
    """Four counts of tokens; what is no sensible number counts as nothing."""
    a, b, c, d = (count if type(count) is int and 0 <= count <= MOST_TOKENS else 0 for count in counts)
    return a, b, c, d


def _pairwise(function: "Any", a: "tuple[int, ...]", b: "tuple[int, ...]") -> "tuple[int, int, int, int]":
    one, two, three, four = map(function, a, b)
    return one, two, three, four


def _of(known: "dict[str, Any]", name: str, kind: type, otherwise: "Any") -> "Any":
    """The member of that name when it is of this very type: True is no number here."""
    value = known.get(name)
    return value if type(value) is kind else otherwise


def _parse(line: bytes) -> "dict[str, Any]":
    """The object in a line; an empty one when it is broken."""
    from claude_local_plugin.core.text import json_object

    try:
        return json_object(line)
    except (ValueError, RecursionError):  # a torn line, or nested beyond reason: there is nothing to be counted in it
        return {}


def _fingerprint(file: "FileIO", offset: int) -> int:
    """What the bytes before `offset` come to; -1 when the file does not reach so far."""
    from binascii import crc32

    begin = max(0, offset - MARK_BYTES)
    file.seek(begin)
    before = file.read(offset - begin)
    return crc32(before) if len(before) == offset - begin else -1


def _agents(folder: str) -> "Iterator[str]":
    """The subagents' transcripts in a folder and in those below it: a workflow's agents have one of their own."""
    try:
        entries = list(os.scandir(folder)) if folder else []
    except (FileNotFoundError, NotADirectoryError):  # a session without subagents
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _agents(entry.path)
        elif entry.is_file(follow_symlinks=False) and entry.name.startswith("agent-") and entry.name.endswith(".jsonl"):
            yield entry.path
