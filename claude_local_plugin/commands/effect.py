"""Whether what `enable` is about to write would have its effect: sessions go to the server, with its key and model.

Read off the resolution of the files as they would be, as every explanation is.
"""

from collections.abc import Sequence
from pathlib import Path

from claude_local_plugin.client_config.choose_server import Request
from claude_local_plugin.client_config.effect import beaten
from claude_local_plugin.client_config.model import Backend, Line
from claude_local_plugin.core.claude import is_on, js_string
from claude_local_plugin.core.settings_files import routed_by
from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.precedence import Candidate, Decision, Resolution, Scope, Snapshot, candidates, winning
from claude_local_plugin.precedence.credentials import name_of
from claude_local_plugin.precedence.table import SCOPE_LABELS
from claude_local_plugin.text import printable

#: What explain says that is of no use to somebody who is enabling a server: a word on ourselves.
NOT_FOR_HERE = ("version.unverified",)

#: Set in a shell, it has sessions read no settings file but the administrator's.
RESTRICTED = "CLAUDE_CODE_RESTRICTED"

WHO_DECIDES = f"{command('claude-local', 'explain-precedence')} says who decides what"

ASK_THE_ADMINISTRATOR = "ask whoever manages this machine's settings"


def refuse_without_effect(
    planned: Snapshot, resolution: Resolution, backend: Backend, request: Request, place: str
) -> None:
    """Raise ClaudeLocalError where sessions would not go to this server with its key and model, naming what wins."""
    if resolution.outcome == "refused":
        raise ClaudeLocalError(
            f"Claude Code would refuse to start here: {resolution.outcome_reason}",
            "fix that first; nothing was written",
        )
    wrong = next(beaten(resolution, backend), None)
    leak = next((warning for warning in resolution.warnings if warning.id.startswith("leak.")), None)
    if leak is not None and (wrong is None or wrong.decision.name not in ("provider", "base_url")):
        raise ClaudeLocalError(
            f"a credential would still be sent to {backend.host}: {leak.what}", f"{leak.fix}; nothing was written"
        )
    if wrong is not None:
        raise ClaudeLocalError(
            f"this would have no effect: {_what_wins(planned, wrong.decision, request.scope)}, and a session started"
            f" {place} would still {wrong.instead}",
            f"{_way_out(planned, wrong.decision, backend, request)}; nothing was written",
        )
    if resolution.outcome != "ok":
        raise ClaudeLocalError(
            f"this would have no effect: {resolution.outcome_reason}",
            f"{WHO_DECIDES}; nothing was written",
        )


def _what_wins(planned: Snapshot, decision: Decision, scope: Scope) -> str:
    """What decides instead of us, with its place."""
    if decision.name == "model" and (lists := _limits(planned)):
        return f"{lists[0].key} in {lists[0].place} does not allow this model"
    winner = decision.winner
    if (winner is None or winner.scope is Scope.DEFAULT) and _is_restricted(planned):
        return f"{RESTRICTED} is set in your shell, so a session reads no settings file of yours"
    if winner is None or winner.scope is Scope.DEFAULT:
        return decision.sentence
    name = name_of(winner)
    if winner.scope in (Scope.LOGIN, Scope.CONSOLE, Scope.PROFILE, Scope.GATEWAY):
        return f"{name} ({winner.place}) comes first"
    if winner.scope is Scope.SHELL:
        return f"{name} is set in your shell, and {decision.sentence}"
    stronger = f"beats {SCOPE_LABELS[scope]}" if winner.scope is not scope else decision.sentence
    return f"{winner.place} sets {name} and {stronger}"


def _limits(planned: Snapshot) -> list[Candidate]:
    """The lists of models that the administrator or the user allows or denies."""
    rows = [row for key in ("availableModels", "deniedModels") for row in candidates(planned, key)]
    return [row for row in rows if row.state == "wins"]


def _is_restricted(planned: Snapshot) -> bool:
    return is_on(planned.shell.get(RESTRICTED))


def _way_out(planned: Snapshot, decision: Decision, backend: Backend, request: Request) -> str:
    """What to do about what wins."""
    lists = _limits(planned) if decision.name == "model" else []
    winner = lists[0] if lists else decision.winner
    if winner is None and (host := routed_by(planned.shell, planned.client_version)):
        return command("unset", host)
    if (winner is None or winner.scope is Scope.DEFAULT) and _is_restricted(planned):
        return command("unset", RESTRICTED)
    if winner is None or winner.scope is Scope.DEFAULT:
        return WHO_DECIDES
    if winner.scope is Scope.GATEWAY:
        return f"{command('claude', 'auth', 'logout')} ends the sign-in at the gateway"
    if winner.scope in (Scope.SERVED, Scope.MANAGED):
        return ASK_THE_ADMINISTRATOR
    if lists:
        return f"add {printable(backend.model)} to {winner.key} in {winner.place}, or take the list out"
    if winner.scope is Scope.SHELL:
        if host := routed_by(planned.shell, planned.client_version):
            return command("unset", host)
        return command("unset", winner.key.removeprefix("env."))
    if winner.scope in (Scope.LOGIN, Scope.CONSOLE):
        return "sign out there (/logout in a session)"
    if winner.scope in (Scope.LOCAL, Scope.PROJECT) and request.scope is not Scope.LOCAL:
        return request.again(scope=Scope.LOCAL, url=backend.url, model=backend.model)
    return f"take it out of {winner.place}"


def explained(resolution: Resolution, ours: Sequence[Path], *, without: Sequence[str] = ()) -> tuple[str, ...]:
    """Everything that explain would warn of, each with what fixes it; not what we wrote into these files."""
    return tuple(
        f"{warning.what}: {warning.fix}"
        for warning in resolution.warnings
        if warning.id not in (*NOT_FOR_HERE, *without)
        and not warning.id.startswith("leak.")
        and not (warning.id.startswith("project.") and any(str(path) in warning.what for path in ours))
    )


def unheard(planned: Snapshot, lines: Sequence[Line], settings_file: Path) -> tuple[str, ...]:
    """The lines that another source beats, in words; what they are about is not what decides where sessions go."""
    beaten = []
    for line in lines:
        if line.item:
            continue  # the lists of all scopes are one
        found = winning(planned, line.key)
        if found is None:
            beaten.append(f"{line.key} has no effect: Claude Code does not take it from {settings_file}")
        elif found.path != settings_file and found.value != js_string(line.value):
            beaten.append(f"{line.key} has no effect: {found.place} sets it and is stronger")
    return tuple(beaten)
