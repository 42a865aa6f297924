"""What is wrong in a pasted file, or with a running server as far as it shows, and the file corrected."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claude_local_plugin.checks import Finding, Result, exit_code
from claude_local_plugin.client_config.headers import from_variable
from claude_local_plugin.commands.recipe_fit import known_to
from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import BackendError, UsageError
from claude_local_plugin.lint import CHECKS, Check, Facts, chosen, corrected, read, run, told_machine
from claude_local_plugin.lint.outside import document_of
from claude_local_plugin.lint.reading.start import FORMATS
from claude_local_plugin.settings.diff import unified_diff
from claude_local_plugin.text import without_secrets

SCHEMA_VERSION = 1
#: No file that starts a server is larger.
MOST_BYTES = 1_000_000
#: How long, in seconds, a server may take to say what it is.
PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be looked at (`-` is `stdin`), for which machine and how many sessions at once."""

    file: str | None = None
    url: str | None = None
    token_env: str | None = None
    hardware: str | None = None
    sessions: int | None = None
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found, by which checks, in how many seconds."""

    facts: Facts = field(repr=False)
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def exit_code(self) -> int:
        """1 where something is wrong or could not be completed, else 0."""
        return exit_code(self.findings)

    @property
    def about(self) -> str:
        """What was looked at: `compose file, vLLM, for GB10 (named in it)`."""
        document, machine = self.facts.document, self.facts.hardware
        what = "running server" if self.facts.server is not None else FORMATS[document.format]
        engines = dict.fromkeys(each.engine for each in document.starts)
        parts = [what, *engines]
        if machine is not None:
            parts.append(f"for {machine.label} ({self.facts.machine_by})")
        return " · ".join(parts)


def recipe_lint(request: Request, *, cwd: Path, environ: Mapping[str, str], stdin: str = "") -> Report:
    """Look at a file or a server; reads it, writes nothing.

    Raises UsageError for an unknown check or machine and for a text that is nothing we read.
    """
    began = time.monotonic()
    checks = chosen(request.only)
    facts = _server(request, environ) if request.url else _file(request, cwd, environ, stdin)
    return Report(facts, checks, run(facts, checks), time.monotonic() - began)


def _file(request: Request, cwd: Path, environ: Mapping[str, str], stdin: str) -> Facts:
    assert request.file is not None
    known = known_to(environ)
    path = Path(request.file)
    if request.file == "-":
        text, name = stdin, "standard input"
    else:
        text, name = _text(cwd / path, request.file), request.file
    document = read(text, name)
    machine, by = None, ""
    if request.hardware:
        machine, by = known.machine(request.hardware), "--hardware"
    elif told := told_machine(text, known):
        machine, by = told[0], f"the file says {told[1]!r}"
    return Facts(document, path, known, machine, by, request.sessions)


def _text(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}", "name a file, or - for standard input") from error
    if len(raw) > MOST_BYTES:
        raise UsageError(f"{name} is larger than any file that starts a server", "name the file itself")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8 text", "save it as UTF-8") from error


def _server(request: Request, environ: Mapping[str, str]) -> Facts:
    from claude_local_plugin.servers import State, identify, kinds, messages
    from claude_local_plugin.servers.urls import normalise

    assert request.url is not None
    url = normalise(request.url).url
    token = None
    if request.token_env is not None:
        token = from_variable("--token-env", request.token_env, environ, "the key your server was started with")
    server = identify(url, token=token, timeout=PATIENCE)
    if server.state not in (State.READY, State.OVERLOADED):
        raise BackendError(
            f"{url} is not ready ({server.state})", command("claude-local", "doctor", "server", "--url", url)
        )
    known = known_to(environ)
    machine = known.machine(request.hardware) if request.hardware else None
    metrics = None
    if kinds.of(server.kind).quirks.metrics:
        metrics = messages.run(lambda client: client.metrics(timeout=PATIENCE), url, token=token)
    by = "--hardware" if machine else ""
    return Facts(document_of(server), Path(url), known, machine, by, request.sessions, server, metrics)


# --- the corrected file


def diff(report: Report) -> str:
    """What `--fix` prints: the change as a unified diff that patch takes; nothing where nothing can be mended."""
    facts = report.facts
    name = "stdin" if str(facts.path) == "-" else str(facts.path)
    return unified_diff(facts.text, corrected(facts, report.checks), name)


# --- as data


def report_json(report: Report, *, fixed: bool = False) -> dict[str, Any]:
    """The object that `recipe lint --json` prints (schemas/recipe-lint.schema.json), secrets masked."""
    counts = Counter(finding.result.value for finding in report.findings)
    facts = report.facts
    data: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "file": None if facts.server is not None else str(facts.path),
        "url": facts.server.url if facts.server is not None else None,
        "format": "server" if facts.server is not None else facts.document.format,
        "hardware": facts.hardware.name if facts.hardware else None,
        "findings": [finding.as_json() for finding in report.findings],
        "counts": {result.value: counts[result.value] for result in Result},
        "seconds": round(report.seconds, 3),
    }
    if fixed:
        data["diff"] = without_secrets(diff(report), members=False)
    return data


def explained(check: Check) -> list[str]:
    """All there is to say about one check, as lines."""
    lines = [
        f"{check.id}   ({check.group})",
        "",
        f"asks:  {check.asks}",
        f"why:   {check.why}",
        f"looks: {check.finds}",
        f"fix:   {check.remedy}",
        f"says:  {check.source}",
    ]
    if check.outside:
        lines.append("also:  of a running server, with --url")
    return lines


def listed(names: Sequence[str]) -> list[tuple[str, str, str]]:
    """Id, whether `--fix` mends it, and question of each check."""
    return [(each.id, "fix" if each.fixable else "", each.asks) for each in (chosen(names) if names else CHECKS)]
