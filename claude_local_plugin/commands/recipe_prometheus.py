"""Makes Prometheus' configuration and alerts for the servers that were named, after asking each of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from claude_local_plugin.client_config.headers import from_variable
from claude_local_plugin.commands.recipe_servers import addresses
from claude_local_plugin.commands.server_in_use import Address
from claude_local_plugin.commands.watch import look
from claude_local_plugin.core.shell import command
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.errors import UsageError
from claude_local_plugin.recipes.files import File, Made
from claude_local_plugin.recipes.monitoring import prometheus
from claude_local_plugin.recipes.monitoring.expressions import Ask, measured
from claude_local_plugin.recipes.monitoring.prometheus import CONFIG, RULES, Scraped
from claude_local_plugin.servers import Server, advice, identify, kinds
from claude_local_plugin.servers.server import UNKNOWN
from claude_local_plugin.text import printable

#: Where Prometheus listens in the printed command: this machine alone.
LISTEN = "127.0.0.1:9090"


@dataclass(frozen=True, slots=True)
class Asked:
    """The servers that were named, the variable that holds their key here, the file that holds it for Prometheus."""

    backends: tuple[str, ...]
    token_env: str | None = None
    key_file: Path | None = None
    check: bool = True
    #: The folder that the files will be in, where that is known.
    folder: Path | None = None


def recipe_prometheus(asked: Asked, environ: Mapping[str, str]) -> Made:
    """prometheus.yml and its alerts, for all of them."""
    token = (
        from_variable("--token-env", asked.token_env, environ, "the servers' key")
        if asked.token_env is not None
        else None
    )
    scraped, notes = [], []
    for url in addresses(asked.backends):
        found, said = _scraped(url, token, asked)
        notes += said
        scraped += [found] if found else []
    if not scraped:
        raise UsageError("none of these servers has metrics", "name one that has, or leave them unasked: --no-check")
    files = (
        File(CONFIG, prometheus.config(scraped)),
        File(RULES, prometheus.rules(Ask(measured()))),
    )
    config = str(asked.folder / CONFIG) if asked.folder else CONFIG
    steps = (
        ("check", command("promtool", "check", "config", config)),
        ("start", command("prometheus", f"--config.file={config}", f"--web.listen-address={LISTEN}")),
    )
    about = f"{CONFIG} and {RULES}: {len(scraped)} server{'' if len(scraped) == 1 else 's'}"
    return Made(about, files, steps, tuple(notes))


def _scraped(url: str, token: str | None, asked: Asked) -> tuple[Scraped | None, list[str]]:
    """The server as Prometheus is told about it, None where it has no metrics; and what to know of it."""
    target = parse_url(url)
    assert target is not None  # it has been normalised
    key_file = None if asked.key_file is None else str(asked.key_file.absolute())
    if not asked.check:
        return Scraped(target, UNKNOWN, key_file), []
    server = identify(url, token=token, timeout=5.0)
    shown = printable(target.label)
    if server.problem and not server.models:
        return Scraped(target, server.kind, key_file), [f"{shown} {printable(server.problem)}: not looked at"]
    label = kinds.of(server.kind).label
    if kinds.of(server.kind).quirks.made_for:
        behind = f": {printable(','.join(server.members))}" if server.members else ""
        return None, [f"{shown} is left out: {label} shows one replica or another; name the servers behind it{behind}"]
    if kinds.of(server.kind).metrics is None and not kinds.of(server.kind).quirks.metrics:
        return None, [f"{shown} is left out: no metrics are known of {label}"]
    wants_key = server.needs_key and look(Address(url, None, of_folder=False)).problem is not None
    problem = look(Address(url, token, of_folder=False)).problem
    said = [f"{shown} {printable(problem)}{_mend(server)}"] if problem else []
    if wants_key and key_file is None:
        said.append(f"{shown} asks Prometheus for a key: name the file that holds it with --key-file")
    return Scraped(target, server.behaves_as, key_file if wants_key else None), said


def _mend(server: Server) -> str:
    fix = advice.tell_cache(server.kind)
    return f": {fix}" if fix else ""
