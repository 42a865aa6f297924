"""What the `fix` of a check plans: steps, which `fixes` puts together file by file."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from claude_local_plugin.checks import Finding
from claude_local_plugin.client_config.model import Line
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.precedence import Scope, Snapshot
from claude_local_plugin.servers import ServedModel
from claude_local_plugin.settings import file


@dataclass(frozen=True, slots=True)
class Tools:
    """What planning needs from outside: the world with other texts in some files, our own paths, the model to pin.

    `model` is the served model for names that are not served; None where that is for the user to choose. `read` gives
    the text of a file, as it is or as it would be.
    """

    snapshot: Callable[[Mapping[Path, str | None]], Snapshot]
    settings_file: Callable[[Scope], Path]
    state_dir: Path
    python: str
    hooks_dir: Path
    config_dir: Path | None = None
    model: ServedModel | None = None
    read: Callable[[Path], str | None] = file.read


@dataclass(frozen=True, slots=True)
class Lines:
    """To be set in the settings file that names the server, on record, so that disable takes it back.

    `planned` are keys of enable's plan; `fixed` are lines whatever the server is and whoever set something else.
    """

    planned: tuple[str, ...] = ()
    fixed: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Hooks:
    """Our hooks in this settings file are to be made anew; `with_entries` False: there are to be none in it."""

    path: Path
    with_entries: bool = True


@dataclass(frozen=True, slots=True)
class StatusLine:
    """Our status line in this settings file is to be made anew."""

    path: Path


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A file's text is to be changed, on no record; `first`: what else belongs into it can be said once it counts."""

    path: Path
    change: Callable[[str], str]
    first: bool = False


@dataclass(frozen=True, slots=True)
class Mode:
    """A file's permission bits are to be these."""

    path: Path
    mode: int


@dataclass(frozen=True, slots=True)
class Impossible:
    """It cannot be planned, and why."""

    reason: str


Step = Lines | Hooks | StatusLine | Rewrite | Mode | Impossible
#: What fixes these findings of a check, all of which `--fix` can fix; reads files and writes nothing.
Fixer = Callable[[Facts, Sequence[Finding], Tools], Iterable[Step]]


def as_enable_plans(*keys: str) -> Fixer:
    """Sets these keys to what enable would write for the server."""
    return lambda facts, findings, tools: (Lines(planned=keys),)


def writes(*lines: Line) -> Fixer:
    """Sets these lines."""
    return lambda facts, findings, tools: (Lines(fixed=lines),)


def variable(name: str, value: str, reason: str) -> Line:
    """A line that sets an environment variable of sessions."""
    return Line(("env", name), value, reason)


#: What keeps fields out of requests that only Claude Code sends.
WITHOUT_BETAS = (
    variable("CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS", "1", "the server refuses what this leaves out"),
    variable("ENABLE_TOOL_SEARCH", "false", "the server refuses tools that are sent later"),
)
