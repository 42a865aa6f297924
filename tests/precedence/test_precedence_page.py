"""docs/precedence.md says what the code's own tables say."""

import runpy
from pathlib import Path

from claude_local_plugin.core.env_rules import REFUSED_IN_PROJECT_AND_LOCAL

DOCS = Path(__file__).parents[2] / "docs"


def test_the_tables_are_those_of_the_code() -> None:
    page = (DOCS / "precedence.md").read_text(encoding="utf-8")
    script = runpy.run_path(str(DOCS / "precedence_tables.py"))
    assert page == script["rewritten"](page), "python docs/precedence_tables.py"


def test_no_part_of_the_page_is_empty() -> None:
    page = (DOCS / "precedence.md").read_text(encoding="utf-8")
    for name in ("scopes", "refused", "providers", "authorization", "x-api-key", "models", "aliases", "rules"):
        part = page.partition(f"<!-- begin {name} -->")[2].partition(f"<!-- end {name} -->")[0]
        assert part.strip(), name


def test_every_refused_variable_is_on_the_page_and_whole() -> None:
    page = (DOCS / "precedence.md").read_text(encoding="utf-8")
    part = page.partition("<!-- begin refused -->")[2].partition("<!-- end refused -->")[0]
    assert set(part.split()) >= REFUSED_IN_PROJECT_AND_LOCAL
