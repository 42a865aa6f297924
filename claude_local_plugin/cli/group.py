"""The commands as click has them: what they are called, and what becomes of what click raises."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from claude_local_plugin import __version__, cli
from claude_local_plugin.cli.lazy import LazyGroup
from claude_local_plugin.cli.terminal import err
from claude_local_plugin.core.shell import command, home_path
from claude_local_plugin.errors import UsageError
from claude_local_plugin.text import printable


def _manual(prefix: Path, home: str) -> str:
    """What is behind `man` for the manual page: not every installer puts it where man looks for names."""
    page = Path("share", "man", "man1", "claude-local.1")
    places = (prefix / page, Path(__file__).parents[2] / "docs" / page.name)
    found = next((place for place in places if place.is_file()), None)
    return "claude-local" if found is None else home_path(str(found), home)


@click.group(
    cls=LazyGroup,
    rows=cli.COMMANDS,
    package=cli.__name__,
    sections=cli.SECTIONS,
    meant=cli.MEANT,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=cli.EPILOG.format(manual=_manual(Path(sys.prefix), os.environ.get("HOME", ""))),
)
@click.version_option(__version__, message="claude-local %(version)s")
def main() -> None:
    """Claude Code on your own model server, explained and on record."""


def scripts() -> dict[str, click.Command]:
    """Our console scripts by their names; the second is `enable` in few letters."""
    from claude_local_plugin.cli.enable import enable

    return {"claude-local": main, "cluse": enable}


def _without_its_words(
    script: click.Command, argv: Sequence[str], name: str, error: click.exceptions.BadOptionUsage
) -> UsageError:
    """What to say of an option behind which something is missing; click says neither what, nor what next."""
    context = click.Context(script, info_name=name)
    for word in argv:
        found = context.command.get_command(context, word) if isinstance(context.command, click.Group) else None
        if found is None:
            break
        context = click.Context(found, context, info_name=word)
    wanted = next((each for each in context.command.params if error.option_name in each.opts), None)
    said = printable(error.message.rstrip(".")).replace("Option", "option", 1)
    if isinstance(wanted, click.Option) and not wanted.is_flag:
        said = f"{error.option_name} needs {_behind(wanted)} behind it"
    return UsageError(said, command(*context.command_path.split(), "--help"))


def _behind(option: click.Option) -> str:
    """What stands behind an option, as people say it."""
    if isinstance(option.type, click.Choice):
        return f"one of {', '.join(map(str, option.type.choices))}"
    return option.metavar or ("a number" if isinstance(option.type, click.IntRange) else "a value")


def run(argv: Sequence[str], name: str) -> int:
    """Run one command line of a console script; returns the exit code. Our own errors are the caller's to catch."""
    try:
        script = main if name == "claude-local" else scripts()[name]
        code = script.main(args=list(argv), prog_name=name, standalone_mode=False)
    except click.exceptions.Abort as abort:
        if isinstance(abort.__cause__, KeyboardInterrupt):  # click's name for Ctrl-C; at a question it has no cause
            err().line("interrupted", "yellow")
            return 130
        err().line("aborted: nothing was written", "yellow")
        return 1
    except click.exceptions.NoArgsIsHelpError as bare:  # its message is the help, which is text of our own
        bare.show()
        return bare.exit_code
    except click.exceptions.BadOptionUsage as error:
        raise _without_its_words(script, argv, name, error) from error
    except click.ClickException as error:
        vars(error)["message"] = printable(error.message)  # which may quote a word of the command line
        error.show()
        return error.exit_code
    return code if isinstance(code, int) else 0
