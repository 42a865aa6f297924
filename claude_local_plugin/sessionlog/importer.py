"""Puts what hooks have written and what transcripts tell into the log: for commands that read it, and as sessions end.

How far a file has been read stands in the log and moves in the transaction that adds what was read. So it may run
twice, be killed anywhere, or run beside another one: nothing counts twice and nothing is lost. It raises nothing: a log
that cannot be brought up to date is still worth reading as it is, and what went wrong is in the log of faults.
"""

import os
import sys
import time

from claude_local_plugin.core import faults, processes, text
from claude_local_plugin.core.files import opened
from claude_local_plugin.sessionlog import journal, maintenance, spans, spool, store, token_import

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence
    from typing import Any

    from claude_local_plugin.sessionlog.transcript import Use

#: A file that nobody has written to for so long, in seconds, is no more being written: no hook lives that long.
QUIET_S = 60.0
#: So much of a journal goes in at a time, in bytes.
PIECE_BYTES = 4 * 1024 * 1024
#: A file that is larger is none of ours: a line for each turn of a year comes to less.
MOST_JOURNAL_BYTES = 256 * 1024 * 1024
#: So much is read at one look of transcripts that have much that is new, in bytes; the next one goes on from there.
MOST_BYTES = 512 * 1024 * 1024
#: Besides the open sessions, the transcripts of so many of the newest are looked at: an answer may come last.
RECENT = 100
#: And of so many of those whose end had to be spooled: the hook that heard of it had no time to count.
SPOOLED = 1000
#: How often what is old is taken away, in seconds, and at most how many sessions at a time.
TIDY_S = 24 * 60 * 60.0
MOST_FORGOTTEN = 1000

#: This file in the journal's folder says when what is old was taken away last.
TIDIED = ".tidied"

#: What a record must hold in text, and what all of a record may be.
_NEEDED = ("session_id", "at", "event", "backend_kind")
_DIGITS = "0123456789"
_POSITION = "SELECT head, position FROM journals WHERE name = ?"


def run(state_dir: str, environ: "Mapping[str, str]", patience: float, *, quick: bool = False) -> None:
    """Brings the log up to date. With `quick` only what hooks have written since is put in."""
    try:
        sqlite = store.engine()
        for _ in range(3):
            try:
                with _Import(state_dir, environ, patience) as one:
                    one.run(quick=quick)
                    return
            except store.DamagedLogError as fault:
                faults.note_fault(state_dir, f"{fault}; {store.set_aside(state_dir, fault.file)}")
            except store.MovedLogError:
                continue  # there is a new one by now
    except ImportError:
        faults.note_fault(state_dir, "the log stays as it is: this Python has no sqlite3")
    except sqlite.Error as fault:
        faults.note_fault(state_dir, f"the log stays as it is: {store.unusable(fault)}")
    except (store.LogUnusableError, OSError) as fault:
        faults.note_fault(state_dir, f"the log stays as it is: {fault}")


def unread(state_dir: str, read_to: "Mapping[str, tuple[str, int]]") -> "list[os.DirEntry[str]]":
    """The journals with something in them that is not in the log, the oldest first."""
    found = [entry for entry in journals(state_dir) if read_to.get(entry.name, ("", 0))[1] != entry.stat().st_size]
    return sorted(found, key=lambda entry: entry.stat().st_mtime)


def journals(state_dir: str) -> "list[os.DirEntry[str]]":
    """The files of open sessions, and of those whose end nobody has read yet."""
    try:
        with os.scandir(os.path.join(state_dir, journal.FOLDER)) as entries:
            return [entry for entry in entries if entry.name.endswith(journal.SUFFIX) and entry.is_file()]
    except OSError:
        return []  # no hook has written anything yet


def known(state_dir: str, patience: float = store.BUSY_S) -> "dict[str, tuple[str, int]]":
    """How far each journal is in the log: its head and the place in it.

    Nothing where there is no log, or none that can tell: whoever then writes to it brings it up to date, or is told
    what is wrong with it.
    """
    if not os.path.exists(os.path.join(state_dir, store.DATABASE)):
        return {}
    sqlite = store.engine()
    try:
        reader = _reader(state_dir, patience)
        try:
            return _positions(reader)
        finally:
            reader.close()
    except (sqlite.Error, store.LogUnusableError):
        return {}


def _positions(log: "sqlite3.Connection") -> "dict[str, tuple[str, int]]":
    return {name: (head, at) for name, head, at in log.execute("SELECT name, head, position FROM journals")}


