"""Settings files on disk: read as they are, replaced whole, never torn; the only module that touches them.

A reader sees the old file or the new one. A write goes to the end of every link, keeps the file's mode and
owner, is on disk before it counts, and starts again if somebody else changed the file meanwhile.
"""

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from claude_local_plugin.core.files import content
from claude_local_plugin.errors import SettingsError

#: How long to wait for another claude-local that is writing the same file, in seconds.
LOCK_SECONDS: Final = 30.0

#: How often to start again because somebody changes the file while it is being edited.
ATTEMPTS: Final = 20

#: A new file may hold a token, so nobody else may read it.
NEW_FILE_MODE: Final = 0o600

#: What a new file is called for the instant before it takes its place: `.settings.json.claude-local-new`.
#: Under the lock there is one writer, so a file of this name that is already there was left by a killed one.
_NEW_SUFFIX: Final = ".claude-local-new"

#: What opening a nameless file answers where there are none: kernel or file system cannot.
_NO_NAMELESS_FILES: Final = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT)

Transform = Callable[[str | None], str | None]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What a rewrite found and left (None: no file), and the file at the end of all links."""

    before: str | None
    after: str | None
    target: Path

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return self.before != self.after


def read(path: Path) -> str | None:
    """The file's text, None if there is none (also behind a dangling link).

    Bytes that are not UTF-8 become lone surrogates and a byte order mark stays the first character, so that
    writing the text gives the same bytes. Raises SettingsError if it cannot be read.
    """
    content = _content(path)
    return None if content is None else _decoded(content)


def resolve(path: Path) -> Path:
    """The file that a write to `path` means: the end of every link, whether there is a file or not.

    Raises SettingsError for links that go in a circle.
    """
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise SettingsError(f"{path}: links that go in a circle")
    return target


def identity(target: Path) -> str:
    """A name for a resolved file that can itself be a file name: 64 hexadecimal digits."""
    return hashlib.sha256(os.fsencode(target)).hexdigest()


def missing_folders(target: Path) -> tuple[Path, ...]:
    """The folders above `target` that do not exist, innermost first."""
    missing = []
    for folder in target.parents:
        if os.path.lexists(folder):
            break
        missing.append(folder)
    return tuple(missing)


def private_folder(folder: Path) -> None:
    """Make a folder, where missing, that only its owner may look into; raises SettingsError if that cannot be.

    The same for those above it, as the XDG Base Directory Specification asks.
    """
    try:
        for missing in (*reversed(missing_folders(folder)), folder):
            missing.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _failure(folder, "this folder cannot be made", error) from error


def remove_empty(folders: Sequence[Path]) -> None:
    """Take away folders, innermost first, as far as they are empty."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:  # something else lives there, or it is gone already: either way no longer ours to remove
            return


def other_names(target: Path) -> int:
    """How many other names (hard links) the file has; a write replaces it under this name alone."""
    try:
        return target.stat().st_nlink - 1
    except OSError:  # not there, or not ours to see: then there is nothing to cut off
        return 0


def leftover(target: Path) -> bool:
    """Whether a killed writer left something beside a resolved file; the next `replace` takes it away."""
    return os.path.lexists(_new_name(target))


def rewrite(path: Path, transform: Transform, *, lock_dir: Path) -> Rewritten:
    """Replace the text of a settings file by `transform(text)`, atomically and durably.

    `transform` gets the text (None: no file) and gives the new one (None: no file); it may be called several
    times, each time with what the file holds then, and only its last answer counts. Nothing at all is written, no
    lock either, if its first answer is the text itself. Raises SettingsError, the old file being intact; what
    `transform` raises passes through.
    """
    target = resolve(path)
    before = read(target)
    if transform(before) == before and not leftover(target):
        return Rewritten(before, before, target)
    with locked(target, lock_dir):
        return replace(target, transform)


@contextlib.contextmanager
def locked(target: Path, lock_dir: Path) -> Iterator[None]:
    """Keep every other claude-local from writing `target` meanwhile; waits for one that does.

    Raises SettingsError if that takes longer than LOCK_SECONDS or the lock cannot be made.
    """
    import filelock  # here, since it costs more to import than reading settings does

    lock_file = lock_dir / f"{identity(target)}.lock"
    private_folder(lock_dir)
    try:
        # private, as the folder is; with other modes some versions leave a probe beside it when they are killed
        lock = filelock.FileLock(lock_file, timeout=LOCK_SECONDS, mode=0o600)
        lock.acquire()
    except filelock.Timeout:
        raise SettingsError(
            f"{target}: another claude-local has been writing this file for {LOCK_SECONDS:.0f} seconds",
            hint=f"end it and try again; it holds {lock_file}",
        ) from None
    except OSError as error:
        raise _failure(lock_file, "cannot be locked", error) from error
    try:
        yield
    finally:
        lock.release()


def replace(target: Path, transform: Transform) -> Rewritten:
    """What `rewrite` does, for a caller that holds the lock of a resolved file."""
    for _ in range(ATTEMPTS):
        old = _content(target)
        before = None if old is None else _decoded(old)
        after = transform(before)
        with _errors(target):
            _sweep(target)
            if after == before or _put(target, old, None if after is None else _encoded(after)):
                return Rewritten(before, after, target)
    raise SettingsError(f"{target}: the file keeps changing while it is being edited", hint="try again in a moment")


