"""Writes docs/checks.md anew from the checks' own texts: `python docs/checks_page.py`."""

from pathlib import Path

from claude_local_plugin.doctor import CHECKS, GROUPS, Check
from claude_local_plugin.doctor.checks import WORDS
from claude_local_plugin.servers.advisories import PAIRS, REVIEWED_ON

PAGE = Path(__file__).with_name("checks.md")

HEAD = """# What `claude-local doctor` checks

Generated from the checks themselves (`python docs/checks_page.py`); `claude-local doctor --explain ID` says the same.
A symptom is looked up in [troubleshooting.md](troubleshooting.md).

- `claude-local doctor` runs every check, `claude-local doctor files leak.login` those of a group or id, and
  `claude-local doctor slow` those behind [a word for the trouble](#words-for-troubles).
- *deep* checks look at real requests and need `--deep`, which says first how many it sends, and where to.
- *fix*: `--fix` can fix it, as a diff first. *named*: but only if the check is named, since it has a price.
- A check comes out as ok, info, warning, error, skipped (it has nothing to look at here) or failed (it could not be
  completed, and says why). The exit code is 1 if there is a warning, an error or a failed check, 2 for a call that
  could not be understood, else 0.
"""

GROUP_TEXTS = {
    "files": "The settings files themselves.",
    "precedence": "Where sessions go, and who says so.",
    "credentials": "Keys and tokens: none goes where it does not belong, and the server gets its own.",
    "client": "Claude Code: its version, its modes, its patience.",
    "hooks": "Our session hooks.",
    "server": "Who answers, and how well.",
    "model": "Names, window, answers, tool calls.",
    "cache": "What of a prompt is computed again.",
    "privacy": "What leaves the machine.",
}


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for group in GROUPS:
        checks = [check for check in CHECKS if check.group == group]
        parts.append(f"## {group}\n\n{GROUP_TEXTS[group]}\n\n" + "\n".join(map(section, checks)))
    parts.append(words())
    parts.append(known_bad())
    return "\n".join(parts)


def section(check: Check) -> str:
    """One check."""
    kinds = [
        name for name, is_so in (("deep", check.deep), ("fix", check.fixable), ("named", check.on_request)) if is_so
    ]
    marks = f" ({', '.join(kinds)})" if kinds else ""
    return (
        f"### `{check.id}`{marks}\n\n"
        f"{_sentence(check.asks, '?')} {_sentence(check.why)}\n\n"
        f"- What is checked: {check.finds}\n"
        f"- Fix: {check.remedy}\n"
    )


def _sentence(text: str, end: str = ".") -> str:
    text = text.removesuffix("?").removesuffix(".")
    return f"{text[0].upper()}{text[1:]}{end}"


def words() -> str:
    """What people call troubles, and what is looked at for each."""
    rows = [f"| {word} | {', '.join(f'`{check.id}`' for check in checks)} |" for word, checks in WORDS.items()]
    head = "## Words for troubles\n\nEach stands for these checks: `claude-local doctor WORD`.\n\n"
    head += "| word | checks |\n| --- | --- |\n"
    return head + "\n".join(rows) + "\n"


def known_bad() -> str:
    """The table behind client.known-bad."""
    rows = [
        f"| {'any of your own' if pair.kind == '*' else pair.kind}{f', {pair.model}' if pair.model else ''}"
        f" | {pair.what}; {pair.why} | {pair.seen} | [report]({pair.source}) |"
        for pair in PAIRS
    ]
    head = (
        f"## Known-bad pairs\n\nBehind `client.known-bad`, reviewed on {REVIEWED_ON}. What versions of servers need of"
        " Claude Code's side is in `claude_local_plugin/servers/kinds/`.\n\n"
        "| server | what is known | since | source |\n| --- | --- | --- | --- |\n"
    )
    return head + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
