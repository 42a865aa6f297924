"""Makes what is needed for Claude Code's own OpenTelemetry: where it is heard, a label of the backend, a collector."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claude_local_plugin.client_config.destination import (
    Destination,
    SettingsDocument,
    SettingsFile,
    ShellExports,
    refused,
)
from claude_local_plugin.client_config.model import Line
from claude_local_plugin.client_config.telemetry import ATTRIBUTES, CUMULATIVE, GRPC_PORT, exporters, label
from claude_local_plugin.core.shell import command
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.precedence import Scope, Snapshot, backend_in_use, managed_dir_default, winning
from claude_local_plugin.recipes.files import File, Made
from claude_local_plugin.recipes.monitoring import otel
from claude_local_plugin.servers.urls import is_loopback
from claude_local_plugin.text import printable
from claude_local_plugin.world import World

#: Where the exporters can be said; the label is said in the project's local settings, where it is heard.
SCOPES = ("user", "managed", "shell", "project", "local")
#: The files, by what is in them.
USERS, MANAGED, SHELL, LOCAL = "user-settings.json", "50-claude-local-otel.json", "telemetry.sh", "local-settings.json"
#: What the backend is called where sessions go to Anthropic's API.
CLOUD = "cloud"


@dataclass(frozen=True, slots=True)
class Asked:
    """The collector's address, where the exporters are to be said, the backend's name, the folder of the files."""

    collector: str = "http://localhost:4318"
    scope: str = "user"
    label: str | None = None
    folder: Path | None = None


def recipe_otel(asked: Asked, world: World) -> Made:
    """The collector's file, the exporters as the scope wants them, and the label for sessions of this folder."""
    lines = (*exporters(asked.collector, "--collector"), CUMULATIVE)
    _must_be_heard(lines, asked.scope)
    snapshot = world.snapshot()
    name = asked.label or _backend(snapshot)
    named, notes = _label(snapshot, name)
    target = parse_url(asked.collector)
    assert target is not None  # exporters have looked
    file, text = _exporters(lines, asked.scope)
    files = (
        File(otel.NAME, otel.config(target, loopback=is_loopback(target.host), grpc=target.port == GRPC_PORT)),
        File(file, text),
        File(LOCAL, _json(SettingsDocument(Scope.LOCAL).document((named,)))),
    )
    about = f"OpenTelemetry to {printable(asked.collector)}; sessions of this folder are labelled {printable(name)}"
    return Made(about, files, _steps(asked, file), tuple(notes))


def _must_be_heard(lines: Sequence[Line], scope: str) -> None:
    """Raises UsageError where Claude Code would not take the lines from there."""
    place: Destination = SettingsFile(Scope(scope)) if scope in ("project", "local") else SettingsDocument(Scope.USER)
    if unheard := refused(place, lines):
        names = ", ".join(line.path[-1] for line, _ in unheard)
        raise UsageError(
            f"Claude Code does not take from {place.label}: {names}",
            "--scope user, managed or shell; the label is read",
        )


def _exporters(lines: Sequence[Line], scope: str) -> tuple[str, str]:
    """The file that says them, and its text."""
    if scope == "shell":
        return SHELL, ShellExports().exports(lines)
    return MANAGED if scope == "managed" else USERS, _json(SettingsDocument(Scope(scope)).document(lines))


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _backend(snapshot: Snapshot) -> str:
    """What the backend of sessions here is called: the server's host and port, without scheme and path."""
    backend = backend_in_use(snapshot)
    if backend.cloud:
        return CLOUD
    if backend.target is None:
        raise ClaudeLocalError("it is not to be told where sessions here go", "give the backend a name: --label NAME")
    return backend.target.label


def _label(snapshot: Snapshot, name: str) -> tuple[Line, list[str]]:
    """The label's line with the attributes that are in effect, and what to know of those."""
    there = winning(snapshot, f"env.{ATTRIBUTES}")
    line = label(name, there.value if there else None)
    if there is None:
        return line, []
    if there.scope in (Scope.MANAGED, Scope.FLAG, Scope.SERVED):
        return line, [f"{printable(there.place)} sets {ATTRIBUTES}, which beats the project's: the label is not read"]
    if there.scope is Scope.LOCAL:
        return line, []
    return line, [f"{printable(there.place)} sets {ATTRIBUTES}, which the project's would hide: it is taken along"]


def _steps(asked: Asked, file: str) -> tuple[tuple[str, str], ...]:
    def at(name: str) -> str:
        return str(asked.folder / name) if asked.folder else name

    installed = {
        "user": f"{at(file)} into ~/.claude/settings.json, for your sessions",
        "managed": command(
            *("sudo", "install", "-D", "-m", "0644"),
            *(at(file), str(managed_dir_default() / "managed-settings.d" / file)),
        ),
        "shell": f"{at(file)}, sourced in the shell that starts Claude Code",
    }
    return (
        ("collect", command("otelcol-contrib", f"--config={at(otel.NAME)}")),
        ("export", installed[asked.scope]),
        ("label", f"{at(LOCAL)} into .claude/settings.local.json, of this project"),
    )
