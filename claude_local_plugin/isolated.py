"""Interpreters and programs that we start ourselves, so that the folder they are started in has no say in what runs."""

import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import claude_local_plugin

#: What the started interpreter does first. Our folders come last, where they cannot stand before the standard library.
_START = """\
import runpy, sys
sys.path += sys.argv.pop(1).split({separator!r})
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of ours in an interpreter of its own, as this one would with the same packages.

    `-I` keeps out the current folder (which `-m` would put first), PYTHONPATH and every other PYTHON* variable: a
    `struct.py` that lies in somebody's repository is never imported.
    """
    folders = dict.fromkeys((_own_folder(), *elsewhere(sys.path, Path.cwd())))
    start = _START.format(separator=os.pathsep)
    return [sys.executable, "-I", "-c", start, os.pathsep.join(folders), module, *arguments]


def elsewhere(entries: Iterable[str], cwd: Path) -> list[str]:
    """The absolute ones of these folders, without the current one."""
    here = os.path.realpath(cwd)
    return [entry for entry in entries if Path(entry).is_absolute() and os.path.realpath(entry) != here]


def program(name: str, environ: Mapping[str, str]) -> str | None:
    """Where a program lies on PATH, of which what is relative to the current folder is left out; None if nowhere."""
    kept = search_path(environ)
    return shutil.which(name, path=kept) if kept else None


def search_path(environ: Mapping[str, str]) -> str:
    """PATH without what is relative to the current folder, for programs that start others."""
    entries = environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if Path(entry).is_absolute())


def _own_folder() -> str:
    return str(Path(claude_local_plugin.__file__).resolve().parent.parent)
