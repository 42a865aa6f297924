"""What `--fix` would change, file by file: planned as text first, so that it can be shown before it is done."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from claude_local_plugin import git
from claude_local_plugin.client_config import plan
from claude_local_plugin.core.endpoint import PLACEHOLDER
from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.doctor.checks.privacy import MARKETPLACE, NONESSENTIAL
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.doctor.model import Finding, Place, fix_command
from claude_local_plugin.doctor.repair import mendable, strict
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.precedence import Scope, Snapshot
from claude_local_plugin.servers import ServedModel
from claude_local_plugin.settings import file, hooks, ownership, statusline
from claude_local_plugin.settings.document import Append, Change, RemoveItem, edit, parse, same

#: The keys of enable's plan that mend each check.
PLANNED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "leak.api-key",
            "leak.console-key",
            "leak.headers",
            "leak.helper",
            "leak.login",
            "leak.shell-api-key",
            "leak.shell-oauth-token",
            "leak.shell-token",
            "leak.token",
        ),
        ("env.ANTHROPIC_AUTH_TOKEN", "env.ANTHROPIC_API_KEY", "env.ANTHROPIC_CUSTOM_HEADERS", "apiKeyHelper"),
    ),
    "precedence.provider": tuple(f"env.{switch}" for switch in plan.PROVIDER_SWITCHES),
    "precedence.proxy": ("env.NO_PROXY", "env.no_proxy"),
    "model.served": tuple(
        f"env.{name}"
        for name in (
            "ANTHROPIC_MODEL",
            *plan.ALIAS_VARIABLES,
            "CLAUDE_CODE_SUBAGENT_MODEL",
            "ANTHROPIC_SMALL_FAST_MODEL",
        )
    ),
    "model.window": ("env.CLAUDE_CODE_MAX_CONTEXT_TOKENS", "env.CLAUDE_CODE_MAX_OUTPUT_TOKENS"),
    "model.concurrency": (f"env.{plan.SUBAGENTS_AT_ONCE}",),
    "model.compaction": (f"env.{plan.NO_AUTO_COMPACT}", plan.AUTO_COMPACT),
    "model.output": ("env.CLAUDE_CODE_MAX_OUTPUT_TOKENS",),
    "client.auto-mode": ("permissions.defaultMode",),
}


def _line(name: str, value: str, reason: str) -> plan.Line:
    return plan.Line(("env", name), value, reason)


_ALL_TOOLS = (
    _line("CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS", "1", "the server refuses what this leaves out"),
    _line("ENABLE_TOOL_SEARCH", "false", "the server refuses tools that are sent later"),
)
#: Lines that mend a check whatever the server is and whoever set something else.
FIXED: Mapping[str, tuple[plan.Line, ...]] = {
    "cache.attribution": (_line("CLAUDE_CODE_ATTRIBUTION_HEADER", "0", "so that every prompt begins alike"),),
    "cache.folders": (_line("CLAUDE_CODE_DISABLE_AUTO_MEMORY", "1", "so that folders share their prompts' beginning"),),
    "client.known-bad": _ALL_TOOLS,
    "client.retries": (_line("CLAUDE_CODE_MAX_RETRIES", "2", "so that a dead server shows within seconds"),),
    "client.timeouts": (
        _line("API_TIMEOUT_MS", plan.SLOW_PREFILL_MS, "reading a long prompt takes this server long"),
        _line("API_FORCE_IDLE_TIMEOUT", "0", "else a body that is silent for five minutes is cut off"),
        _line("CLAUDE_STREAM_IDLE_TIMEOUT_MS", plan.SLOW_PREFILL_MS, "reading a long prompt takes this server long"),
    ),
    "model.fields": _ALL_TOOLS,
    "model.images": tuple(plan.denied(rule, "the model takes no pictures") for rule in plan.NO_PICTURES),
    "model.web-search": (plan.denied(plan.WEB_SEARCH, "the server searches nothing for it"),),
    "privacy.plugins": (_line(MARKETPLACE, "1", "no plugin download at the first start"),),
    "privacy.traffic": (_line(NONESSENTIAL, "1", "no telemetry, no update checks, no title requests"),),
    "privacy.web-fetch": (plan.Line(("skipWebFetchPreflight",), True, "WebFetch asks nobody first"),),
}


@dataclass(frozen=True, slots=True)
class Tools:
    """What planning needs from outside: the world with other texts in some files, our own paths, the model to pin.

    `model` is the served model for names that are not served; None where that is for the user to choose.
    """

    snapshot: Callable[[Mapping[Path, str | None]], Snapshot]
    settings_file: Callable[[Scope], Path]
    state_dir: Path
    python: str
    hooks_dir: Path
    config_dir: Path | None = None
    model: ServedModel | None = None


@dataclass(frozen=True, slots=True)
class Fix:
    """One file's change: for which checks, the text before and after (None: no file), or its new mode; how to do it."""

    path: Path
    checks: tuple[str, ...]
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)
    carry_out: Callable[[], None] = field(repr=False)
    mode: int | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)


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
    def to_be_continued(self) -> bool:
        """Whether more can be planned once the next fixes are done: a file counts then that did not."""
        return any(each.later for each in self.refused) or any("files.json" in each.checks for each in self.next)

    @property
    def next(self) -> tuple[Fix, ...]:
        """The fixes that are still to be done."""
        return self.fixes[self.done :]

    def and_then(self, more: "Planned") -> "Planned":
        """These, done, and what could be planned after them."""
        return Planned((*self.fixes, *more.fixes), more.refused, len(self.fixes), self.refused)


