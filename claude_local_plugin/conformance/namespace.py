"""Inside namespaces of our own: loopback that is up, an /etc with our name server, and nothing left running."""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
from pathlib import Path


def end_group(group: int) -> None:
    """Stop whatever is left of a run."""
    with contextlib.suppress(ProcessLookupError):  # the usual case: nothing is
        os.killpg(group, signal.SIGKILL)


def emptied(folder: Path) -> None:
    """Remove what is in the folder."""
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def loopback_up() -> None:
    """Bring up `lo`, which is down in a new network namespace."""
    up_and_running, set_flags = 0x1 | 0x40, 0x8914
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", up_and_running))


def own_etc(folder: Path) -> None:
    """Cover /etc with one of our own: the same entries, but our name server and an empty folder of managed settings.

    The whole folder is covered since /etc/claude-code may not exist and only root could make it.
    """
    real, etc = folder / "etc", Path("/etc")
    real.mkdir()
    _mount("--rbind", "/etc", str(real))
    _forbid_writing(real)
    _mount("-t", "tmpfs", "none", "/etc")
    for entry in real.iterdir():
        if entry.name not in {"hosts", "resolv.conf", "nsswitch.conf", "claude-code"}:
            (etc / entry.name).symlink_to(entry)
    (etc / "hosts").write_text("127.0.0.1 localhost\n")
    (etc / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    (etc / "claude-code").mkdir()


def _forbid_writing(bound: Path) -> None:
    """Make what is bound here read-only: it is the machine's own /etc, in a folder that somebody removes one day.

    Whoever started as root could empty it by removing the box's folder from inside; others may be kept from
    changing the mount, but then the files are not theirs to remove either.
    """
    done = subprocess.run(["mount", "-o", "remount,bind,ro", str(bound)], check=False, capture_output=True)
    if done.returncode != 0 and os.access(bound, os.W_OK):
        raise OSError(f"{bound} cannot be made read-only: {done.stderr.decode(errors='replace').strip()}")


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
