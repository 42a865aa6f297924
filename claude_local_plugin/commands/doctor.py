"""Is everything well here? Looks once, checks, and fixes what can be fixed in settings of ours."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from claude_local_plugin import paths
from claude_local_plugin.checks import exit_code
from claude_local_plugin.client_config.choose_server import without_aliases
from claude_local_plugin.client_config.headers import from_variable
from claude_local_plugin.commands.masking import masked_diff
from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.doctor import CHECKS, Check, Facts, Finding, Result, foresight, gather, run
from claude_local_plugin.doctor.checks import chosen, own_fix
from claude_local_plugin.doctor.facts import own_headers, own_token
from claude_local_plugin.doctor.fixers import Tools
from claude_local_plugin.doctor.fixes import Fix, Planned, planned
from claude_local_plugin.doctor.preconditions import ABOUT_THE_SERVER
from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.precedence import Scope, settings_file_to_write
from claude_local_plugin.servers import ServedModel, State
from claude_local_plugin.servers import examination as examination
from claude_local_plugin.servers.well_known import ANY_NAME, ROUTES_UNLISTED, label
from claude_local_plugin.settings import file
from claude_local_plugin.text import printable
from claude_local_plugin.world import World

SCHEMA_VERSION = 1

#: How long one request of `--deep` may take, in seconds: a large model on a small machine reads slowly.
DEEP_TIMEOUT_S = 180.0


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for: check ids and groups, another server and the variable with its key.

    `acts`: something is to be fixed, or real requests are to be sent.
    """

    names: tuple[str, ...] = ()
    url: str | None = None
    token_env: str | None = None
    acts: bool = False


@dataclass(frozen=True, slots=True)
class Deep:
    """What `--deep` is about to do: to which model of which server, how many requests, about how many tokens."""

    url: str
    model: ServedModel
    kind: str
    requests: int
    tokens: int
    token: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found, by which checks, from which facts, in how many seconds."""

    facts: Facts = field(repr=False)
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def exit_code(self) -> int:
        """1 where something is wrong or could not be completed, else 0."""
        return exit_code(self.findings)

    def count(self, result: Result) -> int:
        """How many findings came out like this."""
        return sum(finding.result is result for finding in self.findings)


def look(request: Request, world: World) -> tuple[tuple[Check, ...], Facts]:
    """The chosen checks and what they look at; reads, asks the server without making a model run, writes nothing.

    Raises UsageError for an unknown check or group, a URL that cannot be used, and a variable that is not set.
    """
    checks = chosen(request.names)
    token = _token(request, world)
    # what is chosen may be a matter of files alone: then the server is left in peace
    ask_server = request.acts or asks_the_server(checks)
    facts = gather(
        world.snapshot(),
        state_dir=world.state_dir,
        url=request.url,
        token=token,
        token_env=request.token_env,
        ask_server=ask_server,
    )
    return checks, facts


def asks_the_server(checks: Iterable[Check]) -> bool:
    """Whether one of these checks looks at what the server answers."""
    return any(needed in ABOUT_THE_SERVER for check in checks for needed in check.preconditions)


def _token(request: Request, world: World) -> str | None:
    if request.token_env is None:
        return None
    if request.url is None:
        raise UsageError(
            "--token-env is the key for the server of --url",
            command("claude-local", "doctor", "--url", Words("URL"), "--token-env", request.token_env),
        )
    return from_variable("--token-env", request.token_env, world.environ, "the key your server was started with")


def checked(facts: Facts, checks: Sequence[Check], began: float) -> Report:
    """What the checks find; `began` is when looking began, by time.monotonic()."""
    return Report(facts, tuple(checks), run(facts, checks), time.monotonic() - began)


# --- real requests


def deep_plan(facts: Facts, request: Request, world: World) -> Deep | str:
    """What `--deep` would send, or why it cannot."""
    server = facts.server
    if server is None:
        return "there is no server of your own to send requests to"
    if server.state not in (State.READY, State.OVERLOADED):
        return f"{facts.host} is not ready ({server.state})"
    model = _examined(facts)
    if model is None:
        return f"{facts.host} lists no model"
    plan = examination.planned(budget=examination.gets_budget(model.name))
    token = _token(request, world) or own_token(facts.snapshot, facts.resolution, server.url)
    headers = own_headers(facts.snapshot, facts.resolution, server.url)
    return Deep(server.url, model, server.kind, len(plan), sum(step.about_tokens for step in plan), token, headers)


def _examined(facts: Facts) -> ServedModel | None:
    """The model to send requests to: the one sessions here use, else the server's first."""
    assert facts.server is not None
    if not facts.elsewhere and facts.own_server:
        if facts.main_model is not None:
            return facts.main_model
        if facts.server.kind in ROUTES_UNLISTED | ANY_NAME:  # these answer to names they do not list
            return ServedModel(facts.names[0].name)
    return facts.server.models[0] if facts.server.models else None


