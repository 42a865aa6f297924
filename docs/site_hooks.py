"""What the site has beside the pages of this folder: README and the like, and references made from the code.

mkdocs calls `on_files` and `on_page_markdown`; nothing here is written to the disk.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from claude_local_plugin import cli
from claude_local_plugin.cli import group
from claude_local_plugin.cli.examples import EXAMPLES, typed

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = ROOT / "schemas"
#: Pages of the repository's root -> what they are called on the site.
ABOVE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}

JSON_HEAD = """What `--json` of each command prints, and what is read from files: one JSON Schema (2020-12) each. They
travel in the package, in `claude_local_plugin/schemas/`. Times are in UTC."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The pages that are not in this folder."""
    made = {
        **{name: _moved((ROOT / source).read_text(encoding="utf-8")) for source, name in ABOVE.items()},
        "reference/commands.md": commands_page(),
        "reference/json.md": json_page(),
        "reference/manual.md": manual_page(),
    }
    for name, text in made.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links to the repository's root lead to the pages that stand for those files."""
    for source, name in ABOVE.items():
        markdown = re.sub(rf"\]\((\.\./)+{re.escape(source)}", f"]({_up(page)}{name}", markdown)
    return markdown


def _up(page: Page) -> str:
    return "../" * page.file.src_uri.count("/")


def _moved(text: str) -> str:
    """A page of the root as one of the site: its links into docs/, and to its neighbours, lead there."""
    text = text.replace("](docs/", "](")
    for source, name in ABOVE.items():
        text = text.replace(f"]({source}", f"]({name}")
    return text


# --- references


def commands_page() -> str:
    """Every command with its help, as it is typed."""
    parts = ["# Commands", "What `--help` of each command says, in the order of a day."]
    top = click.Context(group.main, info_name="claude-local")
    for title, names in cli.SECTIONS.items():
        parts.append(f"## {title}")
        for name in names:
            command = group.main.get_command(top, name)
            assert command is not None
            parts += _helps(command, click.Context(command, top, info_name=name))
    return "\n\n".join(parts) + "\n"


def _helps(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"### {context.command_path}"
    context.terminal_width = 100
    yield f"```text\n{command.get_help(context)}\n```"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _helps(inner, click.Context(inner, context, info_name=name))


def json_page() -> str:
    """The schema of everything that is printed or read as JSON or TOML."""
    parts = ["# JSON", JSON_HEAD]
    for path in sorted(SCHEMAS.glob("*.schema.json")):
        schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        parts.append(f"## {schema.get('title', path.name)}")
        parts.append(f"`schemas/{path.name}`")
        if described := schema.get("description"):
            parts.append(str(described))
        if path.stat().st_size < 40_000:
            parts.append(f"```json\n{path.read_text(encoding='utf-8').rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def manual_page() -> str:
    """Two examples for every command, on one page."""
    lines = [
        "# Examples",
        "Two for every command; `--help` shows them, too.",
        "| type | what it does |",
        "| --- | --- |",
    ]
    rows = [
        f"| `{typed(line)}` | {what} |".replace("| source", "\\| source")
        for examples in EXAMPLES.values()
        for line, what in examples
    ]
    return "\n\n".join(lines[:2]) + "\n\n" + "\n".join([*lines[2:], *rows]) + "\n"
