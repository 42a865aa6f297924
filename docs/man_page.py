"""Writes docs/claude-local.1, the manual page, anew from the commands' own help: `python docs/man_page.py`."""

import re
from collections.abc import Iterator
from pathlib import Path

import click

from claude_local_plugin import cli
from claude_local_plugin.cli import group
from claude_local_plugin.cli.examples import EXAMPLES, typed

PAGE = Path(__file__).with_name("claude-local.1")


def page() -> str:
    """The whole page, as roff."""
    lines = [
        ".\\\" Written by docs/man_page.py from the commands' own help.",
        ".TH CLAUDE-LOCAL 1",
        ".SH NAME",
        "claude-local, cluse \\- Claude Code on your own model server, explained and on record",
        ".SH SYNOPSIS",
        ".B claude-local",
        ".I COMMAND",
        "[\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]",
        ".br",
        ".B cluse",
        "[\\fIPROFILE\\fR]",
        ".SH DESCRIPTION",
        *_paragraphs(group.main.help or ""),
        ".PP",
        "\\fBcluse\\fR is \\fBclaude-local enable\\fR in few letters.",
    ]
    for title, names in cli.SECTIONS.items():
        lines.append(f".SH {_text(title.upper())}")
        for name in names:
            lines += _command(name)
    lines += [
        ".SH EXIT STATUS",
        "0 well; 1 something is wrong, and it says what on standard error; 2 a usage error; 130 interrupted.",
        ".SH FILES",
        "\\fBclaude-local config path\\fR says where config.toml is,",
        "\\fBclaude-local status\\fR which settings file counts.",
        ".SH SEE ALSO",
        _text("The folder docs of the repository; https://pypi.org/project/claude-local/, once it is released."),
    ]
    return "\n".join(lines) + "\n"


def _command(name: str) -> Iterator[str]:
    # with the settings of the command line: click keeps what it makes of them beside each command
    context = click.Context(group.main, info_name="claude-local", **group.main.context_settings)
    command = group.main.get_command(context, name)
    assert command is not None
    yield f".SS claude-local {_text(name)}"
    if name == "use":  # the very same command
        yield from _paragraphs(cli.COMMANDS[name][1])
        return
    yield from _described(command, click.Context(command, context, info_name=name))
    yield from _examples(name)


def _examples(name: str) -> Iterator[str]:
    if EXAMPLES.get(name):
        yield ".PP"
        yield "Examples:"
        for line, what in EXAMPLES[name]:
            yield from (".TP", f"\\fB{_text(typed(line))}\\fR", _text(what))


def _described(command: click.Command, context: click.Context) -> Iterator[str]:
    yield from _paragraphs(command.help or "")
    yield from _options(command, context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            below = click.Context(inner, context, info_name=name)
            usage = " ".join(inner.collect_usage_pieces(below))
            yield from (".PP", f"\\fB{_text(below.command_path)}\\fR {_text(usage)}", ".RS")
            yield from _described(inner, below)
            yield from _examples(below.command_path.partition(" ")[2])
            yield ".RE"


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for each in command.get_params(context):
        record = each.get_help_record(context)
        if record is not None and "--help" not in record[0]:
            yield from (".TP", f"\\fB{_text(record[0])}\\fR", _text(" ".join(record[1].split())))


def _paragraphs(help_text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", help_text.replace("\b", "").strip()):
        yield ".PP"
        yield _text(" ".join(paragraph.split()))


def _text(text: str) -> str:
    """Text as roff reads it: no letter beyond ASCII, no backslash, hyphen or first dot that is taken for its own."""
    safe = text.replace("\\", "\\e").replace("-", "\\-")
    safe = "".join(letter if letter.isascii() else f"\\[u{ord(letter):04X}]" for letter in safe)
    return f"\\&{safe}" if safe.startswith((".", "'")) else safe


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
