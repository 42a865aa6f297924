"""Writes docs/isolation.md's table anew from the recorded answers of Claude Code: `python docs/isolation_table.py`."""

import runpy
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("isolation.md")
sys.path.insert(0, str(PAGE.parents[1]))
SHARED: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("settings_tables.py")))

from tests.launch import isolation  # noqa: E402  (found through the line above)
from tests.launch.isolation import HELPER, KEY, LOGIN, OURS, Row, url  # noqa: E402

#: What stands at the ports of the scenarios, in words.
_PLACES = {url(place): place for place in ("managed", "user", "project", "local")}
_CREDENTIALS = {LOGIN: "the login", KEY: "the shell's key", HELPER: "the helper's key", OURS: "**our key**"}


def cell(row: Row) -> str:
    """What happened, in a few words."""
    if row.way.endswith("--cloud") and row.is_cloud:
        return f"✓ {_sent(row)}"
    if not row.way.endswith("--cloud") and row.is_ours:
        return "✓"
    if row.outcome != "ok":
        return "says no" if row.said.startswith("error: ") else row.outcome.replace("_", " ")
    where = (
        "cloud" if row.base_url == "https://api.anthropic.com" else _PLACES.get(row.base_url or "", str(row.base_url))
    )
    return f"{where}, {_sent(row)}"


def _sent(row: Row) -> str:
    return " and ".join(_CREDENTIALS.get(each, "its own key") for each in row.credentials) or "no key"


def rewritten(page: str) -> str:
    """The page with its table as it should be."""
    file = isolation.newest()
    rows = isolation.read(file)
    worlds = list(dict.fromkeys(row.world for row in rows))
    seen = {(row.way, row.world): row for row in rows}
    lines = [
        (f"`{way.name}`" if way.ours else way.name, *(cell(seen[way.name, world]) for world in worlds))
        for way in isolation.WAYS
    ]
    table = SHARED["table"]("|".join(("way", *worlds)), lines)
    text: str = SHARED["filled"](page, {"ways": f"Claude Code {file.stem.partition('-')[2]}:\n\n{table}"})
    return text


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
