"""Imports point one way, and each third-party package has one door: read from the source, nothing is run."""

import ast
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

import claude_local_plugin
from tests.looped import looped
from tests.sources import modules

PACKAGE = Path(claude_local_plugin.__file__).parent
MODULES = list(modules(PACKAGE))


def _dotted(path: Path) -> str:
    """`claude_local_plugin.git` for git.py, `claude_local_plugin.core` for core/__init__.py."""
    inside = path.relative_to(PACKAGE).as_posix().removesuffix(".py").removesuffix("__init__").strip("/")
    return ".".join([claude_local_plugin.__name__, *filter(None, inside.split("/"))])


#: The standard library of every Python that we run on: 3.12 has this module in place of another.
STDLIB = sys.stdlib_module_names | {"_sha2"}

#: Every module and package of ours, as it is imported.
DOTTED = frozenset(map(_dotted, MODULES))

#: Room -> the rooms and modules of ours that it may know besides itself. A room that is not here is a fault.
MAY_KNOW = {
    "errors": set(),
    "core": set(),
    "sessionlog": {"core"},
    "hook_runtime": {"core", "sessionlog"},
    "paths": set(),
    "checks": {"core", "errors"},
    "text": {"core"},
    "precedence": {"checks", "core", "errors"},
    "settings": {"core", "errors", "paths", "precedence"},
    "servers": {"__version__", "core", "errors"},
    "fake_server": {"core", "errors"},
    "config": {"core", "errors", "settings", "text"},
    "sessionlog/queries": {"core", "errors", "sessionlog"},
    "sessionlog/export": {"core", "errors", "sessionlog/queries"},
    "git": {"errors", "precedence", "text"},
    "isolated": set(),
    "report": {"core", "evaluation", "sessionlog", "sessionlog/queries", "text"},
    "conformance": {"core", "errors", "fake_server", "isolated", "precedence"},
    "rescue": set(),
    "world": {"paths", "precedence", "text"},
    "client_config": {
        "checks",
        "core",
        "errors",
        "git",
        "precedence",
        "servers",
        "sessionlog/queries",
        "settings",
        "text",
        "world",
    },
    "launch": {
        "checks",
        "client_config",
        "config",
        "core",
        "errors",
        "git",
        "isolated",
        "paths",
        "precedence",
        "profiles",
        "servers",
        "sessionlog/queries",
        "settings",
        "text",
        "world",
    },
    "yaml_document": {"errors"},
    "recipes": {
        "checks",
        "client_config",
        "core",
        "errors",
        "isolated",
        "servers",
        "settings",
        "text",
        "yaml_document",
    },
    "lint": {
        "checks",
        "client_config",
        "core",
        "errors",
        "recipes",
        "servers",
        "settings",
        "text",
        "yaml_document",
    },
    "server_log": {"checks", "core", "errors", "servers", "text"},
    "deploy": {
        "checks",
        "core",
        "errors",
        "paths",
        "recipes",
        "server_log",
        "servers",
        "settings",
        "text",
        "world",
        "yaml_document",
    },
    "evaluation": {"core", "errors", "fake_server", "git", "isolated", "paths", "settings", "text"},
    "fleet": {"client_config", "core", "errors", "precedence", "servers", "settings", "text"},
    "privacy": {"client_config", "conformance", "core", "precedence", "servers", "settings", "world"},
    "profiles": {
        "client_config",
        "config",
        "core",
        "errors",
        "paths",
        "precedence",
        "servers",
        "settings",
        "text",
        "world",
    },
    "team": {"__version__", "core", "errors", "paths", "profiles", "sessionlog", "sessionlog/queries", "text"},
    "bench": {"core", "errors", "fake_server", "report", "servers"},
    "doctor": {
        "checks",
        "client_config",
        "config",
        "core",
        "errors",
        "git",
        "paths",
        "precedence",
        "profiles",
        "servers",
        "sessionlog/queries",
        "settings",
        "text",
    },
}

#: Third-party package -> the only places that may import it.
DOORS = {
    "click": {"cli"},
    "google": {"team/otlp.py"},
    "httpx": {"servers/probe.py", "servers/messages.py"},
    "certifi": {"servers/probe.py", "servers/messages.py"},
    "jsonschema": {"settings/schema.py"},
    "referencing": {"settings/schema.py"},
    "opentelemetry": {"team/otlp.py"},
    "platformdirs": {"paths.py"},
    "requests": {"team/otlp.py"},
    "filelock": {"settings/file.py"},
    "keyring": {"profiles/secrets.py"},
    "matplotlib": {"bench/plot.py"},
    "pydantic": {"config/model.py"},
    "psycopg": {"team/postgres.py"},
    "pyarrow": {"sessionlog/export/parquet.py"},
    "tomlkit": {"config/document.py"},
    "yaml": {"yaml_document.py"},
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
            below = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in DOTTED else str(node.module) for name in below)
        elif isinstance(node, ast.Call) and _called(node) == "import_module" and isinstance(node.args[0], ast.Constant):
            yield str(node.args[0].value)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room(path: Path) -> str:
    """`settings` for settings/file.py, `git` for git.py, `sessionlog/queries` for a room in a room."""
    return _room(place(path).removesuffix(".py").split("/"))