def _reader(state_dir: str, patience: float) -> "sqlite3.Connection":
    path = os.path.join(state_dir, store.DATABASE)
    store.check_kind(path)
    address = store.address(path, "ro")
    reader: sqlite3.Connection = store.engine().connect(address, timeout=patience, isolation_level=None, uri=True)
    return reader


class Piece:
    """What is read of a journal in one go: whole lines, up to the place `end`.

    `records` holds None for a line that cannot be understood; `newer` lines of a later format follow, unread.
    """

    __slots__ = ("at_end", "end", "head", "newer", "records")

    def __init__(self, head: str, end: int) -> None:
        self.head = head
        self.end = end
        self.records: list[dict[str, Any] | None] = []
        self.newer = False
        self.at_end = True


def read(path: str, head: str, position: int) -> Piece:
    """The next lines of a journal after `position`, or from its beginning where it is not the file that had `head`.

    A line without an end waits, unless its writer must be gone. Raises OSError.
    """
    file = opened(path)
    try:
        status = os.fstat(file)
        if status.st_size > MOST_JOURNAL_BYTES:
            raise OSError(f"{path} is no journal: {status.st_size:,} bytes")
        begin = os.read(file, 2 * journal.MOST_LINE_BYTES)
        now = _head(begin)
        piece = Piece(now, position if now == head and position <= status.st_size else 0)
        os.lseek(file, piece.end, os.SEEK_SET)
        content = os.read(file, PIECE_BYTES)
    finally:
        os.close(file)
    whole = content.rfind(b"\n") + 1
    if len(content) == PIECE_BYTES:
        piece.at_end = False
        whole = whole or len(content)  # no line is so long
    elif time.time() - status.st_mtime > QUIET_S:
        whole = len(content)  # what has no end by now will have none
    for line in content[:whole].split(b"\n"):
        if line:
            record = _record(line)
            if record is not None and record["format"] > journal.FORMAT:
                piece.newer = piece.at_end = True
                return piece
            piece.records.append(record)
        piece.end += len(line) + 1
    # the last of the split has no line feed after it
    piece.end -= 1
    return piece


def _head(begin: bytes) -> str:
    """What a journal is known by: its first line, as a checksum."""
    from binascii import crc32

    return f"{crc32(begin[: begin.find(10, 1) + 1]):08x}"


def _record(line: bytes) -> "dict[str, Any] | None":
    """The record in a line; of a newer format whatever it is. None for what is no record."""
    import json

    try:
        record = json.loads(line.decode("utf-8"))
        if type(record["format"]) is int and record["format"] > journal.FORMAT:
            return {"format": record["format"]}
        sound = type(record["format"]) is int and all(isinstance(record[name], str) for name in _NEEDED)
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    values = (value for name, value in record.items() if name in store.FIELDS)
    if not sound or not _is_moment(record["at"]) or not all(map(_is_plain, values)):
        return None
    return dict(record)


def _is_moment(text: str) -> bool:
    marks = "".join(letter for letter in text if letter not in _DIGITS)
    return len(text) == 24 and marks == "--T::.Z" and "01" <= text[5:7] <= "12" and "01" <= text[8:10] <= "31"


def _is_plain(value: object) -> bool:
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return value is None or isinstance(value, (str, float))


