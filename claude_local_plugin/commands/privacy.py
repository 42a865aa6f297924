"""What still leaves this machine, to which host; and the real client asked whether that is so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from claude_local_plugin.client_config import build
from claude_local_plugin.conformance import proof
from claude_local_plugin.conformance.sandbox import BoxError
from claude_local_plugin.core import config
from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import ClaudeLocalError, SettingsError
from claude_local_plugin.precedence import Scope, Snapshot, backend_in_use
from claude_local_plugin.privacy import OWN_PROGRAMS, at_level, foreseen, leaving, level_in_effect, setting_of
from claude_local_plugin.privacy.leaving import ANTHROPIC, Leaving
from claude_local_plugin.servers.urls import is_plain_http_remote
from claude_local_plugin.settings.document import DocumentError
from claude_local_plugin.world import World

LEVELS = build.LEVELS


def planned(world: World, level: str | None, scope: Scope | None = None) -> Snapshot:
    """What a session here sees; with a level, what it would see once `enable` had written that."""
    if level is None:
        return world.snapshot()
    try:
        return world.snapshot(at_level(world, level, scope))
    except DocumentError as error:
        raise SettingsError(
            f"the settings file cannot be edited: {error.fault} (line {error.line})",
            command("claude-local", "doctor", "--fix", "files.json"),
        ) from error


def report(world: World, level: str | None = None, scope: Scope | None = None) -> dict[str, Any]:
    """The object that `privacy --json` prints (schemas/privacy.schema.json)."""
    snapshot = planned(world, level, scope)
    backend = backend_in_use(snapshot)
    target = backend.target
    return {
        "schema_version": 1,
        "level": level_in_effect(snapshot),
        "asked_level": level,
        "cloud": backend.cloud,
        "model_host": target.label if target else ANTHROPIC if backend.kind == "anthropic" else backend.kind,
        "plain_http": bool(target and is_plain_http_remote(target.url)),
        "leaves": [
            {
                "id": each.id,
                "hosts": list(each.hosts),
                "what": each.what,
                "when": each.when,
                "remedy": each.remedy,
            }
            for each in (*leaving(snapshot), *_own(world))
        ],
        "own_programs": OWN_PROGRAMS,
        "proof": None,
    }


def _own(world: World) -> Iterator[Leaving]:
    """What we send ourselves, where we are told to: it is no doing of Claude Code's, and so no matter of a level."""
    where = config.look(str(world.state_dir), world.environ).log_push
    if where:
        host = urlsplit(where).hostname or "what the service file of PostgreSQL names"
        what = "our own session log: servers, models, tokens, projects, machine, person"
        yield Leaving("log-push", (host,), what, "after each session", "taking log.push out of config.toml")


def prove(world: World, claude: Path, level: str | None = None, scope: Scope | None = None) -> dict[str, Any]:
    """The report with what the real client asked for: schemas/privacy.schema.json.

    Raises ClaudeLocalError where no namespaces can be had, or the client does not run.
    """
    snapshot = planned(world, level, scope)
    try:
        found = proof.prove(claude, setting_of(snapshot))
    except BoxError as error:
        raise ClaudeLocalError(
            f"nothing can be proved here: {error.message}",
            "it takes Linux, `unshare` and `mount`, and the permission for network and mount namespaces",
        ) from error
    expected = foreseen(snapshot) - {backend_host(snapshot)}
    names = {name for session in found.sessions for name in session.names}
    return report(world, level, scope) | {
        "proof": {
            "client_version": found.client_version,
            "names": sorted(names),
            "unforeseen": sorted(names - expected),
            "answered": all(session.answered for session in found.sessions),
            "sessions": [
                {
                    "way": each.way,
                    "answered": each.answered,
                    "names": list(each.names),
                    "requests": list(dict.fromkeys(each.requests)),
                    "said": each.said,
                }
                for each in found.sessions
            ],
        }
    }


def backend_host(snapshot: Snapshot) -> str | None:
    """The model's host where it is an own server: the proof has a stand-in for it."""
    backend = backend_in_use(snapshot)
    return None if backend.cloud or backend.target is None else backend.target.host
