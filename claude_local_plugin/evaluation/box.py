"""The process around a trial's client, and around its check: a world that holds what they need and nothing else.

Started by `trial` in namespaces of its own (user, network, mounts, processes), with its order on standard input. It
lays out a root of its own, in which neither the user's home nor the suite nor another trial can be found, hands the
listening socket that stands for the backend to whoever started it, and starts the program without any capability.
What is left when that program ends, ends with it: this is the first process of its namespace. It also ends when its
standard input does, as that of somebody who was killed.

Each trial waits for its start, so that little is imported: no module here that brings regular expressions along.
"""

import ctypes
import fcntl
import marshal
import os
import select
import socket
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, BinaryIO

#: Exit codes of our own: the box could not be made; the program could not be started; nobody waits for it.
NO_BOX, NO_PROGRAM, ABANDONED = 125, 126, 124

_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
_NOATIME, _NODIRATIME, _RELATIME = 1024, 2048, 1 << 21
_DETACH = 2
#: The number of pivot_root, which libc has no function for, by the machine's name.
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41}
#: That of keyctl, and what it is asked for: a keyring without what whoever began us has in theirs.
_KEYCTL, _JOIN_SESSION_KEYRING = {"x86_64": 250, "aarch64": 219, "riscv64": 219}, 1
#: The same everywhere, as all that are new.
_MOUNT_SETATTR = 442
_NO_NEW_PRIVILEGES, _DROP_CAPABILITY = 38, 24

#: The system that a program needs, as far as it is there; links stay links.
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store")
#: What of /etc is needed: the loader's, certificates, time.
_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ssl", "ca-certificates", "pki", "alternatives", "localtime")
_DEVICES = ("null", "zero", "full", "random", "urandom")


class Order:
    """What is to be run, and what can be seen of the machine.

    `root` is an empty folder. `shown` are folders and files that may be read, `lent` those that may be written, each as
    source and target; `hidden` are folders that are covered. `texts` are files to be written.
    `host` and `port` are the backend's; `hand_over` is the descriptor that its listening socket is sent through.
    """

    def __init__(
        self,
        root: str,
        command: "Sequence[str]",
        environ: "Mapping[str, str]",
        folder: str,
        shown: "Sequence[tuple[str, str]]" = (),
        lent: "Sequence[tuple[str, str]]" = (),
        hidden: "Sequence[str]" = (),
        texts: "Mapping[str, str] | None" = None,
        host: str | None = None,
        port: int = 0,
        hand_over: int | None = None,
    ) -> None:
        self.root, self.command, self.environ, self.folder = root, [*command], dict(environ), folder
        self.shown, self.lent, self.hidden, self.texts = [*shown], [*lent], [*hidden], dict(texts or {})
        self.host, self.port, self.hand_over = host, port, hand_over

    def sent(self) -> bytes:
        """The order as it is sent: in Python's own writing, since both ends are one interpreter."""
        return marshal.dumps(vars(self))

    @classmethod
    def received(cls, file: "BinaryIO") -> "Order":
        """The order that is sent; EOFError where none is."""
        return cls(**marshal.load(file))


def serve(order: Order) -> int:
    """Make the box, run the program in it, and return its exit code; a signal's is 128 more than its number."""
    _up(b"lo")
    if order.hand_over is not None:
        _hand_over(order)
    _enter(order)
    child = os.fork()
    if child == 0:
        _become(order)
    return _code(child)


#: How soon it is noticed that the program, or whoever wants it, has ended, in seconds.
_ATTENTION = 0.03
#: How soon, where the system itself tells us.
_SOMETIMES = 1.0


def _hand_over(order: Order) -> None:
    """Listen where the backend is for whoever is in here, and have somebody outside answer."""
    assert order.hand_over is not None
    if order.host is not None:
        _own_address(order.host)
    listener = _listener(order.port)
    with socket.socket(fileno=order.hand_over) as way:
        socket.send_fds(way, [b"."], [listener.fileno()])
    listener.close()


def _listener(port: int) -> socket.socket:
    try:
        listener = socket.create_server(("::", port), family=socket.AF_INET6, backlog=128, dualstack_ipv6=True)
    except (OSError, ValueError):  # a kernel without IPv6
        listener = socket.create_server(("0.0.0.0", port), backlog=128)
    return listener


def _up(device: bytes) -> None:
    """Bring up a device; in a new network even `lo` is down."""
    set_flags, up_and_running = 0x8914, 0x1 | 0x40
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", device, up_and_running))


def _own_address(host: str) -> None:
    """Give the loopback device the backend's address, where it is one and not a name."""
    set_address = 0x8916
    try:
        packed = socket.inet_pton(socket.AF_INET, host)
    except OSError:
        packed = b""
    if packed and packed[0] != 127:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            family = struct.pack("=H2x4s8x", socket.AF_INET, packed)
            fcntl.ioctl(any_socket, set_address, struct.pack("16s16s", b"lo:1", family))
        _up(b"lo:1")
        return
    try:
        packed = socket.inet_pton(socket.AF_INET6, host)
    except OSError:
        return
    if packed != socket.inet_pton(socket.AF_INET6, "::1"):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, set_address, struct.pack("=16sIi", packed, 128, socket.if_nametoindex("lo")))


# --- the root


def _libc() -> "Any":
    return ctypes.CDLL(None, use_errno=True)


