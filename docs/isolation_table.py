"""Writes the tables of isolation.md and README.md anew from the recorded answers: `python docs/isolation_table.py`."""

import runpy
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("isolation.md")
README = PAGE.parents[1] / "README.md"
sys.path.insert(0, str(PAGE.parents[1]))
SHARED: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("settings_tables.py")))

from tests.launch import isolation  # noqa: E402  (found through the line above)
from tests.launch.isolation import HELPER, KEY, LOGIN, OURS, Row, url  # noqa: E402

#: What stands at the ports of the scenarios, in words.
_PLACES = {url(place): place for place in ("managed", "user", "project", "local")} | {url("ours"): "yours"}
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


#: When a version was asked.
ASKED = {"2.1.332": "28 November 2026"}

#: What README shows of it: the ways, each by the words it is known by, and the folders.
SHORT_WAYS = {
    "the address alone": "`ANTHROPIC_BASE_URL=… claude`",
    "address and token": "`ANTHROPIC_BASE_URL=… ANTHROPIC_AUTH_TOKEN=… claude`",
    "wrapper with exports": "a wrapper or direnv, with `ANTHROPIC_API_KEY=` too",
    "settings.local.json by hand": "all that in `.claude/settings.local.json`",
    "claude-local enable": "`claude-local enable`",
    "claude-local run": "`claude-local run … -- claude`",
}
SHORT_WORLDS = {
    "login": "a claude.ai login",
    "shell key": "an exported `ANTHROPIC_API_KEY`",
    "helper": "an `apiKeyHelper`",
    "user settings": "another server in `~/.claude/settings.json`",
}


def _answers() -> tuple[str, dict[tuple[str, str], Row]]:
    """The client's version, and what it did in each way and folder."""
    file = isolation.newest()
    return file.stem.partition("-")[2], {(row.way, row.world): row for row in isolation.read(file)}


def rewritten(page: str) -> str:
    """The page with its table as it should be."""
    version, seen = _answers()
    lines = [
        (f"`{way.name}`" if way.ours else way.name, *(cell(seen[way.name, world]) for world in isolation.WORLDS))
        for way in isolation.WAYS
    ]
    table = SHARED["table"]("|".join(("way", *isolation.WORLDS)), lines)
    text: str = SHARED["filled"](page, {"ways": f"Claude Code {version}:\n\n{table}"})
    return text


def readme_rewritten(text: str) -> str:
    """README with its short table as it should be."""
    version, seen = _answers()
    lines = [(words, *(_short(seen[way, world]) for world in SHORT_WORLDS)) for way, words in SHORT_WAYS.items()]
    table = SHARED["table"]("|".join(("one wants a server of one's own, by", *SHORT_WORLDS.values())), lines)
    filled: str = SHARED["filled"](
        text, {"short": f"What Claude Code {version} did ({ASKED[version]}), where there is:\n\n{table}"}
    )
    return filled


def _short(row: Row) -> str:
    if row.is_ours:
        return "✓"
    sent = [_CREDENTIALS[each] for each in row.credentials if each in _CREDENTIALS and each != OURS]
    return f"**{' and '.join(sent)}** is sent to it" if row.base_url == url("ours") else "goes to the other server"


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    README.write_text(readme_rewritten(README.read_text(encoding="utf-8")), encoding="utf-8")
