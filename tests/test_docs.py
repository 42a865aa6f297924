"""What holds for every page: it can be read, and what it points at is there."""

import re
from pathlib import Path

from claude_local_plugin.doctor import CHECKS

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

#: A line of prose is wrapped. A table's row cannot be, so it may be longer, but not without end.
LONGEST_LINE = 240
LONGEST_ROW = 400


def shown(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def test_no_line_is_too_long_to_be_read() -> None:
    long = [
        f"{shown(page)}:{number}: {len(line)} characters"
        for page in PAGES
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > (LONGEST_ROW if line.startswith("|") else LONGEST_LINE)
    ]
    assert len(PAGES) > 12
    assert long == []


def test_every_link_to_a_file_leads_to_one() -> None:
    dead = [
        f"{shown(page)}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert dead == []


def test_the_table_of_commands_counts_the_checks() -> None:
    assert f"| {len(CHECKS)} checks of " in (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
