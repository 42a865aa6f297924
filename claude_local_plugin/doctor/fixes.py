"""What `--fix` would change, file by file: planned as text first, so that it can be shown before it is done."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from claude_local_plugin.client_config import budget, build, hand_edits
from claude_local_plugin.client_config.destination import SettingsFile, accepted
from claude_local_plugin.client_config.model import Backend, Line
from claude_local_plugin.core.endpoint import PLACEHOLDER
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.doctor.fixers import Hooks, Impossible, Lines, Mode, Rewrite, StatusLine, Step, Tools
from claude_local_plugin.doctor.model import Check, Finding, fix_command
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.precedence import Scope
from claude_local_plugin.settings import file, hooks, ownership, statusline
from claude_local_plugin.settings.document import Append, Change, RemoveItem, edit, parse, same


@dataclass(frozen=True, slots=True)
class Fix:
    """One file's change: for which checks, the text before and after (None: no file), or its new mode; how to do it.

    `first`: what else belongs into the file can be said once this is done. `wanted` is what goes on record with it.
    """

    path: Path
    checks: tuple[str, ...]
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)
    carry_out: Callable[[], None] = field(repr=False)
    mode: int | None = None
    first: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)
    wanted: ownership.Wanted | None = field(default=None, repr=False)

    def does_what(self, done: "Fix") -> bool:
        """Whether it leaves the file as that one has left it."""
        return (self.path, self.after, self.mode) == (done.path, done.after, done.mode)


@dataclass(frozen=True, slots=True)
class Refused:
    """What could not be planned, and why; `later`: not before the rest is done."""

    checks: tuple[str, ...]
    reason: str
    later: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """Everything that `--fix` would do, and what it cannot.

    `done` of the fixes are done already, and `told` was refused before that.
    """

    fixes: tuple[Fix, ...]
    refused: tuple[Refused, ...]
    done: int = 0
    told: tuple[Refused, ...] = ()

    @property
    def next(self) -> tuple[Fix, ...]:
        """The fixes that are still to be done."""
        return self.fixes[self.done :]

    def and_then(self, more: "Planned") -> "Planned":
        """These, done, and what could be planned after them; what is done already does not help a second time."""
        new = (fix for fix in more.fixes if not any(fix.does_what(done) for done in self.fixes))
        return Planned((*self.fixes, *new), more.refused, len(self.fixes), self.refused)


def planned(facts: Facts, checks: Iterable[Check], findings: Iterable[Finding], tools: Tools) -> Planned:
    """The changes that fix these findings of these checks; reads files and writes nothing.

    A file that Claude Code drops is repaired first and alone: what else belongs into it can be said once it counts.
    """
    fixable = [finding for finding in findings if finding.fixable]
    steps = [
        (check.id, step)
        for check in checks
        if check.fix is not None and (found := [finding for finding in fixable if finding.id == check.id])
        for step in check.fix(facts, found, tools)
    ]
    fixes = [fix for check, step in steps for fix in _by_itself(check, step, tools)]
    refused = [Refused((check,), step.reason) for check, step in steps if isinstance(step, Impossible)]
    first = {fix.path for fix in fixes if fix.first}
    for path, edits, refusal in _settings(facts, steps, tools):
        if path in first:
            refused.append(Refused(edits.checks, f"{path} is repaired first", later=True))
        elif refusal is not None:
            refused.append(refusal)
        else:
            try:
                fixes += _edited(path, edits, tools)
            except ClaudeLocalError as error:
                refused.append(Refused(edits.checks, error.message))
    return Planned(tuple(fixes), tuple(refused))


def _by_itself(check: str, step: Step, tools: Tools) -> Iterator[Fix]:
    """What one step changes outside of the settings that are on record."""
    if isinstance(step, Rewrite):
        before, path, change = tools.read(step.path), step.path, step.change

        def carry_out() -> None:
            file.rewrite(path, lambda text: change(text or ""), lock_dir=tools.state_dir / "locks")

        yield Fix(path, (check,), before, change(before or ""), carry_out, first=step.first)
    elif isinstance(step, Mode):
        text = tools.read(step.path)
        yield Fix(step.path, (check,), text, text, partial(step.path.chmod, step.mode), mode=step.mode)


# --- edits of settings files, on record, so that disable takes them back


@dataclass(slots=True)
class _Edits:
    """What is to change in one settings file: lines to set, and whether its broken hooks are to be made anew."""

    checks: tuple[str, ...] = ()
    lines: list[Line] = field(default_factory=list)
    hooks: bool = False
    with_entries: bool = True
    status_line: bool = False


def _settings(
    facts: Facts, steps: Sequence[tuple[str, Step]], tools: Tools
) -> Iterator[tuple[Path, _Edits, Refused | None]]:
    """What is to change in each settings file, or why it cannot."""
    by_path: dict[Path, _Edits] = {}
    if wanted := {check: step for check, step in steps if isinstance(step, Lines)}:
        ids, scope = tuple(wanted), _scope(facts)
        if scope is None:
            reason = "the server's address is set where claude-local does not write (managed settings or --settings)"
            yield Path(), _Edits(ids), Refused(ids, reason)
        else:
            path = tools.settings_file(scope)
            lines = _lines(facts, wanted, path, scope, tools)
            if isinstance(lines, Refused):
                yield path, _Edits(ids), lines
            else:
                by_path[path] = _Edits(ids, lines)
    for check, step in steps:
        if isinstance(step, Hooks | StatusLine):
            edits = by_path.setdefault(step.path, _Edits())
            edits.checks = tuple(dict.fromkeys((*edits.checks, check)))
            if isinstance(step, Hooks):
                edits.hooks, edits.with_entries = True, step.with_entries
            else:
                edits.status_line = True
    for path, edits in by_path.items():
        yield path, edits, None


def _scope(facts: Facts) -> Scope | None:
    """The scope to write to: the address's own, or the local one where that is the shell's or the team's."""
    winner = facts.resolution.decisions["base_url"].winner
    scope = winner.scope if winner else None
    if facts.resolution.value("provider") not in ("anthropic", "gateway"):  # then the address is not asked yet
        return Scope.LOCAL
    return {Scope.USER: Scope.USER, Scope.MANAGED: None, Scope.FLAG: None}.get(scope or Scope.LOCAL, Scope.LOCAL)