class _Import:
    """One run: what it knows, and the log opened for writing by the first who needs that."""

    def __init__(self, state_dir: str, environ: "Mapping[str, str]", patience: float) -> None:
        self._state_dir, self._environ, self._patience = state_dir, environ, patience
        self._left = MOST_BYTES
        self._writer: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        #: Which file the log is, for one that turns out to be damaged while it is only asked.
        self._seen = store.identity(state_dir)

    def __enter__(self) -> "_Import":
        return self

    def __exit__(self, _kind: object, fault: "BaseException | None", _trace: object) -> None:
        if self._writer is None:
            if isinstance(fault, store.engine().DatabaseError):
                complaint = store.unusable(fault)
                if isinstance(complaint, store.DamagedLogError) and journals(self._state_dir):
                    complaint.file = self._seen
                    raise complaint from None
            return
        if isinstance(fault, store.engine().DatabaseError):
            raise store.given_up(self._writer, fault, self._state_dir, self._file) from None
        if not isinstance(fault, store.MovedLogError):
            self._writer.close()

    def run(self, *, quick: bool) -> None:
        began = time.time()
        at = known(self._state_dir, self._patience)
        if not at:
            self._bring_back()
        waiting = unread(self._state_dir, at)
        if spool.spooled(self._state_dir):
            spool.take_in(self._log(), self._state_dir)
        for entry in waiting:
            self._take(entry)
        if waiting:
            _touch(os.path.join(self._state_dir, journal.FOLDER, journal.STAMP), began)
        if quick or not os.path.exists(os.path.join(self._state_dir, store.DATABASE)):
            return
        self._catch_up()
        self._put_away(began)
        self._tidy_up(began)

    def _log(self) -> "sqlite3.Connection":
        if self._writer is None:
            self._writer, self._file = store.open_file(self._state_dir, self._patience)
        return self._writer

    def _reader(self) -> "sqlite3.Connection":
        """The log to be asked, without opening it for writing; raises SQLite's complaint."""
        return self._writer or _reader(self._state_dir, self._patience)

    def _ask(self, question: str, values: "Mapping[str, object] | Sequence[object]" = ()) -> "list[Any]":
        reader = self._reader()
        try:
            return reader.execute(question, values).fetchall()
        finally:
            if reader is not self._writer:
                reader.close()

    def _bring_back(self) -> None:
        """Has a log that knows of no journal made of all that are kept: it is new, the old one was set aside."""
        folder = os.path.join(self._state_dir, journal.FOLDER)
        try:
            names = os.listdir(os.path.join(folder, journal.DONE))
        except OSError:
            return  # nothing was ever put away
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith(journal.SUFFIX) and not os.path.lexists(path):
                _rename(journal.done_path(path), path)

    # --- journals

    def _take(self, entry: "os.DirEntry[str]") -> None:
        """Puts a journal's new lines in, piece by piece."""
        log = self._log()
        while True:
            row = log.execute(_POSITION, (entry.name,)).fetchone()
            head, position = row or ("", 0)
            try:
                piece = read(entry.path, head, position)
            except FileNotFoundError:
                return  # another one has put it away
            except OSError as fault:
                faults.note_fault(self._state_dir, f"journal: {fault}")
                return
            if (piece.head, piece.end) == (head, position):
                return
            news = self._news(log, [record for record in piece.records if record])
            store.begin(log, self._state_dir, self._file)
            try:
                if log.execute(_POSITION, (entry.name,)).fetchone() != row:
                    continue  # another process has read on meanwhile
                broken = self._insert(log, piece, news, entry.name)
                if broken:
                    said = f"{broken} line{'' if broken == 1 else 's'} of {entry.name} cannot be read: passed over"
                    faults.note_fault(self._state_dir, f"journal: {said}")
                log.execute("COMMIT")
                store.check_unmoved(log, self._state_dir, self._file)
            finally:
                store.roll_back(log)
            if piece.at_end:
                return

    def _news(
        self, log: "sqlite3.Connection", records: "Sequence[Mapping[str, Any]]"
    ) -> "dict[str, list[token_import.News]]":
        """What is new in the transcripts of these records' sessions."""
        news = {}
        for session_id in dict.fromkeys(record["session_id"] for record in records):
            own = [record for record in records if record["session_id"] == session_id]
            path = self._transcript(log, session_id, own)
            if path is None or self._left <= 0:
                continue
            try:
                found = token_import.read(log, session_id, path, self._left, at=min(record["at"] for record in own))
            except OSError as fault:
                faults.note_fault(self._state_dir, f"the tokens of a session are not counted: {fault}")
                continue
            self._left -= sum(file.read_bytes for file in found)
            news[session_id] = found
        return news

    def _transcript(
        self, log: "sqlite3.Connection", session_id: str, records: "Sequence[Mapping[str, Any]]"
    ) -> "str | None":
        """The session's transcript: as it was told, or, where paths are not to be stored, found below Claude Code's own
        folder by the session's id.
        """
        told = [record["transcript_path"] for record in records if record.get("transcript_path")]
        if not told:
            row = log.execute("SELECT transcript_path FROM sessions WHERE session_id = ?", (session_id,)).fetchone()
            told = [row[0]] if row and row[0] else []
        if told:
            return str(told[-1])
        if not any(record["event"] in store.COUNTED for record in records):
            return None
        return found_transcript(session_id, self._environ)

    def _insert(
        self, log: "sqlite3.Connection", piece: Piece, news: "Mapping[str, list[token_import.News]]", name: str
    ) -> int:
        """Adds the records in their order, each answer of a transcript before the first one that came after it; how
        many lines could not be added.
        """
        broken = 0
        uses: dict[str, list[Use]] = {}
        numbers: dict[str, int] = {}
        for record in piece.records:
            if record is None:
                broken += 1
                continue
            session_id = record["session_id"]
            if session_id not in numbers:
                row = log.execute("SELECT id FROM sessions WHERE session_id = ?", (session_id,)).fetchone()
                if row:
                    numbers[session_id] = row[0]
                    uses[session_id] = token_import.take(log, row[0], news.get(session_id, ()))
            number = numbers.get(session_id)
            if number is not None and not spans.is_in_doubt(log, number):
                _count_before(log, number, uses[session_id], record["at"])
            log.execute("SAVEPOINT line")
            try:
                numbers[session_id] = store.insert(log, record)
            except (store.engine().IntegrityError, store.engine().DataError, OverflowError):
                log.execute("ROLLBACK TO line")
                broken += 1
            log.execute("RELEASE line")
            if number is None and session_id in numbers:
                uses[session_id] = token_import.take(log, numbers[session_id], news.get(session_id, ()))
        for session_id, number in numbers.items():
            spans.count(log, number, uses[session_id])
        log.execute(
            "INSERT INTO journals (name, head, position, session) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
            " head = excluded.head, position = excluded.position, session = coalesce(excluded.session, session)",
            (name, piece.head, piece.end, next(reversed(list(numbers.values())), None)),
        )
        return broken

    # --- what no hook was there to see

    def _catch_up(self) -> None:
        """Counts what is unread in the transcripts of this machine's sessions, the open ones and those that ended
        lately, then closes those whose process is gone.
        """
        host = None if sys.platform == "win32" else journal.this_host()
        if host is None:
            return
        for number, session_id, path in self._candidates(host):
            self._read_on(number, session_id, path)
        running = self._ask(
            "SELECT client_pid, last_seen_at FROM sessions"
            " WHERE ended_at IS NULL AND host = ? AND client_pid IS NOT NULL",
            (host,),
        )
        if any(not processes.is_alive(process, seen) for process, seen in running):
            maintenance.close_dead(self._log(), host)

    def _candidates(self, host: str) -> "list[tuple[int, str, str]]":
        """The sessions whose transcript may have news: number, id and the file's path."""
        return self._ask(
            "SELECT id, session_id, transcript_path FROM sessions"
            " WHERE host = :host AND ended_at IS NULL AND transcript_path IS NOT NULL"
            " UNION SELECT id, session_id, transcript_path FROM"
            " (SELECT * FROM sessions ORDER BY started_at DESC LIMIT :recent)"
            " WHERE host = :host AND transcript_path IS NOT NULL"
            " UNION SELECT id, session_id, transcript_path FROM sessions"
            " WHERE host = :host AND transcript_path IS NOT NULL"
            " AND id IN (SELECT session FROM events WHERE spooled_as IS NOT NULL AND event = 'SessionEnd'"
            " ORDER BY spooled_as DESC LIMIT :spooled)",
            {"host": host, "recent": RECENT, "spooled": SPOOLED},
        )

    def _read_on(self, number: int, session_id: str, path: str) -> None:
        """Counts what is unread of one session, a bounded piece at a time: one, and more as long as there is room."""
        while True:
            reader = self._reader()
            try:
                news = token_import.read(reader, session_id, path)
            except OSError:
                return  # it may be read again one day; until then what is counted is counted
            finally:
                if reader is not self._writer:
                    reader.close()
            if not news:
                return
            log = self._log()
            store.begin(log, self._state_dir, self._file)
            try:
                token_import.add(log, number, news)
                log.execute("COMMIT")
            finally:
                store.roll_back(log)
            self._left -= sum(file.read_bytes for file in news)
            if all(file.at_end for file in news) or self._left <= 0:
                return

    # --- order

    def _put_away(self, now: float) -> None:
        """Moves the files of ended sessions aside that are in the log and that nobody is writing to."""
        quiet = [entry for entry in journals(self._state_dir) if now - entry.stat().st_mtime > QUIET_S]
        ended = [entry for entry in quiet if self._is_over(entry)]
        if not ended:
            return
        # what is in the log has to outlive the machine, for these files are not looked at again
        self._log().execute("PRAGMA wal_checkpoint")
        folder = os.path.join(self._state_dir, journal.FOLDER, journal.DONE)
        os.makedirs(folder, 0o700, exist_ok=True)
        for entry in ended:
            done = journal.done_path(entry.path)
            if not os.path.exists(done):
                _rename(entry.path, done)
                self._take_late(entry, done)

    def _is_over(self, entry: "os.DirEntry[str]") -> bool:
        row = self._ask(
            "SELECT position, sessions.id, ended_at FROM journals LEFT JOIN sessions ON sessions.id = session"
            " WHERE name = ?",
            (entry.name,),
        )
        if not row or row[0][0] != entry.stat().st_size:
            return False
        _, session, ended_at = row[0]
        silent = time.time() - entry.stat().st_mtime
        return session is None or ended_at is not None or silent > maintenance.NOTED_S  # of another machine, perhaps

    def _take_late(self, entry: "os.DirEntry[str]", done: str) -> None:
        """Brings a file back that somebody has written to while it was put away."""
        if os.stat(done).st_size != entry.stat().st_size and not os.path.lexists(entry.path):
            _rename(done, entry.path)

    def _tidy_up(self, now: float) -> None:
        """Once a day: takes away what is older than the user wants it, and what nobody needs."""
        stamp = os.path.join(self._state_dir, journal.FOLDER, TIDIED)
        try:
            if 0 <= now - os.stat(stamp).st_mtime < TIDY_S:
                return
        except FileNotFoundError:
            if not os.path.isdir(os.path.dirname(stamp)):
                return  # no hook of this version was ever here
        from claude_local_plugin.core import config
        from claude_local_plugin.sessionlog import pushing

        settings = config.load(self._state_dir, self._environ)
        if settings.log_retention_days:
            before = text.now(now - settings.log_retention_days * 86400)
            spared = pushing.unsent(self._state_dir, self._environ)
            maintenance.forget(self._log(), self._state_dir, before, MOST_FORGOTTEN, spared=spared)
        if settings.log_journal_days:
            self._remove_old(now - settings.log_journal_days * 86400)
        maintenance.sweep(self._state_dir)
        _touch(stamp, now)

    def _remove_old(self, before: float) -> None:
        """Removes files that were put away so long ago; one that is not in the log to its end is brought back."""
        read_to = _positions(self._log())
        try:
            with os.scandir(os.path.join(self._state_dir, journal.FOLDER, journal.DONE)) as entries:
                old = [entry for entry in entries if entry.is_file() and entry.stat().st_mtime < before]
        except FileNotFoundError:
            return  # nothing was ever put away
        for entry in old:
            path = os.path.join(self._state_dir, journal.FOLDER, entry.name)
            if entry.name in read_to and read_to[entry.name][1] != entry.stat().st_size:
                if not os.path.lexists(path):
                    _rename(entry.path, path)
                continue
            os.unlink(entry.path)
            if not os.path.lexists(path):
                self._log().execute("DELETE FROM journals WHERE name = ?", (entry.name,))