def _room(parts: Sequence[str]) -> str:
    inner = "/".join(parts[:2])
    return inner if inner in MAY_KNOW else parts[0]


def ours(path: Path) -> set[str]:
    """The rooms and modules of ours, other than its own room, that a file imports."""
    known = {
        _room(name.split(".")[1:]) for name in imports(path) if name.startswith(f"{claude_local_plugin.__name__}.")
    }
    return known - {room(path)}


@looped("name", MAY_KNOW)
def test_imports_point_one_way(name: str) -> None:
    found = {place(path): ours(path) - MAY_KNOW[name] for path in MODULES if room(path) == name}
    assert found, f"there is no {name}"
    assert {where: known for where, known in found.items() if known} == {}


def test_a_command_is_entered_by_the_command_line_and_by_other_commands_alone() -> None:
    assert {room(path) for path in MODULES if "commands" in ours(path)} <= {"cli"}


def test_the_command_line_is_known_to_the_console_script_alone() -> None:
    assert {place(path) for path in MODULES if "cli" in ours(path)} == {"__main__.py"}


@pytest.mark.parametrize("name", ["core", "sessionlog", "hook_runtime"])
def test_what_runs_inside_other_peoples_sessions_needs_nothing_but_python(name: str) -> None:
    own = {f"{claude_local_plugin.__name__}.{each}" for each in ("core", "sessionlog", "hook_runtime")}
    modules = [path for path in MODULES if room(path) == name]
    assert len(modules) > 3
    for path in modules:
        for each in imports(path):
            assert each.partition(".")[0] in STDLIB or ".".join(each.split(".")[:2]) in own, path


@pytest.mark.parametrize("name", ["core", "sessionlog", "hook_runtime", "precedence", "servers", "client_config"])
def test_no_two_modules_of_a_room_need_each_other(name: str) -> None:
    """Imports inside functions count too: what needs each other is one thing in two files."""
    modules = {_dotted(path): path for path in MODULES if room(path) == name and path.name != "__init__.py"}
    needs = {
        module: {each for each in map(_module, imports(path)) if each in modules} for module, path in modules.items()
    }
    while leaves := {module for module, others in needs.items() if not others}:
        needs = {module: others - leaves for module, others in needs.items() if module not in leaves}
    assert needs == {}


def _module(name: str) -> str:
    """The module of `package.module.name`, or of `package.module`."""
    return name if name in DOTTED else name.rpartition(".")[0]


def test_precedence_needs_nothing_but_python() -> None:
    for path in MODULES:
        if room(path) == "precedence":
            third = {name.partition(".")[0] for name in imports(path)} - set(STDLIB)
            assert third <= {claude_local_plugin.__name__}


@looped("package", DOORS)
def test_each_third_party_package_has_one_door(package: str) -> None:
    found = {place(path) for path in MODULES if package in {name.partition(".")[0] for name in imports(path)}}
    assert found, f"nobody uses {package}"
    assert {
        where for where in found if where not in DOORS[package] and where.partition("/")[0] not in DOORS[package]
    } == set()


def test_no_other_third_party_package_is_used() -> None:
    known = {*STDLIB, claude_local_plugin.__name__, *DOORS}
    for path in MODULES:
        assert {name.partition(".")[0] for name in imports(path)} <= known, path


def test_no_room_is_forgotten() -> None:
    """A new room must say what it may know, or be one of those that know all."""
    know_all = {"__init__", "__main__", "cli", "commands"}
    assert {room(path) for path in MODULES} - {"hooks", "schemas"} <= {*MAY_KNOW, *know_all}


def test_no_module_has_the_name_of_something_its_package_defines() -> None:
    """Once such a module is imported it stands in that thing's place: a second call of it would be of a module."""
    shadowing = set()
    for path in MODULES:
        if path.name != "__init__.py":
            continue
        modules = {each.stem for each in path.parent.glob("*.py")} | {each.name for each in path.parent.iterdir()}
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
            targets = node.targets if isinstance(node, ast.Assign) else []
            names += [each.id for each in targets if isinstance(each, ast.Name)]
            shadowing |= {f"{place(path)}: {name}" for name in names if name in modules}
    assert shadowing == set()