def planned(facts: Facts, findings: Iterable[Finding], tools: Tools) -> Planned:
    """The changes that mend these findings; reads files and writes nothing.

    A file that Claude Code drops is mended first and alone: what else belongs into it can be said once it counts.
    """
    wanted = {finding.id: finding for finding in findings if finding.fixable}
    fixes: list[Fix] = []
    refused: list[Refused] = []
    if "files.json" in wanted:
        fixes += _mended(facts, tools)
    if "files.mode" in wanted:
        fixes += _private([f for f in findings if f.id == "files.mode" and f.fixable])
    if "files.git" in wanted:
        fixes += _excluded(facts, tools)
    taken = {fix.path for fix in fixes if fix.mode is None}
    for path, edits, refusal in _settings(facts, wanted, tools):
        if path in taken:
            refused.append(Refused(edits.checks, f"{path} is mended first", later=True))
        elif refusal is not None:
            refused.append(refusal)
        else:
            try:
                fixes += _edited(path, edits, tools)
            except ClaudeLocalError as error:
                refused.append(Refused(edits.checks, error.message))
    return Planned(tuple(fixes), tuple(refused))


def _mended(facts: Facts, tools: Tools) -> Iterator[Fix]:
    for each in facts.settings:
        if each.path is not None and mendable(each):
            before = file.read(each.path)
            yield _rewriting(each.path, "files.json", before, strict, tools)


def _rewriting(path: Path, check: str, before: str | None, change: Callable[[str], str], tools: Tools) -> Fix:
    def carry_out() -> None:
        file.rewrite(path, lambda text: change(text or ""), lock_dir=tools.state_dir / "locks")

    return Fix(path, (check,), before, change(before or ""), carry_out)


def _private(findings: Sequence[Finding]) -> Iterator[Fix]:
    for finding in findings:
        if isinstance(finding.where, Place):
            path = finding.where.path
            text = file.read(path)
            yield Fix(path, ("files.mode",), text, text, partial(path.chmod, 0o600), mode=0o600)


def _excluded(facts: Facts, tools: Tools) -> Iterator[Fix]:
    for each in facts.settings:
        standing = facts.standings.get(each.path) if each.path else None
        if each.scope is not Scope.LOCAL or standing is None or standing.exclude_file is None:
            continue
        if standing.in_repository and not standing.tracked and not standing.ignored and not standing.problem:
            before = file.read(standing.exclude_file)
            added = partial(git.with_line, line=standing.exclude_line)
            yield _rewriting(standing.exclude_file, "files.git", before, added, tools)


# --- edits of settings files, on record, so that disable takes them back


@dataclass(slots=True)
class _Edits:
    """What is to change in one settings file: lines to set, and whether its broken hooks are to be made anew."""

    checks: tuple[str, ...] = ()
    lines: list[plan.Line] = field(default_factory=list)
    hooks: bool = False
    with_entries: bool = True
    status_line: bool = False


