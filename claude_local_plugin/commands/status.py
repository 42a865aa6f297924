"""This folder's backend: where sessions go from here, whether it answers, and what the log saw last."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from claude_local_plugin.checks import Finding, Result
from claude_local_plugin.commands.project_names import project_names
from claude_local_plugin.core import config
from claude_local_plugin.core.endpoint import Backend
from claude_local_plugin.core.probe import OK, Probe, probe
from claude_local_plugin.core.record_extras import PROFILE, extras_of
from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.precedence import Resolution, Scope, Snapshot, backend_in_use, git_layout, resolve
from claude_local_plugin.sessionlog import queries
from claude_local_plugin.settings.hooks import Installed, found_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

UNUSABLE = (
    f"ANTHROPIC_BASE_URL is no http(s) URL: {command('claude-local', 'enable', '--url', Words('URL'))} writes one"
)


def status(snapshot: Snapshot, *, state_dir: Path) -> "dict[str, Any]":
    """The report of `claude-local status` (schemas/status.schema.json).

    Asks the server one bounded question, without a credential, as the session hook does; a server behind a proxy and
    the cloud are not asked. `healthy` is what the exit code says.
    """
    resolution = resolve(snapshot)
    backend = backend_in_use(snapshot)
    answer = probe(backend.target) if backend.target and not backend.proxied else None
    hooks = found_in(snapshot)
    warnings = [*_warnings(resolution, hooks)]
    settings = config.look(str(state_dir), snapshot.shell)
    if blocked := settings.for_project(str(snapshot.cwd)).blocked(backend.kind, backend.url, str(snapshot.cwd)):
        said, fix = blocked
        warnings.append(Finding("protection.backend", Result.ERROR, said, fix))
    last, kind = None, answer.kind if answer and not backend.cloud else backend.kind
    try:
        last, known = queries.glance(state_dir, _names(snapshot, state_dir), None if backend.cloud else backend.url)
        kind = known or kind
    except ClaudeLocalError as error:  # all else here is true without the log
        warnings.append(Finding("log.unusable", Result.ERROR, error.message, error.hint or "see the README"))
    if settings.log_push:
        warnings += [
            Finding("log.not-sent", Result.WARNING, each.said, command("claude-local", "sessions", "push"))
            for each in queries.failing(state_dir)
            if each.destination == settings.log_push
        ]
    unusable = not backend.cloud and backend.target is None
    healthy = (
        resolution.outcome == "ok"
        and not unusable
        and (answer is None or answer.outcome == OK)
        and not any(warning.result is Result.ERROR for warning in warnings)
    )
    window = resolution.value("context_window")
    return {
        "healthy": healthy,
        "outcome": resolution.outcome,
        "cwd": str(snapshot.cwd),
        "backend": {"kind": kind, "url": backend.url, "cloud": backend.cloud},
        "source": _source(resolution),
        "profile": _profile(resolution, state_dir),
        "reachable": None if answer is None else answer.reachable,
        "probe": None if answer is None else answer.outcome,
        "problem": UNUSABLE if unusable else _problem(backend, answer),
        "latency_ms": None if answer is None else answer.latency_ms,
        "model": resolution.value("model"),
        "context_window": int(window) if window and window.isdigit() else None,
        "hooks": {"installed": [hook.as_json() for hook in hooks]},
        "last_session": last,
        "warnings": [warning.as_warning() for warning in warnings],
    }


def _names(snapshot: Snapshot, state_dir: Path) -> Iterator[tuple[str, ...]]:
    """What this folder may be called in the log, then the same of its repository."""
    layout = git_layout(snapshot.cwd)
    for folder in dict.fromkeys((snapshot.cwd, layout.root if layout else snapshot.cwd)):
        yield project_names(str(folder), cwd=snapshot.cwd, home=snapshot.home, state_dir=state_dir)


def _source(resolution: Resolution) -> "dict[str, Any] | None":
    winner = resolution.decisions["base_url"].winner
    if winner is None or winner.scope is Scope.DEFAULT:
        return None
    return {
        "scope": winner.scope.value,
        "path": str(winner.path) if winner.path else None,
        "line": winner.line,
    }


def _profile(resolution: Resolution, state_dir: Path) -> str | None:
    """The profile that the file was enabled with which sends sessions to their server; None where it was none."""
    winner = resolution.decisions["base_url"].winner
    if winner is None or winner.path is None:
        return None
    return extras_of(winner.path, state_dir).get(PROFILE) or None


def _problem(backend: Backend, answer: Probe | None) -> str | None:
    """What is the matter with the server, in words; None where nothing is, or where it was not asked."""
    if answer is None or answer.outcome == OK or backend.target is None:
        return None
    return f"{backend.target.label}: {answer.detail or answer.outcome}"


def _warnings(resolution: Resolution, hooks: Sequence[Installed]) -> Iterator[Finding]:
    yield from resolution.warnings
    for hook in hooks:
        if hook.problem:
            yield Finding(
                "hooks.broken",
                Result.ERROR,
                f"{hook.trouble} (in {hook.path})",
                command("claude-local", "doctor", "--fix", "hooks.broken"),
            )


#: What is said of a folder on record, by how much of what we wrote stands there.
_STATES = {"all": "enabled", "part": "edited", "none": "wiped", "gone": "gone"}


def everywhere(state_dir: Path, home: Path, *, sweep: bool = False) -> "dict[str, Any]":
    """Every settings file that `enable` has written, with what became of it (schemas/status-all.schema.json).

    `sweep` takes away the records of folders that are gone. Raises ClaudeLocalError for a damaged record.
    """
    from claude_local_plugin.commands.first_run import is_of_state_file
    from claude_local_plugin.settings import ownership  # `status` of one folder only looks, and is to be quick
    from claude_local_plugin.settings.document import Set

    entries = []
    for record in ownership.records(state_dir):
        if record.layer(ownership.VSCODE) or is_of_state_file(record.purposes):
            continue  # an editor's settings, Claude Code's own state: neither is a settings file of its
        values = {
            change.path[-1]: change.value
            for layer in record.layers
            for change in layer.changes
            if isinstance(change, Set) and change.path[0] == "env"
        }
        state = _STATES[ownership.stands(record)]
        swept = sweep and state == "gone"
        if swept:
            ownership.forget(record, state_dir)
        entries.append(
            {
                "folder": str(record.settings_file.parent.parent),
                "settings_file": str(record.settings_file),
                "state": state,
                "purposes": list(record.purposes),
                "url": values.get("ANTHROPIC_BASE_URL"),
                "model": values.get("ANTHROPIC_MODEL"),
                "every_project": record.settings_file.parent == home / ".claude",
                "swept": swept,
            }
        )
    return {"enabled": entries}
