"""The records of precedence: what the world looked like, every value set for a key, and what was decided."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from claude_local_plugin.core.frozen import frozen
from claude_local_plugin.precedence.lines import Lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from claude_local_plugin.checks import Finding
    from claude_local_plugin.precedence.verified import Answers

    State = Literal["wins", "shadowed", "cancelled", "refused", "dropped"]
    Outcome = Literal["ok", "not_logged_in", "login_unusable", "refused"]

NOTHING: Mapping[str, object] = MappingProxyType({})


class Scope(StrEnum):
    """Where a value can come from; `table.SETTINGS_ORDER` says who beats whom."""

    SERVED = "served"
    MANAGED = "managed"
    FLAG = "flag"
    LOCAL = "local"
    PROJECT = "project"
    USER = "user"
    SHELL = "shell"
    LOGIN = "login"
    PROFILE = "profile"
    GATEWAY = "gateway"
    CONSOLE = "console"
    DEFAULT = "default"
    CLI = "cli"


class FileState(StrEnum):
    """What Claude Code makes of a file. `UNKNOWN` means it cannot be seen from here, which is not `ABSENT`.

    `UNUSED` is a file in good order that does not count for this session, for the reason in `problem`.
    """

    READ = "read"
    ABSENT = "absent"
    DROPPED = "dropped"
    UNUSED = "unused"
    UNKNOWN = "unknown"


@lru_cache(maxsize=64)
def _lines(text: str) -> Lines:
    """A file is asked for the lines of many keys."""
    return Lines(text)


@frozen(hides=("text",))
class SettingsFile:
    """One file (or inline `--settings` text) and what Claude Code would take from it.

    `data` is the parsed object, also of a dropped file when it is JSON at all, so that what is lost can be named.
    `skipped` says which entries of an administrator's file are left out while the rest counts. `problem_at` leads to
    the value that makes Claude Code drop the file, where it is JSON and one value is to blame.
    """

    scope: Scope
    path: Path | None
    state: FileState
    problem: str | None = None
    data: Mapping[str, object] = NOTHING
    text: str = ""
    skipped: tuple[str, ...] = ()
    problem_at: tuple[str | int, ...] = ()

    def line_of(self, path: tuple[str | int, ...]) -> int | None:
        """The 1-based line of the key at `path`, or None."""
        return _lines(self.text).of(path) if self.text else None

    @property
    def problem_place(self) -> str:
        """Where to fix a dropped file: `settings.json:4`, or without the line where none is known."""
        line = self.line_of(self.problem_at) if self.problem_at else None
        return "--settings" if self.path is None else f"{self.path}:{line}" if line else str(self.path)

    @property
    def env(self) -> Mapping[str, object]:
        """The `env` block as it stands in the file, or an empty mapping."""
        block = self.data.get("env")
        return block if isinstance(block, dict) else NOTHING


class Entry(StrEnum):
    """What is started: a session, or `claude mcp serve`, which hands Claude Code's tools to another program."""

    SESSION = "session"
    MCP_SERVE = "mcp-serve"


@frozen
class Snapshot:
    """Everything a session started in `cwd` would see, read once.

    `files` holds settings files, highest precedence first, then the files with logins and the console key's file.
    `unknown` names what cannot be seen from here (server-managed settings, a keychain).
    `trusted` is the recorded answer to the trust dialog for this folder, None when none is recorded;
    `organization` is that of the recorded claude.ai account, and `auto_compact` what Claude Code's own state file says
    of compacting by itself, which counts where no settings file says anything.
    `answers` is what the installed client answered to `claude-local verify`, None where it was not asked.
    """

    cwd: Path
    home: Path
    config_dir: Path
    client_version: str | None
    files: tuple[SettingsFile, ...]
    shell: Mapping[str, str]
    cli_model: str | None = None
    setting_sources: tuple[Scope, ...] | None = None
    interactive: bool = True
    unknown: tuple[str, ...] = ()
    trusted: bool | None = None
    onboarded: bool = False
    approved_api_keys: tuple[str, ...] = ()
    organization: str | None = None
    entry: Entry = Entry.SESSION
    auto_compact: bool | None = None
    answers: "Answers | None" = None

    def of(self, *scopes: Scope) -> Iterator[SettingsFile]:
        """The files of these scopes, highest precedence first."""
        return (file for file in self.files if file.scope in scopes)


@frozen(hides=("value",))
class Candidate:
    """One value set for `key` somewhere, and what became of it."""

    scope: Scope
    key: str
    path: Path | None
    line: int | None
    value: str | None
    state: "State" = "shadowed"
    reason: str = ""
    secret: bool = False

    @property
    def place(self) -> str:
        """Where it is set, as people say it: `settings.json:4`, or the scope where there is no file."""
        if self.path is None:
            return {Scope.SHELL: "the shell", Scope.CLI: "the command line", Scope.FLAG: "--settings"}.get(
                self.scope, f"the {self.scope}"
            )
        return f"{self.path}:{self.line}" if self.line else str(self.path)


def why(winner: Candidate | None, rows: Iterable[Candidate], alone: str = "nothing else sets it") -> str:
    """Why the winner beats the next one below it; what stands above it and does not count is named behind that."""
    listed = list(rows)
    if winner is None:
        return next((row.reason for row in listed), alone)
    at = next((place for place, row in enumerate(listed) if row is winner), -1)
    below = (row.reason for row in listed[at + 1 :] if row.state not in ("refused", "dropped"))
    reason = next(below, winner.reason or alone)
    return "; ".join([reason, *(f"{row.place} does not count: {row.reason}" for row in listed[: max(at, 0)])])


@frozen(hides=("value", "otherwise"))
class Decision:
    """What a session would use for one question, who says so, and who else wanted a say."""

    name: str
    value: str | None
    winner: Candidate | None
    candidates: tuple[Candidate, ...]
    sentence: str
    secret: bool = False
    otherwise: tuple[str | None, ...] = ()
    """Other values, where it depends on which of two things Claude Code happens to have done first."""


@frozen
class Resolution:
    """The decisions of a session here: provider, base_url, authorization, x_api_key, model, context_window."""

    outcome: "Outcome"
    decisions: Mapping[str, Decision]
    warnings: tuple["Finding", ...]
    files: tuple[SettingsFile, ...]
    outcome_reason: str = ""

    def value(self, name: str) -> str | None:
        """The value of the decision `name`."""
        return self.decisions[name].value