def _settings(
    facts: Facts, wanted: Mapping[str, Finding], tools: Tools
) -> Iterator[tuple[Path, _Edits, Refused | None]]:
    by_path: dict[Path, _Edits] = {}
    ids = tuple(check for check in wanted if check in PLANNED or check in FIXED)
    if ids:
        scope = _scope(facts)
        if scope is None:
            reason = "the server's address is set where claude-local does not write (managed settings or --settings)"
            yield Path(), _Edits(ids), Refused(ids, reason)
        else:
            path = tools.settings_file(scope)
            lines, refusals = _lines(facts, ids, path, scope, tools)
            done = tuple(check for check in ids if check not in {each for r in refusals for each in r.checks})
            for refusal in refusals:
                yield path, _Edits(refusal.checks), refusal
            if done:
                by_path[path] = _Edits(done, lines)
    if "hooks.broken" in wanted:
        for scope_name, path in dict.fromkeys((hook.scope, Path(hook.path)) for hook in facts.hooks if hook.problem):
            if scope_name in (Scope.MANAGED, Scope.FLAG):
                continue
            edits = by_path.setdefault(path, _Edits())
            edits.checks = (*edits.checks, "hooks.broken")
            edits.hooks, edits.with_entries = True, scope_name != Scope.PROJECT
    if "hooks.statusline" in wanted and facts.status_line is not None:
        edits = by_path.setdefault(Path(facts.status_line.path), _Edits())
        edits.checks = (*edits.checks, "hooks.statusline")
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


def _lines(
    facts: Facts, ids: Sequence[str], path: Path, scope: Scope, tools: Tools
) -> tuple[list[plan.Line], list[Refused]]:
    """The lines that mend these checks and do not stand in the file yet, and what cannot be mended."""
    refused = []
    if "model.served" in ids and tools.model is None:
        choose = command("claude-local", "enable", "--url", facts.url or Words("URL"), "--model", Words("NAME"))
        reason = f"several models are served, so one has to be chosen: {choose}"
        refused.append(Refused(("model.served",), reason))
    before = file.read(path)
    try:
        parse(before or "")
        record = ownership.load(path, tools.state_dir)
        alone = ownership.preview(before, {ownership.BACKEND: ()}, record).after
    except ClaudeLocalError as error:
        return [], [Refused(tuple(ids), f"{path}: {error.message}: {fix_command('files.json')}")]
    keys = {key for check in ids if check != "model.served" or tools.model for key in PLANNED.get(check, ())}
    proposed = plan.lines(tools.snapshot({path: alone}), _backend(facts, tools), facts.needs, scope)
    lines = [line for line in proposed if line.key in keys]
    lines += [line for check in ids for line in FIXED.get(check, ())]
    tracked = facts.standings.get(path)
    if tracked is not None and tracked.tracked and any(line.secret for line in lines):
        return [], [*refused, Refused(tuple(ids), f"{path} is tracked by git, and a key would be written there")]
    return [line for line in lines if not line.stands_in(before)], refused


def _backend(facts: Facts, tools: Tools) -> plan.Backend:
    """The server as enable would plan for it, with the key that the address's own file holds."""
    server = facts.server
    model = facts.main_model or tools.model
    name = model.name if model else facts.names[0].name
    url = facts.url or facts.env.get("ANTHROPIC_BASE_URL", "")
    endpoint, token = facts.resolution.decisions["base_url"].winner, facts.resolution.decisions["authorization"].winner
    own = token is not None and endpoint is not None and token.path is not None and token.path == endpoint.path
    value = token.value if own and token is not None and token.key == "env.ANTHROPIC_AUTH_TOKEN" else None
    backend = plan.Backend(
        url,
        server.kind if server else "unknown",
        name,
        model.max_model_len if model else None,
        server.version if server else None,
        value or PLACEHOLDER,
    )
    return replace(backend, at_once=plan.room_for(server, backend, facts.needs)) if server else backend


def _edited(path: Path, edits: _Edits, tools: Tools) -> Iterator[Fix]:
    before = file.read(path)
    record = ownership.load(path, tools.state_dir)
    strays = _strays(before, record) if edits.hooks else ()
    cleaned = edit(before or "", strays).text if strays else before
    wanted = _wanted(record, edits, tools)
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
        ownership.apply(path, wanted, state_dir=tools.state_dir)

    if after != before:
        secrets = tuple(str(line.value) for line in edits.lines if line.secret)
        yield Fix(path, edits.checks, before, after, carry_out, secrets=secrets)


def _wanted(record: ownership.Record | None, edits: _Edits, tools: Tools) -> dict[str, Sequence[Change]]:
    """Each purpose's edits: those on record, with the new lines in their place and the hooks made anew."""
    backend = record.layer(ownership.BACKEND) if record else None
    former = backend.changes if backend else ()
    hooked = [change for change in former if isinstance(change, Append) and change.path[0] == "hooks"]
    entries = (
        hooks.entries(tools.python, tools.hooks_dir, tools.state_dir, tools.config_dir) if edits.with_entries else ()
    )
    wanted: dict[str, Sequence[Change]] = {}
    if edits.lines or (edits.hooks and hooked):
        paths = {line.path for line in edits.lines if not line.item}
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
