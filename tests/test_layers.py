"""Imports point one way, and each third-party package has one door: read from the source, nothing is run."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import claude_local_plugin

PACKAGE = Path(claude_local_plugin.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))

#: Room -> the rooms and modules of ours that it may know besides itself. A room that is not here is a fault.
MAY_KNOW = {
    "errors": set(),
    "guest": set(),
    "paths": set(),
    "render": {"guest"},
    "precedence": {"errors", "guest"},
    "settings": {"errors", "guest", "paths", "precedence"},
    "backends": {"__version__", "errors", "guest"},
    "config": {"errors", "guest", "render", "settings"},
    "ledger": {"errors", "guest"},
    "git": {"precedence"},
    "isolated": set(),
    "report": {"guest", "ledger", "render"},
    "oracle": {"backends", "errors", "guest", "isolated", "precedence"},
    "rescue": set(),
    "server_headers": {"errors", "guest", "plan", "render"},
    "plan": {"backends", "guest", "precedence", "settings"},
    "bench": {"backends", "errors", "guest", "report"},
    "doctor": {
        "backends",
        "config",
        "errors",
        "git",
        "guest",
        "ledger",
        "paths",
        "plan",
        "precedence",
        "render",
        "settings",
        "server_headers",
    },
}

#: Third-party package -> the only places that may import it.
DOORS = {
    "click": {"cli", "render.py"},
    "httpx": {"backends/probe.py", "backends/messages.py"},
    "certifi": {"backends/probe.py", "backends/messages.py"},
    "jsonschema": {"settings/schema.py"},
    "referencing": {"settings/schema.py"},
    "platformdirs": {"paths.py"},
    "filelock": {"settings/file.py"},
    "matplotlib": {"bench/plot.py"},
    "pydantic": {"config/model.py"},
    "pyarrow": {"ledger/parquet.py"},
    "tomlkit": {"config/document.py"},
}


@cache
def imports(path: Path) -> frozenset[str]:
    """Every module that a file imports, wherever in it; `TYPE_CHECKING` blocks too."""
    return frozenset(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            if node.module == claude_local_plugin.__name__:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            else:
                yield str(node.module)
        elif isinstance(node, ast.Call) and _called(node) == "import_module" and isinstance(node.args[0], ast.Constant):
            yield str(node.args[0].value)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room(path: Path) -> str:
    """`settings` for settings/file.py, `plan` for plan.py."""
    return place(path).partition("/")[0].removesuffix(".py")


def ours(path: Path) -> set[str]:
    """The rooms and modules of ours, other than its own room, that a file imports."""
    known = {name.split(".")[1] for name in imports(path) if name.startswith(f"{claude_local_plugin.__name__}.")}
    return known - {room(path)}


@pytest.mark.parametrize("name", MAY_KNOW)
def test_imports_point_one_way(name: str) -> None:
    found = {place(path): ours(path) - MAY_KNOW[name] for path in MODULES if room(path) == name}
    assert found, f"there is no {name}"
    assert {where: known for where, known in found.items() if known} == {}


def test_a_command_is_entered_by_the_command_line_and_by_other_commands_alone() -> None:
    assert {room(path) for path in MODULES if "commands" in ours(path)} <= {"cli"}


def test_the_command_line_is_known_to_the_console_script_alone() -> None:
    assert {place(path) for path in MODULES if "cli" in ours(path)} == {"__main__.py"}


def test_what_runs_inside_other_peoples_sessions_knows_nothing_of_ours() -> None:
    guests = [path for path in MODULES if room(path) == "guest"]
    assert len(guests) > 3
    for path in guests:
        for name in imports(path):
            assert name.partition(".")[0] in sys.stdlib_module_names or name.startswith("claude_local_plugin.guest")


def test_precedence_needs_nothing_but_python() -> None:
    for path in MODULES:
        if room(path) == "precedence":
            third = {name.partition(".")[0] for name in imports(path)} - set(sys.stdlib_module_names)
            assert third <= {claude_local_plugin.__name__}


@pytest.mark.parametrize("package", DOORS)
def test_each_third_party_package_has_one_door(package: str) -> None:
    found = {place(path) for path in MODULES if package in {name.partition(".")[0] for name in imports(path)}}
    assert found, f"nobody uses {package}"
    assert {
        where for where in found if where not in DOORS[package] and where.partition("/")[0] not in DOORS[package]
    } == set()


def test_no_other_third_party_package_is_used() -> None:
    known = {*sys.stdlib_module_names, claude_local_plugin.__name__, *DOORS}
    for path in MODULES:
        assert {name.partition(".")[0] for name in imports(path)} <= known, path


def test_no_room_is_forgotten() -> None:
    """A new room must say what it may know, or be one of those that know all."""
    know_all = {"__init__", "__main__", "cli", "commands"}
    assert {room(path) for path in MODULES} - {"hooks", "schemas"} <= {*MAY_KNOW, *know_all}