def deepen(facts: Facts, plan: Deep | str, progress: examination.Progress | None = None) -> Facts:
    """The facts with what real requests showed, or with the reason why there is nothing."""
    if isinstance(plan, str):
        return replace(facts, deep_problem=f"no request was sent: {plan}")
    seen = examination.examine(
        plan.url,
        plan.model.name,
        token=plan.token,
        headers=plan.headers,
        kind=plan.kind,
        root=plan.model.root,
        progress=progress,
        timeout=DEEP_TIMEOUT_S,
    )
    return replace(facts, deep=seen, metrics=seen.metrics_after or facts.metrics)


def announcement(plan: Deep) -> str:
    """What `--deep` says before it sends anything."""
    return (
        f"sending up to {plan.requests} real requests (about {plan.tokens:,} tokens of prompt in all) to"
        f" {label(plan.kind)} at {plan.url} as {printable(plan.model.name)}"
    )


# --- fixing


def fixes(report: Report, world: World, names: Sequence[str]) -> Planned:
    """What `--fix` would do about this report; checks with a price are fixed only where they are named."""
    return _planned(report, _tools(report.facts, world), names)


def _planned(report: Report, tools: Tools, names: Sequence[str]) -> Planned:
    priced = {check.id for check in CHECKS if check.on_request and check.id not in names}
    findings = [finding for finding in report.findings if finding.id not in priced]
    return planned(report.facts, CHECKS, findings, tools)


def _tools(facts: Facts, world: World) -> Tools:
    def settings_file(scope: Scope) -> Path:
        return settings_file_to_write(
            scope, cwd=world.cwd, home=world.home, environ=world.environ, client_version=world.client_version
        )

    return Tools(
        snapshot=world.snapshot,
        settings_file=settings_file,
        state_dir=world.state_dir,
        python=world.python,
        hooks_dir=paths.shipped("hooks"),
        config_dir=world.config_dir,
        model=_only_model(facts),
    )


def _only_model(facts: Facts) -> ServedModel | None:
    """The model to pin every name to: the session's own, or the only one there is."""
    if facts.main_model is not None:
        return facts.main_model
    if facts.server is None:
        return None
    return facts.server.models[0] if len(facts.server.models) == 1 else without_aliases(facts.server)


def diff(fix: Fix) -> str:
    """The change as people see it: a unified diff with secrets masked, or the new mode."""
    if fix.mode is not None:
        return command("chmod", f"{fix.mode:o}", str(fix.path)) + "\n"
    return masked_diff(fix.before, fix.after, fix.path, secrets=fix.secrets)


def carry_out(fixes: Iterable[Fix]) -> None:
    """Write the changes; raises SettingsError, the file in question being as it was."""
    for fix in fixes:
        fix.carry_out()


# --- what to do first

#: As many rounds are planned at most: what is found once a file counts again is fixed in the next one.
MOST_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class First:
    """The one command that fixes most of what was found: `fixes` of `of` findings would go, `left` would stay."""

    command: str
    fixes: int
    of: int
    left: tuple[Finding, ...] = field(default=(), repr=False)


def first(report: Report, world: World, names: Sequence[str]) -> First | None:
    """What to do first where one command fixes most of what was found, or every error; else None.

    Nothing is estimated: what would be left is what the same checks find in the world as it would be.
    """
    found = [finding for finding in report.findings if finding.result.bad]
    if len(found) < 2 or report.facts.elsewhere:
        return None
    plans = (_by_fixing(report, world, names), *_by_enabling(report, world))
    best: First | None = None
    for typed, then in (plan for plan in plans if plan is not None):
        left = tuple(finding for finding in run(then, report.checks) if finding.result.bad)
        gone = Counter(finding.id for finding in found) - Counter(finding.id for finding in left)
        if best is None or gone.total() > best.fixes:
            best = First(typed, gone.total(), len(found), left)
    if best is None or best.fixes < 2:
        return None
    worst = any(finding.result is Result.ERROR for finding in found)
    ends_errors = worst and not any(finding.result is Result.ERROR for finding in best.left)
    return best if ends_errors or 2 * best.fixes > best.of else None


