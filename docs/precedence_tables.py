"""Writes the tables of docs/precedence.md anew from the code's own: `python docs/precedence_tables.py`.

The table of agreement comes from the answers on record in tests/conformance/golden, a file for each version.
"""

import json
import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from settings_tables import filled, table

from claude_local_plugin.core import env_rules
from claude_local_plugin.precedence import Scope, models
from claude_local_plugin.precedence.table import (
    AUTHORIZATION_RUNGS,
    MODEL_RUNGS,
    PROVIDERS,
    RULES,
    SCOPE_LABELS,
    SETTINGS_ORDER,
    X_API_KEY_RUNGS,
    Rung,
)

PAGE = Path(__file__).with_name("precedence.md")
GOLDEN = Path(__file__).parent.parent / "tests" / "conformance" / "golden"

#: Where each scope's values stand.
PLACES = {
    Scope.SERVED: "`remote-settings.json` beside the user's settings: a copy of what an administrator serves, without"
    " addresses and keys; it counts where a session may ask for the settings, see below",
    Scope.MANAGED: "`managed-settings.json` and `managed-settings.d/*.json` (later names win), in `/etc/claude-code`,"
    " `/Library/Application Support/ClaudeCode` or `C:\\Program Files\\ClaudeCode`",
    Scope.FLAG: "`claude --settings FILE` or inline JSON",
    Scope.LOCAL: "`.claude/settings.local.json`",
    Scope.PROJECT: "`.claude/settings.json`",
    Scope.USER: "`~/.claude/settings.json`, or in `CLAUDE_CONFIG_DIR`",
    Scope.SHELL: "what the shell exports",
}


def code(text: str) -> str:
    """The text as code."""
    return f"`{text}`"


def rungs(rows: Sequence[Rung]) -> str:
    """The sources of one header, first to last."""
    return table("|source|when", ((str(i), row.label, when(row)) for i, row in enumerate(rows, 1)))


def when(row: Rung) -> str:
    """On what condition a source serves."""
    if not row.login_only:
        return ""
    alone = "only when there is no key, no token and no helper"
    return f"{alone}, nor a saved Console key" if row.after_console else alone


def parts() -> dict[str, str]:
    """Every generated part of the page by the name in its markers."""
    return {
        "scopes": table(
            "|scope|where", ((str(i), SCOPE_LABELS[scope], PLACES[scope]) for i, scope in enumerate(SETTINGS_ORDER, 1))
        ),
        "providers": table("switch|provider", ((code(row.switch), row.label) for row in PROVIDERS)),
        "authorization": rungs(AUTHORIZATION_RUNGS),
        "x-api-key": rungs(X_API_KEY_RUNGS),
        "models": table("|source", ((str(i), code(key.removeprefix("env."))) for i, key in enumerate(MODEL_RUNGS, 1))),
        "aliases": table(
            "alias|variable that redirects it|else",
            ((code(alias), code(variable), code(name)) for alias, (variable, name) in models.ALIASES.items()),
        ),
        "rules": table(
            "rule|from version|before version", ((rule.text, rule.since or "", rule.until or "") for rule in RULES)
        ),
        "agreement": agreement(),
        "refused": "\n".join(
            (
                folded(
                    "are taken from no settings file at all",
                    env_rules.REFUSED_IN_EVERY_FILE,
                    env_rules.REFUSED_PREFIX_IN_EVERY_FILE,
                ),
                folded(
                    "are taken from the other settings files, but not from a project's",
                    env_rules.REFUSED_IN_PROJECTS,
                    env_rules.REFUSED_PREFIX_IN_PROJECTS,
                ),
            )
        ),
    }


def folded(what: str, names: Iterable[str], prefix: str) -> str:
    """All the names in order, in lines that can be read, behind one that says how many there are and unfolds them."""
    every = sorted(names)
    head = f"{len(every)} variables, and whatever begins with <code>{prefix}</code>, {what}"
    lines = textwrap.fill(" ".join(every), 118, break_long_words=False, break_on_hyphens=False)
    return f"<details><summary>{head}</summary>\n\n```text\n{lines}\n```\n\n</details>\n"


def rewritten(page: str) -> str:
    """The page with its generated parts as they should be."""
    return filled(page, parts())


def agreement() -> str:
    """How many of its recorded answers each version agrees in, newest first."""
    from claude_local_plugin.core.claude import version_key

    known = json.loads((GOLDEN / "differ.json").read_text(encoding="utf-8"))
    rows = []
    for file in sorted(GOLDEN.glob("*.jsonl"), key=lambda file: version_key(file.stem), reverse=True):
        asked = len(file.read_text(encoding="utf-8").splitlines())
        differ = known.get(file.stem, [])
        # Rounded down: a single difference is not to be seen as "100 %".
        share = f"{int(1000 * (asked - len(differ)) / asked) / 10:g} %"
        kinds = sorted({"/".join(name.split("/")[: 2 if name.startswith("source/") else 1]) for name in differ})
        rows.append((file.stem, f"{asked:,}", share, ", ".join(map(code, kinds)) or "nowhere"))
    return table("Claude Code|questions on record|agree|where it differs", rows)


def main() -> int:
    """Rewrite the page."""
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
