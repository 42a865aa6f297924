"""Did any session of a project use a backend outside the allowed list?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from claude_local_plugin.commands.project_names import folder_named, project_names
from claude_local_plugin.commands.sessions import Asked, is_known
from claude_local_plugin.core import config
from claude_local_plugin.core.config import HASHED
from claude_local_plugin.core.config_rules import backends
from claude_local_plugin.core.protection import is_allowed, is_way_allowed
from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import UsageError
from claude_local_plugin.precedence.locate import git_layout
from claude_local_plugin.sessionlog.queries import Where
from claude_local_plugin.sessionlog.queries.audit import outside, without_way
from claude_local_plugin.sessionlog.queries.filters import is_below
from claude_local_plugin.sessionlog.queries.usage import UNKNOWN, By, usage
from claude_local_plugin.text import counted

#: What no log can know.
LIMITS = (
    "sessions from before the hooks were installed, with hooks switched off, or on another machine are not on record"
)
MISSING = f"{command('claude-local', 'sessions', 'stats', '--by', 'project')} has those on record"
HINT = f"--allow URL, or allowed_backends in config.toml: {command('claude-local', 'config', 'path')}"


def audit(
    asked: Asked,
    allow: Sequence[str],
    *,
    cwd: Path,
    home: Path,
    environ: Mapping[str, str],
    state_dir: Path,
) -> dict[str, Any]:
    """The report of `claude-local audit` (schemas/audit.schema.json).

    The project is the asked folder with all below it, by default the repository or folder this is. `allow` are URLs,
    kinds of the cloud, or "cloud"; without any, what config.toml says for each session's project. Raises UsageError
    when that leaves sessions that cannot be judged, or the folder is nowhere.
    """
    folder = _folder(asked.project, cwd, home)
    names = project_names(str(folder), cwd=cwd, home=home, state_dir=state_dir)
    if asked.project and not is_known(asked.project, Where(projects=names), cwd=cwd, home=home, state_dir=state_dir):
        raise UsageError(f"nothing to judge: there is no folder {folder}, and none of that name on record", MISSING)
    window = replace(asked, project=None).where(cwd=cwd, home=home, state_dir=state_dir)
    rules = _Rules(allow, config.load(str(state_dir), environ), folder)
    groups = usage(state_dir, (By.PROJECT,), window).groups
    projects = {group.key[0]: group.sessions for group in groups}
    ours = {project: count for project, count in projects.items() if is_below(project, names)}
    without = sorted(project for project in ours or {str(folder): 0} if not rules.of(project))
    if without:
        raise UsageError(f"no list of allowed backends for {', '.join(without)}", HINT)
    stretches = outside(state_dir, rules.allow, replace(window, projects=names))
    wrong = [stretch for stretch in stretches if not stretch.held_back]
    return {
        "passed": not wrong,
        "project": str(folder),
        "allowed": sorted({entry for project in ours or {str(folder): 0} for entry in rules.of(project)}),
        "sessions": sum(ours.values()),
        "outside": [stretch.as_json() for stretch in wrong],
        "held_back": len({stretch.session_id for stretch in stretches if stretch.held_back}),
        "not_known": _not_known(projects, ours, without_way(state_dir, replace(window, projects=names))),
    }


class _Rules:
    """The list of allowed backends for each project."""

    def __init__(self, allow: Sequence[str], configured: config.Config, folder: Path) -> None:
        try:
            self.given = tuple(backends(list(allow)))
        except ValueError as fault:
            raise UsageError(f"--allow {fault}", "e.g. --allow http://dell-pro-max:8000 --allow bedrock") from fault
        self.configured, self.folder = configured, folder

    def of(self, project: str | None) -> tuple[str, ...]:
        """The list for this project, empty where there is none."""
        # a hash says nothing of where it is, but only the asked folder's own is among the sessions
        hashed = project is None or project.startswith(HASHED)
        return self.given or self.configured.for_project(str(self.folder) if hashed else project).allowed_backends

    def allow(self, project: str | None, kind: str, url: str | None, via: str | None) -> bool:
        """Whether a project may use a backend, and go there through this."""
        allowed = self.of(project)
        return is_allowed(kind, url, allowed) and is_way_allowed(via, allowed)


def _folder(asked: str | None, cwd: Path, home: Path) -> Path:
    if asked is None:
        layout = git_layout(cwd)
        return layout.root if layout else cwd
    return Path(asked) if asked.startswith(HASHED) else folder_named(asked, cwd=cwd, home=home)


def _not_known(projects: Mapping[str, int], ours: Mapping[str, int], without_way: int) -> list[str]:
    """What was not looked at, in sentences."""
    nameless = projects.get(UNKNOWN, 0)
    hashed = sum(count for project, count in projects.items() if project.startswith(HASHED) and project not in ours)
    said = [LIMITS]
    if without_way:
        said.append(f"through which proxy, if any: {counted(without_way)} from before that was put on record")
    if nameless:
        said.append(f"not checked: {counted(nameless)} without a project on record (log.project is off)")
    if hashed:
        said.append(
            f"not checked: {counted(hashed)} with only a hash of {'its' if hashed == 1 else 'their'} project on"
            " record; a hash is found for the very folder, not for those above it"
        )
    return said