def _by_fixing(report: Report, world: World, names: Sequence[str]) -> tuple[str, Facts] | None:
    """`doctor --fix` of the same checks, and the facts after it; None where that changes nothing or cannot be said."""
    facts, texts = report.facts, dict[Path, str | None]()
    on_record, asks = set[Path](), asks_the_server(report.checks)
    for _ in range(MOST_ROUNDS):
        tools = _foreseen(facts, world, texts)
        plan = _planned(replace(report, facts=facts, findings=run(facts, report.checks)), tools, names)
        if not plan.fixes:
            break
        if any(fix.path in on_record for fix in plan.fixes):  # what is on record then is not known here
            return None
        on_record |= {fix.path for fix in plan.fixes if fix.wanted is not None}
        change = foresight.of_fixes(facts, plan.fixes)
        texts |= change.texts
        facts = foresight.afterwards(facts, replace(change, texts=texts, asks=asks), tools)
    deep = ("--deep",) if report.facts.deep is not None else ()
    return None if facts is report.facts else (command("claude-local", "doctor", *deep, "--fix", *names), facts)


def _by_enabling(report: Report, world: World) -> Iterator[tuple[str, Facts]]:
    """Each `enable` that would write a server for sessions here which answers, and the facts after it."""
    from claude_local_plugin.client_config.choose_server import Request as Wanted
    from claude_local_plugin.commands import enable

    facts = report.facts
    base = facts.resolution.decisions["base_url"].winner
    scope = Scope.USER if base is not None and base.scope is Scope.USER else Scope.LOCAL
    answering = [server.url for server in (facts.server, *facts.others) if server is not None and server.usable]
    if facts.url is None and asks_the_server(report.checks):
        answering = [url for owned in facts.owned if (url := owned.url)]
    for url in answering[:2]:
        request = Wanted(url=url, scope=scope)
        try:
            prepared = enable.prepare(request, world)
        except ClaudeLocalError:  # it would end with this error, and mend nothing
            continue
        asked = (prepared.server,) if prepared.server is not None else ()
        settings_file = prepared.settings_file
        closed = {settings_file: facts.modes[settings_file] & 0o700} if prepared.private else {}
        unseen = frozenset({settings_file}) if prepared.exclude else frozenset()
        change = foresight.Change(
            {settings_file: prepared.after}, closed, {settings_file: prepared.wanted}, unseen, asked
        )
        yield request.again(), foresight.afterwards(facts, change, _tools(facts, world))


def _foreseen(facts: Facts, world: World, texts: Mapping[Path, str | None]) -> Tools:
    """What planning needs, in the world as it is but for these texts."""
    return replace(
        _tools(facts, world),
        snapshot=lambda more: world.snapshot({**texts, **more}),
        read=lambda path: texts[path] if path in texts else file.read(path),
    )


# --- as data


def report_json(
    report: Report, plan: Planned | None = None, *, applied: bool = False, first: First | None = None
) -> dict[str, Any]:
    """The object that `doctor --json` prints (schemas/doctor.schema.json), secrets masked."""
    counts = Counter(finding.result.value for finding in report.findings)
    data: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "url": report.facts.url,
        "deep": report.facts.deep is not None,
        "findings": [finding.as_json() for finding in report.findings],
        "counts": {result.value: counts[result.value] for result in Result},
        "seconds": round(report.seconds, 3),
        "first": None if first is None else {"command": first.command, "fixes": first.fixes, "of": first.of},
    }
    if plan is not None:
        data["fixes"] = [
            {"path": str(fix.path), "checks": list(fix.checks), "diff": diff(fix), "applied": applied}
            for fix in plan.fixes
        ]
        data["refused"] = [{"checks": list(each.checks), "reason": each.reason} for each in plan.refused]
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
    ]
    if check.said:
        lines.append(f"words: {', '.join(check.said)}")
    if check.deep:
        lines.append("needs: --deep, since only real requests can tell")
    if check.fixable:
        price = ", and only if it is named, since it has a price" if check.on_request else ""
        lines.append(f"run:   {own_fix(check)}{price}")
    return lines