def _mounted(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    if _libc().mount(*words, ctypes.c_ulong(flags), None if data is None else data.encode()) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot mount {target}: {os.strerror(number)}")


def _enter(order: Order) -> None:
    root = order.root
    _mounted("none", "/", None, _REC | _PRIVATE)
    _mounted("tmpfs", root, "tmpfs", _NOSUID | _NODEV, "mode=755")
    for name in SYSTEM:
        _show(root, name, name)
    for source, target in order.shown:
        _show(root, source, target)
    for name in order.hidden:
        _cover(root, name)
    for source, target in order.lent:
        _bound(source, root + target)
    _etc(root, order.host)
    _dev(root)
    for name in ("/proc", "/tmp", "/run", "/old"):
        _folder(root + name)
    os.chmod(root + "/tmp", 0o1777)
    # of its own processes, but with the whole kernel's settings in it, which are the machine's: root may write them
    _mounted("proc", root + "/proc", "proc", _NOSUID | _NODEV | _NOEXEC | _RDONLY)
    for name, text in order.texts.items():
        _folder(os.path.dirname(root + name))
        _written(root + name, text, 0o600)
    os.chdir(root)
    _pivoted()
    os.chdir(order.folder)


def _pivoted() -> None:
    """Make the folder we are in the root, and let go of the former one, to which no way is left."""
    libc, number = _libc(), _PIVOT_ROOT[os.uname().machine]
    if libc.syscall(number, b".", b"old") != 0 or libc.umount2(b"/old", _DETACH) != 0:
        fault = ctypes.get_errno()
        raise OSError(fault, f"cannot leave the machine's own root: {os.strerror(fault)}")
    os.chdir("/")
    os.rmdir("/old")


def _folder(path: str) -> None:
    os.makedirs(path, exist_ok=True)


def _written(path: str, text: str, mode: int = 0o644) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def _show(root: str, source: str, target: str) -> None:
    if os.path.islink(source) and source in SYSTEM:
        os.symlink(os.readlink(source), root + target)
    elif os.path.exists(source):
        _bound(source, root + target)
        _read_only(root + target)


def _bound(source: str, target: str) -> None:
    if os.path.isdir(source):
        _folder(target)
    elif not os.path.exists(target):
        _folder(os.path.dirname(target))
        _written(target, "")
    _mounted(source, target, None, _BIND | _REC)


def _read_only(target: str) -> None:
    """Make a mount, and whatever is mounted below it, such that nothing can be written there."""
    attributes = struct.pack("=QQQQ", _RDONLY, 0, 0, 0)
    if _libc().syscall(_MOUNT_SETATTR, -100, os.fsencode(target), 0x8000, attributes, len(attributes)) == 0:
        return
    # Before Linux 5.12 of one mount alone, which keeps the restrictions that it has: taking one away is refused.
    has = os.statvfs(target).f_flag
    kept = has & (_NOSUID | _NODEV | _NOEXEC | _NOATIME | _NODIRATIME)
    kept |= _RELATIME if has & 4096 else 0
    _mounted("none", target, None, _REMOUNT | _BIND | _RDONLY | kept)


def _cover(root: str, name: str) -> None:
    """Put an empty folder over one that is inside of what is shown."""
    if os.path.isdir(root + name):
        _mounted("tmpfs", root + name, "tmpfs", _NOSUID | _NODEV | _RDONLY, "mode=755,size=4k")


def _etc(root: str, host: str | None) -> None:
    etc = root + "/etc"
    _folder(etc)
    for name in _ETC:
        if os.path.exists(f"/etc/{name}"):
            _show(root, f"/etc/{name}", f"/etc/{name}")
    named = f" {host}" if host and not _is_address(host) else ""
    user = f"agent:x:{os.getuid()}:{os.getgid()}::/home/agent:/bin/sh"
    _written(f"{etc}/hosts", f"127.0.0.1 localhost{named}\n")
    _written(f"{etc}/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n")
    _written(f"{etc}/passwd", user + "\n")
    _written(f"{etc}/group", f"agent:x:{os.getgid()}:\n")


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return True
    return False


def _dev(root: str) -> None:
    dev = root + "/dev"
    _folder(f"{dev}/shm")  # what is shown may lie in it
    os.chmod(f"{dev}/shm", 0o1777)
    for name in _DEVICES:
        _bound(f"/dev/{name}", f"{dev}/{name}")
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(f"/proc/self/{target}", f"{dev}/{name}")


# --- the program


def _become(order: Order) -> None:
    try:
        os.setsid()
        libc = _libc()
        # refused or unknown, there are no keys to be kept from it either
        libc.syscall(_KEYCTL[os.uname().machine], _JOIN_SESSION_KEYRING, None)
        for capability in range(64):
            libc.prctl(_DROP_CAPABILITY, capability, 0, 0, 0)  # refused for those that this kernel does not have
        if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "cannot give up privileges")
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.execve(order.command[0], list(order.command), dict(order.environ))
    except OSError as fault:
        print(f"{order.command[0]} cannot be started: {fault.strerror or fault}", file=sys.stderr, flush=True)
    os._exit(NO_PROGRAM)


def _code(child: int) -> int:
    """How the program ended; what it left behind is waited for where it ends meanwhile."""
    ends, attention = _told_of_its_end(child)
    while True:
        process, status = os.waitpid(-1, os.WNOHANG)
        if process == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        if not process and 0 in select.select([0, *ends], [], [], attention)[0]:
            return ABANDONED


def _told_of_its_end(child: int) -> "tuple[list[int], float]":
    """What tells at once that it has ended, and how often to look all the same, for what it left behind."""
    try:
        return [os.pidfd_open(child)], _SOMETIMES
    except (AttributeError, OSError):  # before Linux 5.3, or a Python that was made for such a one
        return [], _ATTENTION


def main() -> None:
    """Read the order, and be the box."""
    try:
        order = Order.received(sys.stdin.buffer)
    except EOFError:  # begun ahead, and not wanted
        os._exit(ABANDONED)
    try:
        code = serve(order)
    except (OSError, KeyError) as fault:
        print(f"no box: {fault}", file=sys.stderr, flush=True)
        code = NO_BOX
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
