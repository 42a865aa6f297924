"""What hooks have in place of `os` is as `os` is."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import claude_local_plugin
from claude_local_plugin.core import system

PACKAGE = Path(claude_local_plugin.__file__).parent
SOURCE = PACKAGE / "core" / "system.py"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="on Windows it is `os`")


def without_os() -> Any:
    """The module as it is where nobody has imported `os`."""
    spec = spec_from_file_location("claude_local_plugin.core.system_alone", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(sys.modules, "os")
        patch.setitem(sys.modules, module.__name__, module)
        spec.loader.exec_module(module)
    sys.modules[module.__name__] = module  # which looks itself up there
    return module


@pytest.fixture(scope="module")
def quick() -> Iterator[Any]:
    module = without_os()
    yield module
    del sys.modules[module.__name__]


def asked_of_it() -> set[str]:
    """Every `os.name` and `os.path.name` of the modules that import it."""
    found = set()
    for room in ("core", "hook_runtime", "sessionlog"):
        for file in (PACKAGE / room).glob("*.py"):
            text = file.read_text()
            if "import system as os" not in text:
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("os", "os.path"):
                    found.add(ast.unparse(node).removeprefix("os."))
    return found


def test_where_os_is_there_it_is_os() -> None:
    assert isinstance(system, ModuleType)
    assert system is os


def test_whatever_hooks_ask_of_it_is_there_and_the_calls_are_those_of_os(quick: Any) -> None:
    names = {name for name in asked_of_it() if hasattr(os, name)}
    assert {"open", "write", "stat", "replace", "O_APPEND", "_exit"} <= names
    made_anew = {"environ", "makedirs", "fsencode", "fsdecode", "path"}
    for name in names - made_anew:
        assert getattr(quick, name) == getattr(os, name), name
    assert quick.walk is os.walk, "what it does not have, `os` has"
    assert not hasattr(quick, "no_such_name")
    assert quick.path.commonpath is os.path.commonpath


paths = st.lists(st.sampled_from(["/", "a", "..", ".", "~", "~ann", "b c", "ö", "\udc80", "//", ""]), max_size=8).map(
    "".join
)


@given(path=paths, more=st.lists(paths, max_size=3))
def test_paths_are_taken_apart_and_put_together_alike(quick: Any, path: str, more: list[str]) -> None:
    assert quick.path.join(path, *more) == os.path.join(path, *more)  # noqa: PTH118
    for function in ("dirname", "basename", "isabs", "normcase", "expanduser", "realpath", "exists", "isdir"):
        assert getattr(quick.path, function)(path) == getattr(os.path, function)(path), function
    assert quick.fsencode(path) == os.fsencode(path)
    assert quick.fsdecode(os.fsencode(path)) == os.fsdecode(os.fsencode(path))


@pytest.mark.parametrize("home", ["/home/ann", "/home/ann/", "/", "", None])
def test_home_is_what_the_environment_says(quick: Any, monkeypatch: pytest.MonkeyPatch, home: str | None) -> None:
    variables = {} if home is None else {"HOME": home}
    monkeypatch.setattr(quick, "environ", variables, raising=False)
    monkeypatch.setattr(os, "environ", variables)
    for path in ("~", "~/x", "x~", "~root", "~nobody-of-that-name/x"):
        assert quick.path.expanduser(path) == os.path.expanduser(path)  # noqa: PTH111


def test_files_folders_and_links_are_told_apart_alike(quick: Any, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "to-file").symlink_to("folder/file")
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "round").symlink_to("round")
    os.mkfifo(tmp_path / "pipe")
    names = ["", "folder", "folder/", "folder/file", "link", "link/file", "link/../link/file", "to-file", "broken"]
    for name in [*names, "round", "pipe", "nothing", "folder//file", "./folder", "\0"]:
        path = f"{tmp_path}/{name}"
        for function in ("exists", "lexists", "isfile", "isdir", "islink"):
            assert getattr(quick.path, function)(path) == getattr(os.path, function)(path), (function, name)
        if "\0" not in name:
            assert quick.path.realpath(path) == os.path.realpath(path), name


def test_folders_are_made_alike(quick: Any, tmp_path: Path) -> None:
    for number, module in enumerate((quick, os)):
        top = tmp_path / str(number)
        module.makedirs(f"{top}/a/b", 0o700, exist_ok=True)
        module.makedirs(f"{top}/a/c", 0o700, exist_ok=True)
        module.makedirs(f"{top}/a/c", 0o700, exist_ok=True)
        with pytest.raises(FileExistsError):
            module.makedirs(f"{top}/a/c", 0o700)
        (top / "file").touch()
        with pytest.raises(FileExistsError):
            module.makedirs(f"{top}/file", 0o700, exist_ok=True)
        with pytest.raises(NotADirectoryError):
            module.makedirs(f"{top}/file/x", 0o700, exist_ok=True)
        assert [oct((top / each).stat().st_mode) for each in ("a", "a/c")] == ["0o40755", "0o40700"]


def test_the_environment_is_that_of_the_process_bytes_that_are_no_text_too() -> None:
    script = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "from claude_local_plugin.core import system\n"
        "assert 'os' not in sys.modules\n"
        "theirs = system.environ\n"
        "import os\n"
        "assert theirs == dict(os.environ) and system.environ is theirs and '\\udcff' in theirs['ODD'], theirs\n"
    )
    subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, str(PACKAGE.parent)],
        env={b"ODD": b"a\xff", b"LANG": b"C.UTF-8"},
        check=True,
    )


def test_what_hooks_load_asks_it_and_not_os() -> None:
    for file in [*(PACKAGE / "core").glob("*.py"), *(PACKAGE / "hook_runtime").glob("*.py")]:
        imports = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Import))
        assert file == SOURCE or "os" not in {alias.name for node in imports for alias in node.names}, file