def _count_before(log: "sqlite3.Connection", session: int, uses: "list[Use]", at: str) -> None:
    """Counts the uses, which are in the order of time, up to that moment and takes them off the list."""
    count = 0
    while count < len(uses) and uses[count].at < at:
        count += 1
    if count:
        spans.count(log, session, uses[:count])
        del uses[:count]


def found_transcript(session_id: str, environ: "Mapping[str, str]") -> "str | None":
    """A session's transcript below Claude Code's own folder, which has a folder there for each project."""
    plain = session_id.replace("-", "")
    if not (plain.isalnum() and plain.isascii()):
        return None
    home = environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")
    projects = os.path.join(environ.get("CLAUDE_CONFIG_DIR") or os.path.join(home, ".claude"), "projects")
    try:
        with os.scandir(projects) as entries:
            paths = [os.path.join(entry.path, f"{session_id}.jsonl") for entry in entries if entry.is_dir()]
    except OSError:
        return None
    return next((path for path in paths if os.path.exists(path)), None)


def _rename(old: str, new: str) -> None:
    try:
        os.rename(old, new)
    except OSError:
        return  # another one was faster, or (on Windows) somebody has it open: the next one tries again


def _touch(path: str, moment: float) -> None:
    """Says in a file's time of change when something was done; a second early, for file systems count coarsely."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        os.utime(path, (moment - 1, moment - 1))
    except OSError:
        return  # it is done once more, which does no harm
