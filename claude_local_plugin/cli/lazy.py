"""A group of commands, each imported when it is called: `--help` and the quick commands stay quick."""

import copy
import difflib
import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import click

from claude_local_plugin.cli import examples


class Group(click.Group):
    """A group whose `--help` has the first sentence of each command in full, and whose commands have examples."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command by name, with its examples; None where there is none."""
        command = super().get_command(ctx, cmd_name)
        return None if command is None else _with_examples(command, _typed(ctx, cmd_name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands, each with its first sentence, however long."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, each.get_short_help_str(limit=1000)) for name, each in commands if each and not each.hidden]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


class LazyGroup(click.Group):
    """A group made of a table: command -> its module below `package`, and what `--help` says of it, in that order.

    The command is the function of its own name there, with `_` for `-`, and `suffix` behind it. `sections` are the
    headings of `--help` with their commands, `meant` other people's words for some of them.
    """

    def __init__(
        self,
        *arguments: Any,
        rows: Mapping[str, tuple[str, str]],
        package: str,
        suffix: str = "",
        sections: Mapping[str, Sequence[str]] | None = None,
        meant: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self.rows, self.package, self.suffix = rows, package, suffix
        self.sections = sections or {"Commands": tuple(rows)}
        self.meant = meant or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of `--help`."""
        return list(self.rows)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command by name; None where there is none."""
        if cmd_name not in self.rows:
            return None
        module = importlib.import_module(f"{self.package}.{self.rows[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_") + self.suffix)
        return _with_examples(command, _typed(ctx, cmd_name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name for a misspelt one."""
        if args and not args[0].startswith("-") and args[0] not in self.rows:
            near = (
                [self.meant[args[0]]] if args[0] in self.meant else difflib.get_close_matches(args[0], self.rows, n=1)
            )
            meant = f" Did you mean {near[0]}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{meant}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with their help texts from the table, importing none of them."""
        for title, names in self.sections.items():
            if not names:
                continue
            with formatter.section(title):
                formatter.write_dl([(name, self.rows[name][1]) for name in names])


def _with_examples(command: click.Command, name: str) -> click.Command:
    """The command with the examples of the name that it is called by: some have several names."""
    if command.epilog is not None:
        return command
    command = copy.copy(command)
    command.epilog = examples.lines(name) or None
    return command


def _typed(ctx: click.Context, name: str) -> str:
    """What is typed behind `claude-local` for this command: `recipe fit`."""
    above = ctx.command_path.split()[1:]
    return " ".join((*above, name))
