"""Imports what `code_cache` has kept, in front of Python's own way to import: see there.

The hook's script runs this out of that very file, before anything else of ours is there.
"""

import builtins
import marshal
import sys
from _thread import RLock
from posix import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from io import FileIO
    from types import ModuleType

    #: Is it a package, its source file, that file's time of change in ns and its size, where in the code it begins, and
    #: its length.
    Entry = tuple[bool, str, int, int, int, int]


def install(file: "FileIO", begin: int, index: "Mapping[str, Entry]") -> None:
    """From here on, names in the index are imported from the file, where code begins at `begin`.

    A module whose source is another one by now, or gone, is imported by Python; all are where this one is.
    """
    if not is_same(*index[__name__][1:4]):
        return
    modules, python_import = sys.modules, builtins.__import__
    # another thread waits until a module is whole, as it would with Python
    lock = RLock()

    def load(name: str) -> "ModuleType":
        parent, _, own = name.rpartition(".")
        if parent and parent not in modules:
            load(parent)
        is_package, source, changed_ns, size, at, length = index[name]
        if not is_same(source, changed_ns, size):
            return python_import(name, fromlist=("__name__",))
        file.seek(begin + at)
        try:
            code = marshal.loads(file.read(length))
        except (EOFError, TypeError, ValueError):  # not all of it came to the disk
            return python_import(name, fromlist=("__name__",))
        module = type(sys)(name)
        module.__file__, module.__package__ = source, name if is_package else parent
        if is_package:
            module.__path__ = [source[: source.rfind("/")]]
        modules[name] = module
        try:
            exec(code, module.__dict__)
        except BaseException:
            del modules[name]
            raise
        module = modules[name]  # which may have put another one in its place
        if parent:
            setattr(modules[parent], own, module)
        return module

    def quick_import(
        name: str,
        globals: object = None,  # noqa: A002 # as Python's own has it
        locals: object = None,  # noqa: A002
        fromlist: "Sequence[str] | None" = (),
        level: int = 0,
    ) -> "ModuleType":
        if not fromlist or level or name not in index:
            return python_import(name, globals, locals, fromlist, level)  # type: ignore[arg-type]
        with lock:
            module = modules.get(name) or load(name)
            for each in fromlist:
                if each not in module.__dict__:
                    if f"{name}.{each}" not in index:
                        return python_import(name, globals, locals, fromlist, level)  # type: ignore[arg-type]
                    load(f"{name}.{each}")
        return module

    builtins.__import__ = quick_import


def is_same(source: str, changed_ns: int, size: int) -> bool:
    """Whether a source file is there as it was: of this time of change, and of this size in bytes."""
    try:
        found = stat(source)
    except OSError:
        return False
    return found.st_mtime_ns == changed_ns and found.st_size == size
