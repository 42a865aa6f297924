"""Where lines about a server can go: what each place can say, which lines it refuses, and how "unset" is spelt there.

A line whose value is the empty string takes a setting back. In a settings file that is what it says: the empty string
counts as set, and hides what weaker files and the shell say (seen on Claude Code 2.1.200 to 2.1.332). A place that is
not a settings file holds variables alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from claude_local_plugin.client_config.model import Line
from claude_local_plugin.core.shell import command, export
from claude_local_plugin.precedence import Scope
from claude_local_plugin.settings.document import Append, Set
from claude_local_plugin.settings.variables import refused_in

#: Why a place that holds variables alone refuses a key of a settings file.
NO_VARIABLE = "a settings file alone can say this"


class Destination(Protocol):
    """A place that lines can go to."""

    @property
    def label(self) -> str:
        """The place in a sentence."""

    def refusal(self, line: Line) -> str | None:
        """Why the place cannot hold this line, or Claude Code would not take it from there; None where it can."""


def accepted(destination: Destination, lines: Iterable[Line]) -> tuple[Line, ...]:
    """The lines that the place can hold."""
    return tuple(line for line in lines if destination.refusal(line) is None)


def refused(destination: Destination, lines: Iterable[Line]) -> tuple[tuple[Line, str], ...]:
    """The lines that it cannot hold, each with the reason."""
    found = ((line, destination.refusal(line)) for line in lines)
    return tuple((line, reason) for line, reason in found if reason is not None)


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A settings file of one scope, edited in place: project (committed), local, or user."""

    scope: Scope

    @property
    def label(self) -> str:
        return f"{self.scope} settings"

    def refusal(self, line: Line) -> str | None:
        if line.secret and self.scope is Scope.PROJECT:
            return "the file is committed: no secret may go there"
        return _not_taken(line, self.scope, self.label)

    def changes(self, lines: Iterable[Line]) -> tuple[Set | Append, ...]:
        """The lines as edits of the file; a place in a list is added to what is there."""
        return tuple(line.change() for line in accepted(self, lines))


@dataclass(frozen=True, slots=True)
class SettingsDocument:
    """A settings file of our own making: for `--settings` (scope flag), or a fragment of an administrator's."""

    scope: Scope

    @property
    def label(self) -> str:
        return "the file given to --settings" if self.scope is Scope.FLAG else f"{self.scope} settings"

    def refusal(self, line: Line) -> str | None:
        return _not_taken(line, self.scope, self.label)

    def document(self, lines: Iterable[Line]) -> dict[str, Any]:
        """The lines as the content of the file."""
        found: dict[str, Any] = {}
        for line in accepted(self, lines):
            *above, last = line.path
            node = found
            for step in above:
                node = node.setdefault(step, {})
            if line.item:
                node.setdefault(last, []).append(line.value)
            else:
                node[last] = line.value
        return found


class _Variables:
    """What holds variables alone."""

    __slots__ = ()
    label: ClassVar[str]

    def refusal(self, line: Line) -> str | None:
        return NO_VARIABLE if line.path[0] != "env" else None

    def _values(self, lines: Iterable[Line]) -> Iterable[tuple[str, str]]:
        return ((line.path[1], str(line.value)) for line in lines if self.refusal(line) is None)


@dataclass(frozen=True, slots=True)
class ProcessEnvironment(_Variables):
    """The environment that a program is started with; unset is not there at all."""

    label: ClassVar[str] = "the program's environment"

    def environment(self, lines: Iterable[Line], inherited: Mapping[str, str]) -> dict[str, str]:
        """What is inherited, with the lines in it."""
        values = dict(self._values(lines))
        return {**{name: value for name, value in inherited.items() if name not in values}, **_only_set(values)}


@dataclass(frozen=True, slots=True)
class ShellExports(_Variables):
    """Commands for a shell, one a line; unset is `unset NAME`, in fish `set --erase NAME`."""

    fish: bool = False

    label: ClassVar[str] = "the shell"

    def exports(self, lines: Iterable[Line]) -> str:
        """The commands, to be typed or sourced."""
        unset = ("set", "--erase") if self.fish else ("unset",)
        commands = (export(name, value) if value else command(*unset, name) for name, value in self._values(lines))
        return "".join(f"{each}\n" for each in commands)


@dataclass(frozen=True, slots=True)
class VSCodeSettings(_Variables):
    """`claudeCode.environmentVariables` of VS Code: a process's environment, in which nothing can be taken away.

    By its documentation; no extension was run. The client takes an empty variable for one that is not set.
    """

    label: ClassVar[str] = "VS Code's settings"

    def entries(self, lines: Iterable[Line]) -> list[dict[str, str]]:
        """The list that the setting holds."""
        return [{"name": name, "value": value} for name, value in self._values(lines)]


def _only_set(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _not_taken(line: Line, scope: Scope, label: str) -> str | None:
    """The reason where Claude Code does not take this variable from files of the scope."""
    if line.path[0] == "env" and refused_in(line.path[1], scope, str(line.value)):
        return f"Claude Code does not take {line.path[1]} from {label}"
    return None
