"""Writes the tables of docs/settings.md anew from the schemas: `python docs/settings_tables.py`."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from claude_local_plugin import paths
from claude_local_plugin.settings.variables import Variable, catalogue

PAGE = Path(__file__).with_name("settings.md")

#: What a role is called in the page, in its order.
ROLES = {
    "endpoint": "Where requests go",
    "credential": "What identifies you",
    "provider": "Cloud providers",
    "model": "Models",
    "window": "Window and answers",
    "protocol": "What is sent",
    "prompt": "The size of the first prompt",
    "timeout": "Time-outs and retries",
    "quiet": "Traffic to others",
    "network": "Proxies and certificates",
    "hooks": "Hooks",
    "telemetry": "OpenTelemetry",
    "location": "Where Claude Code keeps things, and how it starts",
    "identity": "What Claude Code tells the programs it starts",
}


def table(head: str, rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; `head` names the columns, with `|` between them."""
    columns = head.split("|")
    lines = [columns, ["---"] * len(columns), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def variables(chosen: Iterable[Variable]) -> str:
    """The variables, each with what it does, whether it is secret, who may not set it and since when it is known."""
    return table(
        "variable|what it does|secret|ignored in|known since",
        (
            (f"`{each.name}`", each.description, "yes" if each.secret else "", refused(each), each.since or "")
            for each in chosen
        ),
    )


def refused(variable: Variable) -> str:
    """The settings files that Claude Code does not take the variable from, in words."""
    where = "every settings file" if len(variable.refused_in) > 2 else ", ".join(variable.refused_in)
    return f"{where} (may switch it {variable.refused_unless})" if variable.refused_unless else where


def keys(schema: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The keys beside `env` that `enable` may write, with what they do."""
    for name, entry in schema["properties"].items():
        if entry.get("x-written"):
            yield f"`{prefix}{name}`", entry["description"]
        if "properties" in entry:
            yield from keys(entry, f"{prefix}{name}.")


def tables() -> dict[str, str]:
    """Every generated part of the page by the name in its markers."""
    settings = json.loads((paths.shipped("schemas") / "settings.schema.json").read_text(encoding="utf-8"))
    known = catalogue().values()
    others = [
        f"### {heading}\n\n{variables(rows)}"
        for role, heading in ROLES.items()
        if (rows := [each for each in known if each.role == role and not each.written])
    ]
    return {
        "written": variables(each for each in known if each.written),
        "keys": table("key|what it does", keys(settings)),
        "others": "\n".join(others),
    }


def rewritten(page: str) -> str:
    """The page with its generated parts as they should be."""
    return filled(page, tables())


def filled(page: str, parts: Mapping[str, str]) -> str:
    """The page with each part between its markers replaced."""
    for name, text in parts.items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        page = f"{before}{begin}\n{text}\n{end}{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
