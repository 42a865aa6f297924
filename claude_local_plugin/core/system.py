"""`os`, as far as hooks need it: they import it as `from claude_local_plugin.core import system as os`.

To import `os` takes a bare interpreter as long as all that a hook of ours is: of its some 300 names we use twenty, and
the calls among these are in the C module behind it. Where `os` is there already, as in every command, and on Windows
this module is that one. Whatever else is asked of it is asked of `os`.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from os import *  # noqa: F403
    from os import PathLike as PathLike
    from os import _exit as _exit
    from os import path as path
elif "os" in sys.modules or sys.platform == "win32":
    import os

    sys.modules[__name__] = os
else:
    import posix

    sep, curdir, pathsep, devnull = "/", ".", ":", "/dev/null"
    SEEK_SET, SEEK_CUR, SEEK_END = 0, 1, 2
    O_BINARY = 0  # which Windows alone has

    def __getattr__(name: str) -> object:  # for the type checker all of this is `os`
        """Another of its names: a call of the system, or what `os` makes of several."""
        if name == "environ":
            found = {fsdecode(key): fsdecode(value) for key, value in posix.environ.items()}
        elif hasattr(posix, name):
            found = getattr(posix, name)
        else:
            import os

            found = getattr(os, name)
        globals()[name] = found
        return found

    def fsencode(path: "str | bytes") -> bytes:
        path = posix.fspath(path)
        return path.encode(sys.getfilesystemencoding(), "surrogateescape") if isinstance(path, str) else path

    def fsdecode(path: "str | bytes") -> str:
        path = posix.fspath(path)
        return path.decode(sys.getfilesystemencoding(), "surrogateescape") if isinstance(path, bytes) else path

    def makedirs(name: str, mode: int = 0o777, exist_ok: bool = False) -> None:
        try:
            posix.mkdir(name, mode)
        except OSError:
            if not exist_ok or not path.isdir(name):
                import os

                os.makedirs(name, mode, exist_ok)

    class _Path:
        """`os.path` for texts."""

        def __getattr__(self, name: str) -> object:
            import os

            return getattr(os.path, name)

        def join(self, path: str, *more: str) -> str:
            for each in more:
                if each.startswith("/"):
                    path = each
                else:
                    path += each if not path or path.endswith("/") else f"/{each}"
            return path

        def dirname(self, path: str) -> str:
            head = path[: path.rfind("/") + 1]
            return head.rstrip("/") or head

        def basename(self, path: str) -> str:
            return path[path.rfind("/") + 1 :]

        def isabs(self, path: str) -> bool:
            return path.startswith("/")

        def normcase(self, path: str) -> str:
            return path

        def expanduser(self, path: str) -> str:
            if not path.startswith("~"):
                return path
            home = path == "~" or path.startswith("~/")
            variables = sys.modules[__name__].environ
            if not home or "HOME" not in variables:
                return self.__getattr__("expanduser")(path)
            return variables["HOME"].rstrip("/") + path[1:] or "/"

        def exists(self, path: str) -> bool:
            return _mode(posix.stat, path) is not None

        def lexists(self, path: str) -> bool:
            return _mode(posix.lstat, path) is not None

        def isfile(self, path: str) -> bool:
            return _mode(posix.stat, path) == 0o100000

        def isdir(self, path: str) -> bool:
            return _mode(posix.stat, path) == 0o040000

        def islink(self, path: str) -> bool:
            return _mode(posix.lstat, path) == 0o120000

        def realpath(self, path: str) -> str:
            """The same where nothing on the way is a link or a dot."""
            if path.startswith("/") and path != "/":
                names = path[1:].split("/")
                ways = ["/" + "/".join(names[: place + 1]) for place in range(len(names))]
                if not {"", ".", ".."} & {*names} and not any(map(self.islink, ways)):
                    return path
            return self.__getattr__("realpath")(path)

    def _mode(look: "Callable[[str], os.stat_result]", path: str) -> "int | None":
        try:
            return look(path).st_mode & 0o170000
        except (OSError, ValueError):
            return None

    path = _Path()
