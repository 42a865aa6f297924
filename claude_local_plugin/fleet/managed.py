"""An administrator's fragment: what `enable` would write for a server, for machines that nobody here can see."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claude_local_plugin.client_config import build
from claude_local_plugin.client_config.destination import SettingsDocument
from claude_local_plugin.client_config.model import Backend, Line
from claude_local_plugin.client_config.telemetry import exporters
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.precedence import Scope, Snapshot, gather
from claude_local_plugin.servers.compatibility import Needs
from claude_local_plugin.settings import schema
from claude_local_plugin.settings.document import Append, Change
from claude_local_plugin.text import printable

#: Its name in `managed-settings.d`: after a base of theirs, before what is to beat it.
NAME = "50-claude-local.json"

#: What a user's own files or shell may say beside a server's lines, so that a session would go elsewhere, or take
#: something along: blanked, as an administrator's empty value hides theirs (seen on 2.1.332).
BLANKED = (*build.PROVIDER_SWITCHES, "ANTHROPIC_CUSTOM_HEADERS", "CLAUDE_CODE_SUBAGENT_MODEL")

#: Only the server that this file names: also for a program that starts Claude Code with its own (seen on 2.1.332).
LOCKED = (
    Line(("allowedProviders",), "customEndpoint", "sessions that would use another backend are refused", item=True),
)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted besides the server's lines.

    `helper`: the command that gives the server's key on each machine. `otel`: a collector's address. `lock`: users may
    not leave. `hooks`: the edits that install ours.
    """

    helper: str | None = None
    otel: str | None = None
    lock: bool = False
    hooks: Sequence[Change] = field(default=(), repr=False)


def fragment(backend: Backend, needs: Needs, wishes: Wishes) -> dict[str, Any]:
    """The content of the file; raises ClaudeLocalError where a secret would stand in it."""
    lines = (
        *_own(build.lines(nowhere(), backend, needs, PLACE), wishes),
        *(exporters(wishes.otel, "--otel") if wishes.otel is not None else ()),
    )
    document = PLACE.document((*lines, *_blanks(lines), *(LOCKED if wishes.lock else ())))
    for change in wishes.hooks:
        assert isinstance(change, Append)
        document.setdefault("hooks", {}).setdefault(change.path[1], []).append(change.item)
    wrong = [each for each in schema.problems(document, "settings") if each.severity == "error"]
    if wrong:
        raise ClaudeLocalError(f"the file would be wrong: {wrong[0]}", "this is a fault of claude-local's: report it")
    return document


PLACE = SettingsDocument(Scope.MANAGED)


def nowhere() -> Snapshot:
    """A machine of which nothing is known."""
    there = Path("/nonexistent")
    return gather(cwd=there, home=there, environ={}, managed_dir=there)


def _own(lines: Sequence[Line], wishes: Wishes) -> Iterator[Line]:
    """The server's lines, with the key's helper in the place of the key: everybody may read the file."""
    for line in lines:
        if line.path == ("env", "ANTHROPIC_AUTH_TOKEN") and wishes.helper is not None:
            yield Line(line.path, "", "the helper gives the key")
        elif line.secret:
            what = "a header" if line.path[-1] == "ANTHROPIC_CUSTOM_HEADERS" else "the key"
            raise ClaudeLocalError(
                f"{what} of {printable(backend_of(lines))} is a secret, and every user may read this file",
                "have it in the server's own proxy"
                if what == "a header"
                else "name the variable that holds it on each machine: --token-env, or the command: --helper",
            )
        else:
            yield line
    if wishes.helper is not None:
        yield Line(("apiKeyHelper",), wishes.helper, "gives the server's key on each machine")


def backend_of(lines: Sequence[Line]) -> str:
    """The server that the lines name."""
    return next(str(line.value) for line in lines if line.path == ("env", "ANTHROPIC_BASE_URL"))


def _blanks(lines: Sequence[Line]) -> Iterator[Line]:
    named = {line.path for line in lines}
    for name in BLANKED:
        if ("env", name) not in named:
            yield Line(("env", name), "", "what users have set would take effect")
    if ("apiKeyHelper",) not in named:
        yield Line(("apiKeyHelper",), "", "a user's helper would send its key there")
