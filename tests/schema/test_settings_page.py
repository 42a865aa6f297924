"""docs/settings.md says what the schemas say, and the schemas say what `enable` writes."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.settings.variables import catalogue

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(DOCS / "settings_tables.py"))


def test_the_tables_are_those_of_the_schemas(script: dict[str, Any]) -> None:
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    assert page == script["rewritten"](page), "python docs/settings_tables.py"


def test_every_variable_is_on_the_page_once(script: dict[str, Any]) -> None:
    tables = "\n".join(script["tables"]().values())
    assert [name for name in catalogue() if tables.count(f"| `{name}` |") != 1] == []


def test_every_role_has_a_heading(script: dict[str, Any]) -> None:
    assert {variable.role for variable in catalogue().values()} == set(script["ROLES"])


def test_a_row_of_the_table_is_one_line(script: dict[str, Any]) -> None:
    table = script["table"]("a|b", [("x | y", "z")])
    assert table == "| a | b |\n| --- | --- |\n| x \\| y | z |\n"