def _put(target: Path, old: bytes | None, new: bytes | None) -> bool:
    """Make `new` the file's content if it still is `old`; whether it was."""
    if new is None:
        if _content(target) != old:
            return False
        target.unlink()
        _sync_folder(target.parent)
        return True
    _make_folders(target)
    with _Staged(target, new) as staged:
        if _content(target) != old:
            return False
        done = staged.create() if old is None else staged.replace()
    _sync_folder(target.parent)
    return done


class _Staged:
    """A complete new file, on disk and not yet in its place; leaving the `with` block takes it away if still so.

    Where the system has files without a name (Linux), it has none until the instant in which it takes its place,
    so that a killed process leaves nothing behind.
    """

    def __init__(self, target: Path, content: bytes) -> None:
        self.target = target
        self.content = content
        self.new = _new_name(target)
        self.folder: int | None = None
        self.file: int | None = None

    def __enter__(self) -> "_Staged":
        try:
            self._open_nameless()
            descriptor = self.file if self.file is not None else self._open_named()
            try:
                self._fill(descriptor)
            finally:
                if self.file is None:
                    os.close(descriptor)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def create(self) -> bool:
        """Take the place of no file; False if there is one by now."""
        if self.file is None:
            return self.replace()
        try:
            self._link(self.target.name)
        except FileExistsError:
            return False
        return True

    def replace(self) -> bool:
        """Take the place of the old file."""
        if self.file is not None:
            self._link(self.new.name)
        self.new.replace(self.target)
        return True

    def _open_nameless(self) -> None:
        if not hasattr(os, "O_TMPFILE"):
            return
        self.folder = os.open(self.target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.file = os.open(self.target.parent, os.O_TMPFILE | os.O_WRONLY, NEW_FILE_MODE)
        except OSError as error:
            if error.errno not in _NO_NAMELESS_FILES:
                raise
            return
        if not Path(self._link_source()).exists():  # no /proc here, so it could never get a name
            os.close(self.file)
            self.file = None

    def _open_named(self) -> int:
        return os.open(self.new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), NEW_FILE_MODE)

    def _fill(self, descriptor: int) -> None:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(self.content)
        self._take_after_old(descriptor)
        os.fsync(descriptor)

    def _take_after_old(self, descriptor: int) -> None:
        """Give the new file the old one's owner, where the system lets us, and its mode."""
        try:
            old = self.target.stat()
        except FileNotFoundError:
            return
        if not hasattr(os, "fchown"):
            return
        mine = os.fstat(descriptor)
        for owner, group in ((old.st_uid, -1), (-1, old.st_gid)):
            if owner not in (-1, mine.st_uid) or group not in (-1, mine.st_gid):
                with contextlib.suppress(PermissionError):  # only root gives files away
                    os.fchown(descriptor, owner, group)
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode))  # after the owner, since changing that clears bits
        self._take_attributes(descriptor)  # after the mode, since an access control list has the last word on it

    def _take_attributes(self, descriptor: int) -> None:
        """Give the new file the old one's extended attributes, access control lists among them.

        Those that only the system may set (`security.…`, `trusted.…`) it sets by itself, as for every new file.
        """
        if not hasattr(os, "listxattr"):
            return
        try:
            names = os.listxattr(self.target)
        except OSError as error:
            if error.errno != errno.ENOTSUP:
                raise
            return
        for name in names:
            try:
                os.setxattr(descriptor, name, os.getxattr(self.target, name))
            except OSError:
                if not name.startswith(("security.", "trusted.")):
                    raise

    def _link_source(self) -> str:
        return f"/proc/self/fd/{self.file}"

    def _link(self, name: str) -> None:
        # Given a folder's descriptor Python calls linkat, which follows the link in /proc; plain link would not.
        os.link(self._link_source(), name, dst_dir_fd=self.folder, follow_symlinks=True)

    def _close(self) -> None:
        for descriptor in (self.file, self.folder):
            if descriptor is not None:
                os.close(descriptor)
        self.new.unlink(missing_ok=True)


def _make_folders(target: Path) -> None:
    """Make the folders above a file where they are missing."""
    for folder in reversed(missing_folders(target)):
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _new_name(target: Path) -> Path:
    return target.with_name(f".{target.name}{_NEW_SUFFIX}")


def _sweep(target: Path) -> None:
    """Take away what a killed writer may have left beside the file; the caller holds the lock."""
    _new_name(target).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the folder's new entry durable; where folders cannot be opened (Windows) the system sees to it."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _content(path: Path) -> bytes | None:
    try:
        return content(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno in (errno.EISDIR, errno.EINVAL, errno.ENXIO):  # ENXIO: a socket
            what = "a folder" if error.errno == errno.EISDIR else "not a regular file"
            raise SettingsError(f"{path}: {what}, where a settings file should be") from error
        raise _failure(path, "cannot be read", error) from error


def _decoded(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@contextlib.contextmanager
def _errors(target: Path) -> Iterator[None]:
    """Turn the system's refusals into errors for people."""
    try:
        yield
    except OSError as error:
        raise _failure(target, "cannot be written", error) from error


_HINTS: Final = {
    errno.EACCES: "look at the owner and mode of the file and of its folder",
    errno.EPERM: "look at owner and mode of the file and of its folder, and whether one may not be changed (lsattr)",
    errno.EROFS: "its file system is mounted read-only",
    errno.ENOSPC: "make room on the disk and try again",
    errno.EDQUOT: "make room on the disk and try again",
}


def _failure(path: Path, what: str, error: OSError) -> SettingsError:
    reason = (error.strerror or str(error)).lower()
    if error.errno == errno.ELOOP:
        reason = "links that go in a circle"
    return SettingsError(f"{path}: {what}: {reason}", hint=_HINTS.get(error.errno or 0))