def _lines(facts: Facts, wanted: Mapping[str, Lines], path: Path, scope: Scope, tools: Tools) -> list[Line] | Refused:
    """The lines of these checks that do not stand in the file yet, or why they cannot be written."""
    before = tools.read(path)
    try:
        parse(before or "")
        record = ownership.load(path, tools.state_dir)
        alone = ownership.preview(before, {ownership.BACKEND: ()}, record).after
    except ClaudeLocalError as error:
        return Refused(tuple(wanted), f"{path}: {error.message}: {fix_command('files.json')}")
    destination = SettingsFile(scope)
    keys = {key for step in wanted.values() for key in step.planned}
    proposed = build.lines(tools.snapshot({path: alone}), _backend(facts, tools), facts.needs, destination)
    lines = [line for line in proposed if line.key in keys]
    lines += accepted(destination, (line for step in wanted.values() for line in step.fixed))
    tracked = facts.standings.get(path)
    if tracked is not None and tracked.tracked and any(line.secret for line in lines):
        return Refused(tuple(wanted), f"{path} is tracked by git, and a key would be written there")
    return [line for line in lines if not line.stands_in(before)]


def _backend(facts: Facts, tools: Tools) -> Backend:
    """The server as enable would plan for it, with the key that the address's own file holds."""
    server = facts.server
    model = facts.main_model or tools.model
    name = model.name if model else facts.names[0].name
    url = facts.url or facts.env.get("ANTHROPIC_BASE_URL", "")
    endpoint, token = facts.resolution.decisions["base_url"].winner, facts.resolution.decisions["authorization"].winner
    own = token is not None and endpoint is not None and token.path is not None and token.path == endpoint.path
    value = token.value if own and token is not None and token.key == "env.ANTHROPIC_AUTH_TOKEN" else None
    backend = Backend(
        url,
        server.kind if server else "unknown",
        name,
        model.max_model_len if model else None,
        server.version if server else None,
        value or PLACEHOLDER,
    )
    return replace(backend, at_once=budget.room_for(server, backend, facts.needs)) if server else backend


