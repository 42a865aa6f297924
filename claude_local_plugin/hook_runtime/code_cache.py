"""The compiled code of what hooks import, kept in one file beside what Python keeps of each module.

Python looks for each module in folders, then opens, checks and reads a file: a tenth of a millisecond each, which was
half of what a hook took. Of what is kept here the source file alone is looked at, whose size and time of change must be
what they were; else, and for what is not here, Python's own way is taken, and the process that took it adds what
came that way. Where nothing can be written nothing is kept, as with Python's own files.

    4 bytes   the magic number of this Python's compiled code
    8 bytes   the length of the header, little-endian
    header    marshalled: the code of `quick_import`, the package's folder, and for each name an Entry
    code      marshalled, of one module after the other
"""

import builtins
import marshal
import sys
import time
from _frozen_importlib_external import MAGIC_NUMBER, SourceFileLoader

from claude_local_plugin.core import system as os
from claude_local_plugin.core.files import content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import BufferedWriter

    from claude_local_plugin.hook_runtime.quick_import import Entry

    Kept = dict[str, tuple[Entry, bytes]]

NAME, SUFFIX = "claude_local_hook", ".code"
PACKAGE = "claude_local_plugin"
READER = f"{PACKAGE}.hook_runtime.quick_import"
#: One that is being written and is older than this was left behind, in seconds.
LEFT_BEHIND_S = 60.0


def path_in(package: str) -> str:
    """Where it is for a package in this folder; the hook's script knows it too."""
    name = f"{NAME}.{sys.implementation.cache_tag}{SUFFIX}"
    return os.path.join(package, "hook_runtime", "__pycache__", name)


def keep(package: str) -> None:
    """Keeps what this process has imported of the package in this folder, with what was kept and is as it was."""
    path = path_in(package)
    names = {*filter(_is_ours, sys.modules)}
    kept = _read(path, package)
    if builtins.__import__.__module__ == READER and any(sys.modules[name].__spec__ for name in names & {*kept}):
        kept = {}  # it has the module, whose source is as it was, and could not give it: the file is damaged
    missing = names - {*kept}
    if not missing:
        return
    try:
        with _begun(f"{path}.new") as file:
            for name in {*missing, READER}:
                kept[name] = _compiled(package, name)
            file.write(_encoded(package, kept))
        os.replace(f"{path}.new", path)
    except OSError:  # somebody else is at it, or nothing can be written here: then all is as it was
        return


def forget(package: str) -> None:
    """Removes what is kept for the package in this folder, by whatever Python; raises OSError.

    Who removes the package knows of Python's own files, and not of this one.
    """
    folder = os.path.dirname(path_in(package))
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if name.startswith(f"{NAME}.") and name.endswith((SUFFIX, f"{SUFFIX}.new")):
            os.unlink(os.path.join(folder, name))


def _is_ours(name: str) -> bool:
    return name == PACKAGE or name.startswith(f"{PACKAGE}.")


def _read(path: str, package: str) -> "Kept":
    """What is kept for the package in this folder, of sources that are as they were."""
    from claude_local_plugin.hook_runtime.quick_import import is_same

    try:
        read = content(path)
        if read[:4] != MAGIC_NUMBER:
            return {}
        begin = 12 + int.from_bytes(read[4:12], "little")
        _, whose, index = marshal.loads(read[12:begin])
    except (OSError, EOFError, ValueError, TypeError):
        return {}
    kept = {}
    for name, entry in index.items() if whose == package else ():
        _, source, changed_ns, size, at, length = entry
        code = read[begin + at : begin + at + length]
        if is_same(source, changed_ns, size) and len(code) == length:
            kept[name] = (entry, code)
    return kept


def _begun(path: str) -> "BufferedWriter":
    """A new file, begun by nobody else; raises OSError."""
    try:
        return open(path, "xb")
    except FileExistsError:
        if time.time() - os.stat(path).st_mtime > LEFT_BEHIND_S:
            os.unlink(path)
        raise


def _compiled(package: str, name: str) -> "tuple[Entry, bytes]":
    """The entry of a module, its code not placed yet, and that code; raises OSError where there is no source."""
    source = os.path.join(package, *name.split(".")[1:])
    is_package = os.path.isdir(source)
    source = os.path.join(source, "__init__.py") if is_package else f"{source}.py"
    stamp = os.stat(source)  # before the code is read: what is written meanwhile has another one
    code = marshal.dumps(SourceFileLoader(name, source).get_code(name))
    return (is_package, source, stamp.st_mtime_ns, stamp.st_size, 0, len(code)), code


def _encoded(package: str, kept: "Kept") -> bytes:
    index, at = {}, 0
    for name, (entry, code) in kept.items():
        index[name] = (*entry[:4], at, len(code))
        at += len(code)
    reader = marshal.loads(kept[READER][1])
    header = marshal.dumps((reader, package, index))
    return b"".join([MAGIC_NUMBER, len(header).to_bytes(8, "little"), header, *(code for _, code in kept.values())])
