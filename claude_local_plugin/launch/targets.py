"""What a run can start: one record for each kind of program, and how a command is told to be of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from claude_local_plugin.errors import UsageError

#: What Agent SDKs are known to do with what a run gives them (claude-agent-sdk 0.2.189 for Python, 0.3.332 for
#: TypeScript).
_OF_SDKS = (
    "an SDK that is given skills= without setting_sources reads no settings.local.json, so its hooks do not run",
    "a TypeScript program that passes options.env to query() replaces this environment: spread process.env into it",
)


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of program: what it is called, whether it takes `--settings`, and what has to be said of it."""

    name: str
    label: str
    #: What its executable is called.
    programs: tuple[str, ...] = ()
    #: Whether it is Claude Code itself, whose own options reach what no environment does.
    is_client: bool = False
    notes: tuple[str, ...] = ()


TARGETS = (
    Target("claude", "Claude Code", ("claude",), is_client=True),
    Target("guardkit", "GuardKit", ("guardkit", "guardkit-py", "gk")),
    Target("agent-sdk", "a program with an Agent SDK", notes=_OF_SDKS),
    Target("any", "a program"),
)
_BY_NAME = {target.name: target for target in TARGETS}
assert len(_BY_NAME) == len(TARGETS), "two targets of one name"


def named(name: str) -> Target:
    """The target of this name; raises UsageError where there is none."""
    if found := _BY_NAME.get(name):
        return found
    raise UsageError(f"--for {name}: there is no such target", f"one of {', '.join(_BY_NAME)}")


def recognised(command: Sequence[str]) -> Target:
    """The target of a command by its program's name."""
    program = PurePath(command[0].replace("\\", "/")).name.lower()
    for ending in (".exe", ".cmd"):
        program = program.removesuffix(ending)
    return next((target for target in TARGETS if program in target.programs), _BY_NAME["any"])
