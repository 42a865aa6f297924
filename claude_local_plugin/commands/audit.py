"""Did any session of a project use a backend outside the allowed list?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from claude_local_plugin.sessionlog.queries.filters import LOCAL, is_below, is_own
from claude_local_plugin.sessionlog.queries.usage import UNKNOWN, By, usage
from claude_local_plugin.text import counted

if TYPE_CHECKING:
    from claude_local_plugin.sessionlog.queries.log import Source

#: What no log can know.
LIMITS = (
    "sessions from before the hooks were installed, with hooks switched off, or on another machine are not on record"
)
#: What no team's log can know.
LIMITS_OF_TEAMS = (
    "sessions from before the hooks were installed, with hooks switched off, or that their machine has not pushed are"
    " not on record"
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
    source: "Source | None" = None,
) -> dict[str, Any]:
    """The report of `claude-local audit` (schemas/audit.schema.json).

    The project is the asked folder with all below it, by default the repository or folder this is; of a team's log
    (`source`) all projects. `allow` are URLs, kinds of the cloud, "cloud", or "local"; without any, what config.toml
    says for each session's project. Raises UsageError when that leaves sessions that cannot be judged, or the folder is
    nowhere.
    """
    source = state_dir if source is None else source
    shared = not isinstance(source, Path)
    folder: Path | None = None
    names: tuple[str, ...] = ()
    if asked.project or not shared:
        folder = _folder(asked.project, cwd, home)
        names = project_names(_named(asked.project, folder), cwd=cwd, home=home, state_dir=state_dir)
    if asked.project and not is_known(asked.project, Where(projects=names), cwd=cwd, home=home, source=source):
        raise UsageError(f"nothing to judge: there is no folder {folder}, and none of that name on record", MISSING)
    window = replace(asked, project=None).where(cwd=cwd, home=home, state_dir=state_dir)
    rules = _Rules(allow, config.load(str(state_dir), environ), folder)
    groups = usage(source, (By.PROJECT,), window).groups
    projects = {group.key[0]: group.sessions for group in groups}
    ours = {project: count for project, count in projects.items() if not names or is_below(project, names)}
    judged = ours or {str(folder or UNKNOWN): 0}
    without = sorted(project for project in judged if not rules.of(project))
    if without:
        raise UsageError(f"no list of allowed backends for {_some(without)}", HINT)
    stretches = outside(source, rules.allow, replace(window, projects=names))
    wrong = [stretch for stretch in stretches if not stretch.held_back]
    return {
        "passed": not wrong,
        "project": _named(asked.project, folder) if folder else None,
        "allowed": sorted({entry for project in judged for entry in rules.of(project)}),
        "sessions": sum(ours.values()),
        **({"machines": len(usage(source, (By.MACHINE,), replace(window, projects=names)).groups)} if shared else {}),
        "outside": [stretch.as_json() for stretch in wrong],
        "held_back": len({(stretch.machine, stretch.session_id) for stretch in stretches if stretch.held_back}),
        "not_known": _not_known(
            projects, ours, without_way(source, replace(window, projects=names)), LIMITS_OF_TEAMS if shared else LIMITS
        ),
    }


def _some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _named(asked: str | None, folder: Path) -> str:
    """A pattern as it was typed, else the folder."""
    return asked if asked and "*" in asked else str(folder)


class _Rules:
    """The list of allowed backends for each project."""

    def __init__(self, allow: Sequence[str], configured: config.Config, folder: Path | None) -> None:
        self.local = LOCAL in allow
        try:
            self.given = tuple(backends([entry for entry in allow if entry != LOCAL]))
        except ValueError as fault:
            raise UsageError(f"--allow {fault}", "e.g. --allow http://dell-pro-max:8000 --allow bedrock") from fault
        self.configured, self.folder = configured, folder

    def of(self, project: str | None) -> tuple[str, ...]:
        """The list for this project, empty where there is none."""
        # a hash says nothing of where it is, but only the asked folder's own is among the sessions
        hashed = project is None or project == UNKNOWN or project.startswith(HASHED)
        given = (*self.given, *((LOCAL,) if self.local else ()))
        asked = None if self.folder is None else str(self.folder)
        return given or self.configured.for_project(asked if hashed else project).allowed_backends

    def allow(self, project: str | None, kind: str, url: str | None, via: str | None) -> bool:
        """Whether a project may use a backend, and go there through this."""
        allowed = self.of(project)
        is_there = (self.local and is_own(kind, url)) or is_allowed(kind, url, allowed)
        return is_there and is_way_allowed(via, allowed)


def _folder(asked: str | None, cwd: Path, home: Path) -> Path:
    if asked is None:
        layout = git_layout(cwd)
        return layout.root if layout else cwd
    return Path(asked) if asked.startswith(HASHED) else folder_named(asked, cwd=cwd, home=home)


def _not_known(projects: Mapping[str, int], ours: Mapping[str, int], without_way: int, limits: str) -> list[str]:
    """What was not looked at, in sentences."""
    nameless = 0 if UNKNOWN in ours else projects.get(UNKNOWN, 0)
    hashed = sum(count for project, count in projects.items() if project.startswith(HASHED) and project not in ours)
    said = [limits]
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
