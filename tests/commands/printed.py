"""Where the package makes a command for somebody to type, read from its source, and which of them a run has made.

A *site* is a call of the constructor (`core.shell`) or of a function of ours that hands its result on. Its key names
the module, the function and the words that are written there: `doctor.checks.files:_mode fix_command files.mode`.
"""

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import claude_local_plugin
from tests.sources import modules

PACKAGE = Path(claude_local_plugin.__file__).parent

#: What makes a text to type out of words.
CONSTRUCTORS = ("command", "export", "then", "piped", "into", "with_variable", "edit")
#: Those that join commands which were made before.
JOINING = ("then", "piped", "into")
#: What hands such a text on for its caller, with the words that differ: who calls it prints the command.
HANDED_ON = {
    "client_config.choose_server": ("again",),
    "client_config.destination": ("exports",),
    "commands.enable": ("_again", "_later"),
    "commands.run": ("again",),
    "commands.server_in_use": ("_doctor_on", "doctor"),
    "doctor.checks.__init__": ("own_fix",),
    "doctor.checks.files": ("_disable", "_edit"),
    "doctor.checks.precedence": ("enabling", "for_the_user"),
    "doctor.facts": ("ask_deep", "enable"),
    "doctor.model": ("exported", "fix_command"),
    "precedence.warnings": ("_in_the_file", "_where_it_is_set"),
}
#: How these are called, by the last name, and what else has such a name.
CARRIERS = frozenset(name for names in HANDED_ON.values() for name in names) - {"doctor"}
OTHERS = ("cli.doctor:_again",)


@dataclass(frozen=True, slots=True)
class Site:
    """A place in the source that makes a command: its key, and where it stands (from, to; lines and columns)."""

    key: str
    path: str
    span: tuple[int, int, int, int]


@cache
def sites() -> tuple[Site, ...]:
    """Every site of the package but those inside what hands a command on."""
    return tuple(site for path in modules(PACKAGE) for site in _sites(path))


def _sites(path: Path) -> Iterator[Site]:
    module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    if module == "core.shell":
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    makers = _makers(tree)
    for function, node in _calls(tree, "(module)"):
        if function.rpartition(".")[2] in HANDED_ON.get(module, ()):
            continue
        if name := _maker(node, module, makers):
            words = " ".join(_word(each) for each in (*node.args, *(k.value for k in node.keywords)))
            key = f"{module}:{function} {'' if name == 'command' else f'{name} '}{words}".rstrip()
            assert node.end_lineno is not None
            assert node.end_col_offset is not None
            span = (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset)
            yield Site(key, str(path), span)


def _makers(tree: ast.Module) -> dict[str, str]:
    """The names under which a module knows the constructors."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "claude_local_plugin.core.shell":
            found |= {alias.asname or alias.name: alias.name for alias in node.names if alias.name in CONSTRUCTORS}
        elif isinstance(node, ast.ImportFrom) and node.module == "claude_local_plugin.core":
            for alias in node.names:
                if alias.name == "shell":
                    found |= {f"{alias.asname or 'shell'}.{name}": name for name in CONSTRUCTORS}
    return found


def _maker(node: ast.Call, module: str, makers: dict[str, str]) -> str | None:
    """What the call is of: a constructor's own name, or that of a function that hands a command on."""
    called = ast.unparse(node.func)
    if called in makers:
        return makers[called]
    name = called.rpartition(".")[2]
    if called == "gc.enable":  # the interpreter's own
        return None
    if called == "used.doctor" or (name in CARRIERS and f"{module}:{called}" not in OTHERS):
        return name
    return None


def _calls(node: ast.AST, function: str) -> Iterator[tuple[str, ast.Call]]:
    for child in ast.iter_child_nodes(node):
        inside = function
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inside = child.name if function == "(module)" else f"{function}.{child.name}"
        if isinstance(child, ast.Call):
            yield function, child
        yield from _calls(child, inside)


def _word(node: ast.expr) -> str:
    """A word as the key shows it: what is written, a placeholder as it is shown, `…` for what is put in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Words":
        return _word(node.args[0])
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)  # type: ignore[misc]
    if isinstance(node, ast.Starred) and isinstance(node.value, ast.Tuple):
        return " ".join(_word(each) for each in node.value.elts)
    return "…"


# --- what a run has made


@dataclass(frozen=True, slots=True)
class Made:
    """A text that the constructor gave: of these words (a placeholder among them is true), for these sites.

    `parts` are the commands that it joins.
    """

    text: str
    words: tuple[tuple[str, bool], ...]
    parts: tuple[str, ...]
    keys: tuple[str, ...]


def recorded(import_all: Callable[[], None]) -> list[Made]:
    """Has the constructor note everything that it makes, from the imports on, in the list that is given.

    To be called before any other module of the package is there.
    """
    from claude_local_plugin.core import shell

    index = {(site.path, site.span): site.key for site in sites()}
    made: list[Made] = []

    def noting(name: str) -> Callable[..., str]:
        real = getattr(shell, name)

        def constructor(*arguments: Any) -> str:
            text = str(real(*arguments))
            words = tuple((str(word), isinstance(word, shell.Words)) for word in arguments)
            words = {"command": words, "export": (("export", False), *words)}.get(name, ())
            parts = tuple(map(str, arguments)) if name in JOINING else ()
            made.append(Made(text, words, parts, tuple(_keys(index, sys._getframe(1)))))
            return text

        return constructor

    for name in CONSTRUCTORS:
        setattr(shell, name, noting(name))
    import_all()
    return made


def _keys(index: dict[tuple[str, tuple[int, int, int, int]], str], frame: FrameType | None) -> Iterator[str]:
    """The sites that are at work in this frame and above it."""
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(str(PACKAGE)):
            position = list(code.co_positions())[frame.f_lasti // 2]
            line, end, column, end_column = position
            if None not in position and (key := index.get((code.co_filename, (line, end, column, end_column)))):  # type: ignore[arg-type]
                yield key
        frame = frame.f_back