def _edited(path: Path, edits: _Edits, tools: Tools) -> Iterator[Fix]:
    before = tools.read(path)
    record = ownership.load(path, tools.state_dir)
    strays = _strays(before, record) if edits.hooks else ()
    cleaned = edit(before or "", strays).text if strays else before
    theirs = hand_edits.left_alone(before, record)
    wanted = _wanted(record, edits, tools, theirs)
    extras = hand_edits.remembered(before, record, {line.path for line in edits.lines})
    if edits.status_line:
        alone = ownership.preview(cleaned, {ownership.STATUSLINE: ()}, record).after
        line = statusline.plan(
            tools.snapshot({path: alone}), path, tools.python, tools.hooks_dir, tools.state_dir, tools.config_dir
        )
        wanted[ownership.STATUSLINE] = line.changes
    after = ownership.preview(cleaned, wanted, record).after

    def carry_out() -> None:
        if strays:
            file.rewrite(path, lambda text: edit(text or "", strays).text, lock_dir=tools.state_dir / "locks")
        ownership.apply(path, wanted, state_dir=tools.state_dir, extras=extras)

    if after != before:
        secrets = tuple(str(line.value) for line in edits.lines if line.secret)
        yield Fix(path, edits.checks, before, after, carry_out, secrets=secrets, wanted=wanted)


def _wanted(
    record: ownership.Record | None, edits: _Edits, tools: Tools, theirs: Collection[tuple[str, ...]]
) -> dict[str, Sequence[Change]]:
    """Each purpose's edits: those on record, with the new lines in their place and the hooks made anew.

    What somebody edited since, at the paths `theirs`, is not written again.
    """
    backend = record.layer(ownership.BACKEND) if record else None
    former = backend.changes if backend else ()
    hooked = [change for change in former if isinstance(change, Append) and change.path[0] == "hooks"]
    entries = (
        hooks.entries(tools.python, tools.hooks_dir, tools.state_dir, tools.config_dir) if edits.with_entries else ()
    )
    wanted: dict[str, Sequence[Change]] = {}
    if edits.lines or (edits.hooks and hooked):
        paths = {line.path for line in edits.lines if not line.item} | set(theirs)
        kept = [change for change in former if change.path not in paths and change not in hooked]
        new = entries if edits.hooks and hooked else hooked
        wanted[ownership.BACKEND] = (*kept, *(line.change() for line in edits.lines), *new)
    if edits.hooks and not hooked:
        wanted[ownership.HOOKS] = entries
    return wanted


def _strays(text: str | None, record: ownership.Record | None) -> tuple[RemoveItem, ...]:
    """Our hooks in the file that cannot run and are on no record: of a former installation, or copied by hand."""
    settings = parse(text or "").value()
    layers = [record.layer(purpose) for purpose in record.purposes] if record else []
    ours = [change.item for layer in layers if layer for change in layer.changes if isinstance(change, Append)]
    found = []
    for event, group in hooks.groups(settings if isinstance(settings, dict) else {}):
        argv = hooks.installed({"hooks": {event: [group]}})[event]
        if hooks.cannot_run(argv) and not any(same(group, value) for value in ours):
            found.append(RemoveItem(("hooks", event), group))
    return tuple(found)
