"""Who went where: the recorded answers say what the page says, and the real client says so still."""

import random
import runpy
from pathlib import Path

import pytest

from tests.launch import isolation
from tests.launch.isolation import KEY, LOGIN, OURS, Row
from tests.programs import program

PAGE = Path(__file__).parents[2] / "docs" / "isolation.md"
ROWS = isolation.read(isolation.newest())

#: Where our commands say no, and have to: by the way's name, the folders.
SAYS_NO = {
    "claude-local enable": {"managed"},
    "claude-local run": {"managed"},
    "claude-local launcher": {"managed"},
    "claude-local run --cloud": {"nothing set", "user settings", "project settings", "enabled", "managed"},
}
#: How many questions a run of the tests asks again.
SAMPLE = 6


def test_every_way_was_asked_in_every_folder() -> None:
    assert {(row.way, row.world) for row in ROWS} == {(way.name, world) for way, world, _ in isolation.questions()}


def test_the_page_has_the_table_of_the_recorded_answers() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == runpy.run_path(str(PAGE.with_name("isolation_table.py")))["rewritten"](text), (
        "python docs/isolation_table.py"
    )


def test_readme_says_what_was_recorded() -> None:
    readme = PAGE.parents[1] / "README.md"
    text = readme.read_text(encoding="utf-8")
    table = runpy.run_path(str(PAGE.with_name("isolation_table.py")))
    assert text == table["readme_rewritten"](text), "python docs/isolation_table.py"
    # what is ours leads there in every column that is shown, and what is not ours does not
    short = text.partition("<!-- begin short -->")[2].partition("<!-- end short -->")[0]
    rows = {
        line.split("|")[1].strip(): line.split("|")[2:-1] for line in short.splitlines() if line.startswith("| `cl")
    }
    for way in ("`claude-local enable`", "`claude-local run … -- claude`"):
        assert [cell.strip() for cell in rows[way]] == ["✓"] * 4


def judged(row: Row) -> bool:
    """Whether a way of ours did what it has to."""
    if row.world in SAYS_NO.get(row.way, ()):
        return row.outcome == "refused" and row.said.startswith("error: ")
    if (row.way, row.world) == ("claude-local env", "managed"):
        return row.base_url == isolation.url("managed") and OURS not in row.credentials
    return row.is_cloud if row.way.endswith("--cloud") else row.is_ours


def test_every_way_of_ours_leads_where_it_should_with_no_foreign_credential() -> None:
    ours = [row for row in ROWS if row.way.startswith("claude-local")]
    assert len(ours) >= 45
    assert [row for row in ours if not judged(row)] == []


def test_the_other_ways_do_not_all() -> None:
    """What makes the page worth reading, and the judgement above one that can fail."""
    others = [row for row in ROWS if not row.way.startswith("claude-local") and not row.is_ours]
    assert len(others) > 20
    assert any({LOGIN, KEY} & set(row.credentials) for row in others)


@pytest.mark.client
@pytest.mark.programs
def test_the_client_still_does_so(claude_binary: Path) -> None:
    listed = list(isolation.questions())
    ours = [each for each in listed if each[0].ours]
    program("direnv", "direnv")  # which some of the ways go by
    asked = random.Random(20261128).sample(ours, SAMPLE - 2) + random.Random(7).sample(listed, 2)
    found = isolation.ask(claude_binary, asked)
    recorded = {(row.way, row.world): row for row in ROWS}
    for row in found:
        then = recorded[row.way, row.world]
        what = (row.outcome, row.base_url, row.credentials)
        assert what == (then.outcome, then.base_url, then.credentials), f"{row.way}, {row.world}: {row.said}"
