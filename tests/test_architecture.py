"""docs/architecture.md is true of the code: its folders, its picture, and every file and function on it."""

import ast
import re
from functools import cache
from pathlib import Path

from tests.looped import looped
from tests.test_layers import MAY_KNOW, PACKAGE

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ADRS = sorted((ROOT / "docs" / "adr").glob("*.md"))

#: A file in code, and the names in code that stand behind it with nothing but blanks between.
NAMED = re.compile(r"`([\w./-]+\.(?:py|sh))`((?: `\w+`)*)")

FOLDERS = {path.name for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").exists()}


@cache
def names_in(file: Path) -> frozenset[str]:
    """What a module defines: functions, methods, classes, and the names that are assigned at its top."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    defined = {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    targets = [node.targets if isinstance(node, ast.Assign) else [node.target] for node in assignments(tree)]
    return frozenset(defined | {each.id for some in targets for each in some if isinstance(each, ast.Name)})


def assignments(tree: ast.Module) -> list[ast.Assign | ast.AnnAssign]:
    return [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]


def picture() -> dict[str, list[str]]:
    """Each room of the picture, from top to bottom, with those that it says the room may import."""
    found: dict[str, list[str]] = {}
    drawn = PAGE.partition("## The picture")[2].partition("```text\n")[2].partition("```")[0]
    room = ""
    for line in drawn.splitlines():
        words = re.findall(r"\w+(?:/\w+)*", re.sub(r"knows nobody", "", line))
        if re.match(r" +[├└]─ ", line):
            room, *known = words
            found[room] = known
        elif re.match(r" +│ {8,}\w", line) and room:
            found[room] += words
    return found


def test_the_picture_is_what_the_layer_tests_enforce() -> None:
    drawn = picture()
    enforced = {room: known - {"__version__"} for room, known in MAY_KNOW.items()}
    assert {room: set(known) for room, known in drawn.items()} == enforced
    order = list(drawn)
    upwards = [(room, known) for room in order for known in drawn[room] if order.index(known) <= order.index(room)]
    assert upwards == []


def test_every_folder_of_the_package_is_explained_in_a_sentence() -> None:
    assert len(FOLDERS) > 10
    for text in (PAGE, CONTRIBUTING):
        rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
        explained = {name for row in rows if row[2].strip() for name in re.findall(r"`([\w/]+)/`", row[1])}
        assert explained >= FOLDERS


def missing(text: str) -> list[str]:
    """The files that a page names and that are not there, and the names behind a file that it does not define."""
    found = []
    for file, behind in NAMED.findall(text):
        path = ROOT / file if (ROOT / file).exists() else PACKAGE / file
        if not path.is_file():
            found.append(file)
        else:
            found += [f"{file}: {name}" for name in re.findall(r"\w+", behind) if name not in names_in(path)]
    return found


def test_every_file_and_function_that_is_named_exists() -> None:
    assert sum(len(behind.split()) for _, behind in NAMED.findall(PAGE)) > 30
    assert missing(PAGE) == []


def test_a_file_or_function_that_is_gone_is_noticed() -> None:
    text = (
        "| `sessionlog/journal.py` `append` `gone` |\n| `guest/gone.py` `append`, then `hook_runtime/main.py` `run` |"
    )
    assert missing(text) == ["sessionlog/journal.py: gone", "guest/gone.py"]


def test_every_folder_that_is_named_exists() -> None:
    for text in (PAGE, CONTRIBUTING):
        named = re.findall(r"`(\.?[\w-]+(?:/[\w.-]+)*)/`", text)
        assert [name for name in named if not ((ROOT / name).is_dir() or (PACKAGE / name).is_dir())] == []


def test_the_page_is_linked_from_where_people_begin() -> None:
    assert "](docs/architecture.md)" in CONTRIBUTING
    assert "](docs/architecture.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_decisions_are_numbered_and_have_one_form() -> None:
    assert [int(path.name[:4]) for path in ADRS] == list(range(1, len(ADRS) + 1))
    for path in ADRS:
        text = path.read_text(encoding="utf-8")
        headings = re.findall(r"^#+ .*$", text, re.MULTILINE)
        assert headings[0].startswith(f"# {int(path.name[:4])}. "), path.name
        assert headings[1:] == ["## The question", "## What was decided", "## What follows"], path.name
        assert "\nStatus: " in text, path.name


@looped("page", [*ADRS, ROOT / "CONTRIBUTING.md"], ids=lambda path: path.stem)
def test_decisions_and_recipes_name_files_that_exist(page: Path) -> None:
    assert missing(page.read_text(encoding="utf-8")) == []
