"""The report: collected from the session log, as a page in one file or as data."""

import os
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from claude_local_plugin.commands.output_file import replacing
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.sessionlog.queries.report_data import Backend, Looks, Part, ReportData, collect
from claude_local_plugin.sessionlog.queries.usage import Usage

__all__ = ["FILE", "as_json", "check", "collect", "page", "show", "write"]

#: The file where no other is asked for: in nobody's repository.
FILE = "~/claude-local-report.html"
#: Our mark is this near to the beginning of a page.
_MARKED_BYTES = 512


def page(
    data: ReportData,
    *,
    project: str | None,
    machine: str | None = None,
    person: str | None = None,
    home: Path,
    made_at: datetime,
    version: str,
) -> str:
    """The report as an HTML document that needs nothing else; project, machine and person are what was asked for."""
    from claude_local_plugin.report import document

    return document(data, project=project, machine=machine, person=person, home=home, made_at=made_at, version=version)


def check(
    file: Path,
    *,
    force: bool,
    option: str = "--output",
    mark: str | None = None,
    what: str = "a report of claude-local",
) -> None:
    """Raise ClaudeLocalError if there is something else than a page of ours, or no folder, before any work.

    `option` names the file, `mark` is that of pages that may be replaced, None for a report's, and `what` their name.
    """
    target = file.resolve()
    if target.exists() and not target.is_file():
        raise ClaudeLocalError(f"{file}: not a regular file, where the page should be", f"{option} with another name")
    if not target.parent.is_dir():
        raise ClaudeLocalError(f"{target.parent}: there is no such folder", f"mkdir -p {target.parent}")
    if not os.access(target.parent, os.W_OK):
        raise ClaudeLocalError(f"{file}: no file can be written there", f"{option} with another name")
    if not force and target.exists() and not _is_ours(target, mark, option):
        instead = "--force to replace it, or another --output" if mark is None else f"another {option}"
        raise ClaudeLocalError(f"{file}: there already, and not {what}", instead)


def write(text: str, file: Path, option: str = "--output") -> None:
    """Put the page in its place, whole or not at all; raises ClaudeLocalError."""
    with replacing(file, option) as page:
        page.write(text.encode())


def show(file: Path) -> bool:
    """Open the page in the user's browser; whether there is one."""
    import webbrowser

    try:
        return webbrowser.open(file.resolve().as_uri())
    except webbrowser.Error:
        return False


def _is_ours(file: Path, mark: str | None, option: str) -> bool:
    from claude_local_plugin.report import MARK

    try:
        with file.open("rb") as page:
            return (mark or MARK).encode() in page.read(_MARKED_BYTES)
    except OSError as error:
        raise ClaudeLocalError(f"{file}: cannot be read: {error.strerror or error}", f"another {option}") from error


def as_json(data: ReportData) -> dict[str, Any]:
    """The report of `claude-local report --json` (schemas/report.schema.json)."""
    return {
        "since": _moment(data.since),
        "until": _moment(data.until),
        "step": data.step,
        "periods": [day.isoformat() for day in data.periods],
        "sessions": data.sessions,
        "total": _usage(data.usage),
        "backends": [_backend(backend) for backend in data.backends],
        "failures": {name: list(counts) for name, counts in asdict(data.failures).items()},
        "projects": [
            {"project": project.path, "own": _usage(project.own), "cloud": _usage(project.cloud)}
            for project in data.projects
        ],
        "last": [session.as_json() for session in data.last],
        **(
            {name: list(map(_part, parts)) for name, parts in (("machines", data.machines), ("people", data.people))}
            if data.machines
            else {}
        ),
    }


def _part(part: Part) -> dict[str, Any]:
    return {"name": part.name, "sessions": part.sessions, "own": _usage(part.own), "cloud": _usage(part.cloud)}


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _backend(backend: Backend) -> dict[str, Any]:
    periods = zip(backend.usages, backend.looks_by_period, strict=True)
    return {
        "backend": {"kind": backend.kind, "url": backend.url},
        "cloud": backend.cloud,
        "total": _usage(backend.usage) | {"looks": _looks(backend.looks)},
        "periods": [_usage(usage) | {"looks": _looks(looks)} for usage, looks in periods],
    }


def _looks(looks: Looks) -> dict[str, Any]:
    return {**asdict(looks), "failed": dict(looks.failed)}


def _usage(usage: Usage) -> dict[str, Any]:
    numbers = asdict(usage)
    return {"sessions": numbers.pop("sessions"), "duration_s": numbers.pop("duration_ms") / 1000, **numbers}
